/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql_day - a day replaced, and the ledger that remembers it (see load_day in mysql_load.h) */
#include "edge/mysql_load_own.h"

#define LEDGER "pipehouse_ledger"

static const char columns[] =
    "target VARBINARY(512) NOT NULL PRIMARY KEY COMMENT 'TABLE COLUMN=DAY', "
    "content VARBINARY(64) NOT NULL COMMENT 'hash of what was loaded', "
    "loaded BIGINT UNSIGNED NOT NULL, rejected BIGINT UNSIGNED NOT NULL, "
    "at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) "
    "ON UPDATE CURRENT_TIMESTAMP(6)";

struct day_arg {
	const char *target;
	struct span content;
	struct load_done *done;
};

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
	load_ledger_name(l, LEDGER, &sql);
	buf_str(&sql, " (target, content, loaded, rejected) VALUES (");
	sql_text(&sql, span_str(a->target));
	/* INSERT IGNORE would take a shared lock, and two of those deadlock */
	buf_str(&sql, ", '', 0, 0) ON DUPLICATE KEY UPDATE target = VALUES(target)");
	if (!db_do(l->db, buf_span(&sql)))
		rc = load_failed(l, "ledger");
	buf_clear(&sql);
	buf_str(&sql, "SELECT content, loaded, rejected FROM ");
	load_ledger_name(l, LEDGER, &sql);
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
	load_ledger_name(l, LEDGER, &sql);
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

	if ((rc = load_ledger_make(l, LEDGER, columns)) != 0 ||
	    (rc = load_do(l, "begin", span_str("START TRANSACTION"))) != 0 ||
	    (rc = ledger_lock(l, a, &already)) != 0)
		return rc;
	if (already) {
		/* our own COMMIT, whose answer was lost, or an earlier load */
		a->done->already = !l->commit_sent;
		l->rows = l->commit_sent ? sent : 0;
		return load_do(l, "rollback", span_str("ROLLBACK"));
	}
	l->commit_sent = false;
	buf_str(&sql, "DELETE");
	where_day(l, &sql);
	rc = db_do(l->db, buf_span(&sql)) ? 0 : load_failed(l, "delete the day");
	buf_free(&sql);
	if (rc != 0 || (rc = load_rows(l)) != 0 || (rc = ledger_write(l, a)) != 0)
		return rc;
	l->commit_sent = true;
	return load_do(l, "commit", span_str("COMMIT"));
}

int
load_day(struct load *l, const char *target, struct span content, struct load_done *done)
{
	struct day_arg a = { target, content, done };

	l->plain = true;
	return load_again(l, day_once, &a, done);
}
