/* SPDX-License-Identifier: BSD-2-Clause */
/* hist - see hist.h */
#include <stdlib.h>

#include "base/mem.h"
#include "base/wide.h"
#include "op/hist.h"

#define MANTISSA 7
#define BIAS 128		/* |v| lies between 2^-127 and 2^127 */
#define BUCKET_MAX ((2 * BIAS << MANTISSA) + 1)

/* floor(w * 2^up / den), up may be negative; the caller knows that it is below 2^9. */
static unsigned
quotient(const uint64_t w[4], const uint64_t den[4], int up)
{
	uint64_t num[5] = { w[0], w[1], w[2], w[3], 0 }, d[5] = { den[0], den[1], den[2], den[3], 0 }, t[5];
	unsigned q = 0;

	if (up >= 0)
		wide_shl(num, 5, (unsigned)up);
	else
		wide_shl(d, 5, (unsigned)-up);
	for (unsigned bit = 9; bit-- > 0;) {
		memcpy(t, d, sizeof t);
		wide_shl(t, 5, bit);
		if (wide_cmp(num, t, 5) >= 0) {
			wide_sub(num, t, 5);
			q |= 1u << bit;
		}
	}
	return q;
}

/*
 * |d| = q * 2^(exp - 7) but for what is cut off, q from 128 on.  w / 10^scale lies between 2^(exp - 1) and 2^(exp + 1)
 * by the bits of both; nine bits of the quotient tell which half of that.
 */
static unsigned
leading(const struct dec *d, unsigned bits, int *exp)
{
	static const uint64_t tens[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000 };
	uint64_t ten[4] = { 1 };
	unsigned q;

	if (d->scale < sizeof tens / sizeof *tens)
		ten[0] = tens[d->scale];
	else
		wide_scale(ten, 4, d->scale);
	*exp = (int)bits - (int)wide_bits(ten, 4);
	if (d->scale >= sizeof tens / sizeof *tens || bits > 64)
		q = quotient(d->w, ten, 8 - *exp);
	else if (*exp > 8)
		q = (unsigned)(d->w[0] / (ten[0] << (*exp - 8)));
	else		/* as many bits as 10^9 has, 30, and 8 */
		q = (unsigned)((d->w[0] << (8 - *exp)) / ten[0]);
	if (q >> (MANTISSA + 1) != 0)
		return q >> 1;
	--*exp;
	return q;
}

int32_t
hist_bucket(const struct dec *d)
{
	unsigned bits = wide_bits(d->w, 4), q;
	int32_t bucket;
	int exp;

	if (bits == 0)
		return 0;
	if (d->scale == 0 && bits <= 64) {
		exp = (int)bits - 1;
		q = (unsigned)(exp >= MANTISSA ? d->w[0] >> (exp - MANTISSA) : d->w[0] << (MANTISSA - exp));
	} else
		q = leading(d, bits, &exp);
	bucket = (int32_t)((unsigned)(exp + BIAS) << MANTISSA | (q & ((1u << MANTISSA) - 1))) + 1;
	return d->neg ? -bucket : bucket;
}

/* The number of a bucket that is nearest to 0 and has `scale` digits behind the point. */
static void
nearest(int32_t bucket, unsigned scale, struct dec *out)
{
	uint32_t b = (uint32_t)(bucket < 0 ? -bucket : bucket) - 1;
	uint64_t w[6] = { (1u << MANTISSA) | (b & ((1u << MANTISSA) - 1)) };
	int up = (int)(b >> MANTISSA) - BIAS - MANTISSA;

	*out = (struct dec){ .scale = (uint8_t)scale };
	if (bucket == 0)
		return;
	if (up > 0)
		wide_shl(w, 6, (unsigned)up);
	wide_scale(w, 6, scale);		/* below 10^76 */
	if (up < 0 && wide_shr(w, 6, (unsigned)-up))
		wide_mul(w, 6, 1, 1);
	memcpy(out->w, w, sizeof out->w);
	out->neg = bucket < 0;
}

static size_t
place(const struct hist *h, int32_t bucket)
{
	uint32_t at = (uint32_t)bucket * UINT32_C(0x9e3779b1) & (h->cap - 1);

	while (h->v[at].n != 0 && h->v[at].bucket != bucket)
		at = (at + 1) & (h->cap - 1);
	return at;
}

static void
count(struct hist *h, int32_t bucket, uint64_t n)
{
	size_t at;

	if ((h->n + 1) * 4 > h->cap * 3) {
		struct hist old = *h;

		h->cap = old.cap == 0 ? 4 : old.cap * 2;
		h->v = mem_new(mem_mul(h->cap, sizeof *h->v));
		for (uint32_t i = 0; i < old.cap; i++)
			if (old.v[i].n != 0)
				h->v[place(h, old.v[i].bucket)] = old.v[i];
		free(old.v);
	}
	at = place(h, bucket);
	h->n += h->v[at].n == 0;
	h->v[at].bucket = bucket;
	h->v[at].n += n;
}

/* The ends, from one number or from another histogram's. */
static void
widen(struct hist *h, const struct dec *lo, const struct dec *hi)
{
	if (h->rows == 0 || dec_cmp(lo, &h->lo) < 0)
		h->lo = *lo;
	if (h->rows == 0 || dec_cmp(hi, &h->hi) > 0)
		h->hi = *hi;
}

void
hist_add(struct hist *h, const struct dec *d)
{
	widen(h, d, d);
	h->rows++;
	if (d->scale > h->scale)
		h->scale = d->scale;
	count(h, hist_bucket(d), 1);
}

static int
by_bucket(const void *pa, const void *pb)
{
	const struct hist_slot *a = pa, *b = pb;

	return a->bucket < b->bucket ? -1 : a->bucket > b->bucket;
}

/* The used slots in order: an array of h->n, to be freed. */
static struct hist_slot *
sorted(const struct hist *h)
{
	struct hist_slot *v = mem_array(NULL, h->n, sizeof *v);
	size_t n = 0;

	for (uint32_t i = 0; i < h->cap; i++)
		if (h->v[i].n != 0)
			v[n++] = h->v[i];
	if (n > 1)
		qsort(v, n, sizeof *v, by_bucket);
	return v;
}

/* ceil(p * rows), at least 1. */
static uint64_t
rank_of(const struct dec *p, uint64_t rows)
{
	uint64_t w[6] = { p->w[0], p->w[1], p->w[2], p->w[3] }, rest = 0;

	wide_mul(w, 6, rows, 0);
	for (unsigned k = p->scale; k > 0; k--)
		rest |= wide_div(w, 6, 10);
	if (rest != 0)
		wide_mul(w, 6, 1, 1);
	return w[0] == 0 ? 1 : w[0];
}

/* More zeros do not leave the range of what was a number. */
static struct dec
shown(const struct dec *d, unsigned scale)
{
	struct dec out;

	return dec_round(d, (int)scale, &out) == NULL ? out : *d;
}

void
hist_quantile(const struct hist *h, const struct dec *p, struct dec *out)
{
	struct hist_slot *v = sorted(h);
	uint64_t rank = rank_of(p, h->rows), left = rank;
	size_t i = 0;

	while (i + 1 < h->n && v[i].n < left)
		left -= v[i++].n;
	nearest(v[i].bucket, h->scale, out);
	if (rank == 1 || dec_cmp(out, &h->lo) < 0)
		*out = shown(&h->lo, h->scale);
	if (rank == h->rows || dec_cmp(out, &h->hi) > 0)
		*out = shown(&h->hi, h->scale);
	free(v);
}

size_t
hist_bytes(const struct hist *h)
{
	return h->cap * sizeof *h->v;
}

void
hist_pack(struct buf *b, const struct hist *h)
{
	struct hist_slot *v;
	struct dec d;

	pack_u64(b, h->n);
	if (h->n == 0)
		return;
	d = shown(&h->lo, h->scale);
	pack_dec(b, &d);
	d = shown(&h->hi, h->scale);
	pack_dec(b, &d);
	v = sorted(h);
	for (uint32_t i = 0; i < h->n; i++) {
		pack_i64(b, v[i].bucket - (i == 0 ? 0 : v[i - 1].bucket));
		pack_u64(b, v[i].n);
	}
	free(v);
}

void
hist_join(struct hist *h, struct unpack *u)
{
	uint64_t n = unpack_u64(u);
	struct dec lo, hi;
	int64_t bucket = 0;

	if (n == 0)
		return;
	unpack_dec(u, &lo);
	unpack_dec(u, &hi);
	if (!u->ok)
		return;
	widen(h, &lo, &hi);
	if (lo.scale > h->scale)
		h->scale = lo.scale;
	for (; n > 0 && u->ok; n--) {
		int64_t step = unpack_i64(u);
		uint64_t rows = unpack_u64(u);

		if (step < -2 * BUCKET_MAX || step > 2 * BUCKET_MAX || rows == 0 || h->rows + rows < rows)
			u->ok = false;
		bucket += step;
		if (bucket < -BUCKET_MAX || bucket > BUCKET_MAX)
			u->ok = false;
		if (!u->ok)
			return;
		count(h, (int32_t)bucket, rows);
		h->rows += rows;
	}
}

void
hist_take(struct hist *h, struct hist *from)
{
	if (from->rows > 0) {
		widen(h, &from->lo, &from->hi);
		h->rows += from->rows;
		if (from->scale > h->scale)
			h->scale = from->scale;
		for (uint32_t i = 0; i < from->cap; i++)
			if (from->v[i].n != 0)
				count(h, from->v[i].bucket, from->v[i].n);
	}
	hist_free(from);
}

void
hist_free(struct hist *h)
{
	free(h->v);
	*h = (struct hist){ 0 };
}
