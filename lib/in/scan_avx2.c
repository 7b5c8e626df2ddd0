/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_avx2 - the kernel for x86-64 with AVX2, BMI and carry-less multiply
 *
 * Per 64 bytes: masks of quotes and backslashes; which bytes are in strings (carry-less multiply); a class code for
 * each byte (perfect hash by pshufb), C_IN inside strings; then "may these two classes be neighbours" for all 64 pairs at once;
 * UTF-8 after Keiser and Lemire; two rules on numbers that look further than a pair; and the tokens' offsets.
 * O(n), no table bigger than 32 bytes, one branch that data decides (not ASCII) besides the rare ones.
 */
#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

#include "in/scan_kernel.h"

#define INLINE static inline __attribute__((always_inline))
#define RARE(x) __builtin_expect((x) != 0, 0)

struct half2 { __m256i lo, hi; };	/* 64 bytes */

struct luts {
	__m256i hash_add, hash_key, hash_code, allows, column;
	__m256i digit_code, in_code;
};

/* What one block of 64 bytes hands to the next. */
struct carry {
	uint64_t in;		/* all ones inside a string */
	uint64_t escape;	/* 1: the first byte is escaped */
	uint64_t u, surrogate;	/* escaped u's, and \ud beginnings, near the end of the block before */
	uint64_t number, digit, zero, point, run, word;	/* last bit of the masks of these names */
	__m256i allows;		/* what the bytes before allow */
};

INLINE uint64_t
mask(struct half2 v)
{
	return (uint32_t)_mm256_movemask_epi8(v.lo) | (uint64_t)(uint32_t)_mm256_movemask_epi8(v.hi) << 32;
}

INLINE uint64_t
equal(struct half2 v, char c)
{
	const __m256i x = _mm256_set1_epi8(c);

	return mask((struct half2){ _mm256_cmpeq_epi8(v.lo, x), _mm256_cmpeq_epi8(v.hi, x) });
}

/* Bytes of v, unsigned, not above `most`. */
INLINE __m256i
at_most(__m256i v, char most)
{
	return _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(most)), v);
}

/* m shifted by one place in the stream; *carry is its last bit. */
INLINE uint64_t
shift(uint64_t m, uint64_t *carry)
{
	uint64_t r = m << 1 | *carry;

	*carry = m >> 63;
	return r;
}

/* Bytes that a backslash escapes; the last backslash of an odd run escapes what follows it. */
INLINE uint64_t
escaped_bytes(uint64_t slash, uint64_t *carry)
{
	const uint64_t odd = UINT64_C(0xAAAAAAAAAAAAAAAA);
	uint64_t begins = slash & ~*carry, ends = ((begins << 1 | odd) - begins) ^ odd, r = ends ^ (slash | *carry);

	*carry = (ends & slash) >> 63;
	return r;
}

/* 1 from each quote on to the one that closes it, that one not. */
INLINE uint64_t
inside(uint64_t quotes)
{
	return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)quotes),
	    _mm_set1_epi8(-1), 0));
}

/* An LF ends a string whatever the quotes say: a bad line never spoils the next one. */
static uint64_t __attribute__((noinline))
end_at_lf(uint64_t in, uint64_t lf)
{
	uint64_t hit;

	while ((hit = lf & in) != 0) {
		hit &= -hit;
		in ^= -hit;
	}
	return in;
}

/* Escapes that JSON does not know, \u without four hex digits, and surrogates, which the plain parser pairs. */
static uint64_t __attribute__((noinline))
escape_errors(struct half2 v, uint64_t escaped, struct carry *c)
{
	const __m256i low = _mm256_set1_epi8(0x20), a = _mm256_set1_epi8('a'), zero = _mm256_set1_epi8('0');
	struct half2 l = { _mm256_or_si256(v.lo, low), _mm256_or_si256(v.hi, low) };
	uint64_t us = equal(v, 'u'), err, u, digit, letter, after, d;

	err = escaped & ~(equal(v, '"') | equal(v, '\\') | equal(v, '/') | equal(v, 'b') | equal(v, 'f') |
	    equal(v, 'n') | equal(v, 'r') | equal(v, 't') | us);
	u = escaped & us;
	if ((u | c->u | c->surrogate) == 0)
		return err;
	digit = mask((struct half2){ at_most(_mm256_sub_epi8(v.lo, zero), 9), at_most(_mm256_sub_epi8(v.hi, zero), 9) });
	letter = mask((struct half2){ at_most(_mm256_sub_epi8(l.lo, a), 5), at_most(_mm256_sub_epi8(l.hi, a), 5) });
	after = u << 1 | u << 2 | u << 3 | u << 4 | c->u >> 63 | c->u >> 62 | c->u >> 61 | c->u >> 60;
	err |= after & ~(digit | letter);
	d = (u << 1 | c->u >> 63) & equal(l, 'd');
	err |= (d << 1 | c->surrogate >> 63) & (letter | equal(v, '8') | equal(v, '9'));
	c->u = u;
	c->surrogate = d;
	return err;
}

/* 32 bits to 32 bytes of 0 or -1.  The bits are read from memory, where broadcasting is free. */
INLINE __m256i
bytes_of(const uint32_t *bits)
{
	const __m256i which = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2,
	    3, 3, 3, 3, 3, 3, 3, 3), bit = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
	__m256i x = _mm256_set1_epi32((int)*bits);

	return _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(x, which), bit), bit);
}

/* The class code of each byte as if outside strings. */
INLINE __m256i
codes(const struct luts *t, __m256i v)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	__m256i add, slot, hit, digit;

	add = _mm256_shuffle_epi8(t->hash_add, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
	slot = _mm256_add_epi8(v, add);
	hit = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(t->hash_key, slot), v);
	digit = at_most(_mm256_sub_epi8(v, _mm256_set1_epi8('0')), 9);
	return _mm256_or_si256(_mm256_and_si256(_mm256_shuffle_epi8(t->hash_code, slot), hit),
	    _mm256_and_si256(digit, t->digit_code));
}

/* -1 where a byte may not follow the one before it. `before`: what the 32 bytes before allowed. */
INLINE __m256i
pair_errors(const struct luts *t, __m256i code, __m256i allows, __m256i before)
{
	__m256i prev = _mm256_alignr_epi8(allows, _mm256_permute2x128_si256(before, allows, 0x21), 15);

	return _mm256_cmpeq_epi8(_mm256_and_si256(prev, _mm256_shuffle_epi8(t->column, code)),
	    _mm256_setzero_si256());
}

/*
 * Not 0 where UTF-8 breaks off: J. Keiser, D. Lemire, "Validating UTF-8 in less than one instruction per byte".  Each
 * bit of the three tables is one way for two bytes to be wrong; bit 7, two continuation bytes in a row, must hold exactly
 * where the lead two or three bytes back asks for it.
 */
INLINE __m256i
utf8_errors(const char *p)
{
	enum { SHORT = 1, LONG = 2, OVER3 = 4, SURROGATE = 16, OVER2 = 32, BIG = 8, OVER4_BIG = 64, TWO = 128,
	    ANY = SHORT | LONG | TWO };
#define REPEAT(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
#define B(x) ((char)(x))
	const __m256i nibble = _mm256_set1_epi8(15);
	const __m256i lead_high = REPEAT(LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, B(TWO), B(TWO), B(TWO), B(TWO),
	    SHORT | OVER2, SHORT, SHORT | OVER3 | SURROGATE, SHORT | BIG | OVER4_BIG);
	const __m256i lead_low = REPEAT(B(ANY | OVER3 | OVER2 | OVER4_BIG), B(ANY | OVER2), B(ANY), B(ANY), B(ANY | BIG),
	    B(ANY | BIG | OVER4_BIG), B(ANY | BIG | OVER4_BIG), B(ANY | BIG | OVER4_BIG), B(ANY | BIG | OVER4_BIG),
	    B(ANY | BIG | OVER4_BIG), B(ANY | BIG | OVER4_BIG), B(ANY | BIG | OVER4_BIG), B(ANY | BIG | OVER4_BIG),
	    B(ANY | BIG | OVER4_BIG | SURROGATE), B(ANY | BIG | OVER4_BIG), B(ANY | BIG | OVER4_BIG));
	const __m256i next_high = REPEAT(SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT,
	    B(LONG | OVER2 | TWO | OVER3 | OVER4_BIG), B(LONG | OVER2 | TWO | OVER3 | BIG),
	    B(LONG | OVER2 | TWO | SURROGATE | BIG), B(LONG | OVER2 | TWO | SURROGATE | BIG), SHORT, SHORT, SHORT, SHORT);
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i p1 = _mm256_loadu_si256((const __m256i *)(const void *)(p - 1));
	__m256i p2 = _mm256_loadu_si256((const __m256i *)(const void *)(p - 2));
	__m256i p3 = _mm256_loadu_si256((const __m256i *)(const void *)(p - 3));
	__m256i wrong, must;

	wrong = _mm256_and_si256(_mm256_shuffle_epi8(lead_high, _mm256_and_si256(_mm256_srli_epi16(p1, 4), nibble)),
	    _mm256_shuffle_epi8(lead_low, _mm256_and_si256(p1, nibble)));
	wrong = _mm256_and_si256(wrong,
	    _mm256_shuffle_epi8(next_high, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble)));
	must = _mm256_or_si256(_mm256_subs_epu8(p2, _mm256_set1_epi8(0xE0 - 0x80)),
	    _mm256_subs_epu8(p3, _mm256_set1_epi8(0xF0 - 0x80)));
	return _mm256_xor_si256(_mm256_and_si256(must, _mm256_set1_epi8(B(0x80))), wrong);
#undef REPEAT
#undef B
}

/* A zero before a digit is one too many, but not in an exponent: `1e-05`.  The pairs made sure that a word is before its '-'. */
static uint64_t __attribute__((noinline))
leading_zeros(uint64_t digit, const char *b)
{
	uint64_t err = 0;

	for (; digit != 0; digit &= digit - 1) {
		int i = __builtin_ctzll(digit);

		if (b[i - 2] != '-' || (b[i - 3] | 32) != 'e')
			err |= digit & -digit;
	}
	return err;
}

/* What pairs do not see in numbers.  `number`: all bytes of numbers and words but the minus. */
INLINE uint64_t
number_errors(struct carry *c, uint64_t number, uint64_t digit, uint64_t zero, uint64_t point, const char *b)
{
	uint64_t begin = zero & ~shift(number, &c->number);
	uint64_t after_zero = shift(begin, &c->zero) & digit;
	uint64_t err = point & ~shift(digit, &c->digit);
	unsigned long long run_end;

	/* Adding to a run of digits behind a point carries to its end: there must be no second point. */
	c->run = _addcarry_u64((unsigned char)c->run, digit, shift(point, &c->point), &run_end);
	err |= run_end & ~digit & point;
	if (RARE(after_zero))
		err |= leading_zeros(after_zero, b);
	return err;
}

INLINE void
put_tokens(struct marks *m, uint64_t tokens, const char *b, size_t base)
{
	uint16_t *pos = m->pos + m->n;
	uint8_t *token = m->token + m->n;
	size_t n = (size_t)__builtin_popcountll(tokens);

#define PUT(k) do { \
		uint64_t at = _tzcnt_u64(tokens); \
		pos[k] = (uint16_t)(base + at); \
		token[k] = (uint8_t)b[at]; \
		tokens = _blsr_u64(tokens); \
	} while (0)
	/* More than are there are put, for the branch costs more: what is too much is written over. */
	PUT(0); PUT(1); PUT(2); PUT(3); PUT(4); PUT(5); PUT(6); PUT(7);
	PUT(8); PUT(9); PUT(10); PUT(11);
	if (__builtin_expect(n > 12, 0)) {
		PUT(12); PUT(13); PUT(14); PUT(15);
		for (size_t k = 16; RARE(k < n); k++)
			PUT(k);
	}
#undef PUT
	m->n += n;
}

INLINE __m256i
twice(__m256i v)
{
	return _mm256_add_epi8(v, v);
}

/* One block: b are its bytes, `base` their offset; three bytes before b are readable. */
INLINE void
block(const struct luts *t, struct marks *m, struct carry *c, const char *b, size_t base)
{
	struct half2 v = { _mm256_loadu_si256((const __m256i *)(const void *)b),
	    _mm256_loadu_si256((const __m256i *)(const void *)(b + 32)) };
	__m256i ascii = _mm256_or_si256(_mm256_or_si256(v.lo, v.hi),
	    _mm256_loadu_si256((const __m256i *)(const void *)(b - 3)));
	uint64_t quotes = equal(v, '"'), slash = equal(v, '\\'), escaped = 0, in, error = 0;
	uint64_t bit4, bit5, bit6, number, point, words, tokens;
	struct half2 code, allows, bad, in_bytes;
	uint32_t in_bits[2];

	if (RARE(slash | c->escape)) {
		escaped = escaped_bytes(slash, &c->escape);
		quotes &= ~escaped;
	}
	in = inside(quotes) ^ c->in;
	code = (struct half2){ codes(t, v.lo), codes(t, v.hi) };
again:
	memcpy(in_bits, &in, sizeof in);
	__asm__("" : "+m"(in_bits));	/* keep it in memory: see bytes_of */
	in_bytes = (struct half2){ bytes_of(&in_bits[0]), bytes_of(&in_bits[1]) };
	struct half2 now = { _mm256_blendv_epi8(code.lo, t->in_code, in_bytes.lo),
	    _mm256_blendv_epi8(code.hi, t->in_code, in_bytes.hi) };
	allows = (struct half2){ _mm256_shuffle_epi8(t->allows, now.lo), _mm256_shuffle_epi8(t->allows, now.hi) };
	bad.lo = _mm256_or_si256(pair_errors(t, now.lo, allows.lo, c->allows),
	    _mm256_and_si256(in_bytes.lo, at_most(v.lo, 0x1F)));
	bad.hi = _mm256_or_si256(pair_errors(t, now.hi, allows.hi, allows.lo),
	    _mm256_and_si256(in_bytes.hi, at_most(v.hi, 0x1F)));
	if (RARE(!_mm256_testz_si256(_mm256_or_si256(bad.lo, bad.hi), _mm256_or_si256(bad.lo, bad.hi)))) {
		uint64_t lf = equal(v, '\n');

		if ((in & lf) != 0) {	/* its error bit comes with the second look: an LF may not follow C_IN */
			in = end_at_lf(in, lf);
			goto again;
		}
		error = mask(bad);
	}
	if (_mm256_movemask_epi8(ascii) != 0) {
		struct half2 e = { utf8_errors(b), utf8_errors(b + 32) };

		if (RARE(!_mm256_testz_si256(_mm256_or_si256(e.lo, e.hi), _mm256_or_si256(e.lo, e.hi))))
			error |= ~mask((struct half2){ _mm256_cmpeq_epi8(e.lo, _mm256_setzero_si256()),
			    _mm256_cmpeq_epi8(e.hi, _mm256_setzero_si256()) });
	}
	if (RARE((escaped & in) | c->u | c->surrogate))
		error |= escape_errors(v, escaped & in, c);
	c->in = (uint64_t)((int64_t)in >> 63);
	c->allows = allows.hi;

	now = (struct half2){ twice(now.lo), twice(now.hi) };
	bit6 = mask(now);
	now = (struct half2){ twice(now.lo), twice(now.hi) };
	bit5 = mask(now);
	now = (struct half2){ twice(now.lo), twice(now.hi) };
	bit4 = mask(now);
	tokens = bit4 & ~bit6;
	number = ~bit4;
	words = number & ~bit5 & ~bit6;
	point = number & ~bit5 & bit6;
	error |= number_errors(c, number, bit5, bit5 & bit6, point, b);
	words &= ~shift(words, &c->word);
	m->error[base / 64] = error;
	m->slash[base / 64] = slash;
	m->any_error |= error;
	m->any_slash |= slash;
	put_tokens(m, tokens, b, base);
	for (; words != 0; words &= words - 1)
		m->word[m->n_words++] = (uint16_t)(base + _tzcnt_u64(words));
}

INLINE __m256i
twin(const uint8_t table[16])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

static void
mark(const struct tables *tables, struct marks *m, const char *p, size_t n)
{
	const struct luts t = {
		.hash_add = twin(tables->hash_add), .hash_key = twin(tables->hash_key),
		.hash_code = twin(tables->hash_code), .allows = twin(tables->allows), .column = twin(tables->column),
		.digit_code = _mm256_set1_epi8((char)tables->code[C_DIGIT]),
		.in_code = _mm256_set1_epi8((char)tables->code[C_IN]),
	};
	struct carry c = { .allows = _mm256_set1_epi8((char)tables->allows[C_LF]) };
	/* the first block behind a line end, for nothing may be readable before it; put_tokens reads one byte on */
	char first[129];

	m->n = m->n_words = 0;
	m->any_error = m->any_slash = 0;
	memset(first, '\n', 64);
	memcpy(first + 64, p, 65);
	block(&t, m, &c, first + 64, 0);
	for (size_t i = 64; i < n; i += 64)
		block(&t, m, &c, p + i, i);
}

const struct kernel_ops kernel_avx2 = { "avx2", mark };
#endif
