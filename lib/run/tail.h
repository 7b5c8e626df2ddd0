/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tail - one file from a position on, through the command's batch function: for sources that know where they were
 *
 *	struct tail at = { .name = "app.log", .fd = fd, .offset = 4711, .line = 12, .hold = true, .most = 64 * MIB };
 *	rc = tail_feed(ctx, &at);		// at.offset and at.line are behind what was read
 *
 * Invariants: positions are those of the decompressed bytes and stand at line starts.  Limits, blank lines,
 * rejects and counts are the main input's.  With `hold` a last line without its end is read only if it is a
 * whole record: a growing file may hold the first half of one.  Messages are lines too, each of its own place.
 */
#ifndef RUN_TAIL_H
#define RUN_TAIL_H

#include "base/buf.h"
#include "run/run.h"

struct tail {
	const char *name;
	int fd;			/* stays the caller's */
	uint64_t offset, line;	/* of the next line: bytes and lines before it */
	uint64_t most;		/* stop behind about that many bytes; 0: at the end */
	uint64_t end;		/* stop there exactly, where a line ended once; 0: at the end */
	bool hold;
	bool grows;		/* a compressed one may end in the middle of a frame, for more of it is to come */
	bool ended;		/* out: all that is there was read */
	bool torn;		/* out: and it did */
	uint64_t left;		/* out: bytes of a last line that was not taken */
};

/*
 * Open the command's input files, or those that match a pattern, in its order; none at all: descriptor 0,
 * "-".  each() owns the descriptor. 0, each's status, or EXIT_IO; a matched file that is gone by now is
 * passed over.  With a pattern each() also gets descriptor -1 for what matches and is no file.
 */
int tail_files(struct ctx *, const char *pattern, int (*each)(void *arg, const char *path, int fd), void *arg);
/* Messages of one partition, each a line of text (with its LF). */
struct messages {
	const char *name;	/* for messages and rejects, as a file's */
	struct buf text;
	uint64_t *place;	/* [n] its offset, which stands for line and offset */
	size_t n, cap;
};

/* Room for one more of size bytes at place: the caller writes them and the LF to what it returns. */
char *messages_add(struct messages *, uint64_t place, size_t size);
/* All of them through the batch function; then none are left. What stopped it, as tail_feed. */
int tail_messages(struct ctx *, struct messages *);
/* Of record i of the current batch of messages: which of them it is, from 0. */
size_t tail_message(struct ctx *, const struct batch *, size_t i);
/* Read on from there. 0, or what stopped it: EXIT_INPUT, EXIT_IO, the batch function's status. */
int tail_feed(struct ctx *, struct tail *);

#endif
