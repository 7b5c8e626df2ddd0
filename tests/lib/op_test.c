/* SPDX-License-Identifier: BSD-2-Clause */
/* op_test - the law of every operator on random records: any split, any order of joining, the same state and output */
#include "base/err.h"
#include "base/map.h"
#include "op/hll.h"
#include "op/ids.h"
#include "op/join.h"
#include "op/key.h"
#include "op/funnel.h"
#include "op/last.h"
#include "op/newest.h"
#include "op/recent.h"
#include "op/retention.h"
#include "op/seen.h"
#include "op/top.h"
#include "op/window.h"
#include "random.h"
#include "t.h"

enum { COL_GROUP, COL_TIME, COL_NUM, COL_TEXT, COL_BREAK, COL_MIX, COL_EVEN, COL_DAY, COLS };
#define RECORDS 600
#define PARTS 4

/* ---- records ---- */

static struct val data[COLS][RECORDS];
static struct span lines[RECORDS];
static struct arena mem;

static struct val
value(struct buf *b)
{
	struct val v = val_of(span_of(arena_dup(&mem, buf_span(b)), b->n));

	buf_clear(b);
	return v;
}

static void
make_records(void)
{
	struct buf b = { 0 };
	const char *const mixed[] = { "1", "1.0", "\"1\"", "\"\\u0031\"", "true", "null", "123456789012345678901234",
	    "\"a longer text than seven\"", "-1", "0", "-0", "\"\"", "\"0\"", "\"00\"", "1e2", "100" };

	arena_reset(&mem);
	for (int i = 0; i < RECORDS; i++) {
		buf_fmt(&b, rnd(3) == 0 ? "\"g%d\"" : "%d", (int)rnd(7));
		data[COL_GROUP][i] = value(&b);
		buf_fmt(&b, "%llu", (unsigned long long)(1700000000000 + rnd(40) * 30000));
		data[COL_TIME][i] = value(&b);
		buf_fmt(&b, rnd(9) == 0 ? "null" : rnd(2) ? "%d" : "%d.%03d", (int)rnd(2000) - 1000, (int)rnd(1000));
		data[COL_NUM][i] = value(&b);
		buf_fmt(&b, rnd(9) == 0 ? "null" : "\"%c%d\"", 'a' + (char)rnd(5), (int)rnd(30));
		data[COL_TEXT][i] = value(&b);
		data[COL_BREAK][i] = rnd(10) == 0 ? val_of(span_str("true")) : (struct val){ 0 };
		data[COL_EVEN][i] = rnd(2) == 0 ? val_of(span_str("true")) : (struct val){ 0 };
		buf_fmt(&b, "%d", 1700000000 + 86400 * (int)rnd(12));
		data[COL_DAY][i] = value(&b);
		buf_str(&b, mixed[rnd(16)]);
		data[COL_MIX][i] = value(&b);
		buf_fmt(&b, "{\"i\":%d,\"pad\":\"%0*d\"}", i, (int)rnd(60) + 1, 0);
		lines[i] = value(&b).raw;
	}
	buf_free(&b);
}

/* Feed records [from, to) as batches of random length. */
static void
feed(const struct op *op, void *st, int from, int to)
{
	uint8_t fate[BATCH_RECORDS_MAX];
	const char *why[BATCH_RECORDS_MAX];

	while (from < to) {
		size_t n = 1 + rnd(100);
		const struct val *col[COLS];
		struct batch b = { .seq0 = (uint64_t)from, .line = lines + from, .col = col, .fate = fate, .why = why };

		b.n = n > (size_t)(to - from) ? (size_t)(to - from) : n;
		for (int c = 0; c < COLS; c++)
			col[c] = data[c] + from;
		memset(fate, F_PASS, sizeof fate);
		okf(op->batch(st, &b, NULL) == 0, "%s: batch", op->name);
		for (size_t i = 0; i < b.n; i++)
			okf(fate[i] != F_REJECT, "%s: record %d rejected: %s", op->name, from + (int)i, why[i]);
		from += (int)b.n;
	}
}

/* ---- what an operator gives ---- */

struct kv { struct map *map; void *into; const struct op *op; };

/* A snapshot as its reader keeps it: the newest value of each key. */
static int
keep(void *arg, struct span key, struct span val)
{
	struct kv *kv = arg;
	struct buf **cell;

	if (val.p == NULL) {
		cell = map_get(kv->map, key);
		okf(cell != NULL, "a key is gone that was never saved");
		if (cell != NULL) {
			buf_free(*cell);
			free(*cell);
		}
		map_del(kv->map, key);
		return 0;
	}
	cell = map_put(kv->map, key, NULL);
	if (*cell == NULL)
		*cell = mem_new(sizeof **cell);
	buf_clear(*cell);
	buf_span_add(*cell, val);
	return 0;
}

static int
add_now(void *arg, struct span key, struct span val)
{
	struct kv *kv = arg;

	return kv->op->add(kv->into, key, val);
}

static int
dump(void *arg, struct span key, struct span val)
{
	struct buf *b = arg;

	buf_fmt(b, "%zu:%zu:", key.n, val.n);
	buf_span_add(b, key);
	buf_span_add(b, val);
	return 0;
}

static int
host_row(void *self, int out, const struct val *cell, size_t n)
{
	struct buf *b = self;

	(void)out;
	for (size_t i = 0; i < n; i++) {
		buf_span_add(b, cell[i].raw);
		buf_byte(b, i + 1 < n ? '\t' : '\n');
	}
	return 0;
}

static int
host_raw(void *self, int out, struct span line)
{
	(void)out;
	buf_span_add(self, line);
	buf_byte(self, '\n');
	return 0;
}

/* The pairs of a state, by key: save gives them in any order, and none twice here. */
static int
note_pair(void *arg, struct span key, struct span val)
{
	bool fresh;
	struct buf **b = map_put(arg, key, &fresh);

	okf(fresh, "a key is saved once");
	if (fresh)
		*b = mem_new(sizeof **b);
	buf_span_add(*b, val);
	return 0;
}

static void
state_text(const struct op *op, void *st, struct buf *out)
{
	struct map *m = map_new(sizeof(struct buf *));
	struct map_entry *e;

	buf_clear(out);
	okf(op->save(st, true, note_pair, m) == 0, "%s: save", op->name);
	e = map_sorted(m);
	for (size_t i = 0; i < map_count(m); i++) {
		struct buf *b = *(struct buf **)e[i].cell;

		(void)dump(out, e[i].key, buf_span(b));
		buf_free(b);
		free(b);
	}
	free(e);
	map_free(m);
}

static void
output(const struct op *op, void *st, int64_t wm, struct buf *out)
{
	struct host host = { out, host_row, host_raw, NULL, NULL };

	okf(op->close(st, wm, &host) == 0, "%s: close", op->name);
}

/* ---- the law ---- */

/* All of a state into another: by the pairs that save gives, or as states of threads are joined. */
static void
pour(const struct op *op, void *into, void *from)
{
	struct kv kv = { NULL, into, op };

	if (op->join != NULL && rnd(2) == 0)
		okf(op->join(into, from) == 0, "%s: join", op->name);
	else
		okf(op->save(from, true, add_now, &kv) == 0, "%s: add", op->name);
}

/* Parts of the input in states of their own, joined in a random order. */
static void
split_and_join(const struct op *op, void *proto, struct span want_state, struct span want_out)
{
	void *part[PARTS], *all = op->fresh(proto);
	int cut[PARTS + 1] = { 0 }, order[PARTS];
	struct buf got = { 0 };

	for (int i = 1; i < PARTS; i++)
		cut[i] = (int)rnd(RECORDS);
	cut[PARTS] = RECORDS;
	for (int i = 1; i < PARTS; i++)
		for (int j = i; j > 1 && cut[j] < cut[j - 1]; j--) {
			int x = cut[j];
			cut[j] = cut[j - 1];
			cut[j - 1] = x;
		}
	for (int i = 0; i < PARTS; i++) {
		int j = (int)rnd((uint64_t)i + 1);

		part[i] = op->fresh(proto);
		feed(op, part[i], cut[i], cut[i + 1]);
		order[i] = order[j];
		order[j] = i;
	}
	/* ((a b) c) d, but the first two may also be joined into each other first */
	if (rnd(2) == 0) {
		pour(op, part[order[1]], part[order[0]]);
		order[0] = -1;
	}
	for (int i = 0; i < PARTS; i++)
		if (order[i] != -1)
			pour(op, all, part[order[i]]);
	state_text(op, all, &got);
	if (op != &seen_op || want_state.n > 0)
		okf(span_eq(buf_span(&got), want_state), "%s: joined parts make another state", op->name);
	buf_clear(&got);
	output(op, all, INT64_MAX, &got);
	okf(span_eq(buf_span(&got), want_out), "%s: joined parts give other rows", op->name);
	for (int i = 0; i < PARTS; i++)
		op->free(part[i]);
	op->free(all);
	buf_free(&got);
}

/* A full snapshot, changes since, a full reader: the same state. With shed in between, where the operator can. */
static void
snapshots(const struct op *op, void *proto, struct span want_state)
{
	void *st = op->fresh(proto), *again = op->fresh(proto);
	struct kv kv = { map_new(sizeof(struct buf *)), again, op };
	struct map_entry e;
	struct buf got = { 0 };
	int at = (int)rnd(RECORDS), to;

	feed(op, st, 0, at);
	okf(op->save(st, true, keep, &kv) == 0, "%s: save", op->name);
	for (; at < RECORDS; at = to) {
		to = at + 1 + (int)rnd(200);
		to = to > RECORDS ? RECORDS : to;
		feed(op, st, at, to);
		okf(op->save(st, false, keep, &kv) == 0, "%s: save of changes", op->name);
	}
	for (size_t i = 0; map_next(kv.map, &i, &e);) {
		struct buf *b = *(struct buf **)e.cell;

		okf(op->add(again, e.key, buf_span(b)) == 0, "%s: add", op->name);
		buf_free(b);
		free(b);
	}
	state_text(op, again, &got);
	okf(span_eq(buf_span(&got), want_state), "%s: snapshot and changes make another state", op->name);
	map_free(kv.map);
	op->free(st);
	op->free(again);
	buf_free(&got);
}

struct pieces { struct buf piece[64]; size_t n; };

static int
keep_piece(void *arg, struct span bytes)
{
	struct pieces *p = arg;

	okf(p->n < 64, "too many pieces");
	if (p->n < 64)
		buf_span_add(&p->piece[p->n++], bytes);
	return 0;
}

/* The same by pieces of bulk, which come back in any order, some of them twice. */
static void
by_bulk(const struct op *op, void *proto, struct span want_state)
{
	void *st = op->fresh(proto), *again = op->fresh(proto);
	struct pieces p = { .n = 0 };
	struct buf got = { 0 };
	int at = (int)rnd(RECORDS), to;

	feed(op, st, 0, at);
	okf(op->bulk->save(st, true, keep_piece, &p) == 0, "%s: save", op->name);
	for (; at < RECORDS; at = to) {
		to = at + 20 + (int)rnd(200);
		to = to > RECORDS ? RECORDS : to;
		feed(op, st, at, to);
		okf(op->bulk->save(st, false, keep_piece, &p) == 0, "%s: save of changes", op->name);
	}
	for (size_t i = p.n; i-- > 0;) {
		struct buf x = p.piece[i];
		size_t j = rnd(i + 1);

		p.piece[i] = p.piece[j];
		p.piece[j] = x;
		for (uint64_t times = 1 + rnd(2); times > 0; times--)
			okf(op->bulk->add(again, buf_span(&p.piece[i])) == 0, "%s: add", op->name);
		okf(p.piece[i].n == 0 || op->bulk->add(again, span_of(p.piece[i].p, p.piece[i].n - 1)) == EXIT_INPUT,
		    "%s: a piece cut off", op->name);
		buf_free(&p.piece[i]);
	}
	state_text(op, again, &got);
	okf(span_eq(buf_span(&got), want_state), "%s: pieces of bulk make another state", op->name);
	op->free(st);
	op->free(again);
	buf_free(&got);
}

static void
shedding(const struct op *op, void *proto, struct span want_state)
{
	void *st = op->fresh(proto), *again = op->fresh(proto);
	struct kv kv = { NULL, again, op };
	struct buf got = { 0 };
	int at = 0, to;

	for (; at < RECORDS; at = to) {
		to = at + 1 + (int)rnd(200);
		to = to > RECORDS ? RECORDS : to;
		feed(op, st, at, to);
		okf(op->shed(st, rnd(3) == 0 ? SIZE_MAX : rnd(3000), add_now, &kv) == 0, "%s: shed", op->name);
	}
	okf(op->save(st, true, add_now, &kv) == 0, "%s: save", op->name);
	state_text(op, again, &got);
	okf(span_eq(buf_span(&got), want_state), "%s: shed parts make another state", op->name);
	op->free(st);
	op->free(again);
	buf_free(&got);
}

static void
law(const struct op *op, void *proto, const char *name, int rounds)
{
	struct buf state = { 0 }, out = { 0 };

	for (int r = 0; r < rounds; r++) {
		void *st = op->fresh(proto);

		make_records();
		feed(op, st, 0, RECORDS);
		state_text(op, st, &state);
		buf_clear(&out);
		output(op, st, INT64_MAX, &out);
		for (int k = 0; k < 3; k++)
			split_and_join(op, proto, buf_span(&state), buf_span(&out));
		snapshots(op, proto, buf_span(&state));
		if (op->bulk != NULL)
			by_bulk(op, proto, buf_span(&state));
		if (op->shed != NULL)
			shedding(op, proto, buf_span(&state));
		op->free(st);
	}
	op->free(proto);
	buf_free(&state);
	buf_free(&out);
	ok_all(name);
}

/* Closing by a watermark that moves, before the rest of the input comes in time order: the same rows as at the end. */
static void
watermark(const struct op *op, void *proto, int64_t lateness, const char *name)
{
	struct buf all = { 0 }, parts = { 0 }, got = { 0 };
	struct kv kv = { map_new(sizeof(struct buf *)), NULL, op };
	struct map_entry e;
	void *a = op->fresh(proto), *b = op->fresh(proto);

	make_records();
	for (int i = 0; i < RECORDS; i++) {	/* in time order, a little shuffled */
		struct buf t = { 0 };

		buf_fmt(&t, "%lld", (long long)1700000000000 + i * 20000 - (int64_t)rnd((uint64_t)lateness));
		data[COL_TIME][i] = value(&t);
		buf_free(&t);
	}
	feed(op, a, 0, RECORDS);
	output(op, a, INT64_MAX, &all);
	for (int i = 0; i < RECORDS; i += 20) {
		feed(op, b, i, i + 20);
		output(op, b, (int64_t)1700000000000 + (i + 20) * 20000 - lateness, &parts);
		okf(op->save(b, i == 0, keep, &kv) == 0, "%s: save", op->name);
		/* what a reader of the snapshots holds is the state */
		if (rnd(5) == 0) {
			struct buf x = { 0 }, y = { 0 };
			void *c = op->fresh(proto);

			for (size_t k = 0; map_next(kv.map, &k, &e);)
				okf(op->add(c, e.key, buf_span(*(struct buf **)e.cell)) == 0, "%s: add", op->name);
			state_text(op, b, &x);
			state_text(op, c, &y);
			okf(span_eq(buf_span(&x), buf_span(&y)), "%s: the snapshot after a close", op->name);
			op->free(c);
			buf_free(&x);
			buf_free(&y);
			/* save(all) forgot what was gone: the reader begins anew */
		}
	}
	output(op, b, INT64_MAX, &parts);
	/* rows of one close are in order; over closes they come by window end: compare as sets of lines */
	okf(all.n == parts.n && all.n > 0, "%s: %zu bytes of rows, wanted %zu", op->name, parts.n, all.n);
	for (size_t at = 0; at < parts.n;) {
		size_t n = (size_t)((char *)memchr(parts.p + at, '\n', parts.n - at) - (parts.p + at)) + 1;

		okf(memmem(all.p, all.n, parts.p + at, n) != NULL, "%s: row %.*s", op->name, (int)n - 1, parts.p + at);
		at += n;
	}
	for (size_t k = 0; map_next(kv.map, &k, &e);) {
		buf_free(*(struct buf **)e.cell);
		free(*(struct buf **)e.cell);
	}
	map_free(kv.map);
	op->free(a);
	op->free(b);
	op->free(proto);
	buf_free(&all);
	buf_free(&parts);
	buf_free(&got);
	ok_all(name);
}

static const int group_col[] = { COL_GROUP, COL_MIX };

static struct window_conf
conf_of(enum window_kind kind, const struct agg *agg, size_t n, size_t groups)
{
	return (struct window_conf){ .kind = kind, .group = group_col, .n_groups = groups, .time = COL_TIME,
	    .unit = UNIT_MS, .brk = -1, .agg = agg, .n_aggs = n, .width = { .us = 300 * US_PER_SEC },
	    .slide = { .us = 300 * US_PER_SEC }, .gap = { .us = 60 * US_PER_SEC } };
}

static void
test_windows(void)
{
	static const struct agg all[] = {
		{ AGG_ROWS, -1, 0 }, { AGG_COUNT, COL_NUM, 0 }, { AGG_SUM, COL_NUM, 0 }, { AGG_AVG, COL_NUM, 0 },
		{ AGG_MIN, COL_NUM, 0 }, { AGG_MAX, COL_NUM, 0 }, { AGG_MIN, COL_TEXT, 0 },
		{ AGG_MAX, COL_TEXT, 0 }, { AGG_FIRST, COL_NUM, 0 },
		{ AGG_LAST, COL_TEXT, 0 }, { AGG_LAST, COL_MIX, 0 }, { AGG_DISTINCT, COL_MIX, 0 },
		{ AGG_DISTINCT, COL_NUM, 0 }, { AGG_STDDEV, COL_NUM, 0 }, { AGG_STDDEV_SAMP, COL_NUM, 0 },
		{ AGG_QUANTILE, COL_NUM, 0, false, { { 5 }, 1, false }, 0 },
		{ AGG_QUANTILE, COL_NUM, 0, false, { { 99 }, 2, false }, 0 }, { AGG_HLL, COL_MIX, 0 },
		{ AGG_TOPK, COL_MIX, 0, false, { { 0 }, 0, false }, 3 }, { AGG_COLLECT, COL_MIX, 0 },
		{ AGG_COLLECT_SET, COL_TEXT, 0 },
	};
	struct window_conf c = conf_of(WINDOW_FIXED, all, sizeof all / sizeof *all, 1);

	law(window_op(&c), window_new(&c), "tumbling windows, every aggregate", 12);
	watermark(window_op(&c), window_new(&c), 90000, "tumbling windows closed by a watermark");
	c.slide.us /= 3;
	law(window_op(&c), window_new(&c), "sliding windows", 6);
	watermark(window_op(&c), window_new(&c), 90000, "sliding windows closed by a watermark");
	c = conf_of(WINDOW_NONE, all, sizeof all / sizeof *all, 2);
	law(window_op(&c), window_new(&c), "GROUP BY two columns", 8);
	c = conf_of(WINDOW_NONE, all, sizeof all / sizeof *all, 0);
	law(window_op(&c), window_new(&c), "no group at all", 4);
	c = conf_of(WINDOW_SESSION, all, sizeof all / sizeof *all, 1);
	law(window_op(&c), window_new(&c), "sessions", 8);
	watermark(window_op(&c), window_new(&c), 90000, "sessions closed by a watermark");
	c.brk = COL_BREAK;
	law(window_op(&c), window_new(&c), "sessions with breaks", 8);
	watermark(window_op(&c), window_new(&c), 90000, "sessions with breaks closed by a watermark");
}

static void
test_others(void)
{
	static const int key[] = { COL_BREAK }, many[] = { COL_GROUP, COL_TIME };
	static const char *const names[] = { "the n largest", "the n largest by rank", "the n largest by dense rank" };

	make_records();
	law(&seen_op, seen_new(&(struct seen_conf){ many, 2, KEY_EXACT }), "the first of each key", 8);
	law(&last_op, last_new(&(struct last_conf){ many, 2, KEY_EXACT, -1, false }), "the last of each key", 8);
	law(&last_op, last_new(&(struct last_conf){ group_col, 1, KEY_EXACT, COL_NUM, false }),
	    "the largest of each key", 8);
	law(&last_op, last_new(&(struct last_conf){ group_col, 1, KEY_TEXT, COL_TEXT, true }),
	    "the smallest of each key", 8);
	for (int t = 0; t < 3; t++)
		law(&top_op, top_new(&(struct top_conf){ .n = 1 + rnd(12), .group = key, .n_groups = rnd(2),
		    .by = COL_TEXT, .ties = (enum top_ties)t, .place = -1 }), names[t], 10);
}

/* ---- a stream that is gone on with by another process ---- */

static struct watermark told;

static void
feed_batch(const struct op *op, void *st, int i)
{
	uint8_t fate = F_PASS;
	const char *why = NULL;
	const struct val *col[COLS];
	struct batch b = { .n = 1, .seq0 = (uint64_t)i, .line = lines + i, .col = col, .fate = &fate, .why = &why };
	struct buf late = { 0 };

	for (int c = 0; c < COLS; c++)
		col[c] = data[c] + i;
	okf(op->batch(st, &b, &(struct host){ &late, host_row, host_raw, NULL, NULL }) == 0, "%s: batch", op->name);
	buf_free(&late);
}

static void
feed_newest(const struct op *op, void *st, int i)
{
	char key[24], ord[24];

	(void)op;
	/* what the record has at random: key and place; some are of all keys, some the same once more */
	snprintf(key, sizeof key, "%.*s", (int)data[COL_TEXT][i].raw.n, data[COL_TEXT][i].raw.p);
	snprintf(ord, sizeof ord, "%.*s", (int)data[COL_TIME][i].raw.n, data[COL_TIME][i].raw.p);
	(void)newest_put(st, i % 97 == 96 ? span_of("", 0) : span_str(key), span_str(ord), lines[i % 5 == 4 ? i - 1 : i]);
}

static void
forget_all(struct map *saved)
{
	struct map_entry e;

	for (size_t i = 0; map_next(saved, &i, &e);) {
		buf_free(*(struct buf **)e.cell);
		free(*(struct buf **)e.cell);
	}
	map_clear(saved);
}

/* Saved behind each epoch, whole or what changed, and now and then loaded into a new one: it gives what it always gave. */
static void
gone_on(const struct op *op, void *(*make)(void), void (*one)(const struct op *, void *, int), const char *name)
{
	struct buf want = { 0 }, got = { 0 };

	for (int round = 0; round < 10; round++) {
		void *st = make(), *other = make();
		struct kv kv = { map_new(sizeof(struct buf *)), NULL, op };
		struct map_entry e;
		bool whole = true;

		make_records();
		watermark_init(&told, (struct dur){ 0 }, NULL);
		watermark_told(&told);
		for (int at = 0, to; at < RECORDS; at = to) {
			to = at + 1 + (int)rnd(50);
			to = to > RECORDS ? RECORDS : to;
			for (int i = at; i < to; i++) {
				one(op, st, i);
				one(op, other, i);
			}
			watermark_raise(&told, 1700000000000 + (int64_t)to * 2000 - 400000);
			output(op, st, told.ms, &want);
			output(op, other, told.ms, &got);
			if (whole)
				forget_all(kv.map);
			okf(op->save(other, whole, keep, &kv) == 0, "%s: save", name);
			whole = false;
			if (rnd(4) > 0)
				continue;
			op->free(other);
			kv.into = other = make();
			for (size_t i = 0; map_next(kv.map, &i, &e);)
				okf(op->add(other, e.key, buf_span(*(struct buf **)e.cell)) == 0, "%s: add", name);
			whole = true;
		}
		okf(want.n > 0 && span_eq(buf_span(&want), buf_span(&got)), "%s: round %d", name, round);
		forget_all(kv.map);
		map_free(kv.map);
		op->free(st);
		op->free(other);
		buf_clear(&want);
		buf_clear(&got);
	}
	buf_free(&want);
	buf_free(&got);
	ok_all(name);
}

static const struct agg some[] = { { AGG_ROWS, -1, 0 }, { AGG_SUM, COL_NUM, 0 }, { AGG_MIN, COL_TEXT, 0 },
	{ AGG_LAST, COL_MIX, 0 }, { AGG_DISTINCT, COL_MIX, 0 } };

static struct window_conf
conf_told(enum window_kind kind)
{
	struct window_conf c = conf_of(kind, some, sizeof some / sizeof *some, 1);

	c.water = &told;
	c.late = true;
	return c;
}

static void *
make_sliding(void)
{
	struct window_conf c = conf_told(WINDOW_FIXED);

	c.slide.us /= 3;
	return window_new(&c);
}

static void *
make_sessions(void)
{
	struct window_conf c = conf_told(WINDOW_SESSION);

	c.brk = COL_BREAK;
	return window_new(&c);
}

static void *
make_top(void)
{
	return top_new(&(struct top_conf){ .n = 2, .group = group_col, .n_groups = 1, .by = COL_NUM, .place = -1,
	    .water = &told, .per = COL_TIME, .unit = UNIT_MS });
}

static void
test_gone_on(void)
{
	gone_on(&window_fixed_op, make_sliding, feed_batch, "sliding windows, gone on with from a state and what changed");
	gone_on(&window_session_op, make_sessions, feed_batch, "sessions, gone on with");
	gone_on(&top_op, make_top, feed_batch, "the largest of each time, gone on with");
	gone_on(&newest_op, newest_new, feed_newest, "the newest of each key, gone on with");
}

static void
test_people(void)
{
	static const int steps[] = { COL_BREAK, COL_EVEN, COL_BREAK }, people[] = { COL_GROUP, COL_MIX, COL_GROUP };
	static const int32_t days[] = { 0, 1, 3, 10 };
	struct span names[] = { span_str("\"a\""), span_str("\"b\""), span_str("\"c\"") };
	struct funnel_conf f = { .key = people, .n_groups = 1, .n_users = 1, .time = COL_TIME, .unit = UNIT_MS,
	    .within = { .us = 200 * US_PER_SEC }, .step = steps, .name = names, .n_steps = 3 };
	struct retention_conf r = { .group = people, .n_groups = 1, .user = people + 1, .n_users = 1, .cohort = COL_TIME,
	    .cohort_unit = UNIT_MS, .day = COL_DAY, .day_unit = UNIT_S, .days = days, .n_days = 4 };

	law(&funnel_op, funnel_new(&f), "a funnel", 8);
	f.day = true;
	f.n_groups = 0;
	law(&funnel_op, funnel_new(&f), "a funnel of a day, no groups", 8);
	f.unordered = true;
	law(&funnel_op, funnel_new(&f), "a funnel of steps by themselves", 8);
	law(&retention_op, retention_new(&r), "retention", 8);
	r.n_groups = 0;
	law(&retention_op, retention_new(&r), "retention without groups", 8);
}

/* What passes depends on the order, so nothing is joined; but a snapshot and its changes are the state. */
static void
test_recent(void)
{
	static const int key[] = { COL_GROUP };
	struct recent_conf conf = { .key = key, .n_keys = 1, .time = COL_TIME, .unit = UNIT_MS,
	    .within = { .us = 90 * US_PER_SEC } };

	for (int r = 0; r < 16; r++) {
		void *proto, *st, *late;
		struct buf state = { 0 }, left = { 0 };

		conf.kind = r % 3 == 2 ? RECENT_ONCE : r % 3 == 1 ? RECENT_DAY : RECENT_WITHIN;
		conf.ttl = (struct dur){ .us = r < 8 ? 0 : 400 * US_PER_SEC };
		proto = recent_new(&conf);
		st = recent_op.fresh(proto);
		make_records();
		feed(&recent_op, st, 0, RECORDS);
		state_text(&recent_op, st, &state);
		snapshots(&recent_op, proto, buf_span(&state));
		by_bulk(&recent_op, proto, buf_span(&state));
		/* a watermark behind all of it leaves nothing; one before all of it leaves everything */
		okf(recent_op.close(st, 1600000000000, NULL) == 0, "close");
		state_text(&recent_op, st, &left);
		okf(span_eq(buf_span(&left), buf_span(&state)), "nothing to forget");
		okf(recent_op.close(st, 1900000000000, NULL) == 0, "close");
		late = recent_op.fresh(proto);
		struct kv kv = { NULL, late, &recent_op };
		okf(recent_op.save(st, true, add_now, &kv) == 0, "save");
		state_text(&recent_op, late, &left);
		/* the clock of a ttl stays; what passes once is not forgotten by a watermark */
		okf(r >= 8 || conf.kind == RECENT_ONCE || left.n == 0, "all is forgotten");
		recent_op.free(late);
		recent_op.free(st);
		recent_op.free(proto);
		buf_free(&state);
		buf_free(&left);
	}
	ok_all("records within a while of each other");
}

static void
test_ids(void)
{
	struct ids narrow = { 0 }, grows = { 0 };
	struct fp *v;
	bool held = true;

	for (uint64_t i = 0; i < 20000; i++) {
		struct fp id = { i * 7919 % 20011, 0 };

		okf(ids_add(&narrow, id) && !ids_add(&narrow, id), "id %d", (int)i);
	}
	okf(ids_count(&narrow) == 20000 && !narrow.wide && ids_bytes(&narrow) < 20000 * 16, "%d ids",
	    (int)ids_count(&narrow));
	for (uint64_t i = 0; i < 3000; i++)
		okf(ids_add(&grows, (struct fp){ i, i > 1000 ? i : 0 }), "id %d", (int)i);
	for (uint64_t i = 0; i < 3000; i++)
		okf(!ids_add(&grows, (struct fp){ i, i > 1000 ? i : 0 }), "id %d again", (int)i);
	v = ids_sorted(&grows);
	for (size_t i = 0; i < 3000; i++)
		held = held && v[i].lo == i && v[i].hi == (i > 1000 ? i : 0);
	okf(held && grows.wide, "a set that became wide");
	free(v);
	ids_free(&narrow);
	ids_free(&grows);
	ok_all("ids: narrow, wide, 0, growth");
}

/* Two sets of every size and width into one, against an array that says who is in. */
static void
test_ids_take(void)
{
	enum { IDS = 3000 };
	static const uint64_t sizes[] = { 0, 1, 5, IDS_LIST - 1, IDS_LIST, IDS_LIST + 1, 200, 2500 };
	const size_t n_sizes = sizeof sizes / sizeof *sizes;

	for (size_t r = 0; r < n_sizes * n_sizes * 4; r++) {
		struct ids a = { .wide = r & 1 }, b = { .wide = r >> 1 & 1 };
		static bool in[IDS];
		uint64_t n[2] = { sizes[r / 4 % n_sizes], sizes[r / 4 / n_sizes] }, count = 0;

		memset(in, 0, sizeof in);
		for (int k = 0; k < 2; k++)
			for (uint64_t i = 0; i < n[k]; i++) {
				uint64_t id = rnd(IDS);

				(void)ids_add(k == 0 ? &a : &b, (struct fp){ id, r % 3 == 0 && id % 7 == 0 ? 1 : 0 });
				count += !in[id];
				in[id] = true;
			}
		ids_take(&a, &b);
		okf(ids_count(&a) == count && ids_count(&b) == 0, "round %d: %d ids", (int)r, (int)ids_count(&a));
		for (uint64_t id = 0; id < IDS; id++)
			okf(ids_has(&a, (struct fp){ id, r % 3 == 0 && id % 7 == 0 ? 1 : 0 }) == in[id] &&
			    !ids_has(&a, (struct fp){ id, 2 }), "round %d: id %d", (int)r, (int)id);
		ids_free(&a);
		ids_free(&b);
	}
	ok_all("ids: two sets into one");
}

/* Values that are counted: a run of numbers, as texts. */
static void
count_run(struct hll *h, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < from + n; i++) {
		char text[24];
		int len = snprintf(text, sizeof text, "\"user %llu\"", (unsigned long long)i);

		hll_add(h, hash_fixed(span_of(text, (size_t)len)));
	}
}

/* Exact up to HLL_EXACT; then off by 0.81 % in the mean of squares, as its header says, and never by much more. */
static void
test_hll_error(void)
{
	static const uint64_t sizes[] = { 1, 100, HLL_EXACT, HLL_EXACT + 1, 5000, 20000, 60000 };
	double squares = 0;
	int n = 0;

	for (uint64_t round = 0; round < 24; round++)
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct hll h = { 0 };
			double off;

			count_run(&h, round * 1000000, sizes[i]);
			count_run(&h, round * 1000000, sizes[i] / 2);	/* again: nothing new */
			off = ((double)hll_count(&h) - (double)sizes[i]) / (double)sizes[i];
			okf(sizes[i] > HLL_EXACT ? off > -0.035 && off < 0.035 : hll_count(&h) == sizes[i],
			    "%d values: %d", (int)sizes[i], (int)hll_count(&h));
			squares += sizes[i] > HLL_EXACT ? off * off : 0;
			n += sizes[i] > HLL_EXACT;
			hll_free(&h);
		}
	okf(squares / n < 0.01 * 0.01, "standard error %d in a million", (int)(1e6 * squares / n));
	ok_all("hll: 0.81 % off");
}

/* Sparse and dense into each other, as they stand and from bytes: the same bytes as from one pass. */
static void
test_hll_join(void)
{
	static const uint64_t sizes[] = { 0, 10, 1500, HLL_EXACT, 9000 };
	const size_t n_sizes = sizeof sizes / sizeof *sizes;

	for (size_t r = 0; r < n_sizes * n_sizes * 2; r++) {
		uint64_t n = sizes[r / 2 % n_sizes], m = sizes[r / 2 / n_sizes];
		struct hll all = { 0 }, a = { 0 }, b = { 0 };
		struct buf want = { 0 }, got = { 0 };

		count_run(&all, 0, n);
		count_run(&all, n / 2, m);
		count_run(&a, 0, n);
		count_run(&b, n / 2, m);
		hll_pack(&want, &all);
		if (r % 2 == 0) {
			hll_take(&a, &b);
		} else {
			struct unpack u;

			hll_pack(&got, &b);
			u = (struct unpack){ buf_span(&got), true };
			hll_join(&a, &u);
			okf(unpack_done(&u), "round %d: read to the end", (int)r);
			buf_clear(&got);
		}
		hll_pack(&got, &a);
		okf(span_eq(buf_span(&got), buf_span(&want)), "round %d: other bytes", (int)r);
		hll_free(&all);
		hll_free(&a);
		hll_free(&b);
		buf_free(&want);
		buf_free(&got);
	}
	ok_all("hll: joined, sparse and dense");
}

static void
test_join(void)
{
	struct join *j = join_new(false, SIZE_MAX), *p = join_new(true, SIZE_MAX);
	struct buf k = { 0 }, room = { 0 };
	struct span s, got;

	for (int i = 0; i < 5000; i++) {
		buf_clear(&k);
		buf_fmt(&k, "%d", i);
		s = buf_span(&k);
		okf(join_put(j, hash_mem(s), s, s, JOIN_EVER) == NULL, "put %d", i);
		okf(join_put(j, hash_mem(s), s, s, JOIN_EVER) != NULL, "put %d again", i);
		/* periods 10 days long with a day between, put in a mixed order */
		for (int32_t a = 0; a < 5; a++) {
			int32_t from = (a * 3 + i) % 5 * 11;

			okf(join_put(p, hash_mem(s), s, span_of((const char *)&from, sizeof from),
			    (struct period){ from, from + 9 }) == NULL, "period %d of %d", from, i);
			okf(join_put(p, hash_mem(s), s, s, (struct period){ from - 1, from }) != NULL,
			    "overlap at %d of %d", from, i);
		}
	}
	for (int i = 0; i < 5010; i++) {
		buf_clear(&k);
		buf_fmt(&k, "%d", i);
		s = buf_span(&k);
		okf(join_get(j, hash_mem(s), s, 0, &room, &got) == (i < 5000), "get %d", i);
		okf(i >= 5000 || span_eq(got, s), "bytes of %d", i);
		for (int32_t day = -3; i < 100 && day < 60; day++) {
			bool there = day >= 0 && day % 11 < 10 && day < 55, found;
			int32_t from = -1;

			found = join_get(p, hash_mem(s), s, day, &room, &got) == 1;
			if (found && got.n == sizeof from)
				memcpy(&from, got.p, sizeof from);
			okf(found == there && (!found || from == day / 11 * 11), "day %d of %d", day, i);
		}
	}
	buf_free(&k);
	buf_free(&room);
	join_free(j);
	join_free(p);
	ok_all("join: keys, repeats, periods");
}

static void
test_key(void)
{
	struct span part[3];

	ok(key_split(span_str("1,\"a,\\\"b\",null"), part, 3) && span_is(part[0], "1") &&
	    span_is(part[1], "\"a,\\\"b\"") && span_is(part[2], "null"), "a key taken apart");
	ok(!key_split(span_str("1,2"), part, 3) && !key_split(span_str("1,2,3,4"), part, 3) &&
	    !key_split(span_str("\"a"), part, 1) && !key_split(span_str(""), part, 1) &&
	    key_split(span_str(""), part, 0), "what is no key is not taken apart");
}

/* Bytes that are no state of ours are refused, whatever they are. */
static void
test_damage(void)
{
	static const struct agg all[] = { { AGG_SUM, COL_NUM, 0 }, { AGG_MIN, COL_TEXT, 0 },
	    { AGG_DISTINCT, COL_MIX, 0 }, { AGG_LAST, COL_MIX, 0 }, { AGG_STDDEV, COL_NUM, 0 },
	    { AGG_QUANTILE, COL_NUM, 0, false, { { 5 }, 1, false }, 0 }, { AGG_HLL, COL_MIX, 0 },
	    { AGG_TOPK, COL_MIX, 0, false, { { 0 }, 0, false }, 2 }, { AGG_COLLECT, COL_TEXT, 0 } };
	struct window_conf fixed = conf_of(WINDOW_FIXED, all, sizeof all / sizeof *all, 1);
	struct window_conf session = conf_of(WINDOW_SESSION, all, sizeof all / sizeof *all, 1);
	static const int32_t days[] = { 0, 1 };
	static const int people[] = { COL_GROUP, COL_MIX }, steps[] = { COL_BREAK, COL_EVEN };
	struct span names[] = { span_str("\"a\""), span_str("\"b\"") };
	const struct op *op[] = { &window_fixed_op, &window_session_op, &last_op, &top_op, &funnel_op, &retention_op };
	void *proto[] = { window_new(&fixed), window_new(&session),
	    last_new(&(struct last_conf){ group_col, 1, KEY_EXACT, COL_NUM, false }),
	    top_new(&(struct top_conf){ .n = 3, .group = group_col, .n_groups = 1, .by = COL_NUM, .place = -1 }),
	    funnel_new(&(struct funnel_conf){ .key = people, .n_groups = 1, .n_users = 1, .time = COL_TIME,
	    .within = { .us = 9 }, .step = steps, .name = names, .n_steps = 2 }),
	    retention_new(&(struct retention_conf){ .group = people, .n_groups = 1, .user = people + 1, .n_users = 1,
	    .cohort = COL_TIME, .day = COL_DAY, .days = days, .n_days = 2 }) };

	for (size_t o = 0; o < sizeof op / sizeof *op; o++) {
		struct kv kv = { map_new(sizeof(struct buf *)), NULL, op[o] };
		struct buf out = { 0 };
		struct host host = { &out, host_row, host_raw, NULL, NULL };
		struct map_entry e;

		make_records();
		feed(op[o], proto[o], 0, 100);
		okf(op[o]->save(proto[o], true, keep, &kv) == 0, "save");
		for (size_t i = 0; map_next(kv.map, &i, &e);) {
			struct buf *b = *(struct buf **)e.cell;

			for (int k = 0; k < 20; k++) {
				void *st = op[o]->fresh(proto[o]);
				size_t n = rnd(b->n), at = rnd(b->n);
				char was = b->p[at];

				(void)op[o]->add(st, e.key, span_of(b->p, n));
				b->p[at] = (char)rnd(256);
				(void)op[o]->add(st, e.key, buf_span(b));
				b->p[at] = was;
				buf_clear(&out);
				(void)op[o]->close(st, INT64_MAX, &host);
				op[o]->free(st);
				okf(true, "no crash");
			}
			buf_free(b);
			free(b);
		}
		map_free(kv.map);
		buf_free(&out);
		op[o]->free(proto[o]);
	}
	ok_all("damaged states");
}

int
main(void)
{

	err_name("op_test");
	if (freopen("/dev/null", "w", stderr) == NULL)	/* refusals are told, a thousand times here */
		return 1;
	test_ids();
	test_ids_take();
	test_hll_error();
	test_hll_join();
	test_join();
	test_key();
	test_windows();
	test_others();
	test_gone_on();
	test_recent();
	test_people();
	test_damage();
	arena_free(&mem);
	return done();
}
