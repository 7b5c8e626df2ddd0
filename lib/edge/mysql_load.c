/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_load - see mysql_load.h.  Rows gather in a pile; a pile goes out as one statement: bulk
 * array binding (MariaDB: as fast as LOAD DATA, and it names the row that failed), or prepared
 * multi-row INSERTs where the server lacks it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/limits.h"
#include "edge/mysql_load_own.h"

struct load *
load_new(const struct load_conf *conf)
{
	struct load *l = mem_new(sizeof *l);
	struct pile *p = &l->pile;
	size_t cells = mem_mul(conf->table->n, ROWS_MAX);

	l->conf = *conf;
	l->db = conf->db;
	l->t = conf->table;
	p->cell_at = mem_array(NULL, cells, sizeof *p->cell_at);
	p->cell_n = mem_array(NULL, cells, sizeof *p->cell_n);
	p->null = mem_array(NULL, cells, 1);
	p->used = mem_new(l->t->n);
	p->col = mem_array(NULL, l->t->n, sizeof *p->col);
	l->at = mem_array(NULL, cells, sizeof *l->at);
	/* bulk: one a column; else one a parameter */
	l->bind = mem_array(NULL, cells < PARAMS_MAX ? cells : PARAMS_MAX, sizeof *l->bind);
	return l;
}

static void
forget_statements(struct load *l)
{
	for (size_t i = 0; i < l->n_statements; i++) {
		mysql_stmt_close(l->statement[i].stmt);
		free(l->statement[i].used);
	}
	l->n_statements = 0;
}

void
load_free(struct load *l)
{
	struct pile *p = &l->pile;

	forget_statements(l);
	buf_free(&p->bytes);
	buf_free(&p->ids);
	free(p->cell_at);
	free(p->cell_n);
	free(p->null);
	free(p->used);
	free(p->col);
	free(l->at);
	free(l->bind);
	free(l->gone);
	free(l);
}

int
load_failed(struct load *l, const char *what)
{
	return l->db->fault == DB_AGAIN ? RETRY : db_say(l->db, what);
}

int
load_do(struct load *l, const char *what, struct span sql)
{
	return db_do(l->db, sql) ? 0 : load_failed(l, what);
}

static int
run(struct load *l, const char *what, const char *sql)
{
	return load_do(l, what, span_str(sql));
}

/* ---- rows that are out ---- */

static bool
is_gone(const struct load *l, uint64_t ordinal)
{
	size_t lo = 0, hi = l->n_gone;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->gone[mid] < ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n_gone && l->gone[lo] == ordinal;
}

static int
reject(struct load *l, uint64_t ordinal, struct span id, const char *why)
{
	size_t i = l->n_gone;

	if (l->n_gone == l->cap_gone) {
		l->cap_gone = l->cap_gone == 0 ? 64 : mem_mul(l->cap_gone, 2);
		l->gone = mem_array(l->gone, l->cap_gone, sizeof *l->gone);
	}
	/* a row without its own fault may be judged later than one behind it */
	for (; i > 0 && l->gone[i - 1] > ordinal; i--)
		l->gone[i] = l->gone[i - 1];
	l->gone[i] = ordinal;
	l->n_gone++;
	return l->conf.reject(l->conf.arg, id, why);
}

/* ---- statements ---- */

static void
insert_sql(const struct load *l, size_t rows, struct buf *sql)
{
	const struct pile *p = &l->pile;
	const char *comma = "";
	bool any = false;

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
	if (l->plain)
		return;
	buf_str(sql, " ON DUPLICATE KEY UPDATE ");
	for (size_t i = 0; i < p->n_cols; i++) {
		const struct db_col *c = &l->t->col[p->col[i]];

		if (l->conf.is_key[p->col[i]])
			continue;
		buf_str(sql, comma);
		sql_name(sql, c->name);
		buf_str(sql, " = VALUES(");
		sql_name(sql, c->name);
		buf_byte(sql, ')');
		comma = ",";
		any = true;
	}
	for (size_t i = 0; !any && i < p->n_cols; i++) {
		if (!l->conf.is_key[p->col[i]])
			continue;
		sql_name(sql, l->t->col[p->col[i]].name);
		buf_str(sql, " = ");
		sql_name(sql, l->t->col[p->col[i]].name);
		any = true;
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

static void
note_statement(struct db *db, MYSQL_STMT *s)
{
	unsigned n = mysql_stmt_errno(s);

	db->fault = db_fault(n, mysql_stmt_sqlstate(s));
	keep_words(db, mysql_stmt_error(s), n);
}

/* The statement for the pile's columns and that many rows; NULL: db->fault says why. */
static MYSQL_STMT *
prepared(struct load *l, size_t rows)
{
	struct buf sql = { 0 };
	struct statement *s;

	for (size_t i = 0; i < l->n_statements; i++)
		if (l->statement[i].rows == rows &&
		    memcmp(l->statement[i].used, l->pile.used, l->t->n) == 0)
			return l->statement[i].stmt;
	if (l->n_statements == STATEMENTS_MAX)
		forget_statements(l);
	s = &l->statement[l->n_statements];
	s->stmt = mysql_stmt_init(l->db->my);
	if (s->stmt == NULL) {
		db_note(l->db);
		return NULL;
	}
	insert_sql(l, rows, &sql);
	if (mysql_stmt_prepare(s->stmt, sql.p, sql.n) != 0) {
		note_statement(l->db, s->stmt);
		/* no row was seen yet: the statement itself is refused */
		if (l->db->fault == DB_ROW)
			l->db->fault = DB_REFUSED;
		mysql_stmt_close(s->stmt);
		buf_free(&sql);
		return NULL;
	}
	buf_free(&sql);
	s->rows = rows;
	s->used = mem_new(l->t->n);
	memcpy(s->used, l->pile.used, l->t->n);
	l->n_statements++;
	return s->stmt;
}

static enum enum_field_types
wire_type(const struct db_col *c)
{
	return c->kind == COL_BYTES || c->kind == COL_BIT ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
}

/* Rows from..from+n of the pile as arrays, one a column. */
static bool
bind_bulk(struct load *l, MYSQL_STMT *s, size_t from, size_t n)
{
	struct pile *p = &l->pile;
	unsigned rows = (unsigned)n;

	for (size_t k = 0; k < p->n_cols; k++) {
		size_t base = p->col[k] * ROWS_MAX + from;

		for (size_t r = 0; r < n; r++)
			l->at[base + r] = p->bytes.p + p->cell_at[base + r];
		memset(&l->bind[k], 0, sizeof l->bind[k]);
		l->bind[k].buffer_type = wire_type(&l->t->col[p->col[k]]);
		l->bind[k].buffer = l->at + base;
		l->bind[k].length = p->cell_n + base;
		l->bind[k].u.indicator = p->null + base;
	}
	return mysql_stmt_attr_set(s, STMT_ATTR_ARRAY_SIZE, &rows) == 0 &&
	    mysql_stmt_bind_param(s, l->bind) == 0;
}

static bool
bind_rows(struct load *l, MYSQL_STMT *s, size_t from, size_t n)
{
	struct pile *p = &l->pile;
	MYSQL_BIND *b = l->bind;

	for (size_t r = from; r < from + n; r++) {
		for (size_t k = 0; k < p->n_cols; k++, b++) {
			size_t i = p->col[k] * ROWS_MAX + r;

			memset(b, 0, sizeof *b);
			b->buffer_type = p->null[i] != STMT_INDICATOR_NONE ? MYSQL_TYPE_NULL :
			    wire_type(&l->t->col[p->col[k]]);
			b->buffer = p->bytes.p + p->cell_at[i];
			b->buffer_length = p->cell_n[i];
			b->length = &p->cell_n[i];
		}
	}
	return mysql_stmt_bind_param(s, l->bind) == 0;
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

/*
 * A warning is the row's error: its words, and its row where they say it. False: there is none that
 * counts.
 */
static bool
read_warnings(struct db *db, size_t *row)
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

/*
 * Rows from..from+*n in one statement (*n may become smaller). What became of it; *bad: the row at
 * fault, from 1, or 0.
 */
static enum db_fault
execute(struct load *l, size_t from, size_t *n, size_t *bad)
{
	struct db *db = l->db;
	size_t rows = 0, fit = PARAMS_MAX / (l->pile.n_cols == 0 ? 1 : l->pile.n_cols);
	MYSQL_STMT *s;
	bool bound;

	*bad = 0;
	if (!l->bulk) {
		rows = *n >= 256 && fit >= 256 ? 256 : *n >= 16 && fit >= 16 ? 16 : 1;
		*n = rows;
	}
	if (!db_do(db, span_str("SAVEPOINT pipehouse")) || (s = prepared(l, rows)) == NULL)
		return db->fault;
	bound = l->bulk ? bind_bulk(l, s, from, *n) : bind_rows(l, s, from, *n);
	if (!bound || mysql_stmt_execute(s) != 0) {
		note_statement(db, s);
		if (db->fault == DB_ROW) {
			*bad = *n == 1 ? 1 : failed_row(db);
			db->fault = DB_ROW;
		}
		return db->fault;
	}
	if (mysql_warning_count(db->my) > 0 && read_warnings(db, bad)) {
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

/* ---- piles ---- */

/*
 * All rows of the pile; rows at fault one by one out of it.  A statement that fails was in vain, so they
 * become as short as bad rows are near to each other, and grow again behind them.
 */
static int
flush(struct load *l)
{
	struct pile *p = &l->pile;
	size_t i = 0, doomed = SIZE_MAX, n, bad;
	char words[sizeof l->db->error];
	int rc = 0;

	while (i < p->n && rc == 0) {
		size_t upto = i < doomed && doomed < p->n ? doomed : p->n;
		struct span id = span_of(p->ids.p + p->id_at[i], p->id_at[i + 1] - p->id_at[i]);
		enum db_fault f;

		if (i == doomed) {
			rc = reject(l, p->ordinal[i++], id, words);
			doomed = SIZE_MAX;
			continue;
		}
		n = l->step < upto - i ? l->step : upto - i;
		f = execute(l, i, &n, &bad);
		if (f == DB_FINE) {
			l->rows += n;
			i += n;
			l->step = l->step < ROWS_MAX / 2 ? 2 * l->step : ROWS_MAX;
			continue;
		}
		if (f != DB_ROW)
			return load_failed(l, "load");
		snprintf(words, sizeof words, "%s", l->db->error);
		if (n == 1 || (bad > 0 && bad <= n)) {
			doomed = n == 1 ? i : i + bad - 1;
			l->step = 2 * bad < 8 ? 8 : 2 * bad < ROWS_MAX ? 2 * bad : ROWS_MAX;
		} else {
			l->step = n / 2;	/* which one it was shows when it is alone */
		}
	}
	p->n = 0;
	buf_clear(&p->bytes);
	buf_clear(&p->ids);
	return rc;
}

/* Columns that the row brings are those of the pile? */
static bool
same_columns(const struct load *l, const struct load_row *row)
{
	for (size_t c = 0; c < l->t->n; c++)
		if (l->pile.used[c] != (row->state[c] != CELL_ABSENT))
			return false;
	return true;
}

static int
add(struct load *l, const struct load_row *row, uint64_t ordinal)
{
	struct pile *p = &l->pile;
	size_t bytes = 64, limit = l->db->packet / 2, k = 0;
	int rc;

	for (size_t c = 0; c < l->t->n; c++)
		bytes += 16 + (row->state[c] == CELL_SET ? row->cell[c].n : 0);
	if (bytes + 4096 > l->db->packet)
		return reject(l, ordinal, row->id, "longer than the server's max_allowed_packet");
	limit = limit < BATCH_BYTES_MAX ? limit : BATCH_BYTES_MAX;
	if (p->n > 0 && (p->n == ROWS_MAX || p->bytes.n + bytes > limit || !same_columns(l, row)) &&
	    (rc = flush(l)) != 0)
		return rc;
	if (p->n == 0) {
		for (size_t c = 0; c < l->t->n; c++) {
			p->used[c] = row->state[c] != CELL_ABSENT;
			if (p->used[c])
				p->col[k++] = c;
		}
		p->n_cols = k;
	}
	for (size_t c = 0; c < l->t->n; c++) {
		size_t i = c * ROWS_MAX + p->n;

		p->cell_at[i] = p->bytes.n;
		p->cell_n[i] = row->state[c] == CELL_SET ? row->cell[c].n : 0;
		p->null[i] = row->state[c] == CELL_SET ? STMT_INDICATOR_NONE : STMT_INDICATOR_NULL;
		if (row->state[c] == CELL_SET)
			buf_span_add(&p->bytes, row->cell[c]);
	}
	buf_byte(&p->bytes, '\0');	/* an empty pile of empty cells still has an address */
	p->id_at[p->n] = p->ids.n;
	buf_span_add(&p->ids, row->id);
	p->id_at[p->n + 1] = p->ids.n;
	p->ordinal[p->n++] = ordinal;
	return 0;
}

int
load_rows(struct load *l)
{
	struct load_row row;
	uint64_t ordinal = 0;
	int got, rc = 0;

	l->rows = 0;
	l->step = ROWS_MAX;
	l->pile.n = 0;
	buf_clear(&l->pile.bytes);
	buf_clear(&l->pile.ids);
	l->conf.rewind(l->conf.arg);
	while (rc == 0 && (got = l->conf.next(l->conf.arg, &row, &rc)) == 1) {
		if (l->conf.stopped(l->conf.arg))
			rc = err_temp("stopped by a signal: nothing of this transaction is loaded");
		else if (is_gone(l, ordinal))
			;
		else if (row.why != NULL)
			rc = reject(l, ordinal, row.id, row.why);
		else
			rc = add(l, &row, ordinal);
		ordinal++;
	}
	if (rc == 0)
		rc = flush(l);
	return rc != 0 ? rc : l->conf.agree(l->conf.arg);
}

/* ---- transactions ---- */

static void
pause_before(unsigned try)
{
	/* 0.2, 0.4, … 6.4 s: a server that restarts is back by then */
	long ms = 100L << (try > 6 ? 6 : try);
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

int
load_again(struct load *l, int (*attempt)(struct load *, void *), void *arg, struct load_done *done)
{
	int rc;

	*done = (struct load_done){ 0 };
	l->n_gone = 0;
	l->commit_sent = false;
	while (true) {
		const unsigned want = (unsigned)(MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32);
		unsigned have = 0;

		mariadb_get_infov(l->db->my, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES,
		    &have);
		l->bulk = (have & want) != 0 && getenv("PIPEHOUSE_NO_BULK") == NULL;
		done->tries++;
		rc = attempt(l, arg);
		if (rc != RETRY)
			break;
		while (rc == RETRY) {
			if (done->tries >= TRIES_MAX || l->conf.stopped(l->conf.arg))
				return err_temp("gave up after %llu tries: %s",
				    (unsigned long long)done->tries, l->db->error);
			err_warn("trying again: %s", l->db->error);
			pause_before((unsigned)done->tries);
			forget_statements(l);
			rc = db_reopen(l->db) == 0 ? 0 : l->db->fault == DB_AGAIN ? RETRY :
			    db_say(l->db, "connect again");
			done->tries += rc == RETRY;
		}
		if (rc != 0)
			break;
	}
	if (rc != 0)
		(void)db_do(l->db, span_str("ROLLBACK"));
	else
		done->rows = l->rows;
	return rc;
}

static int
upsert_once(struct load *l, void *arg)
{
	int rc = run(l, "begin", "START TRANSACTION");

	(void)arg;
	if (rc == 0)
		rc = load_rows(l);
	/* a lost answer is no loss here: the same rows again give the same table */
	return rc != 0 ? rc : run(l, "commit", "COMMIT");
}

int
load_upsert(struct load *l, struct load_done *done)
{
	l->plain = false;
	return load_again(l, upsert_once, NULL, done);
}

struct day_arg {
	const char *target;
	struct span content;
	struct load_done *done;
};

void
load_ledger_name(const struct load *l, struct buf *sql)
{
	sql_name(sql, l->t->db);
	buf_str(sql, ".`pipehouse_ledger`");
}

/*
 * DDL commits by itself, so it stands before the transaction; asked first: who loads may not be who
 * creates.
 */
static int
ledger_make(struct load *l)
{
	struct buf sql = { 0 };
	int rc = 0;

	buf_str(&sql, "SELECT 1 FROM ");
	load_ledger_name(l, &sql);
	buf_str(&sql, " LIMIT 0");
	if (db_do(l->db, buf_span(&sql))) {
		l->db->res = mysql_store_result(l->db->my);
		db_done(l->db);
	} else if (mysql_errno(l->db->my) != 1146) {
		rc = load_failed(l, "ledger");
	} else {
		buf_clear(&sql);
		buf_str(&sql, "CREATE TABLE IF NOT EXISTS ");
		load_ledger_name(l, &sql);
		buf_str(&sql,
		    " (target VARBINARY(512) NOT NULL PRIMARY KEY COMMENT 'TABLE COLUMN=DAY', "
		    "content VARBINARY(64) NOT NULL COMMENT 'hash of what was loaded', "
		    "loaded BIGINT UNSIGNED NOT NULL, rejected BIGINT UNSIGNED NOT NULL, "
		    "at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) "
		    "ON UPDATE CURRENT_TIMESTAMP(6)) ENGINE=InnoDB");
		rc = db_do(l->db, buf_span(&sql)) ? 0 : load_failed(l, "create pipehouse_ledger");
	}
	buf_free(&sql);
	return rc;
}

static void
where_day(const struct load *l, struct buf *sql)
{
	buf_str(sql, " FROM ");
	sql_table(sql, l->t);
	buf_str(sql, " WHERE ");
	sql_name(sql, l->t->col[l->conf.day_col].name);
	buf_str(sql, " = ");
	sql_text(sql, span_str(l->conf.day));
}

bool
load_one_row(struct db *db, struct span sql, struct span *cell, size_t n, struct buf *keep)
{
	size_t at = keep->n;
	MYSQL_ROW row;
	unsigned long *len;

	if (!db_do(db, sql))
		return false;
	if ((db->res = mysql_store_result(db->my)) == NULL ||
	    (row = mysql_fetch_row(db->res)) == NULL) {
		db_note(db);
		db_done(db);
		return false;
	}
	len = mysql_fetch_lengths(db->res);
	for (size_t i = 0; i < n; i++)
		buf_add(keep, row[i] == NULL ? "" : row[i], row[i] == NULL ? 0 : len[i]);
	for (size_t i = 0; i < n; i++) {
		cell[i] = span_of(keep->p + at, row[i] == NULL ? 0 : len[i]);
		at += cell[i].n;
	}
	db_done(db);
	return true;
}

/*
 * Lock the target's row, make it when it is not there, and see whether this content is loaded:
 * *already.
 */
static int
ledger_lock(struct load *l, const struct day_arg *a, bool *already)
{
	struct buf sql = { 0 }, keep = { 0 };
	struct span cell[3], count;
	int rc = 0;

	buf_str(&sql, "INSERT INTO ");
	load_ledger_name(l, &sql);
	buf_str(&sql, " (target, content, loaded, rejected) VALUES (");
	sql_text(&sql, span_str(a->target));
	/* INSERT IGNORE would take a shared lock, and two of those deadlock */
	buf_str(&sql, ", '', 0, 0) ON DUPLICATE KEY UPDATE target = VALUES(target)");
	if (!db_do(l->db, buf_span(&sql)))
		rc = load_failed(l, "ledger");
	buf_clear(&sql);
	buf_str(&sql, "SELECT content, loaded, rejected FROM ");
	load_ledger_name(l, &sql);
	buf_str(&sql, " WHERE target = ");
	sql_text(&sql, span_str(a->target));
	buf_str(&sql, " FOR UPDATE");
	if (rc == 0 && !load_one_row(l->db, buf_span(&sql), cell, 3, &keep))
		rc = load_failed(l, "ledger");
	*already = rc == 0 && span_eq(cell[0], a->content) && span_is(cell[2], "0");
	if (*already) {
		/*
		 * somebody may have deleted the rows by hand, or restored the table from elsewhere
		 */
		buf_clear(&sql);
		buf_str(&sql, "SELECT COUNT(*)");
		where_day(l, &sql);
		buf_room(&keep, 64);		/* cell[] stays where it is */
		cell[1].p = keep.p + cell[0].n;
		if (!load_one_row(l->db, buf_span(&sql), &count, 1, &keep))
			rc = load_failed(l, "count");
		else
			*already = span_eq(count, cell[1]);
	}
	buf_free(&sql);
	buf_free(&keep);
	return rc;
}

static int
ledger_write(struct load *l, const struct day_arg *a)
{
	struct buf sql = { 0 };
	int rc;

	buf_str(&sql, "UPDATE ");
	load_ledger_name(l, &sql);
	buf_str(&sql, " SET content = ");
	sql_text(&sql, a->content);
	buf_str(&sql, ", loaded = ");
	buf_u64(&sql, l->rows);
	buf_str(&sql, ", rejected = ");
	buf_u64(&sql, l->n_gone);
	buf_str(&sql, " WHERE target = ");
	sql_text(&sql, span_str(a->target));
	rc = db_do(l->db, buf_span(&sql)) ? 0 : load_failed(l, "ledger");
	buf_free(&sql);
	return rc;
}

static int
day_once(struct load *l, void *arg)
{
	struct day_arg *a = arg;
	struct buf sql = { 0 };
	bool already = false;
	uint64_t sent = l->rows;
	int rc;

	if ((rc = ledger_make(l)) != 0 || (rc = run(l, "begin", "START TRANSACTION")) != 0 ||
	    (rc = ledger_lock(l, a, &already)) != 0)
		return rc;
	if (already) {
		/* our own COMMIT, whose answer was lost, or an earlier load */
		a->done->already = !l->commit_sent;
		l->rows = l->commit_sent ? sent : 0;
		return run(l, "rollback", "ROLLBACK");
	}
	l->commit_sent = false;
	buf_str(&sql, "DELETE");
	where_day(l, &sql);
	rc = db_do(l->db, buf_span(&sql)) ? 0 : load_failed(l, "delete the day");
	buf_free(&sql);
	if (rc != 0 || (rc = load_rows(l)) != 0 || (rc = ledger_write(l, a)) != 0)
		return rc;
	l->commit_sent = true;
	return run(l, "commit", "COMMIT");
}

int
load_day(struct load *l, const char *target, struct span content, struct load_done *done)
{
	struct day_arg a = { target, content, done };

	l->plain = true;
	return load_again(l, day_once, &a, done);
}
