/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * extract_log - which pieces of which tables are there: DIR/manifest, a line of JSON for each (for run/extract)
 *
 *	rc = extract_log_open("dump", "tables shop.a; columns all", &g);
 *	rc = extract_log_table(g, "shop.a", n_key, &now);	// where to go on
 *	rc = extract_log_piece(g, "shop.a", &now);		// its file is there: now it counts
 *	extract_log_close(g);
 *
 * Invariants: {"of":TEXT} first, then {"snapshot":N,"at":MS} for each start that read something, then
 * {"table","piece","file","rows","key":[TEXT,…]|null,"last"}.  A line is appended and fsynced behind its file; one
 * without its end was never finished, and is cut off.  Locked while it is open.
 */
#ifndef RUN_EXTRACT_LOG_H
#define RUN_EXTRACT_LOG_H

#include <stdbool.h>

#include "base/buf.h"

struct piece {
	uint64_t number, rows;		/* 0: none yet */
	bool last;
	struct span *key;		/* [n_key] of its last row, in text */
	size_t n_key;
	struct buf text;		/* where key points */
};
void piece_key(struct piece *, const struct span *cell, size_t n);
void piece_free(struct piece *);

struct extract_log;
/* Makes DIR. 0; EXIT_USAGE where DIR is of something else, EXIT_TEMP where another is at it, EXIT_INPUT, EXIT_IO. */
int extract_log_open(const char *dir, const char *of, struct extract_log **);
/* Makes a table's directory, and takes away what pieces left there that were never done. 0, EXIT_USAGE, EXIT_IO. */
int extract_log_dir(struct extract_log *, const char *table);
/* Has that table its last piece? */
bool extract_log_whole(const struct extract_log *, const char *table);
/* A snapshot was taken; where pieces of another are there already, that is said. */
int extract_log_snapshot(struct extract_log *);
/* The last piece of a table, number 0 where there is none. 0 or EXIT_INPUT. */
int extract_log_table(struct extract_log *, const char *table, size_t n_key, struct piece *);
int extract_log_piece(struct extract_log *, const char *table, const struct piece *);
void extract_log_close(struct extract_log *);

#endif
