/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * index_own - the format of an index, for its two halves (see index.h)
 *
 *	b = index_bucket(h, buckets); e = index_entry(h, frame - first, bits);
 *	check = index_check_of(name, seg, b, start, end, entries);
 *
 * Invariants: all numbers little-endian, whatever the machine; the foot is the last FOOT_BYTES of the file, so one read
 * of its tail gets that, the segments and often all.
 */
#ifndef STORE_INDEX_OWN_H
#define STORE_INDEX_OWN_H

#include <endian.h>
#include <string.h>

#include "base/hash.h"
#include "in/path.h"

#define INDEX_MAGIC "PHtrace1"
#define BUCKET_IDS 128
#define FRAME_ROW 8		/* bytes u32, rows u32 */
#define SEG_ROW 24		/* at u64, entries, buckets, first frame, bits u32 */
#define FOOT_BYTES 96
/* Places in the foot. */
enum {
	FOOT_MAGIC = 0, FOOT_NAME = 8, FOOT_DATA_BYTES = 16, FOOT_DATA_SUM = 24, FOOT_PATHS = 32, FOOT_ROWS = 40,
	FOOT_FRAMES = 48, FOOT_SEGS = 52, FOOT_FRAMES_AT = 56, FOOT_FRAMES_SUM = 64, FOOT_SEGS_SUM = 72,
	FOOT_SPARE = 80, FOOT_SUM = 88
};

static inline void
put32(char *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, 4);
}

static inline void
put64(char *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, 8);
}

static inline uint32_t
get32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return le32toh(v);
}

static inline uint64_t
get64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return le64toh(v);
}

static inline uint32_t
index_bucket(uint64_t h, uint32_t buckets)
{
	return (uint32_t)((h >> 32) * buckets >> 32);
}

static inline uint32_t
index_entry(uint64_t h, uint32_t frame, unsigned bits)
{
	return (uint32_t)h << bits | frame;
}

/* Of a bucket's entries [start, end) as they stand in the file: tells damage in them and in what says where. */
static inline uint32_t
index_check_of(uint64_t name, uint32_t seg, uint32_t bucket, uint32_t start, uint32_t end, const char *entries)
{
	char b[32];

	put64(b, hash_fixed(span_of(entries, 4 * (size_t)(end - start))));
	put64(b + 8, name);
	put32(b + 16, seg);
	put32(b + 20, bucket);
	put32(b + 24, start);
	put32(b + 28, end);
	return (uint32_t)hash_fixed(span_of(b, sizeof b));
}

/* What an index knows its data file by: the last part of its path. */
uint64_t index_name_sum(const char *data_path);
/* The same for equal paths, however they are written; 0 for none. */
uint64_t index_paths_sum(const struct pathset *);

#endif
