/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_shape - lines alike: what was proved of one line's tokens holds for every line with the same tokens
 *
 *	if (shape_match(cache, marks, p, t0, n, col, row)) ... valid, the columns are filled ...
 *	else if (walk_line(…, &draft)) shape_add(cache, &draft, …);
 *
 * A shape is a line's token bytes in order, what must stand behind some of them for the keys to be as they were, and
 * which two tokens enclose each asked value.  Equal tokens have equal brackets and members, so depth, key counts
 * and the order of keys and commas need no second proof; equal keys put the asked values between the same tokens.
 *
 * Invariants: bounded: SHAPES_BYTES_MAX, then all are forgotten; nothing is allocated when a line matches.  Where
 * lines are not alike, shapes_useful() says no for a while and the walk alone is cheaper.
 */
#ifndef IN_SCAN_SHAPE_H
#define IN_SCAN_SHAPE_H

#include "base/buf.h"
#include "in/scan_kernel.h"
#include "in/scan_plain.h"

#define SHAPE_BUCKETS 256
#define SHAPE_WAYS 8
#define SHAPE_TOKENS_MAX 2048
#define SHAPES_BYTES_MAX (8 * MIB)

#define PINS_MAX 512
#define PIN_OFFSET_MAX 64	/* a line with these tokens may be shorter: BLOCK_PAD_BYTES bounds it */

/* 8 bytes, or fewer, that stand `off` behind a token and one byte. */
struct shape_pin {
	uint64_t text, mask;
	uint16_t token, off;
};

enum place {
	PLACE_ABSENT,
	PLACE_BETWEEN,		/* a scalar between two tokens, or nothing: [1] and [] have the same tokens */
	PLACE_BRACKETS		/* from one token to the other, both in it */
};

struct shape_value {
	uint16_t from, to;
	uint16_t skip;		/* PLACE_BETWEEN: bytes of key and colon */
	uint8_t place;
};

/* A shape while its first line is walked. */
struct draft {
	bool keep;		/* still fit to become a shape */
	size_t n_pins, n_voids, n_values;
	struct shape_pin pin[PINS_MAX];
	uint16_t empty[64];	/* the `{` of each empty object: {"a"} has the same tokens */
	struct shape_value *value;	/* [columns], by column */
};

/* Pins of tokens that follow each other, off 0: most keys of a line.  A shape compares some twenty for each line. */
struct shape_run {
	uint16_t token, n;
};

struct shape_text {
	uint64_t text, mask;
};

struct shape {
	size_t n, n_runs, n_pins, n_voids, n_values, bytes;
	struct shape_run *run;
	struct shape_text *text;	/* of all runs, in order */
	struct shape_pin *pin;		/* those in no run */
	struct shape_value *value;
	uint16_t *empty;
	uint8_t *token;
};

struct shapes {
	struct shape *way[SHAPE_BUCKETS][SHAPE_WAYS];
	size_t bytes;
	int score;		/* goes up with each hit, down with each miss */
	unsigned rest, last_rest;	/* lines for which the cache is left alone */
};

/* The value between the bytes from and to of the window at p, blanks taken off: mostly there are none. */
static inline struct span
value_between(const char *p, size_t from, size_t to)
{
	while (__builtin_expect((unsigned char)p[from] <= ' ' && from < to, 0))
		from++;
	while (__builtin_expect((unsigned char)p[to - 1] <= ' ' && from < to, 0))
		to--;
	return span_of(p + from, to - from);
}

/* Does a backslash stand in v, a value in the window at p? */
static inline uint8_t
value_escaped(const struct marks *m, const char *p, struct span v)
{
	size_t from = (size_t)(v.p - p);
	uint64_t here;

	if (m->any_slash == 0 || v.n == 0 || *v.p != '"')
		return 0;
	if (__builtin_expect(v.n > 56, 0))
		return bits_in(m->slash, from, from + v.n);
	memcpy(&here, (const char *)m->slash + from / 8, sizeof here);
	return here >> from % 8 << (64 - v.n) != 0;
}

/*
 * Is the line of n tokens from t0 on, in the window at p, like one seen before?  Then its values are in row `row` of
 * the columns.  Pre: n > 0, no error bit in the line.
 */
bool shape_match(struct shapes *, const struct marks *, const char *p, size_t t0, size_t n, struct val *const *col,
    size_t row);
/* Remember what was walked: a copy of the draft and of the n tokens. */
void shape_add(struct shapes *, const struct draft *, const uint8_t *token, size_t n);
/* Call for each line: whether to try the cache on it. */
static inline bool
shapes_useful(struct shapes *s)
{
	if (__builtin_expect(s->rest > 0, 0)) {
		s->rest--;
		return false;
	}
	return true;
}

void shapes_free(struct shapes *);

#endif
