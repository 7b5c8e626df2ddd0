/* SPDX-License-Identifier: BSD-2-Clause */
/* lex - see lex.h */
#include "expr/lex.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
name_start(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || c == '_' ||
	    c == '$' || c == '@';
}

bool
name_byte(char c)
{
	return name_start(c) || is_digit(c);
}

bool
word_is(struct span s, const char *word)
{
	size_t i = 0;

	for (; i < s.n && word[i] != '\0'; i++) {
		char c = s.p[i];

		if ((c >= 'A' && c <= 'Z' ? (char)(c + 32) : c) != word[i])
			return false;
	}
	return i == s.n && word[i] == '\0';
}

const char *
quote_end(const char *p, const char *end)
{
	char q = *p++;

	for (; p < end; p++) {
		if (q == '"' && *p == '\\') {
			p++;
		} else if (*p == q) {
			if (q == '"' || p + 1 == end || p[1] != q)
				return p + 1;
			p++;
		}
	}
	return NULL;
}

size_t
lex_column(const struct lex *l, const char *p)
{
	size_t n = 1;

	for (const char *s = l->start; s < p; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

bool
lex_word(const struct lex *l, const char *word)
{
	return l->kind == TOK_WORD && word_is(l->text, word);
}

bool
lex_sign(const struct lex *l, const char *sign)
{
	return l->kind == TOK_SIGN && span_is(l->text, sign);
}

bool
lex_call_follows(const struct lex *l)
{
	const char *p = l->p;

	while (p < l->end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p < l->end && *p == '(';
}

static void
bad(struct lex *l, const char *at, const char *why)
{
	l->kind = TOK_BAD;
	l->text = span_of(at, 0);
	l->why = why;
	l->p = at;
}

static void
take(struct lex *l, enum token kind, const char *end)
{
	l->kind = kind;
	l->text = span_of(l->p, (size_t)(end - l->p));
	l->p = end;
}

static void
number(struct lex *l)
{
	const char *p = l->p;

	while (p < l->end && is_digit(*p))
		p++;
	if (p < l->end && *p == '.')
		for (p++; p < l->end && is_digit(*p); p++)
			;
	if (p < l->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < l->end && (*p == '+' || *p == '-'))
			p++;
		while (p < l->end && is_digit(*p))
			p++;
	}
	if (p < l->end && (name_byte(*p) || *p == '.')) {
		bad(l, l->p, "not a number");
		return;
	}
	take(l, TOK_NUMBER, p);
}

/* A path as far as it goes; in/path judges what is inside. */
static void
path(struct lex *l)
{
	const char *p = l->p, *q;
	enum token kind = TOK_WORD;

	if (*p == '.') {
		kind = TOK_PATH;
		p++;
	}
	for (;;) {
		if (p < l->end && *p == '"') {
			kind = TOK_PATH;
			if ((q = quote_end(p, l->end)) == NULL) {
				bad(l, p, "the quote is not closed");
				return;
			}
			p = q;
		} else {
			while (p < l->end && name_byte(*p))
				p++;
		}
		while (p < l->end && *p == '[') {
			const char *open = p;

			kind = TOK_PATH;
			for (p++; p < l->end && *p != ']'; p++)
				if (*p == '"' || *p == '\'') {
					if ((q = quote_end(p, l->end)) == NULL) {
						bad(l, p, "the quote is not closed");
						return;
					}
					p = q - 1;
				}
			if (p == l->end) {
				bad(l, open, "the bracket is not closed");
				return;
			}
			p++;
		}
		if (p == l->end || *p != '.')
			break;
		kind = TOK_PATH;
		p++;
	}
	take(l, kind, p);
}

static void
sign(struct lex *l)
{
	static const char *const two[] = { "<>", "!=", "<=", ">=", "||" };
	size_t left = (size_t)(l->end - l->p);

	for (size_t i = 0; i < sizeof two / sizeof *two; i++)
		if (left >= 2 && memcmp(l->p, two[i], 2) == 0) {
			take(l, TOK_SIGN, l->p + 2);
			return;
		}
	if (left >= 2 && memcmp(l->p, "==", 2) == 0)
		bad(l, l->p, "equality is written =");
	else if (left >= 2 && memcmp(l->p, "&&", 2) == 0)
		bad(l, l->p, "write AND");
	else if (*l->p == '!')
		bad(l, l->p, "write NOT, or != for unequal");
	else if (*l->p != '\0' && strchr("=<>+-*/%~(),", *l->p) != NULL)
		take(l, TOK_SIGN, l->p + 1);
	else
		bad(l, l->p, "a character that no expression has here");
}

void
lex_next(struct lex *l)
{
	const char *p;

	if (l->kind == TOK_BAD)
		return;
	while (l->p < l->end && (*l->p == ' ' || *l->p == '\t' || *l->p == '\n' || *l->p == '\r'))
		l->p++;
	p = l->p;
	if (p == l->end) {
		take(l, TOK_END, p);
	} else if (is_digit(*p) || (*p == '.' && l->end - p > 1 && is_digit(p[1]))) {
		number(l);
	} else if (name_start(*p) || *p == '.' || *p == '"' || *p == '[') {
		path(l);
	} else if (*p == '\'') {
		if ((p = quote_end(p, l->end)) == NULL)
			bad(l, l->p, "the quote is not closed");
		else
			take(l, TOK_STRING, p);
	} else if (*p == ':') {
		if (l->end - p < 2 || !name_start(p[1])) {
			bad(l, p, "a name of --arg belongs behind the colon");
			return;
		}
		for (p++; p < l->end && name_byte(*p); p++)
			;
		take(l, TOK_ARG, p);
	} else {
		sign(l);
	}
}

void
lex_begin(struct lex *l, struct span text)
{
	l->start = l->p = text.p;
	l->end = text.p + text.n;
	l->kind = TOK_END;
	l->why = NULL;
	lex_next(l);
}
