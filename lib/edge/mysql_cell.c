/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_cell - one value between JSON and the server, without a digit lost on the way (see mysql.h)
 */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "edge/mysql.h"

/* ---- pieces ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from i on; where they end. */
static size_t
digits(struct span s, size_t i)
{
	while (i < s.n && is_digit(s.p[i]))
		i++;
	return i;
}

struct number {
	struct span whole, fraction;	/* whole with its sign; fraction without its point */
	bool exponent;
};

/* RFC 8259's number and nothing around it. */
static bool
number_split(struct span s, struct number *n)
{
	size_t a = s.n > 0 && *s.p == '-', i = digits(s, a), f;

	if (i == a || (s.p[a] == '0' && i > a + 1))
		return false;
	*n = (struct number){ .whole = span_of(s.p, i) };
	if (i < s.n && s.p[i] == '.') {
		f = i + 1;
		if ((i = digits(s, f)) == f)
			return false;
		n->fraction = span_of(s.p + f, i - f);
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		n->exponent = true;
		f = i + 1 + (i + 1 < s.n && (s.p[i + 1] == '-' || s.p[i + 1] == '+'));
		if ((i = digits(s, f)) == f)
			return false;
	}
	return i == s.n;
}

static bool
utf8_good(struct span s)
{
	for (size_t i = 0; i < s.n;) {
		const unsigned char *p = (const unsigned char *)s.p + i;
		size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 :
		    *p < 0xf5 ? 4 : 0;

		if (n == 0 || n > s.n - i)
			return false;
		for (size_t k = 1; k < n; k++)
			if ((p[k] & 0xc0) != 0x80)
				return false;
		if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
		    (*p == 0xf0 && p[1] < 0x90) ||
		    (*p == 0xf4 && p[1] > 0x8f))
			return false;
		i += n;
	}
	return true;
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
encode(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i += 3) {
		unsigned n = s.n - i < 3 ? (unsigned)(s.n - i) : 3, v = 0;

		for (unsigned k = 0; k < 3; k++)
			v = v << 8 | (k < n ? (unsigned char)s.p[i + k] : 0);
		for (unsigned k = 0; k < 4; k++)
			buf_byte(out, k <= n ? base64[v >> (18 - 6 * k) & 63] : '=');
	}
}

/* Strict RFC 4648: padding, no blanks, no stray bits. */
static bool
decode(struct span s, struct buf *out)
{
	if (s.n % 4 != 0)
		return false;
	for (size_t i = 0; i < s.n; i += 4) {
		unsigned v = 0, n = 4;

		while (n > 2 && i + 4 == s.n && s.p[i + n - 1] == '=')
			n--;
		for (unsigned k = 0; k < 4; k++) {
			const char *at = k < n ? memchr(base64, s.p[i + k], 64) : base64;

			if (at == NULL)
				return false;
			v = v << 6 | (unsigned)(at - base64);
		}
		if ((n == 2 && (v & 0xffff) != 0) || (n == 3 && (v & 0xff) != 0))
			return false;
		for (unsigned k = 0; k + 1 < n; k++)
			buf_byte(out, (char)(v >> (16 - 8 * k) & 255));
	}
	return true;
}

/* ---- from the server ---- */

/*
 * A 4-byte float by the fewest digits that mean it; the server prints six of them, which may mean
 * another.
 */
static void
print_float(struct span text, struct buf *out)
{
	char in[64], digit[40], *e;
	float want;

	snprintf(in, sizeof in, "%.*s", (int)text.n, text.p);
	want = (float)strtod(in, NULL);
	for (int n = 1; n <= 17; n++) {
		double d;

		snprintf(digit, sizeof digit, "%.*g", n, (double)want);
		d = strtod(digit, NULL);
		/* rounded up at the end of the range it would be too large to be stored again */
		if ((float)d == want && d <= (double)FLT_MAX && d >= -(double)FLT_MAX)
			break;
	}
	/* 1e+06, 1e-05: as the server writes them, 1e6, 1e-5 */
	if ((e = strchr(digit, 'e')) == NULL) {
		buf_str(out, digit);
		return;
	}
	buf_add(out, digit, (size_t)(e + 1 - digit));
	if (*++e == '-')
		buf_byte(out, '-');
	while (*e == '+' || *e == '-' || *e == '0')
		e++;
	buf_str(out, e);
}

static const char *
print_number(enum col_kind kind, struct span text, struct buf *out)
{
	struct number n;

	while (text.n > 1 && *text.p == '0' && is_digit(text.p[1]))
		text = span_from(text, 1);		/* ZEROFILL */
	if (!number_split(text, &n))
		return "the server sent what is no number";
	if (kind == COL_FLOAT)
		print_float(text, out);
	else
		buf_span_add(out, text);
	return NULL;
}

/*
 * "YYYY-MM-DD HH:MM:SS[.f]" of the session (UTC) in the zone, with as many digits behind the point.
 */
static const char *
print_timestamp(struct span text, const struct zone *z, struct buf *out)
{
	struct civil c;
	int64_t us;
	char sql[40];
	size_t n;

	if (text.n < 19 || memcmp(text.p, "0000", 4) == 0) {
		buf_json(out, text);
		return NULL;
	}
	if (when_parse(text, UNIT_GUESS, NULL, &us) != NULL)
		return "the server sent what is no time";
	when_civil(us, z, &c);
	n = (size_t)snprintf(sql, sizeof sql, "%04d-%02d-%02d %02d:%02d:%02d.%06d", c.year, c.month,
	    c.day, c.hour, c.min, c.sec, (int)c.us);
	buf_json(out, span_of(sql, text.n < n ? text.n : n));
	return NULL;
}

const char *
cell_json(const struct db_col *c, struct span text, const struct zone *z, struct buf *out)
{
	uint64_t bits = 0;

	switch (c->kind) {
	case COL_INT: case COL_DECIMAL: case COL_FLOAT: case COL_DOUBLE: case COL_YEAR:
		return print_number(c->kind, text, out);
	case COL_BIT:
		for (size_t i = 0; i < text.n; i++)
			bits = bits << 8 | (unsigned char)text.p[i];
		buf_u64(out, bits);
		return NULL;
	case COL_BYTES:
		buf_byte(out, '"');
		encode(text, out);
		buf_byte(out, '"');
		return NULL;
	case COL_TIMESTAMP:
		if (z != NULL)
			return print_timestamp(text, z, out);
		__attribute__((fallthrough));
	default:
		if (!utf8_good(text))
			return "the server sent bytes that are no UTF-8";
		buf_json(out, text);
		return NULL;
	}
}

bool
cell_is_zero_date(const struct db_col *c, struct span text)
{
	if (c->kind != COL_DATE && c->kind != COL_DATETIME && c->kind != COL_TIMESTAMP)
		return false;
	return text.n >= 10 && (memcmp(text.p + 5, "00", 2) == 0 || memcmp(text.p + 8, "00", 2) == 0);
}

/* ---- to the server ---- */

/*
 * A number with at most `scale` digits behind the point that are not zero: the server would round
 * the rest away.
 */
static const char *
bind_fixed(struct span text, unsigned scale, struct buf *scratch, struct buf *out)
{
	struct number n;
	struct dec d;
	const char *why;

	if (!number_split(text, &n))
		return "not a number";
	if (n.exponent) {
		if ((why = dec_parse(text, &d)) != NULL)
			return why;
		buf_clear(scratch);
		dec_print_canonical(&d, scratch);
		if (!number_split(buf_span(scratch), &n))
			return "not a number";
	}
	while (n.fraction.n > 0 && n.fraction.p[n.fraction.n - 1] == '0')
		n.fraction.n--;
	if (n.fraction.n > scale)
		return scale == 0 ? "not a whole number" :
		    "more digits behind the point than the column holds";
	buf_span_add(out, n.whole);
	if (n.fraction.n > 0) {
		buf_byte(out, '.');
		buf_span_add(out, n.fraction);
	}
	return NULL;
}

static const char *
bind_bits(struct span text, struct buf *scratch, struct buf *out)
{
	uint64_t v = 0;
	size_t at = out->n;
	const char *why = bind_fixed(text, 0, scratch, out);
	struct span d = span_of(out->p + at, out->n - at);
	bool any = false;

	if (why != NULL)
		return why;
	for (size_t i = 0; i < d.n; i++)
		if (!is_digit(d.p[i]) || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(d.p[i] - '0'), &v))
			return "outside 64 bits";
	out->n = at;
	for (int shift = 56; shift >= 0; shift -= 8) {
		any = any || (v >> shift & 255) != 0 || shift == 0;
		if (any)
			buf_byte(out, (char)(v >> shift & 255));
	}
	return NULL;
}

/*
 * Does s from i on look like `form`, where 0 stands for a digit and T for a blank or T? Where it
 * ends, or 0.
 */
static size_t
looks(struct span s, size_t i, const char *form)
{
	for (; *form != '\0'; form++, i++) {
		if (i >= s.n)
			return 0;
		if (*form == '0' && is_digit(s.p[i]))
			continue;
		if (s.p[i] != *form && (*form != 'T' || s.p[i] != ' '))
			return 0;
	}
	return i;
}

/* A fraction of at most `scale` digits that are not zero ends the text. */
static const char *
fraction_fits(struct span s, size_t i, unsigned scale)
{
	size_t end;

	if (i == s.n)
		return NULL;
	if (s.p[i] != '.' || (end = digits(s, i + 1)) == i + 1 || end != s.n)
		return "not a time the column can hold (YYYY-MM-DD HH:MM:SS[.f])";
	while (end > i + 1 && s.p[end - 1] == '0')
		end--;
	return end - i - 1 > scale ? "more digits behind the seconds than the column holds" : NULL;
}

static const char *
bind_time(const struct db_col *c, struct span s, const struct zone *z, struct buf *out)
{
	size_t i = looks(s, 0, "0000-00-00");
	const char *why;
	struct civil v;
	int64_t us, unit = 1;

	if (c->kind == COL_TIME) {
		size_t h = s.n > 0 && *s.p == '-';

		i = digits(s, h);
		i = i == h || i > h + 3 ? 0 : looks(s, i, ":00:00");
	} else if (c->kind == COL_DATE) {
		if (i != s.n)
			return "not a date (YYYY-MM-DD)";
	} else if (c->kind == COL_TIMESTAMP && z != NULL && !(i > 0 &&
	    memcmp(s.p, "0000", 4) == 0)) {
		if ((why = when_parse(s, UNIT_GUESS, z, &us)) != NULL)
			return why;
		for (unsigned k = c->scale; k < 6; k++)
			unit *= 10;
		if (us % unit != 0)
			return "more digits behind the seconds than the column holds";
		when_civil(us, NULL, &v);
		buf_fmt(out, "%04d-%02d-%02d %02d:%02d:%02d.%06d", v.year, v.month, v.day, v.hour,
		    v.min, v.sec, (int)v.us);
		return NULL;
	} else if (i > 0 && i < s.n) {
		i = looks(s, i, "T00:00:00");
	}
	if (i == 0)
		return c->kind == COL_TIME ? "not a time of day (HH:MM:SS[.f])" :
		    "not a time the column can hold (YYYY-MM-DD HH:MM:SS[.f])";
	if ((why = fraction_fits(s, i, c->scale)) == NULL)
		buf_span_add(out, s);
	return why;
}

static bool
member(const struct db_col *c, struct span s)
{
	for (size_t i = 0; i < c->n_members; i++)
		if (span_eq(c->member[i], s))
			return true;
	return false;
}

/* The server takes '2' for the second member, and 'A' for 'a'. */
static const char *
bind_members(const struct db_col *c, struct span s, struct buf *out)
{
	buf_span_add(out, s);
	if (c->kind == COL_ENUM || s.n == 0)
		return (c->kind == COL_SET && s.n == 0) || member(c, s) ? NULL :
		    "none of the column's values";
	while (true) {
		const char *comma = memchr(s.p, ',', s.n);
		size_t n = comma == NULL ? s.n : (size_t)(comma - s.p);

		if (!member(c, span_of(s.p, n)))
			return "none of the column's values";
		if (comma == NULL)
			return NULL;
		s = span_from(s, n + 1);
	}
}

const char *
cell_bind(const struct db_col *c, struct val v, const struct zone *z, struct buf *scratch,
    struct buf *out)
{
	bool truth = v.tag == T_TRUE || v.tag == T_FALSE;
	struct span s = v.raw;
	struct number n;

	if (v.tag == T_STR) {
		s = val_text(v, scratch);
	} else if (truth && c->boolean) {
		s = span_str(v.tag == T_TRUE ? "1" : "0");
	} else if (c->kind < COL_DATE && v.tag != T_NUM) {
		return "not a number";
	}
	switch (c->kind) {
	case COL_INT: case COL_DECIMAL:
		return bind_fixed(s, c->kind == COL_INT ? 0 : c->scale, scratch, out);
	case COL_FLOAT: case COL_DOUBLE:
		if (!number_split(s, &n))
			return "not a number";
		buf_span_add(out, s);
		return NULL;
	case COL_YEAR:
		if (looks(s, 0, "0000") != s.n && !span_is(s, "0"))
			return "not a year";
		buf_str(out, s.n == 1 ? "000" : "");
		buf_span_add(out, s);
		return NULL;
	case COL_BIT:
		return bind_bits(s, scratch, out);
	case COL_DATE: case COL_DATETIME: case COL_TIMESTAMP: case COL_TIME:
		return bind_time(c, s, z, out);
	case COL_ENUM: case COL_SET:
		return bind_members(c, s, out);
	case COL_BYTES:
		return v.tag == T_STR && decode(s, out) ? NULL : "not base64";
	case COL_CHAR:
		if (s.n > 0 && s.p[s.n - 1] == ' ')
			return "CHAR does not keep blanks at the end";
		__attribute__((fallthrough));
	default:
		buf_span_add(out, s);
		return NULL;
	}
}
