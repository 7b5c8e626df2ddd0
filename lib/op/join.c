/* SPDX-License-Identifier: BSD-2-Clause */
/* join - see join.h */
#include <stdlib.h>

#include "base/buf.h"
#include "op/join.h"

#define SLOTS_MIN ((size_t)64)

struct row {
	uint32_t next;		/* of the same key, older; 0: none */
	uint32_t key_n, bytes_n;
	struct period days[];	/* one, with periods */
};

struct join {
	uint64_t *slot;		/* upper hash bits << 32 | place; 0: empty. A place is an offset in 8 bytes, plus 1 */
	size_t mask, used;	/* slots, keys */
	size_t rows;
	struct buf mem;
	size_t head;		/* bytes before the key */
};

struct join *
join_new(bool periods)
{
	struct join *j = mem_new(sizeof *j);

	j->slot = mem_new(SLOTS_MIN * sizeof *j->slot);
	j->mask = SLOTS_MIN - 1;
	j->head = sizeof(struct row) + (periods ? sizeof(struct period) : 0);
	return j;
}

static struct row *
row_at(const struct join *j, uint32_t place)
{
	return (struct row *)(void *)(j->mem.p + ((size_t)place - 1) * 8);
}

static struct span
row_key(const struct join *j, const struct row *r)
{
	return span_of((const char *)r + j->head, r->key_n);
}

static struct span
row_bytes(const struct join *j, const struct row *r)
{
	return span_of((const char *)r + j->head + r->key_n, r->bytes_n);
}

static size_t
home(const struct join *j, uint64_t slot_or_hash)
{
	/* the upper half decides both tag and place, so that a slot can be moved without its key */
	return (size_t)(slot_or_hash >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 24 & j->mask;
}

static void
grow(struct join *j)
{
	size_t n = mem_mul(j->mask + 1, 2);
	uint64_t *old = j->slot;

	j->slot = mem_new(mem_mul(n, sizeof *j->slot));
	j->mask = n - 1;
	for (size_t i = 0; i < n / 2; i++) {
		size_t at;

		if (old[i] == 0)
			continue;
		for (at = home(j, old[i]); j->slot[at] != 0; at = (at + 1) & j->mask)
			;
		j->slot[at] = old[i];
	}
	free(old);
}

/* The key's slot, or the empty one where it would stand. */
static size_t
find(const struct join *j, uint64_t hash, struct span key)
{
	size_t at = home(j, hash);

	for (; j->slot[at] != 0; at = (at + 1) & j->mask)
		if (j->slot[at] >> 32 == hash >> 32 && span_eq(row_key(j, row_at(j, (uint32_t)j->slot[at])), key))
			break;
	return at;
}

static bool
with_periods(const struct join *j)
{
	return j->head > sizeof(struct row);
}

/* A row behind the last one; its place, or 0 when the table is full. */
static uint32_t
append(struct join *j, struct span key, struct span bytes, struct period days)
{
	static const char pad[8];
	struct row r = { 0, (uint32_t)key.n, (uint32_t)bytes.n };
	size_t place = j->mem.n / 8 + 1;

	if (place > UINT32_MAX || key.n > UINT32_MAX || bytes.n > UINT32_MAX)
		return 0;
	buf_add(&j->mem, (const char *)&r, sizeof r);
	if (with_periods(j))
		buf_add(&j->mem, (const char *)&days, sizeof days);
	buf_span_add(&j->mem, key);
	buf_span_add(&j->mem, bytes);
	buf_add(&j->mem, pad, (8 - j->mem.n % 8) % 8);
	j->rows++;
	return (uint32_t)place;
}

/* Link a row into its key's chain, the newest first. The neighbours tell whether its days meet others. */
static const char *
link_in(struct join *j, size_t at, uint32_t place)
{
	struct row *r = row_at(j, place), *newer = NULL, *older = NULL;
	uint32_t next = (uint32_t)j->slot[at];

	for (; next != 0; newer = older, next = newer->next) {
		older = row_at(j, next);
		if (older->days[0].from <= r->days[0].from)
			break;
	}
	if (next != 0 && older->days[0].to >= r->days[0].from)
		return "two rows of this key hold on the same day";
	if (newer != NULL && r->days[0].to >= newer->days[0].from)
		return "two rows of this key hold on the same day";
	r->next = next;
	if (newer != NULL)
		newer->next = place;
	else
		j->slot[at] = (j->slot[at] >> 32 << 32) | place;
	return NULL;
}

const char *
join_put(struct join *j, uint64_t hash, struct span key, struct span bytes, struct period days)
{
	uint32_t place;
	size_t at;

	if ((j->used + 1) * 4 > (j->mask + 1) * 3)
		grow(j);
	at = find(j, hash, key);
	if (j->slot[at] != 0 && !with_periods(j))
		return "this key stands twice in the dimension";
	if (days.from > days.to)
		return "the row ends before it begins";
	if ((place = append(j, key, bytes, days)) == 0)
		return "the dimension is larger than 32 GiB";
	if (j->slot[at] != 0)
		return link_in(j, at, place);
	j->slot[at] = (hash >> 32 << 32) | place;
	j->used++;
	return NULL;
}

bool
join_get(const struct join *j, uint64_t hash, struct span key, int32_t day, struct span *bytes)
{
	uint32_t place = (uint32_t)j->slot[find(j, hash, key)];

	for (; place != 0; place = row_at(j, place)->next) {
		const struct row *r = row_at(j, place);

		if (with_periods(j) && (day < r->days[0].from || day > r->days[0].to))
			continue;
		*bytes = row_bytes(j, r);
		return true;
	}
	return false;
}

void
join_prefetch(const struct join *j, uint64_t hash)
{
	__builtin_prefetch(&j->slot[home(j, hash)]);
}

void
join_prefetch_row(const struct join *j, uint64_t hash)
{
	uint64_t slot = j->slot[home(j, hash)];

	if (slot >> 32 != hash >> 32 || slot == 0)
		return;		/* a miss, or a neighbour's slot: the first look will tell */
	__builtin_prefetch(row_at(j, (uint32_t)slot));
	__builtin_prefetch((const char *)row_at(j, (uint32_t)slot) + 64);
}

size_t
join_count(const struct join *j)
{
	return j->rows;
}

size_t
join_bytes(const struct join *j)
{
	return (j->mask + 1) * sizeof *j->slot + j->mem.cap;
}

void
join_free(struct join *j)
{
	if (j == NULL)
		return;
	free(j->slot);
	buf_free(&j->mem);
	free(j);
}
