/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dest - where ingested rows go: a table, with the positions of their sources in the same commit; or stdout
 *
 *	rc = dest_open(&d, ctx, "ods.log", NULL);	// NULL instead of a table: standard output
 *	rc = dest_begin(&d); rc = dest_source(&d, app); … dest_put(&d, batch, NULL) …
 *	dest_moved(&d, app, from, to, epoch);
 *	rc = dest_end(&d, rc);				// committed (in a run: staged), or as if nothing had been
 *
 * Invariants: rows and positions enter together or not at all.  Rows of one source stand in files of their own, so
 * that a source that somebody else took over is dropped from a commit, and no other.  To stdout lines pass as they
 * come and nothing is kept.
 */
#ifndef RUN_DEST_H
#define RUN_DEST_H

#include "run/partition.h"
#include "store/rows.h"

struct dest {
	struct ctx *ctx;
	const char *name;		/* of the table, or NULL */
	struct table *table;		/* NULL: standard output */
	struct partition part;
	struct change *change;		/* between begin and end */
	struct rows *rows;
	uint64_t commit;		/* the last one, 0: none */
};

/*
 * Open the table for appending; by: what says a row's day, NULL for what the table says.  0, EXIT_USAGE, EXIT_IO,
 * EXIT_INPUT.
 */
int dest_open(struct dest *, struct ctx *, const char *table, const char *by);
/* The newest state of the table; views that an earlier writer did not get to. 0 or as table_follow. */
int dest_follow(struct dest *);
int dest_begin(struct dest *);
/* The rows that follow are this source's, NULL for one without a name. */
int dest_source(struct dest *, const char *app);
/*
 * The records of a batch, fates included; line: what is written instead of each (NULL: itself). 0, EXIT_IO.
 */
int dest_put(struct dest *, const struct batch *, const struct span *line);
/* As change_source. */
void dest_moved(struct dest *, const char *app, const char *from, const char *to, uint64_t epoch);
/* rc 0: commit; else drop. The status. */
int dest_end(struct dest *, int rc);
void dest_close(struct dest *);

#endif
