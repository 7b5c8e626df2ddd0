/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kafka_wake - ends librdkafka's sleep behind a full queue (for lib/edge/kafka.c)
 *
 *	struct kafka_wake *w = kafka_wake_new(rk);
 *	kafka_wake_ask(w, "orders", 3);		// the broker of that partition; does not wait
 *	kafka_wake_free(w);			// before rk goes
 *
 * Invariants: any question to a broker ends the sleep of the thread that reads from it.  Such a question waits for its
 * answer, which may come behind megabytes of messages: a thread of its own does, begun with the first.  One at a time;
 * those that come meanwhile are one.  Speed only: nothing depends on an answer.
 */
#ifndef EDGE_KAFKA_WAKE_H
#define EDGE_KAFKA_WAKE_H

#include <librdkafka/rdkafka.h>

struct kafka_wake;
struct kafka_wake *kafka_wake_new(rd_kafka_t *);
/* topic lives as long as w. */
void kafka_wake_ask(struct kafka_wake *w, const char *topic, int32_t part);
/* NULL is nothing. */
void kafka_wake_free(struct kafka_wake *);

#endif
