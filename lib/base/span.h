/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * span - a view of bytes that somebody else owns
 *
 *	struct span s = span_str("abc"), t = span_of(line, n);
 *	if (span_eq(s, t)) ...
 *	qsort(v, n, sizeof *v, ...span_cmp...);
 *
 * Invariants: n bytes at p are readable; no terminator is promised or looked for;
 * p may be NULL only when n is 0.  NUL is a byte like any other.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

/* The n bytes at p. */
static inline struct span
span_of(const char *p, size_t n)
{
	return (struct span){ p, n };
}

/* A C string of ours (a literal, an argument); never for record bytes. */
static inline struct span
span_str(const char *s)
{
	return (struct span){ s, strlen(s) };
}

/* Same length and same bytes. */
static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equal to a literal of ours. */
static inline bool
span_is(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

/* Byte order, a prefix first: <0, 0, >0. */
static inline int
span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

/* The first eight bytes as a number that is in their order; ends are taken for zeros. */
static inline uint64_t
span_prefix(struct span s)
{
	unsigned char first[8] = { 0 };
	uint64_t v = 0;

	if (s.n > 0)
		memcpy(first, s.p, s.n < sizeof first ? s.n : sizeof first);
	for (size_t i = 0; i < sizeof first; i++)
		v = v << 8 | first[i];
	return v;
}

/* The bytes from offset `from` on; empty when it lies behind the end. */
static inline struct span
span_from(struct span s, size_t from)
{
	return from >= s.n ? (struct span){ s.p + s.n, 0 } : (struct span){ s.p + from, s.n - from };
}

#endif
