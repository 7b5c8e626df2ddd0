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
	*c = (struct cell){ .hash = hash, .prefix = span_prefix(key), .n = (uint32_t)key.n };
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

static void
let_go(struct pair *s, struct lent *l)
{
	if (--l->refs > 0)
		return;
	s->lent_bytes -= l->used;
	lent_add(&s->idle, l);
}

/* The line goes, where it is not of the record's own block; what stands behind it of that. */
static size_t
line_gone(struct pair *s, struct rec *r)
{
	struct kept k = { (char *)(uintptr_t)r->line, 0, r->n };

	if (r->in != NULL) {
		s->lent_live -= r->n;
		let_go(s, r->in);
		return 0;
	}
	if (!r->moved)
		return r->n;
	kept_drop(&s->pool, &k);
	return 0;
}

void
pair_drop(struct pair *s, struct rec *r)
{
	struct cell *c = r->cell;
	struct kept k = { (char *)r, 0, 0 };

	k.cap = (uint32_t)(sizeof *r + line_gone(s, r));
	kept_drop(&s->pool, &k);
	s->told.records--;
	c->flags |= DIRTY;
	if (--c->held == 0)
		cell_gone(s, c);
}

int
pair_by_key(const void *pa, const void *pb)
{
	const struct rslot *va = pa, *vb = pb;
	const struct rec *a = slot_rec(va), *b = slot_rec(vb);

	if (va->tie != vb->tie)
		return va->tie < vb->tie ? -1 : 1;
	if (a->cell != b->cell)
		return span_cmp(cell_key(a->cell), cell_key(b->cell));
	if (a->us != b->us)
		return a->us < b->us ? -1 : 1;
	return a->side != b->side ? a->side - b->side : span_cmp(rec_line(a), rec_line(b));
}

void
rslot_sort(struct rslot *v, size_t n, int (*by)(const void *, const void *))
{
	if (n > FEW) {
		qsort(v, n, sizeof *v, by);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct rslot x = v[i];
		size_t k = i;

		for (; k > 0 && (v[k - 1].tie > x.tie || (v[k - 1].tie == x.tie && by(&v[k - 1], &x) > 0)); k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

size_t
pair_ready(struct pair *s, int64_t wm_us)
{
	size_t n = rheap_below(&s->wait, wm_us, &s->ready);
	struct rslot *v;

	if (s->order[LEFT].at < s->order[LEFT].n || s->order[RIGHT].at < s->order[RIGHT].n)
		n = pair_merge(s, s->ready, n, wm_us);
	v = s->ready;

	for (size_t a = 0, z; a < n; a = z) {
		pair_near(v, a, n);
		for (z = a + 1; z < n && v[z].at == v[a].at; z++)
			pair_near(v, z, n);
		if (z - a > 1)
			rslot_sort(v + a, z - a, pair_by_key);
	}
	return n;
}

struct rec *
pair_hold(struct pair *s, struct cell *c, int64_t us, unsigned side, unsigned flags, struct span line, struct lent *in)
{
	struct kept k = { 0 };
	struct rec *r;

	kept_room(&s->pool, &k, mem_add(sizeof *r, in == NULL ? line.n : 0));
	r = (struct rec *)(void *)k.p;
	*r = (struct rec){ .cell = c, .us = us, .line = in == NULL ? (const char *)(r + 1) : line.p, .in = in,
	    .n = (uint32_t)line.n, .side = (uint8_t)side, .flags = (uint8_t)flags };
	if (in == NULL) {
		memcpy(r + 1, line.p, line.n);
	} else {
		s->lent_live += line.n;
		in->refs++;
	}
	s->waiting[side]++;
	c->held++;
	c->flags |= DIRTY;
	if (++s->told.records > s->told.peak_records)
		s->told.peak_records = s->told.records;
	return r;
}

void
pair_wait(struct pair *s, struct rec *r)
{
	rheap_add(&s->wait, r->us, r->cell->prefix, (uintptr_t)r);
}

size_t
pair_all(struct pair *s, struct rslot *v)
{
	size_t n = s->wait.n, waiting;

	rheap_all(&s->wait, v);
	n += pair_order_all(&s->order[LEFT], v + n);
	n += pair_order_all(&s->order[RIGHT], v + n);
	waiting = n;
	for (int side = 0; s->conf.kind != PAIR_SESSION && side < 2; side++) {
		for (size_t i = 0; i < s->live[side].n; i++) {
			struct rec *r = pair_nth(&s->live[side], i);

			v[n++] = (struct rslot){ r->us, r->cell->prefix, (uintptr_t)r };
		}
	}
	/* a session's records stay in their cell until its last one is over, which the queue does not */
	for (size_t i = 0; s->conf.kind == PAIR_SESSION && i <= s->mask; i++)
		for (struct rec *r = s->cell[i].c == NULL ? NULL : s->cell[i].c->of[LEFT].first; r != NULL; r = r->next)
			v[n++] = (struct rslot){ r->us, r->cell->prefix, (uintptr_t)r };
	return waiting;
}

/* ---- lines in blocks that are lent ---- */

void
pair_lend(void *st, struct lent *l)
{
	struct pair *s = st;

	if (s->lent != NULL)
		let_go(s, s->lent);
	s->lent = l;
	if (l == NULL)
		return;
	l->refs = 1;
	s->lent_bytes += l->used;
}

struct lent_list *
pair_idle(void *st)
{
	return &((struct pair *)st)->idle;
}

static void
bring_home(struct pair *s, struct rec *r)
{
	struct kept k = { 0 };

	if (r->in == NULL)
		return;
	kept_set(&s->pool, &k, rec_line(r));
	(void)line_gone(s, r);
	r->line = k.p;
	r->in = NULL;
	r->moved = true;
}

/* Every record, once. */
static void
each(struct pair *s, void (*fn)(struct pair *, struct rec *))
{
	size_t n = s->told.records;
	struct rslot *v = mem_array(NULL, n, sizeof *v);

	(void)pair_all(s, v);
	for (size_t i = 0; i < n; i++)
		fn(s, slot_rec(&v[i]));
	free(v);
}

void
pair_settle(void *st)
{
	struct pair *s = st;

	if (s->lent_bytes - s->lent_live > pair_op.bytes(s) / 8)
		each(s, bring_home);
}

static void
let_line_go(struct pair *s, struct rec *r)
{
	(void)line_gone(s, r);
}

void
pair_let_go(struct pair *s)
{
	if (s->lent_live > 0)
		each(s, let_line_go);
}
