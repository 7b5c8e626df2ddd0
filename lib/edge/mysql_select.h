/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_select - the SELECT of a whole table or of a part of it that was added or changed
 *
 *	struct select s = { .db = db, .tab = tab, .columns = "id,name", .since = "updated_at" };
 *	rc = select_columns(&s); ... rc = select_until(&s, "5m", zone, &until);
 *	rc = select_snapshot(&s); ... rc = select_begin(&s);
 *	while ((got = db_row(db, cell)) == 1) ... s.n cells, s.col[i] their columns ...
 *
 * Invariants: one consistent snapshot; rows in primary key order, with `since` in its order.  A
 * part is from <= since < until; both bounds are fixed before the first row is read, so nothing is
 * read twice or left out between two parts.
 */
#ifndef EDGE_MYSQL_SELECT_H
#define EDGE_MYSQL_SELECT_H

#include "edge/mysql.h"

struct sql_arg { struct span name, value; };

struct select {
	struct db *db;
	const struct db_tab *tab;
	const char *columns;		/* A,B,...; NULL: all */
	const char *where;		/* SQL, :NAME an argument's text; NULL: all rows */
	const struct sql_arg *arg;
	size_t n_args;
	const char *since;		/* COLUMN[,KEY]; NULL: no part */
	const char *from, *until;	/* as the server compares them; NULL: no bound */
	bool keyset;			/* behind the s.n cells come those of the primary key, in its order */
	const struct span *after;	/* with keyset: rows behind this key; NULL: from the first on */
	uint64_t limit;			/* so many rows at most; 0: all */
	/* set by select_columns: */
	size_t n, *col;			/* columns in the order of cells */
	int since_col, key_col;		/* -1: none */
};

/* Settle columns, since and order. 0 or EXIT_USAGE after a message. */
int select_columns(struct select *);
/*
 * The end of the part that can be read now: for times the server's clock less the lag (NULL: a
 * minute), in the zone for columns without one; for whole numbers one more than the largest, less
 * the lag.  Empty: the table is. 0 or a status after a message.
 */
int select_until(struct select *, const char *lag, const struct zone *, struct buf *until);
/*
 * A bound as written by a person, as the server compares it: times of TIMESTAMP columns to UTC.
 * NULL or a reason.
 */
const char *select_bound(const struct select *, const char *text, const struct zone *,
    struct buf *out);
/*
 * The columns of the primary key, in its order, of which the server's order and comparison can be had again by their
 * text; how many, 0: there is no such key.  Pre: col has room for all columns.
 */
size_t select_key(const struct select *, size_t *col);
/* What lies by so much (a duration, or of numbers a number) before a bound. NULL or a reason. */
const char *select_back(const struct select *, const char *bound, const char *by, const struct zone *, struct buf *out);
/* Does bound a lie before bound b? */
bool select_before(const struct select *, const char *a, const char *b);
/*
 * Warn of rows that --since never sees because the column is null. 0 or a status after a message.
 */
int select_nulls(struct select *);
/* Open the snapshot. 0 or a status after a message. */
int select_snapshot(struct select *);
/* Begin to read. 0 or a status after a message. */
int select_begin(struct select *);

#endif
