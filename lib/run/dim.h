/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dim - a second input as a dimension in memory: keys, and the members that its rows add to a record
 *
 *	struct dim d = { 0 };
 *	rc = dim_set_up(c, &d, &conf);		// compiles paths; then the caller may ask for further columns
 *	rc = dim_read(c, &d);			// reads it whole, or maps what another process read
 *	hash = hash_seeded(key, d.table->seed);
 *	if (join_get(d.table->join, hash, key, day, &room, &row) == 1) dim_append(&d, &row, line, out);
 *	rc = dim_refresh(c, &d, false, &fresh);	// between batches: has DIM changed? then there is a new d.table
 *	rc = dim_again(c, &d);			// instead of both, where somebody else says when: a new d.table
 *	dim_free(&d);
 *
 * Invariants: a row is kept as the bytes `,"name":value,"name":value`, so that adding it is one copy.  A repeated key
 * is an error of that row of DIM unless rows have periods; a row whose key is null matches nothing and is not kept.
 * A table never changes once it is read; a refresh makes another one and frees the old, or keeps it where the new one
 * is bad.  DIM is NDJSON, or CSV by the ending of its name (.csv or .tsv, before .gz or .zst).
 */
#ifndef RUN_DIM_H
#define RUN_DIM_H

#include <sys/stat.h>

#include "op/join.h"
#include "op/key.h"
#include "run/run.h"

struct dim_conf {
	const char *operand;	/* DIM; lives as long as the process, as do the others */
	const char *keys;	/* paths in DIM */
	size_t n_keys;		/* as many there must be */
	const char *valid;	/* FROM,TO: two paths; NULL: rows have no period */
	const char *as;		/* one field: the whole row, under this name; or */
	const char *fields;	/* NEW=PATH,…; or neither */
	bool fill;		/* they are those of --fill */
	const char *number;	/* names of the columns of a CSV that are numbers, or NULL */
	bool share;		/* through a file in the state directory (dim_own.h); only tables */
	bool watch;		/* dim_refresh without force will be called */
	size_t budget;		/* bytes of a table in memory: more go to files without names; not where it is shared */
};

struct dim_field {
	struct span name;
	struct buf key;		/* ,"name": */
	int col;		/* of DIM; -1: the whole row */
};

struct dim_table {
	struct join *join;
	uint64_t seed;		/* of its hashes */
	unsigned char *types;	/* [n_keys] bits of tags met, 1 << enum tag */
	void *map;		/* what join lies in, or NULL */
	size_t map_bytes;
};

/* What DIM was when it was read last, or tried to be. */
struct dim_stamp {
	struct stat st;		/* a file */
	char sum[40];		/* a table: its days, by content */
};

struct maker;

struct dim {
	struct dim_conf conf;
	struct dim_table *table;
	struct dim_field *field;
	size_t n_fields;
	struct pathset *paths;
	int *key_col, *valid_col;
	size_t n_keys, n_valid;
	struct buf nulls;	/* a row where there is none */
	bool steady;		/* it can be read again: a file or a table, not in a run, where inputs are pinned */
	struct dim_stamp stamp;
	unsigned failed;	/* refreshes one after the other that failed */
	uint64_t loads;		/* tables read, the first too */
	/* while it is read */
	struct dim_table *fresh;
	struct maker *maker;
	struct buf made;
	struct ctx *c;
};

/* 0, or EXIT_USAGE after a message. */
int dim_set_up(struct ctx *, struct dim *, const struct dim_conf *);
/* Read DIM. 0 or an exit status after a message. */
int dim_read(struct ctx *, struct dim *);
/*
 * Read DIM again if it has changed since, or by `force`.  *fresh: d->table is another one.  A DIM that is bad, or
 * cannot be read, is warned of and leaves the table as it is, like one that changed while it was read: the next call
 * tries again once it is another one.  Pre: d->steady.  0, or EXIT_IO and the like where rejects could not be written.
 */
int dim_refresh(struct ctx *, struct dim *, bool force, bool *fresh);
/* Forget the table, read DIM, which may be another one now. 0 or an exit status after a message: there is none then. */
int dim_again(struct ctx *, struct dim *);
/*
 * Append the line with all members of a row behind its own; row NULL: with nulls. Pre: none of the names is in
 * the line.
 */
void dim_append(const struct dim *, const struct span *row, struct span line, struct buf *out);
/* The values of a row into v[n_fields]; empty ones by row NULL. */
void dim_values(const struct dim *, const struct span *row, struct span *v);
/* Nothing matched: say so where a column of the keys has numbers on one side and texts on the other. */
void dim_warn_types(const struct dim *, const struct span *name, const unsigned char *types);
void dim_free(struct dim *);

#endif
