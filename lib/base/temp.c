/* SPDX-License-Identifier: BSD-2-Clause */
/* temp - see temp.h */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/temp.h"

/* Where temporary files are; messages name it, for that is where there is no room. */
static const char *
temp_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir == NULL || *dir == '\0' ? "/tmp" : dir;
}

int
temp_file(void)
{
	const char *dir = temp_dir();
	struct buf path = { 0 };
	int fd;

	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1)
		return fd;
	/* a file system without O_TMPFILE */
	buf_fmt(&path, "%s/pipehouse.XXXXXX", dir);
	(void)buf_cstr(&path);
	fd = mkostemp(path.p, O_CLOEXEC);
	if (fd == -1 || unlink(path.p) == -1) {
		err_io("%s: no temporary file: %s", dir, strerror(errno));
		if (fd != -1)
			close(fd);
		fd = -1;
	}
	buf_free(&path);
	return fd;
}

int
temp_link(int fd, const char *path)
{
	char self[40];

	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int
temp_write(int fd, const char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)at);

		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_io("%s: temporary file: %s", temp_dir(), strerror(done == 0 ? ENOSPC : errno));
		p += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

int
temp_append(int *fd, uint64_t *end, struct span s)
{
	int rc;

	if (*fd == -1 && (*fd = temp_file()) == -1)
		return EXIT_IO;
	if ((rc = temp_write(*fd, s.p, s.n, *end)) == 0)
		*end += s.n;
	return rc;
}

int
temp_read(int fd, char *p, size_t n, uint64_t at, size_t *got)
{
	ssize_t done;

	do
		done = pread(fd, p, n, (off_t)at);
	while (done == -1 && errno == EINTR);
	if (done <= 0)
		return err_io("%s: temporary file: %s", temp_dir(), done == 0 ? "it became shorter" : strerror(errno));
	*got = (size_t)done;
	return 0;
}

int
temp_read_all(int fd, char *p, size_t n, uint64_t at)
{
	size_t got;
	int rc = 0;

	for (; n > 0 && (rc = temp_read(fd, p, n, at, &got)) == 0; n -= got, p += got, at += got)
		;
	return rc;
}

int
temp_fill(struct temp_window *w, size_t n, size_t most)
{
	if (w->used > 0) {
		w->b.n -= w->used;
		memmove(w->b.p, w->b.p + w->used, w->b.n);
		w->used = 0;
	}
	while (w->b.n < n) {
		uint64_t left = w->end > w->at ? w->end - w->at : 0;
		size_t want = n - w->b.n > most ? n - w->b.n : most, got;
		int rc;

		want = want > left ? (size_t)left : want;
		if ((rc = temp_read(w->fd, buf_room(&w->b, want), want, w->at, &got)) != 0)
			return rc;
		w->b.n += got;
		w->at += got;
	}
	return 0;
}
