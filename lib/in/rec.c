/* SPDX-License-Identifier: BSD-2-Clause */
/* rec - see rec.h; every byte here was accepted by the scanner, so only the places of things are looked for. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "in/rec.h"

#include "in/scan_bits.h"
#include "in/scan_plain.h"

static const char *
skip_blank(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p <= ' ')
		p++;
	return p;
}

/*
 * The first byte at or behind p that is one of the wanted, or end: 16 at a time while they are all inside.  A machine
 * without SSE2 takes the bytes one by one.
 */
enum want { WANT_QUOTE, WANT_DELIM };

/* What ends a number or a word. */
static bool
is_delim(char c)
{
	return scan_delim[(unsigned char)c] != 0;
}

static inline const char *
find(const char *p, const char *end, enum want w)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(0x20),
	    shut = _mm_set1_epi8('}'), comma = _mm_set1_epi8(',');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), hit = _mm_cmpeq_epi8(v, quote);
		unsigned m;

		if (w == WANT_QUOTE) {
			hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, slash));
		} else {	/* blanks too; what is beyond ASCII stands behind the first of them */
			hit = _mm_or_si128(_mm_cmpeq_epi8(v, comma), _mm_cmpeq_epi8(_mm_or_si128(v, low), shut));
			hit = _mm_or_si128(hit, _mm_cmplt_epi8(v, _mm_set1_epi8(0x21)));
		}
		if ((m = (unsigned)_mm_movemask_epi8(hit)) != 0)
			return p + __builtin_ctz(m);
	}
#endif
	for (; p < end; p++)
		if (w == WANT_DELIM ? is_delim(*p) : *p == '"' || *p == '\\')
			return p;
	return end;
}

/* Behind the string whose quote is at p; whether it holds a backslash. */
static const char *
string_end(const char *p, const char *end, bool *escaped)
{
	*escaped = false;
	for (p = find(p + 1, end, WANT_QUOTE); p < end && *p == '\\'; p = find(p + 2, end, WANT_QUOTE)) {
		*escaped = true;
		if (end - p < 2)
			return end;
	}
	return p < end ? p + 1 : end;
}

/* Where the brackets of 64 bytes stand that are in no string; carries: is a string open, is the next byte escaped. */
static inline uint64_t
brackets(const char *b, uint64_t *opens, uint64_t *in, uint64_t *escape)
{
	uint64_t quote = 0, slash = 0, open = 0, shut = 0;

	/* [ and { differ in one bit, and so do ] and } */
	for (int i = 0; i < 64; i += 16) {
		bytes16 v = bytes_load(b + i), low = v | bytes_all(0x20);

		quote |= bits_of((bytes16)(v == bytes_all('"'))) << i;
		slash |= bits_of((bytes16)(v == bytes_all('\\'))) << i;
		open |= bits_of((bytes16)(low == bytes_all('{'))) << i;
		shut |= bits_of((bytes16)(low == bytes_all('}'))) << i;
	}
	if (RARE(slash | *escape))
		quote &= ~bits_escaped(slash, escape);
	for (int i = 1; i < 64; i *= 2)
		quote ^= quote << i;
	quote ^= *in;
	*in = UINT64_C(0) - (quote >> 63);
	*opens = open & ~quote;
	return (open | shut) & ~quote;
}

/* Behind the object or array whose bracket is at p. */
static const char *
nested_end(const char *p, const char *end)
{
	uint64_t in = 0, escape = 0, open, any;
	size_t depth = 0;
	char rest[64];

	for (; p < end; p += end - p < 64 ? end - p : 64) {
		const char *b = p;

		if (end - p < 64) {
			memset(rest, ' ', sizeof rest);
			b = memcpy(rest, p, (size_t)(end - p));
		}
		for (any = brackets(b, &open, &in, &escape); any != 0; any &= any - 1) {
			depth += (open & any & -any) != 0 ? 1 : (size_t)-1;
			if (depth == 0)
				return p + __builtin_ctzll(any) + 1;
		}
	}
	return end;
}

const char *
rec_value_end(const char *p, const char *end)
{
	bool escaped;

	if (p >= end)
		return end;
	if (*p == '"')
		return string_end(p, end, &escaped);
	return *p == '{' || *p == '[' ? nested_end(p, end) : find(p, end, WANT_DELIM);
}

void
rec_begin(struct rec *r, struct span value)
{
	*r = (struct rec){ value.p, value.p + value.n, false };
	r->p = skip_blank(r->p, r->end);
	while (r->end > r->p && (unsigned char)r->end[-1] <= ' ')
		r->end--;
	if (r->p < r->end) {
		r->array = *r->p == '[';
		r->p++;			/* behind the opening bracket */
		r->end--;		/* before the closing one */
	}
	r->p = skip_blank(r->p, r->end);
}

/* The value at p, and the place behind its comma. */
static inline bool
take_value(struct rec *r, const char *p, struct val *v)
{
	bool escaped = false;
	const char *q = *p == '"' ? string_end(p, r->end, &escaped) : rec_value_end(p, r->end);

	*v = (struct val){ span_of(p, (size_t)(q - p)), scan_tag[(unsigned char)*p], (uint8_t)escaped };
	p = skip_blank(q, r->end);
	r->p = skip_blank(p + (p < r->end), r->end);	/* the comma */
	return true;
}

bool
rec_next(struct rec *r, struct span *key, struct val *v)
{
	const char *p = r->p, *q;
	bool escaped;

	if (p >= r->end)
		return false;
	*key = span_of(p, 0);
	if (!r->array) {
		q = string_end(p, r->end, &escaped);
		*key = span_of(p + 1, (size_t)(q - p) - 2);
		p = skip_blank(q, r->end);
		p = skip_blank(p + 1, r->end);		/* the colon */
	}
	return take_value(r, p, v);
}

/* Does the hint stand at p? */
static inline bool
expected(const char *p, const char *end, const struct rec_hint *h)
{
#ifdef __SSE2__
	if (h->n > 0 && end - p > REC_HINT_BYTES) {
		const __m128i *a = (const void *)p, *b = (const void *)h->text;
		unsigned low = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b)));
		unsigned high = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(a + 1),
		    _mm_loadu_si128(b + 1)));

		return (uint64_t)~(high << 16 | low) << (64 - h->n) == 0;
	}
#endif
	return h->n > 0 && end - p > h->n && memcmp(p, h->text, h->n) == 0;
}

bool
rec_next_like(struct rec *r, struct rec_hint *h, struct span *key, struct val *v)
{
	const char *p = r->p;

	if (expected(p, r->end, h) && (unsigned char)p[h->n] > ' ') {
		*key = span_of(p + 1, h->n - 3u);
		return take_value(r, p + h->n, v);
	}
	if (!rec_next(r, key, v))
		return false;
	h->n = 0;
	if (!r->array && key->n + 3 <= REC_HINT_BYTES && key->p[key->n + 1] == ':') {
		h->n = (uint8_t)(key->n + 3);
		memcpy(h->text, p, h->n);
	}
	return true;
}

bool
rec_key_is(struct span key_raw, struct span name, struct buf *scratch)
{
	if (key_raw.n == 0 || memchr(key_raw.p, '\\', key_raw.n) == NULL)
		return span_eq(key_raw, name);
	buf_clear(scratch);
	val_unescape(key_raw, scratch);
	return span_eq(buf_span(scratch), name);
}
