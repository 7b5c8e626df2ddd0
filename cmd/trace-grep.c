/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace-grep - one trace id through every stage
 *
 * Path:   operands -> run/reach: which days -> run/hunt: the frames that store/index names, or all of the file -> the
 *         id's bytes in a block -> run/trace of those lines -> stdout, or run/timeline
 * Memory: a few blocks of input a thread; --timeline also holds the lines it found, within -S.
 * Cost:   by index a few small reads a file and a frame for each hit; else one search for the id's bytes, and only a
 *         line that holds them, or an escape that may hide them, is parsed.
 */
#include "run/asked.h"
#include "run/hunt.h"
#include "run/run.h"
#include "run/timeline.h"

struct state {
	struct ctx *ctx;
	const char *path, *time, *from, *to, *id_word;
	bool with_name, with_number, timeline, raw, masked, anywhere;
	struct reach reach;
	struct asked asked;
	struct timeline *line;
	struct buf out;
	uint64_t found;
};

static const struct opt opts[] = {
	{ 'k', "key", OPT_TEXT, offsetof(struct state, path), "PATH", "only the value at PATH counts, also a number" },
	{ 0, "anywhere", OPT_FLAG, offsetof(struct state, anywhere), NULL,
	    "any string counts in tables too, not only where their trace ids are; nothing is found by index" },
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
print(struct state *st, const struct hunt_hit *hit)
{
	struct buf *out = &st->out;

	buf_clear(out);
	if (st->with_name) {
		buf_str(out, hit->source);
		buf_byte(out, ':');
	}
	if (st->with_number) {
		buf_u64(out, hit->line);
		buf_byte(out, ':');
	}
	if (st->masked)
		timeline_mask(out, hit->text);
	else
		buf_span_add(out, hit->text);
	return sink_line(ctx_out(st->ctx), buf_span(out));
}

/* Into the timeline: the time is where -t says, else where the table says, else the first of the usual ones. */
static int
place(struct state *st, const struct hunt_hit *hit)
{
	enum unit unit;
	struct val v = asked_time(&st->asked, hit->ask, hit->text, &unit);

	return timeline_add(st->line, hit->source, v, unit, hit->text);
}

static int
take_hit(void *arg, const struct hunt_hit *hit)
{
	struct state *st = arg;

	st->found++;
	ctx_count_in(st->ctx, 1, st->timeline ? F_USED : F_PASS);
	if (st->timeline)
		return place(st, hit);
	if (st->with_name || st->with_number || st->masked)
		return print(st, hit);
	return sink_line(ctx_out(st->ctx), hit->text);
}

static const struct ask *
ask_of(void *arg, const char *operand)
{
	return asked_of(&((struct state *)arg)->asked, operand);
}

static int
put_made(void *arg, struct span text)
{
	struct ctx *c = arg;

	buf_span_add(ctx_made_begin(c, NULL, 0), text);
	return ctx_made_end(c);
}

static int
run(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct hunt_conf conf = { span_str(st->id_word), st->asked.n, ask_of, take_hit, st, st->reach.limited };
	int rc = hunt(c, &conf);

	return rc == 0 && st->timeline ? timeline_print(st->line, put_made, c) : rc;
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
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct reach_conf conf = { st->from, st->to, st->timeline };
	struct asked_conf asked = { .path = st->path, .time = st->time, .anywhere = st->anywhere,
	    .timeline = st->timeline };
	int rc;

	st->ctx = c;
	if (st->id_word == NULL || *st->id_word == '\0')
		return ctx_usage(c, "an ID is required");
	asked.id = span_str(st->id_word);
	if (st->timeline + st->raw + (st->with_name || st->with_number) > 1)
		return ctx_usage(c, "--timeline, --raw, and -H or -n exclude each other");
	if (st->time != NULL && !st->timeline)
		return ctx_usage(c, "-t goes with --timeline");
	if (st->anywhere && st->path != NULL)
		return ctx_usage(c, "--anywhere and -k exclude each other");
	if (st->path != NULL && ctx_col(c, span_str(st->path), "-k") == -1)
		return EXIT_USAGE;
	if ((rc = reach_settle(c, &conf, &st->reach)) != 0)
		return rc;
	if (st->timeline)
		st->line = timeline_new(ctx_zone(c), ctx_budget(c));
	if ((rc = asked_set_up(c, &asked, &st->reach, &st->asked)) != 0)
		return rc;
	for (size_t i = 0; i < st->reach.n; i++)
		if (st->raw && st->reach.table[i].kind != KIND_APPEND)
			return ctx_usage(c, "--raw: %s is no landing: kind %s", st->reach.table[i].name,
			    kind_name(st->reach.table[i].kind));
	st->masked = !st->raw && !st->timeline && ctx_to_terminal(c);
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
		.synopsis = "[-Hn | --timeline [-t PATH[:s|ms|us]] | --raw] [-k PATH | --anywhere] [--from D] "
		    "[--to D] ID [FILE | wh:TABLE[@DAYS] ...]",
		.state_bytes = sizeof(struct state), .is = CMD_LINES | CMD_TABLES | CMD_PLACES, .par = PAR_STATELESS,
		.word = word, .set_up = set_up, .main = run, .finish = finish
	};

	return run_main(argc, argv, &cmd);
}
