/* SPDX-License-Identifier: BSD-2-Clause */
/* hook - see hook.h */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge/hook.h"

#define LOOK_MS 5	/* how often we look whether it has ended */

const char *
hook_check(const char *path)
{
	struct stat st;

	if (*path != '/')
		return "the program needs an absolute path";
	if (stat(path, &st) == -1 || !S_ISREG(st.st_mode) || access(path, X_OK) == -1)
		return "no such program";
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others can change the program";
	return NULL;
}

static int
spawn(char *const argv[], int in, pid_t *pid)
{
	static char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, 0);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	posix_spawnattr_init(&at);
	posix_spawnattr_setflags(&at,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&at, 0);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &all);
	rc = posix_spawn(pid, argv[0], &fa, &at, argv, env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	return rc;
}

/* Feed it until it has all, does not want more, or the time is over. */
static void
feed(int fd, struct span in, int64_t deadline)
{
	while (in.n > 0) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		int64_t left = deadline - clock_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return;
		n = write(fd, in.p, in.n);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return;
		in = span_from(in, (size_t)n);
	}
}

bool
hook_run(char *const argv[], struct span input, unsigned timeout_ms, char *why, size_t why_n)
{
	const struct timespec nap = { 0, LOOK_MS * 1000000L };
	int64_t deadline = clock_ms() + timeout_ms;
	siginfo_t ended = { 0 };
	int fd[2], status = 0, rc;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1) {
		snprintf(why, why_n, "%s", strerror(errno));
		return false;
	}
	rc = spawn(argv, fd[0], &pid);
	close(fd[0]);
	if (rc != 0) {
		close(fd[1]);
		snprintf(why, why_n, "%s", strerror(rc));
		return false;
	}
	(void)fcntl(fd[1], F_SETFL, O_NONBLOCK);
	feed(fd[1], input, deadline);
	close(fd[1]);
	/* it is not reaped before its group is killed: until then the number is its own */
	while (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    ended.si_pid == 0 &&
	    clock_ms() < deadline)
		nanosleep(&nap, NULL);
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (ended.si_pid == 0) {
		snprintf(why, why_n, "killed after %u ms", timeout_ms);
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		snprintf(why, why_n, "ended with %d", WEXITSTATUS(status));
	else
		snprintf(why, why_n, "ended by signal %d", WTERMSIG(status));
	return false;
}
