/* SPDX-License-Identifier: BSD-2-Clause */
/* hash - see hash.h */
#define XXH_STATIC_LINKING_ONLY
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

#include "base/hash.h"

uint64_t
hash_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = (uint64_t)time(NULL) * UINT64_C(0x9e3779b97f4a7c15);
	return seed | 1;
}

static uint64_t
process_seed(void)
{
	static _Atomic uint64_t seed;
	uint64_t now = atomic_load_explicit(&seed, memory_order_relaxed), first;

	if (now != 0)
		return now;
	first = hash_seed();
	/* of threads that come here together one gives the seed for all */
	return atomic_compare_exchange_strong(&seed, &now, first) ? first : now;
}

uint64_t
hash_mem(struct span s)
{
	return XXH3_64bits_withSeed(s.p, s.n, process_seed());
}

uint64_t
hash_seeded(struct span s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s.p, s.n, seed);
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
