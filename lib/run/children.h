/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * children - programs beside each other: records to each, their lines merged
 *
 *	struct children *ch = children_new(c, n, ordered);
 *	rc = children_start(ch, i, argv, "copy 1 of 4: sort");	// each, then
 *	rc = children_run(ch);
 *	if (!children_put(ch, i, line)) ... it wants no more ...	// per record
 *	rc = children_turn(ch);					// per batch: waits for who has too much
 *	rc = children_end(ch, rc, &unread);			// in any case, before the output is closed
 *
 * Invariants: a thread feeds all and reads all, so no child can block another one for ever, whether it reads all before
 * it writes or writes more than it reads; what waits for a child is bounded, and so the caller waits.  Lines go out
 * whole; a last line without its end is one unless its child was killed.  `ordered`: all of child 0, then all of child
 * 1, ...; what waits for that goes to a file without a name when it is more than its share of -S.
 * A child that fails ends the others: SIGTERM.  Nobody outlives the caller (PR_SET_PDEATHSIG).
 */
#ifndef RUN_CHILDREN_H
#define RUN_CHILDREN_H

#include "run/run.h"

#define CHILDREN_MAX 1024

struct children;
struct children *children_new(struct ctx *, size_t n, bool ordered);
/* name: for messages.  SHARD=i and SHARDS=n are in its environment. 0 or EXIT_IO after a message. */
int children_start(struct children *, size_t i, char *const argv[], const char *name);
int children_run(struct children *);
/* A line and its end for child i, with the next turn.  False: it closed its input, the line is of no use. */
bool children_put(struct children *, size_t i, struct span line);
/* 0; -1: no child wants more, all is well; else the exit status of what failed. */
int children_turn(struct children *);
/* Bytes that wait for child i, about. */
size_t children_waiting(struct children *, size_t i);
/*
 * No more comes: wait for all, free.  rc: how the input ended; the result is the worst of that and of theirs: a status
 * that is none of base/err.h, and a death by a signal, are EXIT_IO after a message.  *unread: lines that were put for
 * children who closed their input before they came.
 */
int children_end(struct children *, int rc, uint64_t *unread);

#endif
