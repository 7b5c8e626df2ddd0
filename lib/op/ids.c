/* SPDX-License-Identifier: BSD-2-Clause */
/* ids - see ids.h */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "op/ids.h"

__extension__ typedef unsigned __int128 u128;

/* Ids may be chosen by whoever writes the records: without the seeds their places cannot be. */
static size_t
place(struct fp id, uint64_t cap)
{
	static _Atomic uint64_t seed[2];	/* threads that come here together store the same */
	uint64_t lo = atomic_load_explicit(&seed[0], memory_order_relaxed);
	uint64_t hi = atomic_load_explicit(&seed[1], memory_order_relaxed);
	u128 x;

	if (lo == 0 || hi == 0) {
		atomic_store_explicit(&seed[0], lo = hash_mem(span_str("ids, lo")) | 1, memory_order_relaxed);
		atomic_store_explicit(&seed[1], hi = hash_mem(span_str("ids, hi")) | 1, memory_order_relaxed);
	}
	x = (u128)(id.lo ^ lo) * (id.hi ^ hi);
	return (size_t)((u128)((uint64_t)x ^ (uint64_t)(x >> 64)) * cap >> 64);
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

/* In a table with room: the slot that holds it, or the free one where it belongs. Pre: wide, or id.hi is 0. */
static size_t
find(const struct ids *s, struct fp id, bool *held)
{
	const uint64_t *v = s->v;
	size_t cap = s->cap, i = place(id, cap);

	if (!s->wide) {
		while (v[i] != 0 && v[i] != id.lo)
			i = i + 1 == cap ? 0 : i + 1;
		*held = v[i] != 0;
		return i;
	}
	/* the lower half nearly always tells: a full table is looked through slot by slot */
	for (;; i = i + 1 == cap ? 0 : i + 1) {
		if (v[2 * i] == id.lo && v[2 * i + 1] == id.hi) {
			*held = true;
			return i;
		}
		if (v[2 * i] == 0 && v[2 * i + 1] == 0) {
			*held = false;
			return i;
		}
	}
}

/* Four at a time: one branch that is guessed right nearly always. */
static bool
in_list(const struct ids *s, struct fp id)
{
	const uint64_t *v = s->v;
	size_t i = 0;

	if (s->wide) {
		for (; i < s->n; i++)
			if (same(ids_slot(s, i), id))
				return true;
		return false;
	}
	for (; i + 4 <= s->n; i += 4)
		if ((v[i] == id.lo) | (v[i + 1] == id.lo) | (v[i + 2] == id.lo) | (v[i + 3] == id.lo))
			return id.hi == 0;
	for (; i < s->n; i++)
		if (v[i] == id.lo)
			return id.hi == 0;
	return false;
}

/* The same ids in `cap` slots of the given width. */
static void
rebuild(struct ids *s, uint64_t cap, bool wide)
{
	struct ids old = *s;

	if (cap <= IDS_LIST && wide == s->wide) {
		size_t words = wide ? 2 : 1;

		s->v = mem_array(s->v, cap * words, sizeof *s->v);
		memset(s->v + s->cap * words, 0, (cap - s->cap) * words * sizeof *s->v);
		s->cap = cap;
		return;
	}
	s->v = mem_table(mem_mul(mem_mul(cap, wide ? 2 : 1), sizeof *s->v));
	s->cap = cap;
	s->wide = wide;
	for (size_t i = 0, n = 0; i < old.cap; i++) {
		struct fp id = ids_slot(&old, i);
		bool held;

		if (empty(id))
			continue;
		ids_slot_put(s, cap <= IDS_LIST ? n++ : find(s, id, &held), id);
	}
	mem_table_free(old.v, ids_bytes(&old));
}

/* A table of that many slots takes no more than so many ids; a list is filled. */
static uint64_t
room(const struct ids *s, uint64_t cap)
{
	return cap <= IDS_LIST ? cap : s->dense ? cap / 20 * 17 : cap / 5 * 4;
}

static uint64_t
next_cap(uint64_t cap)
{
	return cap == 0 ? 2 : cap <= IDS_LIST ? cap * 2 : mem_add(cap, cap / 2);
}

bool
ids_has(const struct ids *s, struct fp id)
{
	bool held;

	if (empty(id))
		return s->zero;
	if (s->cap <= IDS_LIST)
		return in_list(s, id);
	if (id.hi != 0 && !s->wide)
		return false;
	(void)find(s, id, &held);
	return held;
}

static bool
add_zero(struct ids *s)
{
	bool had = s->zero;

	s->zero = true;
	return !had;
}

bool
ids_add(struct ids *s, struct fp id)
{
	bool held = false;
	size_t i;

	if (empty(id))
		return add_zero(s);
	if (id.hi != 0 && !s->wide)
		rebuild(s, s->cap, true);
	if (s->cap > IDS_LIST)
		i = find(s, id, &held);
	else {
		held = in_list(s, id);
		i = s->n;
	}
	if (held)
		return false;
	if (s->n >= room(s, s->cap)) {
		rebuild(s, next_cap(s->cap), s->wide);
		i = s->cap > IDS_LIST ? find(s, id, &held) : s->n;
	}
	ids_slot_put(s, i, id);
	s->n++;
	return true;
}

bool
ids_full(const struct ids *s)
{
	return s->n >= room(s, s->cap);
}

void
ids_reserve(struct ids *s, uint64_t n)
{
	uint64_t cap = mem_add(n, s->dense ? n / 17 * 3 + 24 : n / 4 + 16);

	if (n > room(s, s->cap))
		rebuild(s, cap, s->wide);
}

void
ids_prefetch(const struct ids *s, struct fp id)
{
	if (s->cap > IDS_LIST)
		__builtin_prefetch(s->v + place(id, s->cap) * (s->wide ? 2 : 1));
}

bool
ids_next(const struct ids *s, size_t *i, struct fp *id)
{
	if (*i == 0 && s->zero) {
		*id = (struct fp){ 0, 0 };
		++*i;
		return true;
	}
	for (*i += *i == 0; *i <= s->cap;)
		if (!empty(*id = ids_slot(s, (*i)++ - 1)))
			return true;
	return false;
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
		if (!empty(ids_slot(s, i)))
			v[n++] = ids_slot(s, i);
	qsort(v, n, sizeof *v, by_number);
	return v;
}

void
ids_take(struct ids *s, struct ids *from)
{
	struct ids less = *from;
	struct fp id;

	*from = (struct ids){ .wide = from->wide };
	if (less.n > s->n) {
		struct ids more = less;

		less = *s;
		*s = more;
	}
	/* in the order of their hashes: the slots at the beginning would be full before the table knows of the rest */
	if (less.cap > IDS_LIST)
		ids_reserve(s, mem_add(s->n, less.n));
	for (size_t i = 0; ids_next(&less, &i, &id);)
		(void)ids_add(s, id);
	ids_free(&less);
}

void
ids_free(struct ids *s)
{
	mem_table_free(s->v, ids_bytes(s));
	*s = (struct ids){ .wide = s->wide, .dense = s->dense };
}
