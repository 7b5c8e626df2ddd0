/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * csv_in - rows of CSV (RFC 4180) out of blocks of lines, by libcsv and strict
 *
 *	struct csv_to to = { on_row, on_bad, on_blank, st };
 *	struct csv_in *r = csv_in_new(',', LINE_BYTES_MAX, &to);
 *	rc = csv_in_lines(r, block, line0, offset);		// any number of them, then
 *	rc = csv_in_end(r);					// at the end of each input
 *
 * Invariants: a row ends with LF or CRLF outside quotes; cells are the bytes they are, blanks kept.
 * A quote inside a cell without quotes, text behind a closing quote, a lone CR, a quote that is
 * never closed and a row above the limit make the row bad, all of it, and the next line begins a
 * new one.  A byte order mark before the first row is passed over.  Memory is one row.
 */
#ifndef EDGE_CSV_IN_H
#define EDGE_CSV_IN_H

#include <stdint.h>

#include "base/buf.h"

struct csv_row {
	size_t n;			/* cells found */
	/* [min(n, cells)] p NULL: nothing at all, n 0 but p set: two quotes */
	const struct span *cell;
	uint64_t line, offset;		/* where it begins */
	struct span raw;		/* without its line end */
};

/* Each returns 0 or an exit status, which ends the call; spans live as long as the call. */
struct csv_to {
	int (*row)(void *arg, const struct csv_row *);
	/* cell NULL; why is a constant */
	int (*bad)(void *arg, const struct csv_row *, const char *why);
	/* An empty line between rows. */
	int (*blank)(void *arg, const struct csv_row *);
	void *arg;
};

struct csv_in;

/* A row's bytes are limited by row_max, the cells that are kept of it by csv_in_cells. */
struct csv_in *csv_in_new(char delimiter, size_t row_max, const struct csv_to *);
void csv_in_free(struct csv_in *);
/* From the next row on no more than this many cells are kept; all are counted. */
void csv_in_cells(struct csv_in *, size_t max);
/* Whole lines, but for the last of the input; the number and the offset of the first. */
int csv_in_lines(struct csv_in *, struct span lines, uint64_t line0, uint64_t offset);
/* A line too long to be handed out stood here: its first bytes. */
int csv_in_long(struct csv_in *, struct span first, uint64_t line, uint64_t offset);
/* The input has ended; the next one begins. */
int csv_in_end(struct csv_in *);

#endif
