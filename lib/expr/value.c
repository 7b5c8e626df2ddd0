/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * value - what a value is as a number, a text, a time, a condition; how two compare; how one is
 * printed
 */
#include "expr/prog.h"

static const char why_json[] = "an array or an object is no plain value";
static const char why_text[] = "a text that is no number meets a number";

void
xval_of(struct val v, struct arena *mem, struct xval *x)
{
	struct buf b = { 0 };

	x->raw = v.raw;
	switch (v.tag) {
	case T_NUM:
		x->tag = X_NUM;
		return;
	case T_STR:
		x->tag = X_STR;
		x->str = span_of(v.raw.p + 1, v.raw.n - 2);
		if (v.escaped) {
			/*
			 * Undoing escapes only shortens: the arena's room is the buffer's, so it
			 * never grows.
			 */
			b.p = arena_get(mem, x->str.n);
			b.cap = x->str.n;
			val_unescape(x->str, &b);
			x->str = span_of(b.p, b.n);
		}
		return;
	case T_TRUE:
	case T_FALSE:
		x->tag = X_BOOL;
		x->b = v.tag == T_TRUE;
		return;
	case T_ARR:
	case T_OBJ:
		x->tag = X_JSON;
		return;
	default:
		x->tag = X_NULL;
		x->raw.p = NULL;
	}
}

const char *
xval_num(const struct xval *x, struct dec *d)
{
	switch (x->tag) {
	case X_NUM:
		if (x->raw.p != NULL)
			return dec_parse(x->raw, d);
		*d = x->num;
		return NULL;
	case X_BOOL:
		dec_int(x->b, d);
		return NULL;
	case X_STR:
		return dec_parse(x->str, d) == NULL ? NULL : why_text;
	default:
		return why_json;
	}
}

const char *
xval_cmp(const struct xval *a, const struct xval *b, int *order)
{
	struct dec x, y;
	const char *why;

	if (a->tag == X_STR && b->tag == X_STR) {
		*order = span_cmp(a->str, b->str);
		return NULL;
	}
	if ((why = xval_num(a, &x)) != NULL || (why = xval_num(b, &y)) != NULL)
		return why;
	*order = dec_cmp(&x, &y);
	return NULL;
}

int
truth(const struct xval *x, const char **why)
{
	struct dec d;

	if (x->tag == X_BOOL)
		return x->b;
	if (x->tag == X_NULL)
		return -1;
	if ((*why = xval_num(x, &d)) != NULL) {
		if (x->tag == X_STR)
			*why = "a text that is no number stands for a condition";
		return -2;
	}
	return !dec_is_zero(&d);
}

/*
 * A time may also be what to_timestamp made: milliseconds with up to three digits behind the
 * point.
 */
const char *
xval_time(const struct xval *x, const struct zone *z, int64_t *us)
{
	struct dec d, thousand;
	const char *why;
	int64_t v;

	if (x->tag == X_STR)
		return when_parse(x->str, UNIT_GUESS, z, us);
	if (x->tag != X_NUM)
		return "not a time";
	if ((why = xval_num(x, &d)) != NULL)
		return why;
	if (dec_to_i64(&d, &v))
		return when_count(v, UNIT_GUESS, z, us);
	dec_int(1000, &thousand);
	if (dec_mul(&d, &thousand, &d) != NULL || !dec_to_i64(&d, &v) ||
	    v < INT64_C(1000000000000000))
		return "a time is a whole number";
	return when_count(v, UNIT_GUESS, z, us);
}

const char *
xval_text(const struct xval *x, struct buf *b)
{
	struct dec d;
	const char *why;

	switch (x->tag) {
	case X_STR:
		buf_span_add(b, x->str);
		return NULL;
	case X_BOOL:
		buf_str(b, x->b ? "true" : "false");
		return NULL;
	case X_NUM:
		/*
		 * Plain digits are the number's text whatever their count; only an exponent is to
		 * be expanded.
		 */
		if (x->raw.p != NULL && memchr(x->raw.p, 'e', x->raw.n) == NULL &&
		    memchr(x->raw.p, 'E', x->raw.n) == NULL) {
			buf_span_add(b, x->raw);
			return NULL;
		}
		if ((why = xval_num(x, &d)) == NULL)
			dec_print(&d, b);
		return why;
	default:
		return why_json;
	}
}

void
expr_print(const struct xval *x, struct buf *b)
{
	if (x->raw.p != NULL) {
		buf_span_add(b, x->raw);
		return;
	}
	switch (x->tag) {
	case X_BOOL:
		buf_str(b, x->b ? "true" : "false");
		break;
	case X_NUM:
		dec_print(&x->num, b);
		break;
	case X_STR:
		buf_json(b, x->str);
		break;
	default:
		buf_str(b, "null");
	}
}
