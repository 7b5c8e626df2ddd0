/* SPDX-License-Identifier: BSD-2-Clause */
/* rows - see rows.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/limits.h"
#include "in/rec.h"
#include "store/merge.h"
#include "store/rows.h"

#define CLOSING_MAX 8		/* files whose ends are under way */
#define LAST_COLUMNS 64		/* columns remembered by their place, so that rows alike cost a comparison each */
#define LAST_NAMES 4		/* at each */

struct slot {			/* an open file */
	char day[DAY_BYTES];
	struct part *part;
	size_t app;		/* whose rows these are: place in apps */
	uint64_t used;		/* clock of its last row */
};

struct held {			/* a keyed row that waits for its place */
	char day[DAY_BYTES];
	struct span key, order, line;
	size_t n;		/* the order it came in */
	int64_t ms;
	bool timed, dead;
	bool known;		/* the table has it, or a better one */
};

struct seen {
	uint32_t types;
	size_t at;		/* order of first sight */
	uint64_t ids;		/* bit i: path i of the trace ids begins here */
};

struct rows {
	struct rows_conf conf;
	char **apps;			/* sources, [n_apps]; NULL: rows without one */
	size_t n_apps, app;		/* app: of the rows that come */
	struct map *early;		/* closed to make room: day and source; NULL: none was */
	bool crowded;			/* one of them was needed again */
	struct slot slot[ROWS_FILES_MAX];
	size_t n_slots;
	struct part *closing[CLOSING_MAX];	/* a ring; the change closes what is left in it */
	size_t n_closing;
	uint64_t clock, bytes;
	struct slot *last;
	/* columns */
	struct map *columns;		/* struct seen by unescaped name */
	struct known { struct span name; struct seen *seen; } place[LAST_COLUMNS][LAST_NAMES];
	struct arena mem;
	struct buf scratch;
	/* trace ids of the line looked at last, found on the way */
	const struct pathset *paths;	/* NULL: none, or more than a word has bits */
	struct index_ids ids;
	const char *looked;
	/* keyed */
	struct held *held;
	size_t n_held, cap_held;
	uint64_t known;
	struct arena text;
};

struct rows *
rows_new(const struct rows_conf *conf)
{
	struct rows *r = mem_new(sizeof *r);

	r->conf = *conf;
	rows_turn(r, conf->app);
	r->columns = map_new(sizeof(struct seen));
	r->paths = change_ids(conf->c);
	if (r->paths != NULL && r->paths->n > 64)
		r->paths = NULL;
	return r;
}

/* Sources and what was closed of them. */
static void
forget_apps(struct rows *r)
{
	if (r->early != NULL)
		map_free(r->early);
	r->early = NULL;
	while (r->n_apps > 0)
		free(r->apps[--r->n_apps]);
}

void
rows_free(struct rows *r)
{
	if (r == NULL)
		return;
	map_free(r->columns);
	index_ids_free(&r->ids);
	arena_free(&r->mem);
	arena_free(&r->text);
	buf_free(&r->scratch);
	free(r->held);
	forget_apps(r);
	free(r->apps);
	free(r);
}

/* ---- columns ---- */

/* The paths of trace ids that begin with this member. */
static uint64_t
ids_of(const struct pathset *ps, struct span name)
{
	uint64_t set = 0;

	for (size_t i = 0; ps != NULL && i < ps->n; i++) {
		const struct path *p = &ps->path[i];

		if (p->n > 0 && p->seg[0].name.p != NULL && span_eq(p->seg[0].name, name))
			set |= UINT64_C(1) << i;
	}
	return set;
}

/* The column of a raw key that is none of those remembered at place i of the row; NULL: it is dt. */
static struct seen *
find_column(struct rows *r, struct span raw, size_t i)
{
	struct span name = raw;
	struct seen *s;
	bool fresh;

	if (memchr(raw.p, '\\', raw.n) != NULL) {
		buf_clear(&r->scratch);
		val_unescape(raw, &r->scratch);
		name = buf_span(&r->scratch);
	}
	if (span_is(name, "dt"))
		return NULL;
	s = map_put(r->columns, name, &fresh);
	if (fresh) {
		s->at = map_count(r->columns);
		s->ids = ids_of(r->paths, name);
	}
	/* rows of many shapes would fill the arena: of a place the first names are remembered */
	for (size_t k = 0; i < LAST_COLUMNS && k < LAST_NAMES; k++)
		if (r->place[i][k].seen == NULL) {
			r->place[i][k] = (struct known){ span_of(arena_dup(&r->mem, raw), raw.n), s };
			break;
		}
	return s;
}

static const char dt_inside[] = "a row does not hold dt: the partition says it";

/* Member i of a row. False: it is dt. */
static inline bool
look_at(struct rows *r, size_t i, struct span key, struct val v)
{
	const struct known *p = i < LAST_COLUMNS ? r->place[i] : NULL;
	struct seen *s = NULL;

	for (size_t k = 0; p != NULL && s == NULL && k < LAST_NAMES && p[k].seen != NULL; k++)
		s = span_eq(p[k].name, key) ? p[k].seen : NULL;
	if (s == NULL && (s = find_column(r, key, i)) == NULL)
		return false;
	s->types |= 1u << v.tag;
	for (uint64_t set = s->ids; set != 0; set &= set - 1)
		index_ids_below(&r->paths->path[__builtin_ctzll(set)], v, &r->ids);
	return true;
}

const char *
rows_look(struct rows *r, struct span line)
{
	struct span key;
	struct rec rec;
	struct val v;

	r->ids.n = 0;
	r->looked = line.p;
	rec_begin(&rec, line);
	for (size_t i = 0; rec_next(&rec, &key, &v); i++)
		if (!look_at(r, i, key, v))
			return dt_inside;
	return NULL;
}

const char *
rows_look_members(struct rows *r, struct span line, const struct member *m, size_t n)
{
	r->ids.n = 0;
	r->looked = line.p;
	for (size_t i = 0; i < n; i++)
		if (!look_at(r, i, m[i].key, m[i].v))
			return dt_inside;
	return NULL;
}

static int
by_first_sight(const void *a, const void *b)
{
	const struct seen *x = ((const struct map_entry *)a)->cell, *y = ((const struct map_entry *)b)->cell;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void
tell_columns(struct rows *r)
{
	struct map_entry *e = map_sorted(r->columns);
	size_t n = map_count(r->columns);

	if (n > 0)
		qsort(e, n, sizeof *e, by_first_sight);
	for (size_t i = 0; i < n; i++)
		change_column(r->conf.c, e[i].key, ((struct seen *)e[i].cell)->types);
	free(e);
}

/* ---- files ---- */

static int
close_slot(struct rows *r, struct slot *s)
{
	struct part **late = &r->closing[r->n_closing % CLOSING_MAX];
	int rc = 0;

	if (!r->conf.apart) {
		rc = part_close(s->part);
	} else {
		/* its last frame and its fsync go on while the next files are written */
		if (*late != NULL)
			rc = part_close(*late);
		sink_sync_soon(s->part->sink);
		*late = s->part;
		r->n_closing++;
	}
	*s = r->slot[--r->n_slots];
	r->last = NULL;
	return rc;
}

/* A name for the file of a day and a source, in scratch. */
static struct span
file_key(struct rows *r, const char *day, size_t app)
{
	buf_clear(&r->scratch);
	buf_add(&r->scratch, day, DAY_BYTES);
	buf_add(&r->scratch, (const char *)&app, sizeof app);
	return buf_span(&r->scratch);
}

static int
close_oldest(struct rows *r)
{
	struct slot *old = r->slot;

	for (size_t i = 1; i < r->n_slots; i++)
		if (r->slot[i].used < old->used)
			old = &r->slot[i];
	if (r->early == NULL)
		r->early = map_new(1);
	map_put(r->early, file_key(r, old->day, old->app), NULL);
	return close_slot(r, old);
}

static int
slot_of(struct rows *r, const char *day, bool delta, struct slot **out)
{
	struct slot *s = r->last;
	int rc = 0;

	if (s == NULL || memcmp(s->day, day, DAY_BYTES) != 0) {
		for (s = r->slot; s < r->slot + r->n_slots && (s->app != r->app ||
		    memcmp(s->day, day, DAY_BYTES) != 0); s++)
			;
	}
	if (s == r->slot + r->n_slots) {
		r->crowded = r->crowded || (r->early != NULL &&
		    map_get(r->early, file_key(r, day, r->app)) != NULL);
		if (r->n_slots == ROWS_FILES_MAX)
			rc = close_oldest(r);
		s = &r->slot[r->n_slots];
		memcpy(s->day, day, DAY_BYTES);
		if (rc == 0)
			rc = change_part(r->conf.c, day, r->apps[r->app], delta, &s->part);
		if (rc != 0)
			return rc;
		s->app = r->app;
		if (r->conf.apart)
			sink_apart(s->part->sink);
		r->n_slots++;
	}
	s->used = ++r->clock;
	r->last = s;
	*out = s;
	return 0;
}

/* looked: rows_look was there just now, and has its trace ids. */
static int
write_row(struct rows *r, const char *day, bool delta, struct span line, bool looked, const int64_t *ms,
    struct part **part)
{
	struct slot *s;
	int rc;

	if ((rc = slot_of(r, day, delta, &s)) != 0)
		return rc;
	if (ms != NULL)
		part_time(s->part, *ms);
	*part = s->part;
	if (!looked || r->paths == NULL)
		return part_line(s->part, line);
	return part_row(s->part, line, r->ids.v, r->ids.n);
}

/* ---- keyed tables ---- */

static int
by_key(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	int c = memcmp(x->day, y->day, DAY_BYTES);

	if (c == 0)
		c = span_cmp(x->key, y->key);
	if (c == 0)
		c = merge_rank(y->order, y->dead, x->order, x->dead);
	return c != 0 ? c : x->n < y->n ? -1 : x->n > y->n;
}

static bool
same_key(const struct held *a, const struct held *b)
{
	return memcmp(a->day, b->day, DAY_BYTES) == 0 && span_eq(a->key, b->key);
}

/* Of the sorted rows of one key the last is the best. */
static void
keep_best(struct rows *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_held; i++)
		if (i + 1 == r->n_held || !same_key(&r->held[i], &r->held[i + 1]))
			r->held[n++] = r->held[i];
	r->known += r->n_held - n;
	r->n_held = n;
}

/* Is the held row no news to what the table has? */
static bool
is_known(const struct held *h, const struct best *b)
{
	int rank = merge_rank(b->order, b->dead, h->order, h->dead);

	return rank < 0 || (rank == 0 && span_eq(b->row, h->line));
}

/* Mark what the day's live files have or know better of rows [i, end), which are all of one day. */
static int
mark_known(struct rows *r, size_t i, size_t end)
{
	struct cursor *cur = NULL;
	struct wh_files f;
	struct best best;
	bool any = true;
	int rc;

	if ((rc = wh_day(r->conf.t, r->held[i].day, &f)) != 0)
		return rc;
	if (f.n > 0)
		rc = cursor_open(&f, 0, f.n, &cur);
	while (rc == 0 && cur != NULL && i < end && (rc = cursor_next(cur, &best, &any)) == 0 && any) {
		while (i < end && span_cmp(r->held[i].key, best.key) < 0)
			i++;
		if (i < end && span_eq(r->held[i].key, best.key)) {
			r->held[i].known = is_known(&r->held[i], &best);
			r->known += r->held[i++].known;
		}
	}
	cursor_close(cur);
	wh_close(&f);
	return rc;
}

static int
end_day(struct rows *r, const struct held *last)
{
	if (last == NULL)
		return 0;
	r->last->part->last_key = mem_dup(last->key);
	return close_slot(r, r->last);
}

/* Held rows as one sorted file a day; of a base only its rows, or only its tombstones. */
static int
write_held(struct rows *r, bool dead)
{
	const struct held *last = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n_held; i++) {
		const struct held *h = &r->held[i];
		struct part *p;

		if (h->known || (r->conf.base && h->dead != dead))
			continue;
		if (last != NULL && memcmp(h->day, last->day, DAY_BYTES) != 0)
			rc = end_day(r, last);
		if (rc == 0)
			rc = write_row(r, h->day, !r->conf.base || dead, h->line, false, h->timed ? &h->ms : NULL, &p);
		if (rc == 0 && p->first_key == NULL)
			p->first_key = mem_dup(h->key);
		last = h;
	}
	return rc == 0 ? end_day(r, last) : rc;
}

static int
flush(struct rows *r)
{
	int rc = 0;

	if (r->n_held > 0)
		qsort(r->held, r->n_held, sizeof *r->held, by_key);
	keep_best(r);
	for (size_t i = 0, k; rc == 0 && !r->conf.base && i < r->n_held; i = k) {
		for (k = i + 1; k < r->n_held && memcmp(r->held[k].day, r->held[i].day, DAY_BYTES) == 0; k++)
			;
		rc = mark_known(r, i, k);
	}
	if (rc == 0)
		rc = write_held(r, false);
	if (rc == 0 && r->conf.base)
		rc = write_held(r, true);
	r->n_held = 0;
	arena_reset(&r->text);
	return rc;
}

static int
hold(struct rows *r, const char *day, struct span line, const struct row *row)
{
	struct held *h;

	if (r->n_held == r->cap_held) {
		r->cap_held = r->cap_held == 0 ? 1024 : mem_mul(2, r->cap_held);
		r->held = mem_array(r->held, r->cap_held, sizeof *r->held);
	}
	h = &r->held[r->n_held];
	*h = (struct held){ .n = r->n_held, .timed = row->ms != NULL, .ms = row->ms == NULL ? 0 : *row->ms,
	    .dead = row->dead };
	memcpy(h->day, day, DAY_BYTES);
	h->key = span_of(arena_dup(&r->text, row->key), row->key.n);
	h->order = span_of(arena_dup(&r->text, row->order), row->order.n);
	h->line = span_of(arena_dup(&r->text, line), line.n);
	r->n_held++;
	if (r->text.bytes + r->cap_held * sizeof *r->held <= r->conf.budget)
		return 0;
	if (r->conf.base)
		return err_io("%s@%s: its rows do not fit the memory budget (-S)", r->conf.t->name, day);
	return flush(r);
}

/* ---- public ---- */

int
rows_put(struct rows *r, const char *day, struct span line, const struct row *row)
{
	bool looked = r->looked == line.p;
	struct part *p;

	r->bytes += line.n + 1;
	r->looked = NULL;
	if (r->conf.keyed)
		return hold(r, day, line, row);
	return write_row(r, day, false, line, looked, row->ms, &p);
}

int
rows_app(struct rows *r, const char *app)
{
	int rc = flush(r);

	while (rc == 0 && r->n_slots > 0)
		rc = close_slot(r, r->slot);
	forget_apps(r);
	rows_turn(r, app);
	return rc;
}

void
rows_turn(struct rows *r, const char *app)
{
	size_t i = 0;

	while (i < r->n_apps && (app == NULL ? r->apps[i] != NULL : r->apps[i] == NULL ||
	    strcmp(r->apps[i], app) != 0))
		i++;
	if (i == r->n_apps) {
		r->apps = mem_array(r->apps, r->n_apps + 1, sizeof *r->apps);
		r->apps[r->n_apps++] = app == NULL ? NULL : mem_str(app);
	}
	/* the file at hand is another one's */
	if (i != r->app)
		r->last = NULL;
	r->app = i;
}

bool
rows_crowded(const struct rows *r)
{
	return r->crowded;
}

uint64_t
rows_bytes(const struct rows *r)
{
	return r->bytes;
}

int
rows_end(struct rows *r)
{
	int rc = rows_app(r, NULL);

	tell_columns(r);
	if (r->conf.keyed && !r->conf.base)
		change_count(r->conf.c, "known", r->known);
	rows_free(r);
	return rc;
}
