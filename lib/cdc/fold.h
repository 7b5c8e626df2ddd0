/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fold - of the changes of each key those that still matter, in whatever order they came
 *
 *	struct fold *f = fold_new(true, budget);
 *	fold_put_all(f, &hand, changes, n);	// any thread, with a hand of its own
 *	rc = fold_settle(f);		// now and then: past the budget the state goes to disk
 *	for (rc = fold_begin(f, 2); (rc = fold_next(f, &key, &v, &n)) == 0 &&
 *	    key.p != NULL; ) ... v[0..n) ...
 *
 * Invariants: what is kept does not depend on the order of the calls, nor on the budget: of two
 * changes of one key and one day the newer by (ord, seq) hides the older, unless it holds only some
 * columns.  Without days a key has one day.  Keys are dealt to 8 parts by their hash, each with a
 * lock, so that threads seldom meet, and runs of its own: the largest part goes to disk while others,
 * and what comes for it meanwhile, stay.  One thread reads, and others may put the keys of each part
 * into chunks for it, two of 512 KiB; or each thread reads ranges of the keys, whatever their parts.
 * Memory: 45 to 55 bytes a key (cdc/keytab), 48 bytes a kept change, and the bytes of its ord and row;
 * a row that takes another's place takes its bytes where they suffice, bytes of a size are used again
 * for others of about it, and what is lost is collected, a part at a time, when it is half of it.
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
/* A thread's own, zero at first; the counter that it begins with says which part is its first. */
struct fold_hand { uint64_t *hash; uint32_t *order; size_t cap, begin; };
void fold_put_all(struct fold *, struct fold_hand *, const struct fold_keyed *, size_t n);
void fold_hand_free(struct fold_hand *);
/* A truncate: to be met by every key. Any thread. */
void fold_truncate(struct fold *, const struct fold_change *);
/* Past the budget the keys of a part go to a sorted run on disk. Any thread. 0 or EXIT_IO after a message. */
int fold_settle(struct fold *);
/*
 * All keys in byte order, once: nothing may be put any more.  By so many threads, this one among them.  0 or EXIT_IO
 * after a message.
 */
int fold_begin(struct fold *, size_t threads);
/*
 * The next key and its kept changes, oldest first; key->p NULL at the end. Good until the next
 * call. 0 or EXIT_IO.
 */
int fold_next(struct fold *, struct span *key, const struct fold_change **v, size_t *n);
/*
 * Instead of fold_begin: after it the keys are there in so many ranges, in order, each of about so many bytes, for any
 * thread to be read; threads: how many will, and how many this takes.  0: too much is on disk for that, so call
 * fold_begin.  bytes: some 16 KiB or more.
 */
size_t fold_split(struct fold *, size_t threads, size_t bytes);
/* Range i: read it as fold_next does, all of it or not, and give it back. */
struct fold_reader;
struct fold_reader *fold_range(struct fold *, size_t i);
int fold_reader_next(struct fold_reader *, struct span *key, const struct fold_change **v, size_t *n);
/* As fold_mixed: of the keys that it read. */
uint64_t fold_reader_mixed(const struct fold_reader *);
void fold_reader_done(struct fold_reader *);
/* The truncates, oldest first, into an array of the caller's; returns how many. */
size_t fold_truncates(const struct fold *, struct fold_change **v, size_t *cap);
/* Keys, of those read, with changes whose ords cannot be compared with each other. */
uint64_t fold_mixed(const struct fold *);
size_t fold_bytes(const struct fold *);
void fold_free(struct fold *);

#endif
