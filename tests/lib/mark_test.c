/* SPDX-License-Identifier: BSD-2-Clause */
/* mark_test - control lines: what is written is read, what is not written so is refused */
#include "base/mark.h"
#include "t.h"

static const char nonce[] = "0123456789abcdef0123456789abcdef";

static const char *
parsed(const char *text, struct mark *m)
{
	return mark_parse(span_str(text), m);
}

static void
there_and_back(void)
{
	struct mark m = { .id = UINT64_MAX, .run = 7, .kind = MARK_EPOCH, .n = 51234, .now_ms = 1780246220001, .wm_ms = -5,
	    .from = span_str("{\"t\":{\"0\":\"}]\\\"\"}}"), .to = span_str("{}"), .pins = span_str("{\"dim.sku\":317}") };
	struct mark back, none = { .kind = MARK_OPEN, .wm_ms = INT64_MIN }, end = { .kind = MARK_END, .wm_ms = INT64_MIN };
	struct buf b = { 0 }, again = { 0 };

	mark_print(&b, nonce, &m);
	ok(b.p[b.n - 1] == '\n', "the line ends");
	ok(mark_is(span_of(b.p, b.n - 1), nonce), "a line of this job");
	ok(!mark_is(span_of(b.p, b.n - 1), "1123456789abcdef0123456789abcdef"), "one of another job is data");
	ok(mark_parse(span_of(b.p, b.n - 1), &back) == NULL, "is read");
	ok(back.id == UINT64_MAX && back.run == 7 && back.kind == MARK_EPOCH && back.n == 51234, "its numbers");
	ok(back.now_ms == 1780246220001 && back.wm_ms == -5, "its times");
	ok(span_eq(back.from, m.from) && span_eq(back.to, m.to) && span_eq(back.pins, m.pins), "its positions and pins");
	ok(span_is(back.hops, "[]"), "no hops yet");
	mark_print(&again, nonce, &back);
	ok(span_eq(buf_span(&b), buf_span(&again)), "the same bytes again");
	buf_clear(&b);
	mark_print(&b, nonce, &none);
	ok(mark_parse(span_of(b.p, b.n - 1), &back) == NULL && back.kind == MARK_OPEN && back.wm_ms == INT64_MIN,
	    "open, no watermark");
	buf_clear(&b);
	mark_print(&b, nonce, &end);
	ok(mark_parse(span_of(b.p, b.n - 1), &back) == NULL && back.kind == MARK_END, "end");
	for (size_t n = 0; n + 1 < b.n; n++)
		okf(mark_parse(span_of(b.p, n), &back) != NULL, "its first %zu bytes", n);
	ok_all("a piece of a line is none");
	for (size_t i = strlen(MARK_PREFIX) + MARK_NONCE; i + 1 < b.n; i++) {
		char was = b.p[i];

		if (was >= '0' && was <= '9')
			continue;
		b.p[i] = ' ';
		okf(mark_parse(span_of(b.p, b.n - 1), &back) != NULL, "a blank at %zu", i);
		b.p[i] = was;
	}
	ok_all("a line with a blank in it is none");
	buf_free(&b);
	buf_free(&again);
}

#define HEAD "{\"$barrier\":\"0123456789abcdef0123456789abcdef\",\"id\":"
#define TAIL ",\"run\":1,\"kind\":\"mark\",\"n\":0,\"now\":0,\"wm\":null,\"from\":{},\"to\":{},\"pins\":{},\"hops\":[]}"

static void
refused(void)
{
	static const char *const bad[] = { HEAD "18446744073709551616" TAIL, HEAD "01" TAIL, HEAD "-1" TAIL, HEAD TAIL,
		HEAD "1" TAIL "x", HEAD "1,\"run\":1,\"kind\":\"stop\"}", "{}", "", HEAD "1,\"run\":1,\"kind\":\"end\",\"n\":0,"
		"\"now\":-0,\"wm\":null,\"from\":{},\"to\":{},\"pins\":{},\"hops\":[]}", HEAD "1,\"run\":1,\"kind\":\"end\",\"n\":0,"
		"\"now\":0,\"wm\":null,\"from\":{,\"to\":{},\"pins\":{},\"hops\":[]}" };
	struct mark m;

	ok(parsed(HEAD "18446744073709551615" TAIL, &m) == NULL && m.id == UINT64_MAX, "the largest id");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(parsed(bad[i], &m) != NULL, bad[i]);
	ok(!mark_is(span_str(MARK_PREFIX), nonce) && !mark_is(span_str(""), nonce), "less than a prefix");
}

static void
hops(void)
{
	struct mark_hop h = { .tool = span_str("ingest"), .in = 10, .pass = 8, .rej = 2 };
	struct mark_hop d = { .tool = span_str("dedup"), .in = 8, .pass = 5, .drop = 3 };
	struct mark_hop w = { .tool = span_str("window-agg"), .in = 5, .used = 5, .made = 2 };
	struct mark_hop s = { .tool = span_str("mysql-load"), .in = 2, .used = 2 }, got = { 0 };
	struct span rest, at;
	struct buf b = { 0 };

	mark_hop(&b, &h);
	mark_hop(&b, &d);
	mark_hop(&b, &w);
	mark_hop(&b, &s);
	rest = buf_span(&b);
	ok(mark_hop_next(&rest, &got) && span_is(got.tool, "ingest") && got.in == 10 && got.rej == 2, "the first");
	ok(mark_hop_next(&rest, &got) && got.drop == 3 && mark_hop_next(&rest, &got) && got.made == 2, "others");
	ok(mark_hop_next(&rest, &got) && !mark_hop_next(&rest, &got) && rest.n == 0, "the end");
	ok(mark_hops_agree(buf_span(&b), &at) == NULL, "they agree");
	ok(mark_hops_agree(span_str("[]"), &at) == NULL, "nobody agrees with himself");
	buf_clear(&b);
	d.in = 7;
	d.drop = 2;
	mark_hop(&b, &h);
	mark_hop(&b, &d);
	ok(mark_hops_agree(buf_span(&b), &at) != NULL && span_is(at, "dedup"), "one got fewer than was written");
	buf_clear(&b);
	d.in = 8;
	mark_hop(&b, &h);
	mark_hop(&b, &d);
	ok(mark_hops_agree(buf_span(&b), &at) != NULL && span_is(at, "dedup"), "one lost a record");
	ok(mark_hops_agree(span_of(b.p, b.n - 3), &at) != NULL, "a torn account");
	buf_free(&b);
}

static void
places(void)
{
	struct mark_hop h = { .tool = span_str("json-map") }, branch = { .tool = span_str(MARK_BRANCH) };
	struct buf hops = { 0 }, b = { 0 };

	mark_place(&b, buf_span(&hops));
	ok(span_is(buf_span(&b), "0"), "none before it");
	mark_hop(&hops, &h);
	mark_hop(&hops, &h);
	buf_clear(&b);
	mark_place(&b, buf_span(&hops));
	ok(span_is(buf_span(&b), "2"), "two before it");
	mark_hop(&hops, &branch);
	buf_clear(&b);
	mark_place(&b, buf_span(&hops));
	ok(span_is(buf_span(&b), "2.0"), "the first of a branch");
	mark_hop(&hops, &h);
	mark_hop(&hops, &branch);
	mark_hop(&hops, &h);
	buf_clear(&b);
	mark_place(&b, buf_span(&hops));
	ok(span_is(buf_span(&b), "2.1.1"), "a branch of a branch");
	buf_free(&hops);
	buf_free(&b);
}

int
main(void)
{
	there_and_back();
	refused();
	hops();
	places();
	return done();
}
