/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event - what a check, a node or a comparison has to say, as one record for wh-alert and people
 *
 *	struct event e = { .event = "dq.check", .severity = EVENT_FAIL, .name = text, .counted = true, .bad = 3 };
 *	event_json(&b, &e);	// {"event":…,"severity":"fail",…,"ts":MS}, no line end
 *
 * Invariants: every event has all members in one order; what is not known is null.  A warn never changes an
 * exit status.
 */
#ifndef OUT_EVENT_H
#define OUT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum severity { EVENT_OK, EVENT_WARN, EVENT_FAIL };

struct event {
	const char *event;		/* its kind: "dq.check", "dag.node" */
	enum severity severity;
	const char *tenant;		/* NULL: $PIPEHOUSE_TENANT, or main */
	const char *table, *dt, *run;	/* NULL: null */
	struct span name;		/* which check, which node */
	struct span value, expected;	/* JSON; empty: null */
	bool counted;			/* rows and bad are known */
	uint64_t rows, bad;
	struct span text;		/* for a person */
	int64_t ts_ms;			/* 0: now */
};

/*
 * Append key, as it stands, and s as a JSON string. A name or text of ours may quote data or an argument: whatever is
 * no UTF-8 is shown, not passed on.
 */
void event_text(struct buf *, const char *key, struct span s);
/* Append it as one record. Texts that are no UTF-8 are masked, so that the record always is one. */
void event_json(struct buf *, const struct event *);
const char *severity_name(enum severity);

#endif
