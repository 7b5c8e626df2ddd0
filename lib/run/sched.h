/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched - run a dag's nodes over days: order, parallel nodes, retries, time limits
 *
 *	struct sched s = { .dag = d, .day = days, .n_days = n, .jobs = 2, .report = print_event, .arg = ctx };
 *	sched_plan(&s);				// decides for every (day, node): run or skip, and why
 *	rc = sched_run(&s);			// 0; EXIT_TEMP: all failures were temporary, or a signal; else EXIT_NO
 *
 * Invariants: a node starts when all it waits for is done on its day (or the day before: @-1).  Only EXIT_TEMP is
 * retried.  A node over its time is ended with its whole process group.  After a failure nothing new starts, but with
 * keep_going what does not stand below it.  What is known of each node is durable before the next one starts.
 */
#ifndef RUN_SCHED_H
#define RUN_SCHED_H

#include "run/dag.h"
#include "run/txn.h"

enum task_is { TASK_SKIP, TASK_WAITS, TASK_RUNS, TASK_DONE, TASK_FAILED, TASK_BLOCKED };

struct task {
	const struct dag_node *node;
	const char *day;
	enum task_is is;
	char why[160];			/* why it runs, is skipped or blocked */
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

struct sched {
	struct dag *dag;
	const char *const *day;		/* [n_days] ascending */
	size_t n_days, jobs;
	size_t only;			/* this node alone; SIZE_MAX: all */
	bool resume, keep_going;
	/* a task has ended, or will not run: 0 or EXIT_IO. The events of its checks stand in events (NDJSON). */
	int (*report)(void *arg, const struct task *, struct span events);
	void (*begins)(void *arg, const struct task *);		/* for a progress view */
	void *arg;
	bool (*stopped)(void *arg);	/* a signal came */
	struct task *task;		/* [n_days * dag->n], by day, then as in the file */
	struct buf pins[1];		/* of the day being started; kept per day on disk */
};

int sched_plan(struct sched *);
int sched_run(struct sched *);
void sched_free(struct sched *);

#endif
