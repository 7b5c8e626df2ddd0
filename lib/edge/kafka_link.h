/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kafka_link - is anybody there: what librdkafka tells of brokers, for who reads and who writes (for lib/edge/kafka*.c)
 *
 *	struct kafka { struct kafka_link link; ... };		// the first member: callbacks get either by one pointer
 *	k->link.brokers = brokers; kafka_link_set(&k->link, conf);
 *	... each answer: kafka_link_alive(&k->link); each call: if (k->link.status != 0) return k->link.status;
 *
 * Invariants: a broker that goes away is said once and waited for; a refusal before the first answer, and what the
 * library calls fatal, is a status, said once.  The callbacks run inside our own calls of the library.
 */
#ifndef EDGE_KAFKA_LINK_H
#define EDGE_KAFKA_LINK_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <time.h>

struct kafka_link {
	const char *brokers;
	int status;			/* 0, or what was said: EXIT_TEMP, EXIT_REMOTE */
	bool up;			/* somebody answered once */
	bool debug;			/* the library's log goes to standard error */
	time_t down;			/* since when nobody does; 0: they do */
};

/* Errors and the log of what is made with this conf come to the link. */
void kafka_link_set(struct kafka_link *, rd_kafka_conf_t *);
/* Somebody answered. */
void kafka_link_alive(struct kafka_link *);
/* Seconds of a clock that only runs forward, never 0. */
time_t kafka_link_now(void);

#endif
