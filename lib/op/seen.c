/* SPDX-License-Identifier: BSD-2-Clause */
/* seen - see seen.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/ids.h"
#include "op/key.h"
#include "op/pack.h"
#include "op/seen.h"

struct seen {
	struct seen_conf conf;
	struct ids ids;
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
close_seen(void *st, int64_t wm_ms, const struct host *host)
{
	(void)st;
	(void)wm_ms;
	(void)host;
	return 0;		/* all went out at once */
}

static int
add(void *st, struct span key, struct span val)
{
	struct seen *s = st;
	struct fp id;

	if (key.n != FP_BYTES || val.n != 0)
		return err_input("a saved state is not one of this command");
	id = unpack_fp(key.p);
	if (ids_add(&s->ids, id))
		note(s, id);
	return 0;
}

static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	struct seen *s = st;
	struct fp *v = all ? ids_sorted(&s->ids) : s->news;
	size_t n = all ? ids_count(&s->ids) : s->n_news;
	char key[FP_BYTES];
	int rc = 0;

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

static size_t
bytes(const void *st)
{
	const struct seen *s = st;

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
	keys_free(&s->keys);
	free(s->news);
	free(s);
}

const struct op seen_op = {
	.name = "seen", .version = 1, .batch = batch, .close = close_seen, .add = add, .save = save,
	.bytes = bytes, .fresh = fresh, .free = destroy,
};
