/* SPDX-License-Identifier: BSD-2-Clause */
/* tally - see tally.h */
#include <stdlib.h>

#include "base/err.h"
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
bool
tally_many(struct tally *t, void *st, const struct map *members)
{
	struct map *met = map_new(0);
	struct map_entry e;
	struct span group;
	size_t n = 0;
	bool many;

	for (size_t i = 0; n < LOOK_AT && map_next(members, &i, &e); n++)
		if (t->of->group(st, e.key, &group) && group.p != NULL)
			(void)map_put(met, group, NULL);
	many = n == LOOK_AT && map_count(met) > LOOK_AT / 8;
	map_free(met);
	return many;
}

static int
count_one(struct tally *t, void *st, const struct map_entry *e)
{
	struct span group;

	if (!t->of->group(st, e->key, &group))
		return bad_state();
	if (group.p != NULL)
		t->of->count(st, e->cell, map_put(t->groups, group, NULL));
	return 0;
}

int
tally_part(struct tally *t, void *st, const struct map *members)
{
	struct map_entry e;
	int rc = 0;

	for (size_t i = 0; rc == 0 && map_next(members, &i, &e);)
		rc = count_one(t, st, &e);
	return rc;
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

void
tally_take(struct tally *t, struct tally *from, size_t width)
{
	map_take(t->groups, from->groups, add_numbers, &width);
}

int
tally_count(struct tally *t, void *st, const struct map *members, const struct host *host)
{
	struct map_entry *v;
	int rc = 0;

	if (!tally_many(t, st, members)) {
		rc = tally_part(t, st, members);
		return rc != 0 ? rc : tally_rows(t, st, false, host);
	}
	v = map_sorted(members);
	for (size_t i = 0, n = map_count(members); i < n && rc == 0; i++) {
		rc = count_one(t, st, &v[i]);
		if (rc == 0 && map_count(t->groups) > GROUPS_MAX)
			rc = tally_rows(t, st, false, host);
	}
	free(v);
	return rc;
}

int
tally_rows(struct tally *t, void *st, bool all, const struct host *host)
{
	struct map_entry *e = map_sorted(t->groups);
	size_t n = map_count(t->groups);
	int rc = 0;

	n -= !all && n > 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = t->of->rows(st, e[i].key, e[i].cell, host);
		map_del(t->groups, e[i].key);
	}
	free(e);
	return rc;
}

void
tally_free(struct tally *t)
{
	map_free(t->groups);
}
