/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alert - events on their way to people: into the spool, out to every route that wants them, once within a window
 *
 *	rc = alert_open(ctx, &(struct alert_conf){ .config = "alert.conf", .spool = dir, .timeout_ms = 10000 }, &a);
 *	if (alert_severity(a, line).n == 0) ... it is no event ...
 *	rc = alert_put(a, line);			// durable when it returns
 *	rc = alert_round(a, 1, false);			// deliver what waits, oldest first
 *	alert_close(a);
 *
 * Invariants: an event leaves the spool when every route that wants its severity took it.  A receiver that failed is
 * not asked again before its pause is over, which doubles from half a second to a minute; the last round asks
 * everybody.  With a window two alerts are the same whose event, severity, tenant, table, dt and name are: within it
 * the first one is delivered and the others are counted; when it is over an `alert.suppressed` says how many.
 */
#ifndef RUN_ALERT_H
#define RUN_ALERT_H

#include "run/run.h"

struct alert_conf {
	const char *config, *spool;
	unsigned timeout_ms;		/* of one delivery */
	int64_t window_ms;		/* 0: every event is told */
};

struct alert_counts { uint64_t delivered, waiting, suppressed; };

struct alert;
/* 0, or EXIT_USAGE, EXIT_IO after a message; close it in any case. */
int alert_open(struct ctx *, const struct alert_conf *, struct alert **);
/* ok, warn or fail; empty where the record says none of them. */
struct span alert_severity(struct span line);
int alert_put(struct alert *, struct span line);
/* One round with so many tries a receiver; last: ask everybody, and tell what fails. 0 or a status. */
int alert_round(struct alert *, uint64_t tries, bool last);
struct alert_counts alert_counts(const struct alert *);
void alert_close(struct alert *);

#endif
