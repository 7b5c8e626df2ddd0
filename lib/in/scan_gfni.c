/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_gfni - the kernel for x86-64 with AVX-512 VBMI2 and GFNI: Ice Lake, Zen 4 and later
 *
 * The bytes of eight blocks are turned into eight planes, one for each bit of a byte: a plane is a vector of eight
 * lanes, a lane a block, and its bits are that bit of the block's bytes.  From there on everything is logic on masks,
 * for 512 bytes at once: what a byte is, what may stand beside it, strings, numbers, UTF-8, \u escapes.  Only putting
 * the tokens goes by the block, by vpcompressb.  Parallel bit streams: R. D. Cameron, K. S. Herdy, D. Lin, "High
 * performance XML parsing using parallel bit stream technology", CASCON 2008; here a matrix product over GF(2) makes
 * them, and carries go from lane to lane as in scan_lanes.h.
 *
 * A window is gone over by strides of four vectors and each of these by short loops, so that the machine sees more than
 * one chain of instructions that wait for each other.
 */
#ifdef __x86_64__
#define LANE_BYTES 64
#include "in/scan_lanes.h"

#define VECTORS 4			/* of a stride */
#define VECTOR_BYTES (64 * LANES)
#define STRIDE_BLOCKS (VECTORS * LANES)

/* A stride: masks by block. */
struct strip {
	_Alignas(64) uint64_t plane[VECTORS][8][LANES];
	uint64_t in[STRIDE_BLOCKS];		/* in strings: from the opening quote on, the closing one not */
	uint64_t quote[STRIDE_BLOCKS];		/* that close a string */
	uint64_t error[STRIDE_BLOCKS], zeros[STRIDE_BLOCKS];	/* see put_errors */
	uint64_t tokens[STRIDE_BLOCKS], members[STRIDE_BLOCKS], words[STRIDE_BLOCKS];
};

/* What one vector hands to the next.  Of the lanes, the last one counts. */
struct carry {
	lanes value, other, digit, dot, minus, quote, close, open;	/* classes, for the byte behind: see pairs */
	lanes numbers, begin;
	lanes lead2, lead3, lead4, low_e0, low_ed, low_f0, low_f4;	/* UTF-8 */
	lanes u, d;							/* \u escapes */
	uint64_t escape;	/* the next byte is escaped */
	unsigned in;		/* 1 inside a string */
	unsigned colon;
	unsigned high;		/* not 0: the last three bytes were not all ASCII */
	unsigned unicode;	/* not 0: the rest of a \u escape may come */
};

/* Constants of planes() and put_tokens(). */
struct luts {
	__m512i reverse, select, gather, iota;
};

/* What the bytes outside strings are. */
struct classes {
	lanes open, close, comma, colon, lf, cr, blank, quote, digit, zero, dot, minus;
	lanes other;		/* letters, +, and all that JSON does not know */
};

static void
luts_init(struct luts *t)
{
	uint8_t reverse[64], gather[64], iota[64];

	for (unsigned i = 0; i < 64; i++) {
		reverse[i] = (uint8_t)(i ^ 7);
		gather[i] = (uint8_t)(i % 8 * 8 + i / 8);
		iota[i] = (uint8_t)i;
	}
	*t = (struct luts){
		.reverse = _mm512_loadu_si512(reverse), .gather = _mm512_loadu_si512(gather),
		.iota = _mm512_loadu_si512(iota),
		.select = _mm512_set1_epi64((long long)UINT64_C(0x8040201008040201)),
	};
}

#define EVEN_PAIRS(a, b) _mm512_shuffle_i64x2(a, b, 0x88)
#define ODD_PAIRS(a, b) _mm512_shuffle_i64x2(a, b, 0xDD)

/*
 * The planes of eight blocks.  Of each eight bytes the product makes eight others, one a plane, in which bit i is of
 * byte i (it counts bytes from behind, thus `reverse`); they are gathered, a word a plane, and words change places with
 * blocks as in any matrix that is transposed.
 */
BITS_INLINE void
planes(const struct luts *t, uint64_t out[8][LANES], const char *p, size_t blocks)
{
	__m512i v[8], pair[8], four[8];

#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++) {
		v[i] = i < blocks ? _mm512_loadu_si512(p + i * 64) : _mm512_setzero_si512();
		v[i] = _mm512_gf2p8affine_epi64_epi8(t->select, _mm512_shuffle_epi8(v[i], t->reverse), 0);
		v[i] = _mm512_permutexvar_epi8(t->gather, v[i]);
	}
#pragma GCC unroll 4
	for (size_t i = 0; i < 4; i++) {
		pair[i] = _mm512_unpacklo_epi64(v[2 * i], v[2 * i + 1]);	/* planes 0 2 4 6 of two blocks */
		pair[i + 4] = _mm512_unpackhi_epi64(v[2 * i], v[2 * i + 1]);	/* 1 3 5 7 */
	}
#pragma GCC unroll 4
	for (size_t i = 0; i < 4; i++) {
		four[i] = EVEN_PAIRS(pair[2 * i], pair[2 * i + 1]);	/* 0 4 or 1 5 of four blocks */
		four[i + 4] = ODD_PAIRS(pair[2 * i], pair[2 * i + 1]);	/* 2 6 or 3 7 */
	}
#pragma GCC unroll 2
	for (size_t i = 0; i < 2; i++) {
		_mm512_store_si512(out[i], EVEN_PAIRS(four[2 * i], four[2 * i + 1]));
		_mm512_store_si512(out[i + 4], ODD_PAIRS(four[2 * i], four[2 * i + 1]));
		_mm512_store_si512(out[i + 2], EVEN_PAIRS(four[2 * i + 4], four[2 * i + 5]));
		_mm512_store_si512(out[i + 6], ODD_PAIRS(four[2 * i + 4], four[2 * i + 5]));
	}
}

BITS_INLINE void
load_planes(lanes p[8], const uint64_t from[8][LANES])
{
#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		p[i] = lanes_load(from[i]);
}

/* v shifted by n places; before: the vector before. */
BITS_INLINE lanes
shift_by(lanes v, lanes before, int n)
{
	return v << n | lanes_before(v, before) >> (64 - n);
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
unicode_errors(struct carry *c, const lanes p[8], lanes u, const char *text, size_t base, size_t blocks)
{
	lanes row3 = ~(p[7] | p[6]) & p[5] & p[4], row46 = ~p[7] & p[6] & ~p[4], low = p[2] | p[1] | p[0];
	lanes letter = row46 & ~p[3] & low & ~(p[2] & p[1] & p[0]), eight = row3 & p[3] & ~(p[2] | p[1]);
	lanes hex = letter | eight | (row3 & ~p[3]), first = shift_by(u, c->u, 1), d, surrogates, error;

	error = (first | shift_by(u, c->u, 2) | shift_by(u, c->u, 3) | shift_by(u, c->u, 4)) & ~hex;
	d = first & letter & p[2] & ~(p[1] | p[0]);
	surrogates = shift_by(d, c->d, 1) & (letter | eight);
	c->u = u;
	c->d = d;
	c->unicode = lanes_set(u >> 60 | d >> 63) >> (LANES - 1);
	if (lanes_set(surrogates))
		error |= unpaired(surrogates, text, base, blocks);
	return error;
}

/* What is in strings, for the vector of `blocks` blocks from i on, at `text`, `base` in the window. */
BITS_INLINE void
strings(struct carry *c, struct strip *s, struct marks *m, size_t i, const char *text, size_t base, size_t blocks)
{
	lanes p[8], quotes, slash, control, in, u, escaped = { 0 }, error = { 0 };
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
	lanes_store(s->quote + i, quotes & ~in);
	lanes_store(s->error + i, error);
}

BITS_INLINE struct classes
classes_of(const lanes p[8], lanes in, lanes quote)
{
	lanes out = ~in & ~p[7], row0 = out & ~(p[6] | p[5] | p[4]), row2 = out & ~(p[6] | p[4]) & p[5];
	lanes row3 = out & ~p[6] & p[5] & p[4], row57 = out & p[6] & p[4];
	lanes from0 = ~(p[3] | p[2] | p[1] | p[0]), from8 = p[3] & ~p[2], from12 = p[3] & p[2];
	lanes ten = from8 & p[1] & ~p[0], thirteen = from12 & ~p[1] & p[0];
	struct classes k = {
		.open = row57 & from8 & p[1] & p[0], .close = row57 & thirteen, .quote = quote,
		.lf = row0 & ten, .cr = row0 & thirteen, .blank = (row0 & from8 & ~p[1] & p[0]) | (row2 & from0),
		.comma = row2 & from12 & ~(p[1] | p[0]), .minus = row2 & thirteen, .dot = row2 & from12 & p[1] & ~p[0],
		.zero = row3 & from0, .digit = row3 & ~(p[3] & (p[2] | p[1])), .colon = row3 & ten,
	};

	k.other = ~(in | k.open | k.close | k.comma | k.colon | k.lf | k.cr | k.blank | quote | k.digit | k.dot |
	    k.minus);
	return k;
}

/*
 * Bytes that cannot follow the one before: the pairs of scan_grammar.c, written out; the unit test compares them.
 * words and zeros: where runs of `other` begin, and zeros that begin a number.
 */
BITS_INLINE lanes
pairs(struct carry *c, const struct classes *k, lanes in, lanes *words, lanes *zeros)
{
	/* Is the byte before one before a value, or in a string? */
	lanes value = lanes_shift(in | k->open | k->comma | k->colon | k->lf | k->blank, &c->value);
	lanes other = lanes_shift(k->other, &c->other), digit = lanes_shift(k->digit, &c->digit);
	lanes dot = lanes_shift(k->dot, &c->dot), minus = lanes_shift(k->minus, &c->minus);
	lanes quote = lanes_shift(k->quote, &c->quote), close = lanes_shift(k->close, &c->close);
	lanes open = lanes_shift(k->open | k->cr, &c->open);
	lanes ended = other | digit | quote | close, scalar = value | other, bad;

	bad = in & ~value;
	bad |= (k->open | k->blank | k->minus) & ~scalar;
	bad |= k->other & ~(scalar | digit);
	bad |= k->digit & ~(scalar | digit | dot | minus);
	bad |= k->dot & ~digit;
	bad |= k->comma & ~ended;
	bad |= (k->close | k->lf | k->cr) & ~(ended | open);
	bad |= k->colon & ~quote;
	*words = k->other & ~other;
	*zeros = k->zero & (value | minus);
	return bad;
}

/*
 * Second points of numbers: see bits_points.  A carry is not followed through a lane full of digits: such a lane is in
 * error, and the plain parser judges its line.
 */
BITS_INLINE lanes
point_errors(struct carry *c, const struct classes *k)
{
	lanes run = k->digit | k->dot, sum = run + k->dot, over = k->dot | (run & ~sum);

	sum += lanes_before(over, c->numbers) >> 63;
	c->numbers = over;
	return (sum & k->dot) | (lanes)(run == ~(lanes){ 0 });
}

/*
 * Where UTF-8 breaks off (RFC 3629): continuations are where a byte before asks for them, and nowhere else; a few leads
 * are never good, and some bound the byte behind them.
 */
BITS_INLINE lanes
utf8_errors(struct carry *c, const lanes p[8])
{
	lanes lead2 = p[7] & p[6], lead3 = lead2 & p[5], lead4 = lead3 & p[4], low = p[3] | p[2] | p[1] | p[0];
	lanes e0 = lead3 & ~p[4] & ~low, ed = lead3 & ~p[4] & p[3] & p[2] & ~p[1] & p[0];
	lanes f0 = lead4 & ~low, f4 = lead4 & p[2] & ~(p[3] | p[1] | p[0]), error;

	error = (p[7] & ~p[6]) ^
	    (lanes_shift(lead2, &c->lead2) | shift_by(lead3, c->lead3, 2) | shift_by(lead4, c->lead4, 3));
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

/*
 * All rules for the vector of blocks from i on.  Returns which blocks have the beginning of a word; *odd is not 0 where
 * something may be wrong.
 */
BITS_INLINE unsigned
rules(struct carry *c, struct strip *s, size_t i, lanes *odd)
{
	lanes p[8], in = lanes_load(s->in + i), error = lanes_load(s->error + i), tokens, sum, words, zeros;
	struct classes k;

	load_planes(p, s->plane[i / LANES]);
	k = classes_of(p, in, lanes_load(s->quote + i));
	/* Tokens that exactly one colon precedes since the token before: see bits_members. */
	tokens = k.open | k.close | k.comma | k.lf;
	sum = lanes_add(~tokens, k.colon, &c->colon);
	lanes_store(s->tokens + i, tokens);
	lanes_store(s->members + i, sum & tokens);
	error |= sum & k.colon;
	error |= pairs(c, &k, in, &words, &zeros);
	lanes_store(s->words + i, words);
	error |= point_errors(c, &k);
	zeros = lanes_shift(zeros, &c->begin) & k.digit;
	if (RARE(lanes_set(p[7]) | c->high))
		error |= utf8_errors(c, p);
	lanes_store(s->error + i, error);
	lanes_store(s->zeros + i, zeros);
	*odd |= error | zeros;
	return lanes_set(words);
}

/* Put the tokens of these blocks, and where they stand; members complemented.  Mostly a block has at most 16. */
BITS_INLINE void
put_tokens(const struct luts *t, struct marks *m, const struct strip *s, const char *p, size_t base, size_t blocks)
{
	uint8_t *token = m->token + m->n;
	uint16_t *pos = m->pos + m->n;
	__m512i from = _mm512_set1_epi16((short)base), ones = _mm512_set1_epi8(-1), v, at;
	size_t n;

	for (size_t i = 0; i < blocks; i++) {
		n = bits_count(s->tokens[i]);
		v = _mm512_loadu_si512(p + i * 64);
		v = _mm512_mask_sub_epi8(v, _cvtu64_mask64(s->members[i]), ones, v);
		v = _mm512_maskz_compress_epi8(_cvtu64_mask64(s->tokens[i]), v);
		at = _mm512_maskz_compress_epi8(_cvtu64_mask64(s->tokens[i]), t->iota);
		if (__builtin_expect(n <= 16, 1)) {
			_mm_storeu_si128((__m128i *)(void *)token, _mm512_castsi512_si128(v));
			_mm256_storeu_si256((__m256i *)(void *)pos, _mm256_add_epi16(_mm512_castsi512_si256(from),
			    _mm256_cvtepu8_epi16(_mm512_castsi512_si128(at))));
		} else {
			_mm512_storeu_si512(token, v);
			_mm512_storeu_si512(pos, _mm512_add_epi16(from,
			    _mm512_cvtepu8_epi16(_mm512_castsi512_si256(at))));
			_mm512_storeu_si512(pos + 32, _mm512_add_epi16(from,
			    _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(at, 1))));
		}
		from = _mm512_add_epi16(from, _mm512_set1_epi16(64));
		token += n;
		pos += n;
	}
	m->n = (size_t)(pos - m->pos);
}

/* Blocks from p on, `base` in the window. */
static void
stride(const struct luts *t, struct marks *m, struct strip *s, struct carry *c, const char *p, size_t base,
    size_t blocks)
{
	uint64_t all = ((uint64_t)1 << blocks) - 1, words = 0;
	lanes odd = { 0 };
	size_t i;

	for (i = 0; i + LANES <= blocks; i += LANES)
		planes(t, s->plane[i / LANES], p + i * 64, LANES);
	if (i < blocks)
		planes(t, s->plane[i / LANES], p + i * 64, blocks - i);
	for (i = 0; i < blocks; i += LANES)
		strings(c, s, m, i, p + i * 64, base + i * 64, blocks - i);
	for (i = 0; i < blocks; i += LANES)
		words |= (uint64_t)rules(c, s, i, &odd) << i;
	if (RARE(lanes_set(odd)))
		put_errors(m, s->error, s->zeros, p, base, blocks);
	put_words(m, s->words, words & all, base);
	put_tokens(t, m, s, p, base, blocks);
}

static void
mark(const struct tables *tables, struct marks *m, const char *p, size_t n)
{
	struct luts t;
	struct strip s;
	struct carry c = { .value = ~(lanes){ 0 } };	/* before a window stands an LF */

	(void)tables;
	luts_init(&t);
	for (size_t i = 0; i < n; i += VECTORS * VECTOR_BYTES)
		stride(&t, m, &s, &c, p + i, i, n - i < VECTORS * VECTOR_BYTES ? (n - i + 63) / 64 : STRIDE_BLOCKS);
}

const struct kernel_ops kernel_gfni = { "gfni", mark };
#endif
