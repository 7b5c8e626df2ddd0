/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * yield - what a block of an input became, kept until the blocks before it are out (for the files of lib/run)
 *
 *	c->yield = &p;					// a thread's ctx: what it puts out goes here
 *	block_lines(c, f, ps, &blk, &number);
 *	rc = yield_commit(main_ctx, f, &p, line);	// the main thread, in its turn: `line` is the block's first
 *
 * Invariants: output and bad lines stand in the order of the records; at each bad line is noted how much was put out
 * and counted before it, so that a run that ends there ends as it would with one thread.  The bytes of bad lines, and
 * of long pieces that pass, are the block's: it outlives the yield.
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

/* Lines of the block that pass as they are: no copy of them is made. */
struct passing {
	size_t at;			/* behind so many bytes of out */
	struct span lines;
};

/* How much is put out: bytes of out, and passing lines. */
struct upto { size_t out, passing; };

struct bad_line {
	struct upto out;		/* before it */
	struct tally upto;		/* it included */
	uint64_t line, offset;		/* lines of the block before it; place in the input */
	const char *why;
	struct span raw;
};

struct yield {
	struct buf out;
	size_t whole;			/* of out: whole records */
	struct passing *passing;
	size_t n_passing, cap_passing;
	struct buf *side;		/* [n_sides], the first of no use */
	size_t n_sides;
	struct bad_line *bad;
	size_t n_bad, cap_bad;
	struct arena text;		/* reasons */
	struct buf left;		/* ctx_left: of the whole block, not yield_commit's business */
	struct tally count;
};

/* Whole lines of the block, their LF included, pass. What was begun in `out` and is no whole record is forgotten. */
void yield_pass(struct yield *, struct span lines);
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
