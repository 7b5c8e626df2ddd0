/* SPDX-License-Identifier: BSD-2-Clause */
/* pool - see pool.h */
#include "op/pool.h"

/* Classes 16 20 24 28 | 32 40 48 56 | ... times: four to each power of two, sizes a multiple of 4 and at least 16. */
static size_t
class_size(unsigned c)
{
	return ((size_t)4 + c % 4) << (2 + c / 4);
}

/* The smallest class that holds n. */
static unsigned
class_of(size_t n)
{
	unsigned log, c;

	if (n <= 16)
		return 0;
	log = 63 - (unsigned)__builtin_clzl(n);
	c = (log - 4) * 4 + (unsigned)(n >> (log - 2) & 3);
	return class_size(c) < n ? c + 1 : c;
}

static void
take(struct pool *p, struct kept *k, size_t n)
{
	unsigned c;
	void *block;

	if (n > UINT32_MAX / 2)
		mem_mul(SIZE_MAX, n);		/* no state of one key is that long */
	c = class_of(n);
	block = p->spare[c];
	if (block != NULL) {
		memcpy(&p->spare[c], block, sizeof block);
		mem_ask(p->spare[c], class_size(c));	/* the next one, which is read, then filled */
	} else
		block = arena_get(&p->mem, class_size(c));
	*k = (struct kept){ block, 0, (uint32_t)class_size(c) };
}

static void
give(struct pool *p, struct kept *k)
{
	unsigned c;

	if (k->p == NULL)
		return;
	c = class_of(k->cap);
	memcpy(k->p, &p->spare[c], sizeof(void *));
	p->spare[c] = k->p;
}

void
kept_room(struct pool *p, struct kept *k, size_t n)
{
	if (n > k->cap || k->p == NULL) {
		give(p, k);
		take(p, k, n);
	}
	k->n = (uint32_t)n;
}

void
kept_set(struct pool *p, struct kept *k, struct span s)
{
	kept_room(p, k, s.n);
	if (s.n > 0)
		memcpy(k->p, s.p, s.n);
}

void
kept_add(struct pool *p, struct kept *k, struct span s)
{
	size_t n = mem_add(k->n, s.n);

	if (n > k->cap || k->p == NULL) {
		struct kept old = *k;

		take(p, k, n < 2 * (size_t)old.cap ? 2 * (size_t)old.cap : n);
		if (old.n > 0)
			memcpy(k->p, old.p, old.n);
		k->n = old.n;
		give(p, &old);
	}
	if (s.n > 0)
		memcpy(k->p + k->n, s.p, s.n);
	k->n = (uint32_t)n;
}

void
kept_drop(struct pool *p, struct kept *k)
{
	give(p, k);
	*k = (struct kept){ 0 };
}

void
pool_take(struct pool *p, struct pool *from)
{
	for (unsigned c = 0; c < POOL_CLASSES; c++) {
		void *last = from->spare[c], *next = last;

		while (next != NULL) {
			last = next;
			memcpy(&next, last, sizeof next);
		}
		if (last == NULL)
			continue;
		memcpy(last, &p->spare[c], sizeof(void *));
		p->spare[c] = from->spare[c];
	}
	arena_take(&p->mem, &from->mem);
	*from = (struct pool){ 0 };
}

size_t
pool_bytes(const struct pool *p)
{
	return p->mem.bytes;
}

void
pool_free(struct pool *p)
{
	arena_free(&p->mem);
	*p = (struct pool){ .mem = p->mem };	/* nothing but what pages it is of */
}
