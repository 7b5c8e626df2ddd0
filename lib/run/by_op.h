/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * by_op - a command that is one operator behind expressions, with -j and -S: what all of these do alike
 *
 *	struct state { struct by_op one; ... };			// first: the functions below know nothing else of it
 *	int col = columns_add(&st->one.columns, expr, NULL);	// set_up
 *	by_op_set_up(&st->one, c, &funnel_op, funnel_new(&conf));
 *	static const struct command cmd = { ..., .par = PAR_ADD, .thread = by_op_thread, .join = by_op_join,
 *	    .batch = by_op_batch, .pieces = by_op_pieces, .piece = by_op_piece, .end = by_op_end, .op = by_op_op };
 *
 * Invariants: one.spill.op and one.spill.st are the operator and its state; the rest of a thread's state is a bitwise
 * copy of the first.
 */
#ifndef RUN_BY_OP_H
#define RUN_BY_OP_H

#include "expr/columns.h"
#include "run/shared.h"
#include "run/spill_join.h"

struct by_op {
	struct spill spill;
	struct columns columns;
	struct shared *shared;		/* NULL: each thread has a state of its own until they are joined */
	struct shared_hand *hand;	/* a thread's */
	bool planned;			/* the first pieces of the end */
};

void by_op_set_up(struct by_op *, struct ctx *, const struct op *, void *op_state);
/* The batch with what the expressions make of it. */
const struct batch *by_op_columns(struct by_op *, struct ctx *, const struct batch *);
/* The operator's, of a batch that has them. 0 or an exit status. */
int by_op_take(struct by_op *, struct ctx *, const struct batch *);
/* At the end, behind all threads: their state is one.spill's. 0 or an exit status. */
int by_op_whole(struct by_op *);

/* For struct command. */
int by_op_thread(struct ctx *, void *st, const void *first);
int by_op_join(struct ctx *, void *st, void *other);
int by_op_batch(struct ctx *, void *st, const struct batch *);
size_t by_op_pieces(struct ctx *, void *st, int *rc);
int by_op_piece(struct ctx *, void *st, void *thread_st, size_t i);
int by_op_end(struct ctx *, void *st);
const struct op *by_op_op(void *st, int i, void **op_state);

#endif
