/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_past - what checks measured on other days: one file a table, a line a check and run, only ever added to
 *
 *	rc = past_open(ctx, "dq", "dwd.order_info", day, &p);			// in set_up
 *	struct past_value *v = past_want(p, "sum(amount)");
 *	rc = past_read(ctx, p);							// then v->there[PAST_WEEK], v->value[…]
 *	past_line(p, &(struct past_result){ … }); ... rc = past_write(p);	// at the end, all lines in one write
 *	past_close(p);
 *
 * Invariants: DIR/TABLE.ndjson holds `{"table","dt","metric","value","name","severity","rows","bad","run","ts"}`; of
 * the lines of one day and metric the last counts, so a day run again replaces its own.  A line that a crash cut off
 * is passed over.  Concurrent writers do not mix: each appends once.
 */
#ifndef RUN_CHECK_PAST_H
#define RUN_CHECK_PAST_H

#include "base/decimal.h"
#include "out/event.h"
#include "run/run.h"

enum { PAST_DAY, PAST_WEEK, PAST_DAYS };	/* the day before, the same weekday before */

struct past_value {
	char *metric;
	bool there[PAST_DAYS], ever;	/* ever: on any day but this one */
	struct dec value[PAST_DAYS];
};

struct past_result {
	struct span name, value;	/* value: a JSON number, or empty */
	const char *metric;		/* NULL: none */
	enum severity severity;
	uint64_t rows, bad;
	const char *run;
};

struct past;
/* 0, or EXIT_USAGE after a message where that table's name can be no file's. DIR is made where it is not there. */
int past_open(struct ctx *, const char *dir, const char *table, int32_t day, struct past **);
/* That metric's values are wanted; lives as long as p, and moves no more once past_read was called. */
size_t past_want(struct past *, struct span metric);
const struct past_value *past_value(const struct past *, size_t i);
/* The day that a past_value of that place is of. */
void past_day(const struct past *, int place, char day[WHEN_DAY_BYTES]);
/* Read what there is. 0 or EXIT_IO. */
int past_read(struct ctx *, struct past *);
void past_line(struct past *, const struct past_result *);
/* Append the lines, durable. Within an overlay nothing is written. 0 or EXIT_IO. */
int past_write(struct past *);
void past_close(struct past *);

#endif
