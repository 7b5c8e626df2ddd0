/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_rows - rows of a pile as one statement (see mysql_load_own.h): bulk array binding (MariaDB: as fast as LOAD
 * DATA, and it names the row that failed), or prepared statements over many rows where the server lacks it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "edge/mysql_load_own.h"

void
load_forget(struct load *l)
{
	for (size_t i = 0; i < l->n_statements; i++) {
		mysql_stmt_close(l->statement[i].stmt);
		free(l->statement[i].used);
	}
	l->n_statements = 0;
}

/* ---- what is sent ---- */

/* Rows go, and are not only marked. */
static bool
is_delete(const struct load *l, const struct pile *p)
{
	return p->away && l->conf.soft_col == LOAD_NO_COLUMN;
}

static void
values_of(struct buf *sql, struct span name)
{
	buf_str(sql, "VALUES(");
	sql_name(sql, name);
	buf_byte(sql, ')');
}

/*
 * `name` = its new value, where the row there is not newer.  A row that takes another one away bears the version of
 * what it takes away, or its own: it also beats an equal one.
 */
static void
set_column(const struct load *l, bool away, struct span name, struct buf *sql)
{
	struct span v = l->conf.version_col == LOAD_NO_COLUMN ? span_of("", 0) : l->t->col[l->conf.version_col].name;

	sql_name(sql, name);
	buf_str(sql, " = ");
	if (v.n > 0) {
		buf_str(sql, "IF(");
		sql_name(sql, v);
		buf_str(sql, " IS NULL OR ");
		values_of(sql, v);
		buf_str(sql, away ? " >= " : " > ");
		sql_name(sql, v);
		buf_str(sql, ", ");
	}
	values_of(sql, name);
	if (v.n > 0) {
		buf_str(sql, ", ");
		sql_name(sql, name);
		buf_byte(sql, ')');
	}
}

/* What happens to a row that is there: the version last, for the server sets them from left to right. */
static void
update_sql(const struct load *l, const struct pile *p, struct buf *sql)
{
	const struct load_conf *c = &l->conf;
	const char *comma = "";
	size_t last = LOAD_NO_COLUMN;

	buf_str(sql, " ON DUPLICATE KEY UPDATE ");
	for (size_t i = 0; i < p->n_cols; i++) {
		size_t k = p->col[i];

		last = k == c->version_col ? k : last;
		if (c->is_key[k] || k == c->version_col || (p->away && k != c->soft_col))
			continue;
		buf_str(sql, comma);
		set_column(l, p->away, l->t->col[k].name, sql);
		comma = ", ";
	}
	if (last != LOAD_NO_COLUMN) {
		buf_str(sql, comma);
		set_column(l, p->away, l->t->col[last].name, sql);
		comma = ", ";
	}
	for (size_t i = 0; *comma == '\0' && i < p->n_cols; i++) {
		if (!c->is_key[p->col[i]])
			continue;
		sql_name(sql, l->t->col[p->col[i]].name);
		buf_str(sql, " = ");
		sql_name(sql, l->t->col[p->col[i]].name);
		comma = ", ";
	}
}

static void
insert_sql(const struct load *l, const struct pile *p, size_t rows, struct buf *sql)
{
	buf_str(sql, "INSERT INTO ");
	if (l->beside.n > 0) {
		sql_name(sql, l->t->db);
		buf_byte(sql, '.');
		sql_name(sql, l->beside);
	} else {
		sql_table(sql, l->t);
	}
	buf_str(sql, " (");
	for (size_t i = 0; i < p->n_cols; i++) {
		buf_str(sql, i == 0 ? "" : ",");
		sql_name(sql, l->t->col[p->col[i]].name);
	}
	buf_str(sql, ") VALUES ");
	for (size_t r = 0; r < (rows == 0 ? 1 : rows); r++) {
		buf_str(sql, r == 0 ? "(" : ",(");
		for (size_t i = 0; i < p->n_cols; i++)
			buf_str(sql, i == 0 ? "?" : ",?");
		buf_byte(sql, ')');
	}
	if (!l->plain)
		update_sql(l, p, sql);
}

/*
 * A parameter to be compared with a column.  All are bound as text; text beside a number would be compared as a double,
 * to which large keys are equal that are not.
 */
void
load_compared(const struct db_col *c, struct buf *sql)
{
	bool no_sign = memmem(c->type.p, c->type.n, "unsigned", 8) != NULL;

	switch (c->kind) {
	case COL_INT:
		buf_str(sql, no_sign ? "CAST(? AS UNSIGNED)" : "CAST(? AS SIGNED)");
		break;
	case COL_YEAR:
		buf_str(sql, "CAST(? AS UNSIGNED)");
		break;
	case COL_DECIMAL:
		buf_fmt(sql, "CAST(? AS DECIMAL(65,%u))", c->scale);
		break;
	case COL_FLOAT: case COL_DOUBLE:
		buf_str(sql, "(? + 0e0)");
		break;
	case COL_BIT:
		buf_str(sql, "CAST(CONV(HEX(?), 16, 10) AS UNSIGNED)");
		break;
	case COL_DATE:
		buf_str(sql, "CAST(? AS DATE)");
		break;
	case COL_DATETIME: case COL_TIMESTAMP:
		buf_fmt(sql, "CAST(? AS DATETIME(%u))", c->scale);
		break;
	case COL_TIME:
		buf_fmt(sql, "CAST(? AS TIME(%u))", c->scale);
		break;
	default:
		buf_byte(sql, '?');
		break;
	}
}

static void
delete_sql(const struct load *l, const struct pile *p, size_t rows, struct buf *sql)
{
	buf_str(sql, "DELETE FROM ");
	sql_table(sql, l->t);
	buf_str(sql, " WHERE ");
	for (size_t r = 0; r < (rows == 0 ? 1 : rows); r++) {
		buf_str(sql, r == 0 ? "(" : " OR (");
		for (size_t i = 0; i < p->n_cols; i++) {
			const struct db_col *c = &l->t->col[p->col[i]];
			bool version = p->col[i] == l->conf.version_col;

			buf_str(sql, i == 0 ? "" : " AND ");
			if (version) {
				buf_byte(sql, '(');
				sql_name(sql, c->name);
				buf_str(sql, " IS NULL OR ");
			}
			sql_name(sql, c->name);
			buf_str(sql, version ? " <= " : " = ");
			load_compared(c, sql);
			buf_str(sql, version ? ")" : "");
		}
		buf_byte(sql, ')');
	}
}

/*
 * The server's words; the row that it counts within a statement of ours means nothing to anybody.
 */
static void
keep_words(struct db *db, const char *words, unsigned number)
{
	const char *at = strstr(words, " at row ");

	int n = at == NULL ? (int)strlen(words) : (int)(at - words);

	snprintf(db->error, sizeof db->error, "%.*s (%u)", n, words, number);
}

void
load_note_statement(struct db *db, MYSQL_STMT *s)
{
	unsigned n = mysql_stmt_errno(s);

	db->fault = db_fault(n, mysql_stmt_sqlstate(s));
	keep_words(db, mysql_stmt_error(s), n);
}

/* The statement for the pile's columns and that many rows; NULL: db->fault says why. */
static MYSQL_STMT *
prepared(struct load *l, const struct pile *p, size_t rows)
{
	struct buf sql = { 0 };
	struct statement *s;

	for (size_t i = 0; i < l->n_statements; i++)
		if (l->statement[i].rows == rows && l->statement[i].away == p->away &&
		    memcmp(l->statement[i].used, p->used, l->t->n) == 0)
			return l->statement[i].stmt;
	if (l->n_statements == STATEMENTS_MAX)
		load_forget(l);
	s = &l->statement[l->n_statements];
	s->stmt = mysql_stmt_init(l->db->my);
	if (s->stmt == NULL) {
		db_note(l->db);
		return NULL;
	}
	if (is_delete(l, p))
		delete_sql(l, p, rows, &sql);
	else
		insert_sql(l, p, rows, &sql);
	if (mysql_stmt_prepare(s->stmt, sql.p, sql.n) != 0) {
		load_note_statement(l->db, s->stmt);
		/* no row was seen yet: the statement itself is refused */
		if (l->db->fault == DB_ROW)
			l->db->fault = DB_REFUSED;
		mysql_stmt_close(s->stmt);
		buf_free(&sql);
		return NULL;
	}
	buf_free(&sql);
	s->rows = rows;
	s->away = p->away;
	s->used = mem_new(l->t->n);
	memcpy(s->used, p->used, l->t->n);
	l->n_statements++;
	return s->stmt;
}

/* Which row of the failed statement it was, from 1; 0 where the server cannot tell. */
static size_t
failed_row(struct db *db)
{
	char error[sizeof db->error];
	struct span cell[1];
	size_t row = 0;

	memcpy(error, db->error, sizeof error);
	if (db_do(db, span_str("GET DIAGNOSTICS CONDITION 1 @pipehouse_row = ROW_NUMBER")) &&
	    db_do(db, span_str("SELECT @pipehouse_row"))) {
		db->res = mysql_store_result(db->my);
		db->width = 1;
		if (db->res != NULL && db_row(db, cell) == 1)
			row = cell[0].p == NULL ? 0 : (size_t)strtoul(cell[0].p, NULL, 10);
		db_done(db);
	}
	memcpy(db->error, error, sizeof error);
	return row;
}

/* A warning is the row's error: its words, and its row where they say it. */
bool
load_warned(struct db *db, size_t *row)
{
	MYSQL_ROW w;
	bool found = false;

	*row = 0;
	if (!db_do(db, span_str("SHOW WARNINGS")) || (db->res = mysql_store_result(db->my)) == NULL)
		return true;
	while (!found && (w = mysql_fetch_row(db->res)) != NULL) {
		const char *at = w[2] == NULL ? NULL : strstr(w[2], "at row ");

		if (w[1] == NULL || w[2] == NULL || strtoul(w[1], NULL, 10) == DEPRECATED)
			continue;
		keep_words(db, w[2], (unsigned)strtoul(w[1], NULL, 10));
		*row = at == NULL ? 0 : (size_t)strtoul(at + 7, NULL, 10);
		found = true;
	}
	db_done(db);
	return found;
}

enum db_fault
load_execute(struct load *l, struct pile *p, size_t from, size_t *n, size_t *bad)
{
	struct db *db = l->db;
	size_t rows = 0, fit = PARAMS_MAX / (p->n_cols == 0 ? 1 : p->n_cols);
	MYSQL_STMT *s;
	bool bound;

	*bad = 0;
	if (!l->bulk) {
		rows = *n >= 256 && fit >= 256 ? 256 : *n >= 16 && fit >= 16 ? 16 : 1;
		*n = rows;
	}
	db->fault = DB_FINE;
	if ((l->careful && !db_do(db, span_str("SAVEPOINT pipehouse"))) || (s = prepared(l, p, rows)) == NULL)
		return db->fault;
	bound = l->bulk ? load_bind_bulk(l, p, s, from, *n, is_delete(l, p)) : load_bind_rows(l, p, s, from, *n);
	if (!bound || mysql_stmt_execute(s) != 0) {
		load_note_statement(db, s);
		if (db->fault == DB_ROW) {
			/* a bulk DELETE is one statement a row: what it calls the row's number means nothing */
			*bad = *n == 1 ? 1 : is_delete(l, p) ? 0 : failed_row(db);
			db->fault = DB_ROW;
		}
		return db->fault;
	}
	if (mysql_warning_count(db->my) > 0 && load_warned(db, bad)) {
		*bad = is_delete(l, p) && *n > 1 ? 0 : *bad;
		if (!l->careful && db->fault == DB_FINE) {
			/* the rows are in, with nothing to go back to: the transaction begins again, with care */
			l->careful = true;
			return db->fault = DB_AGAIN;
		}
		if (db->fault != DB_FINE || !db_do(db, span_str("ROLLBACK TO SAVEPOINT pipehouse")))
			return db->fault;
		return db->fault = DB_ROW;
	}
	if (l->plain && mysql_stmt_affected_rows(s) != *n) {
		snprintf(db->error, sizeof db->error, "the server took %llu of %zu rows",
		    (unsigned long long)mysql_stmt_affected_rows(s), *n);
		return db->fault = DB_REFUSED;
	}
	return DB_FINE;
}
