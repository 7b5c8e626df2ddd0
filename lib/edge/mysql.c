/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql - connections, sessions, statements and rows (see mysql.h) */
#include <mariadb/errmsg.h>
#include <mariadb/mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "edge/mysql_own.h"

#define CONNECT_SECONDS 10u
#define IDLE_SECONDS 3600u	/* a reader behind us, or a sort on the server */

/* Notes are wanted: a value that was rounded or cut is a note and no more, even in strict mode. */
static const char session_sql[] =
    "SET NAMES utf8mb4, SESSION sql_mode = 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,"
    "ERROR_FOR_DIVISION_BY_ZERO,%sNO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', "
    "SESSION time_zone = '+00:00', SESSION sql_notes = 1, "
    "SESSION autocommit = 1, SESSION sql_select_limit = DEFAULT, SESSION foreign_key_checks = 1, "
    "SESSION unique_checks = 1, SESSION net_write_timeout = 3600, SESSION net_read_timeout = 3600";
static const char session_check[] =
    "SELECT @@sql_mode, @@character_set_client, @@character_set_connection, "
    "@@character_set_results, @@time_zone, @@sql_notes, @@max_allowed_packet";

enum db_fault
db_fault(unsigned number, const char *state)
{
	static const unsigned again[] = {
		CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR, CR_SERVER_GONE_ERROR, CR_SERVER_LOST,
		CR_SERVER_LOST_EXTENDED,
		CR_UNKNOWN_HOST, CR_IPSOCK_ERROR, CR_NET_PACKET_TOO_LARGE, CR_MALFORMED_PACKET,
		ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN,
		ER_TOO_MANY_USER_CONNECTIONS,
		ER_USER_LIMIT_REACHED, ER_OPTION_PREVENTS_STATEMENT, ER_READ_ONLY_MODE,
		ER_QUERY_INTERRUPTED, ER_DISK_FULL,
		ER_CONNECTION_KILLED, ER_STATEMENT_TIMEOUT, ER_CHECKREAD, ER_ABORTING_CONNECTION,
		ER_NEW_ABORTING_CONNECTION,
		ER_NET_READ_ERROR, ER_NET_READ_INTERRUPTED, ER_NET_ERROR_ON_WRITE,
		ER_NET_WRITE_INTERRUPTED, ER_OUT_OF_RESOURCES,
		ER_TABLE_DEF_CHANGED, ER_LOCK_TABLE_FULL, 4031
	};
	static const unsigned row[] = {
		ER_NO_DEFAULT_FOR_FIELD, WARN_DATA_TRUNCATED, ER_TRUNCATED_WRONG_VALUE,
		ER_TRUNCATED_WRONG_VALUE_FOR_FIELD,
		ER_NO_PARTITION_FOR_GIVEN_VALUE, ER_ILLEGAL_VALUE_FOR_TYPE,
		ER_CANT_CREATE_GEOMETRY_OBJECT,
		ER_VIEW_CHECK_FAILED, ER_NET_PACKET_TOO_LARGE, ER_TOO_BIG_ROWSIZE, 3140, 3819, 3105
	};

	if (number == 0)
		return DB_FINE;
	for (size_t i = 0; i < sizeof again / sizeof *again; i++)
		if (number == again[i])
			return DB_AGAIN;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (number == row[i])
			return DB_ROW;
	/* data exceptions, integrity, what a trigger signals */
	if (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 ||
	    strcmp(state, "45000") == 0)
		return DB_ROW;
	return DB_REFUSED;
}

bool
db_note(struct db *db)
{
	unsigned n = mysql_errno(db->my);

	db->fault = db_fault(n, mysql_sqlstate(db->my));
	if (n == 0)
		return false;
	snprintf(db->error, sizeof db->error, "%s (%u)", mysql_error(db->my), n);
	return true;
}

enum db_fault
db_last(const struct db *db)
{
	return db->fault;
}

const char *
db_error(const struct db *db)
{
	return db->error;
}

int
db_say(const struct db *db, const char *what)
{
	if (db->fault == DB_AGAIN)
		return err_temp("%s: %s", what, db->error);
	return err_remote("%s: %s", what, db->error);
}

/* ---- connect ---- */

static bool
near(const char *host)
{
	return host == NULL || *host == '\0' || strcmp(host, "localhost") == 0 ||
	    strcmp(host, "::1") == 0 ||
	    (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0');
}

static bool
refuse(struct db *db, const char *why)
{
	db->fault = DB_REFUSED;
	snprintf(db->error, sizeof db->error, "%s", why);
	return false;
}

/*
 * MYSQL_OPT_SSL_ENFORCE alone goes on in clear text where the server has no TLS: only verification
 * refuses.
 */
static bool
ask_tls(struct db *db)
{
	struct db_conf *c = &db->conf;
	my_bool on = 1;
	bool wanted = c->ssl || c->ssl_ca != NULL || c->ssl_capath != NULL || !near(c->host);

	if (!wanted || ((db->flags & DB_INSECURE) != 0 && c->ssl_ca == NULL))
		return false;
	if (c->ssl_ca != NULL)
		mysql_options(db->my, MYSQL_OPT_SSL_CA, c->ssl_ca);
	if (c->ssl_capath != NULL)
		mysql_options(db->my, MYSQL_OPT_SSL_CAPATH, c->ssl_capath);
	if (c->ssl_cert != NULL)
		mysql_options(db->my, MYSQL_OPT_SSL_CERT, c->ssl_cert);
	if (c->ssl_key != NULL)
		mysql_options(db->my, MYSQL_OPT_SSL_KEY, c->ssl_key);
	mysql_options(db->my, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_options(db->my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
	return true;
}

static bool
session(struct db *db)
{
	static const char *const want[] = { NULL, "utf8mb4", "utf8mb4", "utf8mb4", "+00:00", "1" };
	const char *zero = (db->flags & DB_ZERO_DATES) != 0 ? "" : "NO_ZERO_DATE,NO_ZERO_IN_DATE,";
	struct buf sql = { 0 };
	MYSQL_ROW row;
	bool good;

	buf_fmt(&sql, session_sql, zero);
	good = db_do(db, buf_span(&sql)) &&
	    db_do(db, span_str("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")) &&
	    db_do(db, span_str(session_check));
	buf_free(&sql);
	if (!good)
		return false;
	db->res = mysql_store_result(db->my);
	if (db->res == NULL || (row = mysql_fetch_row(db->res)) == NULL) {
		if (!db_note(db))
			refuse(db, "the session does not tell its settings");
		db_done(db);
		return false;
	}
	good = strstr(row[0], "STRICT_ALL_TABLES") != NULL && strstr(row[0], "ANSI_QUOTES") == NULL;
	for (size_t i = 1; i < sizeof want / sizeof *want; i++)
		good = good && row[i] != NULL && strcmp(row[i], want[i]) == 0;
	db->packet = (size_t)strtoull(row[6], NULL, 10);
	db_done(db);
	return good || refuse(db,
	    "the session did not take its settings (utf8mb4, UTC, strict mode, notes)");
}

int
db_reopen(struct db *db)
{
	struct db_conf *c = &db->conf;
	const unsigned off = 0, seconds = CONNECT_SECONDS, idle = IDLE_SECONDS;
	const my_bool no = 0;
	bool tls, good;

	db_done(db);
	if (db->my != NULL)
		mysql_close(db->my);
	db->sessions++;
	db->my = mysql_init(NULL);
	if (db->my == NULL) {
		refuse(db, "out of memory");
		return EXIT_REMOTE;
	}
	mysql_options(db->my, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(db->my, MYSQL_OPT_RECONNECT, &no);
	mysql_options(db->my, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_options(db->my, MYSQL_OPT_READ_TIMEOUT, &idle);
	mysql_options(db->my, MYSQL_OPT_WRITE_TIMEOUT, &idle);
	mysql_options(db->my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	tls = ask_tls(db);
	if (mysql_real_connect(db->my, c->host, c->user, c->password, c->database, c->port,
	    c->host == NULL || strcmp(c->host, "localhost") == 0 ? c->socket : NULL, 0) == NULL) {
		db_note(db);
		return db->fault == DB_AGAIN ? EXIT_TEMP : EXIT_REMOTE;
	}
	good = tls && mysql_get_ssl_cipher(db->my) == NULL ?
	    refuse(db, "the server offers no TLS") : session(db);
	return good ? 0 : db->fault == DB_AGAIN ? EXIT_TEMP : EXIT_REMOTE;
}

int
db_open(const char *option_file, unsigned flags, struct db **out)
{
	struct db *db = mem_new(sizeof *db);
	int rc;

	*out = NULL;
	db->flags = flags;
	if ((rc = conf_read(option_file, &db->conf)) == 0 && db_reopen(db) != 0)
		rc = db_say(db, "connect");
	if (rc != 0) {
		db_close(db);
		return rc;
	}
	if ((flags & DB_INSECURE) != 0 && !near(db->conf.host) &&
	    mysql_get_ssl_cipher(db->my) == NULL)
		err_warn("--insecure: data and password go over the network in clear text");
	*out = db;
	return 0;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	db_done(db);
	if (db->my != NULL)
		mysql_close(db->my);
	conf_free(&db->conf);
	free(db);
	mysql_library_end();
}

const char *
db_database(const struct db *db)
{
	return db->conf.database == NULL ? "" : db->conf.database;
}

size_t
db_packet(const struct db *db)
{
	return db->packet;
}

/* ---- statements and rows ---- */

bool
db_do(struct db *db, struct span sql)
{
	db->fault = DB_FINE;
	if (mysql_real_query(db->my, sql.p, sql.n) == 0)
		return true;
	db_note(db);
	return false;
}

int
db_query(struct db *db, const char *what, struct span sql)
{
	return db_do(db, sql) ? 0 : db_say(db, what);
}

int
db_select(struct db *db, struct span sql)
{
	if (!db_do(db, sql))
		return db_say(db, "select");
	db->res = mysql_use_result(db->my);
	if (db->res == NULL) {
		if (!db_note(db))
			refuse(db, "the statement gave no rows to read");
		return db_say(db, "select");
	}
	db->width = mysql_num_fields(db->res);
	return 0;
}

size_t
db_width(const struct db *db)
{
	return db->width;
}

int
db_row(struct db *db, struct span *cell)
{
	MYSQL_ROW row = mysql_fetch_row(db->res);
	unsigned long *n;

	if (row == NULL) {
		/*
		 * no row is not the end: a connection that broke looks the same but for the error
		 */
		if (db_note(db)) {
			db_say(db, "rows are missing");
			return -1;
		}
		db_done(db);
		return 0;
	}
	n = mysql_fetch_lengths(db->res);
	for (unsigned i = 0; i < db->width; i++)
		cell[i] = row[i] == NULL ? (struct span){ NULL, 0 } : span_of(row[i], n[i]);
	return 1;
}

void
db_done(struct db *db)
{
	if (db->res != NULL)
		mysql_free_result(db->res);
	db->res = NULL;
}

/* ---- names and texts in statements ---- */

void
sql_name(struct buf *b, struct span name)
{
	buf_byte(b, '`');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '`')
			buf_byte(b, '`');
		buf_byte(b, name.p[i]);
	}
	buf_byte(b, '`');
}

void
sql_table(struct buf *b, const struct db_tab *t)
{
	sql_name(b, t->db);
	buf_byte(b, '.');
	sql_name(b, t->name);
}

void
sql_text(struct buf *b, struct span text)
{
	static const char hex[] = "0123456789abcdef";

	buf_str(b, "_utf8mb4 x'");
	for (size_t i = 0; i < text.n; i++) {
		buf_byte(b, hex[(unsigned char)text.p[i] >> 4]);
		buf_byte(b, hex[(unsigned char)text.p[i] & 15]);
	}
	buf_byte(b, '\'');
}
