/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window - aggregates by group and time window: tumbling, sliding, session, or none; closed by event time or at the end
 *
 *	void *st = window_new(&conf);
 *	const struct op *op = window_op(&conf);		// sessions keep their events and are another operator
 *	op->batch(st, b, host);				// F_USED, or F_REJECT: no time, a sum of text, …
 *	op->close(st, INT64_MAX, host);			// host->row: window_start, window_end, groups, aggregates
 *
 * Invariants: rows come by window start, then by group bytes, then by window end; without windows the row has
 * no window cells.  Where nothing is late the answer does not depend on the order of the input, else it depends on
 * nothing but that order: close() may be called when it suits, the rows and their order are the same.
 * A window is [start, end); a session's end is its last event.  A session ends at a gap longer than conf.gap and
 * before a record whose break column is true; among records of one time those with a break come first, then byte
 * order of their inputs decides.  With conf.late a record is late when all windows it belongs to end at or below the
 * watermark; of a session it is, when its own time is below it.  Sessions come then by the time at which it was
 * certain that they were over (their end and the gap, or the break that ended them), then by group, then by start.
 * State: (window start, group) -> partial aggregates, for sessions group -> events.
 */
#ifndef OP_WINDOW_H
#define OP_WINDOW_H

#include "base/op.h"
#include "base/watermark.h"
#include "op/agg.h"

#define WINDOWS_EACH_MAX 10000		/* sliding windows that one record may be in */

enum window_kind { WINDOW_NONE, WINDOW_FIXED, WINDOW_SESSION };

struct window_conf {		/* what it points to must live as long as the state */
	enum window_kind kind;
	const int *group;	/* columns */
	size_t n_groups;
	enum key_as as;
	int time;		/* column, or -1: WINDOW_NONE without first and last */
	enum unit unit;
	const struct zone *zone;
	struct dur width, slide;	/* WINDOW_FIXED; equal: tumbling */
	int64_t offset_us;
	struct dur gap;		/* WINDOW_SESSION */
	int brk;		/* column that is T_TRUE where a session begins, or -1 */
	struct watermark *water;	/* NULL: no record is too far ahead, none is late */
	bool late;		/* windows close by it, and records may come too late */
	int late_out;		/* side output for these; 0: they are dropped */
	enum when_style style;
	const struct agg *agg;
	size_t n_aggs;
};

const struct op *window_op(const struct window_conf *);
void *window_new(const struct window_conf *);
/* How many cells host->row gets. */
size_t window_cells(const struct window_conf *);
/* Why such windows cannot be meant (no length, a slide longer than the window, too many at once); NULL: they can. */
const char *window_why(const struct window_conf *);

/* What becomes of record i that came too late; counted (for window.c and session.c). 0 or what host->raw said. */
int window_late(const struct window_conf *, const struct batch *, size_t i, const struct host *);

extern const struct op window_fixed_op, window_session_op;
void *session_new(const struct window_conf *);		/* in session.c, for window_new */

#endif
