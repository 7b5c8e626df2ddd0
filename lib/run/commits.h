/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commits - what a table's commits bring, as they come: to follow it, or as the source of a barrier job
 *
 *	struct commits_conf conf = { .table = "ods.pay", .from = "now", .out = &rows_out };
 *	if ((rc = commits_set_up(&conf, c)) != 0) return rc;	// options, --event-time's column
 *	rc = commits_work(&conf, c);			// until `until`, or a signal
 *
 * Invariants: rows go out in the order of commits, files, lines, each commit whole (store/follow.h says what each
 * brings).  In a barrier job an epoch is a range of commit numbers, and its positions are {"commit":N}, behind commit
 * N, or {"whole":N}, before all that the table held at commit N, its FLOOR then; records being immutable, what an epoch
 * is is the sums of its files.  Memory: a block of a file; names of an epoch's files, of at most COMMITS_MAX commits;
 * the ordinals of rejected rows.
 */
#ifndef RUN_COMMITS_H
#define RUN_COMMITS_H

#include "run/rows_out.h"
#include "run/waters.h"

#define COMMITS_MAX 1024	/* of an epoch */

struct commits_conf {
	const char *table;		/* LAYER.TABLE, with or without `wh:` */
	const char *from, *until;	/* beginning|now|N, end|N; NULL: the beginning, for ever */
	int replaced;			/* enum follow_replaced */
	bool missing_ok;		/* a table that is not there is waited for */
	const char *every;		/* --barriers; NULL: outside a barrier job */
	const char *pins, *event_time;
	struct waters water;		/* its options */
	struct rows_out *out;
	/* of here */
	struct span name;
	uint64_t from_n, until_n, every_ms;
	int time;			/* column, or -1 */
	enum unit unit;
};

/* 0 or EXIT_USAGE after a message. */
int commits_set_up(struct commits_conf *, struct ctx *);
/*
 * 0; EXIT_NO without a table; EXIT_INPUT for what was collected or replaced; EXIT_IO; and in a barrier job as
 * planned_work.
 */
int commits_work(struct commits_conf *, struct ctx *);

#endif
