/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last - of each key one record stays: the last, or the one with the largest or smallest value of a column
 *
 *	void *st = last_new(&(struct last_conf){ .key = col, .n_keys = 1, .by = 2 });
 *	last_op.batch(st, b, host);			// all records are F_USED
 *	last_op.close(st, INT64_MAX, host);		// host->raw: the lines, untouched, in input order
 *
 * Invariants: the winner is by (value, position): the largest of both, with `smallest` the smallest of both; a
 * record without a value loses to any that has one.  A winner goes out at its own place in the input (flush: by
 * host->defer).  State: key -> (value, position, line); memory is one line a key.
 */
#ifndef OP_LAST_H
#define OP_LAST_H

#include "base/op.h"

struct last_conf {
	const int *key;		/* columns; must live as long as the state */
	size_t n_keys;
	enum key_as as;
	int by;			/* column, or -1: by position alone */
	bool smallest;
};

void *last_new(const struct last_conf *);
extern const struct op last_op;

#endif
