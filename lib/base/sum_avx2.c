/* SPDX-License-Identifier: BSD-2-Clause */
/* sum_avx2 - xxHash's own code in this file, which is built for AVX2 (Makefile); its state never meets the library's */
#ifdef __x86_64__
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/sum.h"

static void *
fresh(void)
{
	return XXH3_createState();
}

static void
reset(void *st)
{
	(void)XXH3_64bits_reset(st);
}

static void
add(void *st, const char *p, size_t n)
{
	(void)XXH3_64bits_update(st, p, n);
}

static uint64_t
now(const void *st)
{
	return XXH3_64bits_digest(st);
}

static void
end(void *st)
{
	(void)XXH3_freeState(st);
}

const struct sum_ops sum_avx2 = { fresh, reset, add, now, end };
#endif
