/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fold - of the changes of each key those that still matter, in whatever order they came
 *
 *	struct fold *f = fold_new(true);
 *	fold_put(f, key, &(struct fold_change){ .op = 'u', .ord = ord, .seq = n, .row = row });
 *	e = map_sorted(fold_keys(f)); n = fold_list(f, e[i].cell, &v);	// v[0..n): oldest first
 *
 * Invariants: what is kept does not depend on the order of the calls: of two changes of one key and
 * one day the newer by (ord, seq) hides the older, unless it holds only some columns.  Without days
 * a key has one day.  Memory: a key's entry of base/map, 48 bytes a kept change, and the bytes of
 * its ord and row; hidden rows are collected when they are half of all.
 */
#ifndef CDC_FOLD_H
#define CDC_FOLD_H

#include "base/map.h"
#include "base/mem.h"

struct fold_change {
	char op;		/* c u d r t */
	bool partial;		/* row lacks columns that keep their value */
	int32_t day;		/* of the change, days since 1970; 0 without days */
	uint64_t seq;		/* place in the input: decides between equal ords */
	struct span ord, row;
};

struct fold;
/* days: keep the last change of each day, else of all. */
struct fold *fold_new(bool days);
void fold_put(struct fold *, struct span key, const struct fold_change *);
/* A truncate: to be met by every key. */
void fold_truncate(struct fold *, const struct fold_change *);
/* The keys met; cells are for fold_list. */
struct map *fold_keys(const struct fold *);
/*
 * A key's kept changes, oldest first; cell NULL: the truncates. Good until the next call of
 * fold_put. Returns how many.
 */
size_t fold_list(struct fold *, const void *cell, const struct fold_change **v);
/* The same into the caller's own array, for two lists at once. */
size_t fold_list_into(const struct fold *, const void *cell, struct fold_change **v, size_t *cap);
/* Changes whose ord could not be compared with another of their key. */
uint64_t fold_mixed(const struct fold *);
size_t fold_bytes(const struct fold *);
void fold_free(struct fold *);

#endif
