/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pack - small binary values as bytes: what operators save and add() reads back
 *
 *	pack_u64(&b, n); pack_span(&b, text); pack_dec(&b, &d);
 *	struct unpack u = { val, true };
 *	n = unpack_u64(&u); text = unpack_span(&u); unpack_dec(&u, &d);
 *	if (!unpack_done(&u)) ... these bytes are not ours ...
 *
 * Invariants: integers are LEB128, so nothing depends on the machine; equal values have equal bytes.  A reader that
 * runs over sets ok to false and gives zeros from then on: one check at the end is enough.
 */
#ifndef OP_PACK_H
#define OP_PACK_H

#include <endian.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "base/hash.h"

#define FP_BYTES 16

struct unpack {
	struct span s;		/* what is left */
	bool ok;
};

void pack_u64(struct buf *, uint64_t);
void pack_i64(struct buf *, int64_t);
/* Length, then the bytes. */
void pack_span(struct buf *, struct span);
void pack_dec(struct buf *, const struct dec *);
void pack_sum(struct buf *, const struct decsum *);

uint64_t unpack_u64(struct unpack *);
int64_t unpack_i64(struct unpack *);
/* A span into the bytes being read. */
struct span unpack_span(struct unpack *);
void unpack_dec(struct unpack *, struct dec *);
void unpack_sum(struct unpack *, struct decsum *);
/* n bytes as they stand. */
struct span unpack_bytes(struct unpack *, size_t n);

/* All read, nothing left, nothing missing. */
static inline bool
unpack_done(const struct unpack *u)
{
	return u->ok && u->s.n == 0;
}

/* 64 bits whose byte order is the order of the signed numbers: the head of keys that sort by time. */
static inline void
pack_order(char out[8], int64_t v)
{
	uint64_t u = htobe64((uint64_t)v ^ UINT64_C(1) << 63);

	memcpy(out, &u, sizeof u);
}

static inline int64_t
unpack_order(const char in[8])
{
	uint64_t u;

	memcpy(&u, in, sizeof u);
	return (int64_t)(be64toh(u) ^ UINT64_C(1) << 63);
}

/* A fingerprint big-endian, so that byte order is numeric order. */
static inline void
pack_fp(char out[FP_BYTES], struct fp id)
{
	id = (struct fp){ htobe64(id.lo), htobe64(id.hi) };
	memcpy(out, &id.hi, sizeof id.hi);
	memcpy(out + 8, &id.lo, sizeof id.lo);
}

static inline struct fp
unpack_fp(const char in[FP_BYTES])
{
	struct fp id;

	memcpy(&id.hi, in, sizeof id.hi);
	memcpy(&id.lo, in + 8, sizeof id.lo);
	return (struct fp){ be64toh(id.lo), be64toh(id.hi) };
}

#endif
