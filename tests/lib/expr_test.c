/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr_test - expr against tests/expr/cases.tsv, whose answers tests/expr/oracle.py takes from
 * MariaDB; and what SQL lacks
 *
 *	expr_test			the tests
 *	expr_test dump <FILE		lines `EXPRESSION TAB RECORD`: their values
 */
#include "base/err.h"
#include "expr/call.h"
#include "expr/expr.h"
#include "in/scan.h"
#include "t.h"

#define CASES "tests/expr/cases.tsv"

static const struct expr_arg args[] = {
	{ { "day", 3 }, { "2024-11-20", 10 } }, { { "least", 5 }, { "12.5", 4 } },
	{ { "who", 3 }, { "it's", 4 } }, { { "bad", 3 }, { "\xff", 1 } },
	{ { "none", 4 }, { "", 0 } },
};

struct one {			/* an expression and a record, until one_end */
	struct pathset *ps;
	struct expr *e;
	struct expr_state *st;
	struct scan *scan;
	struct scanned got;
	struct batch b;
	char *block;
	char err[256];
};

static int
one_begin(struct one *o, struct span text, struct span json)
{
	struct expr_env env = { NULL, zone_open("Asia/Shanghai"), args,
		sizeof args / sizeof *args };
	int rc, col[PATHS_MAX];
	size_t n;

	memset(o, 0, sizeof *o);
	o->ps = env.paths = pathset_new();
	o->st = expr_state_new();
	if ((rc = expr_compile(text, &env, &o->e, o->err, sizeof o->err)) != 0)
		return rc;
	/* all paths are its own, so it reads every column */
	okf(expr_columns(o->e, col, PATHS_MAX, &n) && n == o->ps->n, "columns of %.*s: %zu of %zu", (int)text.n, text.p, n, o->ps->n);
	okf(n == 0 || !expr_columns(o->e, col, n - 1, &n), "fewer columns of %.*s", (int)text.n, text.p);
	o->block = calloc(1, json.n + 1 + BLOCK_PAD_BYTES);
	memcpy(o->block, json.p, json.n);
	o->scan = scan_new(o->ps, &(struct scan_conf){ 0 });
	scan_block(o->scan, o->block, json.n);
	if (!scan_next(o->scan, &o->got) || o->got.kind[0] != LINE_RECORD) {
		(void)snprintf(o->err, sizeof o->err, "the test's record is none");
		return EXIT_INPUT;
	}
	o->b.n = 1;
	o->b.line = o->got.line;
	o->b.col = o->got.col;
	return 0;
}

static void
one_end(struct one *o)
{
	scan_free(o->scan);
	expr_free(o->e);
	expr_state_free(o->st);
	pathset_free(o->ps);
	free(o->block);
}

/* A value as MariaDB's client prints it in batch mode. */
static void
show(const struct xval *x, struct buf *b)
{
	struct buf text = { 0 };

	if (x->tag == X_NULL) {
		buf_str(b, "NULL");
	} else if (x->tag == X_BOOL) {
		buf_str(b, x->b ? "1" : "0");
	} else if (x->tag == X_STR) {
		for (size_t i = 0; i < x->str.n; i++) {
			char c = x->str.p[i];
			const char *hit = c == '\0' ? NULL : strchr("\t\n\\", c);

			if (hit == NULL) {
				buf_byte(b, c);
			} else {
				buf_byte(b, '\\');
				buf_byte(b, c == '\t' ? 't' : c == '\n' ? 'n' : '\\');
			}
		}
	} else {
		expr_print(x, &text);
		buf_span_add(b, buf_span(&text));
	}
	buf_free(&text);
}

/*
 * The value of text over json, `!why` where the record is in error, `usage: why` where the text is
 * no expression.
 */
static const char *
value(struct span text, struct span json, struct buf *b)
{
	struct one o;
	struct xval x;
	const char *why;

	buf_clear(b);
	if (one_begin(&o, text, json) != 0) {
		buf_str(b, "usage: ");
		buf_str(b, o.err);
	} else if ((why = expr_eval(o.st, o.e, &o.b, 0, &x)) != NULL) {
		buf_byte(b, '!');
		buf_str(b, why);
	} else {
		show(&x, b);
	}
	one_end(&o);
	return buf_cstr(b);
}

static void
is_value(const char *text, const char *json, const char *want)
{
	struct buf b = { 0 };
	const char *got = value(span_str(text), span_str(json), &b);

	okf(strcmp(got, want) == 0, "%s over %s: got %s, want %s", text, json, got, want);
	buf_free(&b);
}

/* The value as it would stand in a record. */
static void
is_json(const char *text, const char *json, const char *want)
{
	struct buf b = { 0 };
	struct one o;
	struct xval x;

	if (one_begin(&o, span_str(text), span_str(json)) == 0 &&
	    expr_eval(o.st, o.e, &o.b, 0, &x) == NULL)
		expr_print(&x, &b);
	okf(span_is(buf_span(&b), want), "%s over %s: got %s, want %s", text, json, buf_cstr(&b),
	    want);
	one_end(&o);
	buf_free(&b);
}

/* Fields of a line of cases.tsv. */
static size_t
fields(struct span line, struct span *f, size_t max)
{
	size_t n = 0;

	for (;;) {
		const char *tab = memchr(line.p, '\t', line.n);
		size_t len = tab == NULL ? line.n : (size_t)(tab - line.p);

		f[n++] = span_of(line.p, len);
		if (tab == NULL || n == max)
			return n;
		line = span_from(line, len + 1);
	}
}

static void
cases(void)
{
	FILE *f = fopen(CASES, "r");
	char *line = NULL;
	size_t cap = 0, n = 0;
	ssize_t len;
	struct buf b = { 0 };
	struct span v[4];

	while (f != NULL && (len = getline(&line, &cap, f)) > 0) {
		struct span s = span_of(line, (size_t)len - (line[len - 1] == '\n'));
		const char *got, *colon;

		if (s.n == 0 || *s.p == '#' || fields(s, v, 4) < 3)
			continue;
		got = value(v[0], v[1], &b);
		if (v[2].n > 5 && memcmp(v[2].p, "ours ", 5) == 0 &&
		    (colon = memchr(v[2].p, ':', v[2].n)) != NULL)
			v[2] = span_from(v[2], (size_t)(colon - v[2].p) + 2);
		okf(span_is(v[2], got) || (span_is(v[2], "!") && *got == '!'),
		    "%.*s over %.*s: got %s, want %.*s", (int)v[0].n, v[0].p, (int)v[1].n, v[1].p,
		    got, (int)v[2].n, v[2].p);
		n++;
	}
	ok_all("as MariaDB says, or as docs/EXPRESSIONS.md says where we differ");
	ok(n >= 300, "at least 300 cases");
	free(line);
	buf_free(&b);
	if (f != NULL)
		(void)fclose(f);
}

/* What SQL has no words for: records. */
static void
records(void)
{
	is_value("a", "{}", "NULL");
	is_value("a.b.c", "{\"a\":{\"b\":{\"c\":\"x\"}}}", "x");
	is_value("a.b", "{\"a\":5}", "NULL");
	is_value("data[1].id", "{\"data\":[{\"id\":1},{\"id\":2}]}", "2");
	is_value("data[2].id", "{\"data\":[{\"id\":1},{\"id\":2}]}", "NULL");
	is_value(".end", "{\"end\":\"x\"}", "x");
	is_value("$.a", "{\"a\":1}", "1");
	is_value("row.case + row.and", "{\"row\":{\"case\":1,\"and\":2}}", "3");
	is_value("\"and\" = 'x'", "{\"and\":\"x\"}", "1");
	is_value("length", "{\"length\":3}", "3");
	is_value("if + replace", "{\"if\":3,\"replace\":4}", "7");
	is_value("date", "{\"date\":\"d\"}", "d");
	is_value("a.\"x y\"[0]", "{\"a\":{\"x y\":[7]}}", "7");
	is_value("@timestamp IS NULL", "{\"@timestamp\":1}", "0");
	is_value("\xe9\x87\x91\xe9\xa2\x9d > 1", "{\"\xe9\x87\x91\xe9\xa2\x9d\":2}", "1");
	is_value("a = 'x\"y'", "{\"a\":\"x\\\"y\"}", "1");
	is_value("a = '\xe4\xbd\xa0'", "{\"a\":\"\\u4f60\"}", "1");
	is_value("a <> '\xe4\xbd\xa0'", "{\"a\":\"\\u4f60\"}", "0");
	is_value("a", "{\"a\":\"\\u4f60\\n\"}", "\xe4\xbd\xa0\\n");
	is_value("length(a)", "{\"a\":\"x\\u0000y\"}", "3");
	is_value("a IS NULL", "{\"a\":[]}", "0");
	is_value("a = 1", "{\"a\":[1]}", "!an array or an object is no plain value");
	is_value("a || 'x'", "{\"a\":{}}", "!an array or an object is no plain value");
	is_value("a IN (1,2)", "{\"a\":{}}", "!an array or an object is no plain value");
	is_value("NOT a", "{\"a\":{}}", "!an array or an object is no plain value");
	is_value("CAST(a AS CHAR)", "{\"a\":{\"b\": 1}}", "{\"b\": 1}");
	is_value("md5(CAST(a AS CHAR))", "{\"a\":[]}", "d751713988987e9331980363e24189ce");
	is_value("a", "{\"a\":1,\"a\":2}", "usage: the test's record is none");
	is_value("b", "{\"a\":1,\"a\":2,\"b\":3}", "3");
	is_value("a > 1", "{\"a\":1e400}", "!number outside 10^38");
	is_value("a > 1", "{\"a\":1e-400}", "!more than 38 digits behind the decimal point");
	is_value("a = 0", "{\"a\":-0.0e5}", "1");
	is_value("a + 1", "{\"a\":9007199254740993}", "9007199254740994");
	is_value("a IN (1,'x')", "{\"a\":\"1\"}", "1");
	is_value("CASE WHEN a > 0 THEN 1 ELSE 1/0 END", "{\"a\":\"x\"}",
	    "!a text that is no number meets a number");
	is_value("a IS NOT NULL AND a > 1", "{}", "0");
	is_value("a = 'x' AND b > 1", "{\"a\":\"y\",\"b\":\"no number\"}", "0");
	is_value("coalesce(a, b > 'x')", "{\"a\":1,\"b\":5}", "1");
	is_value("if(TRUE, 1, a > 1)", "{\"a\":\"x\"}", "1");
	is_value("split_part('a,b', ',', 3) || '.'", "{}", ".");
	is_value("split_part('a,b', ',', -3) || '.'", "{}", ".");
	is_value("split_part('a,b', ',', -2)", "{}", "a");
	is_value("split_part('a,b', '', 1)", "{}", "a,b");
	is_value("split_part('a,b', ',', 0)", "{}", "!split_part counts from 1");
	is_value("a ~ '^(a+)+$'", "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}",
	    "!a pattern took too many steps on a text");
	ok_all("records");
	is_json("a", "{\"a\":1.10}", "1.10");
	is_json("a", "{\"a\":1e400}", "1e400");
	is_json("a", "{\"a\": \"x\\u0041\\/\"}", "\"x\\u0041\\/\"");
	is_json("a", "{\"a\":{\"b\" : [1 , 2]}}", "{\"b\" : [1 , 2]}");
	is_json("a", "{\"a\":null}", "null");
	is_json("a", "{}", "null");
	is_json("a + 0", "{\"a\":1.10}", "1.10");
	is_json("a || ''", "{\"a\":\"x\\u0041\\/\\n\"}", "\"xA/\\n\"");
	is_json("a = 1", "{\"a\":1}", "true");
	is_json("coalesce(a, b)", "{\"b\":1.0e1}", "1.0e1");
	is_json("CASE WHEN TRUE THEN a END", "{\"a\":[1]}", "[1]");
	is_json("-a", "{\"a\":-0}", "0");
	is_json("'\"' || a", "{\"a\":\"\\t\\u0001\"}", "\"\\\"\\t\\u0001\"");
	ok_all("values in records");
}

static void
times(void)
{
	is_value("date_trunc('hour', t)", "{\"t\":\"2024-11-20T08:59:59+08:00\"}",
	    "2024-11-20T08:00:00+08:00");
	is_value("date_trunc('day', t)", "{\"t\":\"2024-11-19T23:30:00Z\"}",
	    "2024-11-20T00:00:00+08:00");
	is_value("date_trunc('second', t)", "{\"t\":1732060800123456}", "1732060800000");
	is_value("date_trunc('millisecond', t)", "{\"t\":1732060800123456}", "1732060800123");
	is_value("to_timestamp(t)", "{\"t\":1732060800123456}", "1732060800123.456");
	is_value(
	    "date_format(to_timestamp(t), '%T.%f')", "{\"t\":1732060800123456}", "08:00:00.123456");
	is_value("to_timestamp(to_timestamp(t))", "{\"t\":1732060800123456}", "1732060800123.456");
	is_value(
	    "date_format(t, '%F')", "{\"t\":173206080}", "!not 10, 13 or 16 digits: say the unit");
	is_value("date_format(t, '%F')", "{\"t\":1732060800.5}", "!a time is a whole number");
	is_value("date_format(t, '%F')", "{\"t\":true}", "!not a time");
	is_value("date_format(t, '%Q')", "{\"t\":1732060800}",
	    "!unknown letter behind % in a time format");
	is_value("date_trunc('fortnight', t)", "{\"t\":1732060800}",
	    "!a unit is millisecond, second, minute, hour, day, week, month, quarter or year");
	is_value("date_add('day', 1.5, t)", "{\"t\":1732060800}",
	    "!date_add takes a whole number of units");
	is_value("date_add('year', 99999999999, t)", "{\"t\":1732060800}",
	    "!time outside the years 0001 to 9999");
	is_value("date_add('day', 1, t)", "{\"t\":\"2024-11-20T00:00:00Z\"}",
	    "2024-11-21T08:00:00+08:00");
	is_value(
	    "date_diff('day', a, b)", "{\"a\":\"2024-11-19T15:59:59Z\",\"b\":1732032000}", "1");
	is_value("date_diff('week', a, b)", "{\"a\":\"2024-11-24\",\"b\":\"2024-11-25\"}", "1");
	is_value("date_diff('quarter', a, b)", "{\"a\":\"2024-03-31\",\"b\":\"2024-04-01\"}", "1");
	is_value("date_diff('millisecond', a, b)", "{\"a\":1732060800,\"b\":1732060800123}", "123");
	is_value("to_timestamp(a, '%d/%b/%Y:%T %z')", "{\"a\":\"20/Nov/2024:00:00:00 +0000\"}",
	    "1732060800000");
	is_value("CAST(a AS DATE)", "{\"a\":\"2024-11-19T23:30:00Z\"}", "2024-11-20");
	is_value("CAST(:day AS DATE) = '2024-11-20'", "{}", "1");
	ok_all("times");
}

static void
arguments(void)
{
	is_value("a > :least", "{\"a\":12.6}", "1");
	is_value("a = :who", "{\"a\":\"it's\"}", "1");
	is_value(":none IS NULL", "{}", "0");
	is_value(":none = 1", "{}", "!a text that is no number meets a number");
	is_value("a IN (:who, :day)", "{\"a\":\"2024-11-20\"}", "1");
	is_value("a ~ :day", "{\"a\":\"x2024-11-20y\"}", "1");
	is_value(":missing", "{}", "usage: column 1: no --arg missing=\xe2\x80\xa6");
	is_value("a = :bad", "{}", "usage: column 5: not UTF-8");
	is_value(":", "{}", "usage: column 1: a name of --arg belongs behind the colon");
	ok_all("arguments");
}

static void
mistakes(void)
{
	static const struct { const char *text, *want; } v[] = {
		{ "", "column 1: a value expected, but the expression ends" },
		{ "a =", "column 4: a value expected, but the expression ends" },
		{ "a b", "column 3: an operator or the end expected, not b" },
		{ "a == 1", "column 3: equality is written =" },
		{ "a && b", "column 3: write AND" },
		{ "!a", "column 1: write NOT, or != for unequal" },
		{ "a = 'x", "column 5: the quote is not closed" },
		{ "\"a", "column 1: the quote is not closed" },
		{ "(a", "column 3: ) expected, but the expression ends" },
		{ "a)", "column 2: an operator or the end expected, not )" },
		{ "foo(a)", "column 1: no function foo" }, { "now()", "column 1: no function now" },
		{ "abs()", "column 1: abs takes 1 argument, not 0" },
		{ "abs(a,b)", "column 1: abs takes 1 argument, not 2" },
		{ "substr(a)", "column 1: substr takes 2 to 3 arguments, not 1" },
		{ "concat()", "column 1: concat takes 1 or more arguments, not 0" },
		{ "if(a,b)", "column 7: , and the value for else expected, not )" },
		{ "a IN ()", "column 7: a value expected, not )" },
		{ "a IN (1) IN (2)", "column 10: an operator or the end expected, not IN" },
		{ "a LIKE 'x' LIKE 'y'", "column 12: an operator or the end expected, not LIKE" },
		{ "a IN (1) + 1", "column 10: an operator or the end expected, not +" },
		{ "a NOT 1", "column 7: IN, BETWEEN or LIKE expected, not 1" },
		{ "a IS 1", "column 6: NULL expected, not 1" },
		{ "a BETWEEN 1", "column 12: AND expected, but the expression ends" },
		{ "a BETWEEN 1 OR 2", "column 13: AND expected, not OR" },
		{ "end = 1", "column 1: a value expected, not end" },
		{ "1 + NOT a", "column 5: a value expected, not NOT" },
		{ "CASE a END", "column 8: WHEN expected, not END" },
		{ "CASE WHEN a END", "column 13: THEN expected, not END" },
		{ "CASE WHEN a THEN 1", "column 19: END expected, but the expression ends" },
		{ "CAST(a AS BLOB)",
		    "column 11: a type (DECIMAL, BIGINT, CHAR, DATE, DATETIME) expected, not "
		    "BLOB" },
		{ "CAST(a AS DECIMAL(77))", "column 19: a type with these digits is not known" },
		{ "CAST(a AS DECIMAL(2,3))",
		    "column 11: DECIMAL(p,s) holds at most 38 digits on either side of the point" },
		{ "CAST(a AS DATETIME(7))", "column 20: a type with these digits is not known" },
		{ "CAST(a)", "column 7: AS expected, not )" },
		{ "a ~ b", "column 5: the pattern of ~ is a constant text" },
		{ "a ~ '('", "column 5: pattern, character 2: missing closing parenthesis" },
		{ "a LIKE 'x' ESCAPE '%'",
		    "column 19: a quoted ASCII character expected, not '%'" },
		{ "a LIKE 'x' ESCAPE 'xy'",
		    "column 19: a quoted ASCII character expected, not 'xy'" },
		{ "1abc", "column 1: not a number" },
		{ "1.2.3", "column 1: not a number" },
		{ "1e", "column 1: not a number" },
		{ "1e39", "column 1: number outside 10^38" },
		{ "/a/b = 1",
		    "column 1: a value expected; in an expression a JSON Pointer is written as a "
		    "path: a.b[0]" },
		{ "a[", "column 2: the bracket is not closed" },
		{ "'\xe4\xbd\xa0' = b c", "column 9: an operator or the end expected, not c" },
		{ "a = '\xff'", "column 1: not UTF-8" },
		{ "a ; b", "column 3: a character that no expression has here" },
	};
	struct buf b = { 0 }, deep = { 0 };

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		const char *got = value(span_str(v[i].text), span_str("{}"), &b);

		okf(strncmp(got, "usage: ", 7) == 0 && strcmp(got + 7, v[i].want) == 0,
		    "%s: got %s, want %s", v[i].text, got, v[i].want);
	}
	ok_all("what is no expression, and where");
	is_value("a..b", "{}", "usage: column 1: path 'a..b': column 3: a name is missing");
	ok_all("paths are judged by in/path");

	for (int i = 0; i < 199; i++)
		buf_byte(&deep, '(');
	buf_byte(&deep, '1');
	for (int i = 0; i < 199; i++)
		buf_byte(&deep, ')');
	is_str(value(buf_span(&deep), span_str("{}"), &b), "1", "199 parentheses");
	buf_clear(&deep);
	for (int i = 0; i < 100000; i++)
		buf_byte(&deep, '(');
	is_str(value(buf_span(&deep), span_str("{}"), &b), "usage: column 201: nested too deeply",
	    "100,000 parentheses");
	buf_clear(&deep);
	buf_str(&deep, "0");
	for (int i = 0; i < 50000; i++)
		buf_str(&deep, " OR a = 1");
	is_str(value(buf_span(&deep), span_str("{\"a\":1}"), &b), "1", "50,000 ORs are no depth");
	buf_clear(&deep);
	buf_str(&deep, "a IN (0");
	for (int i = 1; i < 65000; i++)
		buf_fmt(&deep, ",%d", i);
	buf_str(&deep, ")");
	is_str(value(buf_span(&deep), span_str("{\"a\":64999}"), &b), "1", "a list of 65,000");
	buf_clear(&deep);
	buf_str(&deep, "replace(replace(replace(replace(a,'x',b),'x',b),'x',b),'x',b)");
	is_str(value(buf_span(&deep),
		   span_str("{\"a\":\"xxxxxxxxxxxxxxxxxxxx\",\"b\":"
			    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
		   &b),
	    "!a text longer than 16 MiB", "a text cannot explode");
	buf_free(&deep);
	buf_free(&b);
}

/* Three answers and an error; and a state that serves many. */
static void
conditions(void)
{
	static const struct { const char *text, *json; int want; } v[] = {
		{ "a > 1", "{\"a\":2}", 1 }, { "a > 1", "{\"a\":1}", 0 }, { "a > 1", "{}", -1 },
		{ "a > 1", "{\"a\":\"x\"}", -2 }, { "a", "{\"a\":true}", 1 },
		{ "a", "{\"a\":0}", 0 }, { "a", "{\"a\":\"yes\"}", -2 }, { "a", "{\"a\":[]}", -2 },
	};
	struct one o;
	const char *why;

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		int got = one_begin(&o, span_str(v[i].text), span_str(v[i].json)) == 0
		    ? expr_test(o.st, o.e, &o.b, 0, &why)
		    : 99;
		int8_t all = 99;
		const char *again = NULL;

		if (got != 99)
			expr_tests(o.st, o.e, &o.b, &all, &again);
		okf(all == got, "%s over %s: of a batch %d", v[i].text, v[i].json, all);
		okf(got == v[i].want && (got == -2) == (why != NULL), "%s over %s: got %d",
		    v[i].text, v[i].json, got);
		one_end(&o);
	}
	ok_all("conditions");
	(void)one_begin(&o, span_str("a.b"), span_str("{}"));
	is_int(expr_column(o.e), 0, "a bare path knows its column");
	one_end(&o);
	(void)one_begin(&o, span_str("a.b + 1"), span_str("{}"));
	is_int(expr_column(o.e), -1, "what is more has none");
	one_end(&o);
}

/* ---- conditions over a batch, against the same record by record ---- */

static uint32_t dice_state = 1;

static unsigned
dice(unsigned n)
{
	dice_state = dice_state * 1664525u + 1013904223u;
	return (dice_state >> 8) % n;
}

static const char *
any_of(const char *const *v, size_t n)
{
	return v[dice((unsigned)n)];
}

#define ANY(v) any_of(v, sizeof v / sizeof *v)

static void
question(struct buf *b)
{
	static const char *const path[] = { "a", "b", "c.d" };
	static const char *const sign[] = { "=", "<>", "<", "<=", ">", ">=" };
	static const char *const number[] = { "0", "1", "-1", "12.5", "12.50", "100000000", "1e2", "0.001", "-12.345678901234567",
		"999999999999999999", "1000000000000000000", "123456789012345678901234567890", ":least", "'12.5'", "'7'", "true" };
	static const char *const text[] = { "''", "'a'", "'ab'", "'abc'", "'abcd'", "'abcdefgh'", "'abcdefghi'", "'abcdefghij'",
		"'it''s'", "'12.5'", "'\xe4\xb8\xad'", ":who", ":day" };
	static const char *const pattern[] = { "'^a'", "'^[a-z]+$'", "'b'", "'^$'", "'^mid_[0-9]+$'", "'(a|ab)c'", "'(?i)^AB'", "'.'" };
	unsigned n = 1 + dice(4);

	switch (dice(11)) {
	case 0:
		buf_fmt(b, "%s IS %sNULL", ANY(path), dice(2) ? "NOT " : "");
		break;
	case 1:
		buf_fmt(b, "%s %s %s", ANY(path), ANY(sign), ANY(text));
		break;
	case 2:
		buf_fmt(b, "%s %s %s", ANY(path), ANY(sign), ANY(number));
		break;
	case 3:
		buf_fmt(b, "%s %s %s", ANY(number), ANY(sign), ANY(path));
		break;
	case 4:
		buf_fmt(b, "%s %sBETWEEN %s AND %s", ANY(path), dice(2) ? "NOT " : "", ANY(number), ANY(number));
		break;
	case 5:
	case 6:
		buf_fmt(b, "%s %sIN (", ANY(path), dice(2) ? "NOT " : "");
		for (unsigned texts = dice(2); n > 0; n--)
			buf_fmt(b, "%s%s", texts ? ANY(text) : ANY(number), n > 1 ? ", " : dice(8) ? ")" : ", NULL)");
		break;
	case 7:
		buf_fmt(b, "%s ~ %s", ANY(path), ANY(pattern));
		break;
	case 8:
		buf_fmt(b, "if(%s > 1, %s, %s IS NULL AND NOT %s = 1)", ANY(path), ANY(path), ANY(path), ANY(path));
		break;
	case 9:
		buf_fmt(b, "CASE WHEN %s = 1 THEN %s ELSE NOT %s END", ANY(path), ANY(path), ANY(path));
		break;
	default:
		buf_fmt(b, "%s", dice(2) ? ANY(path) : "coalesce(a, NOT b)");
	}
}

/* Questions with AND, OR, NOT and parentheses between them. */
static void
condition(struct buf *b)
{
	unsigned n = 1 + dice(6), open = 0;

	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_str(b, dice(2) ? " AND " : " OR ");
		if (dice(4) == 0)
			buf_str(b, "NOT ");
		if (dice(3) == 0) {
			buf_byte(b, '(');
			open++;
		}
		question(b);
		if (open > 0 && dice(3) == 0) {
			buf_byte(b, ')');
			open--;
		}
	}
	for (; open > 0; open--)
		buf_byte(b, ')');
}

static void
lines_of(struct buf *b, unsigned n)
{
	static const char *const v[] = { "null", "0", "-0", "1", "-1", "12.5", "12.50", "1.25e1", "125E-1", "100", "99999999", "100000000",
		"1234567890123", "0.001", "0.0010000000000000", "-12.345678901234567", "999999999999999999", "1000000000000000000",
		"123456789012345678901234567890", "1e-30", "1e99", "true", "false", "[]", "{\"d\":1}", "\"\"", "\"a\"",
		"\"ab\"", "\"abc\"", "\"abcd\"", "\"abcdefgh\"", "\"abcdefghi\"", "\"abcdefghij\"", "\"it's\"", "\"\\u0061bc\"",
		"\"12.5\"", "\"7\"", "\"mid_123\"", "\"mid_\"", "\"\xe4\xb8\xad\"", "\"x\\ny\"", "\"2024-11-20\"" };

	while (n-- > 0) {
		buf_fmt(b, "{\"a\":%s", ANY(v));
		if (dice(8) > 0)
			buf_fmt(b, ",\"b\":%s", ANY(v));
		buf_fmt(b, ",\"c\":{\"d\":%s}}\n", ANY(v));
	}
}

/* How many answers of each sort there were: all must have been met. */
static void
batch_alike(const char *text, struct span lines, unsigned long met[4])
{
	struct expr_env env = { pathset_new(), zone_open("Asia/Shanghai"), args, sizeof args / sizeof *args };
	struct expr_state *st = expr_state_new(), *other = expr_state_new();
	int8_t is[BATCH_RECORDS_MAX];
	const char *why[BATCH_RECORDS_MAX], *w;
	struct scanned got;
	struct expr *e;
	struct scan *scan;
	char err[256];

	if (!okf(expr_compile(span_str(text), &env, &e, err, sizeof err) == 0, "%s: %s", text, err))
		return;
	scan = scan_new(env.paths, &(struct scan_conf){ 0 });
	scan_block(scan, lines.p, lines.n);
	while (scan_next(scan, &got)) {
		struct batch b = { .n = got.n, .line = got.line, .col = got.col };

		expr_tests(st, e, &b, is, why);
		for (size_t i = 0; i < b.n; i++) {
			int t = expr_test(other, e, &b, i, &w);

			okf(t == is[i] && (t != -2 || strcmp(w, why[i]) == 0), "%s over %.*s: %d, and of the batch %d", text,
			    (int)b.line[i].n, b.line[i].p, t, is[i]);
			met[t + 2]++;
		}
	}
	scan_free(scan);
	expr_free(e);
	expr_state_free(st);
	expr_state_free(other);
	pathset_free(env.paths);
}

static void
batches(void)
{
	unsigned long met[4] = { 0 };
	struct buf text = { 0 }, lines = { 0 };

	lines_of(&lines, 200);
	memset(buf_room(&lines, BLOCK_PAD_BYTES), 0, BLOCK_PAD_BYTES);
	for (int i = 0; i < 1000; i++) {
		buf_clear(&text);
		condition(&text);
		batch_alike(buf_cstr(&text), buf_span(&lines), met);
	}
	/* one more AND in parentheses than a plan has room for, and far more */
	for (int deep = 15; deep < 100; deep = deep < 20 ? deep + 1 : 2 * deep) {
		buf_clear(&text);
		for (int i = 0; i < deep; i++)
			buf_str(&text, i % 2 ? "b IS NULL OR (" : "a <> 1 AND (");
		buf_str(&text, "a > 0");
		for (int i = 0; i < deep; i++)
			buf_byte(&text, ')');
		batch_alike(buf_cstr(&text), buf_span(&lines), met);
	}
	okf(met[0] > 1000 && met[1] > 1000 && met[2] > 1000 && met[3] > 1000, "errors %lu, NULL %lu, false %lu, true %lu", met[0], met[1],
	    met[2], met[3]);
	ok_all("a batch at once is as one record after the other");
	buf_free(&text);
	buf_free(&lines);
}

/* The parts of a call, one behind the other. */
static const char *
parts(const char *text, struct buf *b)
{
	struct call c;
	char err[160];

	buf_clear(b);
	if (call_parse(span_str(text), &c, err, sizeof err) != 0) {
		buf_fmt(b, "usage: %s", err);
		return buf_cstr(b);
	}
	buf_span_add(b, c.name);
	for (size_t i = 0; i < c.n; i++) {
		buf_byte(b, '|');
		buf_span_add(b, c.arg[i]);
	}
	if (c.where.p != NULL) {
		buf_str(b, " where ");
		buf_span_add(b, c.where);
	}
	call_free(&c);
	return buf_cstr(b);
}

static void
calls(void)
{
	static const struct { const char *text, *want; } v[] = {
		{ "sum(amount)", "sum|amount" }, { "count()", "count" }, { " count( ) ", "count" },
		{ "count(*)", "count|*" },
		{ "sum(a + b, 2 WHERE c = 'x,)' AND d IN (1,2))",
		    "sum|a + b|2 where c = 'x,)' AND d IN (1,2)" },
		{ "count(WHERE a = 1)", "count where a = 1" },
		{ "sum(x where(a = 1))", "sum|x where (a = 1)" },
		{ "quantile(ms,0.95)", "quantile|ms|0.95" }, { "rows(1000,)", "rows|1000|" },
		{ "change(rows,20%)", "change|rows|20%" },
		{ "ref(sku_id,wh:dim.sku,id)", "ref|sku_id|wh:dim.sku|id" },
		{ "regex(tel,'^1[0-9]{10}$')", "regex|tel|'^1[0-9]{10}$'" },
		{ "expr('paid = amount - reduced')", "expr|'paid = amount - reduced'" },
		{ "in(s,'it''s',\"a,b\")", "in|s|'it''s'|\"a,b\"" },
		{ "f(a.where, elsewhere, nowhere WHERE x)", "f|a.where|elsewhere|nowhere where x" },
		{ "sum(where.x)", "sum|where.x" }, { "f(a[0], \"x)\".y)", "f|a[0]|\"x)\".y" },
		{ "f((a,b),c)", "f|(a,b)|c" },
		{ "sum", "usage: column 1: NAME(\xe2\x80\xa6) expected" },
		{ "(a)", "usage: column 1: NAME(\xe2\x80\xa6) expected" },
		{ "f(a", "usage: column 1: the parenthesis is not closed" },
		{ "f('a)", "usage: column 3: the quote is not closed" },
		{ "f(a) b", "usage: column 5: nothing may follow the call" },
		{ "f(a) where b", "usage: column 5: WHERE stands within the parentheses, behind the value" },
	};
	struct buf b = { 0 };
	struct span name = { 0 }, rest = { 0 }, arg = span_str("DISTINCT  uid");

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		const char *got = parts(v[i].text, &b);

		okf(strcmp(got, v[i].want) == 0, "%s: got %s, want %s", v[i].text, got, v[i].want);
	}
	ok_all("calls");
	ok(word_named(span_str("gmv=sum(a)"), '=', &name, &rest) && span_is(name, "gmv") &&
		span_is(rest, "sum(a)"),
	    "NAME=");
	ok(word_named(span_str("pay-ok: a = 1"), ':', &name, &rest) && span_is(name, "pay-ok") &&
		span_is(rest, "a = 1"),
	    "NAME:");
	ok(word_named(span_str("\"a b\"=x"), '=', &name, &rest) && span_is(name, "\"a b\"") &&
		name_unquote(name, &b, &name) == NULL && span_is(name, "a b"),
	    "a quoted NAME");
	ok(!word_named(span_str("./dt=1/x"), '=', &name, &rest) &&
		!word_named(span_str("file.json"), '=', &name, &rest) &&
		!word_named(span_str("=x"), '=', &name, &rest),
	    "files are no words");
	ok(word_named(span_str("dt=1/x"), '=', &name, &rest), "but this one looks like a word");
	ok(word_call(span_str("unique(id)")) && !word_call(span_str("unique")) &&
		!word_call(span_str("./a(b)")),
	    "CHECK(");
	ok(arg_word(&arg, "distinct") && span_is(arg, "uid") && !arg_word(&arg, "distinct"),
	    "a leading word");
	ok(arg_text(span_str("'it''s'"), &b) && span_is(buf_span(&b), "it's") &&
		!arg_text(span_str("'a' || 'b'"), &b) && !arg_text(span_str("a"), &b),
	    "a quoted argument");
	buf_free(&b);
}

/* stdin to stdout. */
static int
dump(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	struct buf b = { 0 };
	struct span v[3];

	while ((len = getline(&line, &cap, stdin)) > 0) {
		struct span s = span_of(line, (size_t)len - (line[len - 1] == '\n'));

		if (s.n == 0 || *s.p == '#')
			continue;
		if (fields(s, v, 3) < 2)
			v[1] = span_str("{}");
		printf("%s\n", value(v[0], v[1], &b));
	}
	free(line);
	buf_free(&b);
	return 0;
}

int
main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "dump") == 0)
		return dump();
	cases();
	records();
	times();
	arguments();
	mistakes();
	conditions();
	batches();
	calls();
	return done();
}
