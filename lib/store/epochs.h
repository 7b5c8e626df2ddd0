/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epochs - a table as the sink of a barrier job: each epoch is one commit, and enters once
 *
 *	rc = epochs_open("dws.pay_1m", "pay", &e);	// e.table->meta: what it is
 *	rc = epochs_begin(&e);				// older runs are fenced; e.done: the last epoch it holds
 *	rc = epochs_change(&e, "wh-put", &c);		// rows of the next one, in files of e.app (change_part, rows.h)
 *	rc = epochs_commit(&e, c, e.done + 1, side, &commit);
 *
 * Invariants: the position of the source sink/JOB in the table's log is the last epoch that is in the table, and how
 * long the sink's side file was then; rows and position enter in one commit, and only from the epoch before, by the run
 * that fenced last.  So an epoch that comes again after a crash finds its number taken, and a run that was thought dead
 * finds its fence passed: EXIT_TEMP.
 * Files are named for sink/JOB: what no record lists of them is removed behind the fence, and by nobody else's begin.
 */
#ifndef STORE_EPOCHS_H
#define STORE_EPOCHS_H

#include "store/change.h"

struct epochs {
	struct table *table;	/* may be another object, of the same table, after epochs_change */
	char app[80];		/* sink/JOB */
	uint64_t done, side;	/* the last epoch in the table, 0: none; bytes of the side file (rejects) behind it */
	char at[48];		/* the same as the log has it */
	uint64_t fence;		/* number of this run's */
	uint64_t meta;		/* the record that said what the table is when it was opened */
	uint64_t opened;	/* head of then */
};

/*
 * Open for writing; nothing is changed.  The job's name as job_name_check wants it.  0, EXIT_USAGE, EXIT_IO,
 * EXIT_INPUT.  To be closed in any case.
 */
int epochs_open(const char *table, const char *job, struct epochs *);
/*
 * A table that is not there is made, for a fence needs a log; fence; remove what dead runs left; then done and side,
 * which no older run moves any more.  0, EXIT_TEMP, EXIT_IO, EXIT_INPUT.
 */
int epochs_begin(struct epochs *);
/*
 * A change upon the newest state.  EXIT_TEMP: another run has begun, or what the table is was changed: a writer set up
 * before that must be set up again.
 */
int epochs_change(struct epochs *, const char *who, struct change **);
/*
 * Commit epoch id = done + 1, with or without rows; frees the change.  *commit: its number.  0; EXIT_TEMP, nothing
 * entered; EXIT_INPUT for another id; EXIT_IO, as change_end: only epochs_begin knows then.
 */
int epochs_commit(struct epochs *, struct change *, uint64_t id, uint64_t side, uint64_t *commit);
void epochs_close(struct epochs *);

#endif
