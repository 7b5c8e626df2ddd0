/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * job_dir - the directory of a barrier job: who is in it, which run of it this is, how far its sinks are
 *
 *	rc = job_dir_open(&j);				// a stage: what pipe-run has made; j NULL: no barrier job
 *	rc = job_dir_begun(j, "rt_orders", id);		// a sink: older runs are fenced, this is its last epoch
 *	rc = job_dir_starts(j, stop, &at);		// the source: all sinks have begun, here is where they stand
 *	rc = job_dir_ack(j, "rt_orders", id);		// a sink: the epoch is committed
 *	rc = job_dir_acked(j, &least);			// the slowest sink
 *	rc = job_dir_settled(j, &id);			// nobody goes back behind that: what is older can go
 *
 *	nonce		32 hex digits, mode 0600: what makes a line a control line
 *	sinks		their names, one a line: what `--job` of a sink says
 *	run		how many times the job was started
 *	lock		held by pipe-run as long as it lives
 *	begun/RUN/SINK	the epoch that the sink had committed when this run of it began
 *	ack/SINK	the last epoch that it has committed: never more, perhaps less
 *	start		where the last run went on, and how far the first sink was by then
 *	plan/ID		what epoch ID reads (run/plan.h)
 *	conf/		versions of the files that stages go by, and who went by which (run/conf.h, confs.h, obey.h)
 *	source/lock	held by the source as long as it lives
 *	HOP-TOOL/	a stage's snapshots (run/snaps.h)
 *
 * Invariants: PIPEHOUSE_JOB is the directory, PIPEHOUSE_JOB_RUN the number of the run; both are set by pipe-run alone.
 * ack and begun are replaced whole by rename, not fsynced: the sink itself knows better, these only tell others.  What
 * stands in ack was committed.
 *
 * Where a run goes on: a stage that went back to epoch N has no state of later ones until it has read them again.
 * Where the pipeline branches, one sink may have them and another, that stood at N, may get them before the stages of
 * the first branch do: by the sinks alone the next run would go on where these have nothing.  So a run that went on at
 * N, when a sink was at X, is gone on with at N again until every sink is behind X; whoever is there has read all of
 * it in this run, through all the stages above.
 */
#ifndef RUN_JOB_DIR_H
#define RUN_JOB_DIR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mark.h"

#define JOB_SINKS_MAX 64

struct job_dir {
	char *path;			/* absolute */
	char *name;			/* its last component */
	char nonce[MARK_NONCE + 1];
	uint64_t run;
	char *sink[JOB_SINKS_MAX];
	size_t n_sinks;
	int lock;			/* job_dir_make: held; else -1 */
};

/* Is this process in a barrier job? By the environment alone. */
bool job_dir_is(void);
/*
 * Does this job do without fsync of its plans, snapshots and side files (sync=process)?  They then outlive whatever
 * process is killed, and may not be there any more, or be torn, when the machine lost power.
 */
bool job_dir_lax(void);
/* 0, and *out NULL outside a barrier job; EXIT_USAGE, EXIT_IO, EXIT_INPUT after a message. */
int job_dir_open(struct job_dir **out);
/*
 * For pipe-run: make what is not there, take the lock, the next run number, the names of the sinks; durable when it
 * returns.  EXIT_TEMP with the pid of who has the lock; EXIT_USAGE where the job has other sinks than before.
 */
int job_dir_make(const char *name, char *const *sink, size_t n_sinks, struct job_dir **out);
/* Append `path/what` to the buffer, and its NUL behind it: the same text as buf_cstr. */
const char *job_dir_path(const struct job_dir *, const char *what, struct buf *);
void job_dir_close(struct job_dir *);

/* A sink has fenced all older runs of itself; id: its last epoch. EXIT_USAGE: no sink of that name. */
int job_dir_begun(const struct job_dir *, const char *sink, uint64_t id);
struct job_start {
	uint64_t from;			/* the epoch that all go back to */
	uint64_t least, most;		/* where the slowest sink is, and the fastest */
	uint64_t until;			/* sinks behind it have come there in this run: what is older can go */
};

/*
 * Wait until all sinks have begun, and settle where this run goes on, durably.  EXIT_TEMP after 60 s, or when *stop
 * becomes other than 0.
 */
int job_dir_starts(const struct job_dir *, volatile const sig_atomic_t *stop, struct job_start *);
int job_dir_ack(const struct job_dir *, const char *sink, uint64_t id);
/* The smallest id that is acknowledged; 0 while a sink has said nothing. */
int job_dir_acked(const struct job_dir *, uint64_t *least);
/* Behind job_dir_starts of this run: the epoch that no later one goes back behind. */
int job_dir_settled(const struct job_dir *, uint64_t *id);

#endif
