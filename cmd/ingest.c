/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ingest - growing logs to a table or the standard output, each line once
 *
 * Path:   files -> run/tail from where the table's log knows them -> run/partition -> store/rows ->
 *         store/change with the
 *         files' new positions in the same commit
 * Memory: a block of input and 24 open files of about 4 MiB each.
 */
#include <time.h>

#include "run/partition.h"
#include "run/run.h"
#include "run/sources.h"
#include "run/txn.h"
#include "store/publish.h"
#include "store/rows.h"

#define COMMIT_BYTES (64 * MIB)		/* of input, then it is committed */
#define ROUND_SECONDS 10		/* between commits of a log that goes on */

struct state {
	const char *pattern, *dest, *by, *until;	/* options */
	struct table *table;
	struct rows *rows;
	struct partition part;
	struct sources from;
	bool more;			/* the round ended before its inputs did */
};

static const struct opt opts[] = {
	{ 'f', "files", OPT_TEXT, offsetof(struct state, pattern), "GLOB",
	    "files that grow and rotate; go on until told to stop" },
	{ 'd', "dest", OPT_TEXT, offsetof(struct state, dest), "TABLE",
	    "append to TABLE, each line once (standard output)" },
	{ 0, "partition-by", OPT_TEXT, offsetof(struct state, by), "EXPR",
	  "each row goes to the day of EXPR: PATH[:s|ms|us] or an expression (the table's day)" },
	{ 0, "until", OPT_TEXT, offsetof(struct state, until), "end",
	    "with -f: stop at the end of what is there now" },
	{ 0 }
};

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	const char *const *files;
	const struct meta *m;
	int rc;

	if (st->pattern != NULL && ctx_files(c, &files) > 0)
		return ctx_usage(c, "-f and FILE exclude each other");
	if (st->until != NULL && (strcmp(st->until, "end") != 0 || st->pattern == NULL))
		return ctx_usage(c, "--until: only `end`, and only with -f");
	if (st->dest == NULL && st->pattern != NULL && st->until == NULL)
		return ctx_usage(c, "-f without -d needs --until end");
	if (st->dest == NULL)
		return st->by == NULL ? 0 : ctx_usage(c, "--partition-by needs -d");
	if (ctx_run_dir(c) != NULL && st->pattern != NULL && st->until == NULL)
		return ctx_usage(c, "in a run -f needs --until end");
	if (ctx_run_dir(c) == NULL && (rc = txn_redo()) != 0)
		return rc;
	if ((rc = table_open(span_str(st->dest), PLACE_WRITE, LOG_HEAD, &st->table)) != 0)
		return rc;
	m = &st->table->meta;
	if (m->kind == KIND_UPSERT)
		return ctx_usage(c, "%s is keyed: ingest appends; use wh-put --partition-by", st->dest);
	if (st->by == NULL && (st->by = m->day) == NULL)
		return ctx_usage(c, "--partition-by is required: table %s says no day", st->dest);
	return partition_set_up(c, st->by, m->tz == NULL ? NULL : zone_open(m->tz), &st->part);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = 0;

	(void)c;
	for (size_t i = 0; rc == 0 && st->dest != NULL && i < b->n; i++) {
		char day[WHEN_DAY_BYTES];
		struct row row = { 0 };
		const char *why;
		bool timed;
		int64_t ms;

		if ((why = partition_day(&st->part, b, i, day, &ms, &timed)) != NULL ||
		    (why = rows_look(st->rows, b->line[i])) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		row.ms = timed ? &ms : NULL;
		b->fate[i] = F_USED;
		rc = rows_put(st->rows, day, b->line[i], &row);
	}
	return rc;
}

/* Read all inputs from their spots; the rows go to one commit, with the new positions. */
static int
feed_all(struct ctx *c, struct state *st, struct change *ch)
{
	uint64_t taken = 0;
	char to[SPOT_BYTES];
	int rc = 0;

	st->more = false;
	for (size_t i = 0; rc == 0 && i < st->from.n && !ctx_stopped(c); i++) {
		struct input *x = &st->from.in[i];
		uint64_t from = x->tail.offset;

		/* a run has one commit: its positions are not in the log before it is published */
		if (st->dest != NULL && ctx_run_dir(c) == NULL && x->fd > 0) {
			st->more = taken >= COMMIT_BYTES;
			if (st->more)
				break;
			x->tail.most = COMMIT_BYTES - taken;
		}
		if (ch != NULL)
			rc = rows_app(st->rows, x->fd > 0 ? x->spot.app : NULL);
		if (rc != 0 || (rc = tail_feed(c, &x->tail)) != 0)
			break;
		taken += x->tail.offset - from;
		st->more = !x->tail.ended;
		if (x->tail.left > 0 && (st->pattern == NULL || st->until != NULL))
			err_warn("%s:%llu: the last line is not whole: left for the next time", x->path,
			    (unsigned long long)x->tail.line + 1);
		if (ch != NULL && x->fd > 0 && x->tail.offset > from &&
		    (rc = spot_to(&x->spot, x->fd, x->path, x->tail.offset, x->tail.line, to)) == 0)
			change_source(ch, x->spot.app, x->spot.from, to, x->epoch);
	}
	return rc != 0 ? rc : ctx_rejects_ok(c);
}

/* One commit's worth. */
static int
round_once(struct ctx *c, struct state *st, uint64_t *commit)
{
	struct sources *from = &st->from;
	struct change *ch = NULL;
	int rc;

	st->more = false;
	if ((rc = sources_open(from, c, st->pattern, st->dest != NULL)) != 0 || st->dest == NULL)
		return rc != 0 ? rc : feed_all(c, st, NULL);
	/*
	 * views that an earlier writer did not get to; found, fenced, and found again: behind the fence no
	 * position moves
	 */
	if ((rc = table_follow(st->table)) != 0 || (rc = publish_after(st->table)) != 0 ||
	    (rc = sources_find(from, st->table)) != 0 || from->n == 0 ||
	    (rc = sources_fence(from, st->table)) != 0 || (rc = sources_find(from, st->table)) != 0 ||
	    from->n == 0 || (rc = change_begin(st->table, "ingest", ctx_run_dir(c), &ch)) != 0)
		return rc;
	st->rows = rows_new(&(struct rows_conf){ .t = st->table, .c = ch, .budget = ctx_budget(c) });
	rc = feed_all(c, st, ch);
	if (rc == 0)
		rc = rows_end(st->rows);
	else
		rows_free(st->rows);
	st->rows = NULL;
	if (rc == 0)
		return change_end(ch, commit);
	change_abort(ch);
	return rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	bool on = st->pattern != NULL && st->until == NULL;
	uint64_t commit, last = 0;
	int rc;

	do {
		commit = 0;
		rc = round_once(c, st, &commit);
		last = commit > 0 && rc == 0 ? commit : last;
		sources_close(&st->from);
		if (rc == 0 && on && !st->more && !ctx_stopped(c))
			nanosleep(&(struct timespec){ ROUND_SECONDS, 0 }, NULL);
	} while (rc == 0 && (on || st->more) && !ctx_stopped(c));
	ctx_note(c, "commit", last);
	/* what was read is committed, the rest is where it was: for a log that goes on that is its end */
	if (rc == 0 && ctx_stopped(c) && !on)
		rc = err_temp("stopped by a signal");
	partition_free(&st->part);
	sources_free(&st->from);
	table_close(st->table);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "ingest", .what = "growing logs to a table, each line once",
	    .synopsis = "(-f GLOB | FILE ...) [-d TABLE] [--partition-by EXPR] [--until end]", .opts = opts,
	    .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_EFFECT, .par = PAR_SERIAL, .set_up = set_up,
	    .batch = batch, .main = work };

	return run_main(argc, argv, &cmd);
}
