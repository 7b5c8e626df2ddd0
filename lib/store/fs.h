/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs - the few file system steps a commit is made of, each one durable or failed
 *
 *	rc = fs_new(tmp, bytes);			// written and fsynced under a name nobody reads
 *	rc = fs_link(tmp, final, &taken);		// the name appears whole, or was there before
 *	rc = fs_sync_dir(log_dir);			// and now it stays
 *
 * Invariants: nothing retries a failed fsync: the kernel may have marked the lost pages clean.  No
 * function replaces a file but fs_put, which renames.  Every message names the path; statuses are
 * those of base/err.h.
 */
#ifndef STORE_FS_H
#define STORE_FS_H

#include <stdint.h>

#include "base/buf.h"

#define NONCE_BYTES 33		/* 128 random bits in hex, and NUL */

/*
 * Make every missing directory of path (mode 0777 less umask), each fsynced into its parent. 0
 * or EXIT_IO.
 */
int fs_dirs(const char *path);
/* fsync a directory: the names in it stay. 0 or EXIT_IO. */
int fs_sync_dir(const char *path);
/*
 * The whole of a file of at most max bytes into out (cleared first); *found false and 0 when
 * there is none.
 */
int fs_read(const char *path, size_t max, struct buf *out, bool *found);
/* All n bytes at that offset of an open file; false, without a word, where they are not there or cannot be read. */
bool fs_read_at(int fd, char *p, size_t n, uint64_t at);
/* A new file with these bytes, fsynced; its name must not be taken. 0 or EXIT_IO. */
int fs_new(const char *path, struct span bytes);
/* The same without fsync: for what need not outlive the machine. */
int fs_new_lax(const char *path, struct span bytes);
/* Give a file a second name, without replacing: *taken when that name was there. 0 or EXIT_IO. */
int fs_link(const char *from, const char *to, bool *taken);
/*
 * Replace a small file as a whole: temporary, rename; durable (file and directory fsynced) when
 * asked. 0 or EXIT_IO.
 */
int fs_put(const char *path, struct span bytes, bool durable);
/* Remove a file; that it is not there is no error. 0 or EXIT_IO. */
int fs_remove(const char *path);
/* Remove a directory and all below it, never following links. 0 or EXIT_IO. */
int fs_remove_tree(const char *path);
/* The directory part of a path, without the slash. The caller frees it. */
char *fs_parent(const char *path);
/* DIR/NAME. The caller frees it. */
char *fs_under(const char *dir, const char *name);
bool fs_exists(const char *path);
void fs_nonce(char out[NONCE_BYTES]);

/*
 * The names in a directory in byte order, "." and ".." left out; *n 0 when there is no such
 * directory.
 */
struct fs_names { char **v; size_t n; };
int fs_list(const char *path, struct fs_names *out);
void fs_names_free(struct fs_names *);

#endif
