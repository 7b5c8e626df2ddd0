/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agg_words - operands `NAME=AGG(EXPR [, P] [WHERE COND])` to aggregates over columns
 *
 *	struct agg_words w = { 0 };
 *	taken = agg_words_take(&w, operand);				// 1, or 0: it is none
 *	rc = agg_words_compile(c, &w, &columns, st->time != NULL);	// w.agg[0..n), w.name[0..n)
 *
 * Invariants: spans lie in the operands; names are unquoted and live as long as the process.
 */
#ifndef RUN_AGG_WORDS_H
#define RUN_AGG_WORDS_H

#include "expr/columns.h"
#include "op/agg.h"
#include "run/run.h"

struct agg_words {
	size_t n;
	struct span *quoted, *call;	/* [n] both sides of the = */
	struct span *name;		/* [n] without quotes, once compiled */
	struct agg *agg;		/* [n] */
};

int agg_words_take(struct agg_words *, const char *operand);
/* timed: records have a time, as first and last need. 0, or EXIT_USAGE after a message. */
int agg_words_compile(struct ctx *, struct agg_words *, struct columns *, bool timed);
/* Name the cells of a row: the window's two, groups, aggregates; no two alike. 0, or EXIT_USAGE after a message. */
int agg_words_names(struct ctx *, const struct agg_words *, bool windows, const struct col_list *groups);

#endif
