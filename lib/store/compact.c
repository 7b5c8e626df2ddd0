/* SPDX-License-Identifier: BSD-2-Clause */
/* compact - see compact.h */
#include <stdlib.h>

#include "base/err.h"
#include "in/source.h"
#include "store/change.h"
#include "store/compact.h"
#include "store/merge.h"
#include "store/ref.h"

#define TRIES 5

struct work {
	struct table *t;
	const char *day;
	size_t from, to;		/* files [from, to) of the day */
	struct change *change;
	struct part *base, *dead;	/* made when their first row comes */
	struct buf base_key, dead_key;	/* the last of each */
	struct compact_did *did;
};

/* ---- what to do ---- */

/* Base files, then at most a delta that a fold made of its tombstones. */
static bool
is_folded(const struct day *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->file[i].delta && (i + 1 < d->n || d->file[i].chain == NULL))
			return false;
	return true;
}

/* The files [*from, *to) that should become one; none: *from == *to. */
static void
plan(const struct table *t, const struct day *d, uint64_t target, size_t *from, size_t *to)
{
	uint64_t sum = 0;

	*from = *to = 0;
	if (t->meta.kind == KIND_UPSERT) {
		if (!is_folded(d))
			*to = d->n < FOLD_FILES_MAX ? d->n : FOLD_FILES_MAX;
		return;
	}
	for (size_t i = 0; i < d->n; i++) {
		if (*to == i && *from < i && sum + d->file[i].bytes <= target) {
			sum += d->file[i].bytes;
			*to = i + 1;
			continue;
		}
		if (*to - *from > 1)
			return;
		*from = i;
		*to = i + 1;
		sum = d->file[i].bytes;
	}
	if (*to - *from < 2)
		*to = *from;
}

/* ---- doing it ---- */

static int
open_part(struct work *w, bool delta, struct part **p)
{
	return *p == NULL ? change_part(w->change, w->day, NULL, delta, p) : 0;
}

/* What a file says of its times holds for what is made of it. */
static void
take_times(const struct work *w, struct part *p)
{
	const struct day *d = live_day(w->t->live, w->day);

	for (size_t i = w->from; p != NULL && i < w->to; i++) {
		if (!d->file[i].timed)
			continue;
		part_time(p, d->file[i].min_ts);
		part_time(p, d->file[i].max_ts);
	}
}

static int
fold_row(struct work *w, const struct best *b)
{
	struct part **p = b->dead ? &w->dead : &w->base;
	struct buf *key = b->dead ? &w->dead_key : &w->base_key;
	int rc = open_part(w, b->dead, p);

	if (rc != 0)
		return rc;
	if ((*p)->first_key == NULL)
		(*p)->first_key = mem_dup(b->key);
	buf_clear(key);
	buf_span_add(key, b->key);
	return part_line(*p, b->row);
}

static int
fold(struct work *w, const struct wh_files *f)
{
	struct cursor *cur;
	struct best best;
	bool any = true;
	int rc = cursor_open(f, w->from, w->to, &cur);

	/* the base is begun first: files stand in the order they were begun */
	if (rc == 0)
		rc = open_part(w, false, &w->base);
	while (rc == 0 && (rc = cursor_next(cur, &best, &any)) == 0 && any)
		rc = fold_row(w, &best);
	cursor_close(cur);
	if (rc == 0 && w->base->rows > 0)
		w->base->last_key = mem_dup(buf_span(&w->base_key));
	if (rc == 0 && w->dead != NULL)
		w->dead->last_key = mem_dup(buf_span(&w->dead_key));
	return rc;
}

static int
join_block(struct work *w, const struct block *b, uint64_t *rows)
{
	const char *p = b->p, *end = b->p + b->n, *lf;
	int rc = 0;

	for (; rc == 0 && p < end; p = lf + 1, ++*rows) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		rc = part_line(w->base, span_of(p, (size_t)(lf - p)));
	}
	return rc;
}

/* The rows of the files one behind the other. */
static int
join(struct work *w, const struct wh_files *f)
{
	struct source_conf conf = { .max_line = SIZE_MAX / 4 };
	int rc = open_part(w, false, &w->base);

	for (size_t i = w->from; rc == 0 && i < w->to; i++) {
		struct source *src;
		uint64_t rows = 0;
		struct block b;

		if ((rc = pool_source(f->file[i].path, &conf, &src)) != 0)
			break;
		while (rc == 0 && (rc = source_block(src, &b)) == 0 && b.n > 0)
			rc = join_block(w, &b, &rows);
		source_close(src);
		if (rc == 0 && rows != f->file[i].rows)
			rc = err_input("%s: %llu rows, its commit says %llu", f->file[i].path,
			    (unsigned long long)rows, (unsigned long long)f->file[i].rows);
	}
	return rc;
}

/* Say what goes. */
static void
take_away(struct work *w)
{
	const struct day *d = live_day(w->t->live, w->day);
	const char **name = mem_array(NULL, w->to - w->from, sizeof *name);
	char chain[CHAIN_BYTES];

	for (size_t i = w->from; i < w->to; i++)
		name[i - w->from] = d->file[i].name;
	live_chain(d, w->to, chain);
	change_rewrite(w->change, w->day, name, w->to - w->from, chain);
	free(name);
}

static void
count(struct work *w)
{
	struct part *const made[] = { w->base, w->dead };

	w->did->files = w->to - w->from;
	for (size_t i = 0; i < 2; i++) {
		if (made[i] == NULL || made[i]->rows == 0)
			continue;
		w->did->made++;
		w->did->rows += made[i]->rows;
	}
}

static int
rewrite(struct work *w, const char *run_dir)
{
	struct wh_files f;
	int rc;

	if ((rc = wh_day(w->t, w->day, &f)) != 0)
		return rc;
	rc = change_begin(w->t, "wh-compact", run_dir, &w->change);
	if (rc == 0) {
		take_away(w);
		rc = w->t->meta.kind == KIND_UPSERT ? fold(w, &f) : join(w, &f);
	}
	take_times(w, w->base);
	take_times(w, w->dead);
	wh_close(&f);
	if (rc != 0) {
		change_abort(w->change);
		return rc;
	}
	count(w);
	return change_end(w->change, &w->did->commit);
}

int
compact_day(struct table *t, const char *day, const char *run_dir, const struct compact_conf *conf,
    struct compact_did *did)
{
	struct buf said = { 0 }, *held;
	const struct day *d;
	int rc = 0;

	for (int tries = 0; tries < TRIES; tries++) {
		struct work w = { .t = t, .day = day, .did = did };

		*did = (struct compact_did){ 0 };
		buf_clear(&said);
		rc = 0;
		if ((d = live_day(t->live, day)) == NULL)
			break;
		plan(t, d, conf->target, &w.from, &w.to);
		for (size_t i = w.from; i < w.to; i++)
			did->bytes += d->file[i].bytes;
		if (w.from == w.to)
			break;
		if (conf->dry) {
			did->files = w.to - w.from;
			break;
		}
		held = err_hold(&said);
		rc = rewrite(&w, run_dir);
		err_hold(held);
		buf_free(&w.base_key);
		buf_free(&w.dead_key);
		if (rc != EXIT_TEMP || run_dir != NULL)
			break;
		if ((rc = table_follow(t)) != 0)
			break;
		rc = EXIT_TEMP;
	}
	/* of a race that was lost and run again nothing is told */
	err_release(&said);
	buf_free(&said);
	return rc;
}
