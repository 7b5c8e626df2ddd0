/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair_order - records put in order by whoever scans their lines, a side each; see pair_own.h
 *
 * A side's watermark depends on its lines alone, so the thread that scans them knows what it has passed, and in which
 * order that is, as soon as the lines are held: it numbers those that will be, keeps their times, and gives the numbers
 * of what was passed behind each block.  The one that joins holds records by these numbers and merges what both sides
 * give; nothing is sorted there but records of one time whose keys begin alike.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "op/key.h"
#include "op/pair_own.h"

/* ---- the thread's ---- */

void
pair_ahead(void *st, int side, const struct batch *b, struct buf *scratch, struct fp *out)
{
	struct pair *s = st;
	const struct pair_conf *c = &s->conf;
	const struct pair_side *p = &c->side[side];
	struct order *o = &s->order[side];

	for (size_t i = 0; i < b->n; i++) {
		int64_t us;
		bool none = true;

		out[i] = (struct fp){ 0, 0 };
		if (b->fate[i] != F_PASS || when_val(b->col[p->time][i], p->unit, c->zone, scratch, &us) != NULL)
			continue;
		buf_clear(scratch);
		if (key_of(b, i, p->key, c->n_keys, c->as, scratch, &none) != NULL)
			continue;
		if (!none)
			out[i] = (struct fp){ (uint64_t)us, hash_mem(buf_span(scratch)) };
		if (!c->ordered || o->over)
			continue;
		/* as judge() will, in its turn */
		if (p->bounded && us < o->wm.us) {
			out[i] = (struct fp){ 0, 0 };
			continue;
		}
		watermark_take(&o->wm, us);
		if ((out[i].lo | out[i].hi) != 0)
			rheap_add(&o->wait, us, span_prefix(buf_span(scratch)), o->seen++);
	}
}

static int
by_tie(const void *pa, const void *pb)
{
	const struct rslot *a = pa, *b = pb;

	return a->tie < b->tie ? -1 : a->tie > b->tie;
}

void
pair_ordered(void *st, int side, bool last, struct buf *made)
{
	struct pair *s = st;
	struct order *o = &s->order[side];
	int64_t wm = last ? INT64_MAX : s->conf.side[side].bounded ? o->wm.us : INT64_MIN;
	struct rslot *v;
	size_t n;

	if (!s->conf.ordered || o->over)
		return;
	if (o->off) {
		o->over = true;
		rheap_free(&o->wait);
		return;
	}
	n = rheap_below(&o->wait, wm, &v);
	for (size_t a = 0, z; a < n; a = z) {
		for (z = a + 1; z < n && v[z].at == v[a].at; z++)
			;
		if (z - a > 1)
			rslot_sort(v + a, z - a, by_tie);
	}
	buf_add(made, (const char *)v, n * sizeof *v);
	if (last)
		rheap_free(&o->wait);
}

/* ---- of the one that joins ---- */

void
pair_number(struct order *o, struct rec *r)
{
	if (o->next - o->base == o->cap) {
		size_t cap = o->cap == 0 ? 1024 : mem_mul(o->cap, 2);
		struct rec **v = mem_array(NULL, cap, sizeof *v);

		for (uint64_t i = o->base; i < o->next; i++)
			v[i & (cap - 1)] = o->held[i & (o->cap - 1)];
		free(o->held);
		o->held = v;
		o->cap = cap;
	}
	o->held[o->next++ & (o->cap - 1)] = r;
}

void
pair_take_order(void *st, int side, struct span made)
{
	struct pair *s = st;
	struct order *o = &s->order[side];
	size_t n = o->off ? 0 : made.n / sizeof(struct rslot), rest = o->n - o->at;

	if (n == 0)
		return;
	if (o->n + n > o->cap_ready) {
		if (rest > 0)
			memmove(o->ready, o->ready + o->at, rest * sizeof *o->ready);
		o->at = 0;
		o->n = rest;
		while (o->cap_ready < rest + n)
			o->cap_ready = o->cap_ready == 0 ? 1024 : mem_mul(o->cap_ready, 2);
		o->ready = mem_array(o->ready, o->cap_ready, sizeof *o->ready);
	}
	for (size_t i = 0; i < n; i++) {
		struct rslot v;
		struct rec **held;

		memcpy(&v, made.p + i * sizeof v, sizeof v);
		held = &o->held[v.what & (o->cap - 1)];
		if (*held != NULL)
			o->ready[o->n++] = (struct rslot){ v.at, v.tie, (uintptr_t)*held };
		*held = NULL;
	}
	while (o->base < o->next && o->held[o->base & (o->cap - 1)] == NULL)
		o->base++;
}

size_t
pair_order_all(const struct order *o, struct rslot *v)
{
	size_t n = o->n - o->at;

	if (n > 0)
		memcpy(v, o->ready + o->at, n * sizeof *v);
	for (uint64_t i = o->base; i < o->next; i++) {
		struct rec *r = o->held[i & (o->cap - 1)];

		if (r != NULL)
			v[n++] = (struct rslot){ r->us, r->cell->prefix, (uintptr_t)r };
	}
	return n;
}

/* Of both sides, and what waited here, w[0..n): what is below wm, by time. */
size_t
pair_merge(struct pair *s, const struct rslot *w, size_t n, int64_t wm_us)
{
	const struct rslot *from[3], *end[3];
	size_t all = n, got = 0;

	for (int i = 0; i < 2; i++) {
		struct order *o = &s->order[i];
		size_t z = o->at;

		while (z < o->n && o->ready[z].at < wm_us)
			z++;
		from[i] = o->ready + o->at;
		end[i] = o->ready + z;
		all += z - o->at;
		o->at = z;
	}
	from[2] = w;
	end[2] = w + n;
	if (all > s->cap_merged) {
		s->cap_merged = mem_mul(all, 2);
		free(s->merged);
		s->merged = mem_array(NULL, s->cap_merged, sizeof *s->merged);
	}
	while (got < all) {
		const struct rslot **best = NULL;

		for (int i = 0; i < 3; i++)
			if (from[i] != end[i] && (best == NULL || from[i]->at < (*best)->at ||
			    (from[i]->at == (*best)->at && from[i]->tie < (*best)->tie)))
				best = &from[i];
		s->merged[got++] = *(*best)++;
	}
	s->ready = s->merged;
	return got;
}

size_t
pair_order_bytes(const struct order *o)
{
	/* and what the thread has of those that were not given yet */
	return o->cap * sizeof *o->held + (o->cap_ready + (size_t)(o->next - o->base)) * sizeof *o->ready;
}

void
pair_order_off(struct order *o)
{
	free(o->held);
	free(o->ready);
	o->held = NULL;
	o->ready = NULL;
	o->cap = o->cap_ready = o->n = o->at = 0;
	o->base = o->next;
	o->off = true;
}
