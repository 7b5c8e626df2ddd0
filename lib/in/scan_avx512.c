/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_avx512 - the kernel for x86-64 with AVX-512 F and BW, BMI2 and carry-less multiply: Skylake-SP and later
 *
 * Per 64 bytes, one register: masks of quotes and backslashes; which bytes are in strings (carry-less multiply); a
 * class code for each byte (perfect hash by vpshufb), C_IN inside strings; then "may these two classes be
 * neighbours" for all 64 pairs at once; UTF-8 after Keiser and Lemire; the rules of in/scan_bits.h on what looks
 * further than a pair; and the tokens' offsets.  Masks are compared into directly, which is what makes it cheaper
 * than two halves of AVX2.  O(n), no table bigger than 64 bytes, no branch that data decides besides the rare ones.
 */
#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

#include "in/scan_bits.h"
#include "in/scan_kernel.h"

/* Tables four times over, and constants. */
struct luts {
	__m512i hash_add, hash_key, hash_code, allows, column;
	__m512i digit_code, in_code, in_allows, quote, slash, digit_0, nine, space, nibble;
	__m512i code_t, code_d, code_e;
	__m512i lead_high, lead_low, next_high, third, fourth, top;	/* UTF-8 */
};

/* What one block of 64 bytes hands to the next. */
struct carry {
	uint64_t in;		/* all ones inside a string */
	uint64_t escape;
	uint64_t u, surrogate;	/* escaped u's, and \ud beginnings, near the end of the block before */
	__m512i allows;		/* what the bytes before allow */
	struct bits_carry rules;
};

BITS_INLINE uint64_t
equal(__m512i v, char c)
{
	return _cvtmask64_u64(_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(c)));
}

/* 1 from each quote on to the one that closes it, that one not. */
BITS_INLINE uint64_t
inside(uint64_t quotes)
{
	return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)quotes),
	    _mm_set1_epi8(-1), 0));
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

/* Escapes that JSON does not know, \u without four hex digits, and surrogates, which the plain parser pairs. */
static inline uint64_t
escape_errors(__m512i v, uint64_t escaped, struct carry *c)
{
	uint64_t us = equal(v, 'u'), u = escaped & us, after, d, letter, digit, err;

	err = escaped & ~(equal(v, '"') | equal(v, '\\') | equal(v, '/') | equal(v, 'b') | equal(v, 'f') |
	    equal(v, 'n') | equal(v, 'r') | equal(v, 't') | us);
	if ((u | c->u | c->surrogate) == 0)
		return err;
	letter = between(v, 0x20, 'a', 'f');
	digit = between(v, 0, '0', '9');
	after = u << 1 | u << 2 | u << 3 | u << 4 | c->u >> 63 | c->u >> 62 | c->u >> 61 | c->u >> 60;
	err |= after & ~(digit | letter);
	d = (u << 1 | c->u >> 63) & between(v, 0x20, 'd', 'd');
	err |= (d << 1 | c->surrogate >> 63) & (letter | equal(v, '8') | equal(v, '9'));
	c->u = u;
	c->surrogate = d;
	return err;
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

/* Where UTF-8 breaks off: see struct utf8_tables. */
BITS_INLINE __mmask64
utf8_errors(const struct luts *t, __m512i v, const char *p)
{
	__m512i p1 = _mm512_loadu_si512(p - 1), p2 = _mm512_loadu_si512(p - 2), p3 = _mm512_loadu_si512(p - 3);
	__m512i wrong, must;

	wrong = _mm512_ternarylogic_epi64(_mm512_shuffle_epi8(t->lead_high, high_nibbles(t, p1)),
	    _mm512_shuffle_epi8(t->lead_low, _mm512_and_si512(p1, t->nibble)),
	    _mm512_shuffle_epi8(t->next_high, high_nibbles(t, v)), 0x80);	/* all three */
	must = _mm512_or_si512(_mm512_subs_epu8(p2, t->third), _mm512_subs_epu8(p3, t->fourth));
	wrong = _mm512_ternarylogic_epi64(must, t->top, wrong, 0x6A);		/* (must & top) ^ wrong */
	return _mm512_test_epi8_mask(wrong, wrong);
}

/* The classes of 64 bytes, and all that two neighbours tell.  Three bytes before b are readable. */
BITS_INLINE struct bits_flags
look(const struct luts *t, struct marks *m, struct carry *c, const char *b, size_t base)
{
	__m512i v = _mm512_loadu_si512(b), code, now, allows, before;
	uint64_t quotes = _cvtmask64_u64(_mm512_cmpeq_epi8_mask(v, t->quote));
	uint64_t slash = _cvtmask64_u64(_mm512_cmpeq_epi8_mask(v, t->slash)), escaped = 0, in, lf;
	__mmask64 bad, string, utf8;

	if (RARE(slash | c->escape)) {
		escaped = bits_escaped(slash, &c->escape);
		quotes &= ~escaped;
		m->slash[base / 64] = slash;
		m->any_slash |= slash;
	}
	in = inside(quotes) ^ c->in;
	code = codes(t, v);
	utf8 = utf8_errors(t, v, b);
again:
	string = _cvtu64_mask64(in);
	allows = _mm512_mask_mov_epi8(_mm512_shuffle_epi8(t->allows, code), string, t->in_allows);
	/* A control byte in a string keeps its class, which cannot follow C_IN. */
	now = _mm512_mask_mov_epi8(code, _mm512_mask_cmpge_epu8_mask(string, v, t->space), t->in_code);
	before = _mm512_alignr_epi8(allows, _mm512_alignr_epi64(allows, c->allows, 6), 15);
	bad = _mm512_testn_epi8_mask(before, _mm512_shuffle_epi8(t->column, now));
	if (RARE(!_kortestz_mask64_u8(bad, utf8))) {
		lf = equal(v, '\n');
		if ((in & lf) != 0) {	/* its error bit comes with the second look: no LF follows C_IN */
			in = bits_end_at_lf(in, lf);
			goto again;
		}
		marks_error(m, base, _cvtmask64_u64(bad) | _cvtmask64_u64(utf8));
	}
	if (RARE((escaped & in) | c->u | c->surrogate))
		marks_error(m, base, escape_errors(v, escaped & in, c));
	c->in = (uint64_t)((int64_t)in >> 63);
	c->allows = allows;
	return (struct bits_flags){ _cvtmask64_u64(_mm512_test_epi8_mask(now, t->code_t)),
	    _cvtmask64_u64(_mm512_test_epi8_mask(now, t->code_d)),
	    _cvtmask64_u64(_mm512_test_epi8_mask(now, t->code_e)) };
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
		.code_e = _mm512_set1_epi8(CODE_E),
		.lead_high = four(u->lead_high), .lead_low = four(u->lead_low), .next_high = four(u->next_high),
		.third = _mm512_set1_epi8((char)(0xE0 - 0x80)), .fourth = _mm512_set1_epi8((char)(0xF0 - 0x80)),
		.top = _mm512_set1_epi8((char)0x80),
	};
}

/*
 * Blocks by the dozen: first the vector part of each, then the rest.  In one piece a block is one long chain of
 * instructions that wait for each other, and a machine sees little more than one block ahead.
 */
#define STRIDE 16

static void
stride(const struct luts *t, struct marks *m, struct carry *carry, const char *b, size_t base, size_t blocks)
{
	struct carry c = *carry;
	struct bits_carry rules = c.rules;
	struct bits_flags flags[STRIDE];
	struct bits_found f;
	_Alignas(64) uint8_t staged[128];	/* 65 used: bits_put reads one more */
	uint8_t *token = m->token + m->n;
	uint16_t *pos = m->pos + m->n, *word = m->word + m->n_words;
	size_t n;

	for (size_t i = 0; i < blocks; i++)
		flags[i] = look(t, m, &c, b + i * 64, base + i * 64);
	staged[64] = 0;
	for (size_t i = 0; i < blocks; i++, b += 64, base += 64) {
		__m512i v = _mm512_loadu_si512(b);

		f = bits_rules(flags[i], &rules, b);
		if (RARE(f.error))
			marks_error(m, base, f.error);
		v = _mm512_mask_sub_epi8(v, _cvtu64_mask64(f.members), _mm512_set1_epi8(-1), v);
		_mm512_store_si512(staged, v);
		n = bits_put(pos, token, f.tokens, 0, staged, base);
		pos += n;
		token += n;
		word += bits_put_words(word, f.words, base);
	}
	m->n = (size_t)(pos - m->pos);
	m->n_words = (size_t)(word - m->word);
	c.rules = rules;
	*carry = c;
}

static void
mark(const struct tables *tables, struct marks *m, const char *p, size_t n)
{
	struct luts t;
	struct carry c = { .allows = _mm512_set1_epi8((char)tables->allows[C_LF]), .rules = bits_line_start };
	char first[128];	/* the first block behind a line end, for nothing may be readable before it */

	luts_init(&t, tables);
	memset(first, '\n', 64);
	memcpy(first + 64, p, 64);
	stride(&t, m, &c, first + 64, 0, 1);
	for (size_t i = 64; i < n; i += STRIDE * 64)
		stride(&t, m, &c, p + i, i, n - i < STRIDE * 64 ? (n - i + 63) / 64 : STRIDE);
}

const struct kernel_ops kernel_avx512 = { "avx512", mark };
#endif
