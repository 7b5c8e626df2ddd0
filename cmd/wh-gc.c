/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-gc - remove days past their retention, old versions, and files that nobody owns
 *
 * Path:   the tables' logs and pools, the runs at work -> store/gc -> unlink
 * Memory: the names of a table's files, those of the versions that are kept too.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "run/operand.h"
#include "run/txn.h"
#include "store/fs.h"
#include "store/gc.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

struct state {
	const char *keep, *runs, *date;	/* options */
	bool dry;
	struct gc_conf conf;
	int64_t runs_before_ms;
	struct opt_list tables;
	struct ctx *ctx;
};

static const struct opt opts[] = {
	{ 0, "keep", OPT_TEXT, offsetof(struct state, keep), "DUR",
	  "versions that were the newest within DUR stay (7d); more than the longest job takes" },
	{ 0, "runs", OPT_TEXT, offsetof(struct state, runs), "DUR", "records of ended runs stay for DUR (30d)" },
	{ 0, "date", OPT_TEXT, offsetof(struct state, date), "D", "today, for the tables' keep (today)" },
	{ 'n', "dry-run", OPT_FLAG, offsetof(struct state, dry), NULL, "remove nothing, say what would be" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	(void)c;
	return operand_add(&((struct state *)arg)->tables, w);
}

/* The instant that lies DUR before now, in ms. */
static int
before(struct ctx *c, const char *text, const char *what, int64_t now_ms, int64_t *ms)
{
	struct dur d;
	int rc = ctx_dur(c, text, what, &d);

	if (rc == 0 && (d.us < 0 || d.days < 0 || d.months < 0))
		rc = ctx_usage(c, "%s: '%s' lies in the future", what, text);
	if (rc == 0)
		*ms = dur_add(d, -1, now_ms * 1000, ctx_zone(c)) / 1000;
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct gc_conf *g = &st->conf;
	int rc;

	st->ctx = c;
	g->now_ms = clock_real_ms();
	g->dry = st->dry;
	if ((rc = before(c, st->keep == NULL ? "7d" : st->keep, "--keep", g->now_ms, &g->cut_ms)) != 0 ||
	    (rc = before(c, st->runs == NULL ? "30d" : st->runs, "--runs", g->now_ms, &st->runs_before_ms)) != 0)
		return rc;
	return ctx_day(c, st->date == NULL ? "today" : st->date, "--date", &g->today);
}

static int
one_table(struct state *st, const char *name)
{
	struct gc_did d;
	struct table *t;
	int rc;

	if ((rc = table_open(span_str(name), PLACE_WRITE, LOG_HEAD, &t)) != 0)
		return rc;
	if (t->live->head == 0) {
		err_warn("%s: no such table", name);
		rc = EXIT_NO;
	}
	if (rc == 0)
		rc = gc_table(t, &st->conf, &d);
	table_close(t);
	return rc != 0 ? rc : answer_json(st->ctx, json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "table", name,
	    "floor", (json_int_t)d.floor, "days", (json_int_t)d.days, "records", (json_int_t)d.records, "files",
	    (json_int_t)d.files, "bytes", (json_int_t)d.bytes, "orphans", (json_int_t)d.orphans, "orphan_bytes",
	    (json_int_t)d.orphan_bytes));
}

static int
all_tables(struct state *st)
{
	struct fs_names l;
	int rc = table_list_own(&l);

	for (size_t i = 0; rc == 0 && i < l.n && !ctx_stopped(st->ctx); i++)
		rc = one_table(st, l.v[i]);
	fs_names_free(&l);
	return rc;
}

static int
ended_runs(struct state *st)
{
	struct place p;
	uint64_t n = 0;
	int rc;

	if ((rc = place_get(&p)) != 0)
		return rc;
	rc = gc_runs(&p, st->runs_before_ms, st->dry, &n);
	place_free(&p);
	return rc == 0 ? answer_json(st->ctx, json_pack("{s:I}", "runs", (json_int_t)n)) : rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = 0;

	/* in a run this is its runner's */
	if (ctx_run_dir(c) == NULL && !st->dry && (rc = txn_redo()) != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < st->tables.n && !ctx_stopped(c); i++)
		rc = one_table(st, st->tables.v[i]);
	if (rc == 0 && st->tables.n == 0 && (rc = all_tables(st)) == 0)
		rc = ended_runs(st);
	free(st->tables.v);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-gc",
	    .what = "remove days past their retention, old versions, files that nobody owns",
	    .synopsis = "[-n] [--keep DUR] [--runs DUR] [--date D] [TABLE ...]", .opts = opts,
	    .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_EFFECT, .word = word, .set_up = set_up,
	    .main = work };

	return run_main(argc, argv, &cmd);
}
