/* SPDX-License-Identifier: BSD-2-Clause */
/* drift_value - does a value fit the column it stands in, and is there the same value that does (see drift.h) */
#include "base/decimal.h"
#include "cdc/drift.h"
#include "cdc/value.h"
#include "in/scan_plain.h"

/* Values of a column: texts or numbers; T_ABSENT: anything. */
static enum tag
kind_of(const struct column *t, enum tag kind)
{
	switch (t->kind) {
	case COL_ANY:
		return kind;
	case COL_NUMBER:
	case COL_DECIMAL:
	case COL_BIT:
	case COL_YEAR:
		return T_NUM;
	default:
		return T_STR;
	}
}

static enum tag
same_kind(uint8_t tag)
{
	return tag == T_FALSE ? T_TRUE : (enum tag)tag;
}

/* Does a whole number fit so many bytes? */
static enum found
look_whole(const struct column *t, struct span s)
{
	unsigned bits = t->size * 8u - !t->is_unsigned;
	bool neg = s.p[0] == '-';
	uint64_t v;

	if (memchr(s.p, '.', s.n) != NULL || memchr(s.p, 'e', s.n) != NULL || memchr(s.p, 'E', s.n) != NULL)
		return FOUND_DIGITS;
	if (!digits_u64(span_from(s, neg), &v))
		return FOUND_RANGE;
	if (neg && t->is_unsigned)
		return v == 0 ? FITS : FOUND_RANGE;
	if (bits < 64 && v > (UINT64_C(1) << bits) - !neg)
		return FOUND_RANGE;
	return FITS;
}

static enum found
look_decimal(const struct column *t, struct span s)
{
	const char *dot = memchr(s.p, '.', s.n);
	size_t whole = dot == NULL ? s.n : (size_t)(dot - s.p), digits = dot == NULL ? 0 : s.n - whole - 1;
	size_t at = s.p[0] == '-';

	if (memchr(s.p, 'e', s.n) != NULL || memchr(s.p, 'E', s.n) != NULL)
		return FITS;		/* as Java writes some: what has a type was brought to its digits already */
	if (t->digits >= 0 && digits > (size_t)t->digits)
		return FOUND_DIGITS;
	if (whole - at == 1 && s.p[at] == '0')
		whole--;
	if (t->precision > 0 && t->digits >= 0 && whole - at > (size_t)(t->precision - t->digits))
		return FOUND_RANGE;
	return FITS;
}

static size_t
characters(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static bool
is_label(const struct column *t, struct span s)
{
	for (size_t i = 0; i < t->n_labels; i++)
		if (span_eq(t->label[i], s))
			return true;
	return s.n == 0;
}

static enum found
look_labels(const struct column *t, struct span s)
{
	if (t->n_labels == 0)
		return FITS;
	if (t->kind == COL_ENUM)
		return is_label(t, s) ? FITS : FOUND_LABEL;
	while (s.n > 0) {
		const char *comma = memchr(s.p, ',', s.n);
		size_t n = comma == NULL ? s.n : (size_t)(comma - s.p);

		if (!is_label(t, span_of(s.p, n)))
			return FOUND_LABEL;
		s = span_from(s, n + (comma != NULL));
	}
	return FITS;
}

/* Does the text have this form? 9 is a digit, all else itself. */
static bool
formed(struct span s, const char *form)
{
	size_t n = strlen(form);

	if (s.n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (form[i] == '9' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != form[i])
			return false;
	return true;
}

/* What stands behind a time: nothing, or its fraction, which may have no more digits than the column but zeros. */
static enum found
look_fraction(const struct column *t, struct span s)
{
	size_t most = t->digits < 0 ? 6 : (size_t)t->digits;

	if (s.n == 0)
		return FITS;
	if (s.p[0] != '.')
		return FOUND_FORM;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return FOUND_FORM;
	return s.n - 1 > most ? FOUND_DIGITS : FITS;
}

static enum found
look_text(const struct column *t, struct span s)
{
	size_t n = 0;

	switch (t->kind) {
	case COL_TEXT:
		return t->length > 0 && s.n > t->length && characters(s) > t->length ? FOUND_LENGTH : FITS;
	case COL_ENUM:
	case COL_SET:
		return look_labels(t, s);
	case COL_DATE:
		return s.n == 10 && formed(s, "9999-99-99") ? FITS : FOUND_FORM;
	case COL_DATETIME:
	case COL_TIMESTAMP:
		return formed(s, "9999-99-99 99:99:99") ? look_fraction(t, span_from(s, 19)) : FOUND_FORM;
	case COL_TIME:
		n = s.n > 0 && s.p[0] == '-';
		n += formed(span_from(s, n), "999:99:99") ? 9 : 8;
		if (s.n < n || !formed(span_from(s, n - 6), ":99:99"))
			return FOUND_FORM;
		return look_fraction(t, span_from(s, n));
	default:
		return FITS;
	}
}

enum found
drift_look(const struct column *t, enum tag kind, struct val v, struct buf *scratch)
{
	static const enum found is[] = { [T_TRUE] = FOUND_BOOL, [T_FALSE] = FOUND_BOOL, [T_NUM] = FOUND_NUMBER,
		[T_STR] = FOUND_TEXT, [T_ARR] = FOUND_ARRAY, [T_OBJ] = FOUND_OBJECT };
	enum tag want = kind_of(t, kind);

	if (v.tag <= T_NULL || want == T_ABSENT)
		return FITS;
	if (same_kind(v.tag) != want)
		return is[v.tag];
	if (t->kind == COL_NUMBER && t->size > 0)
		return look_whole(t, v.raw);
	if (t->kind == COL_DECIMAL)
		return look_decimal(t, v.raw);
	/* most texts are shorter than their column, whatever stands in them */
	if (want != T_STR || (t->kind == COL_TEXT && (t->length == 0 || v.raw.n - 2 <= t->length)))
		return FITS;
	return look_text(t, val_text(v, scratch));
}

bool
drift_short(const struct column *t, struct val v)
{
	const char *dot = v.tag != T_NUM ? NULL : memchr(v.raw.p, '.', v.raw.n);
	size_t digits = dot == NULL ? 0 : (size_t)(v.raw.p + v.raw.n - dot) - 1;

	return t->kind == COL_DECIMAL && v.tag == T_NUM && t->digits > 0 && digits < (size_t)t->digits;
}

/* A number to the digits of its column, if nothing is lost. */
static bool
cast_number(const struct column *t, struct span s, struct buf *out)
{
	struct dec d, r;
	int digits = t->kind == COL_DECIMAL ? t->digits : 0;

	if (t->kind == COL_NUMBER && t->size == 0) {
		buf_span_add(out, s);
		return true;
	}
	if (digits < 0 || dec_parse(s, &d) != NULL || dec_round(&d, digits, &r) != NULL || dec_cmp(&d, &r) != 0)
		return false;
	dec_print(&r, out);
	return true;
}

/* A time to the form of its column, if nothing is lost: its zeros cut off, or midnight put behind a day. */
static bool
cast_time(const struct column *t, struct span s, struct buf *out)
{
	const char *dot = memchr(s.p, '.', s.n);
	size_t whole = t->kind == COL_DATE ? 10 : dot == NULL ? s.n : (size_t)(dot - s.p), keep;

	if (t->kind != COL_DATE && t->kind != COL_TIME && s.n == 10 && formed(s, "9999-99-99")) {
		buf_byte(out, '"');
		buf_span_add(out, s);
		buf_str(out, " 00:00:00");
		if (t->digits > 0)
			buf_str(out, ".");
		for (int i = 0; i < t->digits; i++)
			buf_byte(out, '0');
		buf_byte(out, '"');
		return true;
	}
	if (t->kind == COL_DATE ? !formed(s, "9999-99-99 99:99:99") : s.n == whole)
		return false;
	keep = t->kind == COL_DATE || t->digits <= 0 ? whole : whole + 1 + (size_t)t->digits;
	if (keep > s.n)
		return false;
	for (size_t i = keep; i < s.n; i++)
		if (strchr("0.: ", s.p[i]) == NULL)
			return false;
	buf_byte(out, '"');
	buf_add(out, s.p, keep);
	buf_byte(out, '"');
	return true;
}

bool
drift_cast(const struct column *t, enum tag kind, struct val v, struct buf *scratch, struct buf *out)
{
	enum tag want = kind_of(t, kind);
	size_t from = out->n;
	bool done = false;
	struct val now;

	if (want == T_NUM && v.tag == T_STR) {
		struct span s = val_text(v, scratch);

		if (s.n > 0 && plain_number(s.p, s.p + s.n) == s.p + s.n)
			done = cast_number(t, s, out);
	} else if (want == T_NUM && (v.tag == T_TRUE || v.tag == T_FALSE) && t->kind != COL_ANY) {
		done = cast_number(t, span_str(v.tag == T_TRUE ? "1" : "0"), out);
	} else if (want == T_NUM && v.tag == T_NUM) {
		done = cast_number(t, v.raw, out);
	} else if (want == T_STR && v.tag == T_NUM && (t->kind == COL_TEXT || t->kind == COL_ANY)) {
		buf_byte(out, '"');
		buf_span_add(out, v.raw);
		buf_byte(out, '"');
		done = true;
	} else if (want == T_STR && v.tag == T_STR &&
	    (t->kind == COL_DATE || t->kind == COL_DATETIME || t->kind == COL_TIMESTAMP || t->kind == COL_TIME)) {
		done = cast_time(t, val_text(v, scratch), out);
	}
	now = done ? val_of(span_of(out->p + from, out->n - from)) : (struct val){ 0 };
	if (done && drift_look(t, kind, now, scratch) == FITS)
		return true;
	out->n = from;
	return false;
}
