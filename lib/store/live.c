/* SPDX-License-Identifier: BSD-2-Clause */
/* live - see live.h */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "store/commit.h"
#include "store/live.h"

struct live *
live_new(void)
{
	struct live *s = mem_new(sizeof *s);

	s->days = map_new(sizeof(struct day));
	s->apps = map_new(sizeof(struct app));
	s->meta = "";
	return s;
}

void
live_free(struct live *s)
{
	struct map_entry e;

	if (s == NULL)
		return;
	for (size_t i = 0; map_next(s->days, &i, &e);)
		free(((struct day *)e.cell)->file);
	map_free(s->days);
	map_free(s->apps);
	free(s->column);
	arena_free(&s->mem);
	free(s);
}

static const char *
keep(struct live *s, const char *text)
{
	return arena_dup(&s->mem, span_of(text, strlen(text) + 1));
}

static const char *
keep_member(struct live *s, const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? NULL : keep(s, text);
}

struct day *
live_put_day(struct live *s, const char *day)
{
	struct day *d = map_put(s->days, span_str(day), NULL);

	memcpy(d->name, day, sizeof d->name);
	return d;
}

struct app *
live_put_app(struct live *s, const char *app)
{
	return map_put(s->apps, span_str(app), NULL);
}

struct day *
live_any_day(const struct live *s, const char *day)
{
	return map_get(s->days, span_str(day));
}

struct day *
live_day(const struct live *s, const char *day)
{
	struct day *d = live_any_day(s, day);

	return d == NULL || d->gone ? NULL : d;
}

struct app *
live_app(const struct live *s, const char *app)
{
	return map_get(s->apps, span_str(app));
}

struct day *
live_last_day(const struct live *s, const char *limit)
{
	struct day *best = NULL;
	struct map_entry e;

	for (size_t i = 0; map_next(s->days, &i, &e);) {
		struct day *d = e.cell;

		if (!d->gone && (limit == NULL || strcmp(d->name, limit) <= 0) &&
		    (best == NULL || strcmp(d->name, best->name) > 0))
			best = d;
	}
	return best;
}

static struct day **
list_days(const struct live *s, bool all, size_t *n)
{
	struct map_entry *e = map_sorted(s->days);
	size_t count = map_count(s->days);
	struct day **v = mem_array(NULL, count + 1, sizeof *v);

	*n = 0;
	for (size_t i = 0; i < count; i++) {
		struct day *d = e[i].cell;

		if (all || !d->gone)
			v[(*n)++] = d;
	}
	free(e);
	return v;
}

struct day **
live_days(const struct live *s, size_t *n)
{
	return list_days(s, false, n);
}

struct day **
live_all_days(const struct live *s, size_t *n)
{
	return list_days(s, true, n);
}

void
live_chain(const struct day *d, size_t n, char out[CHAIN_BYTES])
{
	char both[2 * CHAIN_BYTES];

	out[0] = '\0';
	for (size_t i = 0; i < n && i < d->n; i++) {
		const struct file *f = &d->file[i];

		snprintf(both, sizeof both, "%s%.16s", out, f->xxh64);
		if (f->chain != NULL)
			snprintf(out, CHAIN_BYTES, "%.16s", f->chain);
		else
			snprintf(out, CHAIN_BYTES, "%016" PRIx64, hash_fixed(span_str(both)));
	}
}

void
live_add_file(struct live *s, struct day *d, const json_t *f, uint64_t commit, bool delta)
{
	struct file *x;

	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 4 : 2 * d->cap;
		d->file = mem_array(d->file, d->cap, sizeof *d->file);
	}
	x = &d->file[d->n++];
	*x = (struct file){ .name = keep_member(s, f, "file"), .rows = commit_u64(f, "rows"),
	    .bytes = commit_u64(f, "bytes"), .commit = commit, .xxh64 = keep_member(s, f, "xxh64"),
	    .first_key = keep_member(s, f, "first_key"), .last_key = keep_member(s, f, "last_key"),
	    .app = keep_member(s, f, "app"), .chain = keep_member(s, f, "chain"),
	    .timed = json_object_get(f, "min_ts") != NULL, .delta = delta };
	if (x->timed) {
		x->min_ts = json_integer_value(json_object_get(f, "min_ts"));
		x->max_ts = json_integer_value(json_object_get(f, "max_ts"));
	}
}

static void
take_out(struct day *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++) {
		if (strcmp(d->file[i].name, name) != 0)
			continue;
		memmove(d->file + i, d->file + i + 1, (d->n - i - 1) * sizeof *d->file);
		d->n--;
		return;
	}
}

/* A rewrite stands where the first file it replaces stood, so that the order of rows holds. */
static void
put_rewrite(struct day *d, size_t at, size_t added)
{
	struct file *moved = mem_array(NULL, added + 1, sizeof *moved);

	memcpy(moved, d->file + d->n - added, added * sizeof *moved);
	memmove(d->file + at + added, d->file + at, (d->n - added - at) * sizeof *moved);
	memcpy(d->file + at, moved, added * sizeof *moved);
	free(moved);
}

static void
apply_day(struct live *s, const char *name, const json_t *j, uint64_t n)
{
	const json_t *add = json_object_get(j, "add"), *rm = json_object_get(j, "rm"), *v;
	const char *mode = commit_text(j, "mode");
	bool delta = strcmp(mode, "delta") == 0, rewrite = strcmp(mode, "rewrite") == 0;
	struct day *d = live_put_day(s, name);
	bool base = !delta && !rewrite && json_array_size(add) == 0;
	size_t i, at = 0;

	if (strcmp(mode, "replace") == 0 || strcmp(mode, "drop") == 0) {
		d->n = 0;
		d->based = false;
	}
	if (rewrite && json_array_size(rm) > 0) {
		const char *first = json_string_value(json_array_get(rm, 0));

		while (at < d->n && strcmp(d->file[at].name, first) != 0)
			at++;
	}
	json_array_foreach(rm, i, v)
		take_out(d, json_string_value(v));
	json_array_foreach(add, i, v) {
		bool change = delta || json_is_true(json_object_get(v, "delta"));

		live_add_file(s, d, v, n, change);
		base = base || !change;
	}
	if (rewrite && json_array_size(add) > 0 && at <= d->n - json_array_size(add))
		put_rewrite(d, at, json_array_size(add));
	d->touched = n;
	if (!rewrite)
		d->changed = n;
	d->gone = strcmp(mode, "drop") == 0;
	d->based = !d->gone && (d->based || base);
}

void
live_sum(const struct live *s, const char *from, const char *to, char out[CHAIN_BYTES])
{
	struct buf sums = { 0 };
	struct day **day;
	size_t n;

	day = live_days(s, &n);
	for (size_t i = 0; i < n; i++) {
		if (day[i]->n == 0 || strcmp(day[i]->name, from) < 0 || strcmp(day[i]->name, to) > 0)
			continue;
		live_chain(day[i], day[i]->n, out);
		buf_fmt(&sums, "%s %s\n", day[i]->name, out);
	}
	snprintf(out, CHAIN_BYTES, "%016" PRIx64, hash_fixed(buf_span(&sums)));
	free(day);
	buf_free(&sums);
}

bool
live_column(struct live *s, struct span name, uint32_t types)
{
	for (size_t i = 0; i < s->n_columns; i++) {
		struct column *c = &s->column[i];
		uint32_t was = c->types;

		if (!span_is(name, c->name))
			continue;
		c->types |= types;
		return c->types != was;
	}
	s->column = mem_array(s->column, s->n_columns + 1, sizeof *s->column);
	s->column[s->n_columns].name = memcpy(arena_get(&s->mem, name.n + 1), name.p, name.n);
	((char *)(uintptr_t)s->column[s->n_columns].name)[name.n] = '\0';
	s->column[s->n_columns++].types = types;
	return true;
}

static void
apply_fence(struct live *s, const json_t *c, uint64_t n)
{
	const json_t *apps = json_object_get(c, "apps"), *v;
	const char *app = commit_text(c, "app");
	size_t i;

	if (strcmp(app, "*") == 0)
		s->star = n;
	else if (*app != '\0')
		live_put_app(s, app)->fence = n;
	json_array_foreach(apps, i, v)
		live_put_app(s, json_string_value(v))->fence = n;
}

void
live_apply(struct live *s, const json_t *c)
{
	json_t *days = json_object_get(c, "days"), *d;
	const char *kind = commit_text(c, "kind"), *name;
	uint64_t n = commit_u64(c, "n");
	const json_t *v;
	size_t i;

	s->head = n;
	live_note_recent(s, n, commit_text(c, "nonce"));
	if (strcmp(kind, "meta") == 0) {
		s->meta = keep(s, commit_text(c, "meta"));
		s->meta_commit = n;
		s->implicit = json_is_true(json_object_get(c, "implicit"));
		return;
	}
	if (strcmp(kind, "fence") == 0) {
		apply_fence(s, c, n);
		return;
	}
	json_object_foreach(days, name, d)
		apply_day(s, name, d, n);
	json_array_foreach(json_object_get(c, "schema"), i, v)
		live_column(s, span_str(commit_text(v, "name")), (uint32_t)commit_u64(v, "types"));
	json_array_foreach(json_object_get(c, "txns"), i, v) {
		struct app *a = live_put_app(s, commit_text(v, "app"));

		a->to = keep(s, commit_text(v, "to"));
		a->epoch = commit_u64(v, "epoch");
		a->commit = n;
	}
}

void
live_note_recent(struct live *s, uint64_t n, const char *nonce)
{
	struct recent *r = &s->recent[n % RECENT];

	if (strlen(nonce) != sizeof r->nonce - 1)
		return;
	r->n = n;
	memcpy(r->nonce, nonce, sizeof r->nonce);
}

uint64_t
live_recent(const struct live *s, const char *nonce)
{
	for (size_t i = 0; i < RECENT; i++)
		if (s->recent[i].n != 0 && strcmp(s->recent[i].nonce, nonce) == 0)
			return s->recent[i].n;
	return 0;
}

json_t *
live_file_json(const struct file *f)
{
	json_t *j = json_pack("{s:s,s:I,s:I,s:s}", "file", f->name, "rows", (json_int_t)f->rows, "bytes",
	    (json_int_t)f->bytes, "xxh64", f->xxh64);

	if (j == NULL)
		err_die(EXIT_IO, "out of memory (commit record)");
	if (f->timed) {
		json_object_set_new(j, "min_ts", json_integer(f->min_ts));
		json_object_set_new(j, "max_ts", json_integer(f->max_ts));
	}
	if (f->first_key != NULL)
		json_object_set_new(j, "first_key", json_string(f->first_key));
	if (f->last_key != NULL)
		json_object_set_new(j, "last_key", json_string(f->last_key));
	if (f->app != NULL)
		json_object_set_new(j, "app", json_string(f->app));
	if (f->chain != NULL)
		json_object_set_new(j, "chain", json_string(f->chain));
	return j;
}
