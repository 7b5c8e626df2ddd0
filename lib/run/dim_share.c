/* SPDX-License-Identifier: BSD-2-Clause */
/* dim_share - a table in a file that processes map (see dim_own.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/temp.h"
#include "run/dim_own.h"
#include "store/fs.h"

#define SHARE_DAYS 7
#define SHARE_VERSION 1
#define SHARE_ALIGN 4096	/* slots begin at a page */
#define LOCK_NAP_MS_MAX 50
#define LOCK_LOOK_MS 500	/* so often a look at who holds it */
#define LOCK_STILL_MS 5000	/* it took no processor time for so long: it is stopped, or hangs */
#define LOCK_WAIT_MS 600000	/* and however busy it is */

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
	return temp_link(fd, path) == 0 || (errno == EEXIST && unlink(path) == 0 && temp_link(fd, path) == 0);
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

/* ---- one reads, the others wait ---- */

/* Who holds a lock, and what it did so far. */
struct holder {
	long pid;			/* 0: it has not written it yet */
	unsigned long long ticks;	/* of processor time, by all of its threads; 0: not to be seen */
};

static struct holder
holder_of(int fd)
{
	char text[512], path[40], *p;
	unsigned long long user, system;
	struct holder h = { 0 };
	ssize_t n = pread(fd, text, 31, 0);
	int stat;

	text[n > 0 ? n : 0] = '\0';
	h.pid = strtol(text, NULL, 10);
	snprintf(path, sizeof path, "/proc/%ld/stat", h.pid);
	if (h.pid <= 0 || (stat = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return h;
	n = read(stat, text, sizeof text - 1);
	close(stat);
	text[n > 0 ? n : 0] = '\0';
	/* behind the name, which may hold anything: the state, ten numbers, then these (proc(5)) */
	if ((p = strrchr(text, ')')) != NULL &&
	    sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) == 2)
		h.ticks = user + system;
	return h;
}

static void
write_holder(int fd)
{
	char pid[32];
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

	/* what cannot be written is not told: the lock holds all the same */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, pid, (size_t)n, 0);
}

static void
warn_apart(const char *path, const char *dim, const struct holder *h, int64_t ms, bool busy)
{
	struct buf who = { 0 };

	if (h->pid > 0)
		buf_fmt(&who, "process %ld", h->pid);
	else
		buf_str(&who, "a process");
	err_warn(busy ? "%s: %s reads it for all, and holds %s for %d s now: this process has its own copy" :
	    "%s: %s reads it for all, and holds %s, but has done nothing for %d s; is it stopped? This process has its "
	    "own copy", dim, buf_cstr(&who), path, (int)(ms / 1000));
	buf_free(&who);
}

/* Until it is free, or whoever has it seems to stay: false, after a warning. */
static bool
wait_lock(int fd, const char *path, const char *dim)
{
	int64_t began = clock_ms(), now = began, look = began, moved = began;
	struct holder h = { 0 }, is;
	long nap = 1;
	bool told = false;

	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		struct timespec t = { 0, nap * 1000000 };

		if (errno != EWOULDBLOCK && errno != EINTR) {
			warn(path, "cannot be locked");
			return false;
		}
		if (now >= look) {
			is = holder_of(fd);
			if (is.pid != h.pid || is.ticks != h.ticks)
				moved = now;
			h = is;
			look = now + LOCK_LOOK_MS;
		}
		if (now - moved >= LOCK_STILL_MS || now - began >= LOCK_WAIT_MS) {
			warn_apart(path, dim, &h, now - (now - moved >= LOCK_STILL_MS ? moved : began),
			    now - moved < LOCK_STILL_MS);
			return false;
		}
		if (!told && now - began >= LOCK_STILL_MS) {
			err_warn("%s: waiting for process %ld, which reads it for all", dim, h.pid);
			told = true;
		}
		nanosleep(&t, NULL);
		nap = nap * 2 > LOCK_NAP_MS_MAX ? LOCK_NAP_MS_MAX : nap * 2;
		now = clock_ms();
	}
	return true;
}

int
share_lock(const char *path, const char *dim)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1) {
		warn(path, "cannot be locked");
		return -1;
	}
	if (!wait_lock(fd, path, dim)) {
		close(fd);
		return -1;
	}
	write_holder(fd);
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
