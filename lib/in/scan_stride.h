/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_stride - what the vector kernels share: the marks of 32 blocks of 64 bytes at a time
 *
 *	#define LANE_BYTES 64			// a kernel's file: how wide its registers are
 *	#include "in/scan_stride.h"
 *	... struct luts, luts_init(), first_look(), second_look(), escape_errors(), utf8_errors(), stage() ...
 *	... lanes_before(), lanes_set(), lanes_top(), lanes_of() ...
 *	#define STRIDE_BODY
 *	#include "in/scan_stride.h"		// defines mark()
 *
 * A stride is gone over by short loops, one for each thing to be known of its blocks, and what one knows is handed to
 * the next as words in memory.  In one piece a block is one long chain of instructions that wait for each other, and a
 * machine sees little more than one block ahead.  Rules on masks of 64 bits are for several blocks at once: a mask is a
 * lane of a register, and what goes from one block to the next goes from lane to lane.
 *
 * Invariants: lane 0 is the first block; what goes into lane 0 comes from the last lane of the vector before.  Blocks
 * behind a window's end hold what was there before, and nobody looks at what is made of them.  No branch that data
 * decides but the ends of loops over what is seldom: escapes, bytes that are not ASCII, words, errors.
 */
#ifndef STRIDE_BODY

#include <string.h>

#include "in/scan_bits.h"
#include "in/scan_kernel.h"

#define STRIDE 32
#define LANES (LANE_BYTES / sizeof(uint64_t))
#define LANES_ALL ((1u << LANES) - 1)

typedef uint64_t lanes __attribute__((vector_size(LANE_BYTES)));

/* What is known of a stride, a word a block: one bit of it a byte. */
struct strip {
	/* By first_look. */
	_Alignas(64) uint64_t quote[STRIDE], slash[STRIDE], control[STRIDE], high[STRIDE];
	uint64_t in[STRIDE];		/* in strings: from the opening quote on, the closing one not */
	uint64_t escaped[STRIDE];	/* in strings, behind a backslash that escapes */
	/* By second_look: flags of the class code (scan_grammar.h), and bytes that cannot follow the one before. */
	uint64_t t[STRIDE], d[STRIDE], e[STRIDE], bad[STRIDE];
	uint64_t error[STRIDE];		/* the same of the other rules */
	uint64_t tokens[STRIDE], members[STRIDE], words[STRIDE];
	uint64_t zeros[STRIDE];		/* digits behind a zero that begins a number */
	_Alignas(64) uint8_t staged[STRIDE * 64 + 64];	/* the bytes, members complemented; bits_put reads one more */
};

#else

/* What one stride hands to the next.  Of the lanes, the last ones count. */
struct carry {
	struct pairs pairs;
	lanes t, any, begin;
	uint64_t escape;	/* the next byte is escaped */
	struct bits_escapes u;
	unsigned in;		/* 1 inside a string */
	unsigned colon, run;	/* carries of additions */
	unsigned escapes;	/* 1: the next block may hold the rest of an escape */
	unsigned high;		/* 1: the next block may hold the rest of a UTF-8 sequence */
};

BITS_INLINE lanes
lanes_load(const uint64_t *m)
{
	lanes v;

	memcpy(&v, m, sizeof v);
	return v;
}

BITS_INLINE void
lanes_store(uint64_t *m, lanes v)
{
	memcpy(m, &v, sizeof v);
}

/* v shifted by one place in the stream; *before is the vector before, then this one. */
BITS_INLINE lanes
lanes_shift(lanes v, lanes *before)
{
	lanes r = v << 1 | lanes_before(v, *before) >> 63;

	*before = v;
	return r;
}

/*
 * a + b + *carry as one long number, and the carry out of it.  Carries between lanes are an addition too, of a bit a
 * lane: a carry runs through the lanes that are full.
 */
BITS_INLINE lanes
lanes_add(lanes a, lanes b, unsigned *carry)
{
	lanes s = a + b;
	unsigned full = LANES_ALL ^ lanes_set(~s), over = lanes_top((a & b) | ((a | b) & ~s));
	unsigned in = (over << 1 | *carry) + full;

	*carry = in >> LANES;
	return s - lanes_of(in ^ full);
}

/* 1 from each quote on to the one that closes it, that one not, over all lanes. */
BITS_INLINE lanes
lanes_inside(lanes quotes, unsigned *carry)
{
	lanes in = quotes;
	unsigned odd;

	for (int i = 1; i < 64; i *= 2)
		in ^= in << i;
	odd = lanes_top(in);		/* lanes with an odd number of quotes turn all behind them */
	odd ^= odd << 1;
	odd ^= odd << 2;
	if (LANES > 4)
		odd ^= odd << 4;
	odd = odd << 1 ^ -*carry;
	*carry = odd >> LANES & 1;
	return in ^ lanes_of(odd & LANES_ALL);
}

/* Escaped bytes, where an escape goes from a block to the next: one by one. */
static lanes __attribute__((noinline))
escaped_slowly(const uint64_t *slash, uint64_t *carry)
{
	uint64_t r[LANES];

	for (size_t i = 0; i < LANES; i++)
		r[i] = bits_escaped(slash[i], carry);
	return lanes_load(r);
}

/* Bytes that a backslash escapes. */
BITS_INLINE lanes
lanes_escaped(const uint64_t *from, lanes slash, uint64_t *carry)
{
	const lanes odd = (lanes){ 0 } + UINT64_C(0xAAAAAAAAAAAAAAAA);
	lanes ends = ((slash << 1 | odd) - slash) ^ odd;	/* see bits_escaped */

	if (RARE(*carry | lanes_top(ends & slash)))
		return escaped_slowly(from, carry);
	return ends ^ slash;
}

/*
 * An LF ends a string whatever the quotes say: a bad line never spoils the next one.  Looks for them in LANES blocks
 * from i on, at bytes p, and turns all that comes behind one.
 */
static void __attribute__((noinline))
end_at_lf(struct strip *s, size_t i, const char *p, size_t blocks, unsigned *carry)
{
	for (size_t end = i + LANES; i < end && i < blocks; i++)
		for (uint64_t hits = s->control[i] & s->in[i], at; hits != 0;) {
			at = bits_lowest(hits);
			hits &= hits - 1;
			if (p[i * 64 + at] != '\n')
				continue;
			s->in[i] ^= ~(uint64_t)0 << at;
			for (size_t k = i + 1; k < end; k++)
				s->in[k] = ~s->in[k];
			*carry ^= 1;
			hits = s->control[i] & s->in[i];	/* behind it */
		}
}

/* What is in strings, for LANES blocks from i on.  Returns which blocks have escapes. */
BITS_INLINE unsigned
strings(struct carry *c, struct strip *s, struct marks *m, size_t i, const char *p, size_t base, size_t blocks)
{
	lanes quotes = lanes_load(s->quote + i), slash = lanes_load(s->slash + i), escaped = { 0 }, in;
	lanes control = lanes_load(s->control + i);

	if (RARE(lanes_set(slash) | c->escape)) {
		escaped = lanes_escaped(s->slash + i, slash, &c->escape);
		quotes &= ~escaped;
		lanes_store(m->slash + base / 64 + i, slash);
		m->slashed[base / 4096] |= (uint64_t)lanes_set(slash) << (base / 64 + i) % 64;
		m->any_slash = 1;
	}
	in = lanes_inside(quotes, &c->in);
	lanes_store(s->in + i, in);
	if (RARE(lanes_set(control & in))) {
		end_at_lf(s, i, p, blocks, &c->in);
		in = lanes_load(s->in + i);
	}
	lanes_store(s->error + i, control & in);
	lanes_store(s->escaped + i, escaped & in);
	return lanes_set(escaped & in);
}

/*
 * All that looks further than at two neighbours, for LANES blocks from i on: the tokens, which of them are members,
 * where words begin.  Returns which blocks have the beginning of a word; *odd is not 0 where something may be wrong.
 */
BITS_INLINE unsigned
rules(struct carry *c, struct strip *s, size_t i, lanes *odd)
{
	lanes t = lanes_load(s->t + i), d = lanes_load(s->d + i), e = lanes_load(s->e + i);
	lanes tokens = t & ~(d | e), colon = t & d, sum, mixed, digit, zero, point, begin, any, words, error;

	/* Tokens that exactly one colon precedes since the token before: see bits_members. */
	sum = lanes_add(~tokens, colon, &c->colon);
	lanes_store(s->tokens + i, tokens);
	lanes_store(s->members + i, sum & tokens);
	/* Second points: see bits_points. */
	mixed = e & ~t;
	digit = d & ~t;
	zero = mixed & digit;
	point = mixed ^ zero;
	error = lanes_load(s->error + i) | lanes_load(s->bad + i) | (sum & colon);
	error |= lanes_add(digit | point, point, &c->run) & point;
	lanes_store(s->error + i, error);
	/* A zero behind what is no part of a number, and a digit behind that. */
	begin = zero & lanes_shift(t, &c->t);
	zero = lanes_shift(begin, &c->begin) & digit;
	lanes_store(s->zeros + i, zero);
	*odd |= error | zero;
	any = t | d | e;		/* all but words */
	words = lanes_shift(any, &c->any) & ~any;
	lanes_store(s->words + i, words);
	return lanes_set(words);
}

/* Escapes that JSON does not know, in the blocks `in`, and in those of `all` that hold the end of one. */
static void __attribute__((noinline))
check_escapes(const struct luts *t, struct carry *c, struct strip *s, const char *p, size_t base, uint64_t in,
    uint64_t all)
{
	for (in |= c->escapes; (in & all) != 0; in &= in - 1) {
		size_t i = (size_t)__builtin_ctzll(in);

		s->error[i] |= escape_errors(t, p + i * 64, s->escaped[i], &c->u);
		if (RARE(c->u.surrogates))
			s->error[i] |= bits_unpaired(c->u.surrogates, p - base, base + i * 64);
		if ((c->u.u >> 60 | c->u.d >> 63) != 0)
			in |= (uint64_t)2 << i;
	}
	c->escapes = (unsigned)(in >> STRIDE);
}

/* Where UTF-8 breaks off, in the blocks `in` that are not ASCII, and in those of `all` behind them. */
BITS_INLINE void
check_utf8(const struct luts *t, struct carry *c, struct strip *s, const char *head, const char *p, uint64_t in,
    uint64_t all)
{
	in |= in << 1 | c->high;
	c->high = (unsigned)(in >> STRIDE);
	for (in &= all; in != 0; in &= in - 1) {
		size_t i = (size_t)__builtin_ctzll(in);

		s->error[i] |= utf8_errors(t, i == 0 ? head : p + i * 64);
	}
}

/* The errors of a stride: seldom any. */
static void __attribute__((noinline))
put_errors(struct marks *m, const struct strip *s, const char *head, const char *p, size_t base, size_t blocks)
{
	for (size_t i = 0; i < blocks; i++) {
		uint64_t error = s->error[i];

		if (s->zeros[i] != 0)
			error |= bits_leading_zeros(s->zeros[i], i == 0 ? head : p + i * 64);
		if (error != 0)
			marks_error(m, base + i * 64, error);
	}
}

/* The offsets of words in the blocks `in`. */
BITS_INLINE void
put_words(struct marks *m, const struct strip *s, uint64_t in, size_t base)
{
	uint16_t *word = m->word + m->n_words;

	for (; in != 0; in &= in - 1) {
		size_t i = (size_t)__builtin_ctzll(in);
		uint64_t w = s->words[i];

		do {
			*word++ = (uint16_t)(base + i * 64 + bits_lowest(w));
			w &= w - 1;
		} while (RARE(w));
	}
	m->n_words = (size_t)(word - m->word);
}

/*
 * Blocks from p on, `base` in the window.  Of the first of them three bytes before it are readable at `head` only: a
 * window's first block is copied, for nothing may be readable before that.
 */
static void
stride(const struct luts *luts, struct marks *m, struct strip *s, struct carry *carry, const char *head, const char *p,
    size_t base, size_t blocks)
{
	const struct luts t = *luts;	/* in registers: behind a pointer might lie what is stored */
	struct carry c = *carry;
	uint8_t *token = m->token + m->n;
	uint16_t *pos = m->pos + m->n;
	uint64_t all = ((uint64_t)1 << blocks) - 1, escapes = 0, high = 0, words = 0;
	lanes odd = { 0 };
	size_t n;

	for (size_t i = 0; i < blocks; i++)
		first_look(&t, s, i, p + i * 64);
	for (size_t i = 0; i < STRIDE; i += LANES) {
		high |= (uint64_t)lanes_set(lanes_load(s->high + i)) << i;
		escapes |= (uint64_t)strings(&c, s, m, i, p, base, blocks) << i;
	}
	for (size_t i = 0; i < blocks; i++)
		second_look(&t, s, i, p + i * 64, &c.pairs);
	if (RARE((escapes & all) | c.escapes))
		check_escapes(&t, &c, s, p, base, escapes & all, all);
	check_utf8(&t, &c, s, head, p, high & all, all);
	for (size_t i = 0; i < STRIDE; i += LANES)
		words |= (uint64_t)rules(&c, s, i, &odd) << i;
	if (RARE(lanes_set(odd)))
		put_errors(m, s, head, p, base, blocks);
	put_words(m, s, words & all, base);
	for (size_t i = 0; i < blocks; i++)
		stage(&t, s->staged + i * 64, p + i * 64, s->members[i]);
	for (size_t i = 0; i < blocks; i++) {
		n = bits_put(pos, token, s->tokens[i], 0, s->staged + i * 64, base + i * 64);
		pos += n;
		token += n;
	}
	m->n = (size_t)(pos - m->pos);
	*carry = c;
}

static void
mark(const struct tables *tables, struct marks *m, const char *p, size_t n)
{
	struct luts t;
	struct carry c = { .pairs = pairs_begin(tables), .t = ~(lanes){ 0 }, .any = ~(lanes){ 0 } };
	struct strip s = { .quote = { 0 } };
	char first[128];

	luts_init(&t, tables);
	memset(first, '\n', 64);
	memcpy(first + 64, p, 64);
	for (size_t i = 0; i < n; i += STRIDE * 64)
		stride(&t, m, &s, &c, i == 0 ? first + 64 : p + i, p + i, i,
		    n - i < STRIDE * 64 ? (n - i + 63) / 64 : STRIDE);
}

#endif
