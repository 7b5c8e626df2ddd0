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
 * names lead to is read once.  A log that was known by one of the names of this round, or by any where known_as tells
 * it, is looked for by its inode in the directory of that name, and read to its end, matched or not; with `keep` one
 * that was moved elsewhere or removed is too, through the descriptor of the round before, until nothing came for
 * SOURCES_PATIENCE seconds, however long a round is.
 * What could be lost is told: a file that was cut (left alone, unless cut_new; then when it was read anew); with a
 * pattern, one that went before its end was seen, and one that came and was put aside between two looks.  The end of a
 * log that was put aside is seen where nothing came for SOURCES_PATIENCE, of any other one where nothing came for a
 * day: its position then says so.
 */
#ifndef RUN_SOURCES_H
#define RUN_SOURCES_H

#include <time.h>

#include "run/tail.h"
#include "store/spot.h"

#define SOURCES_PATIENCE 60	/* seconds */

struct input {
	char *path;
	char *as;		/* a log that was put aside: the name it was known by; or NULL */
	char *log;		/* the caller's: the name of the log it is of */
	int fd;			/* -1: it is gone, untimely, and its position is to say so */
	uint64_t dev, ino, birth;
	uint64_t name;		/* spot_name of path */
	bool gone;		/* no name led to it in this round */
	time_t since;		/* gone: when something last came of it, by a clock that only runs forward */
	struct spot spot;
	struct tail tail;
	uint64_t size;		/* of a compressed one, before it was read */
	uint64_t epoch;		/* its fence's number, for change_source */
};

struct sight {			/* of a file that the log knows, or will */
	char app[64];
	bool gone;		/* not in the directory where it was, and that could be read */
};

struct sources {
	bool keep;		/* in: rounds follow */
	bool cut_new;		/* in: a file that was cut is a new one */
	/* in: the name that a file was first known by, or NULL; itself NULL: names are known by their hashes alone */
	const char *(*known_as)(const void *arg, const char *app);
	const void *arg;
	bool silent;		/* in: only cut files are told of, and nothing of others is written down */
	const char *pattern;	/* NULL: operands, which may be replaced as one likes: silent too */
	uint64_t pattern_name;	/* spot_name of one that is a name; else 0 */
	size_t cut;		/* out: files that were cut, and told of */
	uint64_t lost, missed;	/* out: files gone before their end was seen; never seen: so far, told of */
	struct sight *sight;	/* out: of this round */
	size_t n_sight;
	bool looked;		/* for logs put aside, in this round */
	struct want *want;	/* those looked for */
	size_t n_want;
	struct input *in;
	size_t n;
	struct input *held;	/* of the round before */
	size_t n_held, held_max;
	struct map *mine;	/* fences of this process, by source: one is enough until somebody else sets one */
	struct map *packed;	/* sizes to which compressed ones were read, by source */
	struct map *told;	/* inodes of those that were missed, names that are no file's */
};

/* Open them all; hold is that of tail. 0 or EXIT_IO. */
int sources_open(struct sources *, struct ctx *, const char *pattern, bool hold);
/*
 * Find their positions at the table's state; plain files without anything behind theirs are closed, but where their end
 * was seen now. 0 or EXIT_IO.
 */
int sources_find(struct sources *, const struct table *);
/* As spot_fence for those of them that this process does not hold yet. */
int sources_fence(struct sources *, struct table *);
/*
 * Where its source stands now that tail was fed: *moved when that is to be written down, for it is another place than
 * spot.from, or its end was seen.  Of one that was cut it is told then. 0 or EXIT_IO.
 */
int sources_to(struct sources *, struct input *, char to[SPOT_BYTES], bool *moved);
/* Tell once of a compressed one that is not whole yet. */
void sources_torn(struct sources *, const struct input *);
/* Close them; the fences are remembered for the next round. */
void sources_close(struct sources *);
void sources_free(struct sources *);

/*
 * As spot_fence for any sources by their names, where *mine (made when NULL) does not know a fence of ours that
 * still holds; epoch[i] is its number.
 */
int fence_apps(struct map **mine, struct table *, const char *const *app, size_t n, uint64_t *epoch);

#endif
