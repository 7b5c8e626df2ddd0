/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * children_own - what children.c and children_mark.c share
 *
 *	children_failed(ch, err_input("%s: ...", x->name));	// in the thread
 *
 * Invariants: fields are of the caller, of the thread, or under the lock, as they say; what is under the lock and
 * written by the thread alone the thread reads without it.  A round is what lies between a control line and the
 * answers of all: `asked` counts those begun, `done` those that are over.
 */
#ifndef RUN_CHILDREN_OWN_H
#define RUN_CHILDREN_OWN_H

#include <pthread.h>
#include <stdatomic.h>

#include "run/children.h"
#include "run/ctx.h"
#include "run/spawn.h"

#define CHILD_VARS 3

struct child {
	char *name;
	bool sink, mute;		/* children_sink, children_mute */
	/* of the caller */
	char *const *argv;
	char *var[CHILD_VARS], **env;
	struct buf fill;
	uint64_t given;			/* records since its last control line */
	/* under the lock */
	struct buf next;
	bool answered;			/* written by the thread: its control line is back, or it was over well */
	bool spoke;			/* written by the thread: it has answered a control line before */
	bool closed;			/* a mute one, by the thread: it has closed its output */
	struct buf answer;		/* ... and what came before it */
	uint64_t made;
	/* of the thread */
	struct spawned p;
	struct buf send;
	size_t sent;
	struct buf part;		/* a line that has begun */
	struct buf hold;		/* ordered: what waits for the children before it, behind what the file holds */
	int fd;
	uint64_t filed;
	uint64_t lines;			/* records since its last control line */
	bool ended, reaped;		/* its output, the process */
	bool over;			/* both, and its last line is out */
	bool stopped;			/* it was told to end, because of another one */
	int status;
	atomic_bool shut;		/* its input is closed */
};

struct children {
	struct ctx *c;
	struct child *v;
	size_t n;
	bool ordered, anew;
	const char *nonce;		/* NULL: in no barrier job */
	int64_t stalled_ms;
	struct buf hops;
	size_t limit, share;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t room;
	int wake;
	/* under the lock */
	bool finishing;			/* no more comes */
	bool last;			/* the `end` line is with the children */
	bool stalled;			/* for the thread: nothing moves, say whose fault that is */
	bool between;			/* a round is over, and nothing was put since: the output is the caller's */
	uint64_t asked, done;
	int rc;				/* of what failed first; written by the thread */
	/* of the thread */
	bool deaf;			/* as `between`: what a child writes unasked waits in its pipe */
	size_t current;			/* ordered: whose lines go out */
	bool dirty;			/* something was written since the last flush */
	uint64_t lines, discarded;	/* the caller may look between rounds */
	atomic_ulong moves;		/* bytes that went to a child or came from one */
};

/* children.c */
void children_failed(struct children *, int rc);
/* Whole lines of a child that are no control lines. 0 or an exit status. */
int children_give(struct children *, struct child *, struct span lines);
/* Under the lock: what was put goes to the thread. Does anybody want it? */
bool children_hand_over(struct children *);

/* children_mark.c, for the thread */
/* Whole lines of a child: records are given, a control line is its answer. */
void children_take(struct children *, struct child *, struct span lines);
/* It has ended, and all of it came. */
void children_over(struct children *, struct child *);
/* Is all of this round out that child x had to give? */
bool children_through(const struct children *, const struct child *);
/* All are through: the caller goes on.  True if that was for a control line behind which more follows. */
bool children_round_ends(struct children *);
/* The caller has waited in vain. */
void children_tell_stalled(struct children *);

#endif
