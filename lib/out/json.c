/* SPDX-License-Identifier: BSD-2-Clause */
/* json - see json.h */
#include <assert.h>
#include <stdlib.h>

#include "out/json.h"

void
json_key(struct buf *b, struct span name)
{
	buf_json(b, name);
	buf_byte(b, ':');
}

void
json_open(struct buf *b)
{
	buf_byte(b, '{');
}

static void
value_of(struct buf *b, struct span value)
{
	if (value.n == 0)
		buf_str(b, "null");
	else
		buf_span_add(b, value);
}

void
json_member(struct buf *b, struct span key, struct span value)
{
	if (b->p[b->n - 1] != '{')	/* a value never ends so: `{` inside a string is followed by a quote */
		buf_byte(b, ',');
	buf_span_add(b, key);
	value_of(b, value);
}

void
json_shut(struct buf *b)
{
	buf_byte(b, '}');
}

void
json_row_key(struct json_row *r, struct span key)
{
	r->key = mem_array(r->key, r->n + 1, sizeof *r->key);
	r->key[r->n] = (struct json_part){ r->text.n, key.n + 1 };
	buf_byte(&r->text, r->n++ == 0 ? '{' : ',');
	buf_span_add(&r->text, key);
	while (r->text.n % JSON_AHEAD != 0)
		buf_byte(&r->text, ' ');
	r->bytes += key.n + 1;
}

/* In chunks: what is written behind the end is written over by what follows. */
static inline char *
chunks(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i += JSON_AHEAD)
		memcpy(to + i, from + i, JSON_AHEAD);
	return to + n;
}

void
json_row_add(const struct json_row *r, const struct span *value, struct buf *out)
{
	static const char null[JSON_AHEAD] = "null";
	size_t need = mem_add(r->bytes, 2 + JSON_AHEAD);
	char *p;

	for (size_t k = 0; k < r->n; k++)
		need = mem_add(need, value[k].n + 4);
	p = out->cap - out->n >= need ? out->p + out->n : buf_room(out, need);
	if (r->n == 0)
		*p++ = '{';
	for (size_t k = 0; k < r->n; k++) {
		p = chunks(p, r->text.p + r->key[k].at, r->key[k].n);
		p = value[k].n == 0 ? chunks(p, null, 4) : chunks(p, value[k].p, value[k].n);
	}
	*p++ = '}';
	out->n = (size_t)(p - out->p);
}

void
json_row_free(struct json_row *r)
{
	free(r->key);
	buf_free(&r->text);
	*r = (struct json_row){ 0 };
}

/* Few edits, mostly in order already. Absent ones go behind all others, in the caller's order. */
static void
sort(struct edit *e, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct edit x = e[i];
		size_t j = i;

		for (; j > 0; j--) {
			const struct edit *y = &e[j - 1];
			bool after = y->old.tag == T_ABSENT ? x.old.tag != T_ABSENT :
			    x.old.tag != T_ABSENT && x.old.raw.p < y->old.raw.p;

			if (!after)
				break;
			e[j] = e[j - 1];
		}
		e[j] = x;
	}
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * Where the member of the value at v begins: its key's opening quote.  Walking back from a colon is sound
 * because the line is valid: the key ends in a quote, and inside it every quote has an odd number of
 * backslashes before it.  An array element has no key and begins at itself.
 */
static const char *
member_begin(const char *line, const char *v)
{
	const char *p = v;

	while (p > line && blank(p[-1]))
		p--;
	if (p == line || p[-1] != ':')
		return v;
	for (p--; blank(p[-1]); p--)
		;
	for (p--; ; ) {
		const char *q;

		p--;
		if (*p != '"')
			continue;
		for (q = p; q > line && q[-1] == '\\'; q--)
			;
		if ((p - q) % 2 == 0)
			return p;
	}
}

/* Copy line[from..) up to a dropped member, which goes with the comma on one side of it. */
static const char *
drop(struct buf *out, const char *line, const char *end, const char *from, struct val v)
{
	const char *b = member_begin(line, v.raw.p), *a = v.raw.p + v.raw.n, *q = a;

	while (q < end && blank(*q))
		q++;
	if (*q == ',') {			/* not the last: the comma behind it goes, and its blanks */
		for (q++; blank(*q); q++)
			;
		buf_add(out, from, (size_t)(b - from));
		return q;
	}
	/* the last: what was copied ends in the comma before it, unless all before it were dropped too */
	buf_add(out, from, (size_t)(b - from));
	while (blank(out->p[out->n - 1]))
		out->n--;
	if (out->p[out->n - 1] == ',')
		out->n--;
	return a;
}

void
json_edit(struct buf *out, struct span line, struct edit *e, size_t n)
{
	const char *from = line.p, *end = line.p + line.n, *brace;
	size_t i = 0;

	sort(e, n);
	for (; i < n && e[i].old.tag != T_ABSENT; i++) {
		assert(e[i].old.raw.p >= from || e[i].kind == EDIT_DROP);
		if (e[i].kind == EDIT_DROP) {
			from = drop(out, line.p, end, from, e[i].old);
			continue;
		}
		buf_add(out, from, (size_t)(e[i].old.raw.p - from));
		value_of(out, e[i].value);
		from = e[i].old.raw.p + e[i].old.raw.n;
	}
	for (brace = end; brace > from && brace[-1] != '}'; brace--)
		;
	buf_add(out, from, (size_t)(brace - 1 - from));
	for (; i < n; i++) {
		size_t k = out->n;

		if (e[i].kind == EDIT_DROP)
			continue;
		while (blank(out->p[k - 1]))
			k--;
		if (out->p[k - 1] != '{')
			buf_byte(out, ',');
		buf_span_add(out, e[i].key);
		value_of(out, e[i].value);
	}
	buf_byte(out, '}');
}
