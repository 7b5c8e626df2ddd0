/* SPDX-License-Identifier: BSD-2-Clause */
/* pool - see pool.h */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/pool.h"

#define ZSTD_SUFFIX ".pz"
#define GZIP_SUFFIX ".pgz"
#define ORPHAN_HEAD 19		/* bytes of a source's file before its base: `s-`, 16 digits, `-` */

void
pool_name(struct buf *b, const char *app, uint64_t epoch, const char *nonce, unsigned serial, enum codec codec)
{
	buf_clear(b);
	if (app == NULL)
		buf_str(b, "r-");
	else
		buf_fmt(b, "s-%016" PRIx64 "-", hash_fixed(span_str(app)));
	buf_fmt(b, "%" PRIu64 "-%s-%u%s", epoch, nonce, serial, codec == CODEC_GZIP ? GZIP_SUFFIX : ZSTD_SUFFIX);
	buf_cstr(b);
}

enum codec
pool_codec(const char *file)
{
	size_t n = strlen(file), m = strlen(GZIP_SUFFIX);

	return n > m && strcmp(file + n - m, GZIP_SUFFIX) == 0 ? CODEC_GZIP : CODEC_ZSTD;
}

bool
pool_orphan(const char *file, const char *app, uint64_t below)
{
	char head[24], *end;
	uint64_t epoch;

	snprintf(head, sizeof head, "s-%016" PRIx64 "-", hash_fixed(span_str(app)));
	if (strncmp(file, head, ORPHAN_HEAD) != 0)
		return false;
	epoch = strtoull(file + ORPHAN_HEAD, &end, 10);
	return end != file + ORPHAN_HEAD && *end == '-' && epoch < below;
}

int
pool_open(const char *path, int *fd)
{
	if ((*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) != -1)
		return 0;
	return errno == ENOENT ? err_temp("%s: %s", path, strerror(errno)) : err_io("%s: %s", path, strerror(errno));
}

int
pool_source(const char *path, const struct source_conf *conf, struct source **out)
{
	int fd, rc = pool_open(path, &fd);

	return rc != 0 ? rc : source_fd(fd, path, conf, out);
}

int
pool_remove(const char *path)
{
	struct buf b = { 0 };
	int rc = fs_remove(index_name(path, &b));

	buf_free(&b);
	return rc == 0 ? fs_remove(path) : rc;
}

int
part_open(const struct table *t, const char *day, const char *name, const struct pathset *ids, struct index_room *room,
    struct part **out)
{
	struct buf path = { 0 };
	struct part *p;
	int fd, rc;

	*out = NULL;
	buf_fmt(&path, "%s/%s", t->pool_dir, day);
	rc = fs_dirs(buf_cstr(&path));
	table_pool_path(t, day, name, &path);
	if (rc == 0 && (fd = open(path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666)) == -1)
		rc = err_io("%s: %s", path.p, strerror(errno));
	if (rc == 0) {
		p = mem_new(sizeof *p);
		memcpy(p->day, day, sizeof p->day);
		p->name = mem_str(name);
		p->path = mem_str(path.p);
		rc = sink_fd(fd, path.p, pool_codec(name), &p->sink);
		/* frames are zstd's */
		if (ids != NULL && pool_codec(name) == CODEC_ZSTD) {
			p->paths = ids;
			p->always = t->meta.traced;
			p->index = index_begin(ids, room, path.p);
		}
		*out = p;
	}
	buf_free(&path);
	return rc;
}

int
part_row(struct part *p, struct span line, const struct val *id, size_t n)
{
	p->rows++;
	if (p->index != NULL)
		index_row(p->index, id, n, line.n + 1);
	return sink_line(p->sink, line);
}

int
part_line(struct part *p, struct span line)
{
	if (p->index != NULL)
		index_ids(p->paths, line, &p->ids);
	return part_row(p, line, p->ids.v, p->ids.n);
}

void
part_time(struct part *p, int64_t ms)
{
	if (!p->timed || ms < p->min_ts)
		p->min_ts = ms;
	if (!p->timed || ms > p->max_ts)
		p->max_ts = ms;
	p->timed = true;
}

static int
close_index(struct part *p)
{
	struct index_file f = { p->path, p->bytes, p->xxh64 };
	struct index *ix = p->index;
	const uint32_t *frame;
	size_t n;

	p->index = NULL;
	if (ix == NULL)
		return 0;
	frame = sink_frames(p->sink, &n);
	if (p->rows > 0)
		return index_end(ix, &f, frame, n, p->always);
	index_drop(ix);
	return 0;
}

int
part_close(struct part *p)
{
	int rc, r;

	if (p->sink == NULL)
		return 0;
	rc = sink_sync(p->sink);
	p->bytes = sink_file_bytes(p->sink);
	p->xxh64 = sink_file_xxh64(p->sink);
	if (rc == 0)
		rc = close_index(p);
	r = sink_close(p->sink);
	p->sink = NULL;
	return rc == 0 ? r : rc;
}

void
part_drop(const struct table *t, struct part *p)
{
	(void)t;
	index_drop(p->index);
	p->index = NULL;
	sink_abort(p->sink);
	p->sink = NULL;
	(void)pool_remove(p->path);
}

void
part_free(struct part *p)
{
	if (p == NULL)
		return;
	index_drop(p->index);
	index_ids_free(&p->ids);
	free(p->path);
	free(p->name);
	free(p->app);
	free(p->first_key);
	free(p->last_key);
	free(p);
}

static bool
is_listed(const struct day *d, const char *file)
{
	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (strcmp(d->file[i].name, file) == 0)
			return true;
	return false;
}

/* ---- what a dead writer left ---- */

struct lost {			/* a file of a source that is not live */
	char day[DAY_BYTES];
	uint64_t base;		/* its writer's */
	bool known;		/* a record lists it */
};

struct lost_files {
	struct map *by_name;	/* struct lost */
	struct map_entry *v;	/* by base, [n] */
	size_t n;
};

static int
by_base(const void *a, const void *b)
{
	const struct lost *x = ((const struct map_entry *)a)->cell, *y = ((const struct map_entry *)b)->cell;

	return x->base < y->base ? -1 : x->base > y->base;
}

/* The sources' files of epochs below that are not live. */
static int
find_lost(const struct table *t, const char *const *app, size_t n, uint64_t below, struct lost_files *l)
{
	struct fs_names days, files;
	struct buf path = { 0 };
	int rc = fs_list(t->pool_dir, &days);

	l->by_name = map_new(sizeof(struct lost));
	for (size_t i = 0; rc == 0 && i < days.n; i++) {
		const struct day *d = live_day(t->live, days.v[i]);

		if (!day_good(span_str(days.v[i]), NULL))
			continue;
		buf_clear(&path);
		buf_fmt(&path, "%s/%s", t->pool_dir, days.v[i]);
		rc = fs_list(buf_cstr(&path), &files);
		for (size_t k = 0; rc == 0 && k < files.n; k++)
			for (size_t a = 0; a < n; a++)
				if (pool_orphan(files.v[k], app[a], below) && !is_listed(d, files.v[k])) {
					struct lost *x = map_put(l->by_name, span_str(files.v[k]), NULL);

					memcpy(x->day, days.v[i], DAY_BYTES);
					x->base = strtoull(files.v[k] + ORPHAN_HEAD, NULL, 10);
				}
		fs_names_free(&files);
	}
	fs_names_free(&days);
	buf_free(&path);
	l->n = map_count(l->by_name);
	l->v = map_sorted(l->by_name);
	if (l->n > 1)
		qsort(l->v, l->n, sizeof *l->v, by_base);
	return rc;
}

/* A record's files are no dead writer's; how many of these were not known before. */
static size_t
mark_known(struct lost_files *l, const json_t *record)
{
	json_t *days = json_object_get(record, "days"), *d, *f;
	const char *day;
	size_t found = 0, i;

	json_object_foreach(days, day, d)
		json_array_foreach(json_object_get(d, "add"), i, f) {
			struct lost *x = map_get(l->by_name, span_str(commit_text(f, "file")));

			found += x != NULL && !x->known;
			if (x != NULL)
				x->known = true;
		}
	return found;
}

/*
 * A file that is not live may have been, and who reads an older commit, or goes back to it, still needs it.  A record
 * stands behind its base, mostly soon: only those that nobody has listed are looked for up to the head.
 */
static int
know_lost(const struct table *t, struct lost_files *l)
{
	uint64_t floor, at = 0;
	size_t i = 0, open = 0;
	int rc = log_floor(&t->log, &floor);

	while (rc == 0 && (open > 0 || i < l->n)) {
		json_t *c;

		if (open == 0 && at < ((struct lost *)l->v[i].cell)->base)
			at = ((struct lost *)l->v[i].cell)->base;
		for (; i < l->n && ((struct lost *)l->v[i].cell)->base <= at; i++) {
			struct lost *x = l->v[i].cell;

			/* records down there are collected, and so will be what they do not keep */
			x->known = x->known || x->base < floor;
			open += !x->known;
		}
		if (open == 0)
			continue;
		if (at >= t->live->head)
			break;
		if ((rc = log_record(&t->log, ++at, &c)) != 0)
			break;
		if (c == NULL)
			rc = err_temp("%s: the log was collected past commit %llu", t->name, (unsigned long long)at);
		else
			open -= mark_known(l, c);
		json_decref(c);
	}
	return rc;
}

int
pool_collect(const struct table *t, const char *const *app, size_t n, uint64_t below)
{
	struct lost_files l = { 0 };
	struct buf path = { 0 };
	int rc = find_lost(t, app, n, below, &l);

	if (rc == 0)
		rc = know_lost(t, &l);
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		const struct lost *x = l.v[i].cell;
		char *file = x->known ? NULL : mem_dup(l.v[i].key);

		if (file != NULL)
			rc = pool_remove(table_pool_path(t, x->day, file, &path));
		free(file);
	}
	free(l.v);
	map_free(l.by_name);
	buf_free(&path);
	return rc;
}
