/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kafka_out - records to topics, each confirmed by the brokers
 *
 *	struct kafka_out_conf conf = { .link = { .brokers = "b1", .writes = true }, .topic = name, .n_topics = 1 };
 *	if ((rc = kafka_out_open(&conf, &k)) != 0) return rc;	// said what failed
 *	rc = kafka_out_put(k, &(struct kafka_record){ .value = line, .key = key, .has_key = true, .topic = 0, … });
 *	rc = kafka_out_flush(k);				// all confirmed, refused, or EXIT_TEMP
 *	kafka_out_close(k);
 *
 * Invariants: idempotent, acknowledged by all replicas in sync: while the process lives a retry is no second record.
 * Records of one key stay in their order: they go to one partition, and none is sent behind a newer one of its key.
 * Of a topic that takes less than others batches are made for what takes least, so that none is refused for its size.
 * Brokers refuse batches; what stood in a refused one is sent again alone, and only what is refused alone, or what a
 * newer record of its key has overtaken, is told as refused.  In memory are at most as many bytes as the library's
 * queue.buffering.max.kbytes (64 MiB) and 100,000 records; then put waits.
 */
#ifndef EDGE_KAFKA_OUT_H
#define EDGE_KAFKA_OUT_H

#include "edge/kafka.h"

/* Where a record came from, for who is told that it was refused; source lives as long as the kafka_out. */
struct kafka_place {
	const char *source;
	uint64_t line, offset;
};

struct kafka_record {
	struct span value, key, id;	/* key: with has_key; id: the header `id`, none when empty */
	bool has_key;
	size_t topic;			/* as in conf.topic, or what kafka_out_topic gave */
	int64_t ts_ms;			/* 0: the time at which it is sent */
	struct kafka_place at;
};

struct kafka_out_conf {
	struct kafka_conf link;		/* brokers, properties, insecure, stop; writes must be true */
	const char *const *topic;	/* [n_topics], copied */
	size_t n_topics;
	/* The record can't be had by the topic: why is a constant. 0, or an exit status that ends the work. */
	int (*refused)(void *arg, struct kafka_place, const char *why, struct span value);
	void *arg;
};

struct kafka_out;
/*
 * Connect, and see that the topics are there: none is ever made. 0; EXIT_USAGE, EXIT_IO for settings; EXIT_REMOTE for a
 * topic that is not there, or a refusal; EXIT_TEMP when no broker answers within 30 s.
 */
int kafka_out_open(const struct kafka_out_conf *, struct kafka_out **);
/* The number of a topic, by then one of ours: 0, or as kafka_out_open. */
int kafka_out_topic(struct kafka_out *, const char *name, size_t *which);
/* Copies what it is given. 0; EXIT_TEMP when no broker took a record within message.timeout.ms (5 min), or stopped. */
int kafka_out_put(struct kafka_out *, const struct kafka_record *);
/* Until nothing is under way. The same. */
int kafka_out_flush(struct kafka_out *);
/* Records that the brokers have. */
uint64_t kafka_out_confirmed(const struct kafka_out *);
/* What is still under way is given up. */
void kafka_out_close(struct kafka_out *);

#endif
