/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_plain - one line judged byte by byte: the reference for every kernel, and the one voice that names an error
 *
 *	struct plain a; plain_init(&a, &trie, &limits, col);
 *	why = plain_line(&a, line, row);	// NULL: valid, col[c][row] filled; else a reason, a.at its offset
 *	plain_free(&a);
 *
 * Invariants: no recursion (a frame per open bracket, as many as the depth limit), no allocation but for the first
 * keys with escapes.  Reads nothing behind the line.
 */
#ifndef IN_SCAN_PLAIN_H
#define IN_SCAN_PLAIN_H

#include "base/val.h"
#include "in/scan_trie.h"

struct limits {
	size_t string;
	uint32_t depth, keys;
	bool any;
};

struct frame {
	const char *start;	/* the bracket */
	int self;		/* node of this container, or TRIE_NONE */
	int children;		/* self, if asked paths go on below it */
	int element;		/* array: the next child by index */
	uint32_t n;		/* keys, or elements begun */
	bool object;
};

struct plain {
	const struct trie *trie;
	const struct limits *limits;
	struct val *const *col;
	size_t row;
	struct frame *frame;
	uint32_t *met, serial;	/* met[node] == serial: this line had it */
	size_t left;		/* columns that are not filled */
	struct buf key;
	size_t at;
};

void plain_init(struct plain *, const struct trie *, const struct limits *, struct val *const *col);
void plain_free(struct plain *);
const char *plain_line(struct plain *, struct span line, size_t row);
/* A new line for whoever borrows met[]: no key was met, no column of its row is filled. */
void plain_begin(struct plain *, size_t row);
/* What was not filled is absent. */
void plain_absent(struct plain *);
/* That line is done, and good. */
static inline void
plain_end(struct plain *a)
{
	if (a->left > 0)
		plain_absent(a);
}

/* What the first byte of a valid value says it is. */
extern const uint8_t scan_tag[256];

/*
 * Set *v.  Member by member: a struct that is put together elsewhere and then copied whole waits for its own narrow
 * stores, some 12 cycles a value.
 */
static inline void
val_set(struct val *v, const char *p, size_t n, uint8_t tag, uint8_t escaped)
{
	v->raw.p = p;
	v->raw.n = n;
	v->tag = tag;
	v->escaped = escaped;
}

/* The columns that end at a node get the n bytes at p as their value. */
static inline void
plain_fill(struct plain *a, int node, const char *p, size_t n, uint8_t escaped)
{
	const struct trie *t = a->trie;
	const struct trie_ref *ref = t->ref;
	uint8_t tag = n > 0 ? scan_tag[(unsigned char)*p] : T_ABSENT;

	a->met[node] = a->serial;	/* an element too */
	for (int r = t->node[node].col; r != TRIE_NONE; r = ref[r].next) {
		val_set(&a->col[ref[r].col][a->row], p, n, tag, escaped);
		a->left--;		/* once a line: of an element's two readings one is there */
	}
}

/* The node below `node` for a key as it stands between its quotes. */
static inline int
trie_key(const struct trie *t, int node, struct span raw, bool escaped, struct buf *scratch)
{
	if (!escaped)
		return trie_name(t, node, raw);
	buf_clear(scratch);
	val_unescape(raw, scratch);
	return trie_name(t, node, buf_span(scratch));
}

/* A container that stands on `node` begins at p. */
static inline void
frame_open(const struct trie *t, struct frame *f, const char *p, int node)
{
	*f = (struct frame){ .start = p, .self = node, .children = TRIE_NONE, .element = TRIE_NONE,
	    .object = *p == '{' };
	if (node == TRIE_NONE)
		return;
	if (!f->object)
		f->element = t->node[node].index;
	else if (t->node[node].child != TRIE_NONE)
		f->children = node;
}

/* The node that the next element of an array stands on. */
static inline int
frame_element(const struct trie *t, struct frame *f)
{
	int node = f->element;

	if (node == TRIE_NONE || t->node[node].index_of != f->n++)
		return TRIE_NONE;
	f->element = t->node[node].next;
	return node;
}

/* Bytes that end a number or a literal: blanks, LF, brackets, comma, colon, quote. */
extern const uint8_t scan_delim[256];
/* Length of the UTF-8 sequence at p (not ASCII), or 0: no overlong form, no surrogate, nothing above U+10FFFF. */
size_t plain_utf8(const unsigned char *p, size_t left);
/* The end of the JSON number at p, or NULL; what follows it is not looked at. */
const char *plain_number(const char *p, const char *end);

#endif
