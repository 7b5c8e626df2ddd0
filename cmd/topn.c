/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topn - the n records of each group that are largest by an expression, with their rank
 *
 * Path:   files or stdin -> in/scan -> expr/columns -> op/top -> out/json -> stdout
 * Memory: about twice the lines that are written, at most -S; they come at the end, groups in key order, with --per
 *         each time its value grows; in a barrier job when the watermark reaches it.
 */
#include "op/order.h"
#include "op/top.h"
#include "out/json.h"
#include "run/by_op.h"

struct state {
	struct by_op one;		/* first: run/by_op.h */
	struct ctx *c;
	uint64_t n;
	const char *by, *groups, *per;
	int ties;
	struct col_list group;
	struct expr *expr;
	struct buf key;			/* "rank": */
	struct host host;
	/* --per: the value at hand */
	struct watermark water;		/* in a barrier job: what --per is held against */
	int per_col;			/* -1: none, or the operator's */
	bool open;			/* there is one */
	struct order now;
	struct kept now_text;		/* what now.str lives in */
	struct pool pool;
	struct buf now_raw, scratch;	/* now_raw: its bytes as they came; most records have the same */
	const struct val **col;		/* of a part of a batch */
};

static const char *const ties_words[] = { "row", "rank", "dense", NULL };

static const struct opt opts[] = {
	{ 'n', "count", OPT_COUNT, offsetof(struct state, n), "N", "how many of each group" },
	{ 0, "by", OPT_TEXT, offsetof(struct state, by), "EXPR",
	  "what they are compared by; -EXPR for the smallest" },
	{ 'g', "group", OPT_TEXT, offsetof(struct state, groups), "PATHS",
	  "the groups; without it all records are one" },
	{ 0, "per", OPT_TEXT, offsetof(struct state, per), "PATH",
	  "write and begin anew when this value grows (barrier job: when time has reached it)" },
	{ 0, "ties", OPT_CHOICE, offsetof(struct state, ties), "row|rank|dense",
	  "equal values: by input order (row), share a rank, share and leave no gap", ties_words },
	{ 0 }
};

/* The operator gives { line, rank, old rank }: the line with its rank goes out. */
static int
write_ranked(void *self, int out, const struct val *cell, size_t n)
{
	struct ctx *c = self;
	struct edit e = { cell[2], span_str("\"rank\":"), cell[1].raw, EDIT_SET };

	(void)out;
	(void)n;
	json_edit(ctx_made_begin(c, NULL, 0), cell[0].raw, &e, 1);
	return ctx_made_end(c);
}

/* The value at hand, or in a barrier job the time that groups are of. */
static int
set_up_per(struct ctx *c, struct state *st, struct top_conf *conf)
{
	st->per_col = -1;
	if (!ctx_in_job(c)) {
		if (st->per != NULL && (st->per_col = ctx_col(c, span_str(st->per), "--per")) == -1)
			return EXIT_USAGE;
		return 0;
	}
	if (st->per == NULL)
		return ctx_usage(c, "in a barrier job groups are over when their time is: --per PATH");
	watermark_init(&st->water, (struct dur){ 0 }, ctx_zone(c));
	watermark_told(&st->water);
	conf->water = &st->water;
	conf->zone = ctx_zone(c);
	return ctx_time(c, st->per, "--per", &conf->per, &conf->unit);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct top_conf conf = { .n = st->n, .as = ctx_key_as(c), .ties = (enum top_ties)st->ties };
	int rc;

	st->c = c;
	if (st->n == 0)
		return ctx_usage(c, "-n is required, and more than 0");
	if (st->by == NULL)
		return ctx_usage(c, "--by is required");
	if ((rc = ctx_expr(c, span_str(st->by), "--by", &st->expr)) != 0)
		return rc;
	if (st->groups != NULL && (rc = ctx_cols(c, st->groups, "-g", &st->group)) != 0)
		return rc;
	if ((rc = set_up_per(c, st, &conf)) != 0)
		return rc;
	if ((conf.place = ctx_col(c, span_str("rank"), "rank")) == -1)
		return EXIT_USAGE;
	conf.by = columns_add(&st->one.columns, st->expr, NULL);
	st->col = mem_array(NULL, PATHS_MAX + st->one.columns.n, sizeof *st->col);
	conf.group = st->group.col;
	conf.n_groups = st->group.n;
	by_op_set_up(&st->one, c, &top_op, top_new(&conf));
	st->host = (struct host){ .self = c, .row = write_ranked };
	return 0;
}

/* ---- --per ---- */

/* What becomes of a record by its value of --per: NULL, *grows says whether it is the next one; or why it is bad. */
static const char *
place_in(struct state *st, struct val v, struct order *o, bool *grows)
{
	const char *why;
	int d;

	*grows = false;
	if (st->open && span_eq(v.raw, buf_span(&st->now_raw)))
		return NULL;
	if ((why = order_of(v, &st->scratch, o)) != NULL)
		return why;
	if (o->kind == ORDER_NULL)
		return "no value of --per";
	if (st->open && order_mixed(o, &st->now))
		return ORDER_MIXED;
	d = st->open ? order_cmp(o, &st->now) : 1;
	*grows = d > 0;
	return d < 0 ? "its groups were written: the input is not ordered by --per" : NULL;
}

/* Records [from, to) of a batch to the operator. */
static int
part(struct state *st, const struct batch *b, size_t from, size_t to)
{
	struct batch sub = { .n = to - from, .seq0 = b->seq0 + from, .line = b->line + from, .col = st->col,
	    .fate = b->fate + from, .why = b->why + from };

	if (from == to)
		return 0;
	for (size_t i = 0; i < ctx_paths(st->c)->n; i++)
		st->col[i] = b->col[i] + from;
	for (size_t i = PATHS_MAX; i < PATHS_MAX + st->one.columns.n; i++)
		st->col[i] = b->col[i] + from;
	return top_op.batch(st->one.spill.st, &sub, &st->host);
}

static int
batch_per(struct state *st, const struct batch *b)
{
	size_t from = 0;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct val v = b->col[st->per_col][i];
		struct order o;
		const char *why;
		bool grows;

		if (b->fate[i] != F_PASS)
			continue;
		if ((why = place_in(st, v, &o, &grows)) != NULL)
			batch_reject(b, i, why);
		if (!grows)
			continue;
		if ((rc = part(st, b, from, i)) == 0 && st->open)
			rc = spill_close(&st->one.spill, &st->host);
		from = i;
		st->open = true;
		st->now = o;
		order_keep(&st->pool, &st->now_text, &st->now);
		buf_clear(&st->now_raw);
		buf_span_add(&st->now_raw, v.raw);
	}
	return rc != 0 ? rc : part(st, b, from, b->n);
}

static int
thread(struct ctx *c, void *arg, const void *first)
{
	struct state *st = arg;

	int rc = by_op_thread(c, st, first);

	st->host.self = c;
	return rc;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = spill_relieve(&st->one.spill);

	if (rc != 0)
		return rc;
	b = by_op_columns(&st->one, c, b);
	return st->per_col != -1 ? batch_per(st, b) : top_op.batch(st->one.spill.st, b, &st->host);
}

/* What time has reached goes out. */
static int
mark(struct ctx *c, void *arg, const struct mark *m)
{
	struct state *st = arg;

	(void)c;
	watermark_raise(&st->water, m->wm_ms);
	return m->kind == MARK_OPEN ? 0 : spill_advance(&st->one.spill, st->water.ms, SPILL_LAST, &st->host);
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;

	(void)c;
	return spill_close(&st->one.spill, &st->host);
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	struct state *st = arg;

	return st->per_col == -1 ? by_op_op(st, i, op_state) : NULL;	/* --per lives by the order */
}

static const struct command cmd = {
	.name = "topn", .what = "the n largest records of each group",
	.synopsis = "-n N --by EXPR [-g PATHS] [--ties row|rank|dense] [--per PATH] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EPOCHS, .par = PAR_ADD,
	.set_up = set_up, .thread = thread, .join = by_op_join, .batch = batch, .mark = mark, .end = end, .op = op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
