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

/*
 * A step of a plan: a question to a column for many records at once, or what joins the answers.  Where it does not
 * know (another kind of value than it is for) the code [from, to) that it stands for is run for that record.
 */
enum ask {
	ASK_CODE,	/* nothing but the code */
	ASK_NULL,
	ASK_TEXT,	/* is it the text of constant a? */
	ASK_TEXTS,	/* is it in set a? */
	ASK_NUMBER,	/* does it lie between the bounds a? */
	ASK_NUMBERS,	/* is it one of n numbers, from bounds a on? */
	ASK_MATCH,	/* does pattern a match it? */
	ASK_NOT,
	ASK_SPLIT,	/* go on with those that AND (negate: OR) has not decided */
	ASK_JOIN	/* and put these two answers together */
};

struct question {
	uint8_t ask;
	bool negate;
	uint32_t col, from, to, a, n;
};

/* A number of up to 18 digits: v * 10^-scale. */
struct brief {
	int64_t v;
	unsigned scale;
};

struct bounds {
	struct brief lo, hi;
	bool has_lo, has_hi, above, below;	/* above, below: the bound itself is outside */
};

/* Texts by a mix of their length and first bytes: open addressing, at most half full. */
struct texts {
	struct text_slot { struct span text; uint64_t head; } *slot;	/* text.p NULL: free */
	uint32_t mask;
};

struct konst {
	struct xval v;
	struct dec num;		/* of a text that is a number */
	const char *no_num;	/* else why it is none */
};

struct pattern {
	pcre2_code *code;
	bool jit;		/* compiled to machine code */
};

struct expr {
	struct ins *ins;
	size_t n;
	struct konst *konst;
	size_t n_konst;
	struct pattern *re;
	size_t n_re;
	size_t depth;
	const struct zone *zone;
	struct arena mem;	/* texts of constants */
	/* plan.c: the same as a condition over many records */
	struct question *plan;
	size_t n_plan, splits;	/* splits: how many are open at once */
	struct texts *texts;
	size_t n_texts;
	struct bounds *bounds;
	size_t n_bounds;
};

struct expr_state {
	struct xval *stack;
	size_t cap;
	struct arena mem;	/* texts made for one record */
	struct buf tmp;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	/* filter.c: the answers and the records of each split that is open */
	int8_t *truth;			/* [splits][BATCH_RECORDS_MAX] */
	uint16_t *rows;			/* [splits + 1][BATCH_RECORDS_MAX] the first: all of them */
	size_t splits;			/* room for */
};

/* A text made for this record, from tmp. */
const char *state_text(struct expr_state *, struct span, struct xval *out);

/* Three-valued truth of a value: 1, 0, -1 NULL; -2 and *why where it is no condition. */
int truth(const struct xval *, const char **why);

/* eval.c: the code [from, to) for one record: as expr_test. */
int code_test(struct expr_state *, const struct expr *, const struct batch *, size_t row, size_t from, size_t to,
    const char **why);

/* plan.c */
void plan_make(struct expr *);
void plan_free(struct expr *);
#define PLAN_SPLITS_MAX 16	/* deeper: the code as a whole */

/* A number token of at most 18 characters without an exponent; false: another one. */
static inline bool
brief_of(struct span raw, struct brief *out)
{
	const char *p = raw.p, *end = raw.p + raw.n, *point = NULL;
	uint64_t v = 0;

	if (raw.n == 0 || raw.n > 18)
		return false;
	p += *p == '-';
	for (; end - p >= 8; p += 8) {		/* eight digits in three multiplications */
		uint64_t w;

		memcpy(&w, p, 8);
		w -= UINT64_C(0x3030303030303030);
		if (((w | (w + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080)) != 0)
			break;
		w = w * 10 + (w >> 8);
		w = ((w & UINT64_C(0xff000000ff)) * UINT64_C(0xf424000000064) +
		    (w >> 16 & UINT64_C(0xff000000ff)) * UINT64_C(0x271000000001)) >> 32;
		v = v * 100000000 + (uint32_t)w;
	}
	for (; p < end; p++) {
		unsigned digit = (unsigned)(unsigned char)*p - '0';

		if (digit <= 9)
			v = v * 10 + digit;
		else if (*p == '.' && point == NULL)
			point = p + 1;
		else
			return false;
	}
	*out = (struct brief){ *raw.p == '-' ? -(int64_t)v : (int64_t)v, point == NULL ? 0 : (unsigned)(end - point) };
	return true;
}

/* What texts are told apart by, with their length: the first eight bytes, or all of a shorter one. */
static inline uint64_t
text_head(struct span s)
{
	uint64_t w = 0;
	uint32_t a, b;

	if (s.n >= 8) {
		memcpy(&w, s.p, 8);
	} else if (s.n >= 4) {
		memcpy(&a, s.p, 4);
		memcpy(&b, s.p + s.n - 4, 4);
		w = (uint64_t)b << 32 | a;
	} else if (s.n > 0) {
		w = (uint64_t)(unsigned char)s.p[0] | (uint64_t)(unsigned char)s.p[s.n / 2] << 8 |
		    (uint64_t)(unsigned char)s.p[s.n - 1] << 16;
	}
	return w;
}

/* Where to look first in a set. */
static inline uint32_t
text_place(uint64_t head, size_t n)
{
	return (uint32_t)((head ^ n * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93) >> 40);
}

/* text.c: functions and operators on text. v: the arguments, none NULL; out may be v[0]. */
const char *text_call(
    struct expr_state *, enum func, const struct xval *v, size_t n, struct xval *out);
const char *text_concat(struct expr_state *, const struct xval *v, size_t n, struct xval *out);
const char *text_like(struct expr_state *, const struct xval *text, const struct xval *pattern,
    char escape, bool *hit);
const char *text_regex(struct expr_state *, const struct pattern *, const struct xval *text, bool *hit);
const char *text_match(struct expr_state *, const struct pattern *, struct span text, bool *hit);
/* The text of a value, in place where it can be, else in mem. */
const char *text_of(struct expr_state *, const struct xval *, struct span *out);

/* time.c: functions on times, casts to them. */
const char *time_call(struct expr_state *, const struct zone *, enum func, const struct xval *v,
    size_t n, struct xval *out);
const char *time_cast(
    struct expr_state *, const struct zone *, enum cast, unsigned digits, struct xval *v);

#endif
