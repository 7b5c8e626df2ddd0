/* SPDX-License-Identifier: BSD-2-Clause */
/* buf - see buf.h */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"

#define PAGES_MIN 65536		/* bytes */

char *
buf_room(struct buf *b, size_t more)
{
	size_t need = mem_add(b->n, more);

	if (need > b->cap) {
		size_t cap = b->cap < 64 ? 64 : b->cap;

		while (cap < need)
			cap = mem_mul(cap, 2);
		b->p = mem_array(b->p, cap, 1);
		b->cap = cap;
	}
	return b->p + b->n;
}

char *
buf_room_pages(struct buf *b, size_t more)
{
	size_t need = mem_add(b->n, more), cap = b->cap < PAGES_MIN ? PAGES_MIN : b->cap;
	char *p;

	if (need <= b->cap)
		return b->p + b->n;
	while (cap < need)
		cap = mem_mul(cap, 2);
	p = mem_pages(cap);
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	free(b->p);
	b->p = p;
	b->cap = cap;
	return p + b->n;
}

void
buf_u64(struct buf *b, uint64_t v)
{
	char text[20];
	size_t at = sizeof text;

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, text + at, sizeof text - at);
}

void
buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_byte(b, '-');
	buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		err_die(EXIT_IO, "cannot format a message");
	buf_room(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

const char *
buf_cstr(struct buf *b)
{
	*buf_room(b, 1) = '\0';
	return b->p;
}

void
buf_json(struct buf *b, struct span s)
{
	static const char hex[] = "0123456789abcdef";
	static const char short_of[32] = { [8] = 'b', [9] = 't', [10] = 'n', [12] = 'f', [13] = 'r' };
	size_t from = 0;

	buf_byte(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, s.p + from, i - from);
		from = i + 1;
		buf_byte(b, '\\');
		if (c >= 0x20)
			buf_byte(b, (char)c);
		else if (short_of[c] != 0)
			buf_byte(b, short_of[c]);
		else {
			buf_str(b, "u00");
			buf_byte(b, hex[c >> 4]);
			buf_byte(b, hex[c & 15]);
		}
	}
	if (s.n > from)		/* an empty one may be at no address */
		buf_add(b, s.p + from, s.n - from);
	buf_byte(b, '"');
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}
