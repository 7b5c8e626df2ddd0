/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loading - records on their way into a table of MySQL: kept until the server has them, each as the row it makes
 *
 *	rc = loading_open(c, &(struct loading_conf){ .db = db, .target = { … }, .op = "op" }, &l);	// set_up
 *	rc = loading_add(l, b);			// batch: all but ddl are used, whatever the server thinks of them
 *	rc = loading_table(l);			// before each transaction: the table is there, if any record came
 *	rc = load_upsert(loading_load(l), &done); loading_clear(l);
 *	loading_free(l);
 *
 * A record is a row, or with `op` a change as cdc-norm writes it: c, u and r put what is in the member `row` beside the
 * op, d takes away what has the key in the member `key`, or in the row as it was; t, of the table that `truncates_of`
 * says, all that is there.  A ddl is dropped and counted: it changes nothing here.
 *
 * Invariants: what the server refuses is rejected with its own words, after batch has counted the record as used.
 * Memory: the budget plus the longest line; what is more waits in a file without a name (edge/replay.h).
 */
#ifndef RUN_LOADING_H
#define RUN_LOADING_H

#include "edge/mysql_target.h"
#include "run/run.h"

struct loading_conf {
	struct db *db;			/* not owned */
	struct target_conf target;	/* without db, zone, removes and version, which are filled in */
	const char *op;			/* PATH; NULL: records are rows */
	const char *truncates_of;	/* [DB.]T in the changes; NULL: the name of the table */
	const char *version;		/* COLUMN, or with op COLUMN=PATH; or NULL */
	bool create;			/* a table that is not there may be made */
	size_t budget;
};

struct loading;
/* For set_up. 0, or a status after a message; *out is to be freed in any case. */
int loading_open(struct ctx *, const struct loading_conf *, struct loading **out);
int loading_add(struct loading *, const struct batch *);
/*
 * Make the table from the records that came, if it is not there; without any it stays away.  One that is there is
 * looked at again each minute, and before each transaction from the first member on that was no column: who adds a
 * column need not start the loader anew.
 */
int loading_table(struct loading *);
/* The loader of the rows kept; without a table it knows none. Good until loading_table. */
struct load *loading_load(struct loading *);
struct target *loading_target(struct loading *);
struct replay *loading_rows(struct loading *);
/* How many of the records were ddl. */
uint64_t loading_ddl(const struct loading *);
/* From now on these are the last rows, or all of an epoch: --max-rejects P% is judged before they are committed. */
void loading_last(struct loading *);
void loading_clear(struct loading *);

void loading_free(struct loading *);

#endif
