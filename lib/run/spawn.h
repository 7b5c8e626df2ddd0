/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spawn - a program behind two pipes
 *
 *	char **env = spawn_env(set, n, (const char *const[]){ "PIPEHOUSE_JOB", NULL });	// ours, but for ...
 *	rc = spawn(argv, env, "copy 1 of 4: sort", true, &p);
 *	write(p.in, ...); read(p.out, ...); waitpid(p.pid, ...);
 *
 * Invariants: it may be called while threads run: between fork and exec nothing allocates.  Our ends do not block and
 * are not inherited.  The program has the signals of a fresh process and does not outlive the thread that called:
 * SIGKILL when that ends.  Whether it could be started at all is known when spawn returns.
 */
#ifndef RUN_SPAWN_H
#define RUN_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct spawned {
	pid_t pid;
	int in, out;		/* its standard input, where we write; its standard output, where we read */
	int pidfd;		/* readable once it has ended; -1 where the kernel has none */
};

/*
 * The environment of this process with n texts NAME=VALUE in place of what it has of these names, and without the names
 * of `without`, which NULL ends.  To be freed by free(); the texts are the caller's and live as long.
 */
char **spawn_env(char *const set[], size_t n, const char *const without[]);
/* large: pipes of PIPE_BYTES where that is allowed. 0, or EXIT_IO after a message; name: for that. */
int spawn(char *const argv[], char *const env[], const char *name, bool large, struct spawned *out);

#endif
