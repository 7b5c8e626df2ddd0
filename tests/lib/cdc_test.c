/* SPDX-License-Identifier: BSD-2-Clause */
/* cdc_test - the parts of lib/cdc on their own: types, values, orders, what is kept of changes */
#include <pthread.h>

#include "cdc/fold.h"
#include "cdc/ord.h"
#include "cdc/value.h"
#include "t.h"

static struct buf out;

/* The value that f appends, or its reason behind a '!'. */
static const char *
said(const char *why)
{
	const char *s = why != NULL ? why : buf_cstr(&out);
	static char text[400];

	snprintf(text, sizeof text, "%s%s", why != NULL ? "!" : "", s);
	buf_clear(&out);
	return text;
}

static void
types(void)
{
	struct arena mem = { 0 };
	static const struct {
		const char *text;
		enum column_kind kind;
		int digits;
		bool is_unsigned;
		size_t labels;
	} t[] = {
		{ "int(11)", COL_NUMBER, -1, false, 0 },
		    { "bigint(20) unsigned zerofill", COL_NUMBER, -1, true, 0 },
		{ "INT UNSIGNED", COL_NUMBER, -1, true, 0 },
		    { "decimal(16,2)", COL_DECIMAL, 2, false, 0 },
		{ "decimal(10, 3) unsigned", COL_DECIMAL, 3, false, 0 },
		    { "decimal(10)", COL_DECIMAL, 0, false, 0 },
		{ "decimal", COL_DECIMAL, 0, false, 0 },
		    { "datetime(6)", COL_DATETIME, 6, false, 0 },
		{ "datetime", COL_DATETIME, 0, false, 0 },
		    { "timestamp(3)", COL_TIMESTAMP, 3, false, 0 },
		{ "time", COL_TIME, 0, false, 0 }, { "date", COL_DATE, -1, false, 0 },
		    { "year(4)", COL_YEAR, -1, false, 0 },
		{ "varchar(200)", COL_TEXT, -1, false, 0 },
		    { "varbinary(16)", COL_BINARY, -1, false, 0 },
		{ "enum('a','b')", COL_ENUM, -1, false, 2 },
		    { "set('it''s',')',',','')", COL_SET, -1, false, 4 },
		{ "enum()", COL_ENUM, -1, false, 0 }, { "enum('a", COL_ENUM, -1, false, 1 },
		    { "json", COL_JSON, -1, false, 0 },
		{ "geometry", COL_ANY, -1, false, 0 }, { "", COL_ANY, -1, false, 0 },
		    { "decimal(", COL_DECIMAL, 0, false, 0 },
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct column c = { 0 };

		type_parse(span_str(t[i].text), &mem, &c);
		okf(c.kind == t[i].kind && c.digits == t[i].digits &&
		    c.is_unsigned == t[i].is_unsigned &&
		    c.n_labels == t[i].labels, "%s: kind %d digits %d labels %zu", t[i].text,
		    c.kind, c.digits, c.n_labels);
		if (t[i].labels == 4)
			okf(span_is(c.label[0], "it's") && span_is(c.label[1], ")") &&
			    span_is(c.label[2], ",") &&
			    c.label[3].n == 0, "%s: labels", t[i].text);
	}
	ok_all("COLUMN_TYPEs");
	arena_free(&mem);
}

static void
registry(void)
{
	struct types *t = types_new();
	const struct columns *c;
	struct buf scratch = { 0 };
	size_t hint = 0;

	ok(types_add(t, span_str("d"), span_str("t"), span_str("v"), span_str("int"), 0) == NULL &&
	    types_add(t, span_str("d"), span_str("t"), span_str("b"), span_str("int"), 2) == NULL &&
	    types_add(t, span_str("d"), span_str("t"), span_str("a"), span_str("int"), 1) == NULL &&
	    types_add(t, span_str(""), span_str("t"), span_str("x"), span_str("int"), 1) == NULL,
	    "columns are added");
	is_str(types_add(t, span_str("d"), span_str("t"), span_str("v"), span_str("int"), 0),
	    "the column stands twice", "twice");
	is_str(types_add(t, span_str("d"), span_str("t"), span_str("w"), span_str("int"), 2),
	    "two columns have one place in the key",
	    "one place");
	c = types_find(t, span_str("d"), span_str("t"));
	ok(c != NULL && c->n == 3 && c->n_key == 2 && span_is(c->key[0]->name, "a") &&
	    span_is(c->key[1]->name, "b"),
	    "the key stands in its order");
	c = types_find(t, span_str("e"), span_str("t"));
	ok(c != NULL && c->n == 1, "another database's table is the one of any database");
	ok(types_find(t, span_str("d"), span_str("u")) == NULL, "an unknown table");
	c = types_find(t, span_str("d"), span_str("t"));
	ok(columns_find(c, span_str("a"), &hint, &scratch) == c->key[0] &&
	    columns_find(c, span_str("v"), &hint, &scratch) == &c->v[0] &&
	    columns_find(c, span_str("\\u0062"), &hint, &scratch) == c->key[1] &&
	    columns_find(c, span_str("z"), &hint, &scratch) == NULL &&
	    columns_find(NULL, span_str("z"), &hint, &scratch) == NULL,
	    "columns are found wherever they stand");
	buf_free(&scratch);
	types_free(t);
}

static void
numbers(void)
{
	static const struct { const char *number; int digits; const char *want; } s[] = {
		{ "20.0", 6, "20.000000" }, { "20", 2, "20.00" }, { "20.500", 1, "20.5" },
		    { "20.0", 0, "20" }, { "20.25", 1, "20.25" },
		{ "-0.10", 2, "-0.10" }, { "1E-8", 10, "0.0000000100" },
		    { "0E-10", 10, "0.0000000000" }, { "1E+2", 0, "100" },
		{ "1E-8", 2, "1E-8" }, { "1e400", 2, "1e400" }, { "12.5", -1, "12.5" },
	};
	static const struct { const char *bytes; size_t n; uint64_t scale; const char *want; } u[] =
	    {
		{ "\x01\x31\x05\xf0", 4, 6, "19.990000" }, { "\x00", 1, 0, "0" },
		    { "\x00", 1, 2, "0.00" }, { "\xff", 1, 0, "-1" },
		{ "\xff", 1, 3, "-0.001" }, { "\x80", 1, 0, "-128" }, { "\x00\x80", 2, 1, "12.8" },
		{ "\x00\xff\xff\xff\xff\xff\xff\xff\xff", 9, 0, "18446744073709551615" },
		{ "\x80\x00\x00\x00\x00\x00\x00\x00", 8, 0, "-9223372036854775808" },
		{ "\x01\x00\x00\x00\x00", 5, 9, "4.294967296" },
		    { "\x3b\x9a\xca\x00", 4, 0, "1000000000" },
		{ "\x00\xab\x54\xa9\x8c\xeb\x1f\x0a\xd3", 9, 6, "12345678901234.567891" },
	};

	for (size_t i = 0; i < sizeof s / sizeof s[0]; i++) {
		number_scaled(span_str(s[i].number), s[i].digits, &out);
		okf(strcmp(buf_cstr(&out), s[i].want) == 0, "%s to %d: %s", s[i].number,
		    s[i].digits, buf_cstr(&out));
		buf_clear(&out);
	}
	ok_all("numbers to a column's digits");
	for (size_t i = 0; i < sizeof u / sizeof u[0]; i++) {
		const char *why = number_unscaled(span_of(u[i].bytes, u[i].n), u[i].scale, &out);

		okf(why == NULL && strcmp(buf_cstr(&out), u[i].want) == 0, "%s: %s", u[i].want,
		    buf_cstr(&out));
		buf_clear(&out);
	}
	ok_all("unscaled bytes");
	ok(number_unscaled(span_of("", 0), 0, &out) != NULL && out.n == 0,
	    "no bytes are no number");
}

static void
base64(void)
{
	static const char *const bad[] = { "A", "AA", "AAA", "AB==", "AAA=AAAA", "A A=", "====" };
	struct buf bytes = { 0 }, back = { 0 };

	for (unsigned n = 0; n < 64; n++) {
		char raw[64];

		for (unsigned i = 0; i < n; i++)
			raw[i] = (char)(i * 37 + n);
		buf_clear(&back);
		base64_encode(span_of(raw, n), &back);
		okf(base64_decode(buf_span(&back), &bytes) == NULL &&
		    span_eq(buf_span(&bytes), span_of(raw, n)), "%u bytes", n);
	}
	ok_all("base64 there and back");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		okf(base64_decode(span_str(bad[i]), &bytes) != NULL, "%s", bad[i]);
	ok_all("what is no base64");
	buf_free(&bytes);
	buf_free(&back);
}

static struct val
json(const char *s)
{
	return val_of(span_str(s));
}

static void
values(void)
{
	struct value_env e = { .mysql = true };
	struct arena mem = { 0 };
	struct column c = { 0 }, w = { .wire = WIRE_MS, .digits = -1 };

	is_str(said(value_canal(&e, NULL, json("\"1\""), &out)), "\"1\"",
	    "an unknown column stays as it came");
	type_parse(span_str("int zerofill"), &mem, &c);
	is_str(said(value_canal(&e, &c, json("\"0042\""), &out)), "42", "zerofill is a number");
	is_str(said(value_canal(&e, &c, json("\"\""), &out)),
	    "!a column of numbers holds something else", "an empty text is none");
	is_str(said(value_canal(&e, &c, json("\"1 2\""), &out)),
	    "!a column of numbers holds something else", "nor are two");
	is_str(said(value_canal(&e, &c, json("null"), &out)), "null", "null is null");
	type_parse(span_str("set('a','b')"), &mem, &c);
	is_str(said(value_canal(&e, &c, json("\"3\""), &out)), "\"a,b\"", "a set's bits");
	is_str(said(value_canal(&e, &c, json("\"4\""), &out)),
	    "!a set's number has a member that the column's type lacks", "a bit too many");
	is_str(said(value_maxwell(&e, &c, json("[\"a\",1]"), &out)),
	    "!a set holds something else than texts", "a set of numbers");
	is_str(said(value_maxwell(&e, &c, json("[]"), &out)), "\"\"", "an empty set");
	is_str(said(value_debezium(&e, &w, NULL, json("253402300799999"), &out)),
	    "\"9999-12-31 23:59:59.999\"", "the last time");
	is_str(said(value_debezium(&e, &w, NULL, json("253402300800000"), &out)),
	    "!a time outside the years 1 to 9999", "one later");
	is_str(said(value_debezium(&e, &w, NULL, json("-62135596800000"), &out)),
	    "\"0001-01-01 00:00:00.000\"", "the first");
	is_str(said(value_debezium(&e, &w, NULL, json("1.5"), &out)),
	    "!a column of times holds something else", "half a millisecond");
	is_str(said(value_debezium(&e, &w, NULL, json("9223372036854775807"), &out)),
	    "!a column of times holds something else", "overflow");
	w.wire = WIRE_BITS;
	is_str(said(value_debezium(&e, &w, NULL, json("\"//////////8AAAAA\""), &out)),
	    "18446744073709551615", "64 bits and zeros");
	w.wire = WIRE_BOOL;
	is_str(said(value_debezium(&e, &w, NULL, json("true"), &out)), "1", "a bit(1) of MySQL");
	e.mysql = false;
	is_str(said(value_debezium(&e, &w, NULL, json("true"), &out)), "true",
	    "a boolean elsewhere");
	ok(value_unavailable(json("\"__debezium_unavailable_value\"")) &&
	    value_unavailable(json("[\"__debezium_unavailable_value\"]")) &&
	    !value_unavailable(json("[]")) && !value_unavailable(json("\"x\"")) &&
	    !value_unavailable(json("[1,\"x\"]")), "unavailable");
	buf_free(&e.text);
	buf_free(&e.bytes);
	arena_free(&mem);
}

static bool
comparable(struct span a, struct span b)
{
	uint32_t x = ord_kind(a), y = ord_kind(b);

	return x == 0 || y == 0 || x == y;
}

/* A fail-over in one piece of the stream, and with a cut before each of its rows. */
static void
servers(void)
{
	static const struct {
		const char *file;
		uint64_t pos, breaks;
		const char *server;
	} row[] = { { "bin.000009", 100, 0, "1" }, { "bin.000009", 50, 0, "1" }, { "bin.000009", 60, 0, "2" },
		{ "bin.000009", 70, 0, "1" }, { "bin.000003", 4, 1, "2" }, { "bin.000003", 9, 1, "" },
		{ "bin.000010", 4, 1, "3" }, { "log.000001", 4, 2, "1" }, { "log.000001", 3, 3, "2" } };
	size_t n = sizeof row / sizeof *row;
	bool right = true;

	for (size_t cuts = 0; cuts < 1u << (n - 1); cuts++) {
		struct ord all = { 0 }, block = { 0 };
		struct buf part = { 0 };
		char at[ORD_BYTES_MAX];

		for (size_t i = 0; i < n; i++) {
			ord_binlog(&block, span_str(row[i].file), row[i].pos, 0, span_str(row[i].server), at);
			if (i + 1 < n && (cuts >> i & 1) == 0)
				continue;
			buf_clear(&part);
			ord_part(&block, &part);
			ord_join(&all, buf_span(&part));
			ord_clear(&block);
			right = right && all.breaks == row[i].breaks;
		}
		ord_free(&all);
		ord_free(&block);
		buf_free(&part);
	}
	ok(right, "another server that goes on below is a break, one that goes on above is none, however blocks are cut");
}

static void
orders(void)
{
	const struct span none = { "", 0 };
	struct ord o = { 0 };
	char a[ORD_BYTES_MAX], b[ORD_BYTES_MAX], c[ORD_BYTES_MAX];

	ok(ord_binlog(&o, span_str("bin.000009"), 999999, 5, none, a) == NULL &&
	    ord_binlog(&o, span_str("bin.000010"), 4, 0, none, b) == NULL &&
	    ord_binlog(&o, span_str("bin.1000000"), 4, 0, none, c) == NULL && strcmp(a, b) < 0 &&
	    strcmp(b, c) < 0 && o.breaks == 0,
	    "files by their numbers, however many digits");
	ok(ord_binlog(&o, span_str("bin.1000000"), 4, ORD_LAST, none, a) == NULL && strcmp(c, a) < 0,
	    "the last row of a transaction");
	ok(ord_binlog(&o, span_str("bin.1000000"), UINT64_C(1000000000000), 0, none, b) != NULL &&
	    ord_binlog(&o, span_str("bin."), 1, 0, none, b) != NULL &&
	    ord_binlog(&o, span_str("bin"), 1, 0, none, b) != NULL, "what does not fit is refused");
	ord_boot_begin(&o, span_str("t"));
	ord_boot(&o, span_str("t"), b);
	ord_binlog(&o, span_str("bin.1000000"), 5, 0, none, c);
	ok(strcmp(a, b) <= 0 && strcmp(b, c) < 0,
	    "a bootstrap between what came before and what comes");
	ord_boot(&o, span_str("u"), b);
	ok(strcmp(b, a) < 0, "one without a begin before all");
	ok(ord_gtid(&o, span_str("0-1-9"), 0, a) == NULL &&
	    ord_gtid(&o, span_str("0-2-10"), 0, b) == NULL && strcmp(a, b) < 0 && o.breaks == 0,
	    "MariaDB's gtid goes on when another server writes");
	ok(ord_gtid(&o, span_str("8f0e-22:7"), 0, a) == NULL && o.breaks == 1 &&
	    ord_gtid(&o, span_str("8f0e-22:x"), 0, a) != NULL, "MySQL's");
	ok(ord_kafka(&o, 1, 9, 0, a) == NULL && ord_kafka(&o, 1, 10, 0, b) == NULL &&
	    ord_kafka(&o, 2, 10, 0, c) == NULL &&
	    strcmp(a, b) < 0 && comparable(span_str(a), span_str(b)) == true, "offsets");
	ok(!comparable(span_str("0000000000k.00000000000000000010.0000000001.0000000000.1"),
	    span_str("0000000000k.00000000000000000010.0000000002.0000000000.1")) &&
	    comparable(span_str("1"), span_str("2")) &&
	    !comparable(span_str("9"), span_str("10")) &&
	    !comparable(span_str("0000000000b.1"), span_str("0000000000n.1")) &&
	    comparable(span_str("0000000000b.1"), span_str("0000000000a.00")),
	    "what can be compared");
	ord_free(&o);
}

/* The kept changes of a key as "op row day;", oldest first: found by reading all. */
static const char *
kept(struct fold *f, const char *key)
{
	const struct fold_change *v;
	static struct buf b;
	struct span k;
	size_t n;

	buf_clear(&b);
	ok(fold_begin(f, 1) == 0, "reading begins");
	while (fold_next(f, &k, &v, &n) == 0 && k.p != NULL)
		for (size_t i = 0; i < n && span_is(k, key); i++)
			buf_fmt(&b, "%c%.*s@%d;", v[i].op, (int)v[i].row.n, v[i].row.p, v[i].day);
	fold_free(f);
	return buf_cstr(&b);
}

static void
put(struct fold *f, const char *key, char op, bool partial, int day, const char *ord,
    const char *row)
{
	static uint64_t seq;

	fold_put(f, span_str(key), &(struct fold_change){ .op = op, .partial = partial, .day = day,
	    .seq = ++seq,
	    .ord = span_str(ord), .row = span_str(row) });
}

/* Keys with orders that cannot be compared. */
static int64_t
mixed(struct fold *f)
{
	const struct fold_change *v;
	int64_t got;
	struct span k;
	size_t n;

	ok(fold_begin(f, 1) == 0, "reading begins");
	while (fold_next(f, &k, &v, &n) == 0 && k.p != NULL)
		;
	got = (int64_t)fold_mixed(f);
	fold_free(f);
	return got;
}

static struct fold *
days(void)
{
	struct fold *f = fold_new(true, SIZE_MAX);

	put(f, "a", 'u', false, 2, "3", "C");
	put(f, "a", 'c', false, 1, "1", "A");
	put(f, "a", 'u', false, 1, "2", "B");
	return f;
}

static void
add_kept(struct buf *b, struct span key, const struct fold_change *v, size_t n)
{
	buf_span_add(b, key);
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, " %.*s %.12s", (int)v[i].ord.n, v[i].ord.p, v[i].row.p);
	buf_byte(b, '\n');
}

/* Every third range, by a thread of its own. */
struct third { struct fold *f; size_t first, n; struct buf *got; };

static void *
every_third(void *arg)
{
	const struct third *t = arg;

	for (size_t i = t->first; i < t->n; i += 3) {
		struct fold_reader *r = fold_range(t->f, i);
		const struct fold_change *v;
		struct span k;
		size_t n;

		while (fold_reader_next(r, &k, &v, &n) == 0 && k.p != NULL)
			add_kept(&t->got[i], k, v, n);
		fold_reader_done(r);
	}
	return NULL;
}

/* All of it by three threads, each at ranges of its own. False: it cannot be split. */
static bool
by_ranges(struct fold *f, struct buf *all)
{
	size_t n = fold_split(f, 3, 64 * 1024);
	struct third t[3];
	pthread_t id[3];
	struct buf *got;

	if (n == 0)
		return false;
	got = mem_new(n * sizeof *got);
	for (size_t i = 0; i < 3; i++) {
		t[i] = (struct third){ f, i, n, got };
		okf(pthread_create(&id[i], NULL, every_third, &t[i]) == 0, "a thread");
	}
	for (size_t i = 0; i < 3; i++)
		pthread_join(id[i], NULL);
	okf(n > 10, "%zu ranges", n);
	for (size_t i = 0; i < n; i++) {
		okf(got[i].n > 0 || i == n - 1, "range %zu of %zu is empty", i, n);
		buf_span_add(all, buf_span(&got[i]));
		buf_free(&got[i]);
	}
	free(got);
	return true;
}

/*
 * Thousands of keys, each in many runs; equal ords are one change. Which rows stay must not depend
 * on the budget, nor on how many threads read and how.
 */
static void
runs(void)
{
	enum { PASSES = 7, AT_ONCE = 4, IN_TOO_MANY_RUNS = 6 };
	struct buf got[PASSES] = { { 0 } };

	for (int pass = 0; pass < PASSES; pass++) {
		struct fold *f = fold_new(true, pass % 2 == 0 && pass != IN_TOO_MANY_RUNS ? SIZE_MAX : 0);
		const struct fold_change *v;
		char key[16], ord[16], row[2400];
		uint32_t x = 1;
		struct span k;
		bool split;
		size_t n;

		for (uint64_t i = 0; i < 200000; i++) {
			x = x * 1664525 + 1013904223;
			snprintf(key, sizeof key, "k%u", x >> 8 & 8191);
			snprintf(ord, sizeof ord, "%05u", x >> 12 & 32767);
			snprintf(row, sizeof row, "{\"n\":%u,\"pad\":\"%0*d\"}", (unsigned)i,
			    pass == IN_TOO_MANY_RUNS ? 1200 : 300, 0);
			fold_put(f, span_str(key),
			    &(struct fold_change){ .op = 'u', .day = (int32_t)(x >> 12 & 3),
			    .partial = (x >> 12 & 32767) % 3 == 0, .seq = i, .ord = span_str(ord),
			    .row = span_str(row) });
			okf(fold_settle(f) == 0, "settled");
		}
		split = pass >= AT_ONCE && by_ranges(f, &got[pass]);
		okf(split == (pass >= AT_ONCE && pass != IN_TOO_MANY_RUNS), "pass %d in ranges: %d", pass, split);
		if (!split) {
			okf(fold_begin(f, pass < 2 ? 1 : 3) == 0, "begin");
			while (fold_next(f, &k, &v, &n) == 0 && k.p != NULL)
				add_kept(&got[pass], k, v, n);
		}
		fold_free(f);
	}
	for (int pass = 1; pass < PASSES; pass++)
		okf(got[0].n > 100000 && span_eq(buf_span(&got[0]), buf_span(&got[pass])),
		    "%zu and %zu bytes", got[0].n, got[pass].n);
	ok_all("the same rows from memory and from many runs, by one thread and by three, in ranges too");
	for (int pass = 0; pass < PASSES; pass++)
		buf_free(&got[pass]);
}

/* Changes by the hundreds, several of a key among them, are what they are one by one. */
static void
together(void)
{
	enum { CHANGES = 20000, AT_ONCE = 700, KEYS = 900 };
	static char text[AT_ONCE][3][80];
	struct buf got[2] = { { 0 } };

	for (int pass = 0; pass < 2; pass++) {
		struct fold *f = fold_new(false, SIZE_MAX);
		struct fold_keyed told[AT_ONCE];
		struct fold_hand hand = { 0 };
		const struct fold_change *v;
		uint32_t x = 1;
		struct span k;
		size_t n = 0;

		for (uint64_t i = 0; i < CHANGES; i++) {
			x = x * 1664525 + 1013904223;
			snprintf(text[n][0], sizeof text[n][0], "%.*d%u", (int)(x >> 9 & 31), 0, (x >> 8) % KEYS);
			snprintf(text[n][1], sizeof text[n][1], "%05u", x >> 12 & 32767);
			snprintf(text[n][2], sizeof text[n][2], "{\"n\":%u,\"pad\":\"%0*d\"}", (unsigned)i,
			    (int)(x >> 24 & 31), 0);
			told[n] = (struct fold_keyed){ span_str(text[n][0]), { .op = 'u', .partial = x >> 27 == 3,
			    .seq = i, .ord = span_str(text[n][1]), .row = span_str(text[n][2]) } };
			if (pass == 0) {
				fold_put(f, told[n].key, &told[n].change);
			} else if (++n == AT_ONCE || i + 1 == CHANGES) {
				fold_put_all(f, &hand, told, n);
				n = 0;
			}
		}
		okf(fold_begin(f, 1) == 0, "begin");
		while (fold_next(f, &k, &v, &n) == 0 && k.p != NULL)
			add_kept(&got[pass], k, v, n);
		fold_hand_free(&hand);
		fold_free(f);
	}
	okf(got[0].n > KEYS && span_eq(buf_span(&got[0]), buf_span(&got[1])), "%zu and %zu bytes", got[0].n, got[1].n);
	ok_all("changes put together are what they are one by one");
	buf_free(&got[0]);
	buf_free(&got[1]);
}

/* Who stops reading early leaves threads at work; and rows larger than a chunk. */
static void
large_rows(void)
{
	static char row[3 << 20];
	struct fold *f = fold_new(false, 0);
	const struct fold_change *v;
	struct buf keys = { 0 };
	struct span k;
	char key[8];
	size_t n;

	memset(row, 'x', sizeof row - 1);
	for (int i = 0; i < 12; i++) {
		snprintf(key, sizeof key, "k%02d", i * 7 % 12);
		put(f, key, 'u', false, 0, "1", row);
		okf(fold_settle(f) == 0, "settled");
	}
	okf(fold_begin(f, 2) == 0, "begin");
	for (int i = 0; i < 10 && fold_next(f, &k, &v, &n) == 0 && k.p != NULL; i++) {
		buf_span_add(&keys, k);
		okf(n == 1 && v->row.n == sizeof row - 1 && v->row.p[v->row.n - 1] == 'x', "%zu", v->row.n);
	}
	fold_free(f);
	ok_all("rows of 3 MiB from runs and memory");
	is_str(buf_cstr(&keys), "k00k01k02k03k04k05k06k07k08k09", "in order");
	buf_free(&keys);
}

static void
folds(void)
{
	struct fold *f;
	char row[64];

	is_str(kept(days(), "a"), "uB@1;uC@2;", "of each day the last");
	f = days();
	put(f, "a", 'u', true, 2, "4", "D");
	put(f, "a", 'u', true, 2, "4", "D");
	put(f, "a", 'u', false, 2, "3", "C");
	is_str(kept(f, "a"), "uB@1;uC@2;uD@2;", "a part hides nothing, and the same again is one");
	f = days();
	put(f, "a", 'd', false, 2, "5", "E");
	put(f, "a", 'u', true, 2, "4", "D");
	is_str(kept(f, "a"), "uB@1;dE@2;",
	    "a whole row hides the parts before it, those told later too");
	f = fold_new(false, SIZE_MAX);
	for (int i = 0; i < 200000; i++) {
		snprintf(row, sizeof row, "row %d", i);
		put(f, i % 2 == 0 ? "x" : "y", 'u', false, 0, "7", row);
	}
	ok(fold_bytes(f) < 64 * 1024 * 1024, "hidden rows are collected");
	is_str(kept(f, "x"), "urow 199998@0;", "the last stays");
	f = fold_new(false, SIZE_MAX);
	put(f, "x", 'u', false, 0, "9", "y");
	put(f, "x", 'u', false, 0, "10", "z");
	put(f, "y", 'u', false, 0, "10", "z");
	put(f, "y", 'u', false, 0, "11", "z");
	is_int(mixed(f), 1, "another length cannot be compared");
	together();
	runs();
	large_rows();
}

int
main(void)
{
	types();
	registry();
	numbers();
	base64();
	values();
	orders();
	servers();
	folds();
	buf_free(&out);
	return done();
}
