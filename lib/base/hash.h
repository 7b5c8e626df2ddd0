/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash - XXH3 with the two kinds of seed the product needs, and digests that others can compute too
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

#define SHA256_HEX 64
#define MD5_HEX 32
/*
 * Digests in lower-case hex, without a NUL (FIPS 180-4, RFC 1321).  They are libmd's: OpenSSL costs each process more
 * to load than most of them spend on digests, and on fields of some ten bytes is no faster.
 */
void hash_sha256(struct span, char out[SHA256_HEX]);
void hash_md5(struct span, char out[MD5_HEX]);

#endif
