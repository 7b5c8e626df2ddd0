/* SPDX-License-Identifier: BSD-2-Clause */
/* by_op - see by_op.h */
#include "run/by_op.h"
#include "run/ctx.h"

void
by_op_set_up(struct by_op *b, struct ctx *c, const struct op *op, void *op_state)
{
	b->spill = (struct spill){ .c = c, .op = op, .st = op_state };
	if (op->parts != NULL && (op->parts->can == NULL || op->parts->can(op_state)))
		b->shared = shared_new(c, op);
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
	b->hand = NULL;
	(void)spill_fork(c, &b->spill);
	return 0;
}

int
by_op_take(struct by_op *b, struct ctx *c, const struct batch *columns)
{
	if (b->shared == NULL || c->yield == NULL)		/* as long as there is one thread */
		return b->spill.op->batch(b->spill.st, columns, ctx_host(c));
	if (b->hand == NULL)
		b->hand = mem_new(sizeof *b->hand);
	if (b->hand->over)		/* parts are visited once a batch */
		scan_gather(c->feed->scan);
	return shared_take(b->shared, b->hand, &b->spill, columns);
}

int
by_op_batch(struct ctx *c, void *st, const struct batch *records)
{
	struct by_op *b = st;
	int rc = spill_relieve(&b->spill);

	return rc != 0 ? rc : by_op_take(b, c, by_op_columns(b, c, records));
}

/* What a thread has left of its own into the parts; false: it is on disk, or there are no parts. */
static bool
hand_over(struct by_op *b, int *rc)
{
	struct shared_hand none = { 0 }, *h = b->hand == NULL ? &none : b->hand;

	*rc = 0;
	if (b->shared == NULL || !shared_on(b->shared) || b->spill.runs != NULL)
		return false;
	if (!h->over)
		*rc = shared_hand_over(b->shared, h, &b->spill);
	return true;
}

int
by_op_join(struct ctx *c, void *st, void *other)
{
	struct by_op *b = st, *o = other;
	int rc;

	(void)c;
	if (hand_over(o, &rc))
		shared_keep(b->shared, o->spill.st);
	else
		rc = spill_join(&b->spill, &o->spill);
	shared_hand_free(o->hand);
	o->hand = NULL;
	return rc;
}

size_t
by_op_pieces(struct ctx *c, void *st, int *rc)
{
	struct by_op *b = st;

	(void)c;
	*rc = 0;
	if (!b->planned && (!hand_over(b, rc) || *rc != 0))
		return 0;
	b->planned = true;
	return shared_plan(b->shared, b->spill.st);
}

int
by_op_piece(struct ctx *c, void *st, void *thread_st, size_t i)
{
	const struct by_op *b = st, *by = thread_st;

	return b->spill.op->parts->piece(b->spill.st, by->spill.st, i, ctx_host(c));
}

int
by_op_whole(struct by_op *b)
{
	int rc = b->shared != NULL && shared_on(b->shared) ? shared_join(b->shared, &b->spill) : 0;

	shared_hand_free(b->hand);
	shared_free(b->shared);
	b->hand = NULL;
	b->shared = NULL;
	return rc;
}

int
by_op_end(struct ctx *c, void *st)
{
	struct by_op *b = st;
	int rc = by_op_whole(b);

	return rc != 0 ? rc : spill_close(&b->spill, ctx_host(c));
}

const struct op *
by_op_op(void *st, int i, void **op_state)
{
	const struct by_op *b = st;

	*op_state = b->spill.st;
	return i == 0 ? b->spill.op : NULL;
}
