/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * repeats - one record of each key within -S, whatever the number of keys, in the order of the input
 *
 *	struct repeats r = { .c = c, .sift = &seen_sift, .st = seen_new(&conf) };	// lines pass at once, or
 *	struct repeats r = { .c = c, .last = true, .st = last_new(&conf), .counts = true };	// at the end
 *	repeats_begin(&r); keep_load(k, &head, repeats_load, &r);	// set_up
 *	rc = repeats_batch(&r, b, host); ... rc = repeats_end(&r, host);
 *
 * Invariants: the answer is the same for any -S.  When the state has outgrown it, all it knows goes to partitions on
 * disk (run/parts.h) as what has passed, and from then on nothing is looked up: a record leaves its fingerprint and
 * its place there and is F_USED.  At the end one part after the other is judged in a table that fits, each place that
 * stays sets a bit, and the input is read a second time (run/reread.h).  So every key costs one write and one read of
 * 21 to 37 bytes, in order, and the tables are small enough for the caches: about as fast as one large table.
 */
#ifndef RUN_REPEATS_H
#define RUN_REPEATS_H

#include "op/sift.h"
#include "run/run.h"

struct keep;
struct parts;
struct reread;
struct runs;

struct repeats {
	struct ctx *c;
	const struct sift *sift;	/* NULL: st is of op/last.h, by place alone */
	void *st;
	bool last, counts;		/* without sift: the last of each, not the first; with how many there were */
	struct keep *keep;		/* a state to save part by part; NULL: none */
	/* from here on: the room's own */
	bool saved;			/* all of it is in the keep */
	struct reread *again;
	struct parts *parts;		/* NULL: all is in memory */
	size_t width;			/* of an entry */
	uint64_t first, end;		/* places that may stay */
	uint64_t *bits;			/* of these, which do */
	struct runs *by_place;		/* instead, where they are counted: place -> count */
	uint64_t loaded;
	struct token token[BATCH_RECORDS_MAX];
};

void repeats_begin(struct repeats *);
/* A kv_fn whose arg is the repeats: a pair that op->save gave (sift only). */
int repeats_load(void *repeats, struct span key, struct span val);
/* Sets all fates. 0 or an exit status. */
int repeats_batch(struct repeats *, const struct batch *, const struct host *);
/*
 * What waits: host->raw(line), or where they are counted host->row({line, count}, 2).  Notes state_bytes, and
 * spilled_bytes if there are any. 0 or an exit status.
 */
int repeats_end(struct repeats *, const struct host *);
/* All of the state into the keep, that was begun, unless repeats_end has done it. */
int repeats_save(struct repeats *);

#endif
