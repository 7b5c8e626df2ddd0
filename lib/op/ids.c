/* SPDX-License-Identifier: BSD-2-Clause */
/* ids - see ids.h */
#include <stdlib.h>

#include "base/mem.h"
#include "op/ids.h"

__extension__ typedef unsigned __int128 u128;

#define LIST_MAX 8		/* so many are looked through one after the other */

/* Ids may be chosen by whoever writes the records: without the seed their places cannot be. */
static uint64_t
seed(void)
{
	static uint64_t s;

	if (s == 0)
		s = hash_mem(span_str("ids")) | 1;
	return s;
}

static size_t
place(struct fp id, uint64_t cap)
{
	uint64_t x = (id.lo ^ seed()) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 32 ^ id.hi) * (seed() ^ UINT64_C(0xd6e8feb86659fd92));
	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return (size_t)((u128)x * cap >> 64);
}

static struct fp
at(const struct ids *s, size_t i)
{
	return s->wide ? (struct fp){ s->v[2 * i], s->v[2 * i + 1] } : (struct fp){ s->v[i], 0 };
}

static void
put(struct ids *s, size_t i, struct fp id)
{
	if (s->wide) {
		s->v[2 * i] = id.lo;
		s->v[2 * i + 1] = id.hi;
	} else
		s->v[i] = id.lo;
}

static bool
same(struct fp a, struct fp b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

static bool
empty(struct fp a)
{
	return (a.lo | a.hi) == 0;
}

/* Into a table that has room and does not hold it. */
static void
place_new(struct ids *s, struct fp id)
{
	size_t i = place(id, s->cap);

	while (!empty(at(s, i)))
		i = i + 1 == s->cap ? 0 : i + 1;
	put(s, i, id);
}

/* The same ids in `cap` slots of the given width. */
static void
rebuild(struct ids *s, uint64_t cap, bool wide)
{
	struct ids old = *s;

	s->v = mem_new(mem_mul(mem_mul(cap, wide ? 2 : 1), sizeof *s->v));
	s->cap = cap;
	s->wide = wide;
	for (size_t i = 0, n = 0; i < old.cap; i++) {
		struct fp id = at(&old, i);

		if (empty(id))
			continue;
		if (cap <= LIST_MAX)
			put(s, n++, id);
		else
			place_new(s, id);
	}
	free(old.v);
}

static void
make_room(struct ids *s)
{
	if (s->cap < LIST_MAX) {
		if (s->n == s->cap)
			rebuild(s, s->cap == 0 ? 2 : s->cap * 2, s->wide);
	} else if (s->cap == LIST_MAX) {
		if (s->n == LIST_MAX)
			rebuild(s, 2 * LIST_MAX, s->wide);
	} else if (s->n >= s->cap / 5 * 4) {
		rebuild(s, mem_add(s->cap, s->cap / 2), s->wide);
	}
}

bool
ids_has(const struct ids *s, struct fp id)
{
	struct fp held;
	size_t i;

	if (empty(id))
		return s->zero;
	if (s->cap <= LIST_MAX) {
		for (i = 0; i < s->n; i++)
			if (same(at(s, i), id))
				return true;
		return false;
	}
	for (i = place(id, s->cap); !empty(held = at(s, i)); i = i + 1 == s->cap ? 0 : i + 1)
		if (same(held, id))
			return true;
	return false;
}

bool
ids_add(struct ids *s, struct fp id)
{
	if (ids_has(s, id))
		return false;
	if (empty(id)) {
		s->zero = true;
		return true;
	}
	if (id.hi != 0 && !s->wide)
		rebuild(s, s->cap, true);
	make_room(s);
	if (s->cap <= LIST_MAX)
		put(s, s->n, id);
	else
		place_new(s, id);
	s->n++;
	return true;
}

void
ids_prefetch(const struct ids *s, struct fp id)
{
	if (s->cap > LIST_MAX)
		__builtin_prefetch(s->v + place(id, s->cap) * (s->wide ? 2 : 1));
}

uint64_t
ids_count(const struct ids *s)
{
	return s->n + s->zero;
}

size_t
ids_bytes(const struct ids *s)
{
	return s->cap * (s->wide ? 16 : 8);
}

static int
by_number(const void *pa, const void *pb)
{
	const struct fp *a = pa, *b = pb;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return a->lo < b->lo ? -1 : a->lo > b->lo;
}

struct fp *
ids_sorted(const struct ids *s)
{
	struct fp *v = mem_array(NULL, ids_count(s), sizeof *v);
	size_t n = 0;

	if (s->zero)
		v[n++] = (struct fp){ 0, 0 };
	for (size_t i = 0; i < s->cap; i++)
		if (!empty(at(s, i)))
			v[n++] = at(s, i);
	qsort(v, n, sizeof *v, by_number);
	return v;
}

void
ids_free(struct ids *s)
{
	free(s->v);
	*s = (struct ids){ .wide = s->wide };
}
