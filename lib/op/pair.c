/* SPDX-License-Identifier: BSD-2-Clause */
/* pair - what all kinds of joins share: lines, sides and times, the law; see pair.h and pair_own.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "op/key.h"
#include "op/pack.h"
#include "op/pair_own.h"

#define LENT_SLACK (2 * MIB)	/* of lines that are gone, in blocks that some others keep */
#define PIECE_BYTES MIB		/* a key's records are shed in pieces of about this size */
#define SPAN_US_MAX (WHEN_US_MAX - WHEN_US_MIN)
#define NEVER INT64_MIN
#define AHEAD 8			/* records */

/* ---- lines ---- */

int
pair_put(struct pair *s, const struct host *h, int64_t us, int kind, const struct rec *l, const struct rec *r)
{
	const struct span piece[] = { span_str("{\"left\":"), l == NULL ? span_str("null") : rec_line(l),
	    span_str(",\"right\":"), r == NULL ? span_str("null") : rec_line(r), buf_span(&s->times), span_str("}") };
	const size_t n = sizeof piece / sizeof *piece;
	struct buf *b = &s->line;

	if (!s->later && h->pieces != NULL)
		return h->pieces(h->self, 0, piece, n);
	buf_clear(b);
	for (size_t i = 0; i < n; i++)
		buf_span_add(b, piece[i]);
	if (s->later)	/* times fit into 61 bits: pair_new saw to it */
		return h->defer(h->self, 0, buf_span(b), (uint64_t)(us * 4 + kind));
	return h->raw(h->self, 0, buf_span(b));
}

int
pair_meet(struct pair *s, const struct host *h, int64_t us, struct rec *l, struct rec *r)
{
	bool first = (l->flags & MET) == 0;

	if (first || (r->flags & MET) == 0)
		l->cell->flags |= DIRTY;
	l->flags |= MET;
	r->flags |= MET;
	s->told.met = true;
	if (s->conf.type == PAIR_ANTI || (s->conf.type == PAIR_SEMI && !first))
		return 0;
	return pair_put(s, h, us, LINE_PAIR, l, s->conf.type == PAIR_SEMI ? NULL : r);
}

int
pair_group(struct pair *s, const struct host *h, int64_t us, const struct cell *c, const struct rec *left,
    const struct rec *right)
{
	bool meet = (c->flags & NO_KEY) == 0 && left != NULL && right != NULL;
	enum pair_type type = s->conf.type;
	int rc = 0;

	s->told.met = s->told.met || meet;
	for (const struct rec *l = left; l != NULL && rc == 0; l = l->next) {
		if (!meet ? pair_alone(s, LEFT) : type == PAIR_SEMI)
			rc = pair_put(s, h, us, LINE_PAIR, l, NULL);
		for (const struct rec *r = meet && type <= PAIR_FULL ? right : NULL; r != NULL && rc == 0; r = r->next)
			rc = pair_put(s, h, us, LINE_PAIR, l, r);
	}
	for (const struct rec *r = !meet && pair_alone(s, RIGHT) ? right : NULL; r != NULL && rc == 0; r = r->next)
		rc = pair_put(s, h, us, LINE_PAIR, NULL, r);
	return rc;
}

void
pair_times(struct pair *s, int64_t start_us, int64_t end_us)
{
	buf_clear(&s->times);
	buf_str(&s->times, ",\"window_start\":");
	when_print(start_us, s->conf.style, s->conf.zone, &s->times);
	buf_str(&s->times, ",\"window_end\":");
	when_print(end_us, s->conf.style, s->conf.zone, &s->times);
}

/* ---- a batch ---- */

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line without the blanks around its object. */
static struct span
trim(struct span s)
{
	while (blank(*s.p))
		s = span_from(s, 1);
	while (blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* 0 or 1; -1: on neither side, or *why. */
static int
side_of(struct pair *s, struct val v, const char **why)
{
	struct span t;

	if (v.tag == T_TRUE || v.tag == T_FALSE)
		return v.tag == T_TRUE ? LEFT : RIGHT;
	if (val_is_null(v))
		return -1;
	t = v.tag == T_STR ? val_text(v, &s->scratch) : span_of("", 0);
	if (span_is(t, "left") || span_is(t, "right"))
		return span_is(t, "left") ? LEFT : RIGHT;
	*why = "--side is neither true or false nor \"left\" or \"right\"";
	return -1;
}

/* One stream has one watermark. */
static unsigned
own(const struct pair *s, unsigned side)
{
	return s->conf.which != -1 ? LEFT : side;
}

/* Side, key and time of record i; NULL, or why it is bad. Its fate is F_PASS as long as it is to be held. */
static const char *
locate(struct pair *s, int only, const struct batch *b, size_t i)
{
	const struct pair_conf *c = &s->conf;
	const struct pair_side *p;
	const char *why = NULL;
	int side = only;

	if (c->which != -1 && (side = side_of(s, b->col[c->which][i], &why)) == -1) {
		b->fate[i] = F_DROP;
		return why;
	}
	p = &c->side[side];
	s->side[i] = (uint8_t)side;
	s->hash[i] = 0;
	if (b->ahead != NULL && (b->ahead[i].lo | b->ahead[i].hi) != 0) {
		s->us[i] = (int64_t)b->ahead[i].lo;
		s->hash[i] = b->ahead[i].hi;
	} else if ((why = when_val(b->col[p->time][i], p->unit, c->zone, &s->scratch, &s->us[i])) != NULL)
		return why;
	if (watermark_ahead(&s->wm[own(s, (unsigned)side)], s->us[i]))
		return WATERMARK_AHEAD;
	if ((why = key_of(b, i, p->key, c->n_keys, c->as, &s->keys, &s->none[i])) != NULL)
		return why;
	if (s->none[i])
		s->keys.n = s->at[i];
	for (size_t k = 0; k < c->n_keys && !s->told.met; k++)
		s->tags[side][k] |= (unsigned char)(1u << b->col[p->key[k]][i].tag);
	return NULL;
}

/* Is it too late? Else it moves its watermark. */
static int
judge(struct pair *s, const struct batch *b, size_t i, const struct host *host)
{
	unsigned w = own(s, s->side[i]);

	if (!s->conf.side[s->side[i]].bounded || s->us[i] >= s->wm[w].us) {
		watermark_take(&s->wm[w], s->us[i]);
		return 0;
	}
	if (s->conf.never_late)
		return err_temp("an input has changed while it was read");
	s->told.late++;
	b->fate[i] = F_DROP;
	return s->conf.late_out == -1 ? 0 : host->raw(host->self, s->conf.late_out, b->line[i]);
}

/* Did the thread that scanned it give it a number? */
static bool
numbered(const struct pair *s, int side, const struct batch *b, size_t i)
{
	return s->conf.ordered && !s->order[side].off && b->ahead != NULL && (b->ahead[i].lo | b->ahead[i].hi) != 0;
}

int
pair_feed(void *st, int only, const struct batch *b, const struct host *host)
{
	struct pair *s = st;
	const struct cell *c;
	const char *why;
	size_t bytes;
	int rc = 0;

	buf_clear(&s->keys);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		s->at[i] = s->keys.n;
		if (b->fate[i] != F_PASS)
			continue;
		if (b->ahead != NULL && i + AHEAD < b->n)	/* another thread has read them */
			__builtin_prefetch(b->col[s->conf.side[only].key[0]][i + AHEAD].raw.p);
		if ((why = locate(s, only, b, i)) != NULL)
			batch_reject(b, i, why);
		else if (b->fate[i] == F_PASS)
			rc = judge(s, b, i, host);
		if (b->fate[i] != F_PASS)
			s->keys.n = s->at[i];
	}
	s->at[b->n] = s->keys.n;
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		if (b->fate[i] != F_PASS || s->none[i])
			continue;
		if (s->hash[i] == 0)
			s->hash[i] = hash_mem(span_of(s->keys.p + s->at[i], s->at[i + 1] - s->at[i]));
		__builtin_prefetch(&s->cell[s->hash[i] & s->mask]);
	}
	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (b->fate[i] == F_PASS && !s->none[i] && (c = s->cell[s->hash[i] & s->mask].c) != NULL) {
			__builtin_prefetch(c, 1);
			__builtin_prefetch(c->key);
		}
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct span key = span_str("null");
		struct cell *mine;
		struct rec *r;

		if (b->fate[i] != F_PASS && numbered(s, only, b, i))
			pair_number(&s->order[only], NULL);
		if (b->fate[i] != F_PASS)
			continue;
		b->fate[i] = F_USED;
		if (!s->none[i])
			key = span_of(s->keys.p + s->at[i], s->at[i + 1] - s->at[i]);
		mine = pair_cell(s, s->none[i] ? hash_mem(key) : s->hash[i], key);
		if (s->none[i]) {
			mine->flags |= NO_KEY;
			s->told.no_key++;
		}
		r = pair_hold(s, mine, s->us[i], s->side[i], 0, trim(b->line[i]), s->lent);
		if (numbered(s, only, b, i))
			pair_number(&s->order[only], r);
		else
			pair_wait(s, r);
	}
	/* more is of lines that are gone than of those that are held, and than some blocks are that are half gone */
	if (s->lent_bytes - s->lent_live > s->lent_live + pool_bytes(&s->pool) / 4 + LENT_SLACK)
		pair_settle(s);
	bytes = pair_op.bytes(s);
	s->told.peak_bytes = bytes > s->told.peak_bytes ? bytes : s->told.peak_bytes;
	return rc;
}

/* One stream, whose records say their side themselves. */
static int
batch(void *st, const struct batch *b, const struct host *host)
{
	return pair_feed(st, LEFT, b, host);
}

/* ---- time ---- */

static int
handle(struct pair *s, int64_t wm_us, const struct host *host)
{
	size_t n = pair_ready(s, wm_us);

	if (wm_us > s->closed_us)
		s->closed_us = wm_us;
	buf_clear(&s->times);
	switch (s->conf.kind) {
	case PAIR_BETWEEN:
		return pair_between(s, n, wm_us, host);
	case PAIR_WINDOW:
		return pair_windows(s, n, wm_us, host);
	default:
		return pair_sessions(s, n, wm_us, host);
	}
}

/* How far a side has come: what comes of it yet is not below that. */
static int64_t
reached(const struct pair *s, unsigned side)
{
	unsigned w = own(s, side);

	return s->ended[w] ? INT64_MAX : s->conf.side[w].bounded ? s->wm[w].us : INT64_MIN;
}

int
pair_advance(void *st, const struct host *host)
{
	struct pair *s = st;
	int64_t l = reached(s, LEFT), r = reached(s, RIGHT), wm = l < r ? l : r;

	return wm > s->closed_us ? handle(s, wm, host) : 0;
}

static int
close_pair(void *st, int64_t wm_ms, const struct host *host)
{
	int64_t wm;

	if (__builtin_mul_overflow(wm_ms, 1000, &wm))
		wm = wm_ms < 0 ? INT64_MIN : INT64_MAX;
	return handle(st, wm, host);
}

void
pair_ended(void *st, int side)
{
	((struct pair *)st)->ended[side] = true;
}

struct watermark *
pair_watermark(void *st, int side)
{
	return &((struct pair *)st)->wm[side];
}

unsigned
pair_tags(const void *st, int side, size_t k)
{
	return ((const struct pair *)st)->tags[side][k];
}

void
pair_tell(const void *st, struct pair_told *out)
{
	*out = ((const struct pair *)st)->told;
}

/* ---- the law ---- */

/* What is known of windows stands under the empty key. */
static void
pack_head(struct pair *s)
{
	buf_clear(&s->scratch);
	pack_i64(&s->scratch, s->closed_us);
	pack_u64(&s->scratch, s->begun);
	pack_i64(&s->scratch, s->last_us);
}

static int
add(void *st, struct span key, struct span val)
{
	struct pair *s = st;
	struct unpack u = { val, true };
	struct cell *c;

	if (key.n == 0) {
		int64_t closed = unpack_i64(&u), last;
		bool begun = unpack_u64(&u) != 0;

		last = unpack_i64(&u);
		s->closed_us = closed > s->closed_us ? closed : s->closed_us;
		s->last_us = begun && (!s->begun || last > s->last_us) ? last : s->last_us;
		s->begun = s->begun || begun;
	}
	while (key.n > 0 && u.ok && u.s.n > 0) {
		uint64_t how = unpack_u64(&u);
		int64_t us = unpack_i64(&u);
		struct span line = unpack_span(&u);

		if (!u.ok || how > 7 || line.n == 0)
			break;
		c = pair_cell(s, hash_mem(key), key);
		if (span_is(key, "null"))
			c->flags |= NO_KEY;
		pair_wait(s, pair_hold(s, c, us, how & 1, (unsigned)how >> 1, line, NULL));
	}
	return unpack_done(&u) ? 0 : err_input("a saved state is not one of this command");
}

/*
 * All records, or those of keys that changed: of one key together, keys in order; those that were handled are marked.
 * To be freed.
 */
static struct rslot *
all_of(struct pair *s, bool changed, size_t *n)
{
	struct rslot *v = mem_array(NULL, s->told.records, sizeof *v);
	size_t kept = 0, waiting = pair_all(s, v);

	*n = s->told.records;
	for (size_t i = waiting; s->conf.kind != PAIR_SESSION && i < *n; i++)
		slot_rec(&v[i])->flags |= HANDLED;
	for (size_t i = 0; i < *n && changed; i++)
		if ((slot_rec(&v[i])->cell->flags & DIRTY) != 0)
			v[kept++] = v[i];
	*n = changed ? kept : *n;
	if (*n > 1)
		qsort(v, *n, sizeof *v, pair_by_key);
	return v;
}

/* Put what v[0..n) holds by key; piece: a key's records may go in several. */
static int
put_all(struct pair *s, const struct rslot *v, size_t n, size_t piece, kv_fn *put, void *arg)
{
	struct buf *b = &s->scratch;
	int rc = 0;

	buf_clear(b);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct rec *r = slot_rec(&v[i]);
		struct cell *c = r->cell;
		bool last = i + 1 == n || slot_rec(&v[i + 1])->cell != c;

		pack_u64(b, (uint64_t)(r->side | r->flags << 1));
		pack_i64(b, r->us);
		pack_span(b, rec_line(r));
		if (!last && b->n < piece)
			continue;
		rc = put(arg, cell_key(c), buf_span(b));
		buf_clear(b);
		if (last)
			c->flags = (uint8_t)((c->flags & ~DIRTY) | SAVED);
	}
	return rc;
}

static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	struct pair *s = st;
	struct unpack u = { buf_span(&s->gone), true };
	struct rslot *v;
	size_t n;
	int rc = 0;

	while (!all && rc == 0 && u.s.n > 0)
		rc = put(arg, unpack_span(&u), span_of(NULL, 0));
	buf_clear(&s->gone);
	pack_head(s);
	if (rc == 0)
		rc = put(arg, span_of("", 0), buf_span(&s->scratch));
	v = all_of(s, !all, &n);
	if (rc == 0)
		rc = put_all(s, v, n, SIZE_MAX, put, arg);
	free(v);
	return rc;
}

/* All records go, and what they took goes back to the system. */
static void
forget(struct pair *s)
{
	pair_let_go(s);
	rheap_free(&s->wait);
	for (int side = 0; side < 2; side++)
		pair_order_off(&s->order[side]);
	free(s->merged);
	s->merged = NULL;
	s->cap_merged = 0;
	free(s->met);
	s->met = NULL;
	s->cap_met = 0;
	for (int side = 0; side < 2; side++) {
		free(s->live[side].v);
		s->live[side] = (struct queue){ 0 };
		s->waiting[side] = 0;
	}
	pair_slots_free(s);
	pair_slots(s, PAIR_SLOTS_MIN);
	s->n_cells = 0;
	s->told.records = 0;
	pool_free(&s->pool);
}

static int
shed(void *st, size_t want, kv_fn *put, void *arg)
{
	struct pair *s = st;
	struct rslot *v;
	size_t n;
	int rc;

	(void)want;		/* all of it: what stays behind could not be closed without what went */
	v = all_of(s, false, &n);
	rc = put_all(s, v, n, PIECE_BYTES, put, arg);
	free(v);
	if (rc == 0)
		forget(s);
	return rc;
}

/* Whole keys: all that there is of them comes to an end, whatever of the windows went out before. */
static int
flush(void *st, const struct host *host)
{
	struct pair *s = st;
	int64_t closed = s->closed_us, last = s->last_us;
	bool begun = s->begun;
	int rc;

	s->later = true;
	rc = handle(s, INT64_MAX, host);
	s->later = false;
	s->closed_us = closed;
	s->last_us = last;
	s->begun = begun;
	if (rc == 0)
		forget(s);
	return rc;
}

static size_t
bytes(const void *st)
{
	const struct pair *s = st;

	return pool_bytes(&s->pool) + s->lent_bytes + (s->mask + 1) * sizeof *s->cell + rheap_bytes(&s->wait) +
	    pair_order_bytes(&s->order[LEFT]) + pair_order_bytes(&s->order[RIGHT]) + s->cap_merged * sizeof *s->merged +
	    (s->live[LEFT].cap + s->live[RIGHT].cap + s->cap_met) * sizeof(void *) + s->gone.cap;
}

/* ---- set-up ---- */

/* About, in microseconds: months at their shortest or longest. */
static int64_t
length(struct dur d, bool longest)
{
	return d.us + (d.days * (int64_t)86400 + d.months * (int64_t)86400 * (longest ? 31 : 28)) * US_PER_SEC;
}

const char *
pair_why(const struct pair_conf *c)
{
	if (c->kind == PAIR_BETWEEN)
		return c->lo_us > c->hi_us ? "LO is above HI" : NULL;
	if (c->kind == PAIR_SESSION)
		return c->gap_us <= 0 ? "a session's gap must be longer than nothing" : NULL;
	if (length(c->width, false) <= 0 || length(c->slide, false) <= 0)
		return "a window must be longer than nothing";
	if (c->width.us == c->slide.us && c->width.days == c->slide.days && c->width.months == c->slide.months)
		return NULL;
	if (length(c->width, false) < length(c->slide, true))
		return "windows that slide by more than their length would leave records out";
	if (length(c->width, true) / length(c->slide, false) > PAIR_WINDOWS_MAX)
		return "each record would be in more than 10,000 windows";
	/* days and hours drift apart where the clock changes: ends would not rise with starts, or leave gaps */
	if ((c->width.us == 0) != (c->slide.us == 0))
		return "a window and its slide must both be exact, as 24h and 6h, or both of days, as 7d and 1d";
	return NULL;
}

static int64_t
within(int64_t us)
{
	return us > SPAN_US_MAX ? SPAN_US_MAX : us < -SPAN_US_MAX ? -SPAN_US_MAX : us;
}

void *
pair_new(const struct pair_conf *conf)
{
	struct pair *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->conf.lo_us = within(conf->lo_us);
	s->conf.hi_us = within(conf->hi_us);
	s->conf.gap_us = within(conf->gap_us);
	s->closed_us = NEVER;
	s->pool.mem.large = true;	/* lines are looked at in any order: in few pages */
	pair_slots(s, PAIR_SLOTS_MIN);
	for (int side = 0; side < 2; side++) {
		watermark_init(&s->wm[side], conf->side[side].late, conf->zone);
		watermark_init(&s->order[side].wm, conf->side[side].late, conf->zone);
		s->tags[side] = mem_new(conf->n_keys);
	}
	return s;
}

static void
destroy(void *st)
{
	struct pair *s = st;

	pair_lend(s, NULL);
	forget(s);
	pair_slots_free(s);
	rheap_free(&s->order[LEFT].wait);
	rheap_free(&s->order[RIGHT].wait);
	free(s->tags[LEFT]);
	free(s->tags[RIGHT]);
	buf_free(&s->times);
	buf_free(&s->line);
	buf_free(&s->keys);
	buf_free(&s->scratch);
	buf_free(&s->gone);
	lent_free_all(&s->idle);
	free(s);
}

const struct op pair_op = {
	.name = "pair", .version = 1, .batch = batch, .close = close_pair, .add = add, .save = save, .shed = shed,
	.bytes = bytes, .free = destroy, .flush = flush,
};
