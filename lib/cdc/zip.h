/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zip - one key's rows before and its changes, to its rows after: a snapshot's row or a zipper's
 * ranges of days
 *
 *	struct zip *z = zip_new(&(struct zip_conf){ .days = true, .mark = true, … });
 *	why = zip_key(z, base, n_base, change, n, truncate, n_truncates);
 *
 * Invariants: the rows before are changes too, of the day they begin at, so a late change lands
 * inside the closed ranges it belongs to.  Where they keep their ord (conf.ord) order is by ord,
 * else by day, and within a day a change is taken for newer than the row before; that it might not
 * be is counted.  Effective days never run back: a change counts from the latest day of those
 * before it.  A row nobody touched is written as it came.
 */
#ifndef CDC_ZIP_H
#define CDC_ZIP_H

#include "base/val.h"
#include "cdc/fold.h"

#define ZIP_OPEN 2932896	/* 9999-12-31 */

struct zip_conf {
	bool days;		/* ranges of days; else one row a key */
	bool mark;		/* deleted rows stay, "deleted":true; else they go */
	struct span from, to;	/* names of a range's first and last day */
	struct span deleted;	/* and of the mark */
	struct span ord;	/* where rows keep the ord of their change; n 0: they do not */
	/* takes a row, returns 0 or an exit status */
	int (*put)(void *arg, struct span line);
	void *arg;
};

struct zip_base {		/* a row before, values as they stand in its line */
	struct span line;
	struct val from, to, deleted, ord;
};

struct zip_counts {
	/* changes older than rows before, put into closed ranges or, by ord, left out */
	uint64_t late;
	/* changes of a day that a row before began at, with other content and no ord to compare */
	uint64_t same_day;
	uint64_t incomplete;	/* rows of which only some columns came and none were known */
};

/* Of the names that are written into rows one that stands there twice; n 0: none does. */
struct span zip_twice(const struct zip_conf *);

struct zip;
struct zip *zip_new(const struct zip_conf *);
/*
 * Write the rows of one key.  Changes and truncates are oldest first.  0, put's status, or -1 with
 * a reason in *why: the rows before are not what they must be.
 */
int zip_key(struct zip *, const struct zip_base *, size_t n_base, const struct fold_change *,
    size_t n,
    const struct fold_change *truncate, size_t n_truncates, const char **why);
const struct zip_counts *zip_counts(const struct zip *);
void zip_free(struct zip *);

#endif
