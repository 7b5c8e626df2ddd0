/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched - run a dag's nodes over days: order, parallel nodes, retries, time limits
 *
 *	struct sched s = { .dag = d, .jobs = 2, .report = print_event, .stopped = stopped, .arg = ctx };
 *	sched_days(&s, from, to);
 *	rc = sched_plan(&s);				// locks; decides for every (day, node): run or skip, and why
 *	rc = sched_run(&s);			// 0; EXIT_TEMP: all failures were temporary, or a signal; else EXIT_NO
 *
 * Invariants: days run one after the other; a node starts when all it waits for is done on its day (or the day before:
 * @-1).  Only EXIT_TEMP is retried.  A node over its time is ended with its whole process group.  After a failure
 * nothing new starts, but with keep_going what does not stand below it.  That a node has begun is durable before it
 * can publish, and how it ended before the next one starts.  What a cumulative node (dag_depends on itself) makes of
 * a day goes on into the days after: these follow, as far as the node was ever run, each only when what it reads
 * became another.
 */
#ifndef RUN_SCHED_H
#define RUN_SCHED_H

#include "base/when.h"
#include "run/dag.h"
#include "run/txn.h"

enum task_is { TASK_SKIP, TASK_WAITS, TASK_RUNS, TASK_DONE, TASK_FAILED, TASK_BLOCKED };

struct task {
	const struct dag_node *node;
	const char *day;
	enum task_is is;
	enum dag_known known;		/* before this call */
	char why[200];			/* why it runs, is skipped or blocked */
	int status;
	uint64_t attempts;
	int64_t not_before_ms, began_ms, deadline_ms;	/* monotonic; deadline 0: none */
	double seconds;			/* of the last attempt */
	bool killed;
	int pidfd, log_fd;
	struct txn *txn;
	char run[128];
	struct buf log;			/* path of its log */
};

/* Which nodes: all; one alone; one and all that stands below it; all that stands below it. */
enum sched_pick { PICK_ALL, PICK_ONLY, PICK_FROM, PICK_BELOW };

struct sched_day {
	char name[WHEN_DAY_BYTES];
	bool later;			/* was not asked for: cumulative nodes alone */
	struct buf pins;		/* the commits that its nodes read */
};

struct sched {
	struct dag *dag;
	size_t jobs;
	enum sched_pick pick;
	size_t node;			/* what PICK_* are about */
	bool resume, keep_going;
	bool dry;			/* a plan is all that is wanted: no locks, and more is told */
	/* a task has ended, or will not run: 0 or EXIT_IO. The events of its checks stand in events (NDJSON). */
	int (*report)(void *arg, const struct task *, struct span events);
	void (*begins)(void *arg, const struct task *);		/* for a progress view */
	void *arg;
	bool (*stopped)(void *arg);	/* a signal came */
	struct sched_day *day;		/* [n_days] ascending, without a gap */
	size_t n_days, now;		/* now: the day being run */
	struct task *task;		/* [n_days * dag->n], by day, then as in the file */
	struct buf made;		/* what this call committed: `TABLE N` lines */
};

/* The days from..to, in days since 1970. */
void sched_days(struct sched *, int32_t from, int32_t to);
/* Adds the days that cumulative nodes go on to. 0, EXIT_TEMP where a day is being run, EXIT_IO. */
int sched_plan(struct sched *);
int sched_run(struct sched *);
void sched_free(struct sched *);

static inline struct task *
sched_task(const struct sched *s, size_t day, size_t node)
{
	return &s->task[day * s->dag->n + node];
}

#endif
