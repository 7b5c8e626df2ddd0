/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text - functions and operators on text; positions and lengths count code points, input is valid
 * UTF-8
 */
#include "base/hash.h"
#include "expr/case_table.h"
#include "expr/prog.h"
#include "expr/text.h"

static const char why_long[] = "a text longer than 16 MiB";
static const char why_whole[] = "a position or a length is a whole number";

const char *
state_text(struct expr_state *st, struct span s, struct xval *out)
{
	if (s.n > STRING_BYTES_MAX)
		return why_long;
	out->tag = X_STR;
	out->str = span_of(s.n == 0 ? "" : arena_dup(&st->mem, s), s.n);
	out->raw.p = NULL;
	return NULL;
}

const char *
text_of(struct expr_state *st, const struct xval *x, struct span *out)
{
	struct xval made;
	const char *why;

	if (x->tag == X_STR) {
		*out = x->str;
		return NULL;
	}
	buf_clear(&st->tmp);
	if ((why = xval_text(x, &st->tmp)) != NULL ||
	    (why = state_text(st, buf_span(&st->tmp), &made)) != NULL)
		return why;
	*out = made.str;
	return NULL;
}

const char *
text_concat(struct expr_state *st, const struct xval *v, size_t n, struct xval *out)
{
	const char *why;

	buf_clear(&st->tmp);
	for (size_t i = 0; i < n; i++) {
		if ((why = xval_text(&v[i], &st->tmp)) != NULL)
			return why;
		if (st->tmp.n > STRING_BYTES_MAX)
			return why_long;
	}
	return state_text(st, buf_span(&st->tmp), out);
}

/* UTF-8 */

static bool
starts(char c)
{
	return ((unsigned char)c & 0xC0) != 0x80;
}

static size_t
code_points(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += starts(s.p[i]);
	return n;
}

/* The offset of the n-th code point, or the end. */
static size_t
offset_of(struct span s, size_t n)
{
	size_t i = 0;

	for (; i < s.n; i++)
		if (starts(s.p[i]) && n-- == 0)
			break;
	return i;
}

static size_t
decode(struct span s, uint32_t *cp)
{
	unsigned char c = (unsigned char)*s.p;
	size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

	*cp = len == 1 ? c : c & (0x7Fu >> len);
	for (size_t i = 1; i < len && i < s.n; i++)
		*cp = *cp << 6 | ((unsigned char)s.p[i] & 0x3Fu);
	return len < s.n ? len : s.n;
}

static void
encode(uint32_t cp, struct buf *b)
{
	if (cp < 0x80) {
		buf_byte(b, (char)cp);
		return;
	}
	if (cp < 0x800) {
		buf_byte(b, (char)(0xC0 | cp >> 6));
	} else {
		if (cp < 0x10000) {
			buf_byte(b, (char)(0xE0 | cp >> 12));
		} else {
			buf_byte(b, (char)(0xF0 | cp >> 18));
			buf_byte(b, (char)(0x80 | (cp >> 12 & 0x3F)));
		}
		buf_byte(b, (char)(0x80 | (cp >> 6 & 0x3F)));
	}
	buf_byte(b, (char)(0x80 | (cp & 0x3F)));
}

static uint32_t
other_case(uint32_t cp, const struct case_run *run, size_t n)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (cp > run[mid].last)
			lo = mid + 1;
		else if (cp < run[mid].first)
			n = mid;
		else
			return (cp - run[mid].first) % run[mid].step == 0
			    ? cp + (uint32_t)run[mid].delta
			    : cp;
	}
	return cp;
}

void
text_case(struct span s, bool up, struct buf *b)
{
	uint32_t cp;
	size_t len;

	for (; s.n > 0; s = span_from(s, len)) {
		char c = *s.p;

		len = 1;
		if ((unsigned char)c >= 0x80) {
			len = decode(s, &cp);
			encode(up ? other_case(cp, to_upper, sizeof to_upper / sizeof *to_upper) :
			    other_case(cp, to_lower, sizeof to_lower / sizeof *to_lower), b);
		} else if (up) {
			buf_byte(b, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
		} else {
			buf_byte(b, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
		}
	}
}

/* A part of a text that lives: no copy. */
static const char *
part(struct span s, struct xval *out)
{
	out->tag = X_STR;
	out->str = s;
	out->raw.p = NULL;
	return NULL;
}

static const char *
trim(struct span s, struct xval *out)
{
	while (s.n > 0 && *s.p == ' ')
		s = span_from(s, 1);
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return part(s, out);
}

static const char *
whole(const struct xval *x, int64_t *v)
{
	struct dec d;
	const char *why = xval_num(x, &d);

	return why != NULL ? why : dec_to_i64(&d, v) ? NULL : why_whole;
}

/* As MariaDB: from 1, from the end where negative, nothing at 0 or outside. */
static const char *
substr(struct span s, const struct xval *v, size_t n, struct xval *out)
{
	int64_t pos, len = INT64_MAX;
	size_t all, from;
	const char *why;

	if ((why = whole(&v[1], &pos)) != NULL || (n == 3 && (why = whole(&v[2], &len)) != NULL))
		return why;
	if (pos == 0 || len <= 0)
		return part(span_of("", 0), out);
	if (pos < 0) {
		all = code_points(s);
		if (pos < -(int64_t)all)
			return part(span_of("", 0), out);
		pos += (int64_t)all + 1;
	}
	from = offset_of(s, (size_t)pos - 1);
	s = span_from(s, from);
	if (n == 3)
		s.n = offset_of(s, (size_t)len);
	return part(s, out);
}

static size_t
find(struct span s, struct span what)
{
	const char *hit = s.n < what.n ? NULL : memmem(s.p, s.n, what.p, what.n);

	return hit == NULL ? s.n : (size_t)(hit - s.p);
}

static const char *
replace(struct expr_state *st, struct span s, struct span from, struct span to, struct xval *out)
{
	struct buf *b = &st->tmp;
	size_t at;

	if (from.n == 0 || find(s, from) == s.n)
		return part(s, out);
	buf_clear(b);
	while (s.n > 0 && (at = find(s, from)) < s.n) {
		buf_add(b, s.p, at);
		buf_span_add(b, to);
		if (b->n > STRING_BYTES_MAX)
			return why_long;
		s = span_from(s, at + from.n);
	}
	buf_span_add(b, s);
	return state_text(st, buf_span(b), out);
}

/* Part n from 1, from the end where negative; '' where there is none. */
static const char *
split_part(struct span s, struct span sep, const struct xval *which, struct xval *out)
{
	int64_t n, parts = 1;
	const char *why = whole(which, &n);
	size_t at;

	if (why != NULL)
		return why;
	if (n == 0)
		return "split_part counts from 1";
	if (sep.n == 0)
		return part(n == 1 || n == -1 ? s : span_of("", 0), out);
	if (n < 0) {
		for (struct span t = s; (at = find(t, sep)) < t.n; t = span_from(t, at + sep.n))
			parts++;
		if (n < -parts)
			return part(span_of("", 0), out);
		n += parts + 1;
	}
	for (; n > 1; n--) {
		if ((at = find(s, sep)) == s.n)
			return part(span_of("", 0), out);
		s = span_from(s, at + sep.n);
	}
	s.n = find(s, sep);
	return part(s, out);
}

static const char *
digest(struct expr_state *st, struct span s, bool sha, struct xval *out)
{
	char hex[SHA256_HEX];

	if (sha)
		hash_sha256(s, hex);
	else
		hash_md5(s, hex);
	return state_text(st, span_of(hex, sha ? SHA256_HEX : MD5_HEX), out);
}

const char *
text_call(struct expr_state *st, enum func f, const struct xval *v, size_t n, struct xval *out)
{
	struct span s, from, to;
	const char *why;

	if ((why = text_of(st, &v[0], &s)) != NULL)
		return why;
	switch (f) {
	case FN_LOWER:
	case FN_UPPER:
		buf_clear(&st->tmp);
		text_case(s, f == FN_UPPER, &st->tmp);
		return state_text(st, buf_span(&st->tmp), out);
	case FN_TRIM:
		return trim(s, out);
	case FN_LENGTH:
		out->tag = X_NUM;
		out->raw.p = NULL;
		dec_int((int64_t)code_points(s), &out->num);
		return NULL;
	case FN_SUBSTR:
		return substr(s, v, n, out);
	case FN_REPLACE:
		if ((why = text_of(st, &v[1], &from)) != NULL ||
		    (why = text_of(st, &v[2], &to)) != NULL)
			return why;
		return replace(st, s, from, to, out);
	case FN_SPLIT_PART:
		if ((why = text_of(st, &v[1], &from)) != NULL)
			return why;
		return split_part(s, from, &v[2], out);
	default:
		return digest(st, s, f == FN_SHA256, out);
	}
}

/*
 * One code point, or one that is escaped; returns the pattern's bytes for it. `%` and `_` only
 * where not escaped.
 */
static size_t
like_unit(struct span p, char escape, struct span *literal, char *wild)
{
	uint32_t cp;
	size_t len;

	*wild = '\0';
	if (escape != '\0' && *p.p == escape && p.n > 1) {
		len = decode(span_from(p, 1), &cp);
		*literal = span_of(p.p + 1, len);
		return len + 1;
	}
	if (*p.p == '%' || *p.p == '_')
		*wild = *p.p;
	len = decode(p, &cp);
	*literal = span_of(p.p, len);
	return len;
}

/*
 * Where a '%' was, the match is tried again one code point later: no recursion, and only the last
 * '%' counts.
 */
const char *
text_like(struct expr_state *st, const struct xval *text, const struct xval *pattern, char escape,
    bool *hit)
{
	struct span s, p, lit, after = { 0 }, again = { 0 };
	bool starred = false;
	const char *why;
	char wild;
	uint32_t cp;

	if ((why = text_of(st, text, &s)) != NULL || (why = text_of(st, pattern, &p)) != NULL)
		return why;
	for (;;) {
		if (p.n > 0) {
			size_t len = like_unit(p, escape, &lit, &wild);

			if (wild == '%') {
				p = span_from(p, len);
				if (p.n == 0) {
					*hit = true;
					return NULL;
				}
				starred = true;
				after = p;
				again = s;
				continue;
			}
			if (s.n > 0 &&
			    (wild == '_' || (s.n >= lit.n && memcmp(s.p, lit.p, lit.n) == 0))) {
				s = span_from(s, wild == '_' ? decode(s, &cp) : lit.n);
				p = span_from(p, len);
				continue;
			}
		} else if (s.n == 0) {
			*hit = true;
			return NULL;
		}
		if (!starred || again.n == 0) {
			*hit = false;
			return NULL;
		}
		again = span_from(again, decode(again, &cp));
		s = again;
		p = after;
	}
}

static const char *
matching(struct expr_state *st)
{
	st->match = pcre2_match_data_create(1, NULL);
	st->limits = pcre2_match_context_create(NULL);
	if (st->match == NULL || st->limits == NULL)
		return "out of memory for a pattern";
	pcre2_set_match_limit(st->limits, REGEX_STEPS_MAX);
	pcre2_set_heap_limit(st->limits, REGEX_HEAP_KIB);
	return NULL;
}

const char *
text_match(struct expr_state *st, const struct pattern *re, struct span s, bool *hit)
{
	PCRE2_SPTR p = (PCRE2_SPTR)(s.n == 0 ? "" : s.p);
	const char *why;
	int rc;

	if (st->limits == NULL && (why = matching(st)) != NULL)
		return why;
	/* The bytes were judged to be UTF-8 when the record was. */
	rc = re->jit ? pcre2_jit_match(re->code, p, s.n, 0, 0, st->match, st->limits) :
	    pcre2_match(re->code, p, s.n, 0, PCRE2_NO_UTF_CHECK, st->match, st->limits);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		return "a pattern took too many steps on a text";
	*hit = rc >= 0;
	return NULL;
}

const char *
text_regex(struct expr_state *st, const struct pattern *re, const struct xval *text, bool *hit)
{
	struct span s;
	const char *why = text_of(st, text, &s);

	return why != NULL ? why : text_match(st, re, s, hit);
}
