/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_walk - one line's tokens proved: brackets in pairs, members and elements where they belong; asked values found
 *
 *	struct walk w; walk_init(&w, &plain);
 *	if (walk_line(&w, &marks, p, t0, n, row, true)) shape_add(&cache, &w.draft, marks.token + t0, n);
 *
 * Three passes, with hardly a branch that data decides: over the brackets, 64 tokens a time as bit masks, what lies
 * between two of them compared at once; over all keys, two bytes of each, for those that may be asked for; over these,
 * compared with their colon as they mostly stand; where blanks or escapes are in the way they are looked up.
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
#define WALK_KEYS 127		/* asked keys that are compared as they stand; what are more are looked up */
#define WALK_BEGINS 0x80
#define WALK_WORDS (WINDOW_BYTES / 64 + 1)

/* An asked key as it mostly stands, quotes and colon with it. */
struct walk_key {
	uint64_t text[2], mask[2];	/* its first 16 bytes */
	char *whole;
	size_t n;
	struct val *column;		/* the one that ends there, or NULL: none, or several */
	int above, node;
	uint8_t next;			/* with the same first two bytes; 0: none */
};

struct walk {
	struct plain *plain;
	struct walk_todo { size_t t; int node; } *todo;	/* arrays to go through: as many as the trie has nodes */
	struct draft draft;
	uint16_t stack[WALK_DEPTH + 4];	/* open containers; here, where nobody clears it for each line */
	/* By two bytes: 0, or an asked key may begin so: WALK_BEGINS, and the first such of `key`.  Few are read. */
	uint8_t begins[65536];
	struct walk_key key[WALK_KEYS + 1];	/* [0]: no such key; [WALK_KEYS]: one to look up */
	size_t n_keys;
	size_t slash;	/* of the window: a backslash at or behind the last line walked, or SIZE_MAX */
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
/* A new window was marked; then its lines in order, some left out. */
void walk_window(struct walk *, const struct marks *);
/* Pre: n > 0 tokens from t0 on, the LF behind them not counted, no error bit in the line. `learn`: draft a shape. */
bool walk_line(struct walk *, const struct marks *, const char *p, size_t t0, size_t n, size_t row, bool learn);

#endif
