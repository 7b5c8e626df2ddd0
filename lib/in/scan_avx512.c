/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_avx512 - the kernel for x86-64 with AVX-512 F and BW and BMI2: Skylake-SP and later
 *
 * 64 bytes are one register, and comparing gives their mask at once: cheaper than two halves of AVX2.  First masks of
 * quotes, backslashes, control and high bytes; then, when in/scan_stride.h made of them what is in strings, a class
 * code for each byte (perfect hash by vpshufb), C_IN in strings, and "may these two classes be neighbours" for all 64
 * pairs; UTF-8 after Keiser and Lemire where it is not ASCII.  O(n), no table bigger than 64 bytes.  Skylake has two
 * ports for 512 bits, of which shuffles and comparisons take one: 22 of these for 64 bytes are the floor.
 */
#ifdef __x86_64__
#define LANE_BYTES 64
#include "in/scan_stride.h"

/* Tables four times over, and constants. */
struct luts {
	__m512i hash_add, hash_key, hash_code, allows, column;
	__m512i digit_code, in_code, in_allows, quote, slash, digit_0, nine, space, nibble;
	__m512i code_t, code_d, code_e, ones;
	__m512i lead_high, lead_low, next_high, third, fourth, top;	/* UTF-8 */
};

/* What one block of 64 bytes hands to the next. */
struct pairs {
	__m512i allows;		/* what the bytes before allow */
};

static struct pairs
pairs_begin(const struct tables *t)
{
	return (struct pairs){ _mm512_set1_epi8((char)t->allows[C_LF]) };
}

BITS_INLINE uint64_t
equal(__m512i v, char c)
{
	return _cvtmask64_u64(_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(c)));
}

BITS_INLINE __m512i
high_nibbles(const struct luts *t, __m512i v)
{
	return _mm512_and_si512(_mm512_srli_epi16(v, 4), t->nibble);
}

/* Bytes from lo to hi, once `fold` is set in them. */
BITS_INLINE uint64_t
between(__m512i v, char fold, char lo, char hi)
{
	__m512i x = _mm512_sub_epi8(_mm512_or_si512(v, _mm512_set1_epi8(fold)), _mm512_set1_epi8(lo));

	return _cvtmask64_u64(_mm512_cmple_epu8_mask(x, _mm512_set1_epi8((char)(hi - lo))));
}

/* Escapes that JSON does not know, and \u without four hex digits. */
BITS_INLINE uint64_t
escape_errors(const struct luts *t, const char *b, uint64_t escaped, struct bits_escapes *c)
{
	__m512i v = _mm512_loadu_si512(b);
	uint64_t us = equal(v, 'u'), letter, err;

	(void)t;
	err = escaped & ~(equal(v, '"') | equal(v, '\\') | equal(v, '/') | equal(v, 'b') | equal(v, 'f') |
	    equal(v, 'n') | equal(v, 'r') | equal(v, 't') | us);
	c->surrogates = 0;
	if (((escaped & us) | c->u | c->d) == 0)
		return err;
	letter = between(v, 0x20, 'a', 'f');
	return err | bits_hex_errors(c, escaped & us, letter | between(v, 0, '0', '9'), between(v, 0x20, 'd', 'd'),
	    letter | between(v, 0, '8', '9'));
}

/* The class code of each byte as if outside strings. */
BITS_INLINE __m512i
codes(const struct luts *t, __m512i v)
{
	__m512i slot = _mm512_add_epi8(v, _mm512_shuffle_epi8(t->hash_add, high_nibbles(t, v)));
	__mmask64 hit = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(t->hash_key, slot), v);
	__mmask64 digit = _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, t->digit_0), t->nine);
	__m512i code = _mm512_maskz_shuffle_epi8(hit, t->hash_code, slot);

	return _mm512_mask_add_epi8(code, digit, code, t->digit_code);
}

/* Where UTF-8 breaks off: see struct utf8_tables.  Three bytes before b are readable. */
BITS_INLINE uint64_t
utf8_errors(const struct luts *t, const char *b)
{
	__m512i v = _mm512_loadu_si512(b), p1 = _mm512_loadu_si512(b - 1), p2 = _mm512_loadu_si512(b - 2);
	__m512i p3 = _mm512_loadu_si512(b - 3), wrong, must;

	wrong = _mm512_ternarylogic_epi64(_mm512_shuffle_epi8(t->lead_high, high_nibbles(t, p1)),
	    _mm512_shuffle_epi8(t->lead_low, _mm512_and_si512(p1, t->nibble)),
	    _mm512_shuffle_epi8(t->next_high, high_nibbles(t, v)), 0x80);	/* all three */
	must = _mm512_or_si512(_mm512_subs_epu8(p2, t->third), _mm512_subs_epu8(p3, t->fourth));
	wrong = _mm512_ternarylogic_epi64(must, t->top, wrong, 0x6A);		/* (must & top) ^ wrong */
	return _cvtmask64_u64(_mm512_test_epi8_mask(wrong, wrong));
}

BITS_INLINE void
first_look(const struct luts *t, struct strip *s, size_t i, const char *b)
{
	__m512i v = _mm512_loadu_si512(b);

	s->quote[i] = _cvtmask64_u64(_mm512_cmpeq_epi8_mask(v, t->quote));
	s->slash[i] = _cvtmask64_u64(_mm512_cmpeq_epi8_mask(v, t->slash));
	s->control[i] = _cvtmask64_u64(_mm512_cmplt_epu8_mask(v, t->space));
	s->high[i] = _cvtmask64_u64(_mm512_movepi8_mask(v));
}

/* The classes of 64 bytes, and all that two neighbours tell. */
BITS_INLINE void
second_look(const struct luts *t, struct strip *s, size_t i, const char *b, struct pairs *p)
{
	__m512i code = codes(t, _mm512_loadu_si512(b)), now, allows, before;
	__mmask64 in = _cvtu64_mask64(s->in[i]);

	allows = _mm512_mask_mov_epi8(_mm512_shuffle_epi8(t->allows, code), in, t->in_allows);
	now = _mm512_mask_mov_epi8(code, in, t->in_code);
	before = _mm512_alignr_epi8(allows, _mm512_alignr_epi64(allows, p->allows, 6), 15);
	p->allows = allows;
	s->bad[i] = _cvtmask64_u64(_mm512_testn_epi8_mask(before, _mm512_shuffle_epi8(t->column, now)));
	s->t[i] = _cvtmask64_u64(_mm512_test_epi8_mask(now, t->code_t));
	s->d[i] = _cvtmask64_u64(_mm512_test_epi8_mask(now, t->code_d));
	s->e[i] = _cvtmask64_u64(_mm512_test_epi8_mask(now, t->code_e));
}

BITS_INLINE __m512i
four(const uint8_t table[16])
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
}

static void
luts_init(struct luts *t, const struct tables *from)
{
	const struct utf8_tables *u = &from->utf8;

	*t = (struct luts){
		.hash_add = four(from->hash_add), .hash_key = four(from->hash_key), .hash_code = four(from->hash_code),
		.allows = four(from->allows), .column = four(from->column),
		.digit_code = _mm512_set1_epi8((char)from->code[C_DIGIT]),
		.in_code = _mm512_set1_epi8((char)from->code[C_IN]),
		.in_allows = _mm512_set1_epi8((char)from->allows[C_IN]),
		.quote = _mm512_set1_epi8('"'), .slash = _mm512_set1_epi8('\\'), .digit_0 = _mm512_set1_epi8('0'),
		.nine = _mm512_set1_epi8(9), .space = _mm512_set1_epi8(' '), .nibble = _mm512_set1_epi8(15),
		.code_t = _mm512_set1_epi8(CODE_T), .code_d = _mm512_set1_epi8(CODE_D),
		.code_e = _mm512_set1_epi8(CODE_E), .ones = _mm512_set1_epi8(-1),
		.lead_high = four(u->lead_high), .lead_low = four(u->lead_low), .next_high = four(u->next_high),
		.third = _mm512_set1_epi8((char)(0xE0 - 0x80)), .fourth = _mm512_set1_epi8((char)(0xF0 - 0x80)),
		.top = _mm512_set1_epi8((char)0x80),
	};
}

/* 64 bytes, those in `members` complemented. */
BITS_INLINE void
stage(const struct luts *t, uint8_t *to, const char *b, uint64_t members)
{
	__m512i v = _mm512_loadu_si512(b);

	_mm512_store_si512(to, _mm512_mask_sub_epi8(v, _cvtu64_mask64(members), t->ones, v));
}

#define STRIDE_BODY
#include "in/scan_stride.h"

const struct kernel_ops kernel_avx512 = { "avx512", mark };
#endif
