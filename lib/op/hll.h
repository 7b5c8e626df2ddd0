/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hll - about how many different values: a HyperLogLog of 2^14 registers that begins as an exact set
 *
 *	struct hll h = { 0 };
 *	hll_add(&h, hash_fixed(canonical)); hll_join(&h, &unpack);
 *	n = hll_count(&h);
 *	hll_free(&h);
 *
 * Invariants: up to HLL_EXACT different hashes are kept as they are and counted exactly, more become registers of one
 * byte, 16 KiB, whatever the order they came in: standard error 1.04 / sqrt(2^14) = 0.81 %.  The estimate is
 * Ertl's (New cardinality estimation algorithms for HyperLogLog sketches, 2017, algorithm 6) but for his correction of
 * full registers, which only 2^50 values fill: only the four operations of IEEE 754, the same on every machine.
 */
#ifndef OP_HLL_H
#define OP_HLL_H

#include "op/ids.h"
#include "op/pack.h"

#define HLL_BITS 14
#define HLL_EXACT 2048

struct hll {
	struct ids few;
	uint8_t *reg;		/* [1 << HLL_BITS]; NULL: few is all */
};

void hll_add(struct hll *, uint64_t hash);
uint64_t hll_count(const struct hll *);
size_t hll_bytes(const struct hll *);
void hll_pack(struct buf *, const struct hll *);
/* Lay a packed one into this one; sets ok to false when it is none. */
void hll_join(struct hll *, struct unpack *);
/* The same of another one as it stands; that one is empty then. */
void hll_take(struct hll *, struct hll *from);
void hll_free(struct hll *);

#endif
