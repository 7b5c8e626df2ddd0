/* SPDX-License-Identifier: BSD-2-Clause */
/* columns - see columns.h */
#include <stdlib.h>

#include "expr/columns.h"

int
columns_add(struct columns *cs, const struct expr *value, const struct expr *cond)
{
	if (value != NULL && cond == NULL && expr_column(value) != -1)
		return expr_column(value);
	cs->c = mem_array(cs->c, cs->n + 1, sizeof *cs->c);
	cs->c[cs->n] =
	    (struct column){ value, cond, mem_new(BATCH_RECORDS_MAX * sizeof(struct val)) };
	cs->n++;
	cs->is = mem_array(cs->is, BATCH_RECORDS_MAX, sizeof *cs->is);
	cs->why = mem_array(cs->why, BATCH_RECORDS_MAX, sizeof *cs->why);
	cs->col = mem_array(cs->col, PATHS_MAX + cs->n, sizeof *cs->col);
	cs->made = mem_array(cs->made, mem_mul(cs->n, BATCH_RECORDS_MAX), sizeof *cs->made);
	return PATHS_MAX + (int)cs->n - 1;
}

void
columns_fork(struct columns *cs)
{
	const struct columns from = *cs;

	*cs = (struct columns){ 0 };
	for (size_t k = 0; k < from.n; k++)
		columns_add(cs, from.c[k].value, from.c[k].cond);
}

/*
 * One value. Text made for it goes behind cs->text: its place is known only when that grows no
 * more.
 */
static const char *
compute(struct columns *cs, struct expr_state *xs, const struct batch *b, const struct column *c,
    size_t i, uint32_t *made)
{
	struct xval x;
	const char *why;
	size_t from = cs->text.n;

	*made = 0;
	c->v[i] = (struct val){ 0 };
	if (c->cond != NULL && cs->is[i] != 1)
		return cs->is[i] == -2 ? cs->why[i] : NULL;
	if (c->value == NULL) {
		c->v[i] = val_make(T_TRUE, span_str("true"));
		return NULL;
	}
	if (expr_column(c->value) != -1) {
		c->v[i] = b->col[expr_column(c->value)][i];
		return NULL;
	}
	if ((why = expr_eval(xs, c->value, b, i, &x)) != NULL || x.tag == X_NULL)
		return why;
	if (x.raw.p != NULL) {
		c->v[i] = val_of(x.raw);
		return NULL;
	}
	expr_print(&x, &cs->text);
	if (cs->text.n - from > UINT32_MAX)
		return "a computed value over 4 GiB";
	*made = (uint32_t)(cs->text.n - from);
	return NULL;
}

const struct batch *
columns_batch(struct columns *cs, struct expr_state *xs, const struct batch *b, size_t n_paths)
{
	const char *why;
	size_t at = 0;

	if (cs->n == 0)
		return b;
	buf_clear(&cs->text);
	for (size_t k = 0; k < cs->n; k++) {
		if (cs->c[k].cond != NULL)
			expr_tests(xs, cs->c[k].cond, b, cs->is, cs->why);
		for (size_t i = 0; i < b->n; i++) {
			uint32_t *made = &cs->made[k * BATCH_RECORDS_MAX + i];

			*made = 0;
			if (b->fate[i] == F_PASS &&
			    (why = compute(cs, xs, b, &cs->c[k], i, made)) != NULL)
				batch_reject(b, i, why);
		}
	}
	for (size_t k = 0; k < cs->n; k++) {
		for (size_t i = 0; i < b->n; i++) {
			uint32_t n = cs->made[k * BATCH_RECORDS_MAX + i];

			if (n > 0)
				cs->c[k].v[i] = val_of(span_of(cs->text.p + at, n));
			at += n;
		}
		cs->col[PATHS_MAX + k] = cs->c[k].v;
	}
	for (size_t k = 0; k < n_paths; k++)
		cs->col[k] = b->col[k];
	cs->view = *b;
	cs->view.col = cs->col;
	return &cs->view;
}

void
columns_free(struct columns *cs)
{
	for (size_t k = 0; k < cs->n; k++)
		free(cs->c[k].v);
	free(cs->c);
	free(cs->col);
	free(cs->made);
	free(cs->is);
	free(cs->why);
	buf_free(&cs->text);
	*cs = (struct columns){ 0 };
}
