/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kafka_out - records to a topic, each confirmed by the brokers
 *
 *	struct kafka_out_conf conf = { .link = { .brokers = "b1:9092", .writes = true }, .topic = "a", .refused = f };
 *	if ((rc = kafka_out_open(&conf, &k)) != 0) return rc;	// said what failed
 *	rc = kafka_out_put(k, &(struct kafka_record){ .value = line, .key = key, .has_key = true, .at = where });
 *	rc = kafka_out_flush(k);				// all confirmed, refused, or EXIT_TEMP
 *	kafka_out_close(k);
 *
 * Invariants: idempotent, acknowledged by all replicas in sync: while the process lives a retry is no second record.
 * Records of one key stay in their order: they go to one partition, and none is sent behind a newer one of its key.
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
	int64_t ts_ms;			/* 0: the time at which it is sent */
	struct kafka_place at;
};

struct kafka_out_conf {
	struct kafka_conf link;		/* brokers, properties, insecure, stop; writes must be true */
	const char *topic;
	/* The record can't be had by the topic: why is a constant. 0, or an exit status that ends the work. */
	int (*refused)(void *arg, struct kafka_place, const char *why, struct span value);
	void *arg;
};

struct kafka_out;
/*
 * Connect, and see that the topic is there: it is never made. 0; EXIT_USAGE, EXIT_IO for settings; EXIT_REMOTE for a
 * topic that is not there, or a refusal; EXIT_TEMP when no broker answers within 30 s.
 */
int kafka_out_open(const struct kafka_out_conf *, struct kafka_out **);
/* Copies what it is given. 0; EXIT_TEMP when no broker took a record within message.timeout.ms (5 min), or stopped. */
int kafka_out_put(struct kafka_out *, const struct kafka_record *);
/* Until nothing is under way. The same. */
int kafka_out_flush(struct kafka_out *);
/* Records that the brokers have. */
uint64_t kafka_out_confirmed(const struct kafka_out *);
/* What is still under way is given up. */
void kafka_out_close(struct kafka_out *);

#endif
