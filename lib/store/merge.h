/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge - a day of a keyed table: base and deltas by (key, order), the greatest order of each key wins
 *
 *	rc = merge_rows(&files, i, k, line, arg);	// files [i, k) of one day; line(arg, row) in key order
 *
 *	rc = cursor_open(&files, i, k, &c);		// the same by hand, tombstones too
 *	while (rc == 0 && (rc = cursor_next(c, &best, &any)) == 0 && any) … best.row, best.dead …
 *	cursor_close(c);
 *
 * Invariants: every file is sorted by key (canonical byte order), and each file's later rows of a key follow
 * its earlier ones; of rows of one key the greatest order wins; of equal orders a row wins over a tombstone, else
 * the one of the later commit.  One line of each file is held at a time; more than 64 files are merged by 64s into
 * temporary files first, however many there are.
 */
#ifndef STORE_MERGE_H
#define STORE_MERGE_H

#include "base/val.h"
#include "store/ref.h"

/* A key's best row. The spans are good until the next step. */
struct best {
	struct span key, order, row;	/* canonical key and order; the row as it was put */
	bool dead;			/* a tombstone: the key is deleted */
};

struct cursor;
/* Open files [from, to) of one day; f outlives it. *out is closed also after an error (it may be NULL). */
int cursor_open(const struct wh_files *f, size_t from, size_t to, struct cursor **out);
/* The next key in order; *any false: there is none. 0, EXIT_INPUT (a file not sorted), EXIT_IO. */
int cursor_next(struct cursor *, struct best *, bool *any);
void cursor_close(struct cursor *);

/* Live rows of files [from, to) of one day, merged. 0, line's status, EXIT_INPUT (a file not sorted), EXIT_IO. */
int merge_rows(const struct wh_files *, size_t from, size_t to, int (*line)(void *arg, struct span row), void *arg);
/* The same into a temporary file that each() reads by a name, and that nobody finds afterwards. */
int merge_file(const struct wh_files *, size_t from, size_t to,
    int (*each)(void *arg, const char *day, const char *path), void *arg);

/*
 * How an order value compares: exact decimals where both are numbers, else bytes of the canonical form;
 * numbers before strings.  NULL and absent have no order: merge_order returns a reason.
 */
const char *merge_order(struct val, struct buf *canonical);
int merge_order_cmp(struct span a, struct span b);
/* How a row b stands to row a of the same key: < 0 a wins, > 0 b wins, 0: whichever comes later. */
int merge_rank(struct span order_a, bool dead_a, struct span order_b, bool dead_b);
/* Is this value of the `deleted` column a tombstone's? NULL or a reason: it is true, false, null or absent. */
const char *merge_dead(struct val, bool *dead);

#endif
