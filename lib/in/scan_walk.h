/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_walk - one line's tokens proved: brackets in pairs, members and elements where they belong; asked values found
 *
 *	struct walk w; walk_init(&w, &plain);
 *	if (walk_line(&w, &marks, p, t0, n, row, true)) shape_add(&cache, &w.draft, marks.token + t0, n);
 *
 * Three passes, with hardly a branch that data decides: over the brackets, 64 tokens a time as bit masks, what lies
 * between two of them compared at once; over all keys, two bytes of each, for those that may be asked for; over these.
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
#define WALK_WORDS (WINDOW_BYTES / 64 + 1)

struct walk {
	struct plain *plain;
	struct walk_todo { size_t t; int node; } *todo;	/* arrays to go through: as many as the trie has nodes */
	struct draft draft;
	uint8_t begins[65536];	/* by two bytes: 1 if they may be the first two of an asked key; few are ever read */
	/* Of the line, by token. */
	uint16_t close_of[WINDOW_BYTES];	/* where an open bracket closes */
	uint16_t within[WINDOW_BYTES];	/* by bracket: the one that opened what is open behind it */
	int node[WINDOW_BYTES];		/* by open bracket: the node an object stands on, if asked paths go on in it */
	/* By 64 tokens: masks of a bit a token, and the last bracket before them. */
	uint64_t bracket[WALK_WORDS], member[WALK_WORDS];
	uint64_t asked[WALK_WORDS];	/* tokens behind which a key stands that may be asked for */
	uint16_t before[WALK_WORDS];
};

void walk_init(struct walk *, struct plain *, size_t columns);
void walk_free(struct walk *);
/* Pre: n > 0 tokens from t0 on, the LF behind them not counted, no error bit in the line. `learn`: draft a shape. */
bool walk_line(struct walk *, const struct marks *, const char *p, size_t t0, size_t n, size_t row, bool learn);

#endif
