/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time - functions on times
 *
 * Truncating and adding give back what they were given: a number comes back as epoch milliseconds,
 * a day as a day, local text as local text, text with an offset as RFC 3339.
 */
#include "expr/prog.h"

enum form { FORM_NUMBER, FORM_DAY, FORM_LOCAL, FORM_ZONED };
enum step {
	STEP_MS,
	STEP_SECOND,
	STEP_MINUTE,
	STEP_HOUR,
	STEP_DAY,
	STEP_WEEK,
	STEP_MONTH,
	STEP_QUARTER,
	STEP_YEAR
};

static const char why_range[] = "time outside the years 0001 to 9999";

static const struct {
	const char *name;
	enum step step;
	int64_t us;
	int32_t days, months;
} steps[] = {
	{ "millisecond", STEP_MS, 1000, 0, 0 },
	{ "second", STEP_SECOND, US_PER_SEC, 0, 0 },
	{ "minute", STEP_MINUTE, 60 * US_PER_SEC, 0, 0 },
	{ "hour", STEP_HOUR, 3600 * US_PER_SEC, 0, 0 },
	{ "day", STEP_DAY, 0, 1, 0 },
	{ "week", STEP_WEEK, 0, 7, 0 },
	{ "month", STEP_MONTH, 0, 0, 1 },
	{ "quarter", STEP_QUARTER, 0, 0, 3 },
	{ "year", STEP_YEAR, 0, 0, 12 },
};

static const char *
step_of(const struct xval *x, size_t *which)
{
	for (size_t i = 0; x->tag == X_STR && i < sizeof steps / sizeof *steps; i++) {
		size_t n = strlen(steps[i].name), k = 0;

		while (k < n && k < x->str.n && (x->str.p[k] | 32) == steps[i].name[k])
			k++;
		if (k == n && x->str.n == n) {
			*which = i;
			return NULL;
		}
	}
	return "a unit is millisecond, second, minute, hour, day, week, month, quarter or year";
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static enum form
form_of(const struct xval *x)
{
	size_t n = x->str.n;

	if (x->tag != X_STR || n < 10 || x->str.p[4] != '-')
		return FORM_NUMBER;
	if (n == 10)
		return FORM_DAY;
	return (x->str.p[n - 1] | 32) == 'z' || x->str.p[n - 6] == '+' || x->str.p[n - 6] == '-'
	    ? FORM_ZONED
	    : FORM_LOCAL;
}

/* Milliseconds; a finer time keeps its digits behind the point. */
static const char *
put_ms(int64_t us, struct xval *out)
{
	struct dec d;
	const char *why;

	out->tag = X_NUM;
	out->raw.p = NULL;
	if (us % 1000 == 0) {
		dec_int(us / 1000, &out->num);
		return NULL;
	}
	dec_int(us, &d);
	dec_int(1000, &out->num);
	if ((why = dec_div(&d, &out->num, &d)) == NULL)
		why = dec_round(&d, 3, &out->num);
	return why;
}

static const char *
put(struct expr_state *st, const struct zone *z, enum form form, int64_t us, struct xval *out)
{
	struct buf *b = &st->tmp;
	struct span s;

	if (form == FORM_NUMBER)
		return put_ms(us, out);
	buf_clear(b);
	when_print(us, form == FORM_ZONED ? WHEN_RFC3339 : WHEN_SQL, z, b);
	s = span_of(b->p + 1, b->n - 2);
	if (form == FORM_DAY)
		s.n = 10;
	return state_text(st, s, out);
}

/* Calendar fields of the local clock, as one number a unit: how many began since some origin. */
static int64_t
count_of(size_t which, int64_t us, const struct zone *z)
{
	int64_t local = us + zone_offset(z, us) * US_PER_SEC,
		day = floor_div(local, 86400 * US_PER_SEC);
	struct civil c;

	if (steps[which].step == STEP_DAY)
		return day;
	if (steps[which].step == STEP_WEEK)
		return floor_div(day + 3, 7);	/* 1970-01-01 was a Thursday */
	when_civil(us, z, &c);
	return floor_div((int64_t)c.year * 12 + c.month - 1, steps[which].months);
}

static const char *
date_trunc(struct expr_state *st, const struct zone *z, const struct xval *v, struct xval *out)
{
	struct dur d = { 0 };
	enum form form = form_of(&v[1]);
	const char *why;
	size_t which;
	int64_t us;

	if ((why = step_of(&v[0], &which)) != NULL || (why = xval_time(&v[1], z, &us)) != NULL)
		return why;
	if (steps[which].us > 0) {
		/* Down to the hour of the local clock, which may stand at a half one. */
		int64_t local = us + zone_offset(z, us) * US_PER_SEC;

		us -= local - floor_div(local, steps[which].us) * steps[which].us;
	} else {
		d.days = steps[which].days;
		d.months = steps[which].months;
		us = dur_floor(d, 0, us, z);
	}
	if ((why = when_range(us, z)) != NULL)
		return why;
	return put(st, z, form, us, out);
}

static const char *
date_add(struct expr_state *st, const struct zone *z, const struct xval *v, struct xval *out)
{
	enum form form = form_of(&v[2]);
	struct dec n;
	struct dur d;
	const char *why;
	size_t which;
	int64_t us, count;

	if ((why = step_of(&v[0], &which)) != NULL || (why = xval_num(&v[1], &n)) != NULL ||
	    (why = xval_time(&v[2], z, &us)) != NULL)
		return why;
	if (!dec_to_i64(&n, &count))
		return "date_add takes a whole number of units";
	/* No range of years holds more; dur_add would stop at its ends in silence. */
	if (count > INT64_C(400000000000000) || count < -INT64_C(400000000000000))
		return why_range;
	d = (struct dur){ steps[which].us, steps[which].days, steps[which].months };
	us = dur_add(d, count, us, z);
	if (us == WHEN_US_MIN || us == WHEN_US_MAX)
		return why_range;
	if ((why = when_range(us, z)) != NULL)
		return why;
	if (form == FORM_DAY && steps[which].us > 0)
		form = FORM_LOCAL;
	return put(st, z, form, us, out);
}

static const char *
date_diff(const struct zone *z, const struct xval *v, struct xval *out)
{
	const char *why;
	size_t which;
	int64_t a, b, n;

	if ((why = step_of(&v[0], &which)) != NULL || (why = xval_time(&v[1], z, &a)) != NULL ||
	    (why = xval_time(&v[2], z, &b)) != NULL)
		return why;
	n = steps[which].us > 0 ? (b - a) / steps[which].us
				: count_of(which, b, z) - count_of(which, a, z);
	out->tag = X_NUM;
	out->raw.p = NULL;
	dec_int(n, &out->num);
	return NULL;
}

static const char *
date_format(struct expr_state *st, const struct zone *z, const struct xval *v, struct xval *out)
{
	struct span fmt;
	const char *why;
	int64_t us;

	if ((why = xval_time(&v[0], z, &us)) != NULL || (why = text_of(st, &v[1], &fmt)) != NULL)
		return why;
	buf_clear(&st->tmp);
	if ((why = when_format(fmt, us, z, &st->tmp)) != NULL)
		return why;
	return state_text(st, buf_span(&st->tmp), out);
}

static const char *
to_timestamp(
    struct expr_state *st, const struct zone *z, const struct xval *v, size_t n, struct xval *out)
{
	struct span text, fmt;
	const char *why;
	int64_t us;

	if (n == 1) {
		if ((why = xval_time(&v[0], z, &us)) != NULL)
			return why;
	} else if ((why = text_of(st, &v[0], &text)) != NULL ||
	    (why = text_of(st, &v[1], &fmt)) != NULL ||
	    (why = when_scan(fmt, text, z, &us)) != NULL) {
		return why;
	}
	return put_ms(us, out);
}

const char *
time_call(struct expr_state *st, const struct zone *z, enum func f, const struct xval *v, size_t n,
    struct xval *out)
{
	switch (f) {
	case FN_DATE_TRUNC:
		return date_trunc(st, z, v, out);
	case FN_DATE_ADD:
		return date_add(st, z, v, out);
	case FN_DATE_DIFF:
		return date_diff(z, v, out);
	case FN_DATE_FORMAT:
		return date_format(st, z, v, out);
	default:
		return to_timestamp(st, z, v, n, out);
	}
}

/* A fraction is cut to the digits asked for, as MariaDB does, and padded to them. */
const char *
time_cast(
    struct expr_state *st, const struct zone *z, enum cast cast, unsigned digits, struct xval *v)
{
	struct buf *b = &st->tmp;
	const char *why;
	int64_t us;

	if ((why = xval_time(v, z, &us)) != NULL)
		return why;
	buf_clear(b);
	if (cast == CAST_DATE) {
		char day[WHEN_DAY_BYTES];

		when_day(us, z, day);
		return state_text(st, span_of(day, WHEN_DAY_BYTES - 1), v);
	}
	if ((why = when_format(span_str("%F %T.%f"), us, z, b)) != NULL)
		return why;
	b->n -= digits == 0 ? 7 : 6 - digits;
	return state_text(st, buf_span(b), v);
}
