/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows - rows to the files of their days, for wh-put and ingest
 *
 *	struct rows *r = rows_new(&(struct rows_conf){ .t = t, .c = c, .budget = 256 * MIB });
 *	if ((why = rows_look(r, line)) != NULL) ... reject: it holds dt ...
 *	rc = rows_put(r, "2026-11-20", line, &(struct row){ .ms = &ms });
 *	rc = rows_end(r);			// then change_end()
 *
 * Invariants: at most ROWS_FILES_MAX files are open; one that is written to again after it was closed
 * becomes a second file of its day.  Which file a row goes to is a function of the rows before it.  A keyed
 * table's rows are held, and the best row of each key is written, sorted, as delta files of at most the budget;
 * those that the table, as its state t->live is, has or knows better are left out: the same rows again are nothing.
 */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "in/scan.h"
#include "store/change.h"

#define ROWS_FILES_MAX 24

struct rows;
struct rows_conf {
	struct table *t;
	struct change *c;
	size_t budget;		/* bytes held for sorting */
	const char *app;	/* the source whose rows these are, or NULL */
	bool apart;		/* a thread beside compresses (sink_apart) */
	bool keyed;		/* sorted by (key, order), delta files */
	/* keyed, but a whole day: a base file, and a delta of tombstones if there are any; must fit the budget */
	bool base;
};

struct row {
	const int64_t *ms;		/* its time, or NULL */
	struct span key, order;		/* keyed: canonical forms (val_key, merge_order) */
	bool dead;			/* keyed: a tombstone */
};

struct rows *rows_new(const struct rows_conf *);
/* Look at a row's columns; NULL, or why it cannot be a row: `dt` is the partition's, engines add it. */
const char *rows_look(struct rows *, struct span line);
/* The same of a row whose n members are known (in/scan). */
const char *rows_look_members(struct rows *, struct span line, const struct member *, size_t n);
/* Write a row to its day. 0 or as rows_end. */
int rows_put(struct rows *, const char *day, struct span line, const struct row *);
/* The rows that follow are another source's, and there are no more of those before. */
int rows_app(struct rows *, const char *app);
/* The same, but there may be more: their files stay open beside those of this one. Not of a keyed table. */
void rows_turn(struct rows *, const char *app);
/* Were so many open that one had to be closed, and followed by a second one of its day and source? */
bool rows_crowded(const struct rows *);
uint64_t rows_bytes(const struct rows *);	/* put since rows_new */
/*
 * Write what is held, tell the change the columns seen, and of a keyed table the count `known` of rows left out.
 * 0, EXIT_IO, EXIT_INPUT, EXIT_TEMP (a live file is gone). Frees r in any case.
 */
int rows_end(struct rows *);
/* Forget everything; the change is aborted by its owner. */
void rows_free(struct rows *);

#endif
