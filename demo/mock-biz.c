/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-biz - users, orders, payments and refunds as they happen
 *
 * Everything that will happen waits in a heap by time; biz_run() takes what
 * falls before midnight, one transaction each, and each may put more into the
 * heap.  Users 1 to 9 have no devices: they carry the planted oddities.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

enum what { REGISTER, CHANGE, KEY_CHANGE, REMOVE, ALTER, TAKE, ORDER, TRIM, PAY, CALLBACK, PAY_AGAIN,
    CALLBACK_AGAIN, CANCEL, SHIP, FINISH, SAY, REFUND, REFUND_PAY, REFUNDED };

enum { ODD_LINES = 1, ODD_KEY, ODD_ZIPPER, ODD_DELETED, ODD_ZERO_DATE, ODD_NULL_TEXT, ODD_QUOTES,
    ODD_BACK, ODD_EMPTY };

#define MINUTE_US (1000 * MINUTE)
#define HOUR_US	(1000 * HOUR)

/* ---- the heap of things to come ---- */

static bool
sooner(const struct todo *a, const struct todo *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void
todo_add(struct shop *s, int64_t at, enum what what, size_t idx)
{
	struct todo t = { .at = at, .seq = s->seq++, .idx = (uint32_t)idx, .what = (uint8_t)what };
	size_t i = s->ntodo;

	s->todo = more(s->todo, s->ntodo++, &s->todo_cap, sizeof(t));
	for (; i > 0 && sooner(&t, &s->todo[(i - 1) / 2]); i = (i - 1) / 2)
		s->todo[i] = s->todo[(i - 1) / 2];
	s->todo[i] = t;
}

static struct todo
todo_take(struct shop *s)
{
	struct todo *h = s->todo, top = h[0], t = h[--s->ntodo];
	size_t i = 0, j;

	while ((j = 2 * i + 1) < s->ntodo) {
		if (j + 1 < s->ntodo && sooner(&h[j + 1], &h[j]))
			j++;
		if (!sooner(&h[j], &t))
			break;
		h[i] = h[j];
		i = j;
	}
	h[i] = t;
	return top;
}

/* ---- users ---- */

static const char *const surnames[] = { "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴",
    "徐", "孙" };
static const char *const given[] = { "伟", "芳", "娜", "敏", "静", "磊", "洋", "艳", "勇", "军",
    "杰", "娟", "涛", "明", "超", "秀英" };

const char *const sources[4] = { "app", "gift", "mini_program", "unknown" };

uint32_t
user_source(const struct user *u)
{
	uint32_t h = u->seed % 10;

	return h == 0 ? 1 : h == 1 ? 3 : h < 6 ? 0 : 2;
}

static void
row_user(const struct shop *s, struct row *r, const struct user *u)
{
	uint32_t h = u->seed;
	const char *family = surnames[h % 12], *own = given[h / 16 % 16];

	row_clear(r);
	cell_u(r, "id", u->id);
	cell_fmt(r, "login_name", "u%08x", h);
	if (u->odd == ODD_LINES)
		cell_s(r, "nick_name", "制表\t符\n换行");
	else if (u->odd == ODD_QUOTES)
		cell_s(r, "nick_name", "it's a \"quote\" \\ 😀");
	else
		cell_fmt(r, "nick_name", "%s%u_%u", own, h / 256 % 1000, u->nick);
	cell_s(r, "passwd", NULL);
	if (u->odd == ODD_NULL_TEXT)
		cell_s(r, "name", "null");
	else
		cell_fmt(r, "name", "%s%s", family, own);
	cell_fmt(r, "phone_num", "1%u%08u", 30 + h % 60, (h / 64 + u->phone * 7919u) % 100000000);
	if (u->odd == ODD_NULL_TEXT)
		cell_s(r, "email", "\\N");
	else if (u->odd == ODD_EMPTY)
		cell_s(r, "email", "");
	else
		cell_fmt(r, "email", "u%08x.%u@mail.example", h, u->mail);
	cell_s(r, "head_img", NULL);
	cell_fmt(r, "user_level", "%u", u->level);
	if (u->odd == ODD_ZERO_DATE)
		cell_s(r, "birthday", "0000-00-00");
	else if (h % 11 == 0)
		cell_s(r, "birthday", NULL);
	else
		cell_fmt(r, "birthday", "%u-%02u-%02u", 1965 + h % 43,
		    h / 64 % 12 + 1, h / 1024 % 28 + 1);
	cell_s(r, "gender", h % 7 == 0 ? NULL : h % 2 == 0 ? "M" : "F");
	cell_s(r, "source", sources[user_source(u)]);
	cell_us(r, "create_time", u->created);
	cell_us(r, "operate_time", u->operated);
	cell_s(r, "status", h % 97 == 0 ? "0" : "1");
	if (s->vip)
		cell_u(r, "vip", u->vip);
}

static struct user *
user_new(struct shop *s, int64_t created)
{
	struct user *u;

	s->user = more(s->user, s->nuser, &s->user_cap, sizeof(*u));
	u = &s->user[s->nuser++];
	*u = (struct user){ .created = created, .seed = rnd(&s->rng, UINT32_MAX), .level = 1 };
	return u;
}

uint32_t
biz_register(struct shop *s, int64_t us)
{
	user_new(s, us);
	todo_add(s, us, REGISTER, s->nuser - 1);
	return (uint32_t)s->nuser - 1;
}

void
biz_init(struct shop *s)
{
	size_t n = 9 + (size_t)(60000 * s->scale < 120 ? 120 : 60000 * s->scale);
	int64_t old = day_ms(s->day0 - 500) * 1000;

	user_new(s, 0);
	for (size_t i = 1; i <= n; i++) {
		int64_t ago = (int64_t)(next64(&s->rng) % (499 * (uint64_t)DAY_US));
		struct user *u = user_new(s, old + ago);

		u->id = ++s->user_id;
		u->level = (uint16_t)(i <= 9 ? 2 : 1 + rnd(&s->rng, 3));
		u->odd = i <= 9 ? (uint8_t)i : 0;
	}
	s->detail_id = 1000;
}

/* No user changes after 23:50, so that every change is told in its own night's feed. */
static int64_t
not_late(int64_t us)
{
	return (us / 1000 + ZONE_MS) % DAY_MS >= 1430 * MINUTE ? us + 20 * MINUTE_US : us;
}

/* Coupons that are taken and never used; half an order's number of them. */
static void
coupons_plan(struct shop *s)
{
	for (uint32_t n = visitors(s) / 60 + 2; n > 0; n--) {
		struct use *u;
		uint32_t user = 10 + rnd(&s->rng, (uint32_t)s->nuser - 10);

		s->use = more(s->use, s->nuse, &s->use_cap, sizeof(*u));
		u = &s->use[s->nuse];
		*u = (struct use){ .user = user, .coupon = (uint8_t)(1 + rnd(&s->rng, NCOUPON)) };
		u->taken_for = day_ms(s->day) * 1000 + rnd(&s->rng, 86400000) * 1000LL;
		todo_add(s, u->taken_for, TAKE, s->nuse++);
	}
}

/* The day's user changes: about 1 in 200 users, some of them more than once. */
void
biz_plan(struct shop *s)
{
	int64_t us = day_ms(s->day) * 1000, nth = s->day - s->day0;
	uint32_t n = (uint32_t)s->nuser - 10;

	if (nth == 0) {
		tx_begin(s, us);
		for (size_t i = 1; i < s->nuser; i++) {
			row_user(s, &s->after, &s->user[i]);
			tx_insert(s, T_USER, &s->after);
		}
		tx_end(s);
	}
	for (uint32_t i = 0; i < n / 200 + 5; i++) {
		uint32_t slot = 10 + rnd(&s->rng, n);
		int64_t at = us + (int64_t)(next64(&s->rng) % (uint64_t)DAY_US);

		todo_add(s, not_late(at), CHANGE, slot);
		if (i % 3 == 0)
			todo_add(s, not_late(at + MINUTE_US * (1 + rnd(&s->rng, 300))), CHANGE, slot);
	}
	coupons_plan(s);
	for (int i = 0; i < 3; i++)
		todo_add(s, us + 12 * HOUR_US + i * 1000000, CHANGE, ODD_ZIPPER);
	todo_add(s, us + 15 * HOUR_US, CHANGE, ODD_BACK);
	todo_add(s, us + 16 * HOUR_US, CHANGE, ODD_BACK);
	if (nth == (s->days > 1)) {
		todo_add(s, us + 10 * HOUR_US, KEY_CHANGE, ODD_KEY);
		todo_add(s, us + 11 * HOUR_US, REMOVE, ODD_DELETED);
		todo_add(s, us + 12 * HOUR_US + 30 * MINUTE_US, ALTER, 0);
	}
}

static void
user_change(struct shop *s, struct user *u, int64_t us, enum what what)
{
	row_user(s, &s->before, u);
	if (what == REGISTER) {
		u->id = ++s->user_id;
		row_user(s, &s->after, u);
		s->tell = (struct told){ .what = TOLD_USER, .idx = (uint32_t)(u - s->user) };
		tx_insert(s, T_USER, &s->after);
		return;
	}
	if (u->id == 0)			/* not registered yet: the change was drawn too early */
		return;
	if (what == REMOVE) {
		tx_delete(s, T_USER, &s->before);
		u->removed = true;
		return;
	}
	u->operated = us;
	if (what == KEY_CHANGE)
		u->id = ++s->user_id;
	else if (u->odd == ODD_BACK)	/* to another level and back within the hour */
		u->level ^= 1;
	else switch (rnd(&s->rng, 4)) {
	case 0:
		u->nick++;
		break;
	case 1:
		u->phone++;
		break;
	case 2:
		u->mail++;
		break;
	default:
		u->level++;
		u->vip = s->vip && u->level > 3;
	}
	row_user(s, &s->after, u);
	tx_update(s, T_USER, &s->before, &s->after);
}

/* ---- orders ---- */

uint32_t
order_merchant(const struct shop *s, const struct order *o)
{
	return 1 + s->detail[o->detail].sku % NMERCHANT;
}

const char *
order_city(const struct shop *s, const struct order *o, char *room, size_t size)
{
	static const char *const town[] = { "null", "NULL", "" };
	const struct province *p = &provinces[o->province];
	uint64_t which = mix(o->trace) % 5;

	if (o->seq % 60 >= 5 && o->seq % 60 < 8)
		return town[o->seq % 60 - 5];
	if (!s->live || which == 0)
		return p->city;
	snprintf(room, size, "%s%u市", p->name, (unsigned)which + 1);
	return room;
}

static void
row_order(struct shop *s, struct row *r, const struct order *o)
{
	static const char *const tel[] = { "null", "", "\\N" };
	char city[40];
	const struct province *p = &provinces[o->province];
	const struct user *u = &s->user[o->user];
	uint32_t odd = o->seq % 60;

	row_clear(r);
	cell_u(r, "id", o->id);
	cell_fmt(r, "consignee", "%s%s", surnames[u->seed % 12], given[u->seed / 16 % 16]);
	if (odd >= 2 && odd < 5)
		cell_s(r, "consignee_tel", tel[odd - 2]);
	else
		cell_fmt(r, "consignee_tel", "1%u%08u", 30 + u->seed % 60,
		    u->seed / 64 % 100000000);
	cell_money(r, "total_amount", o->total);
	cell_fmt(r, "order_status", "%u", o->status);
	cell_u(r, "user_id", u->id);
	cell_fmt(r, "payment_way", "110%u", o->payway);
	cell_fmt(r, "delivery_address", "%s%s第%u大街第%u号楼%u单元", p->name, p->city,
	    u->seed % 20 + 1, u->seed / 32 % 40 + 1, u->seed / 2048 % 9 + 1);
	cell_s(r, "order_comment", odd == 8 ? "请送到前台\n谢谢\t😀" : odd % 9 == 0 ? "尽快" : NULL);
	cell_fmt(r, "out_trade_no", "T%016llx", (unsigned long long)mix(o->trace + 1));
	cell_fmt(r, "trade_body", "sku %u等%u件商品", s->detail[o->detail].sku, o->ndetail);
	cell_s(r, "channel", order_channels[o->channel]);
	cell_u(r, "province_id", o->province);
	cell_s(r, "city", order_city(s, o, city, sizeof(city)));
	cell_u(r, "merchant_id", order_merchant(s, o));
	cell_u(r, "maintainer_id", 100 + o->seq % 15);
	if (o->signed_for)
		cell_u(r, "signer_id", 200 + o->seq % 50);
	else
		cell_s(r, "signer_id", NULL);
	cell_s(r, "process_status", NULL);
	if (o->signed_for)
		cell_fmt(r, "tracking_no", "SF%012u", o->seq);
	else
		cell_s(r, "tracking_no", NULL);
	cell_s(r, "parent_order_id", NULL);
	cell_s(r, "img_url", NULL);
	cell_money(r, "activity_reduce_amount", o->activity);
	cell_money(r, "coupon_reduce_amount", o->coupon);
	cell_money(r, "original_total_amount", o->original);
	cell_money(r, "freight_fee", o->freight);
	cell_money(r, "freight_fee_reduce", 0);
	cell_trace(r, "trace_id", o->trace);
	cell_us(r, "create_time", o->at);
	cell_us(r, "operate_time", o->operated);
	cell_us(r, "expire_time", o->at + 30 * MINUTE_US);
	cell_us(r, "refundable_time", o->at + 7 * DAY_US);
}

static void
row_detail(struct shop *s, struct row *r, const struct detail *d)
{
	const struct order *o = &s->order[d->order];

	row_clear(r);
	cell_u(r, "id", d->id);
	cell_u(r, "order_id", o->id);
	cell_u(r, "sku_id", d->sku);
	cell_sku_name(s, r, d->sku);
	cell_s(r, "img_url", NULL);
	cell_money(r, "order_price", d->price);
	cell_u(r, "sku_num", d->num);
	cell_s(r, "source_type", d->id % 4 == 0 ? "2402" : "2401");
	cell_s(r, "source_id", NULL);
	cell_money(r, "split_total_amount", d->total);
	cell_money(r, "split_activity_amount", d->activity);
	cell_money(r, "split_coupon_amount", d->coupon);
	if (d->id % 10 == 0)		/* to be filled from the order */
		cell_s(r, "merchant_id", NULL);
	else
		cell_u(r, "merchant_id", order_merchant(s, o));
	if (d->id % 7 == 0)
		cell_s(r, "maintainer_id", NULL);
	else
		cell_u(r, "maintainer_id", 100 + o->seq % 15);
	cell_s(r, "signer_id", NULL);
	cell_us(r, "create_time", o->at);
	cell_us(r, "operate_time", 0);
}

static void
row_use(const struct shop *s, struct row *r, const struct use *u)
{
	bool taken = u->order != 0;

	row_clear(r);
	cell_u(r, "id", u->id);
	cell_u(r, "coupon_id", u->coupon);
	cell_u(r, "user_id", s->user[u->user].id);
	if (taken)
		cell_u(r, "order_id", s->order[u->order - 1].id);
	else
		cell_s(r, "order_id", NULL);
	cell_s(r, "coupon_status", u->used != 0 ? "1403" : taken ? "1402" : "1401");
	cell_s(r, "get_type", u->id % 3 == 0 ? "gift" : "page");
	cell_us(r, "get_time", u->got);
	cell_us(r, "using_time", taken ? s->order[u->order - 1].at : 0);
	cell_us(r, "used_time", u->used);
	cell_us(r, "expire_time", u->got + 10 * DAY_US);
	cell_us(r, "create_time", u->got);
	cell_us(r, "operate_time", u->used != 0 ? u->used : taken ? s->order[u->order - 1].at : 0);
}

static void
row_pay(struct shop *s, struct row *r, const struct pay *p)
{
	const struct order *o = &s->order[p->order];

	row_clear(r);
	cell_u(r, "id", p->id);
	cell_fmt(r, "out_trade_no", "T%016llx", (unsigned long long)mix(o->trace + 1));
	cell_u(r, "order_id", o->id);
	cell_u(r, "user_id", s->user[o->user].id);
	cell_fmt(r, "payment_type", "110%u", o->payway);
	if (p->callback != 0)
		cell_fmt(r, "trade_no", "P%014llu", (unsigned long long)p->id * 7919);
	else
		cell_s(r, "trade_no", NULL);
	cell_money(r, "total_amount", p->cents);
	cell_fmt(r, "subject", "sku %u等%u件商品", s->detail[o->detail].sku, o->ndetail);
	cell_fmt(r, "payment_status", "%u", p->status);
	cell_trace(r, "trace_id", p->trace);
	cell_us(r, "callback_time", p->callback);
	cell_s(r, "callback_content", p->callback != 0 ? "{\"result\": \"ok\"}" : NULL);
	cell_us(r, "create_time", p->at);
	cell_us(r, "operate_time", p->callback);
}

uint32_t
refund_reason(const struct refund *f)
{
	return (uint32_t)(f->id % 5) + 1;
}

static void
row_refund(struct shop *s, struct row *r, const struct refund *f)
{
	const struct order *o = &s->order[f->order];

	row_clear(r);
	cell_u(r, "id", f->id);
	cell_u(r, "user_id", s->user[o->user].id);
	cell_u(r, "order_id", o->id);
	cell_u(r, "sku_id", s->detail[f->detail].sku);
	cell_s(r, "refund_type", f->id % 3 == 0 ? "1501" : "1502");
	cell_u(r, "refund_num", f->num);
	cell_money(r, "refund_amount", f->cents);
	cell_fmt(r, "refund_reason_type", "130%u", refund_reason(f));
	cell_s(r, "refund_reason_txt", refund_reason(f) == 5 ? "服务\t不好" : reasons[refund_reason(f)]);
	cell_fmt(r, "refund_status", "%u", f->status);
	cell_trace(r, "trace_id", f->trace);
	cell_us(r, "create_time", f->at);
	cell_s(r, "operate_time", NULL);
}

static void
row_refund_pay(struct shop *s, struct row *r, const struct refund *f)
{
	const struct order *o = &s->order[f->order];

	row_clear(r);
	cell_u(r, "id", f->id);
	cell_fmt(r, "out_trade_no", "T%016llx", (unsigned long long)mix(o->trace + 1));
	cell_u(r, "order_id", o->id);
	cell_u(r, "sku_id", s->detail[f->detail].sku);
	cell_fmt(r, "payment_type", "110%u", o->payway);
	if (f->back != 0)
		cell_fmt(r, "trade_no", "R%014llu", (unsigned long long)f->id * 7919);
	else
		cell_s(r, "trade_no", NULL);
	cell_money(r, "total_amount", f->cents);
	cell_s(r, "subject", "退款");
	cell_s(r, "refund_status", f->back != 0 ? "1705" : "1701");
	cell_trace(r, "trace_id", f->trace);
	cell_us(r, "callback_time", f->back);
	cell_s(r, "callback_content", f->back != 0 ? "{\"result\": \"ok\"}" : NULL);
	cell_us(r, "create_time", f->asked);
	cell_us(r, "operate_time", f->back);
}

/* Price the order: one in five has 5 % off, one in six above 100 yuan a coupon of 10 yuan. */
static void
order_price(struct shop *s, struct order *o)
{
	struct detail *d = &s->detail[o->detail];
	bool off = rnd(&s->rng, 5) == 0;
	int64_t left;

	for (uint32_t i = 0; i < o->ndetail; i++)
		o->original += d[i].price * d[i].num;
	if (off)
		o->offer = (uint8_t)(1 + rnd(&s->rng, NACTIVITY));
	if (o->original > 10000 && rnd(&s->rng, 6) == 0) {
		o->coupon = 1000;
		o->ticket = (uint8_t)(1 + rnd(&s->rng, NCOUPON));
	}
	left = o->coupon;
	for (uint32_t i = 0; i < o->ndetail; i++) {	/* the last line takes what is left */
		int64_t sum = d[i].price * d[i].num;

		d[i].activity = off ? sum / 20 : 0;
		d[i].coupon = i + 1 == o->ndetail ? left : o->coupon * sum / o->original;
		left -= d[i].coupon;
		d[i].total = sum - d[i].activity - d[i].coupon;
		o->activity += d[i].activity;
		o->total += d[i].total;
	}
	o->freight = o->original < 9900 ? 800 : 0;
	o->total += o->freight;
}

/*
 * An order to be, of nitem different products, those with small numbers being
 * the popular ones.  It is drawn and priced now; its row comes at `us`, when
 * the caller has filled in the plan and called biz_todo_order().
 */
uint32_t
biz_order(struct shop *s, uint32_t user, uint8_t province, uint32_t nitem, int64_t us)
{
	size_t idx = s->norder, first = s->ndetail;
	struct order *o;

	s->order = more(s->order, idx, &s->order_cap, sizeof(*o));
	o = &s->order[s->norder++];
	*o = (struct order){ .user = user, .province = province, .at = us,
	    .detail = (uint32_t)first, .ndetail = nitem, .status = 1001,
	    .channel = (uint8_t)rnd(&s->rng, NCHANNEL) };
	o->payway = (uint8_t)(1 + rnd(&s->rng, 3));
	while (s->ndetail < first + nitem) {
		uint32_t sku = dim_sku(s);
		bool twice = false;

		for (size_t i = first; i < s->ndetail; i++)
			twice |= s->detail[i].sku == sku;
		if (twice)
			continue;
		s->detail = more(s->detail, s->ndetail, &s->detail_cap, sizeof(*s->detail));
		s->detail[s->ndetail++] = (struct detail){ .order = (uint32_t)idx, .sku = sku,
		    .price = s->sku[sku].price,
		    .num = rnd(&s->rng, 5) == 0 ? 2 + rnd(&s->rng, 2) : 1 };
	}
	order_price(s, o);
	return (uint32_t)idx;
}

/* Put another product into an order of one line. */
void
biz_reprice(struct shop *s, uint32_t order, uint32_t sku)
{
	struct order *o = &s->order[order];
	struct detail *d = &s->detail[o->detail];

	d->sku = sku;
	d->price = s->sku[sku].price;
	o->original = o->activity = o->coupon = o->total = 0;
	o->offer = o->ticket = 0;
	order_price(s, o);
}

/* A coupon was taken a minute and a half before, but not before the day began: it would be of yesterday's feed. */
void
biz_todo_order(struct shop *s, uint32_t order)
{
	struct order *o = &s->order[order];
	int64_t begin = day_ms(day_of_ms(o->at / 1000)) * 1000, us = o->at - 90000000;

	if (o->ticket != 0) {
		s->use = more(s->use, s->nuse, &s->use_cap, sizeof(*s->use));
		s->use[s->nuse] = (struct use){ .user = o->user, .coupon = o->ticket };
		o->use = (uint32_t)s->nuse++;
		todo_add(s, us < begin ? begin : us, TAKE, o->use);
	}
	todo_add(s, o->at, ORDER, order);
}

/* ---- what happens ---- */

/* What a warehouse holds of a product; only a live shop has it. */
void
cells_stock(struct shop *s, struct row *r, uint32_t sku)
{
	row_clear(r);
	cell_u(r, "id", sku);
	cell_u(r, "sku_id", sku);
	cell_u(r, "warehouse_id", 1);
	cell_u(r, "stock", s->stock[sku]);
}

static void
stock_set(struct shop *s, uint32_t sku, uint32_t stock)
{
	cells_stock(s, &s->before, sku);
	s->tell = (struct told){ .what = TOLD_STOCK, .idx = sku, .value = stock, .old = s->stock[sku] };
	s->stock[sku] = stock;
	cells_stock(s, &s->after, sku);
	tx_update(s, T_WARE, &s->before, &s->after);
}

/* What is not there comes in first. */
static void
stock_take(struct shop *s, uint32_t sku, uint32_t num)
{
	if (s->stock[sku] < num)
		stock_set(s, sku, s->stock[sku] + 200);
	stock_set(s, sku, s->stock[sku] - num);
}

static void
order_make(struct shop *s, struct order *o, size_t idx)
{
	struct buf day = { 0 };

	/* the day and a number: more than a double holds, so a rounded id shows at once */
	put_day(&day, day_of_ms(o->at / 1000), "");
	put(&day, "", 1);
	o->seq = (uint32_t)++s->order_seq;
	o->id = strtoull(day.p, NULL, 10) * 10000000000u + o->seq;
	free(day.p);
	o->night = feed_night(s, o->at);
	row_order(s, &s->after, o);
	s->tell = (struct told){ .what = TOLD_ORDER, .idx = (uint32_t)idx, .value = o->total };
	tx_insert(s, T_ORDER, &s->after);
	for (uint32_t i = 0; i < o->ndetail; i++) {
		s->detail[o->detail + i].id = ++s->detail_id;
		row_detail(s, &s->after, &s->detail[o->detail + i]);
		tx_insert(s, T_DETAIL, &s->after);
	}
	for (uint32_t i = 0; s->live && i < o->ndetail; i++)
		stock_take(s, s->detail[o->detail + i].sku, s->detail[o->detail + i].num);
	if (o->ticket != 0) {
		row_use(s, &s->before, &s->use[o->use]);
		s->use[o->use].order = (uint32_t)idx + 1;
		row_use(s, &s->after, &s->use[o->use]);
		tx_update(s, T_USE, &s->before, &s->after);
	}
	files_order(s, o);
	side_order(s, o);
	side_step(s, o, o->status, o->at);
	if (o->trim_at != 0)
		todo_add(s, o->trim_at, TRIM, idx);
	if (o->pay_at != 0)
		todo_add(s, o->pay_at, PAY, idx);
	if (o->cancel_at != 0)
		todo_add(s, o->cancel_at, CANCEL, idx);
}

/* Change an order's row: its status, or (TRIM) the amounts without the last line. */
static void
order_change(struct shop *s, struct order *o, int64_t us, enum what what)
{
	struct detail *d = &s->detail[o->detail + o->ndetail - 1];

	row_order(s, &s->before, o);
	o->operated = us;
	switch (what) {
	case TRIM:
		row_detail(s, &s->after, d);
		tx_delete(s, T_DETAIL, &s->after);
		d->gone = o->cut_night = feed_night(s, us);
		o->before = o->total;
		o->original -= d->price * d->num;
		o->activity -= d->activity;
		o->coupon -= d->coupon;
		o->total -= d->total;
		break;
	case CALLBACK:
		o->status = 1002;
		break;
	case FINISH:
		o->status = 1004;
		o->signed_for = true;
		break;
	case REFUND:
		o->status = 1005;
		break;
	case REFUNDED:
		o->status = 1006;
		break;
	default:
		o->status = 1003;
		o->cancel_night = feed_night(s, us);
	}
	row_order(s, &s->after, o);
	if (what == TRIM)
		s->tell = (struct told){ .what = TOLD_CUT, .idx = (uint32_t)(o - s->order), .value = o->total,
		    .old = o->before };
	tx_update(s, T_ORDER, &s->before, &s->after);
	if (what != TRIM)
		side_step(s, o, o->status, us);
}

static void
use_take(struct shop *s, struct use *u, int64_t us)
{
	if (s->user[u->user].id == 0)	/* not registered yet: drawn too early */
		return;
	u->id = ++s->use_id;
	u->got = us;
	u->got_night = feed_night(s, us);
	row_use(s, &s->after, u);
	s->tell = (struct told){ .what = TOLD_TAKEN, .idx = (uint32_t)(u - s->use) };
	tx_insert(s, T_USE, &s->after);
}

static void
pay_make(struct shop *s, struct order *o, size_t idx, int64_t us, enum what then)
{
	struct pay *p;

	o->pay = (uint32_t)s->npay;
	s->pay = more(s->pay, s->npay, &s->pay_cap, sizeof(*p));
	p = &s->pay[s->npay++];
	*p = (struct pay){ .id = s->npay, .trace = o->pay_trace, .order = (uint32_t)idx,
	    .status = 1601, .at = us, .cents = o->total + (o->pay_more ? 100 : 0) };
	row_pay(s, &s->after, p);
	tx_insert(s, T_PAY, &s->after);
	todo_add(s, us + 3000000 + rnd(&s->rng, 12000000), then, idx);
}

static void
pay_end(struct shop *s, struct order *o, int64_t us)
{
	struct pay *p = &s->pay[o->pay];

	row_pay(s, &s->before, p);
	p->status = o->pay_fails ? 1603 : 1602;
	if (!o->pay_fails) {
		p->callback = us;
		p->night = feed_night(s, us);
		s->tell = (struct told){ .what = TOLD_PAID, .idx = o->pay };
	}
	row_pay(s, &s->after, p);
	tx_update(s, T_PAY, &s->before, &s->after);
}

static void
order_paid(struct shop *s, struct order *o, size_t idx, int64_t us)
{
	struct use *u = &s->use[o->use];

	order_change(s, o, us, CALLBACK);
	if (o->ticket != 0) {
		row_use(s, &s->before, u);
		u->used = us;
		u->used_night = feed_night(s, us);
		row_use(s, &s->after, u);
		s->tell = (struct told){ .what = TOLD_USED, .idx = o->use };
		tx_update(s, T_USE, &s->before, &s->after);
	}
	if (o->pay_twice)
		todo_add(s, us + 40000000, PAY_AGAIN, idx);
	if (o->refund_after != 0) {
		todo_add(s, us + o->refund_after, REFUND, idx);
		return;
	}
	todo_add(s, us + HOUR_US * (1 + rnd(&s->rng, 18)), SHIP, idx);
	todo_add(s, us + HOUR_US * (20 + rnd(&s->rng, 60)), FINISH, idx);
}

/* One line is sent back, all of it: an order has at most one refund. */
static void
refund_make(struct shop *s, struct order *o, size_t idx, int64_t us)
{
	const struct detail *d = &s->detail[o->detail];
	struct refund *f;

	s->refund = more(s->refund, s->nrefund, &s->refund_cap, sizeof(*f));
	f = &s->refund[s->nrefund++];
	*f = (struct refund){ .id = s->nrefund, .trace = next64(&s->rng), .order = (uint32_t)idx,
	    .detail = o->detail, .num = d->num, .cents = d->total, .status = 1801, .at = us,
	    .night = feed_night(s, us) };
	row_refund(s, &s->after, f);
	tx_insert(s, T_REFUND, &s->after);
	order_change(s, o, us, REFUND);
	todo_add(s, us + HOUR_US + rnd(&s->rng, 20 * 3600) * 1000000LL, REFUND_PAY,
	    s->nrefund - 1);
}

static void
refund_pay(struct shop *s, struct refund *f, size_t idx, int64_t us)
{
	f->asked = us;
	row_refund_pay(s, &s->after, f);
	tx_insert(s, T_REFUND_PAY, &s->after);
	todo_add(s, us + 5000000 + rnd(&s->rng, 50000000), REFUNDED, idx);
}

static void
refund_end(struct shop *s, struct refund *f, int64_t us)
{
	row_refund_pay(s, &s->before, f);
	f->back = us;
	f->back_night = feed_night(s, us);
	row_refund_pay(s, &s->after, f);
	tx_update(s, T_REFUND_PAY, &s->before, &s->after);
	row_refund(s, &s->before, f);
	f->status = 1802;
	row_refund(s, &s->after, f);
	tx_update(s, T_REFUND, &s->before, &s->after);
	order_change(s, &s->order[f->order], us, REFUNDED);
}

static void
order_happens(struct shop *s, struct order *o, const struct todo *t)
{
	size_t i = t->idx;

	switch ((enum what)t->what) {
	case ORDER:
		order_make(s, o, i);
		break;
	case PAY:
		pay_make(s, o, i, t->at, CALLBACK);
		break;
	case PAY_AGAIN:
		pay_make(s, o, i, t->at, CALLBACK_AGAIN);
		break;
	case CALLBACK:
		pay_end(s, o, t->at);
		if (!o->pay_fails)
			order_paid(s, o, i, t->at);
		break;
	case CALLBACK_AGAIN:
		pay_end(s, o, t->at);
		break;
	case SHIP:
		side_step(s, o, 1010, t->at);
		break;
	case SAY:
		side_comment(s, o, t->at);
		break;
	case REFUND:
		refund_make(s, o, i, t->at);
		break;
	default:
		order_change(s, o, t->at, (enum what)t->what);
		if (t->what == FINISH && o->seq % 2 == 0)
			todo_add(s, t->at + HOUR_US * (1 + o->seq % 30), SAY, i);
	}
}

static void
happen(struct shop *s, const struct todo *t)
{
	size_t i = t->idx;

	switch ((enum what)t->what) {
	case REGISTER:
	case CHANGE:
	case KEY_CHANGE:
	case REMOVE:
		user_change(s, &s->user[i], t->at, (enum what)t->what);
		break;
	case ALTER:
		tx_alter_user(s);
		break;
	case TAKE:
		use_take(s, &s->use[i], t->at);
		break;
	case REFUND_PAY:
		refund_pay(s, &s->refund[i], i, t->at);
		break;
	case REFUNDED:
		refund_end(s, &s->refund[i], t->at);
		break;
	default:
		order_happens(s, &s->order[i], t);
	}
}

void
biz_run(struct shop *s)
{
	biz_until(s, day_ms(s->day + 1) * 1000);
}

void
biz_until(struct shop *s, int64_t end)
{
	while (s->ntodo > 0 && s->todo[0].at < end) {
		struct todo t = todo_take(s);

		tx_begin(s, t.at);
		happen(s, &t);
		tx_end(s);
	}
}
