/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse - the text of an expression to a program
 *
 * One function climbs all binary operators by their level and emits postfix code at once; no tree
 * is built.  It calls itself only for what stands in parentheses, arguments and branches, at most
 * EXPR_DEPTH_MAX deep.  Levels are MariaDB's: OR, AND, NOT, comparisons and IS, then IN BETWEEN
 * LIKE ~, + -, * / %, ||, and the sign.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "expr/lex.h"
#include "expr/prog.h"
#include "in/scan.h"

enum level { L_OR = 1, L_AND, L_NOT, L_CMP, L_PRED, L_ADD, L_MUL, L_CONCAT, L_SIGN };

struct parser {
	struct lex lex;
	const struct expr_env *env;
	struct expr *e;
	size_t nesting, height;		/* of the parser, of the stack */
	char *err;
	size_t err_size;
	struct buf tmp;
};

/* Arguments: least, most. */
static const struct fn { const char *name; enum func f; size_t least, most; } functions[] = {
	{ "abs", FN_ABS, 1, 1 }, { "coalesce", FN_COALESCE, 1, EXPR_LIST_MAX },
	{ "concat", FN_CONCAT, 1, EXPR_LIST_MAX }, { "date_add", FN_DATE_ADD, 3, 3 },
	{ "date_diff", FN_DATE_DIFF, 3, 3 }, { "date_format", FN_DATE_FORMAT, 2, 2 },
	{ "date_trunc", FN_DATE_TRUNC, 2, 2 }, { "floor", FN_FLOOR, 1, 1 }, { "if", FN_IF, 3, 3 },
	{ "length", FN_LENGTH, 1, 1 }, { "lower", FN_LOWER, 1, 1 }, { "md5", FN_MD5, 1, 1 },
	{ "nullif", FN_NULLIF, 2, 2 }, { "replace", FN_REPLACE, 3, 3 }, { "round", FN_ROUND, 1, 2 },
	{ "sha256", FN_SHA256, 1, 1 }, { "split_part", FN_SPLIT_PART, 3, 3 },
	{ "substr", FN_SUBSTR, 2, 3 }, { "to_timestamp", FN_TO_TIMESTAMP, 1, 2 },
	{ "trim", FN_TRIM, 1, 1 }, { "upper", FN_UPPER, 1, 1 },
};

/* Words that stand for themselves nowhere but behind a dot. */
static const char *const reserved[] = { "and", "as", "between", "case", "cast", "else", "end",
	"escape", "false", "in", "is", "like", "not", "null", "or", "then", "true", "when",
	"where" };

static bool expression(struct parser *, enum level);

/* The first mistake is the one that is told. */
static bool
fail_at(struct parser *p, const char *at, const char *why)
{
	if (p->err_size > 0 && *p->err == '\0')
		(void)snprintf(p->err, p->err_size, "column %zu: %s", lex_column(&p->lex, at), why);
	return false;
}

static bool
fail(struct parser *p, const char *why)
{
	if (p->lex.kind == TOK_BAD)
		return fail_at(p, p->lex.text.p, p->lex.why);
	return fail_at(p, p->lex.text.p, why);
}

static bool
expected(struct parser *p, const char *what)
{
	char why[160], got[48];

	if (p->lex.kind == TOK_END)
		(void)snprintf(why, sizeof why, "%s expected, but the expression ends", what);
	else
		(void)snprintf(why, sizeof why, "%s expected, not %s", what,
		    err_mask(got, sizeof got, p->lex.text.p, p->lex.text.n));
	return fail(p, why);
}

static bool
take_sign(struct parser *p, const char *sign)
{
	if (!lex_sign(&p->lex, sign))
		return false;
	lex_next(&p->lex);
	return true;
}

static bool
take_word(struct parser *p, const char *word)
{
	if (!lex_word(&p->lex, word))
		return false;
	lex_next(&p->lex);
	return true;
}

static bool
need_sign(struct parser *p, const char *sign)
{
	return take_sign(p, sign) || expected(p, sign);
}

/* Emit one instruction that changes the stack's height by so much; returns its place. */
static size_t
emit(struct parser *p, enum opcode op, unsigned kind, size_t n, size_t a, int change)
{
	struct expr *e = p->e;

	if ((e->n & (e->n + 1)) == 0)		/* room grows by doubling: at 0, 1, 3, 7, … */
		e->ins = mem_array(e->ins, 2 * e->n + 1, sizeof *e->ins);
	e->ins[e->n] = (struct ins){ (uint8_t)op, (uint8_t)kind, (uint16_t)n, (uint32_t)a };
	p->height = change < 0 ? p->height - (size_t)-change : p->height + (size_t)change;
	if (p->height > e->depth)
		e->depth = p->height;
	return e->n++;
}

/* The jump at that place goes to here. */
static void
land(struct parser *p, size_t at)
{
	p->e->ins[at].a = (uint32_t)p->e->n;
}

static struct konst *
constant(struct parser *p, enum xtag tag)
{
	struct expr *e = p->e;
	struct konst *k;

	if ((e->n_konst & (e->n_konst + 1)) == 0)
		e->konst = mem_array(e->konst, 2 * e->n_konst + 1, sizeof *e->konst);
	k = &e->konst[e->n_konst];
	memset(k, 0, sizeof *k);
	k->v.tag = tag;
	(void)emit(p, OP_CONST, 0, 0, e->n_konst++, 1);
	return k;
}

/* A text, and the number that it is, if it is one. */
static void
constant_text(struct parser *p, struct span s)
{
	struct konst *k = constant(p, X_STR);

	k->v.str = span_of(s.n == 0 ? "" : arena_dup(&p->e->mem, s), s.n);
	k->no_num = xval_num(&k->v, &k->num);
}

static void
constant_truth(struct parser *p, bool b)
{
	struct konst *k = constant(p, X_BOOL);

	k->v.b = b;
	dec_int(b, &k->num);
}

static bool
constant_number(struct parser *p)
{
	struct dec d;
	const char *why = dec_parse_text(p->lex.text, &d);
	struct konst *k;

	if (why != NULL)
		return fail(p, why);
	k = constant(p, X_NUM);
	k->v.num = k->num = d;
	lex_next(&p->lex);
	return true;
}

/* Undo '' in the current string token into tmp. */
static struct span
unquote(struct parser *p)
{
	struct span s = span_of(p->lex.text.p + 1, p->lex.text.n - 2);

	buf_clear(&p->tmp);
	for (size_t i = 0; i < s.n; i++) {
		buf_byte(&p->tmp, s.p[i]);
		if (s.p[i] == '\'')
			i++;
	}
	return buf_span(&p->tmp);
}

/* Are the bytes UTF-8? Arguments of a command may be anything. */
static bool
utf8(struct parser *p, struct span s)
{
	struct buf b = { 0 };
	size_t at;
	bool good;

	buf_json(&b, s);
	good = scan_value(buf_span(&b), NULL, &at) == NULL;
	buf_free(&b);
	return good || fail(p, "not UTF-8");
}

static bool
argument(struct parser *p)
{
	struct span name = span_from(p->lex.text, 1);
	char why[160], shown[64];

	for (size_t i = 0; i < p->env->n_args; i++)
		if (span_eq(p->env->arg[i].name, name)) {
			if (!utf8(p, p->env->arg[i].value))
				return false;
			constant_text(p, p->env->arg[i].value);
			lex_next(&p->lex);
			return true;
		}
	(void)snprintf(
	    why, sizeof why, "no --arg %s=…", err_mask(shown, sizeof shown, name.p, name.n));
	return fail(p, why);
}

static bool
path(struct parser *p)
{
	char err[256];
	int col;

	if (p->lex.kind == TOK_WORD)
		for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
			if (word_is(p->lex.text, reserved[i]))
				return expected(p, "a value");
	*err = '\0';
	if ((col = pathset_add(p->env->paths, p->lex.text, err, sizeof err)) < 0)
		return fail(p, err);
	(void)emit(p, OP_PATH, 0, 0, (size_t)col, 1);
	lex_next(&p->lex);
	return true;
}

/* Values between here and the closing parenthesis; the opening one is taken. */
static bool
list(struct parser *p, size_t *n)
{
	*n = 0;
	do {
		if (++*n > EXPR_LIST_MAX)
			return fail(p, "a list too long");
		if (!expression(p, L_OR))
			return false;
	} while (take_sign(p, ","));
	return need_sign(p, ")");
}

/* coalesce(a, b, …): the first that is not NULL; those behind it are not looked at. */
static bool
coalesce(struct parser *p)
{
	size_t first = SIZE_MAX, jump;

	for (;;) {
		if (!expression(p, L_OR))
			return false;
		if (!take_sign(p, ","))
			break;
		/* chained through `a` until the end is known */
		jump = emit(p, OP_UNLESS_NULL, 0, 0, first, -1);
		first = jump;
	}
	while (first != SIZE_MAX) {
		size_t next = p->e->ins[first].a;

		land(p, first);
		first = next == UINT32_MAX ? SIZE_MAX : next;
	}
	return need_sign(p, ")");
}

/* if(c, a, b) */
static bool
choose(struct parser *p)
{
	size_t other, end;

	if (!expression(p, L_OR))
		return false;
	if (!take_sign(p, ","))
		return expected(p, ", and two values: if(condition, then, else)");
	other = emit(p, OP_UNLESS, 0, 0, 0, -1);
	if (!expression(p, L_OR))
		return false;
	if (!take_sign(p, ","))
		return expected(p, ", and the value for else");
	end = emit(p, OP_JUMP, 0, 0, 0, -1);
	land(p, other);
	if (!expression(p, L_OR))
		return false;
	land(p, end);
	return need_sign(p, ")");
}

static bool
call(struct parser *p)
{
	const char *at = p->lex.text.p;
	const struct fn *fn = NULL;
	char why[160], name[48];
	size_t n = 0;

	for (size_t i = 0; i < sizeof functions / sizeof *functions && fn == NULL; i++)
		if (word_is(p->lex.text, functions[i].name))
			fn = &functions[i];
	if (fn == NULL) {
		(void)snprintf(why, sizeof why, "no function %s",
		    err_mask(name, sizeof name, p->lex.text.p, p->lex.text.n));
		return fail(p, why);
	}
	lex_next(&p->lex);
	lex_next(&p->lex);	/* the parenthesis that was seen */
	if (fn->f == FN_COALESCE)
		return coalesce(p);
	if (fn->f == FN_IF)
		return choose(p);
	if (!take_sign(p, ")") && !list(p, &n))
		return false;
	if (n < fn->least || n > fn->most) {
		const char *more = fn->most == fn->least ? ""
		    : fn->most == EXPR_LIST_MAX          ? " or more"
							 : " to ";

		(void)snprintf(why, sizeof why, "%s takes %zu%s%.0zu argument%s, not %zu", fn->name,
		    fn->least, more, strcmp(more, " to ") == 0 ? fn->most : 0,
		    fn->most == 1 ? "" : "s", n);
		return fail_at(p, at, why);
	}
	(void)emit(p, OP_CALL, fn->f, n, 0, 1 - (int)n);
	return true;
}

/* A whole number in the parentheses of a type. */
static bool
type_number(struct parser *p, int64_t most, size_t *v)
{
	struct dec d;
	int64_t k;

	if (p->lex.kind != TOK_NUMBER || dec_parse(p->lex.text, &d) != NULL ||
	    !dec_to_i64(&d, &k) || k < 0 || k > most)
		return fail(p, "a type with these digits is not known");
	*v = (size_t)k;
	lex_next(&p->lex);
	return true;
}

/* CAST(x AS DECIMAL(p,s) | BIGINT | CHAR | DATE | DATETIME(f)) */
static bool
cast(struct parser *p)
{
	static const struct { const char *name; enum cast cast; } types[] = {
		{ "decimal", CAST_DECIMAL }, { "numeric", CAST_DECIMAL }, { "bigint", CAST_INT },
		{ "int", CAST_INT }, { "integer", CAST_INT }, { "signed", CAST_INT },
		{ "char", CAST_CHAR }, { "varchar", CAST_CHAR }, { "date", CAST_DATE },
		{ "datetime", CAST_DATETIME }, { "timestamp", CAST_DATETIME },
	};
	size_t i, n, digits = 0, scale = 0;
	const char *at;

	lex_next(&p->lex);
	lex_next(&p->lex);
	if (!expression(p, L_OR))
		return false;
	if (!take_word(p, "as"))
		return expected(p, "AS");
	n = sizeof types / sizeof *types;
	for (i = 0; i < n && !lex_word(&p->lex, types[i].name); i++)
		;
	if (i == n)
		return expected(p, "a type (DECIMAL, BIGINT, CHAR, DATE, DATETIME)");
	at = p->lex.text.p;
	lex_next(&p->lex);
	if (types[i].cast == CAST_DECIMAL)
		digits = 10;
	if ((types[i].cast == CAST_DECIMAL || types[i].cast == CAST_DATETIME) &&
	    take_sign(p, "(")) {
		if (!type_number(p, types[i].cast == CAST_DATETIME ? 6 : 76, &digits))
			return false;
		if (types[i].cast == CAST_DECIMAL && take_sign(p, ",") &&
		    !type_number(p, DECIMAL_SCALE_MAX, &scale))
			return false;
		if (!need_sign(p, ")"))
			return false;
		if (types[i].cast == CAST_DECIMAL &&
		    (digits == 0 || scale > digits || digits - scale > DECIMAL_DIGITS_MAX))
			return fail_at(p, at,
			    "DECIMAL(p,s) holds at most 38 digits on either side of the point");
	}
	(void)emit(p, OP_CAST, types[i].cast, digits, scale, 0);
	return need_sign(p, ")");
}

/* CASE [x] WHEN … THEN … [ELSE …] END; the jumps to its end are chained through `a`. */
static bool
case_of(struct parser *p)
{
	size_t end = SIZE_MAX, next, height;
	bool simple;

	lex_next(&p->lex);
	simple = !lex_word(&p->lex, "when");
	if (simple && !expression(p, L_OR))
		return false;
	if (!lex_word(&p->lex, "when"))
		return expected(p, "WHEN");
	while (take_word(p, "when")) {
		if (!expression(p, L_OR))
			return false;
		if (simple)
			(void)emit(p, OP_WHEN, 0, 0, 0, 0);
		next = emit(p, OP_UNLESS, 0, 0, 0, -1);
		height = p->height;
		if (!take_word(p, "then"))
			return expected(p, "THEN");
		if (!expression(p, L_OR))
			return false;
		end = emit(p, OP_JUMP, 0, 0, end, 0);
		p->height = height;
		land(p, next);
	}
	if (take_word(p, "else")) {
		if (!expression(p, L_OR))
			return false;
	} else {
		(void)constant(p, X_NULL);
	}
	while (end != SIZE_MAX) {
		next = p->e->ins[end].a;
		land(p, end);
		end = next == UINT32_MAX ? SIZE_MAX : next;
	}
	if (simple)
		(void)emit(p, OP_NIP, 0, 0, 0, -1);
	return take_word(p, "end") || expected(p, "END");
}

/* A value: what no binary operator is part of. */
static bool
primary(struct parser *p)
{
	switch (p->lex.kind) {
	case TOK_NUMBER:
		return constant_number(p);
	case TOK_STRING:
		constant_text(p, unquote(p));
		lex_next(&p->lex);
		return true;
	case TOK_ARG:
		return argument(p);
	case TOK_PATH:
		return path(p);
	case TOK_WORD:
		if (lex_word(&p->lex, "case"))
			return case_of(p);
		if (take_word(p, "null")) {
			(void)constant(p, X_NULL);
			return true;
		}
		if (lex_word(&p->lex, "true") || lex_word(&p->lex, "false")) {
			constant_truth(p, lex_word(&p->lex, "true"));
			lex_next(&p->lex);
			return true;
		}
		if (lex_word(&p->lex, "cast") && lex_call_follows(&p->lex))
			return cast(p);
		if (lex_call_follows(&p->lex))
			return call(p);
		return path(p);
	case TOK_SIGN:
		if (take_sign(p, "("))
			return expression(p, L_OR) && need_sign(p, ")");
		if (lex_sign(&p->lex, "/"))
			return fail(p,
			    "a value expected; in an expression a JSON Pointer is written as a "
			    "path: a.b[0]");
		break;
	default:
		break;
	}
	return expected(p, "a value");
}

/* Is the code from there on one instruction of that kind? */
static bool
only(const struct parser *p, size_t from, enum opcode op)
{
	return p->e->n == from + 1 && p->e->ins[from].op == op;
}

static bool
minus(struct parser *p)
{
	size_t from = p->e->n;
	struct konst *k;

	lex_next(&p->lex);
	if (!expression(p, L_SIGN))
		return false;
	k = only(p, from, OP_CONST) ? &p->e->konst[p->e->ins[from].a] : NULL;
	if (k != NULL && k->v.tag == X_NUM) {
		dec_neg(&k->v.num);
		k->num = k->v.num;
	} else {
		(void)emit(p, OP_NEG, 0, 0, 0, 0);
	}
	return true;
}

/* A column and a constant become one instruction, whichever stands first. */
static void
comparison(struct parser *p, size_t from, enum cmp cmp)
{
	static const enum cmp mirrored[] = { CMP_EQ, CMP_NE, CMP_GT, CMP_GE, CMP_LT, CMP_LE };
	struct ins *in = &p->e->ins[from];
	bool pair = p->e->n == from + 2;

	if (pair && in[0].op == OP_PATH && in[1].op == OP_CONST) {
		in[0] = (struct ins){ OP_CMP_FIELD, (uint8_t)cmp, (uint16_t)in[0].a, in[1].a };
	} else if (pair && in[0].op == OP_CONST && in[1].op == OP_PATH) {
		in[0] = (struct ins){ OP_CMP_FIELD, (uint8_t)mirrored[cmp], (uint16_t)in[1].a,
			in[0].a };
	} else {
		(void)emit(p, OP_CMP, cmp, 0, 0, -1);
		return;
	}
	p->e->n--;
	p->height--;
}

static int
by_text(const void *a, const void *b)
{
	return span_cmp(((const struct konst *)a)->v.str, ((const struct konst *)b)->v.str);
}

/* x [NOT] IN (…): constants are kept in a row, texts alone in order. */
static bool
in_list(struct parser *p, bool negate)
{
	struct expr *e = p->e;
	size_t code = e->n, first = e->n_konst, n;
	bool constants = true, texts = true;

	if (!need_sign(p, "("))
		return false;
	if (!list(p, &n))
		return false;
	for (size_t i = code; i < e->n; i++)
		constants = constants && e->ins[i].op == OP_CONST;
	if (!constants || e->n != code + n || e->n_konst != first + n) {
		(void)emit(p, OP_IN, negate, n, 0, -(int)n);
		return true;
	}
	for (size_t i = first; i < first + n; i++)
		texts = texts && e->konst[i].v.tag == X_STR;
	if (texts)
		qsort(&e->konst[first], n, sizeof *e->konst, by_text);
	e->n = code;
	p->height -= n;
	(void)emit(p, texts ? OP_IN_SORTED : OP_IN_SET, negate, n, first, 0);
	return true;
}

static bool
between(struct parser *p, bool negate)
{
	if (!expression(p, L_ADD))
		return false;
	if (!take_word(p, "and"))
		return expected(p, "AND");
	if (!expression(p, L_ADD))
		return false;
	(void)emit(p, OP_BETWEEN, negate, 0, 0, -2);
	return true;
}

static bool
like(struct parser *p, bool negate)
{
	char escape = '\\';	/* MariaDB's; ESCAPE '' says none */

	if (!expression(p, L_ADD))
		return false;
	if (take_word(p, "escape")) {
		struct span s = p->lex.kind == TOK_STRING ? unquote(p) : span_of("", 0);

		if (p->lex.kind != TOK_STRING || s.n > 1 ||
		    (s.n == 1 && (*s.p == '%' || *s.p == '_' || (unsigned char)*s.p >= 0x80)))
			return expected(p, "a quoted ASCII character");
		escape = s.n == 0 ? '\0' : *s.p;
		lex_next(&p->lex);
	}
	(void)emit(p, OP_LIKE, negate, 0, (unsigned char)escape, -1);
	return true;
}

/* x ~ 'pattern': compiled here, so the pattern is a constant. */
static bool
regex(struct parser *p)
{
	const char *at = p->lex.text.p;
	size_t from = p->e->n, offset;
	struct span s;
	PCRE2_UCHAR text[128];
	char why[200];
	pcre2_code *re;
	int error;

	if (!expression(p, L_ADD))
		return false;
	if (!only(p, from, OP_CONST) || p->e->konst[p->e->ins[from].a].v.tag != X_STR)
		return fail_at(p, at, "the pattern of ~ is a constant text");
	s = p->e->konst[p->e->ins[from].a].v.str;
	re = pcre2_compile(
	    (PCRE2_SPTR)s.p, s.n, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &offset, NULL);
	if (re == NULL) {
		(void)pcre2_get_error_message(error, text, sizeof text);
		(void)snprintf(
		    why, sizeof why, "pattern, character %zu: %s", offset + 1, (const char *)text);
		return fail_at(p, at, why);
	}
	p->e->re = mem_array(p->e->re, p->e->n_re + 1, sizeof *p->e->re);
	/* where it cannot, the interpreter does it */
	p->e->re[p->e->n_re] = (struct pattern){ re, pcre2_jit_compile(re, PCRE2_JIT_COMPLETE) == 0 };
	p->e->n = from;
	p->height--;
	(void)emit(p, OP_REGEX, 0, 0, p->e->n_re++, 0);
	return true;
}

/* IS [NOT] NULL */
static bool
is_null(struct parser *p)
{
	bool negate = take_word(p, "not");

	if (!take_word(p, "null"))
		return expected(p, "NULL");
	(void)emit(p, OP_IS_NULL, negate, 0, 0, 0);
	return true;
}

/* AND, OR: the right side is jumped over where the left one has decided. */
static bool
connective(struct parser *p, bool both)
{
	size_t jump = emit(p, both ? OP_AND_JUMP : OP_OR_JUMP, 0, 0, 0, 0);

	if (!expression(p, both ? L_NOT : L_AND))
		return false;
	(void)emit(p, both ? OP_AND : OP_OR, 0, 0, jump, -1);	/* where its left side ends */
	land(p, jump);
	return true;
}

static enum level
binary_level(const struct parser *p, enum opcode *op, enum cmp *cmp)
{
	static const struct {
		const char *text;
		enum level level;
		enum opcode op;
		enum cmp cmp;
	} signs[] = {
		{ "=", L_CMP, OP_CMP, CMP_EQ },
		{ "<>", L_CMP, OP_CMP, CMP_NE },
		{ "!=", L_CMP, OP_CMP, CMP_NE },
		{ "<", L_CMP, OP_CMP, CMP_LT },
		{ "<=", L_CMP, OP_CMP, CMP_LE },
		{ ">", L_CMP, OP_CMP, CMP_GT },
		{ ">=", L_CMP, OP_CMP, CMP_GE },
		{ "~", L_PRED, OP_REGEX, 0 },
		{ "+", L_ADD, OP_ADD, 0 },
		{ "-", L_ADD, OP_SUB, 0 },
		{ "*", L_MUL, OP_MUL, 0 },
		{ "/", L_MUL, OP_DIV, 0 },
		{ "%", L_MUL, OP_MOD, 0 },
		{ "||", L_CONCAT, OP_CONCAT, 0 },
	};
	static const struct { const char *text; enum level level; enum opcode op; } words[] = {
		{ "or", L_OR, OP_OR }, { "and", L_AND, OP_AND }, { "is", L_CMP, OP_IS_NULL },
		{ "in", L_PRED, OP_IN }, { "between", L_PRED, OP_BETWEEN },
		{ "like", L_PRED, OP_LIKE }, { "not", L_PRED, OP_NOT },
	};

	for (size_t i = 0; p->lex.kind == TOK_SIGN && i < sizeof signs / sizeof *signs; i++)
		if (span_is(p->lex.text, signs[i].text)) {
			*op = signs[i].op;
			*cmp = signs[i].cmp;
			return signs[i].level;
		}
	for (size_t i = 0; p->lex.kind == TOK_WORD && i < sizeof words / sizeof *words; i++)
		if (word_is(p->lex.text, words[i].text)) {
			*op = words[i].op;
			return words[i].level;
		}
	return 0;
}

/* The operator at hand, its left side emitted from `from` on. */
static bool
binary(struct parser *p, size_t from, enum level level, enum opcode op, enum cmp cmp)
{
	bool negate = false;

	lex_next(&p->lex);
	if (op == OP_NOT) {	/* x NOT IN, NOT BETWEEN, NOT LIKE */
		negate = true;
		op = lex_word(&p->lex, "in")       ? OP_IN
		    : lex_word(&p->lex, "between") ? OP_BETWEEN
						   : OP_LIKE;
		if (op == OP_LIKE && !lex_word(&p->lex, "like"))
			return expected(p, "IN, BETWEEN or LIKE");
		lex_next(&p->lex);
	}
	switch (op) {
	case OP_OR:
	case OP_AND:
		return connective(p, op == OP_AND);
	case OP_IS_NULL:
		return is_null(p);
	case OP_IN:
		return in_list(p, negate);
	case OP_BETWEEN:
		return between(p, negate);
	case OP_LIKE:
		return like(p, negate);
	case OP_REGEX:
		return regex(p);
	default:
		break;
	}
	if (!expression(p, (enum level)(level + 1)))
		return false;
	if (op == OP_CMP)
		comparison(p, from, cmp);
	else
		(void)emit(p, op, 0, 2, 0, -1);
	return true;
}

/* All that binds at least as tightly as `least`. */
static bool
expression(struct parser *p, enum level least)
{
	size_t from = p->e->n;
	/* behind a predicate no tighter operator may follow */
	enum level level, most = L_SIGN;
	enum opcode op = OP_NOT;
	enum cmp cmp = CMP_EQ;

	if (++p->nesting > EXPR_DEPTH_MAX)
		return fail(p, "nested too deeply");
	if (lex_word(&p->lex, "not") && least <= L_NOT) {
		lex_next(&p->lex);
		if (!expression(p, L_NOT))
			return false;
		(void)emit(p, OP_NOT, 0, 0, 0, 0);
		most = L_NOT;
	} else if (!(lex_sign(&p->lex, "-") ? minus(p) : primary(p))) {
		return false;
	}
	while ((level = binary_level(p, &op, &cmp)) >= least && level != 0 && level <= most) {
		if (!binary(p, from, level, op, cmp))
			return false;
		if (level == L_PRED)
			most = L_CMP;
	}
	p->nesting--;
	return true;
}

int
expr_compile(
    struct span text, const struct expr_env *env, struct expr **out, char *err, size_t err_size)
{
	struct parser p = { .env = env, .err = err, .err_size = err_size };
	bool good;

	if (err_size > 0)
		*err = '\0';
	p.e = mem_new(sizeof *p.e);
	p.e->zone = env->zone;
	lex_begin(&p.lex, text);
	good = text.n <= EXPR_TEXT_BYTES_MAX || fail(&p, "an expression longer than 1 MiB");
	good = good && utf8(&p, text) && expression(&p, L_OR) &&
	    (p.lex.kind == TOK_END || expected(&p, "an operator or the end"));
	buf_free(&p.tmp);
	if (!good) {
		expr_free(p.e);
		*out = NULL;
		return EXIT_USAGE;
	}
	plan_make(p.e);
	*out = p.e;
	return 0;
}

void
expr_free(struct expr *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->n_re; i++)
		pcre2_code_free(e->re[i].code);
	plan_free(e);
	free(e->re);
	free(e->ins);
	free(e->konst);
	arena_free(&e->mem);
	free(e);
}

int
expr_column(const struct expr *e)
{
	return e->n == 1 && e->ins[0].op == OP_PATH ? (int)e->ins[0].a : -1;
}

bool
expr_columns(const struct expr *e, int *col, size_t most, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < e->n; i++) {
		const struct ins *x = &e->ins[i];
		int c = x->op == OP_PATH ? (int)x->a : (int)x->n;
		size_t k = 0;

		if (x->op != OP_PATH && x->op != OP_CMP_FIELD)
			continue;
		while (k < *n && col[k] != c)
			k++;
		if (k < *n)
			continue;
		if (k == most)
			return false;
		col[(*n)++] = c;
	}
	return true;
}
