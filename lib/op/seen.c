/* SPDX-License-Identifier: BSD-2-Clause */
/* seen - see seen.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/ids.h"
#include "op/key.h"
#include "op/keyed.h"
#include "op/pack.h"
#include "op/seen.h"

/* Once the state was shed: a key met since. */
struct cell {
	uint64_t seq;
	struct kept line;
	bool out, dirty;	/* out: a line of it has passed */
};

struct seen {
	struct seen_conf conf;
	struct ids ids;			/* of what passed; map == NULL */
	struct map *map;		/* by pack_fp: after the first shed */
	struct pool pool;
	struct buf val;
	struct keys keys;
	struct fp fp[BATCH_RECORDS_MAX];
	/* what came since the last save; kept once there was one */
	struct fp *news;
	size_t n_news, cap_news;
	bool saved;
};

void *
seen_new(const struct seen_conf *conf)
{
	struct seen *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->ids.wide = true;
	return s;
}

static void
note(struct seen *s, struct fp id)
{
	if (!s->saved)
		return;
	if (s->n_news == s->cap_news) {
		s->cap_news = s->cap_news == 0 ? 1024 : mem_mul(s->cap_news, 2);
		s->news = mem_array(s->news, s->cap_news, sizeof *s->news);
	}
	s->news[s->n_news++] = id;
}

/* Keep the line of the smallest position; line.p NULL: one has passed. */
static void
keep(struct seen *s, struct span key, uint64_t seq, struct span line)
{
	bool fresh;
	struct cell *c = map_put(s->map, key, &fresh);

	if (line.p == NULL) {
		c->dirty = c->dirty || !c->out;
		c->out = true;
		kept_drop(&s->pool, &c->line);
	} else if (!c->out && (fresh || seq < c->seq)) {
		c->seq = seq;
		kept_set(&s->pool, &c->line, line);
		c->dirty = true;
	}
}

static void
keep_all(struct seen *s, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		char key[FP_BYTES];

		if (b->fate[i] != F_PASS)
			continue;
		pack_fp(key, s->fp[i]);
		b->fate[i] = map_get(s->map, span_of(key, sizeof key)) != NULL ? F_DROP : F_USED;
		if (b->fate[i] == F_USED)
			keep(s, span_of(key, sizeof key), b->seq0 + i, b->line[i]);
	}
}

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	struct seen *s = st;

	(void)host;
	keys_batch(&s->keys, b, s->conf.key, s->conf.n_keys, s->conf.as, KEYS_NULL_REJECT);
	for (size_t i = 0; i < b->n; i++) {
		if (b->fate[i] != F_PASS)
			continue;
		s->fp[i] = hash_fp(keys_at(&s->keys, i));
		ids_prefetch(&s->ids, s->fp[i]);
	}
	if (s->map != NULL) {
		keep_all(s, b);
		return 0;
	}
	for (size_t i = 0; i < b->n; i++) {
		if (b->fate[i] != F_PASS)
			continue;
		if (ids_add(&s->ids, s->fp[i]))
			note(s, s->fp[i]);
		else
			b->fate[i] = F_DROP;
	}
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct cell *const *x = a, *const *y = b;

	return (*x)->seq < (*y)->seq ? -1 : (*x)->seq > (*y)->seq;
}

/* The lines that wait, in input order: now, or deferred to where the others of this order are. */
static int
give(struct seen *s, const struct host *host, bool defer)
{
	struct cell **v = mem_array(NULL, map_count(s->map), sizeof *v);
	size_t n = 0, i = 0;
	struct map_entry e;
	int rc = 0;

	while (map_next(s->map, &i, &e))
		if (!((struct cell *)e.cell)->out)
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
close_seen(void *st, int64_t wm_ms, const struct host *host)
{
	struct seen *s = st;

	return s->map == NULL || wm_ms != INT64_MAX ? 0 : give(s, host, false);
}

static int
flush(void *st, const struct host *host)
{
	return ((struct seen *)st)->map == NULL ? 0 : give(st, host, true);
}

/* From now on keys that passed stand in the map too. */
static void
begin_map(struct seen *s)
{
	struct fp *v = ids_sorted(&s->ids);
	uint64_t n = ids_count(&s->ids);

	s->map = map_new(sizeof(struct cell));
	for (uint64_t i = 0; i < n; i++) {
		char key[FP_BYTES];

		pack_fp(key, v[i]);
		keep(s, span_of(key, sizeof key), 0, span_of(NULL, 0));
	}
	free(v);
	ids_free(&s->ids);
}

static int
add(void *st, struct span key, struct span val)
{
	struct seen *s = st;
	struct unpack u = { val, true };
	uint64_t seq = 0;
	struct span line = { NULL, 0 };
	struct fp id;

	if (val.n > 0) {
		seq = unpack_u64(&u);
		line = unpack_span(&u);
	}
	if (key.n != FP_BYTES || !unpack_done(&u))
		return err_input("a saved state is not one of this command");
	id = unpack_fp(key.p);
	if (val.n > 0 && s->map == NULL)
		begin_map(s);
	if (s->map != NULL)
		keep(s, key, seq, line);
	else if (ids_add(&s->ids, id))
		note(s, id);
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
	struct seen *s = st;
	struct cell *c = e->cell;

	buf_clear(&s->val);
	if (!c->out) {
		pack_u64(&s->val, c->seq);
		pack_span(&s->val, kept_span(&c->line));
	}
	c->dirty = false;
	return put(arg, e->key, buf_span(&s->val));
}

static size_t
drop(void *st, const struct map_entry *e)
{
	struct seen *s = st;
	struct cell *c = e->cell;
	size_t n = sizeof *c + c->line.cap;

	kept_drop(&s->pool, &c->line);
	return n;
}

static const struct keyed cells = { changed, save_one, drop };

static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	struct seen *s = st;
	struct fp *v;
	size_t n;
	char key[FP_BYTES];
	int rc = 0;

	if (s->map != NULL)
		return keyed_save(&cells, s, s->map, NULL, all, put, arg);
	v = all ? ids_sorted(&s->ids) : s->news;
	n = all ? ids_count(&s->ids) : s->n_news;
	for (size_t i = 0; i < n && rc == 0; i++) {
		pack_fp(key, v[i]);
		rc = put(arg, span_of(key, sizeof key), span_of("", 0));
	}
	if (all)
		free(v);
	s->n_news = 0;
	s->saved = true;
	return rc;
}

/* The first time all of it goes, whatever was wanted: a set of fingerprints has no order to go in by parts. */
static int
shed(void *st, size_t want, kv_fn *put, void *arg)
{
	struct seen *s = st;
	int rc;

	if (s->map != NULL)
		return keyed_shed(&cells, s, s->map, &s->pool, want, put, arg);
	rc = save(s, true, put, arg);
	ids_free(&s->ids);
	free(s->news);
	s->news = NULL;
	s->cap_news = 0;
	s->map = map_new(sizeof(struct cell));
	return rc;
}

static size_t
bytes(const void *st)
{
	const struct seen *s = st;

	if (s->map != NULL)
		return map_bytes(s->map) + pool_bytes(&s->pool);
	return ids_bytes(&s->ids) + s->cap_news * sizeof *s->news;
}

static void *
fresh(const void *st)
{
	return seen_new(&((const struct seen *)st)->conf);
}

static void
destroy(void *st)
{
	struct seen *s = st;

	ids_free(&s->ids);
	map_free(s->map);
	pool_free(&s->pool);
	keys_free(&s->keys);
	buf_free(&s->val);
	free(s->news);
	free(s);
}

const struct op seen_op = {
	.name = "seen", .version = 1, .batch = batch, .close = close_seen, .add = add, .save = save,
	.shed = shed, .bytes = bytes, .fresh = fresh, .free = destroy, .flush = flush,
};
