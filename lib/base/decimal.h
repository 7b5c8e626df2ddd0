/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decimal - exact decimal numbers, |v| < 10^38 with at most 38 digits behind the point
 *
 *	struct dec a, b, q;
 *	if ((why = dec_parse(v.raw, &a)) != NULL) ... that record's error ...
 *	why = dec_div(&a, &b, &q); dec_print(&q, &buf);
 *	struct decsum s = { 0 }; decsum_add(&s, &a); why = decsum_get(&s, &q);
 *
 * Invariants: value = (-1)^neg * w * 10^-scale, w little-endian 256 bits, scale <= 38, w <
 * 10^(38+scale), never -0.  No number passes through a double.  Results follow MariaDB's rules: +
 * - take the larger scale, * the sum of the scales (rounded to 38), / the dividend's scale + 4;
 * rounding is half away from zero. Functions that can fail return NULL or a constant reason.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"

struct dec {
	uint64_t w[4];
	uint8_t scale;
	bool neg;
};

/*
 * A sum of up to 2^63 decimals: 320 bits, two's complement, at the largest scale met (`scale`).
 * Zero it to start.
 */
struct decsum {
	uint64_t w[5];
	uint8_t scale;		/* the scale that w is kept at */
	uint8_t shown;		/* the largest scale met: what get prints */
};

/*
 * A JSON number text. Digits behind the 38th are an error unless zero; exponents are expanded.
 * Fast for short integers.
 */
const char *dec_parse(struct span number, struct dec *);
/*
 * A number as people write it: also blanks around it, a leading '+', leading zeros, `.5` and `5.`.
 * For explicit conversions (CAST, json-clean's types); a string that merely meets a number must be
 * a JSON number: dec_parse.
 */
const char *dec_parse_text(struct span text, struct dec *);
void dec_int(int64_t, struct dec *);
/* Append its digits: fixed point, exactly `scale` digits behind the point. */
void dec_print(const struct dec *, struct buf *);
/* The same without trailing zeros and `-0`: the canonical form of keys. */
void dec_print_canonical(const struct dec *, struct buf *);
/* <0, 0, >0 by value, whatever the scales. */
int dec_cmp(const struct dec *, const struct dec *);
bool dec_is_zero(const struct dec *);
const char *dec_add(const struct dec *, const struct dec *, struct dec *);
const char *dec_sub(const struct dec *, const struct dec *, struct dec *);
const char *dec_mul(const struct dec *, const struct dec *, struct dec *);
/* x / 0 is NULL in SQL: test dec_is_zero first (pre: b is not zero). */
const char *dec_div(const struct dec *a, const struct dec *b, struct dec *);
/* The remainder with the dividend's sign, larger scale. Pre: b is not zero. */
const char *dec_mod(const struct dec *a, const struct dec *b, struct dec *);
void dec_neg(struct dec *);
/* Does it fit DECIMAL(precision, its scale): at most `precision` digits in all? */
bool dec_fits(const struct dec *, unsigned precision);
/*
 * Exactly `digits` behind the point (padded, or rounded half away from zero; negative: tens,
 * hundreds); or down to floor.
 */
const char *dec_round(const struct dec *, int digits, struct dec *);
const char *dec_floor(const struct dec *, struct dec *);
/* To a 64-bit integer; false when it has a fraction or does not fit. */
bool dec_to_i64(const struct dec *, int64_t *);

void decsum_add_wide(struct decsum *, const struct dec *);
static inline void
decsum_add(struct decsum *s, const struct dec *d)
{
	/* nearly all: one limb, at the sum's scale, and no carry */
	if (d->scale != s->scale || d->scale > s->shown || d->neg || (d->w[1] | d->w[2] | d->w[3]) != 0 ||
	    d->w[0] > UINT64_MAX - s->w[0])
		decsum_add_wide(s, d);
	else
		s->w[0] += d->w[0];
}
/* The inverse, for sliding windows and merges. */
void decsum_sub(struct decsum *, const struct dec *);
void decsum_join(struct decsum *, const struct decsum *);
/* The sum, or "sum outside 10^38". */
const char *decsum_get(const struct decsum *, struct dec *);
/* sum / n at scale shown + 4 (at most 38). Pre: n > 0. */
const char *decsum_avg(const struct decsum *, uint64_t n, struct dec *);

#endif
