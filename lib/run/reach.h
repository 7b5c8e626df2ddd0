/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reach - which days of which tables a command reads, settled before it reads
 *
 *	struct reach_conf conf = { .from = "2026-11-01", .all = true, .times = true };
 *	if ((rc = reach_settle(ctx, &conf, &r)) != 0) return rc;	// the operands are now days
 *	t = reach_table(&r, "wh:ods.page_log@2026-11-20");		// t->col, t->unit: its time
 *
 * Invariants: only operands wh:TABLE change, and only with a first or last day; files stay.  A table
 * that is not there stays as it is, and who reads it says so.
 */
#ifndef RUN_REACH_H
#define RUN_REACH_H

#include "run/run.h"
#include "store/meta.h"

struct reach_conf {
	const char *from, *to;	/* as ctx_day takes them, or NULL: open */
	bool all;		/* no operand at all: every table there is */
	bool times;		/* find each table's time column */
};

struct reach_table {
	char *name;
	enum kind kind;
	int col;		/* -1: the table says nothing of time */
	enum unit unit;
};

struct reach {
	struct reach_table *table;
	size_t n;
};

/* For set_up of CMD_TABLES. 0, EXIT_USAGE, EXIT_INPUT or EXIT_IO after a message. Lives as long as the process. */
int reach_settle(struct ctx *, const struct reach_conf *, struct reach *);
/* The table that a source's name speaks of, or NULL. */
const struct reach_table *reach_table(const struct reach *, const char *source);

#endif
