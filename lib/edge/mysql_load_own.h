/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_load_own - what the ways to load share: rows, a day, an epoch of a job in place, a table beside (for them
 * alone)
 *
 *	rc = load_again(l, attempt, arg, done);		// until it is no RETRY
 *	... in attempt: if ((rc = load_do(l, "begin", "START TRANSACTION")) == 0) rc = load_rows(l);
 *
 * Invariants: an attempt answers 0, a status after a message, or RETRY with db->error set: then the connection is
 * made anew and the attempt begins again.  Rows wait in two piles, those to be put and those to be taken away; a key
 * is in one of them at most (mysql_load.c), so that neither has to wait for the other.
 */
#ifndef EDGE_MYSQL_LOAD_OWN_H
#define EDGE_MYSQL_LOAD_OWN_H

#include "edge/mysql_load.h"
#include "edge/mysql_own.h"

#define ROWS_MAX 1000u
#define KEY_SLOTS 4096u		/* > ROWS_MAX, a power of two */
#define BATCH_BYTES_MAX (4 * MIB)
#define PARAMS_MAX 65535u
#define STATEMENTS_MAX 16u
#define TRIES_MAX 7u
#define RETRY (-1)		/* not an exit status: the transaction is to be tried again */
#define DEPRECATED 1287u	/* MySQL 8 says so of VALUES() */

struct pile {
	bool away;			/* these rows are to be taken away */
	size_t n;			/* rows */
	struct buf bytes, ids;
	size_t *cell_at, id_at[ROWS_MAX + 1];
	unsigned long *cell_n;		/* [column * ROWS_MAX + row] */
	char *null;			/* [same] */
	uint64_t ordinal[ROWS_MAX];
	uint8_t *used;			/* [table->n] columns that these rows bring */
	size_t *col, n_cols;		/* the same as numbers */
	uint64_t *key;			/* [KEY_SLOTS] where there are two piles: hashes of the keys in it; 0: free */
	bool wild;			/* a key in it may equal another one of other bytes */
};

struct statement {
	MYSQL_STMT *stmt;
	uint8_t *used;
	bool away;
	size_t rows;			/* of one execution; 0: bulk */
};

struct sender;			/* mysql_send.c: a pile on its way */

struct load {
	struct load_conf conf;
	struct db *db;
	const struct db_tab *t;
	bool plain, bulk;		/* plain: INSERT of new rows alone */
	bool careful;			/* a statement was taken with a warning: each gets a savepoint from now on */
	struct span beside;		/* not into t, but into this table next to it */
	struct pile *put, *away;	/* away: NULL where nothing is */
	struct pile *spare;		/* empty; NULL while a pile is on its way */
	struct sender *sender;		/* NULL: none was needed yet */
	struct buf key;			/* scratch */
	struct statement statement[STATEMENTS_MAX];
	size_t n_statements;
	MYSQL_BIND *bind;
	const char **at;		/* [column * ROWS_MAX + row] bulk: where cells begin */
	void **native;			/* [n_native] of a column, bulk: [ROWS_MAX] integers or times, made at need */
	size_t n_native;		/* as many as columns; the table may go before us */
	uint64_t *gone;			/* ordinals of rejected rows, ascending */
	size_t n_gone, cap_gone;
	uint64_t rows;			/* of this try */
	size_t step;			/* rows of the next statement, at most: less while one is looked for */
	uint64_t gap, since;		/* rows from one that the server refused to the next; since the last one */
	bool commit_sent;
};

/* The last failure as what to do: RETRY, or a status after a message. */
int load_failed(struct load *, const char *what);
int load_do(struct load *, const char *what, struct span sql);
/* Every row of one pass into the open transaction. */
int load_rows(struct load *);
int load_again(struct load *, int (*attempt)(struct load *, void *), void *arg, struct load_done *);
/* One row of n numbers or texts; into cell, kept in keep. False: db->fault, or no row. */
bool load_one_row(struct db *, struct span sql, struct span *cell, size_t n, struct buf *keep);
/* The digits of a number of at most 18; -1: they are none. */
int64_t load_digits(struct span);
/* One number of at most 18 digits; -1: it could not be had, db->fault says why. */
int64_t load_number(struct load *, struct span sql);
/*
 * Make a table of ours next to the loaded one, if it is not there: `columns` is what stands in the brackets.  DDL
 * commits by itself, so it is asked before the transaction; and asked first, for who loads may not be who creates.
 */
int load_ledger_make(struct load *, const char *name, const char *columns);
/* Append its quoted name. */
void load_ledger_name(const struct load *, const char *name, struct buf *sql);

void load_pile_clear(struct pile *);
/* The row is out, now and in later tries. 0, or the status to end with. */
int load_reject(struct load *, uint64_t ordinal, struct span id, const char *why);

/*
 * mysql_send.c: a full pile goes on its way while the next one is filled: *pile becomes an empty one.  What became of
 * the pile before it is told now, its bad rows with it: 0, a status after a message, or RETRY.  Piles arrive in the
 * order they were given.  Until load_send_rest nothing else may use the connection.
 */
int load_send(struct load *, struct pile **pile);
/* All that waits, if rc is 0; else only wait for what is on its way. rc, or what load_send gives. */
int load_send_rest(struct load *, int rc);
void load_send_end(struct load *);

/* mysql_empty.c: a row with `all`, when nothing waits any more. 0, a status after a message, or RETRY. */
int load_empty(struct load *, const struct load_row *, uint64_t ordinal);

/*
 * mysql_rows.c: rows from..from+*n of a pile in one statement (*n may become smaller).  What became of it; *bad: the
 * row at fault, from 1, or 0.
 */
enum db_fault load_execute(struct load *, struct pile *, size_t from, size_t *n, size_t *bad);
/*
 * mysql_bind.c: rows from..from+n of the pile are the statement's parameters, until it is executed.  text: what is
 * compared with a parameter must see it as it was written.  False: the statement's error says why.
 */
bool load_bind_bulk(struct load *, struct pile *, MYSQL_STMT *, size_t from, size_t n, bool text);
bool load_bind_rows(struct load *, struct pile *, MYSQL_STMT *, size_t from, size_t n);
enum enum_field_types load_wire_type(const struct db_col *);	/* of a cell as text */
/* A parameter as what can be compared with that column. */
void load_compared(const struct db_col *, struct buf *sql);
/* A warning that counts: its words into db->error, its row, or 0, into *row. True also when db->fault says why not. */
bool load_warned(struct db *, size_t *row);
/* Take the failure of a statement over into db->error and db->fault. */
void load_note_statement(struct db *, MYSQL_STMT *);
void load_forget(struct load *);	/* its prepared statements */

#endif
