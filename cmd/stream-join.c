/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream-join - join two streams in event time: by the distance of their times, by windows, by sessions
 *
 * Path:   two inputs at once (run/sides), or one and --side -> in/scan -> op/pair -> stdout
 * Memory: the records that may still meet another one, their lines and about 80 bytes each, at most -S; what does not
 *         fit goes to disk, or ends the command where the stream may be endless.
 * A file is read twice where no --late is given: the first time tells how far its records are out of order.
 */
#include <stdlib.h>

#include "run/pairing.h"

struct state {
	const char *operand[2], *which;
	const char *keys[2], *time[2];
	const char *between, *window, *session, *offset;
	const char *late, *idle, *future, *late_to;
	int type, style;
	struct col_list key[2];
	struct pairing p;
};

#define AT(field) offsetof(struct state, field)
static const char *const type_words[] = { "inner", "left", "right", "full", "semi", "anti", NULL };
static const char *const style_words[] = { "ms", "s", "sql", "rfc3339", NULL };

static const struct opt opts[] = {
	{ 0, "left", OPT_TEXT, AT(operand[0]), "F", "the left stream: a file, a FIFO, -, wh:TABLE[@DAYS]" },
	{ 0, "right", OPT_TEXT, AT(operand[1]), "F", "the right stream" },
	{ 0, "side", OPT_TEXT, AT(which), "EXPR",
	    "one stream; true or 'left': a left record, false or 'right': a right one" },
	{ 'k', "key", OPT_TEXT, AT(keys[0]), "PATHS", "the key in left records" },
	{ 'K', "right-key", OPT_TEXT, AT(keys[1]), "PATHS", "the key in right records (that of -k)" },
	{ 't', "time", OPT_TEXT, AT(time[0]), "PATH[:s|ms|us]", "the time of left records" },
	{ 'T', "right-time", OPT_TEXT, AT(time[1]), "PATH[:s|ms|us]", "the time of right records (that of -t)" },
	{ 0, "between", OPT_TEXT, AT(between), "LO,HI", "pairs with LO <= right time - left time <= HI" },
	{ 0, "window", OPT_TEXT, AT(window), "DUR[,SLIDE]", "pairs within windows of DUR, one every SLIDE (DUR)" },
	{ 0, "session", OPT_TEXT, AT(session), "GAP", "pairs within sessions, which end where nothing comes for GAP" },
	{ 0, "offset", OPT_TEXT, AT(offset), "DUR", "shift where windows begin" },
	{ 0, "type", OPT_CHOICE, AT(type), "inner|left|right|full|semi|anti",
	    "pairs (inner), those alone too, or left records with (semi) or without (anti) a match", type_words },
	{ 0, "late", OPT_TEXT, AT(late), "DUR", "how far a stream is out of order at most" },
	{ 0, "late-to", OPT_TEXT, AT(late_to), "FILE", "write the records that come later than that to FILE" },
	{ 0, "idle", OPT_TEXT, AT(idle), "DUR", "a side that is silent for so long is not waited for" },
	{ 0, "max-future", OPT_TEXT, AT(future), "DUR", "a time further ahead of the clock is an error" },
	{ 0, "time-format", OPT_CHOICE, AT(style), "ms|s|sql|rfc3339",
	    "how window_start and window_end are written (ms)", style_words },
	{ 0 }
};

static int
check(struct ctx *c, const struct state *st)
{
	const char *const *files;

	if ((st->which == NULL) != (st->operand[0] != NULL && st->operand[1] != NULL) ||
	    (st->which != NULL && (st->operand[0] != NULL || st->operand[1] != NULL)))
		return ctx_usage(c, "--left and --right, or --side, are required");
	if (st->which == NULL && ctx_files(c, &files) > 0)
		return ctx_usage(c, "with --left and --right there are no further files");
	if (st->which == NULL && strcmp(st->operand[0], "-") == 0 && strcmp(st->operand[1], "-") == 0)
		return ctx_usage(c, "the standard input cannot be both sides");
	if (st->keys[0] == NULL || st->time[0] == NULL)
		return ctx_usage(c, "-k and -t are required");
	if ((st->between != NULL) + (st->window != NULL) + (st->session != NULL) != 1)
		return ctx_usage(c, "one of --between, --window and --session is required");
	if (st->offset != NULL && st->window == NULL)
		return ctx_usage(c, "--offset goes with --window");
	if (ctx_in_job(c) && (st->late != NULL || st->idle != NULL || st->future != NULL))
		return ctx_usage(c, "%s: in a barrier job the source says how far time has come", st->late != NULL ?
		    "--late" : st->idle != NULL ? "--idle" : "--max-future");
	if (ctx_in_job(c) && st->which == NULL)
		return ctx_usage(c, "in a barrier job both sides are one stream: --side EXPR");
	if (!ctx_in_job(c) && st->late == NULL && (st->late_to != NULL || st->idle != NULL))
		return ctx_usage(c, "%s goes with --late", st->late_to != NULL ? "--late-to" : "--idle");
	return 0;
}

/* A duration that has the same length everywhere. */
static int
exact(struct ctx *c, const char *text, const char *what, int64_t *us)
{
	struct dur d;
	int rc = ctx_dur(c, text, what, &d);

	if (rc == 0 && (d.days != 0 || d.months != 0))
		return ctx_usage(c, "%s takes exact durations, 24h, not 1d", what);
	*us = d.us;
	return rc;
}

static bool
negative(struct dur d)
{
	return d.us < 0 || d.days < 0 || d.months < 0;
}

/* The two halves of `A,B`; both A where there is no comma and one is enough. */
static int
halves(struct ctx *c, const char *text, const char *what, bool both, char *half[2])
{
	const char *comma = strchr(text, ',');

	if (comma == NULL && both)
		return ctx_usage(c, "%s takes two durations, LO,HI", what);
	half[0] = mem_dup(span_of(text, comma == NULL ? strlen(text) : (size_t)(comma - text)));
	half[1] = mem_str(comma == NULL ? text : comma + 1);
	return 0;
}

static int
set_up_kind(struct ctx *c, struct state *st)
{
	struct pair_conf *f = &st->p.conf;
	char *half[2] = { NULL, NULL };
	const char *why;
	int rc = 0;

	f->kind = st->between != NULL ? PAIR_BETWEEN : st->window != NULL ? PAIR_WINDOW : PAIR_SESSION;
	if (st->between != NULL && (rc = halves(c, st->between, "--between", true, half)) == 0 &&
	    (rc = exact(c, half[0], "--between", &f->lo_us)) == 0)
		rc = exact(c, half[1], "--between", &f->hi_us);
	if (st->window != NULL && (rc = halves(c, st->window, "--window", false, half)) == 0 &&
	    (rc = ctx_dur(c, half[0], "--window", &f->width)) == 0)
		rc = ctx_dur(c, half[1], "--window", &f->slide);
	if (st->session != NULL)
		rc = exact(c, st->session, "--session", &f->gap_us);
	if (rc == 0 && st->offset != NULL)
		rc = exact(c, st->offset, "--offset", &f->offset_us);
	free(half[0]);
	free(half[1]);
	if (rc == 0 && (why = pair_why(f)) != NULL)
		rc = ctx_usage(c, "%s: %s", st->between != NULL ? "--between" : st->window != NULL ? "--window" :
		    "--session", why);
	return rc;
}

static int
set_up_sides(struct ctx *c, struct state *st)
{
	struct pair_conf *f = &st->p.conf;
	int rc;

	for (int i = 0; i < 2; i++) {
		const char *keys = st->keys[i] != NULL ? st->keys[i] : st->keys[0];
		const char *time = st->time[i] != NULL ? st->time[i] : st->time[0];

		if ((rc = ctx_cols(c, keys, i == 0 ? "-k" : "-K", &st->key[i])) != 0 ||
		    (rc = ctx_time(c, time, i == 0 ? "-t" : "-T", &f->side[i].time, &f->side[i].unit)) != 0)
			return rc;
		f->side[i].key = st->key[i].col;
		f->side[i].bounded = st->late != NULL || ctx_in_job(c);
		if (st->late != NULL && (rc = ctx_dur(c, st->late, "--late", &f->side[i].late)) != 0)
			return rc;
	}
	if (st->key[0].n != st->key[1].n)
		return ctx_usage(c, "-K has %zu paths, -k %zu", st->key[1].n, st->key[0].n);
	f->which = -1;
	if (st->which != NULL) {
		struct expr *e;

		if ((rc = ctx_expr(c, span_str(st->which), "--side", &e)) != 0)
			return rc;
		f->which = columns_add(&st->p.columns, e, NULL);
	}
	f->late_out = -1;
	if (st->late_to != NULL && (f->late_out = side_open(c, "--late-to", st->late_to)) == -1)
		return EXIT_USAGE;
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct pairing *p = &st->p;
	int rc;

	if ((rc = check(c, st)) != 0 || (rc = set_up_kind(c, st)) != 0 || (rc = set_up_sides(c, st)) != 0)
		return rc;
	if ((st->idle != NULL && (rc = exact(c, st->idle, "--idle", &p->idle_us)) != 0) ||
	    (st->future != NULL && (rc = ctx_dur(c, st->future, "--max-future", &p->ahead)) != 0))
		return rc;
	if (negative(p->conf.side[0].late) || negative(p->ahead))
		return ctx_usage(c, "%s: must not be negative", negative(p->ahead) ? "--max-future" : "--late");
	if (st->idle != NULL && p->idle_us <= 0)
		return ctx_usage(c, "--idle: must be longer than nothing");
	p->operand[0] = st->operand[0];
	p->operand[1] = st->operand[1];
	p->may_idle = st->idle != NULL;
	p->may_lead = st->future == NULL;
	p->names = st->key;
	p->conf.type = (enum pair_type)st->type;
	p->conf.style = (enum when_style)st->style;
	return pairing_set_up(c, p);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	(void)c;
	return pairing_batch(&((struct state *)arg)->p, b);
}

static int
idle(struct ctx *c, void *arg, int64_t ms)
{
	(void)c;
	return pairing_idle(&((struct state *)arg)->p, ms);
}

static int
mark(struct ctx *c, void *arg, const struct mark *m)
{
	(void)c;
	return pairing_mark(&((struct state *)arg)->p, m);
}

static int
work(struct ctx *c, void *arg)
{
	(void)c;
	return pairing_work(&((struct state *)arg)->p);
}

static bool
reads(const void *arg)
{
	return ((const struct state *)arg)->which != NULL;
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	struct state *st = arg;

	*op_state = st->p.pair;
	return i == 0 ? &pair_op : NULL;
}

static const struct command cmd = {
	.name = "stream-join", .what = "join two streams in event time",
	.synopsis = "(--left F --right F | --side EXPR [FILE ...]) -k PATHS [-K PATHS] -t PATH [-T PATH]"
	    " (--between LO,HI | --window DUR[,SLIDE] [--offset DUR] | --session GAP)"
	    " [--type inner|left|right|full|semi|anti] [--late DUR [--late-to FILE] [--idle DUR]] [--max-future DUR]"
	    " [--time-format ms|s|sql|rfc3339]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EPOCHS, .par = PAR_SERIAL,
	.set_up = set_up, .batch = batch, .idle = idle, .mark = mark, .main = work, .reads = reads, .op = op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
