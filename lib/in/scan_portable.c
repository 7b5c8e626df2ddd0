/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_portable - the kernel for any machine, in plain C and 16-byte vectors; it takes blanks anywhere
 *
 * Per 64 bytes: one mask of 64 bits for each kind of byte, then the grammar as arithmetic on these masks.
 * Carries of an addition run through blanks and digits, which is how "the next byte that is no blank" is found
 * without a loop.
 * O(n), no tables.
 */
#include <string.h>

#include "in/scan_bits.h"
#include "in/scan_kernel.h"
#include "in/scan_plain.h"
struct bytes64 { bytes16 v[4]; };

/* Kinds of bytes in a block, a bit a byte. */
struct kinds {
	uint64_t quote, slash, lf, blank, control, open, close, comma, colon, digit, zero, point, minus;
};

/* Masks of the block before, or what an addition carried out of it. */
struct carry {
	uint64_t in, escape;
	struct bits_escapes escapes;
	uint64_t scalar, word, sign, begin_sign, digit, zero;
	uint64_t quoted, closed, separator, opened;
	uint8_t colon, run, after_string, after_value, after_separator, after_open;
	size_t utf8_left;	/* bytes of the next block that a sequence begun in this one takes */
};

BITS_INLINE struct bytes64
load(const char *p)
{
	struct bytes64 b;

	memcpy(&b, p, sizeof b);
	return b;
}

BITS_INLINE uint64_t
equal(const struct bytes64 *b, uint8_t c)
{
	uint64_t m = 0;

	for (unsigned i = 0; i < 4; i++)
		m |= bits_of((bytes16)(b->v[i] == bytes_all(c))) << 16 * i;
	return m;
}

/* Bytes from lo to hi, compared after `mask` was set in them. */
BITS_INLINE uint64_t
between(const struct bytes64 *b, uint8_t mask, uint8_t lo, uint8_t hi)
{
	uint64_t m = 0;

	for (unsigned i = 0; i < 4; i++)
		m |= bits_of((bytes16)(((b->v[i] | bytes_all(mask)) - bytes_all(lo)) <=
		    bytes_all((uint8_t)(hi - lo)))) << 16 * i;
	return m;
}

BITS_INLINE uint64_t
high(const struct bytes64 *b)
{
	uint64_t m = 0;

	for (unsigned i = 0; i < 4; i++)
		m |= bits_of((bytes16)(b->v[i] >= bytes_all(0x80))) << 16 * i;
	return m;
}

BITS_INLINE uint64_t
inside(uint64_t x)
{
	for (int i = 1; i < 64; i *= 2)
		x ^= x << i;
	return x;
}

static inline struct kinds
kinds_of(const struct bytes64 *b)
{
	const bytes16 bit = bytes_all(0x20);	/* [ and { differ in it, and so do ] and } */
	const struct bytes64 curly = { { b->v[0] | bit, b->v[1] | bit, b->v[2] | bit, b->v[3] | bit } };
	struct kinds k = {
		.quote = equal(b, '"'), .slash = equal(b, '\\'), .control = between(b, 0, 0, 0x1F),
		.blank = equal(b, ' '), .open = equal(&curly, '{'), .close = equal(&curly, '}'),
		.comma = equal(b, ','), .colon = equal(b, ':'), .digit = between(b, 0, '0', '9'),
		.zero = equal(b, '0'), .point = equal(b, '.'), .minus = equal(b, '-'),
	};

	if (k.control != 0) {
		k.lf = equal(b, '\n');
		k.blank |= equal(b, '\t') | equal(b, '\r');
	}
	return k;
}

static uint64_t
escape_errors(const struct bytes64 *b, uint64_t escaped, struct bits_escapes *c)
{
	uint64_t us = equal(b, 'u'), letter = between(b, 0x20, 'a', 'f'), err;

	err = escaped & ~(equal(b, '"') | equal(b, '\\') | equal(b, '/') | equal(b, 'b') | equal(b, 'f') |
	    equal(b, 'n') | equal(b, 'r') | equal(b, 't') | us);
	return err | bits_hex_errors(c, escaped & us, letter | between(b, 0, '0', '9'), between(b, 0x20, 'd', 'd'),
	    letter | between(b, 0, '8', '9'));
}

/* Sequences that begin in this block, one by one; `end` bounds what may be read of the next. */
static uint64_t
utf8_errors(const char *b, const char *end, uint64_t bytes, struct carry *c)
{
	uint64_t err = 0;
	size_t n;

	if (c->utf8_left > 0)
		bytes &= ~(uint64_t)0 << c->utf8_left;
	c->utf8_left = 0;
	while (bytes != 0) {
		unsigned i = (unsigned)__builtin_ctzll(bytes);

		if ((n = plain_utf8((const unsigned char *)b + i, (size_t)(end - b) - i)) == 0) {
			err |= UINT64_C(1) << i;
			bytes &= bytes - 1;
		} else if (i + n >= 64) {
			c->utf8_left = i + n - 64;
			break;
		} else
			bytes &= ~(uint64_t)0 << (i + n);
	}
	return err;
}

/* Numbers: what stands in `scalar` outside words.  Whole words, with the numbers around them, are judged by others. */
BITS_INLINE uint64_t
number_errors(const struct kinds *k, struct carry *c, uint64_t begin, uint64_t word, uint64_t out)
{
	uint64_t digit = k->digit & out, point = k->point & out, sign = k->minus & out, zero = k->zero & out;
	uint64_t after_word = bits_shift(word, &c->word);
	uint64_t after_begin_sign = bits_shift(sign & begin, &c->begin_sign), err;

	err = sign & ~(begin | after_word);
	err |= bits_shift(sign | point, &c->sign) & ~digit;
	err |= point & ~bits_shift(digit, &c->digit);
	err |= bits_points(digit, point, &c->run);
	err |= bits_shift(zero & (begin | after_begin_sign), &c->zero) & digit;
	return err;
}

/* Behind each bit of m, at the next byte that is no blank. */
BITS_INLINE uint64_t
next_of(uint64_t m, uint64_t blank, uint8_t *carry)
{
	return bits_add(blank, m, carry) & ~blank;
}

BITS_INLINE void
block(struct marks *m, struct carry *c, const char *b, const char *end, size_t base)
{
	struct bytes64 v = load(b);
	struct kinds k = kinds_of(&v);
	uint64_t escaped = 0, quotes = k.quote, in, out, error = 0, hit, bytes;
	uint64_t structure, tokens, members, blank, scalar, begin, word, words, starts;

	if (RARE(k.slash | c->escape)) {
		escaped = bits_escaped(k.slash, &c->escape);
		quotes &= ~escaped;
		m->slash[base / 64] = k.slash;
		m->slashed[base / 4096] |= (uint64_t)(k.slash != 0) << base / 64 % 64;
		m->any_slash |= k.slash;
	}
	in = inside(quotes) ^ c->in;
	while (RARE(hit = k.lf & in)) {		/* an LF ends a string whatever the quotes say */
		hit &= -hit;
		error |= hit;
		in ^= -hit;
	}
	c->in = (uint64_t)((int64_t)in >> 63);
	if (RARE((escaped & in) | c->escapes.u | c->escapes.d)) {
		error |= escape_errors(&v, escaped & in, &c->escapes);
		if (c->escapes.surrogates != 0)
			error |= bits_unpaired(c->escapes.surrogates, b - base, base);
	}
	error |= k.control & in;
	if ((bytes = high(&v)) != 0 || c->utf8_left != 0)
		error |= utf8_errors(b, end, bytes, c);

	out = ~in;
	structure = (k.open | k.close | k.comma | k.colon) & out;
	tokens = (structure & ~k.colon) | k.lf;
	blank = k.blank & out;
	scalar = out & ~(quotes | structure | blank | k.lf);
	word = scalar & ~(k.digit | k.point | k.minus);
	words = word & ~(word << 1 | c->word >> 63);
	uint64_t before = bits_shift(scalar, &c->scalar);
	begin = scalar & ~before;
	error |= number_errors(&k, c, begin, word, out);

	starts = (quotes & in) | begin | (k.open & out);
	uint64_t separator = (k.comma | k.colon) & out;
	uint64_t after_string = next_of(bits_shift(quotes & out, &c->quoted), blank, &c->after_string);
	uint64_t after_value = next_of((before & ~scalar) | bits_shift(k.close & out, &c->closed), blank,
	    &c->after_value);
	uint64_t after_separator = next_of(bits_shift(separator, &c->separator), blank, &c->after_separator);
	uint64_t after_open = next_of(bits_shift(k.open & out, &c->opened), blank, &c->after_open);

	error |= (after_string | after_value) & starts;
	error |= k.colon & out & ~after_string;
	error |= after_separator & (separator | (k.close & out) | k.lf);
	error |= after_open & (separator | k.lf);

	members = bits_members(k.colon & out, tokens, &c->colon, &error);
	if (RARE(error)) {
		m->error[base / 64] = error;
		m->any_error |= error;
	}
	m->n += bits_put(m->pos + m->n, m->token + m->n, tokens, members, (const uint8_t *)b, base);
	m->n_words += bits_put_words(m->word + m->n_words, words, base);
}

static void
mark(const struct tables *tables, struct marks *m, const char *p, size_t n)
{
	struct carry c = { 0 };

	(void)tables;
	for (size_t i = 0; i < n; i += 64)
		block(m, &c, p + i, p + (n + 63) / 64 * 64 + 4, i);
}

const struct kernel_ops kernel_portable = { "portable", mark };
