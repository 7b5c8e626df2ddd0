/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pairing - a join of two streams from its inputs to its end: how late they are, what is idle, what does not fit
 *
 *	p.conf = …; p.operand[0] = left; p.operand[1] = right;	// NULL: one stream, its records say their side
 *	rc = pairing_set_up(c, &p);		// reads files once, to learn how far they are out of order
 *	rc = pairing_work(&p);			// all of the input, through the command's batch: pairing_batch(&p, b)
 *
 * Invariants: without a bound of lateness nothing is late; a side that can be read twice is, and its bound is what was
 * measured, any other side has none, so that nothing is over before it ends.  State past -S goes to sorted runs, and
 * then all that was not written yet comes at the end, the same bytes; a stream that may be endless ends with EXIT_IO.
 * In a barrier job time comes with control lines, and what is over goes out there: pairing_mark, the command's mark().
 */
#ifndef RUN_PAIRING_H
#define RUN_PAIRING_H

#include "expr/columns.h"
#include "op/pair.h"
#include "run/spill.h"

struct pairing {
	struct pair_conf conf;		/* key, time, late of both sides and what else the command knows */
	const char *operand[2];
	const struct col_list *names;	/* [2] of the keys, for messages */
	struct columns columns;
	bool may_idle, may_lead;	/* --idle was given; --max-future was not */
	int64_t idle_us;
	struct dur ahead;
	/* its own */
	struct ctx *c;
	void *pair;
	struct spill spill;
	bool endless;
	int side;			/* of the batches that come */
};

/* 0 or an exit status after a message. */
int pairing_set_up(struct ctx *, struct pairing *);
int pairing_batch(struct pairing *, const struct batch *);
/* Nothing came of the one stream for so long. */
int pairing_idle(struct pairing *, int64_t ms);
int pairing_work(struct pairing *);
int pairing_mark(struct pairing *, const struct mark *);

#endif
