/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runs - sorted runs of (key, value) on disk, and their merge
 *
 *	struct runs *r = runs_new(64 * MIB);
 *	rc = runs_put(r, key, val); ... runs_cut(r);	// keys of one run do not fall; the next one begins another
 *	rc = runs_merge(r, each, arg);			// all of it in key order, equal keys in the order of their runs
 *	runs_free(r);
 *
 * Invariants: one unnamed file (base/temp.h), written once from its beginning, so neither descriptors nor merge passes
 * grow with the runs; and those of others, as far as they were taken.  Merging takes about `budget` bytes, at least
 * 4 KiB a run and the longest pair of each.
 */
#ifndef RUN_RUNS_H
#define RUN_RUNS_H

#include "base/buf.h"
#include "base/op.h"

struct runs;
struct runs *runs_new(size_t budget);
/* A kv_fn whose arg is the runs. 0 or EXIT_IO after a message. */
int runs_put(void *runs, struct span key, struct span val);
void runs_cut(struct runs *);
/* The runs of another, which is empty then, behind one's own, where they lie. 0 or EXIT_IO after a message. */
int runs_take(struct runs *, struct runs *from);
/* Bytes written so far. */
uint64_t runs_bytes(const struct runs *);
/* 0, EXIT_IO after a message, or what each() ended it with.  Spans live until each() returns. */
int runs_merge(struct runs *, kv_fn *each, void *arg);
/* NULL is fine. */
void runs_free(struct runs *);

#endif
