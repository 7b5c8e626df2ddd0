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

#include "in/scan_bits.h"
#include "in/scan_kernel.h"

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
	uint64_t escape;
	uint64_t u, surrogate;	/* escaped u's, and \ud beginnings, near the end of the block before */
	__m256i allows;		/* what the bytes before allow */
	struct bits_carry rules;
};

BITS_INLINE uint64_t
mask(struct half2 v)
{
	return (uint32_t)_mm256_movemask_epi8(v.lo) | (uint64_t)(uint32_t)_mm256_movemask_epi8(v.hi) << 32;
}

BITS_INLINE uint64_t
equal(struct half2 v, __m256i x)
{
	return mask((struct half2){ _mm256_cmpeq_epi8(v.lo, x), _mm256_cmpeq_epi8(v.hi, x) });
}

/* Bytes of v, unsigned, not above `most`. */
BITS_INLINE __m256i
at_most(__m256i v, __m256i most)
{
	return _mm256_cmpeq_epi8(_mm256_min_epu8(v, most), v);
}

BITS_INLINE __m256i
high_nibbles(const struct luts *t, __m256i v)
{
	return _mm256_and_si256(_mm256_srli_epi16(v, 4), t->nibble);
}

BITS_INLINE bool
any(struct half2 v)
{
	__m256i x = _mm256_or_si256(v.lo, v.hi);

	return !_mm256_testz_si256(x, x);
}

/* 1 from each quote on to the one that closes it, that one not. */
BITS_INLINE uint64_t
inside(uint64_t quotes)
{
	return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)quotes),
	    _mm_set1_epi8(-1), 0));
}

/* Kinds of bytes behind a backslash, for escape_low and escape_high: a byte is of those that both its nibbles are. */
enum {
	ESC_2 = 1, ESC_5 = 2, ESC_6 = 4, ESC_7 = 8,	/* what may follow a backslash, by high nibble */
	ESC_ANY = ESC_2 | ESC_5 | ESC_6 | ESC_7,
	HEX_DIGIT = 16, HEX_89 = 32, HEX_LETTER = 64
};

/* Bytes of some of these kinds. */
BITS_INLINE uint64_t
of_kind(struct half2 kinds, char kind)
{
	const __m256i k = _mm256_set1_epi8(kind);

	return ~equal((struct half2){ _mm256_and_si256(kinds.lo, k), _mm256_and_si256(kinds.hi, k) },
	    _mm256_setzero_si256());
}

/* Escapes that JSON does not know, \u without four hex digits, and surrogates, which the plain parser pairs. */
BITS_INLINE uint64_t
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

/* 64 bits to 64 bytes of 0 or -1.  The bits are read from memory, where broadcasting is free. */
BITS_INLINE struct half2
bytes_of(const struct luts *t, uint64_t m)
{
	uint32_t bits[2];
	__m256i lo, hi;

	memcpy(bits, &m, sizeof bits);
	__asm__("" : "+m"(bits));	/* keep it in memory */
	lo = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)bits[0]), t->which), t->bit);
	hi = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)bits[1]), t->which), t->bit);
	return (struct half2){ _mm256_cmpeq_epi8(lo, t->bit), _mm256_cmpeq_epi8(hi, t->bit) };
}

/* The class code of each byte as if outside strings. */
BITS_INLINE __m256i
codes(const struct luts *t, __m256i v)
{
	__m256i slot = _mm256_add_epi8(v, _mm256_shuffle_epi8(t->hash_add, high_nibbles(t, v)));
	__m256i hit = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(t->hash_key, slot), v);
	__m256i digit = at_most(_mm256_sub_epi8(v, t->digit_0), t->nine);

	return _mm256_or_si256(_mm256_and_si256(_mm256_shuffle_epi8(t->hash_code, slot), hit),
	    _mm256_and_si256(digit, t->digit_code));
}

/* -1 where a byte may not follow the one before it. `before`: what the 32 bytes before allowed. */
BITS_INLINE __m256i
pair_errors(const struct luts *t, __m256i code, __m256i allows, __m256i before)
{
	__m256i prev = _mm256_alignr_epi8(allows, _mm256_permute2x128_si256(before, allows, 0x21), 15);

	return _mm256_cmpeq_epi8(_mm256_and_si256(prev, _mm256_shuffle_epi8(t->column, code)),
	    _mm256_setzero_si256());
}

/* Not 0 where UTF-8 breaks off: see struct utf8_tables. */
BITS_INLINE __m256i
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


BITS_INLINE __m256i
twice(__m256i v)
{
	return _mm256_add_epi8(v, v);
}

/* The classes of 64 bytes, and all that two neighbours tell.  Three bytes before b are readable. */
BITS_INLINE struct bits_flags
look(const struct luts *t, struct marks *m, struct carry *c, const char *b, size_t base)
{
	struct half2 v = { _mm256_loadu_si256((const __m256i *)(const void *)b),
	    _mm256_loadu_si256((const __m256i *)(const void *)(b + 32)) };
	__m256i ascii = _mm256_or_si256(_mm256_or_si256(v.lo, v.hi),
	    _mm256_loadu_si256((const __m256i *)(const void *)(b - 3)));
	uint64_t quotes = equal(v, t->quote), slash = equal(v, t->slash), escaped = 0, in, lf;
	struct half2 code, now, allows, bad, in_bytes;
	struct bits_flags f;

	if (RARE(slash | c->escape)) {
		escaped = bits_escaped(slash, &c->escape);
		quotes &= ~escaped;
		m->slash[base / 64] = slash;
		m->any_slash |= slash;
	}
	in = inside(quotes) ^ c->in;
	code = (struct half2){ codes(t, v.lo), codes(t, v.hi) };
again:
	in_bytes = bytes_of(t, in);
	now = (struct half2){ _mm256_blendv_epi8(code.lo, t->in_code, in_bytes.lo),
	    _mm256_blendv_epi8(code.hi, t->in_code, in_bytes.hi) };
	allows = (struct half2){ _mm256_shuffle_epi8(t->allows, now.lo), _mm256_shuffle_epi8(t->allows, now.hi) };
	bad.lo = _mm256_or_si256(pair_errors(t, now.lo, allows.lo, c->allows),
	    _mm256_and_si256(in_bytes.lo, at_most(v.lo, t->control)));
	bad.hi = _mm256_or_si256(pair_errors(t, now.hi, allows.hi, allows.lo),
	    _mm256_and_si256(in_bytes.hi, at_most(v.hi, t->control)));
	if (RARE(any(bad))) {
		lf = equal(v, _mm256_set1_epi8('\n'));
		if ((in & lf) != 0) {	/* its error bit comes with the second look: no LF follows C_IN */
			in = bits_end_at_lf(in, lf);
			goto again;
		}
		marks_error(m, base, mask(bad));
	}
	if (_mm256_movemask_epi8(ascii) != 0) {
		struct half2 e = { utf8_errors(t, b), utf8_errors(t, b + 32) };

		if (RARE(any(e)))
			marks_error(m, base, ~equal(e, _mm256_setzero_si256()));
	}
	if (RARE((escaped & in) | c->u | c->surrogate))
		marks_error(m, base, escape_errors(t, v, escaped & in, c));
	c->in = (uint64_t)((int64_t)in >> 63);
	c->allows = allows.hi;
	now = (struct half2){ twice(now.lo), twice(now.hi) };
	f.e = mask(now);
	now = (struct half2){ twice(now.lo), twice(now.hi) };
	f.d = mask(now);
	now = (struct half2){ twice(now.lo), twice(now.hi) };
	f.t = mask(now);
	return f;
}

BITS_INLINE __m256i
twin(const uint8_t table[16])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

/* A constant that the compiler takes from memory: it would rather make it anew in every turn. */
BITS_INLINE __m256i
all(unsigned char c)
{
	__m256i v = _mm256_set1_epi8((char)c);

	__asm__("" : "+x"(v));
	return v;
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
	t->lead_high = twin(from->utf8.lead_high);
	t->lead_low = twin(from->utf8.lead_low);
	t->next_high = twin(from->utf8.next_high);
	t->third = all(0xE0 - 0x80);
	t->fourth = all(0xF0 - 0x80);
	t->top = all(0x80);
	escape_tables(t);
}

/* First the vector part of each block, then the rest: see scan_avx512.c. */
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
		struct half2 members;

		f = bits_rules(flags[i], &rules, b);
		if (RARE(f.error))
			marks_error(m, base, f.error);
		members = bytes_of(t, f.members);
		_mm256_store_si256((__m256i *)(void *)staged, _mm256_xor_si256(members.lo,
		    _mm256_loadu_si256((const __m256i *)(const void *)b)));
		_mm256_store_si256((__m256i *)(void *)(staged + 32), _mm256_xor_si256(members.hi,
		    _mm256_loadu_si256((const __m256i *)(const void *)(b + 32))));
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
	struct carry c = { .allows = _mm256_set1_epi8((char)tables->allows[C_LF]), .rules = bits_line_start };
	char first[128];	/* the first block behind a line end, for nothing may be readable before it */

	luts_init(&t, tables);
	memset(first, '\n', 64);
	memcpy(first + 64, p, 64);
	stride(&t, m, &c, first + 64, 0, 1);
	for (size_t i = 64; i < n; i += STRIDE * 64)
		stride(&t, m, &c, p + i, i, n - i < STRIDE * 64 ? (n - i + 63) / 64 : STRIDE);
}

const struct kernel_ops kernel_avx2 = { "avx2", mark };
#endif
