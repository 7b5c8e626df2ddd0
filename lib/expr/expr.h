/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr - SQL-like expressions over the fields of a record, compiled once
 *
 *	struct expr_env env = { .paths = ps, .zone = z };
 *	rc = expr_compile(span_str("amount > 0 AND type = 'insert'"), &env, &e, msg, sizeof msg);
 *	struct expr_state *st = expr_state_new();
 *	t = expr_test(st, e, b, i, &why);	// 1 true, 0 false, -1 NULL, -2 why
 *
 * Invariants: three-valued logic, absent and null are NULL; numbers are exact decimals; a compiled
 * expression is read-only and may be shared by threads, each with its own state.  Evaluation does
 * not recurse and does not allocate once its buffers have grown.  The language is written down in
 * docs/EXPRESSIONS.md.
 */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H

#include "base/batch.h"
#include "base/decimal.h"
#include "base/when.h"
#include "in/path.h"

struct expr;
struct expr_state;

/* --arg NAME=VALUE: `:NAME` in the text. */
struct expr_arg { struct span name, value; };

struct expr_env {
	struct pathset *paths;		/* asked paths are added here: column numbers are its */
	const struct zone *zone;
	const struct expr_arg *arg;
	size_t n_args;
};

enum xtag { X_NULL, X_BOOL, X_NUM, X_STR, X_JSON };
struct xval {
	enum xtag tag;
	bool b;
	/* X_NUM made by us; unset while raw.p says otherwise: ask xval_num() */
	struct dec num;
	struct span str;		/* X_STR: unescaped text */
	/* an untouched path value: its token, printed as it stands; else p NULL */
	struct span raw;
};

/*
 * Compile; 0, or EXIT_USAGE with "column N: what" in err (columns count characters from 1).  The
 * text and the arguments may be freed after.
 */
int expr_compile(
    struct span text, const struct expr_env *, struct expr **, char *err, size_t err_size);
void expr_free(struct expr *);
/*
 * The column when the expression is nothing but a path, else -1: callers then may read the column
 * themselves.
 */
int expr_column(const struct expr *);

/*
 * The columns that it reads, each once, into col; false: there are more than `most`.  Of two records with the same
 * bytes in them it says the same.
 */
bool expr_columns(const struct expr *, int *col, size_t most, size_t *n);

struct expr_state *expr_state_new(void);
void expr_state_free(struct expr_state *);

/*
 * Evaluate over record i. NULL, or a constant reason. out's spans live until the next call with
 * this state.
 */
const char *expr_eval(
    struct expr_state *, const struct expr *, const struct batch *, size_t i, struct xval *out);
/* 1 true, 0 false, -1 NULL, -2 in error with *why. */
int expr_test(
    struct expr_state *, const struct expr *, const struct batch *, size_t i, const char **why);
/*
 * The same of all records of a batch: is[i], and why[i] where that is -2.  Answers are those of expr_test; common
 * questions (NULL or not, a text, a range of numbers, a pattern, and AND, OR, NOT of such) are put to a whole column.
 */
void expr_tests(struct expr_state *, const struct expr *, const struct batch *, int8_t *is, const char **why);
/* Records that pass so far and for which it is not true are dropped, those for which it is in error rejected. */
void expr_filter(struct expr_state *, const struct expr *, const struct batch *);
/* Append as JSON: an untouched value as its raw bytes. */
void expr_print(const struct xval *, struct buf *);

/* A value of a record as one of ours: escapes are undone into mem (which then holds the text). */
void xval_of(struct val, struct arena *mem, struct xval *);
/*
 * The number of a value, or why it has none: a boolean is 1 or 0, a string must be a JSON number.
 * Pre: not X_NULL.
 */
const char *xval_num(const struct xval *, struct dec *);
/* <0, 0, >0 into *order, or why the two cannot be compared. Pre: neither is X_NULL. */
const char *xval_cmp(const struct xval *, const struct xval *, int *order);
/* A time as in records: number or text. Pre: not X_NULL. */
const char *xval_time(const struct xval *, const struct zone *, int64_t *us);
/*
 * Append the text of a value: a string's bytes, a number's digits, true, false. Pre: not X_NULL,
 * X_JSON.
 */
const char *xval_text(const struct xval *, struct buf *);

#endif
