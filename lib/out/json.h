/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json - records made of given bytes: rows of named cells, and edits that leave the rest as it was
 *
 *	struct buf key = { 0 }; json_key(&key, span_str("gmv"));	// "gmv":
 *	json_open(&out); json_member(&out, buf_span(&key), v.raw); json_shut(&out);
 *	struct edit e[] = { { b->col[3][i], buf_span(&key), value, EDIT_SET } };
 *	json_edit(&out, b->line[i], e, 1, work);		// replaced in place, or appended
 *
 * Invariants: every byte that no edit names is copied as it stands, blanks included.  Values are JSON
 * already.  No allocation beyond the buffer's growth.
 */
#ifndef OUT_JSON_H
#define OUT_JSON_H

#include "base/val.h"

/* Append `"name":`, escaped. */
void json_key(struct buf *, struct span name);
void json_open(struct buf *);
/* Append key (from json_key) and value; absent values (empty span) print null. A comma where one is needed. */
void json_member(struct buf *, struct span key, struct span value);
void json_shut(struct buf *);

/*
 * Many records with the same members: keys are kept with what stands before them, and all is copied in chunks.  A use:
 *	struct json_row r = { 0 };
 *	json_row_key(&r, key); ... v[k] = ...; json_row_add(&r, v, &out); ... json_row_free(&r);
 */
#define JSON_AHEAD 32		/* so many bytes behind a value are read, whatever they are */
struct json_row {
	size_t n, bytes;
	struct buf text;	/* `{"a":`, `,"b":`, …, each from a multiple of JSON_AHEAD on */
	struct json_part { size_t at, n; } *key;
};

/* One more member; key is from json_key and may be freed after. */
void json_row_key(struct json_row *, struct span key);
/*
 * Append a record; an empty value prints null.  Values are of a block of input (BLOCK_PAD_BYTES are behind it), or
 * have JSON_AHEAD bytes behind them of their own.
 */
void json_row_add(const struct json_row *, const struct span *value, struct buf *out);
void json_row_free(struct json_row *);

enum edit_kind {
	EDIT_SET,	/* replace old where it stands; append when absent */
	EDIT_DROP	/* take the member out; nothing when absent */
};

struct edit {
	struct val old;		/* the value's place in the line, T_ABSENT when there is none */
	struct span key;	/* from json_key; what is appended under (top level) */
	struct span value;	/* EDIT_SET: new JSON value; empty: null */
	enum edit_kind kind;
};

/*
 * Append the line with n edits made (the array is sorted in place by position; overlapping edits are an
 * assertion failure: the caller has refused paths that contain each other). No line end is added.
 */
void json_edit(struct buf *out, struct span line, struct edit *, size_t n);

#endif
