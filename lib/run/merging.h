/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merging - what cdc-merge does around the merge: is there a base, what is worth a note, and all of it in a barrier job
 *
 *	if (merging_lasts(base)) ... two looks at it ...
 *	merging_notes(c, m);				// at the end
 *	rc = merging_stream(c, &conf, keys, col, &s);	// in a barrier job, instead of merge_new
 *	rc = merging_batch(&s, b); ... rc = merging_mark(&s, m);
 *
 * Invariants: in a barrier job nothing is folded over the whole stream.  At each mark the newest change of each key
 * that changed in the epoch goes out, as the line that it came as, in key order; what is older than what went out
 * before, or the same again, is `used` and no more.  A key that moves gives a line for the old key too, a `d`.
 */
#ifndef RUN_MERGING_H
#define RUN_MERGING_H

#include "cdc/merge.h"
#include "run/run.h"

struct merging {
	struct ctx *c;
	struct merge *merge;
	void *newest;		/* op/newest.h */
};

/* Can it be read twice? Not standard input, not the pipe of a `<( )`. */
bool merging_lasts(const char *operand);
/* --missing-ok: 1 where the base is of a day never committed; 0, or minus an exit status. */
int merging_absent(const char *base);
void merging_notes(struct ctx *, const struct merge *);

/* conf: the key's form and the table. 0 or EXIT_USAGE after a message. */
int merging_stream(struct ctx *, const struct merge_conf *, const char *keys, merge_col *, struct merging *);
int merging_batch(struct merging *, const struct batch *);
int merging_mark(struct merging *, const struct mark *);

#endif
