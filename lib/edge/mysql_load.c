/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_load - see mysql_load.h.  Rows gather in piles; a pile goes out as one statement (mysql_send.c, mysql_rows.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "edge/mysql_load_own.h"

/* ---- piles ---- */

static struct pile *
pile_new(size_t columns, bool keys)
{
	struct pile *p = mem_new(sizeof *p);
	size_t cells = mem_mul(columns, ROWS_MAX);

	p->cell_at = mem_array(NULL, cells, sizeof *p->cell_at);
	p->cell_n = mem_array(NULL, cells, sizeof *p->cell_n);
	p->null = mem_array(NULL, cells, 1);
	p->used = mem_new(columns);
	p->col = mem_array(NULL, columns, sizeof *p->col);
	p->key = keys ? mem_new(KEY_SLOTS * sizeof *p->key) : NULL;
	return p;
}

void
load_pile_clear(struct pile *p)
{
	if (p->key != NULL && p->n > 0)
		memset(p->key, 0, KEY_SLOTS * sizeof *p->key);
	p->n = 0;
	p->wild = false;
	buf_clear(&p->bytes);
	buf_clear(&p->ids);
}

static void
pile_free(struct pile *p)
{
	if (p == NULL)
		return;
	buf_free(&p->bytes);
	buf_free(&p->ids);
	free(p->cell_at);
	free(p->cell_n);
	free(p->null);
	free(p->used);
	free(p->col);
	free(p->key);
	free(p);
}

struct load *
load_new(const struct load_conf *conf)
{
	struct load *l = mem_new(sizeof *l);
	size_t cells = mem_mul(conf->table->n, ROWS_MAX);

	l->conf = *conf;
	l->db = conf->db;
	l->t = conf->table;
	l->put = pile_new(l->t->n, conf->removes);
	l->away = conf->removes ? pile_new(l->t->n, true) : NULL;
	l->spare = pile_new(l->t->n, conf->removes);
	l->gap = (uint64_t)ROWS_MAX * ROWS_MAX;
	l->n_native = l->t->n;
	l->native = mem_new(mem_mul(l->n_native, sizeof *l->native));
	l->at = mem_array(NULL, cells, sizeof *l->at);
	/* bulk: one a column; else one a parameter */
	l->bind = mem_array(NULL, cells < PARAMS_MAX ? cells : PARAMS_MAX, sizeof *l->bind);
	return l;
}

void
load_free(struct load *l)
{
	if (l == NULL)
		return;
	load_send_end(l);
	load_forget(l);
	pile_free(l->put);
	pile_free(l->away);
	pile_free(l->spare);
	buf_free(&l->key);
	for (size_t i = 0; i < l->n_native; i++)
		free(l->native[i]);
	free(l->native);
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

int
load_reject(struct load *l, uint64_t ordinal, struct span id, const char *why)
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

/* ---- rows onto piles ---- */

/* Columns that the row brings are those of the pile? */
static bool
same_columns(const struct load *l, const struct pile *p, const struct load_row *row)
{
	for (size_t c = 0; c < l->t->n; c++)
		if (p->used[c] != (row->state[c] != CELL_ABSENT))
			return false;
	return true;
}

/* ---- two piles ---- */

/* Are two cells of this key column equal to the server only where their bytes are? */
static bool
exact(const struct db_col *c, struct span s)
{
	bool binary = c->collation.n > 4 && memcmp(c->collation.p + c->collation.n - 4, "_bin", 4) == 0;

	switch (c->kind) {
	case COL_INT: case COL_DECIMAL:
		if (s.n > 0 && *s.p == '-')
			s = span_from(s, 1);
		else if (span_is(s, "0"))
			return true;
		return s.n > 0 && *s.p >= '1' && *s.p <= '9';
	case COL_TEXT: case COL_CHAR:
		return binary && (s.n == 0 || s.p[s.n - 1] != ' ');
	case COL_BYTES:		/* BINARY(n) is filled up with zeros */
		return c->type.n > 3 && memcmp(c->type.p, "var", 3) == 0;
	case COL_DATE: case COL_ENUM:
		return c->kind == COL_DATE || binary;
	default:
		return false;
	}
}

/* A hash of the row's key, never 0; 0: other bytes may be the same key. */
static uint64_t
key_of(struct load *l, const struct load_row *row)
{
	uint64_t h;

	buf_clear(&l->key);
	for (size_t c = 0; c < l->t->n; c++) {
		if (!l->conf.is_key[c])
			continue;
		if (row->state[c] != CELL_SET || !exact(&l->t->col[c], row->cell[c]))
			return 0;
		buf_add(&l->key, (const char *)&row->cell[c].n, sizeof row->cell[c].n);
		buf_span_add(&l->key, row->cell[c]);
	}
	h = hash_mem(buf_span(&l->key));
	return h == 0 ? 1 : h;
}

/* Where that hash is, or the free place for it; a pile holds fewer rows than there are places. */
static uint64_t *
key_slot(struct pile *p, uint64_t h)
{
	size_t i = h & (KEY_SLOTS - 1);

	while (p->key[i] != 0 && p->key[i] != h)
		i = (i + 1) & (KEY_SLOTS - 1);
	return &p->key[i];
}

/*
 * Rows of one key keep their order: what waits in the other pile goes out first where it may hold the same key.  With a
 * second unique index the rows of two keys can be at odds too.
 */
static int
keep_order(struct load *l, const struct load_row *row, uint64_t *h)
{
	struct pile **other = row->away ? &l->put : &l->away, *o = *other;

	*h = l->t->n_unique > 1 ? 0 : key_of(l, row);
	if (o->n == 0 || (*h != 0 && !o->wild && *key_slot(o, *h) == 0))
		return 0;
	return load_send(l, other);
}

static int
add(struct load *l, const struct load_row *row, uint64_t ordinal)
{
	struct pile **slot = row->away ? &l->away : &l->put, *p;
	uint64_t h = 0;
	size_t bytes = 64, limit = l->db->packet / 2, k = 0;
	int rc;

	for (size_t c = 0; c < l->t->n; c++)
		bytes += 16 + (row->state[c] == CELL_SET ? row->cell[c].n : 0);
	if (bytes + 4096 > l->db->packet)
		return load_reject(l, ordinal, row->id, "longer than the server's max_allowed_packet");
	limit = limit < BATCH_BYTES_MAX ? limit : BATCH_BYTES_MAX;
	if (row->all)
		return (rc = load_send_rest(l, 0)) == 0 ? load_empty(l, row, ordinal) : rc;
	if (l->conf.removes && (rc = keep_order(l, row, &h)) != 0)
		return rc;
	p = *slot;
	if (p->n > 0 && (p->n == ROWS_MAX || p->bytes.n + bytes > limit || !same_columns(l, p, row)) &&
	    (rc = load_send(l, slot)) != 0)
		return rc;
	p = *slot;
	p->away = row->away;
	if (h != 0)
		*key_slot(p, h) = h;
	else
		p->wild = true;
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
	load_pile_clear(l->put);
	if (l->away != NULL)
		load_pile_clear(l->away);
	l->conf.rewind(l->conf.arg);
	while (rc == 0 && (got = l->conf.next(l->conf.arg, &row, &rc)) == 1) {
		if (l->conf.stopped(l->conf.arg))
			rc = err_temp("stopped by a signal: nothing of this transaction is loaded");
		else if (is_gone(l, ordinal))
			;
		else if (row.why != NULL)
			rc = load_reject(l, ordinal, row.id, row.why);
		else
			rc = add(l, &row, ordinal);
		ordinal++;
	}
	rc = load_send_rest(l, rc);
	return rc != 0 ? rc : l->conf.agree(l->conf.arg);
}

/* ---- small answers ---- */

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

int64_t
load_digits(struct span s)
{
	int64_t n = s.n == 0 || s.n > 18 ? -1 : 0;

	for (size_t i = 0; i < s.n && n >= 0; i++)
		n = s.p[i] < '0' || s.p[i] > '9' ? -1 : 10 * n + (s.p[i] - '0');
	return n;
}

int64_t
load_number(struct load *l, struct span sql)
{
	struct buf keep = { 0 };
	struct span cell;
	int64_t n = load_one_row(l->db, sql, &cell, 1, &keep) ? load_digits(cell) : -1;

	buf_free(&keep);
	return n;
}

/* ---- ledgers ---- */

void
load_ledger_name(const struct load *l, const char *name, struct buf *sql)
{
	sql_name(sql, l->t->db);
	buf_byte(sql, '.');
	sql_name(sql, span_str(name));
}

int
load_ledger_make(struct load *l, const char *name, const char *columns)
{
	struct buf sql = { 0 };
	int rc = 0;

	buf_str(&sql, "SELECT 1 FROM ");
	load_ledger_name(l, name, &sql);
	buf_str(&sql, " LIMIT 0");
	if (db_do(l->db, buf_span(&sql))) {
		l->db->res = mysql_store_result(l->db->my);
		db_done(l->db);
	} else if (mysql_errno(l->db->my) != 1146) {
		rc = load_failed(l, "ledger");
	} else {
		buf_clear(&sql);
		buf_str(&sql, "CREATE TABLE IF NOT EXISTS ");
		load_ledger_name(l, name, &sql);
		buf_fmt(&sql, " (%s) ENGINE=InnoDB", columns);
		rc = load_do(l, "create the ledger", buf_span(&sql));
	}
	buf_free(&sql);
	return rc;
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
		bool careful = l->careful;

		mariadb_get_infov(l->db->my, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES,
		    &have);
		l->bulk = (have & want) != 0 && getenv("PIPEHOUSE_NO_BULK") == NULL;
		done->tries++;
		rc = attempt(l, arg);
		if (rc != RETRY)
			break;
		if (l->careful && !careful && db_do(l->db, span_str("ROLLBACK")))
			continue;
		while (rc == RETRY) {
			if (done->tries >= TRIES_MAX || l->conf.stopped(l->conf.arg))
				return err_temp("gave up after %llu tries: %s",
				    (unsigned long long)done->tries, l->db->error);
			err_warn("trying again: %s", l->db->error);
			pause_before((unsigned)done->tries);
			load_forget(l);
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
