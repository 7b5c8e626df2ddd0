/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * row - one made record of window-agg, cell by cell (for window.c and session.c)
 *
 *	row_begin(&r); row_time(&r, start); row_group(&r, key, n); row_agg(&r, &set, cell); rc = row_end(&r, host);
 *
 * Invariants: cells' bytes stand in one buffer; spans are made at the end, when it grows no more.
 */
#ifndef OP_ROW_H
#define OP_ROW_H

#include "base/op.h"
#include "op/window.h"

struct row {
	struct buf bytes;
	size_t *end;		/* [cap] where each cell ends */
	struct val *cell;
	struct span *part;	/* of a group's key */
	size_t n, cap;
};

void row_init(struct row *, size_t cells);
void row_begin(struct row *);
void row_time(struct row *, const struct window_conf *, int64_t us);
/* The values of a group's key. False: the key is not one. */
bool row_group(struct row *, struct span key, size_t n);
/* All aggregates of a cell; a reason when one has no result. */
const char *row_aggs(struct row *, struct agg_set *, void *cell);
int row_end(struct row *, const struct host *);
/* Instead of row_end: the row goes out later, in the order of seq; and what was so deferred, when it is its turn. */
int row_later(struct row *, const struct host *, uint64_t seq);
int row_again(struct row *, struct span line, const struct host *);
void row_free(struct row *);

/* A result that cannot be: the message names the group; EXIT_INPUT. */
int row_error(struct span key, const char *why);

#endif
