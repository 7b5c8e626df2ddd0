/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_trie - the asked paths as one tree, for the parsers of this room
 *
 *	int n = trie_name(t, TRIE_ROOT, key);		// the node below by an object's key, or TRIE_NONE
 *	for (i = t->node[n].index; i != TRIE_NONE; i = t->node[i].next) ... elements asked for, ascending ...
 *	for (c = t->node[n].col; c != TRIE_NONE; c = t->ref[c].next) ... t->ref[c].col is a column to fill ...
 *
 * Invariants: fixed once made; node 0 is the record itself.  A line that repeats a key of this tree in one object is
 * bad, so a parser meets each node at most once a line.
 */
#ifndef IN_SCAN_TRIE_H
#define IN_SCAN_TRIE_H

#include "in/path.h"

#define TRIE_NONE (-1)
#define TRIE_ROOT 0
#define TRIE_CHAINS 16		/* children by name are spread over this many chains */

struct trie_node {
	struct span name;		/* or index, where it is an element */
	uint32_t index_of;
	int next;			/* sibling in its chain */
	int name_chain[TRIE_CHAINS];
	int index;			/* first child by index; `next` goes up */
	int col;			/* first ref of a column that ends here */
	bool named;			/* has children by name */
};

struct trie_ref { size_t col; int next; };

struct trie {
	struct trie_node *node;
	struct trie_ref *ref;
	size_t n, n_refs;
};

void trie_init(struct trie *, const struct pathset *);
void trie_free(struct trie *);

/* Cheap and good enough: names of one object differ in length or at their ends. */
static inline unsigned
trie_chain(struct span name)
{
	unsigned h = (unsigned)name.n;

	if (name.n > 0)
		h += (unsigned char)name.p[0] * 3u + (unsigned char)name.p[name.n - 1];
	return h % TRIE_CHAINS;
}

static inline int
trie_name(const struct trie *t, int node, struct span name)
{
	int i = t->node[node].name_chain[trie_chain(name)];

	while (i != TRIE_NONE && !span_eq(t->node[i].name, name))
		i = t->node[i].next;
	return i;
}

#endif
