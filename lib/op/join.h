/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * join - a dimension: key -> bytes, or key and day -> bytes
 *
 *	struct join *j = join_new(false, budget);
 *	if ((why = join_put(j, hash, key, bytes, JOIN_EVER)) != NULL) ... the key stands twice ...
 *	to = join_row(&b, false, JOIN_EVER, key, n); ... n bytes at to ... join_row_end(&b, to + n);	// in any thread
 *	why = join_put_row(j, hash, row);				// the same as join_put, of a row made before
 *	join_prefetch(j, hash); ... join_prefetch_row(j, hash); ...
 *	if (join_get(j, hash, key, 0, &room, &bytes) == 1) ...
 *	join_free(j);
 *
 * Invariants: a slot is 8 bytes, 32 bits of hash and 32 of place, filled at most 3/4; a row is two lengths (2 bytes
 * for short ones), key and bytes (12 more with periods), rounded up to 8.  At most 32 GiB of rows.  A slot's home is
 * the upper bits of the hash, so slots stand nearly in hash order and growing is one pass over both tables; probing is
 * linear (Knuth 6.4, algorithm L).  Rows of one key are linked, the newest period first, and never overlap.
 * The same hash function must make all hashes of one join.  Nothing in it is a pointer, so that its image can be
 * written, mapped and shared.  Where it is larger than its budget rows go to a file without a name, slots too if they
 * alone are, and are read from there when they are asked for: the kernel keeps of them what it has room for.  Spans
 * from join_get are good until the next join_put, or until `room` is used again.  Reading is safe from threads, each
 * with a room of its own.
 */
#ifndef OP_JOIN_H
#define OP_JOIN_H

#include <stdint.h>

#include "base/buf.h"

/* In a batch: so many records ahead the slots are asked for, and then the rows that they lead to. */
#define JOIN_SLOT_AHEAD 32
#define JOIN_ROW_AHEAD 16

struct join;

/* Days since 1970-01-01, both inside. */
struct period { int32_t from, to; };
#define JOIN_EVER ((struct period){ INT32_MIN, INT32_MAX })

/* periods: a key may stand many times, for days that do not meet.  budget: bytes in memory; SIZE_MAX: all of it. */
struct join *join_new(bool periods, size_t budget);
/*
 * Add a row, copies both. NULL, or why it cannot be: the key is there; its days meet another row's; the table
 * is full.
 */
const char *join_put(struct join *, uint64_t hash, struct span key, struct span bytes, struct period);
/*
 * A row as it will stand in a join, appended to the buffer: the place of its n bytes, behind which JOIN_ROW_SLACK more
 * may be written over; then its end.  NULL: it is too long for any.
 */
#define JOIN_ROW_SLACK 16
#define JOIN_FULL "the dimension is larger than 32 GiB"
/* As why a row cannot be: a file of ours cannot be written or read, which was said. */
extern const char JOIN_BROKEN[];
char *join_row(struct buf *, bool periods, struct period, struct span key, size_t n);
void join_row_end(struct buf *, char *end);
/* Pre: the row was made for such a join. */
const char *join_put_row(struct join *, uint64_t hash, struct span row);
/* No more rows: memory that was only reserved goes back. 0, or EXIT_IO after a message. */
int join_settle(struct join *);
/* The key's row (that holds on the day, with periods): 1, 0 where there is none, -1 after a message. */
int join_get(const struct join *, uint64_t hash, struct span key, int32_t day, struct buf *room, struct span *bytes);
/* Before join_get or join_put: bring the slot near, then, a little later, the row that it leads to. */
void join_prefetch(const struct join *, uint64_t hash);
void join_prefetch_row(const struct join *, uint64_t hash);
size_t join_count(const struct join *);
/* In memory; in files. */
size_t join_bytes(const struct join *);
size_t join_spilled(const struct join *);
void join_free(struct join *);

/* What a join is made of: `slots` (8 bytes each) and `rows`, as the machine has them. */
struct join_image {
	const char *slots, *rows;
	uint64_t n_slots, rows_bytes, count;
	bool periods;
};
/* Pre: its budget was SIZE_MAX. */
void join_image(const struct join *, struct join_image *);
/*
 * A join over such bytes, aligned to 8, that the caller keeps as they are; it takes no more rows.  Everything that
 * reading relies on is checked; NULL when it does not hold.  A pass over rows and slots.
 */
struct join *join_over(const struct join_image *);

#endif
