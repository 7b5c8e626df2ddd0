/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-log - the app log as it arrives
 *
 * When a day is written its events get their troubles, each kind a stated
 * share of the lines and never less than a stated number, then an arrival
 * time; then they become text in order of arrival.  Text follows from the
 * event alone, so a line sent twice is the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

/* ---- troubles ---- */

enum { ANON = 1, WHOLE = 2, KEPT = 4, TOMORROW = 8 };

/* WHOLE: not of safe events; KEPT: nor of new devices, whose one page may be all there is. */
static const struct {
	const char	*name;
	uint32_t	 ppm;		/* of the day's lines */
	uint32_t	 min, variants, need;
} troubles[NTROUBLE] = {
	[OK] = { "ok", 0, 0, 1, 0 },
	[UID_NULL] = { "uid_null", 5000, 5, 5, ANON },
	[TEXT] = { "control_in_item", 2000, 3, 3, WHOLE },
	[ERR] = { "err", 8000, 4, 3, 0 },
	[TS_TEXT] = { "ts_text", 5000, 3, 1, 0 },
	[NO_TRACE] = { "no_trace", 1000, 2, 2, WHOLE },
	[EMPTY_ARRAY] = { "empty_array", 500, 4, 4, WHOLE },
	[DUP] = { "duplicate", 2000, 3, 2, 0 },
	[DUP_LATE] = { "duplicate_late", 100, 1, 1, TOMORROW },
	[LATE] = { "late", 3000, 3, 1, WHOLE | KEPT | TOMORROW },
	[DISORDER] = { "out_of_order", 10000, 4, 1, 0 },
	[NO_MID] = { "missing_mid", 300, 4, 4, WHOLE | KEPT },
	[NO_TS] = { "missing_ts", 100, 2, 3, WHOLE | KEPT },
	[TRUNCATED] = { "truncated", 50, 2, 1, WHOLE | KEPT },
	[CONTROL] = { "control_byte", 20, 1, 2, WHOLE | KEPT },
	[BAD_UTF8] = { "bad_utf8", 20, 1, 2, WHOLE | KEPT },
	[SURROGATE] = { "bad_surrogate", 20, 1, 1, WHOLE | KEPT },
};

static bool
may(const struct shop *s, const struct event *e, uint32_t need)
{
	return e->trouble == OK && (!(need & WHOLE) || (!e->safe && e->page != P_START)) &&
	    (!(need & KEPT) || s->dev[e->dev].first_day != s->day) &&
	    (!(need & ANON) || e->user == 0);
}

static void
plant(struct shop *s, struct event *e, size_t n)
{
	for (unsigned t = 1; t < NTROUBLE; t++) {
		size_t want = n * troubles[t].ppm / 1000000, tries, i = 0;

		if ((troubles[t].need & TOMORROW) && s->day == s->last)
			continue;
		if (want < troubles[t].min)
			want = troubles[t].min;
		for (size_t k = 0; k < want; k++) {
			/* look at random, then from there on: a small day has few that fit */
			for (tries = 0; tries < n + 20; tries++) {
				i = tries < 20 ? rnd(&s->rng, (uint32_t)n) : (i + 1) % n;
				if (may(s, &e[i], troubles[t].need))
					break;
			}
			if (tries == n + 20)
				break;
			e[i].trouble = (uint8_t)t;
			e[i].variant = (uint8_t)(k % troubles[t].variants);
		}
	}
}

/* ---- text ---- */

/* Rows of the five tables. */
struct tables {
	uint64_t start, page, action, display, error;
};

struct counts {
	uint64_t lines, blank, broken, duplicate, missing_mid, missing_ts, valid, late;
	uint64_t trouble[NTROUBLE];
	struct tables good, twice[2], no_mid[2], no_ts;	/* [1]: of the day before */
};

const char *const page_name[NPAGE] = { "start", "home", "category", "search", "good_list",
    "good_detail", "good_spec", "comment", "cart", "login", "register", "trade", "payment",
    "orders_unpaid", "mine", "favor", "discovery", "activity" };

uint32_t
dev_store(const struct dev *d)
{
	static const uint8_t of_model[] = { 6, 1, 0, 3, 2, 0, 4, 5 };

	return of_model[d->seed / 8 % 8];
}

static void
put_common(const struct shop *s, struct buf *b, const struct event *e)
{
	static const struct { const char *ba, *md, *os; } model[] = {
		{ "Xiaomi", "Xiaomi 12 ultra", "Android 12.0" },
		{ "Huawei", "Huawei P50", "Android 11.0" },
		{ "iPhone", "iPhone 14", "iOS 16.1" },
		{ "vivo", "vivo x90", "Android 13.0" },
		{ "OPPO", "OPPO Remo8", "Android 12.0" },
		{ "iPhone", "iPhone 13", "iOS 15.4" },
		{ "Redmi", "Redmi k50", "Android 11.0" },
		{ "realme", "realme Neo2", "Android 13.0" },
	};
	static const char *const odd_md[] = { "\001", "\t" }, *odd_utf8[] = { "\xff", "\xc3(" };
	static const char *const odd_mid[] = { "", "\"mid\":\"\",", "\"mid\":\"null\",",
	    "\"mid\":null," };
	static const char *const odd_uid[] = { "null", "\"\"", "\"null\"", "\"NULL\"",
	    "\"\\\\N\"" };
	const struct dev *d = &s->dev[e->dev];
	uint32_t m = d->seed / 8 % 8;

	LIT(b, "{\"common\":{\"ar\":\"");
	put_u(b, (uint64_t)provinces[d->province].area * 10000);
	LIT(b, "\",\"ba\":\"");
	STR(b, model[m].ba);
	LIT(b, "\",\"ch\":\"");
	STR(b, stores[dev_store(d)]);
	LIT(b, "\",\"install_date\":\"");
	if (d->seed % 16 != 15)
		put_day(b, d->first_day, d->seed % 16 < 8 ? "-" : d->seed % 16 < 12 ? "/" : "");
	LIT(b, "\",\"ip\":\"36.");
	put_u(b, d->ip >> 16 & 255);
	LIT(b, ".");
	put_u(b, d->ip >> 8 & 255);
	LIT(b, ".");
	put_u(b, d->ip & 255);
	STR(b, d->first_day == day_of_ms(e->ts) ? "\",\"is_new\":\"1" : "\",\"is_new\":\"0");
	LIT(b, "\",\"md\":\"");
	STR(b, model[m].md);
	if (e->trouble == CONTROL)
		STR(b, odd_md[e->variant]);
	else if (e->trouble == BAD_UTF8)
		STR(b, odd_utf8[e->variant]);
	else if (e->trouble == SURROGATE)
		LIT(b, "\\ud83d");
	LIT(b, "\",");
	if (e->trouble != NO_MID) {
		LIT(b, "\"mid\":\"mid_");
		put_u(b, e->dev);
		LIT(b, "\",");
	} else
		STR(b, odd_mid[e->variant]);
	LIT(b, "\"os\":\"");
	STR(b, model[m].os);
	if (e->user != 0) {
		LIT(b, "\",\"uid\":\"");
		put_u(b, s->user[e->user].id);
		LIT(b, "\"");
	} else if (e->trouble == UID_NULL) {
		LIT(b, "\",\"uid\":");
		STR(b, odd_uid[e->variant]);
	} else
		LIT(b, "\"");
	LIT(b, ",\"vc\":\"v2.1.");
	put_u(b, 100 + d->seed / 64 % 40);
	LIT(b, "\"}");
}

static void
put_start(struct buf *b, const struct event *e)
{
	static const char *const entry[] = { "icon", "icon", "icon", "notice", "install" };

	LIT(b, ",\"start\":{\"entry\":\"");
	STR(b, entry[e->seed % 5]);
	LIT(b, "\",\"loading_time\":");
	put_u(b, e->during);
	LIT(b, ",\"open_ad_id\":");
	put_u(b, e->seed / 8 % 20 + 1);
	LIT(b, ",\"open_ad_ms\":");
	put_u(b, e->seed / 16 % 9000 + 1000);
	LIT(b, ",\"open_ad_skip_ms\":");
	put_u(b, e->seed / 32 % 3 == 0 ? e->seed / 16 % 9000 : 0);
	LIT(b, "}");
}

static void
put_skus(const struct shop *s, struct buf *b, const struct order *o)
{
	for (uint32_t i = 0; i < o->ndetail; i++) {
		if (i > 0)
			LIT(b, ",");
		put_u(b, s->detail[o->detail + i].sku);
	}
}

static void
put_item(const struct shop *s, struct buf *b, const struct event *e)
{
	static const char *const odd[] = { "红色\\t手机", "买\\n一送一", "a\\u0001b \\\"c\\\" \\\\N" };
	static const char *const word[] = { "手机", "茶杯", "台灯", "运动鞋", "书包", "毛毯", "钢笔",
	    "手表", "椅子", "水壶" };
	const char *type = "sku_id";

	if (e->trouble == TEXT) {
		LIT(b, "\"item\":\"");
		STR(b, odd[e->variant]);
		LIT(b, "\",\"item_type\":\"keyword\",");
		return;
	}
	if (e->page == P_LIST) {
		LIT(b, "\"item\":\"");
		STR(b, word[e->ref % 10]);
		LIT(b, "\",\"item_type\":\"keyword\",");
		return;
	}
	if (e->page != P_DETAIL && e->page != P_SPEC && e->page != P_COMMENT &&
	    e->page != P_TRADE && e->page != P_PAYMENT && e->page != P_ACTIVITY)
		return;
	LIT(b, "\"item\":\"");
	if (e->page == P_TRADE) {
		type = "sku_ids";
		put_skus(s, b, &s->order[e->ref]);
	} else if (e->page == P_PAYMENT) {
		type = "order_id";
		put_u(b, s->order[e->ref].id);
	} else {
		if (e->page == P_ACTIVITY)
			type = "activity_id";
		put_u(b, e->ref);
	}
	LIT(b, "\",\"item_type\":\"");
	STR(b, type);
	LIT(b, "\",");
}

static void
put_page(const struct shop *s, struct buf *b, const struct event *e)
{
	static const char *const source[] = { "promotion", "recommend", "query", "activity" };

	LIT(b, ",\"page\":{\"during_time\":");
	put_u(b, e->during);
	LIT(b, ",");
	put_item(s, b, e);
	if (e->last != P_START) {
		LIT(b, "\"last_page_id\":\"");
		STR(b, page_name[e->last]);
		LIT(b, "\",");
	} else if (e->seed % 2 == 0)
		LIT(b, "\"last_page_id\":null,");
	LIT(b, "\"page_id\":\"");
	STR(b, page_name[e->page]);
	if (e->page == P_DETAIL || e->page == P_LIST) {
		LIT(b, "\",\"source_type\":\"");
		STR(b, source[e->seed / 2 % 4]);
	}
	LIT(b, "\"}");
}

static bool
shows(const struct event *e)
{
	return e->page == P_HOME || e->page == P_LIST || e->page == P_ACTIVITY || e->page == P_DISCOVERY;
}

/* The things a page shows: a small generator that begins with the event's seed. */
static inline uint32_t
shown_first(const struct event *e)
{
	return e->seed / 64;
}

static inline uint32_t
shown_next(uint32_t item)
{
	return item * 69069u + 1;
}

static inline uint32_t
shown_count(const struct event *e)
{
	return 2 + e->seed / 16 % 4;
}

static inline uint32_t
shown_ad(uint32_t item)			/* 0 none */
{
	return (item >> 4) % 16 == 0 ? (item >> 8) % NAD + 1 : 0;
}

static void
remember_ad(struct made *m, uint32_t ad, uint32_t action)
{
	m->ad[m->nad++] = (struct ad_hit){ .ad = (uint8_t)ad, .action = (uint8_t)action };
}

static void
put_action(struct buf *b, struct made *m, const struct event *e, const char *what, uint32_t item,
    const char *type, uint32_t ad)
{
	STR(b, m->action == 0 ? ",\"actions\":[{\"action_id\":\"" : ",{\"action_id\":\"");
	m->action++;
	STR(b, what);
	LIT(b, "\",\"item\":\"");
	put_u(b, item);
	LIT(b, "\",\"item_type\":\"");
	STR(b, type);
	if (ad != 0) {
		LIT(b, "\",\"ad_id\":");
		put_u(b, item);
		LIT(b, ",\"ad_action\":");
		put_u(b, ad);
		LIT(b, ",\"ts\":");
		remember_ad(m, item, ad);
	} else
		LIT(b, "\",\"ts\":");
	put_u(b, (uint64_t)e->ts + e->during / 2);
	LIT(b, "}");
}

/* The ad that is clicked on a page that shows it: the last one; 0 none. */
static uint32_t
clicked_ad(const struct event *e)
{
	uint32_t item = shown_first(e), ad = 0;

	if (!shows(e) || e->seed % 8 != 0)
		return 0;
	for (uint32_t i = shown_count(e); i > 0; i--, item = shown_next(item))
		ad = shown_ad(item) != 0 ? shown_ad(item) : ad;
	return ad;
}

uint32_t
log_ad_seed(uint32_t ad)
{
	struct event e = { .page = P_HOME };

	while (clicked_ad(&e) != ad)
		e.seed += 8;
	return e.seed;
}

/* An ad is clicked where it is shown, and what it led to is bought on the trade page. */
static void
put_ad_actions(struct buf *b, struct made *m, const struct event *e)
{
	uint32_t ad;

	if (e->page == P_TRADE && e->seed % 4 == 0)
		put_action(b, m, e, "ad_buy", e->seed / 4 % NAD + 1, "ad_id", 2);
	if ((ad = clicked_ad(e)) != 0)
		put_action(b, m, e, "ad_click", ad, "ad_id", 1);
}

static void
put_actions(struct buf *b, struct made *m, const struct event *e)
{
	static const char *const what[] = { "cart_add", "favor_add", "get_coupon", "cart_add",
	    "favor_cancel" };
	const char *act = NULL;

	if (e->page == P_CART && e->seed % 4 == 0)
		act = e->seed / 4 % 2 == 0 ? "cart_minus_num" : "cart_remove";
	else if (e->page == P_DETAIL && e->variant == 1 && e->trouble == OK)
		act = "cart_add";
	else if (e->page == P_DETAIL && e->seed % 4 == 0)
		act = what[e->seed / 4 % 5];
	m->favor = act == what[1];
	if (act != NULL)
		put_action(b, m, e, act, e->page == P_DETAIL ? e->ref : e->seed % NSKU + 1, "sku_id", 0);
	put_ad_actions(b, m, e);
	if (m->action > 0)
		LIT(b, "]");
}

static void
put_displays(struct buf *b, struct made *m, const struct event *e)
{
	static const char *const kind[] = { "promotion", "query", "recommend", "activity" };
	uint32_t n = shown_count(e), pos = 1 + e->seed % 5, item = shown_first(e);

	if (!shows(e))
		return;
	LIT(b, ",\"displays\":[");
	for (uint32_t i = 1; i <= n; i++, item = shown_next(item)) {
		STR(b, i == 1 ? "{\"display_type\":\"" : ",{\"display_type\":\"");
		STR(b, kind[e->page == P_LIST ? 1 : item % 3]);
		LIT(b, "\",\"item\":\"");
		put_u(b, (item >> 8) % NSKU + 1);
		LIT(b, "\",\"item_type\":\"sku_id\",\"order\":");
		put_u(b, i);
		LIT(b, ",\"pos_id\":");
		put_u(b, pos);
		if (shown_ad(item) != 0) {
			uint32_t clicked = (item >> 16) % 64 == 0;	/* old apps say it here */

			LIT(b, ",\"ad_id\":");
			put_u(b, shown_ad(item));
			STR(b, clicked ? ",\"ad_action\":1" : ",\"ad_action\":0");
			remember_ad(m, shown_ad(item), clicked);
		}
		LIT(b, "}");
	}
	LIT(b, "]");
	m->display = n;
}

static void
put_err(struct buf *b, const struct event *e)
{
	static const char *const msg[] = {
		" Exception in thread \\\"main\\\"\\n\\tat shop.Cart.add(Cart.java:31)",
		"timeout\\tafter 3000 ms\\r\\n", "null" };

	LIT(b, ",\"err\":{\"error_code\":");
	put_u(b, 1000 + e->seed % 3000);
	LIT(b, ",\"msg\":\"");
	STR(b, msg[e->variant]);
	LIT(b, "\"}");
}

/* One line, and what it holds. */
static void
put_line(const struct shop *s, struct buf *b, const struct event *e, struct made *m)
{
	static const char *const empty[] = { ",\"actions\":[]", ",\"displays\":null",
	    ",\"actions\":null", ",\"displays\":[]" };
	static const char *const odd_ts[] = { "", ",\"ts\":null", ",\"ts\":\"\"" };
	size_t begin = b->n;

	m->action = m->display = m->nad = 0;
	m->favor = false;
	put_common(s, b, e);
	if (e->page == P_START)
		put_start(b, e);
	else
		put_page(s, b, e);
	if (e->trouble == EMPTY_ARRAY) {
		STR(b, empty[e->variant]);
	} else {
		put_actions(b, m, e);
		put_displays(b, m, e);
	}
	if (e->trouble == ERR)
		put_err(b, e);
	if (e->trouble != NO_TS) {
		STR(b, e->trouble == TS_TEXT ? ",\"ts\":\"" : ",\"ts\":");
		put_u(b, (uint64_t)e->ts);
		if (e->trouble == TS_TEXT)
			LIT(b, "\"");
	} else
		STR(b, odd_ts[e->variant]);
	if (e->trouble != NO_TRACE) {
		LIT(b, ",\"trace_id\":\"");
		put_hex(b, e->trace);
		LIT(b, "\"}");
	} else
		STR(b, e->variant == 0 ? "}" : ",\"trace_id\":null}");
	if (e->trouble == TRUNCATED)
		b->n = begin + 20 + e->seed % (b->n - begin - 20);
	LIT(b, "\n");
}

void
log_line(const struct shop *s, struct buf *b, const struct event *e, struct made *m)
{
	put_line(s, b, e, m);
}

/* The same shares as of a day, drawn for each line alone; nothing waits for tomorrow. */
void
log_trouble(struct shop *s, struct event *e)
{
	uint32_t luck = rnd(&s->rng, 1000000), kind = rnd(&s->rng, 1000);

	for (unsigned t = 1; t < NTROUBLE; t++) {
		if (luck >= troubles[t].ppm) {
			luck -= troubles[t].ppm;
			continue;
		}
		if (may(s, e, troubles[t].need & ~(uint32_t)TOMORROW)) {
			e->trouble = (uint8_t)t;
			e->variant = (uint8_t)(kind % troubles[t].variants);
		}
		return;
	}
}

/* ---- arrival ---- */

static void
deliver(struct shop *s, size_t ev, int64_t at, bool dup)
{
	if (day_of_ms(at) > s->day && s->day < s->last) {
		s->carried = more(s->carried, s->ncarried, &s->carried_cap, sizeof(*s->carried));
		s->carried[s->ncarried++] = (struct carried){ .ev = s->event[ev], .at = at, .dup = dup };
		return;
	}
	s->box = more(s->box, s->nbox, &s->box_cap, sizeof(*s->box));
	s->box[s->nbox] = (struct delivery){ .at = at, .seq = (uint32_t)s->nbox, .ev = (uint32_t)ev, .dup = dup };
	s->nbox++;
}

static void
arrive(struct shop *s, size_t i)
{
	struct event e = s->event[i];
	int64_t at = e.ts + 50 + rnd(&s->rng, 800), night = day_ms(s->day + 1) + 5 * MINUTE;

	if (e.trouble == DISORDER)
		at += MINUTE + rnd(&s->rng, 1740000);
	else if (e.trouble == LATE)
		at = night + rnd(&s->rng, 28800000);
	deliver(s, i, at, false);
	if (e.trouble == DUP)
		deliver(s, i, at + (e.variant == 0 ? 0 : 30000), true);
	else if (e.trouble == DUP_LATE)
		deliver(s, i, night + rnd(&s->rng, 28800000), true);
}

static int
by_arrival(const void *a, const void *b)
{
	const struct delivery *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

/* Most arrive within the minute, so put them by the minute first: sorting that stays in the cache. */
static void
sort_box(struct shop *s)
{
	enum { MINUTES = 2 * 1440 };
	static uint32_t first[MINUTES + 1];
	struct delivery *by = malloc((s->nbox + 1) * sizeof(*by));
	int64_t begin = day_ms(s->day);

	if (by == NULL)
		die("memory");
	memset(first, 0, sizeof(first));
	for (size_t i = 0; i < s->nbox; i++)
		first[(s->box[i].at - begin) / MINUTE + 1]++;
	for (size_t i = 0; i < MINUTES; i++)
		first[i + 1] += first[i];
	for (size_t i = 0; i < s->nbox; i++)
		by[first[(s->box[i].at - begin) / MINUTE]++] = s->box[i];
	for (size_t i = 0, at = 0; i < MINUTES; at = first[i++])	/* first[] has moved on by one */
		qsort(by + at, first[i] - at, sizeof(*by), by_arrival);
	free(s->box);
	s->box = by;
	s->box_cap = s->nbox + 1;
}

static void
add(struct tables *t, const struct event *e, const struct made *m)
{
	t->start += e->page == P_START;
	t->page += e->page != P_START;
	t->action += m->action;
	t->display += m->display;
	t->error += e->trouble == ERR;
}

static void
remember(struct shop *s, const struct event *e, const struct made *m)
{
	struct heard *h = &s->heard[day_of_ms(e->ts) == s->day];

	for (uint32_t i = 0; i < m->nad; i++) {
		h->ad = more(h->ad, h->nad, &h->ad_cap, sizeof(*h->ad));
		h->ad[h->nad] = m->ad[i];
		h->ad[h->nad++].dev = e->dev;
	}
	if (e->page == P_START)
		return;
	h->hit = more(h->hit, h->nhit, &h->hit_cap, sizeof(*h->hit));
	h->hit[h->nhit++] = (struct hit){ .ts = e->ts, .dev = e->dev, .user = e->user, .during = e->during,
	    .page = e->page, .last = e->last };
}

/* A line that arrived: count it, and if it is good remember what it says. */
static void
account(struct shop *s, struct buf *b, const struct delivery *d, struct counts *k)
{
	const struct event *e = &s->event[d->ev];
	bool late = day_of_ms(e->ts) < s->day;
	struct made m;

	put_line(s, b, e, &m);
	k->lines++;
	if (d->dup) {
		k->duplicate++;
		add(&k->twice[late], e, &m);
		return;
	}
	k->trouble[e->trouble]++;
	if (e->trouble >= TRUNCATED) {
		k->broken++;
	} else if (e->trouble == NO_MID) {
		k->missing_mid++;
		add(&k->no_mid[late], e, &m);
	} else if (e->trouble == NO_TS) {
		k->missing_ts++;
		add(&k->no_ts, e, &m);
	} else {
		k->valid++;
		k->late += late;
		add(&k->good, e, &m);
		remember(s, e, &m);
	}
}

static void
put_tables(struct buf *b, const char *name, const struct tables *t)
{
	put_fmt(b, "\"%s\":{\"start\":%llu,\"page\":%llu,\"action\":%llu,\"display\":%llu,\"error\":%llu}",
	    name, (unsigned long long)t->start, (unsigned long long)t->page,
	    (unsigned long long)t->action, (unsigned long long)t->display, (unsigned long long)t->error);
}

static void
log_rejects(const struct shop *s, struct buf *b, const struct counts *k)
{
	LIT(b, "{\"file\":\"log/");
	put_day(b, s->day, "-");
	put_fmt(b, ".ndjson\",\"lines\":%llu,\"blank\":%llu,\"broken\":%llu,\"duplicate\":%llu,"
	    "\"missing_mid\":%llu,\"missing_ts\":%llu,\"valid\":%llu,\"late\":%llu",
	    (unsigned long long)k->lines, (unsigned long long)k->blank,
	    (unsigned long long)k->broken, (unsigned long long)k->duplicate,
	    (unsigned long long)k->missing_mid, (unsigned long long)k->missing_ts,
	    (unsigned long long)k->valid, (unsigned long long)k->late);
	put_fmt(b, ",\"start\":%llu,\"page\":%llu,\"action\":%llu,\"display\":%llu,\"error\":%llu",
	    (unsigned long long)k->good.start, (unsigned long long)k->good.page,
	    (unsigned long long)k->good.action, (unsigned long long)k->good.display,
	    (unsigned long long)k->good.error);
	LIT(b, ",\"lost\":{");
	put_tables(b, "duplicate", &k->twice[0]);
	LIT(b, ",");
	put_tables(b, "missing_mid", &k->no_mid[0]);
	LIT(b, ",");
	put_tables(b, "missing_ts", &k->no_ts);
	LIT(b, "},\"lost_late\":{");
	put_tables(b, "duplicate", &k->twice[1]);
	LIT(b, ",");
	put_tables(b, "missing_mid", &k->no_mid[1]);
	LIT(b, "},\"planted\":{");
	for (unsigned t = 1; t < NTROUBLE; t++)
		put_fmt(b, "%s\"%s\":%llu", t == 1 ? "" : ",", troubles[t].name,
		    (unsigned long long)k->trouble[t]);
	LIT(b, "}}\n");
}

/* Keep the day's events and set later ones aside, in *later. */
static size_t
today(struct shop *s, struct event **later)
{
	size_t n = 0, cap = 0, kept = 0;

	*later = NULL;
	for (size_t i = 0; i < s->nevent; i++) {
		if (day_of_ms(s->event[i].ts) == s->day) {
			s->event[kept++] = s->event[i];
			continue;
		}
		*later = more(*later, n, &cap, sizeof(**later));
		(*later)[n++] = s->event[i];
	}
	s->nevent = kept;
	return n;
}

static void
arrivals(struct shop *s)
{
	size_t n = s->nevent, ncarried = s->ncarried;
	struct carried *before = s->carried;

	s->nbox = s->ncarried = s->carried_cap = 0;
	s->carried = NULL;
	for (size_t i = 0; i < ncarried; i++) {
		s->event = more(s->event, s->nevent, &s->event_cap, sizeof(*s->event));
		s->event[s->nevent] = before[i].ev;
		deliver(s, s->nevent++, before[i].at, before[i].dup);
	}
	free(before);
	plant(s, s->event, n);
	for (size_t i = 0; i < n; i++)
		arrive(s, i);
	sort_box(s);
}

void
log_file(struct shop *s, struct buf *rejects)
{
	struct counts k = { 0 };
	struct buf b = { 0 };
	struct event *later;
	size_t n = today(s, &later);
	char path[4096];
	FILE *f;

	arrivals(s);
	file_path(path, sizeof(path), s->dir, "log/", s->day, ".ndjson");
	if ((f = fopen(path, "w")) == NULL)
		die("%s", path);
	setvbuf(f, NULL, _IONBF, 0);
	for (size_t i = 0; i < s->nbox; i++) {
		account(s, &b, &s->box[i], &k);
		if (i == s->nbox / 3) {
			LIT(&b, "\n");
			k.blank++;
			k.lines++;
		}
		if (b.n < 1 << 20 && i + 1 < s->nbox)
			continue;
		if (fwrite(b.p, 1, b.n, f) != b.n)
			die("%s", path);
		b.n = 0;
	}
	if (fclose(f) != 0)
		die("%s", path);
	log_rejects(s, rejects, &k);
	free(b.p);
	if (n > 0)
		memcpy(s->event, later, n * sizeof(*later));
	s->nevent = n;
	free(later);
}
