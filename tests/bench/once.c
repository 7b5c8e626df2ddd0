/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * once - run a command once and say what it took
 *
 *	once SECONDS OUT COMMAND [ARG...]
 *
 * The command runs on the first two processors that are allowed, in a process group of its own, its
 * output going to OUT; after SECONDS the group is ended.  Prints `status wall user sys peak`: status as
 * wait(2) has it, seconds, and the peak of memory in KiB of the largest process among the command and
 * its children.  The files of WARM=FILE[:FILE...] are read before the clock starts: a host may take pages of the cache back
 * within seconds, and what would be measured then is its disk.  A process counts as its own peak what its parent held when it was forked, so what is
 * measured must not be started by something large: this is small.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pid_t child;

static void
late(int sig)
{
	(void)sig;
	kill(-child, SIGKILL);
}

static void
two_processors(void)
{
	cpu_set_t all, two;
	int n = 0;

	CPU_ZERO(&two);
	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		err(4, "sched_getaffinity");
	for (size_t i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, &two);
			n++;
		}
	if (sched_setaffinity(0, sizeof(two), &two) != 0)
		err(4, "sched_setaffinity");
}

/* Read what the command will read. */
static void
warm(const char *names)
{
	static char block[1 << 20], name[4096];

	for (const char *p = names; p != NULL && *p != '\0'; p += *p == ':') {
		size_t n = strcspn(p, ":");
		int fd;

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, p);
		if ((fd = open(name, O_RDONLY | O_CLOEXEC)) == -1)
			err(4, "%s", name);
		while (read(fd, block, sizeof(block)) > 0)
			;
		close(fd);
		p += n;
	}
}

static double
seconds(struct timespec a, struct timespec b)
{
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static double
of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = late, .sa_flags = SA_RESTART };
	struct timespec began, ended;
	struct rusage used;
	int fd, status;

	if (argc < 4)
		errx(2, "usage: once SECONDS OUT COMMAND [ARG...]");
	if ((fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) == -1)
		err(4, "%s", argv[2]);
	two_processors();
	warm(getenv("WARM"));
	clock_gettime(CLOCK_MONOTONIC, &began);
	if ((child = fork()) == -1)
		err(4, "fork");
	if (child == 0) {
		setpgid(0, 0);
		if (dup2(fd, 1) == -1)
			err(4, "dup2");
		execvp(argv[3], argv + 3);
		err(127, "%s", argv[3]);
	}
	setpgid(child, child);
	sigaction(SIGALRM, &act, NULL);
	alarm((unsigned)strtoul(argv[1], NULL, 10));
	if (wait4(child, &status, 0, &used) == -1)
		err(4, "wait4");
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%d %.4f %.4f %.4f %ld\n", status, seconds(began, ended), of(used.ru_utime), of(used.ru_stime), used.ru_maxrss);
	return 0;
}
