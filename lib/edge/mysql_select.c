/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql_select - see mysql_select.h */
#include <stdlib.h>

#include "base/decimal.h"
#include "base/err.h"
#include "edge/mysql_select.h"

/* ---- what is asked ---- */

static int
column(const struct select *s, struct span name, const char *what)
{
	int i = db_col(s->tab, name);

	if (i == -1)
		err_usage("%s: %.*s has no column '%.*s'", what, (int)s->tab->name.n,
		    s->tab->name.p, (int)name.n, name.p);
	return i;
}

/* The part before the comma; *rest what stands behind it, p NULL where there is none. */
static struct span
first_of(struct span list, struct span *rest)
{
	const char *comma = list.n == 0 ? NULL : memchr(list.p, ',', list.n);

	*rest = (struct span){ NULL, 0 };
	if (comma == NULL)
		return list;
	*rest = span_from(list, (size_t)(comma - list.p) + 1);
	return span_of(list.p, (size_t)(comma - list.p));
}

int
select_columns(struct select *s)
{
	struct span rest, name;

	s->since_col = s->key_col = -1;
	s->n = 0;
	s->col = mem_array(NULL, s->tab->n, sizeof *s->col);
	if (s->columns == NULL) {
		for (size_t i = 0; i < s->tab->n; i++)
			s->col[s->n++] = i;
	} else {
		for (rest = span_str(s->columns); rest.p != NULL;) {
			int i = column(s, first_of(rest, &rest), "--columns");

			if (i == -1)
				return EXIT_USAGE;
			for (size_t k = 0; k < s->n; k++)
				if (s->col[k] == (size_t)i)
					return err_usage("--columns: '%.*s' stands twice",
					    (int)s->tab->col[i].name.n,
					    s->tab->col[i].name.p);
			s->col[s->n++] = (size_t)i;
		}
	}
	if (s->since == NULL)
		return 0;
	name = first_of(span_str(s->since), &rest);
	if ((s->since_col = column(s, name, "--since")) == -1 ||
	    (rest.p != NULL && (s->key_col = column(s, rest, "--since")) == -1))
		return EXIT_USAGE;
	switch (s->tab->col[s->since_col].kind) {
	case COL_INT: case COL_DATE: case COL_DATETIME: case COL_TIMESTAMP:
		return 0;
	default:
		return err_usage("--since: '%.*s' is neither a time nor a whole number",
		    (int)name.n, name.p);
	}
}

/* :NAME outside quotes becomes the argument's text; nothing of it can end a literal. */
static int
put_where(const struct select *s, struct buf *sql)
{
	struct span w = span_str(s->where), name;
	char quote = '\0';

	for (size_t i = 0; i < w.n; i++) {
		size_t end = i + 1, k = 0;
		char ch = w.p[i];

		if (quote != '\0') {
			buf_byte(sql, ch);
			if (ch == '\\' && quote != '`' && i + 1 < w.n)
				buf_byte(sql, w.p[++i]);
			else if (ch == quote)
				quote = '\0';
			continue;
		}
		while (end < w.n && (w.p[end] == '_' || (w.p[end] >= '0' && w.p[end] <= '9') ||
		    ((w.p[end] | 32) >= 'a' && (w.p[end] | 32) <= 'z')))
			end++;
		if (ch != ':' || end == i + 1) {
			quote = ch == '\'' || ch == '"' || ch == '`' ? ch : '\0';
			buf_byte(sql, ch);
			continue;
		}
		name = span_of(w.p + i + 1, end - i - 1);
		while (k < s->n_args && !span_eq(s->arg[k].name, name))
			k++;
		if (k == s->n_args)
			return err_usage("--where: no --arg gives :%.*s", (int)name.n, name.p);
		sql_text(sql, s->arg[k].value);
		i = end - 1;
	}
	return quote == '\0' ? 0 : err_usage("--where: a quote is open at its end");
}

/* ---- bounds ---- */

static void
print_time(const struct db_col *c, int64_t us, const struct zone *z, struct buf *out)
{
	struct civil v;

	when_civil(us, c->kind == COL_TIMESTAMP ? NULL : z, &v);
	buf_fmt(out, "%04d-%02d-%02d", v.year, v.month, v.day);
	if (c->kind != COL_DATE)
		buf_fmt(out, " %02d:%02d:%02d.%06d", v.hour, v.min, v.sec, (int)v.us);
}

/* One value of one row. */
static int
ask_one(struct db *db, struct span sql, struct buf *out)
{
	struct span cell[1];
	int got, rc = db_select(db, sql);

	if (rc != 0)
		return rc;
	if ((got = db_row(db, cell)) == 1)
		buf_span_add(out, cell[0]);
	db_done(db);
	return got == -1 ? (db_last(db) == DB_AGAIN ? EXIT_TEMP : EXIT_REMOTE) : 0;
}

int
select_until(struct select *s, const char *lag, const struct zone *z, struct buf *until)
{
	const struct db_col *c = &s->tab->col[s->since_col];
	struct buf sql = { 0 }, now = { 0 };
	const char *why = NULL;
	struct dur d = { 0 };
	char *end = NULL;
	int64_t us;
	int rc;

	if (c->kind == COL_INT) {
		unsigned long long n = lag == NULL ? 0 : strtoull(lag, &end, 10);

		if (end != NULL && (*lag < '0' || *lag > '9' || *end != '\0'))
			return err_usage("--lag: '%s' is no whole number, as '%.*s' is", lag,
			    (int)c->name.n, c->name.p);
		buf_str(&sql, "SELECT CAST(MAX(");
		sql_name(&sql, c->name);
		buf_fmt(&sql, ") AS DECIMAL(30,0)) + 1 - %llu FROM ", n);
		sql_table(&sql, s->tab);
		rc = ask_one(s->db, buf_span(&sql), until);
	} else if ((why = dur_parse(lag == NULL ? "1m" : lag, &d)) != NULL) {
		rc = err_usage("--lag: %s", why);
	} else if ((rc = ask_one(s->db, span_str("SELECT NOW(6)"), &now)) == 0) {
		if ((why = when_parse(buf_span(&now), UNIT_GUESS, NULL, &us)) != NULL)
			rc = err_remote("the server's clock: %s", why);
		else
			print_time(c, dur_add(d, -1, us, z), z, until);
	}
	buf_free(&sql);
	buf_free(&now);
	return rc;
}

const char *
select_bound(const struct select *s, const char *text, const struct zone *z, struct buf *out)
{
	const struct db_col *c = &s->tab->col[s->since_col];
	struct buf scratch = { 0 }, quoted = { 0 };
	const char *why;

	buf_json(&quoted, span_str(text));
	why = cell_bind(c, val_make(T_STR, buf_span(&quoted)), z, &scratch, out);
	buf_free(&scratch);
	buf_free(&quoted);
	return why;
}

size_t
select_key(const struct select *s, size_t *col)
{
	size_t n = 0;

	for (unsigned k = 1; k <= s->tab->n; k++)
		for (size_t i = 0; i < s->tab->n; i++) {
			if (s->tab->col[i].key != k)
				continue;
			switch (s->tab->col[i].kind) {
			case COL_INT: case COL_DECIMAL: case COL_DATE: case COL_DATETIME: case COL_TIMESTAMP:
			case COL_TEXT: case COL_CHAR:
				col[n++] = i;
				break;
			default:	/* an ENUM compares as text and sorts as a number, a FLOAT is not its digits */
				return 0;
			}
		}
	return n;
}

const char *
select_back(const struct select *s, const char *bound, const char *by, const struct zone *z, struct buf *out)
{
	const struct db_col *c = &s->tab->col[s->since_col];
	const char *why;
	struct dec a, b;
	struct dur d;
	int64_t us;

	if (c->kind == COL_INT) {
		if ((why = dec_parse(span_str(by), &b)) != NULL || b.neg || b.scale > 0)
			return "it is no whole number, as the column is";
		if ((why = dec_parse(span_str(bound), &a)) != NULL || (why = dec_sub(&a, &b, &a)) != NULL)
			return why;
		dec_print(&a, out);
		return NULL;
	}
	if ((why = dur_parse(by, &d)) != NULL)
		return why;
	if ((why = when_parse(span_str(bound), UNIT_GUESS, c->kind == COL_TIMESTAMP ? NULL : z, &us)) != NULL)
		return why;
	print_time(c, dur_add(d, -1, us, z), z, out);
	return NULL;
}

bool
select_before(const struct select *s, const char *a, const char *b)
{
	struct dec x, y;

	if (s->tab->col[s->since_col].kind == COL_INT && dec_parse(span_str(a), &x) == NULL &&
	    dec_parse(span_str(b), &y) == NULL)
		return dec_cmp(&x, &y) < 0;
	return strcmp(a, b) < 0;	/* times: all in one form */
}

int
select_nulls(struct select *s)
{
	const struct db_col *c = &s->tab->col[s->since_col];
	struct buf sql = { 0 }, n = { 0 };
	int rc;

	if (!c->nullable)
		return 0;
	buf_str(&sql, "SELECT COUNT(*) FROM ");
	sql_table(&sql, s->tab);
	buf_str(&sql, " WHERE ");
	sql_name(&sql, c->name);
	buf_str(&sql, " IS NULL");
	rc = ask_one(s->db, buf_span(&sql), &n);
	if (rc == 0 && !span_is(buf_span(&n), "0"))
		err_warn("--since: %s rows have no %.*s and are never read by it", buf_cstr(&n),
		    (int)c->name.n, c->name.p);
	buf_free(&sql);
	buf_free(&n);
	return rc;
}

/* ---- reading ---- */

int
select_snapshot(struct select *s)
{
	int rc = db_query(s->db, "snapshot",
	    span_str("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"));

	return rc != 0 ? rc : db_query(s->db, "snapshot",
	    span_str("START TRANSACTION WITH CONSISTENT SNAPSHOT"));
}

static void
put_bound(const struct select *s, const char *op, const char *bound, struct buf *sql,
    const char **word)
{
	if (bound == NULL)
		return;
	buf_str(sql, *word);
	sql_name(sql, s->tab->col[s->since_col].name);
	buf_str(sql, op);
	sql_text(sql, span_str(bound));
	*word = " AND ";
}

/* (a > x OR (a = x AND b > y)): row constructors are no range of an index to every server. */
static void
put_after(const struct select *s, struct buf *sql, const char **word)
{
	size_t col[64], n = s->after == NULL ? 0 : select_key(s, col);

	if (n == 0)
		return;
	buf_str(sql, *word);
	for (size_t i = 0; i < n; i++) {
		buf_byte(sql, '(');
		sql_name(sql, s->tab->col[col[i]].name);
		buf_str(sql, " > ");
		sql_text(sql, s->after[i]);
		if (i + 1 == n)
			break;
		buf_str(sql, " OR (");
		sql_name(sql, s->tab->col[col[i]].name);
		buf_str(sql, " = ");
		sql_text(sql, s->after[i]);
		buf_str(sql, " AND ");
	}
	for (size_t i = 0; i < 2 * n - 1; i++)
		buf_byte(sql, ')');
	*word = " AND ";
}

static void
put_order(const struct select *s, struct buf *sql)
{
	const char *word = " ORDER BY ";

	if (s->since_col != -1) {
		buf_str(sql, word);
		sql_name(sql, s->tab->col[s->since_col].name);
		word = ", ";
		if (s->key_col != -1) {
			buf_str(sql, word);
			sql_name(sql, s->tab->col[s->key_col].name);
		}
	}
	/* equal tables give equal bytes: the primary key settles what is left */
	for (unsigned k = 1; k <= s->tab->n; k++)
		for (size_t i = 0; i < s->tab->n; i++)
			if (s->tab->col[i].key == k) {
				buf_str(sql, word);
				sql_name(sql, s->tab->col[i].name);
				word = ", ";
			}
}

int
select_begin(struct select *s)
{
	struct buf sql = { 0 };
	const char *word = " WHERE ";
	size_t key[64];			/* a key has at most 32 columns */
	int rc = 0;

	buf_str(&sql, "SELECT ");
	for (size_t i = 0; i < s->n; i++) {
		const struct db_col *c = &s->tab->col[s->col[i]];

		buf_str(&sql, i == 0 ? "" : ", ");
		sql_name(&sql, c->name);
		/* as a double: as a float six digits are printed, whatever it holds */
		buf_str(&sql, c->kind == COL_FLOAT ? " + 0e0" : "");
	}
	for (size_t i = 0, n = s->keyset ? select_key(s, key) : 0; i < n; i++) {
		buf_str(&sql, ", ");
		sql_name(&sql, s->tab->col[key[i]].name);
	}
	buf_str(&sql, " FROM ");
	sql_table(&sql, s->tab);
	if (s->where != NULL) {
		buf_str(&sql, word);
		buf_byte(&sql, '(');
		rc = put_where(s, &sql);
		buf_byte(&sql, ')');
		word = " AND ";
	}
	put_bound(s, " >= ", s->from, &sql, &word);
	put_bound(s, " < ", s->until, &sql, &word);
	put_after(s, &sql, &word);
	put_order(s, &sql);
	if (s->limit > 0)
		buf_fmt(&sql, " LIMIT %llu", (unsigned long long)s->limit);
	if (rc == 0)
		rc = db_select(s->db, buf_span(&sql));
	buf_free(&sql);
	return rc;
}
