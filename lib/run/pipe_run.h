/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe_run - a pipeline looked after: started, watched, started again when it fails, stopped with an epoch
 *
 *	struct pipe_run conf = { .file = f, .log_path = NULL, .ready_fd = -1, .event = put, .arg = c };
 *	status = pipe_run(&conf);		// until the job ends, is stopped by a signal or cannot go on
 *	status = pipe_start(f, &log);		// the same, detached: when it has begun, or failed
 *	status = pipe_stop(f);			// tell whoever looks after it, and wait
 *	status = pipe_status(f, &st, &view);	// 0: somebody does; EXIT_NO: nobody
 *
 * Invariants: one run at a time, under the job's lock.  A run that failed is followed by another one, later each
 * time, where that can help: a process was killed, or said 75 or 4.  What is wrong with the job itself (1, 2, 3, 5),
 * and a stage that lets no control line through, end it.  SIGTERM and SIGINT end it with the running epoch, a second
 * one at once; SIGHUP goes on to the source.  Nothing here can cost or double a record: whatever dies, sinks go on
 * where they have committed.
 */
#ifndef RUN_PIPE_RUN_H
#define RUN_PIPE_RUN_H

#include "run/pipe_state.h"

struct pipe_run {
	const struct pipe_file *file;
	const char *log_path;		/* NULL: what is printed goes to standard error */
	int ready_fd;			/* -1, or where to say how it began, and to close: see pipe_start */
	/* One event, JSON without a line's end. 0 or an exit status; NULL: only JOB/events.ndjson gets them. */
	int (*event)(void *arg, struct span json);
	void *arg;
};

/* 0: it was stopped, or its source came to its end. Else an exit status, after a message. */
int pipe_run(const struct pipe_run *);

/*
 * Start it in a session of its own.  0: all its sinks have begun, and *log (the caller's) is where it prints.
 * EXIT_TEMP: its first run failed and it is tried again, or it runs already.  Else it is not running, for that
 * reason.
 */
int pipe_start(const struct pipe_file *, char **log);
/* 0 also where it does not run; EXIT_TEMP: it ended, but not with an epoch; the next start goes on all the same. */
int pipe_stop(const struct pipe_file *);
/* Zeroed or from an earlier look; EXIT_NO also where it never ran: st->run is 0 then. */
int pipe_status(const struct pipe_file *, struct pipe_state *, struct pipe_view *);

#endif
