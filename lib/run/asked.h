/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asked - what is asked of the lines of each table: where an id may stand, and where their time does
 *
 *	struct asked_conf conf = { .id = span_str("t-1"), .path = NULL, .timeline = true };
 *	if ((rc = asked_set_up(ctx, &conf, &reach, &a)) != 0) return rc;
 *	ask = asked_of(&a, "wh:ods.page_log@2026-11-20");
 *	v = asked_time(&a, ask, line, &unit);			// of a line that holds the id
 *
 * Invariants: the path of -k, where it is given; else of a table where its trace ids are, as its spec says or its
 * column trace_id; else, and of files, any string.  Each table has paths of its own, so what one of
 * them asks makes no line of another bad.  An index is asked only for paths it was made of.
 */
#ifndef RUN_ASKED_H
#define RUN_ASKED_H

#include "base/when.h"
#include "run/reach.h"
#include "run/trace.h"

struct asked_conf {
	struct span id;
	const char *path;		/* -k, checked, or NULL */
	const char *time;		/* -t, or NULL: where tables say, or one of the usual names */
	bool anywhere, timeline;
};

#define ASKED_TIMES 5

struct asked_one {
	struct ask ask;
	struct trace *trace;		/* of asked_time */
	int time[ASKED_TIMES];		/* columns of ask.paths, or -1: the first that is not null counts */
	enum unit unit;			/* of time[0] */
};

struct asked {
	struct asked_conf conf;
	const struct reach *reach;
	struct asked_one *one;		/* [0] of files, then of each table of reach */
	size_t n;
};

/* For set_up. 0 or EXIT_USAGE after a message. Lives as long as the process. */
int asked_set_up(struct ctx *, const struct asked_conf *, const struct reach *, struct asked *);
const struct ask *asked_of(const struct asked *, const char *operand);
/* The time of a line that holds the id; null: it has none. On one thread; good until the next call. */
struct val asked_time(struct asked *, const struct ask *, struct span line, enum unit *);

#endif
