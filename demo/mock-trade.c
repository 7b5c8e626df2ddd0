/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-trade - the right answers about orders, payments, refunds, coupons and buyers
 *
 * A fact counts if the night's feed, or one before, has told of it, and its own time is on the
 * day.  Lists are read from where they stood two days before the day, so a night's work does not
 * grow with the days.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

#define TOP		10
#define BURST_MIN	5
#define REPEAT_DAYS	30

struct sum {
	uint64_t orders, items, buyers, refunds;
	int64_t	 cents, reduced, refund_cents;
};

struct product {
	uint32_t sku;
	struct sum sum;
};

struct keys {
	uint64_t *v;
	size_t	 n, cap;
};

struct trade {
	struct truth *t;
	const struct mark *from;
	int64_t	 gmv, margin, lines_cents, back_cents, region[NREGION + 1];
	uint64_t norder, cancelled, back_orders;
	struct sum sales[NPROVINCE + 1][NCHANNEL], channel[NCHANNEL], tm[NTM + 1], merchant[NMERCHANT + 1],
	    offer[NACTIVITY + 1], ticket[NCOUPON + 1], reason[6];
	struct product *product;
	/* sets: one number a member, group << 32 | member where there are groups */
	struct keys buyers, channel_buyers, tm_orders, tm_buyers, merchant_buyers, hours, payers, paid, back_users;
};

static void
key(struct keys *k, uint64_t group, uint64_t member)
{
	k->v = more(k->v, k->n, &k->cap, sizeof(*k->v));
	k->v[k->n++] = group << 32 | member;
}

/* How many of the group of i are distinct; sets i behind them.  The keys are sorted. */
static uint64_t
group_end(const struct keys *k, size_t *i)
{
	uint64_t n = 0, group = k->v[*i] >> 32;

	for (size_t j = *i; ; j++) {
		if (j == k->n || k->v[j] >> 32 != group) {
			*i = j;
			return n;
		}
		n += j == *i || k->v[j] != k->v[j - 1];
	}
}

static void
distinct_by_group(struct keys *k, struct sum *sums, bool buyers)
{
	distinct(k->v, k->n);
	for (size_t i = 0; i < k->n; ) {
		struct sum *x = &sums[k->v[i] >> 32];

		*(buyers ? &x->buyers : &x->orders) = group_end(k, &i);
	}
	free(k->v);
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

/* ---- counting ---- */

static void
count_line(struct trade *x, const struct order *o, size_t order, const struct detail *d)
{
	const struct sku *k = &x->t->s->sku[d->sku];
	uint32_t tm = k->spu % NTM + 1, merchant = order_merchant(x->t->s, o);

	x->lines_cents += d->total;
	x->margin += d->total - k->cost * d->num;
	x->product[d->sku].sum.cents += d->total;
	x->product[d->sku].sum.items += d->num;
	x->product[d->sku].sum.orders++;	/* an order has a product once */
	x->tm[tm].cents += d->total;
	x->tm[tm].items += d->num;
	key(&x->tm_orders, tm, order);
	key(&x->tm_buyers, tm, o->user);
	x->merchant[merchant].cents += d->total;
	x->merchant[merchant].items += d->num;
	if (d->activity > 0) {
		x->offer[o->offer].cents += d->total;
		x->offer[o->offer].reduced += d->activity;
	}
	if (d->coupon > 0)
		x->ticket[o->ticket].reduced += d->coupon;
}

static void
count_order(struct trade *x, const struct order *o, size_t idx)
{
	struct truth *t = x->t;
	int64_t cents = total_known(t, o);
	uint32_t hour = (uint32_t)((o->at / 1000 + ZONE_MS) % DAY_MS / HOUR), merchant = order_merchant(t->s, o);
	bool offered = false;

	x->norder++;
	x->gmv += cents;
	x->cancelled += o->cancel_night != 0 && o->cancel_night <= t->s->day;
	x->region[provinces[o->province].region] += cents;
	x->sales[o->province][o->channel].cents += cents;
	x->sales[o->province][o->channel].orders++;
	x->channel[o->channel].cents += cents;
	x->channel[o->channel].orders++;
	key(&x->buyers, 0, o->user);
	key(&x->channel_buyers, o->channel, o->user);
	key(&x->hours, hour, o->user);
	x->merchant[merchant].orders++;
	key(&x->merchant_buyers, merchant, o->user);
	for (uint32_t i = 0; i < o->ndetail; i++) {
		const struct detail *d = &t->s->detail[o->detail + i];

		if (d->gone != 0 && d->gone <= t->s->day)
			continue;
		count_line(x, o, idx, d);
		offered |= d->activity > 0;
	}
	x->offer[o->offer].orders += offered;
}

static void
count_refunds(struct trade *x)
{
	struct shop *s = x->t->s;

	for (size_t i = x->from->refund; i < s->nrefund; i++) {
		const struct refund *f = &s->refund[i];
		uint32_t sku = s->detail[f->detail].sku;
		struct sum *to[3] = { &x->product[sku].sum, &x->tm[s->sku[sku].spu % NTM + 1],
		    &x->reason[refund_reason(f)] };

		if (known(x->t, f->back, f->back_night))
			x->back_cents += f->cents;
		if (!known(x->t, f->at, f->night))
			continue;
		x->back_orders++;
		key(&x->back_users, 0, s->order[f->order].user);
		for (int k = 0; k < 3; k++) {	/* an order has one refund at most */
			to[k]->refunds++;
			to[k]->refund_cents += f->cents;
		}
	}
}

static void
count_coupons(struct trade *x)
{
	struct shop *s = x->t->s;

	for (size_t i = x->from->use; i < s->nuse; i++) {
		const struct use *u = &s->use[i];

		x->ticket[u->coupon].orders += known(x->t, u->got, u->got_night);	/* taken */
		x->ticket[u->coupon].items += known(x->t, u->used, u->used_night);	/* used */
	}
}

/* ---- answering ---- */

static void
answer_orders(struct trade *x)
{
	struct truth *t = x->t;
	int64_t back = 0;

	for (int i = 1; i < 6; i++)
		back += x->reason[i].refund_cents;
	answer_n(t, "orders", "", "orders", x->norder);
	answer_n(t, "buyers", "", "buyers", distinct(x->buyers.v, x->buyers.n));
	answer_money(t, "gmv", "", "gmv", x->gmv);
	answer_ratio(t, "aov", "", "aov", x->gmv, (int64_t)x->norder, 10000);
	answer_money(t, "refund", "", "refund_amount", back);
	if (x->gmv == 0)
		answer_s(t, "refund", "", "refund_rate", "0.000000");
	else
		answer_ratio(t, "refund", "", "refund_rate", back, x->gmv, 1000000);
	answer_n(t, "refund_count", "", "refunds", x->back_orders);
	answer_n(t, "refund_count", "", "refund_buyers", distinct(x->back_users.v, x->back_users.n));
	answer_money(t, "refund_count", "", "refunded_amount", x->back_cents);
	answer_money(t, "gross_margin", "", "margin", x->margin);
	answer_ratio(t, "gross_margin", "", "margin_rate", x->margin, x->lines_cents, 1000000);
}

/* Payments of the day: `paid` has one key a payment, by order. */
static void
answer_payments(struct trade *x)
{
	uint64_t unequal = 0, twice = 0, paid_here = 0;
	int64_t cents = 0, difference = 0;
	struct truth *t = x->t;
	struct shop *s = t->s;

	for (size_t i = x->from->pay; i < s->npay; i++) {
		const struct pay *p = &s->pay[i];
		const struct order *o = &s->order[p->order];
		int64_t off = p->cents - total_known(t, o);

		if (!known(t, p->callback, p->night))
			continue;
		cents += p->cents;
		unequal += off != 0;
		difference += off < 0 ? -off : off;
		key(&x->paid, 0, p->order);
		key(&x->payers, 0, o->user);
	}
	answer_money(t, "paid_amount", "", "paid_amount", cents);
	answer_n(t, "pay_rate", "", "paid_orders", distinct(x->paid.v, x->paid.n));
	answer_n(t, "pay_rate", "", "payers", distinct(x->payers.v, x->payers.n));
	for (size_t i = 0, n; i < x->paid.n; i += n) {
		const struct order *o = &s->order[x->paid.v[i]];

		for (n = 1; i + n < x->paid.n && x->paid.v[i + n] == x->paid.v[i]; )
			n++;
		twice += n > 1;
		paid_here += known(t, o->at, o->night);
	}
	answer_n(t, "pay_rate", "", "cancelled", x->cancelled);
	answer_ratio(t, "pay_rate", "", "pay_rate", (int64_t)paid_here, (int64_t)x->norder, 1000000);
	answer_n(t, "unequal_payments", "", "unequal_payments", unequal);
	answer_money(t, "unequal_payments", "", "unequal_amount", difference);
	answer_n(t, "unequal_payments", "", "paid_twice", twice);
}

static void
answer_burst(struct trade *x)
{
	struct keys who = { 0 };

	distinct(x->hours.v, x->hours.n);
	for (size_t i = 0, n; i < x->hours.n; i += n) {
		for (n = 1; i + n < x->hours.n && x->hours.v[i + n] == x->hours.v[i]; )
			n++;
		if (n >= BURST_MIN)
			key(&who, 0, x->hours.v[i] & UINT32_MAX);
	}
	answer_n(x->t, "burst_buyers", "", "burst_buyers", distinct(who.v, who.n));
	free(who.v);
}

/* Buyers of this day and the 29 before, those days as their own nights knew them. */
static void
answer_repeat(struct trade *x)
{
	struct shop *s = x->t->s;
	uint32_t *n = calloc(s->nuser + 1, sizeof(*n));
	uint64_t buyers = 0, repeat = 0;

	if (n == NULL)
		die("memory");
	for (size_t i = 0; i < x->buyers.n; i++)
		n[x->buyers.v[i]]++;
	for (unsigned k = 1; k < REPEAT_DAYS; k++)
		for (size_t i = 0; i < s->nbought[k + x->t->ago]; i++)
			n[s->bought[k + x->t->ago][i]]++;
	for (size_t i = 0; i < s->nuser; i++) {
		buyers += n[i] > 0;
		repeat += n[i] > 1;
	}
	free(n);
	answer_n(x->t, "repeat_buyers", "", "buyers_30d", buyers);
	answer_n(x->t, "repeat_buyers", "", "repeat_buyers_30d", repeat);
	answer_ratio(x->t, "repeat_buyers", "", "repeat_rate_30d", (int64_t)repeat, (int64_t)buyers, 1000000);
}

static void
answer_sales(struct trade *x)
{
	struct truth *t = x->t;
	char dims[160];

	for (unsigned p = 1; p <= NPROVINCE; p++)
		for (unsigned c = 0; c < NCHANNEL; c++) {
			if (x->sales[p][c].orders == 0)
				continue;
			snprintf(dims, sizeof(dims),
			    "\"province_id\":%u,\"province_name\":\"%s\",\"channel\":\"%s\"", p,
			    provinces[p].name, order_channels[c]);
			answer_n(t, "sales", dims, "orders", x->sales[p][c].orders);
			answer_money(t, "sales", dims, "amount", x->sales[p][c].cents);
		}
	distinct_by_group(&x->channel_buyers, x->channel, true);
	for (unsigned c = 0; c < NCHANNEL; c++) {
		if (x->channel[c].orders == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"channel\":\"%s\"", order_channels[c]);
		answer_n(t, "order_channel", dims, "orders", x->channel[c].orders);
		answer_n(t, "order_channel", dims, "buyers", x->channel[c].buyers);
		answer_money(t, "order_channel", dims, "amount", x->channel[c].cents);
	}
}

static void
places(const int64_t *cents, unsigned *place)
{
	for (unsigned i = 1; i <= NREGION; i++) {
		place[i] = cents[i] > 0;
		for (unsigned j = 1; cents[i] > 0 && j <= NREGION; j++)
			place[i] += cents[j] > cents[i] || (cents[j] == cents[i] && j < i);
	}
}

static void
answer_regions(struct trade *x)
{
	unsigned now[NREGION + 1], before[NREGION + 1];
	struct truth *t = x->t;
	char dims[40], text[16];

	places(x->region, now);
	places(t->s->region[t->ago + 1], before);
	for (unsigned i = 1; i <= NREGION; i++) {
		if (now[i] == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"region_id\":%u", i);
		answer_s(t, "region_share", dims, "region_name", regions[i]);
		answer_money(t, "region_share", dims, "amount", x->region[i]);
		answer_ratio(t, "region_share", dims, "share", x->region[i], x->gmv, 1000000);
		answer_n(t, "region_share", dims, "rank", now[i]);
		snprintf(text, sizeof(text), "%d", (int)before[i] - (int)now[i]);
		answer(t, "region_share", dims, "rank_change", before[i] == 0 ? NULL : text, strlen(text));
	}
	if (t->ago == 0)
		memcpy(t->s->region[0], x->region, sizeof(x->region));
}

static int
by_amount(const void *a, const void *b)
{
	const struct product *x = a, *y = b;

	if (x->sum.cents != y->sum.cents)
		return x->sum.cents > y->sum.cents ? -1 : 1;
	return x->sku < y->sku ? -1 : 1;
}

static void
answer_hot(struct trade *x)
{
	struct product *p = x->product;
	uint32_t nsku = x->t->s->nsku;
	char dims[64];

	qsort(p + 1, nsku, sizeof(*p), by_amount);
	for (uint32_t i = 1; i <= TOP && i <= nsku && p[i].sum.orders > 0; i++) {
		snprintf(dims, sizeof(dims), "\"rank\":%u,\"sku_id\":%u", i, p[i].sku);
		answer_money(x->t, "hot_sku", dims, "amount", p[i].sum.cents);
		answer_n(x->t, "hot_sku", dims, "items", p[i].sum.items);
		answer_n(x->t, "hot_sku", dims, "orders", p[i].sum.orders);
		answer_n(x->t, "hot_sku", dims, "refund_orders", p[i].sum.refunds);
		answer_money(x->t, "hot_sku", dims, "refund_amount", p[i].sum.refund_cents);
	}
}

static void
answer_brands(struct trade *x)
{
	struct truth *t = x->t;
	char dims[40], name[64];

	distinct_by_group(&x->tm_orders, x->tm, false);
	distinct_by_group(&x->tm_buyers, x->tm, true);
	for (unsigned i = 1; i <= NTM; i++) {
		const struct sum *m = &x->tm[i];

		if (m->orders + m->refunds == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"tm_id\":%u", i);
		tm_name(name, sizeof(name), i);
		answer_s(t, "brand_sales", dims, "tm_name", name);
		answer_n(t, "brand_sales", dims, "orders", m->orders);
		answer_n(t, "brand_sales", dims, "items", m->items);
		answer_n(t, "brand_sales", dims, "buyers", m->buyers);
		answer_money(t, "brand_sales", dims, "amount", m->cents);
		answer_n(t, "brand_sales", dims, "refund_orders", m->refunds);
		answer_money(t, "brand_sales", dims, "refund_amount", m->refund_cents);
		answer_ratio(t, "brand_sales", dims, "refund_rate", m->refund_cents, m->cents, 1000000);
	}
}

static void
answer_merchants(struct trade *x)
{
	char dims[40];

	distinct_by_group(&x->merchant_buyers, x->merchant, true);
	for (unsigned i = 1; i <= NMERCHANT; i++) {
		const struct sum *m = &x->merchant[i];

		if (m->orders == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"merchant_id\":%u", i);
		answer_n(x->t, "merchant_sales", dims, "orders", m->orders);
		answer_n(x->t, "merchant_sales", dims, "items", m->items);
		answer_n(x->t, "merchant_sales", dims, "buyers", m->buyers);
		answer_money(x->t, "merchant_sales", dims, "amount", m->cents);
	}
}

static void
answer_marketing(struct trade *x)
{
	struct truth *t = x->t;
	char dims[40];

	for (unsigned i = 1; i <= NCOUPON; i++) {
		const struct sum *m = &x->ticket[i];

		if (m->orders + m->items == 0 && m->reduced == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"coupon_id\":%u", i);
		answer_n(t, "coupons", dims, "taken", m->orders);
		answer_n(t, "coupons", dims, "used", m->items);
		answer_money(t, "coupons", dims, "reduced_amount", m->reduced);
	}
	for (unsigned i = 1; i <= NACTIVITY; i++) {
		const struct sum *m = &x->offer[i];

		if (m->orders == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"activity_id\":%u", i);
		answer_n(t, "activities", dims, "orders", m->orders);
		answer_money(t, "activities", dims, "amount", m->cents);
		answer_money(t, "activities", dims, "reduced_amount", m->reduced);
		answer_ratio(t, "activities", dims, "subsidy_rate", m->reduced, m->cents, 1000000);
	}
	for (unsigned i = 1; i < 6; i++) {
		const struct sum *m = &x->reason[i];

		if (m->refunds == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"reason\":\"130%u\"", i);
		answer_s(t, "refund_reasons", dims, "reason_name", reasons[i]);
		answer_n(t, "refund_reasons", dims, "refunds", m->refunds);
		answer_money(t, "refund_reasons", dims, "amount", m->refund_cents);
		answer_n(t, "refund_reasons", dims, "complaint", i == 1 || i == 5);
	}
}

static void
answer_new_users(struct trade *x)
{
	struct shop *s = x->t->s;
	uint64_t n[4] = { 0 };
	char dims[40];

	for (size_t i = x->from->user; i < s->nuser; i++)
		n[user_source(&s->user[i])] += i > 0 && s->user[i].id != 0 &&
		    day_of_ms(s->user[i].created / 1000) == x->t->dt;
	for (unsigned i = 0; i < 4; i++) {
		if (n[i] == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"source\":\"%s\"", sources[i]);
		answer_n(x->t, "new_users", dims, "users", n[i]);
	}
}

/* Tonight's buyers of today are what later nights add up. */
static void
keep_buyers(struct shop *s, const struct keys *buyers)
{
	uint32_t *v = malloc((buyers->n + 1) * sizeof(*v));

	if (v == NULL)
		die("memory");
	for (size_t i = 0; i < buyers->n; i++)
		v[i] = (uint32_t)buyers->v[i];
	s->bought[0] = v;
	s->nbought[0] = buyers->n;
}

void
trade_answers(struct truth *t)
{
	struct trade x = { .t = t, .from = &t->s->mark[t->ago + 2] };
	struct shop *s = t->s;

	if ((x.product = calloc(s->nsku + 1, sizeof(*x.product))) == NULL)
		die("memory");
	for (uint32_t i = 0; i <= s->nsku; i++)
		x.product[i].sku = i;
	for (size_t i = x.from->order; i < s->norder; i++)
		if (known(t, s->order[i].at, s->order[i].night))
			count_order(&x, &s->order[i], i);
	count_refunds(&x);
	count_coupons(&x);
	answer_orders(&x);
	answer_payments(&x);
	answer_burst(&x);
	answer_repeat(&x);
	answer_sales(&x);
	answer_regions(&x);
	answer_hot(&x);
	answer_brands(&x);
	answer_merchants(&x);
	answer_marketing(&x);
	answer_new_users(&x);
	if (t->ago == 0)
		keep_buyers(s, &x.buyers);
	free(x.product);
	free(x.buyers.v);
	free(x.hours.v);
	free(x.payers.v);
	free(x.paid.v);
	free(x.back_users.v);
}

void
trade_remember(struct shop *s)
{
	unsigned last = sizeof(s->bought) / sizeof(s->bought[0]) - 1;

	free(s->bought[last]);
	for (unsigned k = last; k > 0; k--) {
		s->bought[k] = s->bought[k - 1];
		s->nbought[k] = s->nbought[k - 1];
	}
	s->bought[0] = NULL;
	s->nbought[0] = 0;
	memcpy(s->region[2], s->region[1], sizeof(s->region[1]));
	memcpy(s->region[1], s->region[0], sizeof(s->region[0]));
}
