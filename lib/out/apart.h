/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apart - one thread beside the caller's, for work whose order is all that matters: compressing what is written
 *
 *	struct job { struct apart_job job; … } *j = …; j->job.run = compress;	// frees j itself
 *	s->ticket = apart_give(&j->job);		// may wait for room
 *	apart_wait(s->ticket);				// done, and all that was given before it
 *
 * Invariants: jobs run one at a time in the order they were given; at most APART_JOBS wait, so that what they hold
 * is bounded.  One thread of the process gives and waits.  The thread takes no signals and begins with the first job;
 * where it cannot be had, jobs run at once in the caller.
 */
#ifndef OUT_APART_H
#define OUT_APART_H

#include <stdint.h>

#include "base/buf.h"

#define APART_JOBS 4
#define APART_SPARES (APART_JOBS + 2)

struct apart_job {
	struct apart_job *next;			/* apart's */
	void (*run)(struct apart_job *);	/* owns the job */
};

/* Its ticket: larger than those before it, never 0. */
uint64_t apart_give(struct apart_job *);
/*
 * A buffer that a job has done with waits for the next one, so that its pages are not made anew each time: at most
 * APART_SPARES do.  keep: it is empty behind the call.  spare: *b, empty itself before, gets one if there is one.  From
 * any thread.
 */
void apart_keep(struct buf *b);
void apart_spare(struct buf *b);
/* Until the job of this ticket is done; what it wrote is seen then.  0: at once. */
void apart_wait(uint64_t ticket);

#endif
