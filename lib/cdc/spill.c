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
	struct temp_window in;	/* what is left of it; in.used: where the record at hand begins */
	size_t mark, n_marks;	/* its marks, if they are kept */
	bool done;
};

/* A record of a run, of every SPILL_MARK_BYTES one: where it begins, and its key. */
struct mark { uint64_t at; struct span key; };

struct spill {
	int fd;
	bool lent;		/* fd is of another, which this is a range of */
	uint64_t size;
	size_t marked_runs;	/* at most so many have marks: with one more all are forgotten */
	struct mark *mark;
	size_t n_marks, cap_marks;
	struct arena marked;	/* their keys */
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
	if ((rc = temp_append(&s->fd, &s->size, buf_span(&s->out))) == 0)
		buf_clear(&s->out);
	return rc;
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

static void
forget_marks(struct spill *s)
{
	free(s->mark);
	s->mark = NULL;
	s->n_marks = s->cap_marks = 0;
	arena_free(&s->marked);
	for (size_t i = 0; i < s->n; i++)
		s->run[i].n_marks = 0;
}

void
spill_mark(struct spill *s, size_t runs)
{
	s->marked_runs = runs;
}

/* The record that begins at s->put of out, if it is one. */
static void
mark_record(struct spill *s, size_t key_n)
{
	size_t first = s->n == 0 ? 0 : s->run[s->n - 1].mark + s->run[s->n - 1].n_marks;
	uint64_t at = s->size + s->put;
	struct span key = span_of(s->out.p + s->put + sizeof(struct head), key_n);

	if (s->n >= s->marked_runs || (s->n_marks > first && at - s->mark[s->n_marks - 1].at < SPILL_MARK_BYTES))
		return;
	if (s->n_marks == s->cap_marks) {
		s->cap_marks = s->cap_marks == 0 ? 64 : mem_mul(s->cap_marks, 2);
		s->mark = mem_array(s->mark, s->cap_marks, sizeof *s->mark);
	}
	s->mark[s->n_marks++] = (struct mark){ at, span_of(arena_dup(&s->marked, key), key.n) };
}

int
spill_shut(struct spill *s)
{
	struct head h;

	memcpy(&h, s->out.p + s->put, sizeof h);
	h.value_n = s->out.n - s->put - sizeof h - h.key_n;
	memcpy(s->out.p + s->put, &h, sizeof h);
	mark_record(s, h.key_n);
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
	const struct run *was = s->n == 0 ? NULL : &s->run[s->n - 1];
	uint64_t from = was == NULL ? 0 : was->in.end;
	size_t mark = was == NULL ? 0 : was->mark + was->n_marks;
	int rc = flush(s);

	if (rc != 0 || s->size == from)
		return rc;
	s->run = mem_array(s->run, s->n + 1, sizeof *s->run);
	s->run[s->n++] = (struct run){ { .fd = s->fd, .at = from, .end = s->size }, mark, s->n_marks - mark, false };
	if (s->n > s->marked_runs && s->n_marks > 0)
		forget_marks(s);
	return 0;
}

bool
spill_marks(const struct spill *s, size_t *n)
{
	*n = s->n_marks;
	return s->n <= s->marked_runs;
}

struct span
spill_mark_key(const struct spill *s, size_t i)
{
	return s->mark[i].key;
}

/* The number of marks of a run, from its first on, with a smaller key. */
static size_t
marks_below(const struct spill *s, const struct run *r, struct span key)
{
	size_t low = 0, high = r->n_marks;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (span_cmp(s->mark[r->mark + mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct spill *
spill_range(const struct spill *of, struct spill *again, struct span from, struct span to)
{
	struct spill *s = again != NULL ? again : spill_new();

	if (again == NULL) {
		s->fd = of->fd;
		s->lent = true;
		s->n = of->n;
		s->run = mem_new(mem_mul(s->n, sizeof *s->run));
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct run *r = &of->run[i];
		size_t first = from.p == NULL ? 0 : marks_below(of, r, from);
		size_t behind = to.p == NULL ? r->n_marks : marks_below(of, r, to);
		struct temp_window *in = &s->run[i].in;

		in->fd = s->fd;
		in->at = first == 0 ? r->in.at : of->mark[r->mark + first - 1].at;
		in->end = behind == r->n_marks ? r->in.end : of->mark[r->mark + behind].at;
		in->end = in->end < in->at ? in->at : in->end;
		in->used = 0;
		buf_clear(&in->b);
		s->run[i].done = false;
	}
	return s;
}

int
spill_skip(struct spill *s, struct span from)
{
	struct span key;
	int rc = 0;

	while (rc == 0 && spill_key(s, &key) && span_cmp(key, from) < 0)
		rc = spill_step(s);
	return rc;
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

static struct head
head_of(const struct run *r)
{
	struct head h;

	memcpy(&h, r->in.b.p + r->in.used, sizeof h);
	return h;
}

static struct span
key_of(const struct run *r)
{
	return span_of(r->in.b.p + r->in.used + sizeof(struct head), head_of(r).key_n);
}

/* The record at hand, whole, or the end. */
static int
load(struct spill *s, struct run *r)
{
	struct head h;
	int rc;

	if (temp_over(&r->in)) {
		r->done = true;
		return 0;
	}
	if ((rc = temp_have(&r->in, sizeof h, s->buffer)) != 0)
		return rc;
	h = head_of(r);
	return temp_have(&r->in, mem_add(sizeof h, mem_add(h.key_n, h.value_n)), s->buffer);
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

		r->in.used += sizeof h + h.key_n + h.value_n;
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
		buf_free(&s->run[i].in.b);
	if (s->fd != -1 && !s->lent)
		close(s->fd);
	buf_free(&s->out);
	free(s->mark);
	arena_free(&s->marked);
	free(s->run);
	free(s->with);
	free(s);
}
