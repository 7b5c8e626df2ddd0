/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source - the bytes of one input as blocks of whole lines
 *
 *	struct source *s; if ((rc = source_open("-", &conf, &s)) != 0) return rc;
 *	while ((rc = source_block(s, &blk)) == 0 && blk.n > 0) ... blk.p, blk.n, blk.line0 ...
 *	source_close(s);
 *
 * Invariants: a file, a descriptor or `-`; zstd and gzip are known by their first bytes and decompressed, all frames,
 * checksums verified, window at most 2^ZSTD_WINDOW_LOG_MAX.  Blocks begin at a line start and end behind an LF,
 * but for the last line of the input; BLOCK_PAD_BYTES behind each are readable.  A line longer than max_line is
 * skipped in constant memory and reported once.  No mmap: a file cut while it is read cannot raise SIGBUS.
 */
#ifndef IN_SOURCE_H
#define IN_SOURCE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"

struct source_conf {
	size_t max_line;	/* 0: LINE_BYTES_MAX */
	size_t block;		/* 0: BLOCK_BYTES; smaller in tests */
	size_t file_block;	/* the same for a file that is longer than that; 0: as block */
	bool raw;		/* do not decompress */
	bool grows;		/* what is compressed may end in the middle of a frame: source_torn */
	unsigned threads;	/* that decompress ahead, at most (in/unpack.h); 0: none */
	struct span first;	/* taken from the descriptor before: its first bytes, which are not packed; or empty */
};

struct block {
	const char *p;		/* good until the next source_block or source_close */
	size_t n;		/* 0: end of input */
	uint64_t line0;		/* number of its first line, from 1 */
	uint64_t offset;	/* of p in the decompressed input */
	/* > 0: instead of lines, one line of that many bytes over the limit was skipped here; p, n: its first bytes */
	size_t long_line;
};

struct source;
/* Open; errors were said and are EXIT_IO (cannot be opened, a directory). `name` is a path or "-". */
int source_open(const char *name, const struct source_conf *, struct source **);
/* The same over an open descriptor, which is closed with the source unless it is 0. */
int source_fd(int fd, const char *name, const struct source_conf *, struct source **);
/*
 * The next block. 0, EXIT_IO (read error), EXIT_INPUT (torn or corrupt frame: the whole lines before it were
 * handed out first).
 * Waits for input at most until a first byte is there: a slow pipe gives small blocks, so that output can be flushed.
 */
int source_block(struct source *, struct block *);
/*
 * The block just handed out had that many lines: spares the next source_block counting them for line0.  Not for a
 * long_line block.
 */
void source_counted(struct source *, uint64_t lines);
/*
 * Keep the block just handed out: its bytes are now held->p (held->n is left alone), good until it is given back here
 * or freed; what held owned before is used for the blocks to come.
 */
void source_keep(struct source *, struct buf *held);
/*
 * A block in two steps, for threads that share a file: whose turn it is takes a range of whole lines, which costs next
 * to nothing, and each reads its own beside the others.  source_range gives the range as `n` and `offset` (`p`: nothing
 * yet) and goes on behind it; false, and nothing has changed: not here, as at the first block, what is packed or no
 * file, at the end, around a very long line; source_block has what comes next.  It counts no lines.
 */
bool source_range(struct source *, struct block *);
/*
 * Read such a range into `held`, which is emptied, and set `p` to it; any thread, as many as there are ranges.  0 or
 * EXIT_IO: a read error, or the file is not what it was when the range was taken.
 */
int source_range_read(struct source *, struct block *, struct buf *held);
/* Input is ready now: false when a read would wait longer than ms (the caller flushes its output then). */
bool source_ready(struct source *, int ms);
/* May a read wait long: is it anything but a file? */
bool source_waits(const struct source *);
/* Does what comes out of a decompressor come? Known from the first block on. */
bool source_packed(const struct source *);
/* At the end of one that grows: was it in the middle of a frame? */
bool source_torn(const struct source *);
const char *source_name(const struct source *);	/* "<stdin>" for "-" */
uint64_t source_bytes(const struct source *);	/* raw bytes read so far, for --progress; any thread may ask */
uint64_t source_size(const struct source *);	/* file size, 0 if unknown */
void source_close(struct source *);

#endif
