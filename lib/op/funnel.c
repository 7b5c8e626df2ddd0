/* SPDX-License-Identifier: BSD-2-Clause */
/* funnel - see funnel.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/key.h"
#include "op/keyed.h"
#include "op/funnel.h"
#include "op/pack.h"
#include "op/tally.h"

#define SETTLE_BYTES_MIN 128
#define CELLS 4			/* behind the groups: step, number, users, rate */

/*
 * The events of one user: a time in an order of bytes that is time's, and a bit for each step.  Settled, they are in
 * order and each time stands once; when the bytes have doubled since, they are settled again.
 */
struct cell {
	bool dirty;		/* first: op/keyed.h */
	struct kept events;
	uint32_t settled;
};

struct funnel {
	struct tally tally;		/* users; and of each group how many got to each step */
	struct funnel_conf conf;
	size_t width;			/* of an event */
	struct keys keys;
	struct buf val, text;
	struct span *value;		/* of a key */
	struct val *row;
	uint64_t mask[BATCH_RECORDS_MAX];	/* of the batch: the steps that each record meets */
};

static int save_one(void *st, const struct map_entry *, kv_fn *, void *arg);
static size_t drop(void *st, const struct map_entry *);
static const char *merge(void *st, void *cell, void *other);
static const struct keyed cells = { NULL, save_one, drop, merge };
static bool group_of(void *st, struct span key, struct span *group);
static void count_user(void *st, void *cell, uint64_t *users);
static int emit(void *st, struct span group, const uint64_t *users, const struct host *);
static const struct tally_of by_group = { group_of, count_user, emit, NULL };

void *
funnel_new(const struct funnel_conf *conf)
{
	struct funnel *s = mem_new(sizeof *s);

	s->conf = *conf;
	s->width = 8 + (conf->n_steps + 7) / 8;
	tally_init(&s->tally, &cells, map_new(sizeof(struct cell)), &by_group, conf->n_steps);
	s->value = mem_array(NULL, conf->n_groups + conf->n_users, sizeof *s->value);
	s->row = mem_array(NULL, conf->n_groups + CELLS, sizeof *s->row);
	return s;
}

/* ---- events ---- */

static void
put_mask(char *p, size_t n, uint64_t mask)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(unsigned char)(mask >> 8 * i);
}

static uint64_t
get_mask(const char *p, size_t n)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < n; i++)
		mask |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return mask;
}

static int
by_time(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static void
settle(struct funnel *s, struct cell *c)
{
	char *p = c->events.p;
	size_t w = s->width, n = c->events.n / w, kept = 0;

	if (c->settled == c->events.n)
		return;
	qsort(p, n, w, by_time);
	for (size_t i = 1; i < n; i++) {
		if (memcmp(p + kept * w, p + i * w, 8) != 0)
			memmove(p + ++kept * w, p + i * w, w);
		else
			for (size_t k = 8; k < w; k++)
				p[kept * w + k] |= p[i * w + k];
	}
	c->events.n = (uint32_t)((kept + 1) * w);
	c->settled = c->events.n;
}

static void
put_event(struct funnel *s, struct cell *c, const char *event)
{
	size_t limit = c->settled < SETTLE_BYTES_MIN ? SETTLE_BYTES_MIN : 2 * (size_t)c->settled;
	char *last = c->events.n == 0 ? NULL : c->events.p + c->events.n - s->width;

	c->dirty = true;
	if (last != NULL && memcmp(last, event, 8) == 0) {
		for (size_t k = 8; k < s->width; k++)
			last[k] |= event[k];
		return;
	}
	kept_add(&s->tally.held.pool, &c->events, span_of(event, s->width));
	if (c->events.n > limit)
		settle(s, c);
}

/* ---- a batch ---- */

static bool
no_user(const struct funnel *s, const struct batch *b, size_t i)
{
	for (size_t k = 0; k < s->conf.n_users; k++)
		if (val_is_null(b->col[s->conf.key[s->conf.n_groups + k]][i]))
			return true;
	return false;
}

static uint64_t
steps_met(const struct funnel *s, const struct batch *b, size_t i)
{
	uint64_t mask = 0;

	for (size_t k = 0; k < s->conf.n_steps; k++)
		if (b->col[s->conf.step[k]][i].tag == T_TRUE)
			mask |= UINT64_C(1) << k;
	return mask;
}

static const uint64_t *
locate(void *st, const struct batch *b)
{
	struct funnel *s = st;
	const struct funnel_conf *f = &s->conf;

	for (size_t i = 0; i < b->n; i++)
		if (b->fate[i] == F_PASS && ((s->mask[i] = steps_met(s, b, i)) == 0 || no_user(s, b, i)))
			b->fate[i] = F_DROP;
	keys_batch(&s->keys, b, f->key, f->n_groups + f->n_users, f->as, KEYS_NULL_IS);
	return s->keys.hash;
}

/* One record that `by` located. */
static void
take_one(struct funnel *s, const struct funnel *by, const struct batch *b, size_t i)
{
	const struct funnel_conf *f = &s->conf;
	char event[16];
	const char *why;
	int64_t us = 0;

	if (!f->unordered && (why = when_val(b->col[f->time][i], f->unit, f->zone, &s->val, &us)) != NULL) {
		batch_reject(b, i, why);
		return;
	}
	pack_order(event, us);
	put_mask(event + 8, s->width - 8, by->mask[i]);
	put_event(s, map_put_hashed(s->tally.held.map, by->keys.hash[i], keys_at(&by->keys, i), NULL), event);
	b->fate[i] = F_USED;
}

static int
take(void *st, void *by_st, const struct batch *b, const uint16_t *at, size_t n)
{
	const struct funnel *by = by_st;
	struct funnel *s = st;

	for (size_t k = 0; k < n; k++)
		map_prefetch(s->tally.held.map, by->keys.hash[at[k]]);
	for (size_t k = 0; k < n; k++)
		take_one(s, by, b, at[k]);
	return 0;
}

static const struct op_parts parts = { NULL, locate, take, tally_plan, tally_piece, false };

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	(void)host;
	return tally_batch(st, &parts, b);
}

/* ---- output ---- */

static int
bad_state(void)
{
	return err_input("a saved state is not one of this command");
}

/* The last instant at which a funnel that began then may go on. */
static int64_t
limit_of(const struct funnel_conf *f, int64_t us)
{
	static const struct dur day = { .days = 1 };
	int64_t next;

	if (!f->day)
		return dur_add(f->within, 1, us, f->zone);
	next = dur_add(day, 1, dur_floor(day, 0, us, f->zone), f->zone);
	return next == WHEN_US_MAX ? next : dur_floor(day, 0, next, f->zone) - 1;
}

/*
 * The steps that this user got to.  Of all ways to a step the one that began last lasts longest, and none that began
 * earlier can do more: so one limit a step is enough.
 */
static void
count_user(void *st, void *cell, uint64_t *users)
{
	struct funnel *s = st;
	struct cell *c = cell;
	const struct funnel_conf *f = &s->conf;
	int64_t limit[FUNNEL_STEPS_MAX];
	size_t steps = 0;

	settle(s, c);
	for (size_t at = 0; at < c->events.n; at += s->width) {
		const char *e = c->events.p + at;
		uint64_t mask = get_mask(e + 8, s->width - 8);
		int64_t us = unpack_order(e);

		for (size_t k = 0; k < f->n_steps; k++) {
			if ((mask >> k & 1) == 0)
				continue;
			if (f->unordered)
				users[k]++;
			else if (k == 0)
				limit[0] = limit_of(f, us);
			else if (k <= steps && us <= limit[k - 1])
				limit[k] = limit[k - 1];
			else
				continue;
			steps = k + 1 > steps ? k + 1 : steps;
		}
	}
	for (size_t k = 0; !f->unordered && k < steps; k++)
		users[k]++;
}

static int
emit(void *st, struct span group, const uint64_t *users_at, const struct host *host)
{
	struct funnel *s = st;
	const struct funnel_conf *f = &s->conf;
	int rc = 0;

	if (!key_split(group, s->value, f->n_groups))
		return bad_state();
	for (size_t k = 0; k < f->n_steps && rc == 0; k++) {
		struct dec users, before, rate;
		struct val *cell = s->row + f->n_groups;
		size_t end[2];

		for (size_t g = 0; g < f->n_groups; g++)
			s->row[g] = val_of(s->value[g]);
		dec_int((int64_t)users_at[k], &users);
		dec_int((int64_t)users_at[k == 0 ? 0 : k - 1], &before);
		buf_clear(&s->text);
		buf_u64(&s->text, k + 1);
		end[0] = s->text.n;
		buf_u64(&s->text, users_at[k]);
		end[1] = s->text.n;
		if (dec_is_zero(&before) || dec_div(&users, &before, &rate) != NULL)
			buf_str(&s->text, "null");
		else
			dec_print(&rate, &s->text);
		cell[0] = val_make(T_STR, f->name[k]);
		cell[1] = val_make(T_NUM, span_of(s->text.p, end[0]));
		cell[2] = val_make(T_NUM, span_of(s->text.p + end[0], end[1] - end[0]));
		cell[3] = val_of(span_from(buf_span(&s->text), end[1]));
		rc = host->row(host->self, 0, s->row, f->n_groups + CELLS);
	}
	return rc;
}

/* The groups' part of a key. False: it is no key of ours. */
static bool
group_of(void *st, struct span key, struct span *group)
{
	struct funnel *s = st;
	size_t n = s->conf.n_groups;

	if (!key_split(key, s->value, n + s->conf.n_users))
		return false;
	*group = span_of(key.p, n == 0 ? 0 : (size_t)(s->value[n - 1].p + s->value[n - 1].n - key.p));
	return true;
}

/* ---- the law ---- */

static int
add(void *st, struct span key, struct span val)
{
	struct funnel *s = st;
	struct cell *c;
	struct span group;

	if (val.n == 0 || val.n % s->width != 0 || !group_of(s, key, &group))
		return bad_state();
	c = map_put(s->tally.held.map, key, NULL);
	for (size_t at = 0; at < val.n; at += s->width)
		put_event(s, c, val.p + at);
	return 0;
}

static int
save_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct funnel *s = st;
	struct cell *c = e->cell;

	settle(s, c);
	return put(arg, e->key, kept_span(&c->events));
}

static size_t
drop(void *st, const struct map_entry *e)
{
	struct funnel *s = st;
	struct cell *c = e->cell;
	size_t n = sizeof *c + c->events.cap;

	kept_drop(&s->tally.held.pool, &c->events);
	return n;
}

static const char *
merge(void *st, void *cell, void *other)
{
	struct funnel *s = st;
	struct cell *o = other;

	for (size_t at = 0; at < o->events.n; at += s->width)
		put_event(s, cell, o->events.p + at);
	kept_drop(&s->tally.held.pool, &o->events);
	return NULL;
}

static void *
fresh(const void *st)
{
	return funnel_new(&((const struct funnel *)st)->conf);
}

static void
destroy(void *st)
{
	struct funnel *s = st;

	tally_free(&s->tally);
	keys_free(&s->keys);
	buf_free(&s->val);
	buf_free(&s->text);
	free(s->value);
	free(s->row);
	free(s);
}

const struct op funnel_op = {
	.name = "funnel", .version = 1, .batch = batch, .close = tally_close, .add = add, .save = held_save,
	.shed = held_shed, .bytes = held_bytes, .fresh = fresh, .free = destroy, .flush = tally_flush,
	.join = tally_join, .parts = &parts,
};
