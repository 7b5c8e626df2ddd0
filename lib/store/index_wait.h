/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * index_wait - ids of data files that wait to become segments of their indices
 *
 *	struct wait w = { .room = &room };
 *	wait_add(&w, hash_fixed(id)); ... wait_frame(&w) where a frame of the data file ends ...
 *	n = wait_sort(&w, &segment, dir); sink_add(out, dir...); wait_put(&w, out);
 *	wait_clear(&w);
 *
 * Invariants: an id takes 8 bytes, its hash, in the order of the rows; which frame it is of is said once a frame, by
 * how many came up to its end.  Ids go to one of a few lists by their first bits, so each list has buckets of its own,
 * few enough to be filled within the cache.  Blocks are never moved, and those of a file that was cleared are the next
 * one's: the system makes and clears each page of them once, which costs more than to fill it.
 */
#ifndef STORE_INDEX_WAIT_H
#define STORE_INDEX_WAIT_H

#include <stdint.h>

#include "out/sink.h"
#include "store/index.h"

#define WAIT_BLOCK_IDS 255	/* 2 KiB with what stands before them */
#define WAIT_LISTS 32		/* a power of 2: by the first bits of a hash */

struct wait_block {
	struct wait_block *next;	/* all but the last one are full */
	uint64_t hash[WAIT_BLOCK_IDS];
};

struct wait_list {
	struct wait_block *first, *last;
	uint64_t *at, *end;		/* of the last one: where the next id goes */
	size_t n;			/* ids there is room for, in all blocks */
	uint32_t entries;		/* of a sorted one */
};

struct wait {
	struct index_room *room;	/* where blocks are from; it counts those in use */
	struct wait_list list[WAIT_LISTS];
	uint32_t (*end)[WAIT_LISTS];	/* of each frame that ended: the ids of each list up to there */
	size_t ends, cap;
};

/* The list that an id belongs to. */
static inline struct wait_list *
wait_list(struct wait *w, uint64_t hash)
{
	return &w->list[hash / (UINT64_MAX / WAIT_LISTS + 1)];
}

/* Does its next id need a block? */
static inline bool
wait_full(const struct wait_list *l)
{
	return l->at == l->end;
}

/* One more block, behind its last. */
void wait_grow(struct wait *, struct wait_list *);

/* An id of the frame at hand, where there is room.  At most UINT32_MAX of them wait at once. */
static inline void
wait_add(struct wait_list *l, uint64_t hash)
{
	__builtin_prefetch(l->at + MEM_LINE / sizeof hash, 1);
	*l->at++ = hash;
}

/* How many wait. */
size_t wait_ids(const struct wait *);
/* The frame at hand ends. */
void wait_frame(struct wait *);
/* What a segment says of itself. */
struct wait_segment {
	uint64_t name;			/* of the data file: index_name_sum() */
	uint32_t seg, buckets;		/* its number; a multiple of WAIT_LISTS */
	unsigned bits;			/* of a frame */
};
/*
 * The ids become entries (index_entry, frames counted from the first one that waits), bucket after bucket, each once: a
 * counting sort of each list, in which frames stay in order.  dir[8 * (buckets + 1)] becomes the segment's directory.
 * Returns how many entries there are; they stand where the ids stood, so all but wait_put and wait_clear is over.  Time
 * in proportion to ids and buckets.
 */
uint32_t wait_sort(struct wait *, const struct wait_segment *, char *dir);
/* Write the entries. 0 or EXIT_IO. */
int wait_put(const struct wait *, struct sink *);
/* Nothing waits; the blocks are the room's. */
void wait_clear(struct wait *);
/* Forget that there is a file: the same, and all memory is given back. */
void wait_free(struct wait *);

#endif
