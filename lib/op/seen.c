/* SPDX-License-Identifier: BSD-2-Clause */
/* seen - see seen.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/ids.h"
#include "op/pack.h"
#include "op/seen.h"

struct seen {
	struct seen_conf conf;
	struct ids ids;
	struct buf scratch;
	struct token token[BATCH_RECORDS_MAX];
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

/* ---- op/sift.h ---- */

static void
read_tokens(void *st, const struct batch *b, struct token *m)
{
	struct seen *s = st;

	sift_ids(b, s->conf.key, s->conf.n_keys, s->conf.as, &s->scratch, m);
}

static void
prefetch(const void *st, const struct token *m)
{
	ids_prefetch(&((const struct seen *)st)->ids, m->id);
}

static bool
judge(void *st, const struct token *m)
{
	struct seen *s = st;

	if (!ids_add(&s->ids, m->id))
		return false;
	if (s->saved) {
		if (s->n_news == s->cap_news) {
			s->cap_news = s->cap_news == 0 ? 1024 : mem_mul(s->cap_news, 2);
			s->news = mem_array(s->news, s->cap_news, sizeof *s->news);
		}
		s->news[s->n_news++] = m->id;
	}
	return true;
}

static void
note(void *st, const struct token *m)
{
	(void)judge(st, m);
}

static int
each(void *st, int (*fn)(void *arg, const struct token *), void *arg)
{
	const struct seen *s = st;
	struct token m = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && ids_next(&s->ids, &i, &m.id);)
		rc = fn(arg, &m);
	return rc;
}

static bool
token_of(void *st, struct span key, struct span val, struct token *m)
{
	(void)st;
	if (key.n != FP_BYTES || val.n != 0)
		return false;
	*m = (struct token){ .id = unpack_fp(key.p) };
	return true;
}

static void
clear(void *st)
{
	struct seen *s = st;

	ids_free(&s->ids);
	free(s->news);
	s->news = NULL;
	s->n_news = s->cap_news = 0;
}

static void
reserve(void *st, uint64_t n)
{
	ids_reserve(&((struct seen *)st)->ids, n);
}

static size_t
bytes_with(const void *st, uint64_t more)
{
	const struct seen *s = st;

	return ids_bytes_with(&s->ids, more) + s->cap_news * sizeof *s->news;
}

/* ---- the law ---- */

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	(void)host;
	sift_batch(&seen_sift, st, b, ((struct seen *)st)->token);
	return 0;
}

static int
close_seen(void *st, int64_t wm_ms, const struct host *host)
{
	(void)st;
	(void)wm_ms;
	(void)host;
	return 0;		/* all went out at once, and nothing is ever over */
}

static int
add(void *st, struct span key, struct span val)
{
	struct token m;

	if (!token_of(st, key, val, &m))
		return err_input("a saved state is not one of this command");
	note(st, &m);
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

	clear(s);
	buf_free(&s->scratch);
	free(s);
}

const struct op seen_op = {
	.name = "seen", .version = 2, .batch = batch, .close = close_seen, .add = add, .save = save,
	.bytes = bytes, .fresh = fresh, .free = destroy,
};

const struct sift seen_sift = {
	.op = &seen_op, .read = read_tokens, .prefetch = prefetch, .judge = judge, .note = note, .each = each,
	.token_of = token_of, .clear = clear, .reserve = reserve, .bytes_with = bytes_with,
};
