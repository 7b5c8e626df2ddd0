/* SPDX-License-Identifier: BSD-2-Clause */
/* when - see when.h; zones are in when_zone.c, patterns in when_format.c */
#include <stdlib.h>

#include "base/decimal.h"
#include "base/digits.h"
#include "base/when.h"

#define DAY_SECS INT64_C(86400)
#define DAY_US (DAY_SECS * US_PER_SEC)
#define ZONE_US_MAX (8 * DAY_US)	/* no zone's file can say more than 168 hours */

static const char why_range[] = "time outside the years 0001 to 9999";
static const char why_form[] = "not a time";
static const char why_date[] = "no such date";
static const char why_clock[] = "no such time of day";
static const char why_digits[] = "not 10, 13 or 16 digits: say the unit";
static const char why_fine[] = "finer than a microsecond";

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Days and dates: counting from March makes the leap day the last of its year, and 400 years are
 * 146097 days.
 */

static int64_t
days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = floor_div(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = floor_div(z, 146097), d = z - era * 146097;
	int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	int64_t of_year = d - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

static int
month_days(int year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Local seconds and the microseconds behind them. */
static int64_t
local_secs(int64_t us, const struct zone *z, int32_t *rest)
{
	int64_t secs = floor_div(us, US_PER_SEC);

	*rest = (int32_t)(us - secs * US_PER_SEC);
	return secs + zone_offset(z, us);
}

void
when_civil(int64_t us, const struct zone *z, struct civil *c)
{
	int64_t secs = local_secs(us, z, &c->us), days;
	int of_day;

	/* a window's bound may lie past the last day or before the first */
	if (secs > WHEN_US_MAX / US_PER_SEC) {
		secs = WHEN_US_MAX / US_PER_SEC;
		c->us = US_PER_SEC - 1;
	} else if (secs < WHEN_US_MIN / US_PER_SEC) {
		secs = WHEN_US_MIN / US_PER_SEC;
		c->us = 0;
	}
	days = floor_div(secs, DAY_SECS);
	of_day = (int)(secs - days * DAY_SECS);
	date_of(days, &c->year, &c->month, &c->day);
	c->hour = of_day / 3600;
	c->min = of_day / 60 % 60;
	c->sec = of_day % 60;
}

static const char *
check_civil(const struct civil *c)
{
	if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
	    c->day > month_days(c->year, c->month))
		return why_date;
	if (c->hour < 0 || c->hour > 23 || c->min < 0 || c->min > 59 || c->sec < 0 || c->sec > 59 ||
	    c->us < 0 || c->us >= US_PER_SEC)
		return why_clock;
	return NULL;
}

static int64_t
civil_secs(const struct civil *c)
{
	return days_of(c->year, c->month, c->day) * DAY_SECS + c->hour * 3600 + c->min * 60 +
	    c->sec;
}

const char *
when_range(int64_t us, const struct zone *z)
{
	int64_t local = us;

	/* only next to the ends does it matter what the zone is */
	if (us >= WHEN_US_MIN + ZONE_US_MAX && us <= WHEN_US_MAX - ZONE_US_MAX)
		return NULL;
	if (us < WHEN_US_MIN || us > WHEN_US_MAX)
		return why_range;
	local += zone_offset(z, us) * US_PER_SEC;
	return local < WHEN_US_MIN || local > WHEN_US_MAX ? why_range : NULL;
}

static const char *
in_range(int64_t t, const struct zone *z, int64_t *us)
{
	*us = t;
	return when_range(t, z);
}

const char *
when_from_civil(const struct civil *c, const struct zone *z, int64_t *us)
{
	const char *why = check_civil(c);

	return why != NULL ? why
			   : in_range(zone_instant(z, civil_secs(c)) * US_PER_SEC + c->us, z, us);
}

/* Numbers */

const char *
when_count(int64_t v, enum unit unit, const struct zone *z, int64_t *us)
{
	static const int64_t per[] = { 0, US_PER_SEC, 1000, 1 };
	int64_t t;

	if (unit == UNIT_GUESS) {
		if (v >= INT64_C(1000000000) && v <= INT64_C(9999999999))
			unit = UNIT_S;
		else if (v >= INT64_C(1000000000000) && v <= INT64_C(9999999999999))
			unit = UNIT_MS;
		else if (v >= INT64_C(1000000000000000) && v <= INT64_C(9999999999999999))
			unit = UNIT_US;
		else
			return why_digits;
	}
	if (__builtin_mul_overflow(v, per[unit], &t))
		return why_range;
	return in_range(t, z, us);
}

static const char *
from_number(struct span s, enum unit unit, const struct zone *z, int64_t *us)
{
	struct dec d;
	const char *why;
	uint64_t u;
	int64_t v;

	if (digits_u64(s.p, s.n, &u) && (s.n == 1 || *s.p != '0'))
		return when_count((int64_t)u, unit, z, us);
	if ((why = dec_parse(s, &d)) != NULL)
		return why;
	return dec_to_i64(&d, &v) ? when_count(v, unit, z, us) : "a time is a whole number";
}

/* Text */

/* Exactly `n` digits at p (the caller knows that they can be read). */
static bool
fixed_digits(const char *p, int n, int *v)
{
	*v = 0;
	for (int i = 0; i < n; i++) {
		if (!is_digit(p[i]))
			return false;
		*v = *v * 10 + (p[i] - '0');
	}
	return true;
}

static bool
date_text(const char *p, struct civil *c)
{
	return fixed_digits(p, 4, &c->year) && p[4] == '-' && fixed_digits(p + 5, 2, &c->month) &&
	    p[7] == '-' && fixed_digits(p + 8, 2, &c->day);
}

static bool
clock_text(const char *p, struct civil *c)
{
	return fixed_digits(p, 2, &c->hour) && p[2] == ':' && fixed_digits(p + 3, 2, &c->min) &&
	    p[5] == ':' && fixed_digits(p + 6, 2, &c->sec);
}

/* `.f…` at p: microseconds; returns its length, 0 when it is none. */
static size_t
fraction(struct span s, int32_t *us, const char **why)
{
	size_t n = 1;

	*us = 0;
	for (; n < s.n && is_digit(s.p[n]); n++) {
		if (n <= 6)
			*us = *us * 10 + (s.p[n] - '0');
		else if (s.p[n] != '0')
			*why = why_fine;
	}
	for (size_t k = n; k <= 6; k++)
		*us *= 10;
	return n == 1 ? 0 : n;
}

/* Z or ±HH:MM, the whole span. */
static bool
offset_text(struct span s, int32_t *secs)
{
	int hour, min;

	if (s.n == 1 && (*s.p == 'Z' || *s.p == 'z')) {
		*secs = 0;
		return true;
	}
	if (s.n != 6 || (*s.p != '+' && *s.p != '-') || !fixed_digits(s.p + 1, 2, &hour) ||
	    s.p[3] != ':' || !fixed_digits(s.p + 4, 2, &min) || hour > 23 || min > 59)
		return false;
	*secs = (*s.p == '-' ? -1 : 1) * (hour * 3600 + min * 60);
	return true;
}

const char *
when_parse(struct span s, enum unit unit, const struct zone *z, int64_t *us)
{
	struct civil c = { 0 };
	const char *why = NULL;
	int32_t offset;

	if (s.n < 10 || s.p[4] != '-') {
		size_t i = s.n > 0 && *s.p == '-';

		if (s.n == i)
			return why_form;
		for (; i < s.n && is_digit(s.p[i]); i++)
			;
		return i == s.n ? from_number(s, unit, z, us) : why_form;
	}
	if (!date_text(s.p, &c))
		return why_form;
	if (s.n == 10)
		return when_from_civil(&c, z, us);
	if (s.n < 19 || (s.p[10] != ' ' && s.p[10] != 'T' && s.p[10] != 't') ||
	    !clock_text(s.p + 11, &c))
		return why_form;
	s = span_from(s, 19);
	if (s.n > 0 && *s.p == '.') {
		size_t n = fraction(s, &c.us, &why);

		if (n == 0)
			return why_form;
		if (why != NULL)
			return why;
		s = span_from(s, n);
	}
	if (s.n == 0)
		return when_from_civil(&c, z, us);
	if (!offset_text(s, &offset))
		return why_form;
	if ((why = check_civil(&c)) != NULL)
		return why;
	return in_range((civil_secs(&c) - offset) * US_PER_SEC + c.us, z, us);
}

const char *
when_val(struct val v, enum unit unit, const struct zone *z, struct buf *scratch, int64_t *us)
{
	static const uint64_t per[] = { 0, US_PER_SEC, 1000, 1 };
	static const uint64_t most[] = { 0, (WHEN_US_MAX - ZONE_US_MAX) / US_PER_SEC,
		(WHEN_US_MAX - ZONE_US_MAX) / 1000, WHEN_US_MAX - ZONE_US_MAX };
	uint64_t n;

	if (v.tag == T_NUM) {
		/* nearly all: a unit that is known, and a year after 1970 */
		if (unit == UNIT_GUESS || !digits_u64(v.raw.p, v.raw.n, &n) || (*v.raw.p == '0' && v.raw.n > 1) ||
		    n > most[unit])
			return from_number(v.raw, unit, z, us);
		*us = (int64_t)(n * per[unit]);
		return NULL;
	}
	if (v.tag == T_STR)
		return when_parse(val_text(v, scratch), unit, z, us);
	return val_is_null(v) ? "no time" : why_form;
}

const char *
when_val_day(struct val v, enum unit unit, const struct zone *z, struct buf *scratch, int32_t *day)
{
	const char *why;
	int64_t us, secs;

	if (v.tag == T_STR && v.raw.n == WHEN_DAY_BYTES + 1 && day_parse(val_text(v, scratch), day) == NULL)
		return NULL;
	if ((why = when_val(v, unit, z, scratch, &us)) != NULL)
		return why;
	secs = us / US_PER_SEC - (us % US_PER_SEC < 0) + zone_offset(z, us);
	*day = (int32_t)(secs / 86400 - (secs % 86400 < 0));
	return NULL;
}

/* Output */

static char *
two(char *p, int v)
{
	*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *
date_out(char *p, const struct civil *c)
{
	p = two(two(p, c->year / 100), c->year % 100);
	*p++ = '-';
	p = two(p, c->month);
	*p++ = '-';
	return two(p, c->day);
}

/* HH:MM:SS, and .mmm or .uuuuuu where there is a fraction. */
static char *
clock_out(char *p, const struct civil *c)
{
	int n = c->us == 0 ? 0 : c->us % 1000 == 0 ? 3 : 6;
	int32_t v = n == 3 ? c->us / 1000 : c->us;

	p = two(p, c->hour);
	*p++ = ':';
	p = two(p, c->min);
	*p++ = ':';
	p = two(p, c->sec);
	if (n > 0) {
		*p++ = '.';
		for (int i = n; i-- > 0; v /= 10)
			p[i] = (char)('0' + v % 10);
		p += n;
	}
	return p;
}

void
when_print(int64_t us, enum when_style style, const struct zone *z, struct buf *b)
{
	char text[48], *p = text;
	struct civil c;
	int32_t offset;

	if (style == WHEN_MS || style == WHEN_S) {
		buf_i64(b, floor_div(us, style == WHEN_MS ? 1000 : US_PER_SEC));
		return;
	}
	*p++ = '"';
	if (style == WHEN_SQL) {
		when_civil(us, z, &c);
		p = date_out(p, &c);
		*p++ = ' ';
		p = clock_out(p, &c);
	} else {
		/*
		 * RFC 3339 knows whole minutes only: an odd offset of old is shown as its minutes,
		 * the instant stays.
		 */
		offset = zone_offset(z, us) / 60 * 60;
		when_civil(us + offset * US_PER_SEC, NULL, &c);
		p = date_out(p, &c);
		*p++ = 'T';
		p = clock_out(p, &c);
		if (offset == 0) {
			*p++ = 'Z';
		} else {
			*p++ = offset < 0 ? '-' : '+';
			p = two(p, abs(offset) / 3600);
			*p++ = ':';
			p = two(p, abs(offset) / 60 % 60);
		}
	}
	*p++ = '"';
	buf_add(b, text, (size_t)(p - text));
}

void
when_day(int64_t us, const struct zone *z, char day[WHEN_DAY_BYTES])
{
	struct civil c;

	when_civil(us, z, &c);
	*date_out(day, &c) = '\0';
}

const char *
day_parse(struct span s, int32_t *days)
{
	struct civil c = { 0 };
	const char *why;

	if (s.n != 10 || !date_text(s.p, &c))
		return "a day is YYYY-MM-DD";
	if ((why = check_civil(&c)) != NULL)
		return why;
	*days = (int32_t)days_of(c.year, c.month, c.day);
	return NULL;
}

void
day_print(int32_t days, char day[WHEN_DAY_BYTES])
{
	struct civil c;

	date_of(days, &c.year, &c.month, &c.day);
	*date_out(day, &c) = '\0';
}

/* Durations */

const char *
dur_parse(const char *text, struct dur *d)
{
	static const struct { const char *name; int64_t us; int32_t days, months; } units[] = {
		{ "us", 1, 0, 0 }, { "ms", 1000, 0, 0 }, { "s", US_PER_SEC, 0, 0 },
		{ "m", 60 * US_PER_SEC, 0, 0 }, { "h", 3600 * US_PER_SEC, 0, 0 }, { "d", 0, 1, 0 },
		{ "w", 0, 7, 0 }, { "M", 0, 0, 1 },
	};
	bool neg = *text == '-';
	const char *p = text + neg, *first = p;
	int64_t v = 0;

	memset(d, 0, sizeof *d);
	for (; is_digit(*p); p++) {
		if (p - first >= 12)
			return "a duration too long";
		v = v * 10 + (*p - '0');
	}
	if (p == first)
		return "a duration is a number and one of us ms s m h d w M";
	if (v == 0 && *p == '\0')
		return NULL;
	v = neg ? -v : v;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(p, units[i].name) != 0)
			continue;
		if (units[i].us == 0 && (v > 3660000 || v < -3660000))
			return "a duration too long";
		if (__builtin_mul_overflow(v, units[i].us, &d->us) ||
		    d->us > WHEN_US_MAX - WHEN_US_MIN || d->us < WHEN_US_MIN - WHEN_US_MAX)
			return "a duration too long";
		d->days = (int32_t)v * units[i].days;
		d->months = (int32_t)v * units[i].months;
		return NULL;
	}
	return "a duration is a number and one of us ms s m h d w M";
}

/* A local day number to the instant `us_of_day` behind its midnight, by the local clock. */
static int64_t
day_start(int64_t days, int64_t us_of_day, const struct zone *z)
{
	int64_t us = days * DAY_SECS * US_PER_SEC + us_of_day, secs = floor_div(us, US_PER_SEC);

	return zone_instant(z, secs) * US_PER_SEC + (us - secs * US_PER_SEC);
}

int64_t
dur_floor(struct dur d, int64_t offset_us, int64_t us, const struct zone *z)
{
	int64_t secs, days, n;
	int32_t rest;
	int year, month, day;

	if (d.days <= 0 && d.months <= 0)
		return d.us <= 0 ? us : floor_div(us - offset_us, d.us) * d.us + offset_us;
	secs = local_secs(us, z, &rest);
	days = floor_div(secs * US_PER_SEC + rest - offset_us, DAY_SECS * US_PER_SEC);
	if (d.days > 0) {
		/* 1970-01-01 was a Thursday, three days behind a Monday */
		n = d.days % 7 == 0 ? 3 : 0;
		days = floor_div(days + n, d.days) * d.days - n;
		return day_start(days, offset_us, z);
	}
	date_of(days, &year, &month, &day);
	n = floor_div((int64_t)(year - 1970) * 12 + month - 1, d.months) * d.months;
	year = (int)floor_div(n, 12) + 1970;
	month = (int)(n - floor_div(n, 12) * 12) + 1;
	return day_start(days_of(year, month, 1), offset_us, z);
}

int64_t
dur_add(struct dur d, int64_t n, int64_t us, const struct zone *z)
{
	int64_t t, secs, days, months;
	int32_t rest;
	int year, month, day;

	if (d.days == 0 && d.months == 0) {
		if (__builtin_mul_overflow(d.us, n, &t) || __builtin_add_overflow(us, t, &t))
			return (d.us < 0) == (n < 0) ? WHEN_US_MAX : WHEN_US_MIN;
		return t > WHEN_US_MAX ? WHEN_US_MAX : t < WHEN_US_MIN ? WHEN_US_MIN : t;
	}
	if (n > 3660000 || n < -3660000)
		n = n < 0 ? -3660000 : 3660000;
	secs = local_secs(us, z, &rest);
	days = floor_div(secs, DAY_SECS);
	secs -= days * DAY_SECS;
	if (d.days != 0) {
		days += n * d.days;
	} else {
		date_of(days, &year, &month, &day);
		months = (int64_t)year * 12 + month - 1 + n * d.months;
		if (months < 12)
			return WHEN_US_MIN;
		if (months >= 12 * 10000)
			return WHEN_US_MAX;
		year = (int)(months / 12);
		month = (int)(months % 12) + 1;
		days = days_of(
		    year, month, day > month_days(year, month) ? month_days(year, month) : day);
	}
	if (days > floor_div(WHEN_US_MAX, DAY_SECS * US_PER_SEC))
		return WHEN_US_MAX;
	if (days < floor_div(WHEN_US_MIN, DAY_SECS * US_PER_SEC))
		return WHEN_US_MIN;
	t = day_start(days, secs * US_PER_SEC + rest, z);
	return t > WHEN_US_MAX ? WHEN_US_MAX : t < WHEN_US_MIN ? WHEN_US_MIN : t;
}
