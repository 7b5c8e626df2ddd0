/* SPDX-License-Identifier: BSD-2-Clause */
/* scan_trie - paths become nodes; a JSON Pointer's number becomes two, for only the record knows what it meets. */
#include "in/scan_trie.h"

#include <stdlib.h>

#include "base/limits.h"

static int
node_new(struct trie *t)
{
	struct trie_node *n;

	t->node = mem_array(t->node, mem_add(t->n, 1), sizeof *t->node);
	n = &t->node[t->n];
	*n = (struct trie_node){ .next = TRIE_NONE, .index = TRIE_NONE, .col = TRIE_NONE };
	for (int i = 0; i < TRIE_CHAINS; i++)
		n->name_chain[i] = TRIE_NONE;
	return (int)t->n++;
}

static int
add_name(struct trie *t, int node, struct span name)
{
	unsigned chain = trie_chain(name);
	int i = trie_name(t, node, name);

	if (i != TRIE_NONE)
		return i;
	i = node_new(t);
	t->node[i].name = name;
	t->node[i].next = t->node[node].name_chain[chain];
	t->node[node].name_chain[chain] = i;
	t->node[node].named = true;
	return i;
}

static int
add_index(struct trie *t, int node, uint32_t index)
{
	int prev = TRIE_NONE, i = t->node[node].index, new;

	while (i != TRIE_NONE && t->node[i].index_of < index) {
		prev = i;
		i = t->node[i].next;
	}
	if (i != TRIE_NONE && t->node[i].index_of == index)
		return i;
	new = node_new(t);
	t->node[new].index_of = index;
	t->node[new].next = i;
	if (prev == TRIE_NONE)
		t->node[node].index = new;
	else
		t->node[prev].next = new;
	return new;
}

/* One reading of a path: bit k of `as_index` says how its k-th either-segment is taken. */
static void
add_path(struct trie *t, const struct path *p, size_t col, unsigned as_index)
{
	int node = TRIE_ROOT;

	for (size_t i = 0; i < p->n; i++) {
		const struct seg *g = &p->seg[i];
		bool index = g->name.p == NULL;

		if (g->either) {
			index = as_index & 1;
			as_index >>= 1;
		}
		node = index ? add_index(t, node, g->index) : add_name(t, node, g->name);
	}
	t->ref = mem_array(t->ref, mem_add(t->n_refs, 1), sizeof *t->ref);
	t->ref[t->n_refs] = (struct trie_ref){ col, t->node[node].col };
	t->node[node].col = (int)t->n_refs++;
}

void
trie_init(struct trie *t, const struct pathset *ps)
{
	*t = (struct trie){ 0 };
	node_new(t);
	for (size_t c = 0; ps != NULL && c < ps->n; c++) {
		unsigned readings = 1;

		for (size_t i = 0; i < ps->path[c].n; i++)
			readings <<= ps->path[c].seg[i].either;
		for (unsigned r = 0; r < readings; r++)
			add_path(t, &ps->path[c], c, r);
	}
}

void
trie_free(struct trie *t)
{
	free(t->node);
	free(t->ref);
	*t = (struct trie){ 0 };
}
