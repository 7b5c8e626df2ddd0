/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checkpoint - the state of a table as lines, so that reading a head costs the new commits only
 *
 * One JSON line for the whole ({"ckpt":N,…}), one a day, one a source, and {"end":LINES}: without
 * the last one the file is torn.  It is written whole or not at all, and readers that find none
 * begin at commit 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "in/source.h"
#include "out/sink.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/log.h"

#define LINE_MAX_BYTES ((size_t)1 << 30)	/* a day of a million files */

static void
path_of(const struct log *g, uint64_t n, struct buf *b)
{
	buf_fmt(b, "%s/%020" PRIu64 ".ckpt.zst", g->dir, n);
	buf_cstr(b);
}

static int
put(struct sink *o, json_t *j)
{
	char *text = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);
	int rc;

	if (text == NULL)
		err_die(EXIT_IO, "out of memory (checkpoint)");
	rc = sink_line(o, span_str(text));
	free(text);
	json_decref(j);
	return rc;
}

static json_t *
header(const struct live *s)
{
	json_t *columns = json_array(), *recent = json_object();

	for (size_t i = 0; i < RECENT; i++)
		if (s->recent[i].n != 0)
			json_object_set_new(recent, s->recent[i].nonce, json_integer((json_int_t)s->recent[i].n));
	for (size_t i = 0; i < s->n_columns; i++)
		json_array_append_new(columns, json_pack("{s:s,s:I}", "name", s->column[i].name, "types",
		    (json_int_t)s->column[i].types));
	return json_pack("{s:I,s:I,s:b,s:s,s:I,s:o,s:o}", "ckpt", (json_int_t)s->head, "meta_commit",
	    (json_int_t)s->meta_commit, "implicit", (int)s->implicit, "meta", s->meta, "star", (json_int_t)s->star,
	    "columns", columns, "recent", recent);
}

static json_t *
day_line(const struct day *d)
{
	json_t *files = json_array();

	for (size_t i = 0; i < d->n; i++) {
		json_t *f = live_file_json(&d->file[i]);

		json_object_set_new(f, "commit", json_integer((json_int_t)d->file[i].commit));
		json_object_set_new(f, "delta", json_boolean(d->file[i].delta));
		json_array_append_new(files, f);
	}
	return json_pack("{s:s,s:I,s:I,s:b,s:b,s:o}", "day", d->name, "touched", (json_int_t)d->touched, "changed",
	    (json_int_t)d->changed, "based", (int)d->based, "gone", (int)d->gone, "files", files);
}

static json_t *
app_line(struct span name, const struct app *a)
{
	json_t *j = json_pack("{s:s%,s:I,s:I,s:I}", "app", name.p, name.n, "epoch", (json_int_t)a->epoch, "commit",
	    (json_int_t)a->commit, "fence", (json_int_t)a->fence);

	if (j != NULL && a->to != NULL)
		json_object_set_new(j, "to", json_string(a->to));
	return j;
}

static int
print(struct sink *o, const struct live *s)
{
	struct map_entry *apps = map_sorted(s->apps);
	struct day **days;
	json_int_t lines = 1;
	size_t n;
	int rc = put(o, header(s));

	days = live_all_days(s, &n);
	for (size_t i = 0; rc == 0 && i < n; i++, lines++)
		rc = put(o, day_line(days[i]));
	for (size_t i = 0; rc == 0 && i < map_count(s->apps); i++, lines++)
		rc = put(o, app_line(apps[i].key, apps[i].cell));
	if (rc == 0)
		rc = put(o, json_pack("{s:I}", "end", lines));
	free(days);
	free(apps);
	return rc;
}

int
log_checkpoint(const struct log *g, const struct live *s)
{
	struct buf path = { 0 };
	struct sink *o;
	int rc = 0, r;

	path_of(g, s->head, &path);
	if (!fs_exists(path.p) && (rc = sink_open(path.p, &o)) == 0) {
		rc = print(o, s);
		r = rc == 0 ? sink_close(o) : (sink_abort(o), rc);
		rc = r == 0 ? fs_sync_dir(g->dir) : r;
	}
	buf_free(&path);
	return rc;
}

/* ---- reading ---- */

static bool
read_header(struct live *s, const json_t *j)
{
	json_t *recent = json_object_get(j, "recent"), *v;
	const char *nonce;
	size_t i;

	s->head = commit_u64(j, "ckpt");
	s->meta_commit = commit_u64(j, "meta_commit");
	s->implicit = json_is_true(json_object_get(j, "implicit"));
	s->star = commit_u64(j, "star");
	s->meta = arena_dup(&s->mem, span_of(commit_text(j, "meta"), strlen(commit_text(j, "meta")) + 1));
	json_array_foreach(json_object_get(j, "columns"), i, v)
		live_column(s, span_str(commit_text(v, "name")), (uint32_t)commit_u64(v, "types"));
	json_object_foreach(recent, nonce, v)
		live_note_recent(s, (uint64_t)json_integer_value(v), nonce);
	return s->head != 0;
}

static bool
read_line(struct live *s, const json_t *j)
{
	const json_t *v;
	size_t i;

	if (json_object_get(j, "ckpt") != NULL)
		return read_header(s, j);
	if (strlen(commit_text(j, "day")) == sizeof(((struct day *)0)->name) - 1) {
		struct day *d = live_put_day(s, commit_text(j, "day"));

		d->touched = commit_u64(j, "touched");
		d->changed = json_object_get(j, "changed") == NULL ? d->touched : commit_u64(j, "changed");
		d->based = json_is_true(json_object_get(j, "based"));
		d->gone = json_is_true(json_object_get(j, "gone"));
		json_array_foreach(json_object_get(j, "files"), i, v) {
			if (*commit_text(v, "file") == '\0' || *commit_text(v, "xxh64") == '\0')
				return false;
			live_add_file(s, d, v, commit_u64(v, "commit"), json_is_true(json_object_get(v, "delta")));
		}
		return true;
	}
	if (*commit_text(j, "app") != '\0') {
		const char *to = json_string_value(json_object_get(j, "to"));
		struct app *a = live_put_app(s, commit_text(j, "app"));

		a->epoch = commit_u64(j, "epoch");
		a->commit = commit_u64(j, "commit");
		a->fence = commit_u64(j, "fence");
		a->to = to == NULL ? NULL : arena_dup(&s->mem, span_of(to, strlen(to) + 1));
		return true;
	}
	return false;
}

static int
read_all(struct source *src, const char *path, struct live *s)
{
	uint64_t lines = 0, end = 0;
	struct block blk;
	int rc;

	while ((rc = source_block(src, &blk)) == 0 && blk.n > 0 && blk.long_line == 0) {
		const char *p = blk.p, *stop = blk.p + blk.n;

		while (p < stop) {
			const char *lf = memchr(p, '\n', (size_t)(stop - p));
			json_error_t err;
			json_t *j;
			bool good;

			lf = lf == NULL ? stop : lf;
			j = json_loadb(p, (size_t)(lf - p), 0, &err);
			if (json_object_get(j, "end") != NULL) {
				end = commit_u64(j, "end");
				good = end == lines;
			} else {
				good = j != NULL && end == 0 && read_line(s, j);
			}
			json_decref(j);
			if (!good)
				return err_input("%s: line %" PRIu64 " is no line of a checkpoint", path, lines + 1);
			lines++;
			p = lf + (lf < stop);
		}
	}
	if (rc == 0 && end == 0)
		rc = err_input("%s: torn: its end is missing", path);
	return rc;
}

int
log_checkpoint_read(const struct log *g, uint64_t n, struct live **out)
{
	struct source_conf conf = { .max_line = LINE_MAX_BYTES };
	struct buf path = { 0 };
	struct source *src;
	int fd, rc = 0;

	*out = NULL;
	path_of(g, n, &path);
	/* a collector may take it away at any time; then there is a newer one */
	if ((fd = open(path.p, O_RDONLY | O_CLOEXEC)) == -1 && errno != ENOENT)
		rc = err_io("%s: %s", path.p, strerror(errno));
	if (fd != -1 && (rc = source_fd(fd, path.p, &conf, &src)) == 0) {
		*out = live_new();
		rc = read_all(src, path.p, *out);
		if (rc == 0 && (*out)->head != n)
			rc = err_input("%s: holds another number", path.p);
		source_close(src);
	}
	if (rc != 0) {
		live_free(*out);
		*out = NULL;
	}
	buf_free(&path);
	return rc;
}
