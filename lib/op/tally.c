/* SPDX-License-Identifier: BSD-2-Clause */
/* tally - see tally.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/tally.h"

#define LOOK_AT 4096			/* members, to see how many groups there are */
#define GROUPS_MAX 1024			/* whole ones that wait to be written, where members are sorted */

static int
bad_state(void)
{
	return err_input("a saved state is not one of this command");
}

/*
 * Would a cell for each group take more than sorting, that is, does more than one member in eight begin a group?  In a
 * map members stand by hash, so the first ones are as good as any; and of more members fewer begin one.
 */
static bool
many(struct tally *t)
{
	struct map *met = map_new(0);
	struct map_entry e;
	struct span group;
	size_t n = 0;
	bool is;

	for (size_t i = 0; n < LOOK_AT && map_next(t->held.map, &i, &e); n++)
		if (t->of->group(t, e.key, &group) && group.p != NULL)
			(void)map_put(met, group, NULL);
	is = n == LOOK_AT && map_count(met) > LOOK_AT / 8;
	map_free(met);
	return is;
}

static int
count_one(struct tally *t, const struct map_entry *e)
{
	struct span group;

	if (!t->of->group(t, e->key, &group))
		return bad_state();
	if (group.p != NULL)
		t->of->count(t, e->cell, map_put(t->groups, group, NULL));
	return 0;
}

/* Members in no order; nothing is written. */
static int
count_all(struct tally *t)
{
	struct map_entry e;
	int rc = 0;

	for (size_t i = 0; rc == 0 && map_next(t->held.map, &i, &e);)
		rc = count_one(t, &e);
	return rc;
}

/* Write what was counted, or all of it but the last group. */
static int
rows(struct tally *t, bool all, const struct host *host)
{
	struct map_entry *e = map_sorted(t->groups);
	size_t n = map_count(t->groups);
	int rc = 0;

	n -= !all && n > 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = t->of->rows(t, e[i].key, e[i].cell, host);
		map_del(t->groups, e[i].key);
	}
	free(e);
	return rc;
}

/* Members in the order of their keys; groups are written meanwhile. */
static int
count_sorted(struct tally *t, const struct host *host)
{
	struct map_entry *v = map_sorted(t->held.map);
	int rc = 0;

	for (size_t i = 0, n = map_count(t->held.map); i < n && rc == 0; i++) {
		rc = count_one(t, &v[i]);
		if (rc == 0 && map_count(t->groups) > GROUPS_MAX)
			rc = rows(t, false, host);
	}
	free(v);
	return rc;
}

static void
before(struct tally *t)
{
	if (t->of->before != NULL)
		t->of->before(t);
}

/* ---- for struct op ---- */

/* Count all members that are held, and forget them; write what is whole: the last group stays open. */
int
tally_flush(void *st, const struct host *host)
{
	struct tally *t = st;
	int rc;

	before(t);
	if (many(t))
		rc = count_sorted(t, host);
	else if ((rc = count_all(t)) == 0)
		rc = rows(t, false, host);
	held_clear(&t->held);
	return rc;
}

int
tally_close(void *st, int64_t wm_ms, const struct host *host)
{
	int rc;

	if (wm_ms != INT64_MAX)
		return 0;
	rc = tally_flush(st, host);
	return rc != 0 ? rc : rows(st, true, host);
}

static void
add_numbers(void *arg, struct span key, void *cell, void *other)
{
	const size_t *width = arg;
	uint64_t *n = cell;
	const uint64_t *more = other;

	(void)key;
	for (size_t i = 0; i < *width; i++)
		n[i] += more[i];
}

int
tally_join(void *st, void *other)
{
	struct tally *t = st, *o = other;

	map_take(t->groups, o->groups, add_numbers, &t->width);
	return held_join(t, o);
}

/* ---- in parts ---- */

size_t
tally_plan(void *st, void *const *part, size_t n)
{
	struct tally *t = st;

	if (t->part != NULL || many(part[0]))
		return 0;
	t->part = mem_array(NULL, n, sizeof *t->part);
	memcpy(t->part, part, n * sizeof *t->part);
	return n;
}

int
tally_piece(void *st, void *by, size_t i, const struct host *host)
{
	struct tally *part = ((struct tally *)st)->part[i];
	int rc;

	(void)by;
	(void)host;
	before(part);
	rc = count_all(part);
	held_clear(&part->held);
	return rc;
}

int
tally_batch(void *st, const struct op_parts *parts, const struct batch *b)
{
	uint16_t at[BATCH_RECORDS_MAX] MEM_UNFILLED;
	size_t n = 0;

	(void)parts->locate(st, b);
	for (size_t i = 0; i < b->n; i++)
		if (b->fate[i] == F_PASS)
			at[n++] = (uint16_t)i;
	return parts->take(st, st, b, at, n);
}

void
tally_init(struct tally *t, const struct keyed *is, struct map *members, const struct tally_of *of, size_t width)
{
	*t = (struct tally){ .held = { is, members }, .of = of, .groups = map_new(width * sizeof(uint64_t)),
	    .width = width };
}

void
tally_free(struct tally *t)
{
	held_free(&t->held);
	map_free(t->groups);
	free(t->part);
}
