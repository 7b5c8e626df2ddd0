/* SPDX-License-Identifier: BSD-2-Clause */
/* eval - run a compiled expression over one record */
#include <stdlib.h>

#include "expr/prog.h"

struct expr_state *
expr_state_new(void)
{
	return mem_new(sizeof(struct expr_state));
}

void
expr_state_free(struct expr_state *st)
{
	if (st == NULL)
		return;
	free(st->stack);
	arena_free(&st->mem);
	buf_free(&st->tmp);
	pcre2_match_data_free(st->match);
	pcre2_match_context_free(st->limits);
	free(st->truth);
	free(st->rows);
	free(st);
}

static void
set_null(struct xval *x)
{
	x->tag = X_NULL;
	x->raw.p = NULL;
}

/* 1, 0 or -1. */
static void
set_truth(struct xval *x, int t)
{
	x->tag = t < 0 ? X_NULL : X_BOOL;
	x->b = t > 0;
	x->raw.p = NULL;
}

static bool
holds(enum cmp cmp, int order)
{
	switch (cmp) {
	case CMP_EQ: return order == 0;
	case CMP_NE: return order != 0;
	case CMP_LT: return order < 0;
	case CMP_LE: return order <= 0;
	case CMP_GT: return order > 0;
	default: return order >= 0;
	}
}

static const char *
compare(enum cmp cmp, const struct xval *a, const struct xval *b, int *t)
{
	const char *why;
	int order;

	*t = -1;
	if (a->tag == X_NULL || b->tag == X_NULL)
		return NULL;
	if ((why = xval_cmp(a, b, &order)) == NULL)
		*t = holds(cmp, order);
	return why;
}

/* Against a constant whose number is known already. */
static const char *
compare_konst(enum cmp cmp, const struct xval *a, const struct konst *k, int *t)
{
	struct dec x;
	const char *why;

	*t = -1;
	if (a->tag == X_NULL || k->v.tag == X_NULL)
		return NULL;
	if (a->tag == X_STR && k->v.tag == X_STR) {
		if (cmp <= CMP_NE && a->str.n != k->v.str.n)
			*t = cmp == CMP_NE;
		else
			*t = holds(cmp, span_cmp(a->str, k->v.str));
		return NULL;
	}
	if ((why = xval_num(a, &x)) != NULL || (why = k->no_num) != NULL)
		return why;
	*t = holds(cmp, dec_cmp(&x, &k->num));
	return NULL;
}

/* What IN knows so far: 1 found, 0 not among them, -1 a NULL was there or asked for; why one could not be compared. */
struct among {
	int all;
	const char *why;
};

static inline void
among_add(struct among *m, const char *why, int t)
{
	if (why != NULL)
		m->why = why;
	else if (t != 0)
		m->all = t;
}

/* Found wins over an element that cannot be compared, that over NULL. */
static const char *
among_say(const struct among *m, bool negate, struct xval *left)
{
	if (m->all <= 0 && m->why != NULL)
		return m->why;
	set_truth(left, m->all >= 0 && negate ? !m->all : m->all);
	return NULL;
}

static const char *
in_list(struct xval *left, const struct xval *v, size_t n, bool negate)
{
	struct among m = { left->tag == X_NULL ? -1 : 0, NULL };
	const char *why;
	int t;

	for (size_t i = 0; left->tag != X_NULL && i < n && m.all <= 0; i++) {
		why = compare(CMP_EQ, left, &v[i], &t);
		among_add(&m, why, t);
	}
	return among_say(&m, negate, left);
}

static const char *
in_set(struct xval *left, const struct konst *k, size_t n, bool negate, bool sorted)
{
	struct among m = { left->tag == X_NULL ? -1 : 0, NULL };
	const char *why;
	size_t lo = 0, hi = sorted && left->tag == X_STR ? n : 0;
	int t;

	while (lo < hi && m.all == 0) {
		size_t mid = lo + (hi - lo) / 2;
		int c = span_cmp(left->str, k[mid].v.str);

		m.all = c == 0;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (sorted && left->tag == X_STR)
		return among_say(&m, negate, left);
	for (size_t i = 0; left->tag != X_NULL && i < n && m.all <= 0; i++) {
		why = compare_konst(CMP_EQ, left, &k[i], &t);
		among_add(&m, why, t);
	}
	return among_say(&m, negate, left);
}

/* v[0] BETWEEN v[1] AND v[2], as the two comparisons that it is short for. */
static const char *
between(struct xval *v, bool negate)
{
	const char *why;
	int low, high, t;

	if ((why = compare(CMP_GE, &v[0], &v[1], &low)) != NULL)
		return why;
	if (low == 0) {
		set_truth(&v[0], negate);
		return NULL;
	}
	if ((why = compare(CMP_LE, &v[0], &v[2], &high)) != NULL)
		return why;
	t = high == 0 ? 0 : low < 0 || high < 0 ? -1 : 1;
	set_truth(&v[0], t >= 0 && negate ? !t : t);
	return NULL;
}

static const char *
arithmetic(enum opcode op, struct xval *a, const struct xval *b)
{
	struct dec x, y;
	const char *why;

	if (a->tag == X_NULL || b->tag == X_NULL) {
		set_null(a);
		return NULL;
	}
	if ((why = xval_num(a, &x)) != NULL || (why = xval_num(b, &y)) != NULL)
		return why;
	if ((op == OP_DIV || op == OP_MOD) && dec_is_zero(&y)) {
		set_null(a);
		return NULL;
	}
	a->tag = X_NUM;
	a->raw.p = NULL;
	switch (op) {
	case OP_ADD: return dec_add(&x, &y, &a->num);
	case OP_SUB: return dec_sub(&x, &y, &a->num);
	case OP_MUL: return dec_mul(&x, &y, &a->num);
	case OP_DIV: return dec_div(&x, &y, &a->num);
	default: return dec_mod(&x, &y, &a->num);
	}
}

static const char *
negate(struct xval *x)
{
	const char *why;

	if (x->tag == X_NULL)
		return NULL;
	if ((why = xval_num(x, &x->num)) != NULL)
		return why;
	x->tag = X_NUM;
	x->raw.p = NULL;
	dec_neg(&x->num);
	return NULL;
}

/* top = below AND/OR top, in below. */
static const char *
connect(enum opcode op, struct xval *below, const struct xval *top)
{
	const char *why = NULL;
	int a = truth(below, &why), b = a == -2 ? 0 : truth(top, &why);

	if (a == -2 || b == -2)
		return why;
	if (op == OP_AND)
		set_truth(below, a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1);
	else
		set_truth(below, a > 0 || b > 0 ? 1 : a < 0 || b < 0 ? -1 : 0);
	return NULL;
}

static const char *
cast(struct expr_state *st, const struct expr *e, const struct ins *in, struct xval *x)
{
	struct dec d;
	struct span s;
	const char *why;
	int64_t whole;

	if (x->tag == X_NULL)
		return NULL;
	switch (in->kind) {
	case CAST_DECIMAL:
	case CAST_INT:
		why = x->tag == X_STR ? dec_parse_text(x->str, &d) : xval_num(x, &d);
		if (why != NULL ||
		    (why = dec_round(&d, in->kind == CAST_INT ? 0 : (int)in->a, &d)) != NULL)
			return why;
		if (in->kind == CAST_INT ? !dec_to_i64(&d, &whole) : !dec_fits(&d, in->n))
			return "a number outside the type of its CAST";
		x->tag = X_NUM;
		x->num = d;
		x->raw.p = NULL;
		return NULL;
	case CAST_CHAR:
		if (x->tag == X_JSON)
			return state_text(st, x->raw, x);
		if ((why = text_of(st, x, &s)) != NULL)
			return why;
		x->tag = X_STR;
		x->str = s;
		x->raw.p = NULL;
		return NULL;
	default:
		return time_cast(st, e->zone, (enum cast)in->kind, in->n, x);
	}
}

/* Numbers in, numbers out. */
static const char *
number_call(enum func f, struct xval *v, size_t n)
{
	struct dec d, digits;
	const char *why;
	int64_t k = 0;

	if ((why = xval_num(&v[0], &d)) != NULL ||
	    (n == 2 && (why = xval_num(&v[1], &digits)) != NULL))
		return why;
	if (n == 2 && !dec_to_i64(&digits, &k))
		return "round takes a whole number of digits";
	v->tag = X_NUM;
	v->raw.p = NULL;
	if (f == FN_ABS) {
		d.neg = false;
		v->num = d;
		return NULL;
	}
	if (f == FN_FLOOR)
		return dec_floor(&d, &v->num);
	k = k > DECIMAL_SCALE_MAX ? DECIMAL_SCALE_MAX : k < -99 ? -99 : k;
	return dec_round(&d, (int)k, &v->num);
}

static const char *
call(struct expr_state *st, const struct expr *e, enum func f, struct xval *v, size_t n)
{
	const char *why;
	int t;

	if (f == FN_NULLIF) {
		if ((why = compare(CMP_EQ, &v[0], &v[1], &t)) == NULL && t > 0)
			set_null(&v[0]);
		return why;
	}
	for (size_t i = 0; i < n; i++)
		if (v[i].tag == X_NULL) {
			set_null(&v[0]);
			return NULL;
		}
	switch (f) {
	case FN_ABS:
	case FN_FLOOR:
	case FN_ROUND:
		return number_call(f, v, n);
	case FN_CONCAT:
		return text_concat(st, v, n, &v[0]);
	case FN_DATE_ADD:
	case FN_DATE_DIFF:
	case FN_DATE_FORMAT:
	case FN_DATE_TRUNC:
	case FN_TO_TIMESTAMP:
		return time_call(st, e->zone, f, v, n, &v[0]);
	default:
		return text_call(st, f, v, n, &v[0]);
	}
}

/* A column against a constant: nothing is put on the stack but the answer. */
static const char *
compare_field(struct expr_state *st, const struct ins *in, const struct konst *k, struct val v,
    struct xval *out)
{
	struct xval x;
	const char *why;
	int t;

	/* The commonest question of all: is this text that one? */
	if (v.tag == T_STR && !v.escaped && k->v.tag == X_STR && in->kind <= CMP_NE) {
		t = v.raw.n - 2 == k->v.str.n && memcmp(v.raw.p + 1, k->v.str.p, k->v.str.n) == 0;
		set_truth(out, in->kind == CMP_EQ ? t : !t);
		return NULL;
	}
	xval_of(v, &st->mem, &x);
	if ((why = compare_konst((enum cmp)in->kind, &x, k, &t)) == NULL)
		set_truth(out, t);
	return why;
}

/*
 * The steps that do not jump: *sp points behind the top of the stack.  Split from the loop so that
 * both can be read whole.
 */
static const char *
step(struct expr_state *st, const struct expr *e, const struct ins *in, struct xval **sp)
{
	struct xval *top = *sp - 1;
	const char *why = NULL;
	bool hit = false;
	int t;

	switch (in->op) {
	case OP_NOT:
		if ((t = truth(top, &why)) != -2)
			set_truth(top, t < 0 ? t : !t);
		return why;
	case OP_NEG:
		return negate(top);
	case OP_AND:
	case OP_OR:
		--*sp;
		return connect((enum opcode)in->op, top - 1, top);
	case OP_CMP:
		--*sp;
		if ((why = compare((enum cmp)in->kind, top - 1, top, &t)) == NULL)
			set_truth(top - 1, t);
		return why;
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_DIV:
	case OP_MOD:
		--*sp;
		return arithmetic((enum opcode)in->op, top - 1, top);
	case OP_CONCAT:
	case OP_CALL:
		*sp -= in->n - 1;
		return call(
		    st, e, in->op == OP_CONCAT ? FN_CONCAT : (enum func)in->kind, *sp - 1, in->n);
	case OP_BETWEEN: *sp -= 2; return between(top - 2, in->kind);
	case OP_IN: *sp -= in->n; return in_list(*sp - 1, *sp, in->n, in->kind);
	case OP_IN_SET:
	case OP_IN_SORTED:
		return in_set(top, e->konst + in->a, in->n, in->kind, in->op == OP_IN_SORTED);
	case OP_LIKE:
		--*sp;
		if (top->tag == X_NULL || top[-1].tag == X_NULL) {
			set_null(top - 1);
			return NULL;
		}
		if ((why = text_like(st, top - 1, top, (char)in->a, &hit)) == NULL)
			set_truth(top - 1, hit != in->kind);
		return why;
	case OP_REGEX:
		if (top->tag != X_NULL && (why = text_regex(st, &e->re[in->a], top, &hit)) == NULL)
			set_truth(top, hit);
		return why;
	case OP_IS_NULL:
		set_truth(top, (top->tag == X_NULL) != in->kind);
		return NULL;
	case OP_WHEN:
		if ((why = compare(CMP_EQ, top - 1, top, &t)) == NULL)
			set_truth(top, t);
		return why;
	case OP_NIP:
		--*sp;
		top[-1] = *top;
		return NULL;
	default:
		return cast(st, e, in, top);
	}
}

static const char *
run(struct expr_state *st, const struct expr *e, const struct batch *b, size_t row, size_t from, size_t to,
    struct xval **out)
{
	struct xval *sp = st->stack;
	const char *why = NULL;
	int t;

	for (size_t pc = from; pc < to; pc++) {
		const struct ins *in = &e->ins[pc];

		switch (in->op) {
		case OP_PATH:
			xval_of(b->col[in->a][row], &st->mem, sp++);
			break;
		case OP_CONST:
			*sp++ = e->konst[in->a].v;
			break;
		case OP_CMP_FIELD:
			why = compare_field(st, in, &e->konst[in->a], b->col[in->n][row], sp++);
			break;
		case OP_AND_JUMP:
		case OP_OR_JUMP:
			if ((t = truth(sp - 1, &why)) == (in->op == OP_OR_JUMP)) {
				set_truth(sp - 1, t);
				pc = in->a - 1;
			}
			break;
		case OP_JUMP:
			pc = in->a - 1;
			break;
		case OP_UNLESS:
			if ((t = truth(--sp, &why)) < 1)
				pc = in->a - 1;
			break;
		case OP_UNLESS_NULL:
			if (sp[-1].tag != X_NULL)
				pc = in->a - 1;
			else
				sp--;
			break;
		default:
			why = step(st, e, in, &sp);
		}
		if (why != NULL)
			return why;
	}
	*out = sp - 1;
	return NULL;
}

/* Make the state big enough for this expression, and forget the last record's texts. */
static void
ready(struct expr_state *st, const struct expr *e)
{
	if (st->cap < e->depth) {
		st->stack = mem_array(st->stack, e->depth, sizeof *st->stack);
		memset(st->stack + st->cap, 0, (e->depth - st->cap) * sizeof *st->stack);
		st->cap = e->depth;
	}
	if (st->mem.used > 0)
		arena_reset(&st->mem);
}

const char *
expr_eval(
    struct expr_state *st, const struct expr *e, const struct batch *b, size_t i, struct xval *out)
{
	struct xval *top;
	const char *why;

	ready(st, e);
	why = run(st, e, b, i, 0, e->n, &top);
	if (why != NULL)
		set_null(out);
	else
		*out = *top;
	return why;
}

int
code_test(struct expr_state *st, const struct expr *e, const struct batch *b, size_t row, size_t from, size_t to,
    const char **why)
{
	struct xval *top;

	ready(st, e);
	*why = run(st, e, b, row, from, to, &top);
	return *why != NULL ? -2 : truth(top, why);
}

int
expr_test(
    struct expr_state *st, const struct expr *e, const struct batch *b, size_t i, const char **why)
{
	return code_test(st, e, b, i, 0, e->n, why);
}
