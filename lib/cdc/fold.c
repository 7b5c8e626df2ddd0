/* SPDX-License-Identifier: BSD-2-Clause */
/* fold - see fold.h */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "cdc/fold.h"
#include "cdc/keytab.h"
#include "cdc/ord.h"
#include "cdc/spill.h"

#define PARTS 8
#define COLLECT_BYTES (MIB / 2)
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
	uint32_t kind;		/* of the newest: the kind of its key's ords (ord_kind), or MIXED */
	char op;		/* 0: it is spare */
	bool partial;
};

#define NONE UINT32_MAX
#define MIXED 2			/* no kind: those are odd, or 0 */
/* of so many changes ahead the slot, the key, the newest version and its bytes are brought near */
#define NEAR_SLOT 24
#define NEAR_KEY 18
#define NEAR_VERSION 12
#define NEAR_BYTES 6
/* and of so many keys ahead when they are read in order */
#define NEAR_READ 8

/* The keys whose hash has one number in its low bits. */
struct part {
	pthread_mutex_t lock;
	struct keytab *keys;		/* cell: the newest version plus 1, so that a fresh one has none */
	struct version *v;
	size_t n, cap;
	uint32_t spare;			/* list of versions to use again */
	struct arena mem;
	size_t given, live;		/* bytes of mem that were handed out; those that are still read */
	size_t bytes;			/* of all, as they were counted last */
};

struct fold {
	bool days;
	struct part part[PARTS];
	struct part all;		/* what is met by every key: no key of its own */
	uint32_t truncates;		/* its newest plus 1 */
	_Atomic size_t bytes;		/* of the parts */
	size_t budget;
	struct spill *spill;		/* NULL: all fits; written with all parts locked */
	/* reading */
	struct keytab_place *order;	/* keys of the tables by name */
	size_t at, n_keys;
	uint64_t mixed;
	struct fold_change *list;
	size_t list_cap;
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

static void
part_begin(struct part *t)
{
	t->keys = keytab_new();
	t->spare = NONE;
	t->mem = (struct arena){ .large = true };
}

struct fold *
fold_new(bool days, size_t budget)
{
	struct fold *f = mem_new(sizeof *f);

	f->days = days;
	f->budget = budget < BUDGET_MIN ? BUDGET_MIN : budget;
	for (size_t i = 0; i < PARTS; i++) {
		pthread_mutex_init(&f->part[i].lock, NULL);
		part_begin(&f->part[i]);
	}
	pthread_mutex_init(&f->all.lock, NULL);
	f->all.spare = NONE;
	return f;
}

static struct span
ord_of(const struct version *v)
{
	return span_of(v->p, v->ord_n);
}

static uint32_t
take(struct part *t)
{
	uint32_t i = t->spare;

	if (i != NONE) {
		t->spare = t->v[i].older;
		return i;
	}
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 1024 : mem_mul(t->cap, 2);
		t->v = mem_array(t->v, t->cap, sizeof *t->v);
	}
	t->v[t->n] = (struct version){ 0 };
	return (uint32_t)t->n++;
}

static void
give_back(struct part *t, uint32_t i)
{
	struct version *v = &t->v[i];

	t->live -= v->cap;
	v->op = 0;
	v->older = t->spare;
	t->spare = i;
}

/* Copy what is still read into a new arena once the hidden bytes are as many. */
static void
collect(struct part *t)
{
	struct arena fresh = { .large = true };

	if (t->given < COLLECT_BYTES || t->given / 2 < t->live)
		return;
	for (size_t i = 0; i < t->n; i++) {
		struct version *v = &t->v[i];

		if (v->op != 0) {
			char *p = arena_get(&fresh, v->cap);

			memcpy(p, v->p, (size_t)v->ord_n + v->row_n);
			v->p = p;
		} else {
			v->p = NULL;
			v->cap = 0;
		}
	}
	arena_free(&t->mem);
	t->mem = fresh;
	t->given = t->live;
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
hold(struct part *t, uint32_t i, const struct fold_change *c)
{
	struct version *v = &t->v[i];
	size_t need = (mem_add(c->ord.n, c->row.n) + ROUND - 1) & ~(size_t)(ROUND - 1);

	if (v->p == NULL || v->cap < need || v->cap / 4 > need) {
		v->p = arena_get(&t->mem, need);
		v->cap = need;
		t->given += need;
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
	t->live += v->cap;
	return v;
}

/* newest: the newest version, or NONE; returns what it is now. */
static uint32_t
put(struct part *t, uint32_t newest, const struct fold_change *c)
{
	uint32_t *at = &newest, i, holder = NONE;
	struct version *v;

	for (; *at != NONE && newer(&t->v[*at], c); at = &t->v[holder].older) {
		if (!t->v[*at].partial && t->v[*at].day == c->day)
			return newest;		/* hidden already */
		holder = *at;
	}
	/* the same change again: its other copy goes, or partial ones would pile up */
	if (*at != NONE && t->v[*at].day == c->day && span_eq(ord_of(&t->v[*at]), c->ord)) {
		i = *at;
		*at = t->v[i].older;
		give_back(t, i);
	}
	if (!c->partial) {
		uint32_t *older = at;

		while (*older != NONE) {
			i = *older;
			if (t->v[i].day != c->day) {
				older = &t->v[i].older;
				continue;
			}
			*older = t->v[i].older;
			give_back(t, i);
		}
	}
	i = take(t);			/* may move the versions */
	v = hold(t, i, c);
	at = holder == NONE ? &newest : &t->v[holder].older;
	v->older = *at;
	*at = i;
	collect(t);
	return newest;
}

static uint32_t
kinds_join(uint32_t a, uint32_t b)
{
	return a == 0 ? b : b == 0 || a == b ? a : MIXED;
}

static void
put_hashed(struct part *t, uint64_t hash, struct span key, const struct fold_change *c)
{
	bool fresh;
	uint32_t i = keytab_put(t->keys, hash, key, &fresh), *cell = keytab_cell(t->keys, i);
	uint32_t kind = ord_kind(c->ord);

	if (!fresh)
		kind = kinds_join(t->v[*cell - 1].kind, kind);
	*cell = put(t, *cell - 1, c) + 1;
	t->v[*cell - 1].kind = kind;
}

static struct part *
part_of(struct fold *f, uint64_t hash)
{
	return &f->part[hash % PARTS];		/* the tables use the upper bits */
}

/* What the part has become, added to the sum. With its lock. */
static void
count(struct fold *f, struct part *t)
{
	size_t now = keytab_bytes(t->keys) + t->mem.bytes + t->cap * sizeof *t->v;

	atomic_fetch_add_explicit(&f->bytes, now - t->bytes, memory_order_relaxed);
	t->bytes = now;
}

void
fold_put(struct fold *f, struct span key, const struct fold_change *c)
{
	uint64_t hash = hash_mem(key);
	struct part *t = part_of(f, hash);

	pthread_mutex_lock(&t->lock);
	put_hashed(t, hash, key, c);
	count(f, t);
	pthread_mutex_unlock(&t->lock);
}

/* The newest version of a key that was brought near, or NULL. */
static const struct version *
newest_of(const struct part *t, uint64_t hash)
{
	const uint32_t *cell = keytab_nearer(t->keys, hash);

	return cell == NULL ? NULL : &t->v[*cell - 1];
}

/*
 * Those of the changes that are of one part: at[0..n) are their numbers.  With its lock.  What a change needs is
 * brought near in steps, each some changes before the next, so the first ones begin before there is one to put.
 */
static void
put_part(struct part *t, const struct fold_hand *h, const struct fold_keyed *k, const uint32_t *at, size_t n)
{
	const struct version *v;

	for (size_t step = 0; step < n + NEAR_SLOT; step++) {
		size_t i = step - NEAR_SLOT;		/* may be far beyond n: below 0 */

		if (step < n)
			keytab_near(t->keys, h->hash[at[step]]);
		if (i + NEAR_KEY < n)
			(void)keytab_nearer(t->keys, h->hash[at[i + NEAR_KEY]]);
		if (i + NEAR_VERSION < n && (v = newest_of(t, h->hash[at[i + NEAR_VERSION]])) != NULL)
			__builtin_prefetch(v);
		if (i + NEAR_BYTES < n && (v = newest_of(t, h->hash[at[i + NEAR_BYTES]])) != NULL)
			__builtin_prefetch(v->p);
		if (i < n)
			put_hashed(t, h->hash[at[i]], k[at[i]].key, &k[at[i]].change);
	}
}

/* Hashes, and the numbers of the changes by part: those of part i begin at from[i]. */
static void
deal(struct fold_hand *h, const struct fold_keyed *k, size_t n, size_t from[PARTS + 1])
{
	size_t next[PARTS];

	if (n > h->cap) {
		h->cap = n;
		h->hash = mem_array(h->hash, n, sizeof *h->hash);
		h->order = mem_array(h->order, n, sizeof *h->order);
	}
	memset(from, 0, (PARTS + 1) * sizeof *from);
	for (size_t i = 0; i < n; i++) {
		h->hash[i] = hash_mem(k[i].key);
		from[h->hash[i] % PARTS + 1]++;
	}
	for (size_t i = 0; i < PARTS; i++) {
		from[i + 1] += from[i];
		next[i] = from[i];
	}
	for (size_t i = 0; i < n; i++)
		h->order[next[h->hash[i] % PARTS]++] = (uint32_t)i;
}

void
fold_put_all(struct fold *f, struct fold_hand *h, const struct fold_keyed *k, size_t n)
{
	size_t from[PARTS + 1];
	bool done[PARTS] = { false };

	deal(h, k, n, from);
	/* first those that no other thread is at */
	for (int wait = 0; wait < 2; wait++) {
		for (size_t x = 0; x < PARTS; x++) {
			size_t i = (h->begin + x) % PARTS;
			struct part *t = &f->part[i];

			if (done[i] || from[i] == from[i + 1])
				continue;
			if (wait == 1)
				pthread_mutex_lock(&t->lock);
			else if (pthread_mutex_trylock(&t->lock) != 0)
				continue;
			put_part(t, h, k, h->order + from[i], from[i + 1] - from[i]);
			count(f, t);
			pthread_mutex_unlock(&t->lock);
			done[i] = true;
		}
	}
	h->begin++;
}

void
fold_hand_free(struct fold_hand *h)
{
	free(h->hash);
	free(h->order);
}

void
fold_truncate(struct fold *f, const struct fold_change *c)
{
	pthread_mutex_lock(&f->all.lock);
	f->truncates = put(&f->all, f->truncates - 1, c) + 1;
	pthread_mutex_unlock(&f->all.lock);
}

/* The versions of a cell, oldest first. */
static size_t
list_of(const struct part *t, uint32_t cell, struct fold_change **out, size_t *cap)
{
	size_t n = 0, k = 0;

	for (uint32_t i = cell - 1; i != NONE; i = t->v[i].older)
		n++;
	if (n > *cap) {
		*cap = mem_mul(n, 2);
		*out = mem_array(*out, *cap, sizeof **out);
	}
	for (uint32_t i = cell - 1; i != NONE; i = t->v[i].older) {
		const struct version *v = &t->v[i];

		(*out)[n - 1 - k++] = (struct fold_change){ .op = v->op, .partial = v->partial,
		    .day = v->day, .seq = v->seq, .ord = ord_of(v),
		    .row = span_of(v->p + v->ord_n, v->row_n) };
	}
	return n;
}

size_t
fold_truncates(const struct fold *f, struct fold_change **v, size_t *cap)
{
	return list_of(&f->all, f->truncates, v, cap);
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

/* All keys and changes of the parts are forgotten. */
static void
forget(struct fold *f)
{
	for (size_t i = 0; i < PARTS; i++) {
		struct part *t = &f->part[i];

		keytab_free(t->keys);
		arena_free(&t->mem);
		free(t->v);
		t->v = NULL;
		t->n = t->cap = t->given = t->live = 0;
		part_begin(t);
		count(f, t);
	}
}

static struct keytab_place *
sorted(const struct fold *f, size_t *n)
{
	const struct keytab *keys[PARTS];

	for (size_t i = 0; i < PARTS; i++)
		keys[i] = f->part[i].keys;
	return keytab_sorted(keys, PARTS, n);
}

static uint32_t
cell_of(const struct fold *f, struct keytab_place at)
{
	return *keytab_cell(f->part[at.table].keys, at.i);
}

static struct span
key_of(const struct fold *f, struct keytab_place at)
{
	return keytab_key(f->part[at.table].keys, at.i);
}

static const struct version *
version_of(const struct fold *f, struct keytab_place at)
{
	return &f->part[at.table].v[cell_of(f, at) - 1];
}

/* All of it to a run on disk. With all locks. */
static int
shed(struct fold *f)
{
	size_t n;
	struct keytab_place *order = sorted(f, &n);
	int rc = 0;

	if (f->spill == NULL)
		f->spill = spill_new();
	for (size_t i = 0; i < n && rc == 0; i++) {
		size_t versions = list_of(&f->part[order[i].table], cell_of(f, order[i]), &f->list, &f->list_cap);
		uint32_t kind = version_of(f, order[i])->kind;

		buf_clear(&f->pack);
		buf_add(&f->pack, (const char *)&kind, sizeof kind);
		for (size_t k = 0; k < versions; k++)
			pack(&f->list[k], &f->pack);
		rc = spill_put(f->spill, key_of(f, order[i]), buf_span(&f->pack));
	}
	free(order);
	if (rc == 0)
		rc = spill_end(f->spill);
	forget(f);
	return rc;
}

int
fold_settle(struct fold *f)
{
	int rc = 0;

	if (fold_bytes(f) <= f->budget)
		return 0;
	/* who holds a part waits for no other, so this comes to its end */
	for (size_t i = 0; i < PARTS; i++)
		pthread_mutex_lock(&f->part[i].lock);
	if (fold_bytes(f) > f->budget)		/* no other thread did it meanwhile */
		rc = shed(f);
	for (size_t i = 0; i < PARTS; i++)
		pthread_mutex_unlock(&f->part[i].lock);
	return rc;
}

/* ---- reading ---- */

int
fold_begin(struct fold *f)
{
	f->order = sorted(f, &f->n_keys);
	if (f->spill == NULL)
		return 0;
	f->one = fold_new(f->days, SIZE_MAX);
	return spill_begin(f->spill);
}

static void
unpack(struct fold *one, struct span s, uint32_t *kinds)
{
	uint32_t kind;

	memcpy(&kind, s.p, sizeof kind);
	*kinds = kinds_join(*kinds, kind);
	s = span_from(s, sizeof kind);
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
		__builtin_prefetch(version_of(f, f->order[near]));
	if (nearer < f->n_keys) {
		const struct version *v = version_of(f, f->order[nearer]);

		for (size_t i = 0; i < v->cap && i < NEAR_BYTES_MAX; i += 64)
			__builtin_prefetch(v->p + i);
	}
	return key_of(f, f->order[f->at]);
}

static size_t
next_list(struct fold *f, uint32_t *kinds)
{
	struct keytab_place at = f->order[f->at++];

	*kinds = kinds_join(*kinds, version_of(f, at)->kind);
	return list_of(&f->part[at.table], cell_of(f, at), &f->list, &f->list_cap);
}

/* The key at hand is on disk, and in memory too or not. */
static void
gather(struct fold *f, bool here, uint32_t *kinds)
{
	struct part *t = &f->one->all;
	size_t m;

	arena_reset(&t->mem);
	t->n = t->given = t->live = 0;
	t->spare = NONE;
	f->one->truncates = 0;
	for (size_t i = 0; i < spill_values(f->spill); i++)
		unpack(f->one, spill_value(f->spill, i), kinds);
	m = here ? next_list(f, kinds) : 0;
	for (size_t i = 0; i < m; i++)
		fold_truncate(f->one, &f->list[i]);
}

int
fold_next(struct fold *f, struct span *key, const struct fold_change **v, size_t *n)
{
	bool here = f->at < f->n_keys, there;
	struct span k = { NULL, 0 }, own = { NULL, 0 };
	uint32_t kinds = 0;
	int order, rc = 0;

	there = f->spill != NULL && spill_key(f->spill, &k);
	if (here)
		own = next_key(f);
	order = !there ? -1 : here ? span_cmp(own, k) : 1;
	if (order < 0) {
		*key = own;
		*n = here ? next_list(f, &kinds) : 0;
		*v = f->list;
	} else {
		buf_clear(&f->key);
		buf_span_add(&f->key, k);
		*key = buf_span(&f->key);
		gather(f, order == 0, &kinds);
		*n = list_of(&f->one->all, f->one->truncates, &f->one->list, &f->one->list_cap);
		*v = f->one->list;
		rc = spill_step(f->spill);
	}
	f->mixed += kinds == MIXED;
	return rc;
}

uint64_t
fold_mixed(const struct fold *f)
{
	return f->mixed;
}

size_t
fold_bytes(const struct fold *f)
{
	return atomic_load_explicit(&f->bytes, memory_order_relaxed);
}

static void
part_free(struct part *t)
{
	pthread_mutex_destroy(&t->lock);
	keytab_free(t->keys);
	arena_free(&t->mem);
	free(t->v);
}

void
fold_free(struct fold *f)
{
	for (size_t i = 0; i < PARTS; i++)
		part_free(&f->part[i]);
	part_free(&f->all);
	if (f->spill != NULL)
		spill_free(f->spill);
	if (f->one != NULL)
		fold_free(f->one);
	buf_free(&f->key);
	buf_free(&f->pack);
	free(f->order);
	free(f->list);
	free(f);
}
