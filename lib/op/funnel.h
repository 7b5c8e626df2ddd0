/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * funnel - how many users got how far: steps in the order of event time, or each step by itself
 *
 *	void *st = funnel_new(&conf);
 *	funnel_op.batch(st, b, host);			// F_USED; F_DROP: no step, or no user; F_REJECT: no time
 *	funnel_op.close(st, INT64_MAX, host);		// host->row: groups, step, number, users, rate
 *
 * Invariants: a user is at step k of a group when events of it meet the steps 1..k, one after the other in time, all
 * within conf.within (its end inside) of the one that meets step 1, or on the local day of that; events of one time
 * are in the order of the steps, and one may meet several.  As ClickHouse's windowFunnel counts, but the order
 * of the input never matters.  Groups come in key order.  State: group and user -> times, each with the steps met.
 */
#ifndef OP_FUNNEL_H
#define OP_FUNNEL_H

#include "base/op.h"
#include "base/when.h"

#define FUNNEL_STEPS_MAX 64

struct funnel_conf {		/* what it points to must live as long as the state */
	const int *key;		/* columns: groups, then user */
	size_t n_groups, n_users;
	enum key_as as;
	int time;		/* column */
	enum unit unit;
	const struct zone *zone;
	struct dur within;
	bool day;		/* the local day of the first step instead */
	bool unordered;		/* each step by itself; no times are read */
	const int *step;	/* columns that are T_TRUE where a record meets the step */
	const struct span *name;	/* their names as JSON */
	size_t n_steps;
};

void *funnel_new(const struct funnel_conf *);
extern const struct op funnel_op;

#endif
