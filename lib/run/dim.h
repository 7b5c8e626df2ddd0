/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dim - a second input as a dimension in memory: keys, and the members that its rows add to a record
 *
 *	struct dim d = { 0 };
 *	rc = dim_set_up(c, &d, &conf);		// compiles paths; then the caller may ask for further columns
 *	rc = dim_read(c, &d, "wh:dim.sku");	// reads it whole
 *	if (join_get(d.join, hash, key, day, &row)) dim_append(&d, &row, line, out);
 *	dim_free(&d);
 *
 * Invariants: a row is kept as the bytes `,"name":value,"name":value` and where each value ends, so that adding
 * it is one copy.  A repeated key is an error of that row of DIM unless rows have periods; a row whose key is
 * null matches nothing and is not kept.
 */
#ifndef RUN_DIM_H
#define RUN_DIM_H

#include "op/join.h"
#include "run/run.h"

struct dim_conf {
	const char *keys;	/* paths in DIM */
	size_t n_keys;		/* as many there must be */
	const char *valid;	/* FROM,TO: two paths; NULL: rows have no period */
	const char *as;		/* one field: the whole row, under this name; or */
	const char *fields;	/* NEW=PATH,…; or neither */
};

struct dim_field {
	struct span name;
	struct buf key;		/* "name": */
	int col;		/* of DIM; -1: the whole row */
};

struct dim {
	struct join *join;
	struct dim_field *field;
	size_t n_fields;
	struct pathset *paths;
	int *key_col, *valid_col;
	size_t n_keys, n_valid;
	unsigned char *types;	/* [n_keys] bits of tags met, 1 << enum tag */
	uint64_t null_keys;
	struct buf nulls;	/* a row where there is none */
	struct buf key, row;
	struct ctx *c;
};

/* 0, or EXIT_USAGE after a message. */
int dim_set_up(struct ctx *, struct dim *, const struct dim_conf *);
/* Read DIM. 0 or an exit status after a message. */
int dim_read(struct ctx *, struct dim *, const char *operand);
/*
 * Append the line with all members of a row behind its own; row NULL: with nulls. Pre: none of the names is in
 * the line.
 */
void dim_append(const struct dim *, const struct span *row, struct span line, struct buf *out);
/* The value of field k in a row; empty where it is null by row NULL. */
struct span dim_value(const struct dim *, const struct span *row, size_t k);
/* The local day of a value: a date, or a time in the command's zone. NULL or a reason. */
const char *dim_day(struct ctx *, struct val, enum unit, struct buf *scratch, int32_t *day);
/* Nothing matched: say so where a column of the keys has numbers on one side and texts on the other. */
void dim_warn_types(const struct dim *, const struct span *name, const unsigned char *types);
void dim_free(struct dim *);

#endif
