/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_load - rows into one table of MySQL or MariaDB, or out of it: whole transactions, tried again, each row's
 * fault its own
 *
 *	struct load *l = load_new(&(struct load_conf){ .db = db, .table = t, .next = next });
 *	rc = load_upsert(l, &done);			// every row of one pass of next()
 *	rc = load_day(l, "T dt=2026-11-20", content, &done);	// replaces it, or finds it done
 *	load_free(l);
 *
 * Invariants: a pass is one transaction: deadlocks, lock waits and lost connections roll it back
 * and read the rows again from rewind().  A warning is an error.  A row that the server refuses is
 * taken out alone, with the server's words; it is told to reject() once, however often the
 * transaction is tried.  In load_day the rows and the ledger's row commit together, so a COMMIT
 * whose answer was lost is resolved by reading the ledger.
 */
#ifndef EDGE_MYSQL_LOAD_H
#define EDGE_MYSQL_LOAD_H

#include "edge/mysql.h"

enum cell_state { CELL_ABSENT, CELL_NULL, CELL_SET };

#define LOAD_NO_COLUMN SIZE_MAX

struct load_row {
	struct span *cell;	/* [table->n] bytes to bind where state is CELL_SET */
	uint8_t *state;		/* [table->n] enum cell_state; absent: the default, or as it is */
	const char *why;	/* the row cannot be loaded: the reason */
	/*
	 * The row is to be taken away: cells of the keys, and of the version where there is one; with soft_col all of
	 * a row that is put, marked as taken away, where none is.
	 */
	bool away;
	/* All rows are to be taken away, but newer ones where there is a version: away, and no cell but that. */
	bool all;
	struct span id;		/* opaque: what reject() gets to know the row by */
};

struct load_conf {
	struct db *db;
	const struct db_tab *table;
	const bool *is_key;	/* [table->n] load_upsert: these columns are not updated */
	bool removes;		/* rows may be `away` */
	size_t version_col;	/* load_upsert: only an older row is replaced, by this column; or LOAD_NO_COLUMN */
	size_t soft_col;	/* rows that are `away` stay, and only this column says so; or LOAD_NO_COLUMN */
	size_t day_col;		/* load_day: this column holds the day */
	const char *day;
	/*
	 * The rows, in the same order after each rewind. next: 1; 0 at the end; -1 after a message,
	 * with *status.
	 */
	void (*rewind)(void *arg);
	int (*next)(void *arg, struct load_row *, int *status);
	/* 0: go on without the row; else the status to end with. */
	int (*reject)(void *arg, struct span id, const char *why);
	bool (*stopped)(void *arg);
	/* Asked before COMMIT: 0, or the status to end with and nothing loaded. */
	int (*agree)(void *arg);
	void *arg;
};

struct load_done {
	uint64_t rows;		/* loaded (0 when already was) */
	uint64_t tries;		/* transactions begun */
	bool already;		/* the ledger says that this content is loaded */
};

struct load;
struct load *load_new(const struct load_conf *);
/*
 * INSERT … ON DUPLICATE KEY UPDATE, or DELETE, of all rows, those of one key in their order. 0 or a status after a
 * message; nothing is loaded then.
 */
int load_upsert(struct load *, struct load_done *);
/*
 * Delete the rows of the day and insert all rows, under a lock on the ledger's row of that target;
 * done at once when the ledger holds the same content and as many rows are there. 0 or a status
 * after a message; the old day stands then.
 */
int load_day(struct load *, const char *target, struct span content, struct load_done *);
/*
 * A table beside it, made LIKE it, gets all rows, is counted, and takes its name in one RENAME: readers see the old
 * table or the new one, grants and indexes stay.  0 or a status after a message; the old table stands then.  EXIT_USAGE
 * where a trigger or a foreign key would be lost.
 */
int load_replace(struct load *, struct load_done *);
/*
 * The name of the table beside: "new", or "old" for the one that was replaced. Append it, unquoted, at most 64
 * characters.
 */
void load_beside(struct span table, const char *which, struct buf *name);
void load_free(struct load *);

#endif
