/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * children - programs beside each other: records to each, their lines merged
 *
 *	struct children *ch = children_new(c, n, ordered);
 *	rc = children_start(ch, i, argv, "copy 1 of 4: sort");	// each, then
 *	rc = children_run(ch);
 *	if (!children_put(ch, i, line)) ... it wants no more ...	// per record
 *	rc = children_turn(ch);					// per batch: waits for who has too much
 *	rc = children_mark(ch, m);				// per control line, in a barrier job
 *	rc = children_end(ch, rc, &unread);			// in any case, before the output is closed
 *
 * Invariants: a thread feeds all and reads all, so no child can block another one for ever, whether it reads all before
 * it writes or writes more than it reads; what waits for a child is bounded, and so the caller waits.  Lines go out
 * whole; a last line without its end is one unless its child was killed.  `ordered`: all of child 0, then all of child
 * 1, ...; what waits for that goes to a file without a name when it is more than its share of -S.
 * A child that fails ends the others: SIGTERM.  Nobody outlives the caller (PR_SET_PDEATHSIG).
 *
 * In a barrier job children are stages below this one.  They are always ordered, epoch by epoch: what comes out is then
 * the same whenever the epoch is repeated, which sinks that are not equally far need.  Each control line goes to each
 * child, with an account of its own; records of the next epoch only when all have answered and what they wrote is out.
 * A child that ends before the stream does, answers with another line, another number of records or an account that
 * does not agree, or does not answer at all, ends the work.
 */
#ifndef RUN_CHILDREN_H
#define RUN_CHILDREN_H

#include "run/run.h"

#define CHILDREN_MAX 1024
#define CHILDREN_STALLED_MS 50000	/* less than what pipe-run waits for a job: here it is known who it is */

struct children;
struct children *children_new(struct ctx *, size_t n, bool ordered);
/*
 * Before children_start. anew: children that know nothing of control lines: none goes to them; where an epoch ends, so
 * does each child's input, and when it has ended well, another process follows.  They are not told of the job.
 */
void children_anew(struct children *);
/*
 * Before children_start: child i writes no records.  A sink of the job writes no control line either, and gets one only
 * when the mute ones have answered it: what it commits they have seen to.  These answer as the others do, but where one
 * has closed its output; one that has answered before may take as long as it likes: a server may let it wait.
 */
void children_sink(struct children *, size_t i);
void children_mute(struct children *, size_t i);
/*
 * --stalled DUR: how long children may neither take nor write anything while a control line is awaited; NULL:
 * CHILDREN_STALLED_MS. 0 or EXIT_USAGE after a message.
 */
int children_stalled(struct children *, const char *dur);
/*
 * name: for messages.  SHARD=i and SHARDS=n are in its environment, and PIPEHOUSE_BRANCH in a barrier job.  Where
 * children are started anew argv stays the caller's until children_end. 0 or EXIT_IO after a message.
 */
int children_start(struct children *, size_t i, char *const argv[], const char *name);
int children_run(struct children *);
/* A line and its end for child i, with the next turn.  False: it closed its input, the line is of no use. */
bool children_put(struct children *, size_t i, struct span line);
/* 0; -1: no child wants more, all is well; else the exit status of what failed. */
int children_turn(struct children *);
/* Bytes that wait for child i, about. */
size_t children_waiting(struct children *, size_t i);
/*
 * command.relay: the control line to all; returns when all have answered and what they wrote is out, and counted.
 * Until the next call of a function above the output is the caller's.
 */
int children_mark(struct children *, const struct mark *);
/*
 * No more comes: wait for all, free.  rc: how the input ended; the result is the worst of that and of theirs: a status
 * that is none of base/err.h, and a death by a signal, are EXIT_IO after a message.  *unread: lines that were put for
 * children who closed their input before they came.
 */
int children_end(struct children *, int rc, uint64_t *unread);

#endif
