/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gathered - the records of one epoch at the source of a barrier job, judged and kept until its plan is written
 *
 *	struct gathered h = { .event_time = "ts:ms", .water = { .late = "10s" } };
 *	rc = gathered_set_up(&h, ctx);			// the options
 *	h.part = waters_part(&h.water, name); ... rc = gathered_put(&h, batch, NULL);	// in the batch function
 *	gathered_sum(&h, &epoch); ... rc = gathered_emit(&h);	// planned_ops judge and emit
 *	gathered_free(&h);
 *
 * Invariants: gathered_put rejects records whose time is missing, none, or too far ahead, and takes the times of the
 * others into the watermark of h.part; kept are their bytes, in the order that they came in.  Kept records are counted
 * as dropped, and as passed from gathered_emit on.  Memory: up to twice the bytes of the largest epoch so far, in large
 * pages, kept from one epoch to the next; and half of that again while it grows.
 */
#ifndef RUN_GATHERED_H
#define RUN_GATHERED_H

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "run/planned.h"
#include "run/run.h"
#include "run/waters.h"

struct gathered {
	const char *event_time;		/* PATH[:s|ms|us], or NULL: records have no times */
	struct waters water;
	/* of here */
	struct ctx *ctx;
	int col;			/* -1: none */
	enum unit unit;
	size_t part;			/* whose records come now */
	uint64_t n;
	char *text;			/* what is kept, by mem_table: n_text of cap bytes */
	size_t n_text, cap;
	struct buf scratch;
	XXH64_state_t sum;		/* of text: taken while its bytes are still in the cache */
};

/* For set_up. 0 or EXIT_USAGE after a message. */
int gathered_set_up(struct gathered *, struct ctx *);
/* The watermark for planned_conf: NULL without --event-time. */
struct waters *gathered_water(struct gathered *);
/* For batch: sets fates; line: what is kept instead of each record (NULL: itself). 0. */
int gathered_put(struct gathered *, const struct batch *, const struct span *line);
/* n and xxh64 of what is kept. */
void gathered_sum(const struct gathered *, struct planned_epoch *);
/* All of it to standard output; then nothing is kept. 0 or EXIT_IO. */
int gathered_emit(struct gathered *);
/* Nothing is kept. */
void gathered_forget(struct gathered *);
void gathered_free(struct gathered *);

#endif
