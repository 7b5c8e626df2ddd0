/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * find - where a few bytes stand in many
 *
 *	struct find f; find_init(&f, span_str("2de616430906"));
 *	while ((p = find_next(&f, p, end)) != NULL) { ... p++; }
 *	lines += find_lines(block, n);
 *
 * Invariants: the same answers as memmem on every machine; the needle is the caller's and outlives the find.  The first
 * bytes looked at are the two of the needle that are rarest in text and JSON, 32 or 64 places at a time (Muła's generic
 * SIMD search, http://0x80.pl/articles/simd-strfind.html, with memchr's choice of bytes); what follows a pair is
 * compared.
 */
#ifndef BASE_FIND_H
#define BASE_FIND_H

#include "base/span.h"

struct find {
	struct span needle;
	size_t a, b;		/* places in the needle of the two bytes; a < b, or both 0 */
	int wide;		/* so many places at a time: 32 or 64; 0: memmem's way */
};

/* needle.n > 0. */
void find_init(struct find *, struct span needle);
/* The first place in [p, end) where the whole needle stands, or NULL.  Reads no byte outside. */
const char *find_next(const struct find *, const char *p, const char *end);
/* How many LFs are among n bytes. */
size_t find_lines(const char *p, size_t n);

#endif
