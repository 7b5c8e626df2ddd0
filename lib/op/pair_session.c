/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair_session - pairs within sessions: what follows each other within a gap, of both sides together; see pair.h
 *
 * A cell's chain of[LEFT] holds the records of both sides here, by time.  The queue holds all records by time: when the
 * watermark is more than a gap past its front, then whatever follows that one in its cell is there already, and if it
 * is no nearer than the gap, or nothing, the session ends with it.  So sessions come by their end.
 */
#include "op/pair_own.h"

/* The session from the first of the cell to `last`. */
static int
close_one(struct pair *s, struct cell *c, const struct rec *last, const struct host *host)
{
	struct chain side[2] = { { NULL, NULL }, { NULL, NULL } };
	int64_t start = c->of[LEFT].first->us, end = last->us;
	struct rec *r = NULL, *next;
	int rc;

	do {
		r = c->of[LEFT].first;
		chain_shift(&c->of[LEFT]);
		chain_add(&side[r->side], r);
	} while (r != last);
	pair_times(s, start, end);
	rc = pair_group(s, host, end, c, side[LEFT].first, side[RIGHT].first);
	for (int i = 0; i < 2; i++) {
		for (r = side[i].first; r != NULL; r = next) {
			next = r->next;
			pair_drop(s, r);
		}
	}
	return rc;
}

int
pair_sessions(struct pair *s, size_t n, int64_t wm_us, const struct host *host)
{
	struct queue *q = &s->live[0];
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		struct rec *r = slot_rec(&s->ready[i]);

		chain_add(&r->cell->of[LEFT], r);
		pair_push(q, r);
	}
	while (rc == 0 && q->n > 0 && (wm_us == INT64_MAX || pair_front(q)->us + s->conf.gap_us < wm_us)) {
		struct rec *r = pair_shift(q);

		/* what has no key meets nothing, and is a session by itself */
		if ((r->cell->flags & NO_KEY) != 0 || r->next == NULL || r->next->us - r->us > s->conf.gap_us)
			rc = close_one(s, r->cell, r, host);
	}
	return rc;
}
