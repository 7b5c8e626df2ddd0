/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hunt - the lines of all operands that hold an id: by index where there is one, else by reading, on several threads
 *
 *	struct hunt_conf conf = { .id = span_str("t-1"), .ask_of = ask_of, .hit = hit, .arg = st, .asks = 3 };
 *	rc = hunt(ctx, &conf);			// hit() for each line, on this thread
 *	...
 *
 * Invariants: hits come in the order of operands, days, files and lines, the same for any -j and with and without
 * indexes.  An index only leaves out frames that cannot hold the id; where it is no help, or what it names is not
 * there, the file is read.  Lines looked at are counted; whoever gets a hit says what became of it.
 *
 * The main thread reads blocks, or names frames that the index told, into a ring; jobs - 1 others, and it too when it
 * would wait, search them; it hands out what they found in the order of the ring, whose length bounds the memory.
 */
#ifndef RUN_HUNT_H
#define RUN_HUNT_H

#include "run/trace.h"

struct ctx;

struct hunt_hit {
	const char *source;		/* a file's name, wh:TABLE@DAY, <stdin> */
	const struct ask *ask;
	uint64_t line;
	struct span text;		/* without the line end; BLOCK_PAD_BYTES behind it are readable */
};

struct hunt_conf {
	struct span id;
	size_t asks;				/* how many there are */
	const struct ask *(*ask_of)(void *arg, const char *operand);
	int (*hit)(void *arg, const struct hunt_hit *);	/* 0 or an exit status */
	void *arg;
	bool missing_ok;			/* days of a range of a table may be missing */
};

/* For a command's main: 0, what hit() ended it with, EXIT_NO for a day never committed, or another status. */
int hunt(struct ctx *, const struct hunt_conf *);

#endif
