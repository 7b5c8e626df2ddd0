/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_log - see pipe_log.h */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "run/pipe_log.h"

#define PART_MAX (64 * KIB)		/* a longer line is cut into several */
#define STAMP_BYTES 32
#define DRAIN_READS 32
#define NEWEST_MAX (16 * KIB)

static int
open_file(struct pipe_log *l)
{
	struct stat st;

	l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (l->fd == -1 || fstat(l->fd, &st) == -1)
		return err_io("%s: %s", l->path, strerror(errno));
	l->size = (size_t)st.st_size;
	return 0;
}

int
pipe_log_open(const char *path, size_t max, uint64_t keep, struct pipe_log **out)
{
	struct pipe_log *l = mem_new(sizeof *l);
	int fd[2];

	*out = l;
	*l = (struct pipe_log){ .path = path == NULL ? NULL : mem_str(path), .max = max, .keep = keep,
	    .fd = path == NULL ? STDERR_FILENO : -1, .read_fd = -1, .write_fd = -1 };
	if (pipe2(fd, O_CLOEXEC) == -1)
		return err_io("pipe: %s", strerror(errno));
	l->read_fd = fd[0];
	l->write_fd = fd[1];
	if (fcntl(fd[0], F_SETFL, O_NONBLOCK) == -1)
		return err_io("pipe: %s", strerror(errno));
	return path == NULL ? 0 : open_file(l);
}

/* PATH becomes PATH.1, what that was PATH.2, and so on. */
static void
rotate(struct pipe_log *l)
{
	struct buf from = { 0 }, to = { 0 };

	for (uint64_t i = l->keep; i > 0; i--) {
		buf_clear(&from);
		buf_clear(&to);
		if (i > 1)
			buf_fmt(&from, "%s.%llu", l->path, (unsigned long long)i - 1);
		else
			buf_str(&from, l->path);
		buf_fmt(&to, "%s.%llu", l->path, (unsigned long long)i);
		(void)rename(buf_cstr(&from), buf_cstr(&to));
	}
	if (l->keep == 0)
		(void)unlink(l->path);
	if (l->fd != -1)
		close(l->fd);
	(void)open_file(l);
	buf_free(&from);
	buf_free(&to);
}

static void
put(struct pipe_log *l, const struct buf *b)
{
	size_t at = 0;

	if (l->path != NULL && (l->fd == -1 || (l->size > 0 && l->size + b->n > l->max)))
		rotate(l);
	while (l->fd != -1 && at < b->n) {
		ssize_t w = write(l->fd, b->p + at, b->n - at);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			break;
		at += (size_t)w;
	}
	l->size += at;
	if (at < b->n && !l->failed && l->path != NULL)
		err_warn("%s: %s: lines are lost", l->path, strerror(errno));
	l->failed = at < b->n;
}

static void
remember(struct pipe_log *l, struct span text)
{
	if (text.n >= NEWEST_MAX)
		return;
	if (l->newest.n + text.n >= NEWEST_MAX) {
		size_t half = l->newest.n / 2;
		const char *lf = memchr(l->newest.p + half, '\n', l->newest.n - half);

		l->newest.n -= (size_t)(lf + 1 - l->newest.p);
		memmove(l->newest.p, lf + 1, l->newest.n);
	}
	buf_span_add(&l->newest, text);
	buf_byte(&l->newest, '\n');
}

static void
line(struct pipe_log *l, struct span text)
{
	char stamp[STAMP_BYTES];
	struct buf b = { 0 };
	int64_t now = clock_real_ms();
	time_t s = (time_t)(now / 1000);
	struct tm tm;

	if (l->path != NULL) {
		gmtime_r(&s, &tm);
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
		buf_fmt(&b, "%s.%03dZ ", stamp, (int)(now % 1000));
	}
	buf_span_add(&b, text);
	buf_byte(&b, '\n');
	put(l, &b);
	buf_free(&b);
	remember(l, text);
}

void
pipe_log_add(struct pipe_log *l, struct span text)
{
	while (text.n > 0) {
		const char *lf = memchr(text.p, '\n', text.n);
		size_t n = lf == NULL ? text.n : (size_t)(lf - text.p);

		line(l, span_of(text.p, n));
		text = span_from(text, n + 1);
	}
}

static void
whole_lines(struct pipe_log *l)
{
	const char *lf = l->part.n == 0 ? NULL : memrchr(l->part.p, '\n', l->part.n);
	size_t n = lf != NULL ? (size_t)(lf - l->part.p) + 1 : l->part.n >= PART_MAX ? l->part.n : 0;

	if (n == 0)
		return;
	pipe_log_add(l, span_of(l->part.p, n));
	l->part.n -= n;
	memmove(l->part.p, l->part.p + n, l->part.n);
}

void
pipe_log_drain(struct pipe_log *l)
{
	/* not for ever: whoever prints without end must not keep us from our other work */
	for (int i = 0; i < DRAIN_READS; i++) {
		ssize_t n = read(l->read_fd, buf_room(&l->part, PART_MAX), PART_MAX);

		if (n <= 0)
			break;
		l->part.n += (size_t)n;
		whole_lines(l);
	}
}

struct span
pipe_log_said(const struct pipe_log *l, const char *name)
{
	struct span rest = buf_span(&l->newest), said = { NULL, 0 };
	size_t n = strlen(name);

	while (rest.n > 0) {
		size_t end = (size_t)((const char *)memchr(rest.p, '\n', rest.n) - rest.p);

		if (end > n + 2 && memcmp(rest.p, name, n) == 0 && memcmp(rest.p + n, ": ", 2) == 0)
			said = span_of(rest.p + n + 2, end - n - 2);
		rest = span_from(rest, end + 1);
	}
	return said;
}

void
pipe_log_forget(struct pipe_log *l)
{
	buf_clear(&l->newest);
}

void
pipe_log_close(struct pipe_log *l)
{
	if (l == NULL)
		return;
	pipe_log_drain(l);
	pipe_log_add(l, buf_span(&l->part));
	if (l->fd != -1 && l->path != NULL)
		close(l->fd);
	close(l->read_fd);
	close(l->write_fd);
	buf_free(&l->part);
	buf_free(&l->newest);
	free(l->path);
	free(l);
}
