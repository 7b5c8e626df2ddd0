/* SPDX-License-Identifier: BSD-2-Clause */
/* cut_test - op/cut: pieces of sorted arrays are their elements in order, against qsort; pieces are of about the size asked for */
#include "base/mem.h"
#include "op/cut.h"
#include "random.h"
#include "t.h"

#define ALL 40000

static int
by_size(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

/* n elements in `runs` arrays, many alike where `of` is small; how long the longest piece is. */
static size_t
try(size_t runs, size_t n, uint64_t of, size_t each)
{
	static uint64_t all[ALL], v[ALL];
	struct cut c = { .size = sizeof *v, .cmp = by_size };
	void *part[CUT_RUNS_MAX];
	size_t at = 0, longest = 0, pieces;
	struct cut_walk w;

	for (size_t i = 0; i < n; i++)
		v[i] = rnd(of);
	memcpy(all, v, n * sizeof *v);
	qsort(all, n, sizeof *all, by_size);
	for (size_t k = 0; k < runs; k++)
		part[k] = &part[k];
	okf(cut_rounds(&c, part, runs, each) == runs && cut_sorting(&c), "first the parts");
	for (size_t k = 0, from = 0; k < runs; k++) {
		size_t to = k + 1 == runs ? n : from + rnd(2 * n / runs + 1);

		to = to < n ? to : n;
		qsort(v + from, to - from, sizeof *v, by_size);
		okf(c.part[k] == part[k], "part %zu", k);
		cut_set(&c, k, v + from, to - from);
		from = to;
	}
	pieces = cut_rounds(&c, part, runs, each);
	okf((pieces == 0) == (n == 0) && cut_sorting(&c) == (n == 0), "%zu pieces of %zu elements", pieces, n);
	okf(cut_rounds(&c, part, runs, each) == 0, "then no more");
	for (size_t i = 0; i < pieces; i++) {
		size_t before = at;
		const uint64_t *x;

		cut_begin(&c, i, &w);
		for (; (x = cut_next(&w)) != NULL; at++)
			okf(at < n && *x == all[at], "%zu runs, %zu elements of %llu, pieces of %zu: element %zu", runs, n,
			    (unsigned long long)of, each, at);
		okf(cut_next(&w) == NULL, "a piece that is at its end stays there");
		longest = at - before > longest ? at - before : longest;
	}
	okf(at == n, "%zu of %zu elements", at, n);
	cut_free(&c);
	return longest;
}

static int
by_bytes(const void *pa, const void *pb)
{
	return span_cmp(*(const struct span *)pa, *(const struct span *)pb);
}

static struct span
itself(const void *p)
{
	return *(const struct span *)p;
}

/* Keys that begin alike, are the beginning of others, hold zeros, or are all the same; merged by eight of their bytes. */
static void
try_keys(size_t runs, size_t n, size_t alike, unsigned letters, size_t longest)
{
	static char bytes[5000][40];
	static struct span all[5000], v[5000];
	struct cut c = { .size = sizeof *v, .cmp = by_bytes, .key = itself };
	void *part[CUT_RUNS_MAX] = { 0 };
	size_t at = 0, pieces;
	struct cut_walk w;

	for (size_t i = 0; i < n; i++) {
		size_t more = rnd(longest + 1);

		memset(bytes[i], 'a', alike);
		for (size_t k = 0; k < more; k++)
			bytes[i][alike + k] = (char)(rnd(letters) * 255 / letters);
		v[i] = span_of(bytes[i], alike + more);
	}
	memcpy(all, v, n * sizeof *v);
	qsort(all, n, sizeof *all, by_bytes);
	(void)cut_rounds(&c, part, runs, 64);
	for (size_t k = 0, from = 0; k < runs; k++) {
		size_t to = k + 1 == runs ? n : from + rnd(n - from + 1);

		qsort(v + from, to - from, sizeof *v, by_bytes);
		cut_set(&c, k, v + from, to - from);
		from = to;
	}
	pieces = cut_rounds(&c, part, runs, 64);
	for (size_t i = 0; i < pieces; i++) {
		const struct span *x;

		cut_begin(&c, i, &w);
		for (; (x = cut_next(&w)) != NULL; at++)
			okf(at < n && span_eq(*x, all[at]), "%zu runs, %zu keys, %zu bytes alike: key %zu", runs, n, alike, at);
	}
	okf(at == n, "%zu of %zu keys", at, n);
	cut_free(&c);
}

int
main(void)
{
	for (int i = 0; i < 400; i++)
		try_keys(1 + rnd(CUT_RUNS_MAX), rnd(3) == 0 ? rnd(20) : rnd(5000), rnd(24), 1 + (unsigned)rnd(rnd(2) == 0 ? 2 : 255), rnd(16));
	ok(t_quiet_failed == 0, "keys are merged in the order of their bytes");
	for (int i = 0; i < 400; i++)
		(void)try(1 + rnd(CUT_RUNS_MAX), rnd(3) == 0 ? rnd(20) : rnd(5000), rnd(2) == 0 ? 1 + rnd(30) : UINT64_MAX,
		    1 + rnd(300));
	ok(t_quiet_failed == 0, "the pieces of random arrays are all elements, in order");
	for (size_t runs = 1; runs <= CUT_RUNS_MAX; runs *= 2) {
		size_t longest = try(runs, ALL, UINT64_MAX, 4096);

		okf(longest <= 4096 + runs * (4096 / 64), "%zu runs: a piece of %zu", runs, longest);
	}
	ok(t_quiet_failed == 0, "no piece is longer than was asked for but by one step of the sample in each array");
	return done();
}
