/* SPDX-License-Identifier: BSD-2-Clause */
/* cut - see cut.h */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "op/cut.h"

#define NEAR 4			/* elements of a run ahead */
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

/* The eight bytes of an element's key behind those that are alike, as a number in their order; 0 without keys. */
static uint64_t
tie(const struct cut_walk *w, const char *element)
{
	struct span key = w->cut->key == NULL ? span_of(NULL, 0) : w->cut->key(element);

	return key.n > w->alike ? span_prefix(span_from(key, w->alike)) : 0;
}

static bool
before(const struct cut_walk *w, const struct cut_rest *a, const struct cut_rest *b)
{
	return a->tie != b->tie ? a->tie < b->tie : w->cut->cmp(a->run.v, b->run.v) < 0;
}

/* Run i, which may be too large for its place, goes down. */
static void
sink(struct cut_walk *w, size_t i)
{
	struct cut_rest x = w->rest[i];

	for (size_t child; (child = 2 * i + 1) < w->n; i = child) {
		child += child + 1 < w->n && before(w, &w->rest[child + 1], &w->rest[child]);
		if (!before(w, &w->rest[child], &x))
			break;
		w->rest[i] = w->rest[child];
	}
	w->rest[i] = x;
}

/* How many bytes the keys of all runs begin with: those of their first and last elements, as each run is in order. */
static size_t
alike(const struct cut_walk *w)
{
	struct span first = w->cut->key(w->rest[0].run.v);
	size_t n = first.n;

	for (size_t k = 0; k < w->n; k++) {
		const struct cut_run *r = &w->rest[k].run;
		struct span end[2] = { w->cut->key(r->v), w->cut->key(r->v + (r->n - 1) * w->cut->size) };

		for (size_t e = 0; e < 2; e++) {
			n = end[e].n < n ? end[e].n : n;
			for (size_t i = 0; i < n; i++)
				if (end[e].p[i] != first.p[i])
					n = i;
		}
	}
	return n;
}

void
cut_begin(const struct cut *c, size_t piece, struct cut_walk *w)
{
	const size_t *from = c->at + piece * c->n_runs, *to = from + c->n_runs;

	w->cut = c;
	w->n = 0;
	for (size_t k = 0; k < c->n_runs; k++)
		if (from[k] < to[k])
			w->rest[w->n++].run = (struct cut_run){ element(c, &c->run[k], from[k]), to[k] - from[k] };
	w->alike = c->key != NULL && w->n > 0 ? alike(w) : 0;
	for (size_t k = 0; k < w->n; k++)
		w->rest[k].tie = tie(w, w->rest[k].run.v);
	for (size_t i = w->n / 2; i-- > 0;)
		sink(w, i);
}

/* The key of an element that is first in some turns is asked for. */
MEM_AHEAD void
bring_near(const struct cut_walk *w, const struct cut_run *r)
{
	if (w->cut->key != NULL && r->n > NEAR)
		__builtin_prefetch(w->cut->key(r->v + NEAR * w->cut->size).p + w->alike);
}

const void *
cut_next(struct cut_walk *w)
{
	struct cut_rest *first = &w->rest[0];
	const void *x = first->run.v;

	if (w->n == 0)
		return NULL;
	bring_near(w, &first->run);
	first->run.v += w->cut->size;
	if (--first->run.n == 0)
		*first = w->rest[--w->n];
	else
		first->tie = tie(w, first->run.v);
	sink(w, 0);
	return x;
}

void
cut_free(struct cut *c)
{
	free(c->at);
	*c = (struct cut){ 0 };
}
