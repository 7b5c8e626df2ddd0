/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan - what an epoch of a barrier job reads, written down before it is sent
 *
 *	rc = plan_read(dir, 43, &p, &found);		// dir: JOB/plan; p is the caller's, zeroed once
 *	p.id = 44; p.from = ...; rc = plan_write(dir, &p);	// durable, and never replaced
 *	rc = plan_range(dir, &least, &most, &n);	// which are there
 *	rc = plan_forget(dir, acked); rc = plan_discard(dir, 45); plan_clear(&p);
 *
 * Invariants: DIR/ID is one JSON line, written and fsynced under another name, linked without replacing, its directory
 * fsynced (job_dir_lax: neither): from then on epoch ID is these records and no others.  Its positions, pins and
 * watermarks are kept as the bytes they were.  Only plan_write writes such files, so what is read has its members in
 * its order; anything else is refused, whole.
 */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include <stdbool.h>

#include "base/buf.h"

struct plan {
	uint64_t id;
	uint64_t n, sum;		/* records, and XXH3-64 (seed 0) of what they are */
	int64_t now_ms, wm_ms;		/* hold for the epoch that follows; wm_ms INT64_MIN: none yet */
	uint64_t side;			/* bytes of the source's reject file behind this epoch */
	bool xxh64;			/* `sum` is XXH64: read of a plan that an older source wrote */
	struct span from, to;		/* JSON objects: positions */
	struct span pins;		/* JSON object: TABLE -> commit, file:NAME -> "HASH" (run/conf.h) */
	struct span water;		/* JSON object: what the watermark was made of (run/waters.h) */
	struct span sign;		/* what the positions are of: text, "" where none was said */
	struct buf text;		/* of plan_read: what the spans point into, but for sign */
	struct buf said;		/* of plan_read: the sign */
};

/* 0 and *found; EXIT_INPUT for a file that is no plan of that number, EXIT_IO. */
int plan_read(const char *dir, uint64_t id, struct plan *, bool *found);
/* The directory must be there. 0; EXIT_TEMP where it is written already; EXIT_IO. */
int plan_write(const char *dir, const struct plan *);
/* The least and the greatest number, and how many there are: none also where there is no directory. 0 or EXIT_IO. */
int plan_range(const char *dir, uint64_t *least, uint64_t *most, size_t *n);
/* Remove the plans below that number: nobody goes back to them. Only room is won: nothing is fsynced. 0 or EXIT_IO. */
int plan_forget(const char *dir, uint64_t below);
/* Remove that one and all behind it, the last first, durably: before others are written in their place. 0, EXIT_IO. */
int plan_discard(const char *dir, uint64_t from);
void plan_clear(struct plan *);

#endif
