/* SPDX-License-Identifier: BSD-2-Clause */
/* stage - a writer inside a run (see stage.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/stage.h"

struct stage {
	char *table, *open, *final, *dir;
	int fd;
};

static char *
name_in(const char *run_dir, const char *nonce, const char *suffix)
{
	struct buf b = { 0 };
	char *s;

	buf_fmt(&b, "%s/stage%s%s%s", run_dir, nonce == NULL ? "" : "/", nonce == NULL ? "" : nonce, suffix);
	s = mem_dup(buf_span(&b));
	buf_free(&b);
	return s;
}

static void
release(struct stage *s)
{
	if (s->fd != -1)
		close(s->fd);
	free(s->table);
	free(s->open);
	free(s->final);
	free(s->dir);
	free(s);
}

/* One write a line: what a killed writer left ends in a whole line, but for the machine's own death. */
static int
put_line(struct stage *s, struct buf *b)
{
	ssize_t w;

	buf_byte(b, '\n');
	do {
		w = write(s->fd, b->p, b->n);
	} while (w == -1 && errno == EINTR);
	return w == (ssize_t)b->n ? 0 : err_io("%s: %s", s->open, w == -1 ? strerror(errno) : "short write");
}

int
stage_open(const char *run_dir, const char *table, const char *nonce, struct stage **out)
{
	struct stage *s = mem_new(sizeof *s);
	struct buf b = { 0 };
	int rc;

	s->table = mem_str(table);
	s->open = name_in(run_dir, nonce, ".open");
	s->final = name_in(run_dir, nonce, ".json");
	s->dir = name_in(run_dir, NULL, "");
	s->fd = open(s->open, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND | O_NOFOLLOW, 0666);
	buf_str(&b, table);
	rc = s->fd == -1 ? err_io("%s: %s", s->open, strerror(errno)) : put_line(s, &b);
	buf_free(&b);
	if (rc != 0) {
		release(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

int
stage_note(struct stage *s, const char *day, const char *file)
{
	struct buf b = { 0 };
	int rc;

	buf_fmt(&b, "%s %s", day, file);
	rc = put_line(s, &b);
	buf_free(&b);
	return rc;
}

int
stage_close(struct stage *s, const json_t *record)
{
	struct buf line = { 0 };
	json_t *r = json_copy((json_t *)(uintptr_t)record);
	int rc;

	json_object_set_new(r, "table", json_string(s->table));
	commit_print(r, &line);
	rc = fs_put(s->final, buf_span(&line), true);
	/* the prepared record holds the names from here on */
	if (rc == 0)
		rc = fs_remove(s->open);
	json_decref(r);
	buf_free(&line);
	release(s);
	return rc;
}

void
stage_abort(struct stage *s)
{
	release(s);
}
