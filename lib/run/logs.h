/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logs - files that grow and rotate, or operands, to a table: each line once
 *
 *	struct logs l = { .ctx = c, .dest = &dest, .pattern = "app*.log", .every_ms = 10000, .bytes = 64 * MIB };
 *	rc = logs_work(&l);			// until all is read (`until`, operands), or a signal
 *	rc = logs_job(&l, &held, conf);		// instead: the source of a barrier job
 *	... in the batch function: rc = logs_batch(&l, b) ...
 *
 * Invariants: positions are those of store/spot.h: of a table, or of a job's plans as {"file/DEV:INO":[NAME, SPOT]}
 * (and PATH where the file had another one than its log's NAME), those that moved last standing last.  Rotation, by
 * renaming, is run/sources.h's business; a file that was cut ends the work with EXIT_INPUT, unless cut_new (to a table
 * when the others were read).  In a job an epoch is a range of bytes in each file, files in the order that they were
 * found in, those put aside first; which files are one log, and one part of the watermark: logs_own.h.
 */
#ifndef RUN_LOGS_H
#define RUN_LOGS_H

#include <sys/types.h>

#include "run/dest.h"
#include "run/gathered.h"
#include "run/meter.h"
#include "run/sources.h"

#define LOGS_GONE_MAX 16	/* files of a job that are gone, and whose positions are kept */

struct log_at {			/* how far a job got in a file */
	char *app, *spot;
	char *name, *path;		/* of the log it is of; by which it was read last */
	bool gone;			/* it is not where it was */
	off_t packed;			/* compressed, and read to its end: how long it was; 0: not */
};

struct logs {
	struct ctx *ctx;
	struct dest *dest;
	const char *pattern;		/* NULL: the command's operands */
	bool until;			/* only what is there */
	bool cut_new;
	uint64_t every_ms, bytes;
	struct meter *meter;		/* or NULL */
	/* of here */
	struct sources from;
	uint64_t behind;		/* bytes that were there and not read, at the end of the last round */
	bool more;			/* the round ended before its inputs did */
	struct gathered *held;		/* in a job, else NULL */
	struct log_at *at;
	size_t n_at;
};

int logs_work(struct logs *);
/*
 * conf with ctx, every_ms and pins.  As planned_work; EXIT_USAGE where event times are asked for without --idle: a log
 * that nobody writes any more would hold the watermark for ever.
 */
int logs_job(struct logs *, struct gathered *, struct planned_conf conf);
/* The records of a batch that either feeds. */
int logs_batch(struct logs *, const struct batch *);
void logs_free(struct logs *);

#endif
