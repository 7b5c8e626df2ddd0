/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opt - one option table per command: it parses, prints -h, feeds completions
 *
 *	static const struct opt opts[] = {
 *		{ 'k', "key", OPT_TEXT, offsetof(struct state, key), "PATHS", "the key" },
 *		{ 0 }
 *	};
 *
 * Invariants: every option has a long name; a letter only the common ones.  Targets are offsets into the
 * command's state, so tables are constant data.  Options and operands mix; `--` ends options.  `-abc`,
 * `-kVALUE`, `--key=VALUE`, `--key VALUE` and unambiguous prefixes are all known (getopt_long).  Given twice,
 * the last counts, but for OPT_LIST.
 */
#ifndef RUN_OPT_H
#define RUN_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_kind {
	OPT_FLAG,	/* bool */
	OPT_TEXT,	/* const char * */
	OPT_LIST,	/* struct opt_list: every value given, in order */
	OPT_SIZE,	/* size_t bytes: 4096, 64K, 256M, 2G (powers of 1024) */
	OPT_COUNT,	/* uint64_t */
	OPT_CHOICE	/* int: index of the value in choice */
};

struct opt_list {
	const char **v;
	size_t n;
};

struct opt {
	char letter;			/* 0: none */
	const char *name;		/* long name; NULL ends the table */
	enum opt_kind kind;
	size_t at;			/* offset of the target in the state */
	const char *arg;		/* what the value is called; NULL for OPT_FLAG */
	const char *help;		/* one line */
	const char *const *choice;	/* OPT_CHOICE: values, then NULL; "" as the first: none given */
};

/* A size with K, M, G; false when it is none or does not fit. */
bool opt_size(const char *text, size_t *out);
bool opt_count(const char *text, uint64_t *out);

#endif
