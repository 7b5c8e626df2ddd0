/* SPDX-License-Identifier: BSD-2-Clause */
/* trace - see trace.h */
#include <stdlib.h>

#include "in/scan.h"
#include "run/trace.h"

struct trace {
	struct span id;
	size_t ids;
	struct scan *scan;
	struct scanned got;
	bool record;			/* the line last asked about is one */
	struct buf text;		/* a string without its escapes */
};

struct trace *
trace_new(struct span id, const struct ask *a)
{
	struct trace *t = mem_new(sizeof *t);

	t->id = id;
	t->ids = a->ids;
	t->scan = scan_new(a->paths, &(struct scan_conf){ 0 });
	return t;
}

void
trace_free(struct trace *t)
{
	if (t == NULL)
		return;
	scan_free(t->scan);
	buf_free(&t->text);
	free(t);
}

static bool
is_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

/* Does a word go on over the byte at p?  Word bytes do, and '-' and '.' between two of them: 12 is no word of 12.50. */
static bool
glued(struct span line, size_t p, size_t beyond)
{
	unsigned char c = (unsigned char)line.p[p];

	return is_word(c) || ((c == '-' || c == '.') && beyond < line.n && is_word((unsigned char)line.p[beyond]));
}

static bool
has_word(struct span line, struct span id)
{
	const char *p = line.p, *end = line.p + line.n;

	while ((p = memmem(p, (size_t)(end - p), id.p, id.n)) != NULL) {
		size_t a = (size_t)(p - line.p), z = a + id.n;

		/* beyond the front is a - 2: below the line's start it wraps and is no byte of it */
		if ((a == 0 || !glued(line, a - 1, a - 2)) && (z == line.n || !glued(line, z, z + 1)))
			return true;
		p++;
	}
	return false;
}

/* Any string of a valid record, name or value, whose text is the id. */
static bool
has_string(struct trace *t, struct span line)
{
	const char *p = line.p, *end = line.p + line.n;

	while ((p = memchr(p, '"', (size_t)(end - p))) != NULL) {
		const char *q = ++p;
		struct span s;

		while (*q != '"')
			q += *q == '\\' ? 2 : 1;
		s = span_of(p, (size_t)(q - p));
		if (memchr(s.p, '\\', s.n) != NULL) {
			buf_clear(&t->text);
			val_unescape(s, &t->text);
			s = buf_span(&t->text);
		}
		if (span_eq(s, t->id))
			return true;
		p = q + 1;
	}
	return false;
}

/* Is the value the id: a string's text, or a number as it is written? */
static bool
is_id(struct trace *t, struct val v)
{
	if (v.tag == T_STR)
		return span_eq(val_text(v, &t->text), t->id);
	return v.tag == T_NUM && span_eq(v.raw, t->id);
}

bool
trace_holds(struct trace *t, struct span line)
{
	bool holds = false;

	scan_block(t->scan, line.p, line.n);
	t->record = line.n > 0 && scan_next(t->scan, &t->got) && t->got.kind[0] == LINE_RECORD;
	if (!t->record)
		return t->ids == 0 && has_word(line, t->id);
	if (t->ids == 0)
		return has_string(t, line);
	for (size_t i = 0; i < t->ids && !holds; i++)
		holds = is_id(t, t->got.col[i][0]);
	return holds;
}

struct val
trace_value(const struct trace *t, int col)
{
	return t->record ? t->got.col[col][0] : (struct val){ 0 };
}

/* ---- which lines ---- */

/*
 * Only an escape can hide a byte of the id.  Where all of its bytes are plain ASCII, and none is one that has a short
 * escape, it is \u00XX of one of them; else any escape may be it.
 */
void
trace_find_init(struct trace_find *f, struct span id)
{
	*f = (struct trace_find){ 0 };
	find_init(&f->id, id);
	for (size_t i = 0; i < id.n; i++) {
		unsigned char c = (unsigned char)id.p[i];

		f->part[c] = true;
		f->any = f->any || c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '/';
	}
	find_init(&f->hidden, span_str(f->any ? "\\" : "\\u00"));
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static const char *
next_hidden(const struct trace_find *f, const char *p, const char *end)
{
	while ((p = find_next(&f->hidden, p, end)) != NULL && !f->any) {
		int a = end - p < 6 ? -1 : hex(p[4]), b = end - p < 6 ? -1 : hex(p[5]);

		if (a >= 0 && b >= 0 && f->part[16 * a + b])
			break;
		p++;
	}
	return p;
}

const char *
trace_next(const struct trace_find *f, struct trace_look *l, const char *end)
{
	/* each search runs on to its next find, so all of them together pass the bytes once; end: there is none */
	if (l->id == NULL || (l->id < l->p && l->id != end))
		l->id = find_next(&f->id, l->p, end);
	if (l->hidden == NULL || (l->hidden < l->p && l->hidden != end))
		l->hidden = next_hidden(f, l->p, end);
	l->id = l->id == NULL ? end : l->id;
	l->hidden = l->hidden == NULL ? end : l->hidden;
	if (l->id == end && l->hidden == end)
		return NULL;
	return l->id < l->hidden ? l->id : l->hidden;
}
