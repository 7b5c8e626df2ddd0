/* SPDX-License-Identifier: BSD-2-Clause */
/* val - see val.h */
#include "base/decimal.h"
#include "base/val.h"

struct val
val_of(struct span raw)
{
	enum tag t = T_NUM;

	if (raw.n == 0)
		return (struct val){ raw, T_ABSENT, 0 };
	switch (raw.p[0]) {
	case '"': t = T_STR; break;
	case '{': t = T_OBJ; break;
	case '[': t = T_ARR; break;
	case 't': t = T_TRUE; break;
	case 'f': t = T_FALSE; break;
	case 'n': t = T_NULL; break;
	default: break;
	}
	return val_make(t, raw);
}

const char *
val_tag_name(enum tag t)
{
	static const char *const name[] = {
		"absent", "null", "boolean", "boolean", "number", "string", "array", "object"
	};
	return name[t];
}

static unsigned
hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];
		v = v << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return v;
}

static void
utf8(struct buf *b, unsigned c)
{
	if (c < 0x80)
		buf_byte(b, (char)c);
	else if (c < 0x800) {
		buf_byte(b, (char)(0xc0 | c >> 6));
		buf_byte(b, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_byte(b, (char)(0xe0 | c >> 12));
		buf_byte(b, (char)(0x80 | (c >> 6 & 63)));
		buf_byte(b, (char)(0x80 | (c & 63)));
	} else {
		buf_byte(b, (char)(0xf0 | c >> 18));
		buf_byte(b, (char)(0x80 | (c >> 12 & 63)));
		buf_byte(b, (char)(0x80 | (c >> 6 & 63)));
		buf_byte(b, (char)(0x80 | (c & 63)));
	}
}

void
val_unescape(struct span s, struct buf *out)
{
	size_t i = 0;

	while (i < s.n) {
		const char *q = memchr(s.p + i, '\\', s.n - i);
		size_t run = q == NULL ? s.n - i : (size_t)(q - (s.p + i));
		unsigned c;

		buf_add(out, s.p + i, run);
		i += run;
		if (i >= s.n)
			return;
		switch (s.p[i + 1]) {		/* the scanner saw that a whole escape follows */
		case 'b': buf_byte(out, '\b'); break;
		case 'f': buf_byte(out, '\f'); break;
		case 'n': buf_byte(out, '\n'); break;
		case 'r': buf_byte(out, '\r'); break;
		case 't': buf_byte(out, '\t'); break;
		case 'u':
			c = hex4(s.p + i + 2);
			if (c >= 0xd800 && c < 0xdc00) {	/* always a pair: others are bad records */
				c = 0x10000 + ((c - 0xd800) << 10) + (hex4(s.p + i + 8) - 0xdc00);
				i += 6;
			}
			utf8(out, c);
			i += 4;
			break;
		default:
			buf_byte(out, s.p[i + 1]);
		}
		i += 2;
	}
}

struct span
val_text(struct val v, struct buf *scratch)
{
	struct span inside = span_of(v.raw.p + 1, v.raw.n - 2);

	if (!v.escaped)
		return inside;
	buf_clear(scratch);
	val_unescape(inside, scratch);
	return buf_span(scratch);
}

/* Re-escape in place of a second buffer: unescape behind b's end, then print that with the fewest escapes. */
static void
canonical_string(struct val v, struct buf *b)
{
	struct buf text = { 0 };

	if (!v.escaped) {
		buf_span_add(b, v.raw);		/* no escapes in it: already the canonical form */
		return;
	}
	val_unescape(span_of(v.raw.p + 1, v.raw.n - 2), &text);
	buf_json(b, buf_span(&text));
	buf_free(&text);
}

const char *
val_key(struct val v, enum key_as as, struct buf *b)
{
	const char *why;
	struct dec d;

	switch (v.tag) {
	case T_ABSENT:
	case T_NULL:
		buf_str(b, "null");
		return NULL;
	case T_TRUE:
		buf_str(b, "true");
		return NULL;
	case T_FALSE:
		buf_str(b, "false");
		return NULL;
	case T_NUM:
		if (as == KEY_TEXT)
			buf_byte(b, '"');
		/* plain short integers, nearly all keys, are canonical as they stand */
		if (v.raw.n <= 18 && v.raw.p[0] != '-') {
			size_t i = 0;

			while (i < v.raw.n && v.raw.p[i] >= '0' && v.raw.p[i] <= '9')
				i++;
			if (i == v.raw.n) {
				buf_span_add(b, v.raw);
				if (as == KEY_TEXT)
					buf_byte(b, '"');
				return NULL;
			}
		}
		if ((why = dec_parse(v.raw, &d)) != NULL) {
			b->n -= as == KEY_TEXT;
			return why;
		}
		dec_print_canonical(&d, b);
		if (as == KEY_TEXT)
			buf_byte(b, '"');
		return NULL;
	case T_STR:
		canonical_string(v, b);
		return NULL;
	case T_ARR:
		return "an array cannot be a key";
	default:
		return "an object cannot be a key";
	}
}
