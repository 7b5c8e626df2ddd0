/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session - windows that end where nothing comes for a while; see window.h
 *
 * A late record may split a session that a break ends, so partial aggregates cannot stand for the events: they
 * are kept, a few bytes each, and folded when their session is over.  An event is the time in an order of bytes
 * that is time's, 0 for a break and 1 else, and the inputs of the aggregates: the order of these bytes is the
 * order of events, whatever order they came in.
 *
 * It is certain that a session is over when nothing that is not late can join or split it any more: when the watermark
 * passed its end and the gap, or the break that ended it.  `due` is that time of a group's first session, or
 * an earlier one, and a heap knows whose is next, so groups in which nothing can be over are not looked at.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/cut.h"
#include "op/key.h"
#include "op/keyed.h"
#include "op/row.h"
#include "op/window.h"

#define EVENT_HEAD 9
#define PIECE_SESSIONS 4096		/* of the end in pieces */
#define NEAR 64				/* so many groups or sessions are brought near at once */

enum { DIRTY = 1, SAVED = 2, LOOKED = 4 };

struct group {
	struct kept events;		/* each with its length before it */
	uint64_t n;
	int64_t due;			/* with conf.late; INT64_MAX: it holds nothing */
	int64_t brk;			/* no break that could end an earlier event's session is before it */
	size_t closed;			/* bytes of events that are over, while a close is going on */
	uint8_t flags;
	uint8_t kind[];			/* [n_aggs] what min and max met: enum order_kind */
};

struct session {
	int64_t start, end, over;	/* over: what the watermark must pass */
	struct group *group;
	struct span key;
	size_t from, to;		/* its events in the group's bytes */
};

struct due {
	int64_t at;
	struct group *group;
};

struct state {
	struct held held;
	struct window_conf conf;
	struct agg_set set;
	struct keys keys;
	struct row row;
	struct buf val, sorted;
	struct val *input;
	struct span *event;		/* of one group while it is sorted */
	size_t cap_events;
	struct group **seen;		/* the groups looked at in one close */
	size_t n_seen, cap_seen;
	struct session *done;
	size_t n_done, cap_done;
	struct due *due;		/* [n_due] a heap; what is not its group's due is stale */
	size_t n_due, cap_due;
	void *cell;			/* one group of aggregates */
	struct cut cut;			/* of what is done in all parts, when the end is done in pieces */
	/* of the batch */
	int64_t us[BATCH_RECORDS_MAX];
};

static int
bad_state(void)
{
	return err_input("a saved state is not one of this command");
}

/* ---- when to look again ---- */

static void
sink_due(struct state *s, size_t i)
{
	struct due x = s->due[i];

	for (size_t child; (child = 2 * i + 1) < s->n_due; i = child) {
		child += child + 1 < s->n_due && s->due[child + 1].at < s->due[child].at;
		if (s->due[child].at >= x.at)
			break;
		s->due[i] = s->due[child];
	}
	s->due[i] = x;
}

/* Nothing of the group is over before. */
static void
set_due(struct state *s, struct group *g, int64_t at)
{
	size_t i = s->n_due;

	g->due = at;
	if (at == INT64_MAX)
		return;
	if (s->n_due == s->cap_due) {
		s->cap_due = s->cap_due == 0 ? 64 : mem_mul(s->cap_due, 2);
		s->due = mem_array(s->due, s->cap_due, sizeof *s->due);
	}
	for (s->n_due++; i > 0 && s->due[(i - 1) / 2].at > at; i = (i - 1) / 2)
		s->due[i] = s->due[(i - 1) / 2];
	s->due[i] = (struct due){ at, g };
}

/* The next group that must be looked at for this watermark; NULL: none. */
static struct group *
next_due(struct state *s, int64_t wm)
{
	while (s->n_due > 0 && s->due[0].at < wm) {
		struct due x = s->due[0];

		s->due[0] = s->due[--s->n_due];
		if (s->n_due > 0)
			sink_due(s, 0);
		if (x.group->due == x.at)
			return x.group;
	}
	return NULL;
}

/* ---- events ---- */

static void
pack_event(struct state *s, int64_t us, bool brk)
{
	char head[EVENT_HEAD];

	pack_order(head, us);
	head[EVENT_HEAD - 1] = brk ? 0 : 1;
	buf_clear(&s->val);
	buf_add(&s->val, head, sizeof head);
	for (size_t k = 0; k < s->set.n; k++) {
		struct val v = s->input[k];

		if (s->set.v[k].col == -1)
			continue;
		if (val_is_null(v))
			v.raw.n = 0;
		else if (s->set.v[k].kind == AGG_ROWS || s->set.v[k].kind == AGG_COUNT)
			v.raw = span_str("t");	/* that it was there is all that counts */
		pack_span(&s->val, v.raw);
	}
}

static int64_t
event_time(struct span e)
{
	return unpack_order(e.p);
}

static bool
is_break(struct span e)
{
	return e.p[EVENT_HEAD - 1] == 0;
}

/* The last time at which another event would still join one of that time. */
static int64_t
limit_of(const struct state *s, int64_t us)
{
	return dur_add(s->conf.gap, 1, us, s->conf.zone);
}

static struct group *
group_of(struct state *s, uint64_t hash, struct span key)
{
	bool fresh;
	struct group *g = map_put_hashed(s->held.map, hash, key, &fresh);

	if (fresh)
		g->due = g->brk = INT64_MAX;
	return g;
}

/* Its inputs. */
static bool
unpack_event(struct state *s, struct span e)
{
	struct unpack u = { span_from(e, EVENT_HEAD), true };

	for (size_t k = 0; k < s->set.n; k++) {
		s->input[k] = (struct val){ 0 };
		if (s->set.v[k].col != -1)
			s->input[k] = val_of(unpack_span(&u));
	}
	return e.n >= EVENT_HEAD && unpack_done(&u);
}

/* Would the inputs meet other types in this group? If not, they are met now. */
static const char *
meet(struct state *s, struct group *g)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t k = 0; k < s->set.n; k++) {
			enum order_kind kind;

			if (s->set.v[k].kind != AGG_MIN && s->set.v[k].kind != AGG_MAX)
				continue;
			kind = s->input[k].tag == T_NUM ? ORDER_NUM : s->input[k].tag == T_STR ? ORDER_STR :
			    val_is_null(s->input[k]) ? ORDER_NULL : ORDER_BOOL;
			if (pass == 0 && kind != ORDER_NULL && g->kind[k] != ORDER_NULL && g->kind[k] != kind)
				return ORDER_MIXED;
			if (pass == 1 && kind != ORDER_NULL)
				g->kind[k] = (uint8_t)kind;
		}
	}
	return NULL;
}

static void
put_event(struct state *s, struct group *g, struct span e)
{
	struct buf *b = &s->sorted;

	buf_clear(b);
	pack_span(b, e);
	kept_add(&s->held.pool, &g->events, buf_span(b));
	g->n++;
	g->flags |= DIRTY;
	if (s->conf.late) {
		int64_t us = event_time(e), at = is_break(e) ? us : limit_of(s, us);

		if (is_break(e) && us < g->brk)
			g->brk = us;
		else if (us < g->brk && g->brk < at)
			at = g->brk;
		if (at < g->due)
			set_due(s, g, at);
	}
}

/* ---- a batch ---- */

/* Keys and times of its records; what has none is rejected. */
static const uint64_t *
locate(void *st, const struct batch *b)
{
	struct state *s = st;
	const struct window_conf *c = &s->conf;
	const char *why;

	keys_batch(&s->keys, b, c->group, c->n_groups, c->as, KEYS_NULL_IS);
	for (size_t i = 0; i < b->n; i++) {
		if (b->fate[i] != F_PASS)
			continue;
		why = when_val(b->col[c->time][i], c->unit, c->zone, &s->val, &s->us[i]);
		if (why == NULL && c->water != NULL && watermark_ahead(c->water, s->us[i]))
			why = WATERMARK_AHEAD;
		if (why != NULL)
			batch_reject(b, i, why);
	}
	return s->keys.hash;
}

/* One record, which `by` located; it works with what is by's, so that a state that others wait for is held briefly. */
static const char *
record(struct state *s, struct state *by, const struct batch *b, size_t i, bool *late)
{
	const struct window_conf *c = &by->conf;
	bool brk = c->brk != -1 && b->col[c->brk][i].tag == T_TRUE;
	int64_t us = by->us[i];
	struct group *g;
	const char *why;

	for (size_t k = 0; k < by->set.n; k++)
		by->input[k] = by->set.v[k].col == -1 ? (struct val){ 0 } : b->col[by->set.v[k].col][i];
	if ((why = agg_read(&by->set, by->input, us)) != NULL)
		return why;
	*late = c->late && us < c->water->us;
	if (*late)
		return NULL;
	g = group_of(s, by->keys.hash[i], keys_at(&by->keys, i));
	if ((why = meet(by, g)) != NULL)
		return why;
	pack_event(by, us, brk);
	put_event(s, g, buf_span(&by->val));
	if (c->late)
		watermark_take(c->water, us);
	return NULL;
}

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	struct state *s = st;
	const char *why;
	bool late;
	int rc;

	(void)locate(s, b);
	for (size_t i = 0; i < b->n; i++)
		if (b->fate[i] == F_PASS)
			map_prefetch(s->held.map, s->keys.hash[i]);
	for (size_t i = 0; i < b->n; i++) {
		if (b->fate[i] != F_PASS)
			continue;
		if ((why = record(s, s, b, i, &late)) != NULL)
			batch_reject(b, i, why);
		else if (!late)
			b->fate[i] = F_USED;
		else if ((rc = window_late(&s->conf, b, i, host)) != 0)
			return rc;
	}
	return 0;
}

/* ---- closing ---- */

static int
by_bytes(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* Put a group's events in order, in its own bytes; s->event are spans into them then. */
static bool
sort_group(struct state *s, struct group *g)
{
	struct unpack u = { kept_span(&g->events), true };
	bool ordered = true;
	size_t at = 0;

	if (g->n > s->cap_events) {
		s->cap_events = mem_add(g->n, g->n / 2);
		s->event = mem_array(s->event, s->cap_events, sizeof *s->event);
	}
	for (uint64_t i = 0; i < g->n; i++) {
		s->event[i] = unpack_span(&u);
		ordered = ordered && (i == 0 || span_cmp(s->event[i - 1], s->event[i]) <= 0);
	}
	if (!unpack_done(&u) || ordered)
		return unpack_done(&u);
	qsort(s->event, g->n, sizeof *s->event, by_bytes);
	buf_clear(&s->sorted);
	for (uint64_t i = 0; i < g->n; i++)
		pack_span(&s->sorted, s->event[i]);
	memcpy(g->events.p, s->sorted.p, s->sorted.n);
	u = (struct unpack){ kept_span(&g->events), true };
	for (uint64_t i = 0; i < g->n; i++) {
		s->event[i] = unpack_span(&u);
		at += s->event[i].n;
	}
	return u.ok && at <= g->events.n;
}

static void
push(struct state *s, struct session x)
{
	if (s->n_done == s->cap_done) {
		s->cap_done = s->cap_done == 0 ? 256 : mem_mul(s->cap_done, 2);
		s->done = mem_array(s->done, s->cap_done, sizeof *s->done);
	}
	s->done[s->n_done++] = x;
}

/* Where event i's length stands is where event i - 1 ends. */
static size_t
begin_of(const struct state *s, const struct group *g, uint64_t i)
{
	return i == 0 ? 0 : (size_t)(s->event[i - 1].p + s->event[i - 1].n - g->events.p);
}

/* The sessions of one group that are over; the time at which the next one may be, INT64_MAX: none is left. */
static int64_t
find_sessions(struct state *s, struct group *g, int64_t wm, bool end)
{
	for (uint64_t a = 0, z; a < g->n; a = z) {
		int64_t start = event_time(s->event[a]), last = start, limit = limit_of(s, start), over;

		for (z = a + 1; z < g->n; z++) {
			int64_t next = event_time(s->event[z]);

			if (is_break(s->event[z]) || next > limit)
				break;
			last = next;
			limit = limit_of(s, last);
		}
		over = z < g->n && event_time(s->event[z]) < limit ? event_time(s->event[z]) : limit;
		if (!end && over >= wm) {
			g->brk = is_break(s->event[a]) ? start : INT64_MAX;
			return over;
		}
		push(s, (struct session){ start, last, over, g, { NULL, 0 }, begin_of(s, g, a), begin_of(s, g, z) });
	}
	return INT64_MAX;
}

/* Of two sessions of one time the one whose group is smaller, then the earlier one, comes first. */
static int
by_group(const struct session *a, const struct session *b)
{
	int d = a->group == b->group ? 0 : span_cmp(a->key, b->key);

	return d != 0 ? d : a->from < b->from ? -1 : a->from > b->from;
}

static int
by_start(const void *pa, const void *pb)
{
	const struct session *a = pa, *b = pb;

	return a->start != b->start ? (a->start < b->start ? -1 : 1) : by_group(a, b);
}

static int
by_over(const void *pa, const void *pb)
{
	const struct session *a = pa, *b = pb;

	return a->over != b->over ? (a->over < b->over ? -1 : 1) : by_group(a, b);
}

static int
emit(struct state *s, const struct session *x, const struct host *host)
{
	struct unpack u = { span_of(x->group->events.p + x->from, x->to - x->from), true };
	const char *why = NULL;
	int rc;

	while (u.s.n > 0 && why == NULL) {
		struct span e = unpack_span(&u);

		if (!u.ok || !unpack_event(s, e))
			return bad_state();
		if ((why = agg_read(&s->set, s->input, event_time(e))) == NULL &&
		    (why = agg_check(&s->set, s->cell)) == NULL)
			agg_apply(&s->set, s->cell);
	}
	row_begin(&s->row);
	row_time(&s->row, &s->conf, x->start);
	row_time(&s->row, &s->conf, x->end);
	if (!row_group(&s->row, x->key, s->conf.n_groups))
		return bad_state();
	if (why == NULL)
		why = row_aggs(&s->row, &s->set, s->cell);
	if (why != NULL)
		rc = row_error(x->key, why);
	else if (host->defer != NULL)
		rc = row_later(&s->row, host, (uint64_t)(s->conf.late ? x->over : x->start));
	else
		rc = row_end(&s->row, host);
	agg_drop(&s->set, s->cell);
	return rc;
}

static int
deferred(void *st, struct span line, const struct host *host)
{
	struct state *s = st;

	return row_again(&s->row, line, host);
}

/* Sort a group's events and find what is over. */
static int
look(struct state *s, struct group *g, int64_t wm, bool end)
{
	struct span key = map_key(s->held.map, g);
	size_t from = s->n_done;
	int64_t due;

	if ((g->flags & LOOKED) != 0)
		return 0;
	if (!sort_group(s, g))
		return bad_state();
	due = find_sessions(s, g, wm, end);
	for (size_t i = from; i < s->n_done; i++)
		s->done[i].key = key;
	if (s->conf.late)
		set_due(s, g, due);
	g->flags |= LOOKED;
	if (s->n_seen == s->cap_seen) {
		s->cap_seen = s->cap_seen == 0 ? 64 : mem_mul(s->cap_seen, 2);
		s->seen = mem_array(s->seen, s->cap_seen, sizeof *s->seen);
	}
	s->seen[s->n_seen++] = g;
	return 0;
}

/* Forget the closed events of each group that was looked at: they stand before all others. */
static void
forget(struct state *s)
{
	for (size_t i = 0; i < s->n_done; i++)
		if (s->done[i].to > s->done[i].group->closed)
			s->done[i].group->closed = s->done[i].to;
	for (size_t i = 0; i < s->n_seen; i++) {
		struct group *g = s->seen[i];
		struct span left = span_from(kept_span(&g->events), g->closed);
		struct unpack u = { left, true };

		g->flags &= (uint8_t)~LOOKED;
		if (left.n == 0) {
			struct span key = map_key(s->held.map, g);

			if ((g->flags & SAVED) != 0)
				pack_span(&s->held.gone, key);
			kept_drop(&s->held.pool, &g->events);
			g->due = INT64_MAX;
			map_del(s->held.map, key);
			continue;
		}
		if (g->closed == 0)
			continue;
		memset(g->kind, ORDER_NULL, s->set.n);
		/* the types that were met are those of what is left: a state that is loaded knows no others */
		for (g->n = 0; u.s.n > 0; g->n++)
			if (unpack_event(s, unpack_span(&u)))
				(void)meet(s, g);
		memmove(g->events.p, left.p, left.n);
		g->events.n = (uint32_t)left.n;
		g->closed = 0;
		g->flags |= DIRTY;
	}
}

/* Nothing is left: the memory goes back. */
static void
clear(struct state *s)
{
	if (map_count(s->held.map) > 0)
		return;
	held_clear(&s->held);
	s->n_due = 0;
}

/* All groups that are left, in the order of the map; some at a time are brought near. */
static int
look_all(struct state *s, int64_t wm, bool end)
{
	struct map_entry e[NEAR];
	size_t at = 0, n = NEAR;
	int rc = 0;

	while (n == NEAR && rc == 0) {
		for (n = 0; n < NEAR && map_next(s->held.map, &at, &e[n]); n++)
			__builtin_prefetch(((struct group *)e[n].cell)->events.p);
		for (size_t i = 0; i < n && rc == 0; i++)
			rc = look(s, e[i].cell, wm, end);
	}
	return rc;
}

/* The rows of n sessions, no more than NEAR. */
static int
emit_some(struct state *s, const struct session *const *x, size_t n, const struct host *host)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		__builtin_prefetch(x[i]->group->events.p + x[i]->from);
		__builtin_prefetch(x[i]->key.p);
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = emit(s, x[i], host);
	return rc;
}

static int
emit_done(struct state *s, const struct host *host)
{
	const struct session *x[NEAR];
	int rc = 0;

	for (size_t at = 0, n; at < s->n_done && rc == 0; at += n) {
		for (n = 0; n < NEAR && at + n < s->n_done; n++) {
			x[n] = &s->done[at + n];
			__builtin_prefetch(x[n]->group);
		}
		rc = emit_some(s, x, n, host);
	}
	return rc;
}

static int
close_sessions(void *st, int64_t wm_ms, const struct host *host)
{
	struct state *s = st;
	bool end = wm_ms == INT64_MAX;
	struct group *g;
	int64_t wm;
	int rc = 0;

	if (__builtin_mul_overflow(wm_ms, 1000, &wm))
		wm = wm_ms < 0 ? INT64_MIN : INT64_MAX;
	s->n_done = s->n_seen = 0;
	if (s->conf.late && !end)
		while (rc == 0 && (g = next_due(s, wm)) != NULL)
			rc = look(s, g, wm, end);
	else
		rc = look_all(s, wm, end);
	if (s->n_done > 1)
		qsort(s->done, s->n_done, sizeof *s->done, s->conf.late ? by_over : by_start);
	if (rc == 0)
		rc = emit_done(s, host);
	if (rc == 0 && s->n_seen > 0) {
		forget(s);
		clear(s);
	}
	return rc;
}

static int
flush(void *st, const struct host *host)
{
	return close_sessions(st, INT64_MAX, host);
}

/* ---- the law ---- */

static int
add(void *st, struct span key, struct span val)
{
	struct state *s = st;
	struct unpack u = { val, true };
	struct group *g = group_of(s, hash_mem(key), key);
	const char *why;

	while (u.s.n > 0) {
		struct span e = unpack_span(&u);

		if (!u.ok || !unpack_event(s, e))
			return bad_state();
		if ((why = meet(s, g)) != NULL)
			return row_error(key, why);
		put_event(s, g, e);
	}
	return 0;
}

static int
save_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct state *s = st;
	struct group *g = e->cell;

	if (g->n == 0)
		return 0;
	if (!sort_group(s, g))
		return bad_state();
	g->flags = SAVED;
	return put(arg, e->key, kept_span(&g->events));
}

static bool
changed(void *st, const void *cell)
{
	(void)st;
	return (((const struct group *)cell)->flags & DIRTY) != 0;
}

static size_t
drop(void *st, const struct map_entry *e)
{
	struct state *s = st;
	struct group *g = e->cell;
	size_t n = g->events.cap;

	kept_drop(&s->held.pool, &g->events);
	g->due = INT64_MAX;		/* the heap still points at it */
	return n;
}

static const char *
merge(void *st, void *cell, void *other)
{
	struct state *s = st;
	struct group *g = cell, *o = other;

	for (size_t k = 0; k < s->set.n; k++) {
		if (g->kind[k] != ORDER_NULL && o->kind[k] != ORDER_NULL && g->kind[k] != o->kind[k])
			return ORDER_MIXED;
		g->kind[k] |= o->kind[k];	/* one of them is 0 */
	}
	kept_add(&s->held.pool, &g->events, kept_span(&o->events));
	kept_drop(&s->held.pool, &o->events);
	g->n += o->n;
	g->flags |= DIRTY;
	g->brk = o->brk < g->brk ? o->brk : g->brk;
	g->due = o->due < g->due ? o->due : g->due;
	return NULL;
}

static const struct keyed groups = { changed, save_one, drop, merge };

static int
shed(void *st, size_t want, kv_fn *put, void *arg)
{
	int rc = held_shed(st, want, put, arg);

	clear(st);
	return rc;
}

static int
join(void *st, void *other)
{
	struct state *s = st;
	struct map_entry e;
	struct span key;
	const char *why = held_take(&s->held, &((struct state *)other)->held, &key);

	s->n_due = 0;
	for (size_t i = 0; map_next(s->held.map, &i, &e);)
		set_due(s, e.cell, ((struct group *)e.cell)->due);
	return why == NULL ? 0 : row_error(key, why);
}

static size_t
bytes(const void *st)
{
	const struct state *s = st;

	return held_bytes(st) + s->cap_due * sizeof *s->due;
}

/* ---- in parts ---- */

/* What is late, and whether types meet, depends on the order of records. */
static bool
can(const void *st)
{
	const struct state *s = st;

	return s->conf.water == NULL && !s->set.ordered;
}

static int
take(void *st, void *by_st, const struct batch *b, const uint16_t *at, size_t n)
{
	struct state *s = st, *by = by_st;
	const char *why;
	bool late;

	for (size_t k = 0; k < n; k++)
		map_prefetch(s->held.map, by->keys.hash[at[k]]);
	for (size_t k = 0; k < n; k++) {
		if ((why = record(s, by, b, at[k], &late)) != NULL)
			batch_reject(b, at[k], why);
		else
			b->fate[at[k]] = F_USED;
	}
	return 0;
}

/* First the sessions of each part are found and put in order, then rows are made of pieces of that order. */
static size_t
plan(void *st, void *const *part, size_t n)
{
	return cut_rounds(&((struct state *)st)->cut, part, n, PIECE_SESSIONS);
}

static int
piece(void *st, void *by, size_t i, const struct host *host)
{
	struct state *s = st;
	const struct session *x[NEAR];
	struct cut_walk walk;
	int rc = 0;

	if (cut_sorting(&s->cut)) {
		struct state *p = s->cut.part[i];

		rc = look_all(p, INT64_MAX, true);
		if (p->n_done > 1)
			qsort(p->done, p->n_done, sizeof *p->done, by_start);
		cut_set(&s->cut, i, p->done, p->n_done);
		return rc;
	}
	cut_begin(&s->cut, i, &walk);
	for (size_t n = NEAR; n == NEAR && rc == 0;) {
		for (n = 0; n < NEAR && (x[n] = cut_next(&walk)) != NULL; n++)
			__builtin_prefetch(x[n]->group);
		rc = emit_some(by, x, n, host);
	}
	return rc;
}

static const struct op_parts parts = { can, locate, take, plan, piece, true };

void *
session_new(const struct window_conf *conf)
{
	struct state *s = mem_new(sizeof *s);

	s->conf = *conf;
	agg_set_up(&s->set, conf->agg, conf->n_aggs, conf->as, &s->held.pool);
	s->cell = mem_new(s->set.cell_bytes);
	s->held.is = &groups;
	s->held.map = map_new(sizeof(struct group) + conf->n_aggs);
	s->input = mem_new(mem_mul(conf->n_aggs, sizeof *s->input));
	s->cut = (struct cut){ .size = sizeof *s->done, .cmp = by_start };
	row_init(&s->row, window_cells(conf));
	return s;
}

static void *
fresh(const void *st)
{
	return session_new(&((const struct state *)st)->conf);
}

static void
destroy(void *st)
{
	struct state *s = st;

	held_free(&s->held);
	agg_free(&s->set);
	keys_free(&s->keys);
	row_free(&s->row);
	free(s->cell);
	free(s->input);
	free(s->event);
	free(s->done);
	free(s->seen);
	free(s->due);
	cut_free(&s->cut);
	buf_free(&s->val);
	buf_free(&s->sorted);
	free(s);
}

const struct op window_session_op = {
	.name = "session", .version = 1, .batch = batch, .close = close_sessions, .add = add, .save = held_save,
	.shed = shed, .bytes = bytes, .fresh = fresh, .free = destroy, .flush = flush, .deferred = deferred,
	.join = join, .parts = &parts,
};
