/* SPDX-License-Identifier: BSD-2-Clause */
/* hash - see hash.h */
#define XXH_INLINE_ALL
#include <errno.h>
#include <md5.h>
#include <sha2.h>
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

static void
in_hex(const uint8_t *sum, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[sum[i] >> 4];
		out[2 * i + 1] = digit[sum[i] & 15];
	}
}

void
hash_sha256(struct span s, char out[SHA256_HEX])
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX c;

	SHA256Init(&c);
	SHA256Update(&c, (const uint8_t *)s.p, s.n);
	SHA256Final(sum, &c);
	in_hex(sum, sizeof sum, out);
}

void
hash_md5(struct span s, char out[MD5_HEX])
{
	uint8_t sum[MD5_DIGEST_LENGTH];
	MD5_CTX c;

	MD5Init(&c);
	MD5Update(&c, (const uint8_t *)s.p, s.n);
	MD5Final(sum, &c);
	in_hex(sum, sizeof sum, out);
}
