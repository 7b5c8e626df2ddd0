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
 * as dropped, and as passed from gathered_emit on.  Of lines as they stand in a file of gathered_file it is kept where
 * that is, and they are sent from there; should they not be the same by then, gathered_emit fails, so that no control
 * line says that this was the epoch.  Pipes hold pages of the file: what is behind a cut in the middle, and what is
 * written over, changes in them as well until it is read, unseen behind that look; a cut to nothing leaves them.  All
 * else is copied.  Memory: up to twice what was copied for the largest epoch so far, in large pages, kept from one
 * epoch to the next.
 */
#ifndef RUN_GATHERED_H
#define RUN_GATHERED_H

#include <xxhash.h>

#include "base/sum.h"
#include "run/planned.h"
#include "run/run.h"
#include "run/tail.h"
#include "run/waters.h"
#include "store/spot.h"

/* Places of memory (mem_table), filled one behind the other; those behind `at` are empty. */
struct gathered_slabs {
	struct buf *v;
	size_t n, at;
};

struct gathered_piece {
	struct span s;			/* of a file: only while it is read */
	int file;			/* of gathered.file; -1: s is kept */
	uint64_t at;			/* in that file */
};

struct gathered_file {
	int fd;
	char *name;			/* NULL: it is being read */
	bool used;			/* a piece is of it */
	int64_t still;			/* ns since 1970 that nothing was done to it since; -1: not known */
	char stood[SPOT_BYTES];		/* behind what was read of it */
};

struct gathered {
	const char *event_time;		/* PATH[:s|ms|us], or NULL: records have no times */
	struct waters water;
	/* of here */
	struct ctx *ctx;
	int col;			/* -1: none */
	enum unit unit;
	size_t part;			/* whose records come now */
	uint64_t n;
	struct gathered_piece *piece;	/* what is kept, in its order */
	size_t n_piece, cap_piece;
	struct gathered_file *file;	/* those that pieces are of */
	size_t n_file;
	struct gathered_slabs copied;
	struct buf scratch;
	struct sum *sum;		/* of the pieces: taken while their bytes are still in the cache */
	XXH64_state_t *xxh64;		/* instead, where a plan of an older source asks for it; or NULL */
};

/* For set_up. 0 or EXIT_USAGE after a message. */
int gathered_set_up(struct gathered *, struct ctx *);
/* The watermark for planned_conf: NULL without --event-time. */
struct waters *gathered_water(struct gathered *);
/* For batch: sets fates; line: what is kept instead of each record (NULL: itself). 0. */
int gathered_put(struct gathered *, const struct batch *, const struct span *line);
/*
 * Lines that come now are of this file, which may be closed when they have come; then gathered_file_end: name, for
 * messages, and where it stands then (store/spot.h).
 */
void gathered_file(struct gathered *, int fd);
void gathered_file_end(struct gathered *, const char *name, const char *stands);
/* For replay, before the first record: the sum is to be of the kind that this epoch's plan has. */
void gathered_again(struct gathered *, const struct planned_epoch *);
/* n and sum of what is kept. */
void gathered_sum(const struct gathered *, struct planned_epoch *);
/* All of it to standard output; then nothing is kept. 0, EXIT_IO, or EXIT_TEMP: a file is not what it was. */
int gathered_emit(struct gathered *);
/* Nothing is kept. */
void gathered_forget(struct gathered *);
void gathered_free(struct gathered *);

#endif
