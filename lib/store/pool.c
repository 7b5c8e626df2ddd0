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
#include "store/fs.h"
#include "store/pool.h"

#define ZSTD_SUFFIX ".pz"
#define GZIP_SUFFIX ".pgz"

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
	int n = snprintf(head, sizeof head, "s-%016" PRIx64 "-", hash_fixed(span_str(app)));
	uint64_t epoch;

	if (strncmp(file, head, (size_t)n) != 0)
		return false;
	epoch = strtoull(file + n, &end, 10);
	return end != file + n && *end == '-' && epoch < below;
}

int
part_open(const struct table *t, const char *day, const char *name, struct part **out)
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
		rc = sink_fd(fd, path.p, pool_codec(name), &p->sink);
		*out = p;
	}
	buf_free(&path);
	return rc;
}

int
part_line(struct part *p, struct span line)
{
	p->rows++;
	return sink_line(p->sink, line);
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

int
part_close(struct part *p)
{
	int rc, r;

	if (p->sink == NULL)
		return 0;
	rc = sink_sync(p->sink);
	p->bytes = sink_file_bytes(p->sink);
	p->xxh64 = sink_file_xxh64(p->sink);
	r = sink_close(p->sink);
	p->sink = NULL;
	return rc == 0 ? r : rc;
}

void
part_drop(const struct table *t, struct part *p)
{
	struct buf path = { 0 };

	sink_abort(p->sink);
	p->sink = NULL;
	(void)fs_remove(table_pool_path(t, p->day, p->name, &path));
	buf_free(&path);
}

void
part_free(struct part *p)
{
	if (p == NULL)
		return;
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

int
pool_collect(const struct table *t, const char *const *app, size_t n, uint64_t below)
{
	struct fs_names days, files;
	struct buf path = { 0 };
	int rc = fs_list(t->pool_dir, &days);

	for (size_t i = 0; rc == 0 && i < days.n; i++) {
		const struct day *d = live_day(t->live, days.v[i]);

		if (!day_good(span_str(days.v[i]), NULL))
			continue;
		buf_clear(&path);
		buf_fmt(&path, "%s/%s", t->pool_dir, days.v[i]);
		rc = fs_list(buf_cstr(&path), &files);
		for (size_t k = 0; rc == 0 && k < files.n; k++)
			for (size_t a = 0; rc == 0 && a < n; a++)
				if (pool_orphan(files.v[k], app[a], below) && !is_listed(d, files.v[k]))
					rc = fs_remove(table_pool_path(t, days.v[i], files.v[k], &path));
		fs_names_free(&files);
	}
	fs_names_free(&days);
	buf_free(&path);
	return rc;
}
