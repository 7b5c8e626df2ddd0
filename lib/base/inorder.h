/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inorder - many keys in byte order, by the bytes that tell them apart
 *
 *	struct inorder *v = inorder_new(n);			// n may be more than there are
 *	for (i...) v[i].at = ...;				// whatever leads to the key
 *	v = inorder_sort(v, n, key, arg);			// key(arg, v[i].at)
 *	... v[i].at ...; free(v);
 *
 * Invariants: keys are sorted by the first 8 of their first INORDER_BYTES that are not alike in all of them (LSD
 * radix), then those that are equal there by comparing: so the time is linear where keys differ early.  Memory: 16
 * bytes a key, and as much again while they are sorted.
 */
#ifndef BASE_INORDER_H
#define BASE_INORDER_H

#include <stdint.h>

#include "base/span.h"

#define INORDER_BYTES 32

struct inorder { uint64_t prefix, at; };	/* prefix: of here */

struct inorder *inorder_new(size_t n);
/* Where they stand in order: v, or another array instead of it, which is freed then. */
struct inorder *inorder_sort(struct inorder *v, size_t n, struct span (*key)(const void *arg, uint64_t at),
    const void *arg);

#endif
