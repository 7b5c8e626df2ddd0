/* SPDX-License-Identifier: BSD-2-Clause */
/* runs - see runs.h */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/temp.h"
#include "op/pack.h"
#include "run/runs.h"

#define WRITE_BYTES (256 * KIB)
#define READ_BYTES_MIN (4 * KIB)
#define READ_BYTES_MAX (256 * KIB)
#define HEAD_BYTES 16		/* of a pair: both lengths */

struct runs {
	size_t budget;
	int fd;
	struct buf out;
	uint64_t bytes;			/* in the file */
	struct run { int fd; uint64_t at, end; } *run;	/* [n] */
	size_t n;
	uint64_t began;			/* where the run that is being written begins */
	int *taken;			/* [n_taken] files of others, whose runs are ours */
	size_t n_taken;
	uint64_t taken_bytes;
};

struct reader {
	struct temp_window in;
	struct span key, val;		/* the pair it stands at */
	size_t run;
};

struct merge {
	struct runs *runs;
	size_t read_bytes;
	struct reader *reader;
	struct reader **heap;		/* [n] the smallest key, then the earliest run, is the first */
	size_t n;
};

struct runs *
runs_new(size_t budget)
{
	struct runs *r = mem_new(sizeof *r);

	r->budget = budget;
	r->fd = -1;
	return r;
}

static int
write_out(struct runs *r)
{
	int rc = temp_append(&r->fd, &r->bytes, buf_span(&r->out));

	if (rc == 0)
		buf_clear(&r->out);
	return rc;
}

static void
put_length(struct buf *b, uint64_t n)
{
	buf_add(b, (const char *)&n, sizeof n);		/* read by this very process */
}

int
runs_put(void *runs, struct span key, struct span val)
{
	struct runs *r = runs;

	put_length(&r->out, key.n);
	put_length(&r->out, val.n);
	buf_span_add(&r->out, key);
	buf_span_add(&r->out, val);
	return r->out.n < WRITE_BYTES ? 0 : write_out(r);
}

void
runs_cut(struct runs *r)
{
	uint64_t end = r->bytes + r->out.n;

	if (end == r->began)
		return;
	r->run = mem_array(r->run, r->n + 1, sizeof *r->run);
	r->run[r->n++] = (struct run){ -1, r->began, end };
	r->began = end;
}

uint64_t
runs_bytes(const struct runs *r)
{
	return r->bytes + r->out.n + r->taken_bytes;
}

int
runs_take(struct runs *r, struct runs *from)
{
	int rc;

	runs_cut(from);
	if (from->out.n > 0 && (rc = write_out(from)) != 0)
		return rc;
	r->run = mem_array(r->run, r->n + from->n, sizeof *r->run);
	r->taken = mem_array(r->taken, r->n_taken + from->n_taken + 1, sizeof *r->taken);
	for (size_t i = 0; i < from->n; i++) {
		r->run[r->n] = from->run[i];
		r->run[r->n].fd = from->run[i].fd == -1 ? from->fd : from->run[i].fd;
		r->n++;
	}
	for (size_t i = 0; i < from->n_taken; i++)
		r->taken[r->n_taken++] = from->taken[i];
	if (from->fd != -1)
		r->taken[r->n_taken++] = from->fd;
	r->taken_bytes += runs_bytes(from);
	from->fd = -1;
	from->n = from->n_taken = 0;
	from->bytes = from->began = from->taken_bytes = 0;
	return 0;
}

/* To its next pair. Pre: it has not ended. */
static int
step(const struct merge *m, struct reader *x)
{
	struct temp_window *w = &x->in;
	uint64_t n[2];
	int rc;

	if ((rc = temp_have(w, HEAD_BYTES, m->read_bytes)) != 0)
		return rc;
	memcpy(n, w->b.p + w->used, sizeof n);
	if ((rc = temp_have(w, HEAD_BYTES + n[0] + n[1], m->read_bytes)) != 0)
		return rc;
	x->key = span_of(w->b.p + w->used + HEAD_BYTES, n[0]);
	x->val = span_of(x->key.p + n[0], n[1]);
	w->used += HEAD_BYTES + n[0] + n[1];
	return 0;
}

static bool
before(const struct reader *a, const struct reader *b)
{
	int d = span_cmp(a->key, b->key);

	return d != 0 ? d < 0 : a->run < b->run;
}

static void
sink(struct merge *m, size_t i)
{
	struct reader *x = m->heap[i];

	for (size_t child; (child = 2 * i + 1) < m->n; i = child) {
		if (child + 1 < m->n && before(m->heap[child + 1], m->heap[child]))
			child++;
		if (!before(m->heap[child], x))
			break;
		m->heap[i] = m->heap[child];
	}
	m->heap[i] = x;
}

static int
merge(struct merge *m, kv_fn *each, void *arg)
{
	int rc = 0;

	for (size_t i = m->n; i-- > 0;)
		sink(m, i);
	while (m->n > 0 && rc == 0) {
		struct reader *x = m->heap[0];

		if ((rc = each(arg, x->key, x->val)) != 0)
			break;
		if (temp_over(&x->in))
			m->heap[0] = m->heap[--m->n];
		else
			rc = step(m, x);
		if (m->n > 0)
			sink(m, 0);
	}
	return rc;
}

int
runs_merge(struct runs *r, kv_fn *each, void *arg)
{
	struct merge m = { .runs = r };
	int rc = 0;

	runs_cut(r);
	if (r->n == 0)
		return 0;
	if (r->out.n > 0 && (rc = write_out(r)) != 0)
		return rc;
	m.read_bytes = r->budget / r->n;
	m.read_bytes = m.read_bytes > READ_BYTES_MAX ? READ_BYTES_MAX : m.read_bytes;
	m.read_bytes = m.read_bytes < READ_BYTES_MIN ? READ_BYTES_MIN : m.read_bytes;
	m.reader = mem_new(mem_mul(r->n, sizeof *m.reader));
	m.heap = mem_array(NULL, r->n, sizeof *m.heap);
	for (; m.n < r->n && rc == 0; m.n++) {
		const struct run *run = &r->run[m.n];
		struct reader *x = &m.reader[m.n];

		*x = (struct reader){ { .fd = run->fd == -1 ? r->fd : run->fd, .at = run->at, .end = run->end },
		    .run = m.n };
		m.heap[m.n] = x;
		rc = step(&m, x);
	}
	if (rc == 0)
		rc = merge(&m, each, arg);
	for (size_t i = 0; i < r->n; i++)
		buf_free(&m.reader[i].in.b);
	free(m.reader);
	free(m.heap);
	return rc;
}

void
runs_free(struct runs *r)
{
	if (r == NULL)
		return;
	if (r->fd != -1)
		close(r->fd);
	for (size_t i = 0; i < r->n_taken; i++)
		close(r->taken[i]);
	buf_free(&r->out);
	free(r->run);
	free(r->taken);
	free(r);
}
