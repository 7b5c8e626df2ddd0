/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_spill - keys of unique() and distinct() that outgrow memory
 *
 * What a check has in memory goes to partitions on disk (run/parts.h), each key once, and from then on nothing is
 * looked up: a row leaves its fingerprint and its place there.  At the end one part after the other is counted, in a
 * table that fits.  An entry: the fingerprint, and the place of its row; 0: it was in memory, so its row has been
 * counted.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "run/check_own.h"
#include "run/parts.h"

#define PLACE_BYTES 5
#define ENTRY_BYTES (sizeof(struct fp) + PLACE_BYTES)
#define AHEAD 16		/* entries whose slots are fetched before they are asked for */

/* ---- to the parts ---- */

int
check_put(struct check *k, struct fp id, uint64_t place)
{
	char e[ENTRY_BYTES];

	memcpy(e, &id, sizeof id);
	for (size_t i = 0; i < PLACE_BYTES; i++)
		e[sizeof id + i] = (char)(unsigned char)(place >> 8 * i);
	return parts_put(k->parts, id.hi, e);
}

static struct fp
id_of(const char *e)
{
	struct fp id;

	memcpy(&id, e, sizeof id);
	return id;
}

static uint64_t
place_of(const char *e)
{
	uint64_t place = 0;

	for (size_t i = 0; i < PLACE_BYTES; i++)
		place |= (uint64_t)(unsigned char)e[sizeof(struct fp) + i] << 8 * i;
	return place;
}

static int
put_counted(void *check, const struct token *m)
{
	return check_put(check, m->id, 0);
}

uint64_t
checks_place(struct checks *cs, const char *source, uint64_t line)
{
	const struct check_source *s = cs->sources == 0 ? NULL : &cs->source[cs->sources - 1];

	if (!cs->parted)
		return 0;
	/* a file may be given twice */
	if (s == NULL || strcmp(s->name, source) != 0 || s->base + line <= cs->place) {
		uint64_t base = cs->place + BATCH_RECORDS_MAX;		/* behind the newest batch */

		cs->source = mem_array(cs->source, cs->sources + 1, sizeof *cs->source);
		cs->source[cs->sources++] = (struct check_source){ mem_str(source), base };
		s = &cs->source[cs->sources - 1];
	}
	return cs->place = s->base + line;
}

/* ---- what may be in memory ---- */

static bool
can_wait(const struct checks *cs, const struct check *k)
{
	/* a row that is dropped or copied for being a repeat must be known for one at once */
	return (k->kind == CHECK_UNIQUE && !cs->at_once) || (k->kind == CHECK_CHANGE && k->metric == METRIC_DISTINCT);
}

static size_t
bytes(const struct check *k)
{
	return k->seen == NULL ? 0 : seen_sift.bytes_with(k->seen, BATCH_RECORDS_MAX);
}

static int
too_many(size_t budget)
{
	return err_io("the keys of unique() and ref() need more memory than -S lets them have (%zu MiB)", budget / MIB);
}

int
check_fits(const struct check *k, size_t budget)
{
	return bytes(k) <= budget ? 0 : too_many(budget);
}

static int
begin_parts(struct checks *cs, struct check *k, size_t budget)
{
	size_t waiting = 0;
	int rc;

	for (size_t i = 0; i < cs->n; i++)
		waiting += can_wait(cs, &cs->v[i]);
	cs->parted = true;
	k->parts = parts_new(ENTRY_BYTES, budget / 4 / waiting);
	rc = seen_sift.each(k->seen, put_counted, k);
	seen_sift.clear(k->seen);
	return rc;
}

int
checks_fit(struct checks *cs, size_t budget)
{
	for (;;) {
		struct check *most = NULL;
		size_t all = 0;
		int rc;

		for (size_t i = 0; i < cs->n; i++) {
			struct check *k = &cs->v[i];

			all += k->parts == NULL ? bytes(k) : 0;
			if (k->parts == NULL && can_wait(cs, k) && (most == NULL || bytes(k) > bytes(most)))
				most = k;
		}
		if (all <= budget)
			return 0;
		if (most == NULL)
			return too_many(budget);
		if ((rc = begin_parts(cs, most, budget)) != 0)
			return rc;
	}
}

/* ---- the end ---- */

struct counting {
	struct check *k;
	uint64_t rounds, round;
	uint64_t repeats, first;	/* rows whose key was there before; the place of the first of them */
};

/* Entries of a part, those of this round, in the order of their rows. */
static int
count(void *arg, const char *e, size_t n)
{
	struct counting *x = arg;
	struct check *k = x->k;

	for (size_t i = 0; i < n; i++, e += ENTRY_BYTES) {
		struct token m = { .id = id_of(e) };
		uint64_t place = place_of(e);

		if (i + AHEAD < n)
			seen_sift.prefetch(k->seen, &(struct token){ .id = id_of(e + AHEAD * ENTRY_BYTES) });
		if (parts_round(m.id.hi, x->rounds) != x->round)
			continue;
		if (seen_sift.judge(k->seen, &m)) {
			k->distinct++;
			continue;
		}
		x->repeats++;
		x->first = place < x->first ? place : x->first;
	}
	return 0;
}

static void
say_first(const struct checks *cs, struct check *k, uint64_t place)
{
	size_t i = cs->sources - 1;

	while (i > 0 && cs->source[i].base >= place)
		i--;
	buf_clear(&k->first);
	buf_fmt(&k->first, "%s:%llu", cs->source[i].name, (unsigned long long)(place - cs->source[i].base));
}

static int
settle(struct checks *cs, struct check *k)
{
	struct counting x = { .k = k, .first = UINT64_MAX };
	uint64_t fit = cs->budget / 2 / 24 + 1;		/* op/seen.h: 21 to 24 bytes each */
	int rc = 0;

	k->distinct = 0;
	for (size_t i = 0; i < PARTS && rc == 0; i++) {
		x.rounds = parts_rounds(k->parts, i, fit);
		for (x.round = 0; x.round < x.rounds && rc == 0; x.round++) {
			seen_sift.reserve(k->seen, parts_count(k->parts, i) / x.rounds);
			rc = parts_each(k->parts, i, count, &x);
			seen_sift.clear(k->seen);
		}
	}
	parts_free(k->parts);
	k->parts = NULL;
	if (k->kind != CHECK_UNIQUE || x.repeats == 0)
		return rc;
	/* before the first part there were no places: what was found then comes first */
	if (k->bad == 0 || x.first < k->first_at)
		say_first(cs, k, x.first);
	k->bad += x.repeats;
	return rc;
}

int
checks_settle(struct checks *cs)
{
	int rc = 0;

	for (size_t i = 0; i < cs->n && rc == 0; i++)
		if (cs->v[i].parts != NULL)
			rc = settle(cs, &cs->v[i]);
	return rc;
}
