/* SPDX-License-Identifier: BSD-2-Clause */
/* index_wait - see index_wait.h */
#include <stdlib.h>

#include "store/index_own.h"
#include "store/index_wait.h"

#define LANES 16		/* entries that are compared at once */
#define BUCKET_MAX (BUCKET_IDS * 3 / 2)		/* of different ids more come once in 10^8 buckets */
#define BLOCK_ENTRIES (WAIT_BLOCK_IDS * sizeof(uint64_t) / sizeof(uint32_t))

/* ---- lists ---- */

void
wait_grow(struct wait *w, struct wait_list *l)
{
	struct wait_block *b = w->room->spare;

	if (b != NULL) {
		w->room->spare = b->next;
		/* which the next one that grows will ask */
		__builtin_prefetch(b->next);
	} else {
		b = arena_get(&w->room->mem, sizeof *b);
	}
	b->next = NULL;
	if (l->last == NULL)
		l->first = b;
	else
		l->last->next = b;
	l->last = b;
	l->at = b->hash;
	l->end = b->hash + WAIT_BLOCK_IDS;
	l->n += WAIT_BLOCK_IDS;
	w->room->used += WAIT_BLOCK_IDS;
}

static size_t
list_ids(const struct wait_list *l)
{
	return l->n - (size_t)(l->end - l->at);
}

size_t
wait_ids(const struct wait *w)
{
	size_t n = 0;

	for (size_t i = 0; i < WAIT_LISTS; i++)
		n += list_ids(&w->list[i]);
	return n;
}

void
wait_frame(struct wait *w)
{
	if (w->ends == w->cap) {
		w->cap = w->cap == 0 ? 64 : mem_mul(w->cap, 2);
		w->end = mem_array(w->end, w->cap, sizeof *w->end);
	}
	for (size_t i = 0; i < WAIT_LISTS; i++)
		w->end[w->ends][i] = (uint32_t)list_ids(&w->list[i]);
	w->ends++;
}

/* ---- the ids of a list in their buckets ---- */

/* One list as it is sorted. */
struct sorting {
	const struct wait *w;
	const struct wait_segment *g;
	size_t list;
	uint32_t first, share;		/* its buckets */
	uint32_t *ids, *from;		/* of each bucket: how many, and where it begins in */
	uint32_t *entry;
};

static size_t
block_ids(const struct wait_list *l, const struct wait_block *b)
{
	return b == l->last ? (size_t)(l->at - b->hash) : WAIT_BLOCK_IDS;
}

/*
 * Each entry to its bucket, whose place begins at from[], but for those behind `max` of them; counts them in ids[].
 * Returns whether no bucket has more.
 */
static bool
scatter(const struct sorting *s, uint32_t max)
{
	const struct wait_list *l = &s->w->list[s->list];
	uint32_t buckets = s->g->buckets, first = s->first, *ids = s->ids, *from = s->from;
	uint32_t *entry = s->entry;
	uint32_t frame = 0, at = 0, end = s->w->ends > 0 ? s->w->end[0][s->list] : UINT32_MAX;
	unsigned bits = s->g->bits;

	for (const struct wait_block *b = l->first; b != NULL; b = b->next) {
		const struct wait_block *ahead = b->next == NULL ? b : b->next;

		for (size_t i = 0, n = block_ids(l, b); i < n; i++, at++) {
			uint32_t k = index_bucket(b->hash[i], buckets) - first, have = ids[k]++;

			/* ids left the cache long ago */
			__builtin_prefetch(&ahead->hash[i]);
			while (at == end)
				end = ++frame < s->w->ends ? s->w->end[frame][s->list] : UINT32_MAX;
			entry[from[k] + (have < max ? have : 0)] = index_entry(b->hash[i], frame, bits);
		}
	}
	for (uint32_t k = 0; k < s->share; k++)
		if (ids[k] > max)
			return false;
	return true;
}

/*
 * Buckets of one size each, which different ids fill evenly, so they need not be counted before; where an id is in very
 * many frames, they were counted by this, and are filled again.
 */
static void
fill(struct sorting *s)
{
	struct index_room *room = s->w->room;
	size_t ids = list_ids(&s->w->list[s->list]), even = mem_mul(s->share, BUCKET_MAX);
	size_t need = ids > even ? ids : even;
	uint32_t sum = 0;

	if (need > room->cap) {
		free(room->scratch);
		room->cap = need;
		room->scratch = mem_array(NULL, need, sizeof *room->scratch);
	}
	s->entry = room->scratch;
	for (uint32_t b = 0; b < s->share; b++)
		s->from[b] = b * BUCKET_MAX;
	memset(s->ids, 0, s->share * sizeof *s->ids);
	if (scatter(s, BUCKET_MAX))
		return;
	for (uint32_t b = 0; b < s->share; b++) {
		s->from[b] = sum;
		sum += s->ids[b];
	}
	memset(s->ids, 0, s->share * sizeof *s->ids);
	(void)scatter(s, UINT32_MAX);
}

/* Of so many entries and the ones `apart` before them: is any pair alike, and of one frame? */
struct pairs { uint32_t alike, framed; };

static inline struct pairs
compare(const uint32_t *e, size_t n, size_t apart, uint32_t mask, struct pairs so_far)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t x = e[i] ^ (e - apart)[i];

		so_far.alike |= x == 0;
		so_far.framed |= (x & mask) == 0;
	}
	return so_far;
}

static struct pairs
compare_all(const uint32_t *e, size_t n, size_t apart, uint32_t mask)
{
	struct pairs p = { 0, 0 };

	if (n < LANES)
		return compare(e, n, apart, mask, p);
	/* LANES at once, the last ones of which may have been compared before */
	for (size_t i = 0; i + LANES < n; i += LANES)
		p = compare(e + i, LANES, apart, mask, p);
	return compare(e + n - LANES, LANES, apart, mask, p);
}

/* Is an entry there twice?  Both are of one frame then, and so is all between them. */
static bool
repeats(const uint32_t *e, size_t n, uint32_t mask)
{
	for (size_t apart = 1; apart < n; apart++) {
		struct pairs p = compare_all(e + apart, n - apart, apart, mask);

		if (p.alike || !p.framed)
			return p.alike != 0;
	}
	return false;
}

/* Leave those of n entries that are there once, and return how many. */
static uint32_t
unique(uint32_t *e, uint32_t n, uint32_t mask)
{
	uint32_t out = 0;

	if (!repeats(e, n, mask))
		return n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t one = e[i], k = out;

		while (k > 0 && (e[k - 1] & mask) == (one & mask) && e[k - 1] != one)
			k--;
		if (k == 0 || e[k - 1] != one)
			e[out++] = one;
	}
	return out;
}

/* ---- a segment ---- */

/* Where the next entry goes: into the blocks of a list whose ids are no more needed. */
struct packed { struct wait_block *block; size_t n; };

static void
pack(struct packed *to, const uint32_t *e, size_t n)
{
	while (n > 0) {
		size_t part = BLOCK_ENTRIES - to->n;

		if (part == 0) {
			*to = (struct packed){ to->block->next, 0 };
			continue;
		}
		part = part < n ? part : n;
		memcpy((char *)to->block->hash + to->n * sizeof *e, e, part * sizeof *e);
		to->n += part;
		e += part;
		n -= part;
	}
}

/* A list that was sorted: its buckets into the directory and its blocks; `before`: entries of the lists before it. */
static uint32_t
settle(const struct sorting *s, uint32_t before, char *dir)
{
	uint32_t mask = (UINT32_C(1) << s->g->bits) - 1, n = before;
	struct packed to = { s->w->list[s->list].first, 0 };

	for (uint32_t b = 0; b < s->share; b++) {
		uint32_t *e = s->entry + s->from[b], k = unique(e, s->ids[b], mask), bucket = s->first + b;
		char *d = dir + 8 * (size_t)bucket;

		for (uint32_t i = 0; i < k; i++)
			e[i] = htole32(e[i]);
		put32(d, n);
		put32(d + 4, index_check_of(s->g->name, s->g->seg, bucket, n, n + k, (const char *)e));
		pack(&to, e, k);
		n += k;
	}
	return n - before;
}

uint32_t
wait_sort(struct wait *w, const struct wait_segment *g, char *dir)
{
	uint32_t share = g->buckets / WAIT_LISTS, n = 0;
	struct sorting s = { .w = w, .g = g, .share = share };

	s.ids = mem_array(NULL, share, sizeof *s.ids);
	s.from = mem_array(NULL, share, sizeof *s.from);
	for (size_t i = 0; i < WAIT_LISTS; i++) {
		s.list = i;
		s.first = (uint32_t)i * share;
		fill(&s);
		w->list[i].entries = settle(&s, n, dir);
		n += w->list[i].entries;
	}
	put32(dir + 8 * (size_t)g->buckets, n);
	put32(dir + 8 * (size_t)g->buckets + 4, 0);
	free(s.ids);
	free(s.from);
	return n;
}

int
wait_put(const struct wait *w, struct sink *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < WAIT_LISTS; i++) {
		size_t left = w->list[i].entries;

		for (const struct wait_block *b = w->list[i].first; rc == 0 && left > 0; b = b->next) {
			size_t n = left < BLOCK_ENTRIES ? left : BLOCK_ENTRIES;

			rc = sink_add(out, span_of((const char *)b->hash, n * sizeof(uint32_t)));
			left -= n;
		}
	}
	return rc;
}

/* ---- the end ---- */

void
wait_clear(struct wait *w)
{
	for (size_t i = 0; i < WAIT_LISTS; i++) {
		struct wait_list *l = &w->list[i];

		if (l->last != NULL) {
			l->last->next = w->room->spare;
			w->room->spare = l->first;
			w->room->used -= l->n;
		}
		*l = (struct wait_list){ 0 };
	}
	w->ends = 0;
}

void
wait_free(struct wait *w)
{
	wait_clear(w);
	free(w->end);
	w->end = NULL;
	w->cap = 0;
}

void
index_room_free(struct index_room *room)
{
	arena_free(&room->mem);
	free(room->scratch);
	*room = (struct index_room){ .max = room->max };
}
