/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace-grep - one trace id through every stage
 *
 * Path:   files, tables -> in/source -> memmem over the batch -> run/trace of the candidate lines -> stdout
 * Memory: one block of input and one line; --timeline also holds the lines it found, within -S.
 * Cost:   one search for the id's bytes; only a line that holds them, or a backslash, which may hide them, is parsed.
 */
#include <unistd.h>

#include "run/reach.h"
#include "run/timeline.h"
#include "run/trace.h"

/* Where the time of a record stands whose table does not say. */
static const char *const times[] = { "ts", "operate_time", "create_time", "window_start" };

#define TIMES (sizeof times / sizeof *times)

struct state {
	const char *path, *time, *from, *to, *id_word;
	bool with_name, with_number, timeline, raw, masked;
	struct trace *trace;
	struct reach reach;
	struct timeline *line;
	int col, time_col, guess[TIMES];
	enum unit unit;
	uint64_t found;
};

static const struct opt opts[] = {
	{ 'k', "key", OPT_TEXT, offsetof(struct state, path), "PATH", "only the value at PATH counts, also a number" },
	{ 'H', "with-filename", OPT_FLAG, offsetof(struct state, with_name), NULL,
	    "the file or TABLE@DAY and a colon before each line" },
	{ 'n', "line-number", OPT_FLAG, offsetof(struct state, with_number), NULL,
	    "the number of the line and a colon before each line" },
	{ 0, "timeline", OPT_FLAG, offsetof(struct state, timeline), NULL,
	    "in the order of time and layers, each with time, layer, table, day; without operands of all tables" },
	{ 't', "time", OPT_TEXT, offsetof(struct state, time), "PATH[:s|ms|us]",
	    "with --timeline: where the time of a record stands (its table's day, or ts, ...)" },
	{ 0, "raw", OPT_FLAG, offsetof(struct state, raw), NULL,
	    "records as they landed, to be replayed: of tables that only grow" },
	{ 0, "from", OPT_TEXT, offsetof(struct state, from), "D", "of tables only the days from D on" },
	{ 0, "to", OPT_TEXT, offsetof(struct state, to), "D", "of tables only the days up to D" },
	{ 0 }
};

static int
print(struct ctx *c, struct state *st, const struct batch *b, size_t i)
{
	struct where w = ctx_where(c, b, i);
	struct buf *out = ctx_pass_begin(c, b, i);

	if (st->with_name) {
		buf_str(out, w.source);
		buf_byte(out, ':');
	}
	if (st->with_number) {
		buf_u64(out, w.line);
		buf_byte(out, ':');
	}
	if (st->masked)
		timeline_mask(out, b->line[i]);
	else
		buf_span_add(out, b->line[i]);
	return ctx_pass_end(c);
}

/* Into the timeline: the time is where -t says, else where the table says, else the first of the usual ones. */
static int
place(struct ctx *c, struct state *st, const struct batch *b, size_t i)
{
	struct where w = ctx_where(c, b, i);
	const struct reach_table *t = reach_table(&st->reach, w.source);
	struct val v = { 0 };
	enum unit unit = UNIT_GUESS;

	if (st->time != NULL) {
		v = trace_value(st->trace, st->time_col);
		unit = st->unit;
	} else if (t != NULL && t->col != -1) {
		v = trace_value(st->trace, t->col);
		unit = t->unit;
	}
	for (size_t k = 0; k < TIMES && st->time == NULL && val_is_null(v); k++) {
		v = trace_value(st->trace, st->guess[k]);
		unit = UNIT_GUESS;
	}
	b->fate[i] = F_USED;
	return timeline_add(st->line, w.source, v, unit, b->line[i]);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	const char *end = b->line[b->n - 1].p + b->line[b->n - 1].n;
	struct trace_look look = { b->line[0].p, b->line[0].p };
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		b->fate[i] = F_DROP;
		if (!trace_may(st->trace, &look, b->line[i], end) || !trace_holds(st->trace, b->line[i]))
			continue;
		b->fate[i] = F_PASS;
		st->found++;
		if (st->timeline)
			rc = place(c, st, b, i);
		else if (st->with_name || st->with_number || st->masked)
			rc = print(c, st, b, i);
	}
	return rc;
}

static int
put_made(void *arg, struct span text)
{
	struct ctx *c = arg;

	buf_span_add(ctx_made_begin(c, NULL, 0), text);
	return ctx_made_end(c);
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;

	return st->timeline ? timeline_print(st->line, put_made, c) : 0;
}

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	(void)c;
	if (st->id_word != NULL)
		return 0;
	st->id_word = w;
	return 1;
}

static int
set_up_times(struct ctx *c, struct state *st)
{
	st->line = timeline_new(ctx_zone(c), ctx_budget(c));
	if (st->time != NULL)
		return ctx_time(c, st->time, "-t", &st->time_col, &st->unit);
	for (size_t i = 0; i < TIMES; i++)
		st->guess[i] = ctx_col(c, span_str(times[i]), "-t");
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct reach_conf conf = { st->from, st->to, st->timeline, st->timeline && st->time == NULL };
	int rc;

	if (st->id_word == NULL || *st->id_word == '\0')
		return ctx_usage(c, "an ID is required");
	if (st->timeline + st->raw + (st->with_name || st->with_number) > 1)
		return ctx_usage(c, "--timeline, --raw, and -H or -n exclude each other");
	if (st->time != NULL && !st->timeline)
		return ctx_usage(c, "-t goes with --timeline");
	st->col = -1;
	if (st->path != NULL && (st->col = ctx_col(c, span_str(st->path), "-k")) == -1)
		return EXIT_USAGE;
	if ((rc = reach_settle(c, &conf, &st->reach)) != 0 || (st->timeline && (rc = set_up_times(c, st)) != 0))
		return rc;
	for (size_t i = 0; i < st->reach.n; i++)
		if (st->raw && st->reach.table[i].kind != KIND_APPEND)
			return ctx_usage(c, "--raw: %s is no landing: kind %s", st->reach.table[i].name,
			    kind_name(st->reach.table[i].kind));
	st->masked = !st->raw && !st->timeline && ctx_to_terminal(c);
	st->trace = trace_new(span_str(st->id_word), ctx_paths(c), st->col);
	return 0;
}

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	return status == 0 && st->found == 0 ? EXIT_NO : status;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = {
		.name = "trace-grep", .what = "one trace id through every stage", .opts = opts,
		.synopsis = "[-Hn | --timeline [-t PATH[:s|ms|us]] | --raw] [-k PATH] [--from D] [--to D] ID "
		    "[FILE | wh:TABLE[@DAYS] ...]",
		.state_bytes = sizeof(struct state), .is = CMD_LINES | CMD_TABLES | CMD_PLACES, .par = PAR_STATELESS,
		.word = word, .set_up = set_up, .batch = batch, .end = end, .finish = finish
	};

	return run_main(argc, argv, &cmd);
}
