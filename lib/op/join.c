/* SPDX-License-Identifier: BSD-2-Clause */
/* join - see join.h */
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "op/join_own.h"

#define SLOTS_BITS_MIN 6
#define LARGE_PAGE (2 * MIB)
#define LENGTH_BYTES_MAX 5	/* of a length: 7 bits a byte, the lower ones first */
#define LENGTHS_BYTES_MAX ((size_t)(2 * LENGTH_BYTES_MAX))

const char JOIN_BROKEN[] = "a temporary file failed";

/*
 * Looking up leaps about: with large pages it misses the TLB less. Only a hint; for all of the pages, since of memory
 * that is advised in part no more can be had without a copy.
 */
static void
large_pages(void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)p & ~(page - 1);
	uintptr_t to = ((uintptr_t)p + n + page - 1) & ~(page - 1);

	if (n >= LARGE_PAGE)
		(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

struct join *
join_new(bool periods, size_t budget)
{
	struct join *j = mem_new(sizeof *j);

	j->bits = SLOTS_BITS_MIN;
	j->slot = mem_table(n_slots(j) * sizeof *j->slot);
	j->periods = periods;
	j->budget = budget;
	return j;
}

static struct dated *
dated_at(const struct join *j, uint32_t place)
{
	return (struct dated *)(void *)(j->mem.p + ((size_t)place - 1) * 8);
}

static inline struct row
row_at(const struct join *j, uint32_t place)
{
	return row_of(j->mem.p + ((size_t)place - 1) * 8, j->periods);
}

static inline size_t
after(const struct join *j, size_t at)
{
	return (at + 1) & (n_slots(j) - 1);
}

/* Must it grow for one more key? */
static bool
is_full(const struct join *j)
{
	return (j->used + 1) * 4 > n_slots(j) * 3;
}

/* Bytes of the slots while they grow: the old ones, and twice as many. */
static size_t
growing_slots(const struct join *j)
{
	return 3 * n_slots(j) * sizeof *j->slot;
}

static void
grow(struct join *j)
{
	size_t n = n_slots(j);
	uint64_t *old = j->slot;

	if (j->bits == SLOTS_BITS_MAX)
		mem_mul(SIZE_MAX, 2);		/* more keys than places: never reached */
	j->bits++;
	j->slot = mem_table(mem_mul(n_slots(j), sizeof *j->slot));
	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (old[i] == 0)
			continue;
		for (at = home(j, old[i]); j->slot[at] != 0; at = after(j, at))
			;
		j->slot[at] = old[i];
	}
	mem_table_free(old, n * sizeof *old);
}

/* The key's slot, or the empty one where it would stand. */
static inline size_t
find(const struct join *j, uint64_t hash, struct span key)
{
	size_t at = home(j, hash);

	for (; j->slot[at] != 0; at = after(j, at))
		if (j->slot[at] >> 32 == hash >> 32 && span_eq(row_at(j, (uint32_t)j->slot[at]).key, key))
			break;
	return at;
}

static char *
add_length(char *p, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		*p++ = (char)(unsigned char)(n | 0x80);
	*p++ = (char)n;
	return p;
}

char *
join_row(struct buf *b, bool periods, struct period days, struct span key, size_t n)
{
	struct dated d = { 0, days };
	char *p;

	if (key.n > UINT32_MAX || n > UINT32_MAX)
		return NULL;
	p = buf_room(b, sizeof d + LENGTHS_BYTES_MAX + key.n + n + JOIN_ROW_SLACK);
	if (periods) {
		memcpy(p, &d, sizeof d);
		p += sizeof d;
	}
	p = add_length(add_length(p, key.n), n);
	memcpy(p, key.p, key.n);
	return p + key.n;
}

void
join_row_end(struct buf *b, char *end)
{
	memset(end, 0, 8);
	b->n += ((size_t)(end - (b->p + b->n)) + 7) & ~(size_t)7;
}

/* A row behind the last one; its place, or 0 when the table is full. */
static uint32_t
append(struct join *j, struct span row)
{
	size_t place = j->mem.n / 8 + 1;
	size_t cap = j->mem.cap;

	if (place > UINT32_MAX)
		return 0;
	memcpy(buf_room(&j->mem, row.n), row.p, row.n);
	if (j->mem.cap != cap)
		large_pages(j->mem.p, j->mem.cap);
	j->mem.n += row.n;
	j->rows++;
	return (uint32_t)place;
}

static const char twice[] = "this key stands twice in the dimension";
static const char backwards[] = "the row ends before it begins";
static const char same_day[] = "two rows of this key hold on the same day";

/* Link a row into its key's chain, the newest first. The neighbours tell whether its days meet others. */
static const char *
link_in(struct join *j, size_t at, uint32_t place)
{
	struct dated *r = dated_at(j, place), *newer = NULL, *older = NULL;
	uint32_t next = (uint32_t)j->slot[at];

	for (; next != 0; newer = older, next = newer->next) {
		older = dated_at(j, next);
		if (older->days.from <= r->days.from)
			break;
	}
	if (next != 0 && older->days.to >= r->days.from)
		return same_day;
	if (newer != NULL && r->days.to >= newer->days.from)
		return same_day;
	r->next = next;
	if (newer != NULL)
		newer->next = place;
	else
		j->slot[at] = (j->slot[at] >> 32 << 32) | place;
	return NULL;
}

/* As link_in, of rows in a file. */
static const char *
link_cold(struct join *j, size_t at, uint64_t slot, uint32_t place, struct period days)
{
	uint32_t newer = 0, next = (uint32_t)slot;
	struct row r, last = { .dated = { .days = JOIN_EVER } };

	for (; next != 0; newer = next, last = r, next = r.dated.next) {
		if (cold_row(j, next, &j->room, &r) != 0)
			return JOIN_BROKEN;
		if (r.dated.days.from <= days.from)
			break;
	}
	if ((next != 0 && r.dated.days.to >= days.from) || (newer != 0 && days.to >= last.dated.days.from))
		return same_day;
	if (cold_link(j, place, next) != 0 || (newer != 0 ? cold_link(j, newer, place) :
	    cold_set(j, at, (slot >> 32 << 32) | place)) != 0)
		return JOIN_BROKEN;
	return NULL;
}

static const char *
put_cold(struct join *j, uint64_t hash, struct span bytes)
{
	struct row r = row_of(bytes.p, j->periods), there;
	const char *why = NULL;
	uint32_t place;
	uint64_t slot;
	size_t at;

	if (is_full(j)) {
		if (j->slot != NULL && growing_slots(j) <= j->budget)
			grow(j);
		else if (cold_grow(j) != 0)
			return JOIN_BROKEN;
	}
	if (cold_find(j, hash, r.key, &j->room, &at, &slot, &there) != 0)
		return JOIN_BROKEN;
	if (slot != 0 && !j->periods)
		return twice;
	if (j->periods && r.dated.days.from > r.dated.days.to)
		return backwards;
	if (cold_append(j, bytes, &place) != 0)
		return JOIN_BROKEN;
	if (place == 0)
		return JOIN_FULL;
	if (slot == 0) {
		why = cold_set(j, at, (hash >> 32 << 32) | place) == 0 ? NULL : JOIN_BROKEN;
		j->used++;
	} else if ((why = link_cold(j, at, slot, place, r.dated.days)) != NULL)
		cold_take_back(j, place);
	j->rows += why == NULL;
	return why;
}

/* With so many bytes more, and slots that stand twice while they grow, is it too much? */
static bool
is_too_much(const struct join *j, size_t more)
{
	size_t slots = is_full(j) ? growing_slots(j) : n_slots(j) * sizeof *j->slot;

	return slots > j->budget || j->mem.n + more > j->budget - slots;
}

const char *
join_put_row(struct join *j, uint64_t hash, struct span bytes)
{
	struct row r = row_of(bytes.p, j->periods);
	const char *why = NULL;
	size_t at, was = j->mem.n;
	uint32_t place;

	assert(!j->lent);
	if (j->cold == NULL && is_too_much(j, bytes.n) && cold_begin(j) != 0)
		return JOIN_BROKEN;
	if (j->cold != NULL)
		return put_cold(j, hash, bytes);
	if (is_full(j))
		grow(j);
	at = find(j, hash, r.key);
	if (j->slot[at] != 0 && !j->periods)
		return twice;
	if (j->periods && r.dated.days.from > r.dated.days.to)
		return backwards;
	if ((place = append(j, bytes)) == 0)
		return JOIN_FULL;
	if (j->slot[at] == 0) {
		j->slot[at] = (hash >> 32 << 32) | place;
		j->used++;
	} else if ((why = link_in(j, at, place)) != NULL) {
		j->mem.n = was;
		j->rows--;
	}
	return why;
}

const char *
join_put(struct join *j, uint64_t hash, struct span key, struct span bytes, struct period days)
{
	char *to;

	buf_clear(&j->one);
	if ((to = join_row(&j->one, j->periods, days, key, bytes.n)) == NULL)
		return JOIN_FULL;
	if (bytes.n > 0)
		memcpy(to, bytes.p, bytes.n);
	join_row_end(&j->one, to + bytes.n);
	return join_put_row(j, hash, buf_span(&j->one));
}

int
join_settle(struct join *j)
{
	buf_free(&j->room);
	if (j->cold != NULL)
		return cold_settle(j);
	if (j->lent || j->mem.n == j->mem.cap || j->mem.n == 0)
		return 0;
	j->mem.p = mem_array(j->mem.p, j->mem.n, 1);
	j->mem.cap = j->mem.n;
	buf_free(&j->one);
	return 0;
}

static bool
holds(const struct join *j, const struct row *r, int32_t day)
{
	return !j->periods || (day >= r->dated.days.from && day <= r->dated.days.to);
}

static int
get_cold(const struct join *j, uint64_t hash, struct span key, int32_t day, struct buf *room, struct span *bytes)
{
	struct row r;
	uint64_t slot;
	size_t at;

	if (cold_find(j, hash, key, room, &at, &slot, &r) != 0)
		return -1;
	if (slot == 0)
		return 0;
	while (!holds(j, &r, day)) {
		if (r.dated.next == 0)
			return 0;
		if (cold_row(j, r.dated.next, room, &r) != 0)
			return -1;
	}
	*bytes = r.bytes;
	return 1;
}

int
join_get(const struct join *j, uint64_t hash, struct span key, int32_t day, struct buf *room, struct span *bytes)
{
	uint32_t place;

	if (j->cold != NULL)
		return get_cold(j, hash, key, day, room, bytes);
	place = (uint32_t)j->slot[find(j, hash, key)];
	while (place != 0) {
		struct row r = row_at(j, place);

		if (holds(j, &r, day)) {
			*bytes = r.bytes;
			return 1;
		}
		place = r.dated.next;
	}
	return 0;
}

void
join_prefetch(const struct join *j, uint64_t hash)
{
	if (j->cold == NULL)
		__builtin_prefetch(&j->slot[home(j, hash)]);
}

void
join_prefetch_row(const struct join *j, uint64_t hash)
{
	for (size_t at = home(j, hash); j->cold == NULL && j->slot[at] != 0; at = after(j, at)) {
		const char *p;

		if (j->slot[at] >> 32 != hash >> 32)
			continue;
		p = j->mem.p + ((size_t)(uint32_t)j->slot[at] - 1) * 8;
		__builtin_prefetch(p);
		__builtin_prefetch(p + 64);
		return;
	}
}

size_t
join_count(const struct join *j)
{
	return j->rows;
}

size_t
join_bytes(const struct join *j)
{
	return (j->slot == NULL ? 0 : n_slots(j) * sizeof *j->slot) + j->mem.cap;
}

size_t
join_spilled(const struct join *j)
{
	return j->cold == NULL ? 0 : cold_bytes(j);
}

void
join_free(struct join *j)
{
	if (j == NULL)
		return;
	if (!j->lent) {
		mem_table_free(j->slot, n_slots(j) * sizeof *j->slot);
		buf_free(&j->mem);
	}
	if (j->cold != NULL)
		cold_free(j);
	buf_free(&j->one);
	buf_free(&j->room);
	free(j);
}

/* ---- images ---- */

void
join_image(const struct join *j, struct join_image *im)
{
	assert(j->cold == NULL);
	*im = (struct join_image){ (const char *)j->slot, buf_span(&j->mem).p, n_slots(j), j->mem.n, j->rows,
	    j->periods };
}

/* A length that ends before `end` and fits 32 bits. */
static bool
good_length(const char **p, const char *end, uint64_t *n)
{
	*n = 0;
	for (unsigned i = 0; i < LENGTH_BYTES_MAX && *p < end; i++) {
		unsigned char c = (unsigned char)*(*p)++;

		*n |= (uint64_t)(c & 0x7f) << 7 * i;
		if (c < 0x80)
			return *n <= UINT32_MAX;
	}
	return false;
}

static bool
bit(const unsigned char *set, uint32_t place)
{
	return place != 0 && (set[place / 8] & 1u << place % 8) != 0;
}

/* Rows stand one after the other to the end; *set gets a bit for each place that one begins at. */
static bool
good_rows(const struct join *j, unsigned char *set)
{
	const char *p = j->mem.p, *end = p + j->mem.n;
	size_t rows = 0;

	for (; p < end; rows++) {
		size_t place = (size_t)(p - j->mem.p) / 8 + 1, pad;
		uint64_t key, bytes;

		set[place / 8] |= (unsigned char)(1u << place % 8);
		if (j->periods && (size_t)(end - p) < sizeof(struct dated))
			return false;
		p += j->periods ? sizeof(struct dated) : 0;
		if (!good_length(&p, end, &key) || !good_length(&p, end, &bytes) || key + bytes > (size_t)(end - p))
			return false;
		p += key + bytes;
		pad = (8 - (size_t)(p - j->mem.p) % 8) % 8;
		if (pad > (size_t)(end - p))
			return false;
		p += pad;
	}
	return rows == j->rows;
}

/* A chain leads to rows and back in time, so it ends. */
static bool
good_chain(const struct join *j, const unsigned char *set, uint32_t place)
{
	for (uint32_t next; j->periods && (next = dated_at(j, place)->next) != 0; place = next)
		if (next > j->mem.n / 8 || !bit(set, next) ||
		    dated_at(j, next)->days.from >= dated_at(j, place)->days.from)
			return false;
	return true;
}

/* Each slot leads to a row, and enough are empty for a search to end. */
static bool
good_slots(struct join *j, const unsigned char *set)
{
	for (size_t i = 0; i < n_slots(j); i++) {
		uint32_t place = (uint32_t)j->slot[i];

		if (j->slot[i] == 0)
			continue;
		j->used++;
		if (place > j->mem.n / 8 || !bit(set, place) || !good_chain(j, set, place))
			return false;
	}
	return j->used * 4 <= n_slots(j) * 3;
}

struct join *
join_over(const struct join_image *im)
{
	struct join *j;
	unsigned char *set;
	bool good;

	if (im->n_slots < (size_t)1 << SLOTS_BITS_MIN || im->n_slots > (uint64_t)1 << SLOTS_BITS_MAX ||
	    (im->n_slots & (im->n_slots - 1)) != 0 || im->rows_bytes % 8 != 0 || im->rows_bytes / 8 >= UINT32_MAX)
		return NULL;
	j = mem_new(sizeof *j);
	j->slot = (uint64_t *)(void *)(uintptr_t)im->slots;
	j->bits = (unsigned)__builtin_ctzll(im->n_slots);
	j->mem = (struct buf){ (char *)(uintptr_t)im->rows, im->rows_bytes, im->rows_bytes };
	j->rows = im->count;
	j->periods = im->periods;
	j->lent = true;
	set = mem_new(im->rows_bytes / 64 + 2);
	good = good_rows(j, set) && good_slots(j, set);
	free(set);
	if (good)
		return j;
	join_free(j);
	return NULL;
}
