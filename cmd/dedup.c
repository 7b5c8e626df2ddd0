/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dedup - one record of each key passes, the others are dropped
 *
 * Path:   files or stdin -> in/scan -> op/seen, op/recent or op/last -> stdout
 * Memory: the first of each key: 24 bytes a key, lines pass at once.  The last, or by a value: a line a key, written at
 *         the end.  Beyond -S both go to disk.  With --within about 90 bytes for each line that passed, all of them.
 */
#include "op/last.h"
#include "op/recent.h"
#include "op/seen.h"
#include "run/spill.h"

enum { KEEP_FIRST, KEEP_LAST };

struct state {
	const char *keys, *by, *within, *time;
	int keep;
	struct col_list key;
	int by_col;
	struct spill spill;		/* holds the operator */
};

static const char *const keep_words[] = { "first", "last", NULL };

static const struct opt opts[] = {
	{ 'k', "key", OPT_TEXT, offsetof(struct state, keys), "PATHS",
	  "the key; a record in which one of them is null is bad" },
	{ 0, "keep", OPT_CHOICE, offsetof(struct state, keep), "first|last",
	  "which record of a key passes (first)", keep_words },
	{ 0, "by", OPT_TEXT, offsetof(struct state, by), "PATH",
	  "first and last are the smallest and largest PATH, not the place in the input" },
	{ 0, "within", OPT_TEXT, offsetof(struct state, within), "DUR|day",
	  "drop repeats less than DUR away, or of one day; others pass again" },
	{ 't', "time", OPT_TEXT, offsetof(struct state, time), "PATH[:s|ms|us]", "the time of a record, for --within" },
	{ 0 }
};

static int
set_up_within(struct ctx *c, struct state *st)
{
	struct recent_conf conf = { .key = st->key.col, .n_keys = st->key.n, .as = ctx_key_as(c), .zone = ctx_zone(c),
	    .day = strcmp(st->within, "day") == 0 };
	int rc;

	if (st->keep != KEEP_FIRST || st->by != NULL)
		return ctx_usage(c, "--within keeps the first that comes: no --keep last, no --by with it");
	if (st->time == NULL)
		return ctx_usage(c, "--within needs the time of records, -t");
	if ((rc = ctx_time(c, st->time, "-t", &conf.time, &conf.unit)) != 0 ||
	    (!conf.day && (rc = ctx_dur(c, st->within, "--within", &conf.within)) != 0))
		return rc;
	if (!conf.day && conf.within.us <= 0 && conf.within.days <= 0 && conf.within.months <= 0)
		return ctx_usage(c, "--within: must be longer than nothing");
	st->spill = (struct spill){ .c = c, .op = &recent_op, .st = recent_new(&conf) };
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->keys == NULL)
		return ctx_usage(c, "-k is required");
	if ((rc = ctx_cols(c, st->keys, "-k", &st->key)) != 0)
		return rc;
	if (st->within != NULL)
		return set_up_within(c, st);
	if (st->time != NULL)
		return ctx_usage(c, "-t goes with --within");
	st->by_col = -1;
	if (st->by != NULL && (st->by_col = ctx_col(c, span_str(st->by), "--by")) == -1)
		return EXIT_USAGE;
	if (st->keep == KEEP_FIRST && st->by == NULL)
		st->spill = (struct spill){ .c = c, .op = &seen_op,
		    .st = seen_new(&(struct seen_conf){ st->key.col, st->key.n, ctx_key_as(c) }) };
	else
		st->spill = (struct spill){ .c = c, .op = &last_op,
		    .st = last_new(&(struct last_conf){ .key = st->key.col, .n_keys = st->key.n,
		    .as = ctx_key_as(c), .by = st->by_col, .smallest = st->keep == KEEP_FIRST }) };
	return 0;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = spill_relieve(&st->spill);

	return rc != 0 ? rc : st->spill.op->batch(st->spill.st, b, ctx_host(c));
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;

	return spill_close(&st->spill, ctx_host(c));
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	struct state *st = arg;

	*op_state = st->spill.st;
	return i == 0 ? st->spill.op : NULL;
}

static const struct command cmd = {
	.name = "dedup", .what = "drop records whose key was there already",
	.synopsis = "-k PATHS [--keep first|last] [--by PATH] [--within DUR|day -t PATH] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_SERIAL,
	.set_up = set_up, .batch = batch, .end = end, .op = op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
