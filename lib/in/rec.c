/* SPDX-License-Identifier: BSD-2-Clause */
/* rec - see rec.h; every byte here was accepted by the scanner, so only the places of things are looked for. */
#include "in/rec.h"

#include "in/scan_plain.h"

static const char *
skip_blank(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p <= ' ')
		p++;
	return p;
}

/* Behind the string whose quote is at p; whether it holds a backslash. */
static const char *
string_end(const char *p, const char *end, bool *escaped)
{
	const char *q = p + 1, *last, *b;

	*escaped = false;
	for (;;) {
		if ((last = memchr(q, '"', (size_t)(end - q))) == NULL)
			return end;
		/* An odd run of backslashes before it makes it a part of the string. */
		for (b = last; b > p + 1 && b[-1] == '\\'; b--)
			;
		if (!*escaped && memchr(p, '\\', (size_t)(last - p)) != NULL)
			*escaped = true;
		if ((last - b) % 2 == 0)
			return last + 1;
		q = last + 1;
	}
}

const char *
rec_value_end(const char *p, const char *end)
{
	size_t depth = 0;
	bool escaped;

	if (p >= end)
		return end;
	if (*p == '"')
		return string_end(p, end, &escaped);
	if (*p != '{' && *p != '[') {
		while (p < end && !scan_delim[(unsigned char)*p])
			p++;
		return p;
	}
	do {
		if (*p == '"') {
			p = string_end(p, end, &escaped);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		p++;
	} while (depth > 0 && p < end);
	return p;
}

void
rec_begin(struct rec *r, struct span value)
{
	*r = (struct rec){ value.p, value.p + value.n, false };
	r->p = skip_blank(r->p, r->end);
	while (r->end > r->p && (unsigned char)r->end[-1] <= ' ')
		r->end--;
	if (r->p < r->end) {
		r->array = *r->p == '[';
		r->p++;			/* behind the opening bracket */
		r->end--;		/* before the closing one */
	}
	r->p = skip_blank(r->p, r->end);
}

bool
rec_next(struct rec *r, struct span *key, struct val *v)
{
	const char *p = r->p, *q;
	bool escaped;

	if (p >= r->end)
		return false;
	*key = span_of(p, 0);
	if (!r->array) {
		q = string_end(p, r->end, &escaped);
		*key = span_of(p + 1, (size_t)(q - p) - 2);
		p = skip_blank(q, r->end);
		p = skip_blank(p + 1, r->end);		/* the colon */
	}
	escaped = false;
	q = *p == '"' ? string_end(p, r->end, &escaped) : rec_value_end(p, r->end);
	*v = (struct val){ span_of(p, (size_t)(q - p)), scan_tag[(unsigned char)*p], (uint8_t)escaped };
	p = skip_blank(q, r->end);
	r->p = skip_blank(p + (p < r->end), r->end);	/* the comma */
	return true;
}

bool
rec_key_is(struct span key_raw, struct span name, struct buf *scratch)
{
	if (key_raw.n == 0 || memchr(key_raw.p, '\\', key_raw.n) == NULL)
		return span_eq(key_raw, name);
	buf_clear(scratch);
	val_unescape(key_raw, scratch);
	return span_eq(buf_span(scratch), name);
}
