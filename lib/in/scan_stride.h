/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_stride - what the vector kernels share: the marks of 32 blocks of 64 bytes at a time
 *
 *	#define LANE_BYTES 64			// a kernel's file: how wide its registers are
 *	#include "in/scan_stride.h"
 *	... struct luts, luts_init(), first_look(), second_look(), escape_errors(), utf8_errors(), stage() ...
 *	#define STRIDE_BODY
 *	#include "in/scan_stride.h"		// defines mark()
 *
 * A stride is gone over by short loops, one for each thing to be known of its blocks, and what one knows is handed to
 * the next as words in memory.  In one piece a block is one long chain of instructions that wait for each other, and a
 * machine sees little more than one block ahead.  Rules on masks are for several blocks at once (scan_lanes.h).
 *
 * Invariants: blocks behind a window's end hold what was there before, and nobody looks at what is made of them.  No
 * branch that data decides but the ends of loops over what is seldom: escapes, bytes that are not ASCII, words, errors.
 */
#ifndef STRIDE_BODY

#include "in/scan_lanes.h"

#define STRIDE 32

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
		end_at_lf(s->in + i, s->control + i, p + i * 64, blocks > i ? blocks - i : 0, &c->in);
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
	lanes tokens = t & ~(d | e), colon = t & d, mixed, digit, zero, point, begin, any, words, error;

	error = lanes_load(s->error + i) | lanes_load(s->bad + i);
	lanes_store(s->tokens + i, tokens);
	lanes_store(s->members + i, lanes_members(colon, tokens, &c->colon, &error));
	mixed = e & ~t;
	digit = d & ~t;
	zero = mixed & digit;
	point = mixed ^ zero;
	error |= lanes_points(digit, point, &c->run);
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
		put_errors(m, s->error, s->zeros, p, base, blocks);
	put_words(m, s->words, words & all, base);
	for (size_t i = 0; i < blocks; i++)
		stage(&t, s->staged + i * 64, p + i * 64, s->members[i]);
	for (size_t i = 0; i < blocks; i++) {
		n = bits_count(s->tokens[i]);
		bits_put(pos, token, s->tokens[i], n, 0, s->staged + i * 64, base + i * 64);
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
