/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spill_join - one operator out of the states that threads kept
 *
 *	*st = *first; st->window = spill_fork(c, &st->spill);	// command.thread: a state of its own, a share of -S
 *	rc = spill_join(&st->spill, &other->spill);	// command.join: its pairs by add(), what it spilled too
 *
 * Invariants: the law of base/op.h makes the joined state equal to that of one thread that saw all records.  The
 * other's state is freed.  What does not fit goes on to disk.
 */
#ifndef RUN_SPILL_JOIN_H
#define RUN_SPILL_JOIN_H

#include "run/spill.h"

/* A bitwise copy of another's spill becomes a thread's, empty; the operator's new state. */
void *spill_fork(struct ctx *, struct spill *);
/* 0 or an exit status after a message. */
int spill_join(struct spill *, struct spill *other);

#endif
