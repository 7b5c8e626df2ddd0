/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * join_own - what the files of join share: its bytes, and those of them that stand in files (see join.h)
 *
 *	if (j->cold != NULL) ... rc = cold_find(j, hash, key, &room, &at, &slot, &row);
 *	rc = cold_begin(j);				// rows from memory to a file without a name
 *	rc = cold_append(j, row, &place); rc = cold_set(j, at, slot); rc = cold_grow(j);
 *	rc = cold_settle(j); ... cold_free(j);
 *
 * Invariants: slots and rows have the same layout in files as in memory.  A slot, or some of them, and a row are read
 * when they are asked for and not kept: that is the kernel's affair.  Rows that were added last stand in `tail` until
 * cold_settle, from where on threads may read.  All of cold_ return 0, or EXIT_IO after a message.
 */
#ifndef OP_JOIN_OWN_H
#define OP_JOIN_OWN_H

#include "op/join.h"

#define SLOTS_BITS_MAX 32

struct dated {			/* what a row begins with where rows have periods */
	uint32_t next;		/* of the same key, older; 0: none */
	struct period days;
};

struct join {
	uint64_t *slot;		/* upper hash bits << 32 | place; 0: empty. A place is an offset in 8 bytes, plus 1 */
	unsigned bits;		/* 2^bits slots */
	size_t used;		/* keys */
	size_t rows;
	struct buf mem;
	struct buf one, room;	/* for join_put; for a row of the files */
	bool periods, lent;	/* lent: the bytes are the caller's */
	size_t budget;		/* slots and rows that are more go to files */
	struct cold *cold;	/* rows in a file, mem is empty; slot NULL: slots too.  NULL: all in memory */
};

struct row {
	struct dated dated;	/* where rows have periods */
	struct span key, bytes;
};

static inline size_t
n_slots(const struct join *j)
{
	return (size_t)1 << j->bits;
}

/* The upper half decides both tag and place, so that a slot can be moved without its key. */
static inline size_t
home(const struct join *j, uint64_t slot_or_hash)
{
	return (size_t)(slot_or_hash >> 32 >> (32 - j->bits));
}

static inline uint32_t
row_length(const char **p)
{
	uint32_t n = (unsigned char)*(*p)++;

	if (n < 0x80)
		return n;
	n &= 0x7f;
	for (unsigned shift = 7; shift < 35; shift += 7) {
		uint32_t c = (unsigned char)*(*p)++;

		n |= (c & 0x7f) << shift;
		if (c < 0x80)
			break;
	}
	return n;
}

/* The parts of a row. */
static inline struct row
row_of(const char *p, bool periods)
{
	struct row r = { { 0, { 0, 0 } }, { NULL, 0 }, { NULL, 0 } };
	uint32_t n;

	if (periods) {
		memcpy(&r.dated, p, sizeof r.dated);
		p += sizeof r.dated;
	}
	n = row_length(&p);
	r.bytes.n = row_length(&p);
	r.key = span_of(p, n);
	r.bytes.p = p + n;
	return r;
}

/* All rows to a file; their memory is given back. */
int cold_begin(struct join *);
/*
 * The key's slot, and its first row, in `room` until that is used again; or *slot 0 and the empty one where it would
 * stand.
 */
int cold_find(const struct join *, uint64_t hash, struct span key, struct buf *room, size_t *at, uint64_t *slot,
    struct row *);
int cold_set(struct join *, size_t at, uint64_t slot);
/* A row behind the last one. *place 0: it is full. */
int cold_append(struct join *, struct span row, uint32_t *place);
int cold_row(const struct join *, uint32_t place, struct buf *room, struct row *);
/* With periods: another `next` for that row. */
int cold_link(struct join *, uint32_t place, uint32_t next);
/* Take the row that was added last away. Pre: cold_append was the last that changed rows. */
void cold_take_back(struct join *, uint32_t place);
/* Twice as many slots, in a file from here on: one pass over both. */
int cold_grow(struct join *);
int cold_settle(struct join *);
size_t cold_bytes(const struct join *);
void cold_free(struct join *);

#endif
