/* SPDX-License-Identifier: BSD-2-Clause */
/* fold - see fold.h */
#include <stdlib.h>

#include "base/limits.h"
#include "cdc/fold.h"
#include "cdc/ord.h"

#define COLLECT_BYTES (8 * MIB)

struct version {
	char *p;		/* ord, then row */
	uint64_t seq;
	uint32_t ord_n, row_n;
	int32_t day;
	uint32_t older;		/* index of the next older one of its key, or NONE */
	char op;
	bool partial;
};

struct slot { uint32_t newest; };

#define NONE UINT32_MAX

struct fold {
	bool days;
	struct map *map;
	struct slot truncates;
	struct version *v;
	size_t n, cap;
	uint32_t spare;			/* list of versions to use again */
	struct arena mem;
	size_t live;			/* bytes of mem that are still read */
	uint64_t mixed;
	struct fold_change *list;
	size_t list_cap;
};

struct fold *
fold_new(bool days)
{
	struct fold *f = mem_new(sizeof *f);

	f->days = days;
	f->map = map_new(sizeof(struct slot));
	f->spare = NONE;
	f->truncates.newest = NONE;
	return f;
}

static struct span
ord_of(const struct version *v)
{
	return span_of(v->p, v->ord_n);
}

static uint32_t
take(struct fold *f)
{
	uint32_t i = f->spare;

	if (i != NONE) {
		f->spare = f->v[i].older;
		return i;
	}
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 1024 : mem_mul(f->cap, 2);
		f->v = mem_array(f->v, f->cap, sizeof *f->v);
	}
	return (uint32_t)f->n++;
}

static void
give_back(struct fold *f, uint32_t i)
{
	struct version *v = &f->v[i];

	f->live -= (size_t)v->ord_n + v->row_n;
	v->p = NULL;
	v->older = f->spare;
	f->spare = i;
}

/* Copy what is still read into a new arena once the hidden bytes are as many. */
static void
collect(struct fold *f)
{
	struct arena fresh = { 0 };

	if (f->mem.bytes < COLLECT_BYTES || f->mem.bytes / 2 < f->live)
		return;
	for (size_t i = 0; i < f->n; i++) {
		struct version *v = &f->v[i];

		if (v->p != NULL)
			v->p = arena_dup(&fresh, span_of(v->p, (size_t)v->ord_n + v->row_n));
	}
	arena_free(&f->mem);
	f->mem = fresh;
}

/* Does x come behind the change? Equal ords: the later in the input counts as newer. */
static bool
newer(const struct version *x, const struct fold_change *c)
{
	int order = span_cmp(ord_of(x), c->ord);

	return order > 0 || (order == 0 && x->seq > c->seq);
}

static void
put(struct fold *f, struct slot *s, const struct fold_change *c)
{
	uint32_t *at = &s->newest, i, holder = NONE;
	struct version *v;

	for (; *at != NONE && newer(&f->v[*at], c); at = &f->v[holder].older) {
		if (!f->v[*at].partial && f->v[*at].day == c->day)
			return;			/* hidden already */
		holder = *at;
	}
	/* the same change again: its other copy goes, or partial ones would pile up */
	if (*at != NONE && f->v[*at].day == c->day && span_eq(ord_of(&f->v[*at]), c->ord)) {
		i = *at;
		*at = f->v[i].older;
		give_back(f, i);
	}
	if (!c->partial) {
		uint32_t *older = at;

		while (*older != NONE) {
			i = *older;
			if (f->v[i].day != c->day) {
				older = &f->v[i].older;
				continue;
			}
			*older = f->v[i].older;
			give_back(f, i);
		}
	}
	i = take(f);			/* may move the versions */
	v = &f->v[i];
	at = holder == NONE ? &s->newest : &f->v[holder].older;
	*v = (struct version){ .older = *at, .p = arena_get(&f->mem, mem_add(c->ord.n, c->row.n)) };
	*at = i;
	memcpy(v->p, c->ord.p, c->ord.n);
	if (c->row.n > 0)
		memcpy(v->p + c->ord.n, c->row.p, c->row.n);
	v->seq = c->seq;
	v->ord_n = (uint32_t)c->ord.n;
	v->row_n = (uint32_t)c->row.n;
	v->day = c->day;
	v->op = c->op;
	v->partial = c->partial;
	f->live += c->ord.n + c->row.n;
	collect(f);
}

void
fold_put(struct fold *f, struct span key, const struct fold_change *c)
{
	bool fresh;
	struct slot *s = map_put(f->map, key, &fresh);

	if (fresh)
		s->newest = NONE;
	else if (!ord_comparable(ord_of(&f->v[s->newest]), c->ord))
		f->mixed++;
	put(f, s, c);
}

void
fold_truncate(struct fold *f, const struct fold_change *c)
{
	put(f, &f->truncates, c);
}

struct map *
fold_keys(const struct fold *f)
{
	return f->map;
}

size_t
fold_list_into(const struct fold *f, const void *cell, struct fold_change **out, size_t *cap)
{
	const struct slot *s = cell == NULL ? &f->truncates : cell;
	size_t n = 0, k = 0;

	for (uint32_t i = s->newest; i != NONE; i = f->v[i].older)
		n++;
	if (n > *cap) {
		*cap = mem_mul(n, 2);
		*out = mem_array(*out, *cap, sizeof **out);
	}
	for (uint32_t i = s->newest; i != NONE; i = f->v[i].older) {
		const struct version *v = &f->v[i];

		(*out)[n - 1 - k++] = (struct fold_change){ .op = v->op, .partial = v->partial,
		    .day = v->day, .seq = v->seq,
		    .ord = ord_of(v), .row = span_of(v->p + v->ord_n, v->row_n) };
	}
	return n;
}

size_t
fold_list(struct fold *f, const void *cell, const struct fold_change **v)
{
	size_t n = fold_list_into(f, cell, &f->list, &f->list_cap);

	*v = f->list;
	return n;
}

uint64_t
fold_mixed(const struct fold *f)
{
	return f->mixed;
}

size_t
fold_bytes(const struct fold *f)
{
	return map_bytes(f->map) + f->mem.bytes + f->cap * sizeof *f->v;
}

void
fold_free(struct fold *f)
{
	map_free(f->map);
	arena_free(&f->mem);
	free(f->v);
	free(f->list);
	free(f);
}
