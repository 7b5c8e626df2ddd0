/* SPDX-License-Identifier: BSD-2-Clause */
/* recent - see recent.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/fps.h"
#include "op/pack.h"
#include "op/recent.h"

/* A word of the table: the time, and what save must know. */
enum { SAVED = 1, DIRTY = 2, FLAG_BITS = 2 };

struct recent {
	struct recent_conf conf;
	struct dur window;
	bool forgets;			/* there is a ttl */
	struct fps passed;
	struct buf scratch, val, gone;	/* gone: keys that were saved and are forgotten */
	int64_t lo, hi;			/* the window met last: most records stay in it */
	int64_t newest;			/* the largest time met */
	int64_t closed;			/* the time of close() */
	bool clock_dirty;
	struct token token[BATCH_RECORDS_MAX];
};

void *
recent_new(const struct recent_conf *conf)
{
	struct recent *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->window = conf->kind == RECENT_DAY ? (struct dur){ .days = 1 } : conf->within;
	s->forgets = conf->ttl.us != 0 || conf->ttl.days != 0 || conf->ttl.months != 0;
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

/* |time| < 2^58, so both fit. */
static uint64_t
word_of(int64_t us, unsigned flags)
{
	return (uint64_t)us << FLAG_BITS | flags;
}

static int64_t
time_of(uint64_t word)
{
	return (int64_t)(word & ~(uint64_t)(SAVED | DIRTY)) / (1 << FLAG_BITS);	/* exact: no bit is left behind */
}

static unsigned
flags_of(uint64_t word)
{
	return (unsigned)word & (SAVED | DIRTY);
}

static bool
remembered(const struct recent *s, uint64_t word, int64_t newest)
{
	return !s->forgets || dur_add(s->conf.ttl, 1, time_of(word), s->conf.zone) > newest;
}

/* ---- op/sift.h ---- */

static void
read_tokens(void *st, const struct batch *b, struct token *m)
{
	struct recent *s = st;
	const struct recent_conf *f = &s->conf;

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

static void
note_as(struct recent *s, struct fp id, int64_t us)
{
	bool fresh;
	uint64_t *word = fps_put(&s->passed, id, &fresh);

	*word = word_of(us, DIRTY | (fresh ? 0 : flags_of(*word) & SAVED));
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

static void
was_saved(struct recent *s, const struct fps_slot *slot)
{
	char key[FP_BYTES];

	if ((flags_of(slot->word) & SAVED) == 0)
		return;
	pack_fp(key, slot->id);
	buf_add(&s->gone, key, sizeof key);
}

static bool
stays(void *st, const struct fps_slot *slot)
{
	struct recent *s = st;

	return remembered(s, slot->word, s->newest);
}

static void
trim(void *st)
{
	struct recent *s = st;
	const struct fps_slot *slot;
	bool any = false;

	for (size_t i = 0; (slot = fps_next(&s->passed, &i)) != NULL;)
		if (!stays(s, slot)) {
			was_saved(s, slot);
			any = true;
		}
	if (any)
		fps_sweep(&s->passed, stays, s);
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
	fps_free(&((struct recent *)st)->passed);
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

	return fps_bytes_with(&s->passed, more) + s->gone.cap;
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
	const struct recent *s = st;
	int64_t us = time_of(slot->word);

	return s->conf.kind == RECENT_ONCE || after(s, s->conf.kind == RECENT_DAY ? floor_of(s, us) : us) > s->closed;
}

static int
close_recent(void *st, int64_t wm_ms, const struct host *host)
{
	struct recent *s = st;
	const struct fps_slot *slot;

	(void)host;
	if (wm_ms == INT64_MAX || __builtin_mul_overflow(wm_ms, 1000, &s->closed))
		return 0;		/* all went out at once */
	for (size_t i = 0; (slot = fps_next(&s->passed, &i)) != NULL;)
		if (!meets(s, slot))
			was_saved(s, slot);
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

/* In the order of the table: at each control line of a stream sorting would be most of the work, and nobody asks. */
static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	struct recent *s = st;
	struct fps_slot *slot;
	char key[FP_BYTES];
	int rc = 0;

	/* to forget is a look at all of it */
	if (s->forgets && all)
		trim(s);
	for (size_t i = 0; !all && rc == 0 && i < s->gone.n; i += FP_BYTES)
		rc = put(arg, span_of(s->gone.p + i, FP_BYTES), span_of(NULL, 0));
	buf_clear(&s->gone);
	if (rc == 0 && s->forgets && s->newest != INT64_MIN && (all || s->clock_dirty))
		rc = put_time(s, span_of("", 0), s->newest, put, arg);
	s->clock_dirty = false;
	for (size_t i = 0; rc == 0 && (slot = fps_next(&s->passed, &i)) != NULL;) {
		int64_t us = time_of(slot->word);

		if (!all && (flags_of(slot->word) & DIRTY) == 0)
			continue;
		pack_fp(key, slot->id);
		slot->word = word_of(us, SAVED);
		rc = put_time(s, span_of(key, sizeof key), us, put, arg);
	}
	return rc;
}

static size_t
bytes(const void *st)
{
	const struct recent *s = st;

	return fps_bytes(&s->passed) + s->gone.cap;
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
	buf_free(&s->gone);
	free(s);
}

const struct op recent_op = {
	.name = "recent", .version = 2, .batch = batch, .close = close_recent, .add = add, .save = save,
	.bytes = bytes, .fresh = fresh, .free = destroy,
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
