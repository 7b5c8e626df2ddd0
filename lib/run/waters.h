/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waters - the watermark of a barrier job's source: that of each of its partitions, and the least of them
 *
 *	struct waters w = { .late = "10s", .idle = "1m", .max_future = "1h" };
 *	rc = waters_set_up(&w, ctx);			// the options; reads what is wrong with them aloud
 *	p = waters_part(&w, name);			// once a partition; a number that stays
 *	waters_now(&w, now_ms);				// judge: the clock of the plan
 *	if (waters_ahead(&w, us)) ... reject: WATERMARK_AHEAD ... else waters_take(&w, p, us);
 *	wm = waters_settle(&w);				// behind the last record of the epoch
 *
 * Invariants: m_p is the newest accepted time of partition p; p is idle from --idle after the clock of the last epoch
 * that had a record of it or left some of it unread (a partition without any: after the clock that it was first seen
 * at); where its source knows when it was last written to, in the epochs behind that one, from --idle after that.  The
 * watermark is the least m_p - late of those that are not idle, never falls, and stays where it is while one of them
 * has no record, or all are idle.  Without --idle none is ever idle.  Only clocks of plans are looked at, so a replay
 * gives the same.  What waters_save writes is all that is known.
 */
#ifndef RUN_WATERS_H
#define RUN_WATERS_H

#include "base/map.h"
#include "base/watermark.h"

struct waters_part {
	char *name;
	int64_t newest_us;	/* WATERMARK_NONE: no record yet */
	int64_t seen_ms;	/* the clock of the last epoch that had one */
	int64_t wrote_ms;	/* of a fresh one that is read to its end: when it was last written to; 0: not known */
	bool fresh;		/* this epoch had one, or could not take it yet */
};

struct waters {
	const char *late, *idle, *max_future;	/* as given; NULL: not */
	/* of here */
	struct dur late_by, ahead_by;
	int64_t idle_ms, now_ms, limit_us, wm_ms;
	const struct zone *zone;
	struct waters_part *part;
	size_t n;
};

struct ctx;
/* The options' texts to what they mean. 0 or EXIT_USAGE after a message. */
int waters_set_up(struct waters *, struct ctx *);
/* The number of the partition of that name; a new one has no record yet. */
size_t waters_part(struct waters *, struct span name);
/* It is a partition no more, if it was one; numbers behind it move. */
void waters_forget(struct waters *, struct span name);
/* From here to waters_settle this is the clock. */
void waters_now(struct waters *, int64_t now_ms);

static inline bool
waters_ahead(const struct waters *w, int64_t us)
{
	return us > w->limit_us;
}

static inline void
waters_take(struct waters *w, size_t part, int64_t us)
{
	struct waters_part *p = &w->part[part];

	p->fresh = true;
	if (us > p->newest_us)
		p->newest_us = us;
}

/* The epoch is whole: the watermark that holds behind it, ms since 1970, or WATERMARK_NONE. */
int64_t waters_settle(struct waters *);
/* Append all that is known as a JSON object; take it up again, instead of all that was known: false if it is none. */
void waters_save(const struct waters *, struct buf *out);
bool waters_load(struct waters *, struct span saved, int64_t wm_ms);
void waters_free(struct waters *);

#endif
