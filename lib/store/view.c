/* SPDX-License-Identifier: BSD-2-Clause */
/* view - see view.h */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/fs.h"
#include "store/pool.h"
#include "store/view.h"

#define PATIENCE_MS 5000	/* for who makes the same view: it may be a process that is stopped */

struct view {
	struct table *t;
	const char *day;
	char *dir;		/* dt=DAY */
	char *build;		/* outside the table: DuckDB's globs match directories that begin with a dot */
};

static int
take_lock(const struct table *t, const char *day, int *fd)
{
	const struct timespec nap = { 0, 5000000L };
	int64_t until = clock_ms() + PATIENCE_MS;
	struct buf b = { 0 };
	int rc = 0;

	buf_fmt(&b, "%s/%s", t->pool_dir, day);
	rc = fs_dirs(buf_cstr(&b));
	buf_str(&b, "/.lock");
	*fd = -1;
	if (rc == 0 && (*fd = open(buf_cstr(&b), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666)) == -1)
		rc = err_io("%s: %s", b.p, strerror(errno));
	while (rc == 0 && flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			rc = err_io("%s: %s", b.p, strerror(errno));
		else if (clock_ms() >= until)
			rc = err_temp("%s@%s: its view stays behind: another process has been at it for %d s; is one "
			    "stopped?", t->name, day, PATIENCE_MS / 1000);
		else
			nanosleep(&nap, NULL);
	}
	buf_free(&b);
	return rc;
}

/* Name of the i-th live base file in the view. */
static void
link_name(const struct file *f, size_t i, struct buf *b)
{
	buf_fmt(b, "%06zu.ndjson.%s", i, pool_codec(f->name) == CODEC_GZIP ? "gz" : "zst");
}

/* Link the base files that `dir` does not have yet; *strange counts what is there and should not be. */
static int
link_all(const struct view *v, const struct day *d, const char *dir, bool *strange, size_t *made)
{
	struct buf from = { 0 }, to = { 0 };
	size_t k = 0;
	int rc = 0;

	*strange = false;
	*made = 0;
	for (size_t i = 0; rc == 0 && !*strange && i < d->n; i++) {
		struct stat a, b;

		if (d->file[i].delta)
			continue;
		table_pool_path(v->t, v->day, d->file[i].name, &from);
		buf_clear(&to);
		buf_fmt(&to, "%s/", dir);
		link_name(&d->file[i], k++, &to);
		if (stat(from.p, &a) == -1)
			rc = err_input("%s: %s: a live file is gone", from.p, strerror(errno));
		else if (lstat(buf_cstr(&to), &b) == 0)
			*strange = a.st_ino != b.st_ino || a.st_dev != b.st_dev;
		else if (linkat(AT_FDCWD, from.p, AT_FDCWD, to.p, 0) == 0)
			++*made;
		else
			rc = err_io("%s: %s", to.p, strerror(errno));
	}
	buf_free(&from);
	buf_free(&to);
	return rc;
}

static size_t
base_files(const struct day *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += !d->file[i].delta;
	return n;
}

/* Are all names that stand in the view the first ones of the list? Then what is missing is only added. */
static int
may_add(const struct view *v, const struct day *d, bool *may)
{
	struct buf name = { 0 }, from = { 0 }, to = { 0 };
	struct fs_names l;
	size_t k = 0;
	int rc = fs_list(v->dir, &l);

	*may = l.n <= base_files(d);
	for (size_t i = 0; rc == 0 && *may && i < d->n && k < l.n; i++) {
		struct stat a, b;

		if (d->file[i].delta)
			continue;
		buf_clear(&name);
		link_name(&d->file[i], k, &name);
		table_pool_path(v->t, v->day, d->file[i].name, &from);
		buf_clear(&to);
		buf_fmt(&to, "%s/%s", v->dir, l.v[k]);
		*may = strcmp(l.v[k++], buf_cstr(&name)) == 0 && stat(from.p, &a) == 0 &&
		    lstat(buf_cstr(&to), &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
	}
	fs_names_free(&l);
	buf_free(&name);
	buf_free(&from);
	buf_free(&to);
	return rc;
}

/* Put the built directory in the old one's place, at once where the file system can. */
static int
exchange(const struct view *v)
{
	struct buf old = { 0 };
	int rc = 0;

	if (syscall(SYS_renameat2, AT_FDCWD, v->build, AT_FDCWD, v->dir, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno == ENOENT) {
		if (rename(v->build, v->dir) == 0)
			return 0;
		return err_io("%s: %s", v->dir, strerror(errno));
	}
	if (errno != EINVAL && errno != ENOSYS)
		return err_io("%s: %s", v->dir, strerror(errno));
	buf_fmt(&old, "%s.old", v->build);
	rc = fs_remove_tree(buf_cstr(&old));
	if (rc == 0 && (rename(v->dir, old.p) == -1 || rename(v->build, v->dir) == -1))
		rc = err_io("%s: %s", v->dir, strerror(errno));
	if (rc == 0)
		rc = fs_remove_tree(old.p);
	buf_free(&old);
	return rc;
}

static int
rebuild(const struct view *v, const struct day *d)
{
	bool strange;
	size_t made;
	int rc;

	/* what an interrupted build left has this name: the lock says nobody is at it */
	if ((rc = fs_remove_tree(v->build)) != 0 || (rc = fs_dirs(v->build)) != 0 ||
	    (rc = link_all(v, d, v->build, &strange, &made)) != 0 || (rc = fs_sync_dir(v->build)) != 0 ||
	    (rc = exchange(v)) != 0 || (rc = fs_sync_dir(v->t->dir)) != 0)
		return rc;
	return fs_remove_tree(v->build);
}

/* The day was dropped, or taken back to before its first base. */
static int
take_away(const struct view *v)
{
	int rc;

	if (!fs_exists(v->dir))
		return 0;
	if ((rc = fs_remove_tree(v->build)) != 0 || (rc = fs_dirs(v->build)) != 0)
		return rc;
	if (rename(v->dir, v->build) == -1)
		return err_io("%s: %s", v->dir, strerror(errno));
	return (rc = fs_sync_dir(v->t->dir)) == 0 ? fs_remove_tree(v->build) : rc;
}

static int
make(struct view *v)
{
	const struct day *d = live_day(v->t->live, v->day);
	bool may, strange = true;
	size_t made;
	int rc;

	if (d == NULL || !d->based)
		return take_away(v);
	if (!fs_exists(v->dir))
		return rebuild(v, d);
	if ((rc = may_add(v, d, &may)) != 0)
		return rc;
	if (may && (rc = link_all(v, d, v->dir, &strange, &made)) != 0)
		return rc;
	if (strange)
		return rebuild(v, d);
	return made > 0 ? fs_sync_dir(v->dir) : 0;
}

int
view_make(struct table *t, const char *day)
{
	struct view v = { .t = t, .day = day };
	struct buf b = { 0 };
	int lock, rc;

	rc = take_lock(t, day, &lock);
	/* a slow process must not show an older state over a newer one: what counts is the head under the lock */
	if (rc == 0 && (rc = table_follow(t)) == 0) {
		buf_fmt(&b, "%s/dt=%s", t->dir, day);
		v.dir = mem_dup(buf_span(&b));
		buf_clear(&b);
		buf_fmt(&b, "%s/_view/%s.%s", t->place.write, t->name, day);
		v.build = mem_dup(buf_span(&b));
		rc = make(&v);
		free(v.dir);
		free(v.build);
	}
	if (lock != -1)
		close(lock);
	buf_free(&b);
	return rc;
}
