/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ids - an exact set of 64-bit or 128-bit ids: distinct values, fingerprints seen
 *
 *	struct ids s = { 0 };				// 64 bits each; .wide = true: 128
 *	if (ids_add(&s, (struct fp){ id, 0 })) ... it is new ...
 *	ids_free(&s);
 *
 * Invariants: up to IDS_LIST ids are a list that doubles, looked through one after the other; more are an
 * open-addressed table, filled between 53 % and 80 %.  Ids of 8 (16) bytes cost about 12 (24) bytes each in both; a
 * free slot is 0.  The id 0 is allowed.  A set that is not wide
 * takes ids with hi = 0; the first other one makes it wide.  Places depend on a seed of the process and decide
 * no order.
 */
#ifndef OP_IDS_H
#define OP_IDS_H

#include "base/hash.h"

#define IDS_LIST 32

struct ids {
	uint64_t *v;		/* slots of one or two words */
	uint64_t n, cap;	/* ids held but for 0, slots */
	bool wide, zero;	/* zero: the id 0 is in */
	bool dense;		/* filled up to 85 % */
};

/* The id in a slot, and into it: for those that know what the slots are (a table's, a list's, a part's). */
static inline struct fp
ids_slot(const struct ids *s, uint64_t i)
{
	return s->wide ? (struct fp){ s->v[2 * i], s->v[2 * i + 1] } : (struct fp){ s->v[i], 0 };
}

static inline void
ids_slot_put(struct ids *s, uint64_t i, struct fp id)
{
	if (s->wide) {
		s->v[2 * i] = id.lo;
		s->v[2 * i + 1] = id.hi;
	} else
		s->v[i] = id.lo;
}

/* True when it was not there. */
bool ids_add(struct ids *, struct fp);
bool ids_has(const struct ids *, struct fp);
/* Bring the id's slot near before a batch of ids_add. */
void ids_prefetch(const struct ids *, struct fp);
/* Will the next id that is new make it grow? */
bool ids_full(const struct ids *);
/* Room for n ids without growing on the way. */
void ids_reserve(struct ids *, uint64_t n);
/* All of another set into this one; that one is empty then. */
void ids_take(struct ids *, struct ids *from);

static inline uint64_t
ids_count(const struct ids *s)
{
	return s->n + s->zero;
}

static inline size_t
ids_bytes(const struct ids *s)
{
	return s->cap * (s->wide ? 16 : 8);
}

/* Everything, in numeric order (hi, lo): an array of ids_count(), to be freed by the caller. */
struct fp *ids_sorted(const struct ids *);
/* All in no order: *i from 0 until it is false. */
bool ids_next(const struct ids *, size_t *i, struct fp *);
void ids_free(struct ids *);

#endif
