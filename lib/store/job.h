/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * job - a writer of several tables: a log of its own, whose records are the commit points of all of them
 *
 *	rc = job_open("shop_feed", &j);			// $ROOT/TENANT/_jobs/shop_feed/_log
 *	… publish_fence(j->log, …) … rc = job_redo(j, table, n);	// before anything is read
 *	… change_prepare for each table; json_object_set_new(tables, "ods.a", prepared) …
 *	rc = job_publish(j, record, tables);		// record: commit_new with the sources' txns
 *
 * Invariants: positions of sources stand in the job's log alone, and its record holds what each table gets: from the
 * moment it is linked, every start brings it into all of them, once: a table takes it as a txn of the source job/NAME,
 * whose position is the record's number.  A writer publishes one record everywhere before it links the next, so only
 * the newest can be missing anywhere.  A source that was fenced fails a record, never a part of it.  Files are named
 * for job/NAME; what no record lists is removed behind the fence.
 */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include <jansson.h>

#include "store/table.h"

struct job {
	struct table *log;	/* its positions: log->live->apps; not a table of the warehouse */
	char app[80];		/* job/NAME */
	uint64_t done;		/* a record that all tables have */
};

/* The jobs of a warehouse, and whether one of them owns a file of a table's pool: only its job may remove it. */
struct fs_names;
int job_names(const struct place *, struct fs_names *);
bool job_owns(const struct fs_names *, const char *file);

/* Is it a word of [a-z0-9_], of at most NAME_BYTES_MAX bytes? 0 or EXIT_USAGE after a message. */
int job_name_check(const char *name);
/* As job_name_check; EXIT_USAGE, EXIT_IO, EXIT_INPUT. */
int job_open(const char *name, struct job **);
void job_close(struct job *);
/*
 * Bring the newest record into its tables; then, n > 0 only behind a fence, remove what dead writers left in these.
 * 0, EXIT_TEMP, EXIT_IO, EXIT_INPUT.
 */
int job_redo(struct job *, const char *const *table, size_t n);
/*
 * Link the record with `tables` in it ({TABLE: prepared record}; taken over), then publish to each.  0; EXIT_TEMP, with
 * nothing linked or taken over after that: the next start does the rest; EXIT_IO, EXIT_INPUT.
 */
int job_publish(struct job *, json_t *record, json_t *tables);

#endif
