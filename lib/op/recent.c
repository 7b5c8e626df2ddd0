/* SPDX-License-Identifier: BSD-2-Clause */
/* recent - see recent.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/fps.h"
#include "op/pack.h"
#include "op/recent.h"

/*
 * Pieces of bulk are entries of what passed, the key's fingerprint by pack_fp and the time by pack_order; or, before
 * those of the same save, the largest time met.
 */
#define CLOCK_BYTES ((size_t)8)
#define ENTRY_BYTES ((size_t)FP_BYTES + 8)
#define PIECE_BYTES (ENTRY_BYTES << 16)		/* of a save of all */
#define AHEAD 16				/* looked for at once */
#define US_PER_DAY (86400 * US_PER_SEC)
#define ABOUT_DAYS_MAX 3660000
#define ROOM_MIN 65536				/* entries: a table that is smaller grows as it likes */

struct recent {
	struct recent_conf conf;
	struct dur window;
	bool forgets;			/* there is a ttl */
	int64_t ttl_min, ttl_max;	/* it has days and months: about as long */
	struct fps passed;		/* to times */
	struct buf scratch, val;
	/*
	 * Since the last save, and only once there was one: entries of what passed; where that save was of pairs, keys
	 * that are forgotten.  Pairs behind a save of bulk go without: what was forgotten does no harm when it is back.
	 */
	struct buf news, gone;
	bool saved, tells_gone;
	/* the saves by bulk from the last one of all on: none of their n entries is later than that */
	struct part { uint64_t n; int64_t newest; } *part;
	size_t n_parts;
	int64_t lo, hi;			/* the window met last: most records stay in it */
	int64_t newest;			/* the largest time met */
	int64_t closed;			/* the time of close() */
	bool clock_dirty;
	struct token token[BATCH_RECORDS_MAX];
};

/* From us to dur_add of it: no less and no more, for zones move their clocks by a day at most. */
static void
about(struct dur d, int64_t *least, int64_t *most)
{
	*least = *most = d.us;
	if ((d.days | d.months) != 0 && (d.days > ABOUT_DAYS_MAX || d.months > ABOUT_DAYS_MAX / 31)) {
		*least = 0;
		*most = INT64_MAX;
	} else if ((d.days | d.months) != 0) {
		*least += (d.days + d.months * 28 - 2) * US_PER_DAY;
		*most += (d.days + d.months * 31 + 2) * US_PER_DAY;
	}
}

void *
recent_new(const struct recent_conf *conf)
{
	struct recent *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->window = conf->kind == RECENT_DAY ? (struct dur){ .days = 1 } : conf->within;
	s->forgets = conf->ttl.us != 0 || conf->ttl.days != 0 || conf->ttl.months != 0;
	about(conf->ttl, &s->ttl_min, &s->ttl_max);
	s->lo = INT64_MAX;
	s->hi = s->newest = INT64_MIN;
	return s;
}

/* ---- windows ---- */

static int64_t
after(const struct recent *s, int64_t us)
{
	return dur_add(s->window, 1, us, s->conf.zone);
}

static int64_t
floor_of(const struct recent *s, int64_t us)
{
	return dur_floor(s->window, 0, us, s->conf.zone);
}

static int64_t
window_of(struct recent *s, int64_t us)
{
	if (us >= s->lo && us < s->hi)
		return s->lo;
	s->lo = floor_of(s, us);
	s->hi = floor_of(s, after(s, s->lo));
	return s->lo;
}

/* Where a key and a window stand.  The upper half stays (op/sift.h); the lower is as good as another hash. */
static struct fp
in_window(struct fp id, int64_t start)
{
	id.lo ^= (uint64_t)start * UINT64_C(0x9e3779b97f4a7c15);
	return id;
}

static int64_t
time_of(uint64_t word)
{
	return (int64_t)word;
}

static bool
remembered(const struct recent *s, uint64_t word, int64_t newest)
{
	int64_t age;

	if (!s->forgets)
		return true;
	age = newest - time_of(word);		/* both lie between WHEN_US_MIN and WHEN_US_MAX */
	if (age < s->ttl_min)
		return true;
	return age < s->ttl_max && dur_add(s->conf.ttl, 1, time_of(word), s->conf.zone) > newest;
}

/* ---- forgetting ---- */

static void
forgotten(struct recent *s, const struct fps_slot *slot)
{
	if (!s->tells_gone)
		return;
	pack_fp(buf_room(&s->gone, FP_BYTES), slot->id);
	s->gone.n += FP_BYTES;
}

static bool
stays(void *st, const struct fps_slot *slot)
{
	struct recent *s = st;

	if (remembered(s, slot->word, s->newest))
		return true;
	forgotten(s, slot);
	return false;
}

static uint64_t
trim(void *st)
{
	struct recent *s = st;

	fps_sweep(&s->passed, stays, s);
	return s->passed.n;
}

/* Before the table grows: what is forgotten makes room, where that is half of it. Each new entry pays for two looks. */
static void
make_room(struct recent *s)
{
	uint64_t was = s->passed.n;

	if (!s->forgets || !fps_full(&s->passed, BATCH_RECORDS_MAX) || was < ROOM_MIN)
		return;
	if (trim(s) > was / 2)
		fps_reserve(&s->passed, mem_add(was, was / 4));
}

/* ---- op/sift.h ---- */

static void
read_tokens(void *st, const struct batch *b, struct token *m)
{
	struct recent *s = st;
	const struct recent_conf *f = &s->conf;

	make_room(s);
	sift_ids(b, f->key, f->n_keys, f->as, &s->scratch, m);
	for (size_t i = 0; i < b->n; i++) {
		const char *why;

		if (b->fate[i] != F_PASS)
			continue;
		if ((why = when_val(b->col[f->time][i], f->unit, f->zone, &s->scratch, &m[i].us)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		s->clock_dirty = s->clock_dirty || m[i].us > s->newest;
		s->newest = m[i].us > s->newest ? m[i].us : s->newest;
		m[i].wm = s->newest;
	}
}

static void
prefetch(const void *st, const struct token *m)
{
	const struct recent *s = st;

	if (s->conf.kind == RECENT_ONCE)
		fps_prefetch(&s->passed, m->id);
	else if (m->us >= s->lo && m->us < s->hi)	/* else it costs more than it gains */
		fps_prefetch(&s->passed, in_window(m->id, s->lo));
}

static inline void
add_entry(struct buf *b, struct fp id, int64_t us)
{
	char *p = b->cap - b->n >= ENTRY_BYTES ? b->p + b->n : buf_room_pages(b, ENTRY_BYTES);

	pack_fp(p, id);
	pack_order(p + FP_BYTES, us);
	b->n += ENTRY_BYTES;
}

static void
note_as(struct recent *s, struct fp id, int64_t us)
{
	bool fresh;

	*fps_put(&s->passed, id, &fresh) = (uint64_t)us;
	if (s->saved)
		add_entry(&s->news, id, us);
}

/* Is there a time in that window, and is it near? */
static bool
near(const struct recent *s, const struct token *m, int64_t start)
{
	const uint64_t *word = fps_get(&s->passed, in_window(m->id, start));
	int64_t then;

	if (word == NULL || !remembered(s, *word, m->wm))
		return false;
	if (s->conf.kind == RECENT_DAY)
		return true;
	then = time_of(*word);
	return then <= m->us ? m->us < after(s, then) : then < after(s, m->us);
}

static bool
judge(void *st, const struct token *m)
{
	struct recent *s = st;
	const uint64_t *word;
	int64_t start;

	if (s->conf.kind == RECENT_ONCE) {
		if ((word = fps_get(&s->passed, m->id)) != NULL && remembered(s, *word, m->wm))
			return false;
		note_as(s, m->id, m->us);
		return true;
	}
	start = window_of(s, m->us);
	if (near(s, m, start))
		return false;
	if (s->conf.kind == RECENT_WITHIN && (near(s, m, floor_of(s, start - 1)) || near(s, m, s->hi)))
		return false;
	note_as(s, in_window(m->id, start), m->us);
	return true;
}

/* Of two times of one window the earlier, which is as good as any; to be remembered, the later. */
static void
note(void *st, const struct token *m)
{
	struct recent *s = st;
	uint64_t *word = fps_get(&s->passed, m->id);

	if (word == NULL || (s->forgets ? m->us > time_of(*word) : m->us < time_of(*word)))
		note_as(s, m->id, m->us);
}

static int
each(void *st, int (*fn)(void *arg, const struct token *), void *arg)
{
	const struct recent *s = st;
	const struct fps_slot *slot;
	int rc = 0;

	for (size_t i = 0; rc == 0 && (slot = fps_next(&s->passed, &i)) != NULL;)
		rc = fn(arg, &(struct token){ slot->id, time_of(slot->word), time_of(slot->word) });
	return rc;
}

static bool
token_of(void *st, struct span key, struct span val, struct token *m)
{
	struct unpack u = { val, true };
	int64_t us = unpack_i64(&u);

	(void)st;
	if (key.n != FP_BYTES || !unpack_done(&u) || us < WHEN_US_MIN || us > WHEN_US_MAX)
		return false;
	*m = (struct token){ unpack_fp(key.p), us, us };
	return true;
}

static void
clear(void *st)
{
	struct recent *s = st;

	fps_free(&s->passed);
	buf_free(&s->news);
	buf_free(&s->gone);
	s->saved = s->tells_gone = false;
	s->n_parts = 0;
}

static void
reserve(void *st, uint64_t n)
{
	fps_reserve(&((struct recent *)st)->passed, n);
}

static size_t
bytes_with(const void *st, uint64_t more)
{
	const struct recent *s = st;

	return fps_bytes_with(&s->passed, more) + s->news.cap + s->gone.cap;
}

/* ---- the law ---- */

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	struct recent *s = st;

	(void)host;
	sift_batch(recent_sift(&s->conf), s, b, s->token);
	return 0;
}

/* Can a record that is not earlier than wm meet it? */
static bool
meets(void *st, const struct fps_slot *slot)
{
	struct recent *s = st;
	int64_t us = time_of(slot->word);

	if (s->conf.kind == RECENT_ONCE || after(s, s->conf.kind == RECENT_DAY ? floor_of(s, us) : us) > s->closed)
		return true;
	forgotten(s, slot);
	return false;
}

static int
close_recent(void *st, int64_t wm_ms, const struct host *host)
{
	struct recent *s = st;

	(void)host;
	if (wm_ms == INT64_MAX || __builtin_mul_overflow(wm_ms, 1000, &s->closed))
		return 0;		/* all went out at once */
	fps_sweep(&s->passed, meets, s);
	return 0;
}

static int
add(void *st, struct span key, struct span val)
{
	struct recent *s = st;
	struct token m;

	if (key.n == 0 && s->forgets) {
		struct unpack u = { val, true };
		int64_t us = unpack_i64(&u);

		if (unpack_done(&u) && us >= WHEN_US_MIN && us <= WHEN_US_MAX) {
			s->clock_dirty = s->clock_dirty || us > s->newest;
			s->newest = us > s->newest ? us : s->newest;
			return 0;
		}
	} else if (token_of(st, key, val, &m)) {
		note(st, &m);
		return 0;
	}
	return err_input("a saved state is not one of this command");
}

static int
put_time(struct recent *s, struct span key, int64_t us, kv_fn *put, void *arg)
{
	buf_clear(&s->val);
	pack_i64(&s->val, us);
	return put(arg, key, buf_span(&s->val));
}

static void
was_saved(struct recent *s, bool pairs)
{
	s->clock_dirty = false;
	s->saved = true;
	s->tells_gone = pairs;
	buf_clear(&s->news);
	buf_clear(&s->gone);
}

/* In the order of the table: at each control line of a stream sorting would be most of the work, and nobody asks. */
static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	struct recent *s = st;
	const struct fps_slot *slot;
	char key[FP_BYTES];
	int rc = 0;

	/* to forget is a look at all of it */
	if (s->forgets && all)
		trim(s);
	for (size_t i = 0; !all && rc == 0 && i < s->gone.n; i += FP_BYTES)
		rc = put(arg, span_of(s->gone.p + i, FP_BYTES), span_of(NULL, 0));
	if (rc == 0 && s->forgets && s->newest != INT64_MIN && (all || s->clock_dirty))
		rc = put_time(s, span_of("", 0), s->newest, put, arg);
	for (size_t i = 0; !all && rc == 0 && i < s->news.n; i += ENTRY_BYTES) {
		const char *p = s->news.p + i;
		const uint64_t *word = fps_get(&s->passed, unpack_fp(p));

		/* what was forgotten since is among the gone */
		if (word != NULL && time_of(*word) == unpack_order(p + FP_BYTES))
			rc = put_time(s, span_of(p, FP_BYTES), time_of(*word), put, arg);
	}
	for (size_t i = 0; all && rc == 0 && (slot = fps_next(&s->passed, &i)) != NULL;) {
		pack_fp(key, slot->id);
		rc = put_time(s, span_of(key, sizeof key), time_of(slot->word), put, arg);
	}
	was_saved(s, true);
	return rc;
}

static int
put_clock(const struct recent *s, int (*put)(void *arg, struct span bytes), void *arg)
{
	char clock[CLOCK_BYTES];

	pack_order(clock, s->newest);
	return s->newest == INT64_MIN ? 0 : put(arg, span_of(clock, sizeof clock));
}

static int
put_all(struct recent *s, int (*put)(void *arg, struct span bytes), void *arg, uint64_t *live)
{
	const struct fps_slot *slot;
	struct buf b = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && (slot = fps_next(&s->passed, &i)) != NULL;) {
		if (!remembered(s, slot->word, s->newest))
			continue;
		++*live;
		add_entry(&b, slot->id, time_of(slot->word));
		if (b.n < PIECE_BYTES)
			continue;
		rc = put(arg, buf_span(&b));
		buf_clear(&b);
	}
	if (rc == 0 && b.n > 0)
		rc = put(arg, buf_span(&b));
	buf_free(&b);
	return rc;
}

static int
save_bulk(void *st, bool all, int (*put)(void *arg, struct span bytes), void *arg)
{
	struct recent *s = st;
	uint64_t n = all ? 0 : s->news.n / ENTRY_BYTES;
	int rc = put_clock(s, put, arg);

	if (!all && rc == 0 && s->news.n > 0)
		rc = put(arg, buf_span(&s->news));
	if (all && rc == 0 && (rc = put_all(s, put, arg, &n)) == 0)
		fps_sweep(&s->passed, stays, s);
	s->n_parts = all ? 0 : s->n_parts;
	if (n > 0) {
		s->part = mem_array(s->part, s->n_parts + 1, sizeof *s->part);
		s->part[s->n_parts++] = (struct part){ n, s->newest };
	}
	was_saved(s, false);
	return rc;
}

static int
add_some(struct recent *s, struct span bytes, size_t n)
{
	struct token m[AHEAD] = { 0 };

	for (size_t i = 0; i < n; i++) {
		m[i].id = unpack_fp(bytes.p + i * ENTRY_BYTES);
		m[i].us = unpack_order(bytes.p + i * ENTRY_BYTES + FP_BYTES);
		if (m[i].us < WHEN_US_MIN || m[i].us > WHEN_US_MAX)
			return err_input("a saved state is not one of this command");
		fps_prefetch(&s->passed, m[i].id);
	}
	for (size_t i = 0; i < n; i++)
		if (s->newest == INT64_MIN || remembered(s, (uint64_t)m[i].us, s->newest))
			note(s, &m[i]);
	return 0;
}

static int
add_bulk(void *st, struct span bytes)
{
	struct recent *s = st;
	bool clock = bytes.n == CLOCK_BYTES;
	int64_t newest = clock ? unpack_order(bytes.p) : WHEN_US_MIN;
	int rc = 0;

	if ((!clock && bytes.n % ENTRY_BYTES != 0) || newest < WHEN_US_MIN || newest > WHEN_US_MAX)
		return err_input("a saved state is not one of this command");
	if (clock) {
		s->newest = newest > s->newest ? newest : s->newest;
		return 0;
	}
	while (bytes.n > 0 && rc == 0) {
		size_t n = bytes.n / ENTRY_BYTES < AHEAD ? bytes.n / ENTRY_BYTES : AHEAD;

		rc = add_some(s, bytes, n);
		bytes = span_from(bytes, n * ENTRY_BYTES);
	}
	return rc;
}

/* But for the saves of which nothing is remembered any more. */
static uint64_t
size_bulk(const void *st)
{
	const struct recent *s = st;
	uint64_t n = 0;

	for (size_t i = s->n_parts; i > 0 && remembered(s, (uint64_t)s->part[i - 1].newest, s->newest); i--)
		n += s->part[i - 1].n;
	return CLOCK_BYTES + n * ENTRY_BYTES;
}

static const struct op_bulk bulk = { save_bulk, add_bulk, size_bulk };

static size_t
bytes(const void *st)
{
	const struct recent *s = st;

	return fps_bytes(&s->passed) + s->news.cap + s->gone.cap;
}

static void *
fresh(const void *st)
{
	return recent_new(&((const struct recent *)st)->conf);
}

static void
destroy(void *st)
{
	struct recent *s = st;

	fps_free(&s->passed);
	buf_free(&s->scratch);
	buf_free(&s->val);
	buf_free(&s->news);
	buf_free(&s->gone);
	free(s->part);
	free(s);
}

const struct op recent_op = {
	.name = "recent", .version = 2, .batch = batch, .close = close_recent, .add = add, .save = save,
	.bytes = bytes, .fresh = fresh, .free = destroy, .bulk = &bulk,
};

static const struct sift plain = {
	.op = &recent_op, .words = 1, .read = read_tokens, .prefetch = prefetch, .judge = judge, .note = note,
	.each = each, .token_of = token_of, .clear = clear, .reserve = reserve, .bytes_with = bytes_with,
};

static const struct sift forgetting = {
	.op = &recent_op, .words = 2, .read = read_tokens, .prefetch = prefetch, .judge = judge, .note = note,
	.each = each, .token_of = token_of, .trim = trim, .clear = clear, .reserve = reserve, .bytes_with = bytes_with,
};

const struct sift *
recent_sift(const struct recent_conf *conf)
{
	return conf->ttl.us != 0 || conf->ttl.days != 0 || conf->ttl.months != 0 ? &forgetting : &plain;
}
