/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recent - of each key a record passes unless one passed that is less than a while away; or one of each local day
 *
 *	void *st = recent_new(&(struct recent_conf){ .key = col, .n_keys = 1, .time = 2, .within = { .us = 5000000 } });
 *	recent_op.batch(st, b, host);		// fates: F_PASS, F_DROP, F_REJECT (null key, no time)
 *	recent_op.close(st, wm, host);		// forgets what no record from wm on can meet
 *
 * Invariants: times that passed are a while apart from each other, before and after, so at most one lies in each window
 * of that length: state is (fingerprint of the key, window) -> time, and three lookups tell.  With `day` the window
 * is the local day and one passes in each.  Input in time order: the first passes, and then none for a while.
 */
#ifndef OP_RECENT_H
#define OP_RECENT_H

#include "base/op.h"
#include "base/when.h"

struct recent_conf {		/* what it points to must live as long as the state */
	const int *key;		/* columns */
	size_t n_keys;
	enum key_as as;
	int time;		/* column */
	enum unit unit;
	const struct zone *zone;
	struct dur within;	/* longer than nothing */
	bool day;		/* the local day instead */
};

void *recent_new(const struct recent_conf *);
extern const struct op recent_op;

#endif
