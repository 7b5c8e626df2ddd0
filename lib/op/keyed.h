/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyed - save and shed of operators whose state is a map: in key order, what changed or all of it
 *
 *	static const struct keyed cells = { changed, save_one, drop };
 *	static int save(void *st, bool all, kv_fn *put, void *arg)
 *	{ struct x *s = st; return keyed_save(&cells, s, s->map, &s->gone, all, put, arg); }
 *
 * Invariants: both go through the map in key order and stop at the first non-zero of put, which they return.
 */
#ifndef OP_KEYED_H
#define OP_KEYED_H

#include "base/map.h"
#include "base/op.h"
#include "op/pool.h"

struct keyed {
	/* did the cell change since it was last put? */
	bool (*changed)(void *st, const void *cell);
	/* put the cell's bytes, if it has any, and call it unchanged; 0, or what put said */
	int (*put)(void *st, const struct map_entry *, kv_fn *, void *arg);
	/* the cell leaves the map: give back what it holds elsewhere, say how much that was; NULL: nothing */
	size_t (*drop)(void *st, const struct map_entry *);
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

#endif
