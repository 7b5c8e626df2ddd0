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
	bool dirty;		/* first: op/keyed.h */
	struct order by;
	uint64_t seq, count;
	struct kept line, text;		/* text: what by.str lives in */
};

struct last {
	struct held held;
	struct last_conf conf;
	struct keys keys;
	struct buf scratch, val;
};

static int save_one(void *st, const struct map_entry *, kv_fn *, void *arg);
static size_t drop(void *st, const struct map_entry *);
static const struct keyed cells = { NULL, save_one, drop };

void *
last_new(const struct last_conf *conf)
{
	struct last *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->held = (struct held){ &cells, map_new(sizeof(struct cell)) };
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
	order_keep(&s->held.pool, &c->text, &c->by);
	c->seq = seq;
	kept_set(&s->held.pool, &c->line, line);
}

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	struct last *s = st;

	(void)host;
	keys_batch(&s->keys, b, s->conf.key, s->conf.n_keys, s->conf.as, KEYS_NULL_REJECT);
	for (size_t i = 0; i < b->n; i++)
		if (!s->keys.none[i])
			map_prefetch(s->held.map, s->keys.hash[i]);
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
		c = map_put_hashed(s->held.map, s->keys.hash[i], keys_at(&s->keys, i), &fresh);
		if (!fresh && order_mixed(&by, &c->by)) {
			batch_reject(b, i, ORDER_MIXED);
			continue;
		}
		c->count++;
		c->dirty = true;
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

static int
write_one(struct last *s, const struct last_pair *p, const struct host *host)
{
	struct val cell[2];

	if (!s->conf.counts)
		return host->raw(host->self, 0, p->line);
	buf_clear(&s->scratch);
	buf_u64(&s->scratch, p->count);
	cell[0] = val_make(T_OBJ, p->line);
	cell[1] = val_make(T_NUM, buf_span(&s->scratch));
	return host->row(host->self, 0, cell, 2);
}

static int
defer_one(struct last *s, const struct last_pair *p, const struct host *host)
{
	if (!s->conf.counts)
		return host->defer(host->self, 0, p->line, p->seq);
	buf_clear(&s->val);
	pack_u64(&s->val, p->count);
	buf_span_add(&s->val, p->line);
	return host->defer(host->self, 0, buf_span(&s->val), p->seq);
}

/* The winners in input order: now, or deferred to where the others of this order are. */
static int
give(struct last *s, const struct host *host, bool defer)
{
	struct cell **v = mem_array(NULL, map_count(s->held.map), sizeof *v);
	size_t n = 0, i = 0;
	struct map_entry e;
	int rc = 0;

	while (map_next(s->held.map, &i, &e))
		v[n++] = e.cell;
	qsort(v, n, sizeof *v, by_place);
	for (i = 0; i < n && rc == 0; i++) {
		struct last_pair p = { v[i]->seq, v[i]->count, kept_span(&v[i]->line) };

		rc = defer ? defer_one(s, &p, host) : write_one(s, &p, host);
	}
	free(v);
	held_clear(&s->held);
	return rc;
}

struct last_pair
last_deferred(const void *st, struct span line)
{
	struct unpack u = { line, true };
	struct last_pair p = { 0 };

	if (((const struct last *)st)->conf.counts)
		p.count = unpack_u64(&u);
	p.line = u.s;
	return p;
}

static int
deferred(void *st, struct span line, const struct host *host)
{
	struct last_pair p = last_deferred(st, line);

	return write_one(st, &p, host);
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

static bool
unpack_pair(struct span val, struct order *by, struct last_pair *p)
{
	struct unpack u = { val, true };

	unpack_order_of(&u, by);
	p->seq = unpack_u64(&u);
	p->count = unpack_u64(&u);
	p->line = unpack_span(&u);
	return unpack_done(&u);
}

bool
last_unpack(struct span val, struct last_pair *p)
{
	struct order by;

	return unpack_pair(val, &by, p);
}

void
last_ids(void *st, const struct batch *b, struct token *m)
{
	struct last *s = st;

	sift_ids(b, s->conf.key, s->conf.n_keys, s->conf.as, &s->scratch, m);
}

static int
add(void *st, struct span key, struct span val)
{
	struct last *s = st;
	struct last_pair p;
	struct order by;
	struct cell *c;
	bool fresh;

	if (!unpack_pair(val, &by, &p))
		return err_input("a saved state is not one of this command");
	c = map_put(s->held.map, key, &fresh);
	if (!fresh && order_mixed(&by, &c->by))
		return err_input("key %.*s: %s", (int)(key.n < 100 ? key.n : 100), key.p, ORDER_MIXED);
	c->count += p.count;
	c->dirty = true;
	if (fresh || wins(s, &by, p.seq, c))
		replace(s, c, &by, p.seq, p.line);
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
	pack_u64(&s->val, c->count);
	pack_span(&s->val, kept_span(&c->line));
	return put(arg, e->key, buf_span(&s->val));
}

static size_t
drop(void *st, const struct map_entry *e)
{
	struct last *s = st;
	struct cell *c = e->cell;
	size_t n = sizeof *c + c->line.cap + c->text.cap;

	kept_drop(&s->held.pool, &c->line);
	kept_drop(&s->held.pool, &c->text);
	return n;
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

	held_free(&s->held);
	keys_free(&s->keys);
	buf_free(&s->scratch);
	buf_free(&s->val);
	free(s);
}

const struct op last_op = {
	.name = "last", .version = 2, .batch = batch, .close = close_last, .add = add, .save = held_save,
	.shed = held_shed, .bytes = held_bytes, .fresh = fresh_last, .free = destroy, .flush = flush,
	.deferred = deferred,
};
