/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clean_test - expr/clean where cases cannot see: names without end, fields that move, memory given
 * back
 */
#include "base/buf.h"
#include "base/err.h"
#include "expr/clean.h"
#include "expr/mask.h"
#include "in/scan.h"
#include "t.h"

struct feed {
	struct pathset *ps;
	struct clean *c;
	struct scan *scan;
	char *block;
	size_t cap;
};

static int
feed_begin(struct feed *f, const char *rules)
{
	struct expr_env env = { 0 };
	struct spec *spec;
	int rc;

	memset(f, 0, sizeof *f);
	f->ps = env.paths = pathset_new();
	if (spec_parse(span_str(rules), "rules", SPEC_WORDS, &spec) != 0)
		return EXIT_USAGE;
	rc = clean_compile(spec, &env, NULL, &f->c);
	spec_free(spec);
	if (rc == 0)
		f->scan = scan_new(f->ps, &(struct scan_conf){ 0 });
	return rc;
}

static void
feed_end(struct feed *f)
{
	scan_free(f->scan);
	clean_free(f->c);
	pathset_free(f->ps);
	free(f->block);
}

/* The edits of one record as `old>new old>new …`, or `!why`. */
static const char *
edits(struct feed *f, struct span json, struct buf *out)
{
	struct scanned got;
	struct clean_edit *e;
	const char *why = "no record";
	size_t n = 0;

	buf_clear(out);
	if (json.n + 1 + BLOCK_PAD_BYTES > f->cap) {
		f->cap = 2 * (json.n + 1 + BLOCK_PAD_BYTES);
		f->block = mem_array(f->block, f->cap, 1);
	}
	memset(f->block, 0, f->cap);
	memcpy(f->block, json.p, json.n);
	scan_block(f->scan, f->block, json.n);
	if (scan_next(f->scan, &got) && got.kind[0] == LINE_RECORD) {
		struct batch b = { .n = 1, .line = got.line, .col = got.col };

		why = clean_record(f->c, &b, 0, &e, &n);
	}
	if (why != NULL) {
		buf_fmt(out, "!%s", why);
		return buf_cstr(out);
	}
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_byte(out, ' ');
		buf_span_add(out, e[i].old.tag == T_ABSENT ? e[i].key : e[i].old.raw);
		buf_byte(out, '>');
		buf_span_add(out, e[i].value);
	}
	return buf_cstr(out);
}

/* More names than are remembered, each twice, and in another order: always the same answer. */
static void
names(void)
{
	struct feed f;
	struct buf json = { 0 }, out = { 0 };

	(void)feed_begin(&f, "* trim\nn1* upper\nn70000 keep\n");
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < 70010; i += 5) {
			const char *got, *want;

			buf_clear(&json);
			for (int k = 0; k < 5; k++)
				buf_fmt(&json, "%s\"n%d\":\" a\"", k == 0 ? "{" : ",",
				    turn == 0 ? i + k : i + 4 - k);
			buf_byte(&json, '}');
			got = edits(&f, buf_span(&json), &out);
			want = i == 70000 ? "\" a\">\"a\" \" a\">\"a\" \" a\">\"a\" \" a\">\"a\""
					  : NULL;
			if (want != NULL)
				okf(strcmp(got, want) == 0, "names from %d: %s", i, got);
			else
				okf(out.n >= 5 * 8 && *got != '!', "names from %d: %s", i, got);
		}
	ok_all("names without end");
	feed_end(&f);
	buf_free(&json);
	buf_free(&out);
}

static void
records(void)
{
	static const struct { const char *json, *want; } v[] = {
		{ "{\"id\":\"7\",\"b\":\" x\"}", "\" x\">\"x\" \"7\">7 \"m\":>0" },
		{ "{\"b\":\" x\",\"id\":7,\"m\":1}", "\" x\">\"x\"" },
		{ "{\"b\":\"\",\"id\":7,\"m\":1}", "\"\">null" },
		{ "{\"b\":[\"\"],\"id\":7,\"m\":null}", "null>0" },
		{ "{\"b\":\" x\"}", "!id: required, but null or absent" },
		{ "{\"id\":\"x\"}", "!id: not a number" },
		{ "{\"id\":7,\"m\":2,\"b_time\":\"soon\"}", "!*_time: not a time" },
		{ "{\"id\":7,\"id\":8}", "!no record" },
		{ "{\"id\":7,\"m\":2}", "" },
		{ "[]", "!no record" },
	};
	struct feed f;
	struct buf out = { 0 };

	ok(feed_begin(&f, "* trim null ''\nid required type int\nm default 0\n*_time date\n") == 0,
	    "rules");
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
			const char *got = edits(&f, span_str(v[i].json), &out);

			okf(strcmp(got, v[i].want) == 0, "%s: got %s, want %s", v[i].json, got,
			    v[i].want);
		}
	ok_all("the same answers with a used state");
	feed_end(&f);
	ok(feed_begin(&f, "a trim\nb nonsense\n") == EXIT_USAGE && f.c == NULL,
	    "a mistake gives nothing");
	feed_end(&f);
	ok(feed_begin(&f, "# nothing\n") == 0 &&
		*edits(&f, span_str("{\"a\":\" \"}"), &out) == '\0',
	    "no rules at all");
	feed_end(&f);
	buf_free(&out);
}

static size_t
chars(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

/* Any text: as long as it was, each character as it was or an asterisk, and a second time the same. */
static void
masks(void)
{
	static const char *const piece[] = { "a", "7", "*", " ", "-", "@", ".", "\n", "é", "中", "😀", "１", "·", "(", "+", "\xCC\x81" };
	static const char *const name[] = { "phone", "name", "address", "email", "card", "all" };
	struct buf text = { 0 }, once = { 0 }, twice = { 0 };
	uint32_t seed = 20261121;
	enum mask m;

	for (int turn = 0; turn < 20000; turn++) {
		size_t a = 0, b = 0;
		bool same = true;

		buf_clear(&text);
		for (int n = turn % 25; n > 0; n--) {
			seed = seed * 1664525 + 1013904223;
			buf_str(&text, piece[seed >> 28]);
		}
		(void)mask_named(span_str(name[turn % 6]), &m);
		buf_clear(&once);
		buf_clear(&twice);
		mask_text(m, buf_span(&text), &once);
		mask_text(m, buf_span(&once), &twice);
		okf(span_eq(buf_span(&once), buf_span(&twice)), "%s of %s again", name[turn % 6], buf_cstr(&text));
		okf(chars(buf_span(&once)) == chars(buf_span(&text)), "%s of %s: length", name[turn % 6], buf_cstr(&text));
		while (a < text.n && b < once.n && same) {
			size_t len = 1;

			while (a + len < text.n && ((unsigned char)text.p[a + len] & 0xC0) == 0x80)
				len++;
			same = once.p[b] == '*' || (b + len <= once.n && memcmp(once.p + b, text.p + a, len) == 0);
			b += once.p[b] == '*' ? 1 : len;
			a += len;
		}
		okf(same && a == text.n && b == once.n, "%s of %s: %s", name[turn % 6], buf_cstr(&text), buf_cstr(&once));
	}
	ok_all("masks keep the length, and are the same the second time");
	ok(!mask_named(span_str("fone"), &m) && !mask_named(span_str(""), &m), "names of no mask");
	buf_free(&text);
	buf_free(&once);
	buf_free(&twice);
}

int
main(void)
{
	err_name("clean_test");
	masks();
	names();
	records();
	return done();
}
