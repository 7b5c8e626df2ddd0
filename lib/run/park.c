/* SPDX-License-Identifier: BSD-2-Clause */
/* park - see park.h */
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/temp.h"
#include "op/pack.h"
#include "run/park.h"

#define READ_BYTES (256 * KIB)
#define BUDGET_MIN (64 * KIB)

struct head {			/* then key, note, line */
	int64_t until;
	uint64_t seq, number, offset;
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
	bool stays;
	struct queue q;
	uint64_t most, spilled;
	uint64_t next;		/* its number */
	uint64_t saved;		/* those below were saved */
	struct park_note note;
	struct buf gone;	/* numbers that were saved and left: the next save says so */
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
	struct span left = span_from(buf_span(&q->mem), q->done);
	int rc;

	if (p->stays)
		return err_io("%llu records wait and take more than -S allows: in a barrier job they stay in memory",
		    (unsigned long long)q->n);
	if ((rc = temp_append(&q->fd, &q->to, left)) != 0)
		return rc;
	p->spilled += left.n;
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
	h.seq = r->seq;
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
	struct parked x = *r;
	int rc;

	x.seq = p->next++;
	rc = put(p, &p->q, &x);

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
	    .source = h.source, .seq = h.seq, .key = span_of(s, h.key_n), .note = span_of(s + h.key_n, h.note_n),
	    .line = span_of(s + h.key_n + h.note_n, h.line_n) };
	return sizeof h + h.key_n + h.note_n + h.line_n;
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
	if (fate == PARK_GO && r->seq < s->p->saved)
		buf_add(&s->p->gone, (const char *)&r->seq, sizeof r->seq);
	if (fate == PARK_GO)
		return 0;
	s->stop = s->kept == NULL;
	return s->stop ? 0 : put(s->p, s->kept, r);
}

static int
pass_file(struct pass *s, struct queue *q)
{
	struct temp_window x = { .fd = q->fd, .at = q->from, .end = q->to };
	int rc = 0;

	while (rc == 0 && !s->stop && q->from < q->to) {
		struct parked r;
		struct head h;
		size_t n;

		if ((rc = temp_have(&x, sizeof h, READ_BYTES)) != 0)
			break;
		memcpy(&h, x.b.p + x.used, sizeof h);
		n = sizeof h + h.key_n + h.note_n + h.line_n;
		if ((rc = temp_have(&x, n, READ_BYTES)) != 0)
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
	buf_free(&p->gone);
	free(p);
}

/* ---- saved ---- */

void
park_stays(struct park *p)
{
	p->stays = true;
}

void
park_note(struct park *p, struct park_note note)
{
	p->note = note;
}

struct park_note
park_noted(const struct park *p)
{
	return p->note;
}

static int
put_gone(struct park *p, kv_fn *out, void *arg)
{
	uint64_t seq;
	char key[8];
	int rc = 0;

	for (size_t i = 0; i < p->gone.n && rc == 0; i += sizeof seq) {
		memcpy(&seq, p->gone.p + i, sizeof seq);
		pack_order(key, (int64_t)seq);
		rc = out(arg, span_of(key, sizeof key), span_of(NULL, 0));
	}
	return rc;
}

static int
save(void *st, bool all, kv_fn *out, void *arg)
{
	struct park *p = st;
	struct buf b = { 0 };
	char key[8];
	int rc = all ? 0 : put_gone(p, out, arg);

	pack_i64(&b, p->note.clock);
	pack_u64(&b, p->note.commit);
	if (rc == 0)
		rc = out(arg, span_of("", 0), buf_span(&b));
	for (size_t at = p->q.done; rc == 0 && at < p->q.mem.n;) {
		struct parked r;

		at += unpack(p->q.mem.p + at, &r);
		if (!all && r.seq < p->saved)
			continue;
		buf_clear(&b);
		pack_i64(&b, r.until);
		pack_u64(&b, r.number);
		pack_u64(&b, r.offset);
		pack_i64(&b, r.day);
		pack_u64(&b, r.source);
		pack_span(&b, r.key);
		pack_span(&b, r.note);
		pack_span(&b, r.line);
		pack_order(key, (int64_t)r.seq);
		rc = out(arg, span_of(key, sizeof key), buf_span(&b));
	}
	buf_clear(&p->gone);
	p->saved = p->next;
	buf_free(&b);
	return rc;
}

static int
add(void *st, struct span key, struct span val)
{
	struct park *p = st;
	struct unpack u = { val, true };
	struct parked r = { 0 };

	if (key.n == 0) {
		p->note.clock = unpack_i64(&u);
		p->note.commit = unpack_u64(&u);
		return unpack_done(&u) ? 0 : err_input("a saved state is not one of this command");
	}
	r.until = unpack_i64(&u);
	r.number = unpack_u64(&u);
	r.offset = unpack_u64(&u);
	r.day = (int32_t)unpack_i64(&u);
	r.source = (uint32_t)unpack_u64(&u);
	r.key = unpack_span(&u);
	r.note = unpack_span(&u);
	r.line = unpack_span(&u);
	if (key.n != 8 || !unpack_done(&u))
		return err_input("a saved state is not one of this command");
	r.seq = (uint64_t)unpack_order(key.p);
	p->next = r.seq >= p->next ? r.seq + 1 : p->next;
	return put(p, &p->q, &r);
}

struct place { uint64_t seq; size_t at, n; };

static int
by_seq(const void *a, const void *b)
{
	uint64_t x = ((const struct place *)a)->seq, y = ((const struct place *)b)->seq;

	return (x > y) - (x < y);
}

void
park_settle(struct park *p)
{
	struct place *v = mem_array(NULL, p->q.n, sizeof *v);
	struct buf b = { 0 };
	size_t n = 0;

	for (size_t at = p->q.done; at < p->q.mem.n; n++) {
		struct parked r;

		v[n] = (struct place){ .at = at, .n = unpack(p->q.mem.p + at, &r) };
		v[n].seq = r.seq;
		at += v[n].n;
	}
	if (n > 1)
		qsort(v, n, sizeof *v, by_seq);
	for (size_t i = 0; i < n; i++)
		buf_add(&b, p->q.mem.p + v[i].at, v[i].n);
	buf_free(&p->q.mem);
	p->q.mem = b;
	p->q.done = 0;
	free(v);
}

static size_t
bytes(const void *st)
{
	return ((const struct park *)st)->q.mem.n;
}

static void
destroy(void *st)
{
	park_free(st);
}

const struct op park_op = {
	.name = "park", .version = 1, .add = add, .save = save, .bytes = bytes, .free = destroy,
};
