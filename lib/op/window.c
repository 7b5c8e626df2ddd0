/* SPDX-License-Identifier: BSD-2-Clause */
/* window - tumbling and sliding windows, and none; see window.h, and session.c for the other kind */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/cut.h"
#include "op/key.h"
#include "op/keyed.h"
#include "op/row.h"
#include "op/window.h"

#define START_BYTES 8		/* of a key: the window's start, in an order of bytes that is the order of time */
/*
 * Behind the key of a cell whose sets were too large: NUL, which is in no group, the number of the aggregate in two
 * bytes, and of the part.  So they come behind the rest of the cell and before all other keys.
 */
#define PART_BYTES 4
#define PIECE_ROWS 4096			/* of the end in pieces */
#define NEAR 64				/* the cells of so many rows are brought near at once */

/* Behind the aggregates of a cell; `next` only where windows close by event time. */
struct tail {
	uint64_t flags;
	void *next;			/* another cell of the same window */
};
enum { DIRTY = 1, SAVED = 2 };

struct open {				/* a window that holds something */
	int64_t start, end;
	void *cell;
};

struct window {
	struct held held;		/* more: nothing, agg_bytes says it */
	struct window_conf conf;
	struct agg_set set;
	struct row row;
	struct buf val;
	void **cell;			/* the windows of one record */
	size_t cap_cells;
	bool single;			/* a record is in one window: tumbling, or none */
	int64_t lo, hi;			/* the tumbling window met last: most records stay in it */
	int64_t known, known_end;	/* where the window asked for last begins and ends */
	struct open *open;		/* [n_open] with conf.late: by start, and so by end */
	size_t n_open, cap_open;
	size_t n_parts;			/* entries of the map that are parts of cells */
	struct map_entry *done;		/* cells of one window while it is closed */
	size_t cap_done;
	struct map_entry *sorted;	/* of a part: its cells in order, when the end is done in pieces */
	struct cut cut;			/* of those of all parts */
	/* of the batch */
	struct buf keys;
	size_t at[BATCH_RECORDS_MAX + 1];
	uint64_t hash[BATCH_RECORDS_MAX];
	int64_t us[BATCH_RECORDS_MAX];
};

static void *fixed_new(const struct window_conf *);

const struct op *
window_op(const struct window_conf *conf)
{
	return conf->kind == WINDOW_SESSION ? &window_session_op : &window_fixed_op;
}

void *
window_new(const struct window_conf *conf)
{
	return conf->kind == WINDOW_SESSION ? session_new(conf) : fixed_new(conf);
}

size_t
window_cells(const struct window_conf *conf)
{
	return (conf->kind == WINDOW_NONE ? 0 : 2) + conf->n_groups + conf->n_aggs;
}

static bool
calendar(struct dur d)
{
	return d.days != 0 || d.months != 0;
}

static bool
same_dur(struct dur a, struct dur b)
{
	return a.us == b.us && a.days == b.days && a.months == b.months;
}

/* About, in microseconds: months at their shortest or longest. */
static int64_t
length(struct dur d, bool longest)
{
	return d.us + (d.days * (int64_t)86400 + d.months * (int64_t)86400 * (longest ? 31 : 28)) * US_PER_SEC;
}

const char *
window_why(const struct window_conf *c)
{
	if (c->kind == WINDOW_SESSION && length(c->gap, false) <= 0)
		return "a session's gap must be longer than nothing";
	if (c->kind != WINDOW_FIXED)
		return NULL;
	if (length(c->width, false) <= 0 || length(c->slide, false) <= 0)
		return "a window must be longer than nothing";
	if (same_dur(c->width, c->slide))
		return NULL;
	if (length(c->width, false) < length(c->slide, true))
		return "windows that slide by more than their length would leave records out";
	if (length(c->width, true) / length(c->slide, false) > WINDOWS_EACH_MAX)
		return "each record would be in more than 10,000 windows";
	/* days and hours drift apart where the clock changes: ends would not rise with starts, or leave gaps */
	if ((c->width.us == 0) != (c->slide.us == 0))
		return "a window and its slide must both be exact, as 24h and 6h, or both of days, as 7d and 1d";
	return NULL;
}

/* Where the window that begins at start ends; what would end behind all time ends with it, see holds(). */
static int64_t
window_end(const struct window_conf *c, int64_t start)
{
	static const struct dur day = { .days = 1 };
	int64_t end = dur_add(c->width, 1, start, c->zone);

	/* where the clock skips midnight a day begins late; its window still ends at a midnight */
	return calendar(c->width) && end != WHEN_US_MAX ? dur_floor(day, c->offset_us, end, c->zone) : end;
}

/* Is a time, not before its start, in a window that ends there? */
static bool
holds(int64_t end, int64_t us)
{
	return us < end || end == WHEN_US_MAX;
}

static int64_t
end_of(struct window *w, int64_t start)
{
	if (w->known != start || w->known_end == INT64_MIN) {
		w->known = start;
		w->known_end = window_end(&w->conf, start);
	}
	return w->known_end;
}

static int64_t
start_after(const struct window_conf *c, int64_t start)
{
	return dur_floor(c->slide, c->offset_us, dur_add(c->slide, 1, start, c->zone), c->zone);
}

static int64_t
start_before(const struct window_conf *c, int64_t start)
{
	return dur_floor(c->slide, c->offset_us, dur_add(c->slide, -1, start, c->zone), c->zone);
}

static int64_t
newest_start(struct window *w, int64_t us)
{
	const struct window_conf *c = &w->conf;

	if (us >= w->lo && us < w->hi)
		return w->lo;
	w->lo = dur_floor(c->slide, c->offset_us, us, c->zone);
	w->hi = start_after(c, w->lo);
	/* a boundary within an hour that the clock skips or runs through twice: what counts is its instant */
	while (us >= w->hi && w->hi > w->lo) {
		w->lo = w->hi;
		w->hi = start_after(c, w->lo);
	}
	while (us < w->lo && start_before(c, w->lo) < w->lo) {
		w->hi = w->lo;
		w->lo = start_before(c, w->lo);
	}
	return w->lo;
}

int
window_late(const struct window_conf *c, const struct batch *b, size_t i, const struct host *host)
{
	c->water->n_late++;
	b->fate[i] = c->late_out > 0 ? F_USED : F_DROP;
	return c->late_out > 0 ? host->raw(host->self, c->late_out, b->line[i]) : 0;
}

/* ---- a batch ---- */

/* Time and key of one record; the key begins with its newest window. */
static const char *
locate_one(struct window *w, const struct batch *b, size_t i)
{
	const struct window_conf *c = &w->conf;
	char start[START_BYTES] = { 0 };
	const char *why;
	bool none;

	w->us[i] = 0;
	if (c->time != -1 && (why = when_val(b->col[c->time][i], c->unit, c->zone, &w->val, &w->us[i])) != NULL)
		return why;
	if (c->water != NULL && watermark_ahead(c->water, w->us[i]))
		return WATERMARK_AHEAD;
	if (c->kind == WINDOW_FIXED)
		pack_order(start, newest_start(w, w->us[i]));
	buf_add(&w->keys, start, sizeof start);
	if ((why = key_of(b, i, c->group, c->n_groups, c->as, &w->keys, &none)) != NULL)
		w->keys.n = w->at[i];
	return why;
}

static struct span
key_at(const struct window *w, size_t i)
{
	return span_of(w->keys.p + w->at[i], w->at[i + 1] - w->at[i]);
}

static struct tail *
tail(const struct window *w, void *cell)
{
	return (struct tail *)((char *)cell + w->set.cell_bytes);
}

/* Remember which window a new cell belongs to. */
static void
list(struct window *w, int64_t start, void *cell)
{
	size_t lo = 0, hi = w->n_open;

	if (hi > 0 && w->open[hi - 1].start <= start)
		lo = hi - (w->open[hi - 1].start == start);
	else
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (w->open[mid].start < start)
				lo = mid + 1;
			else
				hi = mid;
		}
	if (lo == w->n_open || w->open[lo].start != start) {
		if (w->n_open == w->cap_open) {
			w->cap_open = w->cap_open == 0 ? 64 : mem_mul(w->cap_open, 2);
			w->open = mem_array(w->open, w->cap_open, sizeof *w->open);
		}
		memmove(w->open + lo + 1, w->open + lo, (w->n_open++ - lo) * sizeof *w->open);
		w->open[lo] = (struct open){ start, end_of(w, start), NULL };
	}
	tail(w, cell)->next = w->open[lo].cell;
	w->open[lo].cell = cell;
}

static bool
is_part(struct span key)
{
	return key.n >= START_BYTES + PART_BYTES && key.p[key.n - PART_BYTES] == '\0';
}

static struct span
whole_key(struct span key)
{
	return span_of(key.p, key.n - PART_BYTES);
}

static size_t
part_agg(struct span key)
{
	return (size_t)(unsigned char)key.p[key.n - 3] << 8 | (unsigned char)key.p[key.n - 2];
}

static unsigned
part_number(struct span key)
{
	return (unsigned char)key.p[key.n - 1];
}

static void *
cell_of(struct window *w, uint64_t hash, struct span key)
{
	bool fresh;
	void *cell = map_put_hashed(w->held.map, hash, key, &fresh);

	if (fresh && w->conf.late)
		list(w, unpack_order(key.p), cell);
	w->n_parts += fresh && is_part(key);
	return cell;
}

/* The cells of all windows that record i, which `by` located, is in and that are not over; none: it is late. */
static size_t
find_cells(struct window *w, struct window *by, size_t i)
{
	const struct window_conf *c = &w->conf;
	struct span key = key_at(by, i);
	int64_t start, wm = c->late ? c->water->us : WATERMARK_NONE;
	size_t n = 0;

	if (w->single) {
		if (c->late && end_of(w, unpack_order(key.p)) <= wm)
			return 0;
		w->cell[0] = cell_of(w, by->hash[i], key);
		return 1;
	}
	for (start = unpack_order(key.p);; start = start_before(c, start)) {
		int64_t end = window_end(c, start);

		if (!holds(end, by->us[i]) || (c->late && end <= wm))
			break;
		if (n == w->cap_cells) {
			w->cap_cells *= 2;
			w->cell = mem_array(w->cell, w->cap_cells, sizeof *w->cell);
		}
		pack_order(by->keys.p + by->at[i], start);
		w->cell[n++] = cell_of(w, hash_mem(key), key);
		if (start_before(c, start) >= start)
			break;		/* the beginning of all time */
	}
	return n;
}

/* One record into its cells; *late: there are none any more. */
static const char *
record(struct window *w, struct window *by, const struct batch *b, size_t i, bool *late)
{
	const char *why;
	size_t n;

	if ((why = agg_read_row(&w->set, b, i, by->us[i])) != NULL)
		return why;
	n = find_cells(w, by, i);
	*late = n == 0;
	for (size_t k = 0; k < n; k++)
		if ((why = agg_check(&w->set, w->cell[k])) != NULL)
			return why;	/* cells made just now hold no rows and are never shown */
	for (size_t k = 0; k < n; k++) {
		agg_apply(&w->set, w->cell[k]);
		tail(w, w->cell[k])->flags |= DIRTY;
	}
	if (n > 0 && w->conf.late)
		watermark_take(w->conf.water, by->us[i]);
	return NULL;
}

static const uint64_t *
locate(void *st, const struct batch *b)
{
	struct window *w = st;
	const char *why;

	buf_clear(&w->keys);
	for (size_t i = 0; i < b->n; i++) {
		w->at[i] = w->keys.n;
		if (b->fate[i] != F_PASS)
			continue;
		if ((why = locate_one(w, b, i)) != NULL)
			batch_reject(b, i, why);
		else
			w->hash[i] = hash_mem(span_from(buf_span(&w->keys), w->at[i]));
	}
	w->at[b->n] = w->keys.n;
	return w->hash;
}

static int
batch(void *st, const struct batch *b, const struct host *host)
{
	struct window *w = st;
	const char *why;
	bool late;
	int rc;

	(void)locate(w, b);
	for (size_t i = 0; i < b->n; i++)
		if (b->fate[i] == F_PASS)
			map_prefetch(w->held.map, w->hash[i]);
	for (size_t i = 0; i < b->n; i++) {
		if (b->fate[i] != F_PASS)
			continue;
		if ((why = record(w, w, b, i, &late)) != NULL)
			batch_reject(b, i, why);
		else if (!late)
			b->fate[i] = F_USED;
		else if ((rc = window_late(&w->conf, b, i, host)) != 0)
			return rc;
	}
	return 0;
}

/* ---- output ---- */

static int
emit(struct window *w, struct span key, void *cell, const struct host *host)
{
	struct span group = span_from(key, START_BYTES);
	const char *why;

	row_begin(&w->row);
	if (w->conf.kind == WINDOW_FIXED) {
		int64_t start = unpack_order(key.p);

		row_time(&w->row, &w->conf, start);
		row_time(&w->row, &w->conf, window_end(&w->conf, start));
	}
	if (!row_group(&w->row, group, w->conf.n_groups))
		return row_error(group, "a saved state is not one of this command");
	if ((why = row_aggs(&w->row, &w->set, cell)) != NULL)
		return row_error(group, why);
	return row_end(&w->row, host);
}

/* What a cell holds outside the map. */
static void
let_go(struct window *w, struct map_entry e)
{
	if ((tail(w, e.cell)->flags & SAVED) != 0)
		pack_span(&w->held.gone, e.key);
	agg_drop(&w->set, e.cell);
	w->n_parts -= is_part(e.key);
}

static void
forget(struct window *w, struct map_entry e)
{
	let_go(w, e);
	map_del(w->held.map, e.key);
}

/* The open windows anew, of what is left in the map. */
static void
list_all(struct window *w)
{
	struct map_entry e;

	w->n_open = 0;
	for (size_t i = 0; map_next(w->held.map, &i, &e);)
		list(w, unpack_order(e.key.p), e.cell);
}

/* Parts that came back from disk, into their cells again. */
static void
gather(struct window *w)
{
	struct map_entry *e;
	size_t n = map_count(w->held.map);
	void *cell;

	if (w->n_parts == 0)
		return;
	e = map_sorted(w->held.map);
	for (size_t i = 0; i < n; i++) {
		if (!is_part(e[i].key))
			continue;
		cell = map_put(w->held.map, whole_key(e[i].key), NULL);
		agg_part_take(&w->set, cell, e[i].cell, part_agg(e[i].key));
		tail(w, cell)->flags |= DIRTY;		/* of whose records nothing may have come yet */
		forget(w, e[i]);
	}
	free(e);
	if (w->conf.late)
		list_all(w);
}

/* Nothing is left: the memory goes back. */
static void
clear(struct window *w)
{
	if (map_count(w->held.map) > 0)
		return;
	held_clear(&w->held);
	w->n_open = 0;
}

static int
by_key(const void *a, const void *b)
{
	return span_cmp(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

static struct span
key_of_entry(const void *e)
{
	return ((const struct map_entry *)e)->key;
}

/* All cells of one open window, in key order. */
static int
close_one(struct window *w, const struct open *o, const struct host *host)
{
	size_t n = 0;
	int rc = 0;

	for (void *cell = o->cell; cell != NULL; cell = tail(w, cell)->next) {
		if (n == w->cap_done) {
			w->cap_done = w->cap_done == 0 ? 64 : mem_mul(w->cap_done, 2);
			w->done = mem_array(w->done, w->cap_done, sizeof *w->done);
		}
		w->done[n++] = (struct map_entry){ map_key(w->held.map, cell), cell };
	}
	if (n > 1)
		qsort(w->done, n, sizeof *w->done, by_key);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (agg_rows(w->done[i].cell) > 0)
			rc = emit(w, w->done[i].key, w->done[i].cell, host);
		forget(w, w->done[i]);
	}
	return rc;
}

static int
close_open(struct window *w, int64_t wm, const struct host *host)
{
	size_t n = 0;
	int rc = 0;

	while (n < w->n_open && w->open[n].end <= wm && rc == 0)
		rc = close_one(w, &w->open[n++], host);
	if (n == 0)
		return 0;
	memmove(w->open, w->open + n, (w->n_open - n) * sizeof *w->open);
	w->n_open -= n;
	clear(w);
	return rc;
}

static int
close_window(void *st, int64_t wm_ms, const struct host *host)
{
	struct window *w = st;
	bool end = wm_ms == INT64_MAX;
	struct map_entry *e;
	size_t n = map_count(w->held.map);
	int64_t wm;
	int rc = 0;

	if (end && n == 0 && w->conf.kind == WINDOW_NONE && w->conf.n_groups == 0)	/* SQL: one row of nothing */
		(void)map_put(w->held.map, span_of("\0\0\0\0\0\0\0\0", START_BYTES), NULL);
	else if (!end && w->conf.kind == WINDOW_NONE)
		return 0;
	if (__builtin_mul_overflow(wm_ms, 1000, &wm))
		wm = wm_ms < 0 ? INT64_MIN : INT64_MAX;
	gather(w);
	if (w->conf.late)
		return close_open(w, wm, host);
	e = map_sorted(w->held.map);
	for (size_t i = 0, all = map_count(w->held.map); i < all && rc == 0; i++) {
		if (!end && unpack_order(e[i].key.p) > wm)
			break;		/* this and all that follow have only begun */
		if (!end && window_end(&w->conf, unpack_order(e[i].key.p)) > wm)
			continue;
		if (agg_rows(e[i].cell) > 0 || n == 0)
			rc = emit(w, e[i].key, e[i].cell, host);
		(end ? let_go : forget)(w, e[i]);
	}
	free(e);
	if (end && rc == 0)
		held_clear(&w->held);
	return rc;
}

static int add(void *st, struct span key, struct span val);

/*
 * One cell is left of many: it moves into a map of its own, for what the others took would count as held, and make
 * the next key flush again.
 */
static int
move(struct window *w, struct map_entry e)
{
	struct buf key = { 0 };
	uint64_t flags = tail(w, e.cell)->flags;
	int rc;

	buf_span_add(&key, e.key);
	buf_clear(&w->val);
	agg_pack(&w->set, e.cell, &w->val);
	tail(w, e.cell)->flags = 0;
	forget(w, e);
	held_clear(&w->held);
	if ((rc = add(w, buf_span(&key), buf_span(&w->val))) == 0)
		tail(w, map_get(w->held.map, buf_span(&key)))->flags |= flags;
	buf_free(&key);
	return rc;
}

/* All that is held is whole, but the last key may have parts that are still to come. */
static int
flush(void *st, const struct host *host)
{
	struct window *w = st;
	struct map_entry *e = map_sorted(w->held.map), *cell = NULL;
	size_t n = map_count(w->held.map);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (cell != NULL && is_part(e[i].key) && span_eq(whole_key(e[i].key), cell->key)) {
			agg_fold(&w->set, cell->cell, e[i].cell, part_agg(e[i].key), part_number(e[i].key));
			forget(w, e[i]);
			continue;
		}
		if (cell != NULL) {
			rc = emit(w, cell->key, cell->cell, host);
			forget(w, *cell);
		}
		cell = &e[i];
	}
	if (rc == 0 && n > 1 && cell != NULL && !is_part(cell->key) && agg_packs(&w->set, cell->cell))
		rc = move(w, *cell);
	free(e);
	if (w->conf.late)
		list_all(w);
	return rc;
}

/* ---- the law ---- */

static int
add(void *st, struct span key, struct span val)
{
	struct window *w = st;
	struct unpack u = { val, true };
	const char *why = NULL;
	void *cell;

	if (key.n < START_BYTES || (is_part(key) && part_agg(key) >= w->set.n))
		return err_input("a saved state is not one of this command");
	cell = cell_of(w, hash_mem(key), key);
	tail(w, cell)->flags |= DIRTY;
	if (is_part(key))
		return agg_part_join(&w->set, cell, part_agg(key), &u) ? 0 :
		    err_input("a saved state is not one of this command");
	if (!agg_join(&w->set, cell, &u, &why))
		why = "a saved state is not one of this command";
	return why == NULL ? 0 : row_error(span_from(key, START_BYTES), why);
}

static int
save_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct window *w = st;

	if (agg_rows(e->cell) == 0 && tail(w, e->cell)->flags == 0)
		return 0;		/* made for a record that was bad */
	buf_clear(&w->val);
	agg_pack(&w->set, e->cell, &w->val);
	tail(w, e->cell)->flags = SAVED;
	return put(arg, e->key, buf_span(&w->val));
}

static bool
changed(void *st, const void *cell)
{
	const struct window *w = st;

	return (((const struct tail *)((const char *)cell + w->set.cell_bytes))->flags & DIRTY) != 0;
}

static size_t
drop(void *st, const struct map_entry *e)
{
	struct window *w = st;
	size_t sets = w->set.set_bytes;

	agg_drop(&w->set, e->cell);
	return w->val.n + sets - w->set.set_bytes;	/* about: what was just saved, and sets as they were */
}

/* To disk: what is left of a large cell, then the parts of its sets. */
static int
shed_one(void *st, const struct map_entry *e, kv_fn *put, void *arg)
{
	struct window *w = st;
	struct agg_parts *parts;
	struct buf key = { 0 };
	unsigned number;
	size_t k;
	int rc;

	if (!agg_large(&w->set, e->cell))
		return save_one(st, e, put, arg);
	parts = agg_part_out(&w->set, e->cell);
	rc = save_one(st, e, put, arg);
	while (agg_part_next(&w->set, parts, &k, &number, &w->val)) {
		char end[PART_BYTES] = { '\0', (char)(k >> 8), (char)k, (char)number };

		buf_clear(&key);
		buf_span_add(&key, e->key);
		buf_add(&key, end, sizeof end);
		rc = rc != 0 ? rc : put(arg, buf_span(&key), buf_span(&w->val));
	}
	buf_free(&key);
	return rc;
}

static const char *
merge(void *st, void *cell, void *other)
{
	struct window *w = st;

	tail(w, cell)->flags |= DIRTY;
	return agg_merge(&w->set, cell, other);
}

static const struct keyed groups = { changed, save_one, drop, merge };
static const struct keyed in_parts = { changed, shed_one, drop, NULL };

static int
save(void *st, bool all, kv_fn *put, void *arg)
{
	gather(st);
	return held_save(st, all, put, arg);
}

static size_t
bytes(const void *st)
{
	const struct window *w = st;

	return held_bytes(st) + agg_bytes(&w->set) + w->cap_open * sizeof *w->open;
}

static int
shed(void *st, size_t want, kv_fn *put, void *arg)
{
	struct window *w = st;
	int rc;

	gather(w);
	rc = keyed_shed(&in_parts, w, w->held.map, &w->held.pool, want, put, arg);
	agg_rest(&w->set);
	if (w->conf.late)
		list_all(w);
	return rc;
}

static int
join(void *st, void *other)
{
	struct window *w = st, *o = other;
	const char *why;
	struct span key;

	agg_adopt(&w->set, &o->set);
	w->n_parts += o->n_parts;
	o->n_parts = 0;
	why = held_take(&w->held, &o->held, &key);
	if (w->conf.late)
		list_all(w);
	return why == NULL ? 0 : row_error(span_from(key, START_BYTES), why);
}

/* ---- in parts ---- */

/* A record in several windows has several keys; what is late, and whether types meet, depends on the order. */
static bool
can(const void *st)
{
	const struct window *w = st;

	return w->single && w->conf.water == NULL && !w->set.ordered;
}

static int
take(void *st, void *by_st, const struct batch *b, const uint16_t *at, size_t n)
{
	struct window *w = st, *by = by_st;
	const char *why;
	bool late;

	for (size_t k = 0; k < n; k++)
		map_prefetch(w->held.map, by->hash[at[k]]);
	for (size_t k = 0; k < n; k++) {
		if ((why = record(w, by, b, at[k], &late)) != NULL)
			batch_reject(b, at[k], why);
		else
			b->fate[at[k]] = F_USED;
	}
	return 0;
}

/* First the cells of each part are put in order, then rows are made of pieces of that order. */
static size_t
plan(void *st, void *const *part, size_t n)
{
	return cut_rounds(&((struct window *)st)->cut, part, n, PIECE_ROWS);
}

/* The rows of some cells; they are let go with the parts. */
static int
piece(void *st, void *by, size_t i, const struct host *host)
{
	struct window *w = st;
	const struct map_entry *e[NEAR];
	struct cut_walk walk;
	int rc = 0;

	if (cut_sorting(&w->cut)) {
		struct window *p = w->cut.part[i];

		p->sorted = map_sorted(p->held.map);
		cut_set(&w->cut, i, p->sorted, map_count(p->held.map));
		return 0;
	}
	cut_begin(&w->cut, i, &walk);
	for (size_t n = NEAR; n == NEAR && rc == 0;) {
		for (n = 0; n < NEAR && (e[n] = cut_next(&walk)) != NULL; n++)
			__builtin_prefetch(e[n]->cell);
		for (size_t k = 0; k < n && rc == 0; k++)
			if (agg_rows(e[k]->cell) > 0)
				rc = emit(by, e[k]->key, e[k]->cell, host);
	}
	return rc;
}

static const struct op_parts parts = { can, locate, take, plan, piece, true };

static void *
fixed_new(const struct window_conf *conf)
{
	struct window *w = mem_new(sizeof *w);

	w->conf = *conf;
	agg_set_up(&w->set, conf->agg, conf->n_aggs, conf->as, &w->held.pool);
	w->held.is = &groups;
	w->held.map = map_new(w->set.cell_bytes + (conf->late ? sizeof(struct tail) : sizeof(uint64_t)));
	w->single = conf->kind == WINDOW_NONE || same_dur(conf->width, conf->slide);
	w->cap_cells = 8;
	w->cell = mem_array(NULL, w->cap_cells, sizeof *w->cell);
	w->cut = (struct cut){ .size = sizeof *w->sorted, .cmp = by_key, .key = key_of_entry };
	w->lo = INT64_MAX;
	w->hi = w->known_end = INT64_MIN;
	row_init(&w->row, window_cells(conf));
	return w;
}

static void *
fresh(const void *st)
{
	return fixed_new(&((const struct window *)st)->conf);
}

static void
destroy(void *st)
{
	struct window *w = st;
	struct map_entry e;

	for (size_t i = 0; map_next(w->held.map, &i, &e);)
		agg_drop(&w->set, e.cell);
	held_free(&w->held);
	agg_free(&w->set);
	row_free(&w->row);
	free(w->cell);
	free(w->open);
	free(w->done);
	cut_free(&w->cut);
	free(w->sorted);
	buf_free(&w->val);
	buf_free(&w->keys);
	free(w);
}

const struct op window_fixed_op = {
	.name = "window", .version = 1, .batch = batch, .close = close_window, .add = add, .save = save,
	.shed = shed, .bytes = bytes, .fresh = fresh, .free = destroy, .flush = flush, .join = join, .parts = &parts,
};
