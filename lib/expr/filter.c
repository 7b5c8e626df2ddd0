/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter - the plan of a condition over a batch, column by column
 *
 * The answers of a step stand by the number of the record: 1 true, 0 false, -1 NULL, -2 in error.  Behind the left side
 * of AND and OR only those records go on that it has not decided, as the code's jumps would have it, so that what is
 * in error is the same too.
 */
#include <stdlib.h>

#include "expr/prog.h"

__extension__ typedef __int128 i128;

struct asking {
	struct expr_state *st;
	const struct expr *e;
	const struct batch *b;
	const char **why;
	const uint16_t *row;	/* [n] of these records */
	size_t n;
	int8_t *is;
};

/* Not the kind of value that the step is for. */
static int8_t
by_code(const struct asking *a, const struct question *s, size_t i)
{
	return (int8_t)code_test(a->st, a->e, a->b, i, s->from, s->to, &a->why[i]);
}

static void
ask_code(const struct asking *a, const struct question *s)
{
	for (size_t k = 0; k < a->n; k++)
		a->is[a->row[k]] = by_code(a, s, a->row[k]);
}

static void
ask_null(const struct asking *a, const struct question *s)
{
	const struct val *v = a->b->col[s->col];

	for (size_t k = 0; k < a->n; k++)
		a->is[a->row[k]] = val_is_null(v[a->row[k]]) != s->negate;
}

static inline bool
is_text(struct val v)
{
	return v.tag == T_STR && !v.escaped;
}

static inline struct span
text_in(struct val v)
{
	return span_of(v.raw.p + 1, v.raw.n - 2);
}

static void
ask_text(const struct asking *a, const struct question *s)
{
	const struct val *v = a->b->col[s->col];
	struct span want = a->e->konst[s->a].v.str;

	for (size_t k = 0; k < a->n; k++) {
		size_t i = a->row[k];

		if (is_text(v[i]))
			a->is[i] = span_eq(text_in(v[i]), want) != s->negate;
		else
			a->is[i] = val_is_null(v[i]) ? -1 : by_code(a, s, i);
	}
}

static bool
in_texts(const struct texts *t, struct span s)
{
	uint64_t head = text_head(s);
	const struct text_slot *x;

	for (uint32_t at = text_place(head, s.n); (x = &t->slot[at & t->mask])->text.p != NULL; at++)
		if (x->head == head && x->text.n == s.n && (s.n <= 8 || memcmp(x->text.p, s.p, s.n) == 0))
			return true;
	return false;
}

static void
ask_texts(const struct asking *a, const struct question *s)
{
	const struct val *v = a->b->col[s->col];
	const struct texts *t = &a->e->texts[s->a];

	for (size_t k = 0; k < a->n; k++) {
		size_t i = a->row[k];

		if (is_text(v[i]))
			a->is[i] = in_texts(t, text_in(v[i])) != s->negate;
		else
			a->is[i] = val_is_null(v[i]) ? -1 : by_code(a, s, i);
	}
}

/* <0, 0, >0. Both have at most 18 digits, so no product comes near 2^127. */
static inline int
brief_cmp(struct brief x, struct brief y)
{
	static const int64_t ten[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
		10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
		10000000000000000, 100000000000000000, 1000000000000000000 };
	i128 a = x.v, b = y.v;

	if (x.scale == y.scale)
		return x.v < y.v ? -1 : x.v > y.v;
	if (x.scale < y.scale)
		a *= ten[y.scale - x.scale];
	else
		b *= ten[x.scale - y.scale];
	return a < b ? -1 : a > b;
}

static inline bool
within(const struct bounds *b, struct brief x)
{
	return (!b->has_lo || brief_cmp(x, b->lo) >= b->above) && (!b->has_hi || brief_cmp(x, b->hi) <= -b->below);
}

static void
ask_number(const struct asking *a, const struct question *s)
{
	const struct val *v = a->b->col[s->col];
	const struct bounds *b = &a->e->bounds[s->a];
	struct brief x;

	for (size_t k = 0; k < a->n; k++) {
		size_t i = a->row[k];

		if (v[i].tag == T_NUM && brief_of(v[i].raw, &x))
			a->is[i] = within(b, x) != s->negate;
		else
			a->is[i] = val_is_null(v[i]) ? -1 : by_code(a, s, i);
	}
}

static void
ask_numbers(const struct asking *a, const struct question *s)
{
	const struct val *v = a->b->col[s->col];
	const struct bounds *b = &a->e->bounds[s->a];
	struct brief x;

	for (size_t k = 0; k < a->n; k++) {
		size_t i = a->row[k], m = 0;

		if (v[i].tag == T_NUM && brief_of(v[i].raw, &x)) {
			while (m < s->n && brief_cmp(x, b[m].lo) != 0)
				m++;
			a->is[i] = (m < s->n) != s->negate;
		} else
			a->is[i] = val_is_null(v[i]) ? -1 : by_code(a, s, i);
	}
}

static void
ask_match(const struct asking *a, const struct question *s)
{
	const struct val *v = a->b->col[s->col];
	bool hit = false;

	for (size_t k = 0; k < a->n; k++) {
		size_t i = a->row[k];

		if (is_text(v[i])) {
			a->why[i] = text_match(a->st, &a->e->re[s->a], text_in(v[i]), &hit);
			a->is[i] = a->why[i] != NULL ? -2 : hit;
		} else
			a->is[i] = val_is_null(v[i]) ? -1 : by_code(a, s, i);
	}
}

static void
ask_not(const struct asking *a)
{
	for (size_t k = 0; k < a->n; k++) {
		int8_t *is = &a->is[a->row[k]];

		*is = *is < 0 ? *is : !*is;
	}
}

/* The records that the left side has not decided; AND is decided by false, OR by true. */
static size_t
undecided(const struct asking *a, bool either, uint16_t *row)
{
	size_t n = 0;

	for (size_t k = 0; k < a->n; k++) {
		int8_t is = a->is[a->row[k]];

		row[n] = a->row[k];
		n += is != either && is != -2;
	}
	return n;
}

/* The right side's answers into the left side's, which are true or NULL for AND, false or NULL for OR. */
static void
join(const struct asking *right, bool either, int8_t *left)
{
	for (size_t k = 0; k < right->n; k++) {
		size_t i = right->row[k];
		int8_t r = right->is[i];

		if (r == -2 || r == either || left[i] != -1)
			left[i] = r;
	}
}

static void
ask(const struct asking *a, const struct question *s)
{
	switch (s->ask) {
	case ASK_NULL: ask_null(a, s); break;
	case ASK_TEXT: ask_text(a, s); break;
	case ASK_TEXTS: ask_texts(a, s); break;
	case ASK_NUMBER: ask_number(a, s); break;
	case ASK_NUMBERS: ask_numbers(a, s); break;
	case ASK_MATCH: ask_match(a, s); break;
	case ASK_NOT: ask_not(a); break;
	default: ask_code(a, s);
	}
}

static void
make_room(struct expr_state *st, size_t splits)
{
	if (st->rows != NULL && splits <= st->splits)
		return;
	st->truth = mem_array(st->truth, mem_mul(splits, BATCH_RECORDS_MAX), sizeof *st->truth);
	st->rows = mem_array(st->rows, mem_mul(splits + 1, BATCH_RECORDS_MAX), sizeof *st->rows);
	st->splits = splits;
	for (size_t i = 0; i < BATCH_RECORDS_MAX; i++)
		st->rows[i] = (uint16_t)i;
}

void
expr_tests(struct expr_state *st, const struct expr *e, const struct batch *b, int8_t *is, const char **why)
{
	struct asking at[PLAN_SPLITS_MAX + 1];
	size_t d = 0;

	make_room(st, e->splits);
	at[0] = (struct asking){ st, e, b, why, st->rows, b->n, is };
	for (const struct question *s = e->plan; s < e->plan + e->n_plan; s++) {
		if (s->ask == ASK_SPLIT) {
			uint16_t *row = st->rows + (d + 1) * BATCH_RECORDS_MAX;
			size_t n = undecided(&at[d], s->negate, row);

			at[d + 1] = (struct asking){ st, e, b, why, row, n, st->truth + d * BATCH_RECORDS_MAX };
			d++;
		} else if (s->ask == ASK_JOIN) {
			join(&at[d], s->negate, at[d - 1].is);
			d--;
		} else
			ask(&at[d], s);
	}
}

void
expr_filter(struct expr_state *st, const struct expr *e, const struct batch *b)
{
	int8_t is[BATCH_RECORDS_MAX] MEM_UNFILLED;
	const char *why[BATCH_RECORDS_MAX] MEM_UNFILLED;

	expr_tests(st, e, b, is, why);
	for (size_t i = 0; i < b->n; i++) {
		if (is[i] == 1 || b->fate[i] != F_PASS)
			continue;
		if (is[i] == -2)
			batch_reject(b, i, why[i]);
		else
			b->fate[i] = F_DROP;
	}
}
