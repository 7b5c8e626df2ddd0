/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql_cell_test - values between JSON and the server; what they must be is said by hand */
#include "edge/mysql.h"
#include "t.h"

#define NO NULL

struct bind_case { enum col_kind kind; unsigned scale; const char *json, *want; };

static const struct bind_case binds[] = {
	{ COL_INT, 0, "1", "1" }, { COL_INT, 0, "-0", "-0" }, { COL_INT, 0, "1.000", "1" },
	    { COL_INT, 0, "1e3", "1000" },
	{ COL_INT, 0, "15e-1", NO }, { COL_INT, 0, "1.5", NO }, { COL_INT, 0, "\"12\"", "12" },
	    { COL_INT, 0, "\" 12\"", NO },
	{ COL_INT, 0, "\"0x10\"", NO }, { COL_INT, 0, "\"\"", NO }, { COL_INT, 0, "\"007\"", NO },
	    { COL_INT, 0, "[1]", NO },
	{ COL_INT, 0, "18446744073709551616", "18446744073709551616" }, { COL_INT, 0, "1e400", NO },
	{ COL_DECIMAL, 2, "19.99", "19.99" }, { COL_DECIMAL, 2, "1.10", "1.1" },
	    { COL_DECIMAL, 2, "1.100000", "1.1" },
	{ COL_DECIMAL, 2, "1.101", NO }, { COL_DECIMAL, 2, "1e-3", NO },
	    { COL_DECIMAL, 3, "1e-3", "0.001" },
	{ COL_DECIMAL, 30, "12345678901234567890123456789012345.123456789012345678901234567890",
	    "12345678901234567890123456789012345.12345678901234567890123456789" },
	{ COL_DOUBLE, 0, "1e400", "1e400" }, { COL_DOUBLE, 0, "\"nan\"", NO },
	    { COL_FLOAT, 0, "-1.5E-3", "-1.5E-3" },
	{ COL_YEAR, 0, "2026", "2026" }, { COL_YEAR, 0, "26", NO }, { COL_YEAR, 0, "0", "0000" },
	{ COL_BIT, 0, "0", "\0" }, { COL_BIT, 0, "5", "\5" }, { COL_BIT, 0, "256", "\1\0" },
	    { COL_BIT, 0, "-1", NO },
	{ COL_BIT, 0, "18446744073709551615", "\377\377\377\377\377\377\377\377" },
	    { COL_BIT, 0, "18446744073709551616", NO },
	{ COL_DATE, 0, "\"2026-11-20\"", "2026-11-20" }, { COL_DATE, 0, "\"2026-11-20 00:00:00\"",
	    NO },
	{ COL_DATE, 0, "\"2026-1-2\"", NO }, { COL_DATE, 0, "20261120", NO },
	{ COL_DATETIME, 0, "\"2026-11-20\"", "2026-11-20" },
	    { COL_DATETIME, 0, "\"2026-11-20T01:02:03\"", "2026-11-20T01:02:03" },
	{ COL_DATETIME, 0, "\"2026-11-20 01:02:03.0\"", "2026-11-20 01:02:03.0" },
	    { COL_DATETIME, 0, "\"2026-11-20 01:02:03.1\"", NO },
	{ COL_DATETIME, 3, "\"2026-11-20 01:02:03.1230\"", "2026-11-20 01:02:03.1230" },
	    { COL_DATETIME, 3, "\"2026-11-20 01:02:03.\"", NO },
	{ COL_DATETIME, 0, "\"2026-11-20 01:02:03Z\"", NO },
	    { COL_DATETIME, 0, "\"2026-11-20 01:02\"", NO },
	{ COL_TIME, 0, "\"01:02:03\"", "01:02:03" }, { COL_TIME, 2, "\"-838:59:59.25\"",
	    "-838:59:59.25" },
	{ COL_TIME, 0, "\"1:2:3\"", NO }, { COL_TIME, 0, "\"10000:00:00\"", NO },
	    { COL_TIME, 0, "\":00:00\"", NO },
	{ COL_TEXT, 0, "\"a\\u0000b\\n\"", "a\0b\n" }, { COL_TEXT, 0, "1.10", "1.10" },
	    { COL_TEXT, 0, "true", "true" },
	{ COL_TEXT, 0, "{\"a\": 1}", "{\"a\": 1}" }, { COL_TEXT, 0, "\"\\ud83d\\ude00\"",
	    "\360\237\230\200" },
	{ COL_CHAR, 0, "\"a b\"", "a b" }, { COL_CHAR, 0, "\"a \"", NO },
	{ COL_ENUM, 0, "\"red\"", "red" }, { COL_ENUM, 0, "\"Red\"", NO },
	    { COL_ENUM, 0, "\"1\"", NO }, { COL_ENUM, 0, "\"\"", NO },
	{ COL_SET, 0, "\"blue,red\"", "blue,red" }, { COL_SET, 0, "\"\"", "" },
	    { COL_SET, 0, "\"red,\"", NO }, { COL_SET, 0, "3", NO },
	{ COL_BYTES, 0, "\"\"", "" }, { COL_BYTES, 0, "\"QQ==\"", "A" },
	    { COL_BYTES, 0, "\"QUI=\"", "AB" }, { COL_BYTES, 0, "\"QUJD\"", "ABC" },
	{ COL_BYTES, 0, "\"QR==\"", NO }, { COL_BYTES, 0, "\"QUJ\"", NO },
	    { COL_BYTES, 0, "\"QQ==QQ==\"", NO }, { COL_BYTES, 0, "\"====\"", NO },
	{ COL_BYTES, 0, "\"/+A=\"", "\377\340" }, { COL_BYTES, 0, "65", NO },
};

struct json_case { enum col_kind kind; const char *text; size_t n; const char *want; };

static const struct json_case prints[] = {
	{ COL_INT, "000042", 6, "42" }, { COL_INT, "-7", 2, "-7" }, { COL_INT, "0", 1, "0" },
	    { COL_YEAR, "0000", 4, "0" },
	{ COL_INT, "1; DROP", 7, NO }, { COL_INT, "", 0, NO },
	    { COL_DECIMAL, "0019.90", 7, "19.90" }, { COL_DECIMAL, "0.00", 4, "0.00" },
	{ COL_DOUBLE, "1e300", 5, "1e300" }, { COL_FLOAT, "0.10000000149011612", 19, "0.1" },
	    { COL_FLOAT, "16777216", 8, "16777216" },
	{ COL_FLOAT, "1.0000000150474662e30", 21, "1e30" }, { COL_FLOAT, "1.401298464324817e-45",
	    21, "1e-45" },
	{ COL_BIT, "\0\1\0\0\1", 5, "16777217" }, { COL_BIT, "\377\377\377\377\377\377\377\377", 8,
	    "18446744073709551615" },
	{ COL_BYTES, "", 0, "\"\"" }, { COL_BYTES, "\0", 1, "\"AA==\"" },
	    { COL_BYTES, "\377\0", 2, "\"/wA=\"" }, { COL_BYTES, "ABC", 3, "\"QUJD\"" },
	{ COL_TEXT, "a\"\\\n\0", 5, "\"a\\\"\\\\\\n\\u0000\"" }, { COL_TEXT, "\377", 1, NO },
	    { COL_TEXT, "\355\240\200", 3, NO },
	{ COL_TEXT, "\300\257", 2, NO }, { COL_TEXT, "\364\220\200\200", 4, NO },
	    { COL_TEXT, "\360\237\230\200", 4, "\"\360\237\230\200\"" },
	{ COL_TEXT, "\342\202", 2, NO }, { COL_DATE, "0000-00-00", 10, "\"0000-00-00\"" },
};

/* In Shanghai, eight hours before UTC's clock says so. */
static void
timestamps(void)
{
	const struct zone *z = zone_open("Asia/Shanghai");
	struct db_col c = { .kind = COL_TIMESTAMP, .scale = 3 };
	struct buf out = { 0 }, scratch = { 0 };

	ok(cell_json(&c, span_str("2026-11-19 16:00:00.500"), z, &out) == NULL,
	    "a TIMESTAMP is read");
	is_span(buf_span(&out), "\"2026-11-20 00:00:00.500\"", "and written in the zone");
	buf_clear(&out);
	ok(cell_bind(&c, val_of(span_str("\"2026-11-20 00:00:00.5\"")), z, &scratch, &out) == NULL,
	    "and back");
	is_span(buf_span(&out), "2026-11-19 16:00:00.500000", "in UTC");
	buf_clear(&out);
	ok(cell_bind(&c, val_of(span_str("\"2026-11-20T00:00:00+01:00\"")), z, &scratch,
	    &out) == NULL, "with an offset");
	is_span(buf_span(&out), "2026-11-19 23:00:00.000000", "it is that instant");
	ok(cell_bind(&c, val_of(span_str("\"2026-11-20 00:00:00.0005\"")), z, &scratch,
	    &out) != NULL, "more digits than it holds");
	buf_clear(&out);
	ok(cell_json(&c, span_str("0000-00-00 00:00:00.000"), z, &out) == NULL, "a zero one");
	is_span(buf_span(&out), "\"0000-00-00 00:00:00.000\"", "stays");
	buf_free(&out);
	buf_free(&scratch);
}

int
main(void)
{
	static struct span members[] = { { "red", 3 }, { "blue", 4 } };
	struct buf out = { 0 }, scratch = { 0 };

	for (size_t i = 0; i < sizeof binds / sizeof *binds; i++) {
		const struct bind_case *t = &binds[i];
		struct db_col c = { .kind = t->kind, .scale = t->scale, .member = members,
		    .n_members = 2 };
		const char *why;

		buf_clear(&out);
		why = cell_bind(&c, val_of(span_str(t->json)), NULL, &scratch, &out);
		if (t->want == NO)
			okf(why != NULL, "kind %d: %s is taken as '%.*s'", t->kind, t->json,
			    (int)out.n, out.p);
		else	/* it may hold NULs: as many bytes as came, at least its C length */
			okf(why == NULL && out.n >= strlen(t->want) &&
			    memcmp(out.p == NULL ? "" : out.p, t->want, out.n) == 0,
			    "kind %d: %s: %s, '%.*s'", t->kind, t->json, why == NULL ? "" : why,
			    (int)out.n, out.p);
	}
	ok_all("JSON to the server");
	for (size_t i = 0; i < sizeof prints / sizeof *prints; i++) {
		const struct json_case *t = &prints[i];
		struct db_col c = { .kind = t->kind };
		const char *why;

		buf_clear(&out);
		why = cell_json(&c, span_of(t->text, t->n), NULL, &out);
		okf(t->want == NO ? why != NULL : why == NULL && span_is(buf_span(&out), t->want),
		    "kind %d, case %zu: '%.*s'", t->kind, i, (int)out.n, out.p == NULL ? "" :
		    out.p);
	}
	ok_all("the server to JSON");
	timestamps();
	buf_free(&out);
	buf_free(&scratch);
	return done();
}
