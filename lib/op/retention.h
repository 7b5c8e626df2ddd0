/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * retention - how many users of a cohort came back after so many days
 *
 *	void *st = retention_new(&conf);
 *	retention_op.batch(st, b, host);		// F_USED; F_DROP: no user; F_REJECT: no cohort
 *	retention_op.close(st, INT64_MAX, host);	// host->row: groups, cohort, day, users, kept
 *
 * Invariants: users are the different users of a group and cohort, whatever day their records are of; kept those with a
 * record of the day that is conf.days[i] days after the cohort's, null where no record of any group is so late: that
 * day is not known yet.  Rows come by group, cohort, day.  The order of the input does not matter.  State: group,
 * cohort and user -> the days kept, as bits; and under the empty key the last day met.
 */
#ifndef OP_RETENTION_H
#define OP_RETENTION_H

#include "base/op.h"
#include "base/when.h"

#define RETENTION_DAYS_MAX 64

struct retention_conf {		/* what it points to must live as long as the state */
	const int *group, *user;	/* columns */
	size_t n_groups, n_users;
	enum key_as as;
	int cohort, day;	/* columns: dates, or times of the zone's days; a null day is no visit */
	enum unit cohort_unit, day_unit;
	const struct zone *zone;
	const int32_t *days;	/* rising, none twice */
	size_t n_days;
};

void *retention_new(const struct retention_conf *);
extern const struct op retention_op;

#endif
