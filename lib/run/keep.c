/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keep - see keep.h.  A file: blocks of [bytes, u64][XXH3 of them, u64][bytes], integers little-endian.  The first
 * holds the magic word, the sign of the arguments, the run and the head; the others hold pieces; the last one has
 * no bytes, and the number of pieces where a hash would be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "op/pack.h"
#include "out/sink.h"
#include "run/keep.h"
#include "run/run.h"
#include "run/run_fate.h"
#include "store/fs.h"

#define MAGIC "pipehouse state 1\n"
#define BLOCK_OUT (256 * KIB)
#define HEAD_BYTES 16
#define SUFFIX ".state"

struct keep {
	char *dir;
	int lock, fd;			/* fd: of the snapshot to load, -1 when there is none */
	uint64_t base, newest;		/* numbers of that snapshot and of the last that was there */
	const char *run;		/* the one this process is in, or NULL */
	struct buf args;
	struct sink *out;
	struct buf block;
	uint64_t pieces;
};

static char *
path_of(const struct keep *k, uint64_t number)
{
	struct buf b = { 0 };

	buf_fmt(&b, "%s/%016llu" SUFFIX, k->dir, (unsigned long long)number);
	(void)buf_cstr(&b);
	return b.p;
}

static int
damaged(const struct keep *k, const char *path)
{
	(void)k;
	return err_input("%s: not a saved state, or a damaged one", path);
}

/* ---- reading ---- */

static uint64_t
get_u64(const char *p)
{
	uint64_t v = 0;

	for (int i = 8; i-- > 0;)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

static void
put_u64(char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++, v >>= 8)
		p[i] = (char)(unsigned char)v;
}

/* Exactly n bytes; false: there are not so many, or an error (which was said in *rc). */
static bool
read_all(int fd, const char *path, char *p, size_t n, int *rc)
{
	while (n > 0) {
		ssize_t got = read(fd, p, n);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			*rc = err_io("%s: %s", path, strerror(errno));
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

/* The next block into b; n 0 at the end, then *count. */
static int
read_block(const struct keep *k, int fd, const char *path, struct buf *b, uint64_t *count)
{
	char head[HEAD_BYTES];
	struct stat st;
	uint64_t n;
	int rc = 0;

	buf_clear(b);
	if (!read_all(fd, path, head, sizeof head, &rc))
		return rc != 0 ? rc : damaged(k, path);
	n = get_u64(head);
	*count = get_u64(head + 8);
	if (n == 0)
		return 0;
	if (fstat(fd, &st) == -1 || n > (uint64_t)st.st_size)
		return damaged(k, path);
	if (!read_all(fd, path, buf_room(b, n), n, &rc))
		return rc != 0 ? rc : damaged(k, path);
	b->n = n;
	return hash_fixed(buf_span(b)) == *count ? 0 : damaged(k, path);
}

/* The first block: sign, run and head as spans into b. */
static int
read_first(const struct keep *k, int fd, const char *path, struct buf *b, uint64_t *sign, struct span *run,
    struct span *head)
{
	struct unpack u;
	struct span word;
	uint64_t count;
	int rc = read_block(k, fd, path, b, &count);

	if (rc != 0)
		return rc;
	if (b->n < strlen(MAGIC) || memcmp(b->p, MAGIC, strlen(MAGIC)) != 0)
		return damaged(k, path);
	u = (struct unpack){ span_from(buf_span(b), strlen(MAGIC)), true };
	word = unpack_bytes(&u, sizeof(uint64_t));
	*sign = u.ok ? get_u64(word.p) : 0;
	*run = unpack_span(&u);
	*head = unpack_span(&u);
	return unpack_done(&u) ? 0 : damaged(k, path);
}

/* ---- opening ---- */

static int
take_lock(struct keep *k)
{
	struct buf b = { 0 };
	char who[32] = "";
	ssize_t n;
	int rc = 0;

	buf_fmt(&b, "%s/lock", k->dir);
	k->lock = open(buf_cstr(&b), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (k->lock == -1) {
		rc = err_io("%s: %s", b.p, strerror(errno));
	} else if (flock(k->lock, LOCK_EX | LOCK_NB) == -1) {
		n = read(k->lock, who, sizeof who - 1);
		rc = err_temp("%s: process %.*s is at this state", k->dir, n > 0 ? (int)strcspn(who, "\n") : 1,
		    n > 0 ? who : "?");
	} else {
		n = snprintf(who, sizeof who, "%ld\n", (long)getpid());
		if (ftruncate(k->lock, 0) == -1 || pwrite(k->lock, who, (size_t)n, 0) != n)
			rc = err_io("%s: %s", b.p, strerror(errno));
	}
	buf_free(&b);
	return rc;
}

static bool
number_of(const char *name, uint64_t *number)
{
	char *end;

	if (name[0] < '0' || name[0] > '9')
		return false;
	errno = 0;
	*number = strtoull(name, &end, 10);
	return errno == 0 && strcmp(end, SUFFIX) == 0;
}

static void
shut(struct keep *k)
{
	if (k->fd != -1)
		close(k->fd);
	k->fd = -1;
}

/* Does this snapshot count? Then it is left open in k->fd. */
static int
judge(struct keep *k, uint64_t number, bool *counts)
{
	char *path = path_of(k, number);
	struct buf b = { 0 };
	struct span run, head;
	uint64_t sign;
	enum run_fate fate = RUN_KEPT;
	int rc = 0;

	*counts = false;
	k->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (k->fd == -1)
		rc = err_io("%s: %s", path, strerror(errno));
	else
		rc = read_first(k, k->fd, path, &b, &sign, &run, &head);
	if (rc == 0 && run.n > 0 && (k->run == NULL || !span_is(run, k->run))) {
		char *dir = mem_dup(run);

		fate = run_fate(dir);
		if (fate == RUN_OPEN)
			rc = err_temp("%s: run %s is not over", k->dir, dir);
		free(dir);
	}
	*counts = rc == 0 && fate == RUN_KEPT;
	if (!*counts)
		shut(k);
	buf_free(&b);
	free(path);
	return rc;
}

/* What a process that was killed had not finished: a sink's temporary, and the lock says that nobody is at it. */
static int
sweep(const struct keep *k, const char *name)
{
	size_t n = strlen(name);
	struct buf b = { 0 };
	int rc = 0;

	if (n > 4 && strcmp(name + n - 4, ".tmp") == 0 && strstr(name, SUFFIX ".") != NULL) {
		buf_fmt(&b, "%s/%s", k->dir, name);
		rc = fs_remove(buf_cstr(&b));
	}
	buf_free(&b);
	return rc;
}

int
keep_open(struct ctx *c, const char *dir, const struct op *op, struct keep **out)
{
	struct keep *k = mem_new(sizeof *k);
	struct fs_names names = { 0 };
	uint64_t number;
	bool counts = false;
	int rc;

	*out = k;
	k->dir = mem_str(dir);
	k->lock = k->fd = -1;
	k->run = ctx_run_dir(c);
	keep_sign(k, op->name);
	pack_u64(&k->args, op->version);
	if ((rc = fs_dirs(dir)) != 0 || (rc = take_lock(k)) != 0 || (rc = fs_list(dir, &names)) != 0)
		return rc;
	for (size_t i = 0; i < names.n && rc == 0; i++)
		if (names.v[i][0] == '.')
			rc = sweep(k, names.v[i]);
	for (size_t i = names.n; i-- > 0 && rc == 0 && !counts;) {
		if (!number_of(names.v[i], &number))
			continue;
		k->newest = number > k->newest ? number : k->newest;
		rc = judge(k, number, &counts);
		k->base = number;
	}
	fs_names_free(&names);
	return rc;
}

void
keep_sign(struct keep *k, const char *text)
{
	buf_byte(&k->args, text == NULL ? 0 : 1);
	if (text != NULL)
		pack_span(&k->args, span_str(text));
}

/* ---- loading ---- */

static int
load_pieces(struct keep *k, const char *path, kv_fn *each, void *arg)
{
	uint64_t count = 0, n = 0;
	struct buf b = { 0 };
	int rc;

	while ((rc = read_block(k, k->fd, path, &b, &count)) == 0 && b.n > 0) {
		struct unpack u = { buf_span(&b), true };

		for (; rc == 0 && u.s.n > 0; n++) {
			struct span key = unpack_span(&u), val = unpack_span(&u);

			rc = u.ok ? each(arg, key, val) : damaged(k, path);
		}
		if (rc != 0)
			break;
	}
	buf_free(&b);
	return rc == 0 && n != count ? damaged(k, path) : rc;
}

int
keep_load(struct keep *k, struct buf *head, kv_fn *each, void *arg)
{
	struct span run, saved;
	struct buf b = { 0 };
	uint64_t sign;
	char *path;
	int rc;

	buf_clear(head);
	if (k->fd == -1)
		return 0;
	path = path_of(k, k->base);
	if (lseek(k->fd, 0, SEEK_SET) == -1)
		rc = err_io("%s: %s", path, strerror(errno));
	else
		rc = read_first(k, k->fd, path, &b, &sign, &run, &saved);
	if (rc == 0 && sign != hash_fixed(buf_span(&k->args)))
		rc = err_input("%s: the state was saved by a command with other arguments", k->dir);
	if (rc == 0) {
		buf_span_add(head, saved);
		rc = load_pieces(k, path, each, arg);
	}
	shut(k);
	buf_free(&b);
	free(path);
	return rc;
}

/* ---- saving ---- */

static int
write_block(struct keep *k)
{
	char head[HEAD_BYTES];
	int rc;

	if (k->block.n == 0)
		return 0;
	put_u64(head, k->block.n);
	put_u64(head + 8, hash_fixed(buf_span(&k->block)));
	if ((rc = sink_add(k->out, span_of(head, sizeof head))) == 0)
		rc = sink_add(k->out, buf_span(&k->block));
	buf_clear(&k->block);
	return rc;
}

int
keep_begin(struct keep *k, struct span head)
{
	char *path = path_of(k, ++k->newest), word[8];
	int rc = sink_open(path, &k->out);

	free(path);
	if (rc != 0)
		return rc;
	k->pieces = 0;
	buf_clear(&k->block);
	buf_str(&k->block, MAGIC);
	put_u64(word, hash_fixed(buf_span(&k->args)));
	buf_add(&k->block, word, sizeof word);
	pack_span(&k->block, span_str(k->run == NULL ? "" : k->run));
	pack_span(&k->block, head);
	return write_block(k);
}

int
keep_put(void *keep, struct span key, struct span val)
{
	struct keep *k = keep;

	k->pieces++;
	pack_span(&k->block, key);
	pack_span(&k->block, val);
	return k->block.n < BLOCK_OUT ? 0 : write_block(k);
}

/* What nobody will go back to: all but the newest, and in a run the one it came from. */
static int
forget(struct keep *k)
{
	struct fs_names names = { 0 };
	uint64_t number;
	int rc = fs_list(k->dir, &names);

	for (size_t i = 0; i < names.n && rc == 0; i++) {
		char *path;

		if (!number_of(names.v[i], &number) || number == k->newest || (k->run != NULL && number == k->base))
			continue;
		path = path_of(k, number);
		rc = fs_remove(path);
		free(path);
	}
	fs_names_free(&names);
	return rc;
}

int
keep_commit(struct keep *k)
{
	char end[HEAD_BYTES];
	struct sink *out = k->out;
	int rc = write_block(k);

	put_u64(end, 0);
	put_u64(end + 8, k->pieces);
	if (rc != 0 || (rc = sink_add(out, span_of(end, sizeof end))) != 0)
		return rc;
	k->out = NULL;
	if ((rc = sink_close(out)) != 0 || (rc = fs_sync_dir(k->dir)) != 0)
		return rc;
	return forget(k);
}

void
keep_close(struct keep *k)
{
	if (k == NULL)
		return;
	if (k->out != NULL)
		sink_abort(k->out);
	shut(k);
	if (k->lock != -1)
		close(k->lock);
	buf_free(&k->args);
	buf_free(&k->block);
	free(k->dir);
	free(k);
}
