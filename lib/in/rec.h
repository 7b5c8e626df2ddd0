/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rec - walk one validated value: members of an object, elements of an array
 *
 *	struct rec r; rec_begin(&r, line);
 *	while (rec_next(&r, &key, &v)) ... key: raw bytes inside its quotes; v: value span ...
 *
 * Invariants: only for bytes that the scanner accepted; no check, no copy, no recursion.  Keys come raw (escapes
 * not undone); rec_key_is compares after unescaping.
 */
#ifndef IN_REC_H
#define IN_REC_H

#include "base/val.h"

struct rec { const char *p, *end; bool array; };

/* Begin at an object or array value (the whole token). */
void rec_begin(struct rec *, struct span value);
/* Next member or element; false at the end. key is empty for elements. */
bool rec_next(struct rec *, struct span *key, struct val *);
/*
 * The same where objects come with their members in one order: the hint holds the key that stood at this place in the
 * last one, quotes and colon included, and is looked at first; behind the call it holds the one found.  Zero: none yet.
 */
#define REC_HINT_BYTES 32
struct rec_hint { char text[REC_HINT_BYTES]; uint8_t n; };
bool rec_next_like(struct rec *, struct rec_hint *, struct span *key, struct val *);
/* Does the raw key equal these unescaped bytes? */
bool rec_key_is(struct span key_raw, struct span name, struct buf *scratch);
/* The end of the value that begins at p (no leading blanks); end bounds it. */
const char *rec_value_end(const char *p, const char *end);

#endif
