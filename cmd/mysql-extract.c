/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql-extract - a table of MySQL as records, each value as the server writes it
 *
 * Path:   MySQL -> edge/mysql_select (one snapshot, rows as they come) -> edge cells -> stdout
 * Memory: one row; the server's side of the connection holds nothing either.
 * Cost:   a scan in primary key order; with --since a range of that column's index.
 */
#include "edge/mysql_select.h"
#include "expr/expr.h"
#include "out/json.h"
#include "run/hwm.h"
#include "run/run.h"

struct state {
	const char *options, *table, *columns, *where, *since, *lag, *from, *until, *mark_file;
	bool schema, insecure;
	struct db *db;
	struct db_tab *tab;
	struct select sel;
	struct sql_arg *arg;
	struct hwm *mark;
	struct buf low, high;		/* the bounds */
	struct span *key;		/* "name": of each cell */
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 0, "defaults-file", OPT_TEXT, AT(options), "FILE",
	    "option file with host, user, password; mode 0600" },
	{ 0, "table", OPT_TEXT, AT(table), "[DB.]T", "the table or view" },
	{ 0, "columns", OPT_TEXT, AT(columns), "LIST", "only these, in this order: A,B,..." },
	{ 0, "where", OPT_TEXT, AT(where), "SQL",
	    "only rows for which this holds; :NAME is --arg's text" },
	{ 0, "since", OPT_TEXT, AT(since), "COLUMN[,KEY]",
	    "only what this column says is new; rows in its order" },
	{ 0, "lag", OPT_TEXT, AT(lag), "DUR",
	    "stay behind the clock (1m), or N behind the largest number (0)" },
	{ 0, "from", OPT_TEXT, AT(from), "VALUE", "with --since: begin here, not at the mark" },
	{ 0, "until", OPT_TEXT, AT(until), "VALUE",
	    "with --since: end before this, not at the clock" },
	{ 0, "hwm", OPT_TEXT, AT(mark_file), "FILE", "with --since: where the mark is kept" },
	{ 0, "schema", OPT_FLAG, AT(schema), NULL,
	    "the columns and their types instead of the rows" },
	{ 0, "insecure", OPT_FLAG, AT(insecure), NULL, "no TLS to another machine" },
	{ 0 }
};

static int
check_options(struct ctx *c, struct state *st)
{
	const char *const *file;

	if (ctx_files(c, &file) > 0)
		return ctx_usage(c, "'%s': there is no input but the table", file[0]);
	if (st->options == NULL || st->table == NULL)
		return ctx_usage(c, "--defaults-file and --table are needed");
	if (st->since == NULL && (st->lag != NULL || st->from != NULL || st->until != NULL ||
	    st->mark_file != NULL))
		return ctx_usage(c, "--lag, --from, --until and --hwm go with --since");
	if (st->until != NULL && st->lag != NULL)
		return ctx_usage(c, "--until and --lag both say where to end");
	if (st->from != NULL && st->mark_file != NULL)
		return ctx_usage(c, "--from and --hwm both say where to begin");
	if (st->schema && (st->since != NULL || st->where != NULL))
		return ctx_usage(c, "--schema is about columns, not rows");
	return 0;
}

/*
 * --from and --until make a part that is the same at every run; without --from it begins at the
 * mark.
 */
static int
bounds(struct ctx *c, struct state *st)
{
	const struct zone *z = ctx_zone(c);
	struct buf what = { 0 };
	const char *why = NULL;
	int rc = 0;

	if (st->from != NULL) {
		why = select_bound(&st->sel, st->from, z, &st->low);
	} else {
		buf_fmt(&what, "%.*s.%.*s %s", (int)st->tab->db.n, st->tab->db.p,
		    (int)st->tab->name.n, st->tab->name.p,
		    st->since);
		rc = hwm_open(st->mark_file, buf_cstr(&what), &st->mark);
		if (rc == 0 && hwm_value(st->mark) != NULL)
			buf_str(&st->low, hwm_value(st->mark));
		buf_free(&what);
	}
	if (why == NULL && st->until != NULL)
		why = select_bound(&st->sel, st->until, z, &st->high);
	else if (why == NULL && rc == 0)
		rc = select_until(&st->sel, st->lag, z, &st->high);
	if (why != NULL)
		return ctx_usage(c, "%s: %s", st->from != NULL && st->high.n == 0 ? "--from" :
		    "--until", why);
	if (rc == 0)
		rc = select_nulls(&st->sel);
	st->sel.from = st->low.n == 0 ? NULL : buf_cstr(&st->low);
	st->sel.until = st->high.n == 0 ? NULL : buf_cstr(&st->high);
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct expr_env env = ctx_env(c, NULL);
	int rc;

	if ((rc = check_options(c, st)) != 0 ||
	    (rc = db_open(st->options, st->insecure ? DB_INSECURE : 0, &st->db)) != 0 ||
	    (rc = db_table(st->db, span_str(st->table), &st->tab)) != 0)
		return rc;
	if (st->tab->n == 0)
		return err_remote("%s: there is no such table, or it may not be read", st->table);
	st->arg = mem_array(NULL, env.n_args, sizeof *st->arg);
	for (size_t i = 0; i < env.n_args; i++)
		st->arg[i] = (struct sql_arg){ env.arg[i].name, env.arg[i].value };
	st->sel = (struct select){ .db = st->db, .tab = st->tab, .columns = st->columns, .where =
	    st->where,
	    .since = st->since, .arg = st->arg, .n_args = env.n_args };
	if ((rc = select_columns(&st->sel)) != 0)
		return rc;
	st->key = mem_array(NULL, st->sel.n, sizeof *st->key);
	for (size_t i = 0; i < st->sel.n; i++) {
		struct buf b = { 0 };

		json_key(&b, st->tab->col[st->sel.col[i]].name);
		st->key[i] = buf_span(&b);
	}
	return 0;
}

static int
schema(struct ctx *c, struct state *st)
{
	int rc = 0;

	for (size_t i = 0; i < st->sel.n && rc == 0; i++) {
		const struct db_col *col = &st->tab->col[st->sel.col[i]];
		struct buf *b = ctx_made_begin(c, NULL, 0);

		buf_str(b, "{\"db\":");
		buf_json(b, st->tab->db);
		buf_str(b, ",\"table\":");
		buf_json(b, st->tab->name);
		buf_str(b, ",\"column\":");
		buf_json(b, col->name);
		buf_str(b, ",\"type\":");
		buf_json(b, col->type);
		buf_str(b, ",\"key\":");
		if (col->key == 0)
			buf_str(b, "null");
		else
			buf_u64(b, col->key);
		buf_byte(b, '}');
		ctx_count_in(c, 1, F_USED);
		rc = ctx_made_end(c);
	}
	return rc;
}

/* One row as a record; what is no text in UTF-8 makes the row bad. */
static int
write_row(struct ctx *c, const struct state *st, const struct span *cell, uint64_t n)
{
	struct buf *b = ctx_made_begin(c, NULL, 0);
	const char *why = NULL;

	buf_byte(b, '{');
	for (size_t i = 0; i < st->sel.n && why == NULL; i++) {
		if (i > 0)
			buf_byte(b, ',');
		buf_span_add(b, st->key[i]);
		if (cell[i].p == NULL)
			buf_str(b, "null");
		else if ((why = cell_json(&st->tab->col[st->sel.col[i]], cell[i], ctx_zone(c),
		    b)) != NULL) {
			ctx_count_in(c, 1, F_REJECT);
			return ctx_reject(c, (struct where){ st->table, n, 0 }, why, cell[i]);
		}
	}
	buf_byte(b, '}');
	ctx_count_in(c, 1, F_USED);
	return ctx_made_end(c);
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct span *cell = mem_array(NULL, st->sel.n, sizeof *cell);
	uint64_t n = 0;
	int got = 0, rc = 0;

	if (st->schema)
		return schema(c, st);
	/*
	 * the bounds first: what is written between the two must lie behind the end, not before it
	 * and unseen
	 */
	if ((st->since != NULL && (rc = bounds(c, st)) != 0) ||
	    (rc = select_snapshot(&st->sel)) != 0 ||
	    (rc = select_begin(&st->sel)) != 0)
		return rc;
	while (rc == 0 && (got = db_row(st->db, cell)) == 1)
		rc = write_row(c, st, cell, ++n);
	if (rc == 0 && got == -1)
		rc = db_last(st->db) == DB_AGAIN ? EXIT_TEMP : EXIT_REMOTE;
	return rc == 0 ? ctx_rejects_ok(c) : rc;
}

/* The output is closed; only now does the mark move. */
static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	/* a clock that was set back does not set the mark back */
	if (status == 0 && st->mark != NULL && st->sel.until != NULL &&
	    (st->sel.from == NULL || select_before(&st->sel, st->sel.from, st->sel.until)))
		status = hwm_save(st->mark, st->sel.until);
	db_table_free(st->tab);
	db_close(st->db);
	return status;
}

static const struct command cmd = {
	.name = "mysql-extract", .what =
	    "a MySQL table as records, values as the server writes them",
	.synopsis = "--defaults-file FILE --table [DB.]T [--columns LIST] [--where SQL] "
	    "[--since COLUMN[,KEY] [--lag DUR]] [--schema]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT, .par = PAR_SERIAL,
	.set_up = set_up, .main = work, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
