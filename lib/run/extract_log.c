/* SPDX-License-Identifier: BSD-2-Clause */
/* extract_log - see extract_log.h */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "run/extract_log.h"
#include "store/fs.h"

#define MANIFEST_MAX ((size_t)256 << 20)

struct extract_log {
	struct buf path;
	char *dir;
	int fd;
	json_t *table;			/* {DB.TABLE: its last piece} */
	uint64_t snapshots;
};

void
piece_key(struct piece *p, const struct span *cell, size_t n)
{
	size_t at = 0;

	buf_clear(&p->text);
	p->key = mem_array(p->key, n, sizeof *p->key);
	for (size_t i = 0; i < n; i++)
		buf_span_add(&p->text, cell[i]);
	for (size_t i = 0; i < n; at += cell[i++].n)
		p->key[i] = span_of(p->text.p + at, cell[i].n);
	p->n_key = n;
}

void
piece_free(struct piece *p)
{
	free(p->key);
	buf_free(&p->text);
}

/* What a line says. False: it is none of ours. */
static bool
take_line(struct extract_log *g, json_t *line, const char *of, bool first, bool *same)
{
	const char *table = json_string_value(json_object_get(line, "table"));
	const char *is = json_string_value(json_object_get(line, "of"));
	json_t *n = json_object_get(line, "snapshot");

	if (first) {
		*same = is != NULL && strcmp(is, of) == 0;
		return is != NULL;
	}
	if (n != NULL) {
		g->snapshots = (uint64_t)json_integer_value(n);
		return json_is_integer(n);
	}
	return table != NULL && json_is_integer(json_object_get(line, "piece")) &&
	    json_object_set(g->table, table, line) == 0;
}

static int
take_text(struct extract_log *g, struct buf *text, const char *of)
{
	bool first = true, same = true, fine = true;
	size_t at = 0;

	for (const char *lf; fine && (lf = text->n == at ? NULL : memchr(text->p + at, '\n', text->n - at)) != NULL;) {
		json_t *line = json_loadb(text->p + at, (size_t)(lf - (text->p + at)), JSON_ALLOW_NUL, NULL);

		fine = line != NULL && take_line(g, line, of, first, &same);
		json_decref(line);
		first = false;
		at = (size_t)(lf - text->p) + 1;
	}
	if (!fine)
		return err_input("%s: it is not a manifest of pieces", g->path.p);
	if (!same)
		return err_usage("%s: what is there is of other tables, columns or conditions", g->path.p);
	/* a line that a crash cut off */
	if (at < text->n && ftruncate(g->fd, (off_t)at) == -1)
		return err_io("%s: %s", g->path.p, strerror(errno));
	return 0;
}

static int
append(struct extract_log *g, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	struct buf b = { 0 };
	int rc = 0;

	json_decref(line);
	if (text == NULL)
		return err_io("%s: no memory", g->path.p);
	buf_fmt(&b, "%s\n", text);
	free(text);
	for (size_t at = 0; at < b.n && rc == 0;) {
		ssize_t n = write(g->fd, b.p + at, b.n - at);

		if (n > 0)
			at += (size_t)n;
		else if (n == 0 || errno != EINTR)
			rc = err_io("%s: %s", g->path.p, n == 0 ? "nothing was written" : strerror(errno));
	}
	if (rc == 0 && fsync(g->fd) == -1)
		rc = err_io("%s: %s", g->path.p, strerror(errno));
	buf_free(&b);
	return rc;
}

int
extract_log_open(const char *dir, const char *of, struct extract_log **out)
{
	struct extract_log *g = mem_new(sizeof *g);
	struct buf text = { 0 };
	bool found;
	int rc;

	*out = g;
	g->fd = -1;
	g->dir = mem_str(dir);
	g->table = json_object();
	buf_fmt(&g->path, "%s/manifest", dir);
	(void)buf_cstr(&g->path);
	if ((rc = fs_dirs(dir)) != 0)
		return rc;
	if ((g->fd = open(g->path.p, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) == -1)
		return err_io("%s: %s", g->path.p, strerror(errno));
	if (flock(g->fd, LOCK_EX | LOCK_NB) == -1)
		return err_temp("%s: another process is at it", g->path.p);
	if ((rc = fs_read(g->path.p, MANIFEST_MAX, &text, &found)) == 0)
		rc = take_text(g, &text, of);
	if (rc == 0 && memchr(text.n == 0 ? "" : text.p, '\n', text.n) == NULL)
		rc = append(g, json_pack("{s:s}", "of", of));
	if (rc == 0)
		rc = fs_sync_dir(dir);
	buf_free(&text);
	return rc;
}

/* What a piece was written to that never got its name: it is ours alone, for we hold the lock. */
static int
sweep(const char *dir)
{
	struct fs_names l;
	struct buf b = { 0 };
	int rc = fs_list(dir, &l);

	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		size_t n = strlen(l.v[i]);

		if (l.v[i][0] != '.' || n < 4 || strcmp(l.v[i] + n - 4, ".tmp") != 0)
			continue;
		buf_clear(&b);
		buf_fmt(&b, "%s/%s", dir, l.v[i]);
		rc = fs_remove(buf_cstr(&b));
	}
	fs_names_free(&l);
	buf_free(&b);
	return rc;
}

int
extract_log_dir(struct extract_log *g, const char *table)
{
	struct buf b = { 0 };
	int rc;

	/* a name that leads elsewhere is none of a table that one can have meant */
	if (strchr(table, '/') != NULL)
		return err_usage("%s: no name of a directory", table);
	buf_fmt(&b, "%s/%s", g->dir, table);
	if ((rc = fs_dirs(buf_cstr(&b))) == 0)
		rc = sweep(buf_cstr(&b));
	buf_free(&b);
	return rc;
}

bool
extract_log_whole(const struct extract_log *g, const char *table)
{
	return json_is_true(json_object_get(json_object_get(g->table, table), "last"));
}

int
extract_log_snapshot(struct extract_log *g)
{
	if (json_object_size(g->table) > 0)
		err_warn("%s: pieces are there; the rest is of another snapshot", g->path.p);
	return append(g, json_pack("{s:I,s:I}", "snapshot", (json_int_t)++g->snapshots, "at",
	    (json_int_t)clock_real_ms()));
}

int
extract_log_table(struct extract_log *g, const char *table, size_t n_key, struct piece *p)
{
	json_t *line = json_object_get(g->table, table), *key = json_object_get(line, "key");
	struct span cell[64] = { { 0 } };

	if (line == NULL)
		return 0;
	p->number = (uint64_t)json_integer_value(json_object_get(line, "piece"));
	p->last = json_is_true(json_object_get(line, "last"));
	if (p->last)
		return 0;
	if (n_key == 0 || n_key > 64 || json_array_size(key) != n_key)
		return err_input("%s: %s has another key by now", g->path.p, table);
	for (size_t i = 0; i < n_key; i++) {
		json_t *v = json_array_get(key, i);

		cell[i] = span_of(json_string_value(v) == NULL ? "" : json_string_value(v), json_string_length(v));
	}
	piece_key(p, cell, n_key);
	return 0;
}

int
extract_log_piece(struct extract_log *g, const char *table, const struct piece *p)
{
	json_t *key = p->last ? json_null() : json_array();
	char file[32];

	for (size_t i = 0; i < p->n_key && !p->last; i++) {
		/* an empty text is a key as well, and has no bytes to point to */
		json_t *v = json_stringn(p->key[i].n == 0 ? "" : p->key[i].p, p->key[i].n);

		if (v == NULL)
			return err_input("%s: a key that is no text cannot be gone on from", table);
		json_array_append_new(key, v);
	}
	(void)snprintf(file, sizeof file, "/%06" PRIu64 ".ndjson.zst", p->number);
	return append(g, json_pack("{s:s,s:I,s:s+,s:I,s:o,s:b}", "table", table, "piece", (json_int_t)p->number, "file",
	    table, file, "rows", (json_int_t)p->rows, "key", key, "last", p->last));
}

void
extract_log_close(struct extract_log *g)
{
	if (g == NULL)
		return;
	if (g->fd != -1)
		(void)close(g->fd);
	json_decref(g->table);
	buf_free(&g->path);
	free(g->dir);
	free(g);
}
