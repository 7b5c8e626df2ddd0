/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoch - a command as a stage of a barrier job (for the files of lib/run)
 *
 *	rc = epoch_begin(c, argc, argv);	// before set_up: c->epoch is NULL outside a barrier job
 *	rc = epoch_ready(c);			// behind set_up: may it stand there? a sink begins
 *	if (epoch_is(c->epoch, line))
 *		rc = epoch_line(c, line);	// all before it is through
 *	rc = epoch_over(c);			// end of input: well only behind an `end`
 *
 * A filter at a mark: what came is held against n; what is over goes out (command.mark); side files are synced, their
 * lengths and the operators' states saved under the epoch's number; the line goes on with what this stage wrote and its
 * account behind those of the others.  At `open` it is the other way round: the state of that epoch is loaded, side
 * files are cut to what they were.  A sink commits at a mark, if it has not yet, and passes nothing on.
 *
 * Invariants: no batch crosses a control line.  Whether a stage has state shows when the first line comes: operators
 * (command.op) or side files; without either nothing is written.  One thread works: -j is as 1.  State that -S does not
 * hold ends the work: EXIT_IO.  Snapshots lie in JOB/HOP-TOOL, or JOB/HOP.I.BRANCH-TOOL below shard and fan-out.
 */
#ifndef RUN_EPOCH_H
#define RUN_EPOCH_H

#include <stdbool.h>

#include "base/mark.h"
#include "base/span.h"

struct ctx;
struct epoch;
struct flow_counts;

/* 0, or as job_dir_open; the arguments are what a saved state belongs to. */
int epoch_begin(struct ctx *, int argc, char *const argv[]);
int epoch_ready(struct ctx *);
/* Is that line of the input, without its end, a control line of this job? */
bool epoch_is(const struct epoch *, struct span line);
int epoch_line(struct ctx *, struct span line);
int epoch_over(struct ctx *);
/* Did an `end` come? It is through, and nothing may come behind it. */
bool epoch_ended(const struct epoch *);
/*
 * For set_up: wait for the `open` line, which stays to be read (epoch_held), for what it pins.  0; EXIT_INPUT where
 * something else comes first, EXIT_TEMP where nothing does, or a signal.
 */
int epoch_first(struct ctx *, struct span *pins);
/* And of whom; its id. Behind epoch_first. */
uint64_t epoch_first_id(const struct epoch *);
/* What epoch_first took from the input, with its LF; empty: nothing. */
struct span epoch_held(const struct epoch *);
/* The job's directory, and behind the `open` line, or epoch_first, this stage's own, which need not be there. */
const char *epoch_job(const struct epoch *);
const char *epoch_place(const struct epoch *);
/* Nobody goes back behind that epoch. 0 or as job_dir_settled. */
int epoch_settled(const struct epoch *, uint64_t *id);
/* Nothing is there to be read, and the next block is waited for. 0 or EXIT_IO. */
int epoch_waits(struct ctx *);
/* Of the line before: its clock and its watermark. */
int64_t epoch_now_ms(const struct epoch *);
int64_t epoch_wm_ms(const struct epoch *);
const char *epoch_nonce(const struct epoch *);
/* Is what comes now of an epoch that this sink has committed? What is rejected of it counts no second time. */
bool epoch_again(const struct epoch *);
/* What this process made of what came since `was`: its hop. */
struct mark_hop epoch_account(const struct ctx *, const struct flow_counts *was);
void epoch_free(struct epoch *);

#endif
