/* SPDX-License-Identifier: BSD-2-Clause */
/* pair_hold - the records that wait and their keys: cells, queues, what is ready; see pair_own.h */
#include <stdlib.h>

#include "op/pack.h"
#include "op/pair_own.h"

#define FEW 64			/* sorted by insertion */

/* ---- cells ---- */

static size_t
find(const struct pair *s, uint64_t hash, struct span key)
{
	size_t at = hash & s->mask;

	for (; s->cell[at].c != NULL; at = (at + 1) & s->mask)
		if (s->cell[at].hash == hash && span_eq(cell_key(s->cell[at].c), key))
			break;
	return at;
}

void
pair_slots(struct pair *s, size_t n)
{
	struct place *old = s->cell;
	size_t n_old = old == NULL ? 0 : s->mask + 1;

	s->cell = mem_table(mem_mul(n, sizeof *s->cell));
	s->mask = n - 1;
	for (size_t i = 0; i < n_old; i++) {
		size_t at;

		if (old[i].c == NULL)
			continue;
		for (at = old[i].hash & s->mask; s->cell[at].c != NULL; at = (at + 1) & s->mask)
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

static uint64_t
prefix_of(struct span key)
{
	unsigned char first[8] = { 0 };
	uint64_t v = 0;

	if (key.n > 0)
		memcpy(first, key.p, key.n < sizeof first ? key.n : sizeof first);
	for (size_t i = 0; i < sizeof first; i++)
		v = v << 8 | first[i];
	return v;
}

struct cell *
pair_cell(struct pair *s, uint64_t hash, struct span key)
{
	size_t at = find(s, hash, key);
	struct kept k = { 0 };
	struct cell *c;

	if (s->cell[at].c != NULL)
		return s->cell[at].c;
	if ((s->n_cells + 1) * 2 > s->mask + 1) {
		pair_slots(s, mem_mul(s->mask + 1, 2));
		at = find(s, hash, key);
	}
	kept_room(&s->pool, &k, mem_add(sizeof *c, key.n));
	c = (struct cell *)(void *)k.p;
	*c = (struct cell){ .hash = hash, .prefix = prefix_of(key), .n = (uint32_t)key.n };
	memcpy(c->key, key.p, key.n);
	s->n_cells++;
	s->cell[at] = (struct place){ hash, c };
	return c;
}

/* Take the cell out; what stands behind it moves up (Knuth, TAOCP 6.4, algorithm R). */
static void
cell_gone(struct pair *s, struct cell *c)
{
	struct kept k = { (char *)c, 0, (uint32_t)(sizeof *c + c->n) };
	size_t at = c->hash & s->mask;

	while (s->cell[at].c != c)
		at = (at + 1) & s->mask;
	if ((c->flags & SAVED) != 0)
		pack_span(&s->gone, cell_key(c));
	for (size_t i = (at + 1) & s->mask; s->cell[i].c != NULL; i = (i + 1) & s->mask) {
		size_t home = s->cell[i].hash & s->mask;

		if (((i - home) & s->mask) < ((i - at) & s->mask))
			continue;
		s->cell[at] = s->cell[i];
		at = i;
	}
	s->cell[at].c = NULL;
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

int
pair_by_key(const void *pa, const void *pb)
{
	const struct rec *a = slot_rec(pa), *b = slot_rec(pb);

	if (a->cell->prefix != b->cell->prefix)
		return a->cell->prefix < b->cell->prefix ? -1 : 1;
	if (a->cell != b->cell)
		return span_cmp(cell_key(a->cell), cell_key(b->cell));
	if (a->us != b->us)
		return a->us < b->us ? -1 : 1;
	return a->side != b->side ? a->side - b->side : span_cmp(rec_line(a), rec_line(b));
}

/* Those of one time: first by what their keys begin with, which stands where the time stood as long as that lasts. */
static void
sort_one_time(struct rslot *v, size_t n)
{
	int64_t us = v[0].at;

	if (n > FEW) {
		qsort(v, n, sizeof *v, pair_by_key);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct rslot x = { (int64_t)(slot_rec(&v[i])->cell->prefix ^ UINT64_C(1) << 63), v[i].what };
		size_t k = i;

		for (; k > 0 && (v[k - 1].at > x.at || (v[k - 1].at == x.at && pair_by_key(&v[k - 1], &x) > 0)); k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
	for (size_t i = 0; i < n; i++)
		v[i].at = us;
}

size_t
pair_ready(struct pair *s, int64_t wm_us)
{
	size_t n = rheap_below(&s->wait, wm_us, &s->ready);
	struct rslot *v = s->ready;

	for (size_t a = 0, z; a < n; a = z) {
		pair_near(v, a, n);
		for (z = a + 1; z < n && v[z].at == v[a].at; z++)
			pair_near(v, z, n);
		if (z - a > 1)
			sort_one_time(v + a, z - a);
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
	rheap_add(&s->wait, us, r);
	s->waiting[side]++;
	c->held++;
	c->flags |= DIRTY;
	if (++s->told.records > s->told.peak_records)
		s->told.peak_records = s->told.records;
}
