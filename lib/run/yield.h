/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * yield - what a block of an input became, kept until the blocks before it are out (for the files of lib/run)
 *
 *	c->yield = &p;					// a thread's ctx: what it puts out goes here
 *	block_lines(c, f, ps, &blk, &number);
 *	rc = yield_commit(main_ctx, f, &p, line);	// the main thread, in its turn: `line` is the block's first
 *
 * Invariants: output and bad lines stand in the order of the records; at each bad line is noted how much was put out
 * and counted before it, so that a run that ends there ends as it would with one thread.  Bad lines' bytes are the
 * block's: it outlives the yield.
 */
#ifndef RUN_YIELD_H
#define RUN_YIELD_H

#include "base/buf.h"
#include "run/flow.h"

struct ctx;
struct feed;

struct tally {
	struct flow_counts n;
	uint64_t blank, nulls;
};

struct bad_line {
	size_t out;			/* bytes of `out` before it */
	struct tally upto;		/* it included */
	uint64_t line, offset;		/* lines of the block before it; place in the input */
	const char *why;
	struct span raw;
};

struct yield {
	struct buf out;
	size_t whole;			/* of out: whole records */
	struct buf *side;		/* [n_sides], the first of no use */
	size_t n_sides;
	struct bad_line *bad;
	size_t n_bad, cap_bad;
	struct arena text;		/* reasons */
	struct buf left;		/* ctx_left: of the whole block, not yield_commit's business */
	struct tally count;
};

void yield_bad(struct yield *, const char *why, struct span raw, uint64_t line, uint64_t offset);
struct buf *yield_side(struct yield *, int out);
/*
 * Put it out, count it, judge its bad lines; it is empty then, and may be filled on.  `line` is the number of the
 * block's first line. 0 or an exit status after a message.
 */
int yield_commit(struct ctx *, struct feed *, struct yield *, uint64_t line);
/* The same of a second input's block: what was made of it is taken (struct second of run/ctx.h). */
int yield_take(struct ctx *, struct feed *, struct yield *, uint64_t line);
void yield_free(struct yield *);

#endif
