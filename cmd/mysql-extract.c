/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql-extract - tables of MySQL as records, each value as the server writes it
 *
 * Path:   MySQL -> edge/mysql_select (one snapshot, rows as they come) -> run/extract -> stdout, or files in pieces
 * Memory: one row a connection; the server's side of it holds nothing either.
 * Cost:   a scan in primary key order; with --since a range of that column's index.
 */
#include "run/extract.h"

struct state {
	struct extract_conf conf;
	bool schema;
	struct extract *x;
};

static const char *const zero_words[] = { "keep", "null", "reject", NULL };	/* as enum zero_dates */

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 0, "defaults-file", OPT_TEXT, AT(conf.options), "FILE",
	    "option file with host, user, password; mode 0600" },
	{ 0, "table", OPT_LIST, AT(conf.table), "[DB.]T", "the table or view; with --to again for each" },
	{ 0, "columns", OPT_TEXT, AT(conf.columns), "LIST", "only these, in this order: A,B,..." },
	{ 0, "where", OPT_TEXT, AT(conf.where), "SQL",
	    "only rows for which this holds; :NAME is --arg's text" },
	{ 0, "since", OPT_TEXT, AT(conf.since), "COLUMN[,KEY]",
	    "only what this column says is new; rows in its order" },
	{ 0, "lag", OPT_TEXT, AT(conf.lag), "DUR",
	    "stay behind the clock (1m), or N behind the largest number (0)" },
	{ 0, "overlap", OPT_TEXT, AT(conf.overlap), "DUR|N", "with --since: begin so much before the mark" },
	{ 0, "from", OPT_TEXT, AT(conf.from), "VALUE", "with --since: begin here, not at the mark" },
	{ 0, "until", OPT_TEXT, AT(conf.until), "VALUE",
	    "with --since: end before this, not at the clock" },
	{ 0, "hwm", OPT_TEXT, AT(conf.mark), "FILE", "with --since: where the mark is kept" },
	{ 0, "to", OPT_TEXT, AT(conf.to), "DIR", "write DIR/DB.TABLE/N.ndjson.zst; again goes on behind them" },
	{ 0, "chunk", OPT_COUNT, AT(conf.chunk), "ROWS", "with --to: rows of a file (0: all)" },
	{ 0, "connections", OPT_COUNT, AT(conf.connections), "N", "with --to: tables that are read at once (1)" },
	{ 0, "rate", OPT_COUNT, AT(conf.rate), "ROWS", "read no more than so many a second, in all" },
	{ 0, "zero-dates", OPT_CHOICE, AT(conf.zero_dates), "keep|null|reject",
	    "0000-00-00, and a month or day of 0: as it is (keep), null, or the row is a reject", zero_words },
	{ 0, "schema", OPT_FLAG, AT(schema), NULL,
	    "the columns and their types instead of the rows" },
	{ 0, "insecure", OPT_FLAG, AT(conf.insecure), NULL, "no TLS to another machine" },
	{ 0 }
};

static int
check_since(struct ctx *c, const struct extract_conf *o)
{
	if (o->since == NULL && (o->lag != NULL || o->overlap != NULL || o->from != NULL || o->until != NULL ||
	    o->mark != NULL))
		return ctx_usage(c, "--lag, --overlap, --from, --until and --hwm go with --since");
	if (o->until != NULL && o->lag != NULL)
		return ctx_usage(c, "--until and --lag both say where to end");
	if (o->from != NULL && (o->mark != NULL || o->overlap != NULL))
		return ctx_usage(c, "--from and --%s both say where to begin", o->mark != NULL ? "hwm" : "overlap");
	return 0;
}

static int
check_options(struct ctx *c, struct state *st)
{
	struct extract_conf *o = &st->conf;
	const char *const *file;

	if (ctx_files(c, &file) > 0)
		return ctx_usage(c, "'%s': there is no input but the table", file[0]);
	if (o->options == NULL || o->table.n == 0)
		return ctx_usage(c, "--defaults-file and --table are needed");
	if (o->to == NULL && (o->chunk > 0 || o->connections > 0))
		return ctx_usage(c, "--chunk and --connections go with --to");
	if (o->to == NULL && o->table.n > 1 && !st->schema)
		return ctx_usage(c, "several tables go into files: --to");
	if (o->table.n > 1 && (o->columns != NULL || o->where != NULL))
		return ctx_usage(c, "--columns and --where are of one table");
	if (o->to != NULL && (o->since != NULL || st->schema))
		return ctx_usage(c, "--to takes whole tables: no --since, no --schema");
	if (st->schema && (o->since != NULL || o->where != NULL || o->zero_dates != ZERO_KEEP))
		return ctx_usage(c, "--schema is about columns, not rows");
	if (o->connections == 0)
		o->connections = 1;
	return check_since(c, o);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = check_options(c, st);

	return rc != 0 ? rc : extract_open(c, &st->conf, &st->x);
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;

	(void)c;
	return st->schema ? extract_schema(st->x) : extract_rows(st->x);
}

/* The output is closed; only now does the mark move. */
static int
finish(struct ctx *c, void *arg, int status)
{
	(void)c;
	return extract_close(((struct state *)arg)->x, status);
}

static const struct command cmd = {
	.name = "mysql-extract", .what =
	    "a MySQL table as records, values as the server writes them",
	.synopsis = "--defaults-file FILE --table [DB.]T [--columns LIST] [--where SQL] "
	    "[--since COLUMN[,KEY] [--lag DUR]] [--to DIR [--chunk ROWS] [--connections N]] "
	    "[--zero-dates keep|null|reject] [--schema]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT, .par = PAR_SERIAL,
	.set_up = set_up, .main = work, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
