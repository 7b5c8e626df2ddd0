/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dest_route - which record goes to which table: the lines of --route
 *
 *	rc = route_open("shop.route", ctx, &r);		// r->table[0..n_tables)
 *	switch (i = route_of(r, b, k)) { case -1: reject; default: … r->table[i] … }
 *
 * Invariants: the file is spec lines, `WORD TABLE [day=EXPR]` and at most one `by EXPR`.  The first line whose word
 * matches what EXPR is of a record has it: WORD is equal, or ends in `*` and the rest begins it.  Without `by` it is
 * the DATABASE.TABLE of the changes of Maxwell, Canal, Debezium and cdc-norm.  NULL, or an expression in error,
 * matches `*` alone.
 */
#ifndef RUN_DEST_ROUTE_H
#define RUN_DEST_ROUTE_H

#include "base/map.h"
#include "base/spec.h"
#include "run/run.h"

struct route_line {
	struct span word;
	bool prefix;
	size_t table;
};

struct route_table {
	const char *name, *day;		/* day: NULL, as the table says */
};

struct route {
	struct ctx *ctx;
	struct spec *spec;
	struct expr *by;
	struct route_line *line;
	struct route_table *table;
	size_t n_lines, n_tables;
	struct map *seen;		/* words met, and where they go: int */
	struct buf text;
};

/* 0, EXIT_USAGE, EXIT_IO after a message. */
int route_open(const char *file, struct ctx *, struct route **);
/* The table of record i, or -1. */
int route_of(struct route *, const struct batch *, size_t i);
void route_close(struct route *);

#endif
