/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spill - sorted runs of (key, value) on disk, read back as one
 *
 *	rc = spill_put(s, key, value); ... rc = spill_end(s);		// a run: keys ascending
 *	for (rc = spill_begin(s); rc == 0 && spill_key(s, &key); rc = spill_step(s))
 *		for (i = 0; i < spill_values(s); i++) use(spill_value(s, i));
 *
 * Invariants: one nameless file (base/temp.h).  Written once, then read once, in key byte order; the values of one key
 * come in the order of the runs.  Memory: a buffer of at most SPILL_BUFFER_BYTES a run and the largest value.  Errors
 * were said and are EXIT_IO.
 */
#ifndef CDC_SPILL_H
#define CDC_SPILL_H

#include <stdint.h>

#include "base/buf.h"

#define SPILL_BUFFER_BYTES ((size_t)64 * 1024)
#define SPILL_MARK_BYTES ((size_t)16 * 1024)

struct spill;
struct spill *spill_new(void);
int spill_put(struct spill *, struct span key, struct span value);
/* The same in pieces: the value is appended to what spill_open returns, until spill_shut. */
struct buf *spill_open(struct spill *, struct span key);
int spill_shut(struct spill *);
int spill_end(struct spill *);
/* How many there are; and, before they are read, how much of each at once: at most SPILL_BUFFER_BYTES. */
size_t spill_runs(const struct spill *);
void spill_buffers(struct spill *, size_t bytes);
int spill_begin(struct spill *);
/* The smallest key that is left; false when none is. Good until the next step. */
bool spill_key(const struct spill *, struct span *key);
/* The values of that key. */
size_t spill_values(const struct spill *);
struct span spill_value(const struct spill *, size_t i);
/* Go behind that key. */
int spill_step(struct spill *);
void spill_free(struct spill *);

/* ---- ranges of keys, each to be read by a thread of its own ---- */

/*
 * Before the first run: of a record of every SPILL_MARK_BYTES the key and place are kept, some 50 bytes and the key
 * each, while there are at most so many runs.
 */
void spill_mark(struct spill *, size_t runs);
/* Are they all there still; *n: how many; and the key of one: those of a run ascend. */
bool spill_marks(const struct spill *, size_t *n);
struct span spill_mark_key(const struct spill *, size_t i);
/*
 * Another one to be read from spill_begin on, while `of` lives and is not read itself: of each run at least the keys
 * from `from` on and below `to`, either of which may have p NULL: no bound.  At most 2 * SPILL_MARK_BYTES more of a
 * run with marks; of one without marks all of it.  again: an earlier one of `of`, which becomes it with the memory that
 * it has, or NULL.  spill_skip, behind spill_begin, goes to the first key not below.
 */
struct spill *spill_range(const struct spill *of, struct spill *again, struct span from, struct span to);
int spill_skip(struct spill *, struct span from);

#endif
