/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tail - one file from a position on, through the command's batch function: for sources that know where they were
 *
 *	struct tail at = { .name = "app.log", .fd = fd, .offset = 4711, .line = 12, .hold = true, .most = 64 * MIB };
 *	rc = tail_feed(ctx, &at);		// at.offset and at.line are behind what was read
 *
 * Invariants: positions are those of the decompressed bytes and stand at line starts.  Limits, blank lines,
 * rejects and counts are the main input's.  With `hold` a last line without its end is read only if it is a
 * whole record: a growing file may hold the first half of one.
 */
#ifndef RUN_TAIL_H
#define RUN_TAIL_H

#include "run/run.h"

struct tail {
	const char *name;
	int fd;			/* stays the caller's */
	uint64_t offset, line;	/* of the next line: bytes and lines before it */
	uint64_t most;		/* stop behind about that many bytes; 0: at the end */
	bool hold;
	bool ended;		/* out: all that is there was read */
	uint64_t left;		/* out: bytes of a last line that was not taken */
};

/*
 * Open the command's input files, or those that match a pattern, in its order; none at all: descriptor 0,
 * "-".  each() owns the descriptor. 0, each's status, or EXIT_IO; a matched file that is gone by now is
 * passed over.
 */
int tail_files(struct ctx *, const char *pattern, int (*each)(void *arg, const char *path, int fd), void *arg);
/* Read on from there. 0, or what stopped it: EXIT_INPUT, EXIT_IO, the batch function's status. */
int tail_feed(struct ctx *, struct tail *);

#endif
