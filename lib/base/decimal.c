/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decimal - see decimal.h
 *
 * Magnitudes are arrays of 64-bit limbs, as in wide.h.  Nearly all numbers of a warehouse fit one
 * limb, so each operation tries that first; the general case is schoolbook arithmetic over at most
 * 512 bits.
 */
#include "base/decimal.h"
#include "base/digits.h"
#include "base/wide.h"

#define LIMBS 4			/* of a decimal */
#define WIDE 8			/* of a product, and of a dividend shifted up */
#define SUM_LIMBS 5

static const char why_range[] = "number outside 10^38";
static const char why_scale[] = "more than 38 digits behind the decimal point";
static const char why_form[] = "not a number";

/* Limbs */

/* w = w / 10^k, rounded half away from zero: only the first digit that falls decides. */
static void
shrink(uint64_t *w, size_t n, unsigned k)
{
	if (k == 0)
		return;
	for (k--; k > 0;) {
		unsigned step = k < 19 ? k : 19;

		(void)wide_div(w, n, wide_ten[step]);
		k -= step;
	}
	if (wide_div(w, n, 10) >= 5)
		(void)wide_mul(w, n, 1, 1);
}

/*
 * num = num / den over 32-bit halves (Knuth, volume 2, 4.3.1, algorithm D); the remainder goes to
 * rem. Pre: den is not zero.
 */
static void
div_limbs(uint64_t num[WIDE], const uint64_t den[LIMBS], uint64_t rem[LIMBS])
{
	uint32_t u[2 * WIDE + 1], v[2 * LIMBS];
	size_t n = 2 * LIMBS, m = 2 * WIDE;
	int shift;

	for (size_t i = 0; i < 2 * LIMBS; i++)
		v[i] = (uint32_t)(den[i / 2] >> (i % 2 * 32));
	while (v[n - 1] == 0)
		n--;
	memset(rem, 0, LIMBS * sizeof *rem);
	if (n <= 2) {
		rem[0] = wide_div(num, WIDE, den[0]);
		return;
	}
	shift = __builtin_clz(v[n - 1]);
	for (size_t i = n; i-- > 1;)
		v[i] = (uint32_t)(((uint64_t)v[i] << 32 | v[i - 1]) << shift >> 32);
	v[0] <<= shift;
	for (size_t i = 0; i < 2 * WIDE; i++)
		u[i] = (uint32_t)(num[i / 2] >> (i % 2 * 32));
	u[m] = (uint32_t)((uint64_t)u[m - 1] << shift >> 32);
	for (size_t i = m; i-- > 1;)
		u[i] = (uint32_t)(((uint64_t)u[i] << 32 | u[i - 1]) << shift >> 32);
	u[0] <<= shift;
	memset(num, 0, WIDE * sizeof *num);
	for (size_t j = m - n + 1; j-- > 0;) {
		uint64_t top = (uint64_t)u[j + n] << 32 | u[j + n - 1];
		uint64_t q = top / v[n - 1], r = top % v[n - 1], carry = 0;
		int64_t borrow = 0;

		while (q >> 32 != 0 || q * v[n - 2] > (r << 32 | u[j + n - 2])) {
			q--;
			r += v[n - 1];
			if (r >> 32 != 0)
				break;
		}
		for (size_t i = 0; i < n; i++) {
			uint64_t p = q * v[i] + carry;
			int64_t t = (int64_t)u[i + j] - (int64_t)(p & UINT32_MAX) + borrow;

			carry = p >> 32;
			u[i + j] = (uint32_t)t;
			borrow = t >> 32;
		}
		borrow += (int64_t)u[j + n] - (int64_t)carry;
		u[j + n] = (uint32_t)borrow;
		if (borrow < 0) {	/* q was one too large: add the divisor back */
			q--;
			carry = 0;
			for (size_t i = 0; i < n; i++) {
				carry += (uint64_t)u[i + j] + v[i];
				u[i + j] = (uint32_t)carry;
				carry >>= 32;
			}
			u[j + n] += (uint32_t)carry;
		}
		num[j / 2] |= q << (j % 2 * 32);
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t half = (uint32_t)(((uint64_t)u[i + 1] << 32 | u[i]) >> shift);

		rem[i / 2] |= (uint64_t)half << (i % 2 * 32);
	}
}

/* Decimals */

static bool
one_limb(const struct dec *d)
{
	return (d->w[1] | d->w[2] | d->w[3]) == 0;
}

/* Is w < 10^(38 + scale)? */
static bool
in_range(const uint64_t w[LIMBS], unsigned scale)
{
	uint64_t limit[LIMBS] = { 1, 0, 0, 0 };

	if ((w[1] | w[2] | w[3]) == 0)
		return true;
	if (scale > 0 && (w[2] | w[3]) == 0)
		return true;	/* 2^128 < 10^39 */
	(void)wide_scale(limit, LIMBS, 38 + scale);
	return wide_cmp(w, limit, LIMBS) < 0;
}

/* Store the magnitude if it is one. */
static const char *
settle(const uint64_t w[LIMBS], unsigned scale, bool neg, struct dec *out)
{
	if (!in_range(w, scale))
		return why_range;
	memcpy(out->w, w, sizeof out->w);
	out->scale = (uint8_t)scale;
	out->neg = neg && !wide_zero(w, LIMBS);
	return NULL;
}

static void
settle64(uint64_t w, unsigned scale, bool neg, struct dec *out)
{
	*out = (struct dec){ { w, 0, 0, 0 }, (uint8_t)scale, neg && w != 0 };
}

/* Bring both to the larger scale; always fits, for w < 10^(38+scale). */
static unsigned
align(const struct dec *a, const struct dec *b, uint64_t x[LIMBS], uint64_t y[LIMBS])
{
	memcpy(x, a->w, sizeof a->w);
	memcpy(y, b->w, sizeof b->w);
	if (a->scale < b->scale)
		(void)wide_scale(x, LIMBS, (unsigned)(b->scale - a->scale));
	else if (b->scale < a->scale)
		(void)wide_scale(y, LIMBS, (unsigned)(a->scale - b->scale));
	return a->scale > b->scale ? a->scale : b->scale;
}

/* The same where both stay below 2^63. */
static bool
align64(const struct dec *a, const struct dec *b, uint64_t *x, uint64_t *y, unsigned *scale)
{
	unsigned up;

	if (!one_limb(a) || !one_limb(b))
		return false;
	*x = a->w[0];
	*y = b->w[0];
	*scale = a->scale > b->scale ? a->scale : b->scale;
	if (a->scale != b->scale) {
		up = (unsigned)(a->scale > b->scale ? a->scale - b->scale : b->scale - a->scale);
		if (up > 18 || __builtin_mul_overflow(a->scale < b->scale ? *x : *y, wide_ten[up],
		    a->scale < b->scale ? x : y))
			return false;
	}
	return (*x | *y) >> 63 == 0;
}

void
dec_int(int64_t v, struct dec *d)
{
	settle64(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 0, v < 0, d);
}

bool
dec_is_zero(const struct dec *d)
{
	return wide_zero(d->w, LIMBS);
}

void
dec_neg(struct dec *d)
{
	d->neg = !d->neg && !dec_is_zero(d);
}

bool
dec_fits(const struct dec *d, unsigned precision)
{
	uint64_t limit[LIMBS] = { 1, 0, 0, 0 };

	if (precision > 2 * DECIMAL_DIGITS_MAX)
		return true;
	(void)wide_scale(limit, LIMBS, precision);
	return wide_cmp(d->w, limit, LIMBS) < 0;
}

int
dec_cmp(const struct dec *a, const struct dec *b)
{
	uint64_t x[LIMBS], y[LIMBS];
	unsigned scale;
	int c;

	if (a->neg != b->neg)
		return a->neg ? -1 : 1;
	if (align64(a, b, &x[0], &y[0], &scale)) {
		c = x[0] < y[0] ? -1 : x[0] > y[0];
	} else {
		(void)align(a, b, x, y);
		c = wide_cmp(x, y, LIMBS);
	}
	return a->neg ? -c : c;
}

static const char *
add_signed(const struct dec *a, const struct dec *b, bool b_neg, struct dec *out)
{
	uint64_t x[LIMBS], y[LIMBS];
	unsigned scale;
	bool neg = a->neg;

	if (align64(a, b, &x[0], &y[0], &scale)) {
		if (a->neg == b_neg)
			settle64(x[0] + y[0], scale, neg, out);
		else if (x[0] >= y[0])
			settle64(x[0] - y[0], scale, neg, out);
		else
			settle64(y[0] - x[0], scale, b_neg, out);
		return NULL;
	}
	scale = align(a, b, x, y);
	if (neg == b_neg) {
		(void)wide_add(x, y, LIMBS);	/* both below 10^76 < 2^253 */
		return settle(x, scale, neg, out);
	}
	if (wide_cmp(x, y, LIMBS) >= 0) {
		(void)wide_sub(x, y, LIMBS);
		return settle(x, scale, neg, out);
	}
	(void)wide_sub(y, x, LIMBS);
	return settle(y, scale, b_neg, out);
}

const char *
dec_add(const struct dec *a, const struct dec *b, struct dec *out)
{
	return add_signed(a, b, b->neg, out);
}

const char *
dec_sub(const struct dec *a, const struct dec *b, struct dec *out)
{
	return add_signed(a, b, !b->neg, out);
}

const char *
dec_mul(const struct dec *a, const struct dec *b, struct dec *out)
{
	uint64_t p[WIDE] = { 0 };
	unsigned scale = (unsigned)a->scale + b->scale;
	bool neg = a->neg != b->neg;

	if (scale <= DECIMAL_SCALE_MAX && one_limb(a) && one_limb(b)) {
		wide2 t = (wide2)a->w[0] * b->w[0];

		p[0] = (uint64_t)t;
		p[1] = (uint64_t)(t >> 64);
		return settle(p, scale, neg, out);
	}
	for (size_t i = 0; i < LIMBS; i++) {
		uint64_t carry = 0;

		for (size_t j = 0; j < LIMBS; j++) {
			wide2 t = (wide2)a->w[i] * b->w[j] + p[i + j] + carry;

			p[i + j] = (uint64_t)t;
			carry = (uint64_t)(t >> 64);
		}
		p[i + LIMBS] = carry;
	}
	if (scale > DECIMAL_SCALE_MAX) {
		shrink(p, WIDE, scale - DECIMAL_SCALE_MAX);
		scale = DECIMAL_SCALE_MAX;
	}
	if (!wide_zero(p + LIMBS, WIDE - LIMBS))
		return why_range;
	return settle(p, scale, neg, out);
}

const char *
dec_div(const struct dec *a, const struct dec *b, struct dec *out)
{
	uint64_t num[WIDE] = { 0 }, rem[LIMBS], twice[LIMBS];
	unsigned scale = a->scale + 4u > DECIMAL_SCALE_MAX ? DECIMAL_SCALE_MAX : a->scale + 4u;
	unsigned up = scale - a->scale + b->scale;
	bool neg = a->neg != b->neg;
	uint64_t x;

	if (one_limb(a) && one_limb(b) && up < 20 &&
	    !__builtin_mul_overflow(a->w[0], wide_ten[up], &x)) {
		uint64_t d = b->w[0], q = x / d, r = x % d;

		settle64(q + (r >= d - r), scale, neg, out);
		return NULL;
	}
	memcpy(num, a->w, sizeof a->w);
	(void)wide_scale(num, WIDE, up);		/* below 10^(76+42) < 2^392 */
	div_limbs(num, b->w, rem);
	memcpy(twice, rem, sizeof twice);
	(void)wide_add(twice, rem, LIMBS);	/* rem < 10^76 < 2^253 */
	if (wide_cmp(twice, b->w, LIMBS) >= 0)
		(void)wide_mul(num, WIDE, 1, 1);
	if (!wide_zero(num + LIMBS, WIDE - LIMBS))
		return why_range;
	return settle(num, scale, neg, out);
}

const char *
dec_mod(const struct dec *a, const struct dec *b, struct dec *out)
{
	uint64_t num[WIDE] = { 0 }, x[LIMBS], y[LIMBS], rem[LIMBS];
	unsigned scale;

	if (align64(a, b, &x[0], &y[0], &scale)) {
		settle64(x[0] % y[0], scale, a->neg, out);
		return NULL;
	}
	scale = align(a, b, x, y);
	memcpy(num, x, sizeof x);
	div_limbs(num, y, rem);
	return settle(rem, scale, a->neg, out);
}

const char *
dec_round(const struct dec *a, int digits, struct dec *out)
{
	uint64_t w[LIMBS];
	bool neg = a->neg;

	if (digits > DECIMAL_SCALE_MAX)
		digits = DECIMAL_SCALE_MAX;
	memcpy(w, a->w, sizeof w);
	if (digits >= (int)a->scale) {
		(void)wide_scale(w, LIMBS, (unsigned)digits - a->scale);
		return settle(w, (unsigned)digits, neg, out);
	}
	if (digits < -DECIMAL_DIGITS_MAX) {
		settle64(0, 0, false, out);
		return NULL;
	}
	shrink(w, LIMBS, (unsigned)((int)a->scale - digits));
	if (digits >= 0)
		return settle(w, (unsigned)digits, neg, out);
	if (!wide_scale(w, LIMBS, (unsigned)-digits))
		return why_range;
	return settle(w, 0, neg, out);
}

const char *
dec_floor(const struct dec *a, struct dec *out)
{
	uint64_t w[LIMBS], rem = 0;
	bool neg = a->neg;

	memcpy(w, a->w, sizeof w);
	for (unsigned k = a->scale; k > 0;) {
		unsigned step = k < 19 ? k : 19;

		rem |= wide_div(w, LIMBS, wide_ten[step]);
		k -= step;
	}
	if (neg && rem != 0)
		(void)wide_mul(w, LIMBS, 1, 1);
	return settle(w, 0, neg, out);
}

bool
dec_to_i64(const struct dec *a, int64_t *v)
{
	uint64_t w[LIMBS];

	memcpy(w, a->w, sizeof w);
	for (unsigned k = a->scale; k > 0;) {
		unsigned step = k < 19 ? k : 19;

		if (wide_div(w, LIMBS, wide_ten[step]) != 0)
			return false;
		k -= step;
	}
	if ((w[1] | w[2] | w[3]) != 0 || w[0] > (uint64_t)INT64_MAX + a->neg)
		return false;
	*v = a->neg ? (int64_t)(0 - w[0]) : (int64_t)w[0];
	return true;
}

/* Text */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * A number text taken apart: the digits of both sides, as if written one behind the other, and the
 * exponent.
 */
struct parts {
	const char *whole, *frac;
	size_t n_whole, n_frac;
	int64_t exp;
	bool neg;
};

static char
part_digit(const struct parts *t, size_t i)
{
	return i < t->n_whole ? t->whole[i] : t->frac[i - t->n_whole];
}

/*
 * By the grammar of JSON; `loose` also takes a '+', leading zeros, and no digits on one side of
 * the point.
 */
static const char *
split(struct span s, bool loose, struct parts *t)
{
	const char *p = s.p, *end = s.p + s.n;
	bool neg_exp = false;

	memset(t, 0, sizeof *t);
	if (p < end && (*p == '-' || (loose && *p == '+')))
		t->neg = *p++ == '-';
	t->whole = p;
	while (p < end && is_digit(*p))
		p++;
	t->n_whole = (size_t)(p - t->whole);
	if (!loose && (t->n_whole == 0 || (t->n_whole > 1 && t->whole[0] == '0')))
		return why_form;
	t->frac = p;
	if (p < end && *p == '.') {
		t->frac = ++p;
		while (p < end && is_digit(*p))
			p++;
		t->n_frac = (size_t)(p - t->frac);
		if (t->n_frac == 0 && (!loose || t->n_whole == 0))
			return why_form;
	}
	if (t->n_whole + t->n_frac == 0)
		return why_form;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '-' || *p == '+'))
			neg_exp = *p++ == '-';
		if (p == end)
			return why_form;
		for (; p < end && is_digit(*p); p++)
			/* beyond any length of digits: range is decided already */
			if (t->exp < INT64_C(1) << 40)
				t->exp = t->exp * 10 + (*p - '0');
		if (neg_exp)
			t->exp = -t->exp;
	}
	return p == end ? NULL : why_form;
}

/* Digits first..last of the parts, zeros behind the last digit there is, as limbs. At most 76. */
static void
gather(const struct parts *t, size_t first, size_t count, uint64_t w[LIMBS])
{
	size_t have = t->n_whole + t->n_frac;
	uint64_t chunk = 0;
	unsigned k = 0;

	memset(w, 0, LIMBS * sizeof *w);
	for (size_t i = first; i < first + count; i++) {
		chunk = chunk * 10 + (i < have ? (uint64_t)(part_digit(t, i) - '0') : 0);
		if (++k == 19) {
			(void)wide_mul(w, LIMBS, wide_ten[19], chunk);
			chunk = 0;
			k = 0;
		}
	}
	if (k > 0)
		(void)wide_mul(w, LIMBS, wide_ten[k], chunk);
}

static const char *
parse_wide(struct span s, bool loose, struct dec *d)
{
	struct parts t;
	const char *why = split(s, loose, &t);
	size_t have, first, last;
	int64_t point, scale;

	if (why != NULL)
		return why;
	have = t.n_whole + t.n_frac;
	point = (int64_t)t.n_whole + t.exp;	/* the decimal point stands before this digit */
	scale = (int64_t)have - point;
	scale = scale < 0 ? 0 : scale;
	for (first = 0; first < have && part_digit(&t, first) == '0'; first++)
		;
	if (first == have) {
		settle64(
		    0, scale > DECIMAL_SCALE_MAX ? DECIMAL_SCALE_MAX : (unsigned)scale, false, d);
		return NULL;
	}
	if (point - (int64_t)first > DECIMAL_DIGITS_MAX)
		return why_range;
	if (scale > DECIMAL_SCALE_MAX) {
		for (last = have - 1; part_digit(&t, last) == '0'; last--)
			;
		if ((int64_t)last + 1 - point > DECIMAL_SCALE_MAX)
			return why_scale;
		scale = DECIMAL_SCALE_MAX;
	}
	gather(&t, first, (size_t)(point + scale - (int64_t)first), d->w);
	d->scale = (uint8_t)scale;
	d->neg = t.neg;
	return NULL;
}

const char *
dec_parse(struct span s, struct dec *d)
{
	const char *p = s.p, *end = s.p + s.n, *whole, *frac = NULL;
	uint64_t v = 0, cents;
	bool neg;

	/* nearly all: a whole number, or one with two digits behind the point */
	if (digits_u64(s.p, s.n, &v) && (s.n == 1 || *s.p != '0')) {
		settle64(v, 0, false, d);
		return NULL;
	}
	if (s.n > 3 && s.n < DIGITS_MAX && end[-3] == '.' && digits_u64(s.p, s.n - 3, &v) &&
	    digits_u64(end - 2, 2, &cents) && (s.n == 4 || *s.p != '0')) {
		settle64(v * 100 + cents, 2, false, d);
		return NULL;
	}
	v = 0;
	/*
	 * Up to 18 digits and no exponent; anything else, wrong or long, is looked at again from
	 * the start.
	 */
	if (s.n == 0 || s.n > 20)
		return parse_wide(s, false, d);
	neg = *p == '-';
	p += neg;
	for (whole = p; p < end && is_digit(*p); p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == whole || (*whole == '0' && p - whole > 1))
		return why_form;
	if (p < end && *p == '.')
		for (frac = ++p; p < end && is_digit(*p); p++)
			v = v * 10 + (uint64_t)(*p - '0');
	if (p < end || p == frac || p - whole > 19)
		return parse_wide(s, false, d);
	settle64(v, frac == NULL ? 0 : (unsigned)(p - frac), neg, d);
	return NULL;
}

const char *
dec_parse_text(struct span s, struct dec *d)
{
	while (s.n > 0 && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r'))) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || (s.p[s.n - 1] >= '\t' && s.p[s.n - 1] <= '\r')))
		s.n--;
	return parse_wide(s, true, d);
}

#define TEXT_BYTES 80		/* 76 digits, sign, point, a zero before it */

/* The digits into the end of text; returns where they begin. At least scale + 1 of them. */
static char *
digits(const struct dec *d, char text[TEXT_BYTES])
{
	uint64_t w[LIMBS];
	char *p = text + TEXT_BYTES, *least = p - d->scale - 1;

	memcpy(w, d->w, sizeof w);
	while ((w[1] | w[2] | w[3]) != 0) {
		uint64_t chunk = wide_div(w, LIMBS, wide_ten[19]);

		for (int i = 0; i < 19; i++, chunk /= 10)
			*--p = (char)('0' + chunk % 10);
	}
	for (; w[0] != 0; w[0] /= 10)
		*--p = (char)('0' + w[0] % 10);
	while (p > least)
		*--p = '0';
	return p;
}

static void
print(const struct dec *d, bool canonical, struct buf *b)
{
	char text[TEXT_BYTES], *p = digits(d, text), *point = text + TEXT_BYTES - d->scale;
	size_t n_frac = d->scale;

	while (canonical && n_frac > 0 && point[n_frac - 1] == '0')
		n_frac--;
	if (d->neg)
		buf_byte(b, '-');
	buf_add(b, p, (size_t)(point - p));
	if (n_frac > 0) {
		buf_byte(b, '.');
		buf_add(b, point, n_frac);
	}
}

void
dec_print(const struct dec *d, struct buf *b)
{
	print(d, false, b);
}

void
dec_print_canonical(const struct dec *d, struct buf *b)
{
	print(d, true, b);
}

/* Sums */

static void
flip(uint64_t w[SUM_LIMBS])
{
	for (size_t i = 0; i < SUM_LIMBS; i++)
		w[i] = ~w[i];
	(void)wide_mul(w, SUM_LIMBS, 1, 1);
}

static bool
sum_neg(const struct decsum *s)
{
	return s->w[SUM_LIMBS - 1] >> 63 != 0;
}

/* Raise a sum to a larger scale. */
static void
raise(struct decsum *s, unsigned scale)
{
	bool neg = sum_neg(s);

	if (neg)
		flip(s->w);
	(void)wide_scale(s->w, SUM_LIMBS, scale - s->scale);
	if (neg)
		flip(s->w);
	s->scale = (uint8_t)scale;
}

static void
accumulate(struct decsum *s, const struct dec *d, bool minus)
{
	uint64_t x[SUM_LIMBS] = { d->w[0], d->w[1], d->w[2], d->w[3], 0 };

	if (d->scale > s->scale)
		raise(s, d->scale);
	else if (d->scale < s->scale)
		(void)wide_scale(x, SUM_LIMBS, (unsigned)(s->scale - d->scale));
	if (d->scale > s->shown)
		s->shown = d->scale;
	if (minus)
		(void)wide_sub(s->w, x, SUM_LIMBS);
	else
		(void)wide_add(s->w, x, SUM_LIMBS);
}

void
decsum_add_wide(struct decsum *s, const struct dec *d)
{
	accumulate(s, d, d->neg);
}

void
decsum_sub(struct decsum *s, const struct dec *d)
{
	accumulate(s, d, !d->neg);
}

void
decsum_join(struct decsum *s, const struct decsum *other)
{
	struct decsum o = *other;

	if (o.scale > s->scale)
		raise(s, o.scale);
	else if (o.scale < s->scale)
		raise(&o, s->scale);
	if (o.shown > s->shown)
		s->shown = o.shown;
	(void)wide_add(s->w, o.w, SUM_LIMBS);
}

/* sum * 10^up / n, rounded; the result has that scale. */
static const char *
quotient(const struct decsum *s, unsigned scale, uint64_t n, struct dec *out)
{
	uint64_t w[SUM_LIMBS + 1] = { 0 }, rem;
	bool neg = sum_neg(s);

	memcpy(w, s->w, sizeof s->w);
	if (neg)
		flip(w);
	(void)wide_scale(w, SUM_LIMBS + 1, scale - s->scale);	/* at most 10^4 */
	rem = wide_div(w, SUM_LIMBS + 1, n);
	if (rem >= n - rem)
		(void)wide_mul(w, SUM_LIMBS + 1, 1, 1);
	if ((w[4] | w[5]) != 0 || !in_range(w, scale))
		return "sum outside 10^38";
	return settle(w, scale, neg, out);
}

const char *
decsum_get(const struct decsum *s, struct dec *out)
{
	return quotient(s, s->scale, 1, out);
}

const char *
decsum_avg(const struct decsum *s, uint64_t n, struct dec *out)
{
	unsigned scale = s->scale + 4u > DECIMAL_SCALE_MAX ? DECIMAL_SCALE_MAX : s->scale + 4u;

	return quotient(s, scale, n, out);
}
