/* SPDX-License-Identifier: BSD-2-Clause */
/* pack - see pack.h */
#include "op/pack.h"

void
pack_u64(struct buf *b, uint64_t v)
{
	char text[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		text[n++] = (char)(unsigned char)(v | 0x80);
	text[n++] = (char)v;
	buf_add(b, text, n);
}

void
pack_i64(struct buf *b, int64_t v)
{
	pack_u64(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));	/* zigzag: small either way */
}

void
pack_span(struct buf *b, struct span s)
{
	pack_u64(b, s.n);
	buf_span_add(b, s);
}

/* How many limbs hold something. */
static unsigned
limbs(const uint64_t *w, unsigned n)
{
	while (n > 0 && w[n - 1] == 0)
		n--;
	return n;
}

void
pack_dec(struct buf *b, const struct dec *d)
{
	unsigned n = limbs(d->w, 4);

	pack_u64(b, (uint64_t)d->scale << 4 | (uint64_t)n << 1 | d->neg);
	for (unsigned i = 0; i < n; i++)
		pack_u64(b, d->w[i]);
}

void
pack_sum(struct buf *b, const struct decsum *s)
{
	/* a negative sum has all ones above its digits: both kinds of filling are left out */
	bool neg = s->w[4] >> 63 != 0;
	unsigned n = 5;

	while (n > 0 && s->w[n - 1] == (neg ? UINT64_MAX : 0))
		n--;
	pack_u64(b, (uint64_t)s->scale << 4 | (uint64_t)n << 1 | neg);
	pack_u64(b, s->shown);
	for (unsigned i = 0; i < n; i++)
		pack_u64(b, s->w[i]);
}

uint64_t
unpack_u64(struct unpack *u)
{
	uint64_t v = 0;

	for (unsigned shift = 0; u->s.n > 0 && shift < 70; shift += 7) {
		unsigned char c = (unsigned char)*u->s.p;

		u->s = span_from(u->s, 1);
		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	u->ok = false;
	u->s.n = 0;
	return 0;
}

int64_t
unpack_i64(struct unpack *u)
{
	uint64_t v = unpack_u64(u);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

struct span
unpack_bytes(struct unpack *u, size_t n)
{
	struct span s = { u->s.p, n };

	if (n > u->s.n) {
		u->ok = false;
		u->s.n = 0;
		return span_of("", 0);
	}
	u->s = span_from(u->s, n);
	return s;
}

struct span
unpack_span(struct unpack *u)
{
	return unpack_bytes(u, unpack_u64(u));
}

void
unpack_dec(struct unpack *u, struct dec *d)
{
	uint64_t head = unpack_u64(u), n = head >> 1 & 7;

	*d = (struct dec){ .scale = (uint8_t)(head >> 4 & 63), .neg = head & 1 };
	u->ok = u->ok && head >> 4 <= DECIMAL_SCALE_MAX && n <= 4;
	for (uint64_t i = 0; u->ok && i < n; i++)
		d->w[i] = unpack_u64(u);
}

void
unpack_sum(struct unpack *u, struct decsum *s)
{
	uint64_t head = unpack_u64(u), n = head >> 1 & 7, shown = unpack_u64(u);

	*s = (struct decsum){ .scale = (uint8_t)(head >> 4 & 63), .shown = (uint8_t)(shown & 63) };
	u->ok = u->ok && head >> 4 <= DECIMAL_SCALE_MAX && shown <= DECIMAL_SCALE_MAX && n <= 5;
	for (uint64_t i = 0; i < 5; i++)
		s->w[i] = u->ok && i < n ? unpack_u64(u) : (head & 1) != 0 ? UINT64_MAX : 0;
}
