/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reads - what a run read, by content, and whether it would read the same now
 *
 *	json_t *r = reads_of("20261120T020000-dwd_order-1a2b3c4d");	// inputs, reads
 *	reads_differ(r, pins, commits, "2026-11-20", &why);	// which, and which commits
 *	json_decref(r);
 *
 * Invariants: a read is `TABLE[@DAYS]` as it was asked for and a hash of the files it stood for, so that a commit of
 * other days, and one that put the same rows there, are no difference.  `last` is looked up anew.
 */
#ifndef STORE_READS_H
#define STORE_READS_H

#include <jansson.h>

#include "base/buf.h"

/*
 * What a published run read, from its record under done/: a new object of two members, both empty when nothing is
 * known.
 */
json_t *reads_of(const char *run_id);

/*
 * Was a run published to its end?  *commits gets `TABLE N` lines of what it committed, appended, as rundir_publish
 * gives them. 0, EXIT_INPUT, EXIT_IO.
 */
int reads_published(const char *run_id, bool *yes, struct buf *commits);
/* Is it neither published nor dropped to its end? The next start of a runner decides (rundir_redo). */
bool reads_pending(const char *run_id);

enum reads_now { READS_SAME, READS_DIFFER, READS_UNKNOWN };
/*
 * Would it read the same at these commits (`TABLE N` lines; tables that are not named: their heads)?  What it wrote
 * itself, the tables that are members of `wrote` on its day, is passed over.  *why gets the first that differs,
 * appended; READS_UNKNOWN when there is nothing to compare, or a table cannot be read (after a message).
 */
enum reads_now reads_differ(const json_t *about, struct span pins, const json_t *wrote, const char *day,
    struct buf *why);

/*
 * The first of the tables that are members of `wrote` whose day was dropped since (wh-rollback of its only commit), or
 * NULL; the text is the object's.
 */
const char *reads_dropped(const json_t *wrote, const char *day);

/* The number of a table in `TABLE N` lines; false when it is not named. */
bool reads_pinned(struct span pins, struct span table, uint64_t *n);

#endif
