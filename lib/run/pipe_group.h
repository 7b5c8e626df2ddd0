/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe_group - the processes of one run of a pipeline, from their start until the last one is gone
 *
 *	rc = pipe_group_start(f, job, again, log_fd, &g);	// PIPEHOUSE_JOB, _JOB_RUN, _JOB_AGAIN, _PINS, _SYNC
 *	poll g.pidfd ...
 *	told = pipe_group_signal(&g, job->path, SIGTERM);	// to the source alone
 *	pipe_group_kill(&g);				// all of them, now
 *	pipe_group_end(&g, job->path, &end);
 *	pipe_sweep(job->path, 0);
 *
 * Invariants: between us and the shell stands a keeper, which leads their process group and takes in what the shell
 * leaves running, >( ) and <( ): it ends when the last of them has, with the worst status.  Whoever of us two dies
 * takes all of the group along: the keeper sees our end of a pipe close, we see his end.  So does a shell that is
 * killed, or that leaves something running for longer than stop=, or 5 s where it failed.  What got away into a
 * session of its own is found by its environment (pipe_sweep).
 */
#ifndef RUN_PIPE_GROUP_H
#define RUN_PIPE_GROUP_H

#include <sys/types.h>

#include "run/job_dir.h"
#include "run/pipe_file.h"

#define PIPE_STAGES_MAX 128

struct pipe_group {
	pid_t pid;			/* the keeper's, and the group's; 0: none runs */
	pid_t shell;			/* 0: not yet known */
	int pidfd;			/* readable when all is over */
	int life;
};

/* How it went. */
struct pipe_end {
	int worst;			/* the keeper's word: an exit status, or 128 + signal */
	int status[PIPE_STAGES_MAX];	/* of the commands of the last pipe, from bash */
	size_t n;			/* 0: bash could not say any more */
};

/*
 * Start it; again: by itself, after a failure; log_fd as in run/shell.h.  0 or EXIT_IO.  Call from one thread only,
 * with all signals of interest blocked.
 */
int pipe_group_start(const struct pipe_file *, const struct job_dir *, bool again, int log_fd,
    struct pipe_group *);
/* Send a signal to the source, which is known by JOB/source.pid; false: there is none yet, or not any more. */
bool pipe_group_signal(const struct pipe_group *, const char *dir, int sig);
/* The same to all of the group: SIGKILL is heard by all, others by all but the keeper. */
void pipe_group_kill(const struct pipe_group *, int sig);
/* Is the source there? */
bool pipe_group_has_source(const struct pipe_group *, const char *dir);
/*
 * How many commands the shell waits for; SIZE_MAX where nobody can say. *below: how many those of them wait for that
 * have a shell below them, fan-out and groups.  *lost: one of those is over, of a shell that runs nothing but one pipe;
 * that is seen by what the shell has waited for (proc(5), cminflt), so that it need not have been there at any look.
 */
size_t pipe_group_commands(struct pipe_group *, size_t *below, bool *lost);
/* Wait for the end, which has come (pidfd), and for the processes of the group that outlived it, which are killed. */
void pipe_group_end(struct pipe_group *, const char *dir, struct pipe_end *);
/* Kill every process that has this job in its environment, and wait until they are gone. */
void pipe_sweep(const char *dir);

#endif
