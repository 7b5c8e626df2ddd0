/* SPDX-License-Identifier: BSD-2-Clause */
/* fold - see fold.h: changes as they come; fold_read.c gives them back in order */
#include <stdlib.h>

#include "base/hash.h"
#include "cdc/fold_own.h"
#include "cdc/ord.h"

#define COLLECT_BYTES (MIB / 2)
#define ROUND ((size_t)16)
#define ROUND_BITS 4			/* larger sizes are rounded to a sixteenth of their power of two */
#define BUDGET_MIN (16 * MIB)
/* a part's, in which a range is found at once: of more the pieces of a range would be short, and the marks many */
#define MARKED_RUNS 8
#define SPARE_SHARE 64			/* of the budget: tables of more are not kept for the next pile */
#define READY_BYTES (32 * MIB)	/* of less the first large pages are not worth one ahead */
#define NEAR 32				/* changes whose keys are brought near at once */
#define NEAR_KEY 8			/* keys between the steps when they go to disk */
#define NEAR_LINES 4

/* ---- a pile ---- */

void
pile_begin(struct pile *t)
{
	*t = (struct pile){ .keys = keytab_new(), .spare = NONE, .mem = { .large = true } };
}

void
pile_reset(struct pile *t)
{
	arena_reset(&t->mem);
	memset(t->hole, 0, sizeof t->hole);
	t->n = t->given = t->live = 0;
	t->spare = NONE;
}

void
pile_free(struct pile *t)
{
	keytab_free(t->keys);
	arena_free(&t->mem);
	free(t->v);
	*t = (struct pile){ .spare = NONE };
}

static size_t
pile_bytes(const struct pile *t)
{
	return keytab_bytes(t->keys) + t->mem.bytes + t->cap * sizeof *t->v;
}

static struct span
ord_of(const struct version *v)
{
	return span_of(v->p, v->ord_n);
}

static uint32_t
take(struct pile *t)
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
give_back(struct pile *t, uint32_t i)
{
	struct version *v = &t->v[i];

	t->live -= v->cap;
	v->op = 0;
	v->older = t->spare;
	t->spare = i;
}

/* ---- bytes, in sizes that are met again ---- */

static unsigned
log_of(size_t n)
{
	return 63 - (unsigned)__builtin_clzl(n);
}

/* The size that is taken for n bytes, at most a sixteenth more where they are many. */
static size_t
size_of(size_t n)
{
	size_t step = n < ROUND << ROUND_BITS ? ROUND : (size_t)1 << (log_of(n) - ROUND_BITS);

	n = mem_add(n, step - 1) & ~(step - 1);
	return n < ROUND ? ROUND : n;
}

/* The number of such a size; HOLES and more are not kept. */
static size_t
hole_of(size_t size)
{
	unsigned log = log_of(size);

	if (size < ROUND << ROUND_BITS)
		return size / ROUND;
	return ((size_t)(log - 2 * ROUND_BITS + 1) << ROUND_BITS) + ((size >> (log - ROUND_BITS)) & (ROUND - 1));
}

static char *
get_bytes(struct pile *t, size_t size)
{
	size_t h = hole_of(size);
	char *p = h < HOLES ? t->hole[h] : NULL;

	if (p != NULL) {
		memcpy(&t->hole[h], p, sizeof t->hole[h]);
		__builtin_prefetch(t->hole[h]);
		return p;
	}
	t->given += size;
	return arena_get(&t->mem, size);
}

static void
put_bytes(struct pile *t, char *p, size_t size)
{
	size_t h = p == NULL ? HOLES : hole_of(size);

	if (h >= HOLES)
		return;
	memcpy(p, &t->hole[h], sizeof t->hole[h]);
	t->hole[h] = p;
}

/* Copy what is still read into a new arena once the hidden bytes are as many. */
static void
collect(struct pile *t)
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
	memset(t->hole, 0, sizeof t->hole);
}

/* ---- a change ---- */

/* Does x come behind the change? Equal ords: the later in the input counts as newer. */
static bool
newer(const struct version *x, const struct fold_change *c)
{
	int order = span_cmp(ord_of(x), c->ord);

	return order > 0 || (order == 0 && x->seq > c->seq);
}

/* Have a spare version hold the change's bytes: where it has room for them, in its own. */
static struct version *
hold(struct pile *t, uint32_t i, const struct fold_change *c)
{
	struct version *v = &t->v[i];
	size_t need = mem_add(c->ord.n, c->row.n);

	if (v->p == NULL || v->cap < need || v->cap / 4 > need) {
		put_bytes(t, v->p, v->cap);
		v->cap = size_of(need);
		v->p = get_bytes(t, v->cap);
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

uint32_t
pile_put(struct pile *t, uint32_t newest, const struct fold_change *c)
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

size_t
pile_list(const struct pile *t, uint32_t newest, struct fold_change **out, size_t *cap)
{
	size_t n = 0, k = 0;

	for (uint32_t i = newest; i != NONE; i = t->v[i].older)
		n++;
	if (n > *cap) {
		*cap = mem_mul(n, 2);
		*out = mem_array(*out, *cap, sizeof **out);
	}
	for (uint32_t i = newest; i != NONE; i = t->v[i].older) {
		const struct version *v = &t->v[i];

		(*out)[n - 1 - k++] = (struct fold_change){ .op = v->op, .partial = v->partial,
		    .day = v->day, .seq = v->seq, .ord = ord_of(v),
		    .row = span_of(v->p + v->ord_n, v->row_n) };
	}
	return n;
}

/* ---- the parts ---- */

struct fold *
fold_new(bool days, size_t budget)
{
	struct fold *f = mem_new(sizeof *f);

	f->days = days;
	f->budget = budget < BUDGET_MIN ? BUDGET_MIN : budget;
	for (size_t i = 0; i < PARTS; i++) {
		pthread_mutex_init(&f->part[i].lock, NULL);
		pthread_mutex_init(&f->part[i].shedding, NULL);
		pile_begin(&f->part[i].pile);
	}
	pthread_mutex_init(&f->truncating, NULL);
	pthread_mutex_init(&f->sparing, NULL);
	f->all.spare = NONE;
	return f;
}

uint32_t
fold_kinds(uint32_t a, uint32_t b)
{
	return a == 0 ? b : b == 0 || a == b ? a : MIXED;
}

static void
put_hashed(struct pile *t, uint64_t hash, struct span key, const struct fold_change *c)
{
	bool fresh;
	uint32_t i = keytab_put(t->keys, hash, key, &fresh), *cell = keytab_cell(t->keys, i);
	uint32_t kind = ord_kind(c->ord);

	if (!fresh)
		kind = fold_kinds(t->v[*cell - 1].kind, kind);
	*cell = pile_put(t, *cell - 1, c) + 1;
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
	size_t now = pile_bytes(&t->pile), was = atomic_load_explicit(&t->bytes, memory_order_relaxed);

	if (now == was)		/* as a rule: nothing that other threads look at is written */
		return;
	atomic_fetch_add_explicit(&f->bytes, now - was, memory_order_relaxed);
	atomic_store_explicit(&t->bytes, now, memory_order_relaxed);
}

void
fold_put(struct fold *f, struct span key, const struct fold_change *c)
{
	uint64_t hash = hash_mem(key);
	struct part *t = part_of(f, hash);

	pthread_mutex_lock(&t->lock);
	put_hashed(&t->pile, hash, key, c);
	count(f, t);
	pthread_mutex_unlock(&t->lock);
}

/*
 * Those of the changes that are of one part: at[0..n) are their numbers.  With its lock.  What they need is brought
 * near for many of them at once, step by step, so that memory is waited for once for all: slots, keys, versions, bytes.
 */
static void
put_pile(struct pile *t, const struct fold_hand *h, const struct fold_keyed *k, const uint32_t *at, size_t n)
{
	const uint32_t *cell[NEAR];
	const struct version *v[NEAR];

	for (size_t most; n > 0; at += most, n -= most) {
		most = n < NEAR ? n : NEAR;
		for (size_t i = 0; i < most; i++)
			keytab_near(t->keys, h->hash[at[i]]);
		for (size_t i = 0; i < most; i++)
			cell[i] = keytab_nearer(t->keys, h->hash[at[i]]);
		for (size_t i = 0; i < most; i++) {
			if ((v[i] = cell[i] == NULL ? NULL : &t->v[*cell[i] - 1]) == NULL)
				continue;
			__builtin_prefetch(v[i]);
			__builtin_prefetch((const char *)(v[i] + 1) - 1);
		}
		for (size_t i = 0; i < most; i++) {
			if (v[i] == NULL)
				continue;
			__builtin_prefetch(v[i]->p);
			__builtin_prefetch(v[i]->p + 64);		/* an ord is seldom within one line */
		}
		for (size_t i = 0; i < most; i++)
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

	if (fold_bytes(f) >= READY_BYTES)
		arena_ready();
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
			put_pile(&t->pile, h, k, h->order + from[i], from[i + 1] - from[i]);
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
	pthread_mutex_lock(&f->truncating);
	f->truncates = pile_put(&f->all, f->truncates - 1, c) + 1;
	pthread_mutex_unlock(&f->truncating);
}

size_t
fold_truncates(const struct fold *f, struct fold_change **v, size_t *cap)
{
	return pile_list(&f->all, f->truncates - 1, v, cap);
}

/* ---- to disk ---- */

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

/* Bring near what the next keys need, which lies anywhere: cells, then versions, then how their bytes begin. */
MEM_AHEAD void
near_run(const struct pile *t, const struct keytab_place *order, size_t i, size_t n)
{
	if (i + 3 * NEAR_KEY < n)
		__builtin_prefetch(keytab_cell(t->keys, order[i + 3 * NEAR_KEY].i));
	if (i + 2 * NEAR_KEY < n)
		__builtin_prefetch(&t->v[*keytab_cell(t->keys, order[i + 2 * NEAR_KEY].i) - 1]);
	if (i + NEAR_KEY < n)
		mem_ask(t->v[*keytab_cell(t->keys, order[i + NEAR_KEY].i) - 1].p, NEAR_LINES * MEM_LINE);
}

/* All of a pile to a run on disk; it is empty then. */
static int
write_run(struct spill *s, struct pile *t)
{
	size_t n, cap = 0;
	struct keytab_place *order = keytab_sorted((const struct keytab *const *)&t->keys, 1, &n);
	struct fold_change *list = NULL;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		uint32_t newest = *keytab_cell(t->keys, order[i].i) - 1, kind = t->v[newest].kind;
		size_t versions = pile_list(t, newest, &list, &cap);
		struct buf *b = spill_open(s, keytab_key(t->keys, order[i].i));

		near_run(t, order, i, n);
		buf_add(b, (const char *)&kind, sizeof kind);
		for (size_t k = 0; k < versions; k++)
			pack(&list[k], b);
		rc = spill_shut(s);
	}
	free(list);
	free(order);
	return rc != 0 ? rc : spill_end(s);
}

/* An empty pile: with the tables of one that was put on disk, which need not grow again, if there is one. */
static struct pile
get_pile(struct fold *f)
{
	struct pile t = { .keys = NULL };

	pthread_mutex_lock(&f->sparing);
	if (f->n_spares > 0)
		t = f->spare[--f->n_spares];
	pthread_mutex_unlock(&f->sparing);
	if (t.keys == NULL)
		pile_begin(&t);
	return t;
}

static void
put_pile_by(struct fold *f, struct pile *t)
{
	keytab_clear(t->keys);
	arena_free(&t->mem);
	pile_reset(t);
	pthread_mutex_lock(&f->sparing);
	if (f->n_spares < SPARES && pile_bytes(t) <= f->budget / SPARE_SHARE) {
		f->spare[f->n_spares++] = *t;
		t->keys = NULL;
	}
	pthread_mutex_unlock(&f->sparing);
	if (t->keys != NULL)
		pile_free(t);
}

/* Others go on with the part while what it was is written. With its `shedding`. */
static int
shed(struct fold *f, struct part *t)
{
	struct pile old, fresh = get_pile(f);
	size_t bytes;
	int rc;

	pthread_mutex_lock(&t->lock);
	old = t->pile;
	bytes = pile_bytes(&old);
	atomic_fetch_add_explicit(&f->bytes, bytes, memory_order_relaxed);
	t->pile = fresh;
	count(f, t);
	pthread_mutex_unlock(&t->lock);
	if (t->spill == NULL) {
		t->spill = spill_new();
		spill_mark(t->spill, MARKED_RUNS);
	}
	rc = write_run(t->spill, &old);
	put_pile_by(f, &old);
	atomic_fetch_sub_explicit(&f->bytes, bytes, memory_order_relaxed);
	return rc;
}

/* The largest part that no other thread is at; NULL: there is none. With its `shedding`. */
static struct part *
largest(struct fold *f)
{
	struct part *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < PARTS; i++) {
		struct part *t = &f->part[i];
		size_t bytes = atomic_load_explicit(&t->bytes, memory_order_relaxed);

		if (bytes <= most || pthread_mutex_trylock(&t->shedding) != 0)
			continue;
		if (best != NULL)
			pthread_mutex_unlock(&best->shedding);
		best = t;
		most = bytes;
	}
	return best;
}

int
fold_settle(struct fold *f)
{
	struct part *t;
	int rc = 0;

	if (fold_bytes(f) <= f->budget)
		return 0;
	if ((t = largest(f)) == NULL) {		/* enough is on its way: do not add to it for now */
		t = &f->part[0];
		pthread_mutex_lock(&t->shedding);
	} else
		rc = shed(f, t);
	pthread_mutex_unlock(&t->shedding);
	return rc;
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
	pthread_mutex_destroy(&t->shedding);
	pile_free(&t->pile);
	if (t->spill != NULL)
		spill_free(t->spill);
}

void
fold_free(struct fold *f)
{
	fold_read_free(f);
	for (size_t i = 0; i < PARTS; i++)
		part_free(&f->part[i]);
	pile_free(&f->all);
	while (f->n_spares > 0)
		pile_free(&f->spare[--f->n_spares]);
	pthread_mutex_destroy(&f->truncating);
	pthread_mutex_destroy(&f->sparing);
	free(f);
}
