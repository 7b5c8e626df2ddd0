/* SPDX-License-Identifier: BSD-2-Clause */
/* seen - see seen.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/ids.h"
#include "op/pack.h"
#include "op/seen.h"

/*
 * Many small tables instead of a large one: each is filled to 85 % and grows by itself, so never more than one of them
 * stands twice.  Their sizes part where they begin to matter, evenly over one step of growth, so that at any number of
 * keys all together are equally filled: up to GROW_MUCH they double, which is faster, and are 61 % filled, 27 bytes a
 * key; from there they grow by a quarter, and are 76 % filled, 21 bytes a key.
 */
#define TABLES 64
#define TABLE_BITS 6
#define PART_AT ((uint64_t)256)		/* ids in each */
#define GROW_MUCH ((uint64_t)65536)	/* ids in each: 4 million in all, 100 MiB */
#define PIECE_BYTES ((size_t)FP_BYTES << 16)	/* of a save of all, as bulk: fingerprints as pack_fp has them */
#define AHEAD 16		/* looked for at once */

struct seen {
	struct seen_conf conf;
	struct ids ids[TABLES];		/* by the upper bits of lo: those of hi are the same in a part (run/parts.h) */
	struct buf scratch;
	struct token token[BATCH_RECORDS_MAX];
	struct buf news;		/* pack_fp of what came since the last save; kept once there was one */
	bool saved;
};

void *
seen_new(const struct seen_conf *conf)
{
	struct seen *s = mem_new(sizeof *s);

	s->conf = *conf;
	for (size_t i = 0; i < TABLES; i++)
		s->ids[i].wide = s->ids[i].dense = true;
	return s;
}

static struct ids *
table_of(const struct seen *s, struct fp id)
{
	return (struct ids *)&s->ids[id.lo >> (64 - TABLE_BITS)];
}

bool
seen_has(const void *st, struct fp id)
{
	return ids_has(table_of(st, id), id);
}

/* How many a full table is to have room for. */
static uint64_t
next_room(const struct seen *s, const struct ids *t)
{
	uint64_t i = (uint64_t)(t - s->ids);

	if (t->n == 0)
		return 1 + i / 8;
	if (t->n < PART_AT)
		return 2 * t->n < PART_AT ? 2 * t->n : PART_AT + PART_AT / TABLES * i;
	return t->n + (t->n < GROW_MUCH ? t->n : t->n / 4);
}

/* Before it takes one more. */
static void
make_room(struct seen *s, struct ids *t)
{
	if (ids_full(t))
		ids_reserve(t, next_room(s, t));
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
	ids_prefetch(table_of(st, m->id), m->id);
}

static bool
judge(void *st, const struct token *m)
{
	struct seen *s = st;
	struct ids *t = table_of(s, m->id);

	make_room(s, t);
	if (!ids_add(t, m->id))
		return false;
	if (s->saved) {
		char *p = s->news.cap - s->news.n >= FP_BYTES ? s->news.p + s->news.n :
		    buf_room_pages(&s->news, FP_BYTES);

		pack_fp(p, m->id);
		s->news.n += FP_BYTES;
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

	for (size_t k = 0; k < TABLES; k++)
		for (size_t i = 0; rc == 0 && ids_next(&s->ids[k], &i, &m.id);)
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

	for (size_t i = 0; i < TABLES; i++)
		ids_free(&s->ids[i]);
	buf_free(&s->news);
	s->saved = false;
}

static void
reserve(void *st, uint64_t n)
{
	struct seen *s = st;

	for (size_t i = 0; i < TABLES; i++)		/* a little more than its share, which is not exact */
		ids_reserve(&s->ids[i], n / TABLES + n / TABLES / 16 + 16);
}

static size_t
bytes(const void *st)
{
	const struct seen *s = st;
	size_t n = s->news.cap;

	for (size_t i = 0; i < TABLES; i++)
		n += ids_bytes(&s->ids[i]);
	return n;
}

static size_t
bytes_with(const void *st, uint64_t more)
{
	const struct seen *s = st;
	size_t n = s->news.cap, old = 0;

	for (size_t i = 0; i < TABLES; i++) {
		const struct ids *t = &s->ids[i];
		size_t now = ids_bytes(t), then = 0;

		if (t->n + more / TABLES + 1 >= t->cap / 20 * 17)
			/* 16 bytes a slot, 43 or 68 % filled */
			then = mem_mul(t->n + more / TABLES + 16, t->n < GROW_MUCH ? 38 : 25);
		n += then > now ? then : now;
		old = now > old ? now : old;
	}
	return n + old;
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
	char key[FP_BYTES];
	struct fp id;
	int rc = 0;

	for (size_t i = 0; !all && rc == 0 && i < s->news.n; i += FP_BYTES)
		rc = put(arg, span_of(s->news.p + i, FP_BYTES), span_of("", 0));
	for (size_t k = 0; all && rc == 0 && k < TABLES; k++)
		for (size_t i = 0; rc == 0 && ids_next(&s->ids[k], &i, &id);) {
			pack_fp(key, id);
			rc = put(arg, span_of(key, sizeof key), span_of("", 0));
		}
	buf_clear(&s->news);
	s->saved = true;
	return rc;
}

static int
save_bulk(void *st, bool all, int (*put)(void *arg, struct span bytes), void *arg)
{
	struct seen *s = st;
	struct buf b = { 0 };
	struct fp id;
	int rc = 0;

	if (!all && s->news.n > 0)
		rc = put(arg, buf_span(&s->news));
	for (size_t k = 0; all && rc == 0 && k < TABLES; k++)
		for (size_t i = 0; rc == 0 && ids_next(&s->ids[k], &i, &id);) {
			pack_fp(buf_room_pages(&b, FP_BYTES), id);
			if ((b.n += FP_BYTES) < PIECE_BYTES)
				continue;
			rc = put(arg, buf_span(&b));
			buf_clear(&b);
		}
	if (rc == 0 && b.n > 0)
		rc = put(arg, buf_span(&b));
	buf_free(&b);
	buf_clear(&s->news);
	s->saved = true;
	return rc;
}

static int
add_bulk(void *st, struct span bytes)
{
	struct token m[AHEAD] = { 0 };
	size_t n;

	if (bytes.n % FP_BYTES != 0)
		return err_input("a saved state is not one of this command");
	for (; bytes.n > 0; bytes = span_from(bytes, n * FP_BYTES)) {
		n = bytes.n / FP_BYTES < AHEAD ? bytes.n / FP_BYTES : AHEAD;
		for (size_t i = 0; i < n; i++) {
			m[i].id = unpack_fp(bytes.p + i * FP_BYTES);
			prefetch(st, &m[i]);
		}
		for (size_t i = 0; i < n; i++)
			note(st, &m[i]);
	}
	return 0;
}

static uint64_t
size_bulk(const void *st)
{
	const struct seen *s = st;
	uint64_t n = 0;

	for (size_t k = 0; k < TABLES; k++)
		n += ids_count(&s->ids[k]);
	return n * FP_BYTES;
}

static const struct op_bulk bulk = { save_bulk, add_bulk, size_bulk };

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
	.bytes = bytes, .fresh = fresh, .free = destroy, .bulk = &bulk,
};

const struct sift seen_sift = {
	.op = &seen_op, .read = read_tokens, .prefetch = prefetch, .judge = judge, .note = note, .each = each,
	.token_of = token_of, .clear = clear, .reserve = reserve, .bytes_with = bytes_with,
};
