/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dest_route - which record goes where: the lines of --route, for tables (ingest) and for topics (emit)
 *
 *	rc = route_open("shop.route", ctx, &r);		// r->table[0..n_tables)
 *	switch (k = route_of(r, b, i)) { case -1: no line has it; default: … r->line[k].to … }
 *	rc = route_again(r, &next);			// between batches: NULL, or what the file says now
 *
 * Invariants: the file is lines `WORD NAME [day=EXPR] [key=PATH] [word=NAME]` and at most one `by EXPR`; or, where it
 * begins with a brace, as mysql-extract writes a table of routes, the same as records {"word","target","day","key",
 * "keep_word"} or {"by"}, other members being nobody's business.  The first line whose word matches what EXPR is of a
 * record has it: WORD is equal, or ends in `*` and the rest begins it.  Without `by` it is the DATABASE.TABLE of the
 * changes of Maxwell, Canal, Debezium and cdc-norm.  NULL, or an expression in error, matches `*` alone.  A NAME of `-`
 * is no place: such records are rejects.  One of `!` is somebody else's: they are dropped, and counted so.  The version
 * of a file is its SHA-256: what sha256sum prints.
 */
#ifndef RUN_DEST_ROUTE_H
#define RUN_DEST_ROUTE_H

#include "base/hash.h"
#include "base/map.h"
#include "base/spec.h"
#include "run/run.h"

#define ROUTE_NOWHERE (-1)		/* of route_line.to: `-` */
#define ROUTE_ELSEWHERE (-2)		/* `!` */

struct route_line {
	struct span word;
	bool prefix;
	int to;				/* of route.table */
	int key;			/* column of key=PATH, -1: none */
	int as_col;			/* word=NAME: what stands there now, -1: no such word */
	struct span as;			/* and the member's name as json_key has it */
};

#define ROUTE_COLUMNS_MAX 12	/* that `by` reads, for records to be compared by them */

struct route_table {
	const char *name, *day;		/* day: NULL, as the table says */
};

struct route {
	struct ctx *ctx;
	const char *file;
	struct buf bytes;		/* the file as it was */
	char version[SHA256_HEX + 1];
	char refused[SHA256_HEX + 1];	/* a newer one that was none, and was said to be */
	struct spec *spec;
	struct arena mem;
	struct expr *by;
	struct route_line *line;
	struct route_table *table;
	size_t n_lines, n_tables;
	bool all;			/* some line has what no other has */
	struct map *seen;		/* words met, and the line that has them: int */
	struct buf text;
	/* the record before, which mostly was called the same: what `by` read of it, one value behind the other */
	int by_col[ROUTE_COLUMNS_MAX];
	size_t n_by;			/* 0: it reads too many, or nothing */
	size_t last_n[ROUTE_COLUMNS_MAX];
	struct buf last;
	int last_line;			/* -2: there was none */
};

/* 0; EXIT_USAGE, EXIT_IO after a message.  *out is to be closed in any case; file must outlive it. */
int route_open(const char *file, struct ctx *, struct route **out);
/* The same of bytes that the caller has read, which are copied; file: what messages call it. */
int route_open_bytes(const char *file, struct span bytes, struct ctx *, struct route **out);
/*
 * Between batches: *out is what the file says now if that is new, else NULL.  A new file that is none (or is not there)
 * is said once and leaves things as they are.  What a new one asks of records may be new columns: ctx_paths grows, and
 * who scans must begin anew.  The caller may still find it wanting: route_refuse.
 */
void route_again(struct route *, struct route **out);
/* Between batches: the same of bytes; NULL where they are no route, after a message. */
void route_next(struct route *, struct span bytes, struct route **out);
/* Between batches: there were so many paths; scan for all that are asked by now. */
void route_rescan(struct ctx *, size_t paths);
/* That one cannot be followed: it was said why.  Closes it. */
void route_refuse(struct route *, struct route *bad);
/* The line of record i, or -1. */
int route_of(struct route *, const struct batch *, size_t i);
/* Append what record i is called, as JSON: a string or null. */
void route_word(struct route *, const struct batch *, size_t i, struct buf *);
void route_close(struct route *);

#endif
