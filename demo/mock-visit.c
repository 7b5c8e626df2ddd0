/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-visit - devices and their visits
 *
 * A visit is a walk of a device over pages; it makes events, and a buyer's
 * walk makes an order too.  Nine buyers and one idler a day are planned, so that
 * the smallest run holds every case.
 */
#include "mock.h"

#define VISITORS 90000			/* a day at scale 1, for 1,000,000 lines */
#define BURST	6			/* orders of the burst buyer */

/* What a planned buyer shows, one a day each; BUY is any other buyer. */
enum plan { BUY, BUY_REFUND, BUY_TRIM, BUY_TRIM_NEXT_DAY, BUY_LATE, BUY_CANCEL, BUY_MIDNIGHT,
    BUY_UNEQUAL, BUY_TWICE, BUY_BURST, BUY_GONE, NPLAN };

/* ---- devices ---- */

static struct dev *
dev_new(struct shop *s, int64_t first_day)
{
	struct dev *d;
	uint32_t n = (uint32_t)s->ndev, users = (uint32_t)s->nuser - 10;

	s->dev = more(s->dev, s->ndev, &s->dev_cap, sizeof(*d));
	d = &s->dev[s->ndev++];
	*d = (struct dev){ .seed = rnd(&s->rng, UINT32_MAX), .first_day = first_day };
	d->province = (uint8_t)(1 + d->seed % NPROVINCE);
	if (d->seed % 3 == 0)		/* some places have more people */
		d->province = (uint8_t)(1 + d->seed / 3 % 12);
	d->ip = n % 10 < 3 ? n / 10 * 10 : n;	/* three of ten sit behind one address */
	if (first_day < s->day0 && n % 20 < 11)
		d->user = 10 + rnd(&s->rng, users);
	if (d->user != 0 && n % 20 == 7)
		d->user2 = 10 + rnd(&s->rng, users);
	return d;
}

uint32_t
visitors(const struct shop *s)
{
	double n = VISITORS * s->scale;

	return n < 60 ? 60 : (uint32_t)n;
}

void
visit_init(struct shop *s)
{
	for (uint32_t n = 3 * visitors(s); n > 0; n--)
		dev_new(s, s->day0 - 1 - rnd(&s->rng, 400));
}

/* ---- walks ---- */

struct walk {
	struct shop *s;
	uint32_t dev, user;
	int64_t	 t;			/* ms: when the next event happens */
	uint8_t	 last;
	bool	 safe;
};

static struct event *
step(struct walk *w, enum page page, uint32_t ref, int64_t stay)
{
	struct shop *s = w->s;
	struct event *e;

	s->event = more(s->event, s->nevent, &s->event_cap, sizeof(*e));
	e = &s->event[s->nevent++];
	*e = (struct event){ .ts = w->t, .trace = next64(&s->rng), .dev = w->dev, .user = w->user,
	    .ref = ref, .during = (uint32_t)stay,
	    .page = (uint8_t)page, .last = w->last, .safe = w->safe };
	e->seed = rnd(&s->rng, UINT32_MAX);
	w->t += stay;
	w->last = (uint8_t)page;
	s->dev[w->dev].last_ms = w->t;
	return e;
}

static int64_t
stay(struct shop *s)
{
	int64_t u = rnd(&s->rng, 1000);

	return 1200 + u * u / 20;		/* 1.2 to 51 s, 18 s on average */
}

static struct walk
walk_begin(struct shop *s, uint32_t dev, uint32_t user, int64_t at)
{
	struct walk w = { .s = s, .dev = dev, .user = user, .t = at };

	if (w.t <= s->dev[dev].last_ms)
		w.t = s->dev[dev].last_ms + 1;
	s->dev[dev].busy_day = s->day;
	if (rnd(&s->rng, 10) != 0)		/* one in ten comes by a link: no start */
		step(&w, P_START, 0, 700 + rnd(&s->rng, 2000));
	return w;
}

/* Where a page leads; each of the eight is as likely. */
static const uint8_t links[NPAGE][8] = {
	[P_START] = { P_HOME, P_HOME, P_HOME, P_HOME, P_HOME, P_HOME, P_DISCOVERY, P_ACTIVITY },
	[P_HOME] = { P_SEARCH, P_SEARCH, P_CATEGORY, P_CATEGORY, P_DETAIL, P_DETAIL, P_ACTIVITY,
	    P_MINE },
	[P_CATEGORY] = { P_LIST, P_LIST, P_LIST, P_LIST, P_LIST, P_HOME, P_SEARCH, P_LIST },
	[P_SEARCH] = { P_LIST, P_LIST, P_LIST, P_LIST, P_LIST, P_LIST, P_LIST, P_HOME },
	[P_LIST] = { P_DETAIL, P_DETAIL, P_DETAIL, P_DETAIL, P_DETAIL, P_DETAIL, P_SEARCH, P_LIST },
	[P_DETAIL] = { P_SPEC, P_COMMENT, P_LIST, P_LIST, P_DETAIL, P_CART, P_HOME, P_FAVOR },
	[P_SPEC] = { P_DETAIL, P_DETAIL, P_DETAIL, P_COMMENT, P_COMMENT, P_HOME, P_CART, P_LIST },
	[P_COMMENT] = { P_DETAIL, P_DETAIL, P_DETAIL, P_SPEC, P_LIST, P_HOME, P_CART, P_LIST },
	[P_CART] = { P_HOME, P_HOME, P_DETAIL, P_DETAIL, P_LIST, P_MINE, P_HOME, P_SEARCH },
	[P_LOGIN] = { P_HOME, P_HOME, P_MINE, P_MINE, P_CART, P_CART, P_HOME, P_HOME },
	[P_REGISTER] = { P_HOME, P_HOME, P_HOME, P_MINE, P_MINE, P_HOME, P_HOME, P_HOME },
	[P_TRADE] = { P_HOME, P_HOME, P_HOME, P_CART, P_CART, P_UNPAID, P_UNPAID, P_MINE },
	[P_PAYMENT] = { P_HOME, P_HOME, P_MINE, P_MINE, P_HOME, P_DETAIL, P_LIST, P_HOME },
	[P_UNPAID] = { P_HOME, P_HOME, P_MINE, P_MINE, P_CART, P_CART, P_HOME, P_HOME },
	[P_MINE] = { P_HOME, P_HOME, P_FAVOR, P_FAVOR, P_UNPAID, P_CART, P_DISCOVERY, P_HOME },
	[P_FAVOR] = { P_DETAIL, P_DETAIL, P_DETAIL, P_DETAIL, P_HOME, P_HOME, P_CART, P_MINE },
	[P_DISCOVERY] = { P_DETAIL, P_DETAIL, P_DETAIL, P_HOME, P_HOME, P_LIST, P_ACTIVITY,
	    P_HOME },
	[P_ACTIVITY] = { P_DETAIL, P_DETAIL, P_DETAIL, P_DETAIL, P_LIST, P_LIST, P_HOME, P_HOME },
};

static void
browse(struct walk *w, uint32_t pages)
{
	struct shop *s = w->s;

	while (pages-- > 0) {
		enum page to = links[w->last][rnd(&s->rng, 8)];
		uint32_t ref = to == P_DETAIL || to == P_SPEC || to == P_COMMENT ? dim_sku(s) :
		    rnd(&s->rng, 10);

		step(w, to, ref, stay(s));
	}
}

static void
visit(struct shop *s, uint32_t dev, int64_t at)
{
	struct dev *d = &s->dev[dev];
	uint32_t user = d->user2 != 0 && rnd(&s->rng, 2) == 0 ? d->user2 : d->user;
	uint32_t n = 2 + rnd(&s->rng, 6), more_pages = rnd(&s->rng, 8);
	bool anon = user != 0 && rnd(&s->rng, 5) == 0;
	struct walk w = walk_begin(s, dev, anon ? 0 : user, at);

	browse(&w, n / 2);
	if (anon) {			/* the login page is still nobody's */
		step(&w, P_LOGIN, 0, stay(s));
		w.user = user;
	} else if (d->first_day == s->day && user == 0 && rnd(&s->rng, 10) < 3 &&
	    w.t < day_ms(s->day + 1) - 12 * MINUTE) {
		step(&w, P_REGISTER, 0, stay(s) + 9000);
		w.user = biz_register(s, (w.t - 500) * 1000 + rnd(&s->rng, 1000));
		s->dev[dev].user = w.user;
	} else if (rnd(&s->rng, 50) == 0) {	/* the app sleeps for half an hour or more */
		w.t += 31 * MINUTE + rnd(&s->rng, 3600000);
	}
	browse(&w, n - n / 2 + more_pages);
}

/* Someone new, who registers. */
static void
visit_register(struct shop *s)
{
	uint32_t dev;
	struct walk w;

	dev_new(s, s->day);
	dev = (uint32_t)s->ndev - 1;
	w = walk_begin(s, dev, 0, day_ms(s->day) + 18 * HOUR);
	step(&w, P_HOME, 0, stay(s));
	step(&w, P_REGISTER, 0, stay(s) + 9000);
	s->dev[dev].user = w.user = biz_register(s, (w.t - 500) * 1000);
	step(&w, P_HOME, 0, stay(s));
}

/* Gaps of exactly 30 minutes, which is the same visit, and of 1 ms more, which is not. */
static void
visit_pause(struct shop *s, uint32_t dev)
{
	struct walk w = walk_begin(s, dev, s->dev[dev].user, day_ms(s->day) + 13 * HOUR);

	w.safe = true;
	step(&w, P_HOME, 0, 30 * MINUTE);
	step(&w, P_LIST, 1, 30 * MINUTE + 1);
	step(&w, P_DETAIL, 7, 5000);
}

/* The plan of an order from the time its row is made. */
static void
plan_order(struct shop *s, struct order *o, enum plan plan)
{
	uint32_t luck = rnd(&s->rng, 100);
	int64_t minute = MINUTE * 1000;

	if (plan == BUY_CANCEL || (plan == BUY && luck >= 88)) {
		o->cancel_at = o->at + minute * 30;
		return;
	}
	if (plan == BUY && luck >= 85) {
		o->pay_fails = true;
		o->cancel_at = o->at + minute * 30;
	}
	o->pay_more = plan == BUY_UNEQUAL;
	o->pay_twice = plan == BUY_TWICE;
	if (plan == BUY_REFUND)
		o->refund_after = minute * 60;
	else if (plan == BUY_GONE)	/* when the product is gone */
		o->refund_after = minute * 26 * 60;
	else if (plan == BUY && luck < 6)
		o->refund_after = minute * (120 + rnd(&s->rng, 38 * 60));
	if (plan == BUY_TRIM || (plan == BUY && luck == 50 && o->ndetail > 1))
		o->trim_at = o->at + 6000000;
	o->pay_at = 1;			/* will pay: the time comes with the page */
}

static void
pay_page(struct walk *w, uint32_t order, int64_t stay_ms)
{
	struct event *e = step(w, P_PAYMENT, order, stay_ms);
	struct order *o = &w->s->order[order];

	e->safe = true;
	o->pay_trace = e->trace;
	o->pay_at = (e->ts + 800 + e->seed % 1000) * 1000 + e->seed % 997;
}

static void
visit_buy(struct shop *s, uint32_t dev, int64_t at, enum plan plan)
{
	struct walk w = walk_begin(s, dev, s->dev[dev].user, at);
	uint32_t n = 1 + rnd(&s->rng, 5) / 3, order;
	int64_t not_before = 0;
	struct event *e;
	struct order *o;

	if (plan == BUY_TRIM || plan == BUY_TRIM_NEXT_DAY)
		n = 2;
	else if (plan == BUY_GONE || plan == BUY_BURST)
		n = 1;
	else if (rnd(&s->rng, 8) == 0)
		n++;
	order = biz_order(s, w.user, s->dev[dev].province, n, 0);
	if (plan == BUY_GONE)
		biz_reprice(s, order, GONE_SKU);
	step(&w, P_HOME, 0, stay(s));
	if (plan == BUY)
		browse(&w, 1 + rnd(&s->rng, 5));
	for (uint32_t i = 0; i < n; i++)
		step(&w, P_DETAIL, s->detail[s->order[order].detail + i].sku, stay(s))->variant = 1;
	step(&w, P_CART, 0, stay(s));
	if (plan == BUY_LATE)
		not_before = day_ms(s->day + 1) - 170000;
	else if (plan == BUY_MIDNIGHT)
		not_before = day_ms(s->day + 1) + 20000;
	if (w.t < not_before)
		w.t = not_before;
	e = step(&w, P_TRADE, order, 5000 + rnd(&s->rng, 9000));
	e->safe = true;
	o = &s->order[order];
	o->trace = e->trace;
	o->at = e->ts * 1000 + 1000000 + rnd(&s->rng, 3000000);
	plan_order(s, o, plan);
	if (plan == BUY_TRIM_NEXT_DAY) {
		o->trim_at = day_ms(s->day + 1) * 1000 + 30 * MINUTE * 1000;
		w = walk_begin(s, dev, w.user, day_ms(s->day + 1) + 9 * HOUR);
		step(&w, P_MINE, 0, stay(s));
		step(&w, P_UNPAID, 0, stay(s));
	}
	if (o->pay_at != 0) {
		w.t += o->trim_at > w.t * 1000 ? 10000 : 0;
		pay_page(&w, order, 8000 + rnd(&s->rng, 9000));
	} else
		step(&w, P_UNPAID, 0, stay(s));
	biz_todo_order(s, order);
}

/* ---- a day of visits ---- */

static int64_t
time_of_day(struct shop *s)
{
	static const uint8_t busy[24] = { 3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 10, 9, 8, 8, 8, 8, 9,
	    11, 13, 13, 10, 6 };		/* 160 in all */
	uint32_t v = rnd(&s->rng, 160), h = 0;

	while (v >= busy[h])
		v -= busy[h++];
	return day_ms(s->day) + h * HOUR + rnd(&s->rng, 3600000);
}

static void
visits(struct shop *s, uint32_t dev, bool buys)
{
	uint32_t luck = rnd(&s->rng, 20), n = luck == 0 ? 3 : luck < 5 ? 2 : 1;
	int64_t at = time_of_day(s);

	if (buys)
		visit_buy(s, dev, at, BUY);
	else
		visit(s, dev, at);
	while (--n > 0) {		/* some come back within the half hour */
		at = s->dev[dev].last_ms + MINUTE + (rnd(&s->rng, 4) == 0 ? rnd(&s->rng, 1200000) :
		    rnd(&s->rng, 28800000));
		if (day_of_ms(at) == s->day)
			visit(s, dev, at);
	}
}

/* A device that someone owns, not used today. */
static uint32_t
any_owned(struct shop *s)
{
	uint32_t i = rnd(&s->rng, (uint32_t)s->ndev);

	while (s->dev[i].user == 0 || s->dev[i].first_day == s->day ||
	    s->dev[i].busy_day == s->day || day_of_ms(s->dev[i].last_ms) >= s->day)
		i = i + 1 == s->ndev ? 0 : i + 1;
	return i;
}

void
visit_day(struct shop *s)
{
	static const int64_t planned[NPLAN] = {		/* minutes of the day */
		[BUY_REFUND] = 10 * 60, [BUY_TRIM] = 14 * 60, [BUY_TRIM_NEXT_DAY] = 22 * 60 + 40,
		[BUY_LATE] = 23 * 60 + 52, [BUY_CANCEL] = 11 * 60, [BUY_MIDNIGHT] = 23 * 60 + 55,
		[BUY_UNEQUAL] = 12 * 60, [BUY_TWICE] = 13 * 60, [BUY_BURST] = 15 * 60 + 2,
		[BUY_GONE] = 16 * 60 };
	uint32_t n = visitors(s), fresh = n / 100 + 2;

	for (int i = 1; i < NPLAN; i++) {
		uint32_t dev = any_owned(s);

		if (i == BUY_GONE && s->day != s->day0)
			continue;
		for (int k = i == BUY_BURST ? BURST : 1; k > 0; k--)
			visit_buy(s, dev, day_ms(s->day) + planned[i] * MINUTE + rnd(&s->rng, 1000),
			    (enum plan)i);
	}
	visit_pause(s, any_owned(s));
	visit_register(s);
	for (size_t i = 0, known = s->ndev; i < known; i++) {
		if (s->dev[i].busy_day == s->day || rnd(&s->rng, 3) != 0)
			continue;
		visits(s, (uint32_t)i, s->dev[i].user != 0 && rnd(&s->rng, 1000) < 55);
	}
	while (fresh-- > 0) {
		dev_new(s, s->day);
		visits(s, (uint32_t)s->ndev - 1, false);
	}
}

/* ---- a live shop ---- */

/* A device that rests, of an owner if asked for; where none is found soon, a new one. */
static uint32_t
resting(struct shop *s, int64_t ms, bool owned)
{
	for (int i = 0; i < 200; i++) {
		uint32_t n = rnd(&s->rng, (uint32_t)s->ndev);

		if (s->dev[n].last_ms + MINUTE < ms && (!owned || s->dev[n].user != 0))
			return n;
	}
	dev_new(s, s->day)->user = owned ? 10 + rnd(&s->rng, (uint32_t)s->nuser - 10) : 0;
	return (uint32_t)s->ndev - 1;
}

void
visit_live(struct shop *s, int64_t ms)
{
	uint32_t dev, luck = rnd(&s->rng, 1000);

	if (luck < 10) {
		dev_new(s, s->day);
		dev = (uint32_t)s->ndev - 1;
	} else
		dev = resting(s, ms, false);
	if (s->dev[dev].user != 0 && luck % 100 < 6)
		visit_buy(s, dev, ms, BUY);
	else
		visit(s, dev, ms);
}

void
visit_live_buyer(struct shop *s, int64_t ms, bool unequal)
{
	visit_buy(s, resting(s, ms, true), ms, unequal ? BUY_UNEQUAL : BUY_TWICE);
}

void
visit_live_newcomer(struct shop *s, int64_t ms)
{
	uint32_t dev;
	struct walk w;

	dev_new(s, s->day);
	dev = (uint32_t)s->ndev - 1;
	w = walk_begin(s, dev, 0, ms);
	step(&w, P_HOME, 0, stay(s));
	step(&w, P_REGISTER, 0, stay(s) + 9000);
	s->dev[dev].user = biz_register(s, (w.t - 500) * 1000);
	s->user[s->dev[dev].user].odd = SLOW_USER;
	visit_buy(s, dev, w.t, BUY_CANCEL);
}

/* One order a second, nobody looks that fast. */
void
visit_live_scalper(struct shop *s, int64_t ms, uint32_t orders)
{
	uint32_t dev = resting(s, ms, true), order;
	struct walk w = { .s = s, .dev = dev, .user = s->dev[dev].user, .t = ms, .safe = true };
	struct order *o;
	struct event *e;

	while (orders-- > 0) {
		order = biz_order(s, w.user, s->dev[dev].province, 1, 0);
		step(&w, P_DETAIL, s->detail[s->order[order].detail].sku, 300);
		step(&w, P_CART, 0, 200);
		e = step(&w, P_TRADE, order, 500);
		o = &s->order[order];
		o->trace = e->trace;
		o->at = e->ts * 1000 + 1000000 + rnd(&s->rng, 500000);
		o->cancel_at = o->at + 30 * MINUTE * 1000;
		biz_todo_order(s, order);
	}
}

void
visit_live_clicker(struct shop *s, int64_t ms, uint32_t ad, uint32_t clicks)
{
	uint32_t dev = resting(s, ms, false), seed = log_ad_seed(ad);
	struct walk w = { .s = s, .dev = dev, .user = s->dev[dev].user, .t = ms, .safe = true };

	while (clicks-- > 0)
		step(&w, P_HOME, 0, 300 + rnd(&s->rng, 1200))->seed = seed;
}
