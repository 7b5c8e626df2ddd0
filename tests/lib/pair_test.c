/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair_test - op/pair keeps the operators' law: what was saved, whole or change by change, and brought back, in any
 * order, goes on to write the very lines that a state which was never put down writes
 */
#include "base/err.h"
#include "base/mem.h"
#include "op/pair.h"
#include "random.h"
#include "t.h"

enum { COL_KEY, COL_TIME, COLS };
#define RECORDS 600
#define CHUNK_MAX 23
#define ENTRIES_MAX 4096
#define LATE_US 40
#define ROUNDS 4

/* ---- two streams, and how they are told ---- */

struct stream {
	struct val col[COLS][RECORDS];
	struct span line[RECORDS];
};

struct chunk {
	int side, from, n, turn;	/* turn: what happens behind it */
};

enum { GO_ON, SAVE, RESTART };

static struct stream streams[2];
static struct chunk chunks[2 * RECORDS];
static int n_chunks;
static struct arena mem;

/* Times rise, but for some disorder: within the lateness, and now and then a record that is late. */
static void
make_streams(void)
{
	arena_free(&mem);
	for (int s = 0; s < 2; s++) {
		for (int i = 0; i < RECORDS; i++) {
			uint64_t us = 1000000 + (uint64_t)i * 5 - rnd(rnd(30) == 0 ? 100 : LATE_US);
			struct buf b = { 0 };

			streams[s].col[COL_KEY][i] = rnd(25) == 0 ? val_make(T_NULL, span_str("null")) : rnd_number(&mem, rnd(9));
			streams[s].col[COL_TIME][i] = rnd_number(&mem, us);
			/* of all sizes of a pool's blocks */
			buf_fmt(&b, "{\"%c\":%d,\"p\":\"%*s\"}", "lr"[s], i, i == 0 ? 487 :
			    rnd(3) == 0 ? (int)rnd(1500) : 0, "");
			streams[s].line[i] = span_of(arena_dup(&mem, buf_span(&b)), b.n);
			buf_free(&b);
		}
	}
	n_chunks = 0;
	for (int at[2] = { 0, 0 }; at[0] < RECORDS || at[1] < RECORDS; n_chunks++) {
		int s = at[0] == RECORDS ? 1 : at[1] == RECORDS ? 0 : (int)rnd(2), n = 1 + (int)rnd(CHUNK_MAX);

		n = n_chunks == 0 ? 1 : n;
		n = n > RECORDS - at[s] ? RECORDS - at[s] : n;
		chunks[n_chunks] = (struct chunk){ s, at[s], n, rnd(4) == 0 ? RESTART : rnd(3) == 0 ? SAVE : GO_ON };
		at[s] += n;
	}
}

/* ---- what was saved ---- */

struct entry {
	struct buf key, val;
};

struct store {
	struct entry v[ENTRIES_MAX];
	size_t n;
};

static int
keep(void *arg, struct span key, struct span val)
{
	struct store *s = arg;
	size_t i = 0;

	while (i < s->n && !span_eq(buf_span(&s->v[i].key), key))
		i++;
	if (val.p == NULL) {
		if (okf(i < s->n, "a key goes that is there")) {
			buf_free(&s->v[i].key);
			buf_free(&s->v[i].val);
			s->v[i] = s->v[--s->n];
			memset(&s->v[s->n], 0, sizeof s->v[s->n]);
		}
		return 0;
	}
	if (i == s->n && s->n++ == ENTRIES_MAX)
		return 1;
	buf_clear(&s->v[i].key);
	buf_clear(&s->v[i].val);
	buf_span_add(&s->v[i].key, key);
	buf_span_add(&s->v[i].val, val);
	return 0;
}

static void
drop(struct store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		buf_free(&s->v[i].key);
		buf_free(&s->v[i].val);
	}
	memset(s, 0, sizeof *s);
}

static bool
same(const struct store *a, const struct store *b)
{
	size_t i = 0, k;

	for (; i < a->n; i++) {
		for (k = 0; k < b->n && !span_eq(buf_span(&a->v[i].key), buf_span(&b->v[k].key)); k++)
			;
		if (k == b->n || !span_eq(buf_span(&a->v[i].val), buf_span(&b->v[k].val)))
			return false;
	}
	return a->n == b->n;
}

/* Another state of what the store holds, in any order; only the watermarks are told by run. */
static void *
restored(const struct pair_conf *conf, const struct store *s, void *was)
{
	void *st = pair_new(conf);
	size_t order[ENTRIES_MAX];

	for (size_t i = 0; i < s->n; i++) {
		size_t k = rnd(i + 1);

		order[i] = order[k];
		order[k] = i;
	}
	for (size_t i = 0; i < s->n; i++)
		okf(pair_op.add(st, buf_span(&s->v[order[i]].key), buf_span(&s->v[order[i]].val)) == 0, "add");
	for (int side = 0; side < 2; side++)
		*pair_watermark(st, side) = *pair_watermark(was, side);
	return st;
}

/* ---- both ways ---- */

static int
raw(void *self, int out, struct span line)
{
	(void)out;
	buf_span_add(self, line);
	buf_byte(self, '\n');
	return 0;
}

static void
feed(void *st, const struct chunk *c, const struct host *host)
{
	uint8_t fate[CHUNK_MAX] = { F_PASS };
	const char *why[CHUNK_MAX];
	const struct val *col[COLS];
	struct batch b = { .n = (size_t)c->n, .line = streams[c->side].line + c->from, .col = col, .fate = fate, .why = why };

	for (int k = 0; k < COLS; k++)
		col[k] = streams[c->side].col[k] + c->from;
	okf(pair_feed(st, c->side, &b, host) == 0, "feed");
	okf(pair_advance(st, host) == 0, "advance");
}

static void
end(void *st, const struct host *host)
{
	pair_ended(st, 0);
	pair_ended(st, 1);
	okf(pair_op.close(st, INT64_MAX, host) == 0, "close");
	pair_op.free(st);
}

static void
straight(const struct pair_conf *conf, struct buf *out)
{
	struct host host = { .self = out, .raw = raw };
	void *st = pair_new(conf);

	for (int i = 0; i < n_chunks; i++)
		feed(st, &chunks[i], &host);
	end(st, &host);
}

/* Saved now and then, by what has changed where a whole one stands already, and at times begun anew from that. */
static void
put_down(const struct pair_conf *conf, struct buf *out)
{
	static struct store kept, whole;
	struct host host = { .self = out, .raw = raw };
	void *st = pair_new(conf), *next;
	bool changes = false;

	for (int i = 0; i < n_chunks; i++) {
		feed(st, &chunks[i], &host);
		if (chunks[i].turn == GO_ON)
			continue;
		if (!changes)
			drop(&kept);
		okf(pair_op.save(st, !changes, keep, &kept) == 0, "save %s", changes ? "changes" : "all");
		changes = true;
		if (chunks[i].turn == SAVE)
			continue;
		next = restored(conf, &kept, st);
		pair_op.free(st);
		st = next;
		okf(pair_op.save(st, true, keep, &whole) == 0, "save again");
		okf(same(&kept, &whole), "kind %d, type %d, chunk %d: what was brought back is what was saved", (int)conf->kind,
		    (int)conf->type, i);
		drop(&whole);
		changes = rnd(2) == 0;		/* that save was a whole one, of the same */
	}
	drop(&kept);
	end(st, &host);
}

/*
 * As threads do that scan ahead: times, keys and the order of records are made before their turn, lines stay in blocks
 * that are lent, which are filled with something else as soon as they may be.
 */
static void
ahead(const struct pair_conf *given, struct buf *out)
{
	struct pair_conf conf = *given;
	struct host host = { .self = out, .raw = raw };
	struct buf scratch = { 0 }, made[2] = { { 0 }, { 0 } };
	void *st;

	conf.ordered = true;
	st = pair_new(&conf);
	for (int i = 0; i < n_chunks; i++) {
		const struct chunk *c = &chunks[i];
		uint8_t fate[CHUNK_MAX] = { F_PASS };
		const char *why[CHUNK_MAX];
		const struct val *col[COLS];
		struct span line[CHUNK_MAX];
		struct fp fp[CHUNK_MAX];
		struct lent *l = lent_get(pair_idle(st));
		struct batch b = { .n = (size_t)c->n, .line = line, .col = col, .fate = fate, .why = why, .ahead = fp };

		memset(l->bytes.p == NULL ? buf_room(&l->bytes, 1) : l->bytes.p, 'x', l->bytes.cap == 0 ? 1 : l->bytes.cap);
		buf_clear(&l->bytes);
		for (int k = 0; k < c->n; k++)
			(void)buf_room(&l->bytes, streams[c->side].line[c->from + k].n * (size_t)c->n);
		for (int k = 0; k < c->n; k++) {
			line[k] = streams[c->side].line[c->from + k];
			buf_span_add(&l->bytes, line[k]);
			line[k].p = l->bytes.p + l->bytes.n - line[k].n;
		}
		l->used = l->bytes.n + 100000;	/* as if more of it were of lines that are gone */
		for (int k = 0; k < COLS; k++)
			col[k] = streams[c->side].col[k] + c->from;
		pair_ahead(st, c->side, &b, &scratch, fp);
		buf_clear(&made[c->side]);
		pair_ordered(st, c->side, false, &made[c->side]);
		pair_lend(st, i > 0 && rnd(4) == 0 ? (lent_add(pair_idle(st), l), NULL) : l);
		okf(pair_feed(st, c->side, &b, &host) == 0, "feed");
		pair_lend(st, NULL);
		pair_take_order(st, c->side, buf_span(&made[c->side]));
		/* the first time right behind the first record, whose line then comes to stand behind it in the pool */
		if (i == 0 || rnd(4) == 0)
			pair_settle(st);
		okf(pair_advance(st, &host) == 0, "advance");
	}
	for (int side = 0; side < 2; side++) {
		buf_clear(&made[side]);
		pair_ordered(st, side, true, &made[side]);
		pair_take_order(st, side, buf_span(&made[side]));
		buf_free(&made[side]);
	}
	buf_free(&scratch);
	end(st, &host);
}

static void
one(const struct pair_conf *conf)
{
	struct buf a = { 0 }, b = { 0 };

	straight(conf, &a);
	ahead(conf, &b);
	okf(span_eq(buf_span(&a), buf_span(&b)), "kind %d, type %d: ahead, and lent", (int)conf->kind, (int)conf->type);
	buf_clear(&b);
	put_down(conf, &b);
	okf(a.n > 0, "kind %d, type %d: there are lines", (int)conf->kind, (int)conf->type);
	okf(span_eq(buf_span(&a), buf_span(&b)), "kind %d, type %d: the same lines", (int)conf->kind, (int)conf->type);
	buf_free(&a);
	buf_free(&b);
}

/* Bytes that no save wrote. */
static void
damaged(const struct pair_conf *conf)
{
	static struct store kept;
	struct buf out = { 0 }, said = { 0 };
	struct host host = { .self = &out, .raw = raw };
	void *st = pair_new(conf);

	for (int i = 0; i < 4; i++)
		feed(st, &chunks[i], &host);
	okf(pair_op.save(st, true, keep, &kept) == 0, "save");
	err_hold(&said);
	for (size_t i = 0; i < kept.n; i++) {
		struct span val = buf_span(&kept.v[i].val);

		for (size_t n = 0; n < val.n; n++) {
			void *other = pair_new(conf);

			/* whole records stay in front of where it is cut: then it is not known for one */
			(void)pair_op.add(other, buf_span(&kept.v[i].key), span_of(val.p, n));
			okf(n > 0 || kept.v[i].key.n > 0 || pair_op.add(other, span_of("", 0), span_of("", 0)) != 0,
			    "no head in no bytes");
			okf(pair_op.add(other, buf_span(&kept.v[i].key), span_of("\xff\xff\xff", 3)) != 0, "not a number");
			pair_op.free(other);
		}
	}
	err_hold(NULL);
	drop(&kept);
	pair_op.free(st);
	buf_free(&out);
	buf_free(&said);
}

int
main(void)
{
	static const int key[] = { COL_KEY };
	const struct pair_side side = { key, COL_TIME, UNIT_US, true, { .us = LATE_US } };
	const struct pair_conf kinds[] = {
		{ .kind = PAIR_BETWEEN, .lo_us = -30, .hi_us = 50 }, { .kind = PAIR_BETWEEN, .lo_us = 20, .hi_us = 60 },
		{ .kind = PAIR_WINDOW, .width = { .us = 100 }, .slide = { .us = 100 } },
		{ .kind = PAIR_WINDOW, .width = { .us = 100 }, .slide = { .us = 30 }, .offset_us = 7 },
		{ .kind = PAIR_SESSION, .gap_us = 12 },
	};
	const struct zone *utc = zone_open("UTC");

	for (int round = 0; round < ROUNDS; round++) {
		make_streams();
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
			for (int type = PAIR_INNER; type <= PAIR_ANTI; type++) {
				struct pair_conf conf = kinds[k];

				conf.type = (enum pair_type)type;
				conf.side[0] = conf.side[1] = side;
				conf.n_keys = 1;
				conf.zone = utc;
				conf.which = conf.late_out = -1;
				one(&conf);
				if (round == 0)
					damaged(&conf);
			}
		}
	}
	arena_free(&mem);
	ok_all("saved, whole or what changed, brought back in any order, gone on: the same lines");
	return done();
}
