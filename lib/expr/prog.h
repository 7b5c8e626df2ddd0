/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog - a compiled expression: a flat list of instructions for a stack machine
 *
 *	for (pc = 0; pc < e->n; pc++) ... e->ins[pc] ... st->stack ...
 *
 * Invariants: for the files of lib/expr alone.  Code is in postfix order; jumps go forward only,
 * so every run ends after at most n steps; `depth` is the highest the stack can get, which the
 * parser has counted.
 */
#ifndef EXPR_PROG_H
#define EXPR_PROG_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "expr/expr.h"

#define EXPR_DEPTH_MAX 200		/* parentheses, CASE, NOT, … inside each other */
#define EXPR_TEXT_BYTES_MAX MIB
#define EXPR_LIST_MAX 65535		/* elements of an IN list, arguments of a call */
/* PCRE2's match limit: then the record is in error, not the pipe stuck */
#define REGEX_STEPS_MAX 1000000
#define REGEX_HEAP_KIB 8192

enum opcode {
	OP_PATH,	/* push column a */
	OP_CONST,	/* push constant a */
	OP_NOT,
	OP_NEG,
	OP_AND_JUMP,	/* top is false: leave it and go to a */
	OP_OR_JUMP,	/* top is true: leave it and go to a */
	OP_AND,
	OP_OR,
	OP_JUMP,	/* go to a */
	OP_UNLESS,	/* pop; unless it is true go to a */
	OP_UNLESS_NULL,	/* top is not NULL: leave it and go to a; else pop */
	OP_CMP,		/* kind: enum cmp */
	OP_CMP_FIELD,	/* column n against constant a, kind: enum cmp */
	OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD,
	OP_CONCAT,	/* the upper n */
	OP_BETWEEN,	/* kind: NOT */
	OP_IN,		/* of n on the stack above it; kind: NOT */
	OP_IN_SET,	/* of n constants from a on; kind: NOT */
	OP_IN_SORTED,	/* the same, texts in byte order */
	OP_LIKE,	/* a: the escape byte or 0; kind: NOT */
	OP_REGEX,	/* pattern a */
	OP_IS_NULL,	/* kind: NOT */
	OP_WHEN,	/* pop b; push (top = b) */
	OP_NIP,		/* drop what is below the top */
	OP_CAST,	/* kind: enum cast; n: precision, a: scale */
	OP_CALL		/* kind: enum func; n arguments */
};

enum cmp { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };
enum cast { CAST_DECIMAL, CAST_INT, CAST_CHAR, CAST_DATE, CAST_DATETIME };
enum func {
	FN_ABS,
	FN_CONCAT,
	FN_DATE_ADD,
	FN_DATE_DIFF,
	FN_DATE_FORMAT,
	FN_DATE_TRUNC,
	FN_FLOOR,
	FN_LENGTH,
	FN_LOWER,
	FN_MD5,
	FN_NULLIF,
	FN_REPLACE,
	FN_ROUND,
	FN_SHA256,
	FN_SPLIT_PART,
	FN_SUBSTR,
	FN_TO_TIMESTAMP,
	FN_TRIM,
	FN_UPPER,
	FN_COALESCE,
	FN_IF /* these two are jumps */
};

struct ins {
	uint8_t op, kind;
	uint16_t n;
	uint32_t a;
};

struct konst {
	struct xval v;
	struct dec num;		/* of a text that is a number */
	const char *no_num;	/* else why it is none */
};

struct expr {
	struct ins *ins;
	size_t n;
	struct konst *konst;
	size_t n_konst;
	pcre2_code **re;
	size_t n_re;
	size_t depth;
	const struct zone *zone;
	struct arena mem;	/* texts of constants */
};

struct expr_state {
	struct xval *stack;
	size_t cap;
	struct arena mem;	/* texts made for one record */
	struct buf tmp;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

/* A text made for this record, from tmp. */
const char *state_text(struct expr_state *, struct span, struct xval *out);

/* Three-valued truth of a value: 1, 0, -1 NULL; -2 and *why where it is no condition. */
int truth(const struct xval *, const char **why);

/* text.c: functions and operators on text. v: the arguments, none NULL; out may be v[0]. */
const char *text_call(
    struct expr_state *, enum func, const struct xval *v, size_t n, struct xval *out);
const char *text_concat(struct expr_state *, const struct xval *v, size_t n, struct xval *out);
const char *text_like(struct expr_state *, const struct xval *text, const struct xval *pattern,
    char escape, bool *hit);
const char *text_regex(struct expr_state *, const pcre2_code *, const struct xval *text, bool *hit);
/* The text of a value, in place where it can be, else in mem. */
const char *text_of(struct expr_state *, const struct xval *, struct span *out);

/* time.c: functions on times, casts to them. */
const char *time_call(struct expr_state *, const struct zone *, enum func, const struct xval *v,
    size_t n, struct xval *out);
const char *time_cast(
    struct expr_state *, const struct zone *, enum cast, unsigned digits, struct xval *v);

#endif
