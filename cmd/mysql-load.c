/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql-load - idempotent load of a table: upsert by key, one day replaced in a transaction, or the whole; in a barrier
 * job each epoch once
 *
 * Path:   files, tables or stdin -> run/loading (edge/replay, in/rec, edge/mysql_target) -> edge/mysql_load, mysql_job
 * Memory: upsert: the rows of one transaction, 32 MiB; a day, a table, an epoch: half of -S, what is more waits in an
 *         unnamed temporary file, because a transaction that failed is sent again from its start.
 */
#include "edge/mysql_job.h"
#include "edge/mysql_target.h"
#include "edge/replay.h"
#include "run/loading.h"
#include "run/run.h"

#define UPSERT_ROWS 50000u	/* of one transaction */
#define UPSERT_BYTES (32 * MIB)

struct state {
	const char *options, *table, *keys, *partition, *job_name, *op, *version, *soft_delete, *truncates_of;
	bool replace, create, unique_ok, collate_ok, ignore_unknown, zero_dates, insecure;
	struct db *db;
	struct loading *rows;
	struct load_job job;
	uint64_t came, expected, loaded;
	bool already;
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 0, "defaults-file", OPT_TEXT, AT(options), "FILE",
	    "option file with host, user, password; mode 0600" },
	{ 0, "table", OPT_TEXT, AT(table), "[DB.]T", "the table" },
	{ 'k', "key", OPT_TEXT, AT(keys), "KEYS", "the columns that tell rows apart: A,B,..." },
	{ 0, "partition", OPT_TEXT, AT(partition), "dt=D", "fill column dt and replace that day as a whole" },
	{ 0, "replace-table", OPT_FLAG, AT(replace), NULL, "load a table beside it that takes its name" },
	{ 0, "job", OPT_TEXT, AT(job_name), "J", "the sink of that name in a barrier job: each epoch once" },
	{ 0, "op", OPT_TEXT, AT(op), "PATH", "records are changes: c, u, r put the row beside PATH, d, t delete" },
	{ 0, "truncates-of", OPT_TEXT, AT(truncates_of), "[DB.]T", "a truncate of that table empties this one" },
	{ 0, "version-by", OPT_TEXT, AT(version), "COLUMN[=PATH]", "only what is older in that column is replaced" },
	{ 0, "soft-delete", OPT_TEXT, AT(soft_delete), "COLUMN", "a deleted row stays, with 1 in that column" },
	{ 0, "create", OPT_FLAG, AT(create), NULL, "make a table that is not there, from the values" },
	{ 0, "ignore-unknown", OPT_FLAG, AT(ignore_unknown), NULL, "leave out fields that are no column" },
	{ 0, "unique-ok", OPT_FLAG, AT(unique_ok), NULL, "take a table that has a second unique index" },
	{ 0, "collate-ok", OPT_FLAG, AT(collate_ok), NULL, "take keys of which K and k are one to the server" },
	{ 0, "zero-dates", OPT_FLAG, AT(zero_dates), NULL, "store 0000-00-00" },
	{ 0, "insecure", OPT_FLAG, AT(insecure), NULL, "no TLS to another machine" },
	{ 0 }
};

/* Rows go out as they come; a day and a table are whole first, an epoch has a mark behind it. */
static bool
is_upsert(const struct state *st)
{
	return st->partition == NULL && !st->replace && st->job_name == NULL;
}

static int
check_options(struct ctx *c, const struct state *st)
{
	size_t n = st->job_name == NULL ? 1 : strlen(st->job_name);

	if (st->options == NULL || st->table == NULL || st->keys == NULL)
		return ctx_usage(c, "--defaults-file, --table and -k are needed");
	if ((st->partition != NULL) + st->replace + (st->job_name != NULL) > 1)
		return ctx_usage(c, "--partition replaces a day, --replace-table all of them, --job none: one of them");
	if ((st->partition != NULL || st->replace) && (st->op != NULL || st->version != NULL))
		return ctx_usage(c, "--op and --version-by need rows that stay: nothing that is replaced does");
	if (n == 0 || n > LOAD_JOB_BYTES_MAX)
		return ctx_usage(c, "--job: a name of 1 to %d bytes", LOAD_JOB_BYTES_MAX);
	if (st->job_name != NULL && !ctx_in_job(c))
		return ctx_usage(c, "--job: this is no barrier job (pipe-run)");
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	unsigned flags = (st->insecure ? DB_INSECURE : 0u) | (st->zero_dates ? DB_ZERO_DATES : 0u);
	int rc;

	if ((rc = check_options(c, st)) != 0 || (rc = ctx_outward(c, &st->expected)) != 0 ||
	    (rc = db_open(st->options, flags, &st->db)) != 0)
		return rc;
	st->job.name = st->job_name;
	return loading_open(c, &(struct loading_conf){ .db = st->db, .op = st->op, .version = st->version,
	    .truncates_of = st->truncates_of,
	    .create = st->create, .budget = is_upsert(st) && !st->create ? 2 * UPSERT_BYTES : ctx_budget(c) / 2,
	    .target = { .table = st->table, .keys = st->keys, .partition = st->partition, .unique_ok = st->unique_ok,
	    .collate_ok = st->collate_ok, .ignore_unknown = st->ignore_unknown, .replace = st->replace,
	    .soft_delete = st->soft_delete } }, &st->rows);
}

static int
load_all(struct state *st)
{
	struct target *t = loading_target(st->rows);
	struct load *l = loading_load(st->rows);
	char content[TARGET_CONTENT_BYTES];
	struct load_done done;
	int rc;

	if (st->replace) {
		rc = load_replace(l, &done);
	} else if (is_upsert(st)) {
		rc = load_upsert(l, &done);
	} else {
		target_content(t, replay_hash(loading_rows(st->rows)), content);
		rc = load_day(l, target_ledger(t), span_str(content), &done);
	}
	st->loaded += done.rows;
	st->already = done.already;
	loading_clear(st->rows);
	return rc;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	struct replay *rows = loading_rows(st->rows);
	int rc = 0;

	(void)c;
	/* here, not below: what a server rejects must have been counted */
	if (target_there(loading_target(st->rows)) && is_upsert(st) &&
	    (replay_count(rows) >= UPSERT_ROWS || replay_bytes(rows) >= UPSERT_BYTES) &&
	    (rc = loading_table(st->rows)) == 0)
		rc = load_all(st);
	st->came += b->n;
	return rc == 0 ? loading_add(st->rows, b) : rc;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = ctx_outward_end(c, st->came, st->expected);

	if (rc == 0) {
		loading_last(st->rows);
		if ((rc = loading_table(st->rows)) == 0 && target_there(loading_target(st->rows)))
			rc = load_all(st);
	}
	ctx_note(c, "loaded", st->loaded);
	ctx_note(c, "already", st->already);
	if (st->op != NULL)
		ctx_note(c, "ddl", loading_ddl(st->rows));
	return rc;
}

/* ---- a barrier job ---- */

static const char *
sink_name(const void *arg)
{
	return ((const struct state *)arg)->job_name;
}

static int
sink_begin(struct ctx *c, void *arg, uint64_t *id)
{
	struct state *st = arg;
	int rc = load_job_begin(loading_load(st->rows), &st->job);

	*id = st->job.id;
	loading_last(st->rows);
	return rc == 0 ? ctx_rejects_cut(c, st->job.reject_len) : rc;
}

static int
settle(void *arg, uint64_t *length)
{
	return ctx_rejects_size(arg, length);
}

static int
sink_commit(struct ctx *c, void *arg, const struct mark *m)
{
	struct state *st = arg;
	struct load_epoch e = { .ends = m->to, .hops = m->hops, .settle = settle, .arg = c };
	struct load_done done;
	int rc = loading_table(st->rows);

	if (rc == 0 && (rc = load_job_epoch(loading_load(st->rows), &st->job, &e, &done)) == 0)
		st->loaded += done.rows;
	loading_clear(st->rows);
	ctx_note(c, "loaded", st->loaded);
	ctx_note(c, "epoch", st->job.id);
	if (st->op != NULL)
		ctx_note(c, "ddl", loading_ddl(st->rows));
	return rc;
}

static int
sink_drop(struct ctx *c, void *arg)
{
	struct state *st = arg;
	uint64_t now;
	int rc = ctx_rejects_size(c, &now);	/* what waits to be written would come behind the cut */

	loading_clear(st->rows);
	return rc == 0 && now > st->job.reject_len ? ctx_rejects_cut(c, st->job.reject_len) : rc;
}

static const struct sink_ops sink = { sink_name, sink_begin, sink_commit, sink_drop };

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	loading_free(st->rows);
	db_close(st->db);
	return status;
}

static const struct command cmd = {
	.name = "mysql-load", .what = "idempotent load of a MySQL table",
	.synopsis =
	    "--defaults-file FILE --table [DB.]T -k KEYS [--partition dt=D | --replace-table | --job J]\n"
	    "       [--op PATH] [--version-by COLUMN[=PATH]] [--soft-delete COLUMN] [--truncates-of [DB.]T]\n"
	    "       [--create] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EFFECT | CMD_TABLES | CMD_EPOCHS,
	.par = PAR_SERIAL,
	.set_up = set_up, .batch = batch, .end = end, .sink = &sink, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
