/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * put - records of a batch to rows of a table: the day, the key and the order of each, by the table's kind (wh-put)
 *
 *	struct put p = { .table = "dim.shop", .by = NULL, .dt = "2026-11-20" };
 *	rc = put_set_up(&p, ctx, &table->meta);
 *	rc = put_batch(&p, rows, batch);	// rows_new with .keyed = p.keyed; fates: used, or rejected with why
 *	put_free(&p);
 *
 * Invariants: nothing of the table is kept but what its meta said at put_set_up.
 */
#ifndef RUN_PUT_H
#define RUN_PUT_H

#include "run/partition.h"
#include "store/rows.h"

struct put {
	const char *table, *dt;		/* dt: the one day of all rows, or NULL */
	const char *by;			/* --partition-by; NULL: what the table says */
	/* of here */
	bool keyed, timed;
	struct partition part;		/* where dt is given the table's own day, for min and max */
	struct col_list keys;
	int order, deleted;		/* columns; deleted -1: the table has none */
	struct buf key, order_text;
};

/* The columns that key, order and day of the table stand in. 0 or EXIT_USAGE after a message. */
int put_set_up(struct put *, struct ctx *, const struct meta *);
/* 0 or as rows_put. */
int put_batch(struct put *, struct rows *, const struct batch *);
void put_free(struct put *);

#endif
