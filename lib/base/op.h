/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * op - what an operator is: keyed state with one law
 *
 *	static const struct op window_op = { "window", 1, batch, close, add, save, shed, bytes, fresh, destroy };
 *	window_op.batch(st, b, host); ... window_op.close(st, INT64_MAX, host);
 *
 * Invariants: state is a map key -> partial value and nothing else; add() is associative and
 * commutative, and add() of every pair that save(all) gave, into a fresh state, equals the old state.
 * From that law come snapshots, spilling, -j by merging thread states, --partial | --merge and shard.
 * An operator sees typed spans, never files, clocks, threads or arguments.  Outputs of close() are in
 * canonical key order.  Everything returns 0 or an exit status (EXIT_INPUT, EXIT_IO, EXIT_TEMP).
 */
#ifndef BASE_OP_H
#define BASE_OP_H

#include "base/batch.h"

/* Given by run.  out 0 is the standard output, 1.. are side outputs in the order they were opened. */
struct host {
	void *self;
	/* one made record, cells in the order of the output's names */
	int (*row)(void *self, int out, const struct val *cell, size_t n);
	/* one made record, a whole line without its end, bytes as they are */
	int (*raw)(void *self, int out, struct span line);
	/* this line goes out later, in the order of seq; from one call of flush they come in that order (part: 0) */
	int (*defer)(void *self, uint32_t part, struct span line, uint64_t seq);
	/* a line of several pieces, as raw() of it; NULL: raw alone */
	int (*pieces)(void *self, int out, const struct span *, size_t n);
};

/* One piece of keyed state; val.p == NULL: the key is gone.  A non-zero return must end the caller's call with it. */
typedef int kv_fn(void *arg, struct span key, struct span val);

/*
 * State of which nothing is ever taken back, as bytes of many pairs at once: what a long stream saves at each of its
 * control lines.  A piece is good by itself and in any order with others; to add it twice, or after what it says was
 * forgotten, changes no answer.
 */
struct op_bulk {
	/*
	 * all, or what came since the last save, this one or op.save; put returns 0, or what ends the call.  What
	 * changed, by op.save behind it, may leave out what is gone.
	 */
	int (*save)(void *st, bool all, int (*put)(void *arg, struct span bytes), void *arg);
	/* 0; EXIT_INPUT: they are not of this operator */
	int (*add)(void *st, struct span bytes);
	/* bytes of a save of all, as far as that is known without a look at all of it */
	uint64_t (*size)(const void *st);
};

/*
 * How threads share a state in parts that have no key in common: a key is in the part that its hash says
 * (run/shared.h).  The law holds for the parts together.
 */
struct op_parts {
	/* may they, with this set-up?  Not where what becomes of a record depends on those before it; NULL: always */
	bool (*can)(const void *st);
	/*
	 * hash_mem of the key of each record that passes; judges those that cannot be located.  What it found is kept
	 * in st until the next call.
	 */
	const uint64_t *(*locate)(void *st, const struct batch *);
	/* n of the records that `by` located, into st, which may be by itself or a part: they are used, or rejected */
	int (*take)(void *st, void *by, const struct batch *, const uint16_t *at, size_t n);
	/*
	 * At the end of the input: what of the work may be done in pieces by several threads?  st, an empty state,
	 * remembers it.  Asked again when these are done, for pieces that need what they made, until it says 0:
	 * nothing, the parts are joined as they are.
	 */
	size_t (*plan)(void *st, void *const *part, size_t n);
	/* one of them, with another state to work with: its rows come behind those of the pieces before it */
	int (*piece)(void *st, void *by, size_t i, const struct host *);
	bool rows;		/* pieces put out all there is; else the parts are joined when they are done */
};

struct op {
	const char *name;
	uint32_t version;					/* of the (key, val) bytes; another one is refused */
	int (*batch)(void *st, const struct batch *, const struct host *);
	/* event time reached wm (INT64_MAX: end of input) */
	int (*close)(void *st, int64_t wm_ms, const struct host *);
	int (*add)(void *st, struct span key, struct span val);
	/* all, or what changed since the last save, and what is gone; in any order, but what is gone first */
	int (*save)(void *st, bool all, kv_fn *, void *arg);
	/* hand out >= want bytes in key order and forget them; NULL: defers */
	int (*shed)(void *st, size_t want, kv_fn *, void *arg);
	size_t (*bytes)(const void *st);
	void *(*fresh)(const void *st);				/* an empty state of the same set-up; NULL: serial */
	void (*free)(void *st);
	/*
	 * States that were shed come back by add() in key order, and no key up to the largest held will come again:
	 * emit what is whole and forget it, rows in key order, or all by host->defer.  NULL: it can do neither.
	 */
	int (*flush)(void *st, const struct host *);
	/*
	 * A line that flush, or close with a host that can defer, gave to host->defer is back, in the order of its
	 * seq: write it.  NULL: deferred lines are records as they stand.
	 */
	int (*deferred)(void *st, struct span line, const struct host *);
	/*
	 * All that another state of the same set-up holds, into this one, as add() of its pairs would, but nothing is
	 * sorted or packed for it; the other is only good for free then.  NULL: it is done with save and add.
	 */
	int (*join)(void *st, void *other);
	const struct op_parts *parts;				/* NULL: each thread has a state of its own */
	const struct op_bulk *bulk;				/* NULL: pairs alone */
};

#endif
