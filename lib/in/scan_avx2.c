/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_avx2 - the kernel for x86-64 with AVX2, BMI and carry-less multiply
 *
 * Per 64 bytes: masks of quotes and backslashes; which bytes are in strings (carry-less multiply); a class code for
 * each byte (perfect hash by pshufb), C_IN inside strings; then "may these two classes be neighbours" for all 64
 * pairs at once; UTF-8 after Keiser and Lemire; two rules on numbers that look further than a pair; and the tokens'
 * offsets.  O(n), no table bigger than 32 bytes, one branch that data decides (not ASCII) besides the rare ones.
 */
#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

#include "in/scan_kernel.h"

#define INLINE static inline __attribute__((always_inline))
#define RARE(x) __builtin_expect((x) != 0, 0)

struct half2 { __m256i lo, hi; };	/* 64 bytes */

/* Tables and constants, 32 times the same byte or 16 bytes twice. */
struct luts {
	__m256i hash_add, hash_key, hash_code, allows, column;
	__m256i digit_code, in_code;
	__m256i quote, slash, digit_0, nine, control, nibble, bit, which;
	__m256i lead_high, lead_low, next_high, third, fourth, top;	/* UTF-8 */
	__m256i escape_low, escape_high;
};

/* What one block of 64 bytes hands to the next. */
struct carry {
	uint64_t in;		/* all ones inside a string */
	uint64_t escape;	/* 1: the first byte is escaped */
	uint64_t u, surrogate;	/* escaped u's, and \ud beginnings, near the end of the block before */
	uint64_t number, digit, zero, point, run, word;	/* last bit of the masks of these names */
	__m256i allows;		/* what the bytes before allow */
	size_t n, n_words;	/* of the marks; here, for what is in memory may be written by any store */
	uint64_t any_error, any_slash;
};

INLINE uint64_t
mask(struct half2 v)
{
	return (uint32_t)_mm256_movemask_epi8(v.lo) | (uint64_t)(uint32_t)_mm256_movemask_epi8(v.hi) << 32;
}

INLINE uint64_t
equal(struct half2 v, __m256i x)
{
	return mask((struct half2){ _mm256_cmpeq_epi8(v.lo, x), _mm256_cmpeq_epi8(v.hi, x) });
}

/* Bytes of v, unsigned, not above `most`. */
INLINE __m256i
at_most(__m256i v, __m256i most)
{
	return _mm256_cmpeq_epi8(_mm256_min_epu8(v, most), v);
}

INLINE __m256i
high_nibbles(const struct luts *t, __m256i v)
{
	return _mm256_and_si256(_mm256_srli_epi16(v, 4), t->nibble);
}

INLINE bool
any(struct half2 v)
{
	__m256i x = _mm256_or_si256(v.lo, v.hi);

	return !_mm256_testz_si256(x, x);
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

/* Kinds of bytes behind a backslash, for escape_low and escape_high: a byte is of those that both its nibbles are. */
enum {
	ESC_2 = 1, ESC_5 = 2, ESC_6 = 4, ESC_7 = 8,	/* what may follow a backslash, by high nibble */
	ESC_ANY = ESC_2 | ESC_5 | ESC_6 | ESC_7,
	HEX_DIGIT = 16, HEX_89 = 32, HEX_LETTER = 64
};

/* Bytes of some of these kinds. */
INLINE uint64_t
of_kind(struct half2 kinds, char kind)
{
	const __m256i k = _mm256_set1_epi8(kind);

	return ~equal((struct half2){ _mm256_and_si256(kinds.lo, k), _mm256_and_si256(kinds.hi, k) },
	    _mm256_setzero_si256());
}

/* Escapes that JSON does not know, \u without four hex digits, and surrogates, which the plain parser pairs. */
INLINE uint64_t
escape_errors(const struct luts *t, struct half2 v, uint64_t escaped, struct carry *c)
{
	struct half2 kinds = {
		_mm256_and_si256(_mm256_shuffle_epi8(t->escape_low, v.lo),
		    _mm256_shuffle_epi8(t->escape_high, high_nibbles(t, v.lo))),
		_mm256_and_si256(_mm256_shuffle_epi8(t->escape_low, v.hi),
		    _mm256_shuffle_epi8(t->escape_high, high_nibbles(t, v.hi))),
	};
	uint64_t err = escaped & ~of_kind(kinds, ESC_ANY), u = escaped & equal(v, _mm256_set1_epi8('u')), after, d;

	if ((u | c->u | c->surrogate) == 0)
		return err;
	after = u << 1 | u << 2 | u << 3 | u << 4 | c->u >> 63 | c->u >> 62 | c->u >> 61 | c->u >> 60;
	err |= after & ~of_kind(kinds, HEX_DIGIT | HEX_LETTER);
	d = (u << 1 | c->u >> 63) & (equal(v, _mm256_set1_epi8('d')) | equal(v, _mm256_set1_epi8('D')));
	err |= (d << 1 | c->surrogate >> 63) & of_kind(kinds, HEX_89 | HEX_LETTER);
	c->u = u;
	c->surrogate = d;
	return err;
}

/* 32 bits to 32 bytes of 0 or -1.  The bits are read from memory, where broadcasting is free. */
INLINE __m256i
bytes_of(const struct luts *t, const uint32_t *bits)
{
	__m256i x = _mm256_shuffle_epi8(_mm256_set1_epi32((int)*bits), t->which);

	return _mm256_cmpeq_epi8(_mm256_and_si256(x, t->bit), t->bit);
}

/* The class code of each byte as if outside strings. */
INLINE __m256i
codes(const struct luts *t, __m256i v)
{
	__m256i slot = _mm256_add_epi8(v, _mm256_shuffle_epi8(t->hash_add, high_nibbles(t, v)));
	__m256i hit = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(t->hash_key, slot), v);
	__m256i digit = at_most(_mm256_sub_epi8(v, t->digit_0), t->nine);

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
 * Not 0 where UTF-8 breaks off: J. Keiser, D. Lemire, "Validating UTF-8 in less than one instruction per byte".
 * Each bit of the three tables is one way for two bytes to be wrong; bit 7, two continuation bytes in a row, must
 * hold exactly where the lead two or three bytes back asks for it.
 */
INLINE __m256i
utf8_errors(const struct luts *t, const char *p)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i p1 = _mm256_loadu_si256((const __m256i *)(const void *)(p - 1));
	__m256i p2 = _mm256_loadu_si256((const __m256i *)(const void *)(p - 2));
	__m256i p3 = _mm256_loadu_si256((const __m256i *)(const void *)(p - 3));
	__m256i wrong, must;

	wrong = _mm256_and_si256(_mm256_shuffle_epi8(t->lead_high, high_nibbles(t, p1)),
	    _mm256_shuffle_epi8(t->lead_low, _mm256_and_si256(p1, t->nibble)));
	wrong = _mm256_and_si256(wrong, _mm256_shuffle_epi8(t->next_high, high_nibbles(t, v)));
	must = _mm256_or_si256(_mm256_subs_epu8(p2, t->third), _mm256_subs_epu8(p3, t->fourth));
	return _mm256_xor_si256(_mm256_and_si256(must, t->top), wrong);
}

/* A zero before a digit is one too many, but not in an exponent: `1e-05`. */
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

/* Returns how many. */
INLINE size_t
put_tokens(uint16_t *pos, uint8_t *token, uint64_t tokens, const char *b, size_t base)
{
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
	return n;
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
	uint64_t quotes = equal(v, t->quote), slash = equal(v, t->slash), escaped = 0, in, error = 0;
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
	in_bytes = (struct half2){ bytes_of(t, &in_bits[0]), bytes_of(t, &in_bits[1]) };
	struct half2 now = { _mm256_blendv_epi8(code.lo, t->in_code, in_bytes.lo),
	    _mm256_blendv_epi8(code.hi, t->in_code, in_bytes.hi) };
	allows = (struct half2){ _mm256_shuffle_epi8(t->allows, now.lo), _mm256_shuffle_epi8(t->allows, now.hi) };
	bad.lo = _mm256_or_si256(pair_errors(t, now.lo, allows.lo, c->allows),
	    _mm256_and_si256(in_bytes.lo, at_most(v.lo, t->control)));
	bad.hi = _mm256_or_si256(pair_errors(t, now.hi, allows.hi, allows.lo),
	    _mm256_and_si256(in_bytes.hi, at_most(v.hi, t->control)));
	if (RARE(any(bad))) {
		uint64_t lf = equal(v, _mm256_set1_epi8('\n'));

		if ((in & lf) != 0) {	/* its error bit comes with the second look: no LF follows C_IN */
			in = end_at_lf(in, lf);
			goto again;
		}
		error = mask(bad);
	}
	if (_mm256_movemask_epi8(ascii) != 0) {
		struct half2 e = { utf8_errors(t, b), utf8_errors(t, b + 32) };

		if (RARE(any(e)))
			error |= ~equal(e, _mm256_setzero_si256());
	}
	if (RARE((escaped & in) | c->u | c->surrogate))
		error |= escape_errors(t, v, escaped & in, c);
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
	c->any_error |= error;
	c->any_slash |= slash;
	c->n += put_tokens(m->pos + c->n, m->token + c->n, tokens, b, base);
	for (; words != 0; words = _blsr_u64(words))
		m->word[c->n_words++] = (uint16_t)(base + _tzcnt_u64(words));
}

INLINE __m256i
twin(const uint8_t table[16])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

/* A constant that the compiler takes from memory: it would rather make it anew in every turn. */
INLINE __m256i
all(unsigned char c)
{
	__m256i v = _mm256_set1_epi8((char)c);

	__asm__("" : "+x"(v));
	return v;
}

static void
utf8_tables(struct luts *t)
{
	enum { SHORT = 1, LONG = 2, OVER3 = 4, BIG = 8, HALF = 16, OVER2 = 32, OVER4 = 64, TWO = 128,
	    ANY = SHORT | LONG | TWO, HUGE = ANY | BIG | OVER4 };
	static const uint8_t lead_high[16] = { LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, TWO, TWO, TWO, TWO,
	    SHORT | OVER2, SHORT, SHORT | OVER3 | HALF, SHORT | BIG | OVER4 };
	static const uint8_t lead_low[16] = { ANY | OVER3 | OVER2 | OVER4, ANY | OVER2, ANY, ANY, ANY | BIG,
	    HUGE, HUGE, HUGE, HUGE, HUGE, HUGE, HUGE, HUGE, HUGE | HALF, HUGE, HUGE };
	static const uint8_t next_high[16] = { SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT,
	    LONG | OVER2 | TWO | OVER3 | OVER4, LONG | OVER2 | TWO | OVER3 | BIG, LONG | OVER2 | TWO | HALF | BIG,
	    LONG | OVER2 | TWO | HALF | BIG, SHORT, SHORT, SHORT, SHORT };

	t->lead_high = twin(lead_high);
	t->lead_low = twin(lead_low);
	t->next_high = twin(next_high);
	t->third = all(0xE0 - 0x80);
	t->fourth = all(0xF0 - 0x80);
	t->top = all(0x80);
}

static void
escape_tables(struct luts *t)
{
	static const uint8_t high[16] = { [2] = ESC_2, [3] = HEX_DIGIT | HEX_89, [4] = HEX_LETTER, [5] = ESC_5,
	    [6] = ESC_6 | HEX_LETTER, [7] = ESC_7 };
	uint8_t low[16] = { 0 };

	for (const char *c = "\"\\/bfnrtu"; *c != '\0'; c++)
		low[*c & 15] |= high[*c >> 4] & ESC_ANY;
	for (int i = 0; i < 10; i++)
		low[i] |= (uint8_t)(i < 8 ? HEX_DIGIT : HEX_DIGIT | HEX_89);
	for (int i = 1; i <= 6; i++)
		low[i] |= HEX_LETTER;
	t->escape_low = twin(low);
	t->escape_high = twin(high);
}

static void
luts_init(struct luts *t, const struct tables *from)
{
	t->hash_add = twin(from->hash_add);
	t->hash_key = twin(from->hash_key);
	t->hash_code = twin(from->hash_code);
	t->allows = twin(from->allows);
	t->column = twin(from->column);
	t->digit_code = all(from->code[C_DIGIT]);
	t->in_code = all(from->code[C_IN]);
	t->quote = all('"');
	t->slash = all('\\');
	t->digit_0 = all('0');
	t->nine = all(9);
	t->control = all(0x1F);
	t->nibble = all(15);
	t->bit = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
	__asm__("" : "+x"(t->bit));
	t->which = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
	    2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
	utf8_tables(t);
	escape_tables(t);
}

static void
mark(const struct tables *tables, struct marks *m, const char *p, size_t n)
{
	struct luts t;
	struct carry c = { .allows = _mm256_set1_epi8((char)tables->allows[C_LF]) };
	/* The first block behind a line end, for nothing may be readable before it; put_tokens looks a byte further. */
	char first[129];

	luts_init(&t, tables);
	memset(first, '\n', 64);
	memcpy(first + 64, p, 64);
	first[128] = '\n';
	block(&t, m, &c, first + 64, 0);
	for (size_t i = 64; i < n; i += 64)
		block(&t, m, &c, p + i, i);
	m->n = c.n;
	m->n_words = c.n_words;
	m->any_error = c.any_error;
	m->any_slash = c.any_slash;
}

const struct kernel_ops kernel_avx2 = { "avx2", mark };
#endif
