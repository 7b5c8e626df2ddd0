/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kafka_conf - librdkafka's settings: ours, and those of a property file (for lib/edge/kafka*.c)
 *
 *	rd_kafka_conf_t *conf; bool debug;
 *	if ((rc = kafka_settings(&kafka_conf, &conf, &debug)) != 0) return rc;	// said
 *	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
 *
 * Invariants: what exactly-once rests on is ours, and a file that says otherwise is refused; so is whatever would
 * load code.  The file is read only if nobody else can read it.  Its values reach no message.
 */
#ifndef EDGE_KAFKA_CONF_H
#define EDGE_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>

#include "edge/kafka.h"

/*
 * The settings of a consumer, or with conf.writes of a producer; *debug: the file asks for the library's log. 0,
 * EXIT_USAGE, EXIT_IO.
 */
int kafka_settings(const struct kafka_conf *, rd_kafka_conf_t **, bool *debug);

#endif
