/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql_job - see mysql_job.h */
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "base/hash.h"
#include "edge/mysql_job.h"
#include "edge/mysql_load_own.h"

#define LEDGER "pipehouse_job"
#define LOCK_SECONDS 1		/* for a session that was killed to let go */

static const char columns[] =
    "job VARBINARY(200) NOT NULL PRIMARY KEY, "
    "id BIGINT UNSIGNED NOT NULL COMMENT 'the last epoch that is loaded', "
    "run BIGINT UNSIGNED NOT NULL COMMENT 'counted up by each start; older ones are fenced', "
    "reject_len BIGINT UNSIGNED NOT NULL COMMENT 'bytes of the file of rejected rows', "
    "connection BIGINT UNSIGNED NOT NULL, "
    "loads VARBINARY(600) NOT NULL COMMENT 'DB.TABLE', "
    "ends LONGBLOB NOT NULL COMMENT 'where the epoch ended in the source', "
    "hops LONGBLOB NOT NULL COMMENT 'what became of its records', "
    "at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)";

struct job_arg {
	struct load_job *job;
	const struct load_epoch *epoch;
	uint64_t rows, reject_len;	/* of the COMMIT whose answer is awaited */
};

static void
where_job(const struct load_job *j, struct buf *sql)
{
	buf_str(sql, " WHERE job = ");
	sql_text(sql, span_str(j->name));
}

static void
loads(const struct load *l, struct buf *out)
{
	buf_span_add(out, l->t->db);
	buf_byte(out, '.');
	buf_span_add(out, l->t->name);
}

/* ---- whose session it is ---- */

/*
 * This session becomes the job's.  One that holds the lock is ended: at a begin whichever it is, for this run is the
 * newest; later only the one this process had before it lost it, which may still be in the middle of its transaction.
 */
static int
take_over(struct load *l, struct load_job *j, bool begin)
{
	struct buf name = { 0 }, lock = { 0 }, sql = { 0 };
	unsigned long own = mysql_thread_id(l->db->my);
	int64_t holder;
	int rc = 0;

	if (!begin && j->session == l->db->sessions)
		return 0;
	buf_span_add(&name, l->t->db);
	buf_byte(&name, '\0');
	buf_str(&name, j->name);
	buf_fmt(&lock, "'pipehouse job %016" PRIx64 "'", hash_fixed(buf_span(&name)));
	buf_fmt(&sql, "SELECT COALESCE(IS_USED_LOCK(%s), 0)", buf_cstr(&lock));
	holder = load_number(l, buf_span(&sql));
	if (holder > 0 && (unsigned long)holder != own && (begin || (unsigned long)holder == j->connection)) {
		buf_clear(&sql);
		buf_fmt(&sql, "KILL CONNECTION %" PRId64, holder);
		(void)db_do(l->db, buf_span(&sql));	/* it is gone, or not ours to end */
	}
	buf_clear(&sql);
	buf_fmt(&sql, "SELECT COALESCE(GET_LOCK(%s, %d), 0)", buf_cstr(&lock), LOCK_SECONDS);
	if (load_number(l, buf_span(&sql)) == -1 && l->db->fault == DB_AGAIN)
		rc = RETRY;
	j->connection = own;
	j->session = l->db->sessions;
	buf_free(&name);
	buf_free(&lock);
	buf_free(&sql);
	return rc;
}

/* ---- begin ---- */

/* The ledger's row in the open transaction, locked to its end. */
static int
read_row(struct load *l, struct load_job *j, struct load_job *now, struct buf *table)
{
	struct buf sql = { 0 }, keep = { 0 };
	struct span cell[4];
	int64_t n[3] = { 0 };
	int rc = 0;

	buf_str(&sql, "SELECT id, run, reject_len, loads FROM ");
	load_ledger_name(l, LEDGER, &sql);
	where_job(j, &sql);
	buf_str(&sql, " FOR UPDATE");
	if (!load_one_row(l->db, buf_span(&sql), cell, 4, &keep)) {
		rc = l->db->fault != DB_FINE ? load_failed(l, "ledger") :
		    err_temp("job %s: its row in " LEDGER " is gone", j->name);
	} else {
		for (int i = 0; i < 3; i++)
			n[i] = load_digits(cell[i]);
		if (n[0] < 0 || n[1] < 0 || n[2] < 0)
			rc = err_remote("job %s: its row in " LEDGER " holds no numbers of ours", j->name);
		*now = (struct load_job){ .id = (uint64_t)n[0], .run = (uint64_t)n[1], .reject_len = (uint64_t)n[2] };
		if (table != NULL)
			buf_span_add(table, cell[3]);
	}
	buf_free(&sql);
	buf_free(&keep);
	return rc;
}

static int
begin_once(struct load *l, void *arg)
{
	struct load_job *j = ((struct job_arg *)arg)->job, now = { 0 };
	struct buf sql = { 0 }, table = { 0 }, was = { 0 };
	int rc;

	if ((rc = load_ledger_make(l, LEDGER, columns)) != 0 || (rc = take_over(l, j, true)) != 0 ||
	    (rc = load_do(l, "begin", span_str("START TRANSACTION"))) != 0)
		return rc;
	loads(l, &table);
	buf_str(&sql, "INSERT INTO ");
	load_ledger_name(l, LEDGER, &sql);
	buf_str(&sql, " (job, id, run, reject_len, connection, loads, ends, hops) VALUES (");
	sql_text(&sql, span_str(j->name));
	buf_str(&sql, ", 0, 1, 0, CONNECTION_ID(), ");
	sql_text(&sql, buf_span(&table));
	buf_str(&sql, ", '{}', '[]') ON DUPLICATE KEY UPDATE run = run + 1, connection = CONNECTION_ID()");
	rc = load_do(l, "ledger", buf_span(&sql));
	if (rc == 0)
		rc = read_row(l, j, &now, &was);
	if (rc == 0 && !span_eq(buf_span(&was), buf_span(&table)))
		rc = err_usage("job %s loads %.*s, not %.*s", j->name, (int)was.n, was.p, (int)table.n, table.p);
	/* an answer that is lost costs a number: the next try counts once more */
	if (rc == 0 && (rc = load_do(l, "commit", span_str("COMMIT"))) == 0) {
		j->id = now.id;
		j->run = now.run;
		j->reject_len = now.reject_len;
	}
	buf_free(&sql);
	buf_free(&table);
	buf_free(&was);
	return rc;
}

int
load_job_begin(struct load *l, struct load_job *j)
{
	struct load_done done;

	return load_again(l, begin_once, &(struct job_arg){ .job = j }, &done);
}

/* ---- an epoch ---- */

/* id - 1 becomes id, if that and the run still stand. *found: they did. */
static int
compare_and_set(struct load *l, const struct job_arg *a, bool *found)
{
	const struct load_job *j = a->job;
	struct buf sql = { 0 };
	int rc;

	buf_str(&sql, "UPDATE ");
	load_ledger_name(l, LEDGER, &sql);
	buf_fmt(&sql, " SET id = %" PRIu64 ", connection = CONNECTION_ID(), ends = ", j->id + 1);
	sql_text(&sql, a->epoch->ends);
	buf_str(&sql, ", hops = ");
	sql_text(&sql, a->epoch->hops);
	where_job(j, &sql);
	buf_fmt(&sql, " AND id = %" PRIu64 " AND run = %" PRIu64, j->id, j->run);
	rc = load_do(l, "ledger", buf_span(&sql));
	*found = rc == 0 && mysql_affected_rows(l->db->my) == 1;
	buf_free(&sql);
	return rc;
}

/* There was no such row: our own COMMIT, whose answer was lost, or another run's. */
static int
resolve(struct load *l, struct job_arg *a)
{
	struct load_job *j = a->job, now = { 0 };
	int rc = read_row(l, j, &now, NULL);

	if (rc != 0)
		return rc;
	if (l->commit_sent && now.id == j->id + 1 && now.run == j->run) {
		l->rows = a->rows;
		return load_do(l, "rollback", span_str("ROLLBACK"));
	}
	if (now.run != j->run)
		return err_temp("job %s: run %" PRIu64 " has taken over from run %" PRIu64, j->name, now.run, j->run);
	return err_temp("job %s: epoch %" PRIu64 " is the last in " LEDGER ", not %" PRIu64, j->name, now.id, j->id);
}

static int
set_reject_len(struct load *l, const struct job_arg *a)
{
	struct buf sql = { 0 };
	int rc;

	if (a->reject_len == a->job->reject_len)
		return 0;
	buf_str(&sql, "UPDATE ");
	load_ledger_name(l, LEDGER, &sql);
	buf_fmt(&sql, " SET reject_len = %" PRIu64, a->reject_len);
	where_job(a->job, &sql);
	rc = load_do(l, "ledger", buf_span(&sql));
	buf_free(&sql);
	return rc;
}

static int
epoch_once(struct load *l, void *arg)
{
	struct job_arg *a = arg;
	bool found;
	int rc;

	if ((rc = take_over(l, a->job, false)) != 0 ||
	    (rc = load_do(l, "begin", span_str("START TRANSACTION"))) != 0 || (rc = compare_and_set(l, a, &found)) != 0)
		return rc;
	if (!found)
		return resolve(l, a);
	l->commit_sent = false;
	if ((rc = load_rows(l)) != 0 || (rc = a->epoch->settle(a->epoch->arg, &a->reject_len)) != 0 ||
	    (rc = set_reject_len(l, a)) != 0)
		return rc;
	a->rows = l->rows;
	l->commit_sent = true;
	return load_do(l, "commit", span_str("COMMIT"));
}

int
load_job_epoch(struct load *l, struct load_job *j, const struct load_epoch *e, struct load_done *done)
{
	struct job_arg a = { .job = j, .epoch = e };
	int rc;

	l->plain = false;
	if ((rc = load_again(l, epoch_once, &a, done)) == 0) {
		j->id++;
		j->reject_len = a.reject_len;
	}
	return rc;
}
