/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unpack - what zstd and gzip frames hold, decompressed ahead by threads of their own
 *
 *	struct unpack *u = unpack_new(&(struct unpack_conf){ .fd = fd, .name = name, .threads = 2 }, first, n);
 *	while ((rc = unpack_more(u, &b)) == 0 && b.n > 0) { use(b); buf_clear(&b); }
 *	unpack_free(u);
 *
 * Invariants: all frames and members, one behind the other; checksums verified; a window over ZSTD_WINDOW_LOG_MAX is
 * refused.  In a file each zstd frame whose header says a length of at most FRAME_JOB_BYTES is decompressed by itself,
 * so several at once (of a damaged one nothing is given); anything else is one stream.  What comes out, pieces and
 * errors, is the same for any number of threads: they run the steps that the caller runs by itself where there are
 * none.  Threads begin when the input has proved to be long; a ring of threads + 2 pieces bounds what is ahead.
 */
#ifndef IN_UNPACK_H
#define IN_UNPACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/limits.h"

#define UNPACK_IN_BYTES (128 * KIB)	/* compressed input is read in pieces of this size */
#define FRAME_JOB_BYTES (4 * MIB)
#define UNPACK_THREADS_MAX 16

struct unpack_conf {
	int fd;			/* taken: closed in the end, unless it is 0 */
	const char *name;	/* for messages; copied */
	bool gzip;		/* else zstd */
	bool file;		/* its reads wait for nobody */
	bool grows;		/* it may end in the middle of a frame (unpack_torn) */
	size_t piece;		/* bytes of one step of a stream */
	unsigned threads;	/* at most; 0: the caller's does it all */
};

struct unpack;
/* `first`: n bytes of the input that were read to know it, in a buffer of UNPACK_IN_BYTES that is taken. */
struct unpack *unpack_new(const struct unpack_conf *, unsigned char *first, size_t n);
/*
 * Append the next bytes to b (an empty b may get another buffer); none at the end.  BLOCK_PAD_BYTES behind them are
 * allocated.  0, EXIT_IO or EXIT_INPUT after a message, both once all before it was given; it stays.
 */
int unpack_more(struct unpack *, struct buf *b);
/* At the end: was it in the middle of a frame? */
bool unpack_torn(const struct unpack *);
/* Would unpack_more give something, or end, within that time? */
bool unpack_ready(struct unpack *, int ms);
/* Compressed bytes read so far; any thread may ask. */
uint64_t unpack_taken(const struct unpack *);
/* A thread that waits in read(2) lives on until that returns, and owns what it needs. NULL is fine. */
void unpack_free(struct unpack *);

/* read(2) that outlives signals and descriptors that another process made non-blocking. -1: see errno. */
ssize_t read_some(int fd, void *p, size_t n);
/* Bytes of a file from `at` on; fewer than n at its end. -1: see errno. */
ssize_t read_at(int fd, char *p, size_t n, off_t at);

#endif
