/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pieces - a file of keys and values behind a head, in blocks with checksums: what states are saved in
 *
 *	rc = pieces_begin(&w, path, head); ... pieces_put(&w, key, val) ...
 *	rc = rc == 0 ? pieces_end(&w) : (pieces_drop(&w), rc);
 *	rc = pieces_open(&r, path, &head);			// head: what pieces_begin was given
 *	rc = pieces_each(&r, add, st); pieces_close(&r);
 *
 * Invariants: [bytes, u64][XXH3 of them, u64][bytes], integers little-endian; the first block is the head, the
 * others hold pieces; the last one has no bytes, and the number of pieces where a hash would be.  One whose size has
 * its highest bit set is passed over: it makes what is behind it begin with a page.  A file appears under its name
 * fsynced and whole; what is torn or changed is refused: EXIT_INPUT.
 */
#ifndef RUN_PIECES_H
#define RUN_PIECES_H

#include "base/buf.h"
#include "base/op.h"

struct sink;
struct sum;
struct unpack;

struct pieces_writer {
	struct sink *out;		/* NULL: nothing is begun */
	struct buf block;
	struct sum *sum;
	bool lax;			/* in: nothing is fsynced: safe against the end of the process alone */
	uint64_t n, bytes;		/* bytes: of the file so far, when its last block is out */
};

/* A new file, under its name once pieces_end says so. 0 or EXIT_IO. */
int pieces_begin(struct pieces_writer *, const char *path, struct span head);
/* A kv_fn whose arg is the writer. */
int pieces_put(void *writer, struct span key, struct span val);
/* The same with these bytes before the key. */
int pieces_put_under(struct pieces_writer *, struct span tag, struct span key, struct span val);
/*
 * The same without a key; a value that is long and begins with a page in memory is written from there, past the
 * system's cache: nobody reads it but who starts again.
 */
int pieces_put_bulk(struct pieces_writer *, struct span tag, struct span val);
/* Durable under its name, its directory's entry too. 0 or EXIT_IO. */
int pieces_end(struct pieces_writer *, const char *dir);
/* Leaves nothing of a file that was begun and not ended; frees. */
void pieces_drop(struct pieces_writer *);

struct pieces_reader {
	int fd;				/* -1: none */
	const char *path;		/* for messages; the caller's */
};

/* Open and read the head, into *head (cleared). 0, EXIT_IO, EXIT_INPUT; close it in any case. */
int pieces_open(struct pieces_reader *, const char *path, struct buf *head);
/* All pieces, once. 0, EXIT_IO, EXIT_INPUT, or what each ended it with. */
int pieces_each(struct pieces_reader *, kv_fn *each, void *arg);
void pieces_close(struct pieces_reader *);
int pieces_damaged(const char *path);
/* What a head begins with: a word that says which kind of file it is, and a sign of who may read it. */
void pieces_put_magic(struct buf *head, const char *magic, uint64_t sign);
/* The sign, and all of the head behind it. 0; EXIT_INPUT where it is another kind of file; path: for messages. */
int pieces_magic(const struct buf *head, const char *path, const char *magic, uint64_t *sign, struct unpack *rest);

/* ---- their directory ---- */

/* Is it a file NUMBER SUFFIX? */
bool pieces_number(const char *name, const char *suffix, uint64_t *number);
/* Remove those that do not stay. 0 or EXIT_IO. */
int pieces_forget(const char *dir, const char *suffix, bool (*stays)(const void *arg, uint64_t number),
    const void *arg);
/* Remove what a process that was killed had begun in a directory that is locked: names of sinks' temporaries. */
int pieces_sweep(const char *dir, const char *suffix);
/* Take the lock file of a directory; *fd holds it until closed. 0, EXIT_TEMP with the pid of who has it, EXIT_IO. */
int pieces_lock(const char *dir, int *fd);

#endif
