/* SPDX-License-Identifier: BSD-2-Clause */
/* mask - see mask.h */
#include "expr/mask.h"

#define ADDRESS_STAYS 6

bool
mask_named(struct span name, enum mask *m)
{
	static const char *const names[] = { "phone", "name", "address", "email", "card", "all" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_is(name, names[i])) {
			*m = (enum mask)i;
			return true;
		}
	return false;
}

/* The next code point's bytes, taken from the front of s. */
static struct span
take_char(struct span *s)
{
	struct span c = span_of(s->p, 1);

	while (c.n < s->n && ((unsigned char)s->p[c.n] & 0xC0) == 0x80)
		c.n++;
	*s = span_from(*s, c.n);
	return c;
}

static void
put(struct span c, bool stays, struct buf *out)
{
	if (stays)
		buf_span_add(out, c);
	else
		buf_byte(out, '*');
}

static bool
is_digit(struct span c)
{
	/* ASCII's, and the wide ones U+FF10 to U+FF19 of Chinese keyboards */
	return (c.n == 1 && *c.p >= '0' && *c.p <= '9') ||
	    (c.n == 3 && memcmp(c.p, "\xEF\xBC", 2) == 0 && (unsigned char)c.p[2] >= 0x90 &&
		(unsigned char)c.p[2] <= 0x99);
}

/* What people write between the digits of a number. */
static bool
is_separator(struct span c)
{
	return c.n == 1 && strchr(" -+().", *c.p) != NULL && *c.p != '\0';
}

/*
 * A number written by people: separators stay, and digits at both ends.  An asterisk counts as a
 * digit, so that a number masked before is as long as it was.  Anything else may be free text that
 * has slipped in: it is hidden wherever it stands.
 */
static void
number(struct span s, bool phone, struct buf *out)
{
	size_t n = 0, i = 0, first, last;
	struct span rest = s;

	while (rest.n > 0)
		n += !is_separator(take_char(&rest));
	first = phone && n >= 11 ? 3 : 0;
	last = n >= (phone ? 11 : 12) ? 4 : phone && n >= 7 ? 2 : 0;
	while (s.n > 0) {
		struct span c = take_char(&s);

		if (is_separator(c)) {
			put(c, true, out);
			continue;
		}
		put(c, is_digit(c) && (i < first || i >= n - last), out);
		i++;
	}
}

static bool
is_gap(struct span c)
{
	return (c.n == 1 && *c.p == ' ') || (c.n == 2 && memcmp(c.p, "\xC2\xB7", 2) == 0);
}

/* The first character that is no gap stays, where it is not the only one. */
static void
name(struct span s, struct buf *out)
{
	struct span rest = s;
	size_t n = 0, i = 0;

	while (rest.n > 0)
		n += !is_gap(take_char(&rest));
	while (s.n > 0) {
		struct span c = take_char(&s);

		if (is_gap(c))
			put(c, true, out);
		else
			put(c, n > 1 && i++ == 0, out);
	}
}

static void
address(struct span s, struct buf *out)
{
	struct span rest = s;
	size_t n = 0, stays;

	for (; rest.n > 0; n++)
		(void)take_char(&rest);
	stays = n / 2 < ADDRESS_STAYS ? n / 2 : ADDRESS_STAYS;
	for (size_t i = 0; s.n > 0; i++) {
		struct span c = take_char(&s);

		put(c, i < stays && !is_digit(c), out);
	}
}

void
mask_text(enum mask m, struct span s, struct buf *out)
{
	size_t at = s.n;

	switch (m) {
	case MASK_PHONE:
	case MASK_CARD:
		number(s, m == MASK_PHONE, out);
		return;
	case MASK_EMAIL:
		while (at > 0 && s.p[at - 1] != '@')
			at--;
		at = at == 0 ? s.n : at - 1;
		name(span_of(s.p, at), out);
		buf_span_add(out, span_from(s, at));
		return;
	case MASK_NAME:
		name(s, out);
		return;
	case MASK_ADDRESS:
		address(s, out);
		return;
	default:
		while (s.n > 0)
			put(take_char(&s), false, out);
	}
}
