/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sources - the files of one round of reading: which have something new, and from where
 *
 *	struct sources s = { .keep = true };
 *	rc = sources_open(&s, ctx, pattern, hold);	// the operands, or what the pattern matches
 *	rc = sources_find(&s, table);			// where the table's log stands in each; those without news go
 *	rc = sources_fence(&s, table); … tail_feed(ctx, &s.in[i].tail) …
 *	sources_close(&s);
 *
 * Invariants: descriptor 0 is the standard input, which has no identity and so no position.  A file that two
 * names lead to is read once.  A log that rotation renamed beside the new one is read to its end, matched or
 * not; with `keep` one that was moved elsewhere or removed is too, through the descriptor of the round before,
 * until nothing came for SOURCES_PATIENCE seconds, however long a round is.  A file that was cut is told and left
 * alone, unless cut_new.
 */
#ifndef RUN_SOURCES_H
#define RUN_SOURCES_H

#include <time.h>

#include "run/tail.h"
#include "store/spot.h"

#define SOURCES_PATIENCE 60	/* seconds */
#define SOURCES_HELD_MAX 256		/* descriptors kept from round to round, of files changed within the hour */

struct input {
	char *path;
	char *as;		/* a rotated log: the name it was known by, which another file has now; or NULL */
	int fd;
	uint64_t dev, ino;
	bool gone;		/* no name led to it in this round */
	time_t since;		/* gone: when something last came of it, by a clock that only runs forward */
	struct spot spot;
	struct tail tail;
	uint64_t epoch;		/* its fence's number, for change_source */
};

struct sources {
	bool keep;		/* in: rounds follow */
	bool cut_new;		/* in: a file that was cut is a new one */
	size_t cut;		/* out: files that were cut, and told of */
	bool looked;		/* for rotated logs, in this round */
	struct input *in;
	size_t n;
	struct input *held;	/* of the round before */
	size_t n_held;
	struct map *mine;	/* fences of this process, by source: one is enough until somebody else sets one */
};

/* Open them all; hold is that of tail. 0 or EXIT_IO. */
int sources_open(struct sources *, struct ctx *, const char *pattern, bool hold);
/* Find their positions at the table's state; plain files without anything behind theirs are closed. 0 or EXIT_IO. */
int sources_find(struct sources *, const struct table *);
/* As spot_fence for those of them that this process does not hold yet. */
int sources_fence(struct sources *, struct table *);
/* Close them; the fences are remembered for the next round. */
void sources_close(struct sources *);
void sources_free(struct sources *);

/*
 * As spot_fence for any sources by their names, where *mine (made when NULL) does not know a fence of ours that
 * still holds; epoch[i] is its number.
 */
int fence_apps(struct map **mine, struct table *, const char *const *app, size_t n, uint64_t *epoch);

#endif
