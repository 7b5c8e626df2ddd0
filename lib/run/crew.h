/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crew - -j: an input by several threads, with the answer of one (for the files of lib/run)
 *
 *	if (f->crew == NULL) rc = crew_start(c, f, ps);	// from the third block on: a small input starts no thread
 *	rc = crew_feed(f, f->src);			// takes the source; the next one may be given while it is read
 *	rc = crew_drain(f);				// before anything is said that must come behind it
 *	rc = crew_end(f, rc);				// threads are gone, their states joined to the command's own
 *
 * A block lies in a slot from the moment it is read until all before it are out and it is too.  Any thread reads the
 * next block of a source, one at a time, and works on what it has read; the main thread alone takes the slots in their
 * order: it writes, counts, rejects, speaks.  So messages, outputs, counts and what ends the work are those of one
 * thread, whatever N is.
 *
 *	stateless, PAR_ADD	a thread has a ctx and a state of its own (command.thread); what comes out is a yield
 *				(run/yield.h) that the main thread commits; command.join takes the states back, and
 *				command.piece does parts of the end
 *	all others		threads scan; the main thread hands the scanned lines to the command in order;
 *				so it is with second inputs, to whoever reads them, unless that is a struct second
 *
 * Invariants: at most 2 N + 2 blocks are in memory, and of the output of one not yet due YIELD_BYTES_MAX: its thread
 * then waits until it is.  Of several files the next ones are read while the first is worked on, up to half of the
 * slots.  Where threads cannot be started those that could, or the main thread alone, do all of it.  Threads are born
 * behind the sandbox and so inside it, and take no signals.  After an error a thread that waits in read(2) is left
 * there: the process ends.
 */
#ifndef RUN_CREW_H
#define RUN_CREW_H

#include <stdbool.h>

#include "base/limits.h"

#define JOBS_MAX 64
#define JOBS_DEFAULT_MAX 4
#define CREW_FROM_BLOCKS 2		/* read by the main thread alone before others are worth their start */
#define YIELD_BYTES_MAX (8 * MIB)

struct ctx;
struct feed;
struct pathset;
struct source;

/* Must the command, once set up, see the records one after the other? */
bool crew_in_order(struct ctx *);
/* How many threads may work on the main input: settled before it is read. */
unsigned crew_size(struct ctx *);
/* The same for a second input, which is read while the main one waits. */
unsigned crew_size_second(struct ctx *, const char *operand);
/* 0, or an exit status after a message (command.thread). */
int crew_start(struct ctx *, struct feed *, const struct pathset *);
/* Returns when most of it is read, or all; the crew closes the source. 0 or an exit status after a message. */
int crew_feed(struct feed *, struct source *);
/* Until all that was fed is out; without a crew it is. */
int crew_drain(struct feed *);
/* All of it, and the end of the threads; rc: what went wrong so far. */
int crew_end(struct feed *, int rc);
/* For a thread whose yield is full: 0 when it may go on, else the work is over. */
int crew_full(struct ctx *);

#endif
