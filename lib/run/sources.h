/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sources - the files of one round of reading: which have something new, and from where
 *
 *	struct sources s = { 0 };
 *	rc = sources_open(&s, ctx, pattern, hold);	// the operands, or what the pattern matches
 *	rc = sources_find(&s, table);			// where the table's log stands in each; those without news go
 *	rc = sources_fence(&s, table); … tail_feed(ctx, &s.in[i].tail) …
 *	sources_close(&s);
 *
 * Invariants: descriptor 0 is the standard input, which has no identity and so no position.
 */
#ifndef RUN_SOURCES_H
#define RUN_SOURCES_H

#include "run/tail.h"
#include "store/spot.h"

struct input {
	char *path;
	int fd;
	struct spot spot;
	struct tail tail;
	uint64_t epoch;		/* its fence's number, for change_source */
};

struct sources {
	struct input *in;
	size_t n;
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

#endif
