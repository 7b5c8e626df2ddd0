/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe_state - who looks after a pipeline, and what he says of it to others
 *
 *	pipe_state_me(&st); st.state = PIPE_RUNNING; rc = pipe_state_write(dir, &st);
 *	if ((rc = pipe_state_read(dir, &st, &found)) == 0 && found && pipe_state_alive(&st)) kill(st.pid, SIGTERM);
 *	pipe_report_text(&b, name, dir, &st, &view, zone);
 *
 * Invariants: JOB/pipe.json is one JSON line, replaced whole.  A process is known by its pid, its start time and the
 * boot of the machine: a pid that was given to another one since is no match.  These files tell people and monitors;
 * correctness rests on the job's lock and the sinks' epochs, never on them.
 */
#ifndef RUN_PIPE_STATE_H
#define RUN_PIPE_STATE_H

#include <sys/types.h>

#include "run/pipe_view.h"

struct zone;

enum pipe_is {
	PIPE_STARTING,		/* its processes run, its sinks have not all begun */
	PIPE_RUNNING,
	PIPE_WAITING,		/* it failed, and is started again in a while */
	PIPE_STOPPING,
	PIPE_STOPPED,		/* it was told to, and ended with an epoch */
	PIPE_ENDED,		/* its source came to its end */
	PIPE_FAILED
};

struct pipe_state {
	pid_t pid;			/* of pipe-run */
	uint64_t born;			/* its start, in clock ticks since the boot */
	char boot[40];
	enum pipe_is state;
	uint64_t run, restarts;
	int64_t since_ms, run_since_ms;	/* since 1970: when pipe-run began; when this run of the job did */
	int status;			/* an exit status; 0 while it runs */
	char why[512];			/* what went wrong last; "" */
	char *log;			/* NULL: none of its own */
};

/* Fill in who this process is, and since when. 0 or EXIT_IO. */
int pipe_state_me(struct pipe_state *);
/* A number of /proc/PID/stat by its place in proc(5), from 4 on; false where none of that pid lives. */
bool pipe_stat(pid_t, int field, uint64_t *value);
/* When a process began; false where none of that pid lives. */
bool pipe_born(pid_t, uint64_t *born);
int pipe_state_write(const char *dir, const struct pipe_state *);
/* *found false: the job was never started. 0, EXIT_IO, EXIT_INPUT. st->log is for the caller to free. */
int pipe_state_read(const char *dir, struct pipe_state *st, bool *found);
/* Does the process that wrote it live? */
bool pipe_state_alive(const struct pipe_state *);
const char *pipe_state_name(enum pipe_is);

/* For a person; for a program, one JSON object without a line end. Times in that zone. */
void pipe_report_text(struct buf *, const char *name, const struct pipe_state *, const struct pipe_view *,
    const struct zone *);
void pipe_report_json(struct buf *, const char *name, const struct pipe_state *, const struct pipe_view *);
/* JOB/metrics.prom, in the text form of Prometheus, replaced whole. 0 or EXIT_IO. */
int pipe_metrics_write(const char *dir, const char *name, const struct pipe_state *, const struct pipe_view *);

#endif
