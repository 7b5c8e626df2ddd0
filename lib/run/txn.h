/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn - a shell text as a transaction: nothing is published because a pipe ended (for wh-run and dag-run)
 *
 *	struct txn_conf conf = { .label = "ods_order", .shell = text, .log_fd = -1 };
 *	rc = txn_redo();			// once per process: publish what a crash left half published
 *	rc = txn_start(&conf, &t);		// makes _run/ID with flow/, spawns bash in its own process group
 *	waitpid(txn_pid(t), &ws, 0);
 *	status = txn_finish(t, ws, false, NULL);	// judge, run record, publish; or drop. Frees t
 *
 * Invariants: bash runs with `set -euo pipefail` and PIPEHOUSE_RUN.  All tables of the text are published
 * or none: the durable run record is the commit point.  A run that was not published never will be.
 */
#ifndef RUN_TXN_H
#define RUN_TXN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

struct txn;
struct txn_conf {
	const char *label;		/* part of the run id: a node's name, or "run" */
	const char *day;		/* exported as DT; NULL: as it is */
	struct span shell;		/* the text bash gets */
	const char *cwd;		/* NULL: as it is */
	struct span pins;		/* `TABLE N` lines for the run's pins file; may be empty */
	int log_fd;			/* stdout and stderr of the shell go here; -1: inherited */
	void (*made)(void *arg, const char *id);	/* the run is made, its shell not yet; NULL: nobody asks */
	void *arg;
};

/* Finish the publishing of every run whose record is durable; drop what dead runs staged. 0, EXIT_IO, EXIT_TEMP. */
int txn_redo(void);
/* Make the run and start its shell. 0, or an exit status after a message. */
int txn_start(const struct txn_conf *, struct txn **);
pid_t txn_pid(const struct txn *);
const char *txn_dir(const struct txn *);
/*
 * The shell has ended with wait status ws (killed: it was stopped by us, e.g. a timeout).  Checks flow
 * records, counts and stages; publishes or drops.  The status: 0; the pipe's own where design's table has
 * it; EXIT_INPUT where only counts differ; EXIT_IO else.  published, if not NULL, gets `TABLE N` lines of
 * what this run committed.
 */
int txn_finish(struct txn *, int ws, bool killed, struct buf *published);

#endif
