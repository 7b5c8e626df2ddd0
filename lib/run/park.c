/* SPDX-License-Identifier: BSD-2-Clause */
/* park - see park.h */
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/temp.h"
#include "run/park.h"

#define READ_BYTES (256 * KIB)
#define BUDGET_MIN (64 * KIB)

struct head {			/* then key, note, line */
	int64_t until;
	uint64_t number, offset;
	uint64_t line_n;
	uint32_t key_n, note_n, source;
	int32_t day;
};

struct queue {			/* bytes of records: those in the file are older than those in memory */
	int fd;			/* -1: no file */
	uint64_t from, to;	/* of the file */
	struct buf mem;
	size_t done;		/* of mem: gone already */
	uint64_t n;
};

struct park {
	size_t budget;
	struct queue q;
	uint64_t most, spilled;
};

struct reader {			/* over the file's part */
	struct buf b;
	size_t used;
};

struct park *
park_new(size_t budget)
{
	struct park *p = mem_new(sizeof *p);

	p->budget = budget / 2 < BUDGET_MIN ? BUDGET_MIN : budget / 2;
	p->q.fd = -1;
	return p;
}

static void
queue_free(struct queue *q)
{
	if (q->fd != -1)
		close(q->fd);
	buf_free(&q->mem);
	*q = (struct queue){ .fd = -1 };
}

static int
spill(struct park *p, struct queue *q)
{
	size_t n = q->mem.n - q->done;
	int rc;

	if (q->fd == -1 && (q->fd = temp_file()) == -1)
		return EXIT_IO;
	if ((rc = temp_write(q->fd, q->mem.p + q->done, n, q->to)) != 0)
		return rc;
	q->to += n;
	p->spilled += n;
	q->done = 0;
	buf_clear(&q->mem);
	return 0;
}

static int
put(struct park *p, struct queue *q, const struct parked *r)
{
	struct head h;

	memset(&h, 0, sizeof h);
	h.until = r->until;
	h.number = r->number;
	h.offset = r->offset;
	h.line_n = r->line.n;
	h.key_n = (uint32_t)r->key.n;
	h.note_n = (uint32_t)r->note.n;
	h.source = r->source;
	h.day = r->day;
	if (q->done > q->mem.n / 2) {
		q->mem.n -= q->done;
		memmove(q->mem.p, q->mem.p + q->done, q->mem.n);
		q->done = 0;
	}
	buf_add(&q->mem, (const char *)&h, sizeof h);
	buf_span_add(&q->mem, r->key);
	buf_span_add(&q->mem, r->note);
	buf_span_add(&q->mem, r->line);
	q->n++;
	return q->mem.n - q->done <= p->budget ? 0 : spill(p, q);
}

int
park_put(struct park *p, const struct parked *r)
{
	int rc = put(p, &p->q, r);

	p->most = p->q.n > p->most ? p->q.n : p->most;
	return rc;
}

/* The record that s begins with; its size. Pre: it is whole. */
static size_t
unpack(const char *s, struct parked *r)
{
	struct head h;

	memcpy(&h, s, sizeof h);
	s += sizeof h;
	*r = (struct parked){ .until = h.until, .number = h.number, .offset = h.offset, .day = h.day,
	    .source = h.source, .key = span_of(s, h.key_n), .note = span_of(s + h.key_n, h.note_n),
	    .line = span_of(s + h.key_n + h.note_n, h.line_n) };
	return sizeof h + h.key_n + h.note_n + h.line_n;
}

/* At least n bytes of the file from `used` on. */
static int
have(struct queue *q, struct reader *x, uint64_t *at, size_t n)
{
	int rc;

	if (x->b.n - x->used >= n)
		return 0;
	x->b.n -= x->used;
	memmove(x->b.p, x->b.p + x->used, x->b.n);
	x->used = 0;
	while (x->b.n < n) {
		size_t want = n - x->b.n > READ_BYTES ? n - x->b.n : READ_BYTES, got;

		want = want > q->to - *at ? (size_t)(q->to - *at) : want;
		if ((rc = temp_read(q->fd, buf_room(&x->b, want), want, *at, &got)) != 0)
			return rc;
		x->b.n += got;
		*at += got;
	}
	return 0;
}

/* What one record becomes: keep, drop, or end the pass. */
struct pass {
	struct park *p;
	park_judge *judge;
	void *arg;
	struct queue *kept;	/* NULL: stop at the first that stays */
	bool stop;
};

static int
judged(struct pass *s, const struct parked *r)
{
	int fate = s->judge(s->arg, r);

	if (fate < 0)
		return -fate;
	if (fate == PARK_GO)
		return 0;
	s->stop = s->kept == NULL;
	return s->stop ? 0 : put(s->p, s->kept, r);
}

static int
pass_file(struct pass *s, struct queue *q)
{
	struct reader x = { { 0 }, 0 };
	uint64_t at = q->from;
	int rc = 0;

	(void)buf_room(&x.b, READ_BYTES);
	while (rc == 0 && !s->stop && q->from < q->to) {
		struct parked r;
		struct head h;
		size_t n;

		if ((rc = have(q, &x, &at, sizeof h)) != 0)
			break;
		memcpy(&h, x.b.p + x.used, sizeof h);
		n = sizeof h + h.key_n + h.note_n + h.line_n;
		if ((rc = have(q, &x, &at, n)) != 0)
			break;
		(void)unpack(x.b.p + x.used, &r);
		if ((rc = judged(s, &r)) != 0 || s->stop)
			break;
		x.used += n;
		q->from += n;
		q->n--;
	}
	buf_free(&x.b);
	if (rc == 0 && q->fd != -1 && q->from == q->to) {
		close(q->fd);
		q->fd = -1;
		q->from = q->to = 0;
	}
	return rc;
}

static int
pass_memory(struct pass *s, struct queue *q)
{
	int rc = 0;

	while (rc == 0 && !s->stop && q->done < q->mem.n) {
		struct parked r;
		size_t n = unpack(q->mem.p + q->done, &r);

		if ((rc = judged(s, &r)) != 0 || s->stop)
			break;
		q->done += n;
		q->n--;
	}
	return rc;
}

static int
pass(struct park *p, park_judge *judge, void *arg, struct queue *kept)
{
	struct pass s = { p, judge, arg, kept, false };
	int rc = p->q.from < p->q.to ? pass_file(&s, &p->q) : 0;

	return rc != 0 || s.stop ? rc : pass_memory(&s, &p->q);
}

int
park_each(struct park *p, park_judge *judge, void *arg)
{
	struct queue kept = { .fd = -1 };
	int rc = pass(p, judge, arg, &kept);

	queue_free(&p->q);
	p->q = kept;
	return rc;
}

int
park_first(struct park *p, park_judge *judge, void *arg)
{
	return pass(p, judge, arg, NULL);
}

uint64_t
park_count(const struct park *p)
{
	return p->q.n;
}

uint64_t
park_most(const struct park *p)
{
	return p->most;
}

uint64_t
park_spilled(const struct park *p)
{
	return p->spilled;
}

void
park_free(struct park *p)
{
	if (p == NULL)
		return;
	queue_free(&p->q);
	free(p);
}
