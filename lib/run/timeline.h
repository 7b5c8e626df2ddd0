/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timeline - lines out of many tables, printed in the order of time and of layers
 *
 *	struct timeline *l = timeline_new(zone, budget);
 *	rc = timeline_add(l, "wh:stg.app_log@2026-11-20", value, line);	// value: the time, or null
 *	timeline_print(l, each, arg);
 *
 * Invariants: order is time, then layer (what is no table, stg, ods, dim, dwd, dws, ads, others), then
 * the order of adding.  A line without a time stands at the beginning of its table's day, one
 * without a day too before all others.  All lines are held; more than the budget is an error.
 */
#ifndef RUN_TIMELINE_H
#define RUN_TIMELINE_H

#include "base/when.h"

struct timeline;

struct timeline *timeline_new(const struct zone *, size_t budget);
void timeline_free(struct timeline *);
/* Source: a file's name, or wh:LAYER.TABLE@DAY. The line is copied. 0, or EXIT_IO past the budget. */
int timeline_add(struct timeline *, const char *source, struct val time, enum unit, struct span line);
/* Append a line with its control bytes, but for tabs, as \xNN: what a log may hold drives no terminal. */
void timeline_mask(struct buf *, struct span line);
/* Each as `TIME  LAYER  TABLE  DAY  LINE`, control bytes masked; stops at what is not 0, and returns it. */
int timeline_print(struct timeline *, int (*each)(void *arg, struct span text), void *arg);

#endif
