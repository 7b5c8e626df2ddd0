/* SPDX-License-Identifier: BSD-2-Clause */
/* join_cold - a join that does not fit, in two files (see join_own.h) */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/temp.h"
#include "op/join_own.h"

#define TAIL_BYTES MIB
#define SOME 32				/* slots that are read at once to find one */
#define MANY ((size_t)8192)		/* and in order */
#define ROW_BYTES ((size_t)512)		/* that are read of a row at first: mostly all of it */
#define HEAD_BYTES_MAX (sizeof(struct dated) + 10)	/* in front of key and bytes */

struct cold {
	int slots, rows;		/* slots -1: they are still in memory */
	uint64_t written;		/* bytes of rows in the file; what stands behind them is `tail` */
	struct buf tail;
};

static uint64_t
offset_of(uint32_t place)
{
	return ((uint64_t)place - 1) * 8;
}

static int
write_slots(int fd, const uint64_t *slot, size_t n, uint64_t at)
{
	return temp_write(fd, (const char *)slot, n * sizeof *slot, at * sizeof *slot);
}

static int
read_slots(int fd, uint64_t *slot, size_t n, uint64_t at)
{
	return temp_read_all(fd, (char *)slot, n * sizeof *slot, at * sizeof *slot);
}

int
cold_begin(struct join *j)
{
	struct cold *c = mem_new(sizeof *c);

	j->cold = c;
	c->slots = -1;
	c->written = j->mem.n;
	if ((c->rows = temp_file()) == -1 || temp_write(c->rows, j->mem.p, j->mem.n, 0) != 0)
		return EXIT_IO;
	buf_free(&j->mem);
	return 0;
}

/* Slots too, now. */
static int
leave_slots(struct join *j)
{
	struct cold *c = j->cold;

	if ((c->slots = temp_file()) == -1 || write_slots(c->slots, j->slot, n_slots(j), 0) != 0)
		return EXIT_IO;
	mem_table_free(j->slot, n_slots(j) * sizeof *j->slot);
	j->slot = NULL;
	return 0;
}

/* ---- rows ---- */

/* At most n bytes of the rows from there on, at least one. */
static int
read_rows(const struct cold *c, char *p, size_t n, uint64_t at, size_t *got)
{
	if (at < c->written)
		return temp_read(c->rows, p, n < c->written - at ? n : (size_t)(c->written - at), at, got);
	at -= c->written;
	*got = n < c->tail.n - at ? n : c->tail.n - (size_t)at;
	memcpy(p, c->tail.p + at, *got);
	return 0;
}

int
cold_row(const struct join *j, uint32_t place, struct buf *room, struct row *r)
{
	uint64_t at = offset_of(place);
	size_t need = ROW_BYTES, got;
	int rc;

	buf_clear(room);
	if ((rc = read_rows(j->cold, buf_room(room, need), need, at, &got)) != 0)
		return rc;
	/* rows are written whole, so a head that begins is there; what it says may be longer than what was read */
	memset(room->p + got, 0, got < HEAD_BYTES_MAX ? HEAD_BYTES_MAX - got : 0);
	*r = row_of(room->p, j->periods);
	need = (size_t)(r->bytes.p - room->p) + r->bytes.n;
	while (got < need) {
		size_t more;

		if ((rc = read_rows(j->cold, buf_room(room, need) + got, need - got, at + got, &more)) != 0)
			return rc;
		got += more;
	}
	*r = row_of(room->p, j->periods);
	return 0;
}

int
cold_link(struct join *j, uint32_t place, uint32_t next)
{
	struct cold *c = j->cold;
	uint64_t at = offset_of(place);

	if (at < c->written)
		return temp_write(c->rows, (const char *)&next, sizeof next, at);
	memcpy(c->tail.p + (at - c->written), &next, sizeof next);
	return 0;
}

int
cold_settle(struct join *j)
{
	struct cold *c = j->cold;
	int rc = temp_write(c->rows, c->tail.p, c->tail.n, c->written);

	c->written += c->tail.n;
	buf_clear(&c->tail);
	return rc;
}

int
cold_append(struct join *j, struct span row, uint32_t *place)
{
	struct cold *c = j->cold;
	uint64_t at = (c->written + c->tail.n) / 8 + 1;
	int rc = 0;

	*place = 0;
	if (at > UINT32_MAX)
		return 0;
	if (c->tail.n >= TAIL_BYTES)
		rc = cold_settle(j);
	buf_span_add(&c->tail, row);
	*place = (uint32_t)at;
	return rc;
}

void
cold_take_back(struct join *j, uint32_t place)
{
	j->cold->tail.n = (size_t)(offset_of(place) - j->cold->written);
}

/* ---- slots ---- */

int
cold_find(const struct join *j, uint64_t hash, struct span key, struct buf *room, size_t *at, uint64_t *slot,
    struct row *r)
{
	uint64_t some[SOME];
	int rc;

	for (size_t from = home(j, hash), n; ; from = from + n == n_slots(j) ? 0 : from + n) {
		n = n_slots(j) - from < SOME ? n_slots(j) - from : SOME;
		if (j->slot != NULL)
			memcpy(some, j->slot + from, n * sizeof *some);
		else if ((rc = read_slots(j->cold->slots, some, n, from)) != 0)
			return rc;
		for (size_t i = 0; i < n; i++) {
			*at = from + i;
			*slot = some[i];
			if (some[i] == 0)
				return 0;
			if (some[i] >> 32 != hash >> 32)
				continue;
			if ((rc = cold_row(j, (uint32_t)some[i], room, r)) != 0 || span_eq(r->key, key))
				return rc;
		}
	}
}

int
cold_set(struct join *j, size_t at, uint64_t slot)
{
	if (j->slot == NULL)
		return write_slots(j->cold->slots, &slot, 1, at);
	j->slot[at] = slot;
	return 0;
}

/*
 * Growing.  Old slots are gone through from behind an empty one, all around, and counted on past the end, so that no
 * cluster is torn.  In a cluster those of a smaller hash need not come first; put in that order each one's new place is
 * its home or right behind the one before it, and twice the old end of the cluster is not passed: new slots are written
 * in order too.
 */
struct moved { uint64_t home, slot; };

struct growing {
	const struct join *j;
	int to;
	size_t empty;			/* of the old slots, where it begins and ends */
	struct moved *cluster;
	size_t n, cap;
	uint64_t next;			/* the first new place that is free */
	uint64_t from;			/* of what stands in `out` */
	uint64_t out[MANY];
};

static int
flush(struct growing *g)
{
	uint64_t all = 2 * (uint64_t)n_slots(g->j), end = 2 * (uint64_t)g->empty + 2 + all;
	size_t count = end - g->from < MANY ? (size_t)(end - g->from) : MANY;
	int rc = 0;

	for (size_t i = 0, n; i < count && rc == 0; i += n) {
		uint64_t at = (g->from + i) % all;

		n = all - at < count - i ? (size_t)(all - at) : count - i;
		rc = write_slots(g->to, g->out + i, n, at);
	}
	memset(g->out, 0, sizeof g->out);
	return rc;
}

static int
by_home(const void *pa, const void *pb)
{
	const struct moved *a = pa, *b = pb;

	return a->home < b->home ? -1 : a->home > b->home;
}

static int
move_cluster(struct growing *g)
{
	int rc = 0;

	if (g->n > 1)
		qsort(g->cluster, g->n, sizeof *g->cluster, by_home);
	for (size_t i = 0; i < g->n && rc == 0; i++) {
		uint64_t at = g->cluster[i].home > g->next ? g->cluster[i].home : g->next;

		if (at >= g->from + MANY) {
			rc = flush(g);
			g->from = at / MANY * MANY;
		}
		g->out[at - g->from] = g->cluster[i].slot;
		g->next = at + 1;
	}
	g->n = 0;
	return rc;
}

static int
move_slot(struct growing *g, uint64_t slot)
{
	const struct join *j = g->j;
	uint64_t at;

	if (slot == 0)
		return move_cluster(g);
	if (g->n == g->cap) {
		g->cap = g->cap == 0 ? 64 : mem_mul(g->cap, 2);
		g->cluster = mem_array(g->cluster, g->cap, sizeof *g->cluster);
	}
	at = slot >> 32 >> (31 - j->bits);
	g->cluster[g->n++] = (struct moved){ at + (home(j, slot) > g->empty ? 0 : 2 * (uint64_t)n_slots(j)), slot };
	return 0;
}

static int
find_empty(const struct join *j, uint64_t *some, size_t *at)
{
	for (*at = 0; ; ) {
		size_t n = n_slots(j) - *at < MANY ? n_slots(j) - *at : MANY;
		int rc = read_slots(j->cold->slots, some, n, *at);

		if (rc != 0)
			return rc;
		for (size_t i = 0; i < n; i++, ++*at)
			if (some[i] == 0)
				return 0;
	}
}

int
cold_grow(struct join *j)
{
	struct growing *g = mem_new(sizeof *g);
	uint64_t *some = mem_array(NULL, MANY, sizeof *some);
	size_t all = n_slots(j), at;
	int rc = EXIT_IO;

	if (j->bits == SLOTS_BITS_MAX)
		mem_mul(SIZE_MAX, 2);		/* more keys than places: never reached */
	g->j = j;
	g->to = j->slot != NULL && leave_slots(j) != 0 ? -1 : temp_file();
	/* what is not written is read as zeros */
	if (g->to != -1 && ftruncate(g->to, (off_t)(2 * all * sizeof *some)) == 0)
		rc = find_empty(j, some, &g->empty);
	else if (g->to != -1)
		rc = err_io("temporary file: %s", strerror(errno));
	at = g->empty + 1;
	g->next = 2 * (uint64_t)at;
	g->from = g->next / MANY * MANY;
	for (size_t left = all, n; left > 0 && rc == 0; left -= n, at += n) {
		at = at == all ? 0 : at;
		n = all - at < MANY ? all - at : MANY;
		n = n < left ? n : left;
		rc = read_slots(j->cold->slots, some, n, at);
		for (size_t i = 0; i < n && rc == 0; i++)
			rc = move_slot(g, some[i]);
	}
	rc = rc == 0 ? flush(g) : rc;
	if (rc == 0) {
		close(j->cold->slots);
		j->cold->slots = g->to;
		j->bits++;
	} else if (g->to != -1)
		close(g->to);
	free(g->cluster);
	free(some);
	free(g);
	return rc;
}

size_t
cold_bytes(const struct join *j)
{
	return (j->slot == NULL ? n_slots(j) * sizeof *j->slot : 0) + (size_t)j->cold->written;
}

void
cold_free(struct join *j)
{
	struct cold *c = j->cold;

	if (c->slots != -1)
		close(c->slots);
	if (c->rows != -1)
		close(c->rows);
	buf_free(&c->tail);
	free(c);
}
