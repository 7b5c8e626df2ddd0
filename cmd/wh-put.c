/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-put - rows into a table: a day replaced, or rows appended or upserted to the days they belong to
 *
 * Path:   files or stdin -> in/scan -> run/put -> store/rows -> store/change -> the table's
 *         log; in a run: its stage; in a barrier job: a commit an epoch, by store/epochs
 * Memory: 24 open files of about 4 MiB each; a keyed table's rows are held for sorting, up to -S.
 */
#include "run/flow.h"
#include "run/put.h"
#include "run/txn.h"
#include "store/epochs.h"

struct state {
	struct put put;			/* words, --partition-by */
	const char *job;
	char day[DAY_BYTES];
	struct table *table;
	struct epochs epochs;		/* --job; its table is that above */
	struct flow_counts told;	/* counts as of the last epoch */
	struct change *change;		/* NULL: --job, and nothing came since the last mark */
	struct rows *rows;
};

static const struct opt opts[] = {
	{ 0, "partition-by", OPT_TEXT, offsetof(struct state, put.by), "EXPR",
	  "each row goes to the day of EXPR: PATH[:s|ms|us] or an expression" },
	{ 0, "job", OPT_TEXT, offsetof(struct state, job), "J", "in a barrier job: its sink J, a commit an epoch" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	(void)c;
	if (st->put.table == NULL)
		st->put.table = w;
	else if (strncmp(w, "dt=", 3) == 0 && st->put.dt == NULL)
		st->put.dt = w + 3;
	else
		return 0;
	return 1;
}

/* What does not go together. */
static int
check_words(struct ctx *c, struct state *st)
{
	if (st->put.table == NULL)
		return ctx_usage(c, "a table is required");
	if (st->put.dt != NULL && st->put.by != NULL)
		return ctx_usage(c, "dt= and --partition-by exclude each other");
	if (st->put.dt != NULL && !day_good(span_str(st->put.dt), st->day))
		return ctx_usage(c, "dt=%s: not a day, YYYY-MM-DD", st->put.dt);
	if (ctx_in_job(c) != (st->job != NULL))
		return ctx_usage(c, st->job != NULL ? "--job: only in a barrier job, which pipe-run starts" :
		    "--job is required in a barrier job: a table is a sink there");
	if (st->job != NULL && (st->put.dt != NULL || ctx_run_dir(c) != NULL))
		return ctx_usage(c, st->put.dt != NULL ? "--job adds rows, dt= replaces a day" : "--job: not in a run");
	return 0;
}

/* A change upon the table as it is now, and what its rows go through. */
static int
begin_change(struct ctx *c, struct state *st)
{
	int rc = st->job == NULL ? change_begin(st->table, "wh-put", ctx_run_dir(c), &st->change) :
	    epochs_change(&st->epochs, "wh-put", &st->change);

	if (rc != 0)
		return rc;
	if (st->job != NULL)
		st->table = st->epochs.table;
	if (st->put.dt != NULL)
		change_replace(st->change, st->day);
	st->rows = rows_new(&(struct rows_conf){ .t = st->table, .c = st->change, .budget = ctx_budget(c),
	    .app = st->job == NULL ? NULL : st->epochs.app, .keyed = st->put.keyed,
	    .base = st->put.keyed && st->put.dt != NULL });
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = check_words(c, st);

	/* what a crash left between a run's record and its tables comes first */
	if (rc == 0 && ctx_run_dir(c) == NULL)
		rc = txn_redo();
	if (rc != 0)
		return rc;
	if (st->job == NULL) {
		rc = table_open(span_str(st->put.table), PLACE_WRITE, LOG_HEAD, &st->table);
	} else {
		rc = epochs_open(st->put.table, st->job, &st->epochs);
		st->table = st->epochs.table;
	}
	if (rc == 0)
		rc = put_set_up(&st->put, c, &st->table->meta);
	return rc != 0 || st->job != NULL ? rc : begin_change(c, st);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = st->rows == NULL ? begin_change(c, st) : 0;

	return rc == 0 ? put_batch(&st->put, st->rows, b) : rc;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = st->rows == NULL ? 0 : rows_end(st->rows);

	(void)c;
	st->rows = NULL;
	return rc;
}

static void
count(struct ctx *c, struct state *st)
{
	const struct flow_counts *n = ctx_counts(c);

	change_count(st->change, "in", n->in - st->told.in);
	change_count(st->change, "used", n->used - st->told.used);
	change_count(st->change, "rejected", n->rejected - st->told.rejected);
	st->told = *n;
}

/* ---- the sink of a barrier job ---- */

static const char *
job_name(const void *arg)
{
	return ((const struct state *)arg)->job;
}

static int
begin(struct ctx *c, void *arg, uint64_t *id)
{
	struct state *st = arg;
	int rc = epochs_begin(&st->epochs);

	*id = st->epochs.done;
	return rc == 0 ? ctx_rejects_cut(c, st->epochs.side) : rc;
}

static int
drop(struct ctx *c, void *arg)
{
	struct state *st = arg;
	uint64_t now;
	int rc;

	rows_free(st->rows);
	change_abort(st->change);
	st->rows = NULL;
	st->change = NULL;
	st->told = *ctx_counts(c);
	/* what was rejected stands there from the first time */
	rc = ctx_rejects_size(c, &now);
	return rc == 0 && now > st->epochs.side ? ctx_rejects_cut(c, st->epochs.side) : rc;
}

static int
commit(struct ctx *c, void *arg, const struct mark *m)
{
	struct state *st = arg;
	struct change *change;
	uint64_t n, side;
	int rc;

	/* an epoch without rows is a commit too: it is in the table */
	if ((st->change == NULL && (rc = begin_change(c, st)) != 0) || (rc = ctx_rejects_ok(c)) != 0 ||
	    (rc = end(c, st)) != 0 || (rc = ctx_rejects_size(c, &side)) != 0)
		return rc;
	count(c, st);
	change = st->change;
	st->change = NULL;
	rc = epochs_commit(&st->epochs, change, m->id, side, &n);
	ctx_note(c, "commit", n);
	return rc;
}

/* Nothing else can fail any more: publish, or close the stage. */
static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;
	uint64_t n = 0;

	rows_free(st->rows);
	if (st->change != NULL && status == 0 && st->job == NULL) {
		count(c, st);
		status = change_end(st->change, &n);
		ctx_note(c, "commit", n);
	} else {
		change_abort(st->change);
	}
	put_free(&st->put);
	if (st->job == NULL)
		table_close(st->table);
	epochs_close(&st->epochs);
	return status;
}

int
main(int argc, char *argv[])
{
	static const struct sink_ops sink = { job_name, begin, commit, drop };
	static const struct command cmd = { .name = "wh-put", .what = "rows into a table of the warehouse",
	    .synopsis = "TABLE (dt=DAY | --partition-by EXPR) [--job J] [FILE ...]", .opts = opts,
	    .state_bytes = sizeof(struct state), .is = CMD_EFFECT | CMD_EPOCHS, .par = PAR_SERIAL, .word = word,
	    .set_up = set_up, .batch = batch, .end = end, .sink = &sink, .finish = finish };

	return run_main(argc, argv, &cmd);
}
