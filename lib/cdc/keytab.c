/* SPDX-License-Identifier: BSD-2-Clause */
/* keytab - see keytab.h */
#include <stdlib.h>

#include "base/inorder.h"
#include "base/mem.h"
#include "cdc/keytab.h"

#define BITS_MIN 10
#define BITS_MAX 32
#define INLINE_BYTES 24

struct entry {
	uint32_t n, cell;
	union {
		char in[INLINE_BYTES];
		const char *p;		/* of longer ones */
	} key;
};

struct keytab {
	uint64_t *slot;			/* upper hash bits << 32 | number + 1; 0: empty */
	unsigned bits;
	struct entry *entry;
	size_t n, cap;
	struct arena mem;
};

static size_t
n_slots(const struct keytab *t)
{
	return (size_t)1 << t->bits;
}

struct keytab *
keytab_new(void)
{
	struct keytab *t = mem_new(sizeof *t);

	t->bits = BITS_MIN;
	t->slot = mem_new(n_slots(t) * sizeof *t->slot);
	return t;
}

void
keytab_free(struct keytab *t)
{
	if (t == NULL)
		return;
	free(t->slot);
	free(t->entry);
	arena_free(&t->mem);
	free(t);
}

static struct span
key_of(const struct entry *e)
{
	return span_of(e->n <= INLINE_BYTES ? e->key.in : e->key.p, e->n);
}

/* The upper half decides place and tag, so that slots move without their keys. */
static size_t
home(const struct keytab *t, uint64_t slot_or_hash)
{
	return (size_t)(slot_or_hash >> 32 >> (32 - t->bits));
}

static size_t
after(const struct keytab *t, size_t at)
{
	return (at + 1) & (n_slots(t) - 1);
}

static void
grow(struct keytab *t)
{
	size_t n = n_slots(t);
	uint64_t *old = t->slot;

	if (t->bits == BITS_MAX)
		mem_mul(SIZE_MAX, 2);		/* more keys than numbers: the budget sends them to disk before */
	t->bits++;
	t->slot = mem_new(mem_mul(n_slots(t), sizeof *t->slot));
	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (old[i] == 0)
			continue;
		for (at = home(t, old[i]); t->slot[at] != 0; at = after(t, at))
			;
		t->slot[at] = old[i];
	}
	free(old);
}

static void
add(struct keytab *t, struct span key)
{
	struct entry *e;

	if (key.n > UINT32_MAX)
		mem_mul(SIZE_MAX, 2);		/* no line is that long: limits.h */
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 1024 : mem_mul(t->cap, 2);
		t->entry = mem_array(t->entry, t->cap, sizeof *t->entry);
	}
	e = &t->entry[t->n++];
	memset(e, 0, sizeof *e);
	e->n = (uint32_t)key.n;
	if (key.n > INLINE_BYTES)
		e->key.p = arena_dup(&t->mem, key);
	else if (key.n > 0)
		memcpy(e->key.in, key.p, key.n);
}

uint32_t
keytab_put(struct keytab *t, uint64_t hash, struct span key, bool *fresh)
{
	size_t at;

	if ((t->n + 1) * 4 > n_slots(t) * 3)
		grow(t);
	*fresh = false;
	for (at = home(t, hash); t->slot[at] != 0; at = after(t, at)) {
		uint32_t i = (uint32_t)t->slot[at] - 1;

		if (t->slot[at] >> 32 == hash >> 32 && span_eq(key_of(&t->entry[i]), key))
			return i;
	}
	add(t, key);
	t->slot[at] = (hash >> 32 << 32) | (uint32_t)t->n;
	*fresh = true;
	return (uint32_t)t->n - 1;
}

void
keytab_near(const struct keytab *t, uint64_t hash)
{
	__builtin_prefetch(&t->slot[home(t, hash)]);
}

const uint32_t *
keytab_nearer(const struct keytab *t, uint64_t hash)
{
	for (size_t at = home(t, hash); t->slot[at] != 0; at = after(t, at)) {
		const struct entry *e = &t->entry[(uint32_t)t->slot[at] - 1];

		if (t->slot[at] >> 32 != hash >> 32)
			continue;
		__builtin_prefetch(e);
		__builtin_prefetch((const char *)(e + 1) - 1);	/* half of them are in two lines */
		return &e->cell;
	}
	return NULL;
}

uint32_t *
keytab_cell(struct keytab *t, uint32_t i)
{
	return &t->entry[i].cell;
}

struct span
keytab_key(const struct keytab *t, uint32_t i)
{
	return key_of(&t->entry[i]);
}

void
keytab_clear(struct keytab *t)
{
	memset(t->slot, 0, n_slots(t) * sizeof *t->slot);
	t->n = 0;
	arena_reset(&t->mem);
}

size_t
keytab_count(const struct keytab *t)
{
	return t->n;
}

size_t
keytab_bytes(const struct keytab *t)
{
	return n_slots(t) * sizeof *t->slot + t->cap * sizeof *t->entry + t->mem.bytes;
}

/* ---- in order ---- */

static struct span
key_at(const void *arg, uint64_t at)
{
	const struct keytab *const *t = arg;

	return keytab_key(t[at >> 32], (uint32_t)at);
}

struct keytab_place *
keytab_sorted(const struct keytab *const *t, size_t n_tables, size_t *keys)
{
	struct keytab_place *order;
	struct inorder *v;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < n_tables; i++)
		n += t[i]->n;
	*keys = n;
	v = inorder_new(n);
	for (uint64_t i = 0; i < n_tables; i++)
		for (uint32_t x = 0; x < t[i]->n; x++)
			v[k++].at = i << 32 | x;
	v = inorder_sort(v, n, key_at, (const void *)t);
	order = mem_array(NULL, n, sizeof *order);
	for (size_t i = 0; i < n; i++)
		order[i] = (struct keytab_place){ (uint32_t)(v[i].at >> 32), (uint32_t)v[i].at };
	free(v);
	return order;
}
