/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_walk - one line's tokens proved: brackets in pairs, members and elements where they belong; asked values found
 *
 *	struct walk w; walk_init(&w, &plain);
 *	if (walk_line(&w, &marks, p, t0, n, row, true)) shape_add(&cache, &w.draft, marks.token + t0, n);
 *
 * Only brackets are gone through one by one, 64 tokens a time as bit masks; what lies between two of them is compared
 * at once.  Keys are looked at only in objects that asked paths go through.
 *
 * Invariants: false means only "ask the plain parser": a bad line, or one at a limit, nested deeper than WALK_DEPTH or
 * with a key twice.  Key scratch and serial numbers are the plain parser's; the draft is good for shape_add when the
 * line was.
 */
#ifndef IN_SCAN_WALK_H
#define IN_SCAN_WALK_H

#include "base/limits.h"
#include "in/scan_shape.h"

#define WALK_DEPTH 61		/* the types of all open containers are one word of 64 bits */

/* An asked container that is gone through. */
struct level {
	size_t t, close;	/* the token before the next value; the one that closes it */
	int node;
	int element;		/* array: the next child by index */
	uint32_t n;		/* elements begun */
	bool object;
};

struct walk {
	struct plain *plain;
	struct draft draft;
	struct level level[PATH_SEGS_MAX + 2];
	uint16_t close_of[WINDOW_BYTES];	/* by token of the line: where an open bracket closes */
};

void walk_init(struct walk *, struct plain *, size_t columns);
void walk_free(struct walk *);
/* Pre: n > 0 tokens from t0 on, the LF behind them not counted, no error bit in the line. `learn`: draft a shape. */
bool walk_line(struct walk *, const struct marks *, const char *p, size_t t0, size_t n, size_t row, bool learn);

#endif
