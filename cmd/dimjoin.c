/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dimjoin - look a dimension up: add its fields, or pass the records that have (semi) or lack (anti) one
 *
 * Path:   DIM -> in/scan (or edge/csv_in) -> op/join, or a mapping of what another process read; files or stdin ->
 *         in/scan -> run/lookup: op/key, op/join -> out/json -> stdout
 * Memory: DIM: key and rendered fields of a row, and about 20 bytes; past -S a file; records that wait keep to -S.
 * Lines are copied around what is added; semi, anti, a --fill with nothing to fill: byte for byte.
 */
#include "run/lookup.h"
#include "run/operand.h"

struct state {
	const char *keys, *dim_keys, *as, *fields, *fill, *as_of, *valid, *miss, *dim_name, *reload, *time, *number;
	bool share;
	int type;
	struct lookup *lookup;
};

static const char *const type_words[] = { "left", "inner", "semi", "anti", NULL };

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'k', "key", OPT_TEXT, AT(keys), "PATHS", "the key in the records" },
	{ 'K', "dim-key", OPT_TEXT, AT(dim_keys), "PATHS", "the key in DIM (that of -k)" },
	{ 0, "type", OPT_CHOICE, AT(type), "left|inner|semi|anti",
	  "pass all, only matched ones, or only tell matched from unmatched (left)", type_words },
	{ 0, "as", OPT_TEXT, AT(as), "NAME", "add the row of DIM as one object" },
	{ 0, "fields", OPT_TEXT, AT(fields), "LIST", "add these fields of DIM: PATH or NEW=PATH, ..." },
	{ 0, "fill", OPT_TEXT, AT(fill), "LIST", "the same, but only where null or absent" },
	{ 0, "as-of", OPT_TEXT, AT(as_of), "PATH[:s|ms|us]", "take the row that was valid on this day" },
	{ 0, "valid", OPT_TEXT, AT(valid), "FROM,TO", "first and last day of a row of DIM (start_date,end_date)" },
	{ 0, "miss", OPT_TEXT, AT(miss), "null|reject|park=DUR[,reject]",
	  "a record without a row: add null (default), it is bad, or it waits so long for one" },
	{ 't', "time", OPT_TEXT, AT(time), "PATH[:s|ms|us]", "with park: DUR is of this time, not of the clock" },
	{ 0, "reload", OPT_TEXT, AT(reload), "DUR", "look so often whether DIM has changed; SIGHUP does so too" },
	{ 0, "share", OPT_FLAG, AT(share), NULL, "processes share one copy of DIM, a table, in memory" },
	{ 0, "number", OPT_TEXT, AT(number), "NAMES", "columns of a DIM in CSV whose cells are numbers" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	(void)c;
	if (st->dim_name != NULL)
		return 0;
	st->dim_name = w;
	return 1;
}

static int
check(struct ctx *c, const struct state *st)
{
	int lists = (st->as != NULL) + (st->fields != NULL) + (st->fill != NULL);

	if (st->keys == NULL)
		return ctx_usage(c, "-k is required");
	if (st->dim_name == NULL)
		return ctx_usage(c, "DIM is required");
	if (st->type >= LOOKUP_SEMI && lists > 0)
		return ctx_usage(c, "--type %s adds nothing: no --as, --fields, --fill with it", type_words[st->type]);
	if (st->type < LOOKUP_SEMI && lists != 1)
		return ctx_usage(c, "--type %s takes one of --as, --fields and --fill", type_words[st->type]);
	if (st->valid != NULL && st->as_of == NULL)
		return ctx_usage(c, "--valid goes with --as-of");
	if (st->miss != NULL && st->type != LOOKUP_LEFT)
		return ctx_usage(c, "--miss goes with --type left: the others say what a record without a row is");
	if (st->time != NULL && (st->miss == NULL || strncmp(st->miss, "park=", 5) != 0))
		return ctx_usage(c, "-t goes with --miss park=DUR");
	if (strcmp(st->dim_name, "-") == 0 && operand_stdin(c))
		return ctx_usage(c, "DIM and the records cannot both be the standard input");
	return 0;
}

/* A length of time that can be counted in microseconds, more than nothing. */
static int
exact(struct ctx *c, const char *text, const char *what, int64_t *us)
{
	struct dur d;
	int rc = ctx_dur(c, text, what, &d);

	if (rc != 0)
		return rc;
	*us = d.us + d.days * INT64_C(86400) * US_PER_SEC;
	return d.months == 0 && *us > 0 && *us <= INT64_C(10000) * 86400 * US_PER_SEC ? 0 :
	    ctx_usage(c, "%s: '%s' is no time to wait", what, text);
}

/* null, reject, park=DUR, park=DUR,null, park=DUR,reject */
static int
miss(struct ctx *c, const char *text, struct lookup_conf *conf)
{
	struct buf wait = { 0 };
	int rc = 0;

	if (text != NULL && strncmp(text, "park=", 5) == 0) {
		size_t n = strcspn(text + 5, ",");

		buf_add(&wait, text + 5, n);
		rc = exact(c, buf_cstr(&wait), "--miss park", &conf->park_us);
		buf_free(&wait);
		text = text[5 + n] == ',' ? text + 5 + n + 1 : NULL;
	}
	conf->reject = text != NULL && strcmp(text, "reject") == 0;
	if (rc == 0 && text != NULL && !conf->reject && strcmp(text, "null") != 0)
		rc = ctx_usage(c, "--miss: null, reject or park=DUR[,null|,reject], not '%s'", text);
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct lookup_conf conf = { .type = (enum lookup_type)st->type, .keys = st->keys, .as_of = st->as_of,
	    .time = st->time, .fill = st->fill != NULL,
	    .dim = { .operand = st->dim_name, .keys = st->dim_keys, .as = st->as, .number = st->number,
	    .fields = st->fill != NULL ? st->fill : st->fields, .fill = st->fill != NULL, .share = st->share } };
	int rc;

	if ((rc = check(c, st)) != 0 || (rc = miss(c, st->miss, &conf)) != 0)
		return rc;
	if (st->reload != NULL && (rc = exact(c, st->reload, "--reload", &conf.reload_us)) != 0)
		return rc;
	if (st->as_of != NULL)
		conf.dim.valid = st->valid != NULL ? st->valid : "start_date,end_date";
	st->lookup = lookup_new(c, &conf, &rc);
	return rc;
}

static int
thread(struct ctx *c, void *arg, const void *first)
{
	(void)c;
	*(struct state *)arg = *(const struct state *)first;
	((struct state *)arg)->lookup = lookup_thread(((const struct state *)first)->lookup);
	return 0;
}

static int
join(struct ctx *c, void *arg, void *thread_st)
{
	(void)c;
	lookup_join(((struct state *)arg)->lookup, ((struct state *)thread_st)->lookup);
	return 0;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	return lookup_batch(c, ((struct state *)arg)->lookup, b);
}

static int
mark(struct ctx *c, void *arg, const struct mark *m)
{
	return lookup_mark(c, ((struct state *)arg)->lookup, m);
}

static int
pin(struct ctx *c, void *arg, const char *table, uint64_t commit)
{
	return lookup_pin(c, ((struct state *)arg)->lookup, table, commit);
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	return i > 0 ? NULL : lookup_op(((struct state *)arg)->lookup, op_state);
}

static int
idle(struct ctx *c, void *arg, int64_t silent_ms)
{
	(void)silent_ms;
	return lookup_idle(c, ((struct state *)arg)->lookup);
}

static int
end(struct ctx *c, void *arg)
{
	return lookup_end(c, ((struct state *)arg)->lookup);
}

static const struct command cmd = {
	.name = "dimjoin", .what = "look a dimension up",
	.synopsis = "-k PATHS [-K PATHS] [--type left|inner|semi|anti] [--as NAME | --fields LIST | --fill LIST]"
	    " [--as-of PATH [--valid FROM,TO]] [--miss null|reject|park=DUR[,reject]] [-t PATH] [--reload DUR]"
	    " [--share] [--number NAMES] DIM [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_PLACES | CMD_EPOCHS, .par = PAR_STATELESS,
	.word = word, .set_up = set_up, .thread = thread, .join = join, .batch = batch, .idle = idle, .mark = mark,
	.pin = pin, .op = op, .end = end,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
