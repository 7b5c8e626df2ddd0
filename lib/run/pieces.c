/* SPDX-License-Identifier: BSD-2-Clause */
/* pieces - see pieces.h */
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
#include "base/sum.h"
#include "op/pack.h"
#include "out/sink.h"
#include "run/pieces.h"
#include "store/fs.h"

#define BLOCK_OUT (256 * KIB)
#define ALONE (64 * KIB)		/* a value that long is a block by itself, written from where it is */
#define HEAD_BYTES 16
#define PADDING (UINT64_C(1) << 63)	/* of a block's size: it is passed over */

static const struct span none = { "", 0 };

/* A number as these files hold it. */
static uint64_t
get_u64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

static void
set_u64(char *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof v);
}

static void
put_u64(struct buf *b, uint64_t v)
{
	char p[sizeof v];

	set_u64(p, v);
	buf_add(b, p, sizeof p);
}

int
pieces_damaged(const char *path)
{
	return err_input("%s: not a saved state, or a damaged one", path);
}

/* ---- reading ---- */

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
read_block(const struct pieces_reader *r, struct buf *b, uint64_t *count)
{
	char head[HEAD_BYTES];
	struct stat st;
	uint64_t n;
	int rc = 0;

	buf_clear(b);
	do {
		if (!read_all(r->fd, r->path, head, sizeof head, &rc))
			return rc != 0 ? rc : pieces_damaged(r->path);
		n = get_u64(head);
	} while ((n & PADDING) != 0 && lseek(r->fd, (off_t)(n & ~PADDING), SEEK_CUR) != -1);
	*count = get_u64(head + 8);
	if (n == 0)
		return 0;
	if (fstat(r->fd, &st) == -1 || n > (uint64_t)st.st_size)
		return pieces_damaged(r->path);
	if (!read_all(r->fd, r->path, buf_room(b, n), n, &rc))
		return rc != 0 ? rc : pieces_damaged(r->path);
	b->n = n;
	return hash_fixed(buf_span(b)) == *count ? 0 : pieces_damaged(r->path);
}

int
pieces_open(struct pieces_reader *r, const char *path, struct buf *head)
{
	uint64_t count;

	*r = (struct pieces_reader){ .fd = open(path, O_RDONLY | O_CLOEXEC), .path = path };
	if (r->fd == -1)
		return err_io("%s: %s", path, strerror(errno));
	return read_block(r, head, &count);
}

int
pieces_each(struct pieces_reader *r, kv_fn *each, void *arg)
{
	uint64_t count = 0, n = 0;
	struct buf b = { 0 };
	int rc;

	while ((rc = read_block(r, &b, &count)) == 0 && b.n > 0) {
		struct unpack u = { buf_span(&b), true };

		for (; rc == 0 && u.s.n > 0; n++) {
			struct span key = unpack_span(&u), val = unpack_span(&u);

			rc = u.ok ? each(arg, key, val) : pieces_damaged(r->path);
		}
		if (rc != 0)
			break;
	}
	buf_free(&b);
	return rc == 0 && n != count ? pieces_damaged(r->path) : rc;
}

void
pieces_close(struct pieces_reader *r)
{
	if (r->fd != -1)
		close(r->fd);
	r->fd = -1;
}

/* ---- writing ---- */

/* What is collected, and `more` behind it, as one block. */
static int
write_block(struct pieces_writer *w, struct span more)
{
	char head[HEAD_BYTES];
	int rc;

	if (w->block.n == 0)
		return 0;
	sum_reset(w->sum);
	sum_add(w->sum, buf_span(&w->block));
	sum_add(w->sum, more);
	set_u64(head, w->block.n + more.n);
	set_u64(head + 8, sum_now(w->sum));
	if ((rc = sink_add(w->out, span_of(head, sizeof head))) == 0 &&
	    (rc = sink_add(w->out, buf_span(&w->block))) == 0)
		rc = sink_add_pages(w->out, more);
	w->bytes += sizeof head + w->block.n + more.n;
	buf_clear(&w->block);
	return rc;
}

int
pieces_begin(struct pieces_writer *w, const char *path, struct span head)
{
	int rc = sink_open(path, &w->out);

	if (rc != 0)
		return rc;
	/* each block has its own */
	sink_unsummed(w->out);
	if (w->lax)
		sink_lax(w->out);
	w->n = w->bytes = 0;
	if (w->sum == NULL)
		w->sum = sum_new();
	buf_clear(&w->block);
	buf_span_add(&w->block, head);
	return write_block(w, none);
}

int
pieces_put_under(struct pieces_writer *w, struct span tag, struct span key, struct span val)
{
	w->n++;
	pack_u64(&w->block, tag.n + key.n);
	buf_span_add(&w->block, tag);
	buf_span_add(&w->block, key);
	if (val.n >= ALONE) {
		pack_u64(&w->block, val.n);
		return write_block(w, val);
	}
	pack_span(&w->block, val);
	return w->block.n < BLOCK_OUT ? 0 : write_block(w, none);
}

/* So that a page begins behind this and behind a block's head and so many bytes of it. */
static int
pad(struct pieces_writer *w, size_t bytes)
{
	static const char zeros[SINK_PAGE];
	uint64_t over = (w->bytes + HEAD_BYTES + HEAD_BYTES + bytes) % SINK_PAGE, n = over == 0 ? 0 : SINK_PAGE - over;
	char head[HEAD_BYTES] = { 0 };
	int rc;

	set_u64(head, n | PADDING);
	w->bytes += sizeof head + n;
	rc = sink_add(w->out, span_of(head, sizeof head));
	return rc == 0 ? sink_add(w->out, span_of(zeros, n)) : rc;
}

int
pieces_put_bulk(struct pieces_writer *w, struct span tag, struct span val)
{
	size_t before;
	int rc;

	if (w->lax || val.n < ALONE || (uintptr_t)val.p % SINK_PAGE != 0)
		return pieces_put_under(w, tag, span_of("", 0), val);
	if ((rc = write_block(w, none)) != 0)
		return rc;
	w->n++;
	pack_span(&w->block, tag);
	pack_u64(&w->block, val.n);
	before = w->block.n;
	return (rc = pad(w, before)) != 0 ? rc : write_block(w, val);
}

int
pieces_put(void *writer, struct span key, struct span val)
{
	return pieces_put_under(writer, span_of("", 0), key, val);
}

int
pieces_end(struct pieces_writer *w, const char *dir)
{
	struct buf end = { 0 };
	struct sink *out = w->out;
	int rc = write_block(w, none);

	put_u64(&end, 0);
	put_u64(&end, w->n);
	if (rc == 0)
		rc = sink_add(out, buf_span(&end));
	buf_free(&end);
	if (rc != 0)
		return rc;
	w->out = NULL;
	rc = sink_close(out);
	return rc != 0 || w->lax ? rc : fs_sync_dir(dir);
}

void
pieces_drop(struct pieces_writer *w)
{
	if (w->out != NULL)
		sink_abort(w->out);
	w->out = NULL;
	buf_free(&w->block);
	sum_free(w->sum);
	w->sum = NULL;
}

/* ---- heads ---- */

void
pieces_put_magic(struct buf *head, const char *magic, uint64_t sign)
{
	buf_str(head, magic);
	put_u64(head, sign);
}

int
pieces_magic(const struct buf *head, const char *path, const char *magic, uint64_t *sign, struct unpack *rest)
{
	size_t n = strlen(magic);

	if (head->n < n + sizeof *sign || memcmp(head->p, magic, n) != 0)
		return pieces_damaged(path);
	*sign = get_u64(head->p + n);
	*rest = (struct unpack){ span_from(buf_span(head), n + sizeof *sign), true };
	return 0;
}

/* ---- the directory ---- */

bool
pieces_number(const char *name, const char *suffix, uint64_t *number)
{
	char *end;

	if (name[0] < '0' || name[0] > '9')
		return false;
	errno = 0;
	*number = strtoull(name, &end, 10);
	return errno == 0 && strcmp(end, suffix) == 0;
}

int
pieces_forget(const char *dir, const char *suffix, bool (*stays)(const void *arg, uint64_t number), const void *arg)
{
	struct fs_names names = { 0 };
	struct buf path = { 0 };
	uint64_t number;
	int rc = fs_list(dir, &names);

	for (size_t i = 0; i < names.n && rc == 0; i++) {
		if (!pieces_number(names.v[i], suffix, &number) || stays(arg, number))
			continue;
		buf_clear(&path);
		buf_fmt(&path, "%s/%s", dir, names.v[i]);
		rc = fs_remove(buf_cstr(&path));
	}
	fs_names_free(&names);
	buf_free(&path);
	return rc;
}

int
pieces_lock(const char *dir, int *fd)
{
	struct buf b = { 0 };
	char who[32] = "";
	ssize_t n;
	int rc = 0;

	buf_fmt(&b, "%s/lock", dir);
	*fd = open(buf_cstr(&b), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (*fd == -1) {
		rc = err_io("%s: %s", b.p, strerror(errno));
	} else if (flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		n = read(*fd, who, sizeof who - 1);
		rc = err_temp("%s: process %.*s is at this state", dir, n > 0 ? (int)strcspn(who, "\n") : 1,
		    n > 0 ? who : "?");
	} else {
		n = snprintf(who, sizeof who, "%ld\n", (long)getpid());
		if (ftruncate(*fd, 0) == -1 || pwrite(*fd, who, (size_t)n, 0) != n)
			rc = err_io("%s: %s", b.p, strerror(errno));
	}
	buf_free(&b);
	return rc;
}

int
pieces_sweep(const char *dir, const char *suffix)
{
	struct fs_names names = { 0 };
	struct buf b = { 0 }, part = { 0 };
	int rc = fs_list(dir, &names);

	buf_fmt(&part, "%s.", suffix);
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		size_t n = strlen(names.v[i]);

		if (names.v[i][0] != '.' || n < 4 || strcmp(names.v[i] + n - 4, ".tmp") != 0 ||
		    strstr(names.v[i], buf_cstr(&part)) == NULL)
			continue;
		buf_clear(&b);
		buf_fmt(&b, "%s/%s", dir, names.v[i]);
		rc = fs_remove(buf_cstr(&b));
	}
	fs_names_free(&names);
	buf_free(&b);
	buf_free(&part);
	return rc;
}
