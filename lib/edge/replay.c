/* SPDX-License-Identifier: BSD-2-Clause */
/* replay - see replay.h */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "edge/replay.h"

#define READ_BYTES ((size_t)1 << 20)

struct head {			/* before each line */
	uint64_t bytes;		/* of the rest of the record */
	uint64_t source, number, offset;
};

struct replay {
	struct buf mem;		/* the newest records; all of them while there is no file */
	size_t budget;
	int fd;			/* -1: none yet */
	uint64_t file_bytes, count;
	/* reading: first the file, then mem */
	uint64_t file_at;	/* the next byte to read of the file */
	struct buf in;		/* read ahead of the file */
	size_t in_at, mem_at;
	char **source;
	size_t n_sources;
	struct fp hash;
};

struct replay *
replay_new(size_t budget)
{
	struct replay *r = mem_new(sizeof *r);

	r->fd = -1;
	r->budget = budget;
	return r;
}

static int
open_file(struct replay *r)
{
	const char *dir = getenv("TMPDIR");
	struct buf path = { 0 };
	int rc = 0;

	dir = dir == NULL || *dir == '\0' ? "/tmp" : dir;
	r->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (r->fd == -1) {		/* a file system without O_TMPFILE */
		buf_fmt(&path, "%s/pipehouse.XXXXXX", dir);
		(void)buf_cstr(&path);
		r->fd = mkostemp(path.p, O_CLOEXEC);
		if (r->fd == -1 || unlink(path.p) == -1)
			rc = err_io("%s: %s", path.p, strerror(errno));
		buf_free(&path);
	}
	return rc;
}

static int
spill(struct replay *r)
{
	size_t done = 0;
	int rc;

	if (r->fd == -1 && (rc = open_file(r)) != 0)
		return rc;
	while (done < r->mem.n) {
		ssize_t n = pwrite(r->fd, r->mem.p + done, r->mem.n - done,
		    (off_t)(r->file_bytes + done));

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_io("temporary file: %s", strerror(errno));
		done += (size_t)n;
	}
	r->file_bytes += r->mem.n;
	buf_clear(&r->mem);
	return 0;
}

int
replay_add(struct replay *r, const struct replay_line *l)
{
	struct head h = { sizeof h - sizeof h.bytes + l->text.n, r->n_sources - 1, l->number,
	    l->offset };
	struct fp both[2] = { r->hash, hash_fp(l->text) };
	int rc;

	if (r->n_sources == 0 || strcmp(r->source[h.source], l->source) != 0) {
		r->source = mem_array(r->source, r->n_sources + 1, sizeof *r->source);
		r->source[r->n_sources] = mem_str(l->source);
		h.source = r->n_sources++;
	}
	r->hash = hash_fp(span_of((const char *)both, sizeof both));
	if (r->mem.n > 0 && r->mem.n + sizeof h + l->text.n > r->budget && (rc = spill(r)) != 0)
		return rc;
	buf_add(&r->mem, (const char *)&h, sizeof h);
	buf_span_add(&r->mem, l->text);
	r->count++;
	return 0;
}

void
replay_line(const struct replay *r, struct span rec, struct replay_line *l)
{
	struct head h;

	memcpy((char *)&h + sizeof h.bytes, rec.p, sizeof h - sizeof h.bytes);
	*l = (struct replay_line){ span_from(rec, sizeof h - sizeof h.bytes), r->source[h.source],
	    h.number, h.offset };
}

void
replay_rewind(struct replay *r)
{
	r->file_at = 0;
	r->in_at = r->mem_at = 0;
	buf_clear(&r->in);
}

/* At least n bytes of the file in r->in from in_at on. */
static int
fill(struct replay *r, size_t n)
{
	if (r->in_at > 0) {
		memmove(r->in.p, r->in.p + r->in_at, r->in.n - r->in_at);
		r->in.n -= r->in_at;
		r->in_at = 0;
	}
	while (r->in.n < n) {
		size_t want = n - r->in.n > READ_BYTES ? n - r->in.n : READ_BYTES;
		char *to = buf_room(&r->in, want);
		ssize_t got = pread(r->fd, to, want, (off_t)r->file_at);

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0) {
			err_io("temporary file: %s", got == 0 ? "it became shorter" :
			    strerror(errno));
			return -1;
		}
		/* what stands behind file_bytes is no record of this round */
		if ((uint64_t)got > r->file_bytes - r->file_at)
			got = (ssize_t)(r->file_bytes - r->file_at);
		r->in.n += (size_t)got;
		r->file_at += (uint64_t)got;
	}
	return 0;
}

int
replay_next(struct replay *r, struct span *rec)
{
	uint64_t n;

	if (r->in_at < r->in.n || r->file_at < r->file_bytes) {
		if (r->in.n - r->in_at < sizeof n && fill(r, sizeof n) != 0)
			return -1;
		memcpy(&n, r->in.p + r->in_at, sizeof n);
		if (r->in.n - r->in_at < sizeof n + n && fill(r, sizeof n + n) != 0)
			return -1;
		*rec = span_of(r->in.p + r->in_at + sizeof n, n);
		r->in_at += sizeof n + n;
		return 1;
	}
	if (r->mem_at == r->mem.n)
		return 0;
	memcpy(&n, r->mem.p + r->mem_at, sizeof n);
	*rec = span_of(r->mem.p + r->mem_at + sizeof n, n);
	r->mem_at += sizeof n + n;
	return 1;
}

void
replay_clear(struct replay *r)
{
	buf_clear(&r->mem);
	r->file_bytes = r->count = 0;
	replay_rewind(r);
}

uint64_t
replay_count(const struct replay *r)
{
	return r->count;
}

struct fp
replay_hash(const struct replay *r)
{
	return r->hash;
}

uint64_t
replay_bytes(const struct replay *r)
{
	return r->file_bytes + r->mem.n;
}

void
replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	if (r->fd != -1)
		close(r->fd);
	for (size_t i = 0; i < r->n_sources; i++)
		free(r->source[i]);
	free(r->source);
	buf_free(&r->mem);
	buf_free(&r->in);
	free(r);
}
