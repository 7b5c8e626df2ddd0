/* SPDX-License-Identifier: BSD-2-Clause */
/* outbox - see outbox.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "edge/outbox.h"

#define SUFFIX ".event"
#define LETTER_BYTES_MAX (LINE_BYTES_MAX + MIB)

struct outbox {
	char *dir;
	int fd, lock;		/* the directory; its lock file or -1 */
	unsigned n_put;
	char **name;		/* listed */
	size_t n;
	struct buf scratch;
};

static int
failed(const struct outbox *o, const char *what)
{
	return err_io("%s/%s: %s", o->dir, what, strerror(errno));
}

/* Make a directory and those above it. */
static int
make_dirs(const char *dir)
{
	char *path = mem_str(dir);
	int rc = 0;

	for (char *p = path + 1; rc == 0; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST)
			rc = err_io("%s: %s", path, strerror(errno));
		*p = was;
		if (was == '\0')
			break;
	}
	free(path);
	return rc;
}

int
outbox_open(const char *dir, struct outbox **out)
{
	struct outbox *o = mem_new(sizeof *o);
	struct stat st;
	int rc;

	*out = o;
	o->dir = mem_str(dir);
	o->lock = -1;
	if ((rc = make_dirs(dir)) != 0)
		return rc;
	o->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->fd == -1 || fstat(o->fd, &st) == -1)
		return err_io("%s: %s", dir, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_usage("%s: others can write it", dir);
	return 0;
}

void
outbox_close(struct outbox *o)
{
	if (o == NULL)
		return;
	outbox_unlock(o);
	for (size_t i = 0; i < o->n; i++)
		free(o->name[i]);
	free(o->name);
	if (o->fd > 0)
		close(o->fd);
	free(o->dir);
	buf_free(&o->scratch);
	free(o);
}

/* ---- putting ---- */

static int
write_all(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s = span_from(s, (size_t)n);
	}
	return fsync(fd);
}

/* A name nobody else takes. */
static void
new_name(struct outbox *o, char name[80])
{
	snprintf(name, 80, "%015lld-%ld-%06u" SUFFIX, (long long)clock_real_ms(), (long)getpid(),
	    o->n_put++);
}

static int
put_under(struct outbox *o, const char *name, struct span event)
{
	char own[80], tmp[100];
	int fd, rc = 0;

	new_name(o, own);
	snprintf(tmp, sizeof tmp, ".%s", own);
	fd = openat(o->fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return failed(o, tmp);
	buf_clear(&o->scratch);
	buf_span_add(&o->scratch, event);
	buf_byte(&o->scratch, '\n');
	if (write_all(fd, buf_span(&o->scratch)) == -1)
		rc = failed(o, tmp);
	close(fd);
	if (rc == 0 && renameat(o->fd, tmp, o->fd, name == NULL ? own : name) == -1)
		rc = failed(o, own);
	if (rc == 0 && fsync(o->fd) == -1)
		rc = failed(o, ".");
	if (rc != 0)
		unlinkat(o->fd, tmp, 0);
	return rc;
}

int
outbox_put(struct outbox *o, struct span event)
{
	return put_under(o, NULL, event);
}

int
outbox_put_as(struct outbox *o, const char *id, struct span event)
{
	struct buf name = { 0 };
	int rc;

	buf_fmt(&name, "%s" SUFFIX, id);
	rc = put_under(o, buf_cstr(&name), event);
	buf_free(&name);
	return rc;
}

int
outbox_fd(const struct outbox *o)
{
	return o->fd;
}

const char *
outbox_dir(const struct outbox *o)
{
	return o->dir;
}

/* ---- delivering ---- */

int
outbox_lock(struct outbox *o, unsigned wait_ms)
{
	const struct timespec nap = { 0, 20000000L };

	o->lock = openat(o->fd, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (o->lock == -1)
		return failed(o, ".lock");
	for (unsigned waited = 0; flock(o->lock, LOCK_EX | LOCK_NB) == -1; waited += 20) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(o, ".lock");
		if (waited >= wait_ms)
			return err_temp("%s: another process delivers; what is new waits", o->dir);
		nanosleep(&nap, NULL);
	}
	return 0;
}

void
outbox_unlock(struct outbox *o)
{
	if (o->lock != -1)
		close(o->lock);
	o->lock = -1;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `.<ms>-<pid>-…`: a put that did not end, if its process is gone. */
static void
remove_torn(struct outbox *o, const char *name)
{
	const char *dash = strchr(name, '-');
	long pid = dash == NULL ? 0 : strtol(dash + 1, NULL, 10);

	if (pid > 0 && kill((pid_t)pid, 0) == -1 && errno == ESRCH)
		unlinkat(o->fd, name, 0);
}

int
outbox_list(struct outbox *o, size_t *n)
{
	int fd = openat(o->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (d == NULL)
		return failed(o, ".");
	for (size_t i = 0; i < o->n; i++)
		free(o->name[i]);
	o->n = 0;
	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name), tail = sizeof SUFFIX - 1;

		if (len <= tail || strcmp(e->d_name + len - tail, SUFFIX) != 0)
			continue;
		if (e->d_name[0] == '.') {
			remove_torn(o, e->d_name);
			continue;
		}
		o->name = mem_array(o->name, o->n + 1, sizeof *o->name);
		o->name[o->n++] = mem_dup(span_of(e->d_name, len - tail));
	}
	closedir(d);
	if (o->n > 0)
		qsort(o->name, o->n, sizeof *o->name, by_name);
	*n = o->n;
	return 0;
}

static const char *
file_of(struct outbox *o, const struct letter *l)
{
	buf_clear(&o->scratch);
	buf_fmt(&o->scratch, "%s" SUFFIX, l->id);
	return buf_cstr(&o->scratch);
}

int
outbox_get(struct outbox *o, size_t i, struct letter *l, bool *there)
{
	const char *lf;
	ssize_t n = 0;
	int fd, rc = 0;

	l->id = o->name[i];
	*there = false;
	buf_clear(&l->text);
	fd = openat(o->fd, file_of(o, l), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : failed(o, l->id);
	while (l->text.n < LETTER_BYTES_MAX && (n = read(fd, buf_room(&l->text, 65536), 65536)) > 0)
		l->text.n += (size_t)n;
	if (n == -1)
		rc = failed(o, l->id);
	close(fd);
	lf = l->text.n == 0 ? NULL : memchr(l->text.p, '\n', l->text.n);
	*there = rc == 0 && lf != NULL;
	if (*there)
		l->event = span_of(l->text.p, (size_t)(lf - l->text.p));
	else if (rc == 0)
		err_warn("%s/%s" SUFFIX ": not an event", o->dir, l->id);
	return rc;
}

static void
receiver_line(uint64_t receiver, char line[32])
{
	snprintf(line, 32, "done %016" PRIx64 "\n", receiver);
}

bool
letter_done(const struct letter *l, uint64_t receiver)
{
	char line[32];

	receiver_line(receiver, line);
	return memmem(l->text.p + l->event.n, l->text.n - l->event.n, line, strlen(line)) != NULL;
}

int
letter_note(struct outbox *o, struct letter *l, uint64_t receiver)
{
	int fd = openat(o->fd, file_of(o, l), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC), rc = 0;
	size_t event = l->event.n;
	char line[32];

	/* a line that a crash cut off ends before ours begins */
	receiver_line(receiver, line);
	if (fd == -1)
		return failed(o, l->id);
	buf_clear(&o->scratch);
	if (l->text.n > 0 && l->text.p[l->text.n - 1] != '\n')
		buf_byte(&o->scratch, '\n');
	buf_str(&o->scratch, line);
	if (write_all(fd, buf_span(&o->scratch)) == -1)
		rc = failed(o, l->id);
	close(fd);
	buf_span_add(&l->text, buf_span(&o->scratch));
	l->event = span_of(l->text.p, event);
	return rc;
}

int
outbox_drop(struct outbox *o, struct letter *l)
{
	if (unlinkat(o->fd, file_of(o, l), 0) == -1 && errno != ENOENT)
		return failed(o, l->id);
	return 0;
}
