/* SPDX-License-Identifier: BSD-2-Clause */
/* moment - see moment.h */
#include "op/moment.h"
#include "base/wide.h"

#define LIMBS MOMENT_LIMBS
#define WIDE 12			/* n * sq and sum^2 stay below 2^633, 4 * 10^8 times that below 2^664 */

/* Squares kept at a larger scale. */
static void
raise(struct moment *m, unsigned scale)
{
	if (scale > m->sum.scale)
		wide_scale(m->sq, LIMBS, 2 * (scale - m->sum.scale));
}

/* out = a * a, a of n limbs, out of 2 n. */
static void
square(const uint64_t *a, size_t n, uint64_t *out)
{
	memset(out, 0, 2 * n * sizeof *out);
	for (size_t i = 0; i < n; i++) {
		uint64_t carry = 0;

		for (size_t j = 0; a[i] != 0 && j < n; j++) {
			wide2 t = (wide2)a[i] * a[j] + out[i + j] + carry;

			out[i + j] = (uint64_t)t;
			carry = (uint64_t)(t >> 64);
		}
		out[i + n] += carry;
	}
}

void
moment_add(struct moment *m, const struct dec *d)
{
	uint64_t x[4] = { d->w[0], d->w[1], d->w[2], d->w[3] }, sq[LIMBS] = { 0 };

	raise(m, d->scale);
	decsum_add(&m->sum, d);
	m->n++;
	if (d->scale < m->sum.scale)		/* still below 10^(38 + scale) */
		wide_scale(x, 4, (unsigned)(m->sum.scale - d->scale));
	if ((x[1] | x[2] | x[3]) == 0)
		square(x, 1, sq);
	else
		square(x, 4, sq);
	wide_add(m->sq, sq, LIMBS);
}

void
moment_join(struct moment *m, const struct moment *other)
{
	struct moment o = *other;

	raise(m, o.sum.scale);
	raise(&o, m->sum.scale);
	decsum_join(&m->sum, &o.sum);
	wide_add(m->sq, o.sq, LIMBS);
	m->n += o.n;
}

/* The largest whole number whose square is at most x; x is used up. Digit by digit in base 2, as with pen and paper. */
static void
root(uint64_t x[WIDE], uint64_t out[WIDE])
{
	unsigned bits = wide_bits(x, WIDE);
	size_t n = (bits + 2) / 64 + 1;
	uint64_t t[WIDE];

	memset(out, 0, WIDE * sizeof *out);
	n = n > WIDE ? WIDE : n;
	for (unsigned at = (bits + 1) / 2 * 2; at > 0;) {
		at -= 2;
		/* out holds the root so far, shifted so that its next bit belongs at `at` */
		memcpy(t, out, sizeof t);
		t[at / 64] |= UINT64_C(1) << at % 64;
		(void)wide_shr(out, n, 1);
		if (wide_cmp(x, t, n) >= 0) {
			wide_sub(x, t, n);
			out[at / 64] |= UINT64_C(1) << at % 64;
		}
	}
}

const char *
moment_stddev(const struct moment *m, bool sample, struct dec *out)
{
	unsigned scale = m->sum.scale + 4u > DECIMAL_SCALE_MAX ? DECIMAL_SCALE_MAX : m->sum.scale + 4u;
	uint64_t sum[6] = { 0 }, x[WIDE] = { 0 }, s2[WIDE], r[WIDE];

	/* n * sq - sum^2, which is n^2 times the variance and never negative */
	memcpy(sum, m->sum.w, sizeof m->sum.w);
	if (sum[4] >> 63 != 0) {
		for (size_t i = 0; i < 5; i++)
			sum[i] = ~sum[i];
		wide_mul(sum, 5, 1, 1);
	}
	square(sum, 6, s2);
	memcpy(x, m->sq, sizeof m->sq);
	wide_mul(x, WIDE, m->n, 0);
	wide_sub(x, s2, WIDE);
	/* the root of four times it at twice the digits is twice the answer: its last bit says how to round */
	wide_scale(x, WIDE, 2 * (scale - m->sum.scale));
	wide_mul(x, WIDE, 4, 0);
	(void)wide_div(x, WIDE, m->n);
	(void)wide_div(x, WIDE, sample ? m->n - 1 : m->n);
	root(x, r);
	wide_mul(r, WIDE, 1, 1);
	(void)wide_shr(r, WIDE, 1);
	*out = (struct dec){ { r[0], r[1], r[2], r[3] }, (uint8_t)scale, false };
	if (wide_bits(r, WIDE) > 256 || !dec_fits(out, DECIMAL_DIGITS_MAX + scale))
		return "standard deviation outside 10^38";
	return NULL;
}

void
moment_pack(struct buf *b, const struct moment *m)
{
	pack_u64(b, m->n);
	pack_sum(b, &m->sum);
	for (size_t i = 0; i < LIMBS; i++)
		pack_u64(b, m->sq[i]);
}

void
unpack_moment(struct unpack *u, struct moment *m)
{
	*m = (struct moment){ .n = unpack_u64(u) };
	unpack_sum(u, &m->sum);
	for (size_t i = 0; i < LIMBS; i++)
		m->sq[i] = unpack_u64(u);
}
