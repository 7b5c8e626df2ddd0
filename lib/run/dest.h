/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dest - where ingested rows go: a table, or several by a route, with the positions of their sources in the same
 * commit; or stdout
 *
 *	rc = dest_open(&d, ctx, &(struct dest_conf){ .table = "ods.log" });	// nothing: standard output
 *	rc = dest_follow(&d); … a fence of the sources in d.table … rc = dest_fenced(&d);
 *	rc = dest_begin(&d); rc = dest_source(&d, app); … dest_put(&d, batch, NULL) …
 *	dest_moved(&d, app, from, to, epoch);
 *	rc = dest_end(&d, rc);				// committed (in a run: staged), or as if nothing had been
 *
 * Invariants: rows and positions enter together or not at all.  Of one table, rows of a source stand in files of their
 * own, so that a source that somebody else took over is dropped from a commit, and no other; by a route the commit
 * point is a record of the job's log, all or nothing.  The file of routes is read before anything else and again at
 * each dest_begin: every commit, and every table's part of it, names the version that it was made by, and the first one
 * of a version, or of a process, holds its text.  What no route has goes to ods.unrouted with its word under _word: on
 * its own day where that can be told, else on the day it came.  To stdout lines pass as they come and nothing is kept.
 */
#ifndef RUN_DEST_H
#define RUN_DEST_H

#include "run/dest_route.h"
#include "run/fold.h"
#include "run/partition.h"
#include "store/job.h"
#include "store/rows.h"

struct dest_conf {
	const char *table;		/* or */
	const char *route, *job;	/* a file of routes, and whose log has the positions (NULL: the file's name) */
	const char *by;			/* what says a row's day; NULL: what the table says */
	uint64_t fold;			/* small files a day of which more are put together; 0: never */
};

#define UNROUTED "ods.unrouted"
#define DEST_MEMBERS_MAX 128	/* a row with more is walked */

struct target {
	struct table *table;
	struct partition part;
	bool today;			/* a row that has no day is of the day it comes; by: even all are */
	bool by;
	struct fold fold;
	struct change *change;		/* between begin and end */
	struct rows *rows;
};

struct dest {
	struct ctx *ctx;
	const char *name;		/* of the table or the job, or NULL */
	struct table *table;		/* where positions stand: the table, the job's log; NULL: standard output */
	struct target *target;
	size_t n;
	struct route *route;		/* NULL: one table */
	int unrouted;			/* the target of what no route has; -1: a line has all */
	int word_col;			/* of _word in the record, and its name */
	struct span word_key;
	const char *by;			/* dest_conf's */
	char said[SHA256_HEX + 1];	/* the version of which a commit holds the text */
	struct buf text, lines;
	struct member member[DEST_MEMBERS_MAX];	/* of the row at hand, by the scanner's tokens */
	struct job *job;
	json_t *record;			/* by a route, between begin and end: the sources' txns */
	uint64_t commit;		/* the last one, 0: none */
	uint64_t n_unrouted, folded;	/* folded: files */
	uint64_t fold;			/* dest_conf's */
	bool apart;			/* the caller's to set: rows are compressed by a thread beside */
	uint64_t rejected;		/* so many are in the file of rejects for good */
};

/* Open for appending. 0, EXIT_USAGE, EXIT_IO, EXIT_INPUT. */
int dest_open(struct dest *, struct ctx *, const struct dest_conf *);
/* The newest state; what an earlier writer committed is brought to its end: views, tables of a job. 0, or as both. */
int dest_follow(struct dest *);
/* The sources are fenced: what a dead writer began is brought to its end, or removed. 0, EXIT_TEMP, EXIT_IO, … */
int dest_fenced(struct dest *);
/* A commit begins: by what the file of routes says now. */
int dest_begin(struct dest *);
/* The rows that follow are this source's, NULL for one without a name. */
int dest_source(struct dest *, const char *app);
/* The same, but more rows of those before may follow: pieces of several sources by turns. Of one table. */
void dest_turn(struct dest *, const char *app);
/* So many sources, each with so many days, that some of it came to a second file for want of room. */
bool dest_crowded(const struct dest *);
/* The records of a batch, fates included; line: what is written instead of each (NULL: itself). 0, EXIT_IO. */
int dest_put(struct dest *, const struct batch *, const struct span *line);
/* As change_source. */
void dest_moved(struct dest *, const char *app, const char *from, const char *to, uint64_t epoch);
/* rc 0: commit; else drop. The status. */
int dest_end(struct dest *, int rc);
void dest_close(struct dest *);

#endif
