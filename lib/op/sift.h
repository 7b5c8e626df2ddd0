/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sift - operators that let a record pass or drop it by its key's fingerprint and what passed before: seen, recent
 *
 *	struct token m[BATCH_RECORDS_MAX];
 *	sift->read(st, b, m);				// may reject; tokens of the records whose fate is F_PASS
 *	for (i...) if (!sift->judge(st, &m[i])) b->fate[i] = F_DROP;		// sift_batch does this
 *	... or judge them later, in another state: all tokens of one fingerprint, in their order, give the same answers
 *	sift->each(st, fn, arg); ... sift->note(other, &token);	// what passed, moved to another state
 *
 * Invariants: an answer depends on nothing but the tokens of the same fingerprint that were judged, or noted, before;
 * what each() gives has the same upper 64 bits as the fingerprints it came from, so those may split the work.
 */
#ifndef OP_SIFT_H
#define OP_SIFT_H

#include "base/hash.h"
#include "base/op.h"

/* What is known of a record: enough to judge it without it. */
struct token {
	struct fp id;
	int64_t us, wm;		/* its time, and the largest met up to it: as far as the operator asks for them */
};

struct sift {
	const struct op *op;	/* the operator itself */
	size_t words;		/* of us and wm, how many it asks for */
	void (*read)(void *st, const struct batch *, struct token *);
	void (*prefetch)(const void *st, const struct token *);
	/* Does it pass? Then it is noted. */
	bool (*judge)(void *st, const struct token *);
	void (*note)(void *st, const struct token *);
	/* All that passed; fn returns 0, or what ends it. */
	int (*each)(void *st, int (*fn)(void *arg, const struct token *), void *arg);
	/* A pair that op->save gave, as a token to be noted; false: it is none. */
	bool (*token_of)(void *st, struct span key, struct span val, struct token *);
	/* Forget what can no longer matter; returns how many may. NULL: all may. */
	uint64_t (*trim)(void *st);
	/* Forget what passed, and give the memory back. */
	void (*clear)(void *st);
	void (*reserve)(void *st, uint64_t n);
	/* Bytes at the worst moment of judging so many more. */
	size_t (*bytes_with)(const void *st, uint64_t more);
};

/* read, prefetch, judge: the whole batch; m is room for its tokens. */
void sift_batch(const struct sift *, void *st, const struct batch *, struct token *m);
/* The fingerprint of record i's key. NULL, or why it has no key; *none: something in it is null, and *id is not set. */
const char *sift_id(const struct batch *, size_t i, const int *col, size_t n, enum key_as, struct buf *scratch,
    struct fp *id, bool *none);
/*
 * The fingerprints of the keys of records whose fate is F_PASS, before their turn: for b->ahead.  {0, 0} of one that is
 * to be judged.
 */
void sift_ahead(const struct batch *, const int *col, size_t n, enum key_as, struct buf *scratch, struct fp *out);
/* The same from b->ahead, or of their keys; a null key rejects.  For read. */
void sift_ids(const struct batch *, const int *col, size_t n, enum key_as, struct buf *scratch, struct token *m);

#endif
