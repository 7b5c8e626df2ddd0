/* SPDX-License-Identifier: BSD-2-Clause */
/* last - see last.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/key.h"
#include "op/keyed.h"
#include "op/last.h"
#include "op/order.h"

struct cell {
	struct order by;
	uint64_t seq;
	struct kept line, text;		/* text: what by.str lives in */
	bool dirty;
};

struct last {
	struct last_conf conf;
	struct map *map;
	struct pool pool;
	struct keys keys;
	struct buf scratch, val;
};

void *
last_new(const struct last_conf *conf)
{
	struct last *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->map = map_new(sizeof(struct cell));
	return s;
}

/* Does (by, seq) win over the cell's? A total order, so that any order of merging gives the same winner. */
static bool
wins(const struct last *s, const struct order *by, uint64_t seq, const struct cell *c)
{
	int d = order_cmp(by, &c->by);

	if (d != 0 && by->kind != ORDER_NULL && c->by.kind != ORDER_NULL && s->conf.smallest)
		d = -d;
	return d != 0 ? d > 0 : s->conf.smallest ? seq < c->seq : seq > c->seq;
}

static void
replace(struct last *s, struct cell *c, const struct order *by, uint64_t seq, struct span line)
{
	c->by = *by;
	order_keep(&s->pool, &c->text, &c->by);
	c->seq = seq;
	kept_set(&s->pool, &c->line, line);
	c->dirty = true;
}

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	struct last *s = st;

	(void)host;
	keys_batch(&s->keys, b, s->conf.key, s->conf.n_keys, s->conf.as, KEYS_NULL_REJECT);
	for (size_t i = 0; i < b->n; i++)
		if (!s->keys.none[i])
			map_prefetch(s->map, s->keys.hash[i]);
	for (size_t i = 0; i < b->n; i++) {
		struct order by = { 0 };
		struct cell *c;
		const char *why;
		bool fresh;

		if (b->fate[i] != F_PASS)
			continue;
		if (s->conf.by != -1 && (why = order_of(b->col[s->conf.by][i], &s->scratch, &by)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		c = map_put_hashed(s->map, s->keys.hash[i], keys_at(&s->keys, i), &fresh);
		if (!fresh && order_mixed(&by, &c->by)) {
			batch_reject(b, i, ORDER_MIXED);
			continue;
		}
		if (fresh || wins(s, &by, b->seq0 + i, c))
			replace(s, c, &by, b->seq0 + i, b->line[i]);
		b->fate[i] = F_USED;
	}
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct cell *const *x = a, *const *y = b;

	return (*x)->seq < (*y)->seq ? -1 : (*x)->seq > (*y)->seq;
}

/* The winners in input order: now, or deferred to where the others of this order are. */
static int
give(struct last *s, const struct host *host, bool defer)
{
	struct cell **v = mem_array(NULL, map_count(s->map), sizeof *v);
	size_t n = 0, i = 0;
	struct map_entry e;
	int rc = 0;

	while (map_next(s->map, &i, &e))
		v[n++] = e.cell;
	qsort(v, n, sizeof *v, by_place);
	for (i = 0; i < n && rc == 0; i++)
		rc = defer ? host->defer(host->self, 0, kept_span(&v[i]->line), v[i]->seq) :
		    host->raw(host->self, 0, kept_span(&v[i]->line));
	free(v);
	map_clear(s->map);
	pool_free(&s->pool);
	return rc;
}

static int
close_last(void *st, int64_t wm_ms, const struct host *host)
{
	return wm_ms != INT64_MAX ? 0 : give(st, host, false);	/* a later record may always win */
}

static int
flush(void *st, const struct host *host)
{
	return give(st, host, true);
}

static int
add(void *st, struct span key, struct span val)
{
	struct last *s = st;
	struct unpack u = { val, true };
	struct order by;
	struct span line;
	struct cell *c;
	uint64_t seq;
	bool fresh;

	unpack_order_of(&u, &by);
	seq = unpack_u64(&u);
	line = unpack_span(&u);
	if (!unpack_done(&u))
		return err_input("a saved state is not one of this command");
	c = map_put(s->map, key, &fresh);
	if (!fresh && order_mixed(&by, &c->by))
		return err_input("key %.*s: %s", (int)(key.n < 100 ? key.n : 100), key.p, ORDER_MIXED);
	if (fresh || wins(s, &by, seq, c))
		replace(s, c, &by, seq, line);
	return 0;
}

static int
save_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct last *s = st;
	struct cell *c = e->cell;

	buf_clear(&s->val);
	order_pack(&s->val, &c->by);
	pack_u64(&s->val, c->seq);
	pack_span(&s->val, kept_span(&c->line));
	c->dirty = false;
	return put(arg, e->key, buf_span(&s->val));
}

static bool
changed(void *st, const void *cell)
{
	(void)st;
	return ((const struct cell *)cell)->dirty;
}

static size_t
drop(void *st, const struct map_entry *e)
{
	struct last *s = st;
	struct cell *c = e->cell;
	size_t n = sizeof *c + c->line.cap + c->text.cap;

	kept_drop(&s->pool, &c->line);
	kept_drop(&s->pool, &c->text);
	return n;
}

static const struct keyed cells = { changed, save_one, drop };

static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	struct last *s = st;

	return keyed_save(&cells, s, s->map, NULL, all, put, arg);
}

static int
shed(void *st, size_t want, kv_fn *put, void *arg)
{
	struct last *s = st;

	return keyed_shed(&cells, s, s->map, &s->pool, want, put, arg);
}

static size_t
bytes(const void *st)
{
	const struct last *s = st;

	return map_bytes(s->map) + pool_bytes(&s->pool);
}

static void *
fresh_last(const void *st)
{
	return last_new(&((const struct last *)st)->conf);
}

static void
destroy(void *st)
{
	struct last *s = st;

	map_free(s->map);
	pool_free(&s->pool);
	keys_free(&s->keys);
	buf_free(&s->scratch);
	buf_free(&s->val);
	free(s);
}

const struct op last_op = {
	.name = "last", .version = 1, .batch = batch, .close = close_last, .add = add, .save = save,
	.shed = shed, .bytes = bytes, .fresh = fresh_last, .free = destroy, .flush = flush,
};
