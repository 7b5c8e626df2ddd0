/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fold - of the changes of each key those that still matter, in whatever order they came
 *
 *	struct fold *f = fold_new(true, budget);
 *	fold_put(f, key, &(struct fold_change){ .op = 'u', .ord = ord, .seq = n, .row = row });
 *	rc = fold_settle(f);		// now and then: past the budget the state goes to disk
 *	for (rc = fold_begin(f); (rc = fold_next(f, &key, &v, &n)) == 0 &&
 *	    key.p != NULL; ) ... v[0..n) ...
 *
 * Invariants: what is kept does not depend on the order of the calls, nor on the budget: of two
 * changes of one key and one day the newer by (ord, seq) hides the older, unless it holds only some
 * columns.  Without days a key has one day.  Memory: 45 to 55 bytes a key (cdc/keytab), 48 bytes a
 * kept change, and the bytes of its ord and row; a row that takes another's place takes its bytes
 * where they suffice, and lost ones are collected when they are half of all.
 */
#ifndef CDC_FOLD_H
#define CDC_FOLD_H

#include <stdint.h>

#include "base/mem.h"

struct fold_change {
	char op;		/* c u d r t */
	bool partial;		/* row lacks columns that keep their value */
	int32_t day;		/* of the change, days since 1970; 0 without days */
	uint64_t seq;		/* place in the input: decides between equal ords */
	struct span ord, row;
};

struct fold;
/*
 * days: keep the last change of each day, else of all.  budget: bytes, of which at least 16 MiB are
 * taken.
 */
struct fold *fold_new(bool days, size_t budget);
void fold_put(struct fold *, struct span key, const struct fold_change *);
/* The same for many: what they need of the table is brought near before. */
struct fold_keyed { struct span key; struct fold_change change; };
void fold_put_all(struct fold *, const struct fold_keyed *, size_t n);
/* A truncate: to be met by every key. */
void fold_truncate(struct fold *, const struct fold_change *);
/* Past the budget all keys go to a sorted run on disk. 0 or EXIT_IO after a message. */
int fold_settle(struct fold *);
/* All keys in byte order, once: nothing may be put any more. 0 or EXIT_IO after a message. */
int fold_begin(struct fold *);
/*
 * The next key and its kept changes, oldest first; key->p NULL at the end. Good until the next
 * call. 0 or EXIT_IO.
 */
int fold_next(struct fold *, struct span *key, const struct fold_change **v, size_t *n);
/* The truncates, oldest first, into an array of the caller's; returns how many. */
size_t fold_truncates(const struct fold *, struct fold_change **v, size_t *cap);
/* Changes whose ord could not be compared with another of their key. */
uint64_t fold_mixed(const struct fold *);
size_t fold_bytes(const struct fold *);
void fold_free(struct fold *);

#endif
