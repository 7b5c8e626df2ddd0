/* SPDX-License-Identifier: BSD-2-Clause */
/* spill - see spill.h */
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

static int
again(void *arg, struct span key, struct span val)
{
	struct spill *s = arg;
	int rc = 0;

	if (!span_eq(key, buf_span(&s->last))) {
		if (s->op->bytes(s->st) > full(s) / 2)
			rc = s->op->flush(s->st, s->host);
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
		runs_free(s->runs);
		s->runs = NULL;
		buf_free(&s->last);
	}
	return rc != 0 ? rc : s->op->close(s->st, INT64_MAX, host);
}
