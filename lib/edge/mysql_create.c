/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql_create - see mysql_create.h */
#include <stdlib.h>

#include "base/decimal.h"
#include "edge/mysql_create.h"

#define NAME_CHARACTERS_MAX 64
#define WIDE_DIGITS_MAX 65u	/* of DECIMAL */
#define SHORT_TEXT_BYTES 16384u

enum { SEEN_NUM = 1, SEEN_TEXT = 2, SEEN_TRUTH = 4, SEEN_OTHER = 8 };

struct field {
	struct span name;
	unsigned seen;
	size_t whole, fraction;	/* digits of numbers */
	size_t bytes;		/* of the longest text */
	bool wild;		/* a number that DECIMAL cannot hold */
	bool no_date, no_time;	/* some text is none */
	size_t time_digits;	/* all times have these behind the seconds */
};

struct guess {
	struct field *field;
	size_t n;
	struct arena mem;
	struct buf scratch, why;
};

struct guess *
guess_new(void)
{
	return mem_new(sizeof(struct guess));
}

void
guess_free(struct guess *g)
{
	if (g == NULL)
		return;
	free(g->field);
	arena_free(&g->mem);
	buf_free(&g->scratch);
	buf_free(&g->why);
	free(g);
}

static bool
is_seen(const struct guess *g, struct span name)
{
	for (size_t i = 0; i < g->n; i++)
		if (span_eq(g->field[i].name, name))
			return true;
	return false;
}

static struct field *
find(struct guess *g, struct span name)
{
	for (size_t i = 0; i < g->n; i++)
		if (span_eq(g->field[i].name, name))
			return &g->field[i];
	g->field = mem_array(g->field, g->n + 1, sizeof *g->field);
	g->field[g->n] = (struct field){ .name = span_of(arena_dup(&g->mem, name), name.n),
	    .time_digits = SIZE_MAX };
	return &g->field[g->n++];
}

static void
see_number(struct guess *g, struct field *f, struct span s)
{
	struct dec d;
	size_t point;

	if (memchr(s.p, 'e', s.n) != NULL || memchr(s.p, 'E', s.n) != NULL) {
		if (dec_parse(s, &d) != NULL) {
			f->wild = true;
			return;
		}
		buf_clear(&g->scratch);
		dec_print_canonical(&d, &g->scratch);
		s = buf_span(&g->scratch);
	}
	if (*s.p == '-')
		s = span_from(s, 1);
	for (point = 0; point < s.n && s.p[point] != '.'; point++)
		;
	f->whole = point > f->whole ? point : f->whole;
	if (point < s.n && s.n - point - 1 > f->fraction)
		f->fraction = s.n - point - 1;
}

static bool
form(struct span s, const char *f)
{
	for (size_t i = 0; f[i] != '\0'; i++)
		if (i >= s.n || (f[i] == '0' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != f[i]))
			return false;
	return s.n >= strlen(f);
}

static int
two(struct span s, size_t at)
{
	return (s.p[at] - '0') * 10 + s.p[at + 1] - '0';
}

static void
see_text(struct field *f, struct span s)
{
	bool date = form(s, "0000-00-00"), time = form(s, "0000-00-00 00:00:00") && s.n <= 26;
	size_t digits = s.n > 20 ? s.n - 20 : 0;
	int32_t day;

	f->bytes = s.n > f->bytes ? s.n : f->bytes;
	date = date && day_parse(span_of(s.p, 10), &day) == NULL;
	f->no_date = f->no_date || !date || s.n != 10;
	if (f->time_digits == SIZE_MAX)
		f->time_digits = digits;
	time = time && date && s.n != 20 && (s.n == 19 || s.p[19] == '.') &&
	    digits == f->time_digits;
	/* 25:00:00 looks like a time and is none */
	time = time && two(s, 11) < 24 && two(s, 14) < 60 && two(s, 17) < 60;
	for (size_t i = 20; time && i < s.n; i++)
		time = s.p[i] >= '0' && s.p[i] <= '9';
	f->no_time = f->no_time || !time;
}

void
guess_see(struct guess *g, struct span name, struct val v)
{
	struct field *f = find(g, name);

	switch (v.tag) {
	case T_NUM:
		f->seen |= SEEN_NUM;
		see_number(g, f, v.raw);
		break;
	case T_STR:
		f->seen |= SEEN_TEXT;
		see_text(f, val_text(v, &g->scratch));
		break;
	case T_TRUE: case T_FALSE:
		f->seen |= SEEN_TRUTH;
		break;
	case T_ARR: case T_OBJ:
		f->seen |= SEEN_OTHER;
		break;
	default:
		break;
	}
	if (v.tag != T_STR && v.raw.n > f->bytes)
		f->bytes = v.raw.n;
}

static void
put_type(const struct field *f, bool key, struct buf *sql)
{
	size_t digits = f->whole + f->fraction;

	if (f->seen == SEEN_NUM && !f->wild && digits <= WIDE_DIGITS_MAX &&
	    f->fraction <= DECIMAL_SCALE_MAX) {
		if (f->fraction == 0 && f->whole <= 18)
			buf_str(sql, "BIGINT");
		else
			buf_fmt(sql, "DECIMAL(%u,%zu)", digits <= 38 ? 38 : WIDE_DIGITS_MAX,
			    f->fraction);
	} else if (f->seen == SEEN_TRUTH) {
		buf_str(sql, "TINYINT(1)");
	} else if (f->seen == SEEN_TEXT && !f->no_date) {
		buf_str(sql, "DATE");
	} else if (f->seen == SEEN_TEXT && !f->no_time) {
		buf_fmt(sql, "DATETIME(%zu)", f->time_digits);
	} else if (key) {
		buf_str(sql, "VARCHAR(255)");
	} else {
		buf_str(sql, f->bytes <= SHORT_TEXT_BYTES ? "TEXT" : "LONGTEXT");
	}
}

static bool
is_among(struct span name, const struct span *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(v[i], name))
			return true;
	return false;
}

static bool
good_column(struct span name)
{
	size_t characters = 0;

	for (size_t i = 0; i < name.n; i++)
		characters += ((unsigned char)name.p[i] & 0xc0) != 0x80;
	return characters > 0 && characters <= NAME_CHARACTERS_MAX &&
	    memchr(name.p, '\0', name.n) == NULL &&
	    name.p[name.n - 1] != ' ';
}

const char *
guess_sql(struct guess *g, const struct db_tab *t, const struct span *key, size_t n_keys,
    struct span day, struct buf *sql)
{
	buf_clear(&g->why);
	for (size_t i = 0; i < n_keys; i++) {
		if (!span_eq(key[i], day) && !is_seen(g, key[i])) {
			buf_fmt(&g->why, "no record has the key '%.*s'", (int)key[i].n, key[i].p);
			return buf_cstr(&g->why);
		}
	}
	buf_str(sql, "CREATE TABLE IF NOT EXISTS ");
	sql_table(sql, t);
	buf_str(sql, " (");
	if (day.n > 0) {
		sql_name(sql, day);
		buf_str(sql, " DATE NOT NULL, ");
	}
	for (size_t i = 0; i < g->n; i++) {
		const struct field *f = &g->field[i];
		bool is_key = is_among(f->name, key, n_keys);

		if (day.n > 0 && span_eq(f->name, day))
			continue;
		if (!good_column(f->name)) {
			buf_fmt(&g->why, "'%.*s' cannot be a column",
			    (int)(f->name.n > 80 ? 80 : f->name.n), f->name.p);
			return buf_cstr(&g->why);
		}
		sql_name(sql, f->name);
		buf_byte(sql, ' ');
		put_type(f, is_key, sql);
		buf_str(sql, is_key ? " NOT NULL, " : ", ");
	}
	buf_str(sql, "PRIMARY KEY (");
	if (day.n > 0)
		sql_name(sql, day);
	for (size_t i = 0; i < n_keys; i++) {
		if (day.n > 0 && span_eq(key[i], day))
			continue;
		buf_str(sql, i > 0 || day.n > 0 ? ", " : "");
		sql_name(sql, key[i]);
	}
	buf_str(sql, ")) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin");
	return NULL;
}
