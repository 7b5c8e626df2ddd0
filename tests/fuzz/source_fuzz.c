/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source_fuzz - any bytes as a file, compressed or not: whole lines, none over the limit, and an end
 *
 * The first byte chooses block size and line limit.
 */
#include <sys/mman.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "in/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines end in LF, but for the last of the input, and none is longer than the limit. */
static void
check(const struct block *b, size_t max_line, bool *ended)
{
	const char *p = b->p, *end = b->p + b->n, *lf;
	volatile char pad = b->p[b->n + BLOCK_PAD_BYTES - 1];
	size_t n;

	(void)pad;
	if (*ended)
		abort();
	for (; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL) {
			*ended = true;
			lf = end;
		}
		n = (size_t)(lf - p);
		if (n - (n > 0 && p[n - 1] == '\r') > max_line)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int null = -1, err = -1;
	struct source_conf conf = { 0 };
	uint64_t offset = 0, lines = 1;
	bool ended = false;
	struct source *s;
	struct block b;
	int fd, rc, turns = 0;

	if (null == -1) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		err = dup(STDERR_FILENO);
	}
	if (size < 1)
		return 0;
	conf.block = data[0] & 1 ? 1 + (data[0] >> 2) : 0;
	conf.max_line = data[0] & 2 ? 1 + (data[0] >> 3) : 0;
	if ((fd = memfd_create("source_fuzz", MFD_CLOEXEC)) == -1 ||
	    write(fd, data + 1, size - 1) != (ssize_t)(size - 1) || lseek(fd, 0, SEEK_SET) == -1)
		abort();
	dup2(null, STDERR_FILENO);	/* messages of bad frames */
	if (source_fd(fd, "fuzz", &conf, &s) != 0)
		abort();
	while ((rc = source_block(s, &b)) == 0 && b.n > 0 && turns++ < 100000) {
		if (b.offset < offset || b.line0 != lines)
			abort();
		offset = b.offset + b.n;
		if (b.long_line > 0) {
			if (b.long_line <= conf.max_line || b.n > b.long_line + 1)
				abort();
			lines++;
			continue;
		}
		check(&b, conf.max_line != 0 ? conf.max_line : LINE_BYTES_MAX, &ended);
		for (size_t i = 0; i < b.n; i++)
			lines += b.p[i] == '\n';
	}
	source_close(s);
	dup2(err, STDERR_FILENO);
	return 0;
}
