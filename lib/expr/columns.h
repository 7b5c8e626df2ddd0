/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * columns - expressions as further columns of a batch, so that operators see values and know of no
 * expression
 *
 *	struct columns cs = { 0 };
 *	int col = columns_add(&cs, amount, cond);	// at set-up; NULL cond: for every record
 *	b = columns_batch(&cs, state, b);		// per batch: col[0..] and b->col[col]
 *	columns_free(&cs);
 *
 * Invariants: an expression that is but a path costs nothing, its column is used.  Where cond is
 * not true the value is absent.  A record whose expression is in error is rejected.  Values are
 * good until the next columns_batch.
 */
#ifndef EXPR_COLUMNS_H
#define EXPR_COLUMNS_H

#include "expr/expr.h"

struct column {
	const struct expr *value, *cond;
	struct val *v;			/* [BATCH_RECORDS_MAX] */
};

struct columns {
	struct column *c;
	size_t n;
	const struct val **col;		/* [PATHS_MAX + n] */
	struct batch view;
	struct buf text;		/* computed values of a batch */
	/* [n * BATCH_RECORDS_MAX] length of a computed value, 0: none */
	uint32_t *made;
	int8_t *is;			/* [BATCH_RECORDS_MAX] a column's cond of each, and why it is in error */
	const char **why;
};

/* A column for it; value NULL: true where cond holds. Expressions must outlive the columns. */
int columns_add(struct columns *, const struct expr *value, const struct expr *cond);
/* A bitwise copy of another's columns becomes that of another thread: the same numbers, buffers of its own. */
void columns_fork(struct columns *);
/* The batch with all of them; n_paths is how many columns b has. The same b when there are none. */
const struct batch *columns_batch(
    struct columns *, struct expr_state *, const struct batch *b, size_t n_paths);
void columns_free(struct columns *);

#endif
