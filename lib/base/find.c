/* SPDX-License-Identifier: BSD-2-Clause */
/* find - see find.h */
#include <stdint.h>

#include "base/find.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/*
 * How common a byte is in JSON and logs, 0 the rarest.  Rough ranks are enough: a wrong guess costs comparisons,
 * never an answer.
 */
static unsigned
rank_of(unsigned char c)
{
	static const char often[] = "JQZXVKWYBGjqzxHUFPMLODRNCISTAEkvywfgbpuhmlcdonrsitae_-.0123456789,: \"";
	const char *p = c == '\0' ? NULL : strchr(often, c);

	return p != NULL ? 20 + (unsigned)(p - often) : c >= 0x80 ? 15 : c >= 0x20 ? 10 : 0;
}

void
find_init(struct find *f, struct span needle)
{
	unsigned best = 256, next = 256;
	size_t a = 0, b = 0;

	for (size_t i = 0; i < needle.n; i++) {
		unsigned r = rank_of((unsigned char)needle.p[i]);

		if (r < best) {
			b = a;
			next = best;
			a = i;
			best = r;
		} else if (r < next && needle.p[i] != needle.p[a]) {
			b = i;
			next = r;
		}
	}
	/* all bytes alike, or one alone: the ends */
	if (needle.n > 1 && (next == 256 || a == b)) {
		a = 0;
		b = needle.n - 1;
	}
	*f = (struct find){ .needle = needle, .a = a < b ? a : b, .b = a < b ? b : a };
#ifdef __x86_64__
	f->wide = __builtin_cpu_supports("avx512bw") ? 64 : __builtin_cpu_supports("avx2") ? 32 : 0;
#endif
}

#ifdef __x86_64__

/* Is the needle at p, whose bytes are all readable? */
static inline bool
stands(const struct find *f, const char *p)
{
	return memcmp(p, f->needle.p, f->needle.n) == 0;
}

/* Where among the 32 places at p both bytes stand. */
__attribute__((target("avx2"))) static inline __m256i
pairs(const struct find *f, const char *p, __m256i a, __m256i b)
{
	return _mm256_and_si256(
	    _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(p + f->a)), a),
	    _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(p + f->b)), b));
}

/* The first of the places at p, given as bits, where the needle stands, or NULL. */
static const char *
first_of(const struct find *f, const char *p, uint64_t bits)
{
	for (; bits != 0; bits &= bits - 1)
		if (stands(f, p + __builtin_ctzll(bits)))
			return p + __builtin_ctzll(bits);
	return NULL;
}

/* Places [p, last], 128 at once while they are that many; *rest: the first place not looked at. */
__attribute__((target("avx2"))) static const char *
next_wide(const struct find *f, const char *p, const char *last, const char **rest)
{
	const __m256i a = _mm256_set1_epi8(f->needle.p[f->a]), b = _mm256_set1_epi8(f->needle.p[f->b]);

	for (; last - p >= 127; p += 128) {
		__m256i m0 = pairs(f, p, a, b), m1 = pairs(f, p + 32, a, b);
		__m256i m2 = pairs(f, p + 64, a, b), m3 = pairs(f, p + 96, a, b);
		__m256i any = _mm256_or_si256(_mm256_or_si256(m0, m1), _mm256_or_si256(m2, m3));
		const char *hit;

		if (_mm256_testz_si256(any, any))
			continue;
		hit = first_of(f, p, (uint32_t)_mm256_movemask_epi8(m0) |
		    (uint64_t)(uint32_t)_mm256_movemask_epi8(m1) << 32);
		if (hit == NULL)
			hit = first_of(f, p + 64, (uint32_t)_mm256_movemask_epi8(m2) |
			    (uint64_t)(uint32_t)_mm256_movemask_epi8(m3) << 32);
		if (hit != NULL)
			return hit;
	}
	*rest = p;
	return NULL;
}

/* The same, bit by bit of a mask. */
__attribute__((target("avx512bw"))) static inline uint64_t
pairs_wider(const struct find *f, const char *p, __m512i a, __m512i b)
{
	return _mm512_mask_cmpeq_epi8_mask(_mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + f->a), a),
	    _mm512_loadu_si512(p + f->b), b);
}

/* As next_wide, 256 at once. */
__attribute__((target("avx512bw"))) static const char *
next_wider(const struct find *f, const char *p, const char *last, const char **rest)
{
	const __m512i a = _mm512_set1_epi8(f->needle.p[f->a]), b = _mm512_set1_epi8(f->needle.p[f->b]);

	for (; last - p >= 255; p += 256) {
		uint64_t m[4];
		const char *hit = NULL;

		for (int i = 0; i < 4; i++)
			m[i] = pairs_wider(f, p + 64 * i, a, b);
		if ((m[0] | m[1] | m[2] | m[3]) == 0)
			continue;
		for (int i = 0; i < 4 && hit == NULL; i++)
			hit = first_of(f, p + 64 * i, m[i]);
		if (hit != NULL)
			return hit;
	}
	*rest = p;
	return NULL;
}

__attribute__((target("avx2"))) static size_t
lines_wide(const char *p, size_t n, size_t *done)
{
	const __m256i lf = _mm256_set1_epi8('\n'), zero = _mm256_setzero_si256();
	__m256i sum = zero;
	size_t i = 0;

	while (n - i >= 128) {
		__m256i acc = zero;

		/* a byte counts to 255 at most: 60 rounds of 4 */
		for (int k = 0; k < 60 && n - i >= 128; k++, i += 128)
			for (size_t m = 0; m < 128; m += 32)
				acc = _mm256_sub_epi8(acc, _mm256_cmpeq_epi8(
				    _mm256_loadu_si256((const __m256i *)(const void *)(p + i + m)), lf));
		sum = _mm256_add_epi64(sum, _mm256_sad_epu8(acc, zero));
	}
	*done = i;
	return (size_t)(_mm256_extract_epi64(sum, 0) + _mm256_extract_epi64(sum, 1) +
	    _mm256_extract_epi64(sum, 2) + _mm256_extract_epi64(sum, 3));
}

#endif

const char *
find_next(const struct find *f, const char *p, const char *end)
{
	if ((size_t)(end - p) < f->needle.n)
		return NULL;
#ifdef __x86_64__
	if (f->wide != 0) {
		const char *hit = (f->wide == 64 ? next_wider : next_wide)(f, p, end - f->needle.n, &p);

		if (hit != NULL)
			return hit;
	}
#endif
	return memmem(p, (size_t)(end - p), f->needle.p, f->needle.n);
}

size_t
find_lines(const char *p, size_t n)
{
	size_t lines = 0, i = 0;

#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		lines = lines_wide(p, n, &i);
#endif
	for (; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}
