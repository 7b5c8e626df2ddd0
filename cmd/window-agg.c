/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window-agg - aggregates by group and time window; without windows a plain GROUP BY
 *
 * Path:   files or stdin -> in/scan -> expr/columns -> op/window -> out/json -> stdout
 * Memory: a cell for each open window and group that met a record, 12 to 24 bytes for each distinct value, at most -S;
 *         sessions keep their events.  Windows close, in order, at the end of the input, with --late when event time
 *         has passed them; with --partial what is known is written whenever memory is full.
 */
#include "op/window.h"
#include "run/agg_words.h"
#include "run/by_op.h"
#include "run/event_time.h"
#include "run/partial.h"

struct state {
	struct by_op one;		/* first: run/by_op.h */
	const char *time, *width, *slide, *gap, *brk, *groups, *offset;
	int style;
	bool partial, merge;
	struct agg_words words;
	struct col_list group;
	struct window_conf conf;
	struct partial parts;
	struct event_time live;
};

static const char *const style_words[] = { "ms", "s", "sql", "rfc3339", NULL };

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 't', "time", OPT_TEXT, AT(time), "PATH[:s|ms|us]", "the time of a record" },
	{ 'w', "window", OPT_TEXT, AT(width), "DUR", "the length of a window" },
	{ 's', "slide", OPT_TEXT, AT(slide), "DUR", "how far apart windows begin (their length)" },
	{ 0, "session", OPT_TEXT, AT(gap), "GAP", "a window ends where nothing comes for longer than this" },
	{ 0, "break", OPT_TEXT, AT(brk), "COND", "with --session: and before a record for which this holds" },
	{ 'g', "group", OPT_TEXT, AT(groups), "PATHS", "the groups: PATH or NAME=PATH, ..." },
	{ 0, "offset", OPT_TEXT, AT(offset), "DUR", "shift where windows begin" },
	{ 0, "time-format", OPT_CHOICE, AT(style), "ms|s|sql|rfc3339",
	  "how window_start and window_end are written (ms)", style_words },
	{ 0, "late", OPT_TEXT, AT(live.late), "DUR",
	  "close windows when the newest time met is DUR past their end; what comes after is late" },
	{ 0, "late-to", OPT_TEXT, AT(live.late_to), "FILE",
	  "write late records to FILE (they are dropped and counted)" },
	{ 0, "max-future", OPT_TEXT, AT(live.max_future), "DUR",
	  "a record further ahead of the clock is bad, and moves no window" },
	{ 0, "idle", OPT_TEXT, AT(live.idle), "DUR",
	  "with --late: when nothing came for so long, event time runs on with the clock" },
	{ 0, "state", OPT_TEXT, AT(live.state), "DIR",
	  "with --late: windows that are open at the end go on in the next call" },
	{ 0, "final", OPT_FLAG, AT(live.final), NULL, "with --state: this is the end, close all windows" },
	{ 0, "partial", OPT_FLAG, AT(partial), NULL,
	  "write partial states, for window-agg --merge with the same arguments" },
	{ 0, "merge", OPT_FLAG, AT(merge), NULL, "read partial states, not records" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	(void)c;
	return agg_words_take(&((struct state *)arg)->words, w);
}

static int
set_up_windows(struct ctx *c, struct state *st)
{
	struct window_conf *w = &st->conf;
	struct dur d = { 0 };
	const char *why;
	int rc = 0;

	w->kind = st->gap != NULL ? WINDOW_SESSION : st->width != NULL ? WINDOW_FIXED : WINDOW_NONE;
	if (st->gap != NULL && st->width != NULL)
		return ctx_usage(c, "--session and -w exclude each other");
	if (w->kind != WINDOW_NONE && st->time == NULL)
		return ctx_usage(c, "windows need the time of records, -t");
	if (st->slide != NULL && st->width == NULL)
		return ctx_usage(c, "-s goes with -w");
	if (st->brk != NULL && st->gap == NULL)
		return ctx_usage(c, "--break goes with --session");
	if (st->offset != NULL && st->width == NULL)
		return ctx_usage(c, "--offset goes with -w");
	w->time = w->brk = -1;
	if ((st->time != NULL && (rc = ctx_time(c, st->time, "-t", &w->time, &w->unit)) != 0) ||
	    (st->width != NULL && (rc = ctx_dur(c, st->width, "-w", &w->width)) != 0) ||
	    (st->gap != NULL && (rc = ctx_dur(c, st->gap, "--session", &w->gap)) != 0) ||
	    (st->offset != NULL && (rc = ctx_dur(c, st->offset, "--offset", &d)) != 0))
		return rc;
	w->slide = w->width;
	if (st->slide != NULL && (rc = ctx_dur(c, st->slide, "-s", &w->slide)) != 0)
		return rc;
	if (d.days != 0 || d.months != 0)
		return ctx_usage(c, "--offset takes an exact duration, such as 8h");
	w->offset_us = d.us;
	if ((why = window_why(w)) != NULL)
		return ctx_usage(c, "%s: %s", st->gap != NULL ? "--session" : st->slide != NULL ? "-w, -s" : "-w", why);
	if (st->brk != NULL) {
		struct expr *e;

		if ((rc = ctx_expr(c, span_str(st->brk), "--break", &e)) != 0)
			return rc;
		w->brk = columns_add(&st->one.columns, NULL, e);
	}
	return 0;
}

/* What two states that are to be joined must agree on: everything but how the answer is written. */
static const char *
meaning(struct ctx *c, const struct state *st, struct buf *b)
{
	const char *const same[] = { st->time, st->width, st->slide, st->gap, st->brk, st->groups, st->offset,
	    zone_name(ctx_zone(c)), ctx_key_as(c) == KEY_TEXT ? "text" : "exact" };

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		buf_fmt(b, same[i] == NULL ? "-" : "%zu:%s,", same[i] == NULL ? 0 : strlen(same[i]), same[i]);
	for (size_t i = 0; i < st->words.n; i++)	/* the operand's end is the call's */
		buf_fmt(b, "%zu:%s,", strlen(st->words.call[i].p), st->words.call[i].p);
	return buf_cstr(b);
}

/* Where the state goes besides the answer: into partial records, or into a directory. */
static int
set_up_state(struct ctx *c, struct state *st)
{
	struct partial *p = &st->parts;
	struct buf same = { 0 };
	int rc = 0;

	if (st->partial || st->merge) {
		ctx_serial(c);		/* what one partial record holds hangs on when memory is full */
		if (st->conf.water != NULL)
			return ctx_usage(c, "--late and --max-future do not go with --partial and --merge");
		*p = (struct partial){ .c = c, .op = st->one.spill.op, .st = st->one.spill.st, .group = &st->group,
		    .head = st->gap == NULL ? sizeof(int64_t) : 0, .at = st->width != NULL };
		partial_sign(p, meaning(c, st, &same));
		rc = partial_set_up(p);
	} else if ((rc = event_time_open(&st->live, st->one.spill.op)) == 0) {
		if (st->live.keep != NULL)
			keep_sign(st->live.keep, meaning(c, st, &same));
		rc = event_time_load(&st->live);
	}
	buf_free(&same);
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->words.n == 0)
		return ctx_usage(c, "no NAME=AGG(EXPR) given");
	if (ctx_in_job(c) && (st->partial || st->merge))
		return ctx_usage(c, "--partial and --merge: not in a barrier job");
	if ((rc = set_up_windows(c, st)) != 0)
		return rc;
	if (st->groups != NULL && (rc = ctx_cols(c, st->groups, "-g", &st->group)) != 0)
		return rc;
	if ((rc = agg_words_compile(c, &st->words, &st->one.columns, st->time != NULL)) != 0)
		return rc;
	st->conf.group = st->group.col;
	st->conf.n_groups = st->group.n;
	st->conf.as = ctx_key_as(c);
	st->conf.zone = ctx_zone(c);
	st->conf.style = (enum when_style)st->style;
	st->conf.agg = st->words.agg;
	st->conf.n_aggs = st->words.n;
	if ((rc = agg_words_names(c, &st->words, st->conf.kind != WINDOW_NONE, &st->group)) != 0 ||
	    (rc = event_time_set_up(&st->live, c, &st->conf)) != 0)
		return rc;
	by_op_set_up(&st->one, c, window_op(&st->conf), window_new(&st->conf));
	st->live.spill = &st->one.spill;
	return set_up_state(c, st);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = st->partial ? partial_relieve(&st->parts, b) : spill_relieve(&st->one.spill);

	if (rc != 0)
		return rc;
	if (st->merge)
		return partial_batch(&st->parts, b);
	event_time_clock(&st->live);
	b = by_op_columns(&st->one, c, b);
	rc = by_op_take(&st->one, c, b);
	return rc != 0 ? rc : event_time_advance(&st->live, ctx_host(c));
}

static int
idle(struct ctx *c, void *arg, int64_t silent_ms)
{
	return event_time_idle(&((struct state *)arg)->live, silent_ms, ctx_host(c));
}

static int
mark(struct ctx *c, void *arg, const struct mark *m)
{
	return event_time_mark(&((struct state *)arg)->live, m, ctx_host(c));
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = by_op_whole(&st->one);

	return rc != 0 ? rc : st->partial ? partial_write(&st->parts) : event_time_end(&st->live, ctx_host(c));
}

static int
finish(struct ctx *c, void *arg, int status)
{
	(void)c;
	return event_time_finish(&((struct state *)arg)->live, status);
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	struct state *st = arg;

	/* what is late depends on the order, so threads have nothing to join; in a barrier job there is one */
	return st->conf.water == NULL || ctx_in_job(st->one.spill.c) ? by_op_op(st, i, op_state) : NULL;
}

static const struct command cmd = {
	.name = "window-agg", .what = "aggregates by group and time window",
	.synopsis = "[-t PATH] [-w DUR [-s DUR] [--offset DUR] | --session GAP [--break COND]] [-g PATHS]"
	    " [--late DUR [--late-to FILE] [--idle DUR] [--state DIR [--final]]] [--max-future DUR]"
	    " [--time-format ms|s|sql|rfc3339] [--partial] [--merge] NAME=AGG(EXPR [WHERE COND]) ... [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EPOCHS, .par = PAR_ADD,
	.word = word, .set_up = set_up, .thread = by_op_thread, .join = by_op_join, .pieces = by_op_pieces,
	.piece = by_op_piece, .batch = batch, .idle = idle,
	.mark = mark, .end = end, .finish = finish, .op = op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
