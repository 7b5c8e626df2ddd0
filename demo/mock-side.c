/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-side - carts, favourites, comments and the steps of orders
 *
 * These tables are not in the change feed: the warehouse reads what is new in them at the end of
 * the day, so a row is written once a day, as it stands then.  Rows that change later wait in
 * lists; what a night can see of a day is counted here and does not change after.
 */
#include <stdlib.h>

#include "mock.h"

#define HOUR_US	(1000 * HOUR)

static void
row_cart(const struct shop *s, struct row *r, const struct thing *t)
{
	row_clear(r);
	cell_u(r, "id", t->id);
	cell_u(r, "user_id", s->user[t->user].id);
	cell_u(r, "sku_id", t->sku);
	cell_money(r, "cart_price", s->sku[t->sku].price);
	cell_u(r, "sku_num", t->num);
	cell_s(r, "img_url", NULL);
	cell_sku_name(s, r, t->sku);
	cell_u(r, "is_checked", 1);
	cell_u(r, "is_ordered", t->done != 0);
	cell_us(r, "order_time", t->done);
	cell_s(r, "source_type", t->id % 3 == 0 ? "2402" : "2401");
	cell_s(r, "source_id", NULL);
	cell_us(r, "create_time", t->created);
	cell_us(r, "operate_time", t->touched);
}

static void
row_favor(const struct shop *s, struct row *r, const struct thing *t)
{
	row_clear(r);
	cell_u(r, "id", t->id);
	cell_u(r, "user_id", s->user[t->user].id);
	cell_u(r, "sku_id", t->sku);
	cell_u(r, "spu_id", s->sku[t->sku].spu);
	cell_u(r, "is_cancel", t->done != 0);
	cell_us(r, "cancel_time", t->done);
	cell_us(r, "create_time", t->created);
	cell_us(r, "operate_time", t->touched);
}

static struct thing *
thing_new(struct things *list, struct thing t)
{
	list->v = more(list->v, list->n, &list->cap, sizeof(t));
	list->v[list->n] = t;
	return &list->v[list->n++];
}

/* A user who has been there for a while, and a time of the day before 23:50. */
static uint32_t
someone(struct shop *s)
{
	for (;;) {
		uint32_t u = 10 + rnd(&s->rng, (uint32_t)s->nuser - 10);

		if (s->user[u].id != 0)
			return u;
	}
}

static int64_t
sometime(struct shop *s)
{
	return day_ms(s->day) * 1000 + rnd(&s->rng, 85800000) * 1000LL + rnd(&s->rng, 1000);
}

static void
comment(struct shop *s, uint32_t user, uint32_t sku, uint64_t order, int64_t us)
{
	static const char *const said[] = { "很好，推荐 👍", "一般\n般", "不好用", NULL };
	uint32_t luck = rnd(&s->rng, 20), mark = luck < 11 ? 0 : luck < 14 ? 1 : luck < 16 ? 2 : 3;
	struct row *r = &s->after;

	row_clear(r);
	cell_u(r, "id", ++s->comment_id);
	cell_u(r, "user_id", s->user[user].id);
	cell_s(r, "nick_name", NULL);
	cell_s(r, "head_img", NULL);
	cell_u(r, "sku_id", sku);
	cell_u(r, "spu_id", s->sku[sku].spu);
	if (order != 0)
		cell_u(r, "order_id", order);
	else
		cell_s(r, "order_id", NULL);
	cell_fmt(r, "appraise", "120%u", mark + 1);
	cell_s(r, "comment_txt", said[mark]);
	cell_us(r, "create_time", us);
	cell_us(r, "operate_time", 0);
	tx_insert(s, T_COMMENT, r);
	s->ex[1].comment[mark]++;
}

void
side_comment(struct shop *s, const struct order *o, int64_t us)
{
	comment(s, o->user, s->detail[o->detail].sku, o->id, us);
}

void
side_step(struct shop *s, const struct order *o, uint32_t status, int64_t us)
{
	struct row *r = &s->after;
	int copies = doubled_day(s) ? 2 : 1;

	for (int i = 0; i < copies; i++) {
		row_clear(r);
		cell_u(r, "id", ++s->step_id);
		cell_u(r, "order_id", o->id);
		cell_fmt(r, "order_status", "%u", status);
		cell_us(r, "operate_time", us);
		tx_insert(s, T_STEP, r);
	}
	s->ex[1].step[status == 1010 ? STEP_SHIPPED : status - 1000]++;
}

static void
row_line(struct shop *s, struct row *r, const struct order *o, const struct detail *d)
{
	row_clear(r);
	cell_u(r, "id", ++s->line_id);
	cell_u(r, "order_id", o->id);
	cell_u(r, "order_detail_id", d->id);
}

void
side_order(struct shop *s, const struct order *o)
{
	int64_t begin = day_ms(day_of_ms(o->at / 1000)) * 1000, us = o->at - 100000000;
	struct row *r = &s->after;

	for (uint32_t i = 0; i < o->ndetail; i++) {
		const struct detail *d = &s->detail[o->detail + i];

		thing_new(&s->cart, (struct thing){ .id = ++s->cart_id, .user = o->user, .sku = d->sku,
		    .num = d->num, .created = us < begin ? begin : us, .touched = o->at, .done = o->at });
		if (d->activity > 0) {
			row_line(s, r, o, d);
			cell_u(r, "activity_id", o->offer);
			cell_u(r, "activity_rule_id", o->offer);
			cell_u(r, "sku_id", d->sku);
			cell_us(r, "create_time", o->at);
			cell_us(r, "operate_time", 0);
			tx_insert(s, T_DETAIL_ACTIVITY, r);
		}
		if (d->coupon > 0) {
			row_line(s, r, o, d);
			cell_u(r, "coupon_id", o->ticket);
			cell_u(r, "coupon_use_id", s->use[o->use].id);
			cell_u(r, "sku_id", d->sku);
			cell_us(r, "create_time", o->at);
			cell_us(r, "operate_time", 0);
			tx_insert(s, T_DETAIL_COUPON, r);
		}
	}
}

/* Rows of days before that change today: one cart in four, one favourite in ten. */
static void
change_old(struct shop *s)
{
	int64_t us = day_ms(s->day) * 1000 + 10 * HOUR_US;
	struct row *b = &s->before, *a = &s->after;

	for (size_t i = 0; i < s->cart.n; i++) {
		struct thing *t = &s->cart.v[i];

		if (t->done != 0 || rnd(&s->rng, 4) != 0)
			continue;
		row_cart(s, b, t);
		t->touched = us + (int64_t)i;
		if (i % 2 == 0)
			t->num++;
		else
			t->done = t->touched;
		row_cart(s, a, t);
		tx_update(s, T_CART, b, a);
	}
	for (size_t i = 0; i < s->favor.n; i++) {
		struct thing *t = &s->favor.v[i];

		if (t->done != 0 || rnd(&s->rng, 10) != 0)
			continue;
		row_favor(s, b, t);
		t->touched = t->done = us + (int64_t)i;
		row_favor(s, a, t);
		tx_update(s, T_FAVOR, b, a);
		s->ex[1].favor_cancelled++;
	}
	s->cart.n = s->favor.n = 0;
}

void
side_day(struct shop *s)
{
	uint32_t n = visitors(s);

	tx_begin(s, day_ms(s->day) * 1000);
	change_old(s);
	for (uint32_t i = 0; i < n / 20 + 3; i++) {
		struct thing t = { .id = ++s->cart_id, .user = someone(s), .num = 1 };

		t.sku = dim_sku(s);
		t.created = t.touched = sometime(s);
		thing_new(&s->cart, t);
	}
	for (uint32_t i = 0; i < n / 50 + 5; i++) {
		struct thing t = { .id = ++s->favor_id, .user = someone(s) };

		t.sku = dim_sku(s);
		t.created = t.touched = sometime(s);
		if (i % 5 == 0)
			t.done = t.touched = t.created + 60000000;
		thing_new(&s->favor, t);
	}
	for (uint32_t i = 0; i < n / 200 + 3; i++) {
		uint32_t user = someone(s), sku = dim_sku(s);
		int64_t us = sometime(s);

		comment(s, user, sku, 0, us);
	}
	tx_end(s);
}

static uint64_t
users_of(const struct things *list)
{
	uint64_t *user = malloc((list->n + 1) * sizeof(*user)), n;

	if (user == NULL)
		die("memory");
	for (size_t i = 0; i < list->n; i++)
		user[i] = list->v[i].user;
	n = distinct(user, list->n);
	free(user);
	return n;
}

static void
members(struct shop *s, struct extracted *x)
{
	if (x->level == NULL && (x->level = malloc(LEVEL_MAX * sizeof(*x->level))) == NULL)
		die("memory");
	memset(x->level, 0, LEVEL_MAX * sizeof(*x->level));
	for (size_t i = 1; i < s->nuser; i++)
		x->level[s->user[i].level] += s->user[i].id != 0 && !s->user[i].removed;
}

void
side_close(struct shop *s)
{
	struct extracted *x = &s->ex[1];

	tx_begin(s, day_ms(s->day + 1) * 1000 - 1000000);
	for (size_t i = 0; i < s->cart.n; i++) {
		row_cart(s, &s->after, &s->cart.v[i]);
		tx_insert(s, T_CART, &s->after);
		x->cart_ordered += s->cart.v[i].done != 0;
	}
	for (size_t i = 0; i < s->favor.n; i++) {
		row_favor(s, &s->after, &s->favor.v[i]);
		tx_insert(s, T_FAVOR, &s->after);
		x->favor_cancelled += s->favor.v[i].done != 0;
	}
	tx_end(s);
	x->cart = s->cart.n;
	x->cart_users = users_of(&s->cart);
	x->favor = s->favor.n;
	x->favor_users = users_of(&s->favor);
	for (uint32_t i = 1; i <= s->nsku; i++) {
		x->sku += !s->sku[i].gone;
		x->on_sale += !s->sku[i].gone && s->sku[i].sale;
	}
	x->new_sku = s->day > s->day0;
	members(s, x);
}
