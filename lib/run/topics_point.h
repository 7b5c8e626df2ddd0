/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topics_point - beginning, end, a time, or offsets: where reading of topics begins or ends (for run/topics)
 *
 *	struct point p;
 *	if ((rc = point_parse("0:4711,orders:1:17", "--from", zone, &p)) != 0) return rc;
 *	… point_check(&p, "--from", part, n) … at = point_offset(&p, &part[i], part[i].low) …
 *	point_free(&p);
 *
 * Invariants: a text that is a time is a time, also where it could be read as offsets.
 */
#ifndef RUN_TOPICS_POINT_H
#define RUN_TOPICS_POINT_H

#include "base/when.h"
#include "edge/kafka.h"

enum point_kind { POINT_BEGINNING, POINT_END, POINT_TIME, POINT_OFFSETS };

struct point_at {
	char *topic;		/* NULL: of every topic */
	int32_t part;
	int64_t offset;
};

struct point {
	enum point_kind kind;
	int64_t ms;
	struct point_at *at;
	size_t n;
};

/* what: the option. 0 or EXIT_USAGE after a message. */
int point_parse(const char *text, const char *what, const struct zone *, struct point *);
/* Are all partitions it names there? 0 or EXIT_USAGE after a message. */
int point_check(const struct point *, const char *what, const struct kafka_part *, size_t n);
/*
 * The offset it means in a partition whose low and high are known (with POINT_TIME: kafka_times's next); `other`
 * in one that it does not name.
 */
int64_t point_offset(const struct point *, const struct kafka_part *, int64_t other);
void point_free(struct point *);

#endif
