/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql-load - idempotent load of a table: upsert by key, one day replaced in a transaction, or the whole
 *
 * Path:   files, tables or stdin -> edge/replay -> in/rec -> edge/mysql_target, mysql_load -> MySQL
 * Memory: upsert: the rows of one transaction, 32 MiB; a day, a table: half of -S, what is more waits in an
 *         unnamed temporary file, because a transaction that failed is sent again from its start.
 */
#include <stdlib.h>

#include "edge/mysql_target.h"
#include "edge/replay.h"
#include "in/rec.h"
#include "run/run.h"

#define UPSERT_ROWS 50000u	/* of one transaction */
#define UPSERT_BYTES (32 * MIB)

struct state {
	const char *options, *table, *keys, *partition;
	bool replace, create, unique_ok, collate_ok, ignore_unknown, zero_dates, insecure;
	struct ctx *c;
	struct db *db;
	struct target *target;
	struct load *load;
	struct replay *rows;
	uint64_t came, expected, loaded;
	bool ending, already;
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 0, "defaults-file", OPT_TEXT, AT(options), "FILE",
	    "option file with host, user, password; mode 0600" },
	{ 0, "table", OPT_TEXT, AT(table), "[DB.]T", "the table" },
	{ 'k', "key", OPT_TEXT, AT(keys), "KEYS", "the columns that tell rows apart: A,B,..." },
	{ 0, "partition", OPT_TEXT, AT(partition), "dt=D", "fill column dt and replace that day as a whole" },
	{ 0, "replace-table", OPT_FLAG, AT(replace), NULL, "load a table beside it that takes its name" },
	{ 0, "create", OPT_FLAG, AT(create), NULL, "make a table that is not there, from the values" },
	{ 0, "ignore-unknown", OPT_FLAG, AT(ignore_unknown), NULL, "leave out fields that are no column" },
	{ 0, "unique-ok", OPT_FLAG, AT(unique_ok), NULL, "take a table that has a second unique index" },
	{ 0, "collate-ok", OPT_FLAG, AT(collate_ok), NULL, "take keys of which K and k are one to the server" },
	{ 0, "zero-dates", OPT_FLAG, AT(zero_dates), NULL, "store 0000-00-00" },
	{ 0, "insecure", OPT_FLAG, AT(insecure), NULL, "no TLS to another machine" },
	{ 0 }
};

/* What the loader asks: rewind_rows to agree. */
static void
rewind_rows(void *arg)
{
	replay_rewind(((struct state *)arg)->rows);
}

static const char *
make_row(struct target *t, struct span line, struct load_row *row)
{
	const char *why = NULL;
	struct span key;
	struct rec r;
	struct val v;

	target_begin(t);
	for (rec_begin(&r, line); why == NULL && rec_next(&r, &key, &v);)
		why = target_put(t, key, v);
	return why == NULL ? target_end(t, row) : why;
}

static int
next_row(void *arg, struct load_row *row, int *status)
{
	struct state *st = arg;
	struct replay_line l;
	int got = replay_next(st->rows, &row->id);

	*status = got == -1 ? EXIT_IO : 0;
	if (got == 1) {
		replay_line(st->rows, row->id, &l);
		row->why = make_row(st->target, l.text, row);
	}
	return got;
}

static int
reject_row(void *arg, struct span id, const char *why)
{
	struct state *st = arg;
	struct replay_line l;

	replay_line(st->rows, id, &l);
	ctx_recount(st->c, 1, F_USED, F_REJECT);
	return ctx_reject(st->c, (struct where){ l.source, l.number, l.offset }, why, l.text);
}

static bool
is_stopped(void *arg)
{
	return ctx_stopped(((struct state *)arg)->c);
}

static int
agree(void *arg)
{
	struct state *st = arg;

	return st->ending ? ctx_rejects_ok(st->c) : 0;
}

static void
make_loader(struct state *st)
{
	struct load_conf conf = { .rewind = rewind_rows, .next = next_row, .reject = reject_row,
	    .stopped = is_stopped, .agree = agree, .arg = st };

	target_loader(st->target, &conf);
	st->load = load_new(&conf);
}

/* Rows go out as they come; a day and a table are whole first. */
static bool
is_upsert(const struct state *st)
{
	return st->partition == NULL && !st->replace;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	unsigned flags = (st->insecure ? DB_INSECURE : 0u) | (st->zero_dates ? DB_ZERO_DATES : 0u);
	int rc;

	st->c = c;
	if (st->options == NULL || st->table == NULL || st->keys == NULL)
		return ctx_usage(c, "--defaults-file, --table and -k are needed");
	if (st->partition != NULL && st->replace)
		return ctx_usage(c, "--partition replaces a day, --replace-table all of them: not both");
	if ((rc = ctx_outward(c, &st->expected)) != 0 || (rc = db_open(st->options, flags, &st->db)) != 0)
		return rc;
	st->rows = replay_new(is_upsert(st) && !st->create ? 2 * UPSERT_BYTES : ctx_budget(c) / 2);
	rc = target_open(&(struct target_conf){ st->db, st->table, st->keys, st->partition,
	    st->unique_ok, st->collate_ok, st->ignore_unknown, st->replace, ctx_zone(c) }, &st->target);
	if (rc == 0 && target_there(st->target))
		make_loader(st);
	else if (rc == 0 && !st->create)
		rc = err_usage("%s: there is no such table (--create makes it)", st->table);
	return rc;
}

static int
load_rows(struct state *st)
{
	struct load_done done;
	char content[TARGET_CONTENT_BYTES];
	int rc;

	if (st->replace) {
		rc = load_replace(st->load, &done);
	} else if (is_upsert(st)) {
		rc = load_upsert(st->load, &done);
	} else {
		target_content(st->target, replay_hash(st->rows), content);
		rc = load_day(st->load, target_ledger(st->target), span_str(content), &done);
	}
	st->loaded += done.rows;
	st->already = done.already;
	replay_clear(st->rows);
	return rc;
}

static void
see_columns(struct target *t, struct span line)
{
	struct span key;
	struct rec r;
	struct val v;

	for (rec_begin(&r, line); rec_next(&r, &key, &v);)
		target_see(t, key, v);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = 0;

	/* here, not below: what a server rejects must have been counted */
	if (st->load != NULL && is_upsert(st) &&
	    (replay_count(st->rows) >= UPSERT_ROWS || replay_bytes(st->rows) >= UPSERT_BYTES))
		rc = load_rows(st);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct where w = ctx_where(c, b, i);

		st->came++;
		b->fate[i] = F_USED;
		if (!target_there(st->target))
			see_columns(st->target, b->line[i]);
		rc = replay_add(st->rows, &(struct replay_line){ b->line[i], w.source, w.line,
		    w.offset });
	}
	return rc;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = ctx_outward_end(c, st->came, st->expected);

	if (rc != 0)
		return rc;
	if (!target_there(st->target)) {
		if (st->came == 0)	/* no value, no type */
			return 0;
		if ((rc = target_create(st->target)) != 0)
			return rc;
		make_loader(st);
	}
	st->ending = true;
	rc = load_rows(st);
	ctx_note(c, "loaded", st->loaded);
	ctx_note(c, "already", st->already);
	return rc;
}

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	if (st->load != NULL)
		load_free(st->load);
	target_close(st->target);
	replay_free(st->rows);
	db_close(st->db);
	return status;
}

static const struct command cmd = {
	.name = "mysql-load", .what = "idempotent load of a MySQL table",
	.synopsis =
	    "--defaults-file FILE --table [DB.]T -k KEYS [--partition dt=D | --replace-table] [--create]"
	    " [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EFFECT | CMD_TABLES, .par = PAR_SERIAL,
	.set_up = set_up, .batch = batch, .end = end, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
