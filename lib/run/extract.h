/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * extract - tables of MySQL as records: one to the standard output, or several, of one snapshot, to files in pieces
 *
 *	struct extract_conf conf = { .options = "shop.cnf", .table = list };
 *	rc = extract_open(c, &conf, &x);		// set_up: connected, the tables are known
 *	rc = extract_rows(x); ... status = extract_close(x, status);
 *	rc = extract_schema(x);				// or what the tables are
 *
 * Invariants: all rows are of one snapshot, however many connections read them, in primary key order.  With `to`, a
 * piece is a file that is there whole, and then a line in DIR/manifest; what the manifest has is never read again, so
 * the same call goes on behind it, in a snapshot of its own, which is told.  The manifest belongs to one call's
 * tables, columns and conditions.  Each connection has a thread; what they share is behind one lock.
 */
#ifndef RUN_EXTRACT_H
#define RUN_EXTRACT_H

#include "run/opt.h"
#include "run/run.h"

/* What becomes of a date or time whose month or day is 0: it stays as it is, is null, or its row is rejected. */
enum zero_dates { ZERO_KEEP, ZERO_NULL, ZERO_REJECT };

struct extract_conf {
	const char *options;		/* the option file */
	struct opt_list table;
	const char *columns, *where;	/* of one table; or NULL */
	const char *since, *lag, *overlap, *from, *until, *mark;	/* of one table, to the output */
	const char *to;			/* DIR; NULL: the output */
	uint64_t chunk, rate, connections;	/* rows a piece, rows a second, 0: no limit; with `to` */
	int zero_dates;			/* enum zero_dates */
	bool insecure;
};

struct extract;
/* 0, or a status after a message; *out is to be closed in any case. */
int extract_open(struct ctx *, const struct extract_conf *, struct extract **out);
int extract_rows(struct extract *);
int extract_schema(struct extract *);
/* The output is closed: the mark of `since` moves. Frees it. Returns the status. */
int extract_close(struct extract *, int status);

#endif
