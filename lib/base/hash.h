/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash - XXH3 with the two kinds of seed the product needs
 *
 *	uint64_t h = hash_mem(key);			// in-memory tables: random seed of this process
 *	struct fp f = hash_fp(key);			// 128 bits, fixed seed: may be written to disk
 *
 * Invariants: hash_mem never decides an order or reaches any output (hash floods cannot be
 * prepared, answers do not depend on it); hash_fixed and hash_fp are the same everywhere for ever.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/span.h"

struct fp { uint64_t lo, hi; };

uint64_t hash_mem(struct span);
/* With a seed of the caller's: for tables that outlive the process; hash_seed() makes one, never 0. */
uint64_t hash_seeded(struct span, uint64_t seed);
uint64_t hash_seed(void);
uint64_t hash_fixed(struct span);	/* XXH3-64, seed 0 */
struct fp hash_fp(struct span);		/* XXH3-128, seed 0 */

#endif
