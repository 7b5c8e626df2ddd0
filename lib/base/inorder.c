/* SPDX-License-Identifier: BSD-2-Clause */
/* inorder - see inorder.h */
#include <stdlib.h>

#include "base/inorder.h"
#include "base/mem.h"

#define PREFIX_BYTES 8

struct keys {
	struct span (*key)(const void *arg, uint64_t at);
	const void *arg;
};

struct inorder *
inorder_new(size_t n)
{
	return mem_array(NULL, n, sizeof(struct inorder));
}

/*
 * Which of the first bytes of a key tell keys apart: where all are alike, ends taken for zeros, none is lost.  Returns
 * how many, at most PREFIX_BYTES.
 */
static size_t
telling(const struct inorder *v, size_t n, const struct keys *k, unsigned char at[PREFIX_BYTES])
{
	unsigned char differ[INORDER_BYTES] = { 0 }, first[INORDER_BYTES] = { 0 };
	size_t told = 0;

	for (size_t i = 0; i < n; i++) {
		struct span s = k->key(k->arg, v[i].at);
		unsigned char own[INORDER_BYTES] = { 0 };

		if (s.n > 0)
			memcpy(own, s.p, s.n < sizeof own ? s.n : sizeof own);
		if (i == 0)
			memcpy(first, own, sizeof first);
		for (size_t b = 0; b < sizeof differ; b++)
			differ[b] |= own[b] ^ first[b];
	}
	for (size_t b = 0; b < sizeof differ && told < PREFIX_BYTES; b++)
		if (differ[b] != 0)
			at[told++] = (unsigned char)b;
	return told;
}

static uint64_t
prefix_of(struct span s, const unsigned char at[PREFIX_BYTES], size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (at[i] < s.n ? (unsigned char)s.p[at[i]] : 0);
	return v;
}

/* By prefix, byte by byte from the last one on; bytes that all share move nothing. Returns where the result is. */
static struct inorder *
radix(struct inorder *v, struct inorder *other, size_t n)
{
	size_t (*count)[256] = mem_new(PREFIX_BYTES * sizeof *count);

	for (size_t i = 0; i < n; i++)
		for (unsigned b = 0; b < PREFIX_BYTES; b++)
			count[b][v[i].prefix >> 8 * b & 255]++;
	for (unsigned b = 0; b < PREFIX_BYTES; b++) {
		struct inorder *swap = v;
		size_t at = 0;

		if (count[b][v[0].prefix >> 8 * b & 255] == n)
			continue;
		for (size_t d = 0; d < 256; d++) {
			size_t c = count[b][d];

			count[b][d] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			other[count[b][v[i].prefix >> 8 * b & 255]++] = v[i];
		v = other;
		other = swap;
	}
	free(count);
	return v;
}

static int
by_key(const void *a, const void *b, void *arg)
{
	const struct keys *k = arg;

	const struct inorder *x = a, *y = b;

	return span_cmp(k->key(k->arg, x->at), k->key(k->arg, y->at));
}

struct inorder *
inorder_sort(struct inorder *v, size_t n, struct span (*key)(const void *, uint64_t), const void *arg)
{
	struct keys k = { key, arg };
	unsigned char at[PREFIX_BYTES];
	struct inorder *other;
	size_t told;

	if (n < 2)
		return v;
	told = telling(v, n, &k, at);
	for (size_t i = 0; i < n; i++)
		v[i].prefix = prefix_of(key(arg, v[i].at), at, told);
	other = inorder_new(n);
	if (radix(v, other, n) == other) {
		struct inorder *swap = v;

		v = other;
		other = swap;
	}
	free(other);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && v[end].prefix == v[i].prefix; end++)
			;
		if (end - i > 1)
			qsort_r(v + i, end - i, sizeof *v, by_key, &k);
	}
	return v;
}
