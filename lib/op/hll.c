/* SPDX-License-Identifier: BSD-2-Clause */
/* hll - see hll.h */
#include <float.h>
#include <stdlib.h>

#include "base/mem.h"
#include "op/hll.h"

#define REGS (1u << HLL_BITS)
#define RANK_MAX (64 - HLL_BITS + 1)

/* The upper bits choose the register, it keeps the most zeros before a one that the rest began with, and one. */
static void
set(uint8_t *reg, uint64_t hash)
{
	uint64_t rest = hash << HLL_BITS;
	uint8_t rank = rest == 0 ? RANK_MAX : (uint8_t)(__builtin_clzll(rest) + 1);
	size_t i = hash >> (64 - HLL_BITS);

	if (rank > reg[i])
		reg[i] = rank;
}

static void
densify(struct hll *h)
{
	struct fp id;

	h->reg = mem_new(REGS);
	for (size_t i = 0; ids_next(&h->few, &i, &id);)
		set(h->reg, id.lo);
	ids_free(&h->few);
}

void
hll_add(struct hll *h, uint64_t hash)
{
	if (h->reg != NULL) {
		set(h->reg, hash);
		return;
	}
	(void)ids_add(&h->few, (struct fp){ hash, 0 });
	if (ids_count(&h->few) > HLL_EXACT)
		densify(h);
}

/* x + sum of x^(2^k) * 2^(k-1): the share of registers that are still empty. */
static double
sigma(double x)
{
	double z = x, y = 1, before;

	if (x >= 1)
		return DBL_MAX / REGS;
	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z > before);
	return z;
}

uint64_t
hll_count(const struct hll *h)
{
	uint32_t of[RANK_MAX + 1] = { 0 };
	double z = 0;

	if (h->reg == NULL)
		return ids_count(&h->few);
	for (size_t i = 0; i < REGS; i++)
		of[h->reg[i]]++;
	for (size_t k = RANK_MAX; k > 0; k--)
		z = 0.5 * (z + of[k]);
	z += REGS * sigma(of[0] / (double)REGS);
	z = 0.72134752044448170368 * REGS * REGS / z;	/* 1 / (2 ln 2) */
	return z < 0x1p62 ? (uint64_t)(z + 0.5) : UINT64_C(1) << 62;
}

size_t
hll_bytes(const struct hll *h)
{
	return h->reg != NULL ? REGS : ids_bytes(&h->few);
}

void
hll_pack(struct buf *b, const struct hll *h)
{
	uint64_t n = ids_count(&h->few);
	struct fp *v;

	pack_u64(b, h->reg != NULL ? HLL_EXACT + 1 : n);
	if (h->reg != NULL) {
		buf_add(b, (const char *)h->reg, REGS);
		return;
	}
	v = ids_sorted(&h->few);
	for (uint64_t i = 0; i < n; i++)
		pack_u64(b, v[i].lo);
	free(v);
}

void
hll_join(struct hll *h, struct unpack *u)
{
	uint64_t n = unpack_u64(u);
	struct span reg;

	if (n <= HLL_EXACT) {
		for (; n > 0 && u->ok; n--)
			hll_add(h, unpack_u64(u));
		return;
	}
	reg = unpack_bytes(u, REGS);
	if (!u->ok)
		return;
	if (h->reg == NULL)
		densify(h);
	for (size_t i = 0; i < REGS; i++) {
		uint8_t r = (uint8_t)reg.p[i];

		u->ok = u->ok && r <= RANK_MAX;
		if (r <= RANK_MAX && r > h->reg[i])
			h->reg[i] = r;
	}
}

void
hll_take(struct hll *h, struct hll *from)
{
	struct hll less = *from;
	struct fp id;

	*from = (struct hll){ 0 };
	if (h->reg == NULL && less.reg != NULL) {
		struct hll more = less;

		less = *h;
		*h = more;
	}
	if (h->reg == NULL) {
		ids_take(&h->few, &less.few);
		if (ids_count(&h->few) > HLL_EXACT)
			densify(h);
	} else if (less.reg == NULL) {
		for (size_t i = 0; ids_next(&less.few, &i, &id);)
			set(h->reg, id.lo);
	} else
		for (size_t i = 0; i < REGS; i++)
			h->reg[i] = less.reg[i] > h->reg[i] ? less.reg[i] : h->reg[i];
	hll_free(&less);
}

void
hll_free(struct hll *h)
{
	ids_free(&h->few);
	free(h->reg);
	*h = (struct hll){ 0 };
}
