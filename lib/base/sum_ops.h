/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sum_ops - what sum.c and sum_avx2.c share: XXH3 by the code of xxHash that the file has
 *
 *	#include <xxhash.h>			// the library, or with XXH_INLINE_ALL what is built for this file
 *	#include "base/sum_ops.h"		// defines fresh(), reset(), add(), now(), end()
 *	static const struct sum_ops library = SUM_OPS;
 *
 * Invariants: a state is made, fed and asked by the functions of one file only, for its layout is theirs.
 */
#ifndef BASE_SUM_OPS_H
#define BASE_SUM_OPS_H

#include <stddef.h>
#include <stdint.h>

struct sum_ops {
	void *(*fresh)(void);		/* NULL: no memory */
	void (*reset)(void *);
	void (*add)(void *, const char *p, size_t n);
	uint64_t (*now)(const void *);
	void (*end)(void *);
};

#ifdef __x86_64__
extern const struct sum_ops sum_avx2;
#endif

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

#define SUM_OPS { fresh, reset, add, now, end }

#endif
