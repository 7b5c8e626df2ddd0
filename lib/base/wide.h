/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wide - natural numbers of a few 64-bit limbs, lowest first: what decimals, sums of squares and buckets are made with
 *
 *	uint64_t w[10] = { 0 };
 *	wide_mul(w, 10, 1000, 7);			// w = w * 1000 + 7
 *	if (wide_cmp(w, v, 10) >= 0) wide_sub(w, v, 10);
 *
 * Invariants: all are n limbs long; what runs over the last limb is lost, so callers make n large enough and say why,
 * or look at what was said of it.
 */
#ifndef BASE_WIDE_H
#define BASE_WIDE_H

#include <stdint.h>

#include "base/span.h"

__extension__ typedef unsigned __int128 wide2;

/* Powers of ten, up to the largest in a limb. */
static const uint64_t wide_ten[20] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	1000000000, UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000),
	UINT64_C(10000000000000), UINT64_C(100000000000000), UINT64_C(1000000000000000),
	UINT64_C(10000000000000000), UINT64_C(100000000000000000), UINT64_C(1000000000000000000),
	UINT64_C(10000000000000000000) };

/* w = w * m + add; what runs over. */
static inline uint64_t
wide_mul(uint64_t *w, size_t n, uint64_t m, uint64_t add)
{
	for (size_t i = 0; i < n; i++) {
		wide2 t = (wide2)w[i] * m + add;

		w[i] = (uint64_t)t;
		add = (uint64_t)(t >> 64);
	}
	return add;
}

/* w = w * 10^k; false when it ran over. */
static inline bool
wide_scale(uint64_t *w, size_t n, unsigned k)
{
	uint64_t over = 0;

	for (; k > 19; k -= 19)
		over |= wide_mul(w, n, wide_ten[19], 0);
	if (k > 0)
		over |= wide_mul(w, n, wide_ten[k], 0);
	return over == 0;
}

/* w = w / d; the remainder. */
static inline uint64_t
wide_div(uint64_t *w, size_t n, uint64_t d)
{
	uint64_t rem = 0;

	while (n > 1 && w[n - 1] == 0)
		n--;
	for (size_t i = n; i-- > 0;) {
		wide2 t = (wide2)rem << 64 | w[i];

		if (rem == 0) {
			w[i] /= d;
			rem = (uint64_t)t % d;
		} else {
			w[i] = (uint64_t)(t / d);
			rem = (uint64_t)(t % d);
		}
	}
	return rem;
}

/* w = w + v; the carry. */
static inline uint64_t
wide_add(uint64_t *w, const uint64_t *v, size_t n)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < n; i++) {
		wide2 t = (wide2)w[i] + v[i] + carry;

		w[i] = (uint64_t)t;
		carry = (uint64_t)(t >> 64);
	}
	return carry;
}

/* w = w - v; the borrow. */
static inline uint64_t
wide_sub(uint64_t *w, const uint64_t *v, size_t n)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < n; i++) {
		wide2 t = (wide2)w[i] - v[i] - borrow;

		w[i] = (uint64_t)t;
		borrow = (uint64_t)(t >> 64) & 1;
	}
	return borrow;
}

static inline int
wide_cmp(const uint64_t *a, const uint64_t *b, size_t n)
{
	while (n-- > 0)
		if (a[n] != b[n])
			return a[n] < b[n] ? -1 : 1;
	return 0;
}

static inline bool
wide_zero(const uint64_t *w, size_t n)
{
	uint64_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= w[i];
	return any == 0;
}

/* How many bits it takes; 0 for zero. */
static inline unsigned
wide_bits(const uint64_t *w, size_t n)
{
	while (n > 0 && w[n - 1] == 0)
		n--;
	return n == 0 ? 0 : (unsigned)n * 64 - (unsigned)__builtin_clzll(w[n - 1]);
}

static inline void
wide_shl(uint64_t *w, size_t n, unsigned k)
{
	size_t limbs = k / 64;

	for (size_t i = n; i-- > 0;) {
		uint64_t hi = i >= limbs ? w[i - limbs] : 0, lo = i > limbs ? w[i - limbs - 1] : 0;

		w[i] = k % 64 == 0 ? hi : hi << k % 64 | lo >> (64 - k % 64);
	}
}

/* True when a bit that was set fell out at the low end. */
static inline bool
wide_shr(uint64_t *w, size_t n, unsigned k)
{
	size_t limbs = k / 64;
	uint64_t lost = 0;

	for (size_t i = 0; i < limbs && i < n; i++)
		lost |= w[i];
	if (limbs < n)
		lost |= w[limbs] & ((UINT64_C(1) << k % 64) - 1);
	for (size_t i = 0; i < n; i++) {
		uint64_t lo = i + limbs < n ? w[i + limbs] : 0, hi = i + limbs + 1 < n ? w[i + limbs + 1] : 0;

		w[i] = k % 64 == 0 ? lo : lo >> k % 64 | hi << (64 - k % 64);
	}
	return lost != 0;
}

#endif
