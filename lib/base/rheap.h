/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rheap - what waits for a time that only grows: a radix heap, of which all below a bound is taken at once, in order
 *
 *	struct rheap h = { 0 };
 *	rheap_add(&h, us, 0, r);
 *	n = rheap_below(&h, watermark, &v);	// v[0..n): at < watermark, the smallest first
 *	rheap_free(&h);
 *
 * Invariants: a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan: Faster algorithms for the shortest path problem, 1990):
 * bucket b holds what differs from the last bound first in bit b, so what is taken or moved stands in few of them, and
 * each moves to lower ones alone, in the order in which it lies in memory.  A bound below the last one is allowed, and
 * so is what is added below it; such things are looked at each time.  Memory: 24 bytes for each that waits, and 48
 * for each of the most that were taken at once.
 */
#ifndef BASE_RHEAP_H
#define BASE_RHEAP_H

#include <stdint.h>

#include "base/mem.h"

#define RHEAP_BUCKETS 65

struct rslot {
	int64_t at;
	uint64_t tie;				/* carried along, for whoever orders those of one time */
	uint64_t what;
};

struct rheap_chunk;

struct rheap {
	uint64_t floor;				/* the last bound, as rheap_add maps times: it has the order of them */
	size_t n;
	struct rheap_chunk *bucket[RHEAP_BUCKETS], *spare;
	struct arena mem;
	struct rslot *out, *other;		/* [cap]; other: while they are sorted */
	size_t cap;
};

void rheap_add(struct rheap *, int64_t at, uint64_t tie, uint64_t what);
/*
 * Take all below the bound (INT64_MAX: all but that itself); how many.  They are in the order of `at`, those of one
 * time in any; *out is the heap's, good until it is changed.
 */
size_t rheap_below(struct rheap *, int64_t bound, struct rslot **out);
/* Copy all h->n of them, in any order. */
void rheap_all(const struct rheap *, struct rslot *to);
size_t rheap_bytes(const struct rheap *);
/* It is empty then, and can be used again. */
void rheap_free(struct rheap *);

#endif
