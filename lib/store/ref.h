/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ref - `wh:LAYER.TABLE[@DAYS]` as an input: the files of a table at one commit
 *
 *	rc = ref_files("wh:dim.sku@last", each, arg);	// each(arg, "2026-11-20", "/…/.pool/…z")
 *
 * Invariants: DAYS is D, D..D, last or last:D; without it `last` for kinds snapshot and scd2, all days for the others.  In a
 * run the commit is the pinned one.  Files come in day, commit, file order.
 */
#ifndef STORE_REF_H
#define STORE_REF_H

#include "base/buf.h"

/* Call each() for every file; 0, each's status, EXIT_NO for a day never committed, EXIT_USAGE, EXIT_IO, EXIT_TEMP (a file is gone). */
int ref_files(const char *operand, int (*each)(void *arg, const char *day, const char *path), void *arg);

/* Append `LAYER.TABLE N` and LF for every table of the warehouse and its newest commit. 0, EXIT_IO, EXIT_INPUT. */
int ref_heads(struct buf *lines);

#endif
