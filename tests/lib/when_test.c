/* SPDX-License-Identifier: BSD-2-Clause */
/* when_test - base/when against Python's datetime and zoneinfo, and the corners by name */
#include "base/when.h"
#include "t.h"

#define ORACLE "python3 tests/lib/when_oracle.py 20261120 36000"

static const char *
answer(const char *op, const struct zone *z, const char *a, const char *b, struct buf *out)
{
	int64_t n = strtoll(a, NULL, 10), us;
	struct dur d;
	char unit[16];
	const char *star = strchr(b, '*'), *why;

	buf_clear(out);
	if (strcmp(op, "offset") == 0) {
		buf_i64(out, zone_offset(z, n * US_PER_SEC));
	} else if (strcmp(op, "local") == 0) {
		buf_i64(out, zone_instant(z, n));
	} else if (strcmp(op, "parse") == 0) {
		if (when_parse(span_str(a), UNIT_GUESS, z, &us) != NULL)
			return "!";
		buf_i64(out, us);
	} else if (strcmp(op, "format") == 0) {
		if ((why = when_format(span_str(b), n, z, out)) != NULL)
			return why;
	} else {
		size_t len = star == NULL ? strlen(b) : (size_t)(star - b);

		memcpy(unit, b, len);
		unit[len] = '\0';
		if ((why = dur_parse(unit, &d)) != NULL)
			return why;
		buf_i64(out,
		    star == NULL ? dur_floor(d, 0, n, z)
				 : dur_add(d, strtoll(star + 1, NULL, 10), n, z));
	}
	return buf_cstr(out);
}

static void
against_oracle(void)
{
	FILE *f = popen(ORACLE, "r");
	char line[1024];
	struct buf b = { 0 };
	size_t n = 0;

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		char *save = NULL, *op = strtok_r(line, "\t\n", &save),
		     *zone = strtok_r(NULL, "\t\n", &save);
		char *x = strtok_r(NULL, "\t\n", &save), *y = strtok_r(NULL, "\t\n", &save),
		     *want = strtok_r(NULL, "\t\n", &save);
		const struct zone *z;
		const char *got;

		if (want == NULL)
			break;
		z = zone_open(zone);
		if (!okf(z != NULL, "no zone %s", zone))
			continue;
		got = answer(op, z, x, y, &b);
		okf(strcmp(got, want) == 0, "%s %s %s %s: got %s, want %s", op, zone, x, y, got,
		    want);
		n++;
	}
	ok_all("as Python's datetime says");
	ok(f != NULL && pclose(f) == 0 && n > 35000, "the oracle ran to its end");
	buf_free(&b);
}

static void
units(void)
{
	static const struct { enum tag tag; const char *raw; enum unit unit; int64_t want; } v[] = {
		{ T_NUM, "1732060800", UNIT_GUESS, INT64_C(1732060800000000) },
		{ T_NUM, "1732060800123", UNIT_GUESS, INT64_C(1732060800123000) },
		{ T_NUM, "1732060800123456", UNIT_GUESS, INT64_C(1732060800123456) },
		{ T_STR, "\"1732060800\"", UNIT_GUESS, INT64_C(1732060800000000) },
		{ T_NUM, "1732060800.0", UNIT_GUESS, INT64_C(1732060800000000) },
		{ T_NUM, "1.7320608e9", UNIT_GUESS, INT64_C(1732060800000000) },
		{ T_NUM, "5", UNIT_S, 5000000 }, { T_NUM, "-5", UNIT_MS, -5000 },
		{ T_STR, "\"-5\"", UNIT_US, -5 }, { T_NUM, "0", UNIT_S, 0 },
		{ T_STR, "\"2024-11-20\"", UNIT_S, INT64_C(1732060800000000) },
		{ T_STR, "\"2024-11\\u002d20\"", UNIT_S, INT64_C(1732060800000000) },
	};
	static const struct { enum tag tag; const char *raw; enum unit unit; } bad[] = {
		{ T_NUM, "0", UNIT_GUESS }, { T_NUM, "-1", UNIT_GUESS },
		{ T_NUM, "99999999999999", UNIT_GUESS }, { T_NUM, "-1732060800", UNIT_GUESS },
		{ T_NUM, "1732060800.5", UNIT_S }, { T_NUM, "1e400", UNIT_S },
		{ T_NUM, "253402300800", UNIT_S }, { T_NUM, "-62135596801", UNIT_S },
		{ T_NUM, "9223372036854775807", UNIT_S }, { T_STR, "\"2024-02-30\"", UNIT_GUESS },
		{ T_STR, "\"0000-01-01\"", UNIT_GUESS }, { T_STR, "\"10000-01-01\"", UNIT_GUESS },
		{ T_STR, "\"2016-12-31T23:59:60Z\"", UNIT_GUESS }, { T_STR, "\"\"", UNIT_GUESS },
		{ T_STR, "\"-\"", UNIT_GUESS }, { T_STR, "\"2024-11-20 \"", UNIT_GUESS },
		{ T_STR, "\"2024-11-20 10:00\"", UNIT_GUESS },
		{ T_STR, "\"2024-1-5\"", UNIT_GUESS },
		{ T_STR, "\"0001-01-01T00:00:00+01:00\"", UNIT_GUESS },
		{ T_TRUE, "true", UNIT_GUESS }, { T_NULL, "null", UNIT_GUESS },
		{ T_ABSENT, "", UNIT_GUESS }, { T_OBJ, "{}", UNIT_GUESS },
	};
	struct buf scratch = { 0 };
	int64_t us;

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		const char *why = when_val(
		    val_make(v[i].tag, span_str(v[i].raw)), v[i].unit, NULL, &scratch, &us);

		okf(why == NULL && us == v[i].want, "%s: %s, %lld", v[i].raw,
		    why == NULL ? "" : why, (long long)us);
	}
	ok_all("times in records");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		okf(when_val(val_make(bad[i].tag, span_str(bad[i].raw)), bad[i].unit, NULL,
			&scratch, &us) != NULL,
		    "%s was taken as %lld", bad[i].raw, (long long)us);
	ok_all("what is no time");
	buf_free(&scratch);
}

static void
printing(void)
{
	const struct zone *z = zone_open("Asia/Shanghai"), *old = zone_open("Africa/Monrovia");
	int64_t us = INT64_C(1732060800123456);
	struct buf b = { 0 };
	char day[WHEN_DAY_BYTES];
	int32_t days = 0;

	when_print(us, WHEN_MS, z, &b);
	buf_byte(&b, ' ');
	when_print(us, WHEN_S, z, &b);
	buf_byte(&b, ' ');
	when_print(us, WHEN_SQL, z, &b);
	buf_byte(&b, ' ');
	when_print(us - 456, WHEN_RFC3339, z, &b);
	buf_byte(&b, ' ');
	when_print(us - 123456, WHEN_RFC3339, NULL, &b);
	buf_byte(&b, ' ');
	when_print(-1, WHEN_MS, NULL, &b);
	is_span(buf_span(&b),
	    "1732060800123 1732060800 \"2024-11-20 08:00:00.123456\" "
	    "\"2024-11-20T08:00:00.123+08:00\""
	    " \"2024-11-20T00:00:00Z\" -1",
	    "the styles");
	buf_clear(&b);
	when_print(0, WHEN_RFC3339, old, &b); /* -00:44:30 until 1972 */
	is_span(buf_span(&b), "\"1969-12-31T23:16:00-00:44\"",
	    "an offset with seconds is shown in minutes, the instant stays");
	when_day(us, z, day);
	is_str(day, "2024-11-20", "the local day");
	ok(day_parse(span_str("2024-02-29"), &days) == NULL && days == 19782, "a day to a number");
	day_print(days, day);
	is_str(day, "2024-02-29", "and back");
	ok(day_parse(span_str("2023-02-29"), &days) != NULL &&
		day_parse(span_str("2024-2-29"), &days) != NULL &&
		day_parse(span_str("20240229"), &days) != NULL,
	    "what is no day");
	buf_clear(&b);
	ok(when_format(span_str("%Q"), us, z, &b) != NULL &&
		when_format(span_str("%"), us, z, &b) != NULL,
	    "unknown letters");
	buf_clear(&b);
	(void)when_format(span_str("%s %N %q|%e|%k|%l|%n%t"), us, z, &b);
	is_span(buf_span(&b), "1732060800 123456000 4|20| 8| 8|\n\t", "letters that Python lacks");
	buf_free(&b);
}

/* A day of the years 1 to 9999 by the clock of the zone, not only in UTC. */
static void
local_ends(void)
{
	static const struct { const char *zone, *text; bool good; } v[] = {
		{ "Asia/Shanghai", "9999-12-31T15:59:59Z", true }, { "Asia/Shanghai", "9999-12-31T16:00:00Z", false },
		{ "Asia/Shanghai", "9999-12-31 23:59:59.999999", true }, { "Asia/Shanghai", "9999-12-31", true },
		{ "Asia/Shanghai", "0001-01-01T00:00:00Z", true }, { "UTC", "9999-12-31T23:59:59Z", true },
		{ "-08:00", "9999-12-31T23:59:59Z", true }, { "-08:00", "0001-01-01T07:59:59Z", false },
		{ "-08:00", "0001-01-01T08:00:00Z", true }, { "-08:00", "0001-01-01", true },
		{ "+23:59", "9999-12-31T00:01:00+00:00", false }, { "+23:59", "9999-12-31T00:00:59+00:00", true },
	};
	static const enum unit unit[] = { UNIT_S, UNIT_MS, UNIT_US };
	static const char *const number[] = { "253402300799", "253402300799999", "253402300799999999" };
	const struct zone *east = zone_open("Asia/Shanghai"), *west = zone_open("-08:00");
	struct buf b = { 0 };
	char day[WHEN_DAY_BYTES];
	int32_t days;
	int64_t us;

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		okf((when_parse(span_str(v[i].text), UNIT_GUESS, zone_open(v[i].zone), &us) == NULL) == v[i].good,
		    "%s in %s was %s", v[i].text, v[i].zone, v[i].good ? "refused" : "taken");
	ok_all("texts whose local day lies next to the ends");
	for (size_t i = 0; i < 3; i++) {
		struct val x = val_make(T_NUM, span_str(number[i]));

		okf(when_val(x, unit[i], east, &b, &us) != NULL && when_val_day(x, unit[i], east, &b, &days) != NULL &&
			when_val(x, unit[i], NULL, &b, &us) == NULL && when_val(x, unit[i], west, &b, &us) == NULL &&
			when_val_day(x, unit[i], west, &b, &days) == NULL,
		    "%s", number[i]);
	}
	ok_all("numbers whose local day does");
	ok(when_scan(span_str("%F %T %z"), span_str("9999-12-31 20:00:00 +0000"), east, &us) != NULL &&
		when_scan(span_str("%F %T %z"), span_str("0001-01-01 00:00:00 +2359"), NULL, &us) != NULL &&
		when_scan(span_str("%s"), span_str("253402300799"), east, &us) != NULL &&
		when_scan(span_str("%s"), span_str("253402300799"), west, &us) == NULL,
	    "and formats");
	when_print(WHEN_US_MAX, WHEN_SQL, east, &b);
	when_print(WHEN_US_MAX, WHEN_RFC3339, east, &b);
	when_print(WHEN_US_MIN, WHEN_SQL, west, &b);
	when_day(WHEN_US_MAX, east, day);
	buf_str(&b, day);
	is_span(buf_span(&b),
	    "\"9999-12-31 23:59:59.999999\"\"9999-12-31T23:59:59.999999+08:00\"\"0001-01-01 00:00:00\"9999-12-31",
	    "a bound past the ends is the end");
	buf_free(&b);
}

static void
scanning(void)
{
	static const struct { const char *fmt, *text; int64_t want; } v[] = {
		{ "%Y%m%d", "20241120", INT64_C(1732060800) },
		{ "%Y/%m/%d %H:%M", "2024/1/5 7:08", INT64_C(1704438480) },
		{ "%d/%b/%Y:%H:%M:%S %z", "20/Nov/2024:08:00:00 +0800", INT64_C(1732060800) },
		{ "%FT%T.%f%z", "2024-11-20T00:00:00.000Z", INT64_C(1732060800) },
		{ "%s", "1732060800", INT64_C(1732060800) },
		{ "%y%m%d%H", "24112003", INT64_C(1732071600) },
		{ "%Y-%m", "2024-11", INT64_C(1730419200) }, { "%Y", "1970", 0 },
		{ "%Y%j", "2024325", INT64_C(1732060800) },
		{ "%B %e, %Y", "november 20, 2024", INT64_C(1732060800) },
		{ "%I:%M %p %F", "12:00 am 2024-11-20", INT64_C(1732060800) },
		{ "%F %I:%M%p", "2024-11-20 12:00PM", INT64_C(1732104000) },
		{ "%a %F", "Wed 2024-11-20", INT64_C(1732060800) },
		{ "%A %F", "Wednesday 2024-11-20", INT64_C(1732060800) },
		{ "%D", "11/20/24", INT64_C(1732060800) },
		{ "%s.%N", "1732060800.000000000", INT64_C(1732060800) }, { "%%%Y", "%1970", 0 },
	};
	static const struct { const char *fmt, *text; } bad[] = {
		{ "%Y%m%d", "20240230" }, { "%Y%m%d", "2024113" "0x" },
		{ "%Y-%m-%d", "2024-11-20 " }, { "%Y", "24" }, { "%H:%M", "10:00" },
		{ "%a %F", "Thu 2024-11-20" }, { "%F %H", "2024-11-20 24" },
		{ "%I %F", "3 2024-11-20" }, { "%Y%j", "2023366" }, { "%Y%j", "2023000" },
		{ "%s.%N", "1.0000001" }, { "%Q", "1" }, { "%Y%", "2024" }, { "%b %Y", "Xyz 2024" },
		{ "", "x" }, { "%s", "9999999999999" },
	};
	int64_t us;

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		const char *why = when_scan(span_str(v[i].fmt), span_str(v[i].text), NULL, &us);

		okf(why == NULL && us == v[i].want * US_PER_SEC, "%s by %s: %s %lld", v[i].text,
		    v[i].fmt, why, (long long)us);
	}
	ok_all("formats read");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		okf(when_scan(span_str(bad[i].fmt), span_str(bad[i].text), NULL, &us) != NULL,
		    "%s by %s was taken", bad[i].text, bad[i].fmt);
	ok_all("formats that do not match");
	ok(when_scan(span_str("%F %R"), span_str("2024-11-20 08:00"), zone_open("Asia/Shanghai"),
	       &us) == NULL &&
		us == INT64_C(1732060800000000),
	    "local where the text names no zone");
}

static void
durations(void)
{
	static const char *const bad[] = { "", "d", "1", "1y", "1D", "1.5h", "+1h", " 1h", "1h ",
		"9999999999999s", "4000000d", "--1s", "1h30m" };
	struct dur d;

	ok(dur_parse("-10m", &d) == NULL && d.us == -600 * US_PER_SEC &&
		dur_parse("0", &d) == NULL && d.us == 0 && d.days == 0,
	    "negative and zero");
	ok(dur_parse("500ms", &d) == NULL && d.us == 500000 && dur_parse("2w", &d) == NULL &&
		d.days == 14 && d.us == 0 && dur_parse("3M", &d) == NULL && d.months == 3,
	    "units");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		okf(dur_parse(bad[i], &d) != NULL, "\"%s\" was taken", bad[i]);
	ok_all("what is no duration");
	(void)dur_parse("1d", &d);
	is_int(dur_floor(d, 4 * 3600 * US_PER_SEC, INT64_C(1732060800) * US_PER_SEC, NULL),
	    INT64_C(1731988800) * US_PER_SEC, "a day that begins at four");
	(void)dur_parse("1h", &d);
	is_int(dur_floor(d, 0, -1, NULL), -3600 * US_PER_SEC, "floor before the epoch");
	is_int(dur_add(d, INT64_MAX, 0, NULL), INT64_C(253402300800) * US_PER_SEC - 1,
	    "addition ends at the last instant");
	(void)dur_parse("1M", &d);
	is_int(
	    dur_add(d, -1000000, 0, NULL), INT64_C(-62135596800) * US_PER_SEC, "and at the first");
}

static void
zones(void)
{
	static const char *const bad[] = { "", "Nowhere/Town", "../../etc/passwd", "/etc/localtime",
		"+8", "+24:00", "+08:60", "+08:0x", "Asia", "+::::", "-1:23", "right/UTC",
		"tzdata.zi", "+08:00:00", "Asia/Shanghai\n" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		okf(zone_open(bad[i]) == NULL, "zone \"%s\" was opened", bad[i]);
	ok_all("what is no zone");
	ok(zone_open("Asia/Shanghai") == zone_open("Asia/Shanghai"), "a zone is read once");
	is_str(zone_name(zone_open("Asia/Shanghai")), "Asia/Shanghai", "and knows its name");
	is_str(zone_name(NULL), "UTC", "none is UTC");
	is_int(zone_offset(zone_open("-0330"), 0), -12600, "fixed offsets");
}

int
main(void)
{
	against_oracle();
	units();
	printing();
	local_ends();
	scanning();
	durations();
	zones();
	return done();
}
