/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_group - see pipe_group.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "run/pipe_group.h"
#include "run/shell.h"
#include "store/fs.h"

#define GRACE_MS 5000			/* for what a failed shell left running */
#define GONE_MS 5000			/* a killed process takes no longer to go away, but in the kernel's hands */
#define ENVIRON_MAX (4 << 20)

/* What bash does last: say how each command of the pipe ended, which its own status cannot. */
static const char last_words[] = "trap 'echo \"${PIPESTATUS[@]}\" >\"$PIPEHOUSE_JOB/ended\"' EXIT; ";

/* ---- the keeper ---- */

static void
environment(const struct pipe_file *f, const struct job_dir *j, bool again)
{
	char run[32];

	snprintf(run, sizeof run, "%" PRIu64, j->run);
	setenv("PIPEHOUSE_JOB", j->path, 1);
	setenv("PIPEHOUSE_JOB_RUN", run, 1);
	setenv("PIPEHOUSE_PINS", f->pins, 1);
	setenv("PIPEHOUSE_SYNC", f->lax ? "process" : "disk", 1);
	if (again)
		setenv("PIPEHOUSE_JOB_AGAIN", "1", 1);
	else
		unsetenv("PIPEHOUSE_JOB_AGAIN");
	unsetenv("PIPEHOUSE_RUN");
	unsetenv("PIPEHOUSE_BRANCH");
}

static int
code_of(int ws)
{
	return WIFSIGNALED(ws) ? 128 + WTERMSIG(ws) : WEXITSTATUS(ws);
}

/* Take in who of the group has ended. False: nobody is left. */
static bool
reap(pid_t shell, bool *shell_over, int *worst)
{
	pid_t p;
	int ws;

	while ((p = waitpid(0, &ws, WNOHANG)) > 0 || (p == -1 && errno == EINTR)) {
		if (p == -1)
			continue;
		*shell_over = *shell_over || p == shell;
		/* without bash nobody would wait for the rest, nor say how it went */
		if (p == shell && WIFSIGNALED(ws))
			kill(0, SIGKILL);
		if (code_of(ws) != 0 && (*worst == 0 || p == shell))
			*worst = code_of(ws);
	}
	return p == 0;
}

static _Noreturn void
keep(const struct pipe_file *f, const struct job_dir *j, bool again, int life, int log_fd)
{
	struct buf text = { 0 };
	struct pollfd pfd[2] = { { life, POLLIN, 0 }, { -1, POLLIN, 0 } };
	struct signalfd_siginfo si;
	/* a sink in >( ) may still commit */
	int rest_ms = f->stop_ms > INT_MAX ? -1 : (int)f->stop_ms;
	bool over = false;
	sigset_t child;
	int worst = 0;
	pid_t me, shell;

	setpgid(0, 0);
	me = getpid();
	(void)err_hold(NULL);
	if (log_fd != -1)
		(void)dup2(log_fd, 2);
	sigfillset(&child);
	sigprocmask(SIG_BLOCK, &child, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pfd[1].fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	close(j->lock);		/* the job's lock is the supervisor's alone */
	environment(f, j, again);
	buf_str(&text, last_words);
	buf_span_add(&text, f->text);
	(void)buf_cstr(&text);
	if ((shell = fork()) == 0)
		shell_become(&(struct shell){ .text = text.p, .cwd = f->dir, .log_fd = log_fd }, me);
	if (shell == -1 || pfd[1].fd == -1)
		_exit(err_io("%s: %s", f->name, strerror(errno)));
	while (reap(shell, &over, &worst)) {
		int n = poll(pfd, 2, !over ? -1 : worst != 0 ? GRACE_MS : rest_ms);

		if (n == 0 || (n > 0 && pfd[0].revents != 0))
			kill(0, SIGKILL);
		while (n > 0 && read(pfd[1].fd, &si, sizeof si) > 0)
			;
	}
	_exit(worst);
}

int
pipe_group_start(const struct pipe_file *f, const struct job_dir *j, bool again, int log_fd,
    struct pipe_group *g)
{
	struct buf b = { 0 };
	int life[2], rc = 0;

	*g = (struct pipe_group){ .pidfd = -1, .life = -1 };
	/* of the run before: whoever reads them now must not find it */
	buf_fmt(&b, "%s/ended", j->path);
	rc = fs_remove(buf_cstr(&b));
	buf_clear(&b);
	buf_fmt(&b, "%s/source.pid", j->path);
	rc = rc == 0 ? fs_remove(buf_cstr(&b)) : rc;
	buf_free(&b);
	if (rc != 0)
		return rc;
	/* what outlives a keeper comes to us */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe2(life, O_CLOEXEC) == -1)
		return err_io("pipe: %s", strerror(errno));
	fflush(NULL);
	if ((g->pid = fork()) == 0) {
		close(life[1]);
		keep(f, j, again, life[0], log_fd);
	}
	close(life[0]);
	g->life = life[1];
	if (g->pid > 0) {
		setpgid(g->pid, g->pid);	/* both sides: whoever comes first */
		g->pidfd = pidfd_open(g->pid, 0);
	}
	if (g->pid == -1 || g->pidfd == -1) {
		rc = err_io("%s: %s", f->name, strerror(errno));
		close(life[1]);			/* a keeper that we cannot watch ends by that */
		if (g->pid > 0)
			(void)waitpid(g->pid, NULL, 0);
		*g = (struct pipe_group){ .pidfd = -1, .life = -1 };
		return rc;
	}
	(void)fcntl(g->pidfd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* ---- signals ---- */

bool
pipe_group_has_source(const struct pipe_group *g, const char *dir)
{
	return pipe_group_signal(g, dir, 0);
}

bool
pipe_group_signal(const struct pipe_group *g, const char *dir, int sig)
{
	struct buf path = { 0 }, text = { 0 };
	bool found = false, told = false;
	int fd = -1;
	long pid;

	if (g->pid == 0)
		return false;
	buf_fmt(&path, "%s/source.pid", dir);
	if (fs_read(buf_cstr(&path), 4096, &text, &found) == 0 && found &&
	    (pid = strtol(buf_cstr(&text), NULL, 10)) > 1 && (fd = pidfd_open((pid_t)pid, 0)) != -1) {
		/* the file may be old and the pid another one's: of our group it must be */
		told = getpgid((pid_t)pid) == g->pid && pidfd_send_signal(fd, sig, NULL, 0) == 0;
		close(fd);
	}
	buf_free(&path);
	buf_free(&text);
	return told;
}

void
pipe_group_kill(const struct pipe_group *g, int sig)
{
	if (g->pid > 0)
		kill(-g->pid, sig);
}

/* ---- the end ---- */

static void
read_ended(const char *dir, struct pipe_end *end)
{
	struct buf path = { 0 }, text = { 0 };
	bool found = false;

	buf_fmt(&path, "%s/ended", dir);
	if (fs_read(buf_cstr(&path), 4096, &text, &found) == 0 && found) {
		for (char *p = (buf_cstr(&text), text.p), *rest; end->n < PIPE_STAGES_MAX; p = rest) {
			long v = strtol(p, &rest, 10);

			if (rest == p)
				break;
			end->status[end->n++] = (int)v;
		}
	}
	buf_free(&path);
	buf_free(&text);
}

void
pipe_group_end(struct pipe_group *g, const char *dir, struct pipe_end *end)
{
	int ws = 0;

	*end = (struct pipe_end){ 0 };
	/* before the keeper is waited for: as long as he is a zombie, nobody else can have his number */
	kill(-g->pid, SIGKILL);
	while (waitpid(g->pid, &ws, 0) == -1 && errno == EINTR)
		;
	end->worst = code_of(ws);
	while (waitpid(-g->pid, NULL, 0) > 0 || errno == EINTR)
		;
	close(g->pidfd);
	close(g->life);
	*g = (struct pipe_group){ .pidfd = -1, .life = -1 };
	/* a keeper that was killed leaves nobody's word; where it says 137 some command was, and all are told */
	if (!WIFSIGNALED(ws))
		read_ended(dir, end);
}

/* ---- what got away ---- */

static bool
has_job(const char *pid, const char *dir)
{
	struct buf b = { 0 };
	char path[300];
	FILE *f;
	size_t n, len;
	bool found = false;

	snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	while (b.n < ENVIRON_MAX && (n = fread(buf_room(&b, 65536), 1, 65536, f)) > 0)
		b.n += n;
	fclose(f);
	(void)buf_cstr(&b);
	for (size_t i = 0; i < b.n && !found; i += len + 1) {
		len = strnlen(b.p + i, b.n - i);
		found = strncmp(b.p + i, "PIPEHOUSE_JOB=", 14) == 0 && strcmp(b.p + i + 14, dir) == 0;
	}
	buf_free(&b);
	return found;
}

void
pipe_sweep(const char *dir)
{
	DIR *d = opendir("/proc");
	struct pollfd p = { -1, POLLIN, 0 };
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		long pid = strtol(e->d_name, NULL, 10);

		if (pid <= 1 || pid == (long)getpid() || (p.fd = pidfd_open((pid_t)pid, 0)) == -1)
			continue;
		/* behind pidfd_open: what is looked at is what is killed */
		if (has_job(e->d_name, dir)) {
			err_warn("process %ld is left of a run that is over: it is killed", pid);
			if (pidfd_send_signal(p.fd, SIGKILL, NULL, 0) == 0)
				(void)poll(&p, 1, GONE_MS);
		}
		close(p.fd);
	}
	if (d != NULL)
		closedir(d);
	/* what of it was ours to wait for */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}
