/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql_replace - a whole table replaced by one beside it (see load_replace in mysql_load.h) */
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "base/hash.h"
#include "edge/mysql_load_own.h"

#define LOCK_SECONDS 5		/* for a loader that ends; and for readers of the table, at its RENAME, a minute */
#define NAME_BYTES_MAX 40	/* of a table whose name can be seen in that of the one beside it */

struct beside {
	struct buf fresh, old;	/* names, quoted, with their database */
	struct buf name;	/* of fresh alone, as it is */
	char lock[40];
	bool ours;		/* this attempt holds the lock: what lies beside the table is ours */
};

void
load_beside(struct span table, const char *which, struct buf *name)
{
	if (table.n <= NAME_BYTES_MAX)
		buf_span_add(name, table);
	else
		buf_fmt(name, "%016" PRIx64, hash_fixed(table));
	buf_fmt(name, "__pipehouse_%s", which);
}

static void
full_name(const struct load *l, const char *which, struct buf *out)
{
	struct buf name = { 0 };

	load_beside(l->t->name, which, &name);
	sql_name(out, l->t->db);
	buf_byte(out, '.');
	sql_name(out, buf_span(&name));
	buf_free(&name);
}

/* Of two loaders of one table one waits, then tries again. */
static int
take_lock(struct load *l, struct beside *b)
{
	struct buf sql = { 0 };
	int64_t got;

	buf_fmt(&sql, "SELECT COALESCE(GET_LOCK('%s', %d), 0)", b->lock, LOCK_SECONDS);
	got = load_number(l, buf_span(&sql));
	buf_free(&sql);
	b->ours = got == 1;
	if (b->ours)
		return 0;
	if (got == -1)
		return load_failed(l, "lock");
	l->db->fault = DB_AGAIN;
	snprintf(l->db->error, sizeof l->db->error, "another load replaces this table");
	return RETRY;
}

/* What hangs on the table by more than its name would be lost. */
static int
stands_alone(struct load *l)
{
	static const char *const what[] = { "it has a trigger", "it has or is meant by a foreign key" };
	struct buf sql[2] = { { 0 } };
	int rc = 0;

	buf_str(&sql[0], "SELECT COUNT(*) FROM information_schema.triggers WHERE event_object_schema = ");
	sql_text(&sql[0], l->t->db);
	buf_str(&sql[0], " AND event_object_table = ");
	sql_text(&sql[0], l->t->name);
	buf_str(&sql[1], "SELECT COUNT(*) FROM information_schema.key_column_usage"
	    " WHERE referenced_table_name IS NOT NULL AND ((table_schema = ");
	sql_text(&sql[1], l->t->db);
	buf_str(&sql[1], " AND table_name = ");
	sql_text(&sql[1], l->t->name);
	buf_str(&sql[1], ") OR (referenced_table_schema = ");
	sql_text(&sql[1], l->t->db);
	buf_str(&sql[1], " AND referenced_table_name = ");
	sql_text(&sql[1], l->t->name);
	buf_str(&sql[1], "))");
	for (int i = 0; i < 2 && rc == 0; i++) {
		int64_t n = load_number(l, buf_span(&sql[i]));

		if (n == -1)
			rc = load_failed(l, "look at the table");
		else if (n > 0)
			rc = err_usage("%.*s: %s, which --replace-table would lose", (int)l->t->name.n, l->t->name.p,
			    what[i]);
	}
	buf_free(&sql[0]);
	buf_free(&sql[1]);
	return rc;
}

/* A statement about the tables: TEXT NAME [TEXT NAME …]. */
static int
about(struct load *l, const char *what, const char *const *piece)
{
	struct buf sql = { 0 };
	int rc;

	for (; *piece != NULL; piece++)
		buf_str(&sql, *piece);
	rc = load_do(l, what, buf_span(&sql));
	buf_free(&sql);
	return rc;
}

/* As many rows there as were sent? */
static int
check(struct load *l, struct beside *b)
{
	struct buf sql = { 0 };
	int64_t n;

	buf_fmt(&sql, "SELECT COUNT(*) FROM %s", buf_cstr(&b->fresh));
	n = load_number(l, buf_span(&sql));
	buf_free(&sql);
	if (n == -1)
		return load_failed(l, "count");
	return (uint64_t)n == l->rows ? 0 : err_remote("%" PRId64 " rows are in the new table, %" PRIu64
	    " were sent: the old one stands", n, l->rows);
}

/* What the ledger says of days of this table holds no more. */
static int
forget_days(struct load *l)
{
	struct buf sql = { 0 }, target = { 0 };
	int rc = 0;

	buf_str(&sql, "DELETE FROM ");
	load_ledger_name(l, "pipehouse_ledger", &sql);
	buf_span_add(&target, l->t->name);
	buf_byte(&target, ' ');
	buf_fmt(&sql, " WHERE LEFT(target, %zu) = ", target.n);
	sql_text(&sql, buf_span(&target));
	if (!db_do(l->db, buf_span(&sql)) && mysql_errno(l->db->my) != 1146)
		rc = load_failed(l, "ledger");
	buf_free(&sql);
	buf_free(&target);
	return rc;
}

static int
replace_once(struct load *l, void *arg)
{
	struct beside *b = arg;
	struct buf table = { 0 };
	const char *fresh = buf_cstr(&b->fresh), *old = buf_cstr(&b->old), *name;
	int rc;

	b->ours = false;
	sql_table(&table, l->t);
	name = buf_cstr(&table);
	(void)((rc = load_do(l, "session", span_str("SET SESSION lock_wait_timeout = 60"))) != 0 ||
	    (rc = take_lock(l, b)) != 0 || (rc = stands_alone(l)) != 0 ||
	    /* the table has its name: an old one beside it is what a crash left */
	    (rc = about(l, "drop", (const char *[]){ "DROP TABLE IF EXISTS ", fresh, ", ", old, NULL })) != 0 ||
	    (rc = about(l, "create", (const char *[]){ "CREATE TABLE ", fresh, " LIKE ", name, NULL })) != 0 ||
	    (rc = load_do(l, "begin", span_str("START TRANSACTION"))) != 0 || (rc = load_rows(l)) != 0 ||
	    (rc = load_do(l, "commit", span_str("COMMIT"))) != 0 || (rc = check(l, b)) != 0 ||
	    (rc = forget_days(l)) != 0 || (rc = about(l, "rename", (const char *[]){ "RENAME TABLE ", name, " TO ", old,
	    ", ", fresh, " TO ", name, NULL })) != 0 ||
	    (rc = about(l, "drop", (const char *[]){ "DROP TABLE IF EXISTS ", old, NULL })) != 0);
	buf_free(&table);
	return rc;
}

int
load_replace(struct load *l, struct load_done *done)
{
	struct beside b = { 0 };
	int rc;

	full_name(l, "new", &b.fresh);
	full_name(l, "old", &b.old);
	load_beside(l->t->name, "new", &b.name);
	snprintf(b.lock, sizeof b.lock, "pipehouse %016" PRIx64, hash_fixed(buf_span(&b.fresh)));
	l->plain = true;
	l->beside = buf_span(&b.name);
	rc = load_again(l, replace_once, &b, done);
	if (rc != 0 && b.ours)	/* nobody waits for it; where the server is gone the next call drops it */
		(void)about(l, "drop", (const char *[]){ "DROP TABLE IF EXISTS ", buf_cstr(&b.fresh), NULL });
	l->beside = span_of("", 0);
	buf_free(&b.fresh);
	buf_free(&b.old);
	buf_free(&b.name);
	return rc;
}
