/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept - the scanned lines of a whole block, kept until the command may see them (for the files of lib/run)
 *
 *	kept_scan(&k, c, scan, n_paths, &blk);			// any thread
 *	rc = kept_deliver(&k, c, f, paths, line, &next_line);	// the main thread, in the block's turn
 *
 * Invariants: batches are those of the scanner; spans are the block's.  Memory is kept for the next block.
 */
#ifndef RUN_KEPT_H
#define RUN_KEPT_H

#include "in/scan.h"
#include "in/source.h"

struct ahead;
struct ctx;
struct feed;

struct kept {
	size_t n, cap, n_cols;
	struct span *line;
	uint8_t *kind;
	const char **why;
	struct val **col;	/* [n_cols][cap] */
	struct fp *ahead;	/* [cap] where something is made of them ahead */
	bool has_ahead;
	struct buf scratch, made;	/* made: behind the block (struct ahead, end) */
	size_t *end;		/* [n_ends] where each batch ends */
	size_t n_ends, cap_ends;
};

/* And what is made of them ahead; NULL: nothing is. Returns 0. */
int kept_scan(struct kept *, const struct ahead *, struct scan *, size_t n_cols, const struct block *);
/* To whoever reads the feed; `line`: the number of its first line; *next: of the first behind it. 0 or a status. */
int kept_deliver(const struct kept *, struct ctx *, struct feed *, const struct pathset *, uint64_t line,
    uint64_t *next);
void kept_free(struct kept *);

#endif
