/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * export - a dag as the lines of other programs: cron's table, Graphviz's graph
 *
 *	struct export_cron e = { .runner = "/usr/local/bin/dag-run", .file = "/srv/dags/nightly.dag", .root = "/srv/wh",
 *	    .tenant = "main", .zone = "Asia/Shanghai", .at = at, .n_at = 2, .date = "yesterday" };
 *	rc = export_cron(dag, &e, &out);
 *	export_dot(dag, &out);
 *
 * Invariants: nothing is run or written.  Every word of a cron line that is not ours is quoted for sh, and every % for
 * cron, which takes a bare one for the end of the line; what neither can quote is refused.
 */
#ifndef RUN_EXPORT_H
#define RUN_EXPORT_H

#include "run/dag.h"

struct export_at { unsigned hour, minute; };

struct export_cron {
	const char *runner;		/* dag-run, from the root directory on */
	const char *file;		/* the dag, likewise */
	const char *root, *tenant, *state;	/* state: NULL: the default */
	const char *zone;
	const char *date;		/* yesterday or today */
	const char *user;		/* the field that /etc/cron.d has; NULL: a user's own table */
	const char *alert;		/* wh-alert's configuration, from the root on; NULL: events go to the log */
	const char *log;		/* NULL: ROOT/TENANT/_state/NAME.cron.log */
	const struct export_at *at;	/* [n_at] rising; the first begins the night, the others go on with --resume */
	size_t n_at;
	uint64_t jobs;
};

/* HH:MM; false when it is none. */
bool export_at(const char *text, struct export_at *);
/* Lines for crontab(5), appended. 0, or EXIT_USAGE after a message: what cannot be quoted, a line too long for cron. */
int export_cron(const struct dag *, const struct export_cron *, struct buf *out);
/* A digraph for dot(1), appended: what waits stands behind what it waits for; @-1 is a dashed line. */
void export_dot(const struct dag *, struct buf *out);

#endif
