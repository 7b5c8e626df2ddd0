/* SPDX-License-Identifier: BSD-2-Clause */
/* map - see map.h */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/inorder.h"
#include "base/map.h"
#include "base/mem.h"

#define SLOTS_MIN ((size_t)64)

/* An entry is header, cell, then the key's bytes: one cache line for small ones. */
struct entry {
	uint64_t hash;
	uint32_t key_n;
	uint32_t room;		/* key bytes it can hold, a multiple of 16: what a reuse needs to know */
	struct entry *next_free;
};

#define FREE_LISTS 18		/* one for each room up to 256 bytes, the last one for all that are longer */

struct map {
	struct entry **slot;
	uint32_t *tag;		/* upper hash bits beside the slots, so most misses never touch an entry */
	size_t mask, used, dead;
	size_t cell_bytes;
	struct arena mem;
	struct entry *spare[FREE_LISTS];
};

#define DEAD ((struct entry *)1)

static void *
entry_cell(struct entry *e)
{
	return e + 1;
}

static const char *
entry_key(const struct map *m, const struct entry *e)
{
	return (const char *)(e + 1) + m->cell_bytes;
}

static struct entry **
spare_of(struct map *m, uint32_t room)
{
	return &m->spare[room / 16 < FREE_LISTS - 1 ? room / 16 : FREE_LISTS - 1];
}

static void
make_slots(struct map *m, size_t n)
{
	m->slot = mem_table(mem_mul(n, sizeof *m->slot));
	m->tag = mem_table(mem_mul(n, sizeof *m->tag));
	m->mask = n - 1;
	m->dead = 0;
}

static void
free_slots(struct map *m)
{
	mem_table_free(m->slot, (m->mask + 1) * sizeof *m->slot);
	mem_table_free(m->tag, (m->mask + 1) * sizeof *m->tag);
}

struct map *
map_new(size_t cell_bytes)
{
	struct map *m = mem_new(sizeof *m);

	m->cell_bytes = (cell_bytes + 15) & ~(size_t)15;
	make_slots(m, SLOTS_MIN);
	return m;
}

static void
rehash(struct map *m, size_t slots)
{
	struct entry **old = m->slot;
	size_t n = m->mask + 1;

	mem_table_free(m->tag, n * sizeof *m->tag);
	make_slots(m, slots);
	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (old[i] == NULL || old[i] == DEAD)
			continue;
		at = old[i]->hash & m->mask;
		while (m->slot[at] != NULL)
			at = (at + 1) & m->mask;
		m->slot[at] = old[i];
		m->tag[at] = (uint32_t)(old[i]->hash >> 32);
	}
	mem_table_free(old, n * sizeof *old);
}

/* Room for so many more. */
static void
make_room(struct map *m, size_t more)
{
	size_t n = m->mask + 1;

	if (mem_mul(mem_add(m->used + m->dead, more), 4) <= n * 3)
		return;
	while (mem_mul(m->used + more, 4) > n * 3 || m->used * 2 > n)
		n = mem_mul(n, 2);
	rehash(m, n);			/* many dead slots: perhaps the same size, cleaned */
}

static bool
same_key(const struct map *m, const struct entry *e, struct span key)
{
	const char *k = entry_key(m, e);
	uint64_t a, b;

	if (e->key_n != key.n)
		return false;
	if (key.n < sizeof a || key.n > 4 * sizeof a)
		return key.n == 0 || memcmp(k, key.p, key.n) == 0;
	for (size_t i = 0; i + sizeof a < key.n; i += sizeof a) {	/* most are so short that a call costs more */
		memcpy(&a, k + i, sizeof a);
		memcpy(&b, key.p + i, sizeof b);
		if (a != b)
			return false;
	}
	memcpy(&a, k + key.n - sizeof a, sizeof a);
	memcpy(&b, key.p + key.n - sizeof b, sizeof b);
	return a == b;
}

static bool
holds(const struct map *m, size_t at, uint64_t hash, struct span key)
{
	const struct entry *e = m->slot[at];

	return m->tag[at] == (uint32_t)(hash >> 32) && e != DEAD && e->hash == hash && same_key(m, e, key);
}

static size_t
find(const struct map *m, uint64_t hash, struct span key, bool *found)
{
	size_t at = hash & m->mask, hole = SIZE_MAX;

	for (; m->slot[at] != NULL; at = (at + 1) & m->mask) {
		if (holds(m, at, hash, key)) {
			*found = true;
			return at;
		}
		if (m->slot[at] == DEAD && hole == SIZE_MAX)
			hole = at;
	}
	*found = false;
	return hole == SIZE_MAX ? at : hole;
}

void *
map_get(const struct map *m, struct span key)
{
	bool found;
	size_t at = find(m, hash_mem(key), key, &found);

	return found ? entry_cell(m->slot[at]) : NULL;
}

void
map_prefetch(const struct map *m, uint64_t hash)
{
	__builtin_prefetch(&m->slot[hash & m->mask]);
	__builtin_prefetch(&m->tag[hash & m->mask]);
}

static struct entry *
make_entry(struct map *m, uint64_t hash, struct span key)
{
	struct entry **spare, *e;
	uint32_t room;

	if (key.n > UINT32_MAX - 64)
		mem_mul(SIZE_MAX, 2);		/* no line is that long: limits.h */
	room = (uint32_t)(key.n + 15) & ~(uint32_t)15;
	spare = spare_of(m, room);
	e = *spare;
	if (e != NULL && e->room >= room) {
		*spare = e->next_free;
	} else {
		e = arena_get(&m->mem, mem_add(sizeof *e + m->cell_bytes, room));
		e->room = room;
	}
	e->hash = hash;
	e->key_n = (uint32_t)key.n;
	e->next_free = NULL;
	memset(entry_cell(e), 0, m->cell_bytes);
	if (key.n > 0)
		memcpy((char *)entry_cell(e) + m->cell_bytes, key.p, key.n);
	return e;
}

void *
map_put_hashed(struct map *m, uint64_t hash, struct span key, bool *fresh)
{
	bool found;
	size_t at = hash & m->mask;

	if (m->slot[at] != NULL && holds(m, at, hash, key)) {	/* nearly all */
		if (fresh != NULL)
			*fresh = false;
		return entry_cell(m->slot[at]);
	}
	at = find(m, hash, key, &found);
	if (fresh != NULL)
		*fresh = !found;
	if (found)
		return entry_cell(m->slot[at]);
	if ((m->used + m->dead + 1) * 4 > (m->mask + 1) * 3) {
		make_room(m, 1);
		at = find(m, hash, key, &found);
	}
	m->dead -= m->slot[at] == DEAD;
	m->slot[at] = make_entry(m, hash, key);
	m->tag[at] = (uint32_t)(hash >> 32);
	m->used++;
	return entry_cell(m->slot[at]);
}

void *
map_put(struct map *m, struct span key, bool *fresh)
{
	return map_put_hashed(m, hash_mem(key), key, fresh);
}

bool
map_del(struct map *m, struct span key)
{
	bool found;
	size_t at = find(m, hash_mem(key), key, &found);
	struct entry *e;

	if (!found)
		return false;
	e = m->slot[at];
	e->next_free = *spare_of(m, e->room);
	*spare_of(m, e->room) = e;
	m->slot[at] = DEAD;
	m->used--;
	m->dead++;
	return true;
}

struct span
map_key(const struct map *m, const void *cell)
{
	const struct entry *e = (const struct entry *)cell - 1;

	return (struct span){ entry_key(m, e), e->key_n };
}

size_t
map_count(const struct map *m)
{
	return m->used;
}

size_t
map_bytes(const struct map *m)
{
	return (m->mask + 1) * (sizeof *m->slot + sizeof *m->tag) + m->mem.bytes;
}

bool
map_next(const struct map *m, size_t *i, struct map_entry *out)
{
	for (; *i <= m->mask; ++*i) {
		struct entry *e = m->slot[*i];

		if (e == NULL || e == DEAD)
			continue;
		++*i;
		__builtin_prefetch(m->slot[(*i + 8) & m->mask]);
		*out = (struct map_entry){ { entry_key(m, e), e->key_n }, entry_cell(e) };
		return true;
	}
	return false;
}

static struct span
key_at(const void *map, uint64_t at)
{
	const struct entry *e = (const struct entry *)(uintptr_t)at;

	return (struct span){ entry_key(map, e), e->key_n };
}

static struct map_entry *
in_order(const struct map *m, struct inorder *v, size_t n)
{
	struct map_entry *out;

	v = inorder_sort(v, n, key_at, m);
	out = mem_array(NULL, n, sizeof *out);
	for (size_t i = 0; i < n; i++)
		out[i] = (struct map_entry){ key_at(m, v[i].at), (void *)((uintptr_t)v[i].at + sizeof(struct entry)) };
	free(v);
	return out;
}

struct map_entry *
map_sorted(const struct map *m)
{
	struct map *one = (struct map *)(uintptr_t)m;		/* to be read only */
	size_t n;

	return map_sorted_all(&one, 1, &n);
}

struct map_entry *
map_sorted_all(struct map *const *m, size_t n_maps, size_t *entries)
{
	struct inorder *v;
	struct map_entry e;
	size_t n = 0;

	*entries = 0;
	for (size_t k = 0; k < n_maps; k++)
		*entries += m[k]->used;
	v = inorder_new(*entries);
	for (size_t k = 0; k < n_maps; k++)
		for (size_t i = 0; map_next(m[k], &i, &e);)
			v[n++].at = (uintptr_t)e.cell - sizeof(struct entry);
	return in_order(m[0], v, n);
}

struct map_entry *
map_sorted_of(const struct map *m, bool (*want)(void *arg, const struct map_entry *), void *arg, size_t *n)
{
	struct inorder *v = NULL;
	struct map_entry e;
	size_t cap = 0;

	*n = 0;
	for (size_t i = 0; map_next(m, &i, &e);) {
		if (!want(arg, &e))
			continue;
		if (*n == cap) {
			cap = cap == 0 ? 256 : mem_mul(cap, 2);
			v = mem_array(v, cap, sizeof *v);
		}
		v[(*n)++].at = (uintptr_t)e.cell - sizeof(struct entry);
	}
	return in_order(m, v, *n);
}

/*
 * Both maps by slots, that is by hash, so near each other: but only where ours has room for all of it at once, or the
 * slots at the beginning would be full before the rest knows of it.
 */
void
map_take(struct map *m, struct map *from, void (*both)(void *arg, struct span key, void *cell, void *other),
    void *arg)
{
	make_room(m, from->used);
	for (size_t i = 0; i <= from->mask; i++) {
		struct entry *e = from->slot[i];
		struct span key;
		bool found;
		size_t at;

		if (i + 8 <= from->mask && from->slot[i + 8] != NULL)
			__builtin_prefetch(from->slot[i + 8]);
		if (e == NULL || e == DEAD)
			continue;
		key = (struct span){ entry_key(from, e), e->key_n };
		at = find(m, e->hash, key, &found);
		if (found) {
			both(arg, key, entry_cell(m->slot[at]), entry_cell(e));
			e->next_free = *spare_of(m, e->room);
			*spare_of(m, e->room) = e;
			continue;
		}
		m->dead -= m->slot[at] == DEAD;
		m->slot[at] = e;
		m->tag[at] = (uint32_t)(e->hash >> 32);
		m->used++;
	}
	arena_take(&m->mem, &from->mem);
	map_clear(from);
}

void
map_clear(struct map *m)
{
	free_slots(m);
	arena_free(&m->mem);
	memset(m->spare, 0, sizeof m->spare);
	m->used = 0;
	make_slots(m, SLOTS_MIN);
}

void
map_free(struct map *m)
{
	if (m == NULL)
		return;
	free_slots(m);
	arena_free(&m->mem);
	free(m);
}
