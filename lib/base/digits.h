/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * digits - a run of decimal digits to an integer, eight at a time
 *
 *	uint64_t v;
 *	if (digits_u64(s.p, s.n, &v)) ... it was nothing but digits ...
 *
 * Invariants: reads p[0..n) and nothing else; up to DIGITS_MAX digits fit.  Two to three branches that hang on the
 * length alone, so numbers of changing length are not guessed wrong at each end.
 * Eight bytes at once: D. Lemire, "Quickly parsing eight digits" (2018); the test for digits is SWAR's carry test.
 */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 18

#define DIGITS_ZEROS UINT64_C(0x3030303030303030)

/* Are the eight bytes digits? */
static inline bool
digits_are(uint64_t x)
{
	return ((x & (x + UINT64_C(0x0606060606060606))) & UINT64_C(0xf0f0f0f0f0f0f0f0)) == DIGITS_ZEROS;
}

/* The number that eight digits are, the lowest byte the first of them. */
static inline uint64_t
digits_of(uint64_t x)
{
	x -= DIGITS_ZEROS;
	x = x * 10 + (x >> 8);
	return ((x & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
	    (x >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >> 32;
}

static inline uint64_t
digits_load(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return le64toh(x);
}

/* n digits, 4 to 8, as eight with zeros before them. */
static inline uint64_t
digits_short(const char *p, size_t n)
{
	uint32_t head, tail;
	unsigned zeros = 8 * (unsigned)(8 - n);

	memcpy(&head, p, sizeof head);
	memcpy(&tail, p + n - 4, sizeof tail);
	return (uint64_t)le32toh(tail) << 32 | ((uint64_t)le32toh(head) << zeros & UINT64_C(0xffffffff)) |
	    (DIGITS_ZEROS & ((UINT64_C(1) << zeros) - 1));
}

/* False: it is empty, longer than DIGITS_MAX, or has something else in it (*v is anything then). */
static inline bool
digits_u64(const char *p, size_t n, uint64_t *v)
{
	static const uint64_t ten[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
	    UINT64_C(10000000000) };
	uint64_t x, y, cut;

	if (n < 4) {
		for (*v = 0, x = 0; x < n && (unsigned char)(p[x] - '0') <= 9; x++)
			*v = *v * 10 + (uint64_t)(p[x] - '0');
		return x == n && n > 0;
	}
	if (n <= 8) {
		x = digits_short(p, n);
		*v = digits_of(x);
		return digits_are(x);
	}
	if (n > DIGITS_MAX)
		return false;
	x = digits_load(p);
	if (n <= 16) {
		/* of the last eight those that are among the first become zeros */
		cut = (UINT64_C(1) << 4 * (16 - n) << 4 * (16 - n)) - 1;
		y = (digits_load(p + n - 8) & ~cut) | (DIGITS_ZEROS & cut);
		*v = digits_of(x) * ten[n - 8] + digits_of(y);
		return digits_are(x) && digits_are(y);
	}
	y = digits_load(p + 8);
	*v = digits_of(x) * ten[n - 8] + digits_of(y) * ten[n - 16];
	if (!digits_are(x) || !digits_are(y))
		return false;
	for (p += 16, n -= 16, x = 0, y = 0; y < n && (unsigned char)(p[y] - '0') <= 9; y++)
		x = x * 10 + (uint64_t)(p[y] - '0');
	*v += x;
	return y == n;
}

#endif
