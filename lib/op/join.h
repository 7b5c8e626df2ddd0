/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * join - a dimension in memory: key -> bytes, or key and day -> bytes
 *
 *	struct join *j = join_new(false);
 *	if ((why = join_put(j, hash_mem(key), key, bytes, JOIN_EVER)) != NULL) ... the key stands twice ...
 *	join_prefetch(j, hash); ... join_prefetch_row(j, hash); ... if (join_get(j, hash, key, 0, &bytes)) ...
 *	join_free(j);
 *
 * Invariants: a slot is 8 bytes (32 bits of hash, 32 of place), filled at most 3/4; a row is 12 bytes (20 with
 * periods), key and bytes, rounded up to 8.  At most 32 GiB of rows.  Rows of one key are linked, the newest
 * period first, and never overlap.
 * Spans from join_get are good until the next join_put.  Reading is safe from many threads.
 */
#ifndef OP_JOIN_H
#define OP_JOIN_H

#include <stdint.h>

#include "base/span.h"

struct join;

/* Days since 1970-01-01, both inside. */
struct period { int32_t from, to; };
#define JOIN_EVER ((struct period){ INT32_MIN, INT32_MAX })

/* periods: a key may stand many times, for days that do not meet. */
struct join *join_new(bool periods);
/*
 * Add a row, copies both. NULL, or why it cannot be: the key is there; its days meet another row's; the table
 * is full.
 */
const char *join_put(struct join *, uint64_t hash, struct span key, struct span bytes, struct period);
/* The key's row (that holds on the day, with periods). */
bool join_get(const struct join *, uint64_t hash, struct span key, int32_t day, struct span *bytes);
/* Before a batch of join_get: bring the slots near, then what they lead to. */
void join_prefetch(const struct join *, uint64_t hash);
void join_prefetch_row(const struct join *, uint64_t hash);
size_t join_count(const struct join *);
size_t join_bytes(const struct join *);
void join_free(struct join *);

#endif
