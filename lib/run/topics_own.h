/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topics_own - what topics to a table and topics as the source of a barrier job share (for lib/run/topics*.c)
 *
 *	rc = topics_resolve(t, &t->from, at); ... p->next = at[i]; ... rc = topics_ends(t, at);
 *	while (!topics_all_done(t)) { got = kafka_next(t->k, POLL_MS, &m); rc = topics_take(t, &m); }
 *	t->now = p; rc = tail_messages(t->ctx, &p->got);	// to topics_batch
 *
 * Invariants: part[i] and kp[i] are of one partition.  `next` is behind all that was taken, kept or not.
 */
#ifndef RUN_TOPICS_OWN_H
#define RUN_TOPICS_OWN_H

#include "run/tail.h"
#include "run/topics.h"
#include "run/topics_point.h"

#define POLL_MS 100

struct stand {			/* beside the kafka_part of the same number */
	char *app, *name;	/* the source; TOPIC/PARTITION */
	char from[24];		/* where the log says it stands; "": it knows nothing */
	int64_t next;		/* the first offset that was not taken */
	int64_t end;		/* the first one that is not wanted; INT64_MAX: all are */
	int64_t last;		/* --until: its end; INT64_MAX: none */
	bool bound;		/* last is known: it is taken once */
	bool done;
	uint64_t epoch;
	int64_t fenced;	/* in a group: when another writer was seen to have it, before the group said so; 0 */
	struct messages got;
	struct buf meta;	/* a JSON object for each of got */
	size_t *meta_end, meta_cap;
};

struct topics {
	struct topics_conf conf;
	struct ctx *ctx;
	struct dest *dest;
	struct kafka *k;
	struct kafka_part *kp;
	struct stand *part;
	size_t n, bytes, fresh;		/* bytes: held; fresh: messages since the last commit */
	size_t written;			/* bytes of the commit that is under way: its pieces */
	struct point from, until;
	struct map *mine;		/* fences of this process */
	enum kafka_got event;		/* KAFKA_TAKEN, KAFKA_GIVEN: to be heeded */
	bool given;			/* the group has said once what is ours */
	bool opened;			/* what a commit writes to is there */
	bool pieces;			/* and some of it is written */
	bool broken;			/* or could not be: it is not to be committed */
	bool again;			/* it was given up, and is read anew */
	bool bulk;			/* the last commit was full before its time: more is to come */
	bool crowded;			/* too many sources and days for all their files to be open */
	int64_t due;			/* of the commit, ms; 0: nothing to commit yet */
	struct stand *now;		/* whose messages the batch function sees */
	int meta_col;
	struct buf key, lines, scratch;
	bool fenced;			/* some part is */
	uint64_t nulls, empty, gaps, lost;
	struct gathered *held;		/* in a barrier job, else NULL */
	size_t *order, *water;		/* [n] there: parts by (topic, partition); each one's in the watermark */
};

/* What the point means for each partition that is ours, as offsets; low and high are known then. As kafka_bounds. */
int topics_resolve(struct topics *, const struct point *, int64_t *at);
/* --until, taken once: to last and end. at: [n], scratch. */
int topics_ends(struct topics *, int64_t *at);
/* Is its next still there, low and high being known? 0, EXIT_REMOTE; with --lost-ok next may move. */
int topics_check(struct topics *, size_t part);
/* A message is kept, counted or rejected, and next moves. 0 or what ends the work. */
int topics_take(struct topics *, const struct kafka_message *);
/* --meta: keep what is to be said of the message just kept (nothing without it); say it of a batch, in line[n]. */
void topics_meta_keep(struct topics *, size_t part, const struct kafka_message *);
void topics_meta_add(struct topics *, const struct batch *, struct span *line);
/* How far behind each partition is, as the brokers have told by the way: for the meter. */
void topics_lags(void *src, struct meter *);
/* KAFKA_END came. */
void topics_reached(struct topics *, const struct kafka_message *);
bool topics_all_done(const struct topics *);

#endif
