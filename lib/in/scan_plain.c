/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_plain - RFC 8259 and UTF-8 as a state machine over one line
 *
 * O(n) time; memory: a frame per level of the depth limit.  Strings are passed 8 bytes at a time while nothing in
 * them asks for a look; everything else is a byte at a time, so that it can be read beside the RFC.
 */
#include "in/scan_plain.h"

#include <stdlib.h>

#include "base/limits.h"

const uint8_t scan_tag[256] = {
	['"'] = T_STR, ['{'] = T_OBJ, ['['] = T_ARR, ['t'] = T_TRUE, ['f'] = T_FALSE, ['n'] = T_NULL, ['-'] = T_NUM,
	['0'] = T_NUM, ['1'] = T_NUM, ['2'] = T_NUM, ['3'] = T_NUM, ['4'] = T_NUM,
	['5'] = T_NUM, ['6'] = T_NUM, ['7'] = T_NUM, ['8'] = T_NUM, ['9'] = T_NUM,
};

const uint8_t scan_delim[256] = {
	[' '] = 1, ['\t'] = 1, ['\r'] = 1, ['\n'] = 1, ['{'] = 1, ['}'] = 1, ['['] = 1, [']'] = 1, [','] = 1,
	[':'] = 1, ['"'] = 1,
};

void
plain_init(struct plain *a, const struct trie *trie, const struct limits *limits, struct val *const *col)
{
	*a = (struct plain){ .trie = trie, .limits = limits, .col = col };
	a->frame = mem_array(NULL, mem_add(limits->depth, 1), sizeof *a->frame);
	a->met = mem_new(mem_mul(trie->n, sizeof *a->met));
}

void
plain_free(struct plain *a)
{
	free(a->frame);
	free(a->met);
	buf_free(&a->key);
}

/* A cursor; the functions below return the place behind what they read, or NULL with why and at set. */
struct cur {
	struct plain *a;
	const char *start, *end;
	const char *why;
	bool escaped;		/* the string just read holds a backslash */
};

static const char *
bad(struct cur *c, const char *at, const char *why)
{
	c->a->at = (size_t)(at - c->start);
	c->why = why;
	return NULL;
}

static inline bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline const char *
skip_blank(const char *p, const char *end)
{
	while (p < end && blank(*p))
		p++;
	return p;
}

static inline bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Four hex digits, or -1. */
static int
hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (digit(c))
			v = v * 16 + (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* Behind the escape that begins at p. */
static const char *
escape(struct cur *c, const char *p)
{
	int u, low;

	if (c->end - p < 2)
		return bad(c, p, "a string is not closed");
	if (p[1] != 'u') {
		if (p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL)
			return bad(c, p, "a backslash begins no escape that JSON knows");
		return p + 2;
	}
	if ((u = hex4(p + 2, c->end)) < 0)
		return bad(c, p, "\\u needs four hex digits");
	if (u < 0xD800 || u > 0xDFFF)
		return p + 6;
	low = u <= 0xDBFF && c->end - p >= 8 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, c->end) : -1;
	if (low < 0xDC00 || low > 0xDFFF)
		return bad(c, p, "an unpaired \\u surrogate");
	return p + 12;
}

size_t
plain_utf8(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;

	if (p[0] < 0xC2 || p[0] > 0xF4 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
	    (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return n;
}

/*
 * How many of 8 bytes come before the first that needs a look: a quote, a backslash, a control byte, one above
 * ASCII.
 */
static inline size_t
ordinary8(const char *p)
{
	const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;
	uint64_t w, quote, slash;

	memcpy(&w, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	quote = w ^ ones * '"';
	slash = w ^ ones * '\\';
	/* A borrow may flag bytes wrongly, but only above one that is flagged rightly. */
	w = (w | (w - ones * 0x20) | (quote - ones) | (slash - ones)) & high;
	return w == 0 ? 8 : (size_t)__builtin_ctzll(w) / 8;
}

/* The string whose quote is at p; behind its closing quote. */
static const char *
string(struct cur *c, const char *p)
{
	const char *start = ++p, *end = c->end;
	size_t n;

	c->escaped = false;
	for (;;) {
		while (end - p >= 8) {
			n = ordinary8(p);
			p += n;
			if (n < 8)
				break;
		}
		if (p >= end)
			return bad(c, start - 1, "a string is not closed");
		if (*p == '"') {
			if ((size_t)(p - start) > c->a->limits->string)
				return bad(c, start - 1, "a string is longer than the limit");
			return p + 1;
		}
		if (*p == '\\') {
			c->escaped = true;
			if ((p = escape(c, p)) == NULL)
				return NULL;
		} else if ((unsigned char)*p < 0x20) {
			return bad(c, p, *p == '\0' ? "a NUL byte in a string" : "a control byte in a string");
		} else if ((unsigned char)*p < 0x80) {
			p++;
		} else {
			if ((n = plain_utf8((const unsigned char *)p, (size_t)(end - p))) == 0)
				return bad(c, p, "not UTF-8");
			p += n;
		}
	}
}

static const char *
digits(const char *p, const char *end)
{
	if (p >= end || !digit(*p))
		return NULL;
	while (p < end && digit(*p))
		p++;
	return p;
}

const char *
plain_number(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if ((p = digits(p, end)) == NULL)
		return NULL;
	if (p < end && *p == '.' && (p = digits(p + 1, end)) == NULL)
		return NULL;
	if (p < end && (*p | 32) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = digits(p, end);
	}
	return p;
}

static const char *
literal(struct cur *c, const char *p, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - p) < n || memcmp(p, word, n) != 0)
		return bad(c, p, "a word that is not true, false or null");
	return p + n;
}

/* The scalar at p. */
static const char *
scalar(struct cur *c, const char *p)
{
	const char *q;

	switch (scan_tag[(unsigned char)*p]) {
	case T_STR:
		return string(c, p);
	case T_NUM:
		if ((q = plain_number(p, c->end)) == NULL)
			return bad(c, p, "not a JSON number");
		break;
	case T_TRUE:
		q = literal(c, p, "true");
		break;
	case T_FALSE:
		q = literal(c, p, "false");
		break;
	case T_NULL:
		q = literal(c, p, "null");
		break;
	default:
		return bad(c, p, *p == '\0' ? "a NUL byte" : "expected a value");
	}
	if (q != NULL && q < c->end && !scan_delim[(unsigned char)*q])
		return bad(c, p, scan_tag[(unsigned char)*p] == T_NUM ? "not a JSON number" :
		    "a word that is not true, false or null");
	return q;
}

/* The key at p and its colon; behind it. *node: the asked path it stands on. */
static const char *
key(struct cur *c, struct frame *f, const char *p, int *node)
{
	struct plain *a = c->a;
	const char *q;

	*node = TRIE_NONE;
	if (p >= c->end || *p != '"')
		return bad(c, p, p < c->end ? "expected a key in quotes" : "the line ends inside an object");
	if ((q = string(c, p)) == NULL)
		return NULL;
	if (f->n++ == a->limits->keys)
		return bad(c, p, "more keys in an object than the limit");
	if (f->children != TRIE_NONE) {
		*node = trie_key(a->trie, f->children, span_of(p + 1, (size_t)(q - p) - 2), c->escaped, &a->key);
		if (*node != TRIE_NONE) {
			if (a->met[*node] == a->serial)
				return bad(c, p, "path occurs twice");
			a->met[*node] = a->serial;
		}
	}
	q = skip_blank(q, c->end);
	if (q >= c->end || *q != ':')
		return bad(c, q, q < c->end ? "expected ':' after a key" : "the line ends inside an object");
	return skip_blank(q + 1, c->end);
}

static void
fill(struct plain *a, int node, const char *p, const char *end, bool escaped)
{
	if (node != TRIE_NONE)
		plain_fill(a, node, p, (size_t)(end - p), (uint8_t)escaped);
}

/* The value at p with all that is in it; behind it. */
static const char *
value(struct cur *c, const char *p)
{
	struct plain *a = c->a;
	struct frame *f = a->frame;	/* the innermost open container is f[-1] */
	const char *q;
	int node = TRIE_ROOT;

	for (;;) {
		/* A value begins at p and stands on node. */
		if (p >= c->end)
			return bad(c, p, "the line ends where a value should be");
		if (*p == '{' || *p == '[') {
			if ((size_t)(f - a->frame) == a->limits->depth)
				return bad(c, p, "nested deeper than the limit");
			frame_open(a->trie, f++, p, node);
			p = skip_blank(p + 1, c->end);
			if (p >= c->end || *p != (f[-1].object ? '}' : ']')) {
				if (!f[-1].object)
					node = frame_element(a->trie, &f[-1]);
				else if ((p = key(c, &f[-1], p, &node)) == NULL)
					return NULL;
				continue;
			}
		} else {
			c->escaped = false;
			if ((q = scalar(c, p)) == NULL)
				return NULL;
			fill(a, node, p, q, c->escaped);
			p = q;
			if (f == a->frame)
				return p;
			p = skip_blank(p, c->end);
		}
		/* Behind a value, or at the bracket that closes an empty container. */
		while (p < c->end && *p == (f[-1].object ? '}' : ']')) {
			p++;
			f--;
			fill(a, f->self, f->start, p, false);
			if (f == a->frame)
				return p;
			p = skip_blank(p, c->end);
		}
		if (p >= c->end)
			return bad(c, p, f[-1].object ? "the line ends inside an object" :
			    "the line ends inside an array");
		if (*p != ',')
			return bad(c, p, f[-1].object ? "expected ',' or '}'" : "expected ',' or ']'");
		p = skip_blank(p + 1, c->end);
		if (!f[-1].object)
			node = frame_element(a->trie, &f[-1]);
		else if ((p = key(c, &f[-1], p, &node)) == NULL)
			return NULL;
	}
}

/* Bytes that are no JSON at all, but that we know by sight. */
static const char *
look_alike(struct span s)
{
	static const struct { const char *p; size_t n; const char *why; } known[] = {
		{ "\xEF\xBB\xBF", 3, "a byte order mark (EF BB BF) before the record" },
		{ "\xFF\xFE", 2, "UTF-16 (byte order mark FF FE), not UTF-8" },
		{ "\xFE\xFF", 2, "UTF-16 (byte order mark FE FF), not UTF-8" },
		{ "{\0", 2, "a NUL byte behind a bracket: UTF-16, not UTF-8" },
		{ "\0{", 2, "a NUL byte before a bracket: UTF-16, not UTF-8" },
		{ "\x28\xB5\x2F\xFD", 4, "zstd data inside the text" },
		{ "\x1F\x8B\x08", 3, "gzip data inside the text" },
		{ "\0", 1, "a NUL byte" },
		{ "\x1E", 1, "a record separator (json-seq), not one record a line" },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (s.n >= known[i].n && memcmp(s.p, known[i].p, known[i].n) == 0)
			return known[i].why;
	return NULL;
}

static const char *
judge(struct plain *a, struct span line)
{
	struct cur c = { .a = a, .start = line.p, .end = line.p + line.n };
	const char *p = skip_blank(c.start, c.end), *why;

	a->at = (size_t)(p - c.start);
	if ((why = look_alike(span_from(line, a->at))) != NULL)
		return why;
	if (!a->limits->any && p < c.end && *p != '{')
		return "not a JSON object";
	if ((p = value(&c, p)) == NULL)
		return c.why;
	p = skip_blank(p, c.end);
	if (p < c.end) {
		bad(&c, p, "more than one value on the line");
		return c.why;
	}
	return NULL;
}

void
plain_begin(struct plain *a, size_t row)
{
	a->row = row;
	a->left = a->trie->n_columns;
	if (++a->serial == 0) {		/* wrapped: what is marked with old serials must not match */
		memset(a->met, 0, a->trie->n * sizeof *a->met);
		a->serial = 1;
	}
}

void
plain_absent(struct plain *a)
{
	const struct trie *t = a->trie;

	for (size_t r = 0; r < t->n_refs;) {
		size_t col = t->ref[r].col;
		bool there = false;

		for (; r < t->n_refs && t->ref[r].col == col; r++)
			there |= a->met[t->ref[r].node] == a->serial;
		if (!there)
			val_set(&a->col[col][a->row], "", 0, T_ABSENT, 0);
	}
}

const char *
plain_line(struct plain *a, struct span line, size_t row)
{
	const char *why;

	plain_begin(a, row);
	if ((why = judge(a, line)) != NULL)
		plain_begin(a, row);	/* a bad line has no values */
	plain_end(a);
	return why;
}
