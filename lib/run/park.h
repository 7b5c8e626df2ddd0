/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * park - records that wait, in the order they came
 *
 *	struct park *p = park_new(ctx_budget(c));
 *	rc = park_put(p, &(struct parked){ .until = now + wait, .key = key, .line = line });
 *	rc = park_each(p, judge, arg);		// each of them: PARK_STAY, PARK_GO, or minus an exit status
 *	rc = park_first(p, judge, arg);		// from the oldest on, up to the first that stays
 *
 * Invariants: first in, first out; a record that stays keeps its place.  Past half the budget the newer ones are
 * written behind the older in a nameless file (base/temp.h), so memory is bounded whatever waits; a pass reads that
 * file once.  Spans that judge() gets live until it returns.
 */
#ifndef RUN_PARK_H
#define RUN_PARK_H

#include <stdint.h>

#include "base/span.h"

struct parked {
	int64_t until;			/* of the caller's clock */
	uint64_t number, offset;	/* where it stood in its source */
	int32_t day;
	uint32_t source;
	struct span key, note, line;	/* note: the caller's */
};

enum park_fate { PARK_STAY, PARK_GO };

struct park;
struct park *park_new(size_t budget);
/* Copies it. 0 or EXIT_IO after a message. */
int park_put(struct park *, const struct parked *);
typedef int park_judge(void *arg, const struct parked *);
/* 0, EXIT_IO after a message, or what judge ended it with (without the minus): those not judged by then are lost. */
int park_each(struct park *, park_judge *, void *arg);
int park_first(struct park *, park_judge *, void *arg);
uint64_t park_count(const struct park *);
/* The largest number that waited at once; bytes that were written to disk. */
uint64_t park_most(const struct park *);
uint64_t park_spilled(const struct park *);
void park_free(struct park *);

#endif
