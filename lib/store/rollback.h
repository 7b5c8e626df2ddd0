/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rollback - days as they were: old files replace new ones, in all tables of a run at once
 *
 *	struct rollback *r = rollback_new(each, arg);
 *	rc = rollback_day(r, span_str("dwd.pay"), "2026-11-20", ROLLBACK_BEFORE);	// or rollback_run(r, id, false)
 *	rc = rc == 0 ? rollback_end(r, &commits) : rc;		// a run of its own: all of it or nothing
 *	rollback_free(r);
 *
 * Invariants: no data file is written or removed.  What is restored was live at a commit at or above FLOOR, read
 * again after the record that names its files was staged: a collector that moves FLOOR later finds that record.  A
 * source that the run brought forward is set back too, so that its rows can come again; where it has been read on
 * since, that cannot be.
 */
#ifndef STORE_ROLLBACK_H
#define STORE_ROLLBACK_H

#include "store/stage.h"
#include "store/table.h"

#define ROLLBACK_BEFORE UINT64_MAX	/* to: the state before the last commit that changed the day */

struct rollback;
/* each(arg, table, day, to, rows): a day that will be as it was at commit `to`; rows -1: as if never committed. */
typedef int rollback_each(void *arg, const char *table, const char *day, uint64_t to, int64_t rows);
struct rollback *rollback_new(rollback_each *, void *arg);
/*
 * One day of a table.  0, EXIT_NO after a message (no such table or day, the commit is not kept any more), EXIT_IO,
 * EXIT_INPUT.
 */
int rollback_day(struct rollback *, struct span table, const char *day, uint64_t to);
/*
 * Every day that a run changed, in every table.  EXIT_NO also where others have changed such a day since, or have
 * read its sources on, unless force: then their changes of those days go too, and the sources stay where they are.
 */
int rollback_run(struct rollback *, const char *run, bool force);
/* Publish; commits gets `TABLE N` lines. 0, EXIT_TEMP (a conflict: nothing was done), EXIT_NO (collected meanwhile). */
int rollback_end(struct rollback *, struct buf *commits);
void rollback_free(struct rollback *);

#endif
