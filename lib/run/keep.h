/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keep - an operator's state in a directory, from one call of a command to the next: --state DIR
 *
 *	rc = keep_open(c, dir, op, &k);				// set_up: locked until the process ends
 *	keep_sign(k, "-k"); keep_sign(k, keys); ...		// what all calls must agree on
 *	rc = keep_load(k, &head, op->add, st);			// once, before the first record
 *	if (status == 0) rc = keep_begin(k, head);		// finish: the outputs are closed
 *	if (rc == 0 && (rc = op->save(st, true, keep_put, k)) == 0) rc = keep_commit(k);
 *	keep_close(k);
 *
 * Invariants: DIR/N.state is a whole snapshot, N rises; it appears under its name fsynced and is never changed, so a
 * process that is killed leaves the one before.  Output first, then the state: killed between both, the same call on
 * the same input writes the same bytes again.  In a run the new snapshot counts from the moment the run's record
 * says `publish`, so a run's rows and its state are one; until then nobody else may use it (EXIT_TEMP).
 * Snapshots are blocks with checksums, [length, XXH3, pieces]; pieces are add()ed, so one key may come in several.
 */
#ifndef RUN_KEEP_H
#define RUN_KEEP_H

#include "base/buf.h"
#include "base/op.h"

struct ctx;
struct keep;
/*
 * Lock the directory (made where it is missing) and find its newest snapshot.  0; EXIT_TEMP where another process or
 * an unfinished run is at it; EXIT_INPUT for a damaged one; EXIT_IO.  *out is to be closed in any case.
 */
int keep_open(struct ctx *, const char *dir, const struct op *, struct keep **out);
/* An argument that changes what the state means; NULL is something too.  Before keep_load. */
void keep_sign(struct keep *, const char *text);
/*
 * What the last call saved: head (cleared when there was none) and all pieces to each.  0, EXIT_INPUT (other arguments,
 * a damaged file), EXIT_IO, or what each ended it with.  Without a snapshot each is never called.
 */
int keep_load(struct keep *, struct buf *head, kv_fn *each, void *arg);
/* A new snapshot; head is the command's own: a watermark, a clock. */
int keep_begin(struct keep *, struct span head);
/* A kv_fn whose arg is the keep. */
int keep_put(void *keep, struct span key, struct span val);
/* Durable under its name; older ones are removed, in a run but the one it came from. 0 or EXIT_IO. */
int keep_commit(struct keep *);
/* NULL is fine; a snapshot that was begun and not committed is dropped. */
void keep_close(struct keep *);

#endif
