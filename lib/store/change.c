/* SPDX-License-Identifier: BSD-2-Clause */
/* change - see change.h */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "store/change.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/publish.h"
#include "store/stage.h"

struct change {
	struct table *t;
	json_t *record;
	const char *nonce;		/* of the record */
	struct stage *stage;		/* NULL: outside a run */
	struct part **part;
	size_t n_parts, cap;
	struct map *replaced;		/* days */
	json_t *days;			/* of the record, as far as they were said */
	struct live *seen;		/* its columns: what these rows held */
	struct pathset *ids;		/* where trace ids stand, NULL: nowhere */
	struct index_room room;
};

static void
release(struct change *c)
{
	for (size_t i = 0; i < c->n_parts; i++)
		part_free(c->part[i]);
	free(c->part);
	map_free(c->replaced);
	live_free(c->seen);
	if (c->ids != NULL)
		pathset_free(c->ids);
	index_room_free(&c->room);
	json_decref(c->record);
	json_decref(c->days);
	free(c);
}

int
change_begin(struct table *t, const char *app, const char *run_dir, struct change **out)
{
	struct change *c = mem_new(sizeof *c);
	int rc = 0;

	c->t = t;
	c->record = commit_new("data", app, t->live->head);
	c->nonce = commit_text(c->record, "nonce");
	c->replaced = map_new(1);
	c->days = json_object();
	c->seen = live_new();
	c->ids = index_paths(t->meta.trace);
	if (run_dir != NULL)
		rc = stage_open(run_dir, t->name, c->nonce, &c->stage);
	if (rc != 0) {
		release(c);
		c = NULL;
	}
	*out = c;
	return rc;
}

const struct pathset *
change_ids(const struct change *c)
{
	return c->ids;
}

uint64_t
change_base(const struct change *c)
{
	return commit_u64(c->record, "base");
}

int
change_part(struct change *c, const char *day, const char *app, bool delta, struct part **out)
{
	struct buf name = { 0 };
	int rc = 0;

	if (c->n_parts == c->cap) {
		c->cap = c->cap == 0 ? 8 : 2 * c->cap;
		c->part = mem_array(c->part, c->cap, sizeof *c->part);
	}
	pool_name(&name, app, change_base(c), c->nonce, (unsigned)c->n_parts, c->t->meta.codec);
	/* the run knows the name before the file is there: what a dead writer left can be found */
	if (c->stage != NULL)
		rc = stage_note(c->stage, day, name.p);
	if (rc == 0 && (rc = part_open(c->t, day, name.p, c->ids, &c->room, out)) == 0) {
		(*out)->app = app == NULL ? NULL : mem_str(app);
		(*out)->delta = delta;
		(*out)->serial = (unsigned)c->n_parts;
		c->part[c->n_parts++] = *out;
	}
	buf_free(&name);
	return rc;
}

void
change_replace(struct change *c, const char *day)
{
	map_put(c->replaced, span_str(day), NULL);
}

/* A day of the record, for a mode that change_part does not know. */
static json_t *
say_day(struct change *c, const char *day, const char *mode)
{
	json_t *d = json_pack("{s:s,s:[],s:[]}", "mode", mode, "add", "rm");

	if (d == NULL)
		err_die(EXIT_IO, "out of memory (commit record)");
	json_object_set_new(c->days, day, d);
	return d;
}

void
change_rewrite(struct change *c, const char *day, const char *const *file, size_t n, const char *chain)
{
	json_t *d = say_day(c, day, "rewrite"), *rm = json_object_get(d, "rm");

	for (size_t i = 0; i < n; i++)
		json_array_append_new(rm, json_string(file[i]));
	json_object_set_new(d, "chain", json_string(chain));
}

void
change_whole(struct change *c)
{
	json_object_set_new(c->record, "whole", json_true());
}

void
change_drop(struct change *c, const char *day)
{
	say_day(c, day, "drop");
}

void
change_restore(struct change *c, const struct day *from, const char *day, uint64_t of)
{
	json_t *add = json_object_get(say_day(c, day, from == NULL ? "drop" : "replace"), "add");

	for (size_t i = 0; from != NULL && i < from->n; i++) {
		json_t *f = live_file_json(&from->file[i]);

		if (from->file[i].delta)
			json_object_set_new(f, "delta", json_true());
		json_object_set_new(f, "of", json_integer((json_int_t)of));
		json_array_append_new(add, f);
	}
}

void
change_source(struct change *c, const char *app, const char *from, const char *to, uint64_t epoch)
{
	json_t *txns = json_object_get(c->record, "txns");

	if (txns == NULL) {
		txns = json_array();
		json_object_set_new(c->record, "txns", txns);
	}
	json_array_append_new(txns, json_pack("{s:s,s:s,s:s,s:I}", "app", app, "from", from, "to", to, "epoch",
	    (json_int_t)epoch));
}

void
change_column(struct change *c, struct span name, uint32_t types)
{
	live_column(c->seen, name, types);
}

void
change_count(struct change *c, const char *name, uint64_t n)
{
	json_t *counts = json_object_get(c->record, "counts");

	if (counts == NULL) {
		counts = json_object();
		json_object_set_new(c->record, "counts", counts);
	}
	json_object_set_new(counts, name, json_integer((json_int_t)n));
}

/* ---- the record ---- */

static json_t *
day_of(struct change *c, json_t *days, const char *day, bool delta)
{
	json_t *d = json_object_get(days, day);
	bool replaced = map_get(c->replaced, span_str(day)) != NULL;

	if (d != NULL)
		return d;
	d = json_pack("{s:s,s:[],s:[]}", "mode", replaced ? "replace" : delta ? "delta" : "append", "add", "rm");
	json_object_set_new(days, day, d);
	return d;
}

static json_t *
file_of(const struct part *p)
{
	char sum[17];
	struct file f = { .name = p->name, .rows = p->rows, .bytes = p->bytes, .xxh64 = sum, .min_ts = p->min_ts,
	    .max_ts = p->max_ts, .timed = p->timed, .first_key = p->first_key, .last_key = p->last_key, .app = p->app };

	snprintf(sum, sizeof sum, "%016" PRIx64, p->xxh64);
	return live_file_json(&f);
}

static int
by_day(const void *a, const void *b)
{
	const struct part *x = *(struct part *const *)a, *y = *(struct part *const *)b;
	int c = strcmp(x->day, y->day);

	/* files of one day in the order they were begun */
	return c != 0 ? c : x->serial < y->serial ? -1 : x->serial > y->serial;
}

static void
add_schema(struct change *c)
{
	json_t *schema = json_array();
	const struct live *known = c->t->live;

	for (size_t i = 0; i < c->seen->n_columns; i++) {
		const struct column *col = &c->seen->column[i];
		bool news = true;

		for (size_t k = 0; news && k < known->n_columns; k++)
			if (strcmp(known->column[k].name, col->name) == 0)
				news = (col->types & ~known->column[k].types) != 0;
		if (news)
			json_array_append_new(schema, json_pack("{s:s,s:I}", "name", col->name, "types",
			    (json_int_t)col->types));
	}
	if (json_array_size(schema) > 0)
		json_object_set(c->record, "schema", schema);
	json_decref(schema);
}

static void
describe(struct change *c)
{
	struct map_entry *e = map_sorted(c->replaced);
	json_t *days = c->days, *d;
	const char *name;

	for (size_t i = 0; i < map_count(c->replaced); i++) {
		char day[DAY_BYTES];

		if (day_good(e[i].key, day))
			day_of(c, days, day, false);
	}
	free(e);
	if (c->n_parts > 0)
		qsort(c->part, c->n_parts, sizeof *c->part, by_day);
	for (size_t i = 0; i < c->n_parts; i++) {
		struct part *p = c->part[i];
		json_t *f;

		if (p->rows == 0)
			continue;
		d = day_of(c, days, p->day, p->delta);
		f = file_of(p);
		/* beside the base that replaces a day: its tombstones */
		if (p->delta && strcmp(commit_text(d, "mode"), "delta") != 0)
			json_object_set_new(f, "delta", json_true());
		json_array_append_new(json_object_get(d, "add"), f);
	}
	/* of a rewrite the last file says what the ones before it held, for those who ask whether anything changed */
	json_object_foreach(days, name, d) {
		json_t *add = json_object_get(d, "add"), *chain = json_object_get(d, "chain");

		if (chain != NULL && json_array_size(add) > 0)
			json_object_set(json_array_get(add, json_array_size(add) - 1), "chain", chain);
		json_object_del(d, "chain");
	}
	json_object_set(c->record, "days", days);
	add_schema(c);
}

/* ---- the end ---- */

/* Names in the directories of the days, and those directories' own names. */
static int
sync_dirs(struct change *c)
{
	struct buf b = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->n_parts; i++) {
		if (i > 0 && strcmp(c->part[i]->day, c->part[i - 1]->day) == 0)
			continue;
		buf_clear(&b);
		buf_fmt(&b, "%s/%s", c->t->pool_dir, c->part[i]->day);
		rc = fs_sync_dir(buf_cstr(&b));
	}
	if (rc == 0 && c->n_parts > 0)
		rc = fs_sync_dir(c->t->pool_dir);
	/* another writer may have made this path and not got to its fsync */
	if (rc == 0 && c->t->live->head == 0 && c->n_parts > 0) {
		char *layer = fs_parent(c->t->dir);

		if ((rc = fs_sync_dir(c->t->dir)) == 0 && (rc = fs_sync_dir(layer)) == 0)
			rc = fs_sync_dir(c->t->place.write);
		free(layer);
	}
	buf_free(&b);
	return rc;
}

static int
close_parts(struct change *c)
{
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->n_parts; i++)
		if ((rc = part_close(c->part[i])) == 0 && c->part[i]->rows == 0)
			part_drop(c->t, c->part[i]);
	for (size_t i = 0; rc == 0 && i < c->n_parts; i++) {
		if (c->part[i]->rows == 0)
			part_free(c->part[i]);
		else
			c->part[kept++] = c->part[i];
	}
	if (rc == 0)
		c->n_parts = kept;
	return rc;
}

/* All of it is on disk, and in the record; else there is no change any more. */
static int
settle(struct change *c)
{
	int rc = close_parts(c);

	if (rc == 0) {
		describe(c);
		rc = sync_dirs(c);
	}
	if (rc != 0)
		change_abort(c);
	return rc;
}

int
change_end(struct change *c, uint64_t *number)
{
	uint64_t n = 0;
	int rc = settle(c);

	if (rc != 0)
		return rc;
	if (c->stage != NULL) {
		rc = stage_close(c->stage, c->record);
		c->stage = NULL;
		/* the run is gone, or cannot be published any more */
		for (size_t i = 0; rc != 0 && i < c->n_parts; i++)
			part_drop(c->t, c->part[i]);
	} else {
		json_t *all = json_deep_copy(json_object_get(c->record, "days"));

		rc = publish(c->t, c->record, 0, &n);
		publish_sweep(c->t, all, n == 0 ? NULL : c->record);
		json_decref(all);
	}
	if (number != NULL)
		*number = n;
	release(c);
	return rc;
}

int
change_prepare(struct change *c, json_t **record)
{
	int rc = settle(c);

	*record = NULL;
	if (rc != 0)
		return rc;
	if (c->n_parts > 0)
		*record = json_incref(c->record);
	release(c);
	return 0;
}

void
change_abort(struct change *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_parts; i++)
		part_drop(c->t, c->part[i]);
	if (c->stage != NULL)
		stage_abort(c->stage);
	release(c);
}
