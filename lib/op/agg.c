/* SPDX-License-Identifier: BSD-2-Clause */
/* agg - see agg.h */
#include <stdlib.h>
#include <strings.h>

#include "base/digits.h"
#include "base/limits.h"
#include "op/agg.h"
#include "op/hist.h"
#include "op/hll.h"
#include "op/ids_part.h"
#include "op/moment.h"

/* What stands in a cell for each kind; `rows` of the whole cell stands before all. */
struct cell_sum { struct decsum sum; uint64_t n; };
struct cell_best { struct order best; struct kept text; uint8_t scale; };
struct cell_ids { struct ids ids; uint64_t more; };	/* more: counted and forgotten, agg_fold */
struct cell_edge { int64_t us; struct kept raw; };	/* raw.p NULL: none yet */

struct agg_in {
	bool skip;
	union {
		struct dec num;
		struct order order;
		struct fp id;
		struct span text;	/* canonical form (hll, topk), or as it stood (first, last, collect) */
	};
	struct buf scratch;
};

int
agg_kind(struct span name)
{
	static const struct { const char *name; enum agg_kind kind; } known[] = {
		{ "count", AGG_COUNT }, { "sum", AGG_SUM }, { "avg", AGG_AVG }, { "min", AGG_MIN }, { "max", AGG_MAX },
		{ "first", AGG_FIRST }, { "last", AGG_LAST }, { "distinct", AGG_DISTINCT },
		{ "stddev", AGG_STDDEV }, { "stddev_pop", AGG_STDDEV }, { "stddev_samp", AGG_STDDEV_SAMP },
		{ "quantile", AGG_QUANTILE }, { "hll", AGG_HLL }, { "topk", AGG_TOPK }, { "collect", AGG_COLLECT },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (name.n == strlen(known[i].name) && strncasecmp(name.p, known[i].name, name.n) == 0)
			return (int)known[i].kind;
	return -1;
}

void
agg_set_up(struct agg_set *s, const struct agg *v, size_t n, enum key_as as, struct pool *pool)
{
	static const size_t bytes[] = {
		[AGG_ROWS] = sizeof(uint64_t), [AGG_COUNT] = sizeof(uint64_t),
		[AGG_SUM] = sizeof(struct cell_sum), [AGG_AVG] = sizeof(struct cell_sum),
		[AGG_MIN] = sizeof(struct cell_best), [AGG_MAX] = sizeof(struct cell_best),
		[AGG_FIRST] = sizeof(struct cell_edge), [AGG_LAST] = sizeof(struct cell_edge),
		[AGG_DISTINCT] = sizeof(struct cell_ids), [AGG_STDDEV] = sizeof(struct moment),
		[AGG_STDDEV_SAMP] = sizeof(struct moment), [AGG_QUANTILE] = sizeof(struct hist),
		[AGG_HLL] = sizeof(struct hll), [AGG_TOPK] = sizeof(struct bag), [AGG_COLLECT] = sizeof(struct bag),
		[AGG_COLLECT_SET] = sizeof(struct bag),
	};

	*s = (struct agg_set){ .n = n, .as = as, .pool = pool, .cell_bytes = sizeof(uint64_t) };
	s->v = mem_array(NULL, n, sizeof *s->v);
	if (n > 0)
		memcpy(s->v, v, n * sizeof *s->v);
	for (size_t k = 0; k < s->n; k++) {
		size_t first = 0;

		while (first < k && (s->v[k].kind != AGG_QUANTILE || s->v[first].kind != AGG_QUANTILE ||
		    s->v[first].col != s->v[k].col))
			first++;
		s->v[k].shared = first < k;
		s->ordered = s->ordered || s->v[k].kind == AGG_MIN || s->v[k].kind == AGG_MAX;
		s->v[k].at = first < k ? s->v[first].at : s->cell_bytes;
		if (first < k)
			continue;
		s->cell_bytes += (bytes[s->v[k].kind] + 7) & ~(size_t)7;
	}
	s->in = mem_new(mem_mul(s->n, sizeof *s->in));
}

/* The part of a cell that belongs to aggregate k; cells are aligned to 16, parts to 8. */
static void *
part(const struct agg_set *s, void *cell, size_t k)
{
	return (char *)cell + s->v[k].at;
}

static const void *
cpart(const struct agg_set *s, const void *cell, size_t k)
{
	return (const char *)cell + s->v[k].at;
}

uint64_t
agg_rows(const void *cell)
{
	uint64_t n;

	memcpy(&n, cell, sizeof n);
	return n;
}

static void
add_rows(void *cell, uint64_t n)
{
	n += agg_rows(cell);
	memcpy(cell, &n, sizeof n);
}

/* ---- one record ---- */

static const char *
number_of(const struct val *v, struct buf *scratch, struct dec *d)
{
	if (v->tag == T_NUM)
		return dec_parse(v->raw, d);
	/* as in expressions: a boolean is 1 or 0, a string must be a JSON number: an error, not a silent zero */
	if (v->tag == T_TRUE || v->tag == T_FALSE) {
		dec_int(v->tag == T_TRUE, d);
		return NULL;
	}
	return v->tag == T_STR ? dec_parse(val_text(*v, scratch), d) : "not a number";
}

/*
 * An id that equal values share and different values do not: short values are their own id (no hash), the rest get
 * 127 bits of fingerprint.  The top four bits of lo say which: 1 text of at most 7 bytes, 2 any other short canonical
 * form, 3 text that is a plain integer below 10^18, 4 the same as a number.
 */
static struct fp
id_of(struct span canonical)
{
	bool text = canonical.p[0] == '"';
	struct span s = text ? span_of(canonical.p + 1, canonical.n - 2) : canonical;
	uint64_t v;
	struct fp id;

	if (digits_u64(s.p, s.n, &v) && (s.p[0] != '0' || s.n == 1))
		return (struct fp){ v | (uint64_t)(text ? 3 : 4) << 60, 0 };
	if (s.n <= 7) {
		v = s.n << 56;
		for (size_t i = 0; i < s.n; i++)
			v |= (uint64_t)(unsigned char)s.p[i] << (8 * i);
		return (struct fp){ v | (uint64_t)(text ? 1 : 2) << 60, 0 };
	}
	id = hash_fp(canonical);
	id.hi |= UINT64_C(1) << 63;
	return id;
}

/* Most values are their own form as a key: texts without a backslash, natural numbers. */
static const char *
key_form(const struct val *v, enum key_as as, struct buf *b, struct span *out)
{
	const char *why;
	uint64_t n;

	*out = v->raw;
	if ((v->tag == T_STR && !v->escaped) || (v->tag == T_NUM && as == KEY_EXACT &&
	    digits_u64(v->raw.p, v->raw.n, &n)))
		return NULL;
	buf_clear(b);
	if ((why = val_key(*v, as, b)) == NULL)
		*out = buf_span(b);
	return why;
}

/* Of a value that is not null. */
static const char *
read_one(struct agg_set *s, struct agg_in *in, enum agg_kind kind, const struct val *v)
{
	struct span form;
	const char *why;

	switch (kind) {
	case AGG_SUM:
	case AGG_AVG:
	case AGG_STDDEV:
	case AGG_STDDEV_SAMP:
	case AGG_QUANTILE:
		return number_of(v, &in->scratch, &in->num);
	case AGG_MIN:
	case AGG_MAX:
		return order_of(*v, &in->scratch, &in->order);
	case AGG_DISTINCT:
		if ((why = key_form(v, s->as, &s->scratch, &form)) != NULL)
			return why;
		in->id = id_of(form);
		return NULL;
	case AGG_HLL:
	case AGG_TOPK:
	case AGG_COLLECT_SET:
		why = key_form(v, s->as, &in->scratch, &in->text);
		return kind == AGG_COLLECT_SET ? NULL : why;
	case AGG_FIRST:
	case AGG_LAST:
	case AGG_COLLECT:
		in->text = v->raw;
		return NULL;
	default:
		return NULL;
	}
}

static inline const char *
read_value(struct agg_set *s, size_t k, const struct val *v)
{
	const struct agg *a = &s->v[k];
	struct agg_in *in = &s->in[k];

	in->skip = a->shared || (a->col != -1 && val_is_null(*v));
	return in->skip || a->kind <= AGG_COUNT ? NULL : read_one(s, in, a->kind, v);
}

const char *
agg_read(struct agg_set *s, const struct val *value, int64_t us)
{
	const char *why = NULL;

	s->us = us;
	for (size_t k = 0; k < s->n && why == NULL; k++)
		why = read_value(s, k, &value[k]);
	return why;
}

const char *
agg_read_row(struct agg_set *s, const struct batch *b, size_t i, int64_t us)
{
	const char *why = NULL;

	s->us = us;
	for (size_t k = 0; k < s->n && why == NULL; k++)
		why = read_value(s, k, s->v[k].col == -1 ? NULL : &b->col[s->v[k].col][i]);
	return why;
}

const char *
agg_check(const struct agg_set *s, const void *cell)
{
	for (size_t k = 0; s->ordered && k < s->n; k++) {
		const struct cell_best *c = cpart(s, cell, k);

		if ((s->v[k].kind == AGG_MIN || s->v[k].kind == AGG_MAX) && !s->in[k].skip &&
		    order_mixed(&s->in[k].order, &c->best))
			return ORDER_MIXED;
	}
	return NULL;
}

static void
better(struct agg_set *s, struct cell_best *c, const struct order *o, enum agg_kind kind)
{
	int d = order_cmp(o, &c->best);

	if (o->kind == ORDER_NUM && o->num.scale > c->scale)
		c->scale = o->num.scale;
	if (c->best.kind != ORDER_NULL && (kind == AGG_MIN ? d >= 0 : d <= 0))
		return;
	c->best = *o;
	order_keep(s->pool, &c->text, &c->best);
}

/* The same time twice: by canonical form, then by bytes; arrays and objects have only bytes. */
static int
cmp_values(struct agg_set *s, struct span a, struct span b)
{
	int d;

	buf_clear(&s->scratch);
	buf_clear(&s->other);
	if (val_key(val_of(a), KEY_EXACT, &s->scratch) != NULL)
		buf_span_add(&s->scratch, a);
	if (val_key(val_of(b), KEY_EXACT, &s->other) != NULL)
		buf_span_add(&s->other, b);
	d = span_cmp(buf_span(&s->scratch), buf_span(&s->other));
	return d != 0 ? d : span_cmp(a, b);
}

static void
edge(struct agg_set *s, struct cell_edge *c, int64_t us, struct span raw, enum agg_kind kind)
{
	int d = 1;

	if (c->raw.p != NULL) {
		d = us < c->us ? -1 : us > c->us;
		if (d == 0)
			d = cmp_values(s, raw, kept_span(&c->raw));
		if (kind == AGG_FIRST)
			d = -d;
	}
	if (d <= 0)
		return;
	c->us = us;
	kept_set(s->pool, &c->raw, raw);
}

/* A set that took `had` bytes has changed. */
static void
resized(struct agg_set *s, const struct ids *ids, size_t had)
{
	size_t now = ids_bytes(ids);

	s->set_bytes += now - had;
	if (now > s->largest)
		s->largest = now;
}

static void
into_set(struct agg_set *s, struct ids *ids, struct fp id)
{
	size_t had = ids_bytes(ids);

	(void)ids_add(ids, id);
	if (ids_bytes(ids) != had)
		resized(s, ids, had);
}

static void
apply(struct agg_set *s, size_t k, void *p)
{
	const struct agg_in *in = &s->in[k];
	struct cell_sum *sum = p;
	size_t had;

	switch (s->v[k].kind) {
	case AGG_ROWS:
	case AGG_COUNT:
		++*(uint64_t *)p;
		break;
	case AGG_SUM:
	case AGG_AVG:
		decsum_add(&sum->sum, &in->num);
		sum->n++;
		break;
	case AGG_MIN:
	case AGG_MAX:
		better(s, p, &in->order, s->v[k].kind);
		break;
	case AGG_FIRST:
	case AGG_LAST:
		edge(s, p, s->us, in->text, s->v[k].kind);
		break;
	case AGG_DISTINCT:
		into_set(s, p, in->id);
		break;
	case AGG_STDDEV:
	case AGG_STDDEV_SAMP:
		moment_add(p, &in->num);
		break;
	case AGG_QUANTILE:
		had = hist_bytes(p);
		hist_add(p, &in->num);
		s->set_bytes += hist_bytes(p) - had;
		break;
	case AGG_HLL:
		had = hll_bytes(p);
		hll_add(p, hash_fixed(in->text));
		s->set_bytes += hll_bytes(p) - had;
		break;
	case AGG_TOPK:
	case AGG_COLLECT:
	case AGG_COLLECT_SET:
		bag_add(&s->desk, s->pool, p, in->text, 1);
		break;
	}
}

void
agg_apply(struct agg_set *s, void *cell)
{
	add_rows(cell, 1);
	for (size_t k = 0; k < s->n; k++)
		if (!s->in[k].skip)
			apply(s, k, part(s, cell, k));
}

/* ---- results ---- */

static const char *
print_best(const struct cell_best *c, struct buf *out)
{
	struct order o = c->best;
	const char *why;

	if (o.kind == ORDER_NUM && (why = dec_round(&c->best.num, c->scale, &o.num)) != NULL)
		return why;
	order_print(&o, out);
	return NULL;
}

/* Sums, deviations, quantiles: null over nothing. */
static const char *
print_number(const struct agg *a, const void *p, struct buf *out)
{
	const struct cell_sum *sum = p;
	const struct moment *m = p;
	const struct hist *h = p;
	const char *why = NULL;
	struct dec d;
	bool none;

	switch (a->kind) {
	case AGG_SUM:
	case AGG_AVG:
		none = sum->n == 0;
		if (!none)
			why = a->kind == AGG_SUM ? decsum_get(&sum->sum, &d) : decsum_avg(&sum->sum, sum->n, &d);
		break;
	case AGG_QUANTILE:
		none = h->rows == 0;
		if (!none)
			hist_quantile(h, &a->p, &d);
		break;
	default:
		none = m->n < (a->kind == AGG_STDDEV_SAMP ? 2 : 1);
		if (!none)
			why = moment_stddev(m, a->kind == AGG_STDDEV_SAMP, &d);
	}
	if (none)
		buf_str(out, "null");
	else if (why == NULL)
		dec_print(&d, out);
	return why;
}

/* An array: of values, each as often as it came (collect) or once, or of the k that came most with their counts. */
static const char *
print_bag(struct agg_set *s, const struct agg *a, struct bag *b, struct buf *out)
{
	bool top = a->kind == AGG_TOPK;
	size_t from = out->n, n;

	if (b->over)
		return "more values than a collection may hold (256 MiB)";
	n = top ? bag_top(&s->desk, s->pool, b) : bag_order(&s->desk, s->pool, b);
	if (b->over)
		return "more values than a collection may hold (256 MiB)";
	if (top && n > a->k)
		n = a->k;
	buf_byte(out, '[');
	for (size_t i = 0; i < n; i++) {
		const struct bag_item *x = &s->desk.item[i];

		for (uint64_t c = a->kind == AGG_COLLECT ? x->n : 1; c > 0; c--) {
			if (out->n - from > 1)
				buf_byte(out, ',');
			buf_str(out, top ? "{\"value\":" : "");
			buf_span_add(out, x->value);
			if (top)
				buf_fmt(out, ",\"n\":%llu}", (unsigned long long)x->n);
			if (out->n - from >= LINE_BYTES_MAX)	/* and its bracket */
				return "collected values longer than a line may be (64 MiB)";
		}
	}
	buf_byte(out, ']');
	return NULL;
}

const char *
agg_print(struct agg_set *s, size_t k, void *cell, struct buf *out)
{
	void *p = part(s, cell, k);

	switch (s->v[k].kind) {
	case AGG_ROWS:
	case AGG_COUNT:
		buf_u64(out, *(const uint64_t *)p);
		return NULL;
	case AGG_MIN:
	case AGG_MAX:
		return print_best(p, out);
	case AGG_FIRST:
	case AGG_LAST:
		if (((const struct cell_edge *)p)->raw.p == NULL)
			buf_str(out, "null");
		else
			buf_span_add(out, kept_span(&((const struct cell_edge *)p)->raw));
		return NULL;
	case AGG_DISTINCT:
		buf_u64(out, ids_count(p) + ((const struct cell_ids *)p)->more);
		return NULL;
	case AGG_HLL:
		buf_u64(out, hll_count(p));
		return NULL;
	case AGG_TOPK:
	case AGG_COLLECT:
	case AGG_COLLECT_SET:
		if (((const struct bag *)p)->bytes.p != NULL || ((const struct bag *)p)->over)
			return print_bag(s, &s->v[k], p, out);
		buf_str(out, "null");
		return NULL;
	default:
		return print_number(&s->v[k], p, out);
	}
}

/* ---- cells as bytes ---- */

/* The best number at the scale that will be shown: 1 and 1.0 must not make cells differ. */
static void
pack_best(const struct cell_best *c, struct buf *out)
{
	struct order o = c->best;

	if (o.kind == ORDER_NUM && dec_round(&c->best.num, c->scale, &o.num) != NULL)
		o.num = c->best.num;	/* cannot be: more zeros do not leave the range */
	order_pack(out, &o);
}

static void
pack_ids(const struct ids *ids, struct buf *out)
{
	struct fp *v = ids_sorted(ids);
	uint64_t n = ids_count(ids);

	pack_u64(out, n);
	for (uint64_t i = 0; i < n; i++) {
		pack_u64(out, v[i].lo);
		pack_u64(out, v[i].hi);
	}
	free(v);
}

void
agg_pack(struct agg_set *s, void *cell, struct buf *out)
{
	pack_u64(out, agg_rows(cell));
	for (size_t k = 0; k < s->n; k++) {
		void *p = part(s, cell, k);
		const struct cell_sum *sum = p;
		const struct cell_edge *e = p;

		if (s->v[k].shared)
			continue;
		switch (s->v[k].kind) {
		case AGG_ROWS:
		case AGG_COUNT:
			pack_u64(out, *(const uint64_t *)p);
			break;
		case AGG_SUM:
		case AGG_AVG:
			pack_u64(out, sum->n);
			pack_sum(out, &sum->sum);
			break;
		case AGG_MIN:
		case AGG_MAX:
			pack_best(p, out);
			break;
		case AGG_FIRST:
		case AGG_LAST:
			pack_span(out, kept_span(&e->raw));
			pack_i64(out, e->us);
			break;
		case AGG_DISTINCT:
			pack_ids(p, out);
			break;
		case AGG_STDDEV:
		case AGG_STDDEV_SAMP:
			moment_pack(out, p);
			break;
		case AGG_QUANTILE:
			hist_pack(out, p);
			break;
		case AGG_HLL:
			hll_pack(out, p);
			break;
		case AGG_TOPK:
		case AGG_COLLECT:
		case AGG_COLLECT_SET:
			bag_pack(&s->desk, s->pool, p, out);
			break;
		}
	}
}

static void
join_best(struct agg_set *s, struct cell_best *c, struct unpack *u, enum agg_kind kind, const char **why)
{
	struct order o;

	unpack_order_of(u, &o);
	if (!u->ok || o.kind == ORDER_NULL)
		return;
	if (order_mixed(&o, &c->best)) {
		*why = ORDER_MIXED;
		return;
	}
	better(s, c, &o, kind);
}

static void
join_ids(struct agg_set *s, struct ids *ids, struct unpack *u)
{
	for (uint64_t n = unpack_u64(u); n > 0 && u->ok; n--) {
		uint64_t lo = unpack_u64(u);

		into_set(s, ids, (struct fp){ lo, unpack_u64(u) });
	}
}

static void
join_edge(struct agg_set *s, struct cell_edge *e, struct unpack *u, enum agg_kind kind)
{
	struct span raw = unpack_span(u);
	int64_t us = unpack_i64(u);

	if (u->ok && raw.n > 0)
		edge(s, e, us, raw, kind);
}

static void
join_numbers(struct agg_set *s, void *p, struct unpack *u, enum agg_kind kind)
{
	struct cell_sum *sum = p;
	struct decsum other;
	struct moment m;
	size_t had;

	switch (kind) {
	case AGG_SUM:
	case AGG_AVG:
		sum->n += unpack_u64(u);
		unpack_sum(u, &other);
		if (u->ok)
			decsum_join(&sum->sum, &other);
		break;
	case AGG_QUANTILE:
		had = hist_bytes(p);
		hist_join(p, u);
		s->set_bytes += hist_bytes(p) - had;
		break;
	default:
		unpack_moment(u, &m);
		if (u->ok)
			moment_join(p, &m);
	}
}

static void
join_one(struct agg_set *s, size_t k, void *p, struct unpack *u, const char **why)
{
	size_t had;

	switch (s->v[k].kind) {
	case AGG_ROWS:
	case AGG_COUNT:
		*(uint64_t *)p += unpack_u64(u);
		break;
	case AGG_MIN:
	case AGG_MAX:
		join_best(s, p, u, s->v[k].kind, why);
		break;
	case AGG_FIRST:
	case AGG_LAST:
		join_edge(s, p, u, s->v[k].kind);
		break;
	case AGG_DISTINCT:
		join_ids(s, p, u);
		break;
	case AGG_HLL:
		had = hll_bytes(p);
		hll_join(p, u);
		s->set_bytes += hll_bytes(p) - had;
		break;
	case AGG_TOPK:
	case AGG_COLLECT:
	case AGG_COLLECT_SET:
		bag_join(&s->desk, s->pool, p, u);
		break;
	default:
		join_numbers(s, p, u, s->v[k].kind);
	}
}

bool
agg_join(struct agg_set *s, void *cell, struct unpack *u, const char **why)
{
	add_rows(cell, unpack_u64(u));
	for (size_t k = 0; k < s->n && u->ok; k++)
		if (!s->v[k].shared)
			join_one(s, k, part(s, cell, k), u, why);
	return unpack_done(u);
}

void
agg_adopt(struct agg_set *s, struct agg_set *from)
{
	s->set_bytes += from->set_bytes;
	if (from->largest > s->largest)
		s->largest = from->largest;
	from->set_bytes = from->largest = 0;
}

static void
merge_sets(struct agg_set *s, void *p, void *f, enum agg_kind kind)
{
	size_t had;

	switch (kind) {
	case AGG_DISTINCT:
		had = ids_bytes(p) + ids_bytes(f);
		ids_take(p, f);
		((struct cell_ids *)p)->more += ((struct cell_ids *)f)->more;
		s->set_bytes += ids_bytes(p) - had;
		break;
	case AGG_HLL:
		had = hll_bytes(p) + hll_bytes(f);
		hll_take(p, f);
		s->set_bytes += hll_bytes(p) - had;
		break;
	default:
		had = hist_bytes(p) + hist_bytes(f);
		hist_take(p, f);
		s->set_bytes += hist_bytes(p) - had;
	}
}

static void
merge_one(struct agg_set *s, size_t k, void *p, void *f, const char **why)
{
	struct cell_sum *sum = p, *add = f;
	struct cell_best *best = f;
	struct cell_edge *e = f;

	switch (s->v[k].kind) {
	case AGG_ROWS:
	case AGG_COUNT:
		*(uint64_t *)p += *(const uint64_t *)f;
		break;
	case AGG_SUM:
	case AGG_AVG:
		sum->n += add->n;
		decsum_join(&sum->sum, &add->sum);
		break;
	case AGG_MIN:
	case AGG_MAX:
		if (order_mixed(&best->best, &((struct cell_best *)p)->best))
			*why = ORDER_MIXED;
		else if (best->best.kind != ORDER_NULL)
			better(s, p, &best->best, s->v[k].kind);
		if (best->scale > ((struct cell_best *)p)->scale)
			((struct cell_best *)p)->scale = best->scale;
		break;
	case AGG_FIRST:
	case AGG_LAST:
		if (e->raw.p != NULL)
			edge(s, p, e->us, kept_span(&e->raw), s->v[k].kind);
		break;
	case AGG_STDDEV:
	case AGG_STDDEV_SAMP:
		moment_join(p, f);
		break;
	case AGG_DISTINCT:
	case AGG_HLL:
	case AGG_QUANTILE:
		merge_sets(s, p, f, s->v[k].kind);
		break;
	case AGG_TOPK:
	case AGG_COLLECT:
	case AGG_COLLECT_SET:
		bag_pour(&s->desk, s->pool, p, f);
	}
}

const char *
agg_merge(struct agg_set *s, void *cell, void *from)
{
	const char *why = NULL;

	add_rows(cell, agg_rows(from));
	for (size_t k = 0; k < s->n; k++)
		if (!s->v[k].shared)
			merge_one(s, k, part(s, cell, k), part(s, from, k), &why);
	agg_drop(s, from);
	return why;
}

void
agg_drop(struct agg_set *s, void *cell)
{
	for (size_t k = 0; k < s->n; k++) {
		void *p = part(s, cell, k);

		if (s->v[k].shared)
			continue;
		switch (s->v[k].kind) {
		case AGG_MIN:
		case AGG_MAX:
			kept_drop(s->pool, &((struct cell_best *)p)->text);
			break;
		case AGG_FIRST:
		case AGG_LAST:
			kept_drop(s->pool, &((struct cell_edge *)p)->raw);
			break;
		case AGG_DISTINCT:
			s->set_bytes -= ids_bytes(p);
			ids_free(p);
			break;
		case AGG_QUANTILE:
			s->set_bytes -= hist_bytes(p);
			hist_free(p);
			break;
		case AGG_HLL:
			s->set_bytes -= hll_bytes(p);
			hll_free(p);
			break;
		case AGG_TOPK:
		case AGG_COLLECT:
		case AGG_COLLECT_SET:
			bag_drop(s->pool, p);
			break;
		default:
			break;
		}
	}
	memset(cell, 0, s->cell_bytes);
}

/* ---- large cells in parts ---- */

#define LARGE_IDS 4096
#define LARGE_BAG (64 * KIB)

struct agg_parts {
	size_t n, k;			/* the aggregate at hand */
	unsigned part;
	uint64_t at[IDS_PARTS + 1];	/* in its ids, or items on the desk */
	bool ready;
	void **set;			/* [n] struct ids or struct bag; NULL: it stayed in the cell */
};

static bool
large(const struct agg_set *s, const void *cell, size_t k)
{
	const void *p = cpart(s, cell, k);

	return (s->v[k].kind == AGG_DISTINCT && ids_count(p) > LARGE_IDS) ||
	    (s->v[k].kind == AGG_TOPK && ((const struct bag *)p)->bytes.n > LARGE_BAG);
}

bool
agg_large(const struct agg_set *s, const void *cell)
{
	for (size_t k = 0; k < s->n; k++)
		if (large(s, cell, k))
			return true;
	return false;
}

struct agg_parts *
agg_part_out(struct agg_set *s, void *cell)
{
	struct agg_parts *o = mem_new(sizeof *o);

	o->n = s->n;
	o->set = mem_new(mem_mul(s->n, sizeof *o->set));
	for (size_t k = 0; k < s->n; k++) {
		size_t bytes = s->v[k].kind == AGG_DISTINCT ? sizeof(struct ids) : sizeof(struct bag);
		void *p = part(s, cell, k);

		if (!large(s, cell, k))
			continue;
		o->set[k] = mem_new(bytes);
		memcpy(o->set[k], p, bytes);
		memset(p, 0, bytes);
	}
	return o;
}

static void
part_begin(struct agg_set *s, struct agg_parts *o)
{
	o->ready = true;
	if (s->v[o->k].kind == AGG_DISTINCT)
		ids_part(o->set[o->k], o->at);
	else
		bag_parts(&s->desk, s->pool, o->set[o->k], o->at);
}

static void
part_end(struct agg_set *s, struct agg_parts *o)
{
	if (s->v[o->k].kind == AGG_DISTINCT) {
		s->set_bytes -= ids_bytes(o->set[o->k]);
		ids_free(o->set[o->k]);
	} else
		bag_drop(s->pool, o->set[o->k]);
	free(o->set[o->k]);
	o->set[o->k] = NULL;
	o->ready = false;
	o->part = 0;
}

bool
agg_part_next(struct agg_set *s, struct agg_parts *o, size_t *k, unsigned *part, struct buf *out)
{
	for (; o->k < o->n; o->k++) {
		while (o->set[o->k] != NULL) {
			unsigned p = o->part++;

			if (!o->ready)
				part_begin(s, o);
			if (p == IDS_PARTS) {
				part_end(s, o);
				break;
			}
			if (o->at[p] == o->at[p + 1])
				continue;
			buf_clear(out);
			pack_u64(out, o->at[p + 1] - o->at[p]);
			for (uint64_t i = o->at[p]; i < o->at[p + 1]; i++) {
				if (s->v[o->k].kind == AGG_DISTINCT) {
					struct fp id = ids_slot(o->set[o->k], i);

					pack_u64(out, id.lo);
					pack_u64(out, id.hi);
				} else {
					uint64_t n;

					pack_span(out, bag_at(&s->desk, o->set[o->k], i, &n));
					pack_u64(out, n);
				}
			}
			*k = o->k;
			*part = p;
			return true;
		}
	}
	free(o->set);
	free(o);
	return false;
}

bool
agg_part_join(struct agg_set *s, void *cell, size_t k, struct unpack *u)
{
	void *p = part(s, cell, k);

	if (s->v[k].kind == AGG_DISTINCT) {
		join_ids(s, p, u);
		return unpack_done(u);
	}
	for (uint64_t n = unpack_u64(u); n > 0 && u->ok && s->v[k].kind == AGG_TOPK; n--) {
		struct span value = unpack_span(u);
		uint64_t times = unpack_u64(u);

		u->ok = u->ok && value.n > 0;
		if (u->ok)
			bag_add(&s->desk, s->pool, p, value, times);
	}
	return unpack_done(u);
}

void
agg_fold(struct agg_set *s, void *to, void *from, size_t k, unsigned number)
{
	struct fp id;

	if (s->v[k].kind == AGG_DISTINCT) {
		struct cell_ids *t = part(s, to, k);

		for (size_t i = 0; ids_next(part(s, from, k), &i, &id);)
			t->more += !ids_has(&t->ids, id);
	} else {
		bag_pour(&s->desk, s->pool, part(s, to, k), part(s, from, k));
		bag_prune(&s->desk, s->pool, part(s, to, k), s->v[k].k, number);
	}
}

bool
agg_packs(const struct agg_set *s, const void *cell)
{
	for (size_t k = 0; k < s->n; k++)
		if (s->v[k].kind == AGG_DISTINCT && ((const struct cell_ids *)cpart(s, cell, k))->more > 0)
			return false;
	return true;
}

void
agg_part_take(struct agg_set *s, void *to, void *from, size_t k)
{
	struct fp id;

	if (s->v[k].kind == AGG_DISTINCT)
		for (size_t i = 0; ids_next(part(s, from, k), &i, &id);)
			into_set(s, part(s, to, k), id);
	else
		bag_pour(&s->desk, s->pool, part(s, to, k), part(s, from, k));
}

void
agg_rest(struct agg_set *s)
{
	s->largest = 0;
	bag_desk_free(&s->desk);
}

size_t
agg_bytes(const struct agg_set *s)
{
	size_t largest = s->largest < s->set_bytes ? s->largest : s->set_bytes;

	/* a table that grows is there twice, the second time half as large again */
	return s->set_bytes + largest / 2 * 3 + bag_desk_bytes(&s->desk);
}

void
agg_free(struct agg_set *s)
{
	for (size_t k = 0; k < s->n; k++)
		buf_free(&s->in[k].scratch);
	free(s->in);
	free(s->v);
	bag_desk_free(&s->desk);
	buf_free(&s->scratch);
	buf_free(&s->other);
	*s = (struct agg_set){ 0 };
}
