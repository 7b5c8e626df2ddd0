/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_empty - a table emptied within a transaction (see mysql_load_own.h).  TRUNCATE would commit what is before it,
 * and could not be taken back: so the rows are deleted, or marked, one by one.
 */
#include <stdio.h>

#include "edge/mysql_load_own.h"

static void
empty_sql(const struct load *l, struct buf *sql)
{
	size_t soft = l->conf.soft_col, version = l->conf.version_col;
	struct span v = version == LOAD_NO_COLUMN ? span_of("", 0) : l->t->col[version].name;

	buf_str(sql, soft == LOAD_NO_COLUMN ? "DELETE FROM " : "UPDATE ");
	sql_table(sql, l->t);
	if (soft != LOAD_NO_COLUMN) {
		buf_str(sql, " SET ");
		sql_name(sql, l->t->col[soft].name);
		buf_str(sql, " = 1");
		if (v.n > 0) {
			buf_str(sql, ", ");
			sql_name(sql, v);
			buf_str(sql, " = ?");
		}
	}
	if (v.n > 0) {
		buf_str(sql, " WHERE (");
		sql_name(sql, v);
		buf_str(sql, " IS NULL OR ");
		sql_name(sql, v);
		buf_str(sql, " <= ");
		load_compared(&l->t->col[version], sql);
		buf_byte(sql, ')');
	}
}

/* db->fault says what became of it. */
static void
execute(struct load *l, const struct load_row *row)
{
	struct buf sql = { 0 };
	MYSQL_BIND bind[2] = { { 0 } };
	MYSQL_STMT *s = mysql_stmt_init(l->db->my);
	const struct span *v = l->conf.version_col == LOAD_NO_COLUMN ? NULL : &row->cell[l->conf.version_col];
	unsigned long n = v == NULL ? 0 : v->n;
	size_t bad;

	if (s == NULL) {
		db_note(l->db);
		return;
	}
	for (int i = 0; i < 2 && v != NULL; i++) {
		bind[i].buffer_type = load_wire_type(&l->t->col[l->conf.version_col]);
		bind[i].buffer = (void *)(uintptr_t)v->p;
		bind[i].buffer_length = n;
		bind[i].length = &n;
	}
	empty_sql(l, &sql);
	l->db->fault = DB_FINE;
	if (mysql_stmt_prepare(s, sql.p, sql.n) != 0 || (v != NULL && mysql_stmt_bind_param(s, bind) != 0) ||
	    mysql_stmt_execute(s) != 0)
		load_note_statement(l->db, s);
	else if (mysql_warning_count(l->db->my) > 0 && load_warned(l->db, &bad) && l->db->fault == DB_FINE)
		l->db->fault = DB_ROW;
	mysql_stmt_close(s);
	buf_free(&sql);
}

int
load_empty(struct load *l, const struct load_row *row, uint64_t ordinal)
{
	struct db *db = l->db;
	char words[sizeof db->error];
	int rc;

	if ((rc = load_do(l, "savepoint", span_str("SAVEPOINT pipehouse"))) != 0)
		return rc;
	execute(l, row);
	if (db->fault == DB_FINE)
		l->rows++;
	if (db->fault != DB_ROW)
		return db->fault == DB_FINE ? 0 : load_failed(l, "empty the table");
	snprintf(words, sizeof words, "%s", db->error);
	if ((rc = load_do(l, "rollback", span_str("ROLLBACK TO SAVEPOINT pipehouse"))) != 0)
		return rc;
	return load_reject(l, ordinal, row->id, words);
}
