/* SPDX-License-Identifier: BSD-2-Clause */
/* scan - every kernel against the plain parser; limits, reasons, odd inputs. Seed: first argument. */
#include "t.h"

#include "base/buf.h"
#include "in/rec.h"
#include "in/scan.h"
#include "in/scan_grammar.h"

static const enum kernel kernels[] = { KERNEL_PLAIN, KERNEL_PORTABLE, KERNEL_AVX2, KERNEL_AVX512, KERNEL_GFNI };
static const char *const kernel_names[] = { "plain", "portable", "avx2", "avx512", "gfni" };
#define N_KERNELS (sizeof kernels / sizeof kernels[0])

static uint64_t seed = 42;

static uint32_t
rnd(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) % below);
}

static struct pathset *
paths(const char *list[])
{
	struct pathset *ps = pathset_new();
	char err[300];

	for (; *list != NULL; list++)
		if (pathset_add(ps, span_str(*list), err, sizeof err) == -1)
			printf("# %s\n", err);
	return ps;
}

/*
 * The bytes of s with exactly the promised pad behind them, so that ASan sees one byte more.  The pad holds what would do harm
 * if it were taken for input.
 */
static char *
padded(struct span s)
{
	char *p = malloc(s.n + BLOCK_PAD_BYTES);

	if (p == NULL)
		abort();
	memcpy(p, s.p, s.n);
	for (size_t i = 0; i < BLOCK_PAD_BYTES; i++)
		p[s.n + i] = "}\n\"{1:,\n"[i % 8];
	return p;
}

/* What the scanner knows of a record's members is what a walk through its bytes finds. */
static size_t members_known, members_wrong;

static void
compare_members(struct scan *s, const struct span *line)
{
	static struct member m[1024];
	size_t n = scan_members(s, line, m, 1024), i = 0;
	struct span key;
	struct rec r;
	struct val v;

	if (n == SIZE_MAX)
		return;
	members_known++;
	rec_begin(&r, *line);
	for (; rec_next(&r, &key, &v); i++)
		members_wrong += i >= n || m[i].key.p != key.p || m[i].key.n != key.n || m[i].v.raw.p != v.raw.p ||
		    m[i].v.raw.n != v.raw.n || m[i].v.tag != v.tag || m[i].v.escaped != v.escaped;
	members_wrong += i != n;
	/* no more than there is room for */
	members_wrong += n > 0 && scan_members(s, line, m, n - 1) != SIZE_MAX;
}

/* Write what the scanner says of a block: kind, reason, offset, columns with their places. */
static void
dump(struct scan *s, size_t cols, struct span block, struct buf *out)
{
	char *p = padded(block);
	struct scanned g;

	scan_block(s, p, block.n);
	while (scan_next(s, &g))
		for (size_t i = 0; i < g.n; i++) {
			buf_fmt(out, "%d %zu", g.kind[i], g.line[i].n);
			if (g.kind[i] == LINE_BAD)
				buf_fmt(out, " %u %s", g.at[i], g.why[i]);
			else if (g.kind[i] == LINE_RECORD)
				compare_members(s, &g.line[i]);
			for (size_t c = 0; c < cols; c++) {
				const struct val *v = &g.col[c][i];

				buf_fmt(out, " %u/%u", v->tag, v->escaped);
				if (v->tag != T_ABSENT)
					buf_fmt(out, "@%zu+%zu", (size_t)(v->raw.p - g.line[i].p), v->raw.n);
			}
			buf_byte(out, '\n');
		}
	free(p);
}

/* What it says, which is the same where it hands out more lines at a time. */
static void
dump_with(enum kernel k, const struct pathset *ps, struct scan_conf conf, struct span block, struct buf *out)
{
	struct buf gathered = { 0 };
	size_t was = out->n;

	conf.kernel = k;
	for (int gather = 0; gather < 2; gather++) {
		struct scan *s;

		conf.gather = gather == 1;
		s = scan_new(ps, &conf);
		dump(s, ps->n, block, gather == 1 ? &gathered : out);
		scan_free(s);
	}
	okf(span_eq(buf_span(&gathered), span_from(buf_span(out), was)), "gathered: %s", kernel_names[k - KERNEL_PLAIN]);
	buf_free(&gathered);
}

/* One line, all kernels: "ok", "blank", or "OFFSET REASON". */
static void
says_once(const char *line, size_t n, struct scan_conf conf, const char *want)
{
	struct pathset *ps = paths((const char *[]){ "a", "b.c", "d[1].e", NULL });
	struct scanned g;
	char got[300];

	for (size_t k = 0; k < N_KERNELS; k++) {
		char *p = padded(span_of(line, n));
		struct scan *s;

		conf.kernel = kernels[k];
		s = scan_new(ps, &conf);
		scan_block(s, p, n);
		snprintf(got, sizeof got, "nothing");
		if (scan_next(s, &g) && g.n == 1) {
			if (g.kind[0] == LINE_BAD)
				snprintf(got, sizeof got, "%u %s", g.at[0], g.why[0]);
			else
				snprintf(got, sizeof got, "%s", g.kind[0] == LINE_BLANK ? "blank" : "ok");
		}
		okf(strcmp(got, want) == 0, "%s: %.60s: got '%s', want '%s'", kernel_names[k], line, got, want);
		scan_free(s);
		free(p);
	}
	pathset_free(ps);
}

/* The same with and without an LF: the last line of an input may lack it. */
static void
says(const char *line, size_t n, struct scan_conf conf, const char *want)
{
	struct buf b = { 0 };

	if (n > 1 && line[n - 1] == '\n')
		n--;
	buf_add(&b, line, n);
	says_once(b.p, b.n, conf, want);
	buf_byte(&b, '\n');
	says_once(b.p, b.n, conf, want);
	buf_free(&b);
}

#define SAYS(line, want) says("" line, sizeof(line) - 1, (struct scan_conf){ 0 }, want)

static void
reasons(void)
{
	SAYS("{}", "ok");
	SAYS("{}\n", "ok");
	SAYS("{}\r\n", "ok");
	SAYS("{}\r", "ok");
	says_once("\n", 1, (struct scan_conf){ 0 }, "blank");
	SAYS("\r\n", "blank");
	SAYS(" \t \n", "blank");
	SAYS(" {\"a\":1} \n", "ok");
	SAYS("[1]\n", "0 not a JSON object");
	SAYS("1\n", "0 not a JSON object");
	SAYS("null\n", "0 not a JSON object");
	SAYS("{\"a\":1,\"a\":2}\n", "7 path occurs twice");
	SAYS("{\"a\":1,\"\\u0061\":2}\n", "7 path occurs twice");
	SAYS("{\"b\":{\"c\":1},\"b\":2}\n", "13 path occurs twice");
	SAYS("{\"b\":{\"c\":1,\"c\":2}}\n", "12 path occurs twice");
	SAYS("{\"d\":[0,{\"e\":1,\"e\":2}]}\n", "15 path occurs twice");
	SAYS("{\"x\":1,\"x\":2,\"d\":[{\"e\":1,\"e\":1}]}\n", "ok");
	SAYS("\xEF\xBB\xBF{}\n", "0 a byte order mark (EF BB BF) before the record");
	SAYS("\xFF\xFE{\0}\0\n", "0 UTF-16 (byte order mark FF FE), not UTF-8");
	SAYS("\xFE\xFF\0{\0}\n", "0 UTF-16 (byte order mark FE FF), not UTF-8");
	SAYS("{\0}\0\n", "0 a NUL byte behind a bracket: UTF-16, not UTF-8");
	SAYS("\0{\0}\n", "0 a NUL byte before a bracket: UTF-16, not UTF-8");
	SAYS("\0\0\0\n", "0 a NUL byte");
	SAYS("\x28\xB5\x2F\xFD\x04\n", "0 zstd data inside the text");
	SAYS("\x1F\x8B\x08\n", "0 gzip data inside the text");
	SAYS("{\"a\":\"\\ud800\"}\n", "6 an unpaired \\u surrogate");
	SAYS("{\"a\":\"\\ud83d\\ude00\"}\n", "ok");
	SAYS("{\"a\":\"\\ude00\\ud83d\"}\n", "6 an unpaired \\u surrogate");
	SAYS("{\"a\":\"\\u12G4\"}\n", "6 \\u needs four hex digits");
	SAYS("{\"a\":\"\\x\"}\n", "6 a backslash begins no escape that JSON knows");
	SAYS("{\"a\":\"\t\"}\n", "6 a control byte in a string");
	SAYS("{\"a\":\"\0\"}\n", "6 a NUL byte in a string");
	SAYS("{\"a\":\"\xC0\xAF\"}\n", "6 not UTF-8");
	SAYS("{\"a\":\"\xE4\xB8\"}\n", "6 not UTF-8");
	SAYS("{\"a\":\"x}\n", "5 a string is not closed");
	SAYS("{\"a\":01}\n", "5 not a JSON number");
	SAYS("{\"a\":1.}\n", "5 not a JSON number");
	SAYS("{\"a\":+1}\n", "5 expected a value");
	SAYS("{\"a\":tru}\n", "5 a word that is not true, false or null");
	SAYS("{\"a\":truex}\n", "5 a word that is not true, false or null");
	SAYS("{\"a\" 1}\n", "5 expected ':' after a key");
	SAYS("{\"a\":1 2}\n", "7 expected ',' or '}'");
	SAYS("{\"x\":[1}\n", "7 expected ',' or ']'");
	SAYS("{\"a\":1,}\n", "7 expected a key in quotes");
	SAYS("{\"a\"}\n", "4 expected ':' after a key");
	SAYS("{1}\n", "1 expected a key in quotes");
	SAYS("{\"a\":\n", "5 the line ends where a value should be");
	SAYS("{\"a\":1\n", "6 the line ends inside an object");
	SAYS("{\"x\":[1\n", "7 the line ends inside an array");
	SAYS("{}{}\n", "2 more than one value on the line");
	SAYS("{} x\n", "3 more than one value on the line");
	SAYS("{\"a\":1e400,\"x\":-0,\"y\":1e-05,\"z\":12345678901234567890123}\n", "ok");
	SAYS("{\"a\":\"\xE2\x80\xA8\xF4\x8F\xBF\xBF\xEF\xBF\xBF\"}\n", "ok");
	ok_all("reasons and offsets");
	says("[1]", 3, (struct scan_conf){ .any = true }, "ok");
	says(" \"x\" ", 5, (struct scan_conf){ .any = true }, "ok");
	says("1 2", 3, (struct scan_conf){ .any = true }, "2 more than one value on the line");
	says("[1,[]", 5, (struct scan_conf){ .any = true }, "5 the line ends inside an array");
	ok_all("any value");
}

static void
limits(void)
{
	struct buf b = { 0 };
	struct scan_conf conf = { 0 };
	size_t at;

	for (size_t depth = 1023; depth <= 1025; depth++) {
		buf_clear(&b);
		buf_str(&b, "{\"x\":");
		for (size_t i = 1; i < depth; i++)
			buf_byte(&b, '[');
		for (size_t i = 1; i < depth; i++)
			buf_byte(&b, ']');
		buf_byte(&b, '}');
		says(b.p, b.n, conf, depth <= 1024 ? "ok" : "1028 nested deeper than the limit");
	}
	buf_clear(&b);
	for (int i = 0; i < 100000; i++)
		buf_byte(&b, '[');
	ok(scan_value(buf_span(&b), NULL, &at) != NULL && at == 1024, "100,000 brackets are turned down at the limit");
	conf = (struct scan_conf){ .max_depth = 2, .max_keys = 2 };
	says("{\"x\":[1]}", 9, conf, "ok");
	says("{\"x\":[[1]]}", 11, conf, "6 nested deeper than the limit");
	says("{\"x\":1,\"y\":2}", 13, conf, "ok");
	says("{\"x\":1,\"y\":2,\"z\":3}", 19, conf, "13 more keys in an object than the limit");
	conf = (struct scan_conf){ .max_string = 5 };
	says("{\"x\":\"12345\"}", 13, conf, "ok");
	says("{\"x\":\"123456\"}", 14, conf, "5 a string is longer than the limit");
	says("{\"123456\":1}", 12, conf, "1 a string is longer than the limit");
	conf = (struct scan_conf){ .max_string = 100000 };
	buf_clear(&b);
	buf_str(&b, "{\"x\":\"");
	for (int i = 0; i < 100000; i++)
		buf_byte(&b, 'k');
	buf_str(&b, "\"}");
	says(b.p, b.n, conf, "ok");
	b.n -= 2;
	buf_str(&b, "k\"}");
	says(b.p, b.n, conf, "5 a string is longer than the limit");
	buf_free(&b);
	ok_all("depth, keys, strings");
}

static void
columns(void)
{
	const char *line = "{\"p\":{\"q\":[{\"id\":1},{\"id\":\"x\\n\"},3],\"r\":null},\"x.y\":true,\"0\":[false],\"e\":[]}\n";
	struct pathset *ps = paths((const char *[]){ "p", "p.q", "p.q[0].id", "p.q[1].id", "p.q[2]", "p.r", "\"x.y\"", "/0/0",
	    "\"0\"", "p.q[3]", "e[0]", "p.q[0]", NULL });
	const char *want[] = { "{\"q\":[{\"id\":1},{\"id\":\"x\\n\"},3],\"r\":null}", "[{\"id\":1},{\"id\":\"x\\n\"},3]", "1",
	    "\"x\\n\"", "3", "null", "true", "false", "[false]", "", "", "{\"id\":1}" };

	for (size_t k = 0; k < N_KERNELS; k++) {
		struct scan *s = scan_new(ps, &(struct scan_conf){ .kernel = kernels[k] });
		struct scanned g;

		for (int turn = 0; turn < 3; turn++) {		/* the second time the shape is known */
			char *p = padded(span_str(line));

			scan_block(s, p, strlen(line));
			okf(scan_next(s, &g) && g.n == 1 && g.kind[0] == LINE_RECORD, "%s", kernel_names[k]);
			for (size_t c = 0; c < ps->n; c++)
				okf(span_is(g.col[c][0].raw, want[c]), "%s: column %zu: %.*s", kernel_names[k], c,
				    (int)g.col[c][0].raw.n, g.col[c][0].raw.p);
			okf(g.col[3][0].escaped && !g.col[2][0].escaped, "escaped");
			okf(g.col[9][0].tag == T_ABSENT && g.col[5][0].tag == T_NULL, "absent and null");
			okf(!scan_next(s, &g), "one line");
			free(p);
		}
		scan_free(s);
	}
	pathset_free(ps);
	ok_all("nested, indexed, quoted and overlapping paths");
}

/* As many paths as there may be, in one object, and 64 segments deep. */
static void
many_paths(void)
{
	struct pathset *ps = pathset_new();
	struct buf line = { 0 }, want = { 0 }, got = { 0 };
	char err[200], name[400];

	buf_byte(&line, '{');
	for (size_t i = 0; i + 1 < PATHS_MAX; i++) {
		snprintf(name, sizeof name, "key%zu", i);
		okf(pathset_add(ps, span_str(name), err, sizeof err) == (int)i, "%s", name);
		buf_fmt(&line, "\"key%zu\":%zu,", (i * 7) % (PATHS_MAX - 1), i);
	}
	name[0] = '\0';
	for (size_t i = 0; i < PATH_SEGS_MAX; i++) {
		strcat(name, i == 0 ? "z" : ".z");
		buf_str(&line, "\"z\":");
		if (i + 1 < PATH_SEGS_MAX)
			buf_byte(&line, '{');
	}
	okf(pathset_add(ps, span_str(name), err, sizeof err) == PATHS_MAX - 1, "%s", name);
	okf(pathset_add(ps, span_str("one.more"), err, sizeof err) == -1, "one more");
	buf_byte(&line, '7');
	for (size_t i = 0; i < PATH_SEGS_MAX; i++)
		buf_byte(&line, '}');
	buf_byte(&line, '\n');
	buf_room(&line, line.n);	/* the line twice */
	buf_add(&line, line.p, line.n);
	dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, buf_span(&line), &want);
	for (size_t k = 1; k < N_KERNELS; k++) {
		buf_clear(&got);
		dump_with(kernels[k], ps, (struct scan_conf){ 0 }, buf_span(&line), &got);
		okf(span_eq(buf_span(&got), buf_span(&want)), "%s", kernel_names[k]);
	}
	okf(strstr(buf_cstr(&want), " 0/0") == NULL, "a column is empty");
	pathset_free(ps);
	buf_free(&line);
	buf_free(&want);
	buf_free(&got);
	ok_all("256 paths");
}

/* One key of 80, as the path and as a line has it: of any length, some with the same beginning, some with escapes. */
static void
key_text(struct buf *b, uint32_t i)
{
	static const char *const odd[] = { "", "a", "a\\\"", "\\\\", "\\\\a", "\\n", "\xC3\xA9", "ab", "\\\":b" };

	buf_byte(b, '"');
	if (i < 9)
		buf_str(b, odd[i]);
	else
		for (uint32_t n = 0; n < i / 2; n++)
			buf_byte(b, n == 1 ? (char)('a' + i % 3) : n == i / 2 - 1 ? 'z' : 'k');
	buf_byte(b, '"');
}

/* Asked keys on three levels, in lines that are never alike: as many as are compared as they stand, or more. */
static void
many_keys(uint32_t keys)
{
	static const char *const gaps[] = { "", "", "", "", "", " ", "\t", "  " };
	struct pathset *ps = pathset_new();
	struct buf path = { 0 }, in = { 0 }, want = { 0 }, got = { 0 };
	char err[200];

	for (uint32_t i = 0; i < keys; i++)
		for (uint32_t level = 0; level < 3; level++) {
			buf_clear(&path);
			for (uint32_t l = 0; l < level; l++)
				buf_str(&path, "o.");
			key_text(&path, i);
			okf(pathset_add(ps, span_str(buf_cstr(&path)), err, sizeof err) != -1, "%s: %s", buf_cstr(&path), err);
		}
	for (uint32_t round = 0; round < 3000; round++) {
		uint32_t from = rnd(80), step = 1 + 2 * rnd(2);

		for (uint32_t level = 0; level < 3; level++) {
			buf_str(&in, level > 0 ? ",\"o\":{" : "{");
			for (uint32_t n = rnd(8), i = 0; i <= n; i++) {
				buf_fmt(&in, "%s%s", i > 0 ? "," : "", gaps[rnd(8)]);
				key_text(&in, (from + i * step + level) % 80);
				buf_fmt(&in, "%s:%s%u", gaps[rnd(8)], gaps[rnd(8)], rnd(1000));
			}
		}
		buf_str(&in, "}}}\n");
	}
	dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, buf_span(&in), &want);
	okf(strstr(buf_cstr(&want), "twice") == NULL, "no key stands twice");
	for (size_t k = 1; k < N_KERNELS; k++) {
		buf_clear(&got);
		dump_with(kernels[k], ps, (struct scan_conf){ 0 }, buf_span(&in), &got);
		okf(span_eq(buf_span(&got), buf_span(&want)), "%s", kernel_names[k]);
	}
	pathset_free(ps);
	buf_free(&path);
	buf_free(&in);
	buf_free(&want);
	buf_free(&got);
	ok_all("asked keys of any length, lines never alike");
}

/* Elements by the hundred, of arrays in arrays and of objects in them; more tokens in a row than a mask has bits. */
static void
many_elements(void)
{
	struct pathset *ps = pathset_new();
	struct buf line = { 0 }, want = { 0 }, got = { 0 };
	char err[200], name[40];

	for (int i = 0; i < 80; i++) {
		snprintf(name, sizeof name, "a[%d].x", 79 - i);
		okf(pathset_add(ps, span_str(name), err, sizeof err) == 3 * i, "%s", name);
		snprintf(name, sizeof name, "b[%d][1]", 79 - i);
		okf(pathset_add(ps, span_str(name), err, sizeof err) == 3 * i + 1, "%s", name);
		snprintf(name, sizeof name, "c[%d]", 2 * i);
		okf(pathset_add(ps, span_str(name), err, sizeof err) == 3 * i + 2, "%s", name);
	}
	for (int n = 76; n < 84; n++) {
		buf_str(&line, "{\"c\":[0");
		for (int i = 1; i < 2 * n; i++)
			buf_fmt(&line, "%s%d%s", i % 9 == 0 ? ",[" : ",", i, i % 9 == 0 ? "]" : "");
		buf_str(&line, "],\"a\":[{}");
		for (int i = 1; i < n; i++)
			buf_fmt(&line, "%s%d%s", i % 7 == 0 ? "," : ",{\"y\":[],\"x\":", i, i % 7 == 0 ? "" : "}");
		buf_str(&line, "],\"b\":[[]");
		for (int i = 1; i < n; i++)
			buf_fmt(&line, "%s%d%s", i % 5 == 0 ? ",[" : ",[[],{\"x\":", i, i % 5 == 0 ? "]" : "},1]");
		buf_str(&line, "]}\n");
	}
	buf_room(&line, line.n);	/* each line twice */
	buf_add(&line, line.p, line.n);
	dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, buf_span(&line), &want);
	for (size_t k = 1; k < N_KERNELS; k++) {
		buf_clear(&got);
		dump_with(kernels[k], ps, (struct scan_conf){ 0 }, buf_span(&line), &got);
		okf(span_eq(buf_span(&got), buf_span(&want)), "%s", kernel_names[k]);
	}
	okf(strstr(buf_cstr(&want), " 7/0@") != NULL && strstr(buf_cstr(&want), " 4/0@") != NULL, "values are found");
	pathset_free(ps);
	buf_free(&line);
	buf_free(&want);
	buf_free(&got);
	ok_all("elements of many arrays");
}

/* All sequences of up to `len` of these, inside a prefix and a suffix: what the grammar is, to the last case. */
static void
every_sequence(void)
{
	static const char *const part[] = { "{", "}", "[", "]", ",", ":", "\"a\"", "1", "true", " " };
	static const struct { const char *before, *behind; size_t len; } in[] = {
		{ "", "", 5 }, { "{", "}", 5 }, { "[", "]", 4 }, { "{\"a\":", "}", 4 }, { "{\"a\":[", "]}", 4 },
	};
	struct pathset *ps = paths((const char *[]){ "a", "a[0]", "a[1]", "a.a", NULL });
	struct buf lines_ = { 0 }, want = { 0 }, got = { 0 };

	for (size_t w = 0; w < sizeof in / sizeof in[0]; w++) {
		size_t count = 1;

		for (size_t len = 1; len <= in[w].len; len++) {
			count *= 10;
			buf_clear(&lines_);
			for (size_t i = 0; i < count; i++) {
				buf_str(&lines_, in[w].before);
				for (size_t d = 1, k = i; d <= len; d++, k /= 10)
					buf_str(&lines_, part[k % 10]);
				buf_str(&lines_, in[w].behind);
				buf_byte(&lines_, '\n');
			}
			buf_clear(&want);
			dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ .any = true }, buf_span(&lines_), &want);
			for (size_t k = 1; k < N_KERNELS; k++) {
				buf_clear(&got);
				dump_with(kernels[k], ps, (struct scan_conf){ .any = true }, buf_span(&lines_), &got);
				okf(span_eq(buf_span(&got), buf_span(&want)), "%s: %s...%s, %zu parts", kernel_names[k],
				    in[w].before, in[w].behind, len);
			}
		}
	}
	ok_all("every sequence of up to five tokens, bare and in brackets");
	pathset_free(ps);
	buf_free(&lines_);
	buf_free(&want);
	buf_free(&got);
}

/* Lines that share a shape but for a key, an empty object, a value's kind. */
static void
almost_alike(void)
{
	static const char *const alike[] = {
		"{\"a long key, number 1\":1}", "{\"a long key, number 2\":1}", "{\"a long key, numbe\\u0072 1\":1}",
		"{\"a\":{}}", "{\"a\":{1}}", "{\"a\":{\"b\"}}", "{\"a\":{\r}}", "{\"a\":[]}", "{\"a\":[1]}", "{\"a\":[ ]}", "{\"a\":[\r]}",
		"{\"a\":1}", "{\"b\":1}", "{\"a\": 1}", "{\"a\":1 }", " {\"a\":1}", "{\"a\":1} ", "{ \"a\":1}", "{1:2}", "{true:2}",
		"{\"a\":\"x\"}", "{\"a\":\"\\n\"}", "{\"a\":null}", "{\"a\":tru}", "{\"a\":01}", "x{\"a\":1}", "{\"a\":1}x", "1{\"a\":1}",
		"\"s\"{\"a\":1}", "{\"a\":1}1", "{\"a\":1}\"s\"", "{\"a\":\"1\"x}", "{\"a\":x\"1\"}", "{\"a\":1true}", "{\"a\":true1}",
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", "{\"b\":1,\"b\":2}",
		"{  \"a\":1}", "{\t\"b\":1,\t \"a\":2}", "{\"b\":2 ,\r\"a\" :1}", "{\"b\":\"\\\\\",\"a\":1}", "{\"b\\n\":1,\"a\":2}",
		"{\"b\":\"\\\"\",\"\\u0061\":\"\\n\"}", "{\"ab\":1,\"a\":\"\\t\",\"aa\":\"\\\\\"}", "{\"\":1,\"a\":[[1],2]}",
	};
	struct pathset *ps = paths((const char *[]){ "a", "\"a long key, number 1\"", "a[0]", NULL });
	struct buf in = { 0 }, want = { 0 }, got = { 0 };

	for (size_t i = 0; i < 3000; i++) {
		buf_str(&in, alike[rnd(sizeof alike / sizeof alike[0])]);
		buf_byte(&in, '\n');
	}
	dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, buf_span(&in), &want);
	for (size_t k = 1; k < N_KERNELS; k++) {
		buf_clear(&got);
		dump_with(kernels[k], ps, (struct scan_conf){ 0 }, buf_span(&in), &got);
		okf(span_eq(buf_span(&got), buf_span(&want)), "%s", kernel_names[k]);
	}
	ok_all("lines that are almost alike");
	pathset_free(ps);
	buf_free(&in);
	buf_free(&want);
	buf_free(&got);
}

static void
value(struct buf *b, int depth)
{
	static const char *const scalars[] = { "1", "-0", "0", "12.50", "-0.5e-3", "1E+5", "1e-05", "true", "false", "null",
	    "\"\"", "\"x\"", "\"\\\"\\\\\"", "\"\\u00e9\\ud83d\\ude00\"", "\"\xE4\xB8\xAD\xF0\x9F\x98\x80\"" };
	static const char *const keys[] = { "a", "b", "c", "d", "e", "\\u0061", "a rather long key, more than 16 bytes", "" };
	static const char *const gaps[] = { "", "", "", "", " ", "\t", "  " };
	bool object = depth == 0 || rnd(2) == 0;
	uint32_t n = rnd(4);

	if (depth > 0 && (depth > 4 || rnd(3) == 0)) {
		switch (rnd(6)) {
		case 0:
			for (uint32_t i = 1 + rnd(80); i > 0; i--)
				buf_byte(b, (char)('1' + rnd(9)));
			break;
		case 1:
			buf_byte(b, '"');
			for (uint32_t i = rnd(150); i > 0; i--)
				buf_str(b, rnd(20) == 0 ? "\\n" : rnd(20) == 0 ? "\xC3\xA9" : "k");
			buf_byte(b, '"');
			break;
		default:
			buf_str(b, scalars[rnd(sizeof scalars / sizeof scalars[0])]);
		}
		return;
	}
	buf_byte(b, object ? '{' : '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0) {
			buf_byte(b, ',');
			buf_str(b, gaps[rnd(7)]);
		}
		if (object) {
			buf_fmt(b, "\"%s\":", keys[rnd(8)]);
			buf_str(b, gaps[rnd(7)]);
		}
		value(b, depth + 1);	/* the generator may recurse; the scanner does not */
		if (rnd(20) == 0)
			buf_byte(b, ' ');
	}
	buf_byte(b, object ? '}' : ']');
}

static void
mutate(struct buf *b, size_t from)
{
	static const char pool[] = "\\\"{}[]:,0123456789.-+eEtrufalsn \t\r\n\x1f\x7f\x80\xbf\xc0\xc3\xe4\xed\xf0\xf4\xff";
	size_t n = b->n - from, at;

	if (n == 0)
		return;
	at = from + rnd((uint32_t)n);
	switch (rnd(4)) {
	case 0:
		b->p[at] = pool[rnd(sizeof pool)];
		break;
	case 1:
		b->p[at] = (char)(b->p[at] ^ 1 << rnd(8));
		break;
	case 2:
		memmove(b->p + at, b->p + at + 1, b->n - at - 1);
		b->n--;
		break;
	default:
		b->n = at;
	}
}

static void
lines(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = b->n;

		value(b, 0);
		for (uint32_t m = rnd(3); m > 0 && rnd(2) == 0; m--)
			mutate(b, from);
		if (rnd(30) == 0)
			buf_byte(b, '\r');
		buf_byte(b, '\n');
		if (rnd(4) == 0) {	/* shapes come again */
			size_t len = b->n - from;

			buf_room(b, len);
			buf_add(b, b->p + from, len);
		}
	}
}

static void
kernels_agree(void)
{
	struct pathset *ps = paths((const char *[]){ "a", "a.b", "b[0]", "b[1].a", "c", "/d/0", "d.a", NULL });
	struct buf in = { 0 }, want = { 0 }, got = { 0 };

	for (int round = 0; round < 40; round++) {
		buf_clear(&in);
		buf_clear(&want);
		lines(&in, 400);
		dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ .any = round % 2 }, buf_span(&in), &want);
		for (size_t k = 1; k < N_KERNELS; k++) {
			buf_clear(&got);
			dump_with(kernels[k], ps, (struct scan_conf){ .any = round % 2 }, buf_span(&in), &got);
			okf(span_eq(buf_span(&got), buf_span(&want)), "%s, round %d, seed %llu", kernel_names[k], round,
			    (unsigned long long)seed);
		}
	}
	ok_all("kernels agree on generated and mutated lines");

	/* Every cut of one text into two blocks at a line end, every length of its last line, and every alignment. */
	for (size_t k = 0; k < N_KERNELS; k++) {
		buf_clear(&in);
		lines(&in, 60);
		for (size_t cut = 0; cut <= in.n; cut++) {
			struct scan *s;

			if (cut > 0 && cut < in.n && in.p[cut - 1] != '\n')
				continue;
			buf_clear(&want);
			buf_clear(&got);
			dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, buf_span(&in), &want);
			s = scan_new(ps, &(struct scan_conf){ .kernel = kernels[k] });
			dump(s, ps->n, span_of(in.p, cut), &got);
			dump(s, ps->n, span_from(buf_span(&in), cut), &got);
			scan_free(s);
			okf(span_eq(buf_span(&got), buf_span(&want)), "%s: cut at %zu", kernel_names[k], cut);
		}
		for (size_t end = in.n > 300 ? in.n - 300 : 0; end < in.n; end++) {
			buf_clear(&want);
			buf_clear(&got);
			dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, span_of(in.p, end), &want);
			dump_with(kernels[k], ps, (struct scan_conf){ 0 }, span_of(in.p, end), &got);
			okf(span_eq(buf_span(&got), buf_span(&want)), "%s: ends at %zu", kernel_names[k], end);
		}
	}
	ok_all("all block splits, all last lines");
	pathset_free(ps);
	buf_free(&in);
	buf_free(&want);
	buf_free(&got);
}

/* Each part at every place around the edges of 64 bytes, windows and the 32-byte halves. */
static void
edges(void)
{
	static const char *const parts[] = { "1", "0", "-0", "00", "-01", "1.5", "1..5", "1.5.5", "1.", ".5", "1e5", "1e-05",
	    "1e", "-", "1-1", "true", "false", "null", "truex", "\"\\\\\"", "\"\\\\\\\"\"", "\"\\u00e9\"", "\"\\u00g9\"",
	    "\"\\ud83d\\ude00\"", "\"\\ud83dx\"", "\"\\ude00\"",
	    "\"\\\\ud83d\\ude00\"", "\"\\\\\\uD83D\\uDE00\"", "\"\\ud83d\\ud83d\\ude00\"", "\"\\ude00\\ud83d\"",
	    "\"\\udbff\\udfff\\ude00\"", "\"\\ud83d\\\\ude00\"", "\"\\ud83d\\nde00\"", "\"\\ud83d\\u0e00\"", "\"\\ud83d\\udb00\"",
	    "\"\xC3\xA9\"", "\"\xE4\xB8\xAD\"", "\"\xF0\x9F\x98\x80\"",
	    "\"\xF0\x9F\x98\"", "\"\xE4\xB8\"", "\"\xC3\"", "\"\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
	    "\"\xC0\xAF\"", "\"\x1F\"", "\"x", "x\"", "\"\"", "\"a\"\"b\"", "{}", "[]", "[,]", "{\"b\"}", "[1 2]", "{ }",
	    "\"\\\n\"", "\"\xE4\n\"" };
	struct pathset *ps = paths((const char *[]){ "a", "z", "a[0]", NULL });
	struct buf in = { 0 }, want = { 0 }, got = { 0 };
	char digits[81];

	memset(digits, '7', sizeof digits);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] + 80; i++) {
		buf_clear(&in);
		for (size_t pad = 0; pad < 140; pad++) {
			buf_fmt(&in, "{\"p\":\"%*s\",\"a\":", (int)pad, "");
			if (i < 80)
				buf_add(&in, digits, i + 1);
			else
				buf_str(&in, parts[i - 80]);
			buf_str(&in, ",\"z\":1}\n");
		}
		buf_clear(&want);
		dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, buf_span(&in), &want);
		for (size_t k = 1; k < N_KERNELS; k++) {
			buf_clear(&got);
			dump_with(kernels[k], ps, (struct scan_conf){ 0 }, buf_span(&in), &got);
			okf(span_eq(buf_span(&got), buf_span(&want)), "%s: %s", kernel_names[k],
			    i < 80 ? "digits" : parts[i - 80]);
		}
	}
	ok_all("numbers of 1..80 digits, escapes, UTF-8 and words around 64-byte edges");

	/* Lines about as long as a window, and many more in one than a batch holds. */
	for (size_t n = 32768 - 40; n < 32768 + 40; n++) {
		buf_clear(&in);
		buf_clear(&want);
		buf_fmt(&in, "{\"a\":1}\n{\"a\":\"%*s\",\"z\":[true]}\n{\"a\":2,\"z\":\"\\n\"}\n", (int)n - 30, "");
		dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, buf_span(&in), &want);
		for (size_t k = 1; k < N_KERNELS; k++) {
			buf_clear(&got);
			dump_with(kernels[k], ps, (struct scan_conf){ 0 }, buf_span(&in), &got);
			okf(span_eq(buf_span(&got), buf_span(&want)), "%s: a line of %zu", kernel_names[k], n);
		}
	}
	buf_clear(&in);
	buf_clear(&want);
	for (int i = 0; i < 20000; i++)
		buf_str(&in, i % 7 == 0 ? "\n" : i % 5 == 0 ? "{\"a\":[2]}\n" : "{}\n");
	dump_with(KERNEL_PLAIN, ps, (struct scan_conf){ 0 }, buf_span(&in), &want);
	for (size_t k = 1; k < N_KERNELS; k++) {
		buf_clear(&got);
		dump_with(kernels[k], ps, (struct scan_conf){ 0 }, buf_span(&in), &got);
		okf(span_eq(buf_span(&got), buf_span(&want)), "%s: short lines", kernel_names[k]);
	}
	ok_all("lines around the window's size, short and blank lines");
	pathset_free(ps);
	buf_free(&in);
	buf_free(&want);
	buf_free(&got);
}

/* The derived tables: what kernels rely on. */
static void
tables(void)
{
	static const struct { enum class a, b; bool may; } pair[] = {
		{ C_LF, C_OPEN, true }, { C_CLOSE, C_LF, true }, { C_CLOSE, C_CR, true }, { C_CR, C_LF, true },
		{ C_LF, C_LF, false }, { C_IN, C_LF, false }, { C_QUOTE, C_COLON, true }, { C_DIGIT, C_COLON, false },
		{ C_OTHER, C_COLON, false }, { C_CLOSE, C_COLON, false }, { C_COLON, C_COMMA, false },
		{ C_COLON, C_CLOSE, false }, { C_COMMA, C_CLOSE, false }, { C_OPEN, C_COMMA, false }, { C_OPEN, C_CLOSE, true },
		{ C_DIGIT, C_MINUS, false }, { C_OTHER, C_MINUS, true }, { C_MINUS, C_DIGIT, true }, { C_MINUS, C_OTHER, false },
		{ C_DIGIT, C_OTHER, true }, { C_QUOTE, C_IN, false }, { C_IN, C_QUOTE, true }, { C_DIGIT, C_IN, false },
		{ C_CLOSE, C_OPEN, false }, { C_QUOTE, C_DIGIT, false }, { C_DOT, C_CLOSE, false }, { C_BLANK, C_CLOSE, false },
		{ C_DIGIT, C_BLANK, false }, { C_COMMA, C_BLANK, true }, { C_BLANK, C_IN, true }, { C_QUOTE, C_OTHER, false },
		{ C_QUOTE, C_DOT, false }, { C_DIGIT, C_DOT, true }, { C_DOT, C_DOT, false }, { C_DIGIT, C_OPEN, false },
	};
	struct tables t;

	tables_init(&t);
	for (int b = 0; b < 256; b++) {
		int slot = b < 0x80 ? (b + t.hash_add[b >> 4]) & 15 : 0;
		bool hit = b < 0x80 && t.hash_key[slot] == b, nine = b >= '1' && b <= '9';

		okf(hit == (t.class_of[b] != C_OTHER && !nine), "byte %d", b);
		if (hit && b != '0')
			okf(t.hash_code[slot] == t.code[t.class_of[b]], "code of byte %d", b);
		okf(b >= 0x80 || ((b + t.hash_add[b >> 4]) & 0x80) == 0 || !hit, "bit 7 of byte %d", b);
	}
	for (size_t i = 0; i < sizeof pair / sizeof pair[0]; i++)
		okf(((t.allows[pair[i].a] & t.column[pair[i].b]) != 0) == pair[i].may, "%d before %d", pair[i].a, pair[i].b);
	ok_all("the tables derived from the grammar");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10);
	tables();
	reasons();
	limits();
	columns();
	many_paths();
	many_keys(40);
	many_keys(80);
	many_elements();
	every_sequence();
	almost_alike();
	edges();
	kernels_agree();
	okf(members_known > 100000 && members_wrong == 0, "%zu of %zu", members_wrong, members_known);
	ok_all("the members of a record, from its tokens");
	return done();
}
