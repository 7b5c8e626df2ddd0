/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * order - a value as something that can be compared: numbers by size, texts by byte
 *
 *	struct order a; why = order_of(v, &scratch, &a);
 *	if (order_mixed(&a, &best)) ... ORDER_MIXED is that record's reason ...
 *	if (order_cmp(&a, &best) > 0) ...
 *	struct kept text = { 0 }; order_keep(&pool, &text, &a);	// a's text now lives in the pool
 *
 * Invariants: null (and absent) is below everything; two kinds that are no null do not compare, the caller asks
 * order_mixed first; false is below true.  Texts are compared after unescaping.
 */
#ifndef OP_ORDER_H
#define OP_ORDER_H

#include "base/decimal.h"
#include "base/val.h"
#include "op/pack.h"
#include "op/pool.h"

#define ORDER_MIXED "values of different types have no order"

enum order_kind { ORDER_NULL, ORDER_BOOL, ORDER_NUM, ORDER_STR };

struct order {
	uint8_t kind;		/* enum order_kind */
	bool b;
	struct dec num;
	struct span str;	/* into the record, the scratch buffer, or what keeps it */
};

/* NULL, or why this value has no order (array, object, a number outside the decimal's range). */
const char *order_of(struct val, struct buf *scratch, struct order *);
/* <0, 0, >0. Pre: not mixed. */
int order_cmp(const struct order *, const struct order *);

static inline bool
order_mixed(const struct order *a, const struct order *b)
{
	return a->kind != b->kind && a->kind != ORDER_NULL && b->kind != ORDER_NULL;
}

/* Let the text live in kept; nothing for other kinds, whose kept is dropped. */
void order_keep(struct pool *, struct kept *, struct order *);
/* Append as JSON. */
void order_print(const struct order *, struct buf *);
void order_pack(struct buf *, const struct order *);
/* str is a span into what is read. */
void unpack_order_of(struct unpack *, struct order *);

#endif
