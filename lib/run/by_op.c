/* SPDX-License-Identifier: BSD-2-Clause */
/* by_op - see by_op.h */
#include "run/by_op.h"
#include "run/ctx.h"

void
by_op_set_up(struct by_op *b, struct ctx *c, const struct op *op, void *op_state)
{
	b->spill = (struct spill){ .c = c, .op = op, .st = op_state };
}

const struct batch *
by_op_columns(struct by_op *b, struct ctx *c, const struct batch *records)
{
	return columns_batch(&b->columns, ctx_expr_state(c), records, ctx_paths(c)->n);
}

int
by_op_thread(struct ctx *c, void *st, const void *first)
{
	struct by_op *b = st;

	memcpy(st, first, c->cmd->state_bytes);
	columns_fork(&b->columns);
	(void)spill_fork(c, &b->spill);
	return 0;
}

int
by_op_join(struct ctx *c, void *st, void *other)
{
	(void)c;
	return spill_join(&((struct by_op *)st)->spill, &((struct by_op *)other)->spill);
}

int
by_op_batch(struct ctx *c, void *st, const struct batch *records)
{
	struct by_op *b = st;
	int rc = spill_relieve(&b->spill);

	return rc != 0 ? rc : b->spill.op->batch(b->spill.st, by_op_columns(b, c, records), ctx_host(c));
}

int
by_op_end(struct ctx *c, void *st)
{
	return spill_close(&((struct by_op *)st)->spill, ctx_host(c));
}

const struct op *
by_op_op(void *st, int i, void **op_state)
{
	const struct by_op *b = st;

	*op_state = b->spill.st;
	return i == 0 ? b->spill.op : NULL;
}
