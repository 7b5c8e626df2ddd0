/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hunt_own - the parts of hunt: which inputs there are, and what is searched (for lib/run/hunt*.c)
 *
 *	rc = hunt_units(h);				// operands to inputs, each asked its index
 *	hunt_job(h, worker, job);			// any thread: job->hit[0..n_hits)
 *	rc = hunt_read(h, unit); ...			// the main thread: jobs into the ring, and out
 *
 * Invariants: a unit belongs to the main thread once units are made; a job to whoever claimed it, then to the main
 * thread.
 */
#ifndef RUN_HUNT_OWN_H
#define RUN_HUNT_OWN_H

#include <pthread.h>
#include <zstd.h>

#include "run/ctx.h"
#include "run/hunt.h"
#include "store/index.h"
#include "store/ref.h"

struct prey {				/* one input */
	const struct ask *ask;
	char *name;
	const char *path;		/* what is opened; "-" */
	const struct wh_files *files;	/* of a table: this one's are [from, to), more than one are merged */
	size_t from, to;
	int rc;				/* its table could not be opened: said */
	/* what the indexes say: the frames of a file, or of a merged day whether there is any */
	bool known;
	struct index_frame *frame;
	size_t n_frames;
	/* the lines that are through */
	uint64_t line;
	bool again;			/* a frame was not as the index said: the main thread reads all of it */
	int fd;				/* of ranges */
	uint64_t bytes;
};

struct found {
	uint64_t line;			/* lines of the job before it */
	size_t at, n;			/* in text */
};

struct job {
	struct prey *unit;
	bool claimed, done;
	/*
	 * either a block, or a frame or a range of bytes that is to be read, or the beginning of a line that is too
	 * long; the lines of a range are those that begin in it
	 */
	enum { JOB_BLOCK, JOB_FRAME, JOB_RANGE, JOB_LONG } kind;
	struct index_frame frame;
	struct buf hold, packed;
	const char *p;
	size_t n;
	uint64_t offset;
	/* found */
	bool bad;			/* no such frame; a line too long for a range */
	struct found *hit;
	size_t n_hits, cap_hits;
	struct buf text;
	uint64_t lines;
};

struct worker {
	struct hunt *h;
	struct trace **trace;		/* by ask, made when first used */
	ZSTD_DCtx *zstd;
	pthread_t thread;
};

struct hunt {
	struct ctx *ctx;
	const struct hunt_conf *conf;
	struct trace_find find;
	struct wh_files **files;
	size_t n_files;
	struct prey *unit;
	size_t n_units, cap_units;
	size_t next_unit;		/* that no thread has asked yet */
	/* the ring: [head, tail) in use, [head, claim) claimed; numbers only grow */
	struct job *ring;
	size_t ring_n, head, claim, tail;
	pthread_mutex_t lock;
	pthread_cond_t ready, finished;
	bool over;
	struct worker *worker;		/* [0] is the main thread */
	size_t n_workers;
};

/* hunt_units.c */
int hunt_units(struct hunt *, size_t jobs);
void hunt_units_free(struct hunt *);
/* hunt_job.c */
void hunt_job(struct worker *, struct job *);
void hunt_worker_free(struct worker *);

#endif
