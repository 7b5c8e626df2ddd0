/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_ctl - a pipeline from outside: start, stop, status (see pipe_run.h) */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "run/pipe_run.h"
#include "run/state_path.h"
#include "store/fs.h"

/* The job's directory; EXIT_USAGE where nothing says where it lies. */
static int
job_path(const struct pipe_file *f, const char *what, struct buf *out)
{
	if (!state_path(f->name, out))
		return err_usage("PIPEHOUSE_STATE or PIPEHOUSE_ROOT says where a job's state lies");
	buf_str(out, what);
	(void)buf_cstr(out);
	return 0;
}

/* ---- status ---- */

int
pipe_status(const struct pipe_file *f, struct pipe_state *st, struct pipe_view *v)
{
	struct buf b = { 0 };
	bool found = false;
	int rc = job_path(f, "", &b);

	free(st->log);
	*st = (struct pipe_state){ .state = PIPE_STOPPED };
	if (rc == 0)
		rc = pipe_state_read(b.p, st, &found);
	if (rc == 0 && found && (rc = pipe_view_read(b.p, v)) == 0)
		rc = pipe_view_watermark(b.p, v);
	buf_free(&b);
	if (rc != 0)
		return rc;
	if (found && st->state < PIPE_STOPPED && pipe_state_alive(st))
		return 0;
	if (st->state < PIPE_STOPPED) {
		/* it could not say so itself */
		st->state = PIPE_FAILED;
		st->status = EXIT_IO;
		(void)snprintf(st->why, sizeof st->why, "pipe-run was killed, or the machine was");
	}
	return EXIT_NO;
}

/* ---- start ---- */

static _Noreturn void
detached(const struct pipe_file *f, const char *log, int ready_fd)
{
	setsid();
	_exit(pipe_run(&(struct pipe_run){ .file = f, .log_path = log, .ready_fd = ready_fd }));
}

/* What the supervisor says of its beginning, or its end. */
static int
wait_for_begin(const struct pipe_file *f, pid_t child, int fd, const char *log)
{
	struct pipe_state st = { 0 };
	struct pipe_view v = { 0 };
	ssize_t n;
	char how = 0;
	int ws = 0;

	while ((n = read(fd, &how, 1)) == -1 && errno == EINTR)
		;
	if (n == 1 && how == 'b')
		return 0;
	if (n == 1) {
		(void)pipe_status(f, &st, &v);
		(void)err_temp("%s: its first run failed; it is tried again: %s (%s)", f->name, st.why, log);
		free(st.log);
		pipe_view_free(&v);
		return EXIT_TEMP;
	}
	while (waitpid(child, &ws, 0) == -1 && errno == EINTR)
		;
	if (WIFEXITED(ws) && WEXITSTATUS(ws) == 0)
		return 0;		/* its source came to its end before anybody could look */
	if (!WIFEXITED(ws))
		return err_io("%s: killed by signal %d", f->name, WTERMSIG(ws));
	/* what it said before it had a log was said here */
	if (pipe_status(f, &st, &v) == EXIT_NO && st.pid == child)
		err_warn("%s: %s (%s)", f->name, st.why, log);
	free(st.log);
	pipe_view_free(&v);
	return WEXITSTATUS(ws);
}

int
pipe_start(const struct pipe_file *f, char **log)
{
	struct buf b = { 0 };
	int ready[2], rc;
	pid_t child;

	*log = NULL;
	if ((rc = job_path(f, "", &b)) != 0 || (rc = fs_dirs(b.p)) != 0) {
		buf_free(&b);
		return rc;
	}
	buf_str(&b, "/log");
	*log = mem_dup(buf_span(&b));
	buf_free(&b);
	if (pipe2(ready, O_CLOEXEC) == -1)
		return err_io("pipe: %s", strerror(errno));
	if ((child = fork()) == 0) {
		close(ready[0]);
		detached(f, *log, ready[1]);
	}
	close(ready[1]);
	rc = child == -1 ? err_io("fork: %s", strerror(errno)) : wait_for_begin(f, child, ready[0], *log);
	close(ready[0]);
	return rc;
}

/* ---- stop ---- */

/* Until that process is gone. */
static int
wait_gone(const struct pipe_file *f, int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	int n;

	while ((n = poll(&p, 1, -1)) == -1 && errno == EINTR)
		;
	return n == 1 ? 0 : err_io("%s: %s", f->name, strerror(errno));
}

int
pipe_stop(const struct pipe_file *f)
{
	struct pipe_state st = { 0 };
	struct pipe_view v = { 0 };
	int fd = -1, rc = pipe_status(f, &st, &v);

	if (rc == 0 && (fd = pidfd_open(st.pid, 0)) == -1 && errno != ESRCH)
		rc = err_io("pidfd_open: %s", strerror(errno));
	/* behind pidfd_open: the process that is looked at is the one that is told */
	if (fd != -1 && pipe_state_alive(&st)) {
		if (pidfd_send_signal(fd, SIGTERM, NULL, 0) == -1 && errno != ESRCH)
			rc = err_io("%s: pid %ld: %s", f->name, (long)st.pid, strerror(errno));
		if (rc == 0 && (rc = wait_gone(f, fd)) == 0 && (rc = pipe_status(f, &st, &v)) == EXIT_NO)
			rc = st.status == 0 ? 0 : err_temp("%s: %s", f->name, st.why);
	} else if (rc == 0 || rc == EXIT_NO) {
		err_warn("%s does not run", f->name);
		rc = 0;
	}
	if (fd != -1)
		close(fd);
	free(st.log);
	pipe_view_free(&v);
	return rc;
}
