/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_avx2 - the kernel for x86-64 with AVX2 and BMI
 *
 * 64 bytes are two registers.  First masks of quotes, backslashes, control and high bytes; then, when in/scan_stride.h
 * made of them what is in strings, a class code for each byte (perfect hash by pshufb), C_IN in strings, and "may these
 * two classes be neighbours" for all 64 pairs; UTF-8 after Keiser and Lemire where it is not ASCII.  O(n), no table
 * bigger than 32 bytes.
 */
#ifdef __x86_64__
#define LANE_BYTES 32
#include "in/scan_stride.h"

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
struct pairs {
	__m256i allows;		/* what the bytes before allow */
};

static struct pairs
pairs_begin(const struct tables *t)
{
	return (struct pairs){ _mm256_set1_epi8((char)t->allows[C_LF]) };
}

BITS_INLINE struct half2
load(const char *b)
{
	return (struct half2){ _mm256_loadu_si256((const __m256i *)(const void *)b),
	    _mm256_loadu_si256((const __m256i *)(const void *)(b + 32)) };
}

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

/* Escapes that JSON does not know, and \u without four hex digits. */
BITS_INLINE uint64_t
escape_errors(const struct luts *t, const char *b, uint64_t escaped, struct bits_escapes *c)
{
	struct half2 v = load(b), kinds = {
		_mm256_and_si256(_mm256_shuffle_epi8(t->escape_low, v.lo),
		    _mm256_shuffle_epi8(t->escape_high, high_nibbles(t, v.lo))),
		_mm256_and_si256(_mm256_shuffle_epi8(t->escape_low, v.hi),
		    _mm256_shuffle_epi8(t->escape_high, high_nibbles(t, v.hi))),
	};
	uint64_t err = escaped & ~of_kind(kinds, ESC_ANY), u = escaped & equal(v, _mm256_set1_epi8('u'));

	c->surrogates = 0;
	if ((u | c->u | c->d) == 0)
		return err;
	return err | bits_hex_errors(c, u, of_kind(kinds, HEX_DIGIT | HEX_LETTER),
	    equal(v, _mm256_set1_epi8('d')) | equal(v, _mm256_set1_epi8('D')), of_kind(kinds, HEX_89 | HEX_LETTER));
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
utf8_wrong(const struct luts *t, const char *p)
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

/* Three bytes before b are readable. */
BITS_INLINE uint64_t
utf8_errors(const struct luts *t, const char *b)
{
	return ~equal((struct half2){ utf8_wrong(t, b), utf8_wrong(t, b + 32) }, _mm256_setzero_si256());
}

BITS_INLINE void
first_look(const struct luts *t, struct strip *s, size_t i, const char *b)
{
	struct half2 v = load(b);

	s->quote[i] = equal(v, t->quote);
	s->slash[i] = equal(v, t->slash);
	s->control[i] = mask((struct half2){ at_most(v.lo, t->control), at_most(v.hi, t->control) });
	s->high[i] = mask(v);
}

BITS_INLINE __m256i
twice(__m256i v)
{
	return _mm256_add_epi8(v, v);
}

/* The classes of 64 bytes, and all that two neighbours tell. */
BITS_INLINE void
second_look(const struct luts *t, struct strip *s, size_t i, const char *b, struct pairs *p)
{
	struct half2 v = load(b), in = bytes_of(t, s->in[i]), now, allows;

	now = (struct half2){ _mm256_blendv_epi8(codes(t, v.lo), t->in_code, in.lo),
	    _mm256_blendv_epi8(codes(t, v.hi), t->in_code, in.hi) };
	allows = (struct half2){ _mm256_shuffle_epi8(t->allows, now.lo), _mm256_shuffle_epi8(t->allows, now.hi) };
	s->bad[i] = mask((struct half2){ pair_errors(t, now.lo, allows.lo, p->allows),
	    pair_errors(t, now.hi, allows.hi, allows.lo) });
	p->allows = allows.hi;
	now = (struct half2){ twice(now.lo), twice(now.hi) };
	s->e[i] = mask(now);
	now = (struct half2){ twice(now.lo), twice(now.hi) };
	s->d[i] = mask(now);
	now = (struct half2){ twice(now.lo), twice(now.hi) };
	s->t[i] = mask(now);
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

/* 64 bytes, those in `members` complemented. */
BITS_INLINE void
stage(const struct luts *t, uint8_t *to, const char *b, uint64_t members)
{
	struct half2 m = bytes_of(t, members);

	_mm256_store_si256((__m256i *)(void *)to, _mm256_xor_si256(m.lo,
	    _mm256_loadu_si256((const __m256i *)(const void *)b)));
	_mm256_store_si256((__m256i *)(void *)(to + 32), _mm256_xor_si256(m.hi,
	    _mm256_loadu_si256((const __m256i *)(const void *)(b + 32))));
}

#define STRIDE_BODY
#include "in/scan_stride.h"

const struct kernel_ops kernel_avx2 = { "avx2", mark };
#endif
