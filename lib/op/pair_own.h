/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair_own - what pair.c, its helpers and the three kinds of joins share (see pair.h)
 *
 *	size_t n = pair_ready(s, wm);			// s->ready[0..n): records below wm, in the order of lines
 *	pair_push(&s->live[side], r); ... pair_front(&s->live[side]) ... pair_drop(s, pair_shift(&s->live[side]));
 *	rc = pair_put(s, host, time, KIND_PAIR, left, right);
 *
 * Invariants: a record waits until the watermark has passed it; from then on records are handled in the order (time,
 * key, side, bytes), whatever order they came in, so a kind sees streams without disorder.  A cell is a key that has
 * records; it goes with the last of them.  Records and cells come from one pool; lines stand behind their record, or in
 * the block of input that was lent, which lives as long as one of them does.  What waits stands in the heap, or, of a
 * side that another thread puts in order, by its number, and then in the order that came of it.
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
	const char *line;
	struct lent *in;		/* where it stands; NULL: behind the record, unless it was moved */
	uint32_t n;			/* bytes of it */
	uint8_t side, flags;
	bool moved;			/* out of a block that was lent, into one of the pool */
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

/* Of a side that is put in order where its lines are scanned (pair_order.c). */
struct order {
	/* of the thread */
	struct rheap wait;		/* numbers of records */
	struct watermark wm;
	uint64_t seen;
	bool over;			/* it has seen `off`, and made room */
	/* of the one that joins */
	struct rec **held;		/* ring: number base up to next; NULL: not held, or given already */
	size_t cap;
	uint64_t base, next;
	struct rslot *ready;		/* given, in order; [at, n) are not handled */
	size_t n, at, cap_ready;
	_Atomic bool off;		/* the state was shed: no more of it.  The thread looks at it too */
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
	struct lent *lent;		/* where the lines of the batch stand, or NULL */
	struct lent_list idle;
	size_t lent_bytes, lent_live;	/* of all blocks that lines are held in; of these lines */
	struct rheap wait;		/* not handled yet, */
	struct order order[2];		/* as these, of sides that another thread puts in order */
	struct rslot *ready;		/* taken from both, in the order of lines */
	struct rslot *merged;
	size_t cap_merged;
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
	return (struct rec *)(uintptr_t)v->what;
}

/* Ask for a record, which may lie on two lines of the cache. */
MEM_AHEAD void
pair_ask(const struct rec *r)
{
	__builtin_prefetch(r, 1);
	__builtin_prefetch((const char *)(r + 1) - 1, 1);
}

/* And for a cell, but for its key. */
MEM_AHEAD void
pair_ask_cell(const struct cell *c)
{
	__builtin_prefetch(c, 1);
	__builtin_prefetch(&c->flags, 1);
}

/* v[i] is looked at next: what of some records later will be is asked for, the record and then its cell. */
MEM_AHEAD void
pair_near(const struct rslot *v, size_t i, size_t n)
{
	if (i + PAIR_AHEAD >= n)
		return;
	pair_ask(slot_rec(&v[i + PAIR_AHEAD]));
	pair_ask_cell(slot_rec(&v[i + PAIR_AHEAD / 2])->cell);
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
/* A new record; its line is copied unless it stands in that block. */
struct rec *pair_hold(struct pair *, struct cell *, int64_t us, unsigned side, unsigned flags, struct span line,
    struct lent *in);
/* It waits. */
void pair_wait(struct pair *, struct rec *);
/* It does, by its number; NULL: the record of the next number is none. */
void pair_number(struct order *, struct rec *);
/* All that it has, which is not handled; how many. */
size_t pair_order_all(const struct order *, struct rslot *);
size_t pair_order_bytes(const struct order *);
/* s->ready: of both sides and the n others, which come by time, all below wm, by time; how many. */
size_t pair_merge(struct pair *, const struct rslot *, size_t n, int64_t wm_us);
/* What it held is forgotten. */
void pair_order_off(struct order *);
/* Those of one time, by their ties and then by `by`, which looks at ties first. */
void rslot_sort(struct rslot *, size_t n, int (*by)(const void *, const void *));
/* Two struct rslot: by key, then time, then side and bytes. */
int pair_by_key(const void *, const void *);
void pair_push(struct queue *, struct rec *);
struct rec *pair_shift(struct queue *);
/* The lines of all records in blocks that were lent: these are forgotten next. */
void pair_let_go(struct pair *);
/* All records, those that wait first; how many of these. `v` has room for them. */
size_t pair_all(struct pair *, struct rslot *v);
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
