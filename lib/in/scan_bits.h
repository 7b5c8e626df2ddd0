/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_bits - what the kernels do with 64 bytes once they are masks of 64 bits, a bit a byte, the first byte lowest
 *
 *	quotes &= ~(escaped = bits_escaped(slash, &carry.escape));
 *	bits_put(pos, token, tokens, bits_count(tokens), members, p, base);
 *
 * A carry is what one block of 64 hands to the next; it is 0 or 1 and begins as 0.
 *
 * Invariants: no branch that data decides but in the functions that say so.
 */
#ifndef IN_SCAN_BITS_H
#define IN_SCAN_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#define BITS_INLINE static inline __attribute__((always_inline))
#define RARE(x) __builtin_expect((x) != 0, 0)

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* A vector of elements of a and b, by their numbers: those of b come behind those of a. */
#ifdef __clang__
#define BYTES_PICK(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define BYTES_PICK(type, a, b, ...) __builtin_shuffle(a, b, (type){ __VA_ARGS__ })
#endif

BITS_INLINE bytes16
bytes_load(const void *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof v);
	return v;
}

BITS_INLINE bytes16
bytes_all(uint8_t c)
{
	return (bytes16){ c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c };
}

/* The highest bit of each of 16 bytes. */
BITS_INLINE uint64_t
bits_of(bytes16 v)
{
#ifdef __SSE2__
	return (uint64_t)(unsigned)_mm_movemask_epi8((__m128i)v);
#else
	/* One bit a lane, put in its place by a multiplication: no two meet. */
	uint64_t half[2];

	v = (v >> 7) * (bytes16){ 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
	memcpy(half, &v, sizeof half);
	return (half[0] * UINT64_C(0x0101010101010101)) >> 56 | (half[1] * UINT64_C(0x0101010101010101)) >> 56 << 8;
#endif
}

/* m shifted by one place in the stream; *before is the block before, then this one. */
BITS_INLINE uint64_t
bits_shift(uint64_t m, uint64_t *before)
{
	uint64_t r = m << 1 | *before >> 63;

	*before = m;
	return r;
}

/* Bytes that a backslash escapes; the last backslash of an odd run escapes what follows it. */
BITS_INLINE uint64_t
bits_escaped(uint64_t slash, uint64_t *carry)
{
	const uint64_t odd = UINT64_C(0xAAAAAAAAAAAAAAAA);
	uint64_t begins = slash & ~*carry, ends = ((begins << 1 | odd) - begins) ^ odd, r = ends ^ (slash | *carry);

	*carry = (ends & slash) >> 63;
	return r;
}

/* A zero before a digit is one too many, but not in an exponent: `1e-05`.  Three bytes before b are readable. */
static inline uint64_t
bits_leading_zeros(uint64_t digit, const char *b)
{
	uint64_t err = 0;

	for (; digit != 0; digit &= digit - 1) {
		int i = __builtin_ctzll(digit);

		if (b[i - 2] != '-' || (b[i - 3] | 32) != 'e')
			err |= digit & -digit;
	}
	return err;
}

/* \u escapes: what a block hands to the next, the masks of the last block with any; and the surrogates found in it. */
struct bits_escapes {
	uint64_t u, d;		/* escaped u's, and d's behind them */
	uint64_t surrogates;	/* second hex digits of \uD800 to \uDFFF */
};

/*
 * \u without four hex digits; u: the block's escaped u's; hex, d, upper: its hex digits, those that are a d, those from
 * 8 on.
 */
BITS_INLINE uint64_t
bits_hex_errors(struct bits_escapes *c, uint64_t u, uint64_t hex, uint64_t d, uint64_t upper)
{
	uint64_t after = u << 1 | u << 2 | u << 3 | u << 4 | c->u >> 63 | c->u >> 62 | c->u >> 61 | c->u >> 60;

	d &= u << 1 | c->u >> 63;
	c->surrogates = (d << 1 | c->d >> 63) & upper;
	c->u = u;
	c->d = d;
	return after & ~hex;
}

/*
 * Surrogates without a partner, of those in the block at offset `base` of the window at w: bits at the second hex digit
 * of escapes \uDxxx.  A high one (8, 9, A, B) must be followed by a low one at once, and a low one by a high one
 * before it, whose backslash is not itself escaped.  That the digits are hex ones is proved elsewhere.
 */
static uint64_t __attribute__((noinline, unused))
bits_unpaired(uint64_t surrogates, const char *w, size_t base)
{
	uint64_t left = surrogates, err = 0;

	for (; left != 0; left &= left - 1) {
		size_t at = base + (size_t)__builtin_ctzll(left), high = at, slashes = 0;
		bool low = (w[at] | 0x20) >= 'c';

		if (low && at >= 9)
			for (high = at - 6; slashes < high - 2 && w[high - 3 - slashes] == '\\'; slashes++)
				;
		if ((low && slashes % 2 == 0) || w[high - 2] != 'u' || (w[high - 1] | 0x20) != 'd' ||
		    !(w[high] == '8' || w[high] == '9' || (w[high] | 0x20) == 'a' || (w[high] | 0x20) == 'b') ||
		    w[high + 3] != '\\' || w[high + 4] != 'u' || (w[high + 5] | 0x20) != 'd' ||
		    (w[high + 6] | 0x20) < 'c')
			err |= left & -left;
	}
	return err;
}

/* How many bits are set. */
BITS_INLINE size_t
bits_count(uint64_t m)
{
	return (size_t)__builtin_popcountll(m);
}

/* The lowest bit's place; any place when there is none. */
BITS_INLINE uint64_t
bits_lowest(uint64_t m)
{
#ifdef __BMI__
	uint64_t at;

	/* Compilers clear the register first, for machines on which tzcnt waits for its old value. */
	__asm__("tzcntq %1, %0" : "=r"(at) : "r"(m) : "cc");
	return at;
#elif defined(__x86_64__)
	uint64_t at = 0;

	/* tzcnt, which older machines take for bsf: that leaves what was there when no bit is set. */
	__asm__("rep bsfq %1, %0" : "+r"(at) : "r"(m) : "cc");
	return at;
#else
	return (uint64_t)__builtin_ctzll(m | UINT64_C(1) << 63);
#endif
}

/* All ones when the bit at a place of m is set, else 0. */
BITS_INLINE uint32_t
bits_spread(uint64_t m, uint64_t at)
{
#ifdef __x86_64__
	uint32_t r = 0;

	/* Compilers take the bit into a byte first, and negate that. */
	if (!__builtin_constant_p(m) || m != 0)
		__asm__("btq %2, %1\n\tsbbl %0, %0" : "=r"(r) : "r"(m), "r"(at) : "cc");
	return r;
#else
	return -(uint32_t)(m >> (at & 63) & 1);
#endif
}

/*
 * Put the n tokens' bytes and offsets, bytes of members complemented (0: they are already).  More are put than there
 * are, for a branch costs more: what is too much is written over.  bytes[64] is read too.
 */
BITS_INLINE void
bits_put(uint16_t *pos, uint8_t *token, uint64_t tokens, size_t n, uint64_t members, const uint8_t *bytes, size_t base)
{
#define BITS_PUT(k) do { \
		uint64_t at_ = bits_lowest(tokens); \
		pos[k] = (uint16_t)(base + at_); \
		token[k] = (uint8_t)(bytes[at_] ^ bits_spread(members, at_)); \
		tokens &= tokens - 1; \
	} while (0)
	BITS_PUT(0); BITS_PUT(1); BITS_PUT(2); BITS_PUT(3); BITS_PUT(4); BITS_PUT(5);
	if (__builtin_expect(n > 6, 0)) {
		BITS_PUT(6); BITS_PUT(7); BITS_PUT(8); BITS_PUT(9);
		for (size_t k = 10; RARE(k < n); k++)
			BITS_PUT(k);
	}
#undef BITS_PUT
}

#endif
