/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_bind - rows of a pile as parameters (see mysql_load_own.h): each alone as text, or arrays of a column that
 * spare the server the reading of numbers and times
 *
 * Only what a type holds exactly is bound in it: an integer of 64 bits, 65 digits, a time that the calendar has.  Where
 * one cell of the column is none of these, all of its cells go as text: what the server says to it are the same words.
 */
#include <stdlib.h>

#include "base/when.h"
#include "edge/mysql_load_own.h"

#define DIGITS_MAX 65u		/* of DECIMAL; of more the server would make the largest, without a word */

enum enum_field_types
load_wire_type(const struct db_col *c)
{
	return c->kind == COL_BYTES || c->kind == COL_BIT ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
}

/* What cell_bind wrote for an integer column. */
static bool
int_of(struct span s, bool no_sign, int64_t *out)
{
	bool minus = s.n > 0 && *s.p == '-';
	uint64_t v = 0;

	s = span_from(s, minus);
	if (s.n == 0 || s.n > 20)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	if (minus ? no_sign || v > (uint64_t)INT64_MAX : !no_sign && v > (uint64_t)INT64_MAX)
		return false;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

static unsigned
two(const char *p)
{
	return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

/* YYYY-MM-DD[ HH:MM:SS], its digits being digits. */
static bool
time_of(struct span s, bool date, MYSQL_TIME *t)
{
	int32_t day;

	if (s.n != (date ? 10 : 19) || day_parse(span_of(s.p, 10), &day) != NULL)
		return false;
	*t = (MYSQL_TIME){ .year = 100 * two(s.p) + two(s.p + 2), .month = two(s.p + 5), .day = two(s.p + 8),
	    .time_type = date ? MYSQL_TIMESTAMP_DATE : MYSQL_TIMESTAMP_DATETIME };
	if (date)
		return true;
	t->hour = two(s.p + 11);
	t->minute = two(s.p + 14);
	t->second = two(s.p + 17);
	return t->year > 0 && t->hour < 24 && t->minute < 60 && t->second < 60;
}

/* The cells of one column as arrays of a type of its kind. False: as text. */
static bool
bind_native(struct load *l, const struct pile *p, size_t column, size_t from, size_t n, MYSQL_BIND *b)
{
	const struct db_col *c = &l->t->col[column];
	bool no_sign = c->kind == COL_INT && memmem(c->type.p, c->type.n, "unsigned", 8) != NULL;
	size_t base = column * ROWS_MAX + from;
	void **native = &l->native[column];
	int64_t *number;
	MYSQL_TIME *time;

	if (c->kind != COL_INT && c->kind != COL_DECIMAL && c->kind != COL_DATE && c->kind != COL_DATETIME)
		return false;
	if (*native == NULL)
		*native = mem_array(NULL, ROWS_MAX, c->kind == COL_INT ? sizeof *number : sizeof *time);
	number = *native;
	time = *native;
	for (size_t r = 0; r < n; r++) {
		struct span s = span_of(p->bytes.p + p->cell_at[base + r], p->cell_n[base + r]);

		l->at[base + r] = s.p;
		if (p->null[base + r] != STMT_INDICATOR_NONE)
			continue;
		if (c->kind == COL_INT && !int_of(s, no_sign, &number[r]))
			return false;
		if (c->kind == COL_DECIMAL && s.n > DIGITS_MAX)
			return false;
		if (c->kind != COL_DATE && c->kind != COL_DATETIME)
			continue;
		if (!time_of(s, c->kind == COL_DATE, &time[r]))
			return false;
		l->at[base + r] = (const char *)&time[r];
	}
	b->buffer = c->kind == COL_INT ? *native : (void *)(l->at + base);
	b->buffer_type = c->kind == COL_INT ? MYSQL_TYPE_LONGLONG : c->kind == COL_DECIMAL ? MYSQL_TYPE_NEWDECIMAL :
	    c->kind == COL_DATE ? MYSQL_TYPE_DATE : MYSQL_TYPE_DATETIME;
	b->is_unsigned = no_sign;
	return true;
}

bool
load_bind_bulk(struct load *l, struct pile *p, MYSQL_STMT *s, size_t from, size_t n, bool text)
{
	unsigned rows = (unsigned)n;

	for (size_t k = 0; k < p->n_cols; k++) {
		size_t base = p->col[k] * ROWS_MAX + from;
		MYSQL_BIND *b = &l->bind[k];

		memset(b, 0, sizeof *b);
		b->length = p->cell_n + base;
		b->u.indicator = p->null + base;
		if (!text && bind_native(l, p, p->col[k], from, n, b))
			continue;
		for (size_t r = 0; r < n; r++)
			l->at[base + r] = p->bytes.p + p->cell_at[base + r];
		b->buffer_type = load_wire_type(&l->t->col[p->col[k]]);
		b->buffer = l->at + base;
	}
	return mysql_stmt_attr_set(s, STMT_ATTR_ARRAY_SIZE, &rows) == 0 &&
	    mysql_stmt_bind_param(s, l->bind) == 0;
}

bool
load_bind_rows(struct load *l, struct pile *p, MYSQL_STMT *s, size_t from, size_t n)
{
	MYSQL_BIND *b = l->bind;

	for (size_t r = from; r < from + n; r++) {
		for (size_t k = 0; k < p->n_cols; k++, b++) {
			size_t i = p->col[k] * ROWS_MAX + r;

			memset(b, 0, sizeof *b);
			b->buffer_type = p->null[i] != STMT_INDICATOR_NONE ? MYSQL_TYPE_NULL :
			    load_wire_type(&l->t->col[p->col[k]]);
			b->buffer = p->bytes.p + p->cell_at[i];
			b->buffer_length = p->cell_n[i];
			b->length = &p->cell_n[i];
		}
	}
	return mysql_stmt_bind_param(s, l->bind) == 0;
}
