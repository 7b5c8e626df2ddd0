/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random - the same numbers at each run, and cells made of them
 *
 *	struct arena mem = { 0 };
 *	cell = rnd(9) == 0 ? ... : rnd_number(&mem, rnd(200));		// lives as long as mem
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

#include "base/buf.h"
#include "base/val.h"

/* 0 .. n - 1, by Marsaglia's xorshift. */
static inline uint64_t
rnd(uint64_t n)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static inline struct val
rnd_number(struct arena *mem, uint64_t n)
{
	struct buf b = { 0 };
	struct val v;

	buf_u64(&b, n);
	v = val_make(T_NUM, span_of(arena_dup(mem, buf_span(&b)), b.n));
	buf_free(&b);
	return v;
}

#endif
