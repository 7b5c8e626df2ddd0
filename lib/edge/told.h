/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * told - which alerts were told a while ago, and how often they came since
 *
 *	rc = told_due(t, now, summary, arg);			// windows that are over: so many were held back
 *	rc = told_ask(t, alert, letter.id, letter.event, now, window, &tell);
 *	if (!tell) outbox_drop(...);				// counted
 *
 * Invariants: a file `<16 hex digits>.told` in the outbox for each alert whose window is open, replaced as a whole and
 * durable before the letter it counts is dropped, so a crash neither loses one nor counts it twice.  The letter that
 * opened a window is told however often it is asked about: it may wait for its receiver.  A clock that went back ends
 * a window.  Only the holder of the outbox's lock may call.
 */
#ifndef EDGE_TOLD_H
#define EDGE_TOLD_H

#include <stdint.h>

#include "edge/outbox.h"

/*
 * Is this letter to be told? `alert` is what makes two alerts the same. Times in ms; expired windows must be out of the
 * way (told_due with the same now). 0 or EXIT_IO.
 */
int told_ask(struct outbox *, uint64_t alert, const char *letter, struct span event, int64_t now, int64_t window,
    bool *tell);
/* One window that is over: n letters since `since` were held back, the last was this event. 0 or a status. */
typedef int told_fn(void *arg, uint64_t alert, uint64_t n, int64_t since, struct span event);
/* Every window that is over at now: fn where something was held back, then it is forgotten. 0 or a status. */
int told_due(struct outbox *, int64_t now, told_fn *, void *arg);

#endif
