/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last - of each key one record stays: the last, or the one with the largest or smallest value of a column
 *
 *	void *st = last_new(&(struct last_conf){ .key = col, .n_keys = 1, .by = 2 });
 *	last_op.batch(st, b, host);			// all records are F_USED
 *	last_op.close(st, INT64_MAX, host);		// host->raw: the lines, untouched, in input order; or with
 *							// .counts host->row: { line, how many of its key there were }
 *
 * Invariants: the winner is by (value, position): the largest of both, with `smallest` the smallest of both; a
 * record without a value loses to any that has one.  A winner goes out at its own place in the input (flush: by
 * host->defer).  State: key -> (value, position, count, line); memory is one line a key.
 */
#ifndef OP_LAST_H
#define OP_LAST_H

#include "op/sift.h"

struct last_conf {
	const int *key;		/* columns; must live as long as the state */
	size_t n_keys;
	enum key_as as;
	int by;			/* column, or -1: by position alone */
	bool smallest;
	bool counts;
};

void *last_new(const struct last_conf *);
extern const struct op last_op;

/* For who holds the state elsewhere (run/repeats.h): a value that save gave, or a line that flush deferred. */
struct last_pair {
	uint64_t seq, count;
	struct span line;
};
bool last_unpack(struct span val, struct last_pair *);
struct last_pair last_deferred(const void *st, struct span line);
/* Of a batch's keys, as op/sift.h has them; rejects as batch does. */
void last_ids(void *st, const struct batch *, struct token *);

#endif
