/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * val - one JSON value as it stands in a line: its bytes and what they are
 *
 *	struct val v = b->col[0][i];
 *	if (val_is_null(v)) ...
 *	if ((why = val_key(v, KEY_EXACT, &key)) != NULL) ... reject ...
 *	buf_span_add(&out, v.raw);		// untouched: the same bytes
 *
 * Invariants: raw is the whole token (a string's quotes included) and was validated by the
 * scanner; it lives as long as the batch it came in.  ABSENT has an empty raw.
 */
#ifndef BASE_VAL_H
#define BASE_VAL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum tag { T_ABSENT, T_NULL, T_FALSE, T_TRUE, T_NUM, T_STR, T_ARR, T_OBJ };

struct val {
	struct span raw;
	uint8_t tag;		/* enum tag */
	uint8_t escaped;	/* a string with a backslash in it: unescape before comparing */
};

/* How keys compare: KEY_EXACT: 1 = 1.0 = 1e0, "1" differs; KEY_TEXT: the text of a number equals the string. */
enum key_as { KEY_EXACT, KEY_TEXT };

/* Absent and null are one thing to SQL. */
static inline bool
val_is_null(struct val v)
{
	return v.tag <= T_NULL;
}

/* A value made by us: raw must be valid JSON of that kind. */
static inline struct val
val_make(enum tag t, struct span raw)
{
	return (struct val){ raw, (uint8_t)t, (uint8_t)(t == T_STR && memchr(raw.p, '\\', raw.n) != NULL) };
}

/* Classify a validated JSON token by its first byte. */
struct val val_of(struct span raw);
const char *val_tag_name(enum tag);

/*
 * The text of a string value: a span into raw when it has no escapes, else unescaped into scratch
 * (cleared first).  Pre: v.tag == T_STR.
 */
struct span val_text(struct val v, struct buf *scratch);

/* Append the unescaped bytes of a JSON string's inside (no quotes) to out. */
void val_unescape(struct span inside, struct buf *out);

/*
 * Append the canonical form of a value as a key: numbers without exponent and trailing zeros (`-0` is `0`),
 * strings with the fewest escapes, null for absent and null, true, false; an array or an object
 * is an error.  KEY_TEXT turns numbers into strings.
 * Returns NULL, or a constant reason why it cannot be a key (b is then as before).
 * Forms of several values are joined by ',' into one key; byte order of that is key order everywhere.
 */
const char *val_key(struct val v, enum key_as as, struct buf *b);

#endif
