/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_lanes - masks of 64 bytes, several blocks at once: a mask is a lane of a vector register
 *
 *	#define LANE_BYTES 64			// a kernel's file: how wide its registers are
 *	#include "in/scan_lanes.h"
 *	in = lanes_inside(quotes, &carry.in);
 *	members = lanes_members(colon, tokens, &carry.colon, &error);
 *
 * Rules that look further than at one byte, for LANES blocks in the time of one; and what is done with their masks
 * where something is wrong or seldom.  Carries of an addition run through the bits that are set: that is how "the next
 * such byte" is found without a loop.
 *
 * Invariants: lane 0 is the first block.  What one vector hands to the next is 0 or 1 and begins as 0, as in
 * scan_bits.h; what goes into lane 0 comes from the last lane of the vector before.
 */
#ifndef IN_SCAN_LANES_H
#define IN_SCAN_LANES_H

#include <string.h>

#include "in/scan_bits.h"
#include "in/scan_kernel.h"

#define LANES (LANE_BYTES / sizeof(uint64_t))
#define LANES_ALL ((1u << LANES) - 1)

typedef uint64_t lanes __attribute__((vector_size(LANE_BYTES)));

#if LANE_BYTES == 64

/* Each lane's neighbour before it. */
BITS_INLINE lanes
lanes_before(lanes v, lanes before)
{
	return (lanes)_mm512_alignr_epi64((__m512i)v, (__m512i)before, 7);
}

/* Lanes that are not 0, a bit a lane. */
BITS_INLINE unsigned
lanes_set(lanes v)
{
	return _mm512_test_epi64_mask((__m512i)v, (__m512i)v);
}

/* Lanes with their highest bit set. */
BITS_INLINE unsigned
lanes_top(lanes v)
{
	return _mm512_cmplt_epi64_mask((__m512i)v, _mm512_setzero_si512());
}

/* All ones in these lanes, else 0. */
BITS_INLINE lanes
lanes_of(unsigned set)
{
	return (lanes)_mm512_maskz_set1_epi64((__mmask8)set, -1);
}

#elif LANE_BYTES == 32

BITS_INLINE lanes
lanes_before(lanes v, lanes before)
{
	return (lanes)_mm256_alignr_epi8((__m256i)v, _mm256_permute2x128_si256((__m256i)before, (__m256i)v, 0x21), 8);
}

BITS_INLINE unsigned
lanes_top(lanes v)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd((__m256i)v));
}

BITS_INLINE unsigned
lanes_set(lanes v)
{
	return LANES_ALL ^ lanes_top((lanes)_mm256_cmpeq_epi64((__m256i)v, _mm256_setzero_si256()));
}

BITS_INLINE lanes
lanes_of(unsigned set)
{
	const lanes bit = { 1, 2, 4, 8 };
	lanes which = (lanes){ set, set, set, set } & bit;

	return (lanes)_mm256_cmpeq_epi64((__m256i)which, (__m256i)bit);
}

#else				/* any machine */

BITS_INLINE lanes
lanes_before(lanes v, lanes before)
{
	return BYTES_PICK(lanes, before, v, 1, 2);
}

BITS_INLINE unsigned
lanes_top(lanes v)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_pd((__m128d)v);
#else
	return (unsigned)(v[0] >> 63 | v[1] >> 63 << 1);
#endif
}

BITS_INLINE unsigned
lanes_set(lanes v)
{
#ifdef __SSE2__
	__m128i half = _mm_cmpeq_epi32((__m128i)v, _mm_setzero_si128());

	return LANES_ALL ^ lanes_top((lanes)half & (lanes)_mm_shuffle_epi32(half, 0xB1));
#else
	return (unsigned)(v[0] != 0) | (unsigned)(v[1] != 0) << 1;
#endif
}

BITS_INLINE lanes
lanes_of(unsigned set)
{
	static const lanes of[1 << LANES] = {
		{ 0, 0 }, { UINT64_MAX, 0 }, { 0, UINT64_MAX }, { UINT64_MAX, UINT64_MAX }
	};

	return of[set];
}

#endif

BITS_INLINE lanes
lanes_load(const uint64_t *m)
{
	lanes v;

	__builtin_memcpy(&v, m, sizeof v);	/* clang calls a hardened memcpy, and counts what the array has left */
	return v;
}

BITS_INLINE void
lanes_store(uint64_t *m, lanes v)
{
	__builtin_memcpy(m, &v, sizeof v);
}

/* v shifted by n places in the stream; before: the vector before. */
BITS_INLINE lanes
lanes_shift_by(lanes v, lanes before, int n)
{
	return v << n | lanes_before(v, before) >> (64 - n);
}

/* The same by one place; *before is the vector before, then this one. */
BITS_INLINE lanes
lanes_shift(lanes v, lanes *before)
{
	lanes neighbour = lanes_before(v, *before);

	*before = v;
#ifdef __AVX512VBMI2__
	return (lanes)_mm512_shldi_epi64((__m512i)v, (__m512i)neighbour, 1);
#else
	return v << 1 | neighbour >> 63;
#endif
}

/*
 * a + b + *carry as one long number, and the carry out of it.  Carries between lanes are an addition too, of a bit a
 * lane: a carry runs through the lanes that are full.
 */
BITS_INLINE lanes
lanes_add(lanes a, lanes b, unsigned *carry)
{
#if LANE_BYTES > 16
	lanes s = a + b;
	unsigned full = LANES_ALL ^ lanes_set(~s), over = lanes_top((a & b) | ((a | b) & ~s));
	unsigned in = (over << 1 | *carry) + full;

	*carry = in >> LANES;
	return s - lanes_of(in ^ full);
#else
	/* Of two lanes, one after the other. */
	lanes s = a + b + (lanes){ *carry, 0 }, both = a & b, some = a | b;

	s += lanes_before((both | (some & ~s)) >> 63, (lanes){ 0 });
	*carry = lanes_top(both | (some & ~s)) >> 1;
	return s;
#endif
}

/*
 * Tokens that exactly one colon precedes since the token before.  A colon begins a carry that runs to the next token;
 * where it meets another colon first, that one is an error.
 */
BITS_INLINE lanes
lanes_members(lanes colon, lanes tokens, unsigned *carry, lanes *error)
{
	lanes sum = lanes_add(~tokens, colon, carry);

	*error |= sum & colon;
	return sum & tokens;
}

/*
 * Second points: a carry that begins at a point runs through digits and points, and leaves a point's bit set only
 * when it came in there.
 */
BITS_INLINE lanes
lanes_points(lanes digit, lanes point, unsigned *carry)
{
	return lanes_add(digit | point, point, carry) & point;
}

/* 1 from each quote on to the one that closes it, that one not, over all lanes. */
BITS_INLINE lanes
lanes_inside(lanes quotes, unsigned *carry)
{
	lanes in = quotes;
	unsigned odd;

#ifdef __VPCLMULQDQ__
	/* A product without carries with all ones is the sum of all bits up to each. */
	in = (lanes)_mm512_unpacklo_epi64(_mm512_clmulepi64_epi128((__m512i)in, _mm512_set1_epi64(-1), 0x00),
	    _mm512_clmulepi64_epi128((__m512i)in, _mm512_set1_epi64(-1), 0x01));
#else
	for (int i = 1; i < 64; i *= 2)
		in ^= in << i;
#endif
	odd = lanes_top(in);		/* lanes with an odd number of quotes turn all behind them */
	odd ^= odd << 1;
	odd ^= odd << 2;
	if (LANES > 4)
		odd ^= odd << 4;
	odd = odd << 1 ^ -*carry;
	*carry = odd >> LANES & 1;
	return in ^ lanes_of(odd & LANES_ALL);
}

/* Escaped bytes, where an escape goes from a block to the next: one by one. */
static lanes __attribute__((noinline))
escaped_slowly(const uint64_t *slash, uint64_t *carry)
{
	uint64_t r[LANES];

	for (size_t i = 0; i < LANES; i++)
		r[i] = bits_escaped(slash[i], carry);
	return lanes_load(r);
}

/* Bytes that a backslash escapes. */
BITS_INLINE lanes
lanes_escaped(const uint64_t *from, lanes slash, uint64_t *carry)
{
	const lanes odd = (lanes){ 0 } + UINT64_C(0xAAAAAAAAAAAAAAAA);
	lanes ends = ((slash << 1 | odd) - slash) ^ odd;	/* see bits_escaped */

	if (RARE(*carry | lanes_top(ends & slash)))
		return escaped_slowly(from, carry);
	return ends ^ slash;
}

/*
 * An LF ends a string whatever the quotes say: a bad line never spoils the next one.  Looks for them in `blocks` blocks
 * at bytes p, whose masks are in[] and control[], and turns all of in[] that comes behind one.
 */
static void __attribute__((noinline))
end_at_lf(uint64_t in[LANES], const uint64_t control[LANES], const char *p, size_t blocks, unsigned *carry)
{
	for (size_t i = 0; i < LANES && i < blocks; i++)
		for (uint64_t hits = control[i] & in[i], at; hits != 0;) {
			at = bits_lowest(hits);
			hits &= hits - 1;
			if (p[i * 64 + at] != '\n')
				continue;
			in[i] ^= ~(uint64_t)0 << at;
			for (size_t k = i + 1; k < LANES; k++)
				in[k] = ~in[k];
			*carry ^= 1;
			hits = control[i] & in[i];	/* behind it */
		}
}

/*
 * The errors of `blocks` blocks at p, `base` in the window: seldom any.  zeros: digits behind a zero that begins a
 * number.  Nothing may be readable before a window, so its first block is copied to look at what stands before a byte.
 */
static void __attribute__((noinline, unused))
put_errors(struct marks *m, const uint64_t *wrong, const uint64_t *zeros, const char *p, size_t base, size_t blocks)
{
	char first[128];

	for (size_t i = 0; i < blocks; i++) {
		uint64_t error = wrong[i];
		const char *b = p + i * 64;

		if (zeros[i] != 0 && base + i == 0) {
			memset(first, '\n', 64);
			b = memcpy(first + 64, b, 64);
		}
		if (zeros[i] != 0)
			error |= bits_leading_zeros(zeros[i], b);
		if (error != 0)
			marks_error(m, base + i * 64, error);
	}
}

/* The offsets of the words that begin in the blocks `in`. */
BITS_INLINE void
put_words(struct marks *m, const uint64_t *words, uint64_t in, size_t base)
{
	uint16_t *word = m->word + m->n_words;

	for (; in != 0; in &= in - 1) {
		size_t i = (size_t)__builtin_ctzll(in);
		uint64_t w = words[i];

		do {
			*word++ = (uint16_t)(base + i * 64 + bits_lowest(w));
			w &= w - 1;
		} while (RARE(w));
	}
	m->n_words = (size_t)(word - m->word);
}

#endif
