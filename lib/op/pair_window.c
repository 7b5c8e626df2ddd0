/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair_window - pairs within tumbling and sliding windows; see pair.h
 *
 * All records stand in one queue by time, and a window is a stretch of it.  When the watermark passes a window's end
 * its records are put together by cell, the cells in key order; then those that begin no later window go.
 */
#include <stdlib.h>

#include "op/pair_own.h"

static int64_t
start_of(const struct pair *s, int64_t us)
{
	return dur_floor(s->conf.slide, s->conf.offset_us, us, s->conf.zone);
}

static int64_t
start_after(const struct pair *s, int64_t start, int64_t n)
{
	return start_of(s, dur_add(s->conf.slide, n, start, s->conf.zone));
}

/* What would end behind all time ends with it, see holds(). */
static int64_t
end_of(const struct pair *s, int64_t start)
{
	static const struct dur day = { .days = 1 };
	const struct pair_conf *f = &s->conf;
	int64_t end = dur_add(f->width, 1, start, f->zone);

	/* where the clock skips midnight a day begins late; its window still ends at a midnight */
	return f->width.us == 0 && end != WHEN_US_MAX ? dur_floor(day, f->offset_us, end, f->zone) : end;
}

/* Is a time, not before its start, in a window that ends there? */
static bool
holds(int64_t end, int64_t us)
{
	return us < end || end == WHEN_US_MAX;
}

/* The first window that holds the time. */
static int64_t
oldest(const struct pair *s, int64_t us)
{
	int64_t start = start_of(s, us), before;

	while ((before = start_after(s, start, -1)) < start && holds(end_of(s, before), us))
		start = before;
	return start;
}

static int
by_key(const void *a, const void *b)
{
	return span_cmp(cell_key(*(struct cell *const *)a), cell_key(*(struct cell *const *)b));
}

/* The records of the window, put together by cell; how many cells. */
static size_t
gather(struct pair *s, int64_t end)
{
	size_t n = 0;

	s->turn++;
	for (size_t i = 0; i < s->live[0].n; i++) {
		struct rec *r = pair_nth(&s->live[0], i);
		struct cell *c = r->cell;

		if (!holds(end, r->us))
			break;
		if (c->turn != s->turn) {
			c->turn = s->turn;
			c->of[LEFT] = c->of[RIGHT] = (struct chain){ NULL, NULL };
			if (n == s->cap_met) {
				s->cap_met = n == 0 ? 64 : mem_mul(n, 2);
				s->met = mem_array(s->met, s->cap_met, sizeof(struct cell *));
			}
			s->met[n++] = c;
		}
		chain_add(&c->of[r->side], r);
	}
	if (n > 1)
		qsort(s->met, n, sizeof(struct cell *), by_key);
	return n;
}

static int
close_one(struct pair *s, int64_t start, int64_t end, const struct host *host)
{
	size_t n = gather(s, end);
	int rc = 0;

	pair_times(s, start, end);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = pair_group(s, host, start, s->met[i], s->met[i]->of[LEFT].first, s->met[i]->of[RIGHT].first);
	return rc;
}

int
pair_windows(struct pair *s, size_t n, int64_t wm_us, const struct host *host)
{
	struct queue *q = &s->live[0];
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		pair_push(q, slot_rec(&s->ready[i]));
	while (rc == 0 && q->n > 0) {
		int64_t us = pair_front(q)->us, start, end;

		start = s->begun ? start_after(s, s->last_us, 1) : oldest(s, us);
		if (s->begun && !holds(end_of(s, start), us))
			start = oldest(s, us);		/* windows without records */
		end = end_of(s, start);
		if (end > wm_us && wm_us != INT64_MAX)
			break;
		rc = close_one(s, start, end, host);
		s->begun = true;
		s->last_us = start;
		start = start_after(s, start, 1);
		/* none begins later at the end of all time */
		while (rc == 0 && q->n > 0 && (pair_front(q)->us < start || start == s->last_us))
			pair_drop(s, pair_shift(q));
	}
	return rc;
}
