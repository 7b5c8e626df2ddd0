/* SPDX-License-Identifier: BSD-2-Clause */
/* top - see top.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/key.h"
#include "op/keyed.h"
#include "op/order.h"
#include "op/top.h"

#define IN_ORDER_MAX 16		/* TOP_ROW: of so few each is put in its place as it comes, and nothing is sorted */

struct entry {
	struct order by;
	uint64_t seq;
	bool lent;			/* the line is the batch's: few of those that enter live to its end */
	struct kept line, text;		/* text: what by.str lives in */
	uint32_t place, place_n;	/* of conf.place in the line; place_n 0: absent */
};

#define TIME_BYTES 8		/* with conf.water, of a key: its time, in an order of bytes that is time's */

struct group {
	bool dirty;			/* first: op/keyed.h */
	bool saved;			/* a snapshot has it */
	bool lent;			/* it has lines of the batch, and is in `borrowers` */
	struct entry *v;
	size_t n, cap;
	bool full;			/* what is below floor can never come in */
	uint8_t kind;			/* of the values met: enum order_kind */
	struct order floor;		/* its text is that of an entry that stays */
	uint64_t floor_seq;
};

struct top {
	struct held held;
	struct top_conf conf;
	struct keys keys;
	int64_t oldest;			/* with conf.water: no group is of an earlier time */
	struct buf scratch, val, key;
	struct group *borrowers[BATCH_RECORDS_MAX];
	size_t n_borrowers;
};

static int save_one(void *st, const struct map_entry *, kv_fn *, void *arg);
static size_t drop(void *st, const struct map_entry *);
static const char *merge(void *st, void *cell, void *other);
static const struct keyed cells = { NULL, save_one, drop, merge };

void *
top_new(const struct top_conf *conf)
{
	struct top *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->held = (struct held){ &cells, map_new(sizeof(struct group)) };
	s->oldest = INT64_MAX;
	return s;
}

static int
by_rank(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int d = order_cmp(&b->by, &a->by);

	return d != 0 ? d : a->seq < b->seq ? -1 : a->seq > b->seq;
}

static bool
same_value(const struct entry *a, const struct entry *b)
{
	return order_cmp(&a->by, &b->by) == 0;
}

/* Are groups in their order all the time? */
static bool
in_order(const struct top *s)
{
	return s->conf.ties == TOP_ROW && s->conf.n <= IN_ORDER_MAX;
}

static void
forget(struct top *s, struct entry *e)
{
	if (!e->lent)
		kept_drop(&s->held.pool, &e->line);
	kept_drop(&s->held.pool, &e->text);
}

/* Sort a group and drop what has no rank up to n. */
static void
cut(struct top *s, struct group *g)
{
	uint64_t n = s->conf.n, values = 0;
	size_t stay = 0;

	if (g->n > 1 && !in_order(s))
		qsort(g->v, g->n, sizeof *g->v, by_rank);
	for (; stay < g->n; stay++) {
		bool tie = stay > 0 && same_value(&g->v[stay - 1], &g->v[stay]);

		values += !tie;
		if (s->conf.ties == TOP_ROW ? stay == n : s->conf.ties == TOP_RANK ? stay >= n && !tie : values > n)
			break;
	}
	for (size_t i = stay; i < g->n; i++)
		forget(s, &g->v[i]);
	g->full = g->full || stay < g->n || (s->conf.ties == TOP_DENSE ? values >= n : stay >= n);
	g->n = stay;
	if (g->full && stay > 0) {
		g->floor = g->v[stay - 1].by;
		g->floor_seq = g->v[stay - 1].seq;
	}
}

/* Can it have a rank up to n, from what is known? */
static bool
may_enter(const struct top *s, const struct group *g, const struct order *by, uint64_t seq)
{
	int d;

	if (!g->full)
		return true;
	d = order_cmp(by, &g->floor);
	return d != 0 ? d > 0 : s->conf.ties != TOP_ROW || seq < g->floor_seq;
}

static void
grow(struct top *s, struct group *g)
{
	s->held.more -= g->cap * sizeof *g->v;
	g->cap = g->cap == 0 ? 4 : mem_mul(g->cap, 2);
	g->v = mem_array(g->v, g->cap, sizeof *g->v);
	s->held.more += g->cap * sizeof *g->v;
}

/* Its place among the others, of which the last one goes if there are n already. */
static struct entry *
place_for(struct top *s, struct group *g, const struct entry *e)
{
	size_t i;

	if (g->n == s->conf.n)
		forget(s, &g->v[--g->n]);
	else if (g->n == g->cap)
		grow(s, g);
	for (i = g->n; i > 0 && by_rank(e, &g->v[i - 1]) < 0; i--)
		;
	memmove(g->v + i + 1, g->v + i, (g->n - i) * sizeof *g->v);
	g->n++;
	return &g->v[i];
}

/* Room for one more; NULL: it can have no rank. Once it is filled in: entered(). */
static struct entry *
entry_for(struct top *s, struct group *g, const struct entry *e)
{
	if (!may_enter(s, g, &e->by, e->seq))
		return NULL;
	g->dirty = true;
	if (in_order(s))
		return place_for(s, g, e);
	if (g->n == g->cap) {
		cut(s, g);
		if (!may_enter(s, g, &e->by, e->seq))
			return NULL;
		/* half of it free again, or twice the room: either way a cut is paid by as many entries */
		if (g->n >= g->cap / 2)
			grow(s, g);
	}
	return &g->v[g->n++];
}

static void
entered(const struct top *s, struct group *g)
{
	if (!in_order(s) || g->n < s->conf.n)
		return;
	g->full = true;
	g->floor = g->v[g->n - 1].by;
	g->floor_seq = g->v[g->n - 1].seq;
}

/* lend: the line stays where it is until keep_lines(). */
static void
enter(struct top *s, struct group *g, const struct entry *e, struct span line, bool lend)
{
	struct entry *x = entry_for(s, g, e);

	if (x == NULL)
		return;
	*x = *e;
	x->line = x->text = (struct kept){ 0 };
	order_keep(&s->held.pool, &x->text, &x->by);
	x->lent = lend && line.n <= UINT32_MAX;
	if (!x->lent) {
		kept_set(&s->held.pool, &x->line, line);
	} else {
		x->line = (struct kept){ (char *)(uintptr_t)line.p, (uint32_t)line.n, 0 };
		if (!g->lent)
			s->borrowers[s->n_borrowers++] = g;
		g->lent = true;
	}
	entered(s, g);
}

/* The batch is over: copies of those of its lines that are still there. */
static void
keep_lines(struct top *s)
{
	for (size_t k = 0; k < s->n_borrowers; k++) {
		struct group *g = s->borrowers[k];

		for (size_t i = 0; i < g->n; i++) {
			struct span line = kept_span(&g->v[i].line);

			if (!g->v[i].lent)
				continue;
			g->v[i].line = (struct kept){ 0 };
			kept_set(&s->held.pool, &g->v[i].line, line);
			g->v[i].lent = false;
		}
		g->lent = false;
	}
	s->n_borrowers = 0;
}

/* A value of another type than the group's has no place in its order. */
static bool
meets(struct group *g, const struct order *by)
{
	if (by->kind == ORDER_NULL || g->kind == by->kind)
		return true;
	if (g->kind != ORDER_NULL)
		return false;
	g->kind = by->kind;
	return true;
}

/* The group that a record is of, or why it is of none. */
static const char *
group_of(struct top *s, const struct batch *b, size_t i, struct group **g)
{
	const struct top_conf *c = &s->conf;
	char time[TIME_BYTES];
	const char *why;
	int64_t us;

	if (c->water == NULL) {
		*g = map_put_hashed(s->held.map, s->keys.hash[i], keys_at(&s->keys, i), NULL);
		return NULL;
	}
	if (val_is_null(b->col[c->per][i]))
		return "no value of --per";
	if ((why = when_val(b->col[c->per][i], c->unit, c->zone, &s->key, &us)) != NULL)
		return why;
	if (us <= c->water->us)
		return "its groups were written: time has passed its --per";
	pack_order(time, us);
	buf_clear(&s->key);
	buf_add(&s->key, time, sizeof time);
	buf_span_add(&s->key, keys_at(&s->keys, i));
	*g = map_put(s->held.map, buf_span(&s->key), NULL);
	s->oldest = us < s->oldest ? us : s->oldest;
	return NULL;
}

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	struct top *s = st;

	(void)host;
	keys_batch(&s->keys, b, s->conf.group, s->conf.n_groups, s->conf.as, KEYS_NULL_IS);
	for (size_t i = 0; i < b->n && s->conf.water == NULL; i++)
		if (!s->keys.none[i])
			map_prefetch(s->held.map, s->keys.hash[i]);
	for (size_t i = 0; i < b->n; i++) {
		struct entry e = { .seq = b->seq0 + i };
		struct group *g;
		const char *why;

		if (b->fate[i] != F_PASS)
			continue;
		if ((why = order_of(b->col[s->conf.by][i], &s->scratch, &e.by)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		if ((why = group_of(s, b, i, &g)) == NULL && !meets(g, &e.by))
			why = ORDER_MIXED;
		if (why != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		if (s->conf.place != -1 && b->col[s->conf.place][i].tag != T_ABSENT) {
			struct span at = b->col[s->conf.place][i].raw;

			e.place = (uint32_t)(at.p - b->line[i].p);
			e.place_n = (uint32_t)at.n;
		}
		enter(s, g, &e, b->line[i], true);
		b->fate[i] = F_USED;
	}
	keep_lines(s);
	return 0;
}

static int
emit(struct top *s, struct group *g, const struct host *host)
{
	uint64_t rank = 0, values = 0;
	int rc = 0;

	cut(s, g);
	for (size_t i = 0; i < g->n && rc == 0; i++) {
		const struct entry *e = &g->v[i];
		bool tie = i > 0 && same_value(e - 1, e);
		struct val cell[3] = { 0 };

		values += !tie;
		if (s->conf.ties == TOP_DENSE)
			rank = values;
		else if (s->conf.ties == TOP_ROW || !tie)
			rank = i + 1;
		buf_clear(&s->val);
		buf_u64(&s->val, rank);
		cell[0] = val_make(T_OBJ, kept_span(&e->line));
		cell[1] = val_make(T_NUM, buf_span(&s->val));
		if (e->place_n > 0)
			cell[2] = val_of(span_of(e->line.p + e->place, e->place_n));
		rc = host->row(host->self, 0, cell, 3);
	}
	return rc;
}

static size_t
drop(void *st, const struct map_entry *e)
{
	struct top *s = st;
	struct group *g = e->cell;
	size_t n = g->cap * sizeof *g->v;

	s->held.more -= n;
	for (size_t i = 0; i < g->n; i++) {
		n += g->v[i].line.cap + g->v[i].text.cap;
		forget(s, &g->v[i]);
	}
	free(g->v);
	return n;
}

struct until {
	int64_t wm, oldest;		/* oldest: of the others */
};

/* Is it of a time up to wm? */
static bool
is_over(void *arg, const struct map_entry *e)
{
	struct until *u = arg;
	int64_t us = unpack_order(e->key.p);

	if (us > u->wm)
		u->oldest = us < u->oldest ? us : u->oldest;
	return us <= u->wm;
}

/* Write these and forget them. */
static int
write_all(struct top *s, struct map_entry *e, size_t n, const struct host *host)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = emit(s, e[i].cell, host);
		if (((struct group *)e[i].cell)->saved)
			pack_span(&s->held.gone, e[i].key);
		(void)drop(s, &e[i]);
		map_del(s->held.map, e[i].key);
	}
	free(e);
	return rc;
}

static int
close_top(void *st, int64_t wm_ms, const struct host *host)
{
	struct until u = { .oldest = INT64_MAX };
	struct top *s = st;
	struct map_entry *over;
	size_t n;
	int64_t wm;
	int rc;

	if (wm_ms == INT64_MAX) {
		n = map_count(s->held.map);
		return write_all(s, map_sorted(s->held.map), n, host);
	}
	if (__builtin_mul_overflow(wm_ms, 1000, &wm))
		wm = wm_ms < 0 ? INT64_MIN : INT64_MAX;
	/* without times a later record may always be larger */
	if (s->conf.water == NULL || s->oldest > wm)
		return 0;
	u.wm = wm;
	over = map_sorted_of(s->held.map, is_over, &u, &n);
	s->oldest = u.oldest;
	rc = write_all(s, over, n, host);
	if (map_count(s->held.map) == 0)
		held_clear(&s->held);
	return rc;
}

static int
flush(void *st, const struct host *host)
{
	struct top *s = st;
	int rc = close_top(s, INT64_MAX, host);

	if (rc != 0)
		return rc;
	held_clear(&s->held);
	return 0;
}

static int
add(void *st, struct span key, struct span val)
{
	struct top *s = st;
	struct unpack u = { val, true };
	struct group *g;

	if (s->conf.water != NULL && key.n < TIME_BYTES)
		return err_input("a saved state is not one of this command");
	if (s->conf.water != NULL && unpack_order(key.p) < s->oldest)
		s->oldest = unpack_order(key.p);
	g = map_put(s->held.map, key, NULL);
	while (u.ok && u.s.n > 0) {
		struct entry e = { 0 };
		struct span line;

		unpack_order_of(&u, &e.by);
		e.seq = unpack_u64(&u);
		e.place = (uint32_t)unpack_u64(&u);
		e.place_n = (uint32_t)unpack_u64(&u);
		line = unpack_span(&u);
		if (!u.ok || (size_t)e.place + e.place_n > line.n)
			return err_input("a saved state is not one of this command");
		if (!meets(g, &e.by))
			return err_input("group %.*s: %s", (int)(key.n < 100 ? key.n : 100), key.p, ORDER_MIXED);
		enter(s, g, &e, line, false);
	}
	return u.ok ? 0 : err_input("a saved state is not one of this command");
}

static int
save_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct top *s = st;
	struct group *g = e->cell;

	cut(s, g);
	if (g->n == 0)
		return 0;
	g->saved = true;
	buf_clear(&s->val);
	for (size_t i = 0; i < g->n; i++) {
		order_pack(&s->val, &g->v[i].by);
		pack_u64(&s->val, g->v[i].seq);
		pack_u64(&s->val, g->v[i].place);
		pack_u64(&s->val, g->v[i].place_n);
		pack_span(&s->val, kept_span(&g->v[i].line));
	}
	return put(arg, e->key, buf_span(&s->val));
}

static const char *
merge(void *st, void *cell, void *other)
{
	struct top *s = st;
	struct group *g = cell, *o = other;
	const char *why = NULL;

	for (size_t i = 0; i < o->n && why == NULL; i++) {
		struct entry *e = &o->v[i], *x;

		if (!meets(g, &e->by)) {
			why = ORDER_MIXED;
		} else if ((x = entry_for(s, g, e)) != NULL) {
			*x = *e;		/* its texts move with it */
			e->line = e->text = (struct kept){ 0 };
			entered(s, g);
		}
	}
	(void)drop(s, &(struct map_entry){ .cell = o });
	return why;
}

static void *
fresh(const void *st)
{
	return top_new(&((const struct top *)st)->conf);
}

static void
destroy(void *st)
{
	struct top *s = st;
	struct map_entry e;

	for (size_t i = 0; map_next(s->held.map, &i, &e);)
		free(((struct group *)e.cell)->v);
	held_free(&s->held);
	keys_free(&s->keys);
	buf_free(&s->scratch);
	buf_free(&s->val);
	buf_free(&s->key);
	free(s);
}

const struct op top_op = {
	.name = "top", .version = 1, .batch = batch, .close = close_top, .add = add, .save = held_save,
	.shed = held_shed, .bytes = held_bytes, .fresh = fresh, .free = destroy, .flush = flush,
	.join = held_join,
};
