/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge - a day of a keyed table: base and deltas by (key, order), the greatest order of each key wins
 *
 *	rc = merge_rows(&files, i, k, line, arg);	// files [i, k) of one day; line(arg, row) in key order
 *
 * Invariants: every file is sorted by key (canonical byte order), and each file's later rows of a key follow
 * its earlier ones; of rows of one key the greatest order wins, of equal orders the one of the later commit.
 * One line of each file is held at a time.
 */
#ifndef STORE_MERGE_H
#define STORE_MERGE_H

#include "base/val.h"
#include "store/ref.h"

/* Rows of files [from, to) of one day, merged. 0, line's status, EXIT_INPUT (a file not sorted), EXIT_IO. */
int merge_rows(const struct wh_files *, size_t from, size_t to, int (*line)(void *arg, struct span row), void *arg);
/* The same into a temporary file that each() reads by a name, and that nobody finds afterwards. */
int merge_file(const struct wh_files *, size_t from, size_t to,
    int (*each)(void *arg, const char *day, const char *path), void *arg);

/*
 * How an order value compares: exact decimals where both are numbers, else bytes of the canonical form;
 * numbers before strings.  NULL and absent have no order: merge_order returns a reason.
 */
struct order;
const char *merge_order(struct val, struct buf *canonical);
int merge_order_cmp(struct span a, struct span b);

#endif
