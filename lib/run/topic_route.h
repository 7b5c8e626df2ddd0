/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topic_route - which record goes to which topic: the lines of emit --route
 *
 *	rc = topic_route_open(&t, "out.route", ctx);		// t.route NULL without a file
 *	rc = topic_route_connect(&t, &conf, &out);		// all its topics are there
 *	why = topic_route_of(&t, b, i, &topic, &key_col);	// NULL, or why record i is none of theirs
 *	rc = topic_route_again(&t, out);			// between blocks: by what the file says now
 *	rc = topic_route_mark(&t, out, m);			// in a barrier job: by the version that the line pins
 *
 * Invariants: as run/dest_route.h; NAME is a topic, key=PATH the key of the records of that line.  A file that changed
 * is followed when all that came before it is confirmed; one that names a topic that is not there is not followed.
 * In a barrier job that is decided once for each epoch, and the same when it comes again (run/obey.h).
 */
#ifndef RUN_TOPIC_ROUTE_H
#define RUN_TOPIC_ROUTE_H

#include <stdint.h>

#include "edge/kafka_out.h"
#include "run/dest_route.h"
#include "run/obey.h"

#define ROUTE_AWAY SIZE_MAX

struct topic_route {
	struct route *route;		/* NULL: one topic, number 0 */
	struct ctx *ctx;
	struct obey *obey;		/* NULL: in no barrier job */
	size_t *topic;			/* [route->n_tables] as kafka_out knows them */
	int64_t looked;			/* clock_ms(), in seconds */
};

/* Read it, if there is a file. 0, EXIT_USAGE, EXIT_IO; to be closed in any case. */
int topic_route_open(struct topic_route *, const char *file, struct ctx *);
/* kafka_out_open with these topics, or with conf's own. */
int topic_route_connect(struct topic_route *, struct kafka_out_conf *, struct kafka_out **);
/*
 * NULL, or why record i goes nowhere.  *key: the line's column, or as it was where the line names none; *topic
 * ROUTE_AWAY: it is to be dropped.
 */
const char *topic_route_of(struct topic_route *, const struct batch *, size_t i, size_t *topic, int *key);
/* No more than once a second. 0, or what kafka_out_flush said. */
int topic_route_again(struct topic_route *, struct kafka_out *);
/* Behind the flush of what came before the line. 0; EXIT_TEMP: no broker answers; what obey_look said. */
int topic_route_mark(struct topic_route *, struct kafka_out *, const struct mark *);
void topic_route_close(struct topic_route *);

#endif
