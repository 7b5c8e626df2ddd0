/* SPDX-License-Identifier: BSD-2-Clause */
/* pair_hold - the records that wait and their keys: cells, queues, the heap; see pair_own.h */
#include <stdlib.h>

#include "op/pack.h"
#include "op/pair_own.h"

/* ---- cells ---- */

static size_t
find(const struct pair *s, uint64_t hash, struct span key)
{
	size_t at = hash & s->mask;

	for (; s->cell[at] != NULL; at = (at + 1) & s->mask)
		if (s->cell[at]->hash == hash && span_eq(cell_key(s->cell[at]), key))
			break;
	return at;
}

void
pair_slots(struct pair *s, size_t n)
{
	struct cell **old = s->cell;
	size_t n_old = old == NULL ? 0 : s->mask + 1;

	s->cell = mem_table(mem_mul(n, sizeof(struct cell *)));
	s->mask = n - 1;
	for (size_t i = 0; i < n_old; i++) {
		size_t at;

		if (old[i] == NULL)
			continue;
		for (at = old[i]->hash & s->mask; s->cell[at] != NULL; at = (at + 1) & s->mask)
			;
		s->cell[at] = old[i];
	}
	mem_table_free(old, n_old * sizeof *old);
}

void
pair_slots_free(struct pair *s)
{
	mem_table_free(s->cell, (s->mask + 1) * sizeof *s->cell);
	s->cell = NULL;
}

struct cell *
pair_cell(struct pair *s, uint64_t hash, struct span key)
{
	size_t at = find(s, hash, key);
	struct kept k = { 0 };
	struct cell *c;

	if (s->cell[at] != NULL)
		return s->cell[at];
	if ((s->n_cells + 1) * 2 > s->mask + 1) {
		pair_slots(s, mem_mul(s->mask + 1, 2));
		at = find(s, hash, key);
	}
	kept_room(&s->pool, &k, mem_add(sizeof *c, key.n));
	c = (struct cell *)(void *)k.p;
	*c = (struct cell){ .hash = hash, .n = (uint32_t)key.n, .cap = k.cap };
	memcpy(c->key, key.p, key.n);
	s->n_cells++;
	return s->cell[at] = c;
}

/* Take the cell out; what stands behind it moves up (Knuth, TAOCP 6.4, algorithm R). */
static void
cell_gone(struct pair *s, struct cell *c)
{
	struct kept k = { (char *)c, 0, c->cap };
	size_t at = find(s, c->hash, cell_key(c));

	if ((c->flags & SAVED) != 0)
		pack_span(&s->gone, cell_key(c));
	for (size_t i = (at + 1) & s->mask; s->cell[i] != NULL; i = (i + 1) & s->mask) {
		size_t home = s->cell[i]->hash & s->mask;

		if (((i - home) & s->mask) < ((i - at) & s->mask))
			continue;
		s->cell[at] = s->cell[i];
		at = i;
	}
	s->cell[at] = NULL;
	s->n_cells--;
	kept_drop(&s->pool, &k);
}

/* ---- records ---- */

void
pair_push(struct queue *q, struct rec *r)
{
	if (q->n == q->cap) {
		size_t cap = q->cap == 0 ? 64 : mem_mul(q->cap, 2);
		struct rec **v = mem_array(NULL, cap, sizeof(struct rec *));

		for (size_t i = 0; i < q->n; i++)
			v[i] = pair_nth(q, i);
		free(q->v);
		*q = (struct queue){ v, cap, 0, q->n };
	}
	q->v[(q->at + q->n++) & (q->cap - 1)] = r;
}

struct rec *
pair_shift(struct queue *q)
{
	struct rec *r = q->v[q->at];

	q->at = (q->at + 1) & (q->cap - 1);
	q->n--;
	return r;
}

void
pair_drop(struct pair *s, struct rec *r)
{
	struct kept k = { (char *)r, 0, r->cap };
	struct cell *c = r->cell;

	kept_drop(&s->pool, &k);
	s->told.records--;
	c->flags |= DIRTY;
	if (--c->held == 0)
		cell_gone(s, c);
}

static void
heap_add(struct pair *s, struct slot x)
{
	size_t i = s->n_heap++;

	if (i == s->cap_heap) {
		s->cap_heap = s->cap_heap == 0 ? 1024 : mem_mul(s->cap_heap, 2);
		s->heap = mem_array(s->heap, s->cap_heap, sizeof *s->heap);
	}
	for (; i > 0 && s->heap[(i - 1) / 4].us > x.us; i = (i - 1) / 4)
		s->heap[i] = s->heap[(i - 1) / 4];
	s->heap[i] = x;
}

static struct slot
heap_take(struct pair *s)
{
	struct slot top = s->heap[0], x = s->heap[--s->n_heap];
	size_t i = 0, child, best;

	while ((child = 4 * i + 1) < s->n_heap) {
		best = child;
		for (size_t k = child + 1; k < child + 4 && k < s->n_heap; k++)
			if (s->heap[k].us < s->heap[best].us)
				best = k;
		if (s->heap[best].us >= x.us)
			break;
		s->heap[i] = s->heap[best];
		i = best;
	}
	s->heap[i] = x;
	return top;
}

int
pair_by_bytes(const struct rec *a, const struct rec *b)
{
	return a->side != b->side ? a->side - b->side : span_cmp(rec_line(a), rec_line(b));
}

static int
by_time(const void *pa, const void *pb)
{
	const struct slot *a = pa, *b = pb;
	int d;

	if (a->us != b->us)
		return a->us < b->us ? -1 : 1;
	d = a->r->cell == b->r->cell ? 0 : span_cmp(cell_key(a->r->cell), cell_key(b->r->cell));
	return d != 0 ? d : pair_by_bytes(a->r, b->r);
}

/* What is taken is looked at next: the record, then its cell, then whom it may meet. */
static void
bring_near(const struct slot *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(v[i].r->cell);
	for (size_t i = 0; i < n; i++) {
		__builtin_prefetch(v[i].r->cell->of[LEFT].first);
		__builtin_prefetch(v[i].r->cell->of[RIGHT].first);
	}
}

size_t
pair_ready(struct pair *s, int64_t wm_us)
{
	size_t n = 0;

	if (s->cap_ready < s->n_heap) {
		s->cap_ready = s->cap_heap;
		s->ready = mem_array(s->ready, s->cap_ready, sizeof *s->ready);
	}
	if (wm_us == INT64_MAX) {
		n = s->n_heap;
		s->n_heap = 0;
		if (n > 0) {
			memcpy(s->ready, s->heap, n * sizeof *s->ready);
			qsort(s->ready, n, sizeof *s->ready, by_time);
		}
		return n;
	}
	for (; s->n_heap > 0 && s->heap[0].us < wm_us; n++) {
		s->ready[n] = heap_take(s);
		__builtin_prefetch(s->ready[n].r);
	}
	bring_near(s->ready, n);
	for (size_t a = 0, z; a < n; a = z) {
		for (z = a + 1; z < n && s->ready[z].us == s->ready[a].us; z++)
			;
		if (z - a > 1)
			qsort(&s->ready[a], z - a, sizeof *s->ready, by_time);
	}
	return n;
}

void
pair_hold(struct pair *s, struct cell *c, int64_t us, unsigned side, unsigned flags, struct span line)
{
	struct kept k = { 0 };
	struct rec *r;

	kept_room(&s->pool, &k, mem_add(sizeof *r, line.n));
	r = (struct rec *)(void *)k.p;
	*r = (struct rec){ .cell = c, .us = us, .n = (uint32_t)line.n, .cap = k.cap, .side = (uint8_t)side,
	    .flags = (uint8_t)flags };
	memcpy(r->line, line.p, line.n);
	heap_add(s, (struct slot){ us, r });
	s->waiting[side]++;
	c->held++;
	c->flags |= DIRTY;
	if (++s->told.records > s->told.peak_records)
		s->told.peak_records = s->told.records;
}
