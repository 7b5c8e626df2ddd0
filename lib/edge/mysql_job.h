/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_job - the epochs of a job into one table, each of them once: its rows and its number in one transaction
 *
 *	struct load_job job = { .name = "rt_orders" };
 *	rc = load_job_begin(l, &job);			// job.id: the last epoch that is in; older runs are fenced
 *	rc = load_job_epoch(l, &job, &(struct load_epoch){ .ends = to, .hops = hops }, &done);	// job.id + 1
 *
 * The ledger is `pipehouse_job` in the table's database, a row a job: id (its last epoch), run (counted up by each
 * begin), reject_len (how long the file of rejected rows was then), connection (of its loader), loads (DB.TABLE),
 * ends (where the epoch ended in the source) and hops (what became of its records on the way).
 *
 * Invariants: an epoch's first statement is UPDATE … SET id = k WHERE job = J AND id = k - 1 AND run = r: where it
 * finds no row another run has taken over, and nothing is changed.  It holds the row to the end of the transaction,
 * so of two runs one waits for the other's end, and a COMMIT whose answer was lost is known by the same statement of
 * the next try: it waits until that transaction is over, then finds the row as it was, or, with this run's number, as
 * it was to become. A session says by a lock of the server's (GET_LOCK) that it is the job's; the next one ends it by
 * KILL if it may: that spares it the wait, and nothing rests on it.  Numbers of sessions alone would not do: a server
 * that was started again gives them to others.
 */
#ifndef EDGE_MYSQL_JOB_H
#define EDGE_MYSQL_JOB_H

#include "edge/mysql_load.h"

#define LOAD_JOB_BYTES_MAX 200		/* of a job's name */

struct load_job {
	const char *name;
	uint64_t id, run, reject_len;
	/* for mysql_job.c alone */
	unsigned long connection;	/* the session that holds the lock, or was to */
	unsigned session;		/* which one of this process it was */
};

struct load_epoch {
	struct span ends, hops;
	/*
	 * All rows are in and the epoch may be committed: what was rejected is on the disk; its length.  0 or a status.
	 */
	int (*settle)(void *arg, uint64_t *reject_len);
	void *arg;
};

/*
 * Make the ledger's row if it is not there, count its run up, tell how far the job is.  0; EXIT_USAGE where the job
 * loads another table; EXIT_TEMP and EXIT_REMOTE after a message.
 */
int load_job_begin(struct load *, struct load_job *);
/*
 * The rows of one pass, as in load_upsert, and id + 1, or neither.  0, and id is that; EXIT_TEMP where another run has
 * taken over (fenced), or after seven tries; or another status after a message: nothing is changed then.
 */
int load_job_epoch(struct load *, struct load_job *, const struct load_epoch *, struct load_done *);

#endif
