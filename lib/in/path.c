/* SPDX-License-Identifier: BSD-2-Clause */
/* path - one parser for dotted paths and JSON Pointers; both become segments of unescaped names and indexes. */
#include "in/path.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/val.h"
#include "in/scan.h"

#define EITHER_MAX 4	/* numbers in one JSON Pointer: each doubles what the scanner must look for */

struct parse {
	const char *start, *p, *end;
	struct pathset *ps;
	struct buf scratch;
	struct seg seg[PATH_SEGS_MAX];
	size_t n, either;
	const char *why;
	const char *bad;		/* where */
};

struct pathset *
pathset_new(void)
{
	return mem_new(sizeof(struct pathset));
}

void
pathset_free(struct pathset *ps)
{
	if (ps == NULL)
		return;
	free(ps->path);
	arena_free(&ps->mem);
	free(ps);
}

static bool
fail(struct parse *s, const char *at, const char *why)
{
	s->bad = at;
	s->why = why;
	return false;
}

static struct seg *
seg_new(struct parse *s)
{
	if (s->n == PATH_SEGS_MAX) {
		fail(s, s->p, "too many segments");
		return NULL;
	}
	s->seg[s->n] = (struct seg){ 0 };
	return &s->seg[s->n++];
}

/* What a name may hold without quotes: everything that no list, expression or path syntax uses. */
static bool
bare(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z') ||
	    (u != 0 && strchr("_-$@#%", c) != NULL);
}

/* The end of the quoted text that begins at p: behind its closing quote, or NULL. */
static const char *
quoted_end(const char *p, const char *end)
{
	char q = *p++;

	for (; p < end; p++) {
		if (*p == '\\' && q == '"')
			p++;
		else if (*p == q)
			return p + 1;
	}
	return NULL;
}

/* "…" with JSON's escapes, or '…' as it stands. */
static bool
parse_quoted(struct parse *s)
{
	const char *p = s->p, *q = quoted_end(p, s->end), *why;
	struct span in;
	struct seg *g;
	size_t at;

	if (q == NULL)
		return fail(s, p, "the quote is not closed");
	if ((g = seg_new(s)) == NULL)
		return false;
	s->p = q;
	in = span_of(p + 1, (size_t)(q - p) - 2);
	if (*p == '\'') {
		if (in.n > 0 && memchr(in.p, '\\', in.n) != NULL)
			return fail(s, p, "a backslash needs \"double quotes\"");
		g->name = span_of(arena_dup(&s->ps->mem, in), in.n);
		return true;
	}
	if ((why = scan_value(span_of(p, (size_t)(q - p)), NULL, &at)) != NULL)
		return fail(s, p + at, why);
	buf_clear(&s->scratch);
	val_unescape(in, &s->scratch);
	g->name = span_of(arena_dup(&s->ps->mem, buf_span(&s->scratch)), s->scratch.n);
	return true;
}

/* Digits without sign or leading zero that fit an index. */
static bool
parse_digits(const char *p, const char *end, uint32_t *index)
{
	uint64_t v = 0;

	if (p == end || (*p == '0' && end - p > 1) || end - p > 10)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	*index = (uint32_t)v;
	return v < UINT32_MAX;
}

/* [0], ["name"], ['name'] */
static bool
parse_bracket(struct parse *s)
{
	const char *open = s->p++, *p = s->p;
	struct seg *g;

	if (p < s->end && (*p == '"' || *p == '\'')) {
		if (!parse_quoted(s))
			return false;
	} else {
		while (s->p < s->end && *s->p != ']')
			s->p++;
		if ((g = seg_new(s)) == NULL)
			return false;
		if (!parse_digits(p, s->p, &g->index))
			return fail(s, p, "an index is a whole number from 0 on, a name in brackets needs quotes");
	}
	if (s->p == s->end || *s->p != ']')
		return fail(s, open, "the bracket is not closed");
	s->p++;
	return true;
}

static bool
parse_name(struct parse *s)
{
	const char *p = s->p, *why;
	struct seg *g;
	size_t at;

	if (p < s->end && *p == '"')
		return parse_quoted(s);
	while (s->p < s->end && bare(*s->p))
		s->p++;
	if (s->p == p)
		return fail(s, p, p == s->end || *p == '.' || *p == '[' ? "a name is missing" :
		    "this character needs \"quotes\" around the name");
	if ((g = seg_new(s)) == NULL)
		return false;
	buf_clear(&s->scratch);
	buf_byte(&s->scratch, '"');
	buf_add(&s->scratch, p, (size_t)(s->p - p));
	buf_byte(&s->scratch, '"');
	if ((why = scan_value(buf_span(&s->scratch), NULL, &at)) != NULL)
		return fail(s, p + at - 1, why);
	g->name = span_of(arena_dup(&s->ps->mem, span_of(p, (size_t)(s->p - p))), (size_t)(s->p - p));
	return true;
}

static bool
parse_dotted(struct parse *s)
{
	if (s->end - s->p > 1 && s->p[0] == '$' && (s->p[1] == '.' || s->p[1] == '['))
		s->p++;
	if (s->p < s->end && *s->p == '.')
		s->p++;
	if (s->p == s->end || *s->p != '[') {
		if (!parse_name(s))
			return false;
	}
	while (s->p < s->end) {
		if (*s->p == '[') {
			if (!parse_bracket(s))
				return false;
		} else if (*s->p == '.') {
			s->p++;
			if (!parse_name(s))
				return false;
		} else
			return fail(s, s->p, bare(*s->p) || *s->p == '"' ? "expected '.' or '['" :
			    "this character needs \"quotes\" around the name");
	}
	return true;
}

/* RFC 6901: /a/b~1c/0 */
static bool
parse_pointer(struct parse *s)
{
	struct seg *g;
	const char *p;

	while (s->p < s->end) {
		p = ++s->p;
		buf_clear(&s->scratch);
		for (; s->p < s->end && *s->p != '/'; s->p++) {
			if (*s->p != '~') {
				buf_byte(&s->scratch, *s->p);
				continue;
			}
			if (s->end - s->p < 2 || (s->p[1] != '0' && s->p[1] != '1'))
				return fail(s, s->p, "in a JSON Pointer ~ is written ~0 and / is written ~1");
			buf_byte(&s->scratch, *++s->p == '0' ? '~' : '/');
		}
		if ((g = seg_new(s)) == NULL)
			return false;
		g->either = parse_digits(p, s->p, &g->index);
		if (g->either && ++s->either > EITHER_MAX)
			return fail(s, p, "too many numbers in a JSON Pointer; use name[0]");
		g->name = span_of(arena_dup(&s->ps->mem, buf_span(&s->scratch)), s->scratch.n);
	}
	return true;
}

/* Parse text into s->seg; names go to s->ps's arena. */
static bool
parse(struct parse *s, struct pathset *ps, struct span text)
{
	bool ok;

	*s = (struct parse){ .start = text.p, .p = text.p, .end = text.p + text.n, .ps = ps };
	if (text.n == 0)
		return fail(s, s->p, "a path is missing");
	ok = text.p[0] == '/' ? parse_pointer(s) : parse_dotted(s);
	buf_free(&s->scratch);
	return ok;
}

static bool
seg_eq(const struct seg *a, const struct seg *b)
{
	return (a->name.p == NULL) == (b->name.p == NULL) && span_eq(a->name, b->name) &&
	    a->index == b->index && a->either == b->either;
}

static bool
path_eq(const struct path *a, const struct seg *seg, size_t n)
{
	if (a->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!seg_eq(&a->seg[i], &seg[i]))
			return false;
	return true;
}

int
pathset_add(struct pathset *ps, struct span text, char *err, size_t err_size)
{
	struct parse s;
	struct path *new;

	if (!parse(&s, ps, text)) {
		snprintf(err, err_size, "path '%.*s': column %zu: %s", (int)(text.n < 200 ? text.n : 200), text.p,
		    (size_t)(s.bad - s.start) + 1, s.why);
		return -1;
	}
	for (size_t i = 0; i < ps->n; i++)
		if (path_eq(&ps->path[i], s.seg, s.n))
			return (int)i;
	if (ps->n == PATHS_MAX) {
		snprintf(err, err_size, "more than %d paths", PATHS_MAX);
		return -1;
	}
	ps->path = mem_array(ps->path, ps->n + 1, sizeof *ps->path);
	new = &ps->path[ps->n];
	new->text = span_of(arena_dup(&ps->mem, text), text.n);
	new->n = s.n;
	new->seg = arena_get(&ps->mem, mem_mul(s.n, sizeof *new->seg));
	memcpy(new->seg, s.seg, s.n * sizeof *new->seg);
	return (int)ps->n++;
}

static struct span
last_name(const struct seg *seg, size_t n, struct span otherwise)
{
	while (n > 0)
		if (seg[--n].name.p != NULL)
			return seg[n].name;
	return otherwise;
}

struct span
path_last(const struct path *p)
{
	return last_name(p->seg, p->n, p->text);
}

/* Offset of the first character of `stop` outside quotes and brackets, or n. */
static size_t
find_outside(struct span s, const char *stop)
{
	const char *p = s.p, *end = s.p + s.n, *q;
	bool pointer = s.n > 0 && *p == '/';	/* quotes and brackets are nothing special there */
	int depth = 0;

	for (; p < end; p++) {
		if (!pointer && (*p == '"' || (*p == '\'' && depth > 0))) {
			if ((q = quoted_end(p, end)) == NULL)
				return s.n;
			p = q - 1;
		} else if (!pointer && *p == '[')
			depth++;
		else if (!pointer && *p == ']')
			depth -= depth > 0;
		else if (depth == 0 && *p != '\0' && strchr(stop, *p) != NULL)
			return (size_t)(p - s.p);
	}
	return s.n;
}

size_t
path_end(struct span text)
{
	return find_outside(text, text.n > 0 && text.p[0] == '/' ? "," : ",=");
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t' || *s.p == '\n')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

int
pathlist_each(struct span list, int (*each)(void *arg, struct span name, struct span path), void *arg)
{
	struct pathset tmp = { 0 };
	struct span item, name, path;
	struct parse s;
	size_t n, eq;
	int rc = 0;

	do {
		list = trim(list);
		n = find_outside(list, ",");
		item = trim(span_of(list.p, n));
		eq = item.n > 0 && item.p[0] == '/' ? item.n : find_outside(item, "=");
		path = name = trim(span_from(item, eq < item.n ? eq + 1 : 0));
		if (eq < item.n) {
			name = trim(span_of(item.p, eq));
			if (name.n > 0 && name.p[0] == '"' && parse(&s, &tmp, name) && s.n == 1)
				name = s.seg[0].name;
		} else if (parse(&s, &tmp, path))	/* what cannot be parsed, pathset_add will name */
			name = last_name(s.seg, s.n, path);
		rc = each(arg, name, path);
		arena_reset(&tmp.mem);
		if (n == list.n)
			break;
		list = span_from(list, n + 1);
	} while (rc == 0);
	arena_free(&tmp.mem);
	return rc;
}
