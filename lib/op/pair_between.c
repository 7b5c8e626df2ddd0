/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair_between - pairs by the distance of their times; see pair.h
 *
 * Records are handled in the order of time, so a record meets those of the other side that came before it and are near
 * enough, which stand in its cell, oldest first.  Each stays there, and in the queue of its side, for as long as
 * something may meet it: both are in the order of time, and the same length of time for all of a side.
 */
#include "op/pair_own.h"

#define NEAR 16			/* records ahead */

/* How long a record of that side waits for partners that are later. */
static int64_t
patience(const struct pair *s, int side)
{
	int64_t us = side == LEFT ? s->conf.hi_us : -s->conf.lo_us;

	return us > 0 ? us : 0;
}

/* May the oldest of a side go?  With nothing to say about those alone, also because the other side has ended. */
static bool
over(const struct pair *s, int side, int64_t before)
{
	const struct rec *r = pair_front(&s->live[side]);

	if (r == NULL)
		return false;
	return r->us + patience(s, side) < before ||
	    (!pair_alone(s, side) && s->conf.which == -1 && s->ended[!side] && s->waiting[!side] == 0);
}

/* What goes next is looked at next: the record, then its cell, then the cell's place. */
MEM_AHEAD void
bring_near(const struct pair *s, const struct queue *q)
{
	if (q->n <= 2 * NEAR)
		return;
	pair_ask(pair_nth(q, 2 * NEAR));
	pair_ask_cell(pair_nth(q, NEAR)->cell);
	__builtin_prefetch(&s->cell[pair_nth(q, NEAR / 2)->cell->hash & s->mask], 1);
}

/* v[i] is joined next: of some records later the record is asked for, then its cell, its line and whom it may meet. */
MEM_AHEAD void
bring_partners(const struct rslot *v, size_t i, size_t n)
{
	const struct rec *r;
	const struct cell *c;

	if (i + 2 * NEAR >= n)
		return;
	pair_ask(slot_rec(&v[i + 2 * NEAR]));
	pair_ask_cell(slot_rec(&v[i + NEAR * 3 / 2])->cell);
	r = slot_rec(&v[i + NEAR]);
	mem_ask(r->line, r->n);
	c = r->cell;
	__builtin_prefetch(c->of[LEFT].first, 1);
	__builtin_prefetch(c->of[RIGHT].first, 1);
	__builtin_prefetch(c->of[LEFT].last, 1);
	__builtin_prefetch(c->of[RIGHT].last, 1);
}

/* Those that nothing from that time on can meet go, in the order in which their time was over. */
static int
expire(struct pair *s, int64_t before, const struct host *host)
{
	int rc = 0;

	while (rc == 0) {
		bool l = over(s, LEFT, before), r = over(s, RIGHT, before);
		struct rec *x;
		int side;

		if (!l && !r)
			break;
		side = l && r ? pair_front(&s->live[LEFT])->us + patience(s, LEFT) >
		    pair_front(&s->live[RIGHT])->us + patience(s, RIGHT) : r;
		bring_near(s, &s->live[side]);
		x = pair_shift(&s->live[side]);
		chain_shift(&x->cell->of[side]);
		if ((x->flags & MET) == 0 && pair_alone(s, side))
			rc = pair_put(s, host, x->us + patience(s, side), LINE_LEFT + side,
			    side == LEFT ? x : NULL, side == LEFT ? NULL : x);
		pair_drop(s, x);
	}
	return rc;
}

/* The new records v[0..n) of one time and key, left ones first, meet those before them and each other. */
static int
meet(struct pair *s, const struct rslot *v, size_t n, const struct host *host)
{
	const struct pair_conf *f = &s->conf;
	const struct cell *c = slot_rec(v)->cell;
	int64_t us = v[0].at;
	size_t right = 0;
	int rc = 0;

	while (right < n && slot_rec(&v[right])->side == LEFT)
		right++;
	for (struct rec *l = c->of[LEFT].first; l != NULL && l->us <= us - f->lo_us && rc == 0; l = l->next)
		for (size_t i = right; i < n && rc == 0; i++)
			rc = pair_meet(s, host, us, l, slot_rec(&v[i]));
	for (size_t k = 0; k < right && rc == 0; k++) {
		for (struct rec *r = c->of[RIGHT].first; r != NULL && r->us <= us + f->hi_us && rc == 0; r = r->next)
			rc = pair_meet(s, host, us, slot_rec(&v[k]), r);
		for (size_t i = right; f->lo_us <= 0 && f->hi_us >= 0 && i < n && rc == 0; i++)
			rc = pair_meet(s, host, us, slot_rec(&v[k]), slot_rec(&v[i]));
	}
	return rc;
}

int
pair_between(struct pair *s, size_t n, int64_t wm_us, const struct host *host)
{
	int rc = 0;

	for (size_t a = 0, z; a < n && rc == 0; a = z) {
		const struct rslot *v = s->ready;
		struct cell *c = slot_rec(&v[a])->cell;

		bring_partners(v, a, n);
		for (z = a + 1; z < n && v[z].at == v[a].at && slot_rec(&v[z])->cell == c; z++)
			bring_partners(v, z, n);
		rc = expire(s, v[a].at, host);
		if (rc == 0 && (c->flags & NO_KEY) == 0 && (slot_rec(&v[a])->flags & HANDLED) == 0)
			rc = meet(s, v + a, z - a, host);
		for (size_t i = a; i < z; i++) {
			struct rec *r = slot_rec(&v[i]);

			chain_add(&c->of[r->side], r);
			pair_push(&s->live[r->side], r);
			s->waiting[r->side]--;
		}
		c->flags |= DIRTY;
	}
	return rc != 0 ? rc : expire(s, wm_us, host);
}
