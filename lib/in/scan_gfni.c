/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_gfni - the kernel for x86-64 with AVX-512 VBMI2 and GFNI: Ice Lake, Zen 4 and later
 *
 * The bytes of eight blocks are turned into eight planes of bits (in/scan_planes.h), by a matrix product over GF(2).
 * From there on everything is logic on masks, for 512 bytes at once.  Only putting the tokens goes by the block, by
 * vpcompressb.
 *
 * A window is gone over by strides of four vectors and each of these by short loops, so that the machine sees more than
 * one chain of instructions that wait for each other.
 */
#ifdef __x86_64__
#define LANE_BYTES 64
#define VECTORS 4			/* of a stride */
#include "in/scan_planes.h"

/* What one vector hands to the next.  Of the lanes, the last one counts. */
struct carry {
	lanes value, other, digit, dot, minus, quote, close, open;	/* classes, for the byte behind: see pairs */
	lanes numbers, begin;
	struct text_carry text;
	unsigned colon;
};

/* Constants of planes() and put_tokens(). */
struct luts {
	__m512i reverse, select, gather, iota;
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
 * Second points of numbers: see lanes_points.  A carry is not followed through a lane full of digits: such a lane is in
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
 * All rules for the vector of blocks from i on.  Returns which blocks have the beginning of a word; *odd is not 0 where
 * something may be wrong.
 */
BITS_INLINE unsigned
rules(struct carry *c, struct strip *s, size_t i, lanes *odd)
{
	lanes p[8] MEM_UNFILLED, in = lanes_load(s->in + i), error = lanes_load(s->error + i), tokens, words, zeros;
	struct classes k;

	load_planes(p, s->plane[i / LANES]);
	k = classes_of(p, in, lanes_load(s->quote + i));
	tokens = k.open | k.close | k.comma | k.lf;
	lanes_store(s->tokens + i, tokens);
	lanes_store(s->members + i, lanes_members(k.colon, tokens, &c->colon, &error));
	error |= pairs(c, &k, in, &words, &zeros);
	lanes_store(s->words + i, words);
	error |= point_errors(c, &k);
	zeros = lanes_shift(zeros, &c->begin) & k.digit;
	if (RARE(lanes_set(p[7]) | c->text.high))
		error |= utf8_errors(&c->text, p);
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
		strings(&c->text, s, m, i, p + i * 64, base + i * 64, blocks - i);
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
	struct luts t MEM_UNFILLED;
	struct strip s MEM_UNFILLED;
	struct carry c = { .value = ~(lanes){ 0 } };	/* before a window stands an LF */

	(void)tables;
	luts_init(&t);
	for (size_t i = 0; i < n; i += VECTORS * VECTOR_BYTES)
		stride(&t, m, &s, &c, p + i, i, n - i < VECTORS * VECTOR_BYTES ? (n - i + 63) / 64 : STRIDE_BLOCKS);
}

const struct kernel_ops kernel_gfni = { "gfni", mark };
#endif
