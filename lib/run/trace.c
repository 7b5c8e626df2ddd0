/* SPDX-License-Identifier: BSD-2-Clause */
/* trace - see trace.h */
#include <stdlib.h>

#include "in/scan.h"
#include "run/trace.h"

struct trace {
	struct span id;
	int col;
	struct scan *scan;
	struct scanned got;
	bool record;			/* the line last asked about is one */
	struct buf text;		/* a string without its escapes */
};

struct trace *
trace_new(struct span id, const struct pathset *paths, int col)
{
	struct trace *t = mem_new(sizeof *t);

	t->id = id;
	t->col = col;
	t->scan = scan_new(paths, &(struct scan_conf){ 0 });
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

bool
trace_holds(struct trace *t, struct span line)
{
	struct val v;

	scan_block(t->scan, line.p, line.n);
	t->record = line.n > 0 && scan_next(t->scan, &t->got) && t->got.kind[0] == LINE_RECORD;
	if (!t->record)
		return t->col == -1 && has_word(line, t->id);
	if (t->col == -1)
		return has_string(t, line);
	v = t->got.col[t->col][0];
	if (v.tag == T_STR)
		return span_eq(val_text(v, &t->text), t->id);
	return v.tag == T_NUM && span_eq(v.raw, t->id);
}

struct val
trace_value(const struct trace *t, int col)
{
	return t->record ? t->got.col[col][0] : (struct val){ 0 };
}

bool
trace_may(const struct trace *t, struct trace_look *l, struct span line, const char *end)
{
	const char *from = line.p, *to = from + line.n;

	/* each search runs on to its next find, so all of them together pass the bytes once */
	if (l->hit != NULL && l->hit <= from)
		l->hit = memmem(from, (size_t)(end - from), t->id.p, t->id.n);
	if (l->slash != NULL && l->slash <= from)
		l->slash = memchr(from, '\\', (size_t)(end - from));
	return (l->hit != NULL && l->hit < to) || (l->slash != NULL && l->slash < to);
}
