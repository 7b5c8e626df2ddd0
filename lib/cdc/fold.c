/* SPDX-License-Identifier: BSD-2-Clause */
/* fold - see fold.h */
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "cdc/fold.h"
#include "cdc/keytab.h"
#include "cdc/ord.h"
#include "cdc/spill.h"

#define COLLECT_BYTES (8 * MIB)
#define ROUND ((size_t)16)
#define NEAR_BYTES_MAX 1024
#define BUDGET_MIN (16 * MIB)

struct version {
	char *p;		/* ord, then row; of cap bytes, which it keeps until it is used again */
	uint64_t seq;
	uint32_t ord_n, row_n;
	size_t cap;
	int32_t day;
	uint32_t older;		/* index of the next older one of its key, or NONE */
	char op;		/* 0: it is spare */
	bool partial;
};

#define NONE UINT32_MAX
/* of so many changes ahead the slot, the key, the newest version and its bytes are brought near */
#define NEAR_SLOT 24
#define NEAR_KEY 18
#define NEAR_VERSION 12
#define NEAR_BYTES 6
/* and of so many keys ahead when they are read in order */
#define NEAR_READ 8

struct fold {
	bool days;
	struct keytab *keys;		/* cell: the newest version plus 1, so that a fresh one has none */
	uint32_t truncates;		/* the same */
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
	uint32_t *order;		/* keys of the table by name */
	size_t at, n_keys;
	uint64_t *hash;			/* of the changes that are put at once */
	size_t hash_cap;
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
	f->keys = keytab_new();
	f->spare = NONE;
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
	f->v[f->n] = (struct version){ 0 };
	return (uint32_t)f->n++;
}

static void
give_back(struct fold *f, uint32_t i)
{
	struct version *v = &f->v[i];

	f->live -= v->cap;
	v->op = 0;
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

		if (v->op != 0) {
			char *p = arena_get(&fresh, v->cap);

			memcpy(p, v->p, (size_t)v->ord_n + v->row_n);
			v->p = p;
		} else {
			v->p = NULL;
			v->cap = 0;
		}
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

/* Have a spare version hold the change's bytes: where it has room for them, in its own. */
static struct version *
hold(struct fold *f, uint32_t i, const struct fold_change *c)
{
	struct version *v = &f->v[i];
	size_t need = (mem_add(c->ord.n, c->row.n) + ROUND - 1) & ~(size_t)(ROUND - 1);

	if (v->p == NULL || v->cap < need || v->cap / 4 > need) {
		v->p = arena_get(&f->mem, need);
		v->cap = need;
	}
	memcpy(v->p, c->ord.p, c->ord.n);
	if (c->row.n > 0)
		memcpy(v->p + c->ord.n, c->row.p, c->row.n);
	v->seq = c->seq;
	v->ord_n = (uint32_t)c->ord.n;
	v->row_n = (uint32_t)c->row.n;
	v->day = c->day;
	v->op = c->op;
	v->partial = c->partial;
	f->live += v->cap;
	return v;
}

/* newest: the newest version, or NONE; returns what it is now. */
static uint32_t
put(struct fold *f, uint32_t newest, const struct fold_change *c)
{
	uint32_t *at = &newest, i, holder = NONE;
	struct version *v;

	for (; *at != NONE && newer(&f->v[*at], c); at = &f->v[holder].older) {
		if (!f->v[*at].partial && f->v[*at].day == c->day)
			return newest;		/* hidden already */
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
	v = hold(f, i, c);
	at = holder == NONE ? &newest : &f->v[holder].older;
	v->older = *at;
	*at = i;
	collect(f);
	return newest;
}

static void
put_hashed(struct fold *f, uint64_t hash, struct span key, const struct fold_change *c)
{
	bool fresh;
	uint32_t i = keytab_put(f->keys, hash, key, &fresh), *cell = keytab_cell(f->keys, i);

	if (!fresh && !ord_comparable(ord_of(&f->v[*cell - 1]), c->ord))
		f->mixed++;
	*cell = put(f, *cell - 1, c) + 1;
}

void
fold_put(struct fold *f, struct span key, const struct fold_change *c)
{
	put_hashed(f, hash_mem(key), key, c);
}

/* The newest version of a key that was brought near, or NULL. */
static const struct version *
newest_of(const struct fold *f, uint64_t hash)
{
	const uint32_t *cell = keytab_nearer(f->keys, hash);

	return cell == NULL ? NULL : &f->v[*cell - 1];
}

void
fold_put_all(struct fold *f, const struct fold_keyed *k, size_t n)
{
	const struct version *v;

	if (n > f->hash_cap) {
		f->hash_cap = n;
		f->hash = mem_array(f->hash, n, sizeof *f->hash);
	}
	for (size_t i = 0; i < n; i++)
		f->hash[i] = hash_mem(k[i].key);
	for (size_t i = 0; i < n; i++) {
		if (i + NEAR_SLOT < n)
			keytab_near(f->keys, f->hash[i + NEAR_SLOT]);
		if (i + NEAR_KEY < n)
			(void)keytab_nearer(f->keys, f->hash[i + NEAR_KEY]);
		if (i + NEAR_VERSION < n && (v = newest_of(f, f->hash[i + NEAR_VERSION])) != NULL)
			__builtin_prefetch(v);
		if (i + NEAR_BYTES < n && (v = newest_of(f, f->hash[i + NEAR_BYTES])) != NULL)
			__builtin_prefetch(v->p);
		put_hashed(f, f->hash[i], k[i].key, &k[i].change);
	}
}

void
fold_truncate(struct fold *f, const struct fold_change *c)
{
	f->truncates = put(f, f->truncates - 1, c) + 1;
}

/* The versions of a cell, oldest first. */
static size_t
list_of(const struct fold *f, uint32_t cell, struct fold_change **out, size_t *cap)
{
	size_t n = 0, k = 0;

	for (uint32_t i = cell - 1; i != NONE; i = f->v[i].older)
		n++;
	if (n > *cap) {
		*cap = mem_mul(n, 2);
		*out = mem_array(*out, *cap, sizeof **out);
	}
	for (uint32_t i = cell - 1; i != NONE; i = f->v[i].older) {
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
	return list_of(f, f->truncates, v, cap);
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
	f->truncates = 0;
	return mem;
}

int
fold_settle(struct fold *f)
{
	size_t n = keytab_count(f->keys), n_truncates;
	uint32_t *order;
	struct arena old;
	int rc = 0;

	if (fold_bytes(f) <= f->budget || n == 0)
		return 0;
	if (f->spill == NULL)
		f->spill = spill_new();
	order = keytab_sorted(f->keys);
	for (size_t i = 0; i < n && rc == 0; i++) {
		size_t versions = list_of(f, *keytab_cell(f->keys, order[i]), &f->list, &f->list_cap);

		buf_clear(&f->pack);
		for (size_t k = 0; k < versions; k++)
			pack(&f->list[k], &f->pack);
		rc = spill_put(f->spill, keytab_key(f->keys, order[i]), buf_span(&f->pack));
	}
	free(order);
	if (rc != 0 || (rc = spill_end(f->spill)) != 0)
		return rc;
	n_truncates = list_of(f, f->truncates, &f->list, &f->list_cap);
	old = forget(f);
	for (size_t i = 0; i < n_truncates; i++)
		fold_truncate(f, &f->list[i]);
	arena_free(&old);
	keytab_free(f->keys);
	f->keys = keytab_new();
	return 0;
}

/* ---- reading ---- */

int
fold_begin(struct fold *f)
{
	f->n_keys = keytab_count(f->keys);
	f->order = keytab_sorted(f->keys);
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
		fold_truncate(one,
		    &(struct fold_change){ .op = p.op, .partial = p.partial, .day = p.day,
		    .seq = p.seq, .ord = span_of(s.p, p.ord_n),
		    .row = span_of(s.p + p.ord_n, p.row_n) });
		s = span_from(s, (size_t)p.ord_n + p.row_n);
	}
}

/* The key of the table that is next in order, and its changes; those behind it are brought near. */
static struct span
next_key(struct fold *f)
{
	size_t near = f->at + NEAR_READ, nearer = f->at + NEAR_READ / 2;

	if (near < f->n_keys)
		__builtin_prefetch(&f->v[*keytab_cell(f->keys, f->order[near]) - 1]);
	if (nearer < f->n_keys) {
		const struct version *v = &f->v[*keytab_cell(f->keys, f->order[nearer]) - 1];

		for (size_t i = 0; i < v->cap && i < NEAR_BYTES_MAX; i += 64)
			__builtin_prefetch(v->p + i);
	}
	return keytab_key(f->keys, f->order[f->at]);
}

static size_t
next_list(struct fold *f)
{
	return list_of(f, *keytab_cell(f->keys, f->order[f->at++]), &f->list, &f->list_cap);
}

int
fold_next(struct fold *f, struct span *key, const struct fold_change **v, size_t *n)
{
	bool here = f->at < f->n_keys, there;
	struct span k = { NULL, 0 }, own = { NULL, 0 };
	int order = 0;

	there = f->spill != NULL && spill_key(f->spill, &k);
	if (here)
		own = next_key(f);
	if (!there) {
		*key = own;
		*n = here ? next_list(f) : 0;
		*v = f->list;
		return 0;
	}
	if (here)
		order = span_cmp(own, k);
	buf_clear(&f->key);
	buf_span_add(&f->key, here && order < 0 ? own : k);
	*key = buf_span(&f->key);
	if (here && order < 0) {
		*n = next_list(f);
		*v = f->list;
		return 0;
	}
	arena_reset(&f->one->mem);
	f->one->n = 0;
	f->one->spare = NONE;
	f->one->truncates = 0;
	f->one->live = 0;
	for (size_t i = 0; i < spill_values(f->spill); i++)
		unpack(f->one, spill_value(f->spill, i));
	if (here && order == 0) {
		size_t m = next_list(f);

		for (size_t i = 0; i < m; i++)
			fold_truncate(f->one, &f->list[i]);
	}
	*n = list_of(f->one, f->one->truncates, &f->one->list, &f->one->list_cap);
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
	return keytab_bytes(f->keys) + f->mem.bytes + f->cap * sizeof *f->v;
}

void
fold_free(struct fold *f)
{
	keytab_free(f->keys);
	arena_free(&f->mem);
	if (f->spill != NULL)
		spill_free(f->spill);
	if (f->one != NULL)
		fold_free(f->one);
	buf_free(&f->key);
	buf_free(&f->pack);
	free(f->order);
	free(f->hash);
	free(f->v);
	free(f->list);
	free(f);
}
