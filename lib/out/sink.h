/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sink - buffered output that is checked to the end: stdout, a file written whole or not at all, a zstd or gzip stream
 *
 *	struct sink *o; if ((rc = sink_open("out.ndjson.zst", &o)) != 0) return rc;
 *	sink_line(o, line);				// bytes and an LF
 *	rc = sink_close(o);				// 0 only when every byte is where it belongs
 *
 * Invariants: errors stick: after the first one every call returns EXIT_IO and the message was printed once.  A file
 * appears under its name only by a successful sink_close: until then it is one of the same directory without a name, or
 * with another one where there is no such thing (fsync, link, rename).  sink_abort leaves nothing, nor does a signal
 * that ends the process, but for that other name.  .zst: independent frames of FRAME_BYTES of input, cut at line ends
 * by bytes never by time, with checksum, level 1, so equal input gives equal bytes.  .gz: one member, no name, no time.
 */
#ifndef OUT_SINK_H
#define OUT_SINK_H

#include <stdint.h>

#include "base/buf.h"

enum codec { CODEC_NONE, CODEC_ZSTD, CODEC_GZIP };

struct sink;
/* A file by name, codec by its suffix; "-" is the standard output. */
int sink_open(const char *path, struct sink **);
/* An open descriptor of ours; closed (checked) with the sink. name is for messages. */
int sink_fd(int fd, const char *name, enum codec, struct sink **);
/* Append to a file that may exist (O_APPEND, whole lines per write): rejects, stats. */
int sink_append(const char *path, struct sink **);

/*
 * Before anything is added to a zstd sink: its frames are compressed and written by a thread beside (out/apart), in
 * their order, and an error shows later, by sink_sync at the latest.  The file's bytes are the same.  Others: nothing.
 */
void sink_apart(struct sink *);
/* Apart: nothing more will be added; begin what sink_sync then waits for, in the place of all of it. */
void sink_sync_soon(struct sink *);

int sink_add(struct sink *, struct span bytes);
/*
 * The same.  Of a file that sink_unsummed was said of, bytes that begin with a page in memory (SINK_PAGE), behind whole
 * pages in the file, go to the disk past the system's cache, where it has a way.
 */
#define SINK_PAGE 4096
int sink_add_pages(struct sink *, struct span bytes);
int sink_line(struct sink *, struct span line);
/*
 * n bytes of an open file from `at` on, behind what was added, without passing through this process where a pipe is
 * what they go to.  *sent is less where the file ends before.  name: for a message that it cannot be read.  0 or
 * EXIT_IO.
 */
int sink_send(struct sink *, int fd, const char *name, uint64_t at, uint64_t n, uint64_t *sent);
/* Such a line of n pieces. */
int sink_pieces(struct sink *, const struct span *piece, size_t n);
/* A place for at least n bytes; fill it, then sink_advance(used). NULL after an error. */
char *sink_room(struct sink *, size_t n);
int sink_advance(struct sink *, size_t used);
/* From now on this file is not fsynced: what is written outlives the process, not the machine. */
void sink_lax(struct sink *);
/* Nobody will ask for the checksum of this one. */
void sink_unsummed(struct sink *);
/* Of sink_append: all that was given is on the disk (fsync), and *size how long the file is. 0 or EXIT_IO. */
int sink_settle(struct sink *, uint64_t *size);
/*
 * Of sink_append: cut the file, nothing having been added yet, to what it was; from then on no other process may do so
 * (flock).  0, EXIT_TEMP (one has), EXIT_USAGE (no file), EXIT_INPUT (it is shorter), EXIT_IO.
 */
int sink_cut(struct sink *, uint64_t size);
/* Hand everything to the kernel now (no fsync). */
int sink_flush(struct sink *);
uint64_t sink_bytes(const struct sink *);	/* given to it, before compression */
/* XXH64 (seed 0) and size of what reached the file, after compression; for commit records. Valid after sink_sync. */
/* End frames, flush, fsync; the sink stays open for nothing but close. */
int sink_sync(struct sink *);
uint64_t sink_file_bytes(const struct sink *);
uint64_t sink_file_xxh64(const struct sink *);
/* zstd: the sizes of the frames in the file so far, *n of them; good until the next call that adds. */
const uint32_t *sink_frames(const struct sink *, size_t *n);
/* Flush, end, close, publish under its name; frees the sink in any case. */
int sink_close(struct sink *);
/* Close and remove what was written; frees the sink. */
void sink_abort(struct sink *);

#endif
