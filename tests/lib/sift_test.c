/* SPDX-License-Identifier: BSD-2-Clause */
/* sift_test - what op/seen and op/recent let pass is the same when it is judged later, elsewhere, part by part; op/fps */
#include "base/mem.h"
#include "op/fps.h"
#include "op/pack.h"
#include "op/recent.h"
#include "op/seen.h"
#include "random.h"
#include "t.h"

enum { COL_KEY, COL_TIME, COLS };
#define RECORDS 3000

static struct val data[COLS][RECORDS];
static struct span lines[RECORDS];
static struct arena mem;

static void
make_records(void)
{
	arena_free(&mem);
	for (int i = 0; i < RECORDS; i++) {
		data[COL_KEY][i] = rnd_number(&mem, rnd(200));
		data[COL_TIME][i] = rnd_number(&mem, 1700000000000 + (uint64_t)i * 10 + rnd(60000));
	}
}

struct moving {
	const struct sift *sift;
	void *st;
};

static int
note_in(void *arg, const struct token *t)
{
	const struct moving *m = arg;

	m->sift->note(m->st, t);
	return 0;
}

static bool
odd_word(void *arg, const struct fps_slot *slot)
{
	(void)arg;
	return slot->word % 2 == 1;
}

/* One record, as a batch. */
static void
feed_one(const struct sift *sift, void *st, int i, struct token *t, uint8_t *fate)
{
	const char *why = NULL;
	const struct val *col[COLS];
	struct batch b = { .n = 1, .seq0 = (uint64_t)i, .line = lines + i, .col = col, .fate = fate, .why = &why };

	for (int c = 0; c < COLS; c++)
		col[c] = data[c] + i;
	*fate = F_PASS;
	sift_batch(sift, st, &b, t);
	okf(*fate != F_REJECT, "record %d rejected: %s", i, why);
}

/* Judged elsewhere, later, part by part: what passed is moved, the others are judged by their tokens alone. */
static void
moved(const struct sift *sift, void *st, void *other, const char *name)
{
	static struct token all[RECORDS];
	static uint8_t want[RECORDS];
	int half;

	make_records();
	half = (int)rnd(RECORDS);
	for (int i = 0; i < RECORDS; i++) {
		feed_one(sift, st, i, &all[i], &want[i]);
		if (i == half)
			okf(sift->each(st, note_in, &(struct moving){ sift, other }) == 0, "%s: each", name);
	}
	for (int part = 0; part < 16; part++)
		for (int i = half + 1; i < RECORDS; i++)
			if (all[i].id.hi >> 60 == (uint64_t)part)
				okf(sift->judge(other, &all[i]) == (want[i] == F_PASS), "%s: record %d", name, i);
	sift->op->free(st);
	sift->op->free(other);
	ok_all(name);
}

static void
test_sift(void)
{
	static const int key[] = { COL_KEY };
	struct seen_conf first = { key, 1, KEY_EXACT };
	struct recent_conf conf = { .key = key, .n_keys = 1, .time = COL_TIME, .unit = UNIT_MS,
	    .within = { .us = 9 * US_PER_SEC } };

	moved(&seen_sift, seen_new(&first), seen_new(&first), "the first of each key, judged later");
	moved(recent_sift(&conf), recent_new(&conf), recent_new(&conf), "within a while, judged later");
	conf.ttl.us = 4 * US_PER_SEC;
	moved(recent_sift(&conf), recent_new(&conf), recent_new(&conf), "within a while and forgotten, judged later");
	conf.kind = RECENT_ONCE;
	moved(recent_sift(&conf), recent_new(&conf), recent_new(&conf), "once until forgotten, judged later");
}

static void
test_fps(void)
{
	struct fps t = { 0 };
	size_t n = 0;
	bool fresh, all = true;

	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t *word = fps_put(&t, (struct fp){ i, i / 3 }, &fresh);

		*word += i + fresh;
	}
	for (uint64_t i = 0; i < 20000; i++) {
		const uint64_t *word = fps_get(&t, (struct fp){ i, i / 3 });

		/* 0 is taken for 1 */
		all = all && word != NULL && (i < 2 ? *word == 2 : *word == i + 1);
	}
	okf(all && t.n == 19999, "%d fingerprints", (int)t.n);
	fps_sweep(&t, odd_word, NULL);
	for (size_t i = 0; fps_next(&t, &i) != NULL;)
		n++;
	okf(n == t.n && n == 9999 && fps_get(&t, (struct fp){ 7, 2 }) == NULL && fps_get(&t, (struct fp){ 8, 2 }) != NULL,
	    "swept to %d", (int)n);
	fps_free(&t);
	ok_all("fps: words, 0, growth, sweep");
}

static bool
is_young(void *arg, const struct fps_slot *s)
{
	uint64_t *asked = arg;

	asked[1]++;
	return s->word >= asked[0];
}

/* What comes and goes: after each sweep just the young are there, asked once each, and the table does not grow. */
static void
test_fps_churn(void)
{
	enum { STEP = 1000, LIVE = 3500, ROUNDS = 300 };
	struct fps t = { 0 };
	uint64_t cap = 0, wrong = 0;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		uint64_t end = (round + 1) * STEP, had = t.n, asked[2] = { end < LIVE ? 0 : end - LIVE, 0 };
		bool fresh;

		for (uint64_t i = end - STEP; i < end; i++)
			*fps_put(&t, (struct fp){ i * i, ~i }, &fresh) = i;
		fps_sweep(&t, is_young, asked);
		wrong += asked[1] != had + STEP || t.n != end - asked[0];
		for (uint64_t i = end < 2 * LIVE ? 0 : end - 2 * LIVE; i < end; i++) {
			const uint64_t *word = fps_get(&t, (struct fp){ i * i, ~i });

			wrong += i < asked[0] ? word != NULL : word == NULL || *word != i;
		}
		cap = round == 20 ? t.cap : cap;
	}
	okf(wrong == 0, "%d wrong", (int)wrong);
	okf(t.cap == cap, "%d slots, then %d", (int)cap, (int)t.cap);
	fps_sweep(&t, odd_word, NULL);
	fps_sweep(&t, is_young, (uint64_t[]){ (uint64_t)ROUNDS * STEP - 10, 0 });
	okf(t.n == 5 && t.cap < 100, "%d left in %d slots", (int)t.n, (int)t.cap);
	fps_sweep(&t, is_young, (uint64_t[]){ UINT64_MAX, 0 });
	fps_sweep(&t, is_young, (uint64_t[]){ UINT64_MAX, 0 });
	okf(t.n == 0 && fps_get(&t, (struct fp){ 1, 2 }) == NULL, "%d left", (int)t.n);
	fps_free(&t);
	ok_all("fps: swept again and again");
}

static int
count_gone(void *arg, struct span key, struct span val)
{
	(void)key;
	*(int *)arg += val.p == NULL;
	return 0;
}

static int
no_piece(void *arg, struct span bytes)
{
	(void)arg;
	(void)bytes;
	return 0;
}

/* Saved as pairs or as bulk, and then all is forgotten: how many keys does a save of what changed call gone? */
static size_t
forget_all(const struct recent_conf *conf, bool pairs, int *gone)
{
	struct buf late = { 0 };
	void *st = recent_new(conf);
	struct token t;
	uint8_t fate;
	int none = 0;
	size_t n;

	for (int i = 0; i < RECORDS; i++)
		feed_one(recent_sift(conf), st, i, &t, &fate);
	okf((pairs ? recent_op.save(st, true, count_gone, &none) : recent_op.bulk->save(st, true, no_piece, NULL)) == 0,
	    "save");
	pack_i64(&late, INT64_C(1800000000000000));
	okf(recent_op.add(st, span_of("", 0), buf_span(&late)) == 0, "the clock moves on");
	okf(recent_sift(conf)->trim(st) == 0 && none == 0, "all is forgotten");
	n = recent_op.bytes(st);
	okf(recent_op.save(st, false, count_gone, gone) == 0, "save of changes");
	recent_op.free(st);
	buf_free(&late);
	return n;
}

static void
test_gone(void)
{
	static const int key[] = { COL_KEY };
	struct recent_conf conf = { .key = key, .n_keys = 1, .time = COL_TIME, .unit = UNIT_MS, .kind = RECENT_ONCE,
	    .ttl = { .us = 1000 * US_PER_SEC } };
	int by_pairs = 0, by_bulk = 0;
	size_t pairs_bytes, bulk_bytes;

	make_records();
	pairs_bytes = forget_all(&conf, true, &by_pairs);
	bulk_bytes = forget_all(&conf, false, &by_bulk);
	okf(by_pairs == 200 && by_bulk == 0, "%d and %d are gone", by_pairs, by_bulk);
	okf(bulk_bytes < pairs_bytes, "%d bytes, %d", (int)bulk_bytes, (int)pairs_bytes);
	ok_all("recent: what is gone is kept for saves of pairs alone");
}

int
main(void)
{
	test_fps();
	test_fps_churn();
	test_sift();
	test_gone();
	arena_free(&mem);
	return done();
}
