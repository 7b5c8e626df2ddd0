/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-put - rows into a table: a day replaced, or rows appended or upserted to the days they belong to
 *
 * Path:   files or stdin -> in/scan -> run/partition -> store/rows -> store/change -> the table's
 *         log; in a run: its stage
 * Memory: 24 open files of about 4 MiB each; a keyed table's rows are held for sorting, up to -S.
 */
#include "run/flow.h"
#include "run/partition.h"
#include "run/run.h"
#include "run/txn.h"
#include "store/merge.h"
#include "store/publish.h"
#include "store/rows.h"

struct state {
	const char *by, *job;		/* options */
	const char *name, *dt;		/* words */
	char day[DAY_BYTES];
	bool keyed, timed;
	struct table *table;
	struct change *change;
	struct rows *rows;
	struct partition part;		/* --partition-by, or where dt= is given the table's own day, for min and max */
	struct col_list keys;
	int order, deleted;		/* columns; deleted -1: the table has none */
	struct buf key, order_text;
};

static const struct opt opts[] = {
	{ 0, "partition-by", OPT_TEXT, offsetof(struct state, by), "EXPR",
	  "each row goes to the day of EXPR: PATH[:s|ms|us] or an expression" },
	{ 0, "job", OPT_TEXT, offsetof(struct state, job), "J", "commit by the epochs of job J (in a barrier job)" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	(void)c;
	if (st->name == NULL)
		st->name = w;
	else if (strncmp(w, "dt=", 3) == 0 && st->dt == NULL)
		st->dt = w + 3;
	else
		return 0;
	return 1;
}

/* The columns that key, order and day of the table stand in. */
static int
columns(struct ctx *c, struct state *st)
{
	const struct meta *m = &st->table->meta;
	const struct zone *zone = m->tz == NULL ? NULL : zone_open(m->tz);
	const char *by = st->dt != NULL ? m->day : st->by;
	int rc = 0;

	if (st->dt == NULL && by == NULL)
		by = m->day;
	if (st->dt == NULL && by == NULL)
		return ctx_usage(c, "dt=DAY or --partition-by is required: table %s says no day", st->name);
	st->timed = by != NULL;
	if (by != NULL)
		rc = partition_set_up(c, by, zone, &st->part);
	st->keyed = m->kind == KIND_UPSERT;
	if (rc == 0 && st->keyed && (rc = ctx_cols(c, m->key, "key", &st->keys)) == 0 &&
	    (st->order = ctx_col(c, span_str(m->order), "order")) == -1)
		rc = EXIT_USAGE;
	st->deleted = -1;
	if (rc == 0 && m->deleted != NULL && (st->deleted = ctx_col(c, span_str(m->deleted), "deleted")) == -1)
		rc = EXIT_USAGE;
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->name == NULL)
		return ctx_usage(c, "a table is required");
	if (st->job != NULL)
		return ctx_usage(c, "--job: barrier jobs are not built yet");
	if (st->dt != NULL && st->by != NULL)
		return ctx_usage(c, "dt= and --partition-by exclude each other");
	if (st->dt != NULL && !day_good(span_str(st->dt), st->day))
		return ctx_usage(c, "dt=%s: not a day, YYYY-MM-DD", st->dt);
	/* what a crash left between a run's record and its tables comes first */
	if (ctx_run_dir(c) == NULL && (rc = txn_redo()) != 0)
		return rc;
	if ((rc = table_open(span_str(st->name), PLACE_WRITE, LOG_HEAD, &st->table)) != 0 || (rc = columns(c,
	    st)) != 0 ||
	    (rc = change_begin(st->table, "wh-put", ctx_run_dir(c), &st->change)) != 0)
		return rc;
	if (st->dt != NULL)
		change_replace(st->change, st->day);
	st->rows = rows_new(&(struct rows_conf){ .t = st->table, .c = st->change, .budget = ctx_budget(c),
	    .keyed = st->keyed, .base = st->keyed && st->dt != NULL });
	return 0;
}

/* Key and order of record i, canonical. NULL or a reason. */
static const char *
key_of(struct state *st, const struct batch *b, size_t i, struct row *row)
{
	const char *why;

	buf_clear(&st->key);
	for (size_t k = 0; k < st->keys.n; k++) {
		struct val v = b->col[st->keys.col[k]][i];

		if (val_is_null(v))
			return "the key is null";
		if (k > 0)
			buf_byte(&st->key, ',');
		if ((why = val_key(v, KEY_EXACT, &st->key)) != NULL)
			return why;
	}
	if ((why = merge_order(b->col[st->order][i], &st->order_text)) != NULL)
		return why;
	if (st->deleted != -1 && (why = merge_dead(b->col[st->deleted][i], &row->dead)) != NULL)
		return why;
	row->key = buf_span(&st->key);
	row->order = buf_span(&st->order_text);
	return NULL;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = 0;

	(void)c;
	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		char day[WHEN_DAY_BYTES];
		struct row row = { 0 };
		const char *why = NULL;
		bool timed = false;
		int64_t ms;

		if (st->timed)
			why = partition_day(&st->part, b, i, day, &ms, &timed);
		if (st->dt != NULL)
			why = NULL;	/* there its time is only for the record of the commit */
		if (why == NULL && st->keyed)
			why = key_of(st, b, i, &row);
		if (why == NULL)
			why = rows_look(st->rows, b->line[i]);
		if (why != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		row.ms = timed ? &ms : NULL;
		b->fate[i] = F_USED;
		rc = rows_put(st->rows, st->dt != NULL ? st->day : day, b->line[i], &row);
	}
	return rc;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = rows_end(st->rows);

	(void)c;
	st->rows = NULL;
	return rc;
}

/* Nothing else can fail any more: publish, or close the stage. */
static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;
	uint64_t n = 0;

	rows_free(st->rows);
	if (st->change != NULL && status == 0) {
		const struct flow_counts *n_of = ctx_counts(c);

		change_count(st->change, "in", n_of->in);
		change_count(st->change, "used", n_of->used);
		change_count(st->change, "rejected", n_of->rejected);
		status = change_end(st->change, &n);
		ctx_note(c, "commit", n);
	} else {
		change_abort(st->change);
	}
	partition_free(&st->part);
	table_close(st->table);
	buf_free(&st->key);
	buf_free(&st->order_text);
	return status;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-put", .what = "rows into a table of the warehouse",
	    .synopsis = "TABLE (dt=DAY | --partition-by EXPR) [--job J] [FILE ...]", .opts = opts,
	    .state_bytes = sizeof(struct state), .is = CMD_EFFECT, .par = PAR_SERIAL, .word = word, .set_up = set_up,
	    .batch = batch, .end = end, .finish = finish };

	return run_main(argc, argv, &cmd);
}
