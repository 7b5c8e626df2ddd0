/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recent - of each key a record passes unless one passed that is less than a while away; or one of each local day; or
 *          one at all, as long as that is remembered
 *
 *	void *st = recent_new(&(struct recent_conf){ .key = col, .n_keys = 1, .time = 2, .within = { .us = 5000000 } });
 *	recent_op.batch(st, b, host);		// fates: F_PASS, F_DROP, F_REJECT (null key, no time)
 *	recent_op.close(st, wm, host);		// forgets what no record from wm on can meet
 *
 * Invariants: RECENT_WITHIN: times that passed are a while apart from each other, before and after, so at most one
 * lies in each window of that length: three lookups tell.  Input in time order: the first passes, and then none for a
 * while.  RECENT_DAY: the window is the local day and one passes in each.  RECENT_ONCE: it is all of time.  With a ttl
 * what passed is forgotten when its time and the ttl are no longer above the largest time met; how the input is split
 * into calls with saved states changes nothing.  State: (fingerprint of the key, mixed with the window's start) ->
 * time, 36 bytes each; with a ttl also the largest time, under the empty key.
 */
#ifndef OP_RECENT_H
#define OP_RECENT_H

#include "base/when.h"
#include "op/sift.h"

enum recent_kind { RECENT_WITHIN, RECENT_DAY, RECENT_ONCE };

struct recent_conf {		/* what it points to must live as long as the state */
	const int *key;		/* columns */
	size_t n_keys;
	enum key_as as;
	int time;		/* column */
	enum unit unit;
	const struct zone *zone;
	enum recent_kind kind;
	struct dur within;	/* RECENT_WITHIN: longer than nothing */
	struct dur ttl;		/* 0: what passed is never forgotten */
};

void *recent_new(const struct recent_conf *);
extern const struct op recent_op;
const struct sift *recent_sift(const struct recent_conf *);

#endif
