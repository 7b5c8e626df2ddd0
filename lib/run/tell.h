/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tell - what dag-run says while it runs: events on standard output, one line on a terminal, failures on stderr
 *
 *	struct tell t = { .c = c, .tty = isatty(2) };
 *	s.report = tell_report; s.begins = tell_begins; s.stopped = tell_stopped; s.arg = &t;
 *	tell_count(&t, &s);		// after sched_plan
 *	rc = sched_run(&s);
 *	tell_end(&t);
 *
 * Invariants: every node that ended, or was kept from running, is one event, whole and flushed before the next one
 * starts; the events of its checks stand before it.  Who reads them may end: that is said, and stops no night.
 */
#ifndef RUN_TELL_H
#define RUN_TELL_H

#include "run/run.h"
#include "run/sched.h"

struct tell {
	struct ctx *c;
	bool tty, unheard;
	size_t planned, settled, failed, blocked;
};

/* How many tasks are to be settled. */
void tell_count(struct tell *, const struct sched *);
/* For struct sched; arg is the struct tell. */
int tell_report(void *arg, const struct task *, struct span events);
void tell_begins(void *arg, const struct task *);
bool tell_stopped(void *arg);
/* The plan, one line a task: of later days only what runs. 0 or EXIT_IO. */
int tell_plan(struct tell *, const struct sched *);
/* The last line, when something failed. */
void tell_end(struct tell *);

#endif
