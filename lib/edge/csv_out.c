/* SPDX-License-Identifier: BSD-2-Clause */
/* csv_out - see csv_out.h */
#include "edge/csv_out.h"

bool
csv_delimiter(const char *text, char *d)
{
	if (text == NULL || strcmp(text, "tab") == 0) {
		*d = text == NULL ? ',' : '\t';
		return true;
	}
	*d = *text;
	return *d != '\0' && text[1] == '\0' && (*d & 0x80) == 0 && strchr("\"\r\n", *d) == NULL;
}

void
csv_cell(struct buf *b, struct span s, char delimiter)
{
	const char *p = s.p, *end = s.p + s.n, *q;
	/* a byte order mark at the very front of a file would be taken for one */
	bool quote = s.n == 0 || (s.n >= 3 && memcmp(s.p, "\xEF\xBB\xBF", 3) == 0);

	for (size_t i = 0; i < s.n && !quote; i++)
		quote = s.p[i] == delimiter || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
	if (!quote) {
		buf_span_add(b, s);
		return;
	}
	buf_byte(b, '"');
	for (; p < end && (q = memchr(p, '"', (size_t)(end - p))) != NULL; p = q + 1) {
		buf_add(b, p, (size_t)(q + 1 - p));
		buf_byte(b, '"');
	}
	buf_add(b, p, (size_t)(end - p));
	buf_byte(b, '"');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits(struct span s, size_t i)
{
	size_t from = i;

	while (i < s.n && is_digit(s.p[i]))
		i++;
	return i - from;
}

/* [+-] digits [. digits] [e [+-] digits]: nothing a spreadsheet could compute. */
static bool
is_number(struct span s)
{
	size_t i = s.n > 0 && (*s.p == '+' || *s.p == '-'), n = digits(s, i);

	if (n == 0)
		return false;
	i += n;
	if (i < s.n && s.p[i] == '.') {
		if ((n = digits(s, i + 1)) == 0)
			return false;
		i += n + 1;
	}
	if (i < s.n && (s.p[i] | 32) == 'e') {
		i++;
		i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
		if ((n = digits(s, i)) == 0)
			return false;
		i += n;
	}
	return i == s.n;
}

static bool
starts_formula(struct span s, size_t i)
{
	return i < s.n && s.p[i] != '\0' && strchr("=+-@\t\r\n", s.p[i]) != NULL;
}

bool
csv_is_formula(struct span s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] == '\'')
		i++;
	return starts_formula(s, i) && (i > 0 || !is_number(s));
}

struct span
csv_unguard(struct span s)
{
	return s.n > 0 && *s.p == '\'' && csv_is_formula(s) ? span_from(s, 1) : s;
}
