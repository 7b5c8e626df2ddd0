/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ref - `wh:LAYER.TABLE[@DAYS]` as an input: the files of a table at one commit
 *
 *	struct wh_want w = { .operand = span_str("dim.sku@last") };
 *	rc = wh_open(&w, &f);		// f.n files, f.file[i].day, .path; f.rows rows at commit f.number
 *	wh_close(&f);
 *
 * Invariants: DAYS is D, D..D, last or last:D; without it `last` for kinds snapshot and scd2, all days for
 * the others.  In a run the commit is the pinned one ($PIPEHOUSE_RUN/pins), else the one that the run's
 * first reader of the table saw; what was read is noted in the run.  Before both, a commit that the process was told
 * (ref_pin).  Files come in day, commit, file order, which is the order of rows.
 */
#ifndef STORE_REF_H
#define STORE_REF_H

#include <stdint.h>

#include "base/buf.h"

struct wh_want {
	struct span operand;	/* with or without "wh:" */
	uint64_t days;		/* 0: as the operand says; else that many days that end at its day */
	bool missing_ok;	/* a day never committed has no rows, instead of EXIT_NO */
};

struct wh_file {
	const char *day, *path;
	uint64_t rows;
	bool delta;
	uint64_t bytes;		/* of the file, and their sum, as its commit says */
	const char *xxh64;
};

struct wh_files {
	char *table;
	uint64_t number;	/* the commit; 0: there is no such table */
	struct wh_file *file;
	size_t n;
	char from[11], to[11];	/* the days that were meant */
	uint64_t rows;		/* of all files; more than come out where deltas are merged */
	bool deltas;		/* some day needs merging: base and deltas by (key, order) */
	const char *key, *order;	/* of a keyed table, else NULL */
	const char *deleted;		/* the column that marks tombstones, or NULL */
	struct table *owner;
	bool lent;			/* owner is the caller's */
	struct buf paths;
};

/*
 * From now on this process reads the table at that commit, and at no other: in a barrier job control lines say which.
 * One thread, while none reads.
 */
void ref_pin(const char *table, uint64_t commit);

/*
 * Resolve an operand.  0, EXIT_NO for a day never committed (after a message), EXIT_USAGE for an operand
 * that is none, EXIT_INPUT, EXIT_IO, EXIT_TEMP (a listed file is gone).
 */
int wh_open(const struct wh_want *, struct wh_files *);
void wh_close(struct wh_files *);
/* The files of one day of an open table as it stands, none if it has none; t outlives f. 0 or EXIT_TEMP. */
struct table;
int wh_day(struct table *t, const char *day, struct wh_files *f);

/*
 * The files of an operand, each in its turn; a day with deltas comes as one merged file that is gone
 * afterwards.  0, each's status, or as wh_open.
 */
int ref_files(const char *operand, int (*each)(void *arg, const char *day, const char *path), void *arg);

/* The rows an operand stands for: from the log, or where deltas are not folded by merging them. As wh_open. */
int ref_rows(const char *operand, uint64_t *rows);

/* Append `TABLE N` a line, every table at its head: for a run's pins. */
int ref_heads(struct buf *out);

/*
 * First and last day that DAYS (empty: all) means for a table at its head; *none: there is no day that
 * fits. 0 or EXIT_USAGE.
 */
int ref_range(const struct table *, struct span days, char from[11], char to[11], bool *none);
/* Split `[wh:]TABLE[@DAYS]`; NULL or a constant reason. days is empty when there is no '@'. */
const char *ref_split(struct span operand, struct span *table, struct span *days);

#endif
