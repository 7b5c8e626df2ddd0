/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bag - values and how often each came: what collect and topk are made of
 *
 *	struct bag b = { 0 };
 *	bag_add(&desk, &pool, &b, value, 1);		// JSON, as it shall be written
 *	n = bag_order(&desk, &pool, &b);		// desk.item[0..n): different values in order
 *	bag_drop(&pool, &b); ... bag_desk_free(&desk);
 *
 * Invariants: two values are one if their bytes are.  A bag is bytes in a pool, value and count one after the other;
 * when it has doubled since it was last settled, values that came again are counted up, so it takes at most about
 * twice what its different values take.  More than BAG_BYTES_MAX of these and the bag is `over`: it holds nothing any
 * more, whatever the order they came in.  The desk is room to work in, shared by bags.
 */
#ifndef OP_BAG_H
#define OP_BAG_H

#include "base/limits.h"
#include "op/ids_part.h"
#include "op/order.h"

#define BAG_BYTES_MAX (256 * MIB)

struct bag {
	struct kept bytes;
	uint32_t settled;	/* bytes when last settled */
	bool over;
};

struct bag_item {
	struct span value;
	uint64_t n;
	struct order order;	/* bag_order fills it */
	size_t text;		/* where its unescaped text is, or SIZE_MAX */
	uint8_t kind;		/* false and true, numbers, texts, what has no order */
};

struct bag_desk {
	struct bag_item *item;
	uint32_t *at, *other;	/* where items begin in a bag: four bytes each, for bags may have millions */
	size_t cap, cap_at, largest;
	struct buf bytes, text;
};

void bag_add(struct bag_desk *, struct pool *, struct bag *, struct span value, uint64_t n);
/*
 * Its different values in desk.item, with their counts: booleans, numbers by size, texts by their bytes, then all else
 * by bytes; how many.  They live in the bag, until the next bag_add.
 */
size_t bag_order(struct bag_desk *, struct pool *, struct bag *);
/* The same, those that came most often first. */
size_t bag_top(struct bag_desk *, struct pool *, struct bag *);
/* Which part of IDS_PARTS a value is in, everywhere the same. */
unsigned bag_part_of(struct span value);
/*
 * Its different values in the order of their parts: those of part i are from[i] to from[i + 1], by bag_at, until the
 * desk is used for something else.
 */
void bag_parts(struct bag_desk *, struct pool *, struct bag *, uint64_t from[IDS_PARTS + 1]);
struct span bag_at(const struct bag_desk *, const struct bag *, uint64_t i, uint64_t *n);
/* Forget what is not among the k that came most often of the parts up to `part`; of other parts nothing. */
void bag_prune(struct bag_desk *, struct pool *, struct bag *, uint64_t k, unsigned part);
/* What it takes, and would take to settle the largest bag that was seen. */
size_t bag_desk_bytes(const struct bag_desk *);
void bag_pack(struct bag_desk *, struct pool *, struct bag *, struct buf *);
void bag_join(struct bag_desk *, struct pool *, struct bag *, struct unpack *);
/* All of another bag of the same pool into this one; that one stays as it is. */
void bag_pour(struct bag_desk *, struct pool *, struct bag *, const struct bag *from);
void bag_drop(struct pool *, struct bag *);
void bag_desk_free(struct bag_desk *);

#endif
