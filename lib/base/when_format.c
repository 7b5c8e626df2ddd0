/* SPDX-License-Identifier: BSD-2-Clause */
/* when_format - date(1)'s patterns, written and read; see when.h */
#include <stdlib.h>

#include "base/when.h"

static const char *const month_name[12] = { "January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December" };
static const char *const day_name[7] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
	"Friday", "Saturday" };

static const char why_letter[] = "unknown letter behind % in a time format";
static const char why_match[] = "the time does not match its format";

/* What a local time implies. */
struct facts {
	struct civil c;
	int64_t us;
	const struct zone *z;
	int of_year;	/* 0.. */
	int weekday;	/* 0: Sunday */
};

static int64_t
day_number(int year, int month, int day)
{
	struct civil c = { year, month, day, 0, 0, 0, 0 };
	int64_t us = 0;

	(void)when_from_civil(&c, NULL, &us);
	return us / (86400 * US_PER_SEC) - (us % (86400 * US_PER_SEC) < 0);
}

static void
facts_of(int64_t us, const struct zone *z, struct facts *f)
{
	f->us = us;
	f->z = z;
	when_civil(us, z, &f->c);
}

/* The day of the year and the week, for the few who ask. */
static void
day_facts(struct facts *f)
{
	int64_t day = day_number(f->c.year, f->c.month, f->c.day);

	f->of_year = (int)(day - day_number(f->c.year, 1, 1));
	f->weekday = (int)(((day + 4) % 7 + 7) % 7);
}

/* ISO 8601: week 1 holds the year's first Thursday. */
static int
iso_week(const struct facts *f, int *year)
{
	int thursday = f->of_year - (f->weekday + 6) % 7 + 3, y = f->c.year, len;

	if (thursday < 0) {
		y--;
		thursday += (y % 4 == 0 && y % 100 != 0) || y % 400 == 0 ? 366 : 365;
	} else {
		len = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0 ? 366 : 365;
		if (thursday >= len) {
			y++;
			thursday -= len;
		}
	}
	*year = y;
	return thursday / 7 + 1;
}

static void
pad(struct buf *b, int64_t v, int width, char fill)
{
	char text[20];
	int n = width;

	for (int i = width; i-- > 0; v /= 10)
		text[i] = (char)('0' + v % 10);
	if (fill == ' ')
		for (int i = 0; i < n - 1 && text[i] == '0'; i++)
			text[i] = ' ';
	buf_add(b, text, (size_t)n);
}

static void
zone_out(const struct facts *f, struct buf *b)
{
	int32_t offset = zone_offset(f->z, f->us);

	buf_byte(b, offset < 0 ? '-' : '+');
	pad(b, abs(offset) / 3600, 2, '0');
	pad(b, abs(offset) / 60 % 60, 2, '0');
}

/* Letters that stand for others. */
static const char *
composed(char letter)
{
	switch (letter) {
	case 'F': return "%Y-%m-%d";
	case 'T': return "%H:%M:%S";
	case 'R': return "%H:%M";
	case 'D': return "%m/%d/%y";
	default: return NULL;
	}
}

static bool
put_date(char letter, struct facts *f, struct buf *b)
{
	const struct civil *c = &f->c;
	int year, week;

	if (memchr("GVjuwAa", letter, 7) != NULL)
		day_facts(f);
	switch (letter) {
	case 'Y': pad(b, c->year, 4, '0'); break;
	case 'C': pad(b, c->year / 100, 2, '0'); break;
	case 'y': pad(b, c->year % 100, 2, '0'); break;
	case 'G': (void)iso_week(f, &year); pad(b, year, 4, '0'); break;
	case 'V': week = iso_week(f, &year); pad(b, week, 2, '0'); break;
	case 'm': pad(b, c->month, 2, '0'); break;
	case 'B': buf_str(b, month_name[c->month - 1]); break;
	case 'b':
	case 'h': buf_add(b, month_name[c->month - 1], 3); break;
	case 'd': pad(b, c->day, 2, '0'); break;
	case 'e': pad(b, c->day, 2, ' '); break;
	case 'j': pad(b, f->of_year + 1, 3, '0'); break;
	case 'q': pad(b, (c->month + 2) / 3, 1, '0'); break;
	case 'u': pad(b, f->weekday == 0 ? 7 : f->weekday, 1, '0'); break;
	case 'w': pad(b, f->weekday, 1, '0'); break;
	case 'A': buf_str(b, day_name[f->weekday]); break;
	case 'a': buf_add(b, day_name[f->weekday], 3); break;
	default: return false;
	}
	return true;
}

static bool
put_clock(char letter, const struct facts *f, struct buf *b)
{
	const struct civil *c = &f->c;
	int hour12 = c->hour % 12 == 0 ? 12 : c->hour % 12;

	switch (letter) {
	case 'H': pad(b, c->hour, 2, '0'); break;
	case 'k': pad(b, c->hour, 2, ' '); break;
	case 'I': pad(b, hour12, 2, '0'); break;
	case 'l': pad(b, hour12, 2, ' '); break;
	case 'p': buf_str(b, c->hour < 12 ? "AM" : "PM"); break;
	case 'M': pad(b, c->min, 2, '0'); break;
	case 'S': pad(b, c->sec, 2, '0'); break;
	case 's': buf_i64(b, f->us / US_PER_SEC - (f->us % US_PER_SEC < 0)); break;
	case 'f': pad(b, c->us, 6, '0'); break;
	case 'N': pad(b, c->us, 6, '0'); buf_str(b, "000"); break;
	case 'z': zone_out(f, b); break;
	case 'Z': buf_str(b, zone_abbr(f->z, f->us)); break;
	case 'n': buf_byte(b, '\n'); break;
	case 't': buf_byte(b, '\t'); break;
	case '%': buf_byte(b, '%'); break;
	default: return false;
	}
	return true;
}

const char *
when_format(struct span fmt, int64_t us, const struct zone *z, struct buf *out)
{
	struct span rest = { 0 };	/* of the format while a composed letter is at work */
	struct facts f;

	facts_of(us, z, &f);
	for (;;) {
		const char *percent, *more;

		if (fmt.n == 0) {
			if (rest.n == 0)
				return NULL;
			fmt = rest;
			rest.n = 0;
		}
		percent = memchr(fmt.p, '%', fmt.n);
		buf_add(out, fmt.p, percent == NULL ? fmt.n : (size_t)(percent - fmt.p));
		if (percent == NULL) {
			fmt.n = 0;
			continue;
		}
		fmt = span_from(fmt, (size_t)(percent - fmt.p) + 1);
		if (fmt.n == 0)
			return why_letter;
		if ((more = composed(*fmt.p)) != NULL) {
			rest = span_from(fmt, 1);
			fmt = span_str(more);
			continue;
		}
		if (!put_date(*fmt.p, &f, out) && !put_clock(*fmt.p, &f, out))
			return why_letter;
		fmt = span_from(fmt, 1);
	}
}

/* Reading */

/* What a format asked for so far; -1: nothing. */
struct found {
	int year, year2, month, day, of_year, weekday, hour, hour12, pm, min, sec;
	int32_t us;
	int64_t epoch;
	int32_t offset;
	bool has_epoch, has_offset;
};

static bool
get_int(struct span *t, size_t least, size_t most, int *v)
{
	size_t n = 0;

	*v = 0;
	for (; n < most && n < t->n && t->p[n] >= '0' && t->p[n] <= '9'; n++)
		*v = *v * 10 + (t->p[n] - '0');
	*t = span_from(*t, n);
	return n >= least;
}

static bool
get_blank_int(struct span *t, int *v)
{
	if (t->n > 0 && *t->p == ' ')
		*t = span_from(*t, 1);
	return get_int(t, 1, 2, v);
}

/* The name, whole or its first three letters, in any case. */
static bool
get_name(struct span *t, const char *const *names, size_t n, int *index)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]), same = 0;

		while (same < len && same < t->n && (t->p[same] | 32) == (names[i][same] | 32))
			same++;
		if (same < 3)
			continue;
		*index = (int)i;
		*t = span_from(*t, same == len ? len : 3);
		return true;
	}
	return false;
}

static bool
get_fraction(struct span *t, size_t most, int32_t *us)
{
	size_t n = 0;

	*us = 0;
	for (; n < most && n < t->n && t->p[n] >= '0' && t->p[n] <= '9'; n++) {
		if (n < 6)
			*us = *us * 10 + (t->p[n] - '0');
		else if (t->p[n] != '0')
			return false;
	}
	for (size_t k = n; k < 6; k++)
		*us *= 10;
	*t = span_from(*t, n);
	return n > 0;
}

static bool
get_epoch(struct span *t, int64_t *secs)
{
	bool neg = t->n > 0 && *t->p == '-';
	size_t n = neg;

	*secs = 0;
	for (; n < t->n && n < 13 && t->p[n] >= '0' && t->p[n] <= '9'; n++)
		*secs = *secs * 10 + (t->p[n] - '0');
	*t = span_from(*t, n);
	if (neg)
		*secs = -*secs;
	return n > neg;
}

static bool
get_offset(struct span *t, struct found *f)
{
	int hour, min, sign;

	f->has_offset = true;
	f->offset = 0;
	if (t->n > 0 && (*t->p == 'Z' || *t->p == 'z')) {
		*t = span_from(*t, 1);
		return true;
	}
	if (t->n == 0 || (*t->p != '+' && *t->p != '-'))
		return false;
	sign = *t->p == '-' ? -1 : 1;
	*t = span_from(*t, 1);
	if (!get_int(t, 2, 2, &hour))
		return false;
	if (t->n > 0 && *t->p == ':')
		*t = span_from(*t, 1);
	if (!get_int(t, 2, 2, &min) || hour > 23 || min > 59)
		return false;
	f->offset = sign * (hour * 3600 + min * 60);
	return true;
}

static const char *
get(char letter, struct span *t, struct found *f)
{
	bool good;

	switch (letter) {
	case 'Y': good = get_int(t, 4, 4, &f->year); break;
	case 'y': good = get_int(t, 2, 2, &f->year2); break;
	case 'm': good = get_int(t, 1, 2, &f->month); break;
	case 'B':
	case 'b':
	case 'h':
		good = get_name(t, month_name, 12, &f->month);
		f->month++;
		break;
	case 'd': good = get_int(t, 1, 2, &f->day); break;
	case 'e': good = get_blank_int(t, &f->day); break;
	case 'j': good = get_int(t, 1, 3, &f->of_year); break;
	case 'A':
	case 'a': good = get_name(t, day_name, 7, &f->weekday); break;
	case 'H': good = get_int(t, 1, 2, &f->hour); break;
	case 'k': good = get_blank_int(t, &f->hour); break;
	case 'I': good = get_int(t, 1, 2, &f->hour12); break;
	case 'l': good = get_blank_int(t, &f->hour12); break;
	case 'p':
		good = t->n >= 2 && (t->p[1] | 32) == 'm' &&
		    ((*t->p | 32) == 'a' || (*t->p | 32) == 'p');
		f->pm = good && (*t->p | 32) == 'p';
		*t = span_from(*t, good ? 2 : 0);
		break;
	case 'M': good = get_int(t, 1, 2, &f->min); break;
	case 'S': good = get_int(t, 1, 2, &f->sec); break;
	case 's': good = f->has_epoch = get_epoch(t, &f->epoch); break;
	case 'f': good = get_fraction(t, 6, &f->us); break;
	case 'N': good = get_fraction(t, 9, &f->us); break;
	case 'z': good = get_offset(t, f); break;
	case 'n': good = t->n > 0 && *t->p == '\n'; *t = span_from(*t, good); break;
	case 't': good = t->n > 0 && *t->p == '\t'; *t = span_from(*t, good); break;
	case '%': good = t->n > 0 && *t->p == '%'; *t = span_from(*t, good); break;
	default: return why_letter;
	}
	return good ? NULL : why_match;
}

/* One local time out of all that was found. */
static const char *
assemble(struct found *f, const struct zone *z, int64_t *us)
{
	struct civil c = { f->year, f->month, f->day, f->hour, f->min, f->sec, f->us };
	struct facts facts;
	const char *why;
	int64_t t;

	if (f->has_epoch) {
		if ((why = when_count(f->epoch, UNIT_S, z, us)) == NULL)
			*us += f->us;
		return why;
	}
	if (c.year < 0 && f->year2 >= 0)
		c.year = f->year2 + (f->year2 < 69 ? 2000 : 1900);
	if (c.year < 0)
		return "a time format without a year";
	c.month = c.month < 0 ? 1 : c.month;
	c.day = c.day < 0 ? 1 : c.day;
	if (f->of_year == 0)
		return "no such date";
	if (f->hour12 >= 0) {
		if (f->hour12 < 1 || f->hour12 > 12 || f->pm < 0)
			return "no such time of day";
		c.hour = f->hour12 % 12 + (f->pm ? 12 : 0);
	}
	c.hour = c.hour < 0 ? 0 : c.hour;
	c.min = c.min < 0 ? 0 : c.min;
	c.sec = c.sec < 0 ? 0 : c.sec;
	if (f->of_year < 0 && f->weekday < 0 && !f->has_offset)
		return when_from_civil(&c, z, us);
	if ((why = when_from_civil(&c, NULL, &t)) != NULL)
		return why;
	facts_of(t, NULL, &facts);
	day_facts(&facts);
	if (f->of_year > 0 && f->month < 0 && f->day < 0) {
		t += (f->of_year - 1) * 86400 * US_PER_SEC;
		facts_of(t, NULL, &facts);
		day_facts(&facts);
		if (facts.c.year != c.year)
			return "no such date";
		c = facts.c;
	}
	if ((f->of_year > 0 && f->of_year != facts.of_year + 1) ||
	    (f->weekday >= 0 && f->weekday != facts.weekday))
		return "the day of the year or week contradicts the date";
	if (!f->has_offset)
		return when_from_civil(&c, z, us);
	*us = t - f->offset * US_PER_SEC;
	return when_range(*us, z);
}

const char *
when_scan(struct span fmt, struct span t, const struct zone *z, int64_t *us)
{
	struct found f = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, false, false };
	struct span rest = { 0 };
	const char *why, *more;

	for (;;) {
		if (fmt.n == 0) {
			if (rest.n == 0)
				break;
			fmt = rest;
			rest.n = 0;
		}
		if (*fmt.p != '%') {
			if (t.n == 0 || *t.p != *fmt.p)
				return why_match;
			t = span_from(t, 1);
		} else {
			fmt = span_from(fmt, 1);
			if (fmt.n == 0)
				return why_letter;
			if ((more = composed(*fmt.p)) != NULL) {
				rest = span_from(fmt, 1);
				fmt = span_str(more);
				continue;
			}
			if ((why = get(*fmt.p, &t, &f)) != NULL)
				return why;
		}
		fmt = span_from(fmt, 1);
	}
	return t.n > 0 ? why_match : assemble(&f, z, us);
}
