/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fold_own - what the files of fold share: a pile of versions, the part of the keys it is of, and what reading needs
 *
 *	pile_begin(&p);					// with keys; { .spare = NONE } alone for versions without
 *	newest = pile_put(&p, newest, &change);		// of one key: NONE is none yet
 *	n = pile_list(&p, newest, &list, &cap); pile_free(&p);
 *
 * Invariants: while changes come a part's pile is its lock's, its spill its `shedding`'s.  When they are read,
 * what stands in a view is the thread's that has set `busy`, but for the counters, which are the lock's of its reader;
 * what stands in the parts does not change any more, but that each is sorted, before it is split or by who is busy with
 * it.
 */
#ifndef CDC_FOLD_OWN_H
#define CDC_FOLD_OWN_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "cdc/fold.h"
#include "cdc/keytab.h"
#include "cdc/spill.h"

#define PARTS 8
#define SPARES 2
#define NONE UINT32_MAX
#define MIXED 2			/* no kind: those are odd, or 0 */
#define HOLES 192

struct version {
	char *p;		/* ord, then row; of cap bytes, which it keeps until it is used again */
	uint64_t seq;
	uint32_t ord_n, row_n;
	size_t cap;
	int32_t day;
	uint32_t older;		/* index of the next older one of its key, or NONE */
	uint32_t kind;		/* of the newest: the kind of its key's ords (ord_kind), or MIXED */
	char op;		/* 0: it is spare */
	bool partial;
};

struct pile {
	struct keytab *keys;		/* cell: the newest version plus 1, so that a fresh one has none */
	struct version *v;
	size_t n, cap;
	uint32_t spare;			/* list of versions to use again */
	struct arena mem;
	char *hole[HOLES];		/* lists of bytes to use again, by size */
	size_t given, live;		/* bytes of mem that were handed out; those that are still read */
};

/* So many keys of a part, in order, with their changes; on disk or not. */
struct fold_item { struct span key; size_t at, n; bool mixed; };
struct chunk {
	struct fold_item *item;
	size_t n;
	struct fold_change *change;
	size_t n_changes, cap_changes;
	struct buf bytes;		/* of what was on disk */
	bool last;			/* there is nothing behind it */
	int rc;
};

/* What a reader has of a part: the keys of its range in order. */
struct view {
	struct part *part;
	struct spill *spill;		/* the range on disk; NULL: nothing is there */
	size_t at, end;			/* of the part's order: what is left of the range in memory */
	struct pile one;		/* a key's changes from several places */
	struct fold_change *list;
	size_t list_cap;
	struct chunk chunk[2];
	unsigned next, full;		/* the chunk that is read, and how many from there on are full */
	bool begun, busy, ended;	/* busy: a thread fills one; ended: all are filled */
	size_t item;			/* of the chunk that is read */
};

/* Who reads a range of the keys: from `from` on, below `to`; p NULL: no bound. */
struct fold_reader {
	struct fold *fold;
	struct span from, to;
	size_t buffer;			/* of a run on disk */
	size_t chunk_keys, chunk_bytes;
	struct view view[PARTS];
	struct view *first[PARTS];	/* a heap: the one with the smallest key is the first */
	size_t n_first;
	bool open, begun;		/* there is a first key; it was read */
	uint64_t mixed;
	struct fold_reader *next;	/* of those that nobody has */
	/* helpers, who fill chunks too */
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool stop;
	pthread_t *helper;
	size_t n_helpers;
};

/* The keys whose hash has one number in its low bits. */
struct part {
	pthread_mutex_t lock, shedding;
	struct pile pile;
	_Atomic size_t bytes;		/* of the pile, as they were counted last */
	struct spill *spill;		/* NULL: all of it fits */
	struct keytab_place *order;	/* keys of the pile by name; NULL: not sorted yet */
	size_t n_keys;
};

struct fold {
	bool days;
	struct part part[PARTS];
	pthread_mutex_t truncating;
	struct pile all;		/* what is met by every key: no key of its own */
	uint32_t truncates;		/* its newest plus 1 */
	_Atomic size_t bytes;		/* of the parts, and of what is on its way to disk */
	pthread_mutex_t sparing;
	struct pile spare[SPARES];	/* empty, with their memory: of parts that went to disk */
	size_t n_spares;
	size_t budget;
	/* reading */
	struct fold_reader *whole;	/* of all keys */
	struct span *cut;		/* [n_cuts] where the ranges of fold_split end */
	size_t n_cuts, threads;
	atomic_size_t sorted;		/* parts that threads have begun to sort */
	bool split;
	pthread_mutex_t lock;		/* if so */
	struct fold_reader *idle;	/* readers of ranges that nobody has */
};

struct packed {			/* a version on disk; then ord, then row */
	uint64_t seq;
	uint32_t ord_n, row_n;
	int32_t day;
	char op;
	bool partial;
};

void pile_begin(struct pile *);
/* newest: the newest version of the key, or NONE; returns what it is now. */
uint32_t pile_put(struct pile *, uint32_t newest, const struct fold_change *);
/* The versions from there on, oldest first, into an array of the caller's; returns how many. */
size_t pile_list(const struct pile *, uint32_t newest, struct fold_change **, size_t *cap);
/* Forget all, but keep a block of the memory. */
void pile_reset(struct pile *);
void pile_free(struct pile *);
uint32_t fold_kinds(uint32_t a, uint32_t b);
void fold_read_free(struct fold *);

#endif
