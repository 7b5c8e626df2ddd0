/* SPDX-License-Identifier: BSD-2-Clause */
/* keytab - see keytab.h */
#include <stdlib.h>

#include "base/mem.h"
#include "cdc/keytab.h"

#define BITS_MIN 10
#define BITS_MAX 32
#define INLINE_BYTES 24
#define PREFIX_BYTES 8

struct entry {
	uint32_t n, cell;
	union {
		char in[INLINE_BYTES];
		const char *p;		/* of longer ones */
	} key;
};

struct keytab {
	uint64_t *slot;			/* upper hash bits << 32 | number + 1; 0: empty */
	unsigned bits;
	struct entry *entry;
	size_t n, cap;
	struct arena mem;
};

static size_t
n_slots(const struct keytab *t)
{
	return (size_t)1 << t->bits;
}

struct keytab *
keytab_new(void)
{
	struct keytab *t = mem_new(sizeof *t);

	t->bits = BITS_MIN;
	t->slot = mem_new(n_slots(t) * sizeof *t->slot);
	return t;
}

void
keytab_free(struct keytab *t)
{
	if (t == NULL)
		return;
	free(t->slot);
	free(t->entry);
	arena_free(&t->mem);
	free(t);
}

static struct span
key_of(const struct entry *e)
{
	return span_of(e->n <= INLINE_BYTES ? e->key.in : e->key.p, e->n);
}

/* The upper half decides place and tag, so that slots move without their keys. */
static size_t
home(const struct keytab *t, uint64_t slot_or_hash)
{
	return (size_t)(slot_or_hash >> 32 >> (32 - t->bits));
}

static size_t
after(const struct keytab *t, size_t at)
{
	return (at + 1) & (n_slots(t) - 1);
}

static void
grow(struct keytab *t)
{
	size_t n = n_slots(t);
	uint64_t *old = t->slot;

	if (t->bits == BITS_MAX)
		mem_mul(SIZE_MAX, 2);		/* more keys than numbers: the budget sends them to disk before */
	t->bits++;
	t->slot = mem_new(mem_mul(n_slots(t), sizeof *t->slot));
	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (old[i] == 0)
			continue;
		for (at = home(t, old[i]); t->slot[at] != 0; at = after(t, at))
			;
		t->slot[at] = old[i];
	}
	free(old);
}

static void
add(struct keytab *t, struct span key)
{
	struct entry *e;

	if (key.n > UINT32_MAX)
		mem_mul(SIZE_MAX, 2);		/* no line is that long: limits.h */
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 1024 : mem_mul(t->cap, 2);
		t->entry = mem_array(t->entry, t->cap, sizeof *t->entry);
	}
	e = &t->entry[t->n++];
	memset(e, 0, sizeof *e);
	e->n = (uint32_t)key.n;
	if (key.n > INLINE_BYTES)
		e->key.p = arena_dup(&t->mem, key);
	else if (key.n > 0)
		memcpy(e->key.in, key.p, key.n);
}

uint32_t
keytab_put(struct keytab *t, uint64_t hash, struct span key, bool *fresh)
{
	size_t at;

	if ((t->n + 1) * 4 > n_slots(t) * 3)
		grow(t);
	*fresh = false;
	for (at = home(t, hash); t->slot[at] != 0; at = after(t, at)) {
		uint32_t i = (uint32_t)t->slot[at] - 1;

		if (t->slot[at] >> 32 == hash >> 32 && span_eq(key_of(&t->entry[i]), key))
			return i;
	}
	add(t, key);
	t->slot[at] = (hash >> 32 << 32) | (uint32_t)t->n;
	*fresh = true;
	return (uint32_t)t->n - 1;
}

void
keytab_near(const struct keytab *t, uint64_t hash)
{
	__builtin_prefetch(&t->slot[home(t, hash)]);
}

const uint32_t *
keytab_nearer(const struct keytab *t, uint64_t hash)
{
	for (size_t at = home(t, hash); t->slot[at] != 0; at = after(t, at)) {
		const struct entry *e = &t->entry[(uint32_t)t->slot[at] - 1];

		if (t->slot[at] >> 32 != hash >> 32)
			continue;
		__builtin_prefetch(e);
		return &e->cell;
	}
	return NULL;
}

uint32_t *
keytab_cell(struct keytab *t, uint32_t i)
{
	return &t->entry[i].cell;
}

struct span
keytab_key(const struct keytab *t, uint32_t i)
{
	return key_of(&t->entry[i]);
}

size_t
keytab_count(const struct keytab *t)
{
	return t->n;
}

size_t
keytab_bytes(const struct keytab *t)
{
	return n_slots(t) * sizeof *t->slot + t->cap * sizeof *t->entry + t->mem.bytes;
}

/* ---- in order ---- */

struct item {
	uint64_t prefix;
	struct keytab_place at;
};

/*
 * Which of the first bytes of a key tell keys apart: where all are alike, ends taken for zeros, none is lost.  Returns
 * how many, at most PREFIX_BYTES.
 */
static size_t
telling(const struct keytab *const *t, size_t n_tables, unsigned char at[PREFIX_BYTES])
{
	char differ[INLINE_BYTES] = { 0 }, first[INLINE_BYTES] = { 0 };
	bool begun = false;
	size_t n = 0;

	for (size_t i = 0; i < n_tables; i++) {
		for (uint32_t x = 0; x < t[i]->n; x++) {
			const struct entry *e = &t[i]->entry[x];
			const char *k = key_of(e).p;		/* an inline one has zeros behind it */

			if (!begun)
				memcpy(first, k, sizeof first);
			begun = true;
			for (size_t b = 0; b < sizeof differ; b++)
				differ[b] |= (char)(k[b] ^ first[b]);
		}
	}
	for (size_t b = 0; b < sizeof differ && n < PREFIX_BYTES; b++)
		if (differ[b] != 0)
			at[n++] = (unsigned char)b;
	return n;
}

static uint64_t
prefix_of(struct span k, const unsigned char at[PREFIX_BYTES], size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (at[i] < k.n ? (unsigned char)k.p[at[i]] : 0);
	return v;
}

/* By prefix, byte by byte from the last one on; bytes that all share move nothing. Returns where the result is. */
static struct item *
radix(struct item *v, struct item *other, size_t n)
{
	size_t (*count)[256] = mem_new(PREFIX_BYTES * sizeof *count);

	for (size_t i = 0; i < n; i++)
		for (unsigned b = 0; b < PREFIX_BYTES; b++)
			count[b][v[i].prefix >> 8 * b & 255]++;
	for (unsigned b = 0; b < PREFIX_BYTES; b++) {
		struct item *swap = v;
		size_t at = 0;

		if (count[b][v[0].prefix >> 8 * b & 255] == n)
			continue;
		for (size_t d = 0; d < 256; d++) {
			size_t c = count[b][d];

			count[b][d] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			other[count[b][v[i].prefix >> 8 * b & 255]++] = v[i];
		v = other;
		other = swap;
	}
	free(count);
	return v;
}

static int
by_key(const void *a, const void *b, void *arg)
{
	const struct keytab *const *t = arg;
	struct keytab_place x = ((const struct item *)a)->at, y = ((const struct item *)b)->at;

	return span_cmp(keytab_key(t[x.table], x.i), keytab_key(t[y.table], y.i));
}

/* All keys with the bytes that tell most of them apart. */
static struct item *
items(const struct keytab *const *t, size_t n_tables, size_t n)
{
	struct item *v = mem_array(NULL, n, sizeof *v);
	unsigned char at[PREFIX_BYTES];
	size_t n_at = telling(t, n_tables, at), k = 0;

	for (uint32_t i = 0; i < n_tables; i++)
		for (uint32_t x = 0; x < t[i]->n; x++)
			v[k++] = (struct item){ prefix_of(keytab_key(t[i], x), at, n_at), { i, x } };
	return v;
}

struct keytab_place *
keytab_sorted(const struct keytab *const *t, size_t n_tables, size_t *keys)
{
	struct keytab_place *order;
	struct item *a, *b, *v;
	size_t n = 0;

	for (size_t i = 0; i < n_tables; i++)
		n += t[i]->n;
	*keys = n;
	v = a = items(t, n_tables, n);
	b = mem_array(NULL, n, sizeof *b);
	if (n > 1)
		v = radix(a, b, n);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && v[end].prefix == v[i].prefix; end++)
			;
		if (end - i > 1)
			qsort_r(v + i, end - i, sizeof *v, by_key, (void *)(uintptr_t)t);
	}
	order = mem_array(NULL, n, sizeof *order);
	for (size_t i = 0; i < n; i++)
		order[i] = v[i].at;
	free(a);
	free(b);
	return order;
}
