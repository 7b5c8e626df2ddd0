/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe_log - a log that many processes write and one keeps: lines with their time, files of a bounded size
 *
 *	rc = pipe_log_open(path, 16 * MIB, 5, &l);
 *	start the others with their standard output and error at l->write_fd
 *	poll l->read_fd ... pipe_log_drain(l);
 *	pipe_log_add(l, span_str("a word of our own\n"));
 *	pipe_log_close(l);
 *
 * Invariants: what others print comes through a pipe, so that the file can be changed under them; a file that would
 * grow past the size becomes PATH.1, that one PATH.2, and so on; the one behind the last is dropped.  Each line
 * begins with its time, UTC.  A log that cannot be written ends nothing: it is said once, and lines are lost until
 * it can be again.  The newest lines, 8 to 16 KiB of them, are in memory too.
 */
#ifndef RUN_PIPE_LOG_H
#define RUN_PIPE_LOG_H

#include "base/buf.h"

struct pipe_log {
	char *path;
	size_t max, size;
	uint64_t keep;
	int fd, read_fd, write_fd;
	struct buf part;		/* a line whose end has not come */
	struct buf newest;		/* lines, without their times */
	bool failed;
};

/* Append to PATH, or, where that is NULL, pass lines on to standard error as they are; make the pipe. 0 or EXIT_IO. */
int pipe_log_open(const char *path, size_t max, uint64_t keep, struct pipe_log **);
/* Take what the pipe holds, without waiting. */
void pipe_log_drain(struct pipe_log *);
/* Lines. */
void pipe_log_add(struct pipe_log *, struct span text);
/*
 * The newest line that is NAME's, as it begins with "NAME: ", from behind that; empty: there is none among the newest
 * since pipe_log_forget.  Valid until the next line.
 */
struct span pipe_log_said(const struct pipe_log *, const char *name);
void pipe_log_forget(struct pipe_log *);
void pipe_log_close(struct pipe_log *);

#endif
