/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shared - keyed state that threads share: no key is in memory twice, and nothing is left to be joined at the end
 *
 *	struct shared *sh = shared_new(c, op);			// before there are threads
 *	rc = shared_take(sh, &hand, &own, batch);		// a thread's own spill, as long as its keys are few
 *	rc = shared_hand_over(sh, &hand, &own);			// what each has left, when the input has ended
 *	n = shared_plan(sh, st); ... op->parts->piece(st, by, i, host);	// the end, in any thread, where it can be
 *	rc = shared_join(sh, &spill); shared_free(sh);		// what is left, to the main state
 *
 * Invariants: a key is in the part that the upper bits of its hash name; a part is its lock's.  A thread deals a batch
 * by hashes and goes first to the parts that no other is at.  It begins with a state of its own, for threads that meet
 * at a few keys would wait for each other; when one has met SHARED_FROM of them, and no more than SHARED_EACH records
 * of each, all hand over what they have: of keys that come again and again, as windows do, states of their own are
 * joined sooner than shared.  Past their share of -S parts go to disk, each to runs of its own.  The answer does not
 * depend on any of it: base/op.h.
 */
#ifndef RUN_SHARED_H
#define RUN_SHARED_H

#include "run/spill.h"

#define SHARED_FROM 4096
#define SHARED_EACH 16

struct shared;

/* A thread's own; all zero at first. */
struct shared_hand {
	bool over;			/* what it had was handed over */
	uint64_t *met;			/* bits of the hashes met */
	size_t n_met, n_records;
	size_t begin;			/* the part to begin with */
	uint16_t order[BATCH_RECORDS_MAX];
};

/* op.parts is not NULL. */
struct shared *shared_new(struct ctx *, const struct op *);
/* Are the keys in parts by now? */
bool shared_on(const struct shared *);
/* A batch, by a thread, instead of op.batch. 0 or an exit status. */
int shared_take(struct shared *, struct shared_hand *, struct spill *own, const struct batch *);
/* What a thread has left of its own, into the parts. 0 or an exit status. */
int shared_hand_over(struct shared *, struct shared_hand *, struct spill *own);
/* A state that a thread works with until the end: freed with the rest. */
void shared_keep(struct shared *, void *st);
/* Pieces that the end can be done in (op_parts.plan), now or next; 0: none, or a part is on disk. */
size_t shared_plan(struct shared *, void *st);
/* All parts into one state, but rows that pieces have put out. 0 or an exit status. */
int shared_join(struct shared *, struct spill *);
void shared_hand_free(struct shared_hand *);
/* Nothing, where pieces have put out all there is: that is the end of a command. */
void shared_free(struct shared *);

#endif
