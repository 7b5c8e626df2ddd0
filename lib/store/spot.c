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
	unsigned over, made;		/* made: which one of its inode the log knows, from 0 */
};

/* Hash of n bytes at an offset; false when they are not there. */
static bool
hash_at(int fd, uint64_t at, uint64_t n, uint64_t *hash)
{
	char b[SPOT_HEAD_BYTES];

	if (!fs_read_at(fd, b, n, at))
		return false;
	*hash = hash_fixed(span_of(b, n));
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
	/* birth and over came later than the rest: older records end before them */
	k->birth = 0;
	k->over = 0;
	return sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNu64
	    ":%" SCNu64 " %" SCNu64 " %u", &k->offset, &k->line, &k->head_n, &k->head, &k->tail, &k->name, &k->dev,
	    &k->ino, &k->birth, &k->over) >= 8 && k->head_n <= SPOT_HEAD_BYTES;
}

/* When the inode was made, in ns since 1970; 0 where the file system does not tell. */
static uint64_t
birth_at(int dir, const char *name, int flags)
{
	struct statx x;

	if (statx(dir, name, flags, STATX_BTIME, &x) == -1 || (x.stx_mask & STATX_BTIME) == 0)
		return 0;
	return (uint64_t)x.stx_btime.tv_sec * UINT64_C(1000000000) + x.stx_btime.tv_nsec;
}

uint64_t
spot_birth(int fd)
{
	return birth_at(fd, "", AT_EMPTY_PATH);
}

/* May these be of one file? An inode may be given to another one. */
static bool
same_birth(uint64_t a, uint64_t b)
{
	return a == b || a == 0 || b == 0;
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

/* Is the old file still there, beside this one, under another name? */
static bool
lives_beside(const char *path, const struct known *k)
{
	char *dir = fs_parent(path);
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	bool lives = false;

	while (d != NULL && !lives && (e = readdir(d)) != NULL)
		lives = e->d_ino == k->ino && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_dev == k->dev && same_birth(k->birth, birth_at(dirfd(d), e->d_name, AT_SYMLINK_NOFOLLOW));
	if (d != NULL)
		closedir(d);
	free(dir);
	return lives;
}

/*
 * Of the directory without links, and the name in it: not of the file, which a rotation may have taken away since it
 * was opened, and whose name would then be another one.
 */
uint64_t
spot_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
	char *dir = fs_parent(path), *whole = realpath(dir, NULL);
	struct buf b = { 0 };
	uint64_t h;

	/* that of / ends with one */
	buf_fmt(&b, "%s%s%s", whole == NULL ? dir : whole, whole != NULL && whole[1] == '\0' ? "" : "/", base);
	h = hash_fixed(buf_span(&b));
	buf_free(&b);
	free(whole);
	free(dir);
	return h;
}

/* How surely is it this source: 0 not, 3 the same inode and device. */
static int
alike(const struct known *k, const struct spot *s, int fd, const char *path)
{
	bool inode = k->ino == s->ino && same_birth(k->birth, s->birth), name = k->name == s->name;
	int rank = inode && k->dev == s->dev ? 3 : inode ? 2 : name ? 1 : 0;

	if (rank == 0 || !same_bytes(k, fd, s->packed))
		return 0;
	return rank == 1 && lives_beside(path, k) ? 0 : rank;
}

bool
spot_packed(int fd)
{
	unsigned char b[4];

	return pread(fd, b, 4, 0) == 4 && (memcmp(b, "\x28\xb5\x2f\xfd", 4) == 0 || (b[0] == 0x1f && b[1] == 0x8b));
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
is_file(const struct map_entry *e, struct known *k)
{
	const struct app *a = e->cell;
	const char *made;

	if (e->key.n <= 5 || e->key.n >= sizeof ((struct spot *)0)->app || memcmp(e->key.p, "file/", 5) != 0 ||
	    a->to == NULL || !parse(a->to, k))
		return false;
	made = memchr(e->key.p, '#', e->key.n);
	k->made = 0;
	for (const char *p = made; made != NULL && ++p < e->key.p + e->key.n;)
		k->made = k->made * 10 + (unsigned)(*p - '0');
	return true;
}

bool
spot_next(const struct live *live, size_t *i, struct spot_known *out)
{
	struct map_entry e;
	struct known k;

	while (map_next(live->apps, i, &e)) {
		const struct app *a = e.cell;

		if (!is_file(&e, &k))
			continue;
		*out = (struct spot_known){ .at = a->to, .offset = k.offset, .name = k.name, .dev = k.dev,
		    .ino = k.ino, .birth = k.birth, .over = k.over != 0 };
		memcpy(out->app, e.key.p, e.key.n);
		out->app[e.key.n] = '\0';
		return true;
	}
	return false;
}

int
spot_find(const struct live *live, int fd, const char *path, struct spot *s)
{
	struct map_entry e;
	struct stat st;
	int best = 0, rank;
	unsigned made = 0;

	*s = (struct spot){ .name = spot_name(path) };
	if (fstat(fd, &st) == -1)
		return err_io("%s: %s", path, strerror(errno));
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->birth = spot_birth(fd);
	s->packed = spot_packed(fd);
	for (size_t i = 0; map_next(live->apps, &i, &e);) {
		const struct app *a = e.cell;
		struct known k;

		if (!is_file(&e, &k))
			continue;
		/* of two that it may be, the one that was made later is it */
		if ((rank = alike(&k, s, fd, path)) < best || rank == 0 || (rank == best && k.made <= made)) {
			/* the same file, but not the bytes that were read */
			if (rank == 0 && k.dev == s->dev && k.ino == s->ino && k.birth != 0 && k.birth == s->birth)
				s->lost = k.offset > s->lost ? k.offset : s->lost;
			continue;
		}
		best = rank;
		made = k.made;
		memcpy(s->app, e.key.p, e.key.n);
		s->app[e.key.n] = '\0';
		snprintf(s->from, sizeof s->from, "%s", a->to);
		s->offset = k.offset;
		s->line = k.line;
		s->over = k.over != 0;
	}
	s->copy = best == 1;
	if (best == 0)
		name_app(live, s);
	s->cut = best == 0 && s->lost > 0;
	s->done = !s->packed && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= s->offset;
	return 0;
}

static void
print(const struct known *k, char to[SPOT_BYTES])
{
	snprintf(to, SPOT_BYTES, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIu64
	    ":%" PRIu64 " %" PRIu64 "%s", k->offset, k->line, k->head_n, k->head, k->tail, k->name, k->dev, k->ino,
	    k->birth, k->over != 0 ? " 1" : "");
}

int
spot_to(const struct spot *s, int fd, const char *path, uint64_t offset, uint64_t line, char to[SPOT_BYTES])
{
	uint64_t tail_n = least(offset, SPOT_HEAD_BYTES);
	struct known k = { .offset = offset, .line = line, .head_n = tail_n, .name = s->name, .dev = s->dev,
	    .ino = s->ino, .birth = s->birth, .over = s->over };
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_io("%s: %s", path, strerror(errno));
	if (s->packed)
		k.head_n = least((uint64_t)st.st_size, SPOT_HEAD_BYTES);
	if (!hash_at(fd, 0, k.head_n, &k.head) || (!s->packed && !hash_at(fd, offset - tail_n, tail_n, &k.tail)))
		return err_io("%s: it was cut while it was read", path);
	print(&k, to);
	return 0;
}

bool
spot_over(const char *at, char to[SPOT_BYTES])
{
	struct known k;

	if (!parse(at, &k) || k.over != 0)
		return false;
	k.over = 1;
	print(&k, to);
	return true;
}

bool
spot_stands(const char *at, int fd)
{
	struct known k;

	return parse(at, &k) && same_bytes(&k, fd, false);
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
