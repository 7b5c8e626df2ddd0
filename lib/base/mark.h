/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mark - a control line: where an epoch of a stream ends
 *
 *	if (mark_is(line, nonce)) { why = mark_parse(line, &m); ... }
 *	m.n = written; mark_hop(&hops, &mine); m.hops = buf_span(&hops);
 *	mark_print(&out, nonce, &m);
 *
 * Invariants: known by its fixed prefix before the scanner sees it; only in a job whose nonce it carries, else it is
 * data.  Only mark_print writes them, so what is read has its members in its order and no blanks; anything else is
 * refused, whole.  The id ends epoch id; now, wm and pins hold for the epoch that follows.  Under marks these are the
 * only clock and the only watermark a tool may use; what a tool makes of either is base/watermark.h.
 */
#ifndef BASE_MARK_H
#define BASE_MARK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define MARK_PREFIX "{\"$barrier\":\""
#define MARK_NONCE 32		/* hex digits of 128 random bits: those of the job's run directory */

enum mark_kind {
	MARK_OPEN,		/* the first line: epoch id is done, take its state up */
	MARK_EPOCH,		/* epoch id ends here */
	MARK_END		/* the same, and nothing follows: only on success */
};

struct mark {
	uint64_t id, run;
	enum mark_kind kind;
	uint64_t n;			/* records the previous hop wrote since its last mark */
	int64_t now_ms, wm_ms;		/* wm_ms INT64_MIN: none yet */
	/* raw JSON: positions, positions, TABLE -> commit and file:NAME -> "HASH" (run/conf.h), [hop] */
	struct span from, to, pins, hops;
};

/* What a hop made of the records of one epoch: in = pass + drop + used + rej. */
struct mark_hop {
	struct span tool;		/* its name: letters, digits, - and _ */
	uint64_t in, pass, drop, used, rej, made;
};

/* Is the line (no LF) one of the job with this nonce, MARK_NONCE digits? */
bool mark_is(struct span line, const char *nonce);
/* The spans of *out point into the line. NULL, or why it is none, a constant. */
const char *mark_parse(struct span line, struct mark *out);
/* Append the line, with its LF. Empty spans are {} and []. */
void mark_print(struct buf *, const char *nonce, const struct mark *);

/* Append a hop to the JSON array in the buffer, which may be empty. */
void mark_hop(struct buf *hops, const struct mark_hop *);
/*
 * The next hop of the array that m.hops was, and *rest what is behind it: false at its end, with rest->n 0, or where it
 * is broken, with rest->n > 0.
 */
bool mark_hop_next(struct span *rest, struct mark_hop *);
/*
 * Does each hop account for what came in, and did it get what the hop before wrote: pass + made?  The first hop is
 * the source, whose in is what it read.  NULL, or why not, a constant, and in *at the hop's tool.
 */
const char *mark_hops_agree(struct span hops, struct span *at);

/*
 * The tool of the hop by which shard and fan-out begin the account of a process below them: of what came in, passed
 * what this one gets.  It is no stage.
 */
#define MARK_BRANCH "branch"
/*
 * Append where the stage stands that gets this account: how many are before it, `2`; below the shard that is hop 2
 * `2.0`, `2.1`, ...: no two stages of a pipeline, but for the branches of one shard or fan-out, are at one place.
 */
void mark_place(struct buf *, struct span hops);

#endif
