/* SPDX-License-Identifier: BSD-2-Clause */
/* spawn - see spawn.h */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "run/spawn.h"

/* Is the variable `NAME=...` the one of this name, which ends at its `=` or where it ends? */
static bool
is_named(const char *var, const char *name)
{
	size_t n = strcspn(name, "=");

	return strncmp(var, name, n) == 0 && var[n] == '=';
}

char **
spawn_env(char *const set[], size_t n, const char *const without[])
{
	size_t had = 0, k = 0;
	char **env;

	while (environ[had] != NULL)
		had++;
	env = mem_array(NULL, mem_add(mem_add(had, n), 1), sizeof *env);
	for (size_t i = 0; i < had; i++) {
		bool keep = true;

		for (size_t j = 0; j < n && keep; j++)
			keep = !is_named(environ[i], set[j]);
		for (size_t j = 0; without[j] != NULL && keep; j++)
			keep = !is_named(environ[i], without[j]);
		if (keep)
			env[k++] = environ[i];
	}
	for (size_t i = 0; i < n; i++)
		env[k++] = set[i];
	env[k] = NULL;
	return env;
}

struct ends {
	int in[2], out[2], told[2];
};

/* The new process, up to its exec: only calls that are safe behind a fork among threads. */
static _Noreturn void
become(char *const argv[], char *const env[], const struct ends *e, pid_t parent)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	ssize_t w;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_IO);
	for (int sig = 1; sig < 32; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(e->in[0], 0) != -1 && dup2(e->out[1], 1) != -1)
		execvpe(argv[0], argv, env);
	w = write(e->told[1], &errno, sizeof errno);
	(void)w;
	_exit(EXIT_IO);
}

static void
shut_all(struct ends *e)
{
	int *const fd[] = { e->in, e->out, e->told };

	for (size_t i = 0; i < sizeof fd / sizeof *fd; i++)
		for (size_t k = 0; k < 2; k++)
			if (fd[i][k] != -1)
				close(fd[i][k]);
}

int
spawn(char *const argv[], char *const env[], const char *name, bool large, struct spawned *out)
{
	struct ends e = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	pid_t parent = getpid();
	int error = 0;

	*out = (struct spawned){ .pid = -1, .in = -1, .out = -1, .pidfd = -1 };
	if (pipe2(e.in, O_CLOEXEC) == -1 || pipe2(e.out, O_CLOEXEC) == -1 || pipe2(e.told, O_CLOEXEC) == -1 ||
	    (out->pid = fork()) == -1) {
		error = errno;
		shut_all(&e);
		return err_io("%s: %s", name, strerror(error));
	}
	if (out->pid == 0)
		become(argv, env, &e, parent);
	close(e.in[0]);
	close(e.out[1]);
	close(e.told[1]);
	out->in = e.in[1];
	out->out = e.out[0];
	if (large) {
		(void)fcntl(out->in, F_SETPIPE_SZ, (int)PIPE_BYTES);
		(void)fcntl(out->out, F_SETPIPE_SZ, (int)PIPE_BYTES);
	}
	(void)fcntl(out->in, F_SETFL, O_NONBLOCK);
	(void)fcntl(out->out, F_SETFL, O_NONBLOCK);
	out->pidfd = (int)syscall(SYS_pidfd_open, out->pid, 0);
	while (read(e.told[0], &error, sizeof error) == -1 && errno == EINTR)
		;
	close(e.told[0]);
	return error == 0 ? 0 : err_io("%s: %s", name, strerror(error));
}
