/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * partition - the day a row belongs to: a path, a time or an expression, in the table's zone
 *
 *	struct partition p; rc = partition_set_up(ctx, "ts:ms", zone, &p);
 *	if ((why = partition_day(&p, b, i, day, &ms)) != NULL) ... reject ...
 *
 * Invariants: a text that is exactly YYYY-MM-DD is that day; any other time (RFC 3339, `YYYY-MM-DD HH:MM:SS`, epoch
 * numbers) is the local day in the zone.  NULL has no day: that record's error.
 */
#ifndef RUN_PARTITION_H
#define RUN_PARTITION_H

#include "run/run.h"

struct partition {
	struct ctx *ctx;
	const struct zone *zone;
	int col;		/* a path, or -1 */
	enum unit unit;
	struct expr *expr;
	struct buf text;
	int64_t from, to;	/* of here: these microseconds are of this day */
	char day[WHEN_DAY_BYTES];
};

/*
 * text is PATH[:s|ms|us] or an expression; table: the zone of the table, which becomes the command's, or NULL.  0, or
 * EXIT_USAGE after a message, also where --tz says otherwise.
 */
int partition_set_up(struct ctx *, const char *text, const struct zone *, struct partition *);
/* The day of record i, and its time in ms since 1970 where it is more than a day (*timed). NULL or a reason. */
const char *partition_day(struct partition *, const struct batch *, size_t i, char day[WHEN_DAY_BYTES], int64_t *ms,
    bool *timed);
void partition_free(struct partition *);

#endif
