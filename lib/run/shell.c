/* SPDX-License-Identifier: BSD-2-Clause */
/* shell - see shell.h */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/when.h"
#include "run/shell.h"

#define TEXT_BYTES_MAX 120000		/* the kernel takes 128 KiB for one argument */
#define NAME_BYTES_MAX 60

bool
shell_name_ok(struct span s)
{
	if (s.n == 0 || s.n > NAME_BYTES_MAX || s.p[0] == '.' || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", s.p[i]) == NULL ||
		    s.p[i] == '\0')
			return false;
	return true;
}

int
shell_head(const struct spec *s, size_t i, const char *what, struct span *name)
{
	const struct spec_line *l = &s->line[i];
	struct span w = l->word[0];

	if (w.n < 2 || w.p[w.n - 1] != ':')
		return err_usage("%s:%zu: expected 'NAME: …', found '%s'", s->name, l->number, w.p);
	w.n--;
	if (!shell_name_ok(w))
		return err_usage("%s:%zu: '%.*s' is no %s name ([A-Za-z0-9_.-], at most %d)", s->name, l->number,
		    (int)w.n, w.p, what, NAME_BYTES_MAX);
	if (l->body.n == 0)
		return err_usage("%s:%zu: the %s '%.*s' has no shell lines", s->name, l->number, what, (int)w.n, w.p);
	*name = w;
	return 0;
}

const char *
shell_millis(const char *text, int64_t *out)
{
	struct dur d;
	const char *why = dur_parse(text, &d);

	if (why != NULL)
		return why;
	if (d.us <= 0 || d.days != 0 || d.months != 0)
		return "an exact duration is needed (30s, 5m, 2h)";
	*out = d.us / 1000;
	return NULL;
}

int
shell_fits(const char *name, struct span text)
{
	if (text.n <= TEXT_BYTES_MAX && memchr(text.p, '\0', text.n) == NULL)
		return 0;
	return err_usage("%s: its shell text is longer than %d bytes, or holds a NUL", name, TEXT_BYTES_MAX);
}

_Noreturn void
shell_become(const struct shell *s, pid_t parent)
{
	static const int reset[] = { SIGPIPE, SIGXFSZ, SIGTERM, SIGINT, SIGCHLD, SIGHUP };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int in;

	if (s->group)
		setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_IO);
	for (size_t i = 0; i < sizeof reset / sizeof *reset; i++)
		sigaction(reset[i], &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	unsetenv("BASH_ENV");
	if (s->log_fd != -1) {
		in = open("/dev/null", O_RDONLY);
		if (in == -1 || dup2(in, 0) == -1 || dup2(s->log_fd, 1) == -1 || dup2(s->log_fd, 2) == -1)
			_exit(EXIT_IO);
		if (in > 2)
			close(in);
	}
	if (s->cwd != NULL && chdir(s->cwd) == -1) {
		err_warn("%s: %s", s->cwd, strerror(errno));
		_exit(EXIT_IO);
	}
	execlp("bash", "bash", "-euo", "pipefail", "-c", s->text, (char *)NULL);
	err_warn("bash: %s", strerror(errno));
	_exit(EXIT_IO);
}

int
shell_absolute(const char *variable)
{
	const char *value = getenv(variable);
	struct buf b = { 0 };
	char *here;

	if (value == NULL || *value == '\0' || *value == '/')
		return 0;
	if ((here = realpath(".", NULL)) == NULL)
		return err_io("the working directory: %s", strerror(errno));
	buf_fmt(&b, "%s/%s", here, value);
	setenv(variable, buf_cstr(&b), 1);
	buf_free(&b);
	free(here);
	return 0;
}
