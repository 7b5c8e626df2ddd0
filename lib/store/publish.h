/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish - the one way a record enters a table's log, and what follows from it
 *
 *	json_t *c = commit_new("data", "wh-put", t->live->head);	// with days, txns, …; its files are durable
 *	rc = publish(t, c, 0, &n);		// 0: n its number, or 0: nothing was left to commit
 *
 * Invariants: a record is checked against all that was committed since its base, again after each lost race,
 * and only then linked.  replace(D) fails when D was touched; a source's txn counts only where the source
 * stands at `from` and no later fence took its place; a rewrite enters while all it takes away is live, and is no
 * change to anybody: a replace does not mind it.  Every record fails whose base is older than the last meta record,
 * but for first writers: base 0 and a meta record that another of them made by itself.  Views, `_table`, HEAD and
 * checkpoints are done after the commit point and again by whoever comes next.
 */
#ifndef STORE_PUBLISH_H
#define STORE_PUBLISH_H

#include "store/table.h"

/*
 * PUBLISH_RUN: the run's record is durable, so this must enter: a day that was touched in between is replaced all the
 * same (the run comes after), and a record with this nonce that is in the log already counts as done.
 * A fence of everybody does not concern it: wh-gc leaves alone what a run has staged.  A rewrite that lost its place is
 * left out.
 * PUBLISH_WHOLE: a source that was fenced or is elsewhere fails the record instead of being dropped from it.
 */
enum { PUBLISH_RUN = 1, PUBLISH_CHECK = 2, PUBLISH_WHOLE = 4 };

/*
 * Publish; the record is trimmed: days whose live content is the same, sources that are elsewhere by now.  What was
 * trimmed is no longer in it.  0, EXIT_TEMP (conflict or fenced), EXIT_IO, EXIT_INPUT.  *number (may be NULL):
 * 0, nothing of it is in the log; else it is there, after an error too.
 */
int publish(struct table *, json_t *record, unsigned how, uint64_t *number);
/* Would a run's record enter now? 0 or as publish; changes nothing. */
int publish_check(struct table *, const json_t *record);
/*
 * Make a table that is not there: its directories, and the meta record of a first writer.  0, EXIT_TEMP, EXIT_IO,
 * EXIT_INPUT.
 */
int publish_first(struct table *);
/* Fence these sources ("*": everybody): what their earlier writers still hold will not enter. *epoch its number. */
int publish_fence(struct table *, const char *const *app, size_t n, uint64_t *epoch);
/*
 * Views of all days touched since they were last made, `_table`, HEAD, a checkpoint when due.  A view that somebody is
 * at for too long stays behind, aloud, for the next one to make: 0 too.
 */
int publish_after(struct table *);
/*
 * Remove the pool files that `all` (the record's days as they were meant) names and the published record does
 * not; NULL: none of it was published.  A live file is never removed, nor one that was there before ("of").
 */
void publish_sweep(const struct table *, const json_t *all, const json_t *published);
/* Rewrite `_table` where it is not what the log says. */
int publish_meta_copy(struct table *);

#endif
