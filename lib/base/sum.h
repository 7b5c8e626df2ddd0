/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sum - a checksum of bytes that come piece by piece: XXH3-64, seed 0
 *
 *	struct sum *s = sum_new();
 *	sum_add(s, piece); ... v = sum_now(s);		// what hash_fixed says of all of them as one
 *	sum_reset(s);
 *	sum_free(s);
 *
 * Invariants: how the bytes are cut into pieces, and what the machine can, change nothing of the result.  The library
 * that the machine has is mostly built for the least of its kind: where there is AVX2 this takes a third of its time.
 */
#ifndef BASE_SUM_H
#define BASE_SUM_H

#include <stdint.h>

#include "base/span.h"

struct sum;
/* Of nothing yet. */
struct sum *sum_new(void);
void sum_reset(struct sum *);
void sum_add(struct sum *, struct span);
uint64_t sum_now(const struct sum *);
void sum_free(struct sum *);

#endif
