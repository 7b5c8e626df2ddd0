/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyed - save, shed and join of operators whose state is a map: in key order, what changed or all of it
 *
 *	struct top { struct held held; ... };			// first: the functions below know nothing else of it
 *	static const struct keyed cells = { NULL, save_one, drop, merge };	// struct cell { bool dirty; ... }
 *	s->held = (struct held){ &cells, map_new(sizeof(struct cell)) };
 *	const struct op top_op = { ..., .save = held_save, .shed = held_shed, .bytes = held_bytes, .join = held_join };
 *
 * Invariants: save and shed put in key order and stop at the first non-zero of put, which they return.  A save of what
 * changed looks at every cell, and sorts only those.
 */
#ifndef OP_KEYED_H
#define OP_KEYED_H

#include "base/buf.h"
#include "base/map.h"
#include "base/op.h"
#include "op/pool.h"

struct keyed {
	/* did the cell change since it was last put?  NULL: it begins with a bool that says so, cleared here */
	bool (*changed)(void *st, const void *cell);
	/* put the cell's bytes, if it has any, and (changed not NULL) call it unchanged; 0, or what put said */
	int (*put)(void *st, const struct map_entry *, kv_fn *, void *arg);
	/* the cell leaves the map: give back what it holds elsewhere, say how much that was; NULL: nothing */
	size_t (*drop)(void *st, const struct map_entry *);
	/*
	 * lay another state's cell into this one, which changed with it; what the other holds in the pool is ours by
	 * then, and nobody looks at it again.  NULL, or why the two do not meet.  NULL: there is no join
	 */
	const char *(*merge)(void *st, void *cell, void *other);
};

/*
 * Put all cells, or those that changed; before the latter the keys of `gone` (each by pack_span; may be NULL), as
 * gone.  Leaves `gone` empty.
 */
int keyed_save(const struct keyed *, void *st, const struct map *, struct buf *gone, bool all, kv_fn *, void *arg);
/*
 * Put and forget cells until `want` bytes are gone, or all are: then the pool's memory (NULL: there is none) goes back
 * to the system too.
 */
int keyed_shed(const struct keyed *, void *st, struct map *, struct pool *, size_t want, kv_fn *, void *arg);

/* What a state begins with whose operator has the functions below for its own. */
struct held {
	const struct keyed *is;
	struct map *map;
	struct pool pool;	/* what cells hold elsewhere */
	size_t more;		/* bytes that they hold in neither */
	struct buf gone;	/* keys, each by pack_span, that were saved and are closed: the next save says so */
};

int held_save(void *st, bool all, kv_fn *, void *arg);
int held_shed(void *st, size_t want, kv_fn *, void *arg);
size_t held_bytes(const void *st);
int held_join(void *st, void *other);
/* What held_join does; NULL, or why two cells do not meet, and the first key where they do not. */
const char *held_take(struct held *, struct held *other, struct span *key);
/* Forget all cells, which hold nothing outside the pool, and give the memory back. */
void held_clear(struct held *);
void held_free(struct held *);

#endif
