/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snaps - a stage's state at the ends of epochs: whole ones, and between them what changed
 *
 *	rc = snaps_open(dir, sign, &s);			// locked until the process ends
 *	rc = snaps_load(s, id, &head, &to);		// what the stage knew when epoch id ended
 *	rc = snaps_begin(s, id, head, 0);		// at the mark of epoch id
 *	rc = op->save(st, snaps_whole(s), put, s);	// put: snaps_put(s, 0, key, val), or of op->bulk: snaps_bulk
 *	if (rc == 0) rc = snaps_commit(s);		// durable under its name
 *	rc = snaps_forget(s, acked);
 *
 * Invariants: DIR/ID.snap is a whole state, or what changed since the snapshot that it names; written once, fsynced
 * (job_dir_lax: not), under its name only when it is whole.  A chain ends at a whole one; the first that a process
 * writes is whole, and the next one when what changed since is half of it again; of bulk, of which nothing is ever
 * replaced, when the chain is three times what a whole one would be, or of a thousand files.  A state of other
 * arguments (sign) is refused: EXIT_INPUT.  Files are those of run/pieces.h.  Memory of snaps_load: the pairs that the
 * changes hold, once.
 */
#ifndef RUN_SNAPS_H
#define RUN_SNAPS_H

#include "base/buf.h"
#include "base/op.h"

struct snaps;
/* Make DIR and lock it. 0, EXIT_TEMP (a process is at it: its pid), EXIT_IO. *out is to be closed in any case. */
int snaps_open(const char *dir, struct span sign, struct snaps **out);
/*
 * The snapshot of that epoch: head, and each key once, or a key of the whole one in several pieces; all bulk, in any
 * order; those of later epochs are removed.  id 0: empty.  0; EXIT_INPUT where it is missing, damaged or of other
 * arguments; EXIT_IO; or what `to` said.
 */
struct snaps_to {
	int (*pair)(void *arg, char part, struct span key, struct span val);
	int (*bulk)(void *arg, char part, struct span bytes);
	void *arg;
};
int snaps_load(struct snaps *, uint64_t id, struct buf *head, const struct snaps_to *);
/* size: bytes of a whole one that is bulk and little else (struct op_bulk); else 0. */
int snaps_begin(struct snaps *, uint64_t id, struct span head, uint64_t size);
/* Must the one that is begun be whole? */
bool snaps_whole(const struct snaps *);
/* Of part `part`.  val.p NULL: the key is gone. */
int snaps_put(struct snaps *, char part, struct span key, struct span val);
int snaps_bulk(struct snaps *, char part, struct span bytes);
int snaps_commit(struct snaps *);
/* Remove what nobody goes back to any more: below `acked`, but what the chain of that one needs. */
int snaps_forget(struct snaps *, uint64_t acked);
void snaps_close(struct snaps *);

#endif
