/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spill - an operator that keeps to -S: what does not fit goes to sorted runs on disk
 *
 *	struct spill s = { .c = c, .op = &top_op, .st = st };
 *	rc = spill_relieve(&s);			// before each batch
 *	rc = spill_advance(&s, wm_ms, SPILL_BUSY, host);	// event time reached that: what is over goes out
 *	rc = spill_close(&s, host);		// instead of the operator's close at the end of the input
 *
 * Invariants: the answer is the same bytes as without it (the law of base/op.h): a state that is shed comes back by
 * add(), in key order, and lines that it defers then are brought back to the order of the input by a second merge.
 * Only operators that have `flush` are relieved; others stay in memory.  What one key holds must fit.  In a barrier job
 * nothing goes to disk, for a snapshot is the whole of it: what -S does not hold ends the work.
 * What is over while state is on disk goes out when what was added since is as much as was there, and at the end.
 */
#ifndef RUN_SPILL_H
#define RUN_SPILL_H

#include "run/run.h"

struct runs;

struct spill {
	struct ctx *c;
	const struct op *op;
	void *st;
	const struct host *host;
	struct runs *runs;	/* NULL: all of it is in memory */
	struct runs *later;	/* lines that the operator deferred, by place */
	struct runs *next;	/* what is still open, while the runs are gone through */
	struct buf last;	/* the key added last */
	int64_t wm_ms;		/* what event time has reached; 0 before anything was said */
	bool timed;		/* it was */
	uint64_t settled;	/* bytes of the runs when they were last gone through */
	uint64_t spilled;	/* bytes written in all */
	size_t beside;		/* bytes of state that are elsewhere (run/shared.h) */
	int64_t rest_until_us;	/* idle ticks leave the disk alone until then */
};

/* Bytes of state that may be in memory. */
size_t spill_room(const struct spill *);
/* 0 or EXIT_IO after a message: the disk, or in a barrier job state that is larger than -S. */
int spill_relieve(struct spill *);
/* The same for another room than spill_room. */
int spill_keep_to(struct spill *, size_t room);
/*
 * Event time reached wm.  SPILL_IDLE: nothing comes, so there is time to look at what is on disk too; SPILL_LAST: all
 * that is over must be out when it returns.  0 or an exit status.
 */
enum spill_when { SPILL_BUSY, SPILL_IDLE, SPILL_LAST };
int spill_advance(struct spill *, int64_t wm_ms, enum spill_when, const struct host *);
/* A kv_fn whose arg is the spill: add(), and to disk what does not fit. */
int spill_add(void *spill, struct span key, struct span val);
/* All of the state to put, equal keys perhaps in several pieces; it is gone then. 0 or an exit status. */
int spill_save(struct spill *, kv_fn *put, void *arg);
/* Notes state_bytes, and spilled_bytes if there are any. 0 or an exit status. */
int spill_close(struct spill *, const struct host *);

#endif
