/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * temp - a file without a name, for what does not fit in memory
 *
 *	int fd = temp_file();			// -1 after a message
 *	rc = temp_append(&fd, &end, buf_span(&b));	// fd -1, end 0: made where it is first needed
 *	rc = temp_write(fd, p, n, at); rc = temp_read(fd, p, n, at, &got); rc = temp_read_all(fd, p, n, at);
 *	struct temp_window w = { .fd = fd, .at = from, .end = to };	// or record by record
 *	rc = temp_have(&w, n, READ_BYTES); use(w.b.p + w.used, n); w.used += n; ... buf_free(&w.b);
 *
 * Invariants: it is in $TMPDIR, else /tmp, nobody else can open it, and it is gone when the process is, however that
 * ends.
 */
#ifndef BASE_TEMP_H
#define BASE_TEMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

int temp_file(void);
/* A name for such a file (O_TMPFILE), wherever it was opened, where none is yet. 0, or -1 with errno. */
int temp_link(int fd, const char *path);
/* All n bytes at that offset; 0 or EXIT_IO after a message. */
int temp_write(int fd, const char *p, size_t n, uint64_t at);
/* All of them at *end, which moves on; *fd -1 becomes a new file. 0 or EXIT_IO after a message; *end stays then. */
int temp_append(int *fd, uint64_t *end, struct span);
/* At least one byte, at most n; 0 or EXIT_IO after a message, also when there are none. */
int temp_read(int fd, char *p, size_t n, uint64_t at, size_t *got);
/* All n bytes at that offset; 0 or EXIT_IO after a message, also where the file ends before them. */
int temp_read_all(int fd, char *p, size_t n, uint64_t at);

/* A piece of a file, read from its front: b.p[used .. b.n) is here and not used, at .. end is still in the file. */
struct temp_window {
	int fd;
	uint64_t at, end;
	struct buf b;		/* the caller's, to be freed */
	size_t used;		/* what the caller has done with: it moves this on */
};

/* temp_have where it must read. */
int temp_fill(struct temp_window *, size_t n, size_t most);

/*
 * At least n bytes at b.p + used, where they stay until the next call; `most` are read at once, or n if that is more.
 * 0 or EXIT_IO after a message, also when the piece ends before.
 */
static inline int
temp_have(struct temp_window *w, size_t n, size_t most)
{
	return w->b.n - w->used >= n ? 0 : temp_fill(w, n, most);
}

/* Is all of the piece used? */
static inline bool
temp_over(const struct temp_window *w)
{
	return w->at >= w->end && w->used == w->b.n;
}

#endif
