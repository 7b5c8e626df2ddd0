/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seen - the first record of each key passes, its repeats are dropped
 *
 *	void *st = seen_new(&(struct seen_conf){ .key = col, .n_keys = 1, .as = KEY_EXACT });
 *	seen_op.batch(st, b, host);		// fates: F_PASS, F_DROP, F_REJECT (null key)
 *	seen_op.free(st);
 *
 * Invariants: a key is held as its 128-bit fingerprint (XXH3, fixed seed), about 24 bytes each: two keys of a
 * set of n meet with probability n^2 / 2^129.  Lines pass at once and untouched, in input order, until the state is
 * shed: whether a key was there is then not known before the end, so the first line of each is kept (F_USED), and
 * close gives those whose key had not passed (host->raw, in input order; flush by host->defer).  State:
 * fingerprint -> nothing where a line has passed, else position and line.
 */
#ifndef OP_SEEN_H
#define OP_SEEN_H

#include "base/op.h"

struct seen_conf {
	const int *key;		/* columns; must live as long as the state */
	size_t n_keys;
	enum key_as as;
};

void *seen_new(const struct seen_conf *);
extern const struct op seen_op;

#endif
