/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topics - Kafka topics to a table, each offset once: positions are those of the table's log
 *
 *	struct topics_conf conf = { .brokers = "b1:9092", .topics = "orders", .every_ms = 10000 };
 *	rc = topics_open(&conf, ctx, &dest, &t);	// says what failed
 *	rc = topics_work(t);				// until --until or a signal; commits as it goes
 *	… in the batch function: rc = topics_batch(t, b) …
 *	topics_close(t);
 *
 * Invariants: a partition of a cluster is a source `kafka/CLUSTER/TOPIC/PARTITION` of the table; its position is the
 * next offset to read, as text, in the same commit as the rows before it.  Reading begins behind our fence, at the
 * log's position, whatever the broker may think.  Fenced before the log knows where that is, we fence again where it
 * was a collector, and in a group leave the partition to who has it by then.  Messages are held until a commit is due
 * and then written partition by partition, so its files do not depend on the order they came in; where there is much
 * to read for one table, they are written piece by piece as they come, each partition's to files of its own.  A commit
 * that a collector's fence refuses is read again.  Empty values, null ones unless they are asked for, and offsets that
 * hold no message move the position and nothing else; they are counted.
 */
#ifndef RUN_TOPICS_H
#define RUN_TOPICS_H

#include "edge/kafka.h"
#include "run/dest.h"
#include "run/gathered.h"
#include "run/meter.h"

enum topics_nulls { NULLS_SKIP, NULLS_KEEP, NULLS_REJECT };	/* counted; a record {}; a reject */

struct topics_conf {
	const char *brokers, *topics, *group, *properties;
	const char *from, *until;	/* beginning|end|TIME|[TOPIC:]PARTITION:OFFSET,… ; NULL: beginning; for ever */
	int nulls;			/* enum topics_nulls: what a message without a value is */
	const char *meta;		/* {topic, partition, offset, key} goes under this name, or NULL */
	bool insecure;
	bool lost_ok;			/* messages that the broker has deleted are counted and passed over */
	uint64_t every_ms;		/* between commits */
	struct meter *meter;
	uint64_t bytes;			/* of messages held before a commit */
	uint64_t bulk_bytes;		/* of a commit whose messages are written as they come */
};

struct topics;
/* Check the words, connect, learn the partitions. 0, EXIT_USAGE, EXIT_IO, EXIT_REMOTE, EXIT_TEMP. */
int topics_set_up(const struct topics_conf *, struct ctx *, struct dest *, struct topics **);
int topics_open(struct topics *);
/* Read and commit. 0 at the end asked for or after a signal; else what stopped it, with the rest committed. */
int topics_work(struct topics *);
/*
 * The same as the source of a barrier job: conf with ctx, every_ms and pins.  The partitions p of each topic with
 * p mod n = i are read (0, 1: all).  Positions are {"TOPIC/PARTITION":OFFSET}.  As planned_work; EXIT_USAGE where no
 * partition is ours.
 */
int topics_job(struct topics *, struct gathered *, struct planned_conf conf, uint32_t i, uint32_t n);
/* The records of a batch that topics_work feeds. */
int topics_batch(struct topics *, const struct batch *);
/*
 * An event a partition, how far its position is behind its end, to standard output; more than `most` is a fail (NULL:
 * none is).  0, EXIT_NO when one failed, or as topics_open.
 */
int topics_lag(struct topics *, const uint64_t *most);
void topics_close(struct topics *);

#endif
