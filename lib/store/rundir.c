/* SPDX-License-Identifier: BSD-2-Clause */
/* rundir - the runner's side of a run (see stage.h) */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/pool.h"
#include "store/publish.h"
#include "store/stage.h"

#define RECORD_BYTES_MAX (64u << 20)
#define STALE_SECONDS (24 * 3600)	/* a run that was never finished being made */

static const char *
in(const struct rundir *r, const char *name, struct buf *b)
{
	buf_clear(b);
	buf_fmt(b, "%s/%s", r->dir, name);
	return buf_cstr(b);
}

void
rundir_free(struct rundir *r)
{
	if (r->lock != -1)
		close(r->lock);
	free(r->dir);
	free(r->id);
	*r = (struct rundir){ .lock = -1 };
}

/* ---- making one ---- */

static void
make_id(const char *label, struct buf *b)
{
	char nonce[NONCE_BYTES], when[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(when, sizeof when, "%Y%m%dT%H%M%S", &tm);
	fs_nonce(nonce);
	buf_fmt(b, "%s-", when);
	for (size_t i = 0; label[i] != '\0' && i < NAME_BYTES_MAX; i++)
		buf_byte(b, strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", label[i]) ==
		    NULL ? '_' : label[i]);
	buf_fmt(b, "-%.8s", nonce);
}

static int
take_lock(struct rundir *r, const char *dir, bool *alive)
{
	struct buf b = { 0 };
	int rc = 0;

	*alive = false;
	buf_fmt(&b, "%s/lock", dir);
	r->lock = open(buf_cstr(&b), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* moved away meanwhile: its runner was faster */
	*alive = r->lock == -1 && errno == ENOENT;
	if (r->lock == -1 && !*alive)
		rc = err_io("%s: %s", b.p, strerror(errno));
	if (r->lock != -1 && flock(r->lock, LOCK_EX | LOCK_NB) == -1) {
		*alive = errno == EWOULDBLOCK;
		rc = *alive ? 0 : err_io("%s: %s", b.p, strerror(errno));
	}
	buf_free(&b);
	return rc;
}

int
rundir_make(const struct place *p, const char *label, struct span pins, struct rundir *r)
{
	static const char *const part[] = { "flow", "inputs", "stage" };
	struct buf b = { 0 }, fresh = { 0 }, runs = { 0 };
	bool alive;
	int rc = 0;

	*r = (struct rundir){ .lock = -1 };
	make_id(label, &b);
	r->id = mem_dup(buf_span(&b));
	buf_fmt(&runs, "%s/_run", p->write);
	buf_clear(&b);
	buf_fmt(&b, "%s/%s", buf_cstr(&runs), r->id);
	r->dir = mem_dup(buf_span(&b));
	/* under another name until its lock is held: nobody may take it for a dead one */
	buf_fmt(&fresh, "%s/.new-%s", runs.p, r->id);
	buf_cstr(&fresh);
	for (size_t i = 0; rc == 0 && i < sizeof part / sizeof *part; i++) {
		buf_clear(&b);
		buf_fmt(&b, "%s/%s", fresh.p, part[i]);
		rc = fs_dirs(buf_cstr(&b));
	}
	if (rc == 0)
		rc = take_lock(r, fresh.p, &alive);
	if (rc == 0 && pins.n > 0) {
		buf_clear(&b);
		buf_fmt(&b, "%s/pins", fresh.p);
		rc = fs_new(buf_cstr(&b), pins);
	}
	if (rc == 0 && rename(fresh.p, r->dir) == -1)
		rc = err_io("%s: %s", r->dir, strerror(errno));
	if (rc == 0)
		rc = fs_sync_dir(runs.p);
	if (rc != 0)
		rundir_free(r);
	buf_free(&b);
	buf_free(&fresh);
	buf_free(&runs);
	return rc;
}

/* ---- what was staged ---- */

struct staged {
	json_t **record;
	char **name;
	size_t n;
};

static void
staged_free(struct staged *s)
{
	for (size_t i = 0; i < s->n; i++) {
		json_decref(s->record[i]);
		free(s->name[i]);
	}
	free(s->record);
	free(s->name);
	*s = (struct staged){ 0 };
}

static int
staged_read(const struct rundir *r, const char *name, struct staged *s)
{
	struct buf path = { 0 }, bytes = { 0 };
	bool found;
	json_t *j;
	int rc;

	buf_fmt(&path, "%s/stage/%s", r->dir, name);
	rc = fs_read(buf_cstr(&path), COMMIT_BYTES_MAX, &bytes, &found);
	if (rc == 0 && !found)
		rc = err_input("%s: a prepared commit is gone", path.p);
	if (rc == 0 && (rc = commit_parse(buf_span(&bytes), path.p, &j)) == 0) {
		s->record = mem_array(s->record, s->n + 1, sizeof *s->record);
		s->name = mem_array(s->name, s->n + 1, sizeof *s->name);
		s->record[s->n] = j;
		s->name[s->n++] = mem_str(name);
		json_object_del(j, "sha256");
		if (table_name_bad(span_str(commit_text(j, "table"))) != NULL)
			rc = err_input("%s: names no table", path.p);
	}
	buf_free(&path);
	buf_free(&bytes);
	return rc;
}

/* Content decides the order, so that a run made twice commits in the same order. */
static void
sort_key(const json_t *record, struct buf *b)
{
	json_t *days = json_object_get(record, "days"), *d;
	const char *day;
	const json_t *f;
	size_t i;

	buf_clear(b);
	buf_fmt(b, "%s ", commit_text(record, "table"));
	json_object_foreach(days, day, d) {
		buf_fmt(b, "%s ", day);
		json_array_foreach(json_object_get(d, "add"), i, f)
			buf_fmt(b, "%s ", commit_text(f, "xxh64"));
	}
}

static void
staged_sort(struct staged *s)
{
	struct buf a = { 0 }, b = { 0 };

	/* a handful of tables: insertion */
	for (size_t i = 1; i < s->n; i++) {
		for (size_t k = i; k > 0; k--) {
			json_t *r = s->record[k];
			char *name = s->name[k];

			sort_key(s->record[k - 1], &a);
			sort_key(r, &b);
			if (span_cmp(buf_span(&a), buf_span(&b)) <= 0)
				break;
			s->record[k] = s->record[k - 1];
			s->name[k] = s->name[k - 1];
			s->record[k - 1] = r;
			s->name[k - 1] = name;
		}
	}
	buf_free(&a);
	buf_free(&b);
}

/* All prepared commits; a stage that is still open is a writer that failed, or was killed. */
static int
staged_all(const struct rundir *r, struct staged *s)
{
	struct buf b = { 0 };
	struct fs_names l;
	int rc;

	*s = (struct staged){ 0 };
	rc = fs_list(in(r, "stage", &b), &l);
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		size_t n = strlen(l.v[i]);

		if (n > 5 && strcmp(l.v[i] + n - 5, ".open") == 0)
			rc = err_io("run %s: a writer did not close its stage", r->id);
		else if (n > 5 && strcmp(l.v[i] + n - 5, ".json") == 0 && l.v[i][0] != '.')
			rc = staged_read(r, l.v[i], s);
	}
	fs_names_free(&l);
	buf_free(&b);
	staged_sort(s);
	return rc;
}

/* Two writers of one run that both replace a day: which one is meant nobody can say. */
static int
check_twice(const struct staged *s)
{
	for (size_t i = 0; i < s->n; i++) {
		json_t *days = json_object_get(s->record[i], "days"), *d;
		const char *table = commit_text(s->record[i], "table"), *day;

		json_object_foreach(days, day, d)
			for (size_t k = 0; k < i; k++)
				if (strcmp(commit_text(s->record[k], "table"), table) == 0 &&
				    json_object_get(json_object_get(s->record[k], "days"), day) != NULL &&
				    strcmp(commit_text(d, "mode"), "replace") == 0)
					return err_usage("%s@%s is written twice in one run", table, day);
	}
	return 0;
}

static int
check_tables(const struct staged *s)
{
	int rc = check_twice(s);

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		struct table *t;

		rc = table_open(span_str(commit_text(s->record[i], "table")), PLACE_WRITE, LOG_HEAD, &t);
		if (rc == 0)
			rc = publish_check(t, s->record[i]);
		if (rc == 0)
			table_close(t);
	}
	return rc;
}

/* ---- what was read ---- */

static void
add_inputs(const struct rundir *r, json_t *record)
{
	struct buf b = { 0 }, text = { 0 };
	json_t *inputs = json_object(), *reads = json_object();
	struct fs_names l = { 0 };
	bool found;

	if (fs_list(in(r, "inputs", &b), &l) == 0) {
		for (size_t i = 0; i < l.n; i++) {
			buf_clear(&b);
			buf_fmt(&b, "%s/inputs/%s", r->dir, l.v[i]);
			if (l.v[i][0] != '.' && fs_read(buf_cstr(&b), 100, &text, &found) == 0 && found)
				json_object_set_new(inputs, l.v[i],
				    json_integer(strtoll(buf_cstr(&text), NULL, 10)));
		}
	}
	fs_names_free(&l);
	if (fs_read(in(r, "reads", &b), RECORD_BYTES_MAX, &text, &found) == 0 && found) {
		char *p = buf_room(&text, 1);

		p[0] = '\0';
		for (char *line = text.p, *lf; (lf = strchr(line, '\n')) != NULL; line = lf + 1) {
			char *blank;

			*lf = '\0';
			if ((blank = strchr(line, ' ')) == NULL)
				continue;
			*blank = '\0';
			json_object_set_new(reads, line, json_string(blank + 1));
		}
	}
	json_object_set_new(record, "inputs", inputs);
	json_object_set_new(record, "reads", reads);
	buf_free(&b);
	buf_free(&text);
}

/* ---- the record ---- */

/* Say it once: *mine false when the run's fate was said before. */
static int
say(struct rundir *r, json_t *record, bool *mine)
{
	struct buf tmp = { 0 }, final = { 0 }, line = { 0 };
	char nonce[NONCE_BYTES], name[64];
	bool taken = false;
	int rc;

	fs_nonce(nonce);
	snprintf(name, sizeof name, ".run-%s", nonce);
	in(r, name, &tmp);
	in(r, "run.json", &final);
	commit_print(record, &line);
	if ((rc = fs_new(tmp.p, buf_span(&line))) == 0) {
		rc = fs_link(tmp.p, final.p, &taken);
		if (rc == 0 && !taken)
			rc = fs_sync_dir(r->dir);
		(void)fs_remove(tmp.p);
	}
	*mine = !taken;
	buf_free(&tmp);
	buf_free(&final);
	buf_free(&line);
	return rc;
}

static json_t *
record_new(const struct rundir *r, const char *kind, const json_t *about)
{
	json_t *j = json_pack("{s:i,s:s,s:s,s:I}", "v", COMMIT_VERSION, "run", r->id, "kind", kind, "ts",
	    (json_int_t)clock_real_ms());

	if (about != NULL)
		json_object_update_missing(j, (json_t *)(uintptr_t)about);
	return j;
}

/* Out of the way of the next start; its directories' fsyncs keep a finished run finished. */
static int
move_away(struct rundir *r, const char *where)
{
	struct buf to = { 0 };
	char *runs = fs_parent(r->dir), *done;
	int rc;

	buf_fmt(&to, "%s/%s", runs, where);
	rc = fs_dirs(buf_cstr(&to));
	done = mem_dup(buf_span(&to));
	buf_fmt(&to, "/%s", r->id);
	if (rc == 0 && rename(r->dir, buf_cstr(&to)) == -1)
		rc = err_io("%s: %s", r->dir, strerror(errno));
	/* the new name first: between the two it may have both, never none */
	if (rc == 0 && (rc = fs_sync_dir(done)) == 0)
		rc = fs_sync_dir(runs);
	free(done);
	if (rc == 0) {
		free(r->dir);
		r->dir = mem_dup(buf_span(&to));
	}
	free(runs);
	buf_free(&to);
	return rc;
}

/* ---- publishing ---- */

/* One table; the run's record is durable, so this may be the second time. */
static int
publish_one(const json_t *run, json_t *record, struct buf *commits)
{
	const char *name = commit_text(record, "table");
	json_t *all = json_deep_copy(json_object_get(record, "days"));
	struct table *t;
	uint64_t n = 0;
	int rc;

	if ((rc = table_open(span_str(name), PLACE_WRITE, LOG_HEAD, &t)) == 0) {
		json_object_set(record, "run", json_object_get(run, "run"));
		json_object_set(record, "inputs", json_object_get(run, "inputs"));
		json_object_set(record, "reads", json_object_get(run, "reads"));
		json_object_del(record, "table");
		rc = publish(t, record, PUBLISH_RUN, &n);
		if (rc == 0)
			publish_sweep(t, all, n == 0 ? NULL : record);
		if (rc == 0 && commits != NULL)
			buf_fmt(commits, "%s %" PRIu64 "\n", t->name, n == 0 ? t->live->head : n);
		table_close(t);
	}
	json_decref(all);
	return rc;
}

/* Behind the commit point: every table, then out of the way. */
static int
finish(struct rundir *r, const json_t *run, struct buf *commits)
{
	const json_t *stages = json_object_get(run, "stages"), *v;
	struct staged s = { 0 };
	size_t i;
	int rc = 0;

	json_array_foreach(stages, i, v)
		if (rc == 0)
			rc = staged_read(r, json_string_value(v) == NULL ? "?" : json_string_value(v), &s);
	for (i = 0; rc == 0 && i < s.n; i++)
		rc = publish_one(run, s.record[i], commits);
	staged_free(&s);
	return rc == 0 ? move_away(r, "done") : rc;
}

int
rundir_publish(struct rundir *r, json_t *about, struct buf *commits)
{
	json_t *record, *stages = json_array();
	struct staged s;
	bool mine;
	int rc;

	if ((rc = staged_all(r, &s)) == 0)
		rc = check_tables(&s);
	record = record_new(r, "publish", about);
	for (size_t i = 0; i < s.n; i++)
		json_array_append_new(stages, json_string(s.name[i]));
	json_object_set_new(record, "stages", stages);
	add_inputs(r, record);
	staged_free(&s);
	if (rc == 0 && (rc = say(r, record, &mine)) == 0)
		rc = mine ? finish(r, record, commits) :
		    err_temp("run %s was dropped by another process", r->id);
	json_decref(record);
	return rc;
}

/* ---- dropping ---- */

static void
remove_pool_file(const struct place *p, const char *table, const char *day, const char *file)
{
	struct buf b = { 0 };
	char *dir;

	if (table_name_bad(span_str(table)) != NULL || !day_good(span_str(day), NULL) || strchr(file, '/') != NULL ||
	    strncmp(file, "..", 2) == 0)
		return;
	dir = place_table(p, table, PLACE_WRITE);
	buf_fmt(&b, "%s/.pool/%s/%s", dir, day, file);
	(void)pool_remove(buf_cstr(&b));
	free(dir);
	buf_free(&b);
}

/* The files of a writer that did not end: TABLE, then DAY FILE a line; a torn last line names a file not yet made. */
static void
remove_open(const struct place *p, const char *path)
{
	struct buf text = { 0 };
	const char *table = NULL;
	bool found;

	if (fs_read(path, RECORD_BYTES_MAX, &text, &found) == 0 && found) {
		buf_room(&text, 1)[0] = '\0';
		for (char *line = text.p, *lf; (lf = strchr(line, '\n')) != NULL; line = lf + 1) {
			char *blank;

			*lf = '\0';
			blank = strchr(line, ' ');
			if (table == NULL) {
				table = line;
			} else if (blank != NULL) {
				*blank = '\0';
				remove_pool_file(p, table, line, blank + 1);
			}
		}
	}
	buf_free(&text);
}

static void
remove_prepared(const struct place *p, const json_t *record)
{
	json_t *days = json_object_get(record, "days"), *d, *f;
	const char *day;
	size_t i;

	json_object_foreach(days, day, d)
		json_array_foreach(json_object_get(d, "add"), i, f)
			/* what a rollback brings back was there before it */
			if (json_object_get(f, "of") == NULL)
				remove_pool_file(p, commit_text(record, "table"), day, commit_text(f,
				    "file"));
}

/* Files that nobody can publish any more. What cannot be removed is wh-gc's. */
static int
remove_staged(struct rundir *r)
{
	struct buf b = { 0 };
	struct place p;
	struct fs_names l;
	int rc = place_get(&p);

	if (rc == 0)
		rc = fs_list(in(r, "stage", &b), &l);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < l.n; i++) {
		size_t n = strlen(l.v[i]);
		struct staged s = { 0 };

		buf_clear(&b);
		buf_fmt(&b, "%s/stage/%s", r->dir, l.v[i]);
		if (n > 5 && strcmp(l.v[i] + n - 5, ".open") == 0)
			remove_open(&p, buf_cstr(&b));
		else if (n > 5 && strcmp(l.v[i] + n - 5, ".json") == 0 && l.v[i][0] != '.' &&
		    staged_read(r, l.v[i], &s) == 0)
			remove_prepared(&p, s.record[0]);
		staged_free(&s);
	}
	fs_names_free(&l);
	place_free(&p);
	buf_free(&b);
	return rc;
}

static int
read_record(struct rundir *r, json_t **out)
{
	struct buf path = { 0 }, bytes = { 0 };
	bool found;
	int rc;

	*out = NULL;
	rc = fs_read(in(r, "run.json", &path), RECORD_BYTES_MAX, &bytes, &found);
	if (rc == 0 && found)
		rc = commit_unseal(buf_span(&bytes), path.p, out);
	buf_free(&path);
	buf_free(&bytes);
	return rc;
}

int
rundir_drop(struct rundir *r, const char *why)
{
	json_t *about = json_pack("{s:s}", "why", why), *record = record_new(r, "drop", about), *said = NULL;
	bool mine;
	int rc = say(r, record, &mine);

	/* its fate was said before: a drop that did not get further, or a runner that was not dead */
	if (rc == 0 && !mine)
		rc = read_record(r, &said);
	if (rc == 0 && !mine && strcmp(commit_text(said, "kind"), "publish") == 0) {
		rc = finish(r, said, NULL);
	} else if (rc == 0) {
		if ((rc = remove_staged(r)) == 0)
			rc = move_away(r, "failed");
	}
	json_decref(about);
	json_decref(record);
	json_decref(said);
	return rc;
}

/* ---- for collectors ---- */

struct look {
	int (*file)(void *, const char *, const char *, const char *);
	int (*pin)(void *, const char *, uint64_t);
	void *arg;
};

/* Lines `A B` of a text: each(A, B) until one says no. */
static int
each_pair(const char *path, int (*each)(void *arg, char *a, char *b), void *arg)
{
	struct buf text = { 0 };
	bool found;
	int rc = fs_read(path, RECORD_BYTES_MAX, &text, &found);

	if (rc == 0 && found) {
		buf_room(&text, 1)[0] = '\0';
		for (char *line = text.p, *lf; rc == 0 && (lf = strchr(line, '\n')) != NULL; line = lf + 1) {
			char *blank;

			*lf = '\0';
			if ((blank = strchr(line, ' ')) != NULL)
				*blank++ = '\0';
			rc = each(arg, line, blank);
		}
	}
	buf_free(&text);
	return rc;
}

struct open_stage {
	const struct look *look;
	char *table;
};

static int
open_line(void *arg, char *a, char *b)
{
	struct open_stage *o = arg;

	if (o->table == NULL)
		o->table = mem_str(a);
	else if (b != NULL)
		return o->look->file(o->look->arg, o->table, a, b);
	return 0;
}

static int
prepared(const struct rundir *r, const char *name, const struct look *look)
{
	struct buf path = { 0 };
	struct staged s = { 0 };
	json_t *d, *f;
	const char *day;
	size_t i;
	int rc = 0;

	buf_fmt(&path, "%s/stage/%s", r->dir, name);
	/* published and moved away since the directory was read */
	if (fs_exists(buf_cstr(&path)) && (rc = staged_read(r, name, &s)) != 0 && !fs_exists(path.p))
		rc = 0;
	if (rc == 0 && s.n > 0)
		json_object_foreach(json_object_get(s.record[0], "days"), day, d)
			json_array_foreach(json_object_get(d, "add"), i, f)
				if (rc == 0)
					rc = look->file(look->arg, commit_text(s.record[0], "table"), day,
					    commit_text(f, "file"));
	staged_free(&s);
	buf_free(&path);
	return rc;
}

static int
look_stage(const struct rundir *r, const struct look *look)
{
	struct buf b = { 0 };
	struct fs_names l;
	int rc = fs_list(in(r, "stage", &b), &l);

	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		size_t n = strlen(l.v[i]);
		struct open_stage o = { look, NULL };

		buf_clear(&b);
		buf_fmt(&b, "%s/stage/%s", r->dir, l.v[i]);
		if (n > 5 && strcmp(l.v[i] + n - 5, ".open") == 0)
			rc = each_pair(buf_cstr(&b), open_line, &o);
		else if (n > 5 && strcmp(l.v[i] + n - 5, ".json") == 0 && l.v[i][0] != '.')
			rc = prepared(r, l.v[i], look);
		free(o.table);
	}
	fs_names_free(&l);
	buf_free(&b);
	return rc;
}

static int
pin_line(void *arg, char *a, char *b)
{
	const struct look *look = arg;

	return b == NULL ? 0 : look->pin(look->arg, a, strtoull(b, NULL, 10));
}

static int
look_pins(const struct rundir *r, const struct look *look)
{
	struct buf b = { 0 }, text = { 0 };
	struct fs_names l;
	bool found;
	int rc = each_pair(in(r, "pins", &b), pin_line, (void *)(uintptr_t)look);

	if (rc != 0 || (rc = fs_list(in(r, "inputs", &b), &l)) != 0) {
		buf_free(&b);
		return rc;
	}
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		buf_clear(&b);
		buf_fmt(&b, "%s/inputs/%s", r->dir, l.v[i]);
		if (l.v[i][0] != '.' && (rc = fs_read(buf_cstr(&b), 100, &text, &found)) == 0 && found)
			rc = look->pin(look->arg, l.v[i], strtoull(buf_cstr(&text), NULL, 10));
	}
	fs_names_free(&l);
	buf_free(&b);
	buf_free(&text);
	return rc;
}

static int
each_run(const struct place *p, const struct look *look)
{
	struct buf b = { 0 };
	struct fs_names l;
	int rc;

	buf_fmt(&b, "%s/_run", p->write);
	rc = fs_list(buf_cstr(&b), &l);
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		struct rundir r = { .lock = -1 };

		if (l.v[i][0] < '0' || l.v[i][0] > '9')
			continue;
		buf_clear(&b);
		buf_fmt(&b, "%s/_run/%s", p->write, l.v[i]);
		r.dir = mem_str(buf_cstr(&b));
		rc = look->file != NULL ? look_stage(&r, look) : look_pins(&r, look);
		free(r.dir);
	}
	fs_names_free(&l);
	buf_free(&b);
	return rc;
}

int
rundir_files(const struct place *p, int (*each)(void *arg, const char *table, const char *day, const char *file),
    void *arg)
{
	struct look look = { .file = each, .arg = arg };

	return each_run(p, &look);
}

int
rundir_pins(const struct place *p, int (*each)(void *arg, const char *table, uint64_t n), void *arg)
{
	struct look look = { .pin = each, .arg = arg };

	return each_run(p, &look);
}

/* ---- after a crash ---- */

static int
redo_one(const char *runs, const char *id)
{
	struct rundir r = { .lock = -1 };
	struct buf b = { 0 };
	json_t *said = NULL;
	bool alive;
	int rc;

	buf_fmt(&b, "%s/%s", runs, id);
	r.dir = mem_dup(buf_span(&b));
	r.id = mem_str(id);
	rc = take_lock(&r, r.dir, &alive);
	/* locked a file whose directory its runner has moved away meanwhile? */
	if (rc == 0 && !alive && fs_exists(in(&r, "lock", &b)) && (rc = read_record(&r, &said)) == 0) {
		if (said != NULL && strcmp(commit_text(said, "kind"), "publish") == 0)
			rc = finish(&r, said, NULL);
		else
			rc = rundir_drop(&r, "its runner died");
	}
	json_decref(said);
	rundir_free(&r);
	buf_free(&b);
	return rc;
}

static void
remove_stale(const char *runs, const char *name)
{
	struct buf b = { 0 };
	struct stat st;

	buf_fmt(&b, "%s/%s", runs, name);
	if (stat(buf_cstr(&b), &st) == 0 && time(NULL) - st.st_mtime > STALE_SECONDS)
		(void)fs_remove_tree(b.p);
	buf_free(&b);
}

int
rundir_redo(const struct place *p)
{
	struct buf runs = { 0 };
	struct fs_names l;
	int rc, r = 0;

	buf_fmt(&runs, "%s/_run", p->write);
	rc = fs_list(buf_cstr(&runs), &l);
	/* one that cannot be finished does not keep the others from it */
	for (size_t i = 0; i < l.n; i++) {
		if (strncmp(l.v[i], ".new-", 5) == 0)
			remove_stale(runs.p, l.v[i]);
		else if (l.v[i][0] >= '0' && l.v[i][0] <= '9' && (r = redo_one(runs.p, l.v[i])) != 0)
			rc = r;
	}
	fs_names_free(&l);
	buf_free(&runs);
	return rc;
}
