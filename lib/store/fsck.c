/* SPDX-License-Identifier: BSD-2-Clause */
/* fsck - see fsck.h */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/err.h"
#include "in/source.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/fsck.h"
#include "store/gc.h"
#include "store/merge.h"
#include "store/pool.h"
#include "store/publish.h"
#include "store/ref.h"
#include "store/view.h"

struct fsck {
	const struct fsck_conf *conf;
	struct fsck_did *did;
	const char *name;
	struct table *t;
	struct map *seen;	/* DAY/FILE that was looked at */
	int failed;		/* EXIT_IO once something could not be read */
};

static int
say(struct fsck *k, enum fsck_is is, const char *day, const char *file, uint64_t commit, const char *text)
{
	struct fsck_finding f = { is, k->name, day, file, text, commit };

	k->did->damage += is == FSCK_DAMAGE;
	k->did->stale += is == FSCK_STALE;
	k->did->orphans += is == FSCK_ORPHAN;
	return k->conf->each(k->conf->arg, &f);
}

/* ---- the log ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_day(const struct day *a, const struct day *b)
{
	if (b == NULL || a->n != b->n || a->touched != b->touched || a->based != b->based || a->gone != b->gone)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->file[i].name, b->file[i].name) != 0 ||
		    strcmp(a->file[i].xxh64, b->file[i].xxh64) != 0 ||
		    a->file[i].rows != b->file[i].rows || a->file[i].delta != b->file[i].delta)
			return false;
	return true;
}

/* Does a checkpoint say what the records do? */
static bool
same_state(const struct live *a, const struct live *b)
{
	struct map_entry e;

	if (map_count(a->days) != map_count(b->days) || map_count(a->apps) != map_count(b->apps) ||
	    strcmp(a->meta, b->meta) != 0 || a->meta_commit != b->meta_commit || a->star != b->star)
		return false;
	for (size_t i = 0; map_next(a->days, &i, &e);)
		if (!same_day(e.cell, map_get(b->days, e.key)))
			return false;
	for (size_t i = 0; map_next(a->apps, &i, &e);) {
		const struct app *x = e.cell, *y = map_get(b->apps, e.key);

		if (y == NULL || !same_text(x->to, y->to) || x->fence != y->fence)
			return false;
	}
	return true;
}

/* The checkpoint at the state's number, if there is one. */
static int
check_checkpoint(struct fsck *k, const struct log *log, const struct live *s, bool *whole)
{
	struct live *c;
	int rc = log_checkpoint_read(log, s->head, &c);

	if (rc == EXIT_IO)
		return rc;
	*whole = rc == 0;
	if (rc != 0)
		rc = say(k, FSCK_DAMAGE, NULL, NULL, s->head, "its checkpoint cannot be read");
	else if (c != NULL && !same_state(s, c))
		rc = say(k, FSCK_DAMAGE, NULL, NULL, s->head, "its checkpoint differs from the records");
	live_free(c);
	return rc;
}

/* The greatest number that a record stands under. */
static int
last_number(const char *log_dir, uint64_t *last)
{
	struct fs_names l;
	int rc = fs_list(log_dir, &l);

	*last = 0;
	for (size_t i = 0; i < l.n; i++) {
		uint64_t n = commit_number(l.v[i], ".json");

		*last = n > *last ? n : *last;
	}
	fs_names_free(&l);
	return rc;
}

/* Every record and checkpoint; *whole: the state can be read. */
static int
check_log(struct fsck *k, const char *log_dir, bool *whole)
{
	struct log log = { .dir = log_dir };
	struct live *s = NULL;
	uint64_t floor, last;
	int rc;

	*whole = true;
	if ((rc = log_floor(&log, &floor)) != 0 || (rc = last_number(log_dir, &last)) != 0)
		return rc;
	if (floor > 0 && (rc = log_checkpoint_read(&log, floor, &s)) == EXIT_IO)
		return rc;
	if (floor > 0 && s == NULL) {
		*whole = false;
		return say(k, FSCK_DAMAGE, NULL, NULL, floor, "the checkpoint that FLOOR stands on cannot be read");
	}
	s = s == NULL ? live_new() : s;
	rc = 0;
	for (uint64_t n = floor + 1; rc == 0 && n <= last; n++) {
		json_t *c;

		k->did->commits++;
		if ((rc = log_record(&log, n, &c)) == EXIT_INPUT || (rc == 0 && c == NULL)) {
			*whole = false;
			rc = say(k, FSCK_DAMAGE, NULL, NULL, n, rc == 0 ?
			    "the record is missing, and later ones are there" : "the record is torn or was changed");
		} else if (rc == 0 && *whole) {
			live_apply(s, c);
			rc = check_checkpoint(k, &log, s, whole);
		}
		json_decref(c);
	}
	live_free(s);
	return rc;
}

/* ---- data files ---- */

/* XXH64 of a file's bytes. */
static int
hash_file(const char *path, uint64_t *sum, uint64_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	XXH64_state_t *x = XXH64_createState();
	char *b = mem_array(NULL, 1, BLOCK_BYTES);
	ssize_t n = 0;

	*bytes = 0;
	if (fd == -1 || x == NULL)
		rc = err_io("%s: %s", path, strerror(errno));
	else
		XXH64_reset(x, 0);
	while (rc == 0 && ((n = read(fd, b, BLOCK_BYTES)) > 0 || (n == -1 && errno == EINTR))) {
		if (n == -1)
			continue;
		XXH64_update(x, b, (size_t)n);
		*bytes += (uint64_t)n;
	}
	if (rc == 0 && n == -1)
		rc = err_io("%s: %s", path, strerror(errno));
	*sum = rc == 0 ? XXH64_digest(x) : 0;
	XXH64_freeState(x);
	free(b);
	if (fd != -1)
		close(fd);
	return rc;
}

static int
count_rows(const char *path, uint64_t *rows)
{
	struct source_conf conf = { .max_line = SIZE_MAX / 4 };
	struct source *src;
	struct block b;
	int rc;

	*rows = 0;
	if ((rc = source_open(path, &conf, &src)) != 0)
		return rc;
	while ((rc = source_block(src, &b)) == 0 && b.n > 0)
		for (const char *p = b.p, *end = b.p + b.n; p < end; ++*rows) {
			const char *lf = memchr(p, '\n', (size_t)(end - p));

			p = lf == NULL ? end : lf + 1;
		}
	source_close(src);
	return rc;
}

static const char *
read_through(struct fsck *k, const char *path, const json_t *f)
{
	uint64_t sum, bytes, rows;
	char hex[17];
	int rc;

	if (hash_file(path, &sum, &bytes) != 0) {
		k->failed = EXIT_IO;
		return "it cannot be read";
	}
	snprintf(hex, sizeof hex, "%016" PRIx64, sum);
	k->did->bytes += bytes;
	if (bytes != commit_u64(f, "bytes") || strcmp(hex, commit_text(f, "xxh64")) != 0)
		return "its bytes are not those that were committed";
	if ((rc = count_rows(path, &rows)) != 0) {
		k->failed = rc == EXIT_IO ? rc : k->failed;
		return "it cannot be decompressed";
	}
	k->did->rows += rows;
	return rows == commit_u64(f, "rows") ? NULL : "it has other rows than its commit says";
}

/* May the rows of the table have trace ids? */
static bool
has_traces(const struct table *t)
{
	bool has = t->meta.traced;

	for (size_t i = 0; !has && i < t->live->n_columns; i++)
		has = strcmp(t->live->column[i].name, META_TRACE) == 0;
	return has && t->meta.trace != NULL;
}

/* The index of a data file that is whole.  That there is none is no finding; with repair it is made. */
static int
check_index(struct fsck *k, const char *day, const json_t *f, uint64_t commit, const char *path)
{
	struct index_file x = { path, commit_u64(f, "bytes"), strtoull(commit_text(f, "xxh64"), NULL, 16) };
	struct pathset *ps;
	char text[120];
	const char *why;
	bool there;
	int rc = 0;

	if (!has_traces(k->t) || pool_codec(path) != CODEC_ZSTD)
		return 0;
	ps = index_paths(k->t->meta.trace);
	why = index_check(&x, ps, &there);
	snprintf(text, sizeof text, "its index of trace ids: %s", why == NULL ? "" : why);
	if (why != NULL && !k->conf->repair) {
		if (there)
			rc = say(k, FSCK_STALE, day, commit_text(f, "file"), commit, text);
	} else if (why != NULL && (rc = index_remake(&x, ps, k->t->meta.traced)) == 0) {
		/* a file without ids has none */
		if (index_check(&x, ps, &there) == NULL)
			rc = say(k, FSCK_REPAIRED, day, commit_text(f, "file"), commit,
			    "its index of trace ids was made again");
	}
	pathset_free(ps);
	return rc;
}

/* A file as a record names it. */
static int
check_file(struct fsck *k, const char *day, const json_t *f, uint64_t commit)
{
	const char *file = commit_text(f, "file"), *why = NULL;
	struct buf b = { 0 };
	struct stat st;
	bool fresh;
	int rc = 0;

	buf_fmt(&b, "%s/%s", day, file);
	map_put(k->seen, buf_span(&b), &fresh);
	if (fresh) {
		k->did->files++;
		table_pool_path(k->t, day, file, &b);
		if (stat(b.p, &st) == -1)
			why = errno == ENOENT ? "the file is gone" : strerror(errno);
		else if ((uint64_t)st.st_size != commit_u64(f, "bytes"))
			why = "its size is not what was committed";
		else if (!k->conf->quick)
			why = read_through(k, b.p, f);
		if (why == NULL && !k->conf->quick)
			rc = check_index(k, day, f, commit, b.p);
	}
	buf_free(&b);
	return why == NULL ? rc : say(k, FSCK_DAMAGE, day, file, commit, why);
}

/* The files of the oldest state kept, then what each record added: all that a reader may ask for. */
static int
check_files(struct fsck *k)
{
	const struct log *log = &k->t->log;
	struct live *s = NULL;
	struct day **day;
	uint64_t floor;
	size_t n;
	int rc = log_floor(log, &floor);

	if (rc == 0 && floor > 0)
		rc = log_read(log, floor, &s);
	day = s == NULL ? NULL : live_days(s, &n);
	for (size_t i = 0; rc == 0 && s != NULL && i < n; i++)
		for (size_t m = 0; rc == 0 && m < day[i]->n; m++) {
			json_t *f = live_file_json(&day[i]->file[m]);

			rc = check_file(k, day[i]->name, f, day[i]->file[m].commit);
			json_decref(f);
		}
	free(day);
	live_free(s);
	for (uint64_t c = floor + 1; rc == 0 && c <= k->t->live->head; c++) {
		json_t *record, *d, *f;
		const char *name;
		size_t i;

		rc = log_record(log, c, &record);
		json_object_foreach(json_object_get(record, "days"), name, d)
			json_array_foreach(json_object_get(d, "add"), i, f)
				if (rc == 0)
					rc = check_file(k, name, f, c);
		json_decref(record);
	}
	return rc;
}

/* A day of a keyed table: sorted, each key once in the base, tombstones only in deltas. */
static int
check_keyed(struct fsck *k, const struct day *d)
{
	struct wh_files f;
	struct best best;
	struct cursor *cur = NULL;
	bool any = true;
	int rc = 0;

	if (wh_day(k->t, d->name, &f) != 0)
		return 0;	/* a file is gone: that was said */
	for (size_t i = 0; rc == 0 && i < f.n; i++) {
		uint64_t rows = 0, dead = 0;

		rc = cursor_open(&f, i, i + 1, &cur);
		while (rc == 0 && (rc = cursor_next(cur, &best, &any)) == 0 && any) {
			rows++;
			dead += best.dead;
		}
		cursor_close(cur);
		if (rc == EXIT_INPUT)
			rc = say(k, FSCK_DAMAGE, d->name, d->file[i].name, d->file[i].commit,
			    "its rows are not what a keyed table holds");
		else if (rc == 0 && !d->file[i].delta && (dead > 0 || rows != d->file[i].rows))
			rc = say(k, FSCK_DAMAGE, d->name, d->file[i].name, d->file[i].commit, dead > 0 ?
			    "a base that holds deleted rows" : "a base that holds a key twice");
	}
	wh_close(&f);
	return rc;
}

/* ---- copies ---- */

/* Is the directory exactly the links to the day's live base files? */
static bool
view_right(const struct table *t, const struct day *d, const char *dir)
{
	struct buf from = { 0 }, to = { 0 };
	struct fs_names l = { 0 };
	bool right = fs_list(dir, &l) == 0;
	size_t k = 0;

	for (size_t i = 0; right && d != NULL && i < d->n; i++) {
		struct stat a, b;

		if (d->file[i].delta)
			continue;
		buf_clear(&to);
		buf_fmt(&to, "%s/%s", dir, k < l.n ? l.v[k] : "");
		right = k++ < l.n && stat(table_pool_path(t, d->name, d->file[i].name, &from), &a) == 0 &&
		    lstat(buf_cstr(&to), &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
	}
	right = right && k == l.n && fs_exists(dir) == (d != NULL && d->based);
	fs_names_free(&l);
	buf_free(&from);
	buf_free(&to);
	return right;
}

static int
check_view(struct fsck *k, const char *day)
{
	const struct day *d = live_day(k->t->live, day);
	struct buf dir = { 0 };
	int rc = 0;

	buf_fmt(&dir, "%s/dt=%s", k->t->dir, day);
	if (!view_right(k->t, d != NULL && d->based ? d : NULL, buf_cstr(&dir))) {
		if (!k->conf->repair)
			rc = say(k, FSCK_STALE, day, NULL, 0, "the view is not what the log says");
		else if ((rc = view_make(k->t, day)) == 0)
			rc = say(k, FSCK_REPAIRED, day, NULL, 0, "the view was made again");
		else if (rc == EXIT_INPUT)
			rc = say(k, FSCK_DAMAGE, day, NULL, 0, "the view cannot be made: a file is gone");
	}
	buf_free(&dir);
	return rc;
}

static int
check_views(struct fsck *k)
{
	struct fs_names l;
	struct day **day;
	size_t n;
	int rc = fs_list(k->t->dir, &l);

	day = live_all_days(k->t->live, &n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = check_view(k, day[i]->name);
	/* and directories of days that the log does not know */
	for (size_t i = 0; rc == 0 && i < l.n; i++)
		if (strncmp(l.v[i], "dt=", 3) == 0 && live_any_day(k->t->live, l.v[i] + 3) == NULL) {
			if (day_good(span_str(l.v[i] + 3), NULL))
				rc = check_view(k, l.v[i] + 3);
			else
				rc = say(k, FSCK_STALE, NULL, l.v[i], 0, "a directory that is no day's view");
		}
	fs_names_free(&l);
	free(day);
	return rc;
}

static int
check_copy(struct fsck *k)
{
	struct buf path = { 0 }, text = { 0 };
	bool found;
	int rc;

	buf_fmt(&path, "%s/_table", k->t->dir);
	rc = fs_read(buf_cstr(&path), COMMIT_BYTES_MAX, &text, &found);
	if (rc == 0 && (!found || !span_is(buf_span(&text), k->t->live->meta))) {
		if (!k->conf->repair)
			rc = say(k, FSCK_STALE, NULL, "_table", k->t->live->meta_commit,
			    "the copy is not what the log says");
		else if ((rc = publish_meta_copy(k->t)) == 0)
			rc = say(k, FSCK_REPAIRED, NULL, "_table", k->t->live->meta_commit, "the copy was made again");
	}
	buf_free(&path);
	buf_free(&text);
	return rc;
}

static int
say_orphan(void *arg, const char *day, const char *file, uint64_t bytes, int64_t mtime_ms)
{
	struct fsck *k = arg;

	(void)bytes;
	(void)mtime_ms;
	return say(k, FSCK_ORPHAN, day, file, 0, "no commit names it: a writer at work, or one that died");
}

static int
check_table(struct fsck *k)
{
	struct day **day;
	size_t n;
	int rc = check_files(k);

	day = live_days(k->t->live, &n);
	for (size_t i = 0; rc == 0 && !k->conf->quick && k->t->meta.kind == KIND_UPSERT && i < n; i++)
		rc = check_keyed(k, day[i]);
	free(day);
	if (rc == 0 && (rc = check_views(k)) == 0 && (rc = check_copy(k)) == 0)
		rc = gc_unlisted(k->t, say_orphan, k);
	return rc;
}

int
fsck_table(const char *name, const struct fsck_conf *conf, struct fsck_did *did)
{
	struct fsck k = { .conf = conf, .did = did, .name = name };
	enum place_use use = conf->repair ? PLACE_WRITE : PLACE_READ;
	const char *why = table_name_bad(span_str(name));
	struct buf log_dir = { 0 };
	struct place p;
	bool whole;
	char *dir;
	int rc;

	if (why != NULL)
		return err_usage("'%s': %s", name, why);
	if ((rc = place_get(&p)) != 0)
		return rc;
	dir = place_table(&p, name, use);
	buf_fmt(&log_dir, "%s/_log", dir);
	k.seen = map_new(1);
	rc = check_log(&k, buf_cstr(&log_dir), &whole);
	if (rc == 0 && whole && (rc = table_open(span_str(name), use, LOG_HEAD, &k.t)) == 0) {
		if (k.t->live->head == 0) {
			err_warn("%s: no such table", name);
			rc = EXIT_NO;
		} else {
			rc = check_table(&k);
		}
		table_close(k.t);
	}
	map_free(k.seen);
	place_free(&p);
	free(dir);
	buf_free(&log_dir);
	return rc == 0 ? k.failed : rc;
}
