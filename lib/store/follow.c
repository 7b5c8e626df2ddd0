/* SPDX-License-Identifier: BSD-2-Clause */
/* follow - see follow.h */
#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/follow.h"

int
follow_open(struct span name, struct table **t)
{
	return table_open(name, PLACE_READ, LOG_HEAD, t);
}

int
follow_gone(const char *table, uint64_t n)
{
	return err_input("%s: wh-gc collected commit %" PRIu64 " before it was read: what it brought is only in the "
	    "table as it is now", table, n);
}

void
follow_free(struct follow_commit *c)
{
	for (size_t i = 0; i < c->n_files; i++)
		free((char *)(uintptr_t)c->file[i].path);
	free(c->file);
	json_decref(c->record);
	live_free(c->live);
	*c = (struct follow_commit){ 0 };
}

/* The texts are the record's or the state's, but for the path. */
static void
add_file(const struct table *t, struct follow_commit *c, const char *day, const char *name, struct wh_file f)
{
	struct buf path = { 0 };

	f.day = day;
	f.path = mem_str(table_pool_path(t, day, name, &path));
	c->file = mem_array(c->file, c->n_files + 1, sizeof *c->file);
	c->file[c->n_files++] = f;
	c->rows += f.rows;
	c->bytes += f.bytes;
	buf_free(&path);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The days of a record in order. */
static const char **
days_of(const json_t *record, size_t *n)
{
	json_t *days = json_object_get(record, "days"), *d;
	const char **v = mem_array(NULL, json_object_size(days) + 1, sizeof *v), *day;

	*n = 0;
	json_object_foreach(days, day, d)
		v[(*n)++] = day;
	if (*n > 1)
		qsort(v, *n, sizeof *v, by_text);
	return v;
}

/* Something that was given is no more. 0 where the caller lives with that. */
static int
replaced(const struct table *t, uint64_t n, const char *day, enum follow_replaced how)
{
	static const char *const then[] = { "stopped here (--replaced)", "its new rows are passed over",
	    "all of its rows follow" };

	if (how == FOLLOW_FAIL)
		return err_input("%s@%s: commit %" PRIu64 " replaced the day: %s", t->name, day, n, then[how]);
	err_warn("%s@%s: commit %" PRIu64 " replaced the day: %s", t->name, day, n, then[how]);
	return 0;
}

static int
add_day(const struct table *t, struct follow_commit *c, const char *day, enum follow_replaced how)
{
	const json_t *d = json_object_get(json_object_get(c->record, "days"), day), *f;
	json_t *add = json_object_get(d, "add");
	const char *mode = commit_text(d, "mode");
	bool drop = strcmp(mode, "drop") == 0, took = json_array_size(json_object_get(d, "rm")) > 0;
	bool delta = strcmp(mode, "delta") == 0;
	size_t i;
	int rc;

	if (strcmp(mode, "rewrite") == 0 || (drop && strcmp(commit_text(c->record, "app"), "wh-gc") == 0))
		return 0;
	if (took && (drop || strcmp(mode, "replace") == 0)) {
		if ((rc = replaced(t, c->n, day, how)) != 0 || how == FOLLOW_SKIP)
			return rc;
	}
	json_array_foreach(add, i, f)
		add_file(t, c, day, commit_text(f, "file"), (struct wh_file){ .rows = commit_u64(f, "rows"),
		    .bytes = commit_u64(f, "bytes"), .xxh64 = commit_text(f, "xxh64"),
		    .delta = delta || json_is_true(json_object_get(f, "delta")) });
	return 0;
}

/*
 * Is the number above what is collected?  Below, what stands under it may be the last moment of a link that came too
 * late (log_link), and files are missing.
 */
static int
above_floor(const struct table *t, uint64_t n)
{
	uint64_t floor;
	int rc = log_floor(&t->log, &floor);

	return rc == 0 && n <= floor ? follow_gone(t->name, n) : rc;
}

int
follow_read(const struct table *t, uint64_t n, enum follow_replaced how, struct follow_commit *c)
{
	const char **day;
	size_t days;
	int rc;

	*c = (struct follow_commit){ 0 };
	if ((rc = log_record(&t->log, n, &c->record)) != 0 || (rc = above_floor(t, n)) != 0 || c->record == NULL) {
		follow_free(c);
		return rc;
	}
	c->n = n;
	if (strcmp(commit_text(c->record, "kind"), "data") != 0)
		return 0;
	day = days_of(c->record, &days);
	for (size_t i = 0; rc == 0 && i < days; i++)
		rc = add_day(t, c, day[i], how);
	free(day);
	if (rc != 0)
		follow_free(c);
	return rc;
}

int
follow_whole(const struct table *t, uint64_t n, struct follow_commit *c)
{
	struct day **day;
	uint64_t floor;
	size_t days;
	int rc;

	*c = (struct follow_commit){ 0 };
	if ((rc = log_floor(&t->log, &floor)) == 0 && floor != n)
		rc = follow_gone(t->name, n);
	if (rc != 0 || (rc = log_read(&t->log, n, &c->live)) != 0)
		return rc;
	c->n = n;
	day = live_days(c->live, &days);
	for (size_t i = 0; i < days; i++)
		for (size_t k = 0; k < day[i]->n; k++) {
			const struct file *x = &day[i]->file[k];

			add_file(t, c, day[i]->name, x->name, (struct wh_file){ .rows = x->rows, .bytes = x->bytes,
			    .xxh64 = x->xxh64, .delta = x->delta });
		}
	free(day);
	return 0;
}
