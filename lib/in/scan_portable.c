/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_portable - the kernel for any machine, in plain C and 16-byte vectors; it takes blanks anywhere
 *
 * Two blocks of 64 bytes are turned into eight planes of bits (in/scan_planes.h), and the grammar is logic on these.
 * Carries of an addition run through blanks, which is how "the next byte that is no blank" is found without a loop.
 *
 * A window is gone over by strides of sixteen vectors and each of these by short loops, so that the machine sees more
 * than one chain of instructions that wait for each other.
 * O(n), no tables.
 */
#define LANE_BYTES 16
#define VECTORS 16			/* of a stride */
#include "in/scan_planes.h"

/* What one vector hands to the next.  Of the lanes, the last one counts. */
struct carry {
	lanes scalar, other, digit, sign, zero, begin_minus;
	lanes quote, separator, open;	/* see layout_errors */
	unsigned after_quote, after_separator, after_open;	/* 1: the same, and blanks behind it */
	unsigned blank;			/* 1 behind a blank */
	struct text_carry text;
	unsigned colon, run;		/* carries of additions */
};

/* Bytes of two registers in turn: of their first halves, or of the second. */
#define ZIP_FIRST(a, b) BYTES_PICK(bytes16, a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_SECOND(a, b) BYTES_PICK(bytes16, a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/*
 * Zip registers whose numbers differ in the bit `step`.  A byte's place is seven bits, three for the register and four
 * for the byte in it: `step` becomes the lowest of these four, and their highest takes its place among the three.
 */
BITS_INLINE void
zip(bytes16 v[8], size_t step)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		if ((i & step) == 0) {
			bytes16 first = ZIP_FIRST(v[i], v[i + step]);

			v[i + step] = ZIP_SECOND(v[i], v[i + step]);
			v[i] = first;
		}
}

/* Registers whose numbers differ in the bit `step` exchange bits: of each 2 * step bits the low and the high ones. */
BITS_INLINE void
exchange(lanes r[8], size_t step, uint64_t low)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		if ((i & step) == 0) {
			lanes differ = (r[i] >> step ^ r[i + step]) & (lanes){ low, low };

			r[i + step] ^= differ;
			r[i] ^= differ << step;
		}
}

/*
 * The planes of 128 bytes.  Zipped four times, a register holds each eighth byte; eight such registers are 16 matrices
 * of eight times eight bits, which are transposed.
 */
BITS_INLINE void
planes(uint64_t out[8][LANES], const char *p)
{
	const uint64_t all = ~(uint64_t)0;
	bytes16 v[8];
	lanes r[8];

#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		v[i] = bytes_load(p + 16 * i);
	zip(v, 4);
	zip(v, 2);
	zip(v, 1);
	zip(v, 4);
#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		r[i] = (lanes)v[(i & 1) << 2 | (i & 4) >> 1 | (i & 2) >> 1];	/* where the zips left them */
	exchange(r, 1, all / 3);
	exchange(r, 2, all / 5);
	exchange(r, 4, all / 17);
#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		r[i] = (lanes)BYTES_PICK(bytes16, (bytes16)r[i], (bytes16)r[i], 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12,
		    11, 10, 9, 8);
#endif
		lanes_store(out[i], r[i]);
	}
}

/* How many bits of each lane are set. */
BITS_INLINE lanes
counts(lanes v)
{
	const uint64_t all = ~(uint64_t)0;

	v -= v >> 1 & all / 3;
	v = (v & all / 5) + (v >> 2 & all / 5);
	v = (v + (v >> 4)) & all / 17;
#ifdef __SSE2__
	return (lanes)_mm_sad_epu8((__m128i)v, _mm_setzero_si128());	/* the sum of eight bytes */
#else
	return (v * (all / 255)) >> 56;
#endif
}

/* Signs, points and zeros where they must not stand.  Words, with the numbers around them, are judged by others. */
BITS_INLINE lanes
number_errors(struct carry *c, const struct classes *k, lanes begin, lanes after_other)
{
	lanes begin_minus = lanes_shift(k->minus & begin, &c->begin_minus), error;

	error = k->minus & ~(begin | after_other);
	error |= lanes_shift(k->minus | k->dot, &c->sign) & ~k->digit;
	error |= k->dot & ~lanes_shift(k->digit, &c->digit);
	error |= lanes_points(k->digit, k->dot, &c->run);
	error |= lanes_shift(k->zero & (begin | begin_minus), &c->zero) & k->digit;
	return error;
}

/*
 * What stands where it must not, looking back over blanks.  start: where values and keys begin.  An LF is taken for an
 * opening bracket: behind both comes a value, never a separator, nor an LF; so empty lines are marked too.
 */
BITS_INLINE lanes
layout_errors(struct carry *c, const struct classes *k, lanes start)
{
	lanes quote = lanes_shift(k->quote, &c->quote);
	lanes separator = lanes_shift(k->comma | k->colon, &c->separator);
	lanes open = lanes_shift(k->open | k->lf, &c->open), blank = k->blank | k->cr;
	unsigned blanks = lanes_set(blank);

	if (blanks | c->blank) {
		quote = lanes_add(blank, quote, &c->after_quote) & ~blank;
		separator = lanes_add(blank, separator, &c->after_separator) & ~blank;
		open = lanes_add(blank, open, &c->after_open) & ~blank;
		c->blank = lanes_top(blank) >> (LANES - 1);
	}
	return (start & ~(separator | open)) | (k->colon & ~quote) | ((k->comma | k->lf) & (separator | open)) |
	    (k->close & separator);
}

/* All rules for the vector of blocks from i on.  Returns which blocks have the beginning of a word. */
BITS_INLINE unsigned
rules(struct carry *c, struct strip *s, size_t i, lanes *odd)
{
	lanes p[8] MEM_UNFILLED, in = lanes_load(s->in + i), quotes = lanes_load(s->quote + i);
	lanes error = lanes_load(s->error + i);
	lanes tokens, scalar, begin, after_other, words;
	struct classes k;

	load_planes(p, s->plane[i / LANES]);
	k = classes_of(p, in, quotes);
	tokens = k.open | k.close | k.comma | k.lf;
	lanes_store(s->tokens + i, tokens);
	lanes_store(s->n_tokens + i, counts(tokens));
	lanes_store(s->members + i, lanes_members(k.colon, tokens, &c->colon, &error));
	scalar = k.other | k.digit | k.dot | k.minus;
	begin = scalar & ~lanes_shift(scalar, &c->scalar);
	after_other = lanes_shift(k.other, &c->other);
	words = k.other & ~after_other;
	lanes_store(s->words + i, words);
	error |= number_errors(c, &k, begin, after_other);
	error |= layout_errors(c, &k, (quotes & in) | begin | k.open);
	if (RARE(lanes_set(p[7]) | c->text.high))
		error |= utf8_errors(&c->text, p);
	lanes_store(s->error + i, error);
	*odd |= error;
	return lanes_set(words);
}

/* Blocks from p on, `base` in the window. */
static void
stride(struct marks *m, struct strip *s, struct carry *c, const char *p, size_t base, size_t blocks)
{
	uint64_t all = ((uint64_t)1 << blocks) - 1, words = 0;
	uint8_t *token = m->token + m->n;
	uint16_t *pos = m->pos + m->n;
	lanes odd = { 0 };
	size_t n;

	for (size_t i = 0; i < blocks; i += LANES)
		planes(s->plane[i / LANES], p + i * 64);
	for (size_t i = 0; i < blocks; i += LANES)
		strings(&c->text, s, m, i, p + i * 64, base + i * 64, blocks - i);
	for (size_t i = 0; i < blocks; i += LANES)
		words |= (uint64_t)rules(c, s, i, &odd) << i;
	if (RARE(lanes_set(odd)))
		for (size_t i = 0; i < blocks; i++)
			if (s->error[i] != 0)
				marks_error(m, base + i * 64, s->error[i]);
	put_words(m, s->words, words & all, base);
	for (size_t i = 0; i < blocks; i++) {
		n = s->n_tokens[i];
		bits_put(pos, token, s->tokens[i], n, s->members[i], (const uint8_t *)p + i * 64, base + i * 64);
		pos += n;
		token += n;
	}
	m->n = (size_t)(pos - m->pos);
}

static void
mark(const struct tables *tables, struct marks *m, const char *p, size_t n)
{
	struct strip s MEM_UNFILLED;
	struct carry c = { .open = ~(lanes){ 0 } };	/* before a window stands an LF */

	(void)tables;
	for (size_t i = 0; i < n; i += VECTORS * VECTOR_BYTES)
		stride(m, &s, &c, p + i, i, n - i < VECTORS * VECTOR_BYTES ? (n - i + 63) / 64 : STRIDE_BLOCKS);
}

const struct kernel_ops kernel_portable = { "portable", mark };
