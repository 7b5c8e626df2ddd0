/* SPDX-License-Identifier: BSD-2-Clause */
/* hash - see hash.h */
#define XXH_STATIC_LINKING_ONLY
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

#include "base/hash.h"

static uint64_t
process_seed(void)
{
	static uint64_t seed;

	if (seed == 0) {
		if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
			seed = (uint64_t)time(NULL) * UINT64_C(0x9e3779b97f4a7c15);
		seed |= 1;
	}
	return seed;
}

uint64_t
hash_mem(struct span s)
{
	return XXH3_64bits_withSeed(s.p, s.n, process_seed());
}

uint64_t
hash_fixed(struct span s)
{
	return XXH3_64bits(s.p, s.n);
}

struct fp
hash_fp(struct span s)
{
	XXH128_hash_t h = XXH3_128bits(s.p, s.n);

	return (struct fp){ h.low64, h.high64 };
}
