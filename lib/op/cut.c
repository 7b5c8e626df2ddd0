/* SPDX-License-Identifier: BSD-2-Clause */
/* cut - see cut.h */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "op/cut.h"

#define SAMPLES 64		/* of a piece: it is longer than asked for by a 64th for each run, at most */

bool
cut_sorting(const struct cut *c)
{
	return c->n_pieces == 0;
}

void
cut_set(struct cut *c, size_t part, const void *v, size_t n)
{
	c->run[part] = (struct cut_run){ v, n };
}

static const char *
element(const struct cut *c, const struct cut_run *r, size_t i)
{
	return r->v + i * c->size;
}

/* How many elements of a run are smaller than x. */
static size_t
below(const struct cut *c, const struct cut_run *r, const void *x)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->cmp(element(c, r, mid), x) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Every step-th element of all runs, in order; *n: how many. */
static char *
sample(const struct cut *c, size_t step, size_t *n)
{
	size_t all = 0;
	char *v, *to;

	for (size_t k = 0; k < c->n_runs; k++)
		all += c->run[k].n / step;
	v = to = mem_array(NULL, all, c->size);
	for (size_t k = 0; k < c->n_runs; k++)
		for (size_t i = step; i <= c->run[k].n; i += step, to += c->size)
			memcpy(to, element(c, &c->run[k], i - 1), c->size);
	if (all > 1)
		qsort(v, all, c->size, c->cmp);
	*n = all;
	return v;
}

/* Where pieces of about that many elements begin. */
static size_t
plan(struct cut *c, size_t each)
{
	size_t all = 0, step = each / SAMPLES > 0 ? each / SAMPLES : 1, a_piece = each / step, n;
	char *v;

	for (size_t k = 0; k < c->n_runs; k++)
		all = mem_add(all, c->run[k].n);
	if (all == 0)
		return 0;
	v = sample(c, step, &n);
	c->n_pieces = n / a_piece + 1;
	c->at = mem_new(mem_mul(mem_mul(c->n_pieces + 1, c->n_runs), sizeof *c->at));
	for (size_t p = 1; p <= c->n_pieces; p++)
		for (size_t k = 0; k < c->n_runs; k++)
			c->at[p * c->n_runs + k] = p == c->n_pieces ? c->run[k].n :
			    below(c, &c->run[k], v + (p * a_piece - 1) * c->size);
	free(v);
	return c->n_pieces;
}

size_t
cut_rounds(struct cut *c, void *const *part, size_t n, size_t each)
{
	if (c->n_pieces > 0)
		return 0;
	if (c->n_runs > 0)
		return plan(c, each);
	memcpy(c->part, part, n * sizeof *part);
	return c->n_runs = n;
}

/* Run i, which may be too large for its place, goes down. */
static void
sink(struct cut_walk *w, size_t i)
{
	struct cut_run x = w->run[i];

	for (size_t child; (child = 2 * i + 1) < w->n; i = child) {
		child += child + 1 < w->n && w->cut->cmp(w->run[child + 1].v, w->run[child].v) < 0;
		if (w->cut->cmp(w->run[child].v, x.v) >= 0)
			break;
		w->run[i] = w->run[child];
	}
	w->run[i] = x;
}

void
cut_begin(const struct cut *c, size_t piece, struct cut_walk *w)
{
	const size_t *from = c->at + piece * c->n_runs, *to = from + c->n_runs;

	w->cut = c;
	w->n = 0;
	for (size_t k = 0; k < c->n_runs; k++)
		if (from[k] < to[k])
			w->run[w->n++] = (struct cut_run){ element(c, &c->run[k], from[k]), to[k] - from[k] };
	for (size_t i = w->n / 2; i-- > 0;)
		sink(w, i);
}

const void *
cut_next(struct cut_walk *w)
{
	const void *x = w->run[0].v;

	if (w->n == 0)
		return NULL;
	w->run[0].v += w->cut->size;
	if (--w->run[0].n == 0)
		w->run[0] = w->run[--w->n];
	sink(w, 0);
	return x;
}

void
cut_free(struct cut *c)
{
	free(c->at);
	*c = (struct cut){ 0 };
}
