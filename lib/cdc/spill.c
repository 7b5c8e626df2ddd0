/* SPDX-License-Identifier: BSD-2-Clause */
/* spill - see spill.h */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/temp.h"
#include "cdc/spill.h"

#define BUFFER_BYTES_MIN ((size_t)4 * 1024)

struct head { uint64_t key_n, value_n; };	/* of a record; then key and value */

struct run {
	uint64_t at, end;	/* what is left of it in the file */
	struct buf b;
	size_t pos;		/* the record at hand begins here */
	bool done;
};

struct spill {
	int fd;
	uint64_t size;
	struct buf out;
	size_t put;		/* of out: where the record that is being put begins */
	size_t buffer;		/* bytes of a run that are read at once */
	struct run *run;
	size_t n;
	size_t *with;		/* runs that hold the smallest key */
	size_t n_with;
};

struct spill *
spill_new(void)
{
	struct spill *s = mem_new(sizeof *s);

	s->fd = -1;
	s->buffer = SPILL_BUFFER_BYTES;
	return s;
}

static int
flush(struct spill *s)
{
	int rc;

	if (s->out.n == 0)
		return 0;
	if (s->fd == -1 && (s->fd = temp_file()) == -1)
		return EXIT_IO;
	if ((rc = temp_write(s->fd, s->out.p, s->out.n, s->size)) != 0)
		return rc;
	s->size += s->out.n;
	buf_clear(&s->out);
	return 0;
}

struct buf *
spill_open(struct spill *s, struct span key)
{
	struct head h = { key.n, 0 };

	s->put = s->out.n;
	buf_add(&s->out, (const char *)&h, sizeof h);
	buf_span_add(&s->out, key);
	return &s->out;
}

int
spill_shut(struct spill *s)
{
	struct head h;

	memcpy(&h, s->out.p + s->put, sizeof h);
	h.value_n = s->out.n - s->put - sizeof h - h.key_n;
	memcpy(s->out.p + s->put, &h, sizeof h);
	return s->out.n < SPILL_BUFFER_BYTES ? 0 : flush(s);
}

int
spill_put(struct spill *s, struct span key, struct span value)
{
	buf_span_add(spill_open(s, key), value);
	return spill_shut(s);
}

int
spill_end(struct spill *s)
{
	uint64_t from = s->n == 0 ? 0 : s->run[s->n - 1].end;
	int rc = flush(s);

	if (rc != 0 || s->size == from)
		return rc;
	s->run = mem_array(s->run, s->n + 1, sizeof *s->run);
	s->run[s->n++] = (struct run){ .at = from, .end = s->size };
	return 0;
}

size_t
spill_runs(const struct spill *s)
{
	return s->n;
}

void
spill_buffers(struct spill *s, size_t bytes)
{
	s->buffer = bytes > SPILL_BUFFER_BYTES ? SPILL_BUFFER_BYTES : bytes;
	s->buffer = s->buffer < BUFFER_BYTES_MIN ? BUFFER_BYTES_MIN : s->buffer;
}

/* Have n bytes of the run from pos on. */
static int
have(struct spill *s, struct run *r, size_t n)
{
	size_t want;

	if (r->b.n - r->pos >= n)
		return 0;
	if (r->pos > 0)
		memmove(r->b.p, r->b.p + r->pos, r->b.n - r->pos);
	r->b.n -= r->pos;
	r->pos = 0;
	want = n > s->buffer ? n : s->buffer;
	buf_room(&r->b, want);
	while (r->b.n < n) {
		size_t left = r->end - r->at < want ? (size_t)(r->end - r->at) : want;
		size_t got;
		int rc = temp_read(s->fd, r->b.p + r->b.n, left, r->at, &got);

		if (rc != 0)
			return rc;
		r->b.n += got;
		r->at += got;
		want -= got;
	}
	return 0;
}

static struct head
head_of(const struct run *r)
{
	struct head h;

	memcpy(&h, r->b.p + r->pos, sizeof h);
	return h;
}

static struct span
key_of(const struct run *r)
{
	return span_of(r->b.p + r->pos + sizeof(struct head), head_of(r).key_n);
}

/* The record at pos, whole, or the end. */
static int
load(struct spill *s, struct run *r)
{
	struct head h;
	int rc;

	if (r->pos == r->b.n && r->at == r->end) {
		r->done = true;
		return 0;
	}
	if ((rc = have(s, r, sizeof h)) != 0)
		return rc;
	h = head_of(r);
	return have(s, r, mem_add(sizeof h, mem_add(h.key_n, h.value_n)));
}

static void
smallest(struct spill *s)
{
	s->n_with = 0;
	for (size_t i = 0; i < s->n; i++) {
		int order;

		if (s->run[i].done)
			continue;
		order = s->n_with == 0 ? 0 :
		    span_cmp(key_of(&s->run[i]), key_of(&s->run[s->with[0]]));
		if (order > 0)
			continue;
		if (order < 0)
			s->n_with = 0;
		s->with[s->n_with++] = i;
	}
}

int
spill_begin(struct spill *s)
{
	int rc = 0;

	s->with = mem_array(s->with, s->n, sizeof *s->with);
	for (size_t i = 0; i < s->n && rc == 0; i++)
		rc = load(s, &s->run[i]);
	if (rc == 0)
		smallest(s);
	return rc;
}

bool
spill_key(const struct spill *s, struct span *key)
{
	if (s->n_with == 0)
		return false;
	*key = key_of(&s->run[s->with[0]]);
	return true;
}

size_t
spill_values(const struct spill *s)
{
	return s->n_with;
}

struct span
spill_value(const struct spill *s, size_t i)
{
	const struct run *r = &s->run[s->with[i]];
	struct span key = key_of(r);

	return span_of(key.p + key.n, head_of(r).value_n);
}

int
spill_step(struct spill *s)
{
	int rc = 0;

	for (size_t i = 0; i < s->n_with && rc == 0; i++) {
		struct run *r = &s->run[s->with[i]];
		struct head h = head_of(r);

		r->pos += sizeof h + h.key_n + h.value_n;
		rc = load(s, r);
	}
	if (rc == 0)
		smallest(s);
	return rc;
}

void
spill_free(struct spill *s)
{
	for (size_t i = 0; i < s->n; i++)
		buf_free(&s->run[i].b);
	if (s->fd != -1)
		close(s->fd);
	buf_free(&s->out);
	free(s->run);
	free(s->with);
	free(s);
}
