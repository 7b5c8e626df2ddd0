/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair_own - what pair.c and the three kinds of joins share (see pair.h)
 *
 *	size_t n = pair_ready(s, wm);			// s->ready[0..n): records below wm, in the order of lines
 *	pair_push(&s->live[side], r); ... pair_front(&s->live[side]) ... pair_drop(s, pair_shift(&s->live[side]));
 *	rc = pair_put(s, host, time, KIND_PAIR, left, right);
 *
 * Invariants: a record waits until the watermark has passed it; from then on records are handled in the order (time,
 * key, side, bytes), whatever order they came in, so a kind sees streams without disorder.  A cell is a key that has
 * records; it goes with the last of them.  Blocks of records and cells come from one pool.
 */
#ifndef OP_PAIR_OWN_H
#define OP_PAIR_OWN_H

#include "base/rheap.h"
#include "op/pair.h"
#include "op/pool.h"

#define PAIR_SLOTS_MIN ((size_t)64)
#define PAIR_AHEAD 48			/* records */

enum { LEFT, RIGHT };
enum { LINE_PAIR, LINE_LEFT, LINE_RIGHT };	/* of one time, in this order */
/* of a record: it met another one; it was handled before the state was shed or saved */
enum { MET = 1, HANDLED = 2 };
/* of a cell: changed since the last save; a save has it; the null key, which meets nothing */
enum { DIRTY = 1, SAVED = 2, NO_KEY = 4 };

struct rec {
	struct rec *next;		/* in its cell, newer */
	struct cell *cell;
	int64_t us;
	uint32_t n, cap;		/* bytes of the line, of the block */
	uint8_t side, flags;
	char line[];
};

struct chain {
	struct rec *first, *last;
};

struct cell {				/* what is looked at for each record comes first */
	struct chain of[2];		/* oldest first */
	uint64_t hash;
	uint64_t prefix;		/* the key's first bytes, as a number in their order */
	uint64_t held;			/* records */
	uint32_t n;			/* bytes of the key */
	uint8_t flags;
	uint64_t turn;			/* of the window that looked last */
	char key[];
};

struct queue {				/* oldest first */
	struct rec **v;
	size_t cap, at, n;
};

struct place {			/* of the table of cells */
	uint64_t hash;
	struct cell *c;		/* NULL: none */
};

struct pair {
	struct pair_conf conf;		/* the first: pair_new takes a conf or a state */
	struct watermark wm[2];
	bool ended[2];
	int64_t closed_us;		/* all below was handled */
	struct place *cell;		/* open addressing */
	size_t mask, n_cells;
	struct pool pool;
	struct rheap wait;		/* not handled yet */
	struct rslot *ready;		/* taken from it, in the order of lines */
	uint64_t waiting[2];		/* not handled yet; pair_between counts them down */
	struct queue live[2];		/* handled; windows and sessions have one, live[0] */
	/* windows */
	bool begun;			/* a window was closed: the one at last_us */
	int64_t last_us;
	uint64_t turn;
	struct cell **met;		/* of one window */
	size_t cap_met;
	struct buf times;		/* `,"window_start":...` of the window at hand */
	/* output */
	bool later;			/* lines go to host->defer */
	struct buf line;
	/* of a batch */
	struct buf keys, scratch, gone;
	size_t at[BATCH_RECORDS_MAX + 1];
	uint64_t hash[BATCH_RECORDS_MAX];
	int64_t us[BATCH_RECORDS_MAX];
	uint8_t side[BATCH_RECORDS_MAX];
	bool none[BATCH_RECORDS_MAX];	/* a null key */
	unsigned char *tags[2];		/* [n_keys] */
	struct pair_told told;
};

static inline struct span
rec_line(const struct rec *r)
{
	return span_of(r->line, r->n);
}

static inline struct span
cell_key(const struct cell *c)
{
	return span_of(c->key, c->n);
}

/* Does a record of that side go out alone when nothing met it? */
static inline bool
pair_alone(const struct pair *s, int side)
{
	enum pair_type t = s->conf.type;

	return side == LEFT ? t == PAIR_LEFT || t == PAIR_FULL || t == PAIR_ANTI : t == PAIR_RIGHT || t == PAIR_FULL;
}

static inline struct rec *
slot_rec(const struct rslot *v)
{
	return v->what;
}

/* Ask for a record's head, which may lie on two lines of the cache. */
MEM_AHEAD void
pair_ask(const struct rec *r)
{
	__builtin_prefetch(r, 1);
	__builtin_prefetch(r->line, 1);
}

/* v[i] is looked at next: what of some records later will be is asked for, the record and then its cell. */
MEM_AHEAD void
pair_near(const struct rslot *v, size_t i, size_t n)
{
	if (i + PAIR_AHEAD >= n)
		return;
	pair_ask(slot_rec(&v[i + PAIR_AHEAD]));
	__builtin_prefetch(slot_rec(&v[i + PAIR_AHEAD / 2])->cell, 1);
}

static inline struct rec *
pair_front(const struct queue *q)
{
	return q->n == 0 ? NULL : q->v[q->at];
}

static inline struct rec *
pair_nth(const struct queue *q, size_t i)
{
	return q->v[(q->at + i) & (q->cap - 1)];
}

static inline void
chain_add(struct chain *c, struct rec *r)
{
	r->next = NULL;
	if (c->last == NULL)
		c->first = r;
	else
		c->last->next = r;
	c->last = r;
}

/* Take the first; pre: there is one. */
static inline void
chain_shift(struct chain *c)
{
	c->first = c->first->next;
	if (c->first == NULL)
		c->last = NULL;
}

/* The key's cell, made where there was none. */
struct cell *pair_cell(struct pair *, uint64_t hash, struct span key);
/* That many slots for cells, a power of two, PAIR_SLOTS_MIN at first. */
void pair_slots(struct pair *, size_t n);
void pair_slots_free(struct pair *);
/* A new record, which waits. */
void pair_hold(struct pair *, struct cell *, int64_t us, unsigned side, unsigned flags, struct span line);
/* Two struct rslot: by key, then time, then side and bytes. */
int pair_by_key(const void *, const void *);
void pair_push(struct queue *, struct rec *);
struct rec *pair_shift(struct queue *);
/* Move what is below wm (INT64_MAX: all) of what waits to s->ready, in order; how many. */
size_t pair_ready(struct pair *, int64_t wm_us);
/* Forget a record that is in no list any more. */
void pair_drop(struct pair *, struct rec *);
/* One line: what stands at that time, either side may be NULL, and s->times behind it. */
int pair_put(struct pair *, const struct host *, int64_t us, int kind, const struct rec *l, const struct rec *r);
/* A pair met: what the type of join makes of it. */
int pair_meet(struct pair *, const struct host *, int64_t us, struct rec *l, struct rec *r);
/* All records of both chains up to `last` (NULL: all) as one group, pairs or those alone: windows and sessions. */
int pair_group(struct pair *, const struct host *, int64_t us, const struct cell *, const struct rec *left,
    const struct rec *right);
/* s->times for a window. */
void pair_times(struct pair *, int64_t start_us, int64_t end_us);

/* Handle s->ready[0..n), all of it below wm, and close what wm has passed. 0 or what the host said. */
int pair_between(struct pair *, size_t n, int64_t wm_us, const struct host *);
int pair_windows(struct pair *, size_t n, int64_t wm_us, const struct host *);
int pair_sessions(struct pair *, size_t n, int64_t wm_us, const struct host *);

#endif
