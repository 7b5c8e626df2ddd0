/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * follow - the commits of a table one after the other: the files of rows that each brought
 *
 *	rc = follow_open(span_str("ods.pay"), &f);	// t->live->head: the newest commit of now, 0: no table yet
 *	rc = follow_read(t, n + 1, FOLLOW_FAIL, &c);	// c.n 0: it is not there yet
 *	for (i = 0; i < c.n_files; i++) … c.file[i].path …
 *	follow_free(&c);
 *
 * Invariants: what a number gives is always the same files in the same order, those of a day after those of the days
 * before it.  append and delta: the files that came, deltas as they were written, tombstones too.  rewrite, meta and
 * fence bring no row.  replace: of a day without rows, its files; else something that was given is no more, and the
 * caller said what then.  So is a drop, but by wh-gc: what is past its `keep` was not wrong.  A number that wh-gc
 * collected is an error, never skipped.
 */
#ifndef STORE_FOLLOW_H
#define STORE_FOLLOW_H

#include "store/ref.h"
#include "store/table.h"

enum follow_replaced {
	FOLLOW_FAIL,		/* EXIT_INPUT, saying which day and commit */
	FOLLOW_SKIP,		/* said, and its rows are not given */
	FOLLOW_ROWS		/* said, and all rows that the day has then are given */
};

struct follow_commit {
	uint64_t n;
	struct wh_file *file;
	size_t n_files;
	uint64_t rows, bytes;	/* of the files */
	json_t *record;		/* texts of the files; or */
	struct live *live;
};

/* Open at the head. 0, or as table_open. */
int follow_open(struct span name, struct table **);
/* Commit n; t->live is not looked at. 0; EXIT_INPUT: collected, damaged, or replaced; EXIT_IO. */
int follow_read(const struct table *, uint64_t n, enum follow_replaced, struct follow_commit *);
/*
 * All that the table held at commit n, which is its FLOOR: for those who begin where the commits before are collected.
 * EXIT_INPUT: FLOOR has gone on.
 */
int follow_whole(const struct table *, uint64_t n, struct follow_commit *);
/* A file that could not be found is one of a commit that wh-gc has collected since it was read: says so. EXIT_INPUT. */
int follow_gone(const char *table, uint64_t n);
void follow_free(struct follow_commit *);

#endif
