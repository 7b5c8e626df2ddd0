/* SPDX-License-Identifier: BSD-2-Clause */
/* rheap - see rheap.h */
#include <stdlib.h>

#include "base/rheap.h"

#define CHUNK_SLOTS 42		/* a KiB with its head */
#define FEW 48			/* sorted by insertion */
#define DIGITS 8		/* of 8 bits */

struct rheap_chunk {
	struct rheap_chunk *next;
	size_t n;
	struct rslot v[CHUNK_SLOTS];
};

/* Unsigned, in the same order. */
static uint64_t
mapped(int64_t at)
{
	return (uint64_t)at ^ UINT64_C(1) << 63;
}

static unsigned
bucket_of(const struct rheap *h, uint64_t x)
{
	return x <= h->floor ? 0 : 64 - (unsigned)__builtin_clzll(x ^ h->floor);
}

static void
put(struct rheap *h, struct rslot s)
{
	struct rheap_chunk **b = &h->bucket[bucket_of(h, mapped(s.at))], *c = *b;

	if (c == NULL || c->n == CHUNK_SLOTS) {
		if ((c = h->spare) != NULL)
			h->spare = c->next;
		else
			c = arena_get(&h->mem, sizeof *c);
		c->next = *b;
		c->n = 0;
		*b = c;
	}
	c->v[c->n++] = s;
}

void
rheap_add(struct rheap *h, int64_t at, uint64_t tie, uint64_t what)
{
	put(h, (struct rslot){ at, tie, what });
	h->n++;
}

static void
take(struct rheap *h, struct rslot s, size_t *n)
{
	if (*n == h->cap) {
		h->cap = h->cap == 0 ? 1024 : mem_mul(h->cap, 2);
		h->out = mem_array(h->out, h->cap, sizeof *h->out);
	}
	h->out[(*n)++] = s;
}

static void
insertion(struct rslot *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct rslot s = v[i];
		size_t k = i;

		for (; k > 0 && v[k - 1].at > s.at; k--)
			v[k] = v[k - 1];
		v[k] = s;
	}
}

/* Byte by byte from the last one on; bytes that all share move nothing. */
static void
radix(struct rheap *h, size_t n)
{
	size_t count[DIGITS][256] = { 0 };

	h->other = mem_array(h->other, h->cap, sizeof *h->other);
	for (size_t i = 0; i < n; i++)
		for (unsigned d = 0; d < DIGITS; d++)
			count[d][mapped(h->out[i].at) >> 8 * d & 255]++;
	for (unsigned d = 0; d < DIGITS; d++) {
		struct rslot *from = h->out, *to = h->other;
		size_t at = 0;

		if (count[d][mapped(from[0].at) >> 8 * d & 255] == n)
			continue;
		for (size_t x = 0; x < 256; x++) {
			size_t c = count[d][x];

			count[d][x] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			to[count[d][mapped(from[i].at) >> 8 * d & 255]++] = from[i];
		h->out = to;
		h->other = from;
	}
}

size_t
rheap_below(struct rheap *h, int64_t bound, struct rslot **out)
{
	uint64_t end = mapped(bound);
	unsigned last = bucket_of(h, end);
	size_t n = 0;

	h->floor = end > h->floor ? end : h->floor;
	for (unsigned b = 0; b <= last; b++) {
		struct rheap_chunk *c = h->bucket[b], *next;

		h->bucket[b] = NULL;
		for (; c != NULL; c = next) {
			next = c->next;
			mem_ask((const char *)next, next == NULL ? 0 : sizeof *next);
			for (size_t i = 0; i < c->n; i++) {
				if (mapped(c->v[i].at) < end)
					take(h, c->v[i], &n);
				else
					put(h, c->v[i]);	/* lower, or where nothing is lower */
			}
			c->next = h->spare;
			h->spare = c;
		}
	}
	h->n -= n;
	if (bound == INT64_MAX && h->n == 0) {	/* the end: what they stood in makes room for their sorting */
		arena_free(&h->mem);
		h->spare = NULL;
	}
	if (n > FEW)
		radix(h, n);
	else
		insertion(h->out, n);
	*out = h->out;
	return n;
}

void
rheap_all(const struct rheap *h, struct rslot *to)
{
	for (unsigned b = 0; b < RHEAP_BUCKETS; b++)
		for (const struct rheap_chunk *c = h->bucket[b]; c != NULL; c = c->next) {
			memcpy(to, c->v, c->n * sizeof *to);
			to += c->n;
		}
}

size_t
rheap_bytes(const struct rheap *h)
{
	return h->mem.bytes + h->cap * sizeof *h->out * (h->other == NULL ? 1 : 2);
}

void
rheap_free(struct rheap *h)
{
	arena_free(&h->mem);
	free(h->out);
	free(h->other);
	*h = (struct rheap){ 0 };
}
