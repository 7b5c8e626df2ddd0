/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool - blocks of any size that come and go: lines and texts that keyed state holds
 *
 *	struct pool p = { 0 };
 *	struct kept k = { 0 };
 *	kept_set(&p, &k, line);		// a copy; the old bytes' block is used again where it fits
 *	kept_drop(&p, &k); ... pool_free(&p);
 *
 * Invariants: blocks come from an arena in size classes at most a quarter apart and go back to a list of their
 * class; nothing returns to the system before pool_free.  pool_bytes() is what the arena holds.  Not thread-safe.
 */
#ifndef OP_POOL_H
#define OP_POOL_H

#include <stdint.h>

#include "base/mem.h"

#define POOL_CLASSES 128

struct pool {
	struct arena mem;
	void *spare[POOL_CLASSES];
};

/* Bytes that an entry keeps: all zero is none. */
struct kept {
	char *p;
	uint32_t n, cap;
};

static inline struct span
kept_span(const struct kept *k)
{
	return (struct span){ k->p == NULL ? "" : k->p, k->n };
}

/* Replace the bytes by a copy of these, at most 4 GiB (dies beyond; no line is that long). */
void kept_set(struct pool *, struct kept *, struct span);
/* A block for n bytes, whatever they are; the old one goes. */
void kept_room(struct pool *, struct kept *, size_t n);
/* Append; a block that grows at least doubles. */
void kept_add(struct pool *, struct kept *, struct span);
void kept_drop(struct pool *, struct kept *);
/* All blocks of `from` are this pool's now, where they are; the other is empty. */
void pool_take(struct pool *, struct pool *from);
size_t pool_bytes(const struct pool *);
void pool_free(struct pool *);

#endif
