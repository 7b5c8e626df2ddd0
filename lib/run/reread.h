/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reread - records of the main input a second time, by their place in it
 *
 *	struct reread *r = reread_new(c);		// set_up
 *	place = reread_batch(r, b);			// each batch: the place of its first record, the others follow
 *	rc = reread_keep(r, b);				// what is F_USED in it may be asked for
 *	...
 *	while (...) rc = reread_line(r, place, &line);	// end: places must rise
 *	reread_free(r);
 *
 * Invariants: places rise in the order of the input, over all operands, from 1.  A regular file is read again, from
 * where it was first kept if it is not compressed, and must be as it was: another time of change or length is
 * EXIT_TEMP.  Of anything else the lines that were kept go to an unnamed file (base/temp.h), zstd -1.
 */
#ifndef RUN_REREAD_H
#define RUN_REREAD_H

#include "run/run.h"

struct reread;
struct reread *reread_new(struct ctx *);
uint64_t reread_batch(struct reread *, const struct batch *);
/* From this batch on records may be asked for, if their file will be read again; nothing is kept. */
void reread_mark(struct reread *, const struct batch *);
/* The same, and what is F_USED in it is kept where no file has it. 0 or EXIT_IO. */
int reread_keep(struct reread *, const struct batch *);
/* One line kept for a place, not lower than any before. */
int reread_keep_line(struct reread *, uint64_t place, struct span line);
/* Are lines kept at all? False: the whole input so far comes from files that will be read again. */
bool reread_keeps(const struct reread *);
/* The line at that place, without its end, good until the next call. 0, EXIT_IO, EXIT_TEMP. */
int reread_line(struct reread *, uint64_t place, struct span *line);
/* Bytes on disk of lines kept. */
uint64_t reread_bytes(const struct reread *);
/* NULL is fine. */
void reread_free(struct reread *);

#endif
