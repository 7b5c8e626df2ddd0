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
 * In a barrier job (park_stays) none is written there, and park_op saves them: number -> record, and under the empty
 * key a note of the caller's.  park_op.add may give them in any order; park_settle puts them into theirs.
 */
#ifndef RUN_PARK_H
#define RUN_PARK_H

#include <stdint.h>

#include "base/op.h"

struct parked {
	int64_t until;			/* of the caller's clock */
	uint64_t number, offset;	/* where it stood in its source */
	int32_t day;
	uint32_t source;
	struct span key, note, line;	/* note: the caller's */
	uint64_t seq;			/* how many came before it; of the park's */
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

/* All of it stays in memory: past the budget park_put ends the work, EXIT_IO. */
void park_stays(struct park *);
/* Behind the last park_op.add. */
void park_settle(struct park *);
/* What is saved with them; zero at first. */
struct park_note { int64_t clock; uint64_t commit; };
void park_note(struct park *, struct park_note);
struct park_note park_noted(const struct park *);
extern const struct op park_op;		/* save, add, bytes and free alone */

#endif
