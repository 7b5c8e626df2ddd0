/* SPDX-License-Identifier: BSD-2-Clause */
/* check_sides - see check_sides.h */
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "cdc/spill.h"
#include "op/key.h"
#include "out/json.h"
#include "run/check_sides.h"
#include "run/check_why.h"
#include "run/ctx.h"
#include "run/operand.h"

#define PARTS 65536u		/* of the keys; one more for records without one */
#define SURPLUS_MAX 65536u	/* records of one key and side that wait for a partner */

/* What is between the pieces of a kept record: no canonical form has such bytes. */
#define KEY_END '\0'
#define VALUE_END '\1'
#define NEAR 8			/* records ahead */

struct list { int *col; struct buf *name; size_t n; };	/* name: `"amount":` */

struct bucket {
	uint64_t rows[2], only[2], differs, near, explained;
	struct decsum sum[];		/* [2 * sums] A's, then B's */
};

struct part { uint64_t lo, hi, mem, rows; };

struct surplus { size_t at, n; uint64_t times; };	/* values in sides.held[side] */

struct sides {
	struct ctx *c;
	struct sides_conf conf;
	struct pathset *ps;
	struct list key, sum, field, by;
	struct map *buckets;
	struct map_entry *sorted;	/* after the first reading */
	struct bucket *all;
	uint64_t nulls[2];		/* records without a key */
	struct part *part[2], again;	/* again: the whole second reading of a side */
	struct part hashes, *into;	/* of one record; NULL: added already */
	bool *open;			/* [PARTS] */
	bool once, sifting;		/* the only reading; the second one */
	int side;			/* being read */
	/* of one record */
	struct buf id, group, values, scratch;
	struct dec *num;
	bool *has;
	/* records kept */
	struct buf text;
	size_t *at, n, cap, budget;
	struct spill *spill;
	/* of one key */
	struct buf last_key, last_values, held[2], line;
	uint64_t last_times;
	int last_side;
	struct surplus *surplus[2];
	size_t n_surplus[2], cap_surplus[2];
	/* reasons */
	struct whys *whys;		/* NULL: none were asked for */
	const char *why_from[REASONS_MAX];
	size_t reason;			/* being read */
	uint64_t told[REASONS_MAX + 1];	/* records that each explains; the last: not yet flushed */
	struct list *mark_in;		/* key or field */
	size_t mark_at;			/* in it */
	struct span mark;
	struct decsum *gap;		/* [sums] of one key: B less A */
};

/* ---- set-up ---- */

struct list_arg { struct sides *s; struct list *l; const char *what; };

static int
add_path(void *arg, struct span name, struct span path)
{
	struct list_arg *a = arg;
	struct list *l = a->l;
	char err[MESSAGE_BYTES_MAX];
	int col = pathset_add(a->s->ps, path, err, sizeof err);

	if (col == -1)
		return ctx_usage(a->s->c, "%s: %s", a->what, err);
	if (name.n == 0)
		name = path_last(&a->s->ps->path[col]);
	l->col = mem_array(l->col, l->n + 1, sizeof *l->col);
	l->name = mem_array(l->name, l->n + 1, sizeof *l->name);
	l->col[l->n] = col;
	l->name[l->n] = (struct buf){ 0 };
	json_key(&l->name[l->n++], name);
	for (size_t i = 0; i + 1 < l->n; i++)
		if (span_eq(buf_span(&l->name[i]), buf_span(&l->name[l->n - 1])))
			return ctx_usage(a->s->c, "%s: the name %.*s twice", a->what, (int)name.n, name.p);
	return 0;
}

static int
read_list(struct sides *s, const char *text, const char *what, struct list *l)
{
	struct list_arg a = { s, l, what };
	int rc;

	if (text == NULL)
		return 0;
	rc = pathlist_each(span_str(text), add_path, &a);
	return rc != 0 || l->n > 0 ? rc : ctx_usage(s->c, "%s: a path is needed", what);
}

static struct bucket *
bucket_new(const struct sides *s)
{
	return mem_new(sizeof(struct bucket) + mem_mul(2 * s->sum.n, sizeof(struct decsum)));
}

/* What a record needs that is taken apart and counted in. */
static void
one_record(struct sides *s)
{
	s->all = bucket_new(s);
	s->num = mem_array(NULL, s->sum.n, sizeof *s->num);
	s->has = mem_array(NULL, s->sum.n, sizeof *s->has);
}

static void
one_record_free(struct sides *s)
{
	free(s->all);
	free(s->num);
	free(s->has);
	buf_free(&s->id);
	buf_free(&s->group);
	buf_free(&s->values);
	buf_free(&s->scratch);
}

/* NAME=VALUE: which member, and the last value of it that is in B. */
static int
set_mark(struct sides *s, const char *text)
{
	struct list *lists[] = { &s->key, &s->field };
	const char *eq = text == NULL ? NULL : strchr(text, '=');
	struct buf name = { 0 };

	if (text == NULL)
		return 0;
	if (eq == NULL || eq == text || eq[1] == '\0')
		return ctx_usage(s->c, "--flushed: NAME=VALUE is needed");
	json_key(&name, span_of(text, (size_t)(eq - text)));
	for (size_t l = 0; l < 2; l++)
		for (size_t k = 0; k < lists[l]->n; k++)
			if (span_eq(buf_span(&lists[l]->name[k]), buf_span(&name))) {
				s->mark_in = lists[l];
				s->mark_at = k;
			}
	buf_free(&name);
	if (s->mark_in == NULL)
		return ctx_usage(s->c, "--flushed: '%.*s' is no name of -k or --fields", (int)(eq - text), text);
	s->mark = span_str(eq + 1);
	return 0;
}

static int
set_whys(struct sides *s)
{
	const struct opt_list *lists[] = { &s->conf.lacks, &s->conf.extra };

	if (s->conf.lacks.n + s->conf.extra.n == 0 && s->conf.flushed == NULL)
		return 0;
	s->whys = whys_new(s->sum.n);
	s->gap = mem_array(NULL, s->sum.n, sizeof *s->gap);
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			size_t at = whys_count(s->whys);
			const char *operand, *why = whys_name(s->whys, lists[l]->v[i], l == 0, &operand);

			if (why != NULL)
				return ctx_usage(s->c, "%s: '%s': %s", l == 0 ? "--lacks" : "--extra",
				    lists[l]->v[i], why);
			s->why_from[at] = operand;
		}
	return set_mark(s, s->conf.flushed);
}

int
sides_new(struct ctx *c, const struct sides_conf *conf, struct sides **out)
{
	struct sides *s = mem_new(sizeof *s);
	int rc;

	*out = s;
	s->c = c;
	s->conf = *conf;
	s->ps = pathset_new();
	if ((rc = read_list(s, conf->keys, "-k", &s->key)) != 0 ||
	    (rc = read_list(s, conf->sums, "--sum", &s->sum)) != 0 ||
	    (rc = read_list(s, conf->fields, "--fields", &s->field)) != 0 ||
	    (rc = read_list(s, conf->by, "--by", &s->by)) != 0)
		return rc;
	if (s->by.n > 1)
		return ctx_usage(c, "--by takes one path");
	s->buckets = map_new(sizeof(struct bucket *));
	one_record(s);
	s->open = mem_new(PARTS);
	for (int i = 0; i < 2; i++)
		s->part[i] = mem_new((PARTS + 1) * sizeof *s->part[i]);
	s->budget = ctx_budget(c) / 4;
	s->spill = spill_new();
	return set_whys(s);
}

static void
list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		buf_free(&l->name[i]);
	free(l->name);
	free(l->col);
}

void
sides_free(struct sides *s)
{
	struct map_entry e;

	if (s == NULL)
		return;
	list_free(&s->key);
	list_free(&s->sum);
	list_free(&s->field);
	list_free(&s->by);
	pathset_free(s->ps);
	for (size_t i = 0; s->buckets != NULL && map_next(s->buckets, &i, &e);)
		free(*(struct bucket **)e.cell);
	if (s->buckets != NULL)
		map_free(s->buckets);
	free(s->sorted);
	one_record_free(s);
	free(s->open);
	free(s->at);
	for (int i = 0; i < 2; i++) {
		free(s->part[i]);
		free(s->surplus[i]);
		buf_free(&s->held[i]);
	}
	buf_free(&s->text);
	buf_free(&s->last_key);
	buf_free(&s->last_values);
	buf_free(&s->line);
	if (s->spill != NULL)
		spill_free(s->spill);
	whys_free(s->whys);
	free(s->gap);
	free(s);
}

/* ---- one record ---- */

/* A number, or a text that is one; null is none. */
static const char *
number(struct sides *s, struct val v, struct dec *d, bool *has)
{
	*has = !val_is_null(v);
	if (!*has)
		return NULL;
	if (v.tag == T_NUM)
		return dec_parse(v.raw, d);
	return v.tag == T_STR && dec_parse(val_text(v, &s->scratch), d) == NULL ? NULL : "a --sum is no number";
}

/* The key in id, by in group, all that is compared in values. NULL or why the record is bad; *none: a key is null. */
static const char *
take_apart(struct sides *s, const struct batch *b, size_t i, bool *none)
{
	enum key_as as = ctx_key_as(s->c);
	const char *why;

	*none = false;
	buf_clear(&s->id);
	buf_clear(&s->group);
	buf_clear(&s->values);
	if ((why = key_of(b, i, s->key.col, s->key.n, as, &s->id, none)) != NULL)
		return why;
	if (s->by.n > 0 && (why = val_key(b->col[s->by.col[0]][i], as, &s->group)) != NULL)
		return why;
	buf_span_add(&s->values, buf_span(&s->group));
	for (size_t k = 0; k < s->sum.n; k++) {
		if ((why = number(s, b->col[s->sum.col[k]][i], &s->num[k], &s->has[k])) != NULL)
			return why;
		buf_byte(&s->values, VALUE_END);
		if (s->has[k])
			dec_print_canonical(&s->num[k], &s->values);
		else
			buf_str(&s->values, "null");
	}
	for (size_t k = 0; k < s->field.n; k++) {
		struct val v = b->col[s->field.col[k]][i];

		buf_byte(&s->values, VALUE_END);
		if (v.tag == T_ARR || v.tag == T_OBJ)
			buf_span_add(&s->values, v.raw);
		else if ((why = val_key(v, as, &s->values)) != NULL)
			return why;
	}
	return NULL;
}

static size_t
part_of(const struct sides *s)
{
	return (size_t)(hash_fixed(buf_span(&s->id)) >> 48) % PARTS;
}

static struct bucket *
bucket_of(struct sides *s, struct span by)
{
	bool fresh;
	struct bucket **cell = map_put(s->buckets, by, &fresh);

	if (fresh)
		*cell = bucket_new(s);
	return *cell;
}

static void
count_in(struct sides *s, struct bucket *b)
{
	b->rows[s->side]++;
	for (size_t k = 0; k < s->sum.n; k++)
		if (s->has[k])
			decsum_add(&b->sum[(size_t)s->side * s->sum.n + k], &s->num[k]);
}

/* ---- records kept: sorted runs of KEY, KEY_END, VALUES, KEY_END, a or b ---- */

static struct span
kept(const struct sides *s, size_t at)
{
	uint32_t n;

	memcpy(&n, s->text.p + at, sizeof n);
	return span_of(s->text.p + at + sizeof n, n);
}

static int
by_text(const void *pa, const void *pb, void *arg)
{
	return span_cmp(kept(arg, *(const size_t *)pa), kept(arg, *(const size_t *)pb));
}

/* What is kept becomes one run; equal records become one, with how many times it stood there. */
static int
shed(struct sides *s)
{
	int rc = 0;

	if (s->n > 0)
		qsort_r(s->at, s->n, sizeof *s->at, by_text, s);
	for (size_t i = 0, k; i < s->n && rc == 0; i = k) {
		uint64_t times;

		for (k = i + 1; k < s->n && span_eq(kept(s, s->at[i]), kept(s, s->at[k]));)
			k++;
		times = k - i;
		rc = spill_put(s->spill, kept(s, s->at[i]), span_of((const char *)&times, sizeof times));
	}
	s->n = 0;
	buf_clear(&s->text);
	return rc != 0 ? rc : spill_end(s->spill);
}

static int
keep(struct sides *s)
{
	uint32_t n = (uint32_t)(s->id.n + s->values.n + 3);	/* both are parts of one line */

	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 1024 : mem_mul(s->cap, 2);
		s->at = mem_array(s->at, s->cap, sizeof *s->at);
	}
	s->at[s->n++] = s->text.n;
	buf_add(&s->text, (const char *)&n, sizeof n);
	buf_span_add(&s->text, buf_span(&s->id));
	buf_byte(&s->text, KEY_END);
	buf_span_add(&s->text, buf_span(&s->values));
	buf_byte(&s->text, KEY_END);
	buf_byte(&s->text, s->side == 0 ? 'a' : 'b');
	return s->text.n + s->n * sizeof *s->at < s->budget ? 0 : shed(s);
}

/* ---- reading ---- */

static void
part_join(struct part *to, const struct part *p)
{
	to->lo += p->lo;
	to->hi += p->hi;
	to->mem += p->mem;
	to->rows += p->rows;
}

/* The hashes at hand into their part. */
static void
hash_add(struct sides *s)
{
	if (s->into != NULL)
		part_join(s->into, &s->hashes);
	s->into = NULL;
}

/*
 * The key and what is compared, as one text, into the sums of a part: when the next record has its turn, or at the end
 * of the batch (hash_add), for the part, one of 2 MiB, is not near.
 */
static void
hash_in(struct sides *s, struct part *p)
{
	struct fp f;

	__builtin_prefetch(p, 1);
	hash_add(s);
	buf_clear(&s->scratch);
	buf_span_add(&s->scratch, buf_span(&s->id));
	buf_byte(&s->scratch, KEY_END);
	buf_span_add(&s->scratch, buf_span(&s->values));
	f = hash_fp(buf_span(&s->scratch));
	/* mem is seeded: nobody can prepare records whose sums agree */
	s->hashes = (struct part){ f.lo, f.hi, hash_mem(buf_span(&s->scratch)), 1 };
	s->into = p;
}

static int
first_reading(struct sides *s, bool none)
{
	hash_in(s, &s->part[s->side][none ? PARTS : part_of(s)]);
	count_in(s, s->all);
	if (s->by.n > 0)
		count_in(s, bucket_of(s, buf_span(&s->group)));
	s->nulls[s->side] += none;
	return s->once && !none ? keep(s) : 0;
}

static int
second_reading(struct sides *s, bool none)
{
	hash_in(s, &s->again);
	return !none && s->open[part_of(s)] ? keep(s) : 0;
}

MEM_AHEAD void
list_near(const struct list *l, const struct batch *b, size_t i)
{
	for (size_t k = 0; k < l->n; k++)
		__builtin_prefetch(b->col[l->col[k]][i].raw.p);
}

/* Record i is looked at next: bring near what one of those behind it has, which another core may have read. */
MEM_AHEAD void
record_near(const struct sides *s, const struct batch *b, size_t i)
{
	if (i + NEAR >= b->n)
		return;
	list_near(&s->key, b, i + NEAR);
	list_near(&s->sum, b, i + NEAR);
	list_near(&s->field, b, i + NEAR);
}

/* Each record, taken apart; none: it has no key. */
static int
each(struct sides *s, const struct batch *b, int (*take)(struct sides *, bool none))
{
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		bool none;
		const char *why;

		record_near(s, b, i);
		if ((why = take_apart(s, b, i, &none)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		b->fate[i] = F_USED;
		rc = take(s, none);
	}
	hash_add(s);
	return rc;
}

static int
rows_read(void *arg, const struct batch *b)
{
	struct sides *s = arg;
	int rc = each(s, b, s->sifting ? second_reading : first_reading);

	/* one, such as that of no --by, is none too many */
	if (map_count(s->buckets) > 1 && map_bytes(s->buckets) + map_count(s->buckets) * (sizeof(struct bucket) +
	    2 * s->sum.n * sizeof(struct decsum)) > ctx_budget(s->c) / 2)
		rc = rc != 0 ? rc : err_io("--by has more values than -S has memory for");
	return rc;
}

/*
 * The first reading by several threads: each counts into a struct sides of its own, of which all but what a record
 * needs, one side's parts and its counts is the first one's, to be read; they are joined when the thread has ended.
 * Not with --by, whose values would be in memory once for each of them.
 */
static void *
counter_new(void *arg)
{
	const struct sides *s = arg;
	struct sides *t = mem_new(sizeof *t);

	*t = (struct sides){ .c = s->c, .key = s->key, .sum = s->sum, .field = s->field, .side = s->side };
	one_record(t);
	t->part[s->side] = mem_new((PARTS + 1) * sizeof **t->part);
	return t;
}

static void
counter_end(void *arg, void *thread)
{
	struct sides *s = arg, *t = thread;

	for (size_t i = 0; i <= PARTS; i++)
		part_join(&s->part[s->side][i], &t->part[s->side][i]);
	s->all->rows[s->side] += t->all->rows[s->side];
	for (size_t k = 0; k < s->sum.n; k++)
		decsum_join(&s->all->sum[(size_t)s->side * s->sum.n + k],
		    &t->all->sum[(size_t)s->side * s->sum.n + k]);
	s->nulls[s->side] += t->nulls[s->side];
	free(t->part[s->side]);
	one_record_free(t);
	free(t);
}

/* A record that cannot be compared, said in its turn. */
struct spoilt { const char *why; struct span line; uint64_t number; };

static int
count_each(void *thread, const struct ctx *c, const struct batch *b, struct buf *made)
{
	struct sides *t = thread;

	for (size_t i = 0; i < b->n; i++) {
		struct spoilt x = { NULL, b->line[i], c->feed->line_number + i };
		bool none;

		record_near(t, b, i);
		if ((x.why = take_apart(t, b, i, &none)) != NULL)
			buf_add(made, (const char *)&x, sizeof x);
		else
			(void)first_reading(t, none);
	}
	hash_add(t);
	return 0;
}

static int
count_take(void *arg, struct span made, uint64_t line)
{
	const struct sides *s = arg;
	struct spoilt x;
	int rc = 0;

	for (; made.n > 0 && rc == 0; made = span_from(made, sizeof x)) {
		memcpy(&x, made.p, sizeof x);
		rc = second_reject(s->c, x.number + line, x.line, x.why);
	}
	return rc;
}

/* The first reading, or the only one. */
static int
count_side(struct sides *s, const char *operand)
{
	const struct second by = { s, counter_new, counter_end, count_each, count_take };

	return s->once || s->by.n > 0 ? ctx_read(s->c, operand, s->ps, rows_read, s) :
	    input_second(s->c, operand, s->ps, &by);
}

static bool
same_part(const struct part *a, const struct part *b)
{
	return a->rows == b->rows && a->lo == b->lo && a->hi == b->hi && a->mem == b->mem;
}

/* Did the second reading of a side see what the first one saw? */
static bool
same_again(const struct sides *s)
{
	struct part first = { 0 };

	for (size_t i = 0; i <= PARTS; i++)
		part_join(&first, &s->part[s->side][i]);
	return same_part(&first, &s->again);
}

/* Read the records of the parts that differ. */
static int
sift(struct sides *s, const char *const operand[2])
{
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < PARTS; i++) {
		s->open[i] = !same_part(&s->part[0][i], &s->part[1][i]);
		any = any || s->open[i];
	}
	if (!any || s->once)
		return 0;
	s->sifting = true;
	for (s->side = 0; s->side < 2 && rc == 0; s->side++) {
		s->again = (struct part){ 0 };
		/* bad lines were told, and judged, the first time */
		rc = ctx_look(s->c, operand[s->side], s->ps, rows_read, s);
		if (rc == 0 && !same_again(s))
			rc = err_temp("%s: it changed while it was read", operand[s->side]);
	}
	return rc;
}

/* A record that says why: kept where its key may differ. */
static int
reason(struct sides *s, bool none)
{
	if (!none && (s->once || s->open[part_of(s)]))
		whys_put(s->whys, s->reason, buf_span(&s->id), s->num, s->has);
	return 0;
}

static int
reasons_read(void *arg, const struct batch *b)
{
	struct sides *s = arg;

	(void)each(s, b, reason);
	return whys_bytes(s->whys) < ctx_budget(s->c) / 2 ? 0 : err_io("there are more reasons than -S has memory for");
}

static int
read_reasons(struct sides *s)
{
	size_t n = s->whys == NULL ? 0 : whys_count(s->whys);
	int rc = 0;

	for (s->reason = 0; s->reason < n && rc == 0; s->reason++)
		rc = ctx_read(s->c, s->why_from[s->reason], s->ps, reasons_read, s);
	return rc;
}

int
sides_count(struct sides *s, const char *a, const char *b)
{
	const char *const operand[2] = { a, b };
	int rc = 0;

	s->once = !operand_lasts(a) || !operand_lasts(b);
	for (s->side = 0; s->side < 2 && rc == 0; s->side++)
		rc = count_side(s, operand[s->side]);
	if (rc == 0)
		rc = sift(s, operand);
	if (rc == 0)
		rc = shed(s);
	if (rc == 0)
		rc = read_reasons(s);
	if (rc == 0)
		s->sorted = map_sorted(s->buckets);
	return rc;
}

/* ---- what lies how far apart ---- */

/* How far from A's value B's may be. NULL or a reason. */
static const char *
limit_of(const struct sides *s, const struct dec *a, struct dec *out)
{
	struct dec size = *a, part;
	const char *why;

	*out = s->conf.tolerance;
	if (!s->conf.percent)
		return NULL;
	(void)dec_parse(span_str("0.01"), &part);
	if ((why = dec_mul(&part, out, out)) != NULL)
		return why;
	size.neg = false;
	return dec_mul(out, &size, out);
}

/* 0 equal, 1 within the tolerance, 2 not; diff = b - a. */
static int
apart(const struct sides *s, const struct dec *a, const struct dec *b, struct dec *diff)
{
	struct dec limit, size;

	if (dec_sub(b, a, diff) != NULL || limit_of(s, a, &limit) != NULL)
		return 2;
	size = *diff;
	size.neg = false;
	return dec_is_zero(&size) ? 0 : dec_cmp(&size, &limit) <= 0 ? 1 : 2;
}

static int
apart_count(const struct sides *s, uint64_t a, uint64_t b)
{
	struct dec x, y, diff;

	dec_int((int64_t)a, &x);
	dec_int((int64_t)b, &y);
	return apart(s, &x, &y, &diff);
}

/* Sum k of both sides. NULL or a reason. */
static const char *
both_sums(const struct sides *s, const struct bucket *b, size_t k, struct dec *x, struct dec *y)
{
	const char *why = decsum_get(&b->sum[k], x);

	return why != NULL ? why : decsum_get(&b->sum[s->sum.n + k], y);
}

/* ---- buckets on stdout ---- */

static void
pair(struct buf *o, const struct dec *a, const struct dec *b, const struct dec *diff)
{
	buf_str(o, "{\"a\":");
	dec_print(a, o);
	buf_str(o, ",\"b\":");
	dec_print(b, o);
	buf_str(o, ",\"diff\":");
	dec_print(diff, o);
	buf_byte(o, '}');
}

static int
tell_bucket(struct sides *s, const struct bucket *b, const struct span *by)
{
	struct buf *o = ctx_made_begin(s->c, NULL, 0);
	struct dec x, y, diff;
	const char *why = NULL;

	buf_str(o, by == NULL ? "{\"is\":\"all\"" : "{\"is\":\"bucket\",\"by\":");
	if (by != NULL)
		buf_span_add(o, *by);
	dec_int((int64_t)b->rows[0], &x);
	dec_int((int64_t)b->rows[1], &y);
	(void)dec_sub(&y, &x, &diff);
	buf_str(o, ",\"rows\":");
	pair(o, &x, &y, &diff);
	for (size_t k = 0; k < s->sum.n && why == NULL; k++) {
		if ((why = both_sums(s, b, k, &x, &y)) != NULL || (why = dec_sub(&y, &x, &diff)) != NULL)
			break;
		buf_str(o, k == 0 ? ",\"sums\":{" : ",");
		buf_span_add(o, buf_span(&s->sum.name[k]));
		pair(o, &x, &y, &diff);
	}
	if (why != NULL)
		return err_input("--sum: %s", why);
	buf_str(o, s->sum.n > 0 ? "}" : "");
	if (by == NULL)
		buf_fmt(o, ",\"null_keys\":{\"a\":%llu,\"b\":%llu}", (unsigned long long)s->nulls[0],
		    (unsigned long long)s->nulls[1]);
	buf_byte(o, '}');
	return ctx_made_end(s->c);
}

int
sides_tell_buckets(struct sides *s)
{
	int rc = tell_bucket(s, s->all, NULL);

	for (size_t i = 0; i < map_count(s->buckets) && rc == 0; i++)
		rc = tell_bucket(s, *(struct bucket **)s->sorted[i].cell, &s->sorted[i].key);
	return rc;
}

/* ---- records that differ ---- */

/* The next value of a kept record. */
static struct span
next_value(struct span *values)
{
	const char *end = values->n == 0 ? NULL : memchr(values->p, VALUE_END, values->n);
	struct span v = end == NULL ? *values : span_of(values->p, (size_t)(end - values->p));

	*values = span_from(*values, v.n + 1);
	return v;
}

static void
print_values(const struct sides *s, const struct span *values, struct buf *o)
{
	const struct list *const lists[] = { &s->sum, &s->field };
	struct span rest, v;

	if (values == NULL) {
		buf_str(o, "null");
		return;
	}
	rest = *values;
	json_open(o);
	v = next_value(&rest);
	if (s->by.n > 0)
		json_member(o, buf_span(&s->by.name[0]), v);
	for (size_t l = 0; l < 2; l++)
		for (size_t k = 0; k < lists[l]->n; k++)
			json_member(o, buf_span(&lists[l]->name[k]), next_value(&rest));
	json_shut(o);
}

/* Do two records of a key differ in sums alone, and each within the tolerance? */
static bool
is_near(const struct sides *s, struct span a, struct span b)
{
	if (!span_eq(next_value(&a), next_value(&b)))
		return false;
	for (size_t k = 0; k < s->sum.n; k++) {
		struct span x = next_value(&a), y = next_value(&b);
		struct dec dx, dy, diff;

		if (span_eq(x, y))
			continue;
		if (dec_parse(x, &dx) != NULL || dec_parse(y, &dy) != NULL || apart(s, &dx, &dy, &diff) > 1)
			return false;
	}
	return span_eq(a, b);
}

/* ---- why they do ---- */

static void
gap_add(struct sides *s, const struct surplus *x, int side)
{
	struct span rest = span_of(s->held[side].p + x->at, x->n);
	struct dec d, times;

	dec_int((int64_t)x->times, &times);
	(void)next_value(&rest);
	for (size_t k = 0; k < s->sum.n; k++) {
		if (dec_parse(next_value(&rest), &d) != NULL || dec_mul(&d, &times, &d) != NULL)
			continue;	/* null */
		if (side == 0)
			dec_neg(&d);
		decsum_add(&s->gap[k], &d);
	}
}

/* Is B behind A by what the reasons of this key say, in each sum that they tell? Pre: all of the key is held. */
static bool
adds_up(struct sides *s, const struct why *y)
{
	memset(s->gap, 0, s->sum.n * sizeof *s->gap);
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < s->n_surplus[side]; i++)
			gap_add(s, &s->surplus[side][i], side);
	for (size_t k = 0; k < s->sum.n; k++) {
		struct dec d;

		decsum_join(&s->gap[k], &y->sum[k].behind);
		if (!y->sum[k].unknown && (decsum_get(&s->gap[k], &d) != NULL || !dec_is_zero(&d)))
			return false;
	}
	return true;
}

/* Is what B has yet to write from here on? */
static bool
is_unflushed(const struct sides *s, const struct span *key, const struct span *values)
{
	struct span v = { 0 }, rest = *values;
	struct dec x, y;

	if (s->mark_in == NULL)
		return false;
	if (s->mark_in == &s->key)
		v = key[s->mark_at];
	else
		for (size_t k = 0; k <= 1 + s->sum.n + s->mark_at; k++)
			v = next_value(&rest);
	if (v.n >= 2 && v.p[0] == '"')
		return span_cmp(span_of(v.p + 1, v.n - 2), s->mark) > 0;
	return dec_parse(v, &x) == NULL && dec_parse(s->mark, &y) == NULL && dec_cmp(&x, &y) > 0;
}

/* `,"why":{…},"explained":…` */
static void
print_why(struct sides *s, const struct why *y, bool unflushed, bool explained, struct buf *o)
{
	struct buf n = { 0 }, count = { 0 };

	buf_str(o, ",\"why\":");
	json_open(o);
	for (size_t i = 0; i <= whys_count(s->whys); i++) {
		bool last = i == whys_count(s->whys);
		uint64_t has = last ? unflushed : y != NULL ? y->n[i] : 0;
		struct span name = last ? span_str("unflushed") : whys_named(s->whys, i);

		if (has == 0)
			continue;
		buf_clear(&n);
		buf_clear(&count);
		json_key(&n, name);
		buf_u64(&count, has);
		json_member(o, buf_span(&n), buf_span(&count));
		s->told[last ? REASONS_MAX : i] += explained;
	}
	json_shut(o);
	buf_str(o, explained ? ",\"explained\":true" : ",\"explained\":false");
	buf_free(&n);
	buf_free(&count);
}

static void
count_stray(struct bucket *n, bool in_a, bool in_b, bool near, bool explained)
{
	if (explained)
		n->explained++;
	else if (!in_a || !in_b)
		n->only[in_b]++;
	else if (near)
		n->near++;
	else
		n->differs++;
}

/* y: the reasons of its key, NULL for none; sound: they add up */
static int
tell_record(struct sides *s, const struct why *y, bool sound, const struct span *a, const struct span *b)
{
	bool near = a != NULL && b != NULL && is_near(s, *a, *b), unflushed, explained;
	struct span part[PATHS_MAX], by[2] = { { 0 } };
	struct buf *o = ctx_made_begin(s->c, NULL, 0);

	(void)key_split(buf_span(&s->last_key), part, s->key.n);
	unflushed = is_unflushed(s, part, a != NULL ? a : b) || (b != NULL && is_unflushed(s, part, b));
	explained = unflushed || (y != NULL && sound);
	near = near && !explained;
	count_stray(s->all, a != NULL, b != NULL, near, explained);
	for (int side = 0; side < 2 && s->by.n > 0; side++) {
		struct span rest = side == 0 ? (a == NULL ? *b : *a) : (b == NULL ? *a : *b);

		by[side] = next_value(&rest);
		if (side == 0 || !span_eq(by[0], by[1]))
			count_stray(bucket_of(s, by[side]), a != NULL, b != NULL, near, explained);
	}
	buf_str(o, a == NULL ? "{\"is\":\"only_b\",\"key\":" : b == NULL ? "{\"is\":\"only_a\",\"key\":" :
	    "{\"is\":\"differs\",\"key\":");
	json_open(o);
	for (size_t k = 0; k < s->key.n; k++)
		json_member(o, buf_span(&s->key.name[k]), part[k]);
	json_shut(o);
	buf_str(o, ",\"a\":");
	print_values(s, a, o);
	buf_str(o, ",\"b\":");
	print_values(s, b, o);
	buf_str(o, near ? ",\"within\":true" : ",\"within\":false");
	if (s->whys != NULL)
		print_why(s, y, unflushed, explained, o);
	buf_byte(o, '}');
	return ctx_made_end(s->c);
}

static int
tell_surplus(struct sides *s)
{
	const struct why *y = s->whys == NULL ? NULL : whys_of(s->whys, buf_span(&s->last_key));
	bool sound = y != NULL && adds_up(s, y);
	size_t i[2] = { 0 };
	int rc = 0;

	while (rc == 0 && (i[0] < s->n_surplus[0] || i[1] < s->n_surplus[1])) {
		struct span v[2], *have[2] = { NULL };

		for (int side = 0; side < 2; side++) {
			struct surplus *x = &s->surplus[side][i[side]];

			if (i[side] == s->n_surplus[side])
				continue;
			v[side] = span_of(s->held[side].p + x->at, x->n);
			have[side] = &v[side];
			i[side] += --x->times == 0;
		}
		rc = tell_record(s, y, sound, have[0], have[1]);
	}
	for (int side = 0; side < 2; side++) {
		s->n_surplus[side] = 0;
		buf_clear(&s->held[side]);
	}
	return rc;
}

/* The last kind of record of this key has no equal on the other side, so many times. */
static int
settle_last(struct sides *s)
{
	int side = s->last_side;
	uint64_t times = s->last_times;

	s->last_times = 0;
	if (times == 0)
		return 0;
	if (s->n_surplus[side] == s->cap_surplus[side]) {
		s->cap_surplus[side] = s->cap_surplus[side] == 0 ? 16 : 2 * s->cap_surplus[side];
		s->surplus[side] = mem_array(s->surplus[side], s->cap_surplus[side], sizeof *s->surplus[side]);
	}
	s->surplus[side][s->n_surplus[side]++] = (struct surplus){ s->held[side].n, s->last_values.n, times };
	buf_span_add(&s->held[side], buf_span(&s->last_values));
	return s->n_surplus[side] < SURPLUS_MAX ? 0 : tell_surplus(s);
}

static int
one_kept(struct sides *s, struct span record, uint64_t times)
{
	size_t key_n = (size_t)((const char *)memchr(record.p, KEY_END, record.n) - record.p);
	struct span key = span_of(record.p, key_n), values = span_of(record.p + key_n + 1, record.n - key_n - 3);
	int side = record.p[record.n - 1] == 'b', rc;

	if (!span_eq(key, buf_span(&s->last_key))) {
		if ((rc = settle_last(s)) != 0 || (rc = tell_surplus(s)) != 0)
			return rc;
		buf_clear(&s->last_key);
		buf_span_add(&s->last_key, key);
	} else if (s->last_times > 0 && span_eq(values, buf_span(&s->last_values))) {
		/* A's come before B's: so many have their equal */
		uint64_t both = times < s->last_times ? times : s->last_times;

		s->last_times -= both;
		times -= both;
	}
	if (times == 0)
		return 0;
	if ((rc = settle_last(s)) != 0)
		return rc;
	s->last_times = times;
	s->last_side = side;
	buf_clear(&s->last_values);
	buf_span_add(&s->last_values, values);
	return 0;
}

int
sides_tell_records(struct sides *s)
{
	struct span record;
	int rc;

	for (rc = spill_begin(s->spill); rc == 0 && spill_key(s->spill, &record); rc = spill_step(s->spill)) {
		uint64_t times = 0, more;

		for (size_t i = 0; i < spill_values(s->spill); i++) {
			memcpy(&more, spill_value(s->spill, i).p, sizeof more);
			times += more;
		}
		if ((rc = one_kept(s, record, times)) != 0)
			return rc;
	}
	if (rc == 0)
		rc = settle_last(s);
	return rc != 0 ? rc : tell_surplus(s);
}

/* ---- verdicts ---- */

static int
worse(int a, int b)
{
	return a > b ? a : b;
}

static int
judge_sums(const struct sides *s, const struct bucket *b, struct buf *text)
{
	int far = 0;

	for (size_t k = 0; k < s->sum.n; k++) {
		struct dec x, y, diff;
		const char *why = both_sums(s, b, k, &x, &y);
		size_t n = s->sum.name[k].n - 3;	/* without quotes and colon */

		if (why != NULL) {
			buf_fmt(text, ", a %s", why);
			far = 2;
			continue;
		}
		far = worse(far, apart(s, &x, &y, &diff));
		buf_fmt(text, ", %.*s ", (int)(n < 64 ? n : 64), s->sum.name[k].p + 1);
		dec_print(&x, text);
		buf_str(text, " and ");
		dec_print(&y, text);
	}
	return far;
}

/* `; 3 explained (late 2, unflushed 1)`; a record may have more than one reason. */
static void
print_reasons(const struct sides *s, const struct bucket *b, bool all, struct buf *text)
{
	const char *between = " (";

	buf_fmt(text, "; %llu explained", (unsigned long long)b->explained);
	for (size_t i = 0; all && i <= whys_count(s->whys); i++) {
		bool last = i == whys_count(s->whys);
		struct span name = last ? span_str("unflushed") : whys_named(s->whys, i);
		uint64_t n = s->told[last ? REASONS_MAX : i];

		if (n == 0)
			continue;
		buf_fmt(text, "%s%.*s %llu", between, (int)(name.n < 64 ? name.n : 64), name.p, (unsigned long long)n);
		between = ", ";
	}
	buf_str(text, all ? ")" : "");
}

bool
sides_judge(const struct sides *s, size_t i, struct sides_verdict *v)
{
	const struct bucket *b = i == 0 ? s->all : NULL;
	int far;

	if (i > map_count(s->buckets))
		return false;
	buf_clear(&v->by);
	buf_clear(&v->text);
	if (b == NULL) {
		b = *(struct bucket **)s->sorted[i - 1].cell;
		buf_span_add(&v->by, s->sorted[i - 1].key);
	}
	v->rows[0] = b->rows[0];
	v->rows[1] = b->rows[1];
	v->strays = b->only[0] + b->only[1] + b->differs;
	v->near = b->near;
	v->explained = b->explained;
	buf_fmt(&v->text, "%llu and %llu rows", (unsigned long long)b->rows[0], (unsigned long long)b->rows[1]);
	far = worse(judge_sums(s, b, &v->text), apart_count(s, b->rows[0], b->rows[1]));
	/* as many records as the tolerance lets be missing may differ */
	far = worse(far, apart_count(s, b->rows[0], b->rows[0] + v->strays));
	far = worse(far, b->near > 0);
	/* then counts and sums are apart by records that were told, each with its reason */
	if (b->explained > 0 && v->strays == 0 && same_part(&s->part[0][PARTS], &s->part[1][PARTS]))
		far = 1;
	if (v->strays + b->near > 0)
		buf_fmt(&v->text, "; %llu only in A, %llu only in B, %llu with other values, %llu within the tolerance",
		    (unsigned long long)b->only[0], (unsigned long long)b->only[1], (unsigned long long)b->differs,
		    (unsigned long long)b->near);
	if (b->explained > 0)
		print_reasons(s, b, i == 0, &v->text);
	if (i == 0 && s->nulls[0] + s->nulls[1] > 0) {
		bool same = same_part(&s->part[0][PARTS], &s->part[1][PARTS]);

		buf_fmt(&v->text, "; %llu and %llu rows without a key%s", (unsigned long long)s->nulls[0],
		    (unsigned long long)s->nulls[1], same ? "" : ", which differ");
		far = worse(far, same ? 1 : worse(1, apart_count(s, s->nulls[0], s->nulls[1])));
		far = !same && s->nulls[0] == s->nulls[1] && dec_is_zero(&s->conf.tolerance) ? 2 : far;
	}
	v->severity = far == 0 ? EVENT_OK : far == 1 ? EVENT_WARN : EVENT_FAIL;
	return true;
}

void
sides_verdict_free(struct sides_verdict *v)
{
	buf_free(&v->by);
	buf_free(&v->text);
}
