/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gc - days past their retention, versions nobody may ask for any more, files nobody owns
 *
 *	struct gc_conf conf = { .cut_ms = now - 7 * DAY_MS, .now_ms = now, .today = today };
 *	rc = gc_table(t, &conf, &did);			// and gc_runs(&place, before_ms, &n) once
 *
 * The oldest number kept is the last commit whose time, and that of all before it, is not behind cut_ms, but none that
 * a run at work has pinned.  Then, in this order: its checkpoint; FLOOR; records at or below FLOOR older than a
 * day, and checkpoints below it; files that were live at no number kept.  Files that no commit names and that are
 * older than a day are a dead writer's: first a fence of everybody, so that he, should he live, cannot commit them;
 * then the log is read again.
 *
 * Invariants: what a stage of a run at work names stays: stages are read behind the fence and FLOOR, the log behind
 * them; so a run that was published meanwhile is in the log, and one that was not is among the stages.  One
 * collector works on a table at a time (a lock; FLOOR must not go back).  Killed anywhere, the next one goes on.
 */
#ifndef STORE_GC_H
#define STORE_GC_H

#include "store/table.h"

#define GC_REST_MS (24 * 3600 * INT64_C(1000))	/* what may still be in somebody's hands is older than this */

struct gc_conf {
	int64_t cut_ms, now_ms;
	int32_t today;		/* days since 1970: for `keep` */
	bool dry;		/* change nothing, count what would be done */
};

struct gc_did {
	uint64_t floor;			/* the oldest number kept */
	uint64_t days;			/* dropped, past `keep` */
	uint64_t records;		/* commits and checkpoints removed */
	uint64_t files, bytes;		/* data files of old versions */
	uint64_t orphans, orphan_bytes;	/* data files of dead writers */
};

/* t is open for writing, at its head. 0, EXIT_TEMP (another collector; a conflict), EXIT_IO, EXIT_INPUT. */
int gc_table(struct table *t, const struct gc_conf *, struct gc_did *);
/* Remove finished and failed runs whose end is before that time. */
int gc_runs(const struct place *, int64_t before_ms, bool dry, uint64_t *runs);

/* The pool files of a table that neither a commit from FLOOR on nor a run at work names. */
int gc_unlisted(struct table *t, int (*each)(void *arg, const char *day, const char *file, uint64_t bytes,
    int64_t mtime_ms), void *arg);

#endif
