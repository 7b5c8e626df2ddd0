/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reach - which days of which tables a command reads, settled before it reads
 *
 *	struct reach_conf conf = { .from = "2026-11-01", .all = true };
 *	if ((rc = reach_settle(ctx, &conf, &r)) != 0) return rc;	// the operands are now ranges of days
 *	t = reach_table(&r, "wh:ods.page_log@2026-11-20");		// t->day, t->trace: what stands where in it
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
};

struct reach_table {
	char *name;
	enum kind kind;
	char *day;		/* where its time stands, PATH[:s|ms|us], or NULL */
	char *trace;		/* where its trace ids stand, paths joined by ',', or NULL: it has none */
};

struct reach {
	struct reach_table *table;
	size_t n;
	bool limited;		/* the operands that are tables are ranges in which days may be missing */
};

/* For set_up of CMD_TABLES. 0, EXIT_USAGE, EXIT_INPUT or EXIT_IO after a message. Lives as long as the process. */
int reach_settle(struct ctx *, const struct reach_conf *, struct reach *);
/* The table that a source's name speaks of, or NULL. */
const struct reach_table *reach_table(const struct reach *, const char *source);

#endif
