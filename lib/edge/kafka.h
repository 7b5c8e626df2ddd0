/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kafka - messages of topics from offsets on that somebody else keeps
 *
 *	struct kafka_conf conf = { .brokers = "b1:9092", .topics = "orders,payments", .stop = &stop };
 *	if ((rc = kafka_open(&conf, &k)) != 0) return rc;	// said what failed
 *	p = kafka_parts(k, &n); … p[i].next = …; p[i].on = true; … rc = kafka_start(k);
 *	while ((got = kafka_next(k, 100, &m)) != KAFKA_FAILED)
 *		if (got == KAFKA_MESSAGE) use(m.part, m.offset, m.value);
 *	kafka_close(k);
 *
 * Invariants: the broker never chooses an offset, and what it is told of them is for lag tools alone: reading begins
 * where the caller says or fails.  Within a partition offsets rise; a gap is what compaction, retention or a
 * transaction left.  Aborted and open transactions are not seen (isolation.level read_committed).  Checksums are
 * verified.  Secrets come from a property file of mode 0600 alone; to another machine only TLS, unless insecure.  A
 * broker that goes away is waited for, aloud.
 */
#ifndef EDGE_KAFKA_H
#define EDGE_KAFKA_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct kafka_conf {
	const char *brokers;		/* HOST[:PORT],… */
	const char *topics;		/* TOPIC,… */
	const char *group;		/* NULL: all partitions are ours; else those that the group gives us */
	const char *properties;		/* a file of librdkafka's settings, or NULL */
	bool insecure;			/* no TLS, wherever the brokers are */
	bool writes;			/* edge/kafka_out: settings of a producer */
	unsigned patience;		/* seconds without any broker until KAFKA_FAILED with EXIT_TEMP; 0: for ever */
	volatile const sig_atomic_t *stop;	/* not 0: waiting ends */
};

struct kafka_part {
	const char *topic;
	int32_t id;
	bool ours;			/* without a group always */
	bool fresh;			/* ours, and kafka_start has not begun it yet */
	bool since;			/* it came to its topic when this was open already */
	bool leaving, lost;		/* KAFKA_TAKEN: the group takes it; lost: another may have it already */
	bool on;			/* in: read it */
	bool ended;			/* when we last heard, nothing stood behind next */
	int64_t next;			/* in: from here; then behind the last message that was handed out */
	int64_t low, high;		/* kafka_bounds: the first offset there, and behind the last */
};

struct kafka_message {
	size_t part;			/* place in kafka_parts */
	int64_t offset;			/* KAFKA_END: of what will come next */
	struct span value, key;		/* until the next kafka_next; p NULL: null */
};

enum kafka_got {
	KAFKA_NONE,		/* nothing within the time */
	KAFKA_MESSAGE,
	KAFKA_END,		/* nothing stands behind m->offset in that partition now */
	KAFKA_TAKEN,		/* the group takes those `leaving`: finish them, then kafka_give_up */
	KAFKA_GIVEN,		/* the group gave us, or topics have got, those that are `fresh` now: set next and on
				   of these, then kafka_start.  kafka_parts may be elsewhere, longer at its end */
	KAFKA_FAILED		/* said; kafka_status */
};

struct kafka;
/*
 * Connect, and learn the topics' partitions. 0; EXIT_USAGE, EXIT_IO for settings; EXIT_REMOTE for a topic that is
 * not there, or a refusal; EXIT_TEMP when no broker answers within 30 s.
 */
int kafka_open(const struct kafka_conf *, struct kafka **);
void kafka_close(struct kafka *);
/* The cluster's own name for itself, or "". */
const char *kafka_cluster(const struct kafka *);
struct kafka_part *kafka_parts(struct kafka *, size_t *n);
/* Ask for low and high of the partitions that are ours. 0, EXIT_TEMP, EXIT_REMOTE. */
int kafka_bounds(struct kafka *);
/* What stands behind its last message, as an answer to our reading told: nobody is asked. -1: none has yet. */
int64_t kafka_high(const struct kafka *, size_t part);
/*
 * The first offset of each of ours (in a group: of the fresh ones) with a time of at least ms, its high where there is
 * none: in next. The same.
 */
int kafka_times(struct kafka *, int64_t ms);
/*
 * Read the partitions that are ours and on, each from next; in a group the fresh ones: the others go on as they do. 0,
 * EXIT_TEMP.
 */
int kafka_start(struct kafka *);
/* No more of this partition. */
void kafka_stop(struct kafka *, size_t part);
enum kafka_got kafka_next(struct kafka *, int timeout_ms, struct kafka_message *);
/* Is a message here already, so that kafka_next neither waits nor asks the library? */
bool kafka_waiting(const struct kafka *);
/* Header i of the message that came last, as long as it: false behind the last one. A value may be null (p NULL). */
bool kafka_header(const struct kafka *, size_t i, struct span *name, struct span *value);
/*
 * Tell the group how far we are in each partition that is ours, for whoever measures lag there: nothing is ever read
 * from it, nobody waits for it, and that it failed is nobody's business.  next: [n].  Nothing without a group.
 */
void kafka_tell(struct kafka *, const int64_t *next);
/* Behind KAFKA_TAKEN: those that leave are not ours any more. */
void kafka_give_up(struct kafka *);
int kafka_status(const struct kafka *);

#endif
