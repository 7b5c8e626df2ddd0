/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * batch - up to BATCH_RECORDS_MAX records as columns
 *
 *	for (size_t i = 0; i < b->n; i++)
 *		b->fate[i] = val_is_null(b->col[0][i]) ? F_DROP : F_PASS;
 *
 * Invariants: every line is a valid JSON object within the limits; col[c][i] is the value of the
 * c-th asked path in record i; all of it is readable only during the call.  A batch never crosses a
 * control line.  The reader of a batch sets every fate; all start as F_PASS.
 */
#ifndef BASE_BATCH_H
#define BASE_BATCH_H

#include "base/hash.h"
#include "base/limits.h"
#include "base/val.h"

/* in = passed + dropped + used + rejected; run counts and checks it. */
enum fate { F_PASS, F_DROP, F_USED, F_REJECT };

struct batch {
	size_t n;
	uint64_t seq0;			/* ordinal of record 0 in the stream: the only "position" */
	const struct span *line;	/* [n] bytes without the line end */
	const struct val *const *col;	/* col[c][i] */
	uint8_t *fate;			/* [n] out: enum fate; run copies F_PASS lines to the output */
	const char **why;		/* [n] out: reason of F_REJECT; constant, or living until the call returns */
	const struct fp *ahead;		/* [n] what was made of it before (run/kept.h), {0, 0}: nothing; or NULL */
};

/* Reject record i for a reason. */
static inline void
batch_reject(const struct batch *b, size_t i, const char *why)
{
	b->fate[i] = F_REJECT;
	b->why[i] = why;
}

#endif
