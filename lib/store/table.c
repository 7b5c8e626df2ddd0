/* SPDX-License-Identifier: BSD-2-Clause */
/* table - see table.h */
#include <stdlib.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/publish.h"
#include "store/table.h"

static int
read_meta(struct table *t)
{
	meta_free(&t->meta);
	return meta_parse(span_str(t->live->meta), t->name, &t->meta);
}

/* A table that is not in the overlay yet is, for who writes it there first, what the one below it is. */
static int
hidden_meta(struct table *t)
{
	struct place below = { .house = t->place.house, .write = t->place.house };
	char *dir = place_table(&below, t->name, PLACE_WRITE), *log_dir = fs_under(dir, "_log");
	struct log log = { .dir = log_dir };
	struct live *s;
	int rc = log_read(&log, LOG_HEAD, &s);

	if (rc == 0)
		t->live->meta = arena_dup(&t->live->mem, span_of(s->meta, strlen(s->meta) + 1));
	live_free(s);
	free(log_dir);
	free(dir);
	return rc;
}

void
table_lies(struct table *t, char *dir)
{
	t->dir = dir;
	t->log_dir = fs_under(dir, "_log");
	t->pool_dir = fs_under(dir, ".pool");
	t->log.dir = t->log_dir;
}

int
table_open(struct span name, enum place_use use, uint64_t at, struct table **out)
{
	const char *why = table_name_bad(name);
	struct table *t;
	int rc;

	*out = NULL;
	if (why != NULL)
		return err_usage("'%.*s': %s", (int)(name.n > 200 ? 200 : name.n), name.p, why);
	t = mem_new(sizeof *t);
	t->name = mem_dup(name);
	if ((rc = place_get(&t->place)) == 0) {
		table_lies(t, place_table(&t->place, t->name, use));
		rc = log_read(&t->log, at, &t->live);
		if (rc == 0 && use == PLACE_WRITE && t->live->head == 0 && strcmp(t->place.write, t->place.house) != 0)
			rc = hidden_meta(t);
		if (rc == 0)
			rc = read_meta(t);
	}
	if (rc != 0)
		table_close(t);
	else
		*out = t;
	return rc;
}

void
table_close(struct table *t)
{
	if (t == NULL)
		return;
	meta_free(&t->meta);
	live_free(t->live);
	place_free(&t->place);
	free(t->name);
	free(t->dir);
	free(t->log_dir);
	free(t->pool_dir);
	free(t);
}

int
table_follow(struct table *t)
{
	uint64_t was = t->live->meta_commit;
	int rc = log_follow(&t->log, t->live);

	return rc == 0 && t->live->meta_commit != was ? read_meta(t) : rc;
}

const char *
table_pool_path(const struct table *t, const char *day, const char *file, struct buf *b)
{
	buf_clear(b);
	buf_fmt(b, "%s/%s/%s", t->pool_dir, day, file);
	return buf_cstr(b);
}

/* HEAD is only a hint: a crash may have left the first commit without it, or a collector none but FLOOR. */
static bool
has_commit(const char *log_dir)
{
	static const char *const name[] = { "HEAD", "00000000000000000001.json", "FLOOR" };
	struct buf b = { 0 };
	bool there = false;

	for (size_t i = 0; !there && i < sizeof name / sizeof *name; i++) {
		buf_clear(&b);
		buf_fmt(&b, "%s%s", log_dir, name[i]);
		there = fs_exists(buf_cstr(&b));
	}
	buf_free(&b);
	return there;
}

/* Tables of one house that have a first commit, or a checkpoint of it. */
static int
list_house(const char *house, struct fs_names *out)
{
	struct fs_names layers, tables;
	struct buf b = { 0 };
	int rc = fs_list(house, &layers);

	for (size_t i = 0; rc == 0 && i < layers.n; i++) {
		if (layers.v[i][0] == '_' || strchr(layers.v[i], '.') != NULL)
			continue;
		buf_clear(&b);
		buf_fmt(&b, "%s/%s", house, layers.v[i]);
		/* a file of that name (warehouse.conf) is no layer */
		buf_str(&b, "/.");
		if (!fs_exists(buf_cstr(&b)))
			continue;
		rc = fs_list(b.p, &tables);
		for (size_t k = 0; rc == 0 && k < tables.n; k++) {
			bool seen = false;

			buf_clear(&b);
			buf_fmt(&b, "%s/%s/%s/_log/", house, layers.v[i], tables.v[k]);
			if (!has_commit(buf_cstr(&b)))
				continue;
			buf_clear(&b);
			buf_fmt(&b, "%s.%s", layers.v[i], tables.v[k]);
			for (size_t m = 0; m < out->n; m++)
				seen = seen || strcmp(out->v[m], buf_cstr(&b)) == 0;
			if (seen || table_name_bad(buf_span(&b)) != NULL)
				continue;
			out->v = mem_array(out->v, out->n + 1, sizeof *out->v);
			out->v[out->n++] = mem_dup(buf_span(&b));
		}
		fs_names_free(&tables);
	}
	fs_names_free(&layers);
	buf_free(&b);
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
list(bool below, struct fs_names *out)
{
	struct place p;
	int rc;

	*out = (struct fs_names){ 0 };
	if ((rc = place_get(&p)) != 0)
		return rc;
	rc = list_house(p.write, out);
	if (rc == 0 && below && strcmp(p.write, p.house) != 0)
		rc = list_house(p.house, out);
	place_free(&p);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof *out->v, by_name);
	return rc;
}

int
table_list(struct fs_names *out)
{
	return list(true, out);
}

int
table_list_own(struct fs_names *out)
{
	return list(false, out);
}

int
table_set(struct table *t, struct span text, const char *source)
{
	struct meta m;
	const char *why;
	json_t *c;
	int rc;

	if ((rc = meta_parse(text, source, &m)) != 0)
		return rc;
	why = map_count(t->live->days) == 0 ? NULL : meta_change_bad(&t->meta, &m);
	meta_free(&m);
	if (why != NULL)
		return err_usage("%s: %s", t->name, why);
	if (t->live->head > 0 && !t->live->implicit && span_is(text, t->live->meta))
		return publish_meta_copy(t);
	c = commit_new("meta", "wh-table", t->live->head);
	json_object_set_new(c, "meta", json_stringn(text.p, text.n));
	if (json_object_get(c, "meta") == NULL)
		rc = err_usage("%s: not UTF-8", source);
	if (rc == 0)
		rc = publish(t, c, 0, NULL);
	json_decref(c);
	return rc;
}
