/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql - one connection to MySQL or MariaDB, its catalogue, and rows read as the server writes
 * them
 *
 *	if ((rc = db_open("shop.cnf", 0, &db)) != 0) return rc;		// said what failed; 75 or 5
 *	rc = db_table(db, span_str("shop.order_info"), &t);		// columns and unique keys
 *	rc = db_query(db, "snapshot", span_str("START TRANSACTION WITH CONSISTENT SNAPSHOT"));
 *	for (rc = db_select(db, sql); rc == 0 && (got = db_row(db, cell)) == 1;) ... cell[i] ...
 *	db_close(db);
 *
 * Invariants: user, password, host come from an option file of mode 0600 alone.  No LOCAL INFILE,
 * no reconnection behind our back, no option of the file but the known ones.  To another machine
 * only TLS with a verified certificate (or DB_INSECURE, said aloud).  Every session: utf8mb4, UTC,
 * strict sql_mode, READ COMMITTED; all of it is asked back. Identifiers come from the server's
 * catalogue and are quoted; values are hexadecimal literals or bound.
 */
#ifndef EDGE_MYSQL_H
#define EDGE_MYSQL_H

#include "base/buf.h"
#include "base/val.h"
#include "base/when.h"

enum {
	DB_INSECURE = 1,	/* no TLS is asked for, wherever the server stands */
	DB_ZERO_DATES = 2	/* 0000-00-00 may be stored */
};

struct db;
/*
 * Connect. 0; EXIT_USAGE or EXIT_IO for the option file, EXIT_REMOTE when refused, EXIT_TEMP when
 * nobody is there; all said.
 */
int db_open(const char *option_file, unsigned flags, struct db **);
/* A new connection in the old place. 0, EXIT_TEMP or EXIT_REMOTE; nothing is said. */
int db_reopen(struct db *);
void db_close(struct db *);
const char *db_database(const struct db *);	/* of the option file, or "" */
/* Bytes of the largest statement that this server takes. */
size_t db_packet(const struct db *);

/* What an error means: try the transaction again; that row's own fault; refused for good. */
enum db_fault { DB_FINE, DB_AGAIN, DB_ROW, DB_REFUSED };
enum db_fault db_fault(unsigned number, const char *sqlstate);
enum db_fault db_last(const struct db *);	/* of the last call */
const char *db_error(const struct db *);	/* the server's words */
/* Say what failed and the server's words; EXIT_TEMP or EXIT_REMOTE by db_last. */
int db_say(const struct db *, const char *what);

/* A statement without rows. true when done; else db_last tells. */
bool db_do(struct db *, struct span sql);
/* The same, but a failure is said and becomes a status. */
int db_query(struct db *, const char *what, struct span sql);
/* Begin to read rows as they come from the server. 0, or a status after a message. */
int db_select(struct db *, struct span sql);
size_t db_width(const struct db *);
/*
 * The next row: db_width cells, p NULL where NULL; they live until the next call. 1; 0 at the end,
 * when the server has said that this was all; -1 after a message when rows are missing: db_last
 * tells.
 */
int db_row(struct db *, struct span *cell);
/* Let go of the rest of the rows. */
void db_done(struct db *);

enum col_kind {
	COL_INT, COL_DECIMAL, COL_FLOAT, COL_DOUBLE, COL_YEAR, COL_BIT, COL_DATE, COL_DATETIME,
	COL_TIMESTAMP, COL_TIME,
	COL_TEXT, COL_CHAR, COL_ENUM, COL_SET, COL_BYTES
};

struct db_col {
	struct span name, type;		/* type: COLUMN_TYPE, e.g. decimal(16,2) unsigned */
	struct span collation;		/* empty where there is none */
	enum col_kind kind;
	unsigned scale;			/* digits behind the point that it holds: decimals, times */
	unsigned key;			/* its place in the primary key, from 1; 0: not in it */
	bool boolean;			/* tinyint(1), bit(1): true and false are taken */
	bool nullable;
	bool computed;			/* the server's own: not to be loaded */
	bool pads;			/* its collation ignores blanks at the end */
	struct span *member;		/* enum and set */
	size_t n_members;
};

struct db_index {
	struct span name;
	size_t n, *col;
	bool prefix;			/* of a part of a column: no key */
};

struct db_tab {
	struct span db, name;
	size_t n;			/* columns in table order; 0: there is no such table */
	struct db_col *col;
	size_t n_unique;		/* unique indexes, the primary key among them */
	struct db_index *unique;
	struct span engine;		/* empty for a view */
	struct arena mem;
};

/*
 * Look `[DB.]T` up (parts may be quoted by backticks). 0, also when there is none (n 0); else a
 * status after a message.
 */
int db_table(struct db *, struct span name, struct db_tab **);
void db_table_free(struct db_tab *);
/* Number of the column of exactly that name, or -1. */
int db_col(const struct db_tab *, struct span name);

/* Append `name`, quoted; and `db`.`table`. */
void sql_name(struct buf *, struct span name);
void sql_table(struct buf *, const struct db_tab *);
/* Append a text as a literal that no byte can end. */
void sql_text(struct buf *, struct span text);

/*
 * What the server printed, as a JSON value: numbers with its digits, dates and text as strings,
 * bytes in base64, a TIMESTAMP in the zone. NULL, or a constant reason (bytes that are no UTF-8).
 */
const char *cell_json(const struct db_col *, struct span text, const struct zone *,
    struct buf *out);
/* Is it a date or a time with a date whose month or day is none: 0000-00-00, 2024-00-15? Pre: the server printed it. */
bool cell_is_zero_date(const struct db_col *, struct span text);
/*
 * A JSON value as the bytes to bind for a column. NULL; or a constant reason why the server would
 * have to change the value to store it (it rounds, cuts and guesses without a word); what it
 * refuses by itself is left to it.
 */
const char *cell_bind(const struct db_col *, struct val, const struct zone *, struct buf *scratch,
    struct buf *out);

#endif
