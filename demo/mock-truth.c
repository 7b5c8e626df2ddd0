/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-truth - the right answers about traffic, ads and what is extracted
 *
 * Night N knows the files up to N.  It answers for day N, and for day N - 1 as a run of that day
 * after night N would: of it everything has come by then, for nothing is later than one day.  Sums
 * over several days take each earlier day as its own night knew it.  docs/METRICS.md has the
 * definitions; nothing of this comes from the tables or files that are written.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

#define VISIT_GAP_MS	(30 * 60000)
#define WINDOW(days)	(((uint64_t)1 << (days)) - 2)	/* of `seen`: the days before */

/* ---- answers ---- */

void
answer(struct truth *t, const char *metric, const char *dims, const char *field, const char *text,
    size_t n)
{
	struct buf *b = &t->out;

	LIT(b, "{\"night\":\"");
	put_day(b, t->s->day, "-");
	LIT(b, "\",\"dt\":\"");
	put_day(b, t->dt, "-");
	put_fmt(b, "\",\"metric\":\"%s\",\"dims\":{%s},\"field\":\"%s\",\"value\":", metric, dims, field);
	if (text == NULL)
		LIT(b, "null");
	else
		put_json(b, text, n);
	LIT(b, "}\n");
}

void
answer_s(struct truth *t, const char *metric, const char *dims, const char *field, const char *text)
{
	answer(t, metric, dims, field, text, strlen(text));
}

void
answer_n(struct truth *t, const char *metric, const char *dims, const char *field, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	answer_s(t, metric, dims, field, text);
}

void
answer_money(struct truth *t, const char *metric, const char *dims, const char *field, int64_t cents)
{
	int64_t abs = cents < 0 ? -cents : cents;
	char text[32];

	snprintf(text, sizeof(text), "%s%lld.%02lld", cents < 0 ? "-" : "", (long long)(abs / 100),
	    (long long)(abs % 100));
	answer_s(t, metric, dims, field, text);
}

void
answer_ratio(struct truth *t, const char *metric, const char *dims, const char *field, int64_t a,
    int64_t b, int64_t scale)
{
	int64_t abs = a < 0 ? -a : a, v;
	char text[40];

	if (b == 0) {
		answer(t, metric, dims, field, NULL, 0);
		return;
	}
	v = abs * scale / b + (abs * scale % b * 2 >= b);
	snprintf(text, sizeof(text), "%s%lld.%06lld", a < 0 && v != 0 ? "-" : "", (long long)(v / 1000000),
	    (long long)(v % 1000000));
	answer_s(t, metric, dims, field, text);
}

static int
by_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t
distinct(uint64_t *v, size_t n)
{
	uint64_t k = 0;

	qsort(v, n, sizeof(*v), by_u64);
	for (size_t i = 0; i < n; i++)
		k += i == 0 || v[i] != v[i - 1];
	return k;
}

static void *
zeros(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p == NULL)
		die("memory");
	return p;
}

/* ---- traffic ---- */

static const uint8_t in_order[] = { P_HOME, P_DETAIL, P_CART, P_TRADE, P_PAYMENT };
static const uint8_t in_any_order[] = { P_HOME, P_DETAIL, P_TRADE, P_PAYMENT };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct traffic {
	uint64_t pv[NPAGE], stay[NPAGE], uv[NPAGE], entry[NPAGE], exit[NPAGE], path[NPAGE][NPAGE];
	uint64_t store_pv[NSTORE], store_uv[NSTORE], store_vv[NSTORE], store_dev[NSTORE];
	uint64_t ip, vv, bounced, dau, fresh, reached[COUNT(in_order)], saw[COUNT(in_any_order)];
	uint32_t *user_page, *dev_page;		/* bits of the pages seen as a user, as nobody */
	uint8_t	 *user_store, *here, *at_ip;
};

/* By device, then time: counting first, then short insertions, for most are in order. */
static void
sort_hits(const struct shop *s, struct heard *h)
{
	uint32_t *first = zeros(s->ndev + 1, sizeof(*first));
	struct hit *v = zeros(h->nhit, sizeof(*v));

	for (size_t i = 0; i < h->nhit; i++)
		first[h->hit[i].dev + 1]++;
	for (size_t i = 0; i < s->ndev; i++)
		first[i + 1] += first[i];
	for (size_t i = 0; i < h->nhit; i++) {
		struct hit x = h->hit[i];
		uint32_t j = first[x.dev]++;

		for (; j > 0 && v[j - 1].dev == x.dev && v[j - 1].ts > x.ts; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	free(first);
	free(h->hit);
	h->hit = v;
	h->hit_cap = h->nhit + 1;
}

static void
count_hit(const struct shop *s, struct traffic *f, const struct hit *p, uint32_t store)
{
	f->pv[p->page]++;
	f->stay[p->page] += p->during;
	f->store_pv[store]++;
	if (p->last != P_START)
		f->path[p->last][p->page]++;
	f->at_ip[s->dev[p->dev].ip] = 1;
	if (p->user != 0) {
		f->user_page[p->user] |= 1u << p->page;
		f->user_store[p->user] |= (uint8_t)(1u << store);
	} else
		f->dev_page[p->dev] |= 1u << p->page;
}

/* All pages of one device. */
static void
count_device(const struct shop *s, struct traffic *f, const struct hit *p, size_t n, int64_t dt)
{
	uint32_t store = dev_store(&s->dev[p->dev]), pages = 0;
	size_t step = 0;

	f->here[p->dev] = 1;
	f->dau++;
	f->store_dev[store]++;
	f->fresh += s->dev[p->dev].first_day == dt;
	for (size_t i = 0, in_visit = 0; i < n; i++) {
		bool begins = i == 0 || p[i].last == P_START || p[i].ts - p[i - 1].ts > VISIT_GAP_MS;
		bool ends = i + 1 == n || p[i + 1].last == P_START || p[i + 1].ts - p[i].ts > VISIT_GAP_MS;

		count_hit(s, f, &p[i], store);
		pages |= 1u << p[i].page;
		in_visit = begins ? 1 : in_visit + 1;
		f->vv += begins;
		f->store_vv[store] += begins;
		f->entry[p[i].page] += begins;
		f->exit[p[i].page] += ends;
		f->bounced += ends && in_visit == 1;
		if (step < COUNT(in_order) && p[i].page == in_order[step])
			f->reached[step++]++;
	}
	for (size_t i = 0; i < COUNT(in_any_order); i++)
		f->saw[i] += pages >> in_any_order[i] & 1;
}

static void
count_traffic(struct truth *t, struct traffic *f, const struct heard *h)
{
	const struct shop *s = t->s;

	f->user_page = zeros(s->nuser, sizeof(*f->user_page));
	f->dev_page = zeros(s->ndev, sizeof(*f->dev_page));
	f->user_store = zeros(s->nuser, 1);
	f->here = zeros(s->ndev, 1);
	f->at_ip = zeros(s->ndev, 1);
	for (size_t i = 0, n; i < h->nhit; i += n) {
		for (n = 1; i + n < h->nhit && h->hit[i + n].dev == h->hit[i].dev; )
			n++;
		count_device(s, f, &h->hit[i], n, t->dt);
	}
	t->uv = 0;
	for (size_t i = 0; i < s->nuser; i++) {
		t->uv += f->user_page[i] != 0;
		for (unsigned p = 0; f->user_page[i] != 0 && p < NPAGE; p++)
			f->uv[p] += f->user_page[i] >> p & 1;
		for (unsigned c = 0; f->user_store[i] != 0 && c < NSTORE; c++)
			f->store_uv[c] += (unsigned)f->user_store[i] >> c & 1u;
	}
	for (size_t i = 0; i < s->ndev; i++) {
		f->ip += f->at_ip[i];
		if (f->dev_page[i] == 0)
			continue;
		t->uv++;
		f->store_uv[dev_store(&s->dev[i])]++;
		for (unsigned p = 0; p < NPAGE; p++)
			f->uv[p] += f->dev_page[i] >> p & 1;
	}
}

static void
funnel(struct truth *t, const char *name, const uint8_t *step, const uint64_t *users, size_t n)
{
	char dims[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(dims, sizeof(dims), "\"n\":%zu", i + 1);
		answer_s(t, name, dims, "step", page_name[step[i]]);
		answer_n(t, name, dims, "users", users[i]);
		answer_ratio(t, name, dims, "rate", (int64_t)users[i], (int64_t)users[0], 1000000);
	}
}

static void
answer_pages(struct truth *t, const struct traffic *f)
{
	char dims[96];

	for (unsigned p = 1; p < NPAGE; p++) {
		snprintf(dims, sizeof(dims), "\"page_id\":\"%s\"", page_name[p]);
		if (f->pv[p] > 0) {
			answer_n(t, "page_traffic", dims, "pv", f->pv[p]);
			answer_n(t, "page_traffic", dims, "uv", f->uv[p]);
			answer_ratio(t, "page_traffic", dims, "stay", (int64_t)f->stay[p], (int64_t)f->pv[p], 1000000);
		}
		if (f->entry[p] + f->exit[p] > 0) {
			answer_n(t, "entry_exit", dims, "entries", f->entry[p]);
			answer_n(t, "entry_exit", dims, "exits", f->exit[p]);
		}
		for (unsigned q = 1; q < NPAGE; q++) {
			if (f->path[q][p] == 0)
				continue;
			snprintf(dims, sizeof(dims), "\"last_page_id\":\"%s\",\"page_id\":\"%s\"", page_name[q],
			    page_name[p]);
			answer_n(t, "page_path", dims, "n", f->path[q][p]);
		}
	}
}

static void
answer_stores(struct truth *t, const struct traffic *f)
{
	char dims[64];

	for (uint32_t c = 0; c < NSTORE; c++) {
		int64_t cents = channel_cost(t->s, t->dt, c);

		snprintf(dims, sizeof(dims), "\"channel\":\"%s\"", stores[c]);
		if (f->store_pv[c] > 0) {
			answer_n(t, "channel_traffic", dims, "pv", f->store_pv[c]);
			answer_n(t, "channel_traffic", dims, "uv", f->store_uv[c]);
			answer_n(t, "channel_traffic", dims, "vv", f->store_vv[c]);
		}
		answer_n(t, "channel_cost", dims, "visitors", f->store_dev[c]);
		answer_money(t, "channel_cost", dims, "cost", cents);
		answer_ratio(t, "channel_cost", dims, "cost_per_visitor", cents, (int64_t)f->store_dev[c], 10000);
	}
}

/* Devices over several days: `seen` has the days before, `here` the day itself. */
static void
answer_devices(struct truth *t, const struct traffic *f)
{
	static const unsigned after[] = { 1, 2, 3, 7, 14, 30 };
	uint64_t wau = 0, mau = 0, yau = 0, back = 0, fresh[COUNT(after)] = { 0 }, kept[COUNT(after)] = { 0 };
	const struct shop *s = t->s;
	char dims[32];

	for (size_t i = 0; i < s->ndev; i++) {
		const struct dev *d = &s->dev[i];
		uint64_t before = d->seen & ~(uint64_t)1;
		bool here = f->here[i], far = d->seen_far != 0 && d->seen_far >= t->dt - 364;

		wau += here || (before & WINDOW(7));
		mau += here || (before & WINDOW(30));
		yau += here || before != 0 || far;
		back += here && !(before & WINDOW(7)) && (before != 0 || far);
		for (size_t k = 0; k < COUNT(after); k++)
			if (d->first_day == t->dt - after[k] && (before >> after[k] & 1)) {
				fresh[k]++;
				kept[k] += here;
			}
	}
	answer_n(t, "dau", "", "dau", f->dau);
	answer_n(t, "wau", "", "wau", wau);
	answer_ratio(t, "wau", "", "wau_dau", (int64_t)wau, (int64_t)f->dau, 1000000);
	answer_n(t, "mau", "", "mau", mau);
	answer_ratio(t, "mau", "", "dau_mau", (int64_t)f->dau, (int64_t)mau, 1000000);
	answer_n(t, "yau", "", "yau", yau);
	answer_n(t, "returning_users", "", "returning_devices", back);
	for (size_t k = 0; k < COUNT(after); k++) {
		if (fresh[k] == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"day\":%u", after[k]);
		answer_n(t, "retention", dims, "users", fresh[k]);
		answer_n(t, "retention", dims, "kept", kept[k]);
		answer_ratio(t, "retention", dims, "rate", (int64_t)kept[k], (int64_t)fresh[k], 1000000);
	}
}

static void
traffic(struct truth *t, const struct heard *h)
{
	struct traffic f = { 0 };
	struct shop *s = t->s;
	uint64_t stay = 0;

	count_traffic(t, &f, h);
	for (unsigned p = 0; p < NPAGE; p++)
		stay += f.stay[p];
	answer_n(t, "pv", "", "pv", h->nhit);
	answer_n(t, "uv", "", "uv", t->uv);
	answer_n(t, "ip", "", "ip", f.ip);
	answer_n(t, "vv", "", "vv", f.vv);
	answer_n(t, "new_devices", "", "new_devices", f.fresh);
	answer_devices(t, &f);
	answer_n(t, "bounce", "", "bounced", f.bounced);
	answer_ratio(t, "bounce", "", "bounce_rate", (int64_t)f.bounced, (int64_t)f.vv, 1000000);
	answer_ratio(t, "bounce", "", "pages_per_visit", (int64_t)h->nhit, (int64_t)f.vv, 1000000);
	answer_ratio(t, "bounce", "", "stay_per_visit", (int64_t)stay, (int64_t)f.vv, 1000000);
	answer_pages(t, &f);
	answer_stores(t, &f);
	funnel(t, "funnel_ordered", in_order, f.reached, COUNT(in_order));
	funnel(t, "funnel_unordered", in_any_order, f.saw, COUNT(in_any_order));
	for (size_t i = 0; t->ago == 0 && i < s->ndev; i++)
		s->dev[i].seen |= f.here[i];
	free(f.user_page);
	free(f.dev_page);
	free(f.user_store);
	free(f.here);
	free(f.at_ip);
}

/* ---- ads ---- */

static void
ads(struct truth *t, const struct heard *h)
{
	uint64_t count[NAD + 1][3] = { 0 }, reach[NAD + 1] = { 0 }, *key = zeros(h->nad, sizeof(*key));
	size_t n = 0;
	char dims[32];

	for (size_t i = 0; i < h->nad; i++) {
		const struct ad_hit *a = &h->ad[i];

		count[a->ad][a->action]++;
		if (a->action == 0)
			key[n++] = (uint64_t)a->ad << 32 | a->dev;
	}
	qsort(key, n, sizeof(*key), by_u64);
	for (size_t i = 0; i < n; i++)
		reach[key[i] >> 32] += i == 0 || key[i] != key[i - 1];
	free(key);
	for (uint32_t i = 1; i <= NAD; i++) {
		int64_t shown = (int64_t)count[i][0], clicked = (int64_t)count[i][1], cents = ad_cost(t->s, t->dt, i);

		snprintf(dims, sizeof(dims), "\"ad_id\":%u", i);
		answer_n(t, "ad_ctr", dims, "shown", (uint64_t)shown);
		answer_n(t, "ad_ctr", dims, "clicked", (uint64_t)clicked);
		answer_n(t, "ad_ctr", dims, "reach", reach[i]);
		answer_ratio(t, "ad_ctr", dims, "ctr", clicked, shown, 1000000);
		answer_money(t, "ad_cpc", dims, "cost", cents);
		answer_ratio(t, "ad_cpc", dims, "cpc", cents, clicked, 10000);
		answer_ratio(t, "ad_cpc", dims, "cpm", cents, shown, 10000000);
		answer_n(t, "ad_conversion", dims, "bought", count[i][2]);
		answer_ratio(t, "ad_conversion", dims, "conversion", (int64_t)count[i][2], clicked, 1000000);
	}
}

/* ---- what is read at the end of the day ---- */

static void
extracts(struct truth *t)
{
	const struct extracted *x = &t->s->ex[t->ago == 0];
	static const char *const step[NSTEP] = { NULL, "1001", "1002", "1003", "1004", "1005", "1006", "1010" };
	uint64_t comments = x->comment[0] + x->comment[1] + x->comment[2] + x->comment[3];
	char dims[40];

	answer_n(t, "cart", "", "adds", x->cart);
	answer_n(t, "cart", "", "adders", x->cart_users);
	answer_n(t, "cart", "", "ordered", x->cart_ordered);
	answer_ratio(t, "cart", "", "cart_to_order", (int64_t)x->cart_ordered, (int64_t)x->cart, 1000000);
	answer_n(t, "favourites", "", "added", x->favor);
	answer_n(t, "favourites", "", "users", x->favor_users);
	answer_n(t, "favourites", "", "cancelled", x->favor_cancelled);
	for (unsigned i = 0; i < 4; i++) {
		if (x->comment[i] == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"appraise\":\"120%u\"", i + 1);
		answer_n(t, "comments", dims, "comments", x->comment[i]);
		answer_ratio(t, "comments", dims, "rate", (int64_t)x->comment[i], (int64_t)comments, 1000000);
	}
	for (unsigned i = 1; i < NSTEP; i++) {
		if (x->step[i] == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"order_status\":\"%s\"", step[i]);
		answer_n(t, "order_steps", dims, "orders", x->step[i]);
	}
	answer_n(t, "product_counts", "", "skus", x->sku);
	answer_n(t, "product_counts", "", "spus", NSPU);
	answer_n(t, "product_counts", "", "brands", NTM);
	answer_n(t, "product_counts", "", "categories", NC3);
	answer_n(t, "product_counts", "", "on_sale", x->on_sale);
	answer_n(t, "product_counts", "", "new_skus", x->new_sku);
	for (unsigned i = 0; i < LEVEL_MAX; i++) {
		if (x->level[i] == 0)
			continue;
		snprintf(dims, sizeof(dims), "\"user_level\":\"%u\"", i);
		answer_n(t, "members", dims, "users", x->level[i]);
	}
}

/* ---- the night ---- */

static void
day(struct truth *t, const struct heard *h)
{
	traffic(t, h);
	ads(t, h);
	extracts(t);
	trade_answers(t);
}

/* The day is over: what was today is yesterday. */
static void
turn(struct shop *s)
{
	struct heard h = s->heard[0];
	struct extracted x = s->ex[0];

	s->heard[0] = s->heard[1];
	h.nhit = h.nad = 0;
	s->heard[1] = h;
	s->ex[0] = s->ex[1];
	s->ex[1] = (struct extracted){ .level = x.level };
}

void
truth_file(struct shop *s)
{
	struct truth t = { .s = s };
	char path[4096];

	for (int i = 0; i < 2; i++)
		sort_hits(s, &s->heard[i]);
	if (s->day > s->day0) {
		t.dt = s->day - 1;
		t.ago = 1;
		day(&t, &s->heard[0]);
	}
	for (size_t i = 0; i < s->ndev; i++) {
		struct dev *d = &s->dev[i];

		if (d->seen >> 63)
			d->seen_far = s->day - 1 - 63;
		d->seen <<= 1;
	}
	t.dt = s->day;
	t.ago = 0;
	day(&t, &s->heard[1]);
	trade_remember(s);
	file_path(path, sizeof(path), s->dir, "truth/", s->day, ".ndjson");
	file_write(path, "w", &t.out);
	free(t.out.p);
	turn(s);
}
