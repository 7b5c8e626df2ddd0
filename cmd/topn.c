/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topn - the n records of each group that are largest by an expression, with their rank
 *
 * Path:   files or stdin -> in/scan -> expr/columns -> op/top -> out/json -> stdout
 * Memory: about twice the lines that are written, at most -S; they come at the end, groups in key order.
 */
#include "expr/columns.h"
#include "op/top.h"
#include "out/json.h"
#include "run/spill.h"

struct state {
	uint64_t n;
	const char *by, *groups;
	int ties;
	struct col_list group;
	struct expr *expr;
	struct columns columns;
	struct buf key;			/* "rank": */
	struct host host;
	void *top;
	struct spill spill;
};

static const char *const ties_words[] = { "row", "rank", "dense", NULL };

static const struct opt opts[] = {
	{ 'n', "count", OPT_COUNT, offsetof(struct state, n), "N", "how many of each group" },
	{ 0, "by", OPT_TEXT, offsetof(struct state, by), "EXPR",
	  "what they are compared by; -EXPR for the smallest" },
	{ 'g', "group", OPT_TEXT, offsetof(struct state, groups), "PATHS",
	  "the groups; without it all records are one" },
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

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct top_conf conf = { .n = st->n, .as = ctx_key_as(c), .ties = (enum top_ties)st->ties };
	int rc;

	if (st->n == 0)
		return ctx_usage(c, "-n is required, and more than 0");
	if (st->by == NULL)
		return ctx_usage(c, "--by is required");
	if ((rc = ctx_expr(c, span_str(st->by), "--by", &st->expr)) != 0)
		return rc;
	if (st->groups != NULL && (rc = ctx_cols(c, st->groups, "-g", &st->group)) != 0)
		return rc;
	if ((conf.place = ctx_col(c, span_str("rank"), "rank")) == -1)
		return EXIT_USAGE;
	conf.by = columns_add(&st->columns, st->expr, NULL);
	conf.group = st->group.col;
	conf.n_groups = st->group.n;
	st->top = top_new(&conf);
	st->spill = (struct spill){ .c = c, .op = &top_op, .st = st->top };
	st->host = (struct host){ .self = c, .row = write_ranked };
	return 0;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = spill_relieve(&st->spill);

	if (rc != 0)
		return rc;
	return top_op.batch(st->top, columns_batch(&st->columns, ctx_expr_state(c), b, ctx_paths(c)->n), &st->host);
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;

	(void)c;
	return spill_close(&st->spill, &st->host);
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	struct state *st = arg;

	*op_state = st->top;
	return i == 0 ? &top_op : NULL;
}

static const struct command cmd = {
	.name = "topn", .what = "the n largest records of each group",
	.synopsis = "-n N --by EXPR [-g PATHS] [--ties row|rank|dense] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_ADD,
	.set_up = set_up, .batch = batch, .end = end, .op = op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
