/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parts - entries of one width on disk, split by the hash of what they are of
 *
 *	struct parts *p = parts_new(21, 64 * MIB);
 *	rc = parts_put(p, id.hi, entry); ...
 *	for (i = 0; i < PARTS; i++)
 *		for (k = 0, n = parts_rounds(p, i, 4000000); k < n; k++)	// a table of 4 million entries
 *			rc = parts_each(p, i, each, arg);	// take those with parts_round(hash, n) == k
 *	parts_free(p);
 *
 * Invariants: one unnamed file (base/temp.h), written once, in chunks that belong to one part each, so neither
 * descriptors nor passes grow with the entries.  Entries of a part come back in the order they were put.  Memory: a
 * chunk for each part, about `budget` bytes of them, 4 bytes for each chunk on disk.
 * A part that outgrows its table is read again for each further share of it instead of being split: grace hash join's
 * partitioning (Kitsuregawa et al., 1983) with later levels read, not written.
 */
#ifndef RUN_PARTS_H
#define RUN_PARTS_H

#include <stddef.h>
#include <stdint.h>

#define PARTS 128

struct parts;
struct parts *parts_new(size_t width, size_t budget);
/* 0 or EXIT_IO after a message. */
int parts_put(struct parts *, uint64_t hash, const char *entry);
uint64_t parts_count(const struct parts *, size_t part);
/* How many rounds a part takes when so many entries fit at once: 0 for a part with none. */
uint64_t parts_rounds(const struct parts *, size_t part, uint64_t fit);
/* In which of n rounds the entries of this hash are; of the bits that do not choose the part. */
static inline uint64_t
parts_round(uint64_t hash, uint64_t n)
{
	return (hash << 7 >> 32) * n >> 32;
}
/* All entries of a part, n at a time: 0, EXIT_IO after a message, or what each() ended it with. */
int parts_each(struct parts *, size_t part, int (*each)(void *arg, const char *entry, size_t n), void *arg);
/* Bytes put. */
uint64_t parts_bytes(const struct parts *);
/* NULL is fine. */
void parts_free(struct parts *);

#endif
