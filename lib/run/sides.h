/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sides - two inputs read at once, a batch of the one, a batch of the other
 *
 *	struct sides s = { .operand = { left, right }, .arg = st, .turn = turn, .at = at, .ended = ended };
 *	rc = sides_read(c, &s);		// turn(st, side), then the command's batch with records of that side; ...
 *
 * Invariants: each input that may keep others waiting has a thread that waits for it, so nothing the writers do in any
 * order can block for ever: two FIFOs of one writer, a line that comes in two halves.  Of two files one thread may read
 * both.  The side that is behind in at() is read first; only when it has nothing to give is the other one read on.
 * Batches are handled by the caller's thread alone; with -j of 2 or more the thread that reads a side scans its lines
 * too, some blocks ahead, and makes of them what `ahead` says.
 * Inputs are files, FIFOs, /dev/fd/N, `-`, or wh:TABLE[@DAYS]; limits, rejects and counts are those of the main input.
 */
#ifndef RUN_SIDES_H
#define RUN_SIDES_H

#include "run/run.h"

struct ahead;
struct lent;

struct sides {
	const char *operand[2];
	void *arg;
	const struct ahead *ahead;		/* [2], or NULL (run/ctx.h); what they lead to stays */
	/* the batches that follow are of this side */
	void (*turn)(void *arg, int side);
	/* how far a side has come, whatever the unit */
	int64_t (*at)(void *arg, int side);
	/* no more comes of it. 0 or an exit status */
	int (*ended)(void *arg, int side);
	/*
	 * The block that comes next stands in this, which is the callee's from then on; NULL: it was handled.  With
	 * idle(), which gives another one to read into.  Optional.
	 */
	void (*lend)(void *arg, struct lent *);
	struct lent *(*idle)(void *arg);
	/* what ahead->end made, after its block or before ended() */
	void (*made)(void *arg, int side, struct span);
	/* after each block: what is over can be written */
	int (*after)(void *arg);
	/* about every IDLE_FLUSH_MS: nothing came of it for so many milliseconds. Optional. */
	int (*silent)(void *arg, int side, int64_t ms);
};

/* All of both. 0, or the exit status of what failed, after a message. */
int sides_read(struct ctx *, const struct sides *);
/* The operands, or standard input, as one main input, for a command with a `main` of its own. */
int sides_one(struct ctx *);

#endif
