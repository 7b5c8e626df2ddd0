/* SPDX-License-Identifier: BSD-2-Clause */
/* spot - see spot.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "store/fs.h"
#include "store/pool.h"
#include "store/publish.h"
#include "store/spot.h"

struct known {			/* a position read back */
	uint64_t offset, line, head_n, head, tail, name, dev, ino, birth;
};

/* Hash of n bytes at an offset; false when they are not there. */
static bool
hash_at(int fd, uint64_t at, uint64_t n, uint64_t *hash)
{
	char b[SPOT_HEAD_BYTES];
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, b + got, n - got, (off_t)(at + got));

		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	*hash = hash_fixed(span_of(b, got));
	return true;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool
parse(const char *text, struct known *k)
{
	/* the birth came later than the rest: older records end before it */
	k->birth = 0;
	return sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNu64
	    ":%" SCNu64 " %" SCNu64, &k->offset, &k->line, &k->head_n, &k->head, &k->tail, &k->name, &k->dev, &k->ino,
	    &k->birth) >= 8 && k->head_n <= SPOT_HEAD_BYTES;
}

/* When the inode was made, in ns since 1970; 0 where the file system does not tell. */
static uint64_t
birth_of(int fd)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &x) == -1 || (x.stx_mask & STATX_BTIME) == 0)
		return 0;
	return (uint64_t)x.stx_btime.tv_sec * UINT64_C(1000000000) + x.stx_btime.tv_nsec;
}

/* Are the bytes that were read once still what they were? */
static bool
same_bytes(const struct known *k, int fd, bool packed)
{
	uint64_t n = least(k->offset, SPOT_HEAD_BYTES), h;

	if (!hash_at(fd, 0, k->head_n, &h) || h != k->head)
		return false;
	return packed || (hash_at(fd, k->offset - n, n, &h) && h == k->tail);
}

/* Does a file beside this one have that inode? Then the old one is still there under another name. */
static bool
lives_beside(const char *path, uint64_t dev, uint64_t ino)
{
	char *dir = fs_parent(path);
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	bool lives = false;

	while (d != NULL && !lives && (e = readdir(d)) != NULL)
		lives = e->d_ino == ino && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_dev == dev;
	if (d != NULL)
		closedir(d);
	free(dir);
	return lives;
}

static uint64_t
name_hash(const char *path)
{
	char *whole = realpath(path, NULL);
	uint64_t h = hash_fixed(span_str(whole == NULL ? path : whole));

	free(whole);
	return h;
}

/* How surely is it this source: 0 not, 3 the same inode and device. */
static int
alike(const struct known *k, const struct spot *s, int fd, const char *path)
{
	bool inode = k->ino == s->ino, name = k->name == s->name;
	int rank = inode && k->dev == s->dev ? 3 : inode ? 2 : name ? 1 : 0;

	if (rank == 0 || !same_bytes(k, fd, s->packed))
		return 0;
	return rank == 1 && lives_beside(path, k->dev, k->ino) ? 0 : rank;
}

/* A name for a new source: its inode, numbered where the log knows another file by it. */
static void
name_app(const struct live *live, struct spot *s)
{
	snprintf(s->app, sizeof s->app, "file/%" PRIu64 ":%" PRIu64, s->dev, s->ino);
	for (unsigned g = 1; live_app(live, s->app) != NULL && live_app(live, s->app)->to != NULL; g++)
		snprintf(s->app, sizeof s->app, "file/%" PRIu64 ":%" PRIu64 "#%u", s->dev, s->ino, g);
}

/* Is this entry of live->apps a file that was read, and where does it stand? */
static bool
is_file(const struct map_entry *e, size_t size, struct known *k)
{
	const struct app *a = e->cell;

	return e->key.n > 5 && e->key.n < size && memcmp(e->key.p, "file/", 5) == 0 && a->to != NULL && parse(a->to, k);
}

int
spot_find(const struct live *live, int fd, const char *path, struct spot *s)
{
	unsigned char magic[4] = { 0 };
	struct map_entry e;
	struct stat st;
	int best = 0, rank;

	*s = (struct spot){ .name = name_hash(path) };
	if (fstat(fd, &st) == -1)
		return err_io("%s: %s", path, strerror(errno));
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->birth = birth_of(fd);
	s->packed = pread(fd, magic, 4, 0) == 4 &&
	    (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0 || (magic[0] == 0x1f && magic[1] == 0x8b));
	for (size_t i = 0; map_next(live->apps, &i, &e);) {
		const struct app *a = e.cell;
		struct known k;

		if (!is_file(&e, sizeof s->app, &k))
			continue;
		if ((rank = alike(&k, s, fd, path)) <= best) {
			/* the same file, but not the bytes that were read */
			if (rank == 0 && k.dev == s->dev && k.ino == s->ino && k.birth != 0 && k.birth == s->birth)
				s->lost = k.offset > s->lost ? k.offset : s->lost;
			continue;
		}
		best = rank;
		memcpy(s->app, e.key.p, e.key.n);
		s->app[e.key.n] = '\0';
		snprintf(s->from, sizeof s->from, "%s", a->to);
		s->offset = k.offset;
		s->line = k.line;
	}
	if (best == 0)
		name_app(live, s);
	s->cut = best == 0 && s->lost > 0;
	s->done = !s->packed && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= s->offset;
	return 0;
}

int
spot_to(const struct spot *s, int fd, const char *path, uint64_t offset, uint64_t line, char to[SPOT_BYTES])
{
	uint64_t head_n = least(offset, SPOT_HEAD_BYTES), tail_n = head_n, head, tail = 0;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_io("%s: %s", path, strerror(errno));
	if (s->packed)
		head_n = least((uint64_t)st.st_size, SPOT_HEAD_BYTES);
	if (!hash_at(fd, 0, head_n, &head) || (!s->packed && !hash_at(fd, offset - tail_n, tail_n, &tail)))
		return err_io("%s: it was cut while it was read", path);
	snprintf(to, SPOT_BYTES,
	    "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIu64 ":%" PRIu64 " %" PRIu64,
	    offset, line, head_n, head, tail, s->name, s->dev, s->ino, s->birth);
	return 0;
}

/* The inodes of files that had this name when they were read last, but for the one that has it now. */
static size_t
inodes_of_name(const struct live *live, uint64_t name, const struct stat *now, uint64_t **ino)
{
	struct map_entry e;
	struct known k;
	size_t n = 0;

	*ino = NULL;
	for (size_t i = 0; map_next(live->apps, &i, &e);) {
		if (!is_file(&e, SIZE_MAX, &k) || k.name != name || k.dev != now->st_dev || k.ino == now->st_ino)
			continue;
		*ino = mem_array(*ino, n + 1, sizeof **ino);
		(*ino)[n++] = k.ino;
	}
	return n;
}

int
spot_behind(const struct live *live, const char *path, int fd, int (*each)(void *, const char *, int), void *arg)
{
	struct buf name = { 0 };
	struct dirent *e;
	struct stat now;
	uint64_t *ino;
	char *dir;
	DIR *d;
	int rc = 0, old;
	size_t n, i;

	if (fstat(fd, &now) == -1)
		return err_io("%s: %s", path, strerror(errno));
	if ((n = inodes_of_name(live, name_hash(path), &now, &ino)) == 0)
		return 0;
	dir = fs_parent(path);
	if ((d = opendir(dir)) == NULL)
		rc = err_io("%s: %s", dir, strerror(errno));
	while (rc == 0 && (e = readdir(d)) != NULL) {
		for (i = 0; i < n && ino[i] != e->d_ino; i++)
			;
		if (i == n)
			continue;
		buf_clear(&name);
		if (strchr(path, '/') != NULL)
			buf_fmt(&name, "%s/", dir);
		buf_str(&name, e->d_name);
		/* gone since: the next rotation has taken it */
		if ((old = open(buf_cstr(&name), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)) != -1)
			rc = each(arg, name.p, old);
	}
	if (d != NULL)
		closedir(d);
	buf_free(&name);
	free(dir);
	free(ino);
	return rc;
}

int
spot_fence(struct table *t, const char *const *app, size_t n, uint64_t *epoch)
{
	int rc;

	*epoch = t->live->head;
	/* before the first commit there is no log to fence in, and nobody whose files we could remove */
	if (n == 0 || t->live->head == 0)
		return 0;
	rc = publish_fence(t, app, n, epoch);
	return rc == 0 ? pool_collect(t, app, n, *epoch) : rc;
}
