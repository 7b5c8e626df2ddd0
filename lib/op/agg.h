/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agg - partial aggregates of one group: count sum avg stddev min max first last distinct quantile hll topk collect
 *
 *	agg_set_up(&set, v, n, as, &pool);
 *	why = agg_read(&set, value, us);		// one record's inputs, judged before anything is changed
 *	if (why == NULL && (why = agg_check(&set, cell)) == NULL) agg_apply(&set, cell);
 *	agg_print(&set, k, cell, &out, &why);
 *
 * Invariants: a cell is set.cell_bytes, zero when it is new, and holds the number of its records first.  Inputs
 * that are null or absent are skipped, but by AGG_ROWS.  Joining cells is associative and commutative.  Sums
 * are exact; sum, min and max print the largest scale met, avg and stddev four digits more; first and last are by
 * (time, canonical value, bytes); distinct, topk and collect are exact; quantile is hist.h's, hll hll.h's.
 */
#ifndef OP_AGG_H
#define OP_AGG_H

#include "base/batch.h"
#include "op/bag.h"
#include "op/ids.h"

enum agg_kind {
	AGG_ROWS, AGG_COUNT, AGG_SUM, AGG_AVG, AGG_MIN, AGG_MAX, AGG_FIRST, AGG_LAST, AGG_DISTINCT,
	AGG_STDDEV, AGG_STDDEV_SAMP, AGG_QUANTILE, AGG_HLL, AGG_TOPK, AGG_COLLECT, AGG_COLLECT_SET
};

/* The kind of that name, in any case (count is AGG_COUNT); -1 when there is none. */
int agg_kind(struct span name);

struct agg {
	enum agg_kind kind;
	int col;		/* of a batch; AGG_ROWS: -1, or a column that is null for records that do not count */
	size_t at;		/* in the cell; agg_set_up sets it */
	bool shared;		/* agg_set_up: an earlier one's part is its own: quantiles of one column */
	struct dec p;		/* AGG_QUANTILE: 0 to 1 */
	uint64_t k;		/* AGG_TOPK: how many */
};

struct agg_in;

struct agg_set {
	struct agg *v;
	size_t n;
	enum key_as as;			/* what distinct takes for equal */
	size_t cell_bytes;
	struct agg_in *in;		/* [n] the record read last */
	int64_t us;			/* its time */
	bool ordered;			/* a min or a max is among them */
	struct pool *pool;		/* texts that cells keep: the owner's */
	size_t set_bytes;		/* held by distinct sets, quantiles and hll */
	size_t largest;			/* of the distinct sets, since agg_rest */
	struct bag_desk desk;
	struct buf scratch, other;
};

/* A set of these, copied; the texts its cells keep will be in the pool, which is the caller's. */
void agg_set_up(struct agg_set *, const struct agg *, size_t n, enum key_as, struct pool *);
/* Read the inputs of one record: value[k] is that of aggregate k. NULL, or why the record is in error. */
const char *agg_read(struct agg_set *, const struct val *value, int64_t us);
/* The same of record i of a batch: value k stands in column v[k].col. */
const char *agg_read_row(struct agg_set *, const struct batch *, size_t i, int64_t us);
/* Would they meet values of another type in this cell? NULL or a reason. */
const char *agg_check(const struct agg_set *, const void *cell);
/* Lay the record into a cell. Pre: agg_read and agg_check said NULL. */
void agg_apply(struct agg_set *, void *cell);
/* Append aggregate k as JSON; a reason when the result has none (a sum outside 10^38). */
const char *agg_print(struct agg_set *, size_t k, void *cell, struct buf *);
uint64_t agg_rows(const void *cell);
/*
 * The cell's bytes, equal for equal cells; and what they say laid into a cell. False: not ours; *why: types
 * that do not meet.
 */
void agg_pack(struct agg_set *, void *cell, struct buf *);
bool agg_join(struct agg_set *, void *cell, struct unpack *, const char **why);
/*
 * The cells of another set of the same aggregates are this one's now, whose pool is to have taken the other's: they may
 * be laid into others, which leaves `from` as new.  NULL, or why their types do not meet.
 */
void agg_adopt(struct agg_set *, struct agg_set *from);
const char *agg_merge(struct agg_set *, void *cell, void *from);
/*
 * A cell whose sets are large goes to disk in parts: what is left of it, then each part of each large set of its own,
 * so that no more than one part of it must fit in memory when it comes back.
 *	if (agg_large(s, cell)) {
 *		parts = agg_part_out(s, cell); agg_pack(s, cell, &rest); ...
 *		while (agg_part_next(s, parts, &k, &part, &b)) ...
 *	}
 * agg_part_join lays a part into a cell; agg_fold counts the part of aggregate k that cell `from` holds, whole, into
 * that of `to`, and forgets it.
 */
struct agg_parts;
bool agg_large(const struct agg_set *, const void *cell);
/* Take the large sets out of a cell. Freed by agg_part_next's last call, which says false. */
struct agg_parts *agg_part_out(struct agg_set *, void *cell);
bool agg_part_next(struct agg_set *, struct agg_parts *, size_t *k, unsigned *part, struct buf *);
bool agg_part_join(struct agg_set *, void *cell, size_t k, struct unpack *);
void agg_fold(struct agg_set *, void *to, void *from, size_t k, unsigned part);
/* Is all that the cell knows in what agg_pack makes of it?  Not what agg_fold counted and forgot. */
bool agg_packs(const struct agg_set *, const void *cell);
/* All of a part laid into another cell: as many as there are, in memory. */
void agg_part_take(struct agg_set *, void *to, void *from, size_t k);
/* Give back what was needed to work, until it is needed again. */
void agg_rest(struct agg_set *);
/* Give back what a cell holds outside itself. */
void agg_drop(struct agg_set *, void *cell);
size_t agg_bytes(const struct agg_set *);
void agg_free(struct agg_set *);

#endif
