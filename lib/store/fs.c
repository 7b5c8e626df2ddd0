/* SPDX-License-Identifier: BSD-2-Clause */
/* fs - see fs.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "in/unpack.h"
#include "store/fs.h"

static int
say(const char *path)
{
	return err_io("%s: %s", path, strerror(errno));
}

char *
fs_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_str(".");
	return mem_dup(span_of(path, slash == path ? 1 : (size_t)(slash - path)));
}

char *
fs_under(const char *dir, const char *name)
{
	struct buf b = { 0 };

	buf_fmt(&b, "%s/%s", dir, name);
	(void)buf_cstr(&b);
	return b.p;
}

bool
fs_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int
fs_sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd == -1)
		return say(path);
	if (fsync(fd) == -1)
		rc = say(path);
	close(fd);
	return rc;
}

int
fs_dirs(const char *path)
{
	size_t n = strlen(path);
	char *p = mem_str(path), *parent;
	int rc = 0;

	/* from the top down; what is there costs one failed mkdir */
	for (size_t i = 1; rc == 0 && i <= n; i++) {
		if (p[i] != '/' && p[i] != '\0')
			continue;
		p[i] = '\0';
		if (mkdir(p, 0777) == 0) {
			parent = fs_parent(p);
			rc = fs_sync_dir(parent);
			free(parent);
		} else if (errno != EEXIST && errno != EISDIR) {
			rc = say(p);
		}
		p[i] = path[i];
	}
	free(p);
	return rc;
}

int
fs_read(const char *path, size_t max, struct buf *out, bool *found)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = 0;
	ssize_t n;

	buf_clear(out);
	*found = fd != -1;
	if (fd == -1)
		return errno == ENOENT ? 0 : say(path);
	do {
		char *p = buf_room(out, 64 * 1024);

		n = read(fd, p, 64 * 1024);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			rc = say(path);
		else
			out->n += (size_t)n;
		if (out->n > max)
			rc = err_input("%s: longer than %zu bytes", path, max);
	} while (rc == 0 && n != 0);
	close(fd);
	return rc;
}

bool
fs_read_at(int fd, char *p, size_t n, uint64_t at)
{
	return read_at(fd, p, n, (off_t)at) == (ssize_t)n;
}

static int
write_all(int fd, const char *path, struct span b)
{
	while (b.n > 0) {
		ssize_t w = write(fd, b.p, b.n > INT_MAX ? INT_MAX : b.n);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return say(path);
		b = span_from(b, (size_t)w);
	}
	return 0;
}

static int
write_new(const char *path, struct span bytes, bool sync)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666), rc;

	if (fd == -1)
		return say(path);
	rc = write_all(fd, path, bytes);
	if (rc == 0 && sync && fsync(fd) == -1)
		rc = say(path);
	if (close(fd) == -1 && rc == 0)
		rc = say(path);
	if (rc != 0)
		unlink(path);
	return rc;
}

int
fs_new_lax(const char *path, struct span bytes)
{
	return write_new(path, bytes, false);
}

int
fs_new(const char *path, struct span bytes)
{
	return write_new(path, bytes, true);
}

int
fs_link(const char *from, const char *to, bool *taken)
{
	*taken = false;
	if (linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0)
		return 0;
	*taken = errno == EEXIST;
	return *taken ? 0 : say(to);
}

int
fs_put(const char *path, struct span bytes, bool durable)
{
	char nonce[NONCE_BYTES], *parent = fs_parent(path);
	struct buf tmp = { 0 };
	int rc;

	fs_nonce(nonce);
	buf_fmt(&tmp, "%s/.tmp-%s", parent, nonce);
	rc = write_new(buf_cstr(&tmp), bytes, durable);
	if (rc == 0 && rename(tmp.p, path) == -1) {
		rc = say(path);
		unlink(tmp.p);
	}
	if (rc == 0 && durable)
		rc = fs_sync_dir(parent);
	buf_free(&tmp);
	free(parent);
	return rc;
}

int
fs_remove(const char *path)
{
	return unlink(path) == -1 && errno != ENOENT ? say(path) : 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path) == -1 && errno != ENOENT ? -1 : 0;
}

int
fs_remove_tree(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == -1 && errno != ENOENT ? say(path) : 0;
}

void
fs_nonce(char out[NONCE_BYTES])
{
	static const char digit[] = "0123456789abcdef";
	unsigned char r[16];

	if (getrandom(r, sizeof r, 0) != sizeof r)
		err_die(EXIT_IO, "no random numbers: %s", strerror(errno));
	for (size_t i = 0; i < sizeof r; i++) {
		out[2 * i] = digit[r[i] >> 4];
		out[2 * i + 1] = digit[r[i] & 15];
	}
	out[2 * sizeof r] = '\0';
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
fs_list(const char *path, struct fs_names *out)
{
	size_t cap = 0;
	struct dirent *d;
	DIR *dir;
	int rc = 0;

	*out = (struct fs_names){ 0 };
	if ((dir = opendir(path)) == NULL)
		return errno == ENOENT ? 0 : say(path);
	while (errno = 0, (d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (out->n == cap) {
			cap = cap == 0 ? 64 : 2 * cap;
			out->v = mem_array(out->v, cap, sizeof *out->v);
		}
		out->v[out->n++] = mem_str(d->d_name);
	}
	if (errno != 0)
		rc = say(path);
	closedir(dir);
	if (out->n > 0)
		qsort(out->v, out->n, sizeof *out->v, by_name);
	return rc;
}

void
fs_names_free(struct fs_names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct fs_names){ 0 };
}
