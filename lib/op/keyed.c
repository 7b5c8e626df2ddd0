/* SPDX-License-Identifier: BSD-2-Clause */
/* keyed - see keyed.h */
#include <stdlib.h>

#include "op/keyed.h"
#include "op/pack.h"
#include "op/row.h"

static bool
changed(const struct keyed *k, void *st, const struct map_entry *e)
{
	return k->changed == NULL ? *(const bool *)e->cell : k->changed(st, e->cell);
}

static int
put_one(const struct keyed *k, void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	if (k->changed == NULL)
		*(bool *)e->cell = false;
	return k->put(st, e, put, arg);
}

struct asked {
	const struct keyed *is;
	void *st;
};

static bool
has_changed(void *arg, const struct map_entry *e)
{
	const struct asked *a = arg;

	return changed(a->is, a->st, e);
}

int
keyed_save(const struct keyed *k, void *st, const struct map *map, struct buf *gone, bool all, kv_fn *put, void *arg)
{
	size_t n = map_count(map);
	struct map_entry *e = all ? map_sorted(map) :
	    map_sorted_of(map, has_changed, &(struct asked){ k, st }, &n);
	int rc = 0;

	if (gone != NULL) {
		struct unpack u = { buf_span(gone), true };

		while (!all && rc == 0 && u.s.n > 0)
			rc = put(arg, unpack_span(&u), span_of(NULL, 0));
		buf_clear(gone);
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = put_one(k, st, &e[i], put, arg);
	free(e);
	return rc;
}

int
keyed_shed(const struct keyed *k, void *st, struct map *map, struct pool *pool, size_t want, kv_fn *put, void *arg)
{
	struct map_entry *e = map_sorted(map);
	size_t n = map_count(map), gone = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0 && gone < want; i++) {
		rc = put_one(k, st, &e[i], put, arg);
		gone += e[i].key.n + (k->drop == NULL ? 64 : k->drop(st, &e[i]));
		map_del(map, e[i].key);
	}
	if (map_count(map) == 0) {
		map_clear(map);
		if (pool != NULL)
			pool_free(pool);
	}
	free(e);
	return rc;
}

int
held_save(void *st, bool all, kv_fn *put, void *arg)
{
	struct held *h = st;

	return keyed_save(h->is, st, h->map, &h->gone, all, put, arg);
}

int
held_shed(void *st, size_t want, kv_fn *put, void *arg)
{
	struct held *h = st;

	return keyed_shed(h->is, st, h->map, &h->pool, want, put, arg);
}

size_t
held_bytes(const void *st)
{
	const struct held *h = st;

	return map_bytes(h->map) + pool_bytes(&h->pool) + h->more + h->gone.cap;
}

struct taking { struct held *h; const char *why; struct span key; };

static void
both(void *arg, struct span key, void *cell, void *other)
{
	struct taking *t = arg;
	const char *why = t->h->is->merge(t->h, cell, other);

	if (why == NULL || (t->why != NULL && span_cmp(key, t->key) >= 0))
		return;
	t->why = why;
	t->key = key;
}

const char *
held_take(struct held *h, struct held *other, struct span *key)
{
	struct taking t = { .h = h };

	pool_take(&h->pool, &other->pool);
	h->more += other->more;
	other->more = 0;
	map_take(h->map, other->map, both, &t);
	*key = t.key;
	return t.why;
}

int
held_join(void *st, void *other)
{
	struct span key;
	const char *why = held_take(st, other, &key);

	return why == NULL ? 0 : row_error(key, why);
}

void
held_clear(struct held *h)
{
	map_clear(h->map);
	pool_free(&h->pool);
}

void
held_free(struct held *h)
{
	map_free(h->map);
	pool_free(&h->pool);
	buf_free(&h->gone);
}
