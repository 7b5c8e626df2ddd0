/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-asks - what is asked of the live shop, answered
 *
 * Remembers what the written lines said, each thing once, in the order it was written; at the end it counts.
 * Nothing is late here: where a job leaves late records aside, its answer and those together are this one.  A file
 * an ask, an object a row, whose members are those of the table in dags/shop/realtime/schema.sql; money has two
 * decimals, times are those of Asia/Shanghai.  Rows come by the bytes of their keys.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

#define SLIDE	(5 * MINUTE)
#define NVALUE	5

struct page_seen {
	int64_t	 ts;
	uint64_t trace;
	uint32_t dev, user, during;
	uint8_t	 page, last;
	bool	 favor;
};

struct click_seen {
	int64_t	 ts;
	uint32_t dev, ad;
};

struct change_seen {
	int64_t	 us;
	struct told told;
};

/* A row of an answer: rows of one key are summed up. */
struct row_sum {
	char	 key[160];		/* its members, JSON */
	int64_t	 v[NVALUE];
};
struct sums {
	struct row_sum *v;
	size_t	 n, cap;
};

static struct seen {
	struct page_seen *page;
	struct click_seen *click;
	struct change_seen *change;
	size_t	 npage, page_cap, nclick, click_cap, nchange, change_cap;
} seen;

void
asks_line(struct shop *s, const struct event *e, const struct made *m)
{
	(void)s;
	if (e->page == P_START)
		return;
	seen.page = more(seen.page, seen.npage, &seen.page_cap, sizeof(*seen.page));
	seen.page[seen.npage++] = (struct page_seen){ .ts = e->ts, .trace = e->trace, .dev = e->dev, .user = e->user,
	    .during = e->during, .page = e->page, .last = e->last, .favor = m->favor };
	for (uint32_t i = 0; i < m->nad; i++) {
		if (m->ad[i].action != 1)
			continue;
		seen.click = more(seen.click, seen.nclick, &seen.click_cap, sizeof(*seen.click));
		seen.click[seen.nclick++] = (struct click_seen){ .ts = e->ts, .dev = e->dev, .ad = m->ad[i].ad };
	}
}

void
asks_change(struct shop *s, const struct told *t, int64_t us)
{
	(void)s;
	if (t->what == TOLD_NOTHING)
		return;
	seen.change = more(seen.change, seen.nchange, &seen.change_cap, sizeof(*seen.change));
	seen.change[seen.nchange++] = (struct change_seen){ .us = us, .told = *t };
}

/* The next such change from place *i on; NULL: none. */
static const struct change_seen *
next(size_t *i, enum told_what what)
{
	while (*i < seen.nchange && seen.change[*i].told.what != what)
		++*i;
	return *i < seen.nchange ? &seen.change[*i] : NULL;
}

/* ---- rows ---- */

static void add(struct sums *, const int64_t v[NVALUE], const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define V(...) ((const int64_t[NVALUE]){ __VA_ARGS__ })

static void
add(struct sums *x, const int64_t v[NVALUE], const char *fmt, ...)
{
	struct row_sum *r;
	va_list ap;

	x->v = more(x->v, x->n, &x->cap, sizeof(*x->v));
	r = &x->v[x->n++];
	va_start(ap, fmt);
	vsnprintf(r->key, sizeof(r->key), fmt, ap);
	va_end(ap);
	memcpy(r->v, v, sizeof(r->v));
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct row_sum *)a)->key, ((const struct row_sum *)b)->key);
}

static void
merge(struct sums *x)
{
	size_t kept = 0;

	if (x->n > 0)
		qsort(x->v, x->n, sizeof(*x->v), by_key);
	for (size_t i = 0; i < x->n; i++) {
		if (kept == 0 || strcmp(x->v[kept - 1].key, x->v[i].key) != 0) {
			x->v[kept++] = x->v[i];
			continue;
		}
		for (int k = 0; k < NVALUE; k++)
			x->v[kept - 1].v[k] += x->v[i].v[k];
	}
	x->n = kept;
}

/* names: of the values, "orders,$amount" ($: cents). Frees the rows. */
static void
rows_file(struct sums *x, const char *dir, const char *file, const char *names)
{
	struct buf b = { 0 };
	char path[4096];

	for (size_t i = 0; i < x->n; i++) {
		const char *name = names;

		put_fmt(&b, "{%s", x->v[i].key);
		for (int k = 0; *name != '\0'; k++) {
			bool money = *name == '$';
			size_t n = strcspn(name += money, ",");
			int64_t v = x->v[i].v[k];

			put_fmt(&b, ",\"%.*s\":%s", (int)n, name, v < 0 ? "-" : "");
			if (money)
				put_money(&b, v < 0 ? -v : v);
			else
				put_u(&b, (uint64_t)(v < 0 ? -v : v));
			name += n + (name[n] == ',');
		}
		LIT(&b, "}\n");
	}
	snprintf(path, sizeof(path), "%s/truth/%s.ndjson", dir, file);
	file_write(path, "w", &b);
	free(b.p);
	free(x->v);
	*x = (struct sums){ 0 };
}

struct when {
	char	 text[20];
};

static struct when
when(int64_t ms)
{
	struct buf b = { 0 };
	struct when w = { "" };

	put_us(&b, ms * 1000);
	memcpy(w.text, b.p, sizeof(w.text) - 1);
	free(b.p);
	return w;
}

static struct when
day_of(int64_t ms)
{
	struct when w = when(ms);

	w.text[10] = '\0';
	return w;
}

static int64_t
up(int64_t ms, int64_t unit)			/* the end of the window that holds it */
{
	return (ms / unit + 1) * unit;
}

/* ---- orders ---- */

static void
orders_5m(struct shop *s, const char *dir)
{
	struct sums x = { 0 }, top = { 0 };
	const struct change_seen *c;
	char room[40];

	for (size_t i = 0; (c = next(&i, TOLD_ORDER)) != NULL; i++) {
		const struct order *o = &s->order[c->told.idx];
		const char *city = order_city(s, o, room, sizeof(room));

		if (*city == '\0' || strcmp(city, "null") == 0 || strcmp(city, "NULL") == 0)
			city = "-";
		for (int64_t end = up(c->us / 1000, SLIDE), k = 0; k < HOUR / SLIDE; k++, end += SLIDE)
			add(&x, V(1, c->told.value), "\"window_end\":\"%s\",\"province_id\":%u,\"city\":\"%s\"",
			    when(end).text, o->province, city);
	}
	merge(&x);
	for (size_t i = 0, end; i < x.n; i = end) {	/* a window and province, its cities by their bytes */
		size_t same = (size_t)(strstr(x.v[i].key, ",\"city\"") - x.v[i].key);

		for (end = i + 1; end < x.n && strncmp(x.v[end].key, x.v[i].key, same + 8) == 0; )
			end++;
		for (size_t j = i; j < end; j++) {
			int64_t rank = 1;

			for (size_t k = i; k < end; k++)
				rank += x.v[k].v[1] > x.v[j].v[1] || (x.v[k].v[1] == x.v[j].v[1] && k < j);
			if (rank <= 3)
				add(&top, V(rank, x.v[j].v[0], x.v[j].v[1]), "%s", x.v[j].key);
		}
	}
	rows_file(&x, dir, "orders_5m", "orders,$amount");
	rows_file(&top, dir, "top_cities", "rank,orders,$amount");
}

struct paid {
	uint64_t order, id;
	int64_t	 us;
};

static int
by_order(const void *a, const void *b)
{
	const struct paid *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void
payments(struct shop *s, const char *dir)
{
	struct sums unequal = { 0 }, twice = { 0 };
	struct paid *p = calloc(seen.nchange + 1, sizeof(*p));
	const struct change_seen *c;
	size_t n = 0;

	if (p == NULL)
		die("memory");
	for (size_t i = 0; (c = next(&i, TOLD_PAID)) != NULL; i++) {
		const struct pay *y = &s->pay[c->told.idx];
		const struct order *o = &s->order[y->order];

		p[n++] = (struct paid){ .order = o->id, .id = y->id, .us = c->us };
		if (y->cents != o->total && (o->cut_night == 0 || y->cents != o->before))
			add(&unequal, V(y->cents), "\"payment_id\":%llu,\"order_id\":%llu", (unsigned long long)y->id,
			    (unsigned long long)o->id);
	}
	qsort(p, n, sizeof(*p), by_order);
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j-- > 0 && p[j].order == p[i].order; )
			add(&twice, V((int64_t)p[j].id), "\"payment_id\":%llu,\"order_id\":%llu",
			    (unsigned long long)p[i].id, (unsigned long long)p[i].order);
	free(p);
	merge(&unequal);
	if (twice.n > 0)
		qsort(twice.v, twice.n, sizeof(*twice.v), by_key);
	rows_file(&unequal, dir, "unequal", "$paid");
	rows_file(&twice, dir, "paid_twice", "first_payment_id");
}

/* The device of an order: that of the page whose trace it has; -1 where that was not written. */
struct trade_page {
	uint64_t trace;
	uint32_t dev;
};

static int
by_trace(const void *a, const void *b)
{
	const struct trade_page *x = a, *y = b;

	return x->trace < y->trace ? -1 : x->trace > y->trace;
}

static struct trade_page *
trade_pages(size_t *n)
{
	struct trade_page *t = calloc(seen.npage + 1, sizeof(*t));

	if (t == NULL)
		die("memory");
	*n = 0;
	for (size_t i = 0; i < seen.npage; i++)
		if (seen.page[i].page == P_TRADE)
			t[(*n)++] = (struct trade_page){ seen.page[i].trace, seen.page[i].dev };
	qsort(t, *n, sizeof(*t), by_trace);
	return t;
}

static int64_t
device(const struct trade_page *t, size_t n, uint64_t trace)
{
	struct trade_page want = { .trace = trace }, *p = bsearch(&want, t, n, sizeof(*t), by_trace);

	return p == NULL ? -1 : (int64_t)p->dev;
}

struct burst {
	int64_t	 kind, who, us;		/* kind 0: a device, 1: a user */
};

static int
by_who(const void *a, const void *b)
{
	const struct burst *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->who != y->who)
		return x->who < y->who ? -1 : 1;
	return x->us < y->us ? -1 : x->us > y->us;
}

/* Windows of a minute, one a second: the first that holds so many orders, and none within ten minutes of it. */
static void
bursts(struct shop *s, const char *dir)
{
	struct burst *b = calloc(2 * seen.nchange + 1, sizeof(*b));
	size_t n = 0, ntrade;
	struct trade_page *trade = trade_pages(&ntrade);
	const struct change_seen *c;
	struct sums x = { 0 };
	int64_t told = 0;

	if (b == NULL)
		die("memory");
	for (size_t i = 0; (c = next(&i, TOLD_ORDER)) != NULL; i++) {
		const struct order *o = &s->order[c->told.idx];
		int64_t dev = device(trade, ntrade, o->trace);

		b[n++] = (struct burst){ 1, (int64_t)s->user[o->user].id, c->us };
		if (dev >= 0)
			b[n++] = (struct burst){ 0, dev, c->us };
	}
	qsort(b, n, sizeof(*b), by_who);
	for (size_t i = 0; i < n; i++) {
		int64_t end = up(b[i].us / 1000, 1000), in = 1;
		bool same = i > 0 && b[i - 1].kind == b[i].kind && b[i - 1].who == b[i].who;

		told = same ? told : INT64_MIN / 2;
		if (i + 1 < n && b[i + 1].kind == b[i].kind && b[i + 1].who == b[i].who &&
		    up(b[i + 1].us / 1000, 1000) == end)
			continue;		/* the last of its second sees all of them */
		for (size_t j = i; j-- > 0 && b[j].kind == b[i].kind && b[j].who == b[i].who &&
		    b[j].us / 1000 >= end - MINUTE; )
			in++;
		if (in < BURST_ORDERS || end < told + 10 * MINUTE)
			continue;
		told = end;
		add(&x, V(in), "\"kind\":\"%s\",\"who\":\"%s%lld\",\"window_end\":\"%s\"",
		    b[i].kind == 0 ? "device" : "user", b[i].kind == 0 ? "mid_" : "", (long long)b[i].who,
		    when(end).text);
	}
	free(b);
	free(trade);
	merge(&x);
	rows_file(&x, dir, "burst", "orders");
}

static void
coupons_and_stock(struct shop *s, const char *dir)
{
	struct sums coupons = { 0 }, stock = { 0 };

	for (size_t i = 0; i < seen.nchange; i++) {
		const struct told *t = &seen.change[i].told;
		int64_t ms = seen.change[i].us / 1000;

		if (t->what == TOLD_TAKEN || t->what == TOLD_USED)
			add(&coupons, V(t->what == TOLD_TAKEN, t->what == TOLD_USED),
			    "\"window_end\":\"%s\",\"coupon_id\":%u", when(up(ms, MINUTE)).text, s->use[t->idx].coupon);
		else if (t->what == TOLD_STOCK && t->value < STOCK_LOW && t->old >= STOCK_LOW)
			add(&stock, V(t->value), "\"sku_id\":%u,\"at\":\"%s\"", t->idx, when(ms).text);
	}
	merge(&coupons);
	merge(&stock);
	rows_file(&coupons, dir, "coupons", "taken,used");
	rows_file(&stock, dir, "stock", "stock");
}

/* Each order with what its user's row says; told: that row came, before or after. */
static void
wide(struct shop *s, const char *dir)
{
	bool *row = calloc(s->nuser, sizeof(*row)), *before = calloc(s->norder + 1, sizeof(*before));
	const struct change_seen *c;
	struct sums x = { 0 };

	if (row == NULL || before == NULL)
		die("memory");
	for (size_t i = 1; i < s->nuser; i++)	/* the bootstrap told of those of old */
		row[i] = s->user[i].created <= day_ms(s->day0) * 1000;
	for (size_t i = 0; i < seen.nchange; i++) {
		const struct told *t = &seen.change[i].told;

		if (t->what == TOLD_USER)
			row[t->idx] = true;
		else if (t->what == TOLD_ORDER)
			before[t->idx] = row[s->order[t->idx].user];
	}
	for (size_t i = 0; (c = next(&i, TOLD_ORDER)) != NULL; i++) {
		const struct order *o = &s->order[c->told.idx];

		add(&x, V((int64_t)s->user[o->user].id, c->told.value, row[o->user],
		    row[o->user] && !before[c->told.idx]), "\"order_id\":%llu", (unsigned long long)o->id);
	}
	free(row);
	free(before);
	merge(&x);
	rows_file(&x, dir, "orders_wide", "user_id,$amount,user_told,waited");
}

/* ---- ads ---- */

static int
by_dev_page(const void *a, const void *b)
{
	const struct page_seen *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

/* How many detail pages of the device in the ten minutes up to the click, the page's own time included. */
static int64_t
browsed(const struct page_seen *p, size_t n, const struct click_seen *c)
{
	size_t lo = 0, hi = n;
	int64_t pages = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		bool less = p[mid].dev != c->dev ? p[mid].dev < c->dev : p[mid].ts < c->ts - 10 * MINUTE;

		*(less ? &lo : &hi) = mid + less;
	}
	for (; lo < n && p[lo].dev == c->dev && p[lo].ts <= c->ts; lo++)
		pages += p[lo].page == P_DETAIL;
	return pages;
}

static void
ads(struct shop *s, const char *dir, const struct page_seen *by_dev)
{
	struct sums trend = { 0 }, hot = { 0 }, black = { 0 }, browse = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < seen.nclick; i++) {
		const struct click_seen *c = &seen.click[i];
		int64_t pages = browsed(by_dev, seen.npage, c);

		add(&trend, V(1), "\"window_end\":\"%s\",\"ad_id\":%u", when(up(c->ts, SLIDE)).text, c->ad);
		add(&hot, V(1), "\"dt\":\"%s\",\"province_id\":%u,\"ad_id\":%u", day_of(c->ts).text,
		    s->dev[c->dev].province, c->ad);
		add(&black, V(1), "\"dt\":\"%s\",\"who\":\"mid_%u\",\"ad_id\":%u", day_of(c->ts).text, c->dev, c->ad);
		if (pages > 0)
			add(&browse, V(pages), "\"window_end\":\"%s\",\"ad_id\":%u",
			    when(up(c->ts, SLIDE)).text, c->ad);
	}
	merge(&trend);
	merge(&hot);
	merge(&black);
	merge(&browse);
	for (size_t i = 0; i < black.n; i++)
		if (black.v[i].v[0] > CLICKS_MAX)
			black.v[kept++] = black.v[i];
	black.n = kept;
	rows_file(&trend, dir, "ad_clicks", "clicks");
	rows_file(&hot, dir, "hot_ads", "clicks");
	rows_file(&black, dir, "blacklist", "clicks");
	rows_file(&browse, dir, "click_browse", "pairs");
}

/* ---- visits ---- */

/* A visit counts in the hour in which it was certain to be over, half an hour behind its last page. */
static void
channels(struct shop *s, const char *dir, const struct page_seen *p)
{
	struct sums visits = { 0 }, firsts = { 0 };
	bool *bought = calloc(s->nuser + 1, sizeof(*bought));
	const struct change_seen *c;
	struct trade_page *trade;
	size_t ntrade;

	if (bought == NULL)
		die("memory");
	for (size_t i = 0, end; i < seen.npage; i = end) {
		int64_t ms = p[i].during, favours = p[i].favor;

		for (end = i + 1; end < seen.npage && p[end].dev == p[i].dev && p[end].last != P_START &&
		    p[end].ts - p[end - 1].ts <= 30 * MINUTE; end++) {
			ms += p[end].during;
			favours += p[end].favor;
		}
		add(&visits, V(1, (int64_t)(end - i), ms, favours), "\"window_end\":\"%s\",\"ch\":\"%s\"",
		    when(up(p[end - 1].ts + 30 * MINUTE, HOUR)).text, stores[dev_store(&s->dev[p[i].dev])]);
	}
	trade = trade_pages(&ntrade);
	for (size_t i = 0; (c = next(&i, TOLD_ORDER)) != NULL; i++) {
		const struct order *o = &s->order[c->told.idx];
		int64_t dev = device(trade, ntrade, o->trace);

		if (bought[o->user])
			continue;
		bought[o->user] = true;
		if (dev >= 0)
			add(&firsts, V(1, c->told.value), "\"window_end\":\"%s\",\"ch\":\"%s\"",
			    when(up(c->us / 1000, HOUR)).text, stores[dev_store(&s->dev[dev])]);
	}
	free(trade);
	free(bought);
	merge(&visits);
	merge(&firsts);
	rows_file(&visits, dir, "channel_visits", "visits,pages,stay_ms,favours");
	rows_file(&firsts, dir, "channel_firsts", "buyers,$amount");
}

/* ---- days ---- */

static void
totals(struct shop *s, const char *dir)
{
	uint64_t *who = malloc((seen.npage + 1) * sizeof(*who));
	struct sums x = { 0 };

	if (who == NULL)
		die("memory");
	for (size_t i = 0; i < seen.nchange; i++) {
		const struct told *t = &seen.change[i].told;
		struct when dt = day_of(seen.change[i].us / 1000);

		if (t->what == TOLD_ORDER)
			add(&x, V(1, t->value), "\"dt\":\"%s\"", dt.text);
		else if (t->what == TOLD_CUT)
			add(&x, V(0, t->value - t->old), "\"dt\":\"%s\"", dt.text);
		else if (t->what == TOLD_PAID)
			add(&x, V(0, 0, s->pay[t->idx].cents), "\"dt\":\"%s\"", dt.text);
	}
	for (size_t i = 0; i < seen.npage; i++) {
		const struct page_seen *p = &seen.page[i];

		add(&x, V(0, 0, 0, 1), "\"dt\":\"%s\"", day_of(p->ts).text);
		who[i] = (uint64_t)day_of_ms(p->ts) << 40 | (p->user != 0 ? (uint64_t)1 << 39 | p->user : p->dev);
	}
	distinct(who, seen.npage);		/* sorts them */
	for (size_t i = 0; i < seen.npage; i++)
		if (i == 0 || who[i] != who[i - 1])
			add(&x, V(0, 0, 0, 0, 1), "\"dt\":\"%s\"", day_of(day_ms((int64_t)(who[i] >> 40))).text);
	free(who);
	merge(&x);
	rows_file(&x, dir, "totals", "orders,$gmv,$paid,pv,uv");
}

void
asks_write(struct shop *s, const char *dir)
{
	struct page_seen *by_dev = malloc((seen.npage + 1) * sizeof(*by_dev));

	if (by_dev == NULL)
		die("memory");
	if (seen.npage > 0)
		memcpy(by_dev, seen.page, seen.npage * sizeof(*by_dev));
	qsort(by_dev, seen.npage, sizeof(*by_dev), by_dev_page);
	orders_5m(s, dir);
	payments(s, dir);
	bursts(s, dir);
	coupons_and_stock(s, dir);
	wide(s, dir);
	ads(s, dir, by_dev);
	channels(s, dir, by_dev);
	totals(s, dir);
	free(by_dev);
}
