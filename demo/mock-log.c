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

struct counts {
	uint64_t lines, blank, broken, duplicate, missing_mid, missing_ts, valid, late;
	uint64_t trouble[NTROUBLE];
	uint64_t start, page, action, display, error;
};

static const char *const page_name[NPAGE] = { "start", "home", "category", "search", "good_list",
    "good_detail", "good_spec", "comment", "cart", "login", "register", "trade", "payment",
    "orders_unpaid", "mine", "favor", "discovery", "activity" };

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
	static const char *const store[] = { "xiaomi", "huawei", "Appstore", "vivo", "oppo",
	    "Appstore", "wandoujia", "web" };
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
	STR(b, store[m]);
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

static uint64_t
put_actions(struct buf *b, const struct event *e)
{
	static const char *const what[] = { "cart_add", "favor_add", "get_coupon", "cart_add",
	    "favor_cancel" };
	const char *act = what[e->seed / 4 % 5];

	if (e->page == P_CART && e->seed % 4 == 0)
		act = e->seed / 4 % 2 == 0 ? "cart_minus_num" : "cart_remove";
	else if (e->page == P_DETAIL && e->variant == 1 && e->trouble == OK)
		act = "cart_add";
	else if (e->page != P_DETAIL || e->seed % 4 != 0)
		return 0;
	LIT(b, ",\"actions\":[{\"action_id\":\"");
	STR(b, act);
	LIT(b, "\",\"item\":\"");
	put_u(b, e->page == P_DETAIL ? e->ref : e->seed % NSKU + 1);
	LIT(b, "\",\"item_type\":\"sku_id\",\"ts\":");
	put_u(b, (uint64_t)e->ts + e->during / 2);
	LIT(b, "}]");
	return 1;
}

static uint64_t
put_displays(struct buf *b, const struct event *e)
{
	static const char *const kind[] = { "promotion", "query", "recommend", "activity" };
	uint32_t n = 2 + e->seed / 16 % 4, pos = 1 + e->seed % 5, item = e->seed / 64;

	if (e->page != P_HOME && e->page != P_LIST && e->page != P_ACTIVITY &&
	    e->page != P_DISCOVERY)
		return 0;
	LIT(b, ",\"displays\":[");
	for (uint32_t i = 1; i <= n; i++, item = item * 69069u + 1) {
		STR(b, i == 1 ? "{\"display_type\":\"" : ",{\"display_type\":\"");
		STR(b, kind[e->page == P_LIST ? 1 : item % 3]);
		LIT(b, "\",\"item\":\"");
		put_u(b, (item >> 8) % NSKU + 1);
		LIT(b, "\",\"item_type\":\"sku_id\",\"order\":");
		put_u(b, i);
		LIT(b, ",\"pos_id\":");
		put_u(b, pos);
		if ((item >> 4) % 16 == 0) {
			LIT(b, ",\"ad_id\":");
			put_u(b, (item >> 8) % 40 + 1);
			LIT(b, ",\"ad_action\":");
			put_u(b, (item >> 16) % 8 == 0 ? 1 + (item >> 20) % 8 / 7 : 0);
		}
		LIT(b, "}");
	}
	LIT(b, "]");
	return n;
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

/* One line; what it holds is added to k when k is given. */
static void
put_line(const struct shop *s, struct buf *b, const struct event *e, struct counts *k)
{
	static const char *const empty[] = { ",\"actions\":[]", ",\"displays\":null",
	    ",\"actions\":null", ",\"displays\":[]" };
	static const char *const odd_ts[] = { "", ",\"ts\":null", ",\"ts\":\"\"" };
	size_t begin = b->n;
	uint64_t actions = 0, displays = 0;

	put_common(s, b, e);
	if (e->page == P_START)
		put_start(b, e);
	else
		put_page(s, b, e);
	if (e->trouble == EMPTY_ARRAY) {
		STR(b, empty[e->variant]);
	} else {
		actions = put_actions(b, e);
		displays = put_displays(b, e);
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
	if (k == NULL)
		return;
	k->start += e->page == P_START;
	k->page += e->page != P_START;
	k->action += actions;
	k->display += displays;
	k->error += e->trouble == ERR;
}

/* ---- arrival ---- */

static void
deliver(struct shop *s, const struct event *e, int64_t at, bool dup)
{
	bool next = day_of_ms(at) > s->day && s->day < s->last;
	struct delivery *d;

	s->box[next] = more(s->box[next], s->nbox[next], &s->box_cap[next], sizeof(*d));
	d = &s->box[next][s->nbox[next]++];
	*d = (struct delivery){ .at = at, .seq = s->seq++, .ev = *e, .dup = dup };
}

static void
arrive(struct shop *s, const struct event *e)
{
	int64_t at = e->ts + 50 + rnd(&s->rng, 800), night = day_ms(s->day + 1) + 5 * MINUTE;

	if (e->trouble == DISORDER)
		at += MINUTE + rnd(&s->rng, 1740000);
	else if (e->trouble == LATE)
		at = night + rnd(&s->rng, 28800000);
	deliver(s, e, at, false);
	if (e->trouble == DUP)
		deliver(s, e, at + (e->variant == 0 ? 0 : 30000), true);
	else if (e->trouble == DUP_LATE)
		deliver(s, e, night + rnd(&s->rng, 28800000), true);
}

static int
by_arrival(const void *a, const void *b)
{
	const struct delivery *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

/* A line that arrived: count it, and if it is good remember the page view. */
static void
account(struct shop *s, struct buf *b, const struct delivery *d, struct counts *k)
{
	const struct event *e = &d->ev;
	const struct dev *v = &s->dev[e->dev];
	int64_t day = day_of_ms(e->ts);
	struct hits *h = &s->hits[day == s->day];
	bool bad = e->trouble >= TRUNCATED, lacks = e->trouble == NO_MID || e->trouble == NO_TS;

	put_line(s, b, e, d->dup || bad || lacks ? NULL : k);
	k->lines++;
	k->duplicate += d->dup;
	if (d->dup)
		return;
	k->trouble[e->trouble]++;
	k->broken += bad;
	k->missing_mid += e->trouble == NO_MID;
	k->missing_ts += e->trouble == NO_TS;
	if (bad || lacks)
		return;
	k->valid++;
	k->late += day < s->day;
	if (e->page == P_START)
		return;
	h->v = more(h->v, h->n, &h->cap, sizeof(*h->v));
	h->v[h->n++] = (struct hit){ .ts = e->ts, .dev = e->dev, .user = e->user, .ip = v->ip,
	    .entry = e->last == P_START, .is_new = v->first_day == day };
}

static void
log_rejects(const struct shop *s, struct buf *b, const struct counts *k)
{
	LIT(b, "{\"file\":\"log/");
	put_day(b, s->day, "-");
	put_fmt(b, ".ndjson\",\"lines\":%llu,\"blank\":%llu,\"broken\":%llu,\"duplicate\":%llu,"
	    "\"missing_mid\":%llu,\"missing_ts\":%llu,\"valid\":%llu,\"late\":%llu,\"start\":%llu,"
	    "\"page\":%llu,\"action\":%llu,\"display\":%llu,\"error\":%llu,\"planted\":{",
	    (unsigned long long)k->lines, (unsigned long long)k->blank,
	    (unsigned long long)k->broken, (unsigned long long)k->duplicate,
	    (unsigned long long)k->missing_mid, (unsigned long long)k->missing_ts,
	    (unsigned long long)k->valid, (unsigned long long)k->late,
	    (unsigned long long)k->start, (unsigned long long)k->page,
	    (unsigned long long)k->action, (unsigned long long)k->display,
	    (unsigned long long)k->error);
	for (unsigned t = 1; t < NTROUBLE; t++)
		put_fmt(b, "%s\"%s\":%llu", t == 1 ? "" : ",", troubles[t].name,
		    (unsigned long long)k->trouble[t]);
	LIT(b, "}}\n");
}

/* Take the day's events out of those that were made; later ones stay. */
static size_t
today(struct shop *s, struct event **list)
{
	size_t n = 0, cap = 0, kept = 0;

	*list = NULL;
	for (size_t i = 0; i < s->nevent; i++) {
		if (day_of_ms(s->event[i].ts) == s->day) {
			*list = more(*list, n, &cap, sizeof(**list));
			(*list)[n++] = s->event[i];
		} else
			s->event[kept++] = s->event[i];
	}
	s->nevent = kept;
	return n;
}

void
log_file(struct shop *s, struct buf *rejects)
{
	struct counts k = { 0 };
	struct buf b = { 0 };
	struct delivery *box;
	struct event *e;
	size_t n = today(s, &e), cap;
	char path[4096];
	FILE *f;

	plant(s, e, n);
	for (size_t i = 0; i < n; i++)
		arrive(s, &e[i]);
	free(e);
	qsort(s->box[0], s->nbox[0], sizeof(*s->box[0]), by_arrival);
	file_path(path, sizeof(path), s->dir, "log/", s->day, ".ndjson");
	if ((f = fopen(path, "w")) == NULL)
		die("%s", path);
	for (size_t i = 0; i < s->nbox[0]; i++) {
		account(s, &b, &s->box[0][i], &k);
		if (i == s->nbox[0] / 3) {
			LIT(&b, "\n");
			k.blank++;
			k.lines++;
		}
		if (b.n < 1 << 20 && i + 1 < s->nbox[0])
			continue;
		if (fwrite(b.p, 1, b.n, f) != b.n)
			die("%s", path);
		b.n = 0;
	}
	if (fclose(f) != 0)
		die("%s", path);
	log_rejects(s, rejects, &k);
	free(b.p);
	box = s->box[0];
	cap = s->box_cap[0];
	s->box[0] = s->box[1];
	s->box_cap[0] = s->box_cap[1];
	s->nbox[0] = s->nbox[1];
	s->box[1] = box;
	s->box_cap[1] = cap;
	s->nbox[1] = 0;
}
