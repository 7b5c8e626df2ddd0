/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decimal_fuzz - two number texts, and the laws that hold between them
 *
 * Input: A LF B.  What parses must print and parse to itself, addition must be undone by
 * subtraction, a quotient and a remainder must agree, a sum must not depend on its order.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/decimal.h"

#define MUST(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
alone(const struct dec *a)
{
	struct buf b = { 0 };
	struct dec c, f;
	int64_t v;

	dec_print(a, &b);
	MUST(dec_parse(buf_span(&b), &c) == NULL && dec_cmp(a, &c) == 0 && c.scale == a->scale);
	buf_clear(&b);
	dec_print_canonical(a, &b);
	MUST(dec_parse_text(buf_span(&b), &c) == NULL && dec_cmp(a, &c) == 0);
	if (dec_to_i64(a, &v)) {
		dec_int(v, &c);
		MUST(dec_cmp(a, &c) == 0);
	}
	if (dec_floor(a, &f) == NULL)
		MUST(dec_cmp(&f, a) <= 0 && f.scale == 0);
	for (int digits = -40; digits <= 40; digits++)
		if (dec_round(a, digits, &c) == NULL && digits >= a->scale)
			MUST(dec_cmp(a, &c) == 0);
	buf_free(&b);
}

static void
pair(const struct dec *a, const struct dec *b)
{
	struct decsum s = { 0 }, t = { 0 };
	struct dec c, d, zero = { 0 };

	MUST(dec_cmp(a, b) == -dec_cmp(b, a));
	if (dec_add(a, b, &c) == NULL && dec_sub(&c, b, &d) == NULL)
		MUST(dec_cmp(&d, a) == 0);
	if (dec_sub(a, b, &c) == NULL)
		MUST(dec_cmp(&c, &zero) == dec_cmp(a, b));
	if (dec_mul(a, b, &c) == NULL && dec_mul(b, a, &d) == NULL)
		MUST(dec_cmp(&c, &d) == 0);
	if (!dec_is_zero(b) && dec_mod(a, b, &c) == NULL && !dec_is_zero(&c))
		MUST(c.neg == a->neg);
	if (!dec_is_zero(b))
		(void)dec_div(a, b, &c);
	decsum_add(&s, a);
	decsum_add(&s, b);
	decsum_add(&t, b);
	decsum_add(&t, a);
	MUST((decsum_get(&s, &c) == NULL) == (decsum_get(&t, &d) == NULL));
	decsum_join(&s, &t);
	for (int i = 0; i < 2; i++) {
		decsum_sub(&s, a);
		decsum_sub(&s, b);
	}
	MUST(decsum_get(&s, &c) == NULL && dec_is_zero(&c));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = { (const char *)data, size };
	const char *lf = size == 0 ? NULL : memchr(data, '\n', size);
	size_t n = lf == NULL ? size : (size_t)(lf - all.p);
	struct dec a, b, c;
	const char *why = dec_parse(span_of(all.p, n), &a);

	if (why == NULL) {
		MUST(dec_parse_text(span_of(all.p, n), &c) == NULL && dec_cmp(&a, &c) == 0);
		alone(&a);
		if (dec_parse_text(span_from(all, n + 1), &b) == NULL)
			pair(&a, &b);
	}
	return 0;
}
