/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buf - a byte buffer that grows
 *
 *	struct buf b = { 0 };
 *	buf_str(&b, "{\"n\":"); buf_u64(&b, n); buf_byte(&b, '}');
 *	use(buf_span(&b));
 *	buf_clear(&b); ... buf_free(&b);
 *
 * Invariants: p[0..n) is the content, cap >= n; all zero is an empty buffer that owns nothing;
 * a pointer or span into it is good until the next call that adds.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#include "base/mem.h"
#include "base/span.h"

struct buf {
	char *p;
	size_t n, cap;
};

/* Make room for `more` bytes behind n; returns where they go. */
char *buf_room(struct buf *, size_t more);
/* The same, and p begins with a page where only this has made room: for what is written from where it is. */
char *buf_room_pages(struct buf *, size_t more);

static inline void
buf_add(struct buf *b, const char *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(b->cap - b->n >= n ? b->p + b->n : buf_room(b, n), p, n);
	b->n += n;
}

static inline void
buf_span_add(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

static inline void
buf_byte(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

static inline void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){ b->p == NULL ? "" : b->p, b->n };
}

static inline void
buf_clear(struct buf *b)
{
	b->n = 0;
}

/* Decimal digits of an integer. */
void buf_u64(struct buf *, uint64_t);
void buf_i64(struct buf *, int64_t);
/* printf into it; for control-plane text, not for records. */
void buf_fmt(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The content as a C string (a NUL is put behind it, not counted). */
const char *buf_cstr(struct buf *);
/* Append s as a JSON string, quotes included, with the fewest escapes (\" \\ \b \f \n \r \t \u00XX). */
void buf_json(struct buf *, struct span s);
void buf_free(struct buf *);

#endif
