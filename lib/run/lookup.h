/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lookup - records joined to a dimension, batch by batch: what dimjoin does behind its options
 *
 *	struct lookup *l = lookup_new(c, &conf);	// NULL after a message, *rc the status
 *	rc = lookup_batch(c, l, b); ... rc = lookup_end(c, l);
 *
 * Invariants: what passes at once keeps the order of the input.  A record that waits (conf.park) passes when its row
 * has come, or as one without a row when its time is over, before the records behind that moment; those that go at
 * the same moment in their own order, so records of one key never overtake each other while their row is missing.
 * DIM is read anew only between batches (and while the input idles), and never in a run.
 * In a barrier job DIM is a table, and read when a control line pins another commit of it (lookup_pin), never else;
 * what waits is state (lookup_op), and its time is the lines'.  A record that waited was `used` in its epoch, and is
 * made in the one in which it leaves.  Bad rows of DIM are rejected once a commit, by whichever process.
 */
#ifndef RUN_LOOKUP_H
#define RUN_LOOKUP_H

#include "run/dim.h"

enum lookup_type { LOOKUP_LEFT, LOOKUP_INNER, LOOKUP_SEMI, LOOKUP_ANTI };

struct lookup_conf {
	struct dim_conf dim;
	enum lookup_type type;
	const char *keys;	/* -k */
	const char *as_of;	/* PATH[:unit], or NULL */
	const char *time;	/* park: PATH[:unit] of the clock that counts; NULL: ours */
	bool fill;		/* dim.fields set only what is null or absent */
	bool reject;		/* a record without a row is bad, else it gets nulls */
	int64_t park_us;	/* so long it may wait first; 0: it may not */
	int64_t reload_us;	/* look so often whether DIM has changed; 0: only at SIGHUP */
};

struct lookup;
struct lookup *lookup_new(struct ctx *, const struct lookup_conf *, int *rc);
/*
 * The same for one more thread: DIM is shared, so nobody reads it anew from now on.  Pre: nothing waits, no reload_us
 * (ctx_serial was asked for them).
 */
struct lookup *lookup_thread(struct lookup *);
/* Its counts into those of the first. */
void lookup_join(struct lookup *, const struct lookup *thread);
int lookup_batch(struct ctx *, struct lookup *, const struct batch *);
/* The input is silent: has DIM changed, is somebody's time over? */
int lookup_idle(struct ctx *, struct lookup *);
/* A control line: by its clock, whose time is over? */
int lookup_mark(struct ctx *, struct lookup *, const struct mark *);
/* A table's commit was pinned. If it is DIM, it is read, and what waited for its rows goes. 0 or an exit status. */
int lookup_pin(struct ctx *, struct lookup *, const char *table, uint64_t commit);
/* What waits, and which commit's bad rows were rejected, in a barrier job; NULL: neither can be. */
const struct op *lookup_op(struct lookup *, void **op_state);
/* What still waits is looked up once more, then passes or is rejected without its row; notes for --stats. */
int lookup_end(struct ctx *, struct lookup *);

#endif
