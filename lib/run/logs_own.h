/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logs_own - between logs_job.c, logs_at.c and logs_order.c
 *
 *	rc = logs_take_up(l, plan.to);			// where it stands
 *	rc = sources_find(&l->from, &known); logs_name(l);	// which log each file is of
 *	logs_sighted(l); logs_sort(l, timed); ... logs_moved(l, app, x->log, to, path) ...
 *	logs_prune(l); logs_print(l, &buf);		// what the next plan says
 *
 * Invariants: a log is what is written under a name and what was put aside of it: one sequence of one writer, and one
 * part of the watermark.  A file keeps the name of the log that it was first seen as, whatever its own becomes; one
 * that is new under a name with a number or a date behind that of another one is of that other log.  Of a log, files
 * are read to their ends in the order that they were made in, the one that has the name last.
 */
#ifndef RUN_LOGS_OWN_H
#define RUN_LOGS_OWN_H

#include "run/logs.h"

/* For --stats: files that went before their end was seen, and that nobody has seen. */
void logs_note(struct logs *);

/* How much is there by now and not read, while the files are open; that, for the meter. */
void logs_measure(struct logs *);
void logs_lags(void *src, struct meter *);

/* ---- logs_at.c: how far a job got in each file, those that moved last standing last ---- */

void logs_forget(struct logs *);
struct log_at *logs_at(struct logs *, struct span app);
/* A file stands there now: last of all.  path: what rejects name it; name: that of the log it is of. */
void logs_moved(struct logs *, struct span app, struct span name, struct span spot, struct span path);
/* The entry of a file in a plan: its name, its spot, its path; a NUL stands behind each. */
struct logs_entry {
	struct buf name, spot, path;
};
bool logs_entry(struct val, struct logs_entry *);
void logs_entry_free(struct logs_entry *);
/* Positions of a plan, instead of all that was known. 0 or EXIT_INPUT. */
int logs_take_up(struct logs *, struct span pos);
void logs_print(const struct logs *, struct buf *out);
/* What this round has seen of the files that are known. */
void logs_sighted(struct logs *);
/* Positions of files that are gone are kept for the last few. */
void logs_prune(struct logs *);

/* ---- logs_order.c: which files are one log, and which is read first ---- */

/* Name the log that each file of l->from is of: x->log. */
void logs_name(struct logs *);
/*
 * A log put aside comes before what is written now, of two the older one; where there are times, the log whose time is
 * furthest behind before all, for time has come no further than there.
 */
void logs_sort(struct logs *, bool timed);
/* Does an older file of its log, of those before it, have to be read to its end first? */
bool logs_waits(const struct logs *, size_t i);
/* Its log, as a part of the watermark. */
struct waters_part *logs_part(struct logs *, const struct input *);

#endif
