/* SPDX-License-Identifier: BSD-2-Clause */
/* told - see told.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "edge/told.h"

#define SUFFIX ".told"
#define NAME_BYTES 24
#define ID_BYTES 64		/* of a letter */
#define FILE_BYTES_MAX (LINE_BYTES_MAX + MIB)

/* `SINCE UNTIL COUNT OPENER LAST`, a line; then the last event that was held back, or the first. */
struct window {
	int64_t since, until;
	uint64_t held;
	char opener[ID_BYTES], last[ID_BYTES];
	struct buf text;
	struct span event;
};

static int
failed(const struct outbox *o, const char *name)
{
	return err_io("%s/%s: %s", outbox_dir(o), name, strerror(errno));
}

static void
name_of(uint64_t alert, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "%016" PRIx64 SUFFIX, alert);
}

/* *there false: no such window, or a file that is none of ours, which is as good as none. */
static int
read_window(const struct outbox *o, const char *name, struct window *w, bool *there)
{
	int fd = openat(outbox_fd(o), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc = 0, end = 0;
	const char *lf;
	ssize_t n = 0;

	*there = false;
	buf_clear(&w->text);
	if (fd == -1)
		return errno == ENOENT ? 0 : failed(o, name);
	while (w->text.n < FILE_BYTES_MAX && (n = read(fd, buf_room(&w->text, 4096), 4096)) > 0)
		w->text.n += (size_t)n;
	if (n == -1)
		rc = failed(o, name);
	close(fd);
	lf = rc != 0 || w->text.n == 0 ? NULL : memchr(w->text.p, '\n', w->text.n);
	if (lf == NULL)
		return rc;
	*there = sscanf(buf_cstr(&w->text), "%" SCNd64 " %" SCNd64 " %" SCNu64 " %63s %63s%n", &w->since, &w->until,
	    &w->held, w->opener, w->last, &end) == 5 && w->text.p[end] == '\n';
	if (*there) {
		w->event = span_from(buf_span(&w->text), (size_t)end + 1);
		w->event.n -= w->event.n > 0 && w->event.p[w->event.n - 1] == '\n';
	}
	return rc;
}

static int
write_window(const struct outbox *o, const char *name, const struct window *w, struct span event)
{
	char tmp[NAME_BYTES + 1];
	struct buf b = { 0 };
	int fd, rc = 0;
	size_t done = 0;

	snprintf(tmp, sizeof tmp, ".%s", name);
	buf_fmt(&b, "%" PRId64 " %" PRId64 " %" PRIu64 " %s %s\n", w->since, w->until, w->held, w->opener, w->last);
	buf_span_add(&b, event);
	buf_byte(&b, '\n');
	unlinkat(outbox_fd(o), tmp, 0);		/* of a holder of the lock that was killed */
	fd = openat(outbox_fd(o), tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	while (fd != -1 && done < b.n && rc == 0) {
		ssize_t n = write(fd, b.p + done, b.n - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			rc = failed(o, tmp);
	}
	if (fd == -1 || (rc == 0 && (fsync(fd) == -1 || renameat(outbox_fd(o), tmp, outbox_fd(o), name) == -1 ||
	    fsync(outbox_fd(o)) == -1)))
		rc = failed(o, name);
	if (fd != -1)
		close(fd);
	buf_free(&b);
	return rc;
}

static bool
is_over(const struct window *w, int64_t now)
{
	return now >= w->until || now < w->since;
}

int
told_ask(struct outbox *o, uint64_t alert, const char *letter, struct span event, int64_t now, int64_t window,
    bool *tell)
{
	struct window w = { 0 };
	char name[NAME_BYTES];
	bool there;
	int rc;

	name_of(alert, name);
	*tell = true;
	if ((rc = read_window(o, name, &w, &there)) != 0 || strlen(letter) >= ID_BYTES) {
		buf_free(&w.text);
		return rc;
	}
	if (!there || is_over(&w, now)) {
		w.since = now;
		w.until = now + window;
		w.held = 0;
		snprintf(w.opener, sizeof w.opener, "%s", letter);
		snprintf(w.last, sizeof w.last, "%s", letter);
		rc = write_window(o, name, &w, event);
	} else if (strcmp(w.opener, letter) != 0) {
		*tell = false;
		/* counted before a crash, but not dropped */
		if (strcmp(w.last, letter) != 0) {
			w.held++;
			snprintf(w.last, sizeof w.last, "%s", letter);
			rc = write_window(o, name, &w, event);
		}
	}
	buf_free(&w.text);
	return rc;
}

static int
one_due(struct outbox *o, const char *name, int64_t now, told_fn *fn, void *arg)
{
	struct window w = { 0 };
	bool there;
	int rc = read_window(o, name, &w, &there);

	if (rc == 0 && (!there || is_over(&w, now))) {
		if (there && w.held > 0)
			rc = fn(arg, strtoull(name, NULL, 16), w.held, w.since, w.event);
		if (rc == 0 && unlinkat(outbox_fd(o), name, 0) == -1 && errno != ENOENT)
			rc = failed(o, name);
	}
	buf_free(&w.text);
	return rc;
}

int
told_due(struct outbox *o, int64_t now, told_fn *fn, void *arg)
{
	int fd = openat(outbox_fd(o), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (d == NULL)
		return failed(o, ".");
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (strlen(e->d_name) == 16 + sizeof SUFFIX - 1 && strcmp(e->d_name + 16, SUFFIX) == 0)
			rc = one_due(o, e->d_name, now, fn, arg);
	closedir(d);
	return rc;
}
