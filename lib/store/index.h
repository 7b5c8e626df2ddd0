/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * index - in which frames of a data file a trace id stands: a file beside it, and a cache
 *
 *	ix = index_begin(paths, &room, "/t/.pool/D/r-1-x-0.pz");
 *	… for each row: index_ids(paths, line, &ids); index_row(ix, ids.v, ids.n, line.n + 1) …
 *	rc = index_end(ix, &file);			// fsynced, before the commit that names the data file
 *	index_room_free(&room);
 *	if (index_look(&file, paths, span_str("t-1"), &f, &n)) ... f[0..n): all frames that may hold it ...
 *
 * Invariants: an answer has no false no: every frame that holds a row whose value at one of the paths is the id,
 * unescaped, or a number of those digits, is among them; a frame for nothing is possible and costs its reading.
 * Whatever part of the file is missing, changed, of another data file, of other paths or of another version, the answer
 * is "not known", never a wrong one: each piece that is read is checked.  Built in one pass with 8 bytes an id, and at
 * least 64 KiB (room bounds all builders of a writer together); looked up with four small reads a segment, whatever its
 * size.
 *
 * Format, little-endian.  Segments: a directory of n + 1 times { first entry u32, check u32 }, then entries u32, bucket
 * after bucket: bucket = high half of XXH3-64 of the id times n >> 32, entry = its low bits, then a frame counted from
 * the segment's first one.  Then { bytes u32, rows u32 } for each frame, { at u64, entries, buckets, first frame, bits
 * of a frame u32 } for each segment, and the foot.  Buckets hold 128 entries in the mean, so an id in a frame costs
 * 4.07 bytes.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdint.h>

#include "base/mem.h"
#include "base/val.h"
#include "in/path.h"

/* What the builders of a writer hold together, 32 MiB, and some where one is sorted. */
#define INDEX_ROOM_IDS (1u << 22)

/* ---- which values ---- */

/* The paths of a table's `trace` line, joined by ','; NULL gives NULL. pathset_free() it. */
struct pathset *index_paths(const char *trace);

/* The values of one row: good as long as its line. */
struct index_ids { struct val *v; size_t n, cap; struct buf scratch; };
/* Find them (cleared first) in a record that was validated. */
void index_ids(const struct pathset *, struct span line, struct index_ids *);
/* Add the value of a path whose first segment led to v. */
void index_ids_below(const struct path *, struct val v, struct index_ids *);
void index_ids_free(struct index_ids *);

/* ---- building ---- */

struct index;
struct wait_block;
struct index_room {
	size_t max;			/* ids; 0: INDEX_ROOM_IDS */
	size_t used;			/* for so many there are blocks with ids in them */
	struct index *first;
	struct arena mem;		/* blocks, */
	struct wait_block *spare;	/* those that wait for the next file, */
	uint32_t *scratch;		/* and where some are sorted: all this stays from file to file */
	size_t cap;
};
/* Give its memory back; no index is being built. */
void index_room_free(struct index_room *);

/* What a commit says of a data file. */
struct index_file {
	const char *path;
	uint64_t bytes, xxh64;
};

/* Begin for a data file of this path; nothing is on disk until there is much. The paths are the caller's. */
struct index *index_begin(const struct pathset *, struct index_room *, const char *data_path);
/* A row of so many bytes, LF included, in the frame at hand; frames end as those of out/sink do. */
void index_row(struct index *, const struct val *id, size_t n, size_t bytes);
/*
 * The data file is whole; frame[n]: bytes of its frames as written.  Writes and syncs; a file without ids has none,
 * unless always.  Frees. 0 or EXIT_IO.
 */
int index_end(struct index *, const struct index_file *, const uint32_t *frame, size_t n, bool always);
/*
 * The same for a file that is there, in the place of an index it may have.  0, EXIT_IO, or EXIT_INPUT for frames that
 * are not ours.
 */
int index_remake(const struct index_file *, const struct pathset *, bool always);
/* Remove what was written, and forget it. */
void index_drop(struct index *);

/* ---- asking ---- */

struct index_frame {
	uint64_t at, line;		/* offset in the data file; rows before it */
	uint32_t bytes, rows;
};

/*
 * True: the frames that may hold the id, in order; *frame is the caller's to free.  False: not known, read all.
 * Nothing is said either way.
 */
bool index_look(const struct index_file *, const struct pathset *, struct span id, struct index_frame **frame,
    size_t *n);
/* Read all of it: NULL, or why it cannot be used; *there: is there one at all? */
const char *index_check(const struct index_file *, const struct pathset *, bool *there);

/* ---- its name ---- */

/* The path of a data file's index (b cleared first): beside it, under a name that begins with a dot. */
const char *index_name(const char *data_path, struct buf *b);
/* The name of the data file that a name in a pool is the index of, or an empty span. */
struct span index_of(const char *name);

#endif
