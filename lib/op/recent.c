/* SPDX-License-Identifier: BSD-2-Clause */
/* recent - see recent.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/key.h"
#include "op/keyed.h"
#include "op/pack.h"
#include "op/recent.h"

#define KEY_BYTES (FP_BYTES + 8)	/* fingerprint, start of the window in an order of bytes that is time's */

struct cell {
	int64_t us;
	bool dirty, saved;
};

struct recent {
	struct recent_conf conf;
	struct dur window;
	struct map *map;
	struct keys keys;
	struct buf scratch, val, gone;
	int64_t lo, hi;			/* the window met last: most records stay in it */
};

void *
recent_new(const struct recent_conf *conf)
{
	struct recent *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->window = conf->day ? (struct dur){ .days = 1 } : conf->within;
	s->map = map_new(sizeof(struct cell));
	s->lo = INT64_MAX;
	s->hi = INT64_MIN;
	return s;
}

static int64_t
after(const struct recent *s, int64_t us)
{
	return dur_add(s->window, 1, us, s->conf.zone);
}

static int64_t
floor_of(const struct recent *s, int64_t us)
{
	return dur_floor(s->window, 0, us, s->conf.zone);
}

static int64_t
window_of(struct recent *s, int64_t us)
{
	if (us >= s->lo && us < s->hi)
		return s->lo;
	s->lo = floor_of(s, us);
	s->hi = floor_of(s, after(s, s->lo));
	return s->lo;
}

/* Is there a time in that window, and is it near? */
static bool
near(const struct recent *s, char key[KEY_BYTES], int64_t start, int64_t us)
{
	const struct cell *c;

	pack_order(key + FP_BYTES, start);
	if ((c = map_get(s->map, span_of(key, KEY_BYTES))) == NULL)
		return false;
	if (s->conf.day)
		return true;
	return c->us <= us ? us < after(s, c->us) : c->us < after(s, us);
}

static bool
passes(struct recent *s, struct span key, int64_t us)
{
	char k[KEY_BYTES];
	int64_t start = window_of(s, us);
	struct cell *c;

	pack_fp(k, hash_fp(key));
	if (near(s, k, start, us))
		return false;
	if (!s->conf.day && (near(s, k, floor_of(s, start - 1), us) || near(s, k, s->hi, us)))
		return false;
	pack_order(k + FP_BYTES, start);
	c = map_put(s->map, span_of(k, sizeof k), NULL);
	c->us = us;
	c->dirty = true;
	return true;
}

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	struct recent *s = st;
	const struct recent_conf *f = &s->conf;

	(void)host;
	keys_batch(&s->keys, b, f->key, f->n_keys, f->as, KEYS_NULL_REJECT);
	for (size_t i = 0; i < b->n; i++) {
		const char *why;
		int64_t us;

		if (b->fate[i] != F_PASS)
			continue;
		if ((why = when_val(b->col[f->time][i], f->unit, f->zone, &s->scratch, &us)) != NULL)
			batch_reject(b, i, why);
		else if (!passes(s, keys_at(&s->keys, i), us))
			b->fate[i] = F_DROP;
	}
	return 0;
}

static int
close_recent(void *st, int64_t wm_ms, const struct host *host)
{
	struct recent *s = st;
	struct map_entry *e;
	size_t n = map_count(s->map);
	int64_t wm;

	(void)host;
	if (wm_ms == INT64_MAX)
		return 0;		/* all went out at once */
	if (__builtin_mul_overflow(wm_ms, 1000, &wm))
		return 0;
	e = map_sorted(s->map);
	for (size_t i = 0; i < n; i++) {
		const struct cell *c = e[i].cell;
		int64_t end = s->conf.day ? after(s, unpack_order(e[i].key.p + FP_BYTES)) : after(s, c->us);

		if (end > wm)
			continue;
		if (c->saved)
			pack_span(&s->gone, e[i].key);
		map_del(s->map, e[i].key);
	}
	free(e);
	return 0;
}

/* ---- the law: of two times in one window the earlier, which is as good as any ---- */

static int
add(void *st, struct span key, struct span val)
{
	struct recent *s = st;
	struct unpack u = { val, true };
	int64_t us = unpack_i64(&u);
	struct cell *c;
	bool fresh;

	if (key.n != KEY_BYTES || !unpack_done(&u))
		return err_input("a saved state is not one of this command");
	c = map_put(s->map, key, &fresh);
	if (fresh || us < c->us)
		c->us = us;
	c->dirty = true;
	return 0;
}

static bool
changed(void *st, const void *cell)
{
	(void)st;
	return ((const struct cell *)cell)->dirty;
}

static int
save_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct recent *s = st;
	struct cell *c = e->cell;

	buf_clear(&s->val);
	pack_i64(&s->val, c->us);
	c->dirty = false;
	c->saved = true;
	return put(arg, e->key, buf_span(&s->val));
}

static const struct keyed cells = { changed, save_one, NULL };

static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	struct recent *s = st;

	return keyed_save(&cells, s, s->map, &s->gone, all, put, arg);
}

static size_t
bytes(const void *st)
{
	const struct recent *s = st;

	return map_bytes(s->map) + s->gone.cap;
}

static void *
fresh_recent(const void *st)
{
	return recent_new(&((const struct recent *)st)->conf);
}

static void
destroy(void *st)
{
	struct recent *s = st;

	map_free(s->map);
	keys_free(&s->keys);
	buf_free(&s->scratch);
	buf_free(&s->val);
	buf_free(&s->gone);
	free(s);
}

const struct op recent_op = {
	.name = "recent", .version = 1, .batch = batch, .close = close_recent, .add = add, .save = save,
	.bytes = bytes, .fresh = fresh_recent, .free = destroy,
};
