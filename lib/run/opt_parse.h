/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opt_parse - the parser, the help page and the machine-readable table of opt.h's tables (for run alone)
 *
 *	struct opt_set set = { { own, state }, { common, &ctx->common } };
 *	if ((rc = opt_parse(&set, argc, argv, &operands)) != 0) ...
 *
 * Invariants: argv is permuted: options, then operands in their order, then what stood behind `--`, marked.
 */
#ifndef RUN_OPT_PARSE_H
#define RUN_OPT_PARSE_H

#include <stdbool.h>
#include <stdio.h>

#include "run/opt.h"

struct opt_set {
	const struct opt *table[2];	/* the command's, then run's own */
	void *base[2];			/* what their offsets count from */
};

/*
 * 0, or a reason in err (EXIT_USAGE is the caller's to say). *first: the first operand in argv; *dashes: argv
 * index behind `--`, or argc.
 */
int opt_parse(const struct opt_set *, int argc, char *argv[], int *first, int *dashes, char *err, size_t err_size);
/* The options part of -h. */
void opt_help(const struct opt_set *, FILE *);
/* One line an option: letter, long name, argument, help; tabs between. */
void opt_table(const struct opt_set *, FILE *);

#endif
