/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tally - numbers for each group out of members that are held in no order: rows by group, and no member is sorted
 *
 *	static const struct tally_of of = { group_of, count_user, emit };
 *	struct tally t = { &of, map_new(n * sizeof(uint64_t)) };
 *	rc = tally_count(&t, s, s->held.map, host);	// as often as members come back from disk
 *	rc = tally_rows(&t, s, true, host); tally_free(&t);
 *
 * Invariants: a member's key begins with its group's, and the order of groups is that of their bytes.  Rows come in
 * that order.  Members come in batches of which no later one has a key below the largest of those before, so all
 * groups but the last one are whole after each.  Memory: less than sorting would take; where groups are so many that
 * they would take more, members are sorted after all.
 */
#ifndef OP_TALLY_H
#define OP_TALLY_H

#include "base/map.h"
#include "base/op.h"

struct tally_of {
	/* the group's part of a member's key, NULL: it is none; false: the key is not one of ours */
	bool (*group)(void *st, struct span key, struct span *group);
	/* one more member of the group whose numbers these are, 0 at first */
	void (*count)(void *st, void *cell, uint64_t *n);
	/* the rows of a group; 0 or an exit status */
	int (*rows)(void *st, struct span group, const uint64_t *n, const struct host *);
};

struct tally {
	const struct tally_of *of;
	struct map *groups;
};

/* More groups than it pays to count in one map? A look at some of the members. */
bool tally_many(struct tally *, void *st, const struct map *members);
/* Count all members of what is one part of them; nothing is written. 0 or EXIT_INPUT after a message. */
int tally_part(struct tally *, void *st, const struct map *members);
/* What another tally counted, `width` numbers a group, into this one; it is empty then. */
void tally_take(struct tally *, struct tally *from, size_t width);
/* Count all members, and write what is whole. 0 or an exit status after a message. */
int tally_count(struct tally *, void *st, const struct map *members, const struct host *);
/* Write what was counted, or all of it but the last group. */
int tally_rows(struct tally *, void *st, bool all, const struct host *);
void tally_free(struct tally *);

#endif
