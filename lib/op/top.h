/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * top - the n records of each group with the largest values of a column
 *
 *	void *st = top_new(&(struct top_conf){ .n = 10, .by = 2, .group = col, .n_groups = 1, .place = -1 });
 *	top_op.batch(st, b, host);			// all records are F_USED
 *	top_op.close(st, INT64_MAX, host);	// host->row(out 0, { line, rank, old rank in line or absent }, 3)
 *
 * Invariants: order is value falling, then position; null comes last.  TOP_ROW: n records, ranks 1..n.
 * TOP_RANK: equal values share a rank, the next one counts records; all records whose rank is at most n.
 * TOP_DENSE: the next one counts values; all records of the n largest values.  Groups come in key order.
 * With conf.water records are grouped by their time first, and the groups of a time are over, and go out, when close()
 * is called for that time or a later one; a record is in error whose time that is when it comes.
 * Memory: about twice the records that stay.  State: group -> records.
 */
#ifndef OP_TOP_H
#define OP_TOP_H

#include "base/op.h"
#include "base/watermark.h"

enum top_ties { TOP_ROW, TOP_RANK, TOP_DENSE };

struct top_conf {
	uint64_t n;
	const int *group;	/* columns; must live as long as the state */
	size_t n_groups;
	enum key_as as;
	int by;			/* column */
	enum top_ties ties;
	int place;		/* column of a value that the caller wants to find again in the line, or -1 */
	const struct watermark *water;	/* NULL: all is over at the end, and nothing before */
	int per;		/* with it: column of the time, which groups are of */
	enum unit unit;
	const struct zone *zone;
};

void *top_new(const struct top_conf *);
extern const struct op top_op;

#endif
