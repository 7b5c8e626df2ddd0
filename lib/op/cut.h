/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut - sorted arrays as pieces of one order, for ends that several threads do (base/op.h: op_parts)
 *
 *	struct cut c = { .size = sizeof *v, .cmp = by_key };
 *	for (i = 0; i < n; i++) cut_add(&c, v[i], n_of[i]);	// each in order; they stay the caller's
 *	n = cut_plan(&c, 4096);
 *	cut_begin(&c, i, &w); while ((x = cut_next(&w)) != NULL) ...	// in any thread
 *	cut_free(&c);
 *
 * Invariants: all of piece i comes before all of piece i + 1, and together they are all elements, in order.  Where the
 * pieces begin is said by a sample of the arrays (Frazer, McKellar: Samplesort, 1970), so none is much longer than
 * was asked for.  Of elements that are equal nothing is said.
 */
#ifndef OP_CUT_H
#define OP_CUT_H

#include <stddef.h>

#define CUT_RUNS_MAX 64

struct cut_run {
	const char *v;
	size_t n;
};

struct cut {
	size_t size;			/* of an element */
	int (*cmp)(const void *, const void *);
	struct cut_run run[CUT_RUNS_MAX];
	size_t n_runs;
	size_t n_pieces;
	size_t *at;			/* [n_pieces + 1][n_runs] the first element of each run that is in the piece */
};

/* What is left of a piece: a heap of runs by their first elements. */
struct cut_walk {
	const struct cut *cut;
	size_t n;
	struct cut_run run[CUT_RUNS_MAX];
};

/* One more array, of no more than CUT_RUNS_MAX. */
void cut_add(struct cut *, const void *v, size_t n);
/* The number of pieces of about `each` elements, 0 where there are none; it reads n / each * 64 of n elements. */
size_t cut_plan(struct cut *, size_t each);
void cut_begin(const struct cut *, size_t piece, struct cut_walk *);
/* The next element, in its array; NULL: that was all. */
const void *cut_next(struct cut_walk *);
void cut_free(struct cut *);

#endif
