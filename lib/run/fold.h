/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fold - small files of a table that grows by small commits, put together as it goes
 *
 *	struct fold f = { .most = 64 };
 *	rc = fold_small(&f, t);			// behind each commit; f.files: so many were taken away
 *
 * Invariants: sizes have steps of 16, up to FOLD_BYTES; of each step a day has at most `most` files, and a row is
 * written again once a step.  Rows read the same, as of wh-compact.  A call works off as many files as there were when
 * it began, and no more: others may add to the day as fast as it goes.
 */
#ifndef RUN_FOLD_H
#define RUN_FOLD_H

#include "store/table.h"

#define FOLD_BYTES (128 * (uint64_t)MIB)

struct fold {
	uint64_t most;			/* 0: nothing is folded */
	uint64_t seen;			/* the commit up to which days were looked at */
	uint64_t files;			/* out: taken away so far */
};

/*
 * The days that were committed to since the last call; t is followed.  Somebody who was faster is no error: it is done
 * the next time.  0, EXIT_IO, EXIT_INPUT.
 */
int fold_small(struct fold *, struct table *);

#endif
