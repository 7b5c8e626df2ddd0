/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view - dt=DAY/: hard links of exactly the live base files, for programs that only know globs
 *
 *	rc = view_make(t, "2026-11-20");	// idempotent; anyone may call it at any time
 *
 * Invariants: a function of the log, made under the day's lock from its head; it may lag, it never leads.
 * Names are the place of the file in the day (000000.ndjson.zst, 000001…), so that equal commits give equal
 * names and a sorted glob reads rows in the order wh-cat does.  Additions are linked into place; anything else
 * is built beside the table and exchanged as a whole.  Deltas are never shown: a keyed table's glob shows the
 * last fold.  The lock is waited for a few seconds only: who holds it may be stopped (SIGSTOP), and what stands in the
 * log does not depend on views.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "store/table.h"

/*
 * Make the view of a day what the head of the log says. 0, EXIT_IO, EXIT_INPUT (a pool file is gone), EXIT_TEMP
 * (somebody is at it for too long: it stays as it is).
 */
int view_make(struct table *, const char *day);

#endif
