/* SPDX-License-Identifier: BSD-2-Clause */
/* order - see order.h */
#include "op/order.h"

const char *
order_of(struct val v, struct buf *scratch, struct order *o)
{
	o->kind = ORDER_NULL;
	switch (v.tag) {
	case T_ABSENT:
	case T_NULL:
		return NULL;
	case T_TRUE:
	case T_FALSE:
		o->kind = ORDER_BOOL;
		o->b = v.tag == T_TRUE;
		return NULL;
	case T_NUM:
		o->kind = ORDER_NUM;
		return dec_parse(v.raw, &o->num);
	case T_STR:
		o->kind = ORDER_STR;
		o->str = val_text(v, scratch);
		return NULL;
	case T_ARR:
		return "an array has no order";
	default:
		return "an object has no order";
	}
}

int
order_cmp(const struct order *a, const struct order *b)
{
	if (a->kind == ORDER_NULL || b->kind == ORDER_NULL)
		return (a->kind != ORDER_NULL) - (b->kind != ORDER_NULL);
	switch (a->kind) {
	case ORDER_NUM:
		return dec_cmp(&a->num, &b->num);
	case ORDER_STR:
		return span_cmp(a->str, b->str);
	default:
		return a->b - b->b;
	}
}

void
order_keep(struct pool *p, struct kept *k, struct order *o)
{
	if (o->kind != ORDER_STR) {
		kept_drop(p, k);
		return;
	}
	kept_set(p, k, o->str);
	o->str = kept_span(k);
}

void
order_print(const struct order *o, struct buf *b)
{
	switch (o->kind) {
	case ORDER_NUM:
		dec_print(&o->num, b);
		break;
	case ORDER_STR:
		buf_json(b, o->str);
		break;
	case ORDER_BOOL:
		buf_str(b, o->b ? "true" : "false");
		break;
	default:
		buf_str(b, "null");
	}
}

void
order_pack(struct buf *b, const struct order *o)
{
	buf_byte(b, (char)(o->kind << 1 | (o->kind == ORDER_BOOL && o->b)));
	if (o->kind == ORDER_NUM)
		pack_dec(b, &o->num);
	else if (o->kind == ORDER_STR)
		pack_span(b, o->str);
}

void
unpack_order_of(struct unpack *u, struct order *o)
{
	struct span head = unpack_bytes(u, 1);

	*o = (struct order){ 0 };
	if (!u->ok)
		return;
	o->kind = (uint8_t)(head.p[0] >> 1 & 3);
	o->b = head.p[0] & 1;
	u->ok = (head.p[0] & ~7) == 0;
	if (o->kind == ORDER_NUM)
		unpack_dec(u, &o->num);
	else if (o->kind == ORDER_STR)
		o->str = unpack_span(u);
}
