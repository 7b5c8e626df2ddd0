/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spill - an operator that keeps to -S: what does not fit goes to sorted runs on disk
 *
 *	struct spill s = { .c = c, .op = &top_op, .st = st };
 *	rc = spill_relieve(&s);			// before each batch
 *	rc = spill_close(&s, host);		// instead of the operator's close at the end of the input
 *
 * Invariants: the answer is the same bytes as without it (the law of base/op.h): a state that is shed comes back by
 * add(), in key order, and lines that it defers then are brought back to the order of the input by a second merge.
 * Only operators that have `flush` are relieved; others stay in memory.  What one key holds must fit.
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
	struct buf last;	/* the key added last */
};

/* 0 or EXIT_IO after a message. */
int spill_relieve(struct spill *);
/* Notes state_bytes, and spilled_bytes if there are any. 0 or an exit status. */
int spill_close(struct spill *, const struct host *);

#endif
