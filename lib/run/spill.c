/* SPDX-License-Identifier: BSD-2-Clause */
/* spill - see spill.h */
#include "op/pack.h"
#include "run/runs.h"
#include "run/spill.h"

/* Shedding sorts, and tables double: both need room of their own. */
static size_t
full(const struct spill *s)
{
	return ctx_budget(s->c) / 4 * 3;
}

static int
shed(struct spill *s)
{
	int rc;

	if (s->runs == NULL)
		s->runs = runs_new(ctx_budget(s->c) / 4);
	rc = s->op->shed(s->st, SIZE_MAX, runs_put, s->runs);
	runs_cut(s->runs);
	return rc;
}

int
spill_relieve(struct spill *s)
{
	return s->op->flush == NULL || s->op->bytes(s->st) <= full(s) ? 0 : shed(s);
}

/* ---- what the operator writes with while its states come back ---- */

static int
row(void *self, int out, const struct val *cell, size_t n)
{
	const struct host *h = ((struct spill *)self)->host;

	return h->row(h->self, out, cell, n);
}

static int
raw(void *self, int out, struct span line)
{
	const struct host *h = ((struct spill *)self)->host;

	return h->raw(h->self, out, line);
}

/* Lines in an order that is not that of keys: sorted runs again, by place. */
static int
defer(void *self, uint32_t part, struct span line, uint64_t seq)
{
	struct spill *s = self;
	char key[8];

	(void)part;
	if (s->later == NULL)
		s->later = runs_new(ctx_budget(s->c) / 4);
	pack_order(key, (int64_t)seq);
	return runs_put(s->later, span_of(key, sizeof key), line);
}

static int
flush(struct spill *s)
{
	int rc = s->op->flush(s->st, &(struct host){ s, row, raw, defer });

	if (s->later != NULL)
		runs_cut(s->later);
	return rc;
}

static int
write_line(void *arg, struct span key, struct span line)
{
	struct spill *s = arg;

	(void)key;
	return s->op->deferred == NULL ? raw(arg, 0, line) : s->op->deferred(s->st, line, s->host);
}

static int
again(void *arg, struct span key, struct span val)
{
	struct spill *s = arg;
	int rc = 0;

	if (!span_eq(key, buf_span(&s->last))) {
		if (s->op->bytes(s->st) > full(s) / 2)
			rc = flush(s);
		buf_clear(&s->last);
		buf_span_add(&s->last, key);
	}
	return rc != 0 ? rc : s->op->add(s->st, key, val);
}

int
spill_close(struct spill *s, const struct host *host)
{
	int rc = 0;

	ctx_note(s->c, "state_bytes", s->op->bytes(s->st));
	s->host = host;
	if (s->runs != NULL) {
		if ((rc = shed(s)) == 0) {
			ctx_note(s->c, "spilled_bytes", runs_bytes(s->runs));
			rc = runs_merge(s->runs, again, s);
		}
		if (rc == 0 && s->later != NULL && (rc = flush(s)) == 0)
			rc = runs_merge(s->later, write_line, s);
		runs_free(s->later);
		runs_free(s->runs);
		s->runs = NULL;
		buf_free(&s->last);
	}
	return rc != 0 ? rc : s->op->close(s->st, INT64_MAX, host);
}
