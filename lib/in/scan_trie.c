/* SPDX-License-Identifier: BSD-2-Clause */
/* scan_trie - paths become nodes; a JSON Pointer's number becomes two, for only the record knows what it meets. */
#include "in/scan_trie.h"

#include <stdlib.h>


static int
node_new(struct trie *t)
{
	t->node = mem_array(t->node, mem_add(t->n, 1), sizeof *t->node);
	t->node[t->n] = (struct trie_node){ .next = TRIE_NONE, .child = TRIE_NONE, .index = TRIE_NONE,
	    .col = TRIE_NONE };
	return (int)t->n++;
}

static int
add_name(struct trie *t, int node, struct span name)
{
	int i = t->node[node].child;

	while (i != TRIE_NONE && !span_eq(t->node[i].name, name))
		i = t->node[i].next;
	if (i != TRIE_NONE)
		return i;
	i = node_new(t);
	t->node[i].name = name;
	t->node[i].next = t->node[node].child;
	t->node[node].child = i;
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
	t->ref[t->n_refs] = (struct trie_ref){ .col = col, .node = node, .next = t->node[node].col };
	t->node[node].col = (int)t->n_refs++;
}

/* The first 8 bytes of a name, zeros behind it. */
static uint64_t
prefix_of(struct span name)
{
	char first[8] = { 0 };

	if (name.n > 0)
		memcpy(first, name.p, name.n < 8 ? name.n : 8);
	return trie_load(first);
}

static void
hash_names(struct trie *t)
{
	size_t slots = 128;

	t->shift = 64 - 7;
	while (slots < 8 * t->n) {
		slots *= 2;
		t->shift--;
	}
	t->mask = slots - 1;
	t->slot = mem_array(NULL, slots, sizeof *t->slot);
	for (size_t i = 0; i < slots; i++)
		t->slot[i] = (struct trie_slot){ 0, TRIE_NONE, TRIE_NONE };
	for (size_t n = 0; n < t->n; n++)
		for (int c = t->node[n].child; c != TRIE_NONE; c = t->node[c].next) {
			uint64_t prefix = prefix_of(t->node[c].name);
			size_t i = trie_slot(t, (int)n, prefix);

			while (t->slot[i].node != TRIE_NONE)
				i = (i + 1) & t->mask;
			t->slot[i] = (struct trie_slot){ prefix, (int)n, c };
		}
}

int
trie_name(const struct trie *t, int node, struct span name)
{
	uint64_t prefix = prefix_of(name);
	const struct trie_slot *s;

	for (size_t i = trie_slot(t, node, prefix);; i = (i + 1) & t->mask) {
		s = &t->slot[i];
		if (s->node == TRIE_NONE)
			return TRIE_NONE;
		if (s->prefix == prefix && s->above == node && span_eq(t->node[s->node].name, name))
			return s->node;
	}
}

bool
trie_none_begins(const struct trie *t, int node, struct span start)
{
	for (int c = t->node[node].child; c != TRIE_NONE; c = t->node[c].next)
		if (t->node[c].name.n >= start.n && memcmp(t->node[c].name.p, start.p, start.n) == 0)
			return false;
	return true;
}

void
trie_init(struct trie *t, const struct pathset *ps)
{
	*t = (struct trie){ 0 };
	node_new(t);
	t->n_columns = ps != NULL ? ps->n : 0;
	for (size_t c = 0; ps != NULL && c < ps->n; c++) {
		unsigned readings = 1;

		for (size_t i = 0; i < ps->path[c].n; i++)
			readings <<= ps->path[c].seg[i].either;
		for (unsigned r = 0; r < readings; r++)
			add_path(t, &ps->path[c], c, r);
	}
	hash_names(t);
}

void
trie_free(struct trie *t)
{
	free(t->node);
	free(t->ref);
	free(t->slot);
	*t = (struct trie){ 0 };
}
