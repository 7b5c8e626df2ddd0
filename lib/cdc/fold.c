/* SPDX-License-Identifier: BSD-2-Clause */
/* fold - see fold.h */
#include <stdlib.h>

#include "base/limits.h"
#include "cdc/fold.h"
#include "cdc/ord.h"
#include "cdc/spill.h"

#define COLLECT_BYTES (8 * MIB)
#define BUDGET_MIN (16 * MIB)

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
	size_t budget;
	struct spill *spill;		/* NULL: all fits */
	/* reading */
	struct map_entry *entry;
	size_t at, n_entries;
	/* a key's changes from several runs: its truncates are they */
	struct fold *one;
	struct buf key, pack;
};

struct packed {			/* a version on disk; then ord, then row */
	uint64_t seq;
	uint32_t ord_n, row_n;
	int32_t day;
	char op;
	bool partial;
};

struct fold *
fold_new(bool days, size_t budget)
{
	struct fold *f = mem_new(sizeof *f);

	f->days = days;
	f->budget = budget < BUDGET_MIN ? BUDGET_MIN : budget;
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

/* The versions of a slot, oldest first. */
static size_t
list_of(const struct fold *f, const struct slot *s, struct fold_change **out, size_t *cap)
{
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
		    .day = v->day, .seq = v->seq, .ord = ord_of(v),
		    .row = span_of(v->p + v->ord_n, v->row_n) };
	}
	return n;
}

size_t
fold_truncates(const struct fold *f, struct fold_change **v, size_t *cap)
{
	return list_of(f, &f->truncates, v, cap);
}

/* ---- on disk ---- */

static void
pack(const struct fold_change *c, struct buf *b)
{
	struct packed p;

	memset(&p, 0, sizeof p);		/* no padding of ours on disk */
	p.seq = c->seq;
	p.ord_n = (uint32_t)c->ord.n;
	p.row_n = (uint32_t)c->row.n;
	p.day = c->day;
	p.op = c->op;
	p.partial = c->partial;
	buf_add(b, (const char *)&p, sizeof p);
	buf_span_add(b, c->ord);
	buf_span_add(b, c->row);
}

/* Forget all versions; their bytes are the caller's to free. */
static struct arena
forget(struct fold *f)
{
	struct arena mem = f->mem;

	f->mem = (struct arena){ 0 };
	f->n = 0;
	f->spare = NONE;
	f->live = 0;
	f->truncates.newest = NONE;
	return mem;
}

int
fold_settle(struct fold *f)
{
	struct map_entry *e;
	size_t n = map_count(f->map), n_truncates;
	struct arena old;
	int rc = 0;

	if (fold_bytes(f) <= f->budget || n == 0)
		return 0;
	if (f->spill == NULL)
		f->spill = spill_new();
	e = map_sorted(f->map);
	for (size_t i = 0; i < n && rc == 0; i++) {
		size_t versions = list_of(f, e[i].cell, &f->list, &f->list_cap);

		buf_clear(&f->pack);
		for (size_t k = 0; k < versions; k++)
			pack(&f->list[k], &f->pack);
		rc = spill_put(f->spill, e[i].key, buf_span(&f->pack));
	}
	free(e);
	if (rc != 0 || (rc = spill_end(f->spill)) != 0)
		return rc;
	n_truncates = list_of(f, &f->truncates, &f->list, &f->list_cap);
	old = forget(f);
	for (size_t i = 0; i < n_truncates; i++)
		put(f, &f->truncates, &f->list[i]);
	arena_free(&old);
	map_free(f->map);			/* its memory goes back, map_clear would keep it */
	f->map = map_new(sizeof(struct slot));
	return 0;
}

/* ---- reading ---- */

int
fold_begin(struct fold *f)
{
	f->n_entries = map_count(f->map);
	f->entry = map_sorted(f->map);
	if (f->spill == NULL)
		return 0;
	f->one = fold_new(f->days, SIZE_MAX);
	return spill_begin(f->spill);
}

static void
unpack(struct fold *one, struct span s)
{
	while (s.n > 0) {
		struct packed p;

		memcpy(&p, s.p, sizeof p);
		s = span_from(s, sizeof p);
		put(one, &one->truncates,
		    &(struct fold_change){ .op = p.op, .partial = p.partial, .day = p.day,
		    .seq = p.seq, .ord = span_of(s.p, p.ord_n),
		    .row = span_of(s.p + p.ord_n, p.row_n) });
		s = span_from(s, (size_t)p.ord_n + p.row_n);
	}
}

int
fold_next(struct fold *f, struct span *key, const struct fold_change **v, size_t *n)
{
	bool here = f->at < f->n_entries, there;
	struct span k = { NULL, 0 };
	int order = 0;

	there = f->spill != NULL && spill_key(f->spill, &k);
	if (!there) {
		*key = here ? f->entry[f->at].key : k;
		*n = here ? list_of(f, f->entry[f->at++].cell, &f->list, &f->list_cap) : 0;
		*v = f->list;
		return 0;
	}
	if (here)
		order = span_cmp(f->entry[f->at].key, k);
	buf_clear(&f->key);
	buf_span_add(&f->key, here && order < 0 ? f->entry[f->at].key : k);
	*key = buf_span(&f->key);
	if (here && order < 0) {
		*n = list_of(f, f->entry[f->at++].cell, &f->list, &f->list_cap);
		*v = f->list;
		return 0;
	}
	f->one->n = 0;
	f->one->spare = f->one->truncates.newest = NONE;
	f->one->live = 0;
	arena_reset(&f->one->mem);
	for (size_t i = 0; i < spill_values(f->spill); i++)
		unpack(f->one, spill_value(f->spill, i));
	if (here && order == 0) {
		size_t m = list_of(f, f->entry[f->at++].cell, &f->list, &f->list_cap);

		for (size_t i = 0; i < m; i++)
			put(f->one, &f->one->truncates, &f->list[i]);
	}
	*n = list_of(f->one, &f->one->truncates, &f->one->list, &f->one->list_cap);
	*v = f->one->list;
	return spill_step(f->spill);
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
	if (f->spill != NULL)
		spill_free(f->spill);
	if (f->one != NULL)
		fold_free(f->one);
	buf_free(&f->key);
	buf_free(&f->pack);
	free(f->entry);
	free(f->v);
	free(f->list);
	free(f);
}
