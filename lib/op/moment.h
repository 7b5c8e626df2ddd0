/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moment - count, sum and sum of squares of decimals, all exact: what a standard deviation comes from
 *
 *	struct moment m = { 0 };
 *	moment_add(&m, &d); moment_join(&m, &other);
 *	if (m.n > 0) why = moment_stddev(&m, false, &out);
 *
 * Invariants: joining is associative and commutative and equal contents have equal bytes (moment_pack).  sq has twice
 * the scale of sum; up to 2^63 numbers of the decimal's whole range fit (2^506 each, 2^569 together).
 */
#ifndef OP_MOMENT_H
#define OP_MOMENT_H

#include "base/decimal.h"
#include "op/pack.h"

#define MOMENT_LIMBS 10

struct moment {
	struct decsum sum;
	uint64_t n;
	uint64_t sq[MOMENT_LIMBS];
};

void moment_add(struct moment *, const struct dec *);
void moment_join(struct moment *, const struct moment *);
/*
 * The standard deviation, of the population or (sample: n - 1) estimated from a sample: four digits more than the
 * longest number, at most 38, the exact root rounded half away from zero.  Pre: n > 0, for a sample n > 1.
 * A reason: it is outside 10^38.
 */
const char *moment_stddev(const struct moment *, bool sample, struct dec *);
void moment_pack(struct buf *, const struct moment *);
void unpack_moment(struct unpack *, struct moment *);

#endif
