/* SPDX-License-Identifier: BSD-2-Clause */
/* newest - see newest.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "op/keyed.h"
#include "op/newest.h"
#include "op/pack.h"

struct cell {
	bool dirty;			/* first: op/keyed.h */
	bool saved, waits;		/* a snapshot has it; its line was not given out */
	uint64_t hash;			/* of its line, with a fixed seed */
	struct kept ord, line;
};

struct newest {
	struct held held;
	struct map_entry *changed;	/* [n] since the last save; of those from `closed` on the lines wait */
	size_t n, cap, closed;
	bool look;			/* some of them may be gone: the next save looks at all */
	struct cell *all;		/* that of the key "", or NULL */
	struct buf val;
};

static int save_one(void *st, const struct map_entry *, kv_fn *, void *arg);
static const struct keyed cells = { NULL, save_one, NULL, NULL };

void *
newest_new(void)
{
	struct newest *s = mem_new(sizeof *s);

	s->held = (struct held){ &cells, map_new(sizeof(struct cell)) };
	return s;
}

/* Is it hidden by what came to all keys? Of one ord the change of a key is the newer. */
static bool
hidden(const struct newest *s, struct span ord)
{
	return s->all != NULL && span_cmp(ord, kept_span(&s->all->ord)) < 0;
}

static void
wait(struct newest *s, struct cell *c)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 256 : mem_mul(s->cap, 2);
		s->changed = mem_array(s->changed, s->cap, sizeof *s->changed);
	}
	s->changed[s->n++] = (struct map_entry){ map_key(s->held.map, c), c };
	c->waits = true;
}

bool
newest_put(void *st, struct span key, struct span ord, struct span line)
{
	struct newest *s = st;
	uint64_t hash = hash_fixed(line);
	struct cell *c;
	bool fresh;
	int d;

	if (key.n > 0 && hidden(s, ord))
		return false;
	c = map_put(s->held.map, key, &fresh);
	d = fresh ? 1 : span_cmp(ord, kept_span(&c->ord));
	if (d < 0 || (d == 0 && hash == c->hash))
		return false;
	if (key.n == 0)
		s->all = c;
	c->dirty = true;
	c->hash = hash;
	kept_set(&s->held.pool, &c->ord, ord);
	kept_set(&s->held.pool, &c->line, line);
	if (!c->waits)
		wait(s, c);
	return true;
}

static int
by_key(const void *a, const void *b)
{
	return span_cmp(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

static void
forget(struct newest *s, struct map_entry e)
{
	struct cell *c = e.cell;

	if (c->saved)
		pack_span(&s->held.gone, e.key);
	kept_drop(&s->held.pool, &c->ord);
	kept_drop(&s->held.pool, &c->line);
	map_del(s->held.map, e.key);
}

/* All keys that a change of all has hidden. */
static void
forget_hidden(struct newest *s)
{
	struct map_entry *v = mem_array(NULL, map_count(s->held.map), sizeof *v), e;
	size_t n = 0;

	for (size_t i = 0; map_next(s->held.map, &i, &e);)
		if (e.key.n > 0 && hidden(s, kept_span(&((struct cell *)e.cell)->ord)))
			v[n++] = e;
	for (size_t i = 0; i < n; i++)
		forget(s, v[i]);
	s->look = s->look || n > 0;
	free(v);
}

static int
close_newest(void *st, int64_t wm_ms, const struct host *host)
{
	struct newest *s = st;
	bool all = s->all != NULL && s->all->waits;
	int rc = 0;

	(void)wm_ms;
	if (s->n - s->closed > 1)
		qsort(s->changed + s->closed, s->n - s->closed, sizeof *s->changed, by_key);
	for (size_t i = s->closed; i < s->n && rc == 0; i++) {
		struct cell *c = s->changed[i].cell;

		if (c == s->all || !hidden(s, kept_span(&c->ord)))
			rc = host->raw(host->self, 0, kept_span(&c->line));
		kept_drop(&s->held.pool, &c->line);
		c->waits = false;
	}
	s->closed = s->n;
	if (all)
		forget_hidden(s);
	return rc;
}

static int
save_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct newest *s = st;
	struct cell *c = e->cell;

	c->saved = true;
	buf_clear(&s->val);
	pack_span(&s->val, kept_span(&c->ord));
	pack_u64(&s->val, c->hash);
	pack_u64(&s->val, c->waits);
	pack_span(&s->val, kept_span(&c->line));
	return put(arg, e->key, buf_span(&s->val));
}

/* One key may be there twice: of a line that went out, and of one that waits again. */
static int
save_changed(struct newest *s, kv_fn *put, void *arg)
{
	struct unpack u = { buf_span(&s->held.gone), true };
	int rc = 0;

	while (rc == 0 && u.s.n > 0)
		rc = put(arg, unpack_span(&u), span_of(NULL, 0));
	buf_clear(&s->held.gone);
	if (s->n > 1)
		qsort(s->changed, s->n, sizeof *s->changed, by_key);
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		struct cell *c = s->changed[i].cell;

		if (!c->dirty)
			continue;
		c->dirty = false;
		rc = save_one(s, &s->changed[i], put, arg);
	}
	return rc;
}

static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	struct newest *s = st;
	int rc = all || s->look || s->closed < s->n ? held_save(s, all, put, arg) : save_changed(s, put, arg);

	if (s->closed == s->n)		/* else lines wait still */
		s->n = s->closed = 0;
	s->look = false;
	return rc;
}

static int
add(void *st, struct span key, struct span val)
{
	struct newest *s = st;
	struct unpack u = { val, true };
	struct span ord = unpack_span(&u), line;
	uint64_t hash = unpack_u64(&u);
	bool waits = unpack_u64(&u) != 0, fresh;
	struct cell *c;

	line = unpack_span(&u);
	if (!unpack_done(&u))
		return err_input("a saved state is not one of this command");
	c = map_put(s->held.map, key, &fresh);
	if (!fresh && span_cmp(ord, kept_span(&c->ord)) <= 0)
		return 0;
	if (key.n == 0)
		s->all = c;
	c->dirty = true;
	c->hash = hash;
	kept_set(&s->held.pool, &c->ord, ord);
	if (waits)
		kept_set(&s->held.pool, &c->line, line);
	if (waits && !c->waits)
		wait(s, c);
	return 0;
}

static size_t
bytes(const void *st)
{
	const struct newest *s = st;

	return held_bytes(st) + s->cap * sizeof *s->changed;
}

static void
destroy(void *st)
{
	struct newest *s = st;

	held_free(&s->held);
	free(s->changed);
	buf_free(&s->val);
	free(s);
}

const struct op newest_op = {
	.name = "newest", .version = 1, .close = close_newest, .add = add, .save = save, .bytes = bytes,
	.free = destroy,
};
