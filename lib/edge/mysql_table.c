/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql_table - what a table is, by the server's own catalogue (see mysql.h) */
#include <stdlib.h>

#include "base/err.h"
#include "edge/mysql.h"

#define IDENTIFIER_BYTES_MAX 256	/* 64 characters */

/* ---- names ---- */

/*
 * One part of a name: `quoted`, or up to the first dot. Returns the bytes taken, 0 when it is none.
 */
static size_t
name_part(struct span s, struct buf *out)
{
	size_t i = 0;

	buf_clear(out);
	if (s.n > 0 && *s.p == '`') {
		for (i = 1; i < s.n; i++) {
			if (s.p[i] == '`' && (i + 1 >= s.n || s.p[i + 1] != '`'))
				return out->n == 0 ? 0 : i + 1;
			i += s.p[i] == '`';
			buf_byte(out, s.p[i]);
		}
		return 0;
	}
	while (i < s.n && s.p[i] != '.' && s.p[i] != '`')
		buf_byte(out, s.p[i++]);
	return i;
}

static bool
good_name(const struct buf *b)
{
	return b->n > 0 && b->n <= IDENTIFIER_BYTES_MAX && memchr(b->p, '\0', b->n) == NULL;
}

static int
split_name(struct db *db, struct span name, struct db_tab *t)
{
	struct buf one = { 0 }, two = { 0 };
	size_t n = name_part(name, &one);
	bool good = n > 0 && good_name(&one);

	if (good && n < name.n) {
		good = name.p[n] == '.' && good_name(&one) &&
		    name_part(span_from(name, n + 1), &two) == name.n - n - 1 && good_name(&two);
	} else {
		two = one;
		one = (struct buf){ 0 };
		buf_str(&one, db_database(db));
	}
	if (good && one.n == 0) {
		err_usage("--table %.*s: which database? DB.TABLE, or database= in the option file",
		    (int)name.n, name.p);
	} else if (!good) {
		err_usage("--table: '%.*s' is not [DB.]TABLE", (int)name.n, name.p);
	} else {
		t->db = span_of(arena_dup(&t->mem, buf_span(&one)), one.n);
		t->name = span_of(arena_dup(&t->mem, buf_span(&two)), two.n);
	}
	good = good && one.n > 0;
	buf_free(&one);
	buf_free(&two);
	return good ? 0 : EXIT_USAGE;
}

/* ---- columns ---- */

static enum col_kind
kind_of(struct span type)
{
	static const struct { const char *name; enum col_kind kind; } kinds[] = {
		{ "tinyint", COL_INT }, { "smallint", COL_INT }, { "mediumint", COL_INT },
		{ "int", COL_INT },
		{ "bigint", COL_INT }, { "decimal", COL_DECIMAL }, { "float", COL_FLOAT },
		{ "double", COL_DOUBLE },
		{ "year", COL_YEAR }, { "bit", COL_BIT }, { "date", COL_DATE },
		{ "datetime", COL_DATETIME },
		{ "timestamp", COL_TIMESTAMP }, { "time", COL_TIME }, { "char", COL_CHAR },
		{ "enum", COL_ENUM },
		{ "set", COL_SET }, { "binary", COL_BYTES }, { "varbinary", COL_BYTES },
		{ "tinyblob", COL_BYTES },
		{ "blob", COL_BYTES }, { "mediumblob", COL_BYTES }, { "longblob", COL_BYTES },
		{ "geometry", COL_BYTES },
		{ "point", COL_BYTES }, { "linestring", COL_BYTES }, { "polygon", COL_BYTES },
		{ "multipoint", COL_BYTES },
		{ "multilinestring", COL_BYTES }, { "multipolygon", COL_BYTES },
		{ "geometrycollection", COL_BYTES },
		{ "geomcollection", COL_BYTES }, { "vector", COL_BYTES }
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (span_is(type, kinds[i].name))
			return kinds[i].kind;
	return COL_TEXT;
}

static char
unescaped(char c)
{
	return c == 'n' ? '\n' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
}

/* enum('a','it''s'): the catalogue doubles quotes and escapes \ NUL LF CR. */
static void
members(struct db_tab *t, struct db_col *c)
{
	struct buf b = { 0 };
	const char *p = memchr(c->type.p, '\'', c->type.n), *end = c->type.p + c->type.n;

	while (p != NULL && p < end && *p == '\'') {
		buf_clear(&b);
		for (p++; p < end; p++) {
			char ch = *p;

			if (ch == '\'' && (p + 1 == end || p[1] != '\''))
				break;
			if ((ch == '\\' || ch == '\'') && p + 1 < end) {
				p++;
				ch = ch == '\\' ? unescaped(*p) : *p;
			}
			buf_byte(&b, ch);
		}
		c->member = mem_array(c->member, c->n_members + 1, sizeof *c->member);
		c->member[c->n_members++] = span_of(arena_dup(&t->mem, buf_span(&b)), b.n);
		p = p < end ? p + 1 : p;
		p = p < end && *p == ',' ? p + 1 : end;
	}
	buf_free(&b);
}

static bool
has(struct span s, const char *word)
{
	return s.n > 0 && memmem(s.p, s.n, word, strlen(word)) != NULL;
}

static unsigned
small(struct span digits)
{
	unsigned n = 0;

	for (size_t i = 0; i < digits.n && digits.p[i] >= '0' && digits.p[i] <= '9' && n < 100; i++)
		n = 10 * n + (unsigned)(digits.p[i] - '0');
	return n;
}

static struct span
keep(struct db_tab *t, struct span s)
{
	return s.p == NULL ? span_of("", 0) : span_of(arena_dup(&t->mem, s), s.n);
}

enum { NAME, DATA_TYPE, COLUMN_TYPE, COLLATION, SCALE, PRECISION, EXTRA, OF_DB, OF_TABLE, NULLABLE,
    COLUMN_CELLS };

static void
add_column(struct db_tab *t, const struct span *cell)
{
	struct db_col *c;

	/* names in the catalogue are compared without case: another table may have matched */
	if (!span_eq(cell[OF_DB], t->db) || !span_eq(cell[OF_TABLE], t->name))
		return;
	t->col = mem_array(t->col, t->n + 1, sizeof *t->col);
	c = &t->col[t->n++];
	*c = (struct db_col){ .name = keep(t, cell[NAME]), .type = keep(t, cell[COLUMN_TYPE]),
	    .collation = keep(t, cell[COLLATION]), .kind = kind_of(cell[DATA_TYPE]) };
	c->scale = small(c->kind == COL_DECIMAL ? cell[SCALE] : cell[PRECISION]);
	c->nullable = span_is(cell[NULLABLE], "YES");
	c->boolean = span_is(c->type, "tinyint(1)") || span_is(c->type, "bit(1)");
	c->computed = has(cell[EXTRA], "GENERATED") || has(cell[EXTRA], "VIRTUAL") ||
	    has(cell[EXTRA], "PERSISTENT");
	if (has(cell[EXTRA], "DEFAULT_GENERATED") && !has(cell[EXTRA], " GENERATED"))
		c->computed = false;	/* MySQL 8 calls a default expression so */
	c->pads = c->collation.n > 0 && !has(c->collation, "nopad") && !has(c->collation, "_0900_");
	if (c->kind == COL_ENUM || c->kind == COL_SET)
		members(t, c);
}

static void
add_index(struct db_tab *t, const struct span *cell)
{
	struct db_index *x = t->n_unique == 0 ? NULL : &t->unique[t->n_unique - 1];
	int col = cell[1].p == NULL ? -1 : db_col(t, cell[1]);

	if (x == NULL || !span_eq(x->name, cell[0])) {
		t->unique = mem_array(t->unique, t->n_unique + 1, sizeof *t->unique);
		x = &t->unique[t->n_unique++];
		*x = (struct db_index){ .name = keep(t, cell[0]) };
	}
	if (col == -1 || cell[2].p != NULL) {
		x->prefix = true;	/* a part of a column, or an expression */
		return;
	}
	x->col = mem_array(x->col, x->n + 1, sizeof *x->col);
	x->col[x->n++] = (size_t)col;
	if (span_is(x->name, "PRIMARY"))
		t->col[col].key = (unsigned)x->n;
}

static void
where_table(struct buf *sql, const struct db_tab *t)
{
	buf_str(sql, " WHERE TABLE_SCHEMA = ");
	sql_text(sql, t->db);
	buf_str(sql, " AND TABLE_NAME = ");
	sql_text(sql, t->name);
}

/* Run `select` for the table and hand each row on. */
static int
ask(struct db *db, struct db_tab *t, const char *select, const char *tail,
    void (*each)(struct db_tab *, const struct span *))
{
	struct span cell[COLUMN_CELLS];
	struct buf sql = { 0 };
	int rc, got = 0;

	buf_str(&sql, select);
	where_table(&sql, t);
	buf_str(&sql, tail);
	rc = db_select(db, buf_span(&sql));
	buf_free(&sql);
	if (rc != 0)
		return rc;
	while ((got = db_row(db, cell)) == 1)
		each(t, cell);
	return got == 0 ? 0 : db_last(db) == DB_AGAIN ? EXIT_TEMP : EXIT_REMOTE;
}

static void
set_engine(struct db_tab *t, const struct span *cell)
{
	if (span_eq(cell[1], t->name) && cell[0].p != NULL)
		t->engine = keep(t, cell[0]);
}

int
db_table(struct db *db, struct span name, struct db_tab **out)
{
	struct db_tab *t = mem_new(sizeof *t);
	int rc;

	*out = NULL;
	if ((rc = split_name(db, name, t)) == 0)
		rc = ask(db, t,
		    "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COLLATION_NAME, NUMERIC_SCALE, "
		    "DATETIME_PRECISION, EXTRA, TABLE_SCHEMA, TABLE_NAME, IS_NULLABLE "
		    "FROM information_schema.COLUMNS",
		    " ORDER BY ORDINAL_POSITION", add_column);
	if (rc == 0)
		rc = ask(db, t,
		    "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS",
		    " AND NON_UNIQUE = 0 ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, "
		    "SEQ_IN_INDEX",
		    add_index);
	if (rc == 0)
		rc = ask(db, t, "SELECT ENGINE, TABLE_NAME FROM information_schema.TABLES", "",
		    set_engine);
	if (rc != 0)
		db_table_free(t);
	else
		*out = t;
	return rc;
}

void
db_table_free(struct db_tab *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->col[i].member);
	for (size_t i = 0; i < t->n_unique; i++)
		free(t->unique[i].col);
	free(t->col);
	free(t->unique);
	arena_free(&t->mem);
	free(t);
}

int
db_col(const struct db_tab *t, struct span name)
{
	for (size_t i = 0; i < t->n; i++)
		if (span_eq(t->col[i].name, name))
			return (int)i;
	return -1;
}
