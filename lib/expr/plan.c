/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan - a compiled expression as questions to whole columns
 *
 * The code is postfix, and an OP_AND or OP_OR knows where its left side ends: so what AND, OR and NOT connect is found
 * from behind, and each side that is none of these is one step of the plan.  A step that asks a column knows only the
 * kind of value that it is for; for all others it runs the code that it stands for.
 */
#include <stdlib.h>

#include "expr/prog.h"

static bool
brief_dec(const struct dec *d, struct brief *out)
{
	if ((d->w[1] | d->w[2] | d->w[3]) != 0 || d->w[0] >= UINT64_C(1000000000000000000) || d->scale > 18)
		return false;
	*out = (struct brief){ d->neg ? -(int64_t)d->w[0] : (int64_t)d->w[0], d->scale };
	return true;
}

/* The number of a constant; a text may be one too, as it is one where a number meets it. */
static bool
brief_konst(const struct konst *k, struct brief *out)
{
	return k->v.tag != X_NULL && k->no_num == NULL && brief_dec(&k->num, out);
}

static uint32_t
add_bounds(struct expr *e, const struct bounds *b)
{
	if ((e->n_bounds & (e->n_bounds + 1)) == 0)	/* room grows by doubling: at 0, 1, 3, 7, … */
		e->bounds = mem_array(e->bounds, 2 * e->n_bounds + 1, sizeof *e->bounds);
	e->bounds[e->n_bounds] = *b;
	return (uint32_t)e->n_bounds++;
}

/* A column against a constant. */
static void
ask_compare(struct expr *e, const struct ins *in, struct question *s)
{
	const struct konst *k = &e->konst[in->a];
	struct bounds b = { 0 };

	if (k->v.tag == X_STR && in->kind <= CMP_NE) {
		s->ask = ASK_TEXT;
		s->a = in->a;
	} else if (brief_konst(k, &b.lo)) {
		s->ask = ASK_NUMBER;
		b.hi = b.lo;
		b.has_lo = in->kind <= CMP_NE || in->kind >= CMP_GT;
		b.has_hi = in->kind <= CMP_LE;
		b.above = in->kind == CMP_GT;
		b.below = in->kind == CMP_LT;
		s->a = add_bounds(e, &b);
	} else {
		return;
	}
	s->col = in->n;
	s->negate = in->kind == CMP_NE;
}

static void
ask_between(struct expr *e, const struct ins *in, struct question *s)
{
	struct bounds b = { .has_lo = true, .has_hi = true };

	if (!brief_konst(&e->konst[in[1].a], &b.lo) || !brief_konst(&e->konst[in[2].a], &b.hi))
		return;
	s->ask = ASK_NUMBER;
	s->col = in->a;
	s->negate = in[3].kind;
	s->a = add_bounds(e, &b);
}

static void
ask_numbers(struct expr *e, const struct ins *in, struct question *s)
{
	size_t from = e->n_bounds;
	struct bounds b = { .has_lo = true, .has_hi = true };

	for (size_t i = 0; i < in[1].n; i++) {
		if (e->konst[in[1].a + i].v.tag != X_NUM || !brief_konst(&e->konst[in[1].a + i], &b.lo)) {
			e->n_bounds = from;
			return;
		}
		b.hi = b.lo;
		(void)add_bounds(e, &b);
	}
	s->ask = ASK_NUMBERS;
	s->col = in->a;
	s->negate = in[1].kind;
	s->a = (uint32_t)from;
	s->n = in[1].n;
}

static void
ask_texts(struct expr *e, const struct ins *in, struct question *s)
{
	struct texts t = { .mask = 1 };

	while (t.mask < 2u * in[1].n)
		t.mask = 2 * t.mask + 1;
	t.slot = mem_new(mem_mul((size_t)t.mask + 1, sizeof *t.slot));
	for (size_t i = 0; i < in[1].n; i++) {
		struct span text = e->konst[in[1].a + i].v.str;
		uint64_t head = text_head(text);
		uint32_t at = text_place(head, text.n) & t.mask;

		while (t.slot[at].text.p != NULL && !span_eq(t.slot[at].text, text))
			at = (at + 1) & t.mask;
		t.slot[at] = (struct text_slot){ text, head };
	}
	if ((e->n_texts & (e->n_texts + 1)) == 0)
		e->texts = mem_array(e->texts, 2 * e->n_texts + 1, sizeof *e->texts);
	e->texts[e->n_texts] = t;
	s->ask = ASK_TEXTS;
	s->col = in->a;
	s->negate = in[1].kind;
	s->a = (uint32_t)e->n_texts++;
}

/* The step for the code [from, to), of which no part is a step of its own. */
static struct question
leaf(struct expr *e, size_t from, size_t to)
{
	const struct ins *in = &e->ins[from];
	struct question s = { .ask = ASK_CODE, .from = (uint32_t)from, .to = (uint32_t)to };
	size_t n = to - from;

	if (n == 1 && in->op == OP_CMP_FIELD) {
		ask_compare(e, in, &s);
	} else if (n == 4 && in->op == OP_PATH && in[1].op == OP_CONST && in[2].op == OP_CONST &&
	    in[3].op == OP_BETWEEN) {
		ask_between(e, in, &s);
	} else if (n == 2 && in->op == OP_PATH && in[1].op == OP_IN_SORTED) {
		ask_texts(e, in, &s);
	} else if (n == 2 && in->op == OP_PATH && in[1].op == OP_IN_SET) {
		ask_numbers(e, in, &s);
	} else if (n == 2 && in->op == OP_PATH && (in[1].op == OP_IS_NULL || in[1].op == OP_REGEX)) {
		s.ask = in[1].op == OP_REGEX ? ASK_MATCH : ASK_NULL;
		s.col = in->a;
		s.negate = in[1].op == OP_IS_NULL && in[1].kind;
		s.a = in[1].a;
	}
	return s;
}

/* Which instructions connect conditions: those are steps, the rest lies between them. mark: [n] false. */
static void
connectives(const struct expr *e, bool *mark)
{
	struct range { size_t from, to; } *todo = mem_array(NULL, e->n + 1, sizeof *todo);
	bool *lands = mem_new(e->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		if (e->ins[i].op == OP_JUMP || e->ins[i].op == OP_UNLESS || e->ins[i].op == OP_UNLESS_NULL)
			lands[e->ins[i].a] = true;
	todo[n++] = (struct range){ 0, e->n };
	while (n > 0) {
		struct range r = todo[--n];
		const struct ins *last = &e->ins[r.to - 1];

		/* where a branch ends the last instruction is that branch's */
		if (lands[r.to])
			continue;
		if (last->op == OP_NOT) {
			mark[r.to - 1] = true;
			todo[n++] = (struct range){ r.from, r.to - 1 };
		} else if (last->op == OP_AND || last->op == OP_OR) {
			mark[last->a] = mark[r.to - 1] = true;
			todo[n++] = (struct range){ r.from, last->a };
			todo[n++] = (struct range){ last->a + 1, r.to - 1 };
		}
	}
	free(lands);
	free(todo);
}

void
plan_make(struct expr *e)
{
	bool *mark = mem_new(e->n);
	size_t open = 0;

	connectives(e, mark);
	e->plan = mem_array(NULL, e->n, sizeof *e->plan);
	for (size_t pc = 0; pc < e->n;) {
		enum opcode op = (enum opcode)e->ins[pc].op;
		size_t to = pc;

		if (!mark[pc]) {
			while (to < e->n && !mark[to])
				to++;
			e->plan[e->n_plan++] = leaf(e, pc, to);
			pc = to;
			continue;
		}
		e->plan[e->n_plan++] = (struct question){
			.ask = op == OP_NOT ? ASK_NOT : op == OP_AND || op == OP_OR ? ASK_JOIN : ASK_SPLIT,
			.negate = op == OP_OR || op == OP_OR_JUMP };
		open += op == OP_AND_JUMP || op == OP_OR_JUMP;
		open -= op == OP_AND || op == OP_OR;
		if (open > e->splits)
			e->splits = open;
		pc++;
	}
	free(mark);
	if (e->splits > PLAN_SPLITS_MAX) {
		e->splits = 0;
		e->n_plan = 1;
		*e->plan = (struct question){ .ask = ASK_CODE, .to = (uint32_t)e->n };
	}
}

void
plan_free(struct expr *e)
{
	for (size_t i = 0; i < e->n_texts; i++)
		free(e->texts[i].slot);
	free(e->texts);
	free(e->bounds);
	free(e->plan);
}
