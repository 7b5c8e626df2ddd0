/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut - sorted arrays as pieces of one order, for ends that several threads do (base/op.h: op_parts)
 *
 *	struct cut c = { .size = sizeof *v, .cmp = by_key };
 *	n = cut_rounds(&c, part, n_parts, 4096);		// op_parts.plan
 *	if (cut_sorting(&c)) ... cut_set(&c, i, v, n_v) ...	// op_parts.piece: part i's elements, in order
 *	else { cut_begin(&c, i, &w); while ((x = cut_next(&w)) != NULL) ... }
 *	cut_free(&c);
 *
 * Invariants: all of piece i comes before all of piece i + 1, and together they are all elements, in order.  Where the
 * pieces begin is said by a sample of the arrays (Frazer, McKellar: Samplesort, 1970), so none is much longer than
 * was asked for.  Of elements that are equal nothing is said.
 */
#ifndef OP_CUT_H
#define OP_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define CUT_RUNS_MAX 64

struct cut_run {
	const char *v;			/* the caller's */
	size_t n;
};

struct cut {
	size_t size;			/* of an element */
	int (*cmp)(const void *, const void *);
	/*
	 * Where the order is that of the bytes of a key, whatever it is of equal ones: that key.  Eight of the bytes in
	 * which the keys of a piece differ are compared in the place of most of the elements.  Optional.
	 */
	struct span (*key)(const void *);
	void *part[CUT_RUNS_MAX];	/* [n_runs] whose elements are in run i */
	struct cut_run run[CUT_RUNS_MAX];
	size_t n_runs;
	size_t n_pieces;
	size_t *at;			/* [n_pieces + 1][n_runs] the first element of each run that is in the piece */
};

/* What is left of a piece: a heap of runs by their first elements. */
struct cut_walk {
	const struct cut *cut;
	size_t n;
	size_t alike;			/* bytes that all keys of the piece begin with */
	struct cut_rest {
		struct cut_run run;
		uint64_t tie;		/* of its first element: the eight bytes of the key behind those */
	} rest[CUT_RUNS_MAX];
};

/*
 * What op_parts.plan returns, call by call: the n parts, of no more than CUT_RUNS_MAX, each to be put in order as a
 * piece of its own; then pieces of about `each` elements, for which it reads 64 elements a piece; then 0.
 */
size_t cut_rounds(struct cut *, void *const *part, size_t n, size_t each);
/* Are the parts being put in order?  And the elements of one of them, by any thread, which stay where they are. */
bool cut_sorting(const struct cut *);
void cut_set(struct cut *, size_t part, const void *v, size_t n);
/* Of the second round. */
void cut_begin(const struct cut *, size_t piece, struct cut_walk *);
/* The next element, in its array; NULL: that was all. */
const void *cut_next(struct cut_walk *);
void cut_free(struct cut *);

#endif
