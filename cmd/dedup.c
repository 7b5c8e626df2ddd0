/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dedup - one record of each key passes, the others are dropped
 *
 * Path:   files or stdin -> in/scan -> op/seen, op/recent or op/last -> run/repeats -> stdout
 * Memory: the first of each key: 21 to 27 bytes a key, lines pass at once.  With --within 36 bytes for each line that
 *         passed.  The last, by a value or counted: a line a key, written at the end.  Beyond -S all goes to disk.
 */
#include "in/rec.h"
#include "op/last.h"
#include "op/recent.h"
#include "op/seen.h"
#include "out/json.h"
#include "run/keep.h"
#include "run/repeats.h"
#include "run/spill.h"

enum { KEEP_FIRST, KEEP_LAST };

struct state {
	struct ctx *c;
	const char *keys, *by, *within, *time, *count, *dir, *ttl;
	int keep;
	struct col_list key, counted;
	struct recent_conf recent;
	int by_col;
	struct repeats repeats;		/* by place */
	struct spill spill;		/* by a value: its st is not NULL */
	struct keep *saved;
	struct host host;
	struct buf scratch;
};

static const char *const keep_words[] = { "first", "last", NULL };

static const struct opt opts[] = {
	{ 'k', "key", OPT_TEXT, offsetof(struct state, keys), "PATHS",
	  "the key; a record in which one of them is null is bad" },
	{ 0, "keep", OPT_CHOICE, offsetof(struct state, keep), "first|last",
	  "which record of a key passes (first)", keep_words },
	{ 0, "by", OPT_TEXT, offsetof(struct state, by), "PATH",
	  "first and last are the smallest and largest PATH, not the place in the input" },
	{ 0, "count", OPT_TEXT, offsetof(struct state, count), "NAME",
	  "put into the record that passes how many of its key there were" },
	{ 0, "within", OPT_TEXT, offsetof(struct state, within), "DUR|day",
	  "drop repeats less than DUR away, or of one day; others pass again" },
	{ 't', "time", OPT_TEXT, offsetof(struct state, time), "PATH[:s|ms|us]",
	  "the time of a record, for --within and --ttl" },
	{ 0, "state", OPT_TEXT, offsetof(struct state, dir), "DIR",
	  "what passed in earlier calls counts too: it is kept in DIR" },
	{ 0, "ttl", OPT_TEXT, offsetof(struct state, ttl), "DUR",
	  "forget what passed DUR before the newest record" },
	{ 0 }
};

/* The line with its count as NAME: the operator gives { line, count }. */
static int
write_counted(void *self, int out, const struct val *cell, size_t n)
{
	struct state *st = self;
	struct edit e = { .key = st->counted.key[0], .value = cell[1].raw, .kind = EDIT_SET };
	struct span key;
	struct val v;
	struct rec r;

	(void)out;
	(void)n;
	rec_begin(&r, cell[0].raw);
	while (e.old.tag == T_ABSENT && rec_next(&r, &key, &v))
		if (rec_key_is(key, st->counted.name[0], &st->scratch))
			e.old = v;
	json_edit(ctx_made_begin(st->c, NULL, 0), cell[0].raw, &e, 1);
	return ctx_made_end(st->c);
}

static bool
longer_than_nothing(struct dur d)
{
	return d.us > 0 || d.days > 0 || d.months > 0;
}

static const char *
misuse(const struct ctx *c, const struct state *st)
{
	bool first = st->keep == KEEP_FIRST && st->by == NULL && st->count == NULL;

	if (st->keys == NULL)
		return "-k is required";
	if (st->within != NULL && !first)
		return "--within keeps the first that comes: no --keep last, no --by, no --count with it";
	if (st->within != NULL && st->time == NULL)
		return "--within needs the time of records, -t";
	if (st->dir != NULL && !first)
		return "--state is for the first that comes: no --keep last, no --by, no --count with it";
	if (st->ttl != NULL && !first)
		return "--ttl is for the first that comes: no --keep last, no --by, no --count with it";
	if (st->ttl != NULL && st->time == NULL)
		return "--ttl needs the time of records, -t";
	if (st->time != NULL && st->within == NULL && st->ttl == NULL)
		return "-t goes with --within or --ttl";
	if (ctx_in_job(c) && (!first || st->dir != NULL))
		return "in a barrier job the first that comes passes, and its state is the job's: no --keep last, "
		    "no --by, no --count, no --state";
	return NULL;
}

static int
set_up_times(struct ctx *c, struct state *st)
{
	struct recent_conf *f = &st->recent;
	int rc;

	*f = (struct recent_conf){ .key = st->key.col, .n_keys = st->key.n, .as = ctx_key_as(c), .zone = ctx_zone(c),
	    .kind = st->within == NULL ? RECENT_ONCE : strcmp(st->within, "day") == 0 ? RECENT_DAY : RECENT_WITHIN };
	if ((rc = ctx_time(c, st->time, "-t", &f->time, &f->unit)) != 0 ||
	    (f->kind == RECENT_WITHIN && (rc = ctx_dur(c, st->within, "--within", &f->within)) != 0) ||
	    (st->ttl != NULL && (rc = ctx_dur(c, st->ttl, "--ttl", &f->ttl)) != 0))
		return rc;
	if (f->kind == RECENT_WITHIN && !longer_than_nothing(f->within))
		return ctx_usage(c, "--within: must be longer than nothing");
	if (st->ttl != NULL && !longer_than_nothing(f->ttl))
		return ctx_usage(c, "--ttl: must be longer than nothing");
	return 0;
}

/* The operator, by what was asked for. */
static void
set_up_op(struct ctx *c, struct state *st)
{
	struct last_conf last = { .key = st->key.col, .n_keys = st->key.n, .as = ctx_key_as(c), .by = st->by_col,
	    .smallest = st->keep == KEEP_FIRST, .counts = st->count != NULL };
	struct repeats *r = &st->repeats;

	ctx_ahead(c, &st->key);
	if (st->by != NULL) {
		st->spill = (struct spill){ .c = c, .op = &last_op, .st = last_new(&last) };
		return;
	}
	r->c = c;
	if (st->keep == KEEP_LAST || st->count != NULL) {
		r->st = last_new(&last);
		r->last = st->keep == KEEP_LAST;
		r->counts = last.counts;
	} else if (st->time != NULL) {
		r->sift = recent_sift(&st->recent);
		r->st = recent_new(&st->recent);
	} else {
		r->sift = &seen_sift;
		r->st = seen_new(&(struct seen_conf){ st->key.col, st->key.n, ctx_key_as(c) });
	}
	repeats_begin(r);
}

static int
set_up_state(struct ctx *c, struct state *st)
{
	const char *sign[] = { st->keys, ctx_key_as(c) == KEY_TEXT ? "text" : "exact", st->time, st->within, st->ttl,
	    st->time == NULL ? NULL : zone_name(ctx_zone(c)) };
	struct buf head = { 0 };
	int rc;

	if (st->dir == NULL)
		return 0;
	if ((rc = keep_open(c, st->dir, st->repeats.sift->op, &st->saved)) != 0)
		return rc;
	for (size_t i = 0; i < sizeof sign / sizeof *sign; i++)
		keep_sign(st->saved, sign[i]);
	rc = keep_load(st->saved, &head, repeats_load, &st->repeats);
	buf_free(&head);
	st->repeats.keep = st->saved;
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	const char *why = misuse(c, st);
	int rc;

	st->c = c;
	st->by_col = -1;
	if (why != NULL)
		return ctx_usage(c, "%s", why);
	if ((rc = ctx_cols(c, st->keys, "-k", &st->key)) != 0 ||
	    (st->time != NULL && (rc = set_up_times(c, st)) != 0) ||
	    (st->count != NULL && (rc = ctx_cols(c, st->count, "--count", &st->counted)) != 0))
		return rc;
	if (st->count != NULL && (st->counted.n != 1 || ctx_paths(c)->path[st->counted.col[0]].n != 1))
		return ctx_usage(c, "--count: one name is wanted, not a path");
	if (st->by != NULL && (st->by_col = ctx_col(c, span_str(st->by), "--by")) == -1)
		return EXIT_USAGE;
	st->host = st->count == NULL ? *ctx_host(c) : (struct host){ .self = st, .row = write_counted };
	set_up_op(c, st);
	return set_up_state(c, st);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc;

	(void)c;
	if (st->spill.st == NULL)
		return repeats_batch(&st->repeats, b, &st->host);
	rc = spill_relieve(&st->spill);
	return rc != 0 ? rc : last_op.batch(st->spill.st, b, &st->host);
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	(void)c;
	if (st->spill.st != NULL)
		return spill_close(&st->spill, &st->host);
	if (st->saved != NULL && (rc = keep_begin(st->saved, span_of("", 0))) != 0)
		return rc;
	rc = repeats_end(&st->repeats, &st->host);
	return rc != 0 || st->saved == NULL ? rc : repeats_save(&st->repeats);
}

/* What passed is out: now it may be remembered. */
static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	if (status == 0 && st->saved != NULL)
		status = keep_commit(st->saved);
	keep_close(st->saved);
	return status;
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	struct state *st = arg;

	*op_state = st->spill.st != NULL ? st->spill.st : st->repeats.st;
	return i > 0 ? NULL : st->spill.st != NULL || st->repeats.sift == NULL ? &last_op : st->repeats.sift->op;
}

static const struct command cmd = {
	.name = "dedup", .what = "drop records whose key was there already",
	.synopsis = "-k PATHS [--keep first|last] [--by PATH] [--count NAME] [--within DUR|day] [-t PATH] "
	    "[--state DIR] [--ttl DUR] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EPOCHS | CMD_GATHER, .par = PAR_SERIAL,
	.set_up = set_up, .batch = batch, .end = end, .op = op, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
