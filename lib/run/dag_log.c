/* SPDX-License-Identifier: BSD-2-Clause */
/* dag_log - what a dag's nodes printed (see dag.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "run/dag.h"

#define MARK "==== "		/* begins the lines that are not the node's */
#define SAID_READ 8192		/* of a log's end */

int
dag_log_open(const struct dag *d, const struct dag_node *n, const char *day, struct buf *path)
{
	int fd = -1;

	if (dag_file(d, day, n->name, ".log", true, path) == 0 &&
	    (fd = open(path->p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) == -1)
		err_io("%s: %s", path->p, strerror(errno));
	return fd;
}

int
dag_log_begin(int fd, const char *day, const char *node, uint64_t attempt, const char *run)
{
	return dprintf(fd, MARK "%s %s, attempt %llu, run %s\n", day, node, (unsigned long long)attempt, run) < 0 ?
	    err_io("log of %s: %s", node, strerror(errno)) : 0;
}

/* The offset of the last line that begins a call: its first attempt. */
static int
last_call(FILE *f, const char *day, const char *node, off_t *at)
{
	struct buf mark = { 0 };
	char *line = NULL;
	size_t cap = 0;
	off_t here = 0;
	ssize_t n;
	int rc = 0;

	*at = 0;
	buf_fmt(&mark, MARK "%s %s, attempt 1, run ", day, node);
	while ((n = getline(&line, &cap, f)) != -1) {
		if ((size_t)n > mark.n && memcmp(line, mark.p, mark.n) == 0)
			*at = here;
		here += n;
	}
	if (ferror(f) || fseeko(f, *at, SEEK_SET) == -1)
		rc = EXIT_IO;
	free(line);
	buf_free(&mark);
	return rc;
}

int
dag_log_copy(const struct dag *d, const struct dag_node *n, const char *day, struct sink *out)
{
	struct buf path = { 0 };
	char bytes[65536];
	size_t got;
	off_t at;
	FILE *f;
	int rc;

	dag_file(d, day, n->name, ".log", false, &path);
	if ((f = fopen(path.p, "re")) == NULL) {
		if (errno == ENOENT) {
			err_warn("%s of %s has no log: it was never run", n->name, day);
			rc = EXIT_NO;
		} else {
			rc = err_io("%s: %s", path.p, strerror(errno));
		}
		buf_free(&path);
		return rc;
	}
	if ((rc = last_call(f, day, n->name, &at)) == 0) {
		while (rc == 0 && (got = fread(bytes, 1, sizeof bytes, f)) > 0)
			rc = sink_add(out, span_of(bytes, got));
		if (ferror(f))
			rc = EXIT_IO;
	}
	if (rc != 0 && ferror(f))
		rc = err_io("%s: %s", path.p, strerror(errno));
	fclose(f);
	buf_free(&path);
	return rc;
}

/* A word and a colon, as a message begins: of a command, or of the shell. */
static bool
is_message(struct span line)
{
	size_t n = 0;

	while (n < line.n && (line.p[n] == '-' || line.p[n] == '_' || line.p[n] == '.' || line.p[n] == '/' ||
	    (line.p[n] >= '0' && line.p[n] <= '9') || ((line.p[n] | 0x20) >= 'a' && (line.p[n] | 0x20) <= 'z')))
		n++;
	return n > 0 && n + 2 < line.n && line.p[n] == ':' && line.p[n + 1] == ' ' &&
	    !span_is(span_of(line.p, n), "usage");
}

void
dag_log_said(const char *path, char *said, size_t size)
{
	char b[SAID_READ], *lf;
	struct span rest, line;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd == -1 ? -1 : lseek(fd, 0, SEEK_END);
	ssize_t n = end == -1 ? -1 : pread(fd, b, sizeof b, end > (off_t)sizeof b ? end - (off_t)sizeof b : 0);

	if (fd != -1)
		close(fd);
	*said = '\0';
	for (rest = span_of(b, n > 0 ? (size_t)n : 0); rest.n > 0; rest = span_from(rest, line.n + 1)) {
		if ((lf = memchr(rest.p, '\n', rest.n)) == NULL)
			break;
		line = span_of(rest.p, (size_t)(lf - rest.p));
		if (line.n >= strlen(MARK) && memcmp(line.p, MARK, strlen(MARK)) == 0) {
			/* another attempt: what the one before said is not its reason */
			if (rest.n > line.n + 1)
				*said = '\0';
		} else if (is_message(line)) {
			(void)err_mask(said, size, line.p, line.n);
		}
	}
}
