/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tally - numbers for each group out of members that are held in no order: rows by group, and no member is sorted
 *
 *	struct funnel { struct tally tally; ... };	// first: the functions below know nothing else of it
 *	static const struct tally_of of = { group_of, count_user, emit, NULL };
 *	tally_init(&s->tally, &members, map_new(sizeof(struct cell)), &of, n);	// members: op/keyed.h
 *	static const struct op_parts parts = { NULL, locate, take, tally_plan, tally_piece, false };
 *	const struct op funnel_op = { ..., .close = tally_close, .flush = tally_flush, .join = tally_join };
 *
 * Invariants: a member's key begins with its group's, and the order of groups is that of their bytes.  Rows come in
 * that order.  Members come in batches of which no later one has a key below the largest of those before, so all
 * groups but the last one are whole after each.  Memory: less than sorting would take; where groups are so many that
 * they would take more, members are sorted after all.
 */
#ifndef OP_TALLY_H
#define OP_TALLY_H

#include "op/keyed.h"

struct tally_of {
	/* the group's part of a member's key, NULL: it is none; false: the key is not one of ours */
	bool (*group)(void *st, struct span key, struct span *group);
	/* one more member of the group whose numbers these are, 0 at first */
	void (*count)(void *st, void *cell, uint64_t *n);
	/* the rows of a group; 0 or an exit status */
	int (*rows)(void *st, struct span group, const uint64_t *n, const struct host *);
	/* members are about to be counted and forgotten; NULL: no matter */
	void (*before)(void *st);
};

struct tally {
	struct held held;		/* first: the members */
	const struct tally_of *of;
	struct map *groups;
	size_t width;			/* numbers of a group */
	struct tally **part;		/* of the end in pieces: whose members piece i counts */
};

/* The map of members is taken. */
void tally_init(struct tally *, const struct keyed *, struct map *members, const struct tally_of *, size_t width);
void tally_free(struct tally *);

/* For struct op: a group is never over before the end; joins what is held and what was counted. */
int tally_close(void *st, int64_t wm_ms, const struct host *);
int tally_flush(void *st, const struct host *);
int tally_join(void *st, void *other);
/* For struct op_parts: each piece counts the members of a part, and the parts are joined. */
size_t tally_plan(void *st, void *const *part, size_t n);
int tally_piece(void *st, void *by, size_t i, const struct host *);
/* A batch by the functions of its parts, all of it into the state itself; for op.batch. */
int tally_batch(void *st, const struct op_parts *, const struct batch *);

#endif
