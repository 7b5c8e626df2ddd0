/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_own - what the files of lib/run/check share (for them alone)
 *
 *	rc = check_add_fresh(ctx, cs, k, &call, where);		// of the whole: check_whole.c
 *	rc = checks_fit(cs, budget);				// keys past it go to disk: check_spill.c
 *
 * Invariants: the adders fill a zeroed check whose text and severity are set.
 */
#ifndef RUN_CHECK_OWN_H
#define RUN_CHECK_OWN_H

#include "expr/call.h"
#include "run/check.h"

typedef int check_adder(struct ctx *, const struct checks *, struct check *, const struct call *, const char *where);
check_adder check_add_rows, check_add_fresh, check_add_change;

/* A usage message: what form the check has. */
int check_form(struct ctx *, const struct check *, const char *where, const char *form);
/* Columns of a key from the arguments of a call. */
int check_key(struct ctx *, struct check *, const struct call *, const char *where);
/* Between batches: have the keys and those of one batch more fit into -S; what can wait goes to parts on disk. */
int checks_fit(struct checks *, size_t budget);
/* One whose keys cannot wait: do they fit so far? 0, or EXIT_IO after a message. */
int check_fits(const struct check *, size_t budget);
/* The place of a line, larger than those of all lines before it, in any source; 0 while no check has parts. */
uint64_t checks_place(struct checks *, const char *source, uint64_t line);
/* For a check with parts: a key of the row at that place. 0 or EXIT_IO. */
int check_put(struct check *, struct fp, uint64_t place);
/* The whole of a verdict that is not about rows. */
void check_judge_whole(const struct checks *, const struct check *, struct verdict *);

#endif
