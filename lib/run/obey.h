/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * obey - a configuration file that a stage of a barrier job follows from epoch to epoch
 *
 *	rc = obey_open(c, "out.route", &f, &bytes);	// in set_up: what holds behind the `open` line
 *	rc = obey_look(c, f, m, &what, &bytes);	// at each control line, `open` too, before it goes on
 *	if (what != OBEY_SAME) { … go by bytes, if they are any good … rc = obey_settle(c, f, well); }
 *	obey_free(f);
 *
 *	JOB/conf/HOP-TOOL	`EPOCH PINNED WENT-BY` a line, where that changed: of each version that a line brought,
 *				which one the epochs behind it went by
 *
 * Invariants: the lines say which version is asked for (run/conf.h).  One that cannot be gone by leaves the one before
 * in force, and whether it can may hang on more than its bytes, on a topic that is there by now: so what was decided at
 * a line is durable before the line goes on, and is done again when the epoch comes again.
 */
#ifndef RUN_OBEY_H
#define RUN_OBEY_H

#include <stdbool.h>

#include "base/mark.h"

struct ctx;
struct obey;

enum obey_what {
	OBEY_SAME,		/* nothing to do */
	OBEY_TRY,		/* a version that was never gone by: if it is no good, the old one stays */
	OBEY_MUST		/* one that the epochs behind this line went by before */
};

/* 0; EXIT_USAGE where the source pins no version of the file; EXIT_INPUT, EXIT_IO, EXIT_TEMP. *out NULL then. */
int obey_open(struct ctx *, const char *file, struct obey **out, struct buf *bytes);
/* 0, EXIT_INPUT, EXIT_IO. `bytes` only where *what is not OBEY_SAME; obey_settle is to be called then. */
int obey_look(struct ctx *, struct obey *, const struct mark *, enum obey_what *what, struct buf *bytes);
/* Durable when it returns. 0 or EXIT_IO. */
int obey_settle(struct ctx *, struct obey *, bool followed);
void obey_free(struct obey *);

#endif
