/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fps - fingerprints, each with a word: when it passed, which row it is
 *
 *	struct fps t = { 0 };
 *	fps_prefetch(&t, id); ...
 *	uint64_t *word = fps_put(&t, id, &fresh);	// 0 when fresh; good until the next fps_put
 *	fps_free(&t);
 *
 * Invariants: an open-addressed table of 24-byte slots, filled between 53 % and 80 %: about 36 bytes each.  For ids
 * that are hashes: 0 is taken for 1, which is one more way to meet in 2^128.  Places depend on a seed of the
 * process, so what fps_next gives comes in no order that means anything.
 */
#ifndef OP_FPS_H
#define OP_FPS_H

#include "base/hash.h"

struct fps_slot { struct fp id; uint64_t word; };	/* id 0: free */

struct fps {
	struct fps_slot *v;
	uint64_t n, cap;
};

uint64_t *fps_put(struct fps *, struct fp, bool *fresh);
/* NULL: it is not there. */
uint64_t *fps_get(const struct fps *, struct fp);
void fps_prefetch(const struct fps *, struct fp);
/* Room for n without growing on the way. */
void fps_reserve(struct fps *, uint64_t n);
/* All in no order: *i from 0 until it gives NULL. The word may be changed, the id not. */
static inline struct fps_slot *
fps_next(const struct fps *t, size_t *i)
{
	while (*i < t->cap) {
		struct fps_slot *s = &t->v[(*i)++];

		if ((s->id.lo | s->id.hi) != 0)
			return s;
	}
	return NULL;
}

/*
 * Keep only those for which stays() holds; it is asked once for each. O(cap), in place: that takes no memory, and only
 * where few are left is some given back.
 */
void fps_sweep(struct fps *, bool (*stays)(void *arg, const struct fps_slot *), void *arg);
/* Would so many more make it grow? */
bool fps_full(const struct fps *, uint64_t more);
size_t fps_bytes(const struct fps *);
/* Bytes at the worst moment of taking so many more: a table that grows stands twice. */
size_t fps_bytes_with(const struct fps *, uint64_t more);
void fps_free(struct fps *);

#endif
