/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_planes - the rules of kernels that work on planes of bits, for LANES blocks at once
 *
 *	#define LANE_BYTES 64			// a kernel's file: how wide its registers are
 *	#include "in/scan_planes.h"
 *	planes(s.plane[i], p);			// the kernel's own
 *	strings(&carry, &s, marks, i, p, base, blocks);
 *	classes_of(&k, s.plane[i], lanes_load(s.in + i), lanes_load(s.quote + i));
 *
 * A plane is a vector, a lane of it a block of 64 bytes, and its bits are one bit of each of the block's bytes: plane 0
 * the lowest.  Once there are eight of them everything is logic on masks: what a byte is, what may stand beside it,
 * strings, UTF-8, \u escapes.  Parallel bit streams: R. D. Cameron, K. S. Herdy, D. Lin, "High performance XML parsing
 * using parallel bit stream technology", CASCON 2008; carries go from lane to lane as in scan_lanes.h.
 *
 * Invariants: no branch that data decides but where bytes are seldom: escapes, bytes that are not ASCII, control bytes
 * in strings.
 */
#ifndef IN_SCAN_PLANES_H
#define IN_SCAN_PLANES_H

#include "base/mem.h"
#include "in/scan_lanes.h"

#define VECTOR_BYTES (64 * LANES)
#define STRIDE_BLOCKS (VECTORS * LANES)

/* What is known of VECTORS vectors: masks by block. */
struct strip {
	_Alignas(LANE_BYTES) uint64_t plane[VECTORS][8][LANES];
	uint64_t in[STRIDE_BLOCKS];		/* in strings: from the opening quote on, the closing one not */
	uint64_t quote[STRIDE_BLOCKS];		/* that open or close a string */
	uint64_t error[STRIDE_BLOCKS], zeros[STRIDE_BLOCKS];	/* see put_errors */
	uint64_t tokens[STRIDE_BLOCKS], members[STRIDE_BLOCKS], words[STRIDE_BLOCKS];
	uint64_t n_tokens[STRIDE_BLOCKS];	/* where they are counted by the lane */
};

/* What strings and UTF-8 of one vector hand to the next.  Of the lanes, the last one counts. */
struct text_carry {
	lanes lead2, lead3, lead4, low_e0, low_ed, low_f0, low_f4;	/* UTF-8 */
	lanes u, d;							/* \u escapes */
	uint64_t escape;	/* the next byte is escaped */
	unsigned in;		/* 1 inside a string */
	unsigned high;		/* not 0: the last three bytes were not all ASCII */
	unsigned unicode;	/* not 0: the rest of a \u escape may come */
};

/* What the bytes outside strings are. */
struct classes {
	lanes open, close, comma, colon, lf, cr, blank, quote, digit, zero, dot, minus;
	lanes other;		/* letters, +, and all that JSON does not know */
};

BITS_INLINE void
load_planes(lanes p[8], const uint64_t from[8][LANES])
{
#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		p[i] = lanes_load(from[i]);
}

/* Escaped bytes that stand for no escape: not one of " \ / b f n r t u. */
BITS_INLINE lanes
escape_errors(const lanes p[8], lanes escaped, lanes quote, lanes slash)
{
	lanes row2 = ~(p[7] | p[6] | p[4]) & p[5], row67 = ~p[7] & p[6] & p[5];
	lanes br = ~(p[3] | p[2]) & p[1] & ~p[0], fn = ~p[4] & p[2] & p[1] & ~p[0];
	lanes tu = p[4] & ~p[3] & p[2] & ~p[1];

	return escaped & ~(quote | slash | (row2 & p[3] & p[2] & p[1] & p[0]) | (row67 & (br | fn | tu)));
}

/* Those of `blocks` blocks at p with surrogates, `base` in the window, that are unpaired. */
static lanes __attribute__((noinline))
unpaired(lanes surrogates, const char *p, size_t base, size_t blocks)
{
	uint64_t from[LANES], err[LANES] = { 0 };

	lanes_store(from, surrogates);
	for (size_t i = 0; i < blocks && i < LANES; i++)
		if (from[i] != 0)
			err[i] = bits_unpaired(from[i], p - base, base + i * 64);
	return lanes_load(err);
}

/* \u without four hex digits, and surrogates that have no partner; u: the u's of such escapes. */
static lanes __attribute__((noinline))
unicode_errors(struct text_carry *c, const lanes p[8], lanes u, const char *text, size_t base, size_t blocks)
{
	lanes row3 = ~(p[7] | p[6]) & p[5] & p[4], row46 = ~p[7] & p[6] & ~p[4], low = p[2] | p[1] | p[0];
	lanes letter = row46 & ~p[3] & low & ~(p[2] & p[1] & p[0]), eight = row3 & p[3] & ~(p[2] | p[1]);
	lanes hex = letter | eight | (row3 & ~p[3]), first = lanes_shift_by(u, c->u, 1), d, surrogates, error;

	error = (first | lanes_shift_by(u, c->u, 2) | lanes_shift_by(u, c->u, 3) | lanes_shift_by(u, c->u, 4)) & ~hex;
	d = first & letter & p[2] & ~(p[1] | p[0]);
	surrogates = lanes_shift_by(d, c->d, 1) & (letter | eight);
	c->u = u;
	c->d = d;
	c->unicode = lanes_set(u >> 60 | d >> 63) >> (LANES - 1);
	if (lanes_set(surrogates))
		error |= unpaired(surrogates, text, base, blocks);
	return error;
}

/* What is in strings, for the vector of `blocks` blocks from i on, at `text`, `base` in the window. */
BITS_INLINE void
strings(struct text_carry *c, struct strip *s, struct marks *m, size_t i, const char *text, size_t base, size_t blocks)
{
	lanes p[8] MEM_UNFILLED, quotes, slash, control, in, u, escaped = { 0 }, error = { 0 };
	lanes stray = { 0 };		/* quotes behind a backslash */

	load_planes(p, s->plane[i / LANES]);
	control = ~(p[7] | p[6] | p[5]);
	quotes = ~(p[7] | p[6] | p[4]) & p[5] & ~(p[3] | p[2] | p[0]) & p[1];
	slash = ~(p[7] | p[5]) & p[6] & p[4] & p[3] & p[2] & ~(p[1] | p[0]);
	if (RARE(lanes_set(slash) | c->escape)) {
		lanes_store(m->slash + base / 64, slash);
		escaped = lanes_escaped(m->slash + base / 64, slash, &c->escape);
		m->slashed[base / 4096] |= (uint64_t)lanes_set(slash) << base / 64 % 64;
		m->any_slash = 1;
		error = escape_errors(p, escaped, quotes, slash);
		stray = quotes & escaped;
		quotes ^= stray;
	}
	in = lanes_inside(quotes, &c->in);
	if (RARE(lanes_set(control & in))) {
		lanes_store(s->in + i, in);
		lanes_store(s->error + i, control);
		end_at_lf(s->in + i, s->error + i, text, blocks, &c->in);
		in = lanes_load(s->in + i);
	}
	error = ((error | control) & in) | (stray & ~in);
	u = escaped & in & ~p[7] & p[6] & p[5] & p[4] & ~(p[3] | p[1]) & p[2] & p[0];
	if (RARE(lanes_set(u) | c->unicode))
		error |= unicode_errors(c, p, u, text, base, blocks);
	lanes_store(s->in + i, in);
	lanes_store(s->quote + i, quotes);
	lanes_store(s->error + i, error);
}

BITS_INLINE struct classes
classes_of(const lanes p[8], lanes in, lanes quotes)
{
	lanes out = ~in & ~p[7], row0 = out & ~(p[6] | p[5] | p[4]), row2 = out & ~(p[6] | p[4]) & p[5];
	lanes row3 = out & ~p[6] & p[5] & p[4], row57 = out & p[6] & p[4];
	lanes from0 = ~(p[3] | p[2] | p[1] | p[0]), from8 = p[3] & ~p[2], from12 = p[3] & p[2];
	lanes ten = from8 & p[1] & ~p[0], thirteen = from12 & ~p[1] & p[0];
	struct classes k = {
		.open = row57 & from8 & p[1] & p[0], .close = row57 & thirteen, .quote = quotes & ~in,
		.lf = row0 & ten, .cr = row0 & thirteen, .blank = (row0 & from8 & ~p[1] & p[0]) | (row2 & from0),
		.comma = row2 & from12 & ~(p[1] | p[0]), .minus = row2 & thirteen, .dot = row2 & from12 & p[1] & ~p[0],
		.zero = row3 & from0, .digit = row3 & ~(p[3] & (p[2] | p[1])), .colon = row3 & ten,
	};

	k.other = ~(in | k.open | k.close | k.comma | k.colon | k.lf | k.cr | k.blank | k.quote | k.digit | k.dot |
	    k.minus);
	return k;
}

/*
 * Where UTF-8 breaks off (RFC 3629): continuations are where a byte before asks for them, and nowhere else; a few leads
 * are never good, and some bound the byte behind them.
 */
BITS_INLINE lanes
utf8_errors(struct text_carry *c, const lanes p[8])
{
	lanes lead2 = p[7] & p[6], lead3 = lead2 & p[5], lead4 = lead3 & p[4], low = p[3] | p[2] | p[1] | p[0];
	lanes e0 = lead3 & ~p[4] & ~low, ed = lead3 & ~p[4] & p[3] & p[2] & ~p[1] & p[0];
	lanes f0 = lead4 & ~low, f4 = lead4 & p[2] & ~(p[3] | p[1] | p[0]), error;

	error = (p[7] & ~p[6]) ^ (lanes_shift(lead2, &c->lead2) | lanes_shift_by(lead3, c->lead3, 2) |
	    lanes_shift_by(lead4, c->lead4, 3));
	error |= lead2 & ~(p[5] | p[4] | p[3] | p[2] | p[1]);		/* C0, C1 */
	error |= lead4 & (p[3] | (p[2] & (p[1] | p[0])));		/* F5 to FF */
	error |= lanes_shift(e0, &c->low_e0) & ~p[5];			/* overlong */
	error |= lanes_shift(ed, &c->low_ed) & p[5];			/* surrogates */
	error |= lanes_shift(f0, &c->low_f0) & ~(p[5] | p[4]);		/* overlong */
	error |= lanes_shift(f4, &c->low_f4) & (p[5] | p[4]);		/* over U+10FFFF */
	c->lead3 = lead3;
	c->lead4 = lead4;
	c->high = lanes_set(p[7] >> 61) >> (LANES - 1);
	return error;
}

#endif
