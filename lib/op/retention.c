/* SPDX-License-Identifier: BSD-2-Clause */
/* retention - see retention.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/key.h"
#include "op/keyed.h"
#include "op/pack.h"
#include "op/retention.h"
#include "op/tally.h"

#define CELLS 4			/* behind the groups: cohort, day, users, kept */

/* Of a user: a bit for each of conf.days. Of the empty key: the last day met, as pack_order's bits. */
struct cell {
	bool dirty;		/* first: op/keyed.h */
	uint64_t bits;
};

struct retention {
	struct tally tally;		/* users; and of each group and cohort how many, and how many came again */
	struct retention_conf conf;
	struct buf key, val, text;
	struct span *value;		/* of a key */
	struct val *row;
	uint64_t known;			/* the last day met, once rows are written */
	int32_t cohort;			/* the one met last, and its text */
	char cohort_text[WHEN_DAY_BYTES];
	/* of the batch */
	size_t at[BATCH_RECORDS_MAX + 1];
	uint64_t hash[BATCH_RECORDS_MAX], bits[BATCH_RECORDS_MAX];
	int32_t last;			/* day of the batch */
};

static int save_one(void *st, const struct map_entry *, kv_fn *, void *arg);
static const char *merge(void *st, void *cell, void *other);
static const struct keyed cells = { NULL, save_one, NULL, merge };
static bool cohort_of(void *st, struct span key, struct span *cohort);
static void count_user(void *st, void *cell, uint64_t *n);
static int emit(void *st, struct span cohort, const uint64_t *n, const struct host *);
static void learn_day(void *st);
static const struct tally_of by_cohort = { cohort_of, count_user, emit, learn_day };

void *
retention_new(const struct retention_conf *conf)
{
	struct retention *s = mem_new(sizeof *s);

	s->conf = *conf;
	tally_init(&s->tally, &cells, map_new(sizeof(struct cell)), &by_cohort, 1 + conf->n_days);
	s->value = mem_array(NULL, conf->n_groups + 1 + conf->n_users, sizeof *s->value);
	s->row = mem_array(NULL, conf->n_groups + CELLS, sizeof *s->row);
	s->cohort = INT32_MIN;
	return s;
}

/* Days as numbers that grow with them and are never 0. */
static uint64_t
day_bits(int32_t day)
{
	return (uint64_t)((int64_t)day - INT32_MIN) + 1;
}

static void
meet_day(struct retention *s, uint64_t bits)
{
	struct cell *c = map_put(s->tally.held.map, span_of("", 0), NULL);

	if (bits <= c->bits)
		return;
	c->bits = bits;
	c->dirty = true;
}

static void
keep(struct retention *s, uint64_t hash, struct span key, uint64_t bits)
{
	bool fresh;
	struct cell *c = map_put_hashed(s->tally.held.map, hash, key, &fresh);

	c->dirty = c->dirty || fresh || (bits & ~c->bits) != 0;
	c->bits |= bits;
}

/* ---- a batch ---- */

static bool
no_user(const struct retention *s, const struct batch *b, size_t i)
{
	for (size_t k = 0; k < s->conf.n_users; k++)
		if (val_is_null(b->col[s->conf.user[k]][i]))
			return true;
	return false;
}

static uint64_t
bit_of(const struct retention_conf *f, int64_t apart)
{
	for (size_t i = 0; i < f->n_days && f->days[i] <= apart; i++)
		if (f->days[i] == apart)
			return UINT64_C(1) << i;
	return 0;
}

/* Its key, appended, and its bit. NULL or a reason. */
static const char *
locate_one(struct retention *s, const struct batch *b, size_t i)
{
	const struct retention_conf *f = &s->conf;
	struct val cohort = b->col[f->cohort][i], day = b->col[f->day][i];
	int32_t began, came = INT32_MIN;
	const char *why;
	bool none;

	if (val_is_null(cohort))
		return "no cohort";
	if ((why = when_val_day(cohort, f->cohort_unit, f->zone, &s->val, &began)) != NULL)
		return why;
	s->bits[i] = 0;
	if (!val_is_null(day)) {
		if ((why = when_val_day(day, f->day_unit, f->zone, &s->val, &came)) != NULL)
			return why;
		s->bits[i] = bit_of(f, (int64_t)came - began);
	}
	if ((why = key_of(b, i, f->group, f->n_groups, f->as, &s->key, &none)) != NULL)
		return why;
	if (f->n_groups > 0)
		buf_byte(&s->key, ',');
	if (began != s->cohort)
		day_print(s->cohort = began, s->cohort_text);
	buf_byte(&s->key, '"');
	buf_add(&s->key, s->cohort_text, WHEN_DAY_BYTES - 1);
	buf_str(&s->key, "\",");
	why = key_of(b, i, f->user, f->n_users, f->as, &s->key, &none);
	if (why == NULL && came > s->last)
		s->last = came;
	return why;
}

static struct span
key_at(const struct retention *s, size_t i)
{
	return span_of(s->key.p + s->at[i], s->at[i + 1] - s->at[i]);
}

static const uint64_t *
locate(void *st, const struct batch *b)
{
	struct retention *s = st;

	s->last = INT32_MIN;
	buf_clear(&s->key);
	for (size_t i = 0; i < b->n; i++) {
		const char *why;

		s->at[i] = s->key.n;
		if (b->fate[i] != F_PASS)
			continue;
		if (no_user(s, b, i)) {
			b->fate[i] = F_DROP;
		} else if ((why = locate_one(s, b, i)) != NULL) {
			s->key.n = s->at[i];
			batch_reject(b, i, why);
		}
	}
	s->at[b->n] = s->key.n;
	for (size_t i = 0; i < b->n; i++)
		if (b->fate[i] == F_PASS)
			s->hash[i] = hash_mem(key_at(s, i));
	return s->hash;
}

/* One record that `by` located. */
static void
take_one(struct retention *s, const struct retention *by, const struct batch *b, size_t i)
{
	keep(s, by->hash[i], key_at(by, i), by->bits[i]);
	b->fate[i] = F_USED;
}

/* The last day is every part's to know. */
static int
take(void *st, void *by_st, const struct batch *b, const uint16_t *at, size_t n)
{
	const struct retention *by = by_st;
	struct retention *s = st;

	for (size_t k = 0; k < n; k++)
		map_prefetch(s->tally.held.map, by->hash[at[k]]);
	for (size_t k = 0; k < n; k++)
		take_one(s, by, b, at[k]);
	if (by->last != INT32_MIN)
		meet_day(s, day_bits(by->last));
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

static void
count_user(void *st, void *cell, uint64_t *n)
{
	const struct retention *s = st;
	const struct cell *c = cell;

	n[0]++;
	for (size_t k = 0; k < s->conf.n_days; k++)
		n[1 + k] += c->bits >> k & 1;
}

/* The rows of a group and cohort. */
static int
emit(void *st, struct span begun, const uint64_t *n, const struct host *host)
{
	struct retention *s = st;
	const struct retention_conf *f = &s->conf;
	const struct span *began = &s->value[f->n_groups];
	int32_t cohort;
	int rc = 0;

	if (!key_split(begun, s->value, f->n_groups + 1) || began->n != WHEN_DAY_BYTES + 1 ||
	    day_parse(span_of(began->p + 1, began->n - 2), &cohort) != NULL)
		return err_input("a saved state is not one of this command");
	for (size_t g = 0; g <= f->n_groups; g++)
		s->row[g] = val_of(s->value[g]);
	for (size_t i = 0; i < f->n_days && rc == 0; i++) {
		struct val *cell = s->row + f->n_groups + 1;
		int64_t day = (int64_t)cohort + f->days[i];
		size_t end[2];

		buf_clear(&s->text);
		buf_i64(&s->text, f->days[i]);
		end[0] = s->text.n;
		buf_u64(&s->text, n[0]);
		end[1] = s->text.n;
		if (day > INT32_MAX || day_bits((int32_t)day) > s->known)
			buf_str(&s->text, "null");
		else
			buf_u64(&s->text, n[1 + i]);
		cell[0] = val_make(T_NUM, span_of(s->text.p, end[0]));
		cell[1] = val_make(T_NUM, span_of(s->text.p + end[0], end[1] - end[0]));
		cell[2] = val_of(span_from(buf_span(&s->text), end[1]));
		rc = host->row(host->self, 0, s->row, f->n_groups + CELLS);
	}
	return rc;
}

/* The part of a key before the user, taken apart into s->value; the empty key has none. False: it is no key of ours. */
static bool
cohort_of(void *st, struct span key, struct span *cohort)
{
	struct retention *s = st;
	size_t n = s->conf.n_groups;

	*cohort = span_of(NULL, 0);
	if (key.n == 0)
		return true;
	if (!key_split(key, s->value, n + 1 + s->conf.n_users))
		return false;
	*cohort = span_of(key.p, (size_t)(s->value[n].p + s->value[n].n - key.p));
	return true;
}

/* What the empty key says: it is the first of all, so it is known before a row is written. */
static void
learn_day(void *st)
{
	struct retention *s = st;
	const struct cell *day = map_get(s->tally.held.map, span_of(NULL, 0));

	if (day != NULL && day->bits > s->known)
		s->known = day->bits;
}

/* ---- the law ---- */

static int
add(void *st, struct span key, struct span val)
{
	struct retention *s = st;
	struct unpack u = { val, true };
	uint64_t bits = unpack_u64(&u);
	struct span cohort;

	if (!unpack_done(&u) || !cohort_of(s, key, &cohort))
		return err_input("a saved state is not one of this command");
	if (key.n == 0)
		meet_day(s, bits);
	else
		keep(s, hash_mem(key), key, bits);
	return 0;
}

static int
save_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct retention *s = st;
	struct cell *c = e->cell;

	buf_clear(&s->val);
	pack_u64(&s->val, c->bits);
	return put(arg, e->key, buf_span(&s->val));
}

/* Of the empty key it is the later day. */
static const char *
merge(void *st, void *cell, void *other)
{
	const struct retention *s = st;
	const struct cell *o = other;
	struct cell *c = cell;

	if (map_key(s->tally.held.map, c).n > 0)
		c->bits |= o->bits;
	else if (o->bits > c->bits)
		c->bits = o->bits;
	c->dirty = true;
	return NULL;
}

static int
join(void *st, void *other)
{
	struct retention *s = st, *o = other;

	s->known = o->known > s->known ? o->known : s->known;
	return tally_join(s, o);
}

static void *
fresh(const void *st)
{
	return retention_new(&((const struct retention *)st)->conf);
}

static void
destroy(void *st)
{
	struct retention *s = st;

	tally_free(&s->tally);
	buf_free(&s->key);
	buf_free(&s->val);
	buf_free(&s->text);
	free(s->value);
	free(s->row);
	free(s);
}

const struct op retention_op = {
	.name = "retention", .version = 1, .batch = batch, .close = tally_close, .add = add, .save = held_save,
	.shed = held_shed, .bytes = held_bytes, .fresh = fresh, .free = destroy, .flush = tally_flush,
	.join = join, .parts = &parts,
};
