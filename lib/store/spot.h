/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spot - how far a table's log knows a file: log files as sources, exactly once
 *
 *	struct spot s; rc = spot_find(t->live, fd, "app.log", &s);	// s.app, s.from, s.offset, s.line
 *	… read from s.offset on …
 *	rc = spot_to(&s, fd, offset, line, to);			// change_source(c, s.app, s.from, to, epoch)
 *
 * Invariants: a file is the same one when its inode and birth are and its first and last known bytes are; or, where
 * the inode is another (restored, moved between file systems), when its name is, its known bytes are, and
 * no file beside it is the old one.  So a log renamed by rotation is read on, and a new one under the old
 * name begins at 0.  One that lost bytes it had, while inode and birth are the same, was cut; where the file
 * system tells no birth, an inode may have been given anew.  Positions are texts of the commit log:
 * `OFFSET LINE HEADN HEAD TAIL NAME DEV:INO BIRTH`, and ` 1` behind that of a file whose end was seen: it may go away
 * without a word.  A name is that of a directory and in it, whether a file has it or not.
 */
#ifndef STORE_SPOT_H
#define STORE_SPOT_H

#include "store/table.h"

#define SPOT_BYTES 200
#define SPOT_HEAD_BYTES 1024	/* compared at either end of what was read */

struct spot {
	char app[64];			/* the source's name in the log */
	char from[SPOT_BYTES];		/* its position there, "" for a new one */
	uint64_t offset, line;		/* where to go on: decompressed bytes and lines before it */
	uint64_t name;			/* spot_name of the path */
	uint64_t dev, ino;
	bool packed;			/* zstd or gzip: offsets are not the file's */
	bool done;			/* a plain file with nothing behind the position */
	uint64_t birth;			/* ns since 1970; 0: not known */
	bool over;			/* its end was seen; for spot_to: it is */
	bool copy;			/* known by name and bytes alone: another inode was read under this name */
	/* a new source only because bytes that were read are gone: `lost` had been read, of this very file */
	bool cut;
	uint64_t lost;
};

/* Find the file among the table's sources. 0, or EXIT_IO after a message. */
int spot_find(const struct live *, int fd, const char *path, struct spot *);
/* The position behind `offset` bytes and `line` lines. 0 or EXIT_IO. */
int spot_to(const struct spot *, int fd, const char *path, uint64_t offset, uint64_t line, char to[SPOT_BYTES]);
/* That position, with its end seen; false where it is known already, or at is none. */
bool spot_over(const char *at, char to[SPOT_BYTES]);
/* Does the file still hold the first and the last bytes that this position knows? */
bool spot_stands(const char *at, int fd);
/* Of any path. */
uint64_t spot_name(const char *path);
/* Zstd or gzip, by its first bytes. */
bool spot_packed(int fd);
/* When a file was made, in ns since 1970; 0 where the file system does not tell. */
uint64_t spot_birth(int fd);

struct spot_known {			/* a file that the log knows */
	char app[64];
	const char *at;			/* its position, the log's own text */
	uint64_t offset, name, dev, ino, birth;
	bool over;
};

/* All of them, in any order: i from 0. */
bool spot_next(const struct live *, size_t *i, struct spot_known *);
/*
 * Shut out the earlier writers of these sources, and remove what they left unlisted: the rule that makes
 * the removal safe. *epoch is what change_source wants. 0, EXIT_IO, EXIT_INPUT.
 */
int spot_fence(struct table *, const char *const *app, size_t n, uint64_t *epoch);

#endif
