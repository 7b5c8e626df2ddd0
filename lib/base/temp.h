/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * temp - a file without a name, for what does not fit in memory
 *
 *	int fd = temp_file();			// -1 after a message
 *	rc = temp_write(fd, p, n, at); rc = temp_read(fd, p, n, at, &got);
 *
 * Invariants: it is in $TMPDIR, else /tmp, nobody else can open it, and it is gone when the process is, however that
 * ends.
 */
#ifndef BASE_TEMP_H
#define BASE_TEMP_H

#include <stddef.h>
#include <stdint.h>

int temp_file(void);
/* All n bytes at that offset; 0 or EXIT_IO after a message. */
int temp_write(int fd, const char *p, size_t n, uint64_t at);
/* At least one byte, at most n; 0 or EXIT_IO after a message, also when there are none. */
int temp_read(int fd, char *p, size_t n, uint64_t at, size_t *got);

#endif
