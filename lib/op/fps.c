/* SPDX-License-Identifier: BSD-2-Clause */
/* fps - see fps.h */
#include <stdlib.h>

#include "base/mem.h"
#include "op/fps.h"

__extension__ typedef unsigned __int128 u128;

#define CAP_MIN 16
#define SHRINK 8		/* where no more of the table is taken, a smaller one is made */

/* As in ids.c: fingerprints have a fixed seed, so without one of the process's own their places could be chosen. */
static size_t
place(struct fp id, uint64_t cap)
{
	static uint64_t seed[2];
	u128 x;

	if (seed[0] == 0) {
		seed[1] = hash_mem(span_str("fps, hi")) | 1;
		seed[0] = hash_mem(span_str("fps, lo")) | 1;
	}
	x = (u128)(id.lo ^ seed[0]) * (id.hi ^ seed[1]);
	return (size_t)((u128)((uint64_t)x ^ (uint64_t)(x >> 64)) * cap >> 64);
}

static bool
empty(const struct fps_slot *s)
{
	return (s->id.lo | s->id.hi) == 0;
}

static struct fp
taken_for(struct fp id)
{
	id.lo |= (id.lo | id.hi) == 0;
	return id;
}

/* The slot that holds it, or the free one where it belongs. */
static struct fps_slot *
find(const struct fps *t, struct fp id)
{
	size_t i = place(id, t->cap);

	while (!empty(&t->v[i]) && (t->v[i].id.lo != id.lo || t->v[i].id.hi != id.hi))
		i = i + 1 == t->cap ? 0 : i + 1;
	return &t->v[i];
}

static uint64_t
room(uint64_t cap)
{
	return cap / 5 * 4;
}

static uint64_t
next_cap(uint64_t cap)
{
	return cap == 0 ? CAP_MIN : mem_add(cap, cap / 2);
}

static void
rebuild(struct fps *t, uint64_t cap)
{
	struct fps old = *t;

	*t = (struct fps){ mem_table(mem_mul(cap, sizeof *t->v)), 0, cap };
	for (size_t i = 0; i < old.cap; i++) {
		if (empty(&old.v[i]))
			continue;
		*find(t, old.v[i].id) = old.v[i];
		t->n++;
	}
	mem_table_free(old.v, fps_bytes(&old));
}

uint64_t *
fps_put(struct fps *t, struct fp id, bool *fresh)
{
	struct fps_slot *s;

	id = taken_for(id);
	if (t->cap == 0)
		rebuild(t, CAP_MIN);
	s = find(t, id);
	*fresh = empty(s);
	if (!*fresh)
		return &s->word;
	if (t->n >= room(t->cap)) {
		rebuild(t, next_cap(t->cap));
		s = find(t, id);
	}
	s->id = id;
	t->n++;
	return &s->word;
}

uint64_t *
fps_get(const struct fps *t, struct fp id)
{
	struct fps_slot *s;

	if (t->cap == 0)
		return NULL;
	s = find(t, taken_for(id));
	return empty(s) ? NULL : &s->word;
}

void
fps_prefetch(const struct fps *t, struct fp id)
{
	if (t->cap > 0)
		__builtin_prefetch(&t->v[place(taken_for(id), t->cap)]);
}

void
fps_reserve(struct fps *t, uint64_t n)
{
	if (n > room(t->cap))
		rebuild(t, mem_add(n, n / 4 + CAP_MIN));
}

bool
fps_full(const struct fps *t, uint64_t more)
{
	return mem_add(t->n, more) > room(t->cap);
}

/*
 * From behind a free slot on: what stays, where one before it in its cluster went, is taken out and put where it
 * belongs now.  That is at or before where it was, for all that stood before it there are settled.
 */
void
fps_sweep(struct fps *t, bool (*stays)(void *, const struct fps_slot *), void *arg)
{
	uint64_t first = 0;
	bool holes = false;		/* in the cluster at hand */

	if (t->n == 0)
		return;
	while (!empty(&t->v[first]))
		first++;
	for (uint64_t k = 1; k < t->cap; k++) {
		struct fps_slot *s = &t->v[first + k < t->cap ? first + k : first + k - t->cap], was = *s;

		if (empty(s)) {
			holes = false;
			continue;
		}
		if (!stays(arg, &was)) {
			*s = (struct fps_slot){ 0 };
			t->n--;
			holes = true;
		} else if (holes) {
			*s = (struct fps_slot){ 0 };
			*find(t, was.id) = was;
		}
	}
	if (t->n < t->cap / SHRINK)
		rebuild(t, 2 * t->n + CAP_MIN);
}

size_t
fps_bytes(const struct fps *t)
{
	return t->cap * sizeof *t->v;
}

size_t
fps_bytes_with(const struct fps *t, uint64_t more)
{
	uint64_t was = 0, cap = t->cap;

	while (mem_add(t->n, more) > room(cap)) {
		was = cap;
		cap = next_cap(cap);
	}
	return mem_mul(mem_add(was, cap), sizeof *t->v);
}

void
fps_free(struct fps *t)
{
	mem_table_free(t->v, fps_bytes(t));
	*t = (struct fps){ 0 };
}
