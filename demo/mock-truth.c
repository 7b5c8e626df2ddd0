/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-truth - the right answers, counted from what was made and delivered
 *
 * Night N knows the log lines and changes of the files up to N.  It answers
 * for day N and for day N - 1, of which the late ones have come by then;
 * nothing is later than one day.  demo/README.md has the definitions.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

#define VISIT_GAP_MS	(30 * 60000)
#define TOP		10

struct sales {
	int64_t	 cents;
	uint64_t n;
};

struct product {
	uint32_t sku;
	int64_t	 cents, refund_cents;
	uint64_t items, orders, refunds;
};

struct truth {
	struct shop *s;
	struct buf out;
	int64_t	 dt;
};

static void
answer(struct truth *t, const char *metric, const char *dims, const char *field,
    const struct buf *value)
{
	struct buf *b = &t->out;

	LIT(b, "{\"night\":\"");
	put_day(b, t->s->day, "-");
	LIT(b, "\",\"dt\":\"");
	put_day(b, t->dt, "-");
	put_fmt(b, "\",\"metric\":\"%s\",\"dims\":{%s},\"field\":\"%s\",\"value\":\"", metric, dims,
	    field);
	put(b, value->p, value->n);
	LIT(b, "\"}\n");
}

static void
answer_n(struct truth *t, const char *metric, const char *dims, const char *field, uint64_t n)
{
	struct buf v = { 0 };

	put_u(&v, n);
	answer(t, metric, dims, field, &v);
	free(v.p);
}

static void
answer_money(struct truth *t, const char *metric, const char *dims, const char *field,
    int64_t cents)
{
	struct buf v = { 0 };

	put_money(&v, cents);
	answer(t, metric, dims, field, &v);
	free(v.p);
}

static int
by_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t
distinct(uint64_t *v, size_t n)
{
	uint64_t k = 0;

	qsort(v, n, sizeof(*v), by_u64);
	for (size_t i = 0; i < n; i++)
		k += i == 0 || v[i] != v[i - 1];
	return k;
}

static int
by_visit(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->ts > y->ts) - (x->ts < y->ts);
}

static void
traffic(struct truth *t, const struct hits *h)
{
	uint64_t *key = malloc((h->n + 1) * sizeof(*key)), vv = 0;
	size_t n = 0;

	if (key == NULL)
		die("memory");
	answer_n(t, "pv", "", "pv", h->n);
	for (size_t i = 0; i < h->n; i++)
		key[i] = h->v[i].user != 0 ? (uint64_t)1 << 32 | h->v[i].user : h->v[i].dev;
	answer_n(t, "uv", "", "uv", distinct(key, h->n));
	for (size_t i = 0; i < h->n; i++)
		key[i] = h->v[i].ip;
	answer_n(t, "ip", "", "ip", distinct(key, h->n));
	qsort(h->v, h->n, sizeof(*h->v), by_visit);
	for (size_t i = 0; i < h->n; i++) {
		const struct hit *p = &h->v[i];

		vv += i == 0 || p[-1].dev != p->dev || p->entry || p->ts - p[-1].ts > VISIT_GAP_MS;
		if (p->is_new)
			key[n++] = p->dev;
	}
	answer_n(t, "vv", "", "vv", vv);
	answer_n(t, "new_devices", "", "new_devices", distinct(key, n));
	free(key);
}

/* The day of an order or refund that this night knows of. */
static bool
known(const struct truth *t, int64_t us, int64_t night)
{
	return night != 0 && night <= t->s->day && day_of_ms(us / 1000) == t->dt;
}

static int64_t
total_known(const struct truth *t, const struct order *o)
{
	return o->cut_night != 0 && o->cut_night > t->s->day ? o->before : o->total;
}

static int64_t
paid(const struct truth *t)
{
	int64_t cents = 0;

	for (size_t i = 0; i < t->s->npay; i++) {
		const struct pay *p = &t->s->pay[i];

		if (known(t, p->callback, p->night))
			cents += p->cents;
	}
	return cents;
}

static void
trade(struct truth *t, struct sales sales[NPROVINCE + 1][NCHANNEL])
{
	struct shop *s = t->s;
	uint64_t *buyer = malloc((s->norder + 1) * sizeof(*buyer)), n = 0;
	int64_t gmv = 0, back = 0, rate;
	struct buf v = { 0 };

	if (buyer == NULL)
		die("memory");
	for (size_t i = 0; i < s->norder; i++) {
		const struct order *o = &s->order[i];
		struct sales *x = &sales[o->province][o->channel];

		if (!known(t, o->at, o->night))
			continue;
		buyer[n++] = o->user;
		gmv += total_known(t, o);
		x->cents += total_known(t, o);
		x->n++;
	}
	for (size_t i = 0; i < s->nrefund; i++)
		if (known(t, s->refund[i].at, s->refund[i].night))
			back += s->refund[i].cents;
	answer_n(t, "orders", "", "orders", n);
	answer_n(t, "buyers", "", "buyers", distinct(buyer, n));
	answer_money(t, "gmv", "", "gmv", gmv);
	answer_money(t, "paid_amount", "", "paid_amount", paid(t));
	answer_money(t, "refund", "", "refund_amount", back);
	rate = gmv == 0 ? 0 : (2000000 * back + gmv) / (2 * gmv);	/* half away from zero */
	put_fmt(&v, "%lld.%06lld", (long long)rate / 1000000, (long long)rate % 1000000);
	answer(t, "refund", "", "refund_rate", &v);
	free(v.p);
	free(buyer);
}

static int
by_amount(const void *a, const void *b)
{
	const struct product *x = a, *y = b;

	if (x->cents != y->cents)
		return x->cents > y->cents ? -1 : 1;
	return x->sku < y->sku ? -1 : 1;
}

/* An order has a product once and one refund at most, so counting rows counts orders. */
static void
hot(struct truth *t)
{
	struct shop *s = t->s;
	struct product *p = calloc(s->nsku + 1, sizeof(*p));
	char dims[64];

	if (p == NULL)
		die("memory");
	for (uint32_t i = 0; i <= s->nsku; i++)
		p[i].sku = i;
	for (size_t i = 0; i < s->ndetail; i++) {
		const struct detail *d = &s->detail[i];
		const struct order *o = &s->order[d->order];

		if (!known(t, o->at, o->night) || (d->gone != 0 && d->gone <= s->day))
			continue;
		p[d->sku].cents += d->total;
		p[d->sku].items += d->num;
		p[d->sku].orders++;
	}
	for (size_t i = 0; i < s->nrefund; i++) {
		const struct refund *f = &s->refund[i];
		uint32_t sku = s->detail[f->detail].sku;

		if (!known(t, f->at, f->night))
			continue;
		p[sku].refunds++;
		p[sku].refund_cents += f->cents;
	}
	qsort(p + 1, s->nsku, sizeof(*p), by_amount);
	for (uint32_t i = 1; i <= TOP && i <= s->nsku && p[i].orders > 0; i++) {
		snprintf(dims, sizeof(dims), "\"rank\":%u,\"sku_id\":%u", i, p[i].sku);
		answer_money(t, "hot_sku", dims, "amount", p[i].cents);
		answer_n(t, "hot_sku", dims, "items", p[i].items);
		answer_n(t, "hot_sku", dims, "orders", p[i].orders);
		answer_n(t, "hot_sku", dims, "refund_orders", p[i].refunds);
		answer_money(t, "hot_sku", dims, "refund_amount", p[i].refund_cents);
	}
	free(p);
}

static void
day(struct truth *t, const struct hits *h)
{
	struct sales sales[NPROVINCE + 1][NCHANNEL] = { 0 };
	char dims[160];

	traffic(t, h);
	trade(t, sales);
	hot(t);
	for (unsigned p = 1; p <= NPROVINCE; p++)
		for (unsigned c = 0; c < NCHANNEL; c++) {
			if (sales[p][c].n == 0)
				continue;
			snprintf(dims, sizeof(dims),
			    "\"province_id\":%u,\"province_name\":\"%s\",\"channel\":\"%s\"", p,
			    provinces[p].name, order_channels[c]);
			answer_n(t, "sales", dims, "orders", sales[p][c].n);
			answer_money(t, "sales", dims, "amount", sales[p][c].cents);
		}
}

void
truth_file(struct shop *s)
{
	struct truth t = { .s = s };
	struct hits h = s->hits[0];
	char path[4096];

	if (s->day > s->day0) {
		t.dt = s->day - 1;
		day(&t, &s->hits[0]);
	}
	t.dt = s->day;
	day(&t, &s->hits[1]);
	file_path(path, sizeof(path), s->dir, "truth/", s->day, ".ndjson");
	file_write(path, "w", &t.out);
	free(t.out.p);
	s->hits[0] = s->hits[1];
	h.n = 0;
	s->hits[1] = h;
}
