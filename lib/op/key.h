/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * key - the keys of a batch: canonical forms of some columns, joined by ','
 *
 *	struct keys ks = { 0 };
 *	keys_batch(&ks, b, col, n, KEY_EXACT, KEYS_NULL_REJECT);
 *	for (i...) if (b->fate[i] == F_PASS) use(keys_at(&ks, i), ks.hash[i]);
 *	keys_free(&ks);
 *
 * Invariants: keys of one batch stand one after the other in one buffer, good until the next keys_batch.  A
 * column that cannot be a key rejects its record.  hash is hash_mem of the key, for tables in memory only, or
 * where a seed is set hash_seeded with that.
 */
#ifndef OP_KEY_H
#define OP_KEY_H

#include "base/batch.h"
#include "base/hash.h"

/* What a null (or absent) column means: a value like any other; that record's error; or a key that matches nothing. */
enum keys_null { KEYS_NULL_IS, KEYS_NULL_REJECT, KEYS_NULL_NONE };

struct keys {
	struct buf bytes;
	size_t at[BATCH_RECORDS_MAX + 1];
	uint64_t hash[BATCH_RECORDS_MAX];
	bool none[BATCH_RECORDS_MAX];		/* KEYS_NULL_NONE: no key, or the record was rejected */
	uint64_t seed;				/* 0: that of the process */
};

/* Fill for all records whose fate is F_PASS. n may be 0: all keys are empty. */
void keys_batch(struct keys *, const struct batch *, const int *col, size_t n, enum key_as, enum keys_null);

static inline struct span
keys_at(const struct keys *k, size_t i)
{
	return (struct span){ k->bytes.p == NULL ? "" : k->bytes.p + k->at[i], k->at[i + 1] - k->at[i] };
}

/* One record's key alone, appended. NULL or a reason, then nothing is appended; *none: a column was null. */
const char *key_of(const struct batch *, size_t i, const int *col, size_t n, enum key_as, struct buf *, bool *none);
/* Take a key apart again into its n values. False when these are not n canonical forms. */
bool key_split(struct span key, struct span *value, size_t n);
void keys_free(struct keys *);

#endif
