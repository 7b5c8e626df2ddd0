/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_out - files of a table's rows to the standard output, with what their files know of them (wh-cat)
 *
 *	struct rows_out o = { .ctx = c, .what = "ods.pay", .dt = true, .commit = "at" };
 *	rows_out_at(&o, day, commit);		// each row gets ,"dt":"DAY","at":COMMIT
 *	rc = rows_out_file(&o, &file);
 *	rows_out_free(&o);
 *
 * Invariants: without dt and commit rows go out as they are, a block at a time.  A file has as many rows as its commit
 * says, or it is EXIT_INPUT.  Memory: one block.
 */
#ifndef RUN_ROWS_OUT_H
#define RUN_ROWS_OUT_H

#include "run/run.h"
#include "store/ref.h"

struct rows_out {
	struct ctx *ctx;
	const char *what;		/* for messages */
	bool dt;
	const char *commit;		/* the member's name, or NULL */
	uint64_t rows;			/* put out so far */
	/* rows that are left out: their ordinals, rising, counted from 0 where `passed` was set to 0 */
	const uint64_t *skip;
	size_t n_skip;
	uint64_t passed;
	/* of here */
	uint64_t number;
	struct buf tail;		/* `,"dt":"DAY"}` and LF */
};

void rows_out_at(struct rows_out *, const char *day, uint64_t commit);
/* A row, which is an object and nothing behind it; arg is the rows_out. */
int rows_out_row(void *arg, struct span row);
/* A file that is not there any more: EXIT_TEMP, or where commits are named EXIT_INPUT (follow_gone). */
int rows_out_file(struct rows_out *, const struct wh_file *, bool follows);
void rows_out_free(struct rows_out *);

#endif
