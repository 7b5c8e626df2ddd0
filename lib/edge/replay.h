/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay - lines and where they came from, kept to be read any number of times: in memory, then in
 * an unlinked temporary file
 *
 *	struct replay *r = replay_new(64 * MIB);
 *	rc = replay_add(r, &(struct replay_line){ line, "app.log", 7, 901 });
 *	for (replay_rewind(r); (got = replay_next(r, &rec)) == 1;) ... in the order they came ...
 *	replay_line(r, rec, &l);
 *	replay_free(r);
 *
 * Invariants: memory stays below the budget plus the longest line; what is more goes to TMPDIR
 * (/tmp), to a file that has no name.  Nothing of it outlives the process.
 */
#ifndef EDGE_REPLAY_H
#define EDGE_REPLAY_H

#include "base/buf.h"
#include "base/hash.h"

#define REPLAY_PLACES 4

struct replay_line {
	struct span text;
	const char *source;	/* name of the input; lives as long as the replay */
	uint64_t number, offset;
	uint64_t at[REPLAY_PLACES];	/* the caller's: what he wants to find again in the text */
};

struct replay;
struct replay *replay_new(size_t budget);
/* Append a line. 0, or EXIT_IO after a message. */
int replay_add(struct replay *, const struct replay_line *);
void replay_rewind(struct replay *);
/* The next record, good until the next call. 1; 0 behind the last; -1 after a message. */
int replay_next(struct replay *, struct span *rec);
/* The line of a record, or of a copy of its bytes. */
void replay_line(const struct replay *, struct span rec, struct replay_line *);
/* Forget all lines, but not the hash. */
void replay_clear(struct replay *);
uint64_t replay_count(const struct replay *);
uint64_t replay_bytes(const struct replay *);
/* A hash over all lines ever added, in their order. */
struct fp replay_hash(const struct replay *);
void replay_free(struct replay *);

#endif
