/* SPDX-License-Identifier: BSD-2-Clause */
/* replay - see replay.h */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/temp.h"
#include "edge/replay.h"

#define READ_BYTES ((size_t)1 << 20)

struct head {			/* before each line */
	uint64_t bytes;		/* of the rest of the record */
	uint64_t source, number, offset, at[REPLAY_PLACES];
};

struct replay {
	struct buf mem;		/* the newest records; all of them while there is no file */
	size_t budget;
	int fd;			/* -1: none yet */
	uint64_t file_bytes, count;
	/* reading: first the file, then mem */
	struct temp_window in;
	size_t mem_at;
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
spill(struct replay *r)
{
	int rc = temp_append(&r->fd, &r->file_bytes, buf_span(&r->mem));

	if (rc == 0)
		buf_clear(&r->mem);
	return rc;
}

int
replay_add(struct replay *r, const struct replay_line *l)
{
	struct head h = { sizeof h - sizeof h.bytes + l->text.n, r->n_sources - 1, l->number,
	    l->offset, { 0 } };
	struct fp both[2] = { r->hash, hash_fp(l->text) };
	int rc;

	memcpy(h.at, l->at, sizeof h.at);
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
	    h.number, h.offset, { 0 } };
	memcpy(l->at, h.at, sizeof h.at);
}

void
replay_rewind(struct replay *r)
{
	r->in.at = r->in.used = r->mem_at = 0;
	buf_clear(&r->in.b);
}

int
replay_next(struct replay *r, struct span *rec)
{
	struct temp_window *w = &r->in;
	uint64_t n;

	w->fd = r->fd;
	w->end = r->file_bytes;		/* what stands behind it in the file is of an earlier round */
	if (!temp_over(w)) {
		if (temp_have(w, sizeof n, READ_BYTES) != 0)
			return -1;
		memcpy(&n, w->b.p + w->used, sizeof n);
		if (temp_have(w, sizeof n + n, READ_BYTES) != 0)
			return -1;
		*rec = span_of(w->b.p + w->used + sizeof n, n);
		w->used += sizeof n + n;
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
	buf_free(&r->in.b);
	free(r);
}
