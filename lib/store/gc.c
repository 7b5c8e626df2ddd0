/* SPDX-License-Identifier: BSD-2-Clause */
/* gc - see gc.h */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/when.h"
#include "store/change.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/gc.h"
#include "store/job.h"
#include "store/pool.h"
#include "store/publish.h"
#include "store/stage.h"

struct gc {
	struct table *t;
	const struct gc_conf *conf;
	struct gc_did *did;
	struct map *dead;		/* DAY/FILE that a record at or below the new floor took away */
	struct map *kept;		/* DAY/FILE that a number kept holds, or a run at work has staged */
	struct map *orphan;		/* DAY/FILE of nobody, old enough */
	struct fs_names jobs;		/* whose files may be in a record that their tables do not have yet */
	uint64_t old_floor;
};

static void
put_name(struct map *m, const char *day, const char *file)
{
	struct buf b = { 0 };

	buf_fmt(&b, "%s/%s", day, file);
	map_put(m, buf_span(&b), NULL);
	buf_free(&b);
}

static bool
has_name(const struct map *m, const char *day, const char *file)
{
	struct buf b = { 0 };
	bool has;

	buf_fmt(&b, "%s/%s", day, file);
	has = map_get(m, buf_span(&b)) != NULL;
	buf_free(&b);
	return has;
}

/* One collector at a time: FLOOR of a slower one would go back. *fd -1 and EXIT_TEMP when another is at it. */
static int
take_lock(const struct table *t, int *fd)
{
	struct buf b = { 0 };
	int rc = 0;

	buf_fmt(&b, "%s/.gc", t->log_dir);
	*fd = open(buf_cstr(&b), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (*fd == -1)
		rc = err_io("%s: %s", b.p, strerror(errno));
	else if (flock(*fd, LOCK_EX | LOCK_NB) == -1)
		rc = errno == EWOULDBLOCK ? err_temp("%s: another wh-gc is at work", t->name) :
		    err_io("%s: %s", b.p, strerror(errno));
	buf_free(&b);
	return rc;
}

/* ---- days past keep ---- */

/* Does `keep`, counted back from today, reach that day? 1d is today alone. */
static bool
day_kept(struct dur keep, int32_t day, int32_t today)
{
	const int64_t us = 86400 * INT64_C(1000000);

	return day * us > dur_add(keep, -1, today * us, zone_open("UTC"));
}

static int
drop_days(struct gc *g)
{
	const struct meta *m = &g->t->meta;
	struct dur keep;
	struct day **day;
	struct change *c;
	int32_t d;
	size_t n, last;
	int rc = 0;

	if (m->keep == NULL || dur_parse(m->keep, &keep) != NULL)
		return 0;
	if (!g->conf->dry && (rc = change_begin(g->t, "wh-gc", NULL, &c)) != 0)
		return rc;
	day = live_days(g->t->live, &n);
	/* the newest day of a table whose days are each the whole is what there is */
	last = n > 0 && (m->kind == KIND_SNAPSHOT || m->kind == KIND_SCD2) ? n - 1 : n;
	for (size_t i = 0; i < last; i++) {
		if (day_parse(span_str(day[i]->name), &d) != NULL || day_kept(keep, d, g->conf->today))
			continue;
		g->did->days++;
		if (!g->conf->dry)
			change_drop(c, day[i]->name);
	}
	free(day);
	if (!g->conf->dry && g->did->days == 0)
		change_abort(c);
	else if (!g->conf->dry)
		rc = change_end(c, NULL);
	return rc;
}

/* ---- which number ---- */

/* The least number that a run at work reads this table at. */
static int
take_pin(void *arg, const char *table, uint64_t n)
{
	struct gc *g = arg;

	if (strcmp(table, g->t->name) == 0 && n < g->did->floor)
		g->did->floor = n;
	return 0;
}

static void
note_dead(struct gc *g, const json_t *c)
{
	json_t *days = json_object_get(c, "days"), *d, *v;
	const char *day;
	size_t i;

	json_object_foreach(days, day, d)
		json_array_foreach(json_object_get(d, "rm"), i, v)
			put_name(g->dead, day, json_string_value(v));
}

/* The oldest number that is kept goes to did->floor. */
static int
choose(struct gc *g)
{
	const struct log *log = &g->t->log;
	int rc = log_floor(log, &g->old_floor);

	g->did->floor = g->old_floor;
	for (uint64_t n = g->old_floor + 1; rc == 0 && n <= g->t->live->head; n++) {
		json_t *c;
		bool old;

		if ((rc = log_record(log, n, &c)) != 0 || c == NULL)
			break;
		old = json_integer_value(json_object_get(c, "ts")) <= g->conf->cut_ms;
		json_decref(c);
		if (!old)
			break;
		g->did->floor = n;
	}
	if (rc == 0)
		rc = rundir_pins(&g->t->place, take_pin, g);
	if (g->did->floor < g->old_floor)
		g->did->floor = g->old_floor;
	for (uint64_t n = g->old_floor + 1; rc == 0 && n <= g->did->floor; n++) {
		json_t *c;

		if ((rc = log_record(log, n, &c)) == 0 && c != NULL)
			note_dead(g, c);
		json_decref(c);
	}
	return rc;
}

/* Its checkpoint, then FLOOR, each durable. */
static int
raise_floor(struct gc *g)
{
	struct buf path = { 0 }, text = { 0 };
	struct live *s;
	int rc;

	if (g->did->floor == g->old_floor)
		return 0;
	if ((rc = log_read(&g->t->log, g->did->floor, &s)) != 0)
		return rc;
	rc = log_checkpoint(&g->t->log, s);
	live_free(s);
	buf_fmt(&path, "%s/FLOOR", g->t->log_dir);
	buf_fmt(&text, "%" PRIu64 "\n", g->did->floor);
	if (rc == 0)
		rc = fs_put(buf_cstr(&path), buf_span(&text), true);
	buf_free(&path);
	buf_free(&text);
	return rc;
}

/* ---- which files ---- */

static void
keep_added(struct gc *g, const json_t *c)
{
	json_t *days = json_object_get(c, "days"), *d, *v;
	const char *day;
	size_t i;

	json_object_foreach(days, day, d)
		json_array_foreach(json_object_get(d, "add"), i, v)
			put_name(g->kept, day, commit_text(v, "file"));
}

static int
keep_staged(void *arg, const char *table, const char *day, const char *file)
{
	struct gc *g = arg;

	if (strcmp(table, g->t->name) == 0)
		put_name(g->kept, day, file);
	return 0;
}

/*
 * What the numbers from the floor to the head hold, and what runs have staged: first the stages, twice, for a name
 * may change while a directory is listed; then the log.
 */
static int
find_kept(struct gc *g)
{
	struct live *s = NULL;
	struct day **day;
	size_t n;
	int rc = rundir_files(&g->t->place, keep_staged, g);

	if (rc == 0)
		rc = rundir_files(&g->t->place, keep_staged, g);
	if (rc == 0)
		rc = table_follow(g->t);
	if (rc == 0 && g->did->floor > 0 && (rc = log_read(&g->t->log, g->did->floor, &s)) == 0) {
		day = live_days(s, &n);
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < day[i]->n; k++)
				put_name(g->kept, day[i]->name, day[i]->file[k].name);
		free(day);
	}
	live_free(s);
	for (uint64_t k = g->did->floor + 1; rc == 0 && k <= g->t->live->head; k++) {
		json_t *c;

		if ((rc = log_record(&g->t->log, k, &c)) == 0 && c != NULL)
			keep_added(g, c);
		json_decref(c);
	}
	return rc;
}

/* Every data file in the pool. */
static int
each_file(const struct table *t, int (*each)(void *arg, const char *day, const char *file, uint64_t bytes,
    int64_t mtime_ms), void *arg)
{
	struct fs_names days, files;
	struct buf path = { 0 };
	int rc = fs_list(t->pool_dir, &days);

	for (size_t i = 0; rc == 0 && i < days.n; i++) {
		if (!day_good(span_str(days.v[i]), NULL))
			continue;
		buf_clear(&path);
		buf_fmt(&path, "%s/%s", t->pool_dir, days.v[i]);
		rc = fs_list(buf_cstr(&path), &files);
		for (size_t k = 0; rc == 0 && k < files.n; k++) {
			struct stat st;

			if (files.v[k][0] != '.' && stat(table_pool_path(t, days.v[i], files.v[k], &path), &st) == 0)
				rc = each(arg, days.v[i], files.v[k], (uint64_t)st.st_size,
				    (int64_t)st.st_mtime * 1000);
		}
		fs_names_free(&files);
	}
	fs_names_free(&days);
	buf_free(&path);
	return rc;
}

/* Indexes whose data file is not there: nothing leaves one, but what tidies up by hand. */
static int
remove_lone(const struct gc *g)
{
	struct fs_names days, files;
	struct buf path = { 0 };
	int rc = fs_list(g->t->pool_dir, &days);

	for (size_t i = 0; rc == 0 && i < days.n; i++) {
		buf_clear(&path);
		buf_fmt(&path, "%s/%s", g->t->pool_dir, days.v[i]);
		rc = fs_list(buf_cstr(&path), &files);
		for (size_t k = 0; rc == 0 && k < files.n; k++) {
			struct span data = index_of(files.v[k]);
			char *file = data.n == 0 ? NULL : mem_dup(data);

			if (file != NULL && !fs_exists(table_pool_path(g->t, days.v[i], file, &path)))
				rc = fs_remove(table_pool_path(g->t, days.v[i], files.v[k], &path));
			free(file);
		}
		fs_names_free(&files);
	}
	fs_names_free(&days);
	buf_free(&path);
	return rc;
}

static int
find_orphan(void *arg, const char *day, const char *file, uint64_t bytes, int64_t mtime_ms)
{
	struct gc *g = arg;

	(void)bytes;
	if (!has_name(g->kept, day, file) && !has_name(g->dead, day, file) &&
	    mtime_ms <= g->conf->now_ms - GC_REST_MS && !job_owns(&g->jobs, file))
		put_name(g->orphan, day, file);
	return 0;
}

static int
remove_file(void *arg, const char *day, const char *file, uint64_t bytes, int64_t mtime_ms)
{
	struct gc *g = arg;
	struct buf path = { 0 };
	bool dead = has_name(g->dead, day, file);
	int rc = 0;

	(void)mtime_ms;
	if (has_name(g->kept, day, file) || (!dead && !has_name(g->orphan, day, file)))
		return 0;
	*(dead ? &g->did->files : &g->did->orphans) += 1;
	*(dead ? &g->did->bytes : &g->did->orphan_bytes) += bytes;
	if (!g->conf->dry)
		rc = pool_remove(table_pool_path(g->t, day, file, &path));
	buf_free(&path);
	return rc;
}

static int
remove_files(struct gc *g)
{
	const char *const everybody[] = { "*" };
	uint64_t epoch;
	int rc = job_names(&g->t->place, &g->jobs);

	if (rc == 0 && (rc = find_kept(g)) == 0)
		rc = each_file(g->t, find_orphan, g);
	if (rc == 0 && map_count(g->orphan) > 0 && !g->conf->dry &&
	    (rc = publish_fence(g->t, everybody, 1, &epoch)) == 0)
		rc = find_kept(g);
	if (rc == 0)
		rc = each_file(g->t, remove_file, g);
	return rc == 0 && !g->conf->dry ? remove_lone(g) : rc;
}

/* ---- records ---- */

static bool
rested(const struct gc *g, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (int64_t)st.st_mtime * 1000 <= g->conf->now_ms - GC_REST_MS;
}

/* Records at or below the floor, checkpoints below it, what killed writers left. */
static int
remove_records(struct gc *g)
{
	struct buf path = { 0 };
	struct fs_names l;
	int rc = fs_list(g->t->log_dir, &l);

	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		uint64_t n = commit_number(l.v[i], ".json"), k = commit_number(l.v[i], ".ckpt.zst");

		buf_clear(&path);
		buf_fmt(&path, "%s/%s", g->t->log_dir, l.v[i]);
		if (!(n != 0 && n <= g->did->floor && rested(g, buf_cstr(&path))) && !(k != 0 && k < g->did->floor) &&
		    !(strncmp(l.v[i], ".tmp-", 5) == 0 && rested(g, buf_cstr(&path))))
			continue;
		g->did->records++;
		if (!g->conf->dry)
			rc = fs_remove(buf_cstr(&path));
	}
	fs_names_free(&l);
	buf_free(&path);
	return rc;
}

/* ---- public ---- */

static void
release(struct gc *g, int lock)
{
	map_free(g->dead);
	map_free(g->kept);
	map_free(g->orphan);
	fs_names_free(&g->jobs);
	if (lock != -1)
		close(lock);
}

int
gc_table(struct table *t, const struct gc_conf *conf, struct gc_did *did)
{
	struct gc g = { .t = t, .conf = conf, .did = did, .dead = map_new(1), .kept = map_new(1),
	    .orphan = map_new(1) };
	int lock, rc;

	*did = (struct gc_did){ 0 };
	if ((rc = take_lock(t, &lock)) == 0 && (rc = table_follow(t)) == 0 && (rc = drop_days(&g)) == 0 &&
	    (rc = table_follow(t)) == 0 && (rc = choose(&g)) == 0 && (conf->dry || (rc = raise_floor(&g)) == 0) &&
	    (rc = remove_records(&g)) == 0)
		rc = remove_files(&g);
	release(&g, lock);
	return rc;
}

struct unlisted {
	struct gc *g;
	int (*each)(void *, const char *, const char *, uint64_t, int64_t);
	void *arg;
};

static int
say_unlisted(void *arg, const char *day, const char *file, uint64_t bytes, int64_t mtime_ms)
{
	struct unlisted *u = arg;

	return has_name(u->g->kept, day, file) ? 0 : u->each(u->arg, day, file, bytes, mtime_ms);
}

int
gc_unlisted(struct table *t, int (*each)(void *, const char *, const char *, uint64_t, int64_t), void *arg)
{
	struct gc_did did = { 0 };
	struct gc g = { .t = t, .did = &did, .kept = map_new(1) };
	struct unlisted u = { &g, each, arg };
	int rc = log_floor(&t->log, &did.floor);

	if (rc == 0 && (rc = find_kept(&g)) == 0)
		rc = each_file(t, say_unlisted, &u);
	map_free(g.kept);
	return rc;
}

int
gc_runs(const struct place *p, int64_t before_ms, bool dry, uint64_t *runs)
{
	static const char *const where[] = { "done", "failed" };
	struct buf path = { 0 };
	struct fs_names l;
	int rc = 0;

	*runs = 0;
	for (size_t w = 0; rc == 0 && w < sizeof where / sizeof *where; w++) {
		buf_clear(&path);
		buf_fmt(&path, "%s/_run/%s", p->write, where[w]);
		rc = fs_list(buf_cstr(&path), &l);
		for (size_t i = 0; rc == 0 && i < l.n; i++) {
			struct stat st;

			buf_clear(&path);
			buf_fmt(&path, "%s/_run/%s/%s", p->write, where[w], l.v[i]);
			if (stat(buf_cstr(&path), &st) == -1 || (int64_t)st.st_mtime * 1000 > before_ms)
				continue;
			++*runs;
			if (!dry)
				rc = fs_remove_tree(path.p);
		}
		fs_names_free(&l);
	}
	buf_free(&path);
	return rc;
}
