/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_trie - the asked paths as one tree, for the parsers of this room
 *
 *	int n = trie_name(t, TRIE_ROOT, key);		// the node below by an object's key, or TRIE_NONE
 *	n = trie_find(t, TRIE_ROOT, q, room, &len);	// the same, q behind the key's opening quote
 *	for (i = t->node[n].index; i != TRIE_NONE; i = t->node[i].next) ... elements asked for, ascending ...
 *	for (c = t->node[n].col; c != TRIE_NONE; c = t->ref[c].next) ... t->ref[c].col is a column to fill ...
 *
 * Names are found by their first 8 bytes, hashed with the node above: most keys of a record are not asked for, and one
 * load tells.  Invariants: fixed once made; node 0 is the record itself.  A line that repeats a key of this tree in
 * one object is bad, so a parser meets each node at most once a line.
 */
#ifndef IN_SCAN_TRIE_H
#define IN_SCAN_TRIE_H

#include "in/path.h"

#define TRIE_NONE (-1)
#define TRIE_ROOT 0

struct trie_node {
	struct span name;		/* or index, where it is an element */
	uint32_t index_of;
	int next;			/* sibling: by name in the order they came, by index ascending */
	int child;			/* first child by name */
	int index;			/* first child by index */
	int col;			/* first ref of a column that ends here */
};

/* In the order of columns. */
struct trie_ref { size_t col; int node, next; };

struct trie_slot {
	uint64_t prefix;		/* of the name of `node`, a child of `above` */
	int above, node;
};

struct trie {
	struct trie_node *node;
	struct trie_ref *ref;
	struct trie_slot *slot;		/* open addressing, at most an eighth full */
	size_t n, n_refs, n_columns, mask;
	unsigned shift;
};

void trie_init(struct trie *, const struct pathset *);
void trie_free(struct trie *);
/* The child of `node` by a name given as it is meant, unescaped. */
int trie_name(const struct trie *, int node, struct span name);
/* Does no child of `node` begin with these bytes? */
bool trie_none_begins(const struct trie *, int node, struct span start);

/* The first bytes at p, the first one lowest. */
static inline uint64_t
trie_load(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

static inline size_t
trie_slot(const struct trie *t, int node, uint64_t prefix)
{
	return (size_t)(((prefix ^ (uint64_t)(unsigned)node << 56 ^ (uint64_t)(unsigned)node) *
	    UINT64_C(0x9E3779B97F4A7C15)) >> t->shift);
}

/* A key behind its opening quote at q as trie_slot takes it: 8 bytes, zeros from the quote on; *quote marks that. */
static inline uint64_t
trie_prefix(const char *q, uint64_t *quote)
{
	const uint64_t ones = UINT64_MAX / 255;
	uint64_t w = trie_load(q), x = w ^ ones * '"';

	*quote = (x - ones) & ~x & ones * 0x80;		/* its lowest bit is exact */
	return w & (((*quote & -*quote) >> 7) - 1);
}

/*
 * The child of `node` whose key stands at q, behind its opening quote, without a backslash and closed by a quote
 * within `room` bytes; its length.  8 bytes at q are readable.
 */
static inline int
trie_find(const struct trie *t, int node, const char *q, size_t room, size_t *len)
{
	uint64_t quote, w = trie_prefix(q, &quote);
	const struct trie_slot *s;
	struct span name;

	for (size_t i = trie_slot(t, node, w);; i = (i + 1) & t->mask) {
		s = &t->slot[i];
		if (s->node == TRIE_NONE)
			return TRIE_NONE;
		if (s->prefix != w || s->above != node)
			continue;
		name = t->node[s->node].name;
		if (quote != 0 ? name.n == (size_t)__builtin_ctzll(quote) / 8 :
		    name.n < room && q[name.n] == '"' && memcmp(q, name.p, name.n) == 0) {
			*len = name.n;
			return s->node;
		}
	}
}

#endif
