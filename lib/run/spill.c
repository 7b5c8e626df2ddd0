/* SPDX-License-Identifier: BSD-2-Clause */
/* spill - see spill.h */
#include "op/pack.h"
#include "run/runs.h"
#include "run/spill.h"

/* Shedding sorts, and tables double: both need room of their own. */
size_t
spill_room(const struct spill *s)
{
	return ctx_budget(s->c) / 8 * 5;
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

static void
drop_runs(struct spill *s)
{
	s->spilled += s->runs == NULL ? 0 : runs_bytes(s->runs);
	runs_free(s->runs);
	s->runs = NULL;
}

/* What is saved at every mark must be there as a whole. */
static int
stays(const struct spill *s)
{
	size_t bytes = s->op->bytes(s->st);

	return bytes <= ctx_budget(s->c) ? 0 :
	    err_io("the state is %zu MiB, larger than -S: in a barrier job it stays in memory", bytes / MIB);
}

int
spill_keep_to(struct spill *s, size_t room)
{
	if (ctx_in_job(s->c))
		return stays(s);
	return s->op->flush == NULL || s->op->bytes(s->st) <= room ? 0 : shed(s);
}

int
spill_relieve(struct spill *s)
{
	return spill_keep_to(s, spill_room(s));
}

int
spill_add(void *spill, struct span key, struct span val)
{
	struct spill *s = spill;
	int rc = s->op->add(s->st, key, val);

	return rc != 0 ? rc : spill_relieve(s);
}

int
spill_save(struct spill *s, kv_fn *put, void *arg)
{
	int rc;

	ctx_note(s->c, "state_bytes", s->op->bytes(s->st));
	if (s->runs == NULL)
		return s->op->save(s->st, true, put, arg);
	if ((rc = shed(s)) == 0)
		rc = runs_merge(s->runs, put, arg);
	drop_runs(s);
	ctx_note(s->c, "spilled_bytes", s->spilled);
	return rc;
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
	int rc = s->op->flush(s->st, &(struct host){ s, row, raw, defer, NULL });

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
write_later(struct spill *s)
{
	int rc = s->later == NULL ? 0 : runs_merge(s->later, write_line, s);

	s->spilled += s->later == NULL ? 0 : runs_bytes(s->later);
	runs_free(s->later);
	s->later = NULL;
	return rc;
}

static int
again(void *arg, struct span key, struct span val)
{
	struct spill *s = arg;
	int rc = 0;

	if (!span_eq(key, buf_span(&s->last))) {
		if (s->op->bytes(s->st) > spill_room(s) / 2)
			rc = flush(s);
		buf_clear(&s->last);
		buf_span_add(&s->last, key);
	}
	return rc != 0 ? rc : s->op->add(s->st, key, val);
}

/* ---- what is over, while state is on disk ---- */

/* Of the keys in memory, the smallest of all that are left: write what is over, put the rest aside again. */
static int
sift(struct spill *s)
{
	int rc = s->op->close(s->st, s->wm_ms, &(struct host){ s, row, raw, defer, NULL });

	if (s->later != NULL)
		runs_cut(s->later);
	return rc != 0 ? rc : s->op->shed(s->st, SIZE_MAX, runs_put, s->next);
}

static int
sift_one(void *arg, struct span key, struct span val)
{
	struct spill *s = arg;
	bool same = key.n >= s->last.n && span_eq(span_of(key.p, s->last.n), buf_span(&s->last));
	int rc = 0;

	/* a key that goes on with a NUL is more of the one before, which is not to be closed between */
	if (!same || (key.n > s->last.n && key.p[s->last.n] != '\0')) {
		if (s->op->bytes(s->st) > spill_room(s) / 2)
			rc = sift(s);
		buf_clear(&s->last);
		buf_span_add(&s->last, key);
	}
	return rc != 0 ? rc : s->op->add(s->st, key, val);
}

static int
add_one(void *arg, struct span key, struct span val)
{
	struct spill *s = arg;

	return s->op->add(s->st, key, val);
}

static int
sift_all(struct spill *s, const struct host *host)
{
	int rc = shed(s);

	s->host = host;
	s->next = runs_new(ctx_budget(s->c) / 4);
	if (rc == 0)
		rc = runs_merge(s->runs, sift_one, s);
	if (rc == 0 && (rc = sift(s)) == 0)
		rc = write_later(s);
	runs_cut(s->next);
	drop_runs(s);
	s->runs = s->next;
	s->next = NULL;
	s->settled = runs_bytes(s->runs);
	buf_clear(&s->last);
	if (rc == 0 && s->settled < spill_room(s) / 8) {	/* so little is left that it may live in memory again */
		rc = runs_merge(s->runs, add_one, s);
		drop_runs(s);
	}
	return rc;
}

int
spill_advance(struct spill *s, int64_t wm_ms, enum spill_when when, const struct host *host)
{
	int64_t now = 0;
	int rc;

	if (s->timed && wm_ms <= s->wm_ms)
		return 0;
	/* on disk: as often as the runs have doubled, and where nothing comes a tenth of the time at most */
	if (s->runs != NULL && when == SPILL_BUSY && runs_bytes(s->runs) < 2 * s->settled)
		return 0;
	if (s->runs != NULL && when == SPILL_IDLE && (now = ctx_now_us(s->c)) < s->rest_until_us)
		return 0;
	s->timed = true;
	s->wm_ms = wm_ms;
	if (s->runs == NULL)
		return s->op->close(s->st, wm_ms, host);
	rc = sift_all(s, host);
	if (when == SPILL_IDLE)
		s->rest_until_us = now + 10 * (ctx_now_us(s->c) - now);
	return rc;
}

int
spill_close(struct spill *s, const struct host *host)
{
	int rc = 0;

	ctx_note(s->c, "state_bytes", s->op->bytes(s->st) + s->beside);
	s->host = host;
	if (s->runs != NULL) {
		if ((rc = shed(s)) == 0)
			rc = runs_merge(s->runs, again, s);
		if (rc == 0 && s->later != NULL && (rc = flush(s)) == 0)
			rc = write_later(s);
		drop_runs(s);
		buf_free(&s->last);
	}
	if (s->spilled > 0)
		ctx_note(s->c, "spilled_bytes", s->spilled);
	return rc != 0 ? rc : s->op->close(s->st, INT64_MAX, host);
}
