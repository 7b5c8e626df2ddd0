/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table - one table: its directory, its log, its state at a number, what it is
 *
 *	struct table *t;
 *	if ((rc = table_open(span_str("ods.order_info"), PLACE_READ, LOG_HEAD, &t)) != 0) return rc;
 *	if (t->live->head == 0) ... there is no such table ...
 *	table_close(t);
 *
 * Invariants: opening changes nothing on disk.  meta is what live->meta says.  A table is there when its log
 * has a commit; directories without one are the trace of a writer that did not get that far.
 */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include "store/layout.h"
#include "store/log.h"
#include "store/meta.h"

struct table {
	char *name, *dir, *log_dir, *pool_dir;
	struct place place;
	struct log log;
	struct live *live;
	struct meta meta;
};

/* Open at commit `at` (LOG_HEAD: the newest). EXIT_USAGE for a bad name, EXIT_INPUT, EXIT_IO. */
int table_open(struct span name, enum place_use, uint64_t at, struct table **);
void table_close(struct table *);
/* For who opens one otherwise (store/job.h): where its log and its files are, below dir, which it takes. */
void table_lies(struct table *, char *dir);
/* Read on to the head; meta follows. */
int table_follow(struct table *);
/* The path of a pool file; append to b (cleared first). */
const char *table_pool_path(const struct table *, const char *day, const char *file, struct buf *b);
/* Names of all tables that have a commit, `LAYER.TABLE` in order. */
struct fs_names;
int table_list(struct fs_names *out);
/* The same of those that are written to: in an overlay only its own. */
int table_list_own(struct fs_names *out);
/*
 * Say what the table is: a meta commit, then `_table`, its copy.  0 also when it says so already; EXIT_USAGE
 * for a change that data forbids; EXIT_TEMP when somebody else committed meanwhile.
 */
int table_set(struct table *, struct span text, const char *source);

#endif
