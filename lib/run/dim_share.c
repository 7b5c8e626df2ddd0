/* SPDX-License-Identifier: BSD-2-Clause */
/* dim_share - a table in a file that processes map (see dim_own.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "run/dim_own.h"
#include "store/fs.h"

#define SHARE_DAYS 7
#define SHARE_VERSION 1
#define SHARE_ALIGN 4096	/* slots begin at a page */

struct head {
	char magic[8];
	uint32_t version;
	uint32_t order;			/* 0x01020304 as the machine that wrote it has it */
	uint64_t file_bytes, seed;
	uint64_t conf_bytes, types_bytes;	/* these two follow the head; then zeros up to slots */
	uint64_t slots_at, n_slots, rows_at, rows_bytes, count;
	uint32_t periods, spare;
	struct fp body;			/* of all bytes behind the head */
	uint64_t sum;			/* of the head up to here */
};

static const char magic[8] = "PHdimjn";

static uint64_t
head_sum(const struct head *h)
{
	return hash_fixed(span_of((const char *)h, offsetof(struct head, sum)));
}

static uint64_t
aligned(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static void
head_of(const struct join_image *im, struct span conf, size_t n_keys, uint64_t seed, struct head *h)
{
	memset(h, 0, sizeof *h);
	memcpy(h->magic, magic, sizeof magic);
	h->version = SHARE_VERSION;
	h->order = 0x01020304;
	h->seed = seed;
	h->conf_bytes = conf.n;
	h->types_bytes = n_keys;
	h->slots_at = aligned(sizeof *h + conf.n + n_keys, SHARE_ALIGN);
	h->n_slots = im->n_slots;
	h->rows_at = h->slots_at + im->n_slots * 8;
	h->rows_bytes = im->rows_bytes;
	h->count = im->count;
	h->periods = im->periods;
	h->file_bytes = h->rows_at + h->rows_bytes;
}

/* ---- reading ---- */

/* Is the head one of ours, and all that it names inside the file? */
static bool
good_head(const struct head *h, uint64_t size, struct span conf, size_t n_keys)
{
	const uint64_t most = (uint64_t)1 << 40;
	uint64_t at = aligned(sizeof *h + conf.n + n_keys, SHARE_ALIGN);

	return memcmp(h->magic, magic, sizeof magic) == 0 && h->version == SHARE_VERSION && h->order == 0x01020304 &&
	    h->sum == head_sum(h) && h->file_bytes == size && h->conf_bytes == conf.n && h->types_bytes == n_keys &&
	    h->slots_at == at && h->n_slots < most && h->rows_bytes < most && h->rows_at == at + h->n_slots * 8 &&
	    size == h->rows_at + h->rows_bytes;
}

/* A file of ours that nobody else may write: what stands in it was put there by a process like this one. */
static void *
map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	void *p = MAP_FAILED;
	struct stat st;

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0 &&
	    st.st_size >= (off_t)sizeof(struct head)) {
		*size = (size_t)st.st_size;
		p = mmap(NULL, *size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	}
	if (p != MAP_FAILED)
		(void)futimens(fd, NULL);	/* it is in use: share_sweep */
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static struct join *
join_of(const char *p, const struct head *h)
{
	return join_over(&(struct join_image){ p + h->slots_at, p + h->rows_at, h->n_slots, h->rows_bytes, h->count,
	    h->periods != 0 });
}

bool
share_map(const char *path, struct span conf, size_t n_keys, struct dim_table *t)
{
	struct head h;
	size_t size = 0;
	char *p = map_file(path, &size);
	struct join *j = NULL;
	struct fp sum;

	if (p == NULL)
		return false;
	memcpy(&h, p, sizeof h);
	if (good_head(&h, size, conf, n_keys)) {
		sum = hash_fp(span_of(p + sizeof h, size - sizeof h));
		if (sum.lo == h.body.lo && sum.hi == h.body.hi && memcmp(p + sizeof h, conf.p, conf.n) == 0)
			j = join_of(p, &h);
	}
	if (j == NULL) {
		munmap(p, size);
		return false;
	}
	join_free(t->join);
	t->join = j;
	t->seed = h.seed;
	t->map = p;
	t->map_bytes = size;
	memcpy(t->types, p + sizeof h + conf.n, n_keys);
	return true;
}

/* ---- writing ---- */

static void
warn(const char *path, const char *what)
{
	err_warn("%s: %s: %s: every process has its own copy of DIM", path, what, strerror(errno));
}

/* Give the nameless file its name; what stands there is damaged. */
static bool
name_it(int fd, const char *path)
{
	char self[40];

	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return true;
	return errno == EEXIST && unlink(path) == 0 &&
	    linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

void
share_write(const char *path, struct span conf, size_t n_keys, struct dim_table *t)
{
	struct join_image im;
	char *dir = fs_parent(path), *p;
	struct join *j;
	struct head h;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), e;

	free(dir);
	if (fd == -1) {
		warn(path, "cannot be written");
		return;
	}
	join_image(t->join, &im);
	head_of(&im, conf, n_keys, t->seed, &h);
	/* room first: a store to a mapping on a full disk would be a signal */
	if ((e = posix_fallocate(fd, 0, (off_t)h.file_bytes)) != 0 || (p = mmap(NULL, h.file_bytes,
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED) {
		errno = e != 0 ? e : errno;
		warn(path, "cannot be written");
		close(fd);
		return;
	}
	memcpy(p + sizeof h, conf.p, conf.n);
	memcpy(p + sizeof h + conf.n, t->types, n_keys);
	memcpy(p + h.slots_at, im.slots, im.n_slots * 8);
	memcpy(p + h.rows_at, im.rows, im.rows_bytes);
	h.body = hash_fp(span_of(p + sizeof h, h.file_bytes - sizeof h));
	h.sum = head_sum(&h);
	memcpy(p, &h, sizeof h);
	if (!name_it(fd, path))
		warn(path, "cannot be named");
	close(fd);
	/* from here on the bytes are everybody's */
	if (mprotect(p, h.file_bytes, PROT_READ) == -1 || (j = join_of(p, &h)) == NULL) {
		munmap(p, h.file_bytes);
		return;
	}
	join_free(t->join);
	t->join = j;
	t->map = p;
	t->map_bytes = h.file_bytes;
}

int
share_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	while (fd != -1 && flock(fd, LOCK_EX) == -1) {
		if (errno == EINTR)
			continue;
		close(fd);
		fd = -1;
	}
	if (fd == -1)
		warn(path, "cannot be locked");
	return fd;
}

void
share_sweep(const char *dir)
{
	int64_t oldest = clock_real_ms() / 1000 - (int64_t)SHARE_DAYS * 24 * 3600;
	struct fs_names l;
	struct buf b = { 0 };
	struct stat st;

	if (fs_list(dir, &l) != 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		size_t n = strlen(l.v[i]);

		if (n < 4 || strcmp(l.v[i] + n - 4, ".dim") != 0)
			continue;
		buf_clear(&b);
		buf_fmt(&b, "%s/%s", dir, l.v[i]);
		if (lstat(buf_cstr(&b), &st) == 0 && st.st_mtim.tv_sec < oldest)
			(void)unlink(b.p);
	}
	fs_names_free(&l);
	buf_free(&b);
}
