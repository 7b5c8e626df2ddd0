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
/* Between batches: have the keys fit into half of that many bytes, what can wait goes to sorted runs on disk. */
int checks_fit(struct checks *, size_t budget);
/* The whole of a verdict that is not about rows. */
void check_judge_whole(const struct checks *, const struct check *, struct verdict *);

#endif
