/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-files - what others hand over as files: marketing's costs and the order interface
 *
 * Marketing sends two CSV files a day; on one day every row of theirs is there twice.  The order
 * interface writes the orders of two channels as it takes them; each comes with the change feed
 * too, and some lines come twice.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

const char *const stores[NSTORE] = { "Appstore", "huawei", "oppo", "vivo", "wandoujia", "web", "xiaomi" };

bool
doubled_day(const struct shop *s)
{
	return s->day == (s->days < 3 ? s->last : s->day0 + 2);
}

static int64_t
cost(const struct shop *s, int64_t day, uint32_t which, int64_t usual)
{
	uint64_t h = mix(s->seed ^ (uint64_t)day << 20 ^ which);
	double cents = (double)(usual / 2 + (int64_t)(h % (uint64_t)usual)) * s->scale;

	return cents < 100 ? 100 + (int64_t)(h >> 40 & 255) : (int64_t)cents;
}

int64_t
ad_cost(const struct shop *s, int64_t day, uint32_t ad)
{
	return cost(s, day, ad, 40000);
}

int64_t
channel_cost(const struct shop *s, int64_t day, uint32_t store)
{
	return cost(s, day, 1000 + store, 900000);
}

/* CSV as RFC 4180 has it: CRLF, quotes doubled in quotes. */
static void
ad_row(const struct shop *s, struct buf *b, uint32_t ad)
{
	put_u(b, ad);
	if (ad % 7 == 0)
		put_fmt(b, ",\"横幅, \"\"大促\"\" %u\",", ad);
	else
		put_fmt(b, ",横幅 %u,", ad);
	put_day(b, s->day, "-");
	LIT(b, ",");
	if (ad > NAD)
		LIT(b, "n/a");
	else
		put_money(b, ad_cost(s, s->day, ad));
	LIT(b, "\r\n");
}

static void
csv_file(struct shop *s, const char *name, const struct buf *b, uint64_t rows, uint64_t bad,
    uint64_t twice, struct buf *rejects)
{
	char path[4096], sub[64];

	snprintf(sub, sizeof(sub), "csv/%s-", name);
	file_path(path, sizeof(path), s->dir, sub, s->day, ".csv");
	file_write(path, "w", b);
	put_fmt(rejects, "{\"file\":\"%s", sub);
	put_day(rejects, s->day, "-");
	put_fmt(rejects, ".csv\",\"rows\":%llu,\"bad_cost\":%llu,\"duplicate\":%llu}\n",
	    (unsigned long long)rows, (unsigned long long)bad, (unsigned long long)twice);
}

void
files_order(struct shop *s, const struct order *o)
{
	bool late = feed_night(s, o->at) > s->day, twice = o->seq % 5 == 0;
	struct buf *b = &s->api[late];
	const char *channel = order_channels[o->channel];

	if (strcmp(channel, "gift") != 0 && strcmp(channel, "live") != 0)
		return;
	for (int i = 0; i <= twice; i++) {
		LIT(b, "{\"id\":");
		put_u(b, o->id);
		LIT(b, ",\"user_id\":");
		put_u(b, s->user[o->user].id);
		LIT(b, ",\"total_amount\":");
		put_money(b, o->total);
		put_fmt(b, ",\"channel\":\"%s\",\"province_id\":%u,\"create_time\":\"", channel, o->province);
		put_us(b, o->at);
		LIT(b, "\",\"trace_id\":\"");
		put_hex(b, o->trace);
		LIT(b, "\",\"src\":\"interface\"}\n");
	}
	s->api_count[late].lines += 1 + twice;
	s->api_count[late].twice += twice;
}

static void
api_file(struct shop *s, struct buf *rejects)
{
	struct buf done = s->api[0];
	char path[4096];

	file_path(path, sizeof(path), s->dir, "api/", s->day, ".ndjson");
	file_write(path, "w", &s->api[0]);
	LIT(rejects, "{\"file\":\"api/");
	put_day(rejects, s->day, "-");
	put_fmt(rejects, ".ndjson\",\"lines\":%llu,\"duplicate\":%llu}\n",
	    (unsigned long long)s->api_count[0].lines, (unsigned long long)s->api_count[0].twice);
	s->api[0] = s->api[1];
	s->api_count[0] = s->api_count[1];
	done.n = 0;
	s->api[1] = done;
	memset(&s->api_count[1], 0, sizeof(s->api_count[1]));
}

void
files_day(struct shop *s, struct buf *rejects)
{
	uint32_t copies = doubled_day(s) ? 2 : 1;
	struct buf b = { 0 };

	LIT(&b, "ad_id,ad_name,dt,cost\r\n");
	for (uint32_t ad = 1; ad <= NAD + 1; ad++)
		for (uint32_t i = 0; i < copies; i++)
			ad_row(s, &b, ad);
	csv_file(s, "ad_cost", &b, (uint64_t)(NAD + 1) * copies, copies, (uint64_t)NAD * (copies - 1), rejects);
	b.n = 0;
	LIT(&b, "channel,dt,cost\r\n");
	for (uint32_t c = 0; c < NSTORE; c++) {
		put_fmt(&b, "%s,", stores[c]);
		put_day(&b, s->day, "-");
		LIT(&b, ",");
		put_money(&b, channel_cost(s, s->day, c));
		LIT(&b, "\r\n");
	}
	csv_file(s, "channel_cost", &b, NSTORE, 0, 0, rejects);
	free(b.p);
	api_file(s, rejects);
}
