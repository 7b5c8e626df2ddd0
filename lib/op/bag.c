/* SPDX-License-Identifier: BSD-2-Clause */
/* bag - see bag.h */
#include <stdlib.h>

#include "op/bag.h"

#define SETTLE_BYTES_MIN 256
#define DESK_KEPT_BYTES (4 * MIB)	/* what a larger bag needed to settle is given back */

enum { KIND_BOOL, KIND_NUM, KIND_STR, KIND_OTHER };

static void
pack_item(struct buf *b, struct span value, uint64_t n)
{
	pack_span(b, value);
	pack_u64(b, n);
}

/* All of a bag's entries on the desk, as they stand; how many. */
static size_t
spread(struct bag_desk *d, const struct bag *b)
{
	struct unpack u = { kept_span(&b->bytes), true };
	size_t n = 0;

	while (u.s.n > 0) {
		if (n == d->cap) {
			d->cap = d->cap == 0 ? 64 : mem_mul(d->cap, 2);
			d->item = mem_array(d->item, d->cap, sizeof *d->item);
		}
		d->item[n].value = unpack_span(&u);
		d->item[n].n = unpack_u64(&u);
		n += u.ok;
	}
	return n;
}

static struct span
item_at(const struct bag *b, uint32_t at, uint64_t *n)
{
	struct unpack u = { span_from(kept_span(&b->bytes), at), true };
	struct span value = unpack_span(&u);

	*n = unpack_u64(&u);
	return value;
}

/* Where all of a bag's entries begin; how many. */
static size_t
index_of(struct bag_desk *d, const struct bag *b)
{
	struct span all = kept_span(&b->bytes);
	struct unpack u = { all, true };
	size_t n = 0;

	while (u.s.n > 0 && u.ok) {
		if (n == d->cap_at) {
			d->cap_at = d->cap_at == 0 ? 64 : mem_add(d->cap_at, d->cap_at / 2);
			d->at = mem_array(d->at, d->cap_at, sizeof *d->at);
		}
		d->at[n] = (uint32_t)(u.s.p - all.p);
		(void)unpack_span(&u);
		(void)unpack_u64(&u);
		n += u.ok;
	}
	return n;
}

/* Most values are shorter than 128 bytes: their length is one byte. */
static inline struct span
value_at(const struct bag *b, uint32_t at)
{
	const char *p = b->bytes.p + at;
	uint64_t n;

	return (unsigned char)*p < 0x80 ? span_of(p + 1, (unsigned char)*p) : item_at(b, at, &n);
}

static int
by_bytes(const void *pa, const void *pb, void *bag)
{
	return span_cmp(value_at(bag, *(const uint32_t *)pa), value_at(bag, *(const uint32_t *)pb));
}

/* Each value once, in byte order. */
static void
settle(struct bag_desk *d, struct pool *p, struct bag *b)
{
	size_t n;

	if (b->settled == b->bytes.n)
		return;
	n = index_of(d, b);
	if (n > 1)
		qsort_r(d->at, n, sizeof *d->at, by_bytes, b);
	buf_clear(&d->bytes);
	for (size_t i = 0; i < n;) {
		uint64_t count, more;
		struct span value = item_at(b, d->at[i], &count);

		while (++i < n && span_eq(item_at(b, d->at[i], &more), value))
			count += more;
		pack_item(&d->bytes, value, count);
	}
	kept_set(p, &b->bytes, buf_span(&d->bytes));
	b->settled = b->bytes.n;
	if (d->bytes.cap > DESK_KEPT_BYTES) {
		buf_free(&d->bytes);
		free(d->at);
		d->at = NULL;
		d->cap_at = 0;
	}
}

/* It holds nothing any more. */
static void
overflow(struct pool *p, struct bag *b)
{
	kept_drop(p, &b->bytes);
	b->settled = 0;
	b->over = true;
}

/* Each value once, and not more than a bag may hold. */
static void
settle_within(struct bag_desk *d, struct pool *p, struct bag *b)
{
	settle(d, p, b);
	if (b->settled > BAG_BYTES_MAX)
		overflow(p, b);
}

void
bag_add(struct bag_desk *d, struct pool *p, struct bag *b, struct span value, uint64_t n)
{
	size_t limit = b->settled < SETTLE_BYTES_MIN ? SETTLE_BYTES_MIN : 2 * (size_t)b->settled;

	if (b->over)
		return;
	buf_clear(&d->bytes);
	pack_item(&d->bytes, value, n);
	kept_add(p, &b->bytes, buf_span(&d->bytes));
	if (b->bytes.n > d->largest)
		d->largest = b->bytes.n;
	if (b->bytes.n > limit)
		settle_within(d, p, b);
}

static int
by_value(const void *pa, const void *pb)
{
	const struct bag_item *a = pa, *b = pb;
	int c = 0;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind != KIND_OTHER)
		c = order_cmp(&a->order, &b->order);
	return c != 0 ? c : span_cmp(a->value, b->value);
}

static int
by_count(const void *pa, const void *pb)
{
	const struct bag_item *a = pa, *b = pb;

	return a->n != b->n ? (a->n > b->n ? -1 : 1) : by_value(pa, pb);
}

static size_t
arrange(struct bag_desk *d, struct pool *p, struct bag *b, int (*cmp)(const void *, const void *))
{
	static const uint8_t kinds[] = { KIND_OTHER, KIND_BOOL, KIND_NUM, KIND_STR };	/* by enum order_kind */
	size_t n;

	settle_within(d, p, b);
	n = spread(d, b);
	buf_clear(&d->text);
	for (size_t i = 0; i < n; i++) {
		struct bag_item *x = &d->item[i];
		struct val v = val_of(x->value);

		x->text = SIZE_MAX;
		x->kind = order_of(v, &d->bytes, &x->order) != NULL ? KIND_OTHER : kinds[x->order.kind];
		if (x->kind == KIND_STR && v.escaped) {
			x->text = d->text.n;
			buf_span_add(&d->text, x->order.str);
		}
	}
	for (size_t i = 0; i < n; i++)		/* the buffer grows no more */
		if (d->item[i].text != SIZE_MAX)
			d->item[i].order.str.p = d->text.p + d->item[i].text;
	if (n > 1)
		qsort(d->item, n, sizeof *d->item, cmp);
	return n;
}

size_t
bag_order(struct bag_desk *d, struct pool *p, struct bag *b)
{
	return arrange(d, p, b, by_value);
}

size_t
bag_top(struct bag_desk *d, struct pool *p, struct bag *b)
{
	return arrange(d, p, b, by_count);
}

unsigned
bag_part_of(struct span value)
{
	return (unsigned)(hash_fixed(value) >> 56);
}

void
bag_parts(struct bag_desk *d, struct pool *p, struct bag *b, uint64_t from[IDS_PARTS + 1])
{
	uint64_t next[IDS_PARTS];
	size_t n;

	settle(d, p, b);
	n = index_of(d, b);
	memset(from, 0, (IDS_PARTS + 1) * sizeof *from);
	for (size_t i = 0; i < n; i++)
		from[bag_part_of(value_at(b, d->at[i])) + 1]++;
	for (unsigned k = 0; k < IDS_PARTS; k++) {
		from[k + 1] += from[k];
		next[k] = from[k];
	}
	d->other = mem_array(d->other, d->cap_at, sizeof *d->other);
	for (size_t i = 0; i < n; i++)
		d->other[next[bag_part_of(value_at(b, d->at[i]))]++] = d->at[i];
	free(d->at);
	d->at = NULL;
	d->cap_at = 0;
}

struct span
bag_at(const struct bag_desk *d, const struct bag *b, uint64_t i, uint64_t *n)
{
	return item_at(b, d->other[i], n);
}

void
bag_prune(struct bag_desk *d, struct pool *p, struct bag *b, uint64_t k, unsigned part)
{
	size_t n = bag_top(d, p, b);

	buf_clear(&d->bytes);
	for (size_t i = 0; i < n; i++) {
		bool whole = bag_part_of(d->item[i].value) <= part;

		if (!whole || k > 0)
			pack_item(&d->bytes, d->item[i].value, d->item[i].n);
		k -= whole && k > 0;
	}
	kept_set(p, &b->bytes, buf_span(&d->bytes));
	b->settled = b->bytes.n;
}

size_t
bag_desk_bytes(const struct bag_desk *d)
{
	return d->cap * sizeof *d->item + d->cap_at * sizeof *d->at + d->bytes.cap + d->text.cap + 2 * d->largest;
}

void
bag_pack(struct bag_desk *d, struct pool *p, struct bag *b, struct buf *out)
{
	settle_within(d, p, b);
	pack_u64(out, b->over);
	pack_span(out, kept_span(&b->bytes));
}

/* Values and counts, as they stand in a bag; false: they do not. */
static bool
add_items(struct bag_desk *d, struct pool *p, struct bag *b, struct span items)
{
	struct unpack u = { items, true };

	while (u.s.n > 0) {
		struct span value = unpack_span(&u);
		uint64_t n = unpack_u64(&u);

		if (!u.ok || value.n == 0)
			return false;
		bag_add(d, p, b, value, n);
	}
	return true;
}

void
bag_join(struct bag_desk *d, struct pool *p, struct bag *b, struct unpack *u)
{
	if (unpack_u64(u) != 0)
		overflow(p, b);
	u->ok = add_items(d, p, b, unpack_span(u)) && u->ok;
}

void
bag_pour(struct bag_desk *d, struct pool *p, struct bag *b, const struct bag *from)
{
	if (from->over)
		overflow(p, b);
	(void)add_items(d, p, b, kept_span(&from->bytes));
}

void
bag_drop(struct pool *p, struct bag *b)
{
	kept_drop(p, &b->bytes);
	*b = (struct bag){ 0 };
}

void
bag_desk_free(struct bag_desk *d)
{
	free(d->item);
	free(d->at);
	free(d->other);
	buf_free(&d->bytes);
	buf_free(&d->text);
	*d = (struct bag_desk){ 0 };
}
