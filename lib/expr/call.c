/* SPDX-License-Identifier: BSD-2-Clause */
/* call - see call.h */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "expr/call.h"
#include "expr/lex.h"
#include "in/scan.h"

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span
strip(struct span s)
{
	while (s.n > 0 && blank(*s.p))
		s = span_from(s, 1);
	while (s.n > 0 && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool
operand_name_byte(char c)
{
	return name_byte(c) || c == '-' || c == '#' || c == '%';
}

/* Behind a name at the start of s, or s.p. */
static const char *
name_end(struct span s)
{
	const char *p = s.p, *end = s.p + s.n, *q;

	if (p < end && *p == '"')
		return (q = quote_end(p, end)) == NULL ? s.p : q;
	while (p < end && operand_name_byte(*p))
		p++;
	return p;
}

bool
word_named(struct span s, char sep, struct span *name, struct span *rest)
{
	const char *p = name_end(s);
	size_t n = (size_t)(p - s.p);

	if (n == 0 || n == s.n || *p != sep)
		return false;
	*name = span_of(s.p, n);
	*rest = strip(span_from(s, n + 1));
	return true;
}

bool
word_call(struct span s)
{
	const char *p = s.p, *end = s.p + s.n;

	while (p < end && name_byte(*p))
		p++;
	return p > s.p && p < end && *p == '(';
}

const char *
name_unquote(struct span name, struct buf *out, struct span *bare)
{
	struct buf quoted = { 0 };
	const char *why;
	size_t at;

	if (name.n >= 2 && *name.p == '"') {
		why = scan_value(name, NULL, &at);
		*bare = span_of(name.p + 1, name.n - 2);
	} else {
		buf_json(&quoted, name);
		why = scan_value(buf_span(&quoted), NULL, &at);
		*bare = name;
		buf_free(&quoted);
		return why;
	}
	if (why == NULL && bare->n > 0 && memchr(bare->p, '\\', bare->n) != NULL) {
		buf_clear(out);
		val_unescape(*bare, out);
		*bare = buf_span(out);
	}
	return why;
}

bool
arg_text(struct span s, struct buf *out)
{
	buf_clear(out);
	if (s.n < 2 || *s.p != '\'' || quote_end(s.p, s.p + s.n) != s.p + s.n)
		return false;
	for (size_t i = 1; i < s.n - 1; i++) {
		buf_byte(out, s.p[i]);
		if (s.p[i] == '\'')
			i++;
	}
	return true;
}

bool
arg_word(struct span *arg, const char *word)
{
	size_t n = strlen(word);

	if (arg->n < n || !word_is(span_of(arg->p, n), word) || (arg->n > n && !blank(arg->p[n])))
		return false;
	*arg = strip(span_from(*arg, n));
	return true;
}

static int
fail(struct span text, const char *at, const char *why, char *err, size_t err_size)
{
	struct lex l = { .start = text.p };

	(void)snprintf(err, err_size, "column %zu: %s", lex_column(&l, at), why);
	return EXIT_USAGE;
}

/* Is p the word WHERE, on its own? */
static bool
at_where(const char *p, const char *start, const char *end)
{
	return end - p > 5 && word_is(span_of(p, 5), "where") &&
	    (p == start || !(name_byte(p[-1]) || p[-1] == '.')) && !name_byte(p[5]) &&
	    p[5] != '.' && p[5] != '[';
}

static void
add(struct call *c, const char *from, const char *to)
{
	if ((c->n & (c->n + 1)) == 0)
		c->arg = mem_array(c->arg, 2 * c->n + 1, sizeof *c->arg);
	c->arg[c->n++] = strip(span_of(from, (size_t)(to - from)));
}

int
call_parse(struct span text, struct call *c, char *err, size_t err_size)
{
	struct span s = strip(text);
	const char *p = s.p, *end = s.p + s.n, *from, *q;
	size_t depth = 0;

	memset(c, 0, sizeof *c);
	if (!word_call(s))
		return fail(text, p, "NAME(…) expected", err, err_size);
	while (*p != '(')
		p++;
	c->name = span_of(s.p, (size_t)(p - s.p));
	from = ++p;
	for (; p < end; p++) {
		if (*p == '\'' || *p == '"') {
			if ((q = quote_end(p, end)) == NULL)
				goto unclosed;
			p = q - 1;
		} else if (*p == '(' || *p == '[') {
			depth++;
		} else if (depth > 0) {
			depth -= *p == ')' || *p == ']';
		} else if (*p == ')') {
			break;
		} else if (*p == ',' && c->where.p == NULL) {
			if (c->n == CALL_ARGS_MAX) {
				call_free(c);
				return fail(text, p, "too many arguments", err, err_size);
			}
			add(c, from, p);
			from = p + 1;
		} else if (c->where.p == NULL && at_where(p, from, end)) {
			if (strip(span_of(from, (size_t)(p - from))).n > 0 || c->n > 0)
				add(c, from, p);
			c->where = span_of(p + 5, 0);
			p += 4;
		}
	}
	if (p == end)
		goto unclosed;
	if (c->where.p != NULL)
		c->where = strip(span_of(c->where.p, (size_t)(p - c->where.p)));
	else if (strip(span_of(from, (size_t)(p - from))).n > 0 || c->n > 0)
		add(c, from, p);
	if (p + 1 < end) {
		struct span rest = strip(span_of(p + 1, (size_t)(end - p - 1)));

		call_free(c);
		return fail(text, p + 1, at_where(rest.p, p, end) ?
		    "WHERE stands within the parentheses, behind the value" : "nothing may follow the call",
		    err, err_size);
	}
	return 0;
unclosed:
	call_free(c);
	return fail(text, p == end ? s.p : p,
	    p == end ? "the parenthesis is not closed" : "the quote is not closed", err, err_size);
}

void
call_free(struct call *c)
{
	free(c->arg);
	memset(c, 0, sizeof *c);
}
