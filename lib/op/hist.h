/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hist - how many numbers fell into each bucket: quantiles within 1 %, exactly mergeable
 *
 *	struct hist h = { 0 };
 *	hist_add(&h, &d); hist_join(&h, &unpack);
 *	if (h.rows > 0) hist_quantile(&h, &p, &out);
 *	hist_free(&h);
 *
 * Invariants: a bucket is a sign, a power of two and the 7 bits behind the leading one, so |v| and the bucket's bound
 * nearest to 0 differ by less than 1/128 of |v|; 0 has its own.  All of it is integer arithmetic on the decimal: 1
 * and 1.00 share a bucket on every machine.  At most 2 * 254 * 128 + 1 buckets, 16 bytes each at 3/8 to 3/4 load.
 * After the idea of HdrHistogram's log-linear buckets; exponents are unbounded here for decimals have their range.
 */
#ifndef OP_HIST_H
#define OP_HIST_H

#include "base/decimal.h"
#include "op/pack.h"

struct hist_slot {
	uint64_t n;		/* 0: the slot is free */
	int32_t bucket;		/* their order is the order of numbers */
};

struct hist {
	struct hist_slot *v;	/* open addressing */
	uint32_t n, cap;	/* used and all slots */
	uint64_t rows;
	struct dec lo, hi;	/* the smallest and largest number met */
	uint8_t scale;		/* the largest met: what results show */
};

/* Which bucket a number is in. */
int32_t hist_bucket(const struct dec *);
void hist_add(struct hist *, const struct dec *);
/*
 * The number at rank ceil(p * rows), at least 1, as its bucket tells it: the bucket's number nearest to 0 that has no
 * more digits behind the point than the numbers had, but none below the smallest or above the largest met; these two
 * are exact, and so is a number that has its bucket to itself (whole ones to 255).  Pre: rows > 0, 0 <= p <= 1.
 */
void hist_quantile(const struct hist *, const struct dec *p, struct dec *out);
size_t hist_bytes(const struct hist *);
void hist_pack(struct buf *, const struct hist *);
/* Lay packed counts into this one; sets ok to false when they are none. */
void hist_join(struct hist *, struct unpack *);
/* The same of another one as it stands; that one is empty then. */
void hist_take(struct hist *, struct hist *from);
void hist_free(struct hist *);

#endif
