/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * operand - what commands share whose operands are no input files: the operands, and answers of one line
 *
 *	static int word(struct ctx *c, void *st, const char *w) { return operand_only(c, &STATE(st)->table, w); }
 *	static int word(struct ctx *c, void *st, const char *w) { return operand_add(&STATE(st)->tables, w); }
 *	rc = answer_json(c, json_pack("{s:s}", "table", name));
 *
 * Invariants: an answer is one line of compact JSON, its members in the order they were put.
 */
#ifndef RUN_OPERAND_H
#define RUN_OPERAND_H

#include <jansson.h>

#include "run/run.h"

/* The only operand: 1, or minus EXIT_USAGE after a message when there is one already. w lives as the process does. */
int operand_only(struct ctx *, const char **slot, const char *w);
/* One more operand; 1. The list is for the caller to free. */
int operand_add(struct opt_list *, const char *w);
/* Can it be read twice: a regular file by name, a table? */
bool operand_lasts(const char *);
/* Are the main records, or some of them, those of the standard input? */
bool operand_stdin(struct ctx *);
/* Write and drop `answer`; NULL is one that did not fit in memory. 0 or EXIT_IO after a message. */
int answer_json(struct ctx *, json_t *answer);

#endif
