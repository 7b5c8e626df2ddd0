/* SPDX-License-Identifier: BSD-2-Clause */
/* plan_test - plans of epochs: what is written is read, never replaced; what is not written so is refused */
#include "base/err.h"
#include "run/plan.h"
#include "store/fs.h"
#include "t.h"

static char dir[] = "/tmp/plan_test.XXXXXX";

static const struct plan whole = { .id = 43, .n = 51234, .sum = UINT64_C(0x00ff00ff12345678), .now_ms = 1780246220001,
    .wm_ms = -5, .side = 77, .from = { "{\"orders/0\":1}", 14 }, .to = { "{\"orders/0\":9}", 14 },
    .pins = { "{\"dim.sku\":317}", 15 }, .water = { "{\"orders/0\":[null,5]}", 21 }, .sign = { "-t \"o\"", 6 } };

static void
there_and_back(void)
{
	struct plan back = { 0 }, none = { .id = 44, .wm_ms = INT64_MIN };
	bool found = true;

	ok(plan_read(dir, 43, &back, &found) == 0 && !found, "none yet");
	ok(plan_write(dir, &whole) == 0, "written");
	ok(plan_read(dir, 43, &back, &found) == 0 && found, "read");
	ok(back.id == 43 && back.n == 51234 && back.sum == whole.sum && !back.xxh64 && back.side == 77, "its numbers");
	ok(back.now_ms == 1780246220001 && back.wm_ms == -5, "its times");
	ok(span_eq(back.from, whole.from) && span_eq(back.to, whole.to) && span_eq(back.pins, whole.pins) &&
	    span_eq(back.water, whole.water), "the bytes of its objects");
	ok(span_is(back.sign, "-t \"o\""), "what the positions are of");
	ok(plan_write(dir, &whole) == EXIT_TEMP, "never written twice");
	ok(plan_write(dir, &none) == 0 && plan_read(dir, 44, &back, &found) == 0 && back.wm_ms == INT64_MIN &&
	    span_is(back.from, "{}") && back.sign.n == 0, "one with nothing in it");
	plan_clear(&back);
}

static void
several(void)
{
	struct plan p = { .wm_ms = INT64_MIN };
	uint64_t least, most;
	size_t n;

	for (p.id = 8; p.id <= 12; p.id++)
		ok(plan_write(dir, &p) == 0, "one more");
	ok(plan_range(dir, &least, &most, &n) == 0 && least == 8 && most == 44 && n == 7, "all of them");
	ok(plan_forget(dir, 10) == 0 && plan_range(dir, &least, &most, &n) == 0 && least == 10 && n == 5, "old ones go");
	ok(plan_discard(dir, 12) == 0 && plan_range(dir, &least, &most, &n) == 0 && most == 11 && n == 2, "new ones go");
	ok(plan_range("/nowhere/at/all", &least, &most, &n) == 0 && n == 0, "no directory: none");
}

/* Every file that is not byte for byte of our making is refused, and the message is the only thing that happens. */
static void
broken(void)
{
	struct plan p = whole, back = { 0 };
	struct buf text = { 0 }, path = { 0 };
	bool found;
	FILE *f;

	p.id = 7;
	ok(plan_write(dir, &p) == 0, "a good one");
	buf_fmt(&path, "%s/7", dir);
	ok(fs_read(buf_cstr(&path), 4096, &text, &found) == 0 && found, "as a file");
	if (freopen("/dev/null", "w", stderr) == NULL)
		return;
	for (size_t i = 0; i < text.n; i++) {
		if ((f = fopen(path.p, "w")) == NULL || fwrite(text.p, 1, i, f) != i || fclose(f) != 0)
			break;
		okf(plan_read(dir, 7, &back, &found) == EXIT_INPUT, "its first %zu bytes", i);
	}
	ok_all("a piece of a plan is none");
	for (size_t i = 0; i < text.n; i++) {
		char was = text.p[i];

		/* names of members, and all that is between values */
		if (strchr("{}[]:,", was) == NULL)
			continue;
		text.p[i] = ';';
		if ((f = fopen(path.p, "w")) == NULL || fwrite(text.p, 1, text.n, f) != text.n || fclose(f) != 0)
			break;
		okf(plan_read(dir, 7, &back, &found) == EXIT_INPUT || memchr(text.p, ';', text.n) == NULL, "byte %zu", i);
		text.p[i] = was;
	}
	ok_all("nor is one whose members are not what they were");
	text.p[0] = '{';
	ok(fs_remove(path.p) == 0 && plan_write(dir, &p) == 0 && plan_read(dir, 7, &back, &found) == 0 && found,
	    "and whole it is one");
	buf_clear(&path);
	buf_fmt(&path, "%s/9", dir);
	ok((f = fopen(buf_cstr(&path), "w")) != NULL && fwrite(text.p, 1, text.n, f) == text.n && fclose(f) == 0 &&
	    plan_read(dir, 9, &back, &found) == EXIT_INPUT, "but not of another epoch");
	plan_clear(&back);
	buf_free(&text);
	buf_free(&path);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	there_and_back();
	several();
	broken();
	fs_remove_tree(dir);
	return done();
}
