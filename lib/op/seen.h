/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seen - the first record of each key passes, its repeats are dropped
 *
 *	void *st = seen_new(&(struct seen_conf){ .key = col, .n_keys = 1, .as = KEY_EXACT });
 *	seen_op.batch(st, b, host);		// fates: F_PASS, F_DROP, F_REJECT (null key)
 *	seen_op.free(st);
 *
 * Invariants: a key is held as its 128-bit fingerprint (XXH3, fixed seed), 21 to 27 bytes each: two keys of a
 * set of n meet with probability n^2 / 2^129.  Lines pass at once and untouched, in input order.  State: fingerprint
 * -> nothing.  It is never shed: what does not fit is judged later (op/sift.h, run/repeats.h).
 */
#ifndef OP_SEEN_H
#define OP_SEEN_H

#include "op/sift.h"

struct seen_conf {
	const int *key;		/* columns; must live as long as the state */
	size_t n_keys;
	enum key_as as;
};

void *seen_new(const struct seen_conf *);
/* Is that fingerprint in? Of a state that is fed by seen_sift.note or judge, the conf may be all zero. */
bool seen_has(const void *st, struct fp);
extern const struct op seen_op;
extern const struct sift seen_sift;

#endif
