/* SPDX-License-Identifier: BSD-2-Clause */
/* ref - see ref.h */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/when.h"
#include "store/fs.h"
#include "store/merge.h"
#include "store/ref.h"
#include "store/table.h"

#define PINS_BYTES_MAX (16u << 20)

const char *
ref_split(struct span s, struct span *table, struct span *days)
{
	const char *at;

	if (s.n > 3 && memcmp(s.p, "wh:", 3) == 0)
		s = span_from(s, 3);
	at = s.n == 0 ? NULL : memchr(s.p, '@', s.n);
	*table = at == NULL ? s : span_of(s.p, (size_t)(at - s.p));
	*days = at == NULL ? span_of(NULL, 0) : span_from(s, table->n + 1);
	if (at != NULL && days->n == 0)
		return "a day is missing after '@'";
	return table_name_bad(*table);
}

/* ---- which commit ---- */

static const char *
run_dir(void)
{
	const char *dir = getenv("PIPEHOUSE_RUN");

	return dir == NULL || *dir == '\0' ? NULL : dir;
}

/* The number of a table in `TABLE N` lines. */
static bool
pinned(struct span text, const char *table, uint64_t *n)
{
	const char *p = text.p, *end = text.p + text.n;
	size_t name = strlen(table);

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		lf = lf == NULL ? end : lf;
		if ((size_t)(lf - p) > name + 1 && memcmp(p, table, name) == 0 && p[name] == ' ') {
			*n = 0;
			for (p += name + 1; p < lf && *p >= '0' && *p <= '9'; p++)
				*n = 10 * *n + (uint64_t)(*p - '0');
			return true;
		}
		p = lf + 1;
	}
	return false;
}

/* The run's number of this table: pinned, or said by its first reader. */
static int
run_number(const char *dir, const char *table, uint64_t *n, bool *found)
{
	struct buf path = { 0 }, text = { 0 };
	int rc;

	*found = false;
	buf_fmt(&path, "%s/pins", dir);
	rc = fs_read(buf_cstr(&path), PINS_BYTES_MAX, &text, found);
	if (rc == 0 && *found)
		*found = pinned(buf_span(&text), table, n);
	if (rc == 0 && !*found) {
		buf_clear(&path);
		buf_fmt(&path, "%s/inputs/%s", dir, table);
		rc = fs_read(buf_cstr(&path), 100, &text, found);
		if (rc == 0 && *found)
			*n = strtoull(buf_cstr(&text), NULL, 10);
	}
	buf_free(&path);
	buf_free(&text);
	return rc;
}

/* Note the number for the run; *n becomes the one that stands there already. */
static int
note_number(const char *dir, const char *table, uint64_t *n)
{
	struct buf tmp = { 0 }, final = { 0 }, text = { 0 };
	char nonce[NONCE_BYTES];
	bool taken = false, found;
	int rc;

	fs_nonce(nonce);
	buf_fmt(&tmp, "%s/inputs/.%s", dir, nonce);
	buf_fmt(&final, "%s/inputs/%s", dir, table);
	buf_fmt(&text, "%" PRIu64 "\n", *n);
	rc = fs_put(buf_cstr(&tmp), buf_span(&text), false);
	if (rc == 0) {
		rc = fs_link(tmp.p, buf_cstr(&final), &taken);
		(void)fs_remove(tmp.p);
	}
	if (rc == 0 && taken && (rc = fs_read(final.p, 100, &text, &found)) == 0 && found)
		*n = strtoull(buf_cstr(&text), NULL, 10);
	buf_free(&tmp);
	buf_free(&final);
	buf_free(&text);
	return rc;
}

/* What was read, by its content: so that --why can tell another commit from other rows. */
static int
note_read(const char *dir, const struct wh_files *f, const struct wh_want *w, struct span days)
{
	struct buf path = { 0 }, line = { 0 };
	char sum[CHAIN_BYTES];
	int fd, rc = 0;

	live_sum(f->owner->live, f->from, f->to, sum);
	buf_fmt(&path, "%s/reads", dir);
	buf_str(&line, f->table);
	/* with -n it is not what the operand says */
	if (w->days > 0)
		buf_fmt(&line, "@%s..%s", f->from, f->to);
	else if (days.n > 0)
		buf_fmt(&line, "@%.*s", (int)days.n, days.p);
	buf_fmt(&line, " %s\n", sum);
	fd = open(buf_cstr(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd == -1 || write(fd, line.p, line.n) != (ssize_t)line.n)
		rc = err_io("%s: %s", path.p, strerror(errno));
	if (fd != -1)
		close(fd);
	buf_free(&path);
	buf_free(&line);
	return rc;
}

/* Tables whose commit this process was told. */
static struct pin { char *table; uint64_t commit; } *pin;
static size_t n_pins;

void
ref_pin(const char *table, uint64_t commit)
{
	size_t i = 0;

	while (i < n_pins && strcmp(pin[i].table, table) != 0)
		i++;
	if (i == n_pins) {
		pin = mem_array(pin, n_pins + 1, sizeof *pin);
		pin[n_pins++].table = mem_str(table);
	}
	pin[i].commit = commit;
}

static int
open_at(struct span name, struct table **t)
{
	const char *dir = run_dir();
	uint64_t n = LOG_HEAD, was;
	bool found = false;
	char *table;
	int rc = 0;

	*t = NULL;
	for (size_t i = 0; i < n_pins; i++)
		if (span_is(name, pin[i].table))
			return table_open(name, PLACE_READ, pin[i].commit, t);
	if (dir == NULL)
		return table_open(name, PLACE_READ, LOG_HEAD, t);
	table = mem_dup(name);
	rc = run_number(dir, table, &n, &found);
	if (rc == 0)
		rc = table_open(name, PLACE_READ, found ? n : LOG_HEAD, t);
	if (rc == 0) {
		was = n = (*t)->live->head;
		rc = note_number(dir, table, &n);
		/* somebody else of this run was first, and saw another head */
		if (rc == 0 && n != was) {
			table_close(*t);
			rc = table_open(name, PLACE_READ, n, t);
		}
	}
	free(table);
	return rc;
}

/* ---- which days ---- */

struct range {
	int32_t from, to;
	bool all, none;
	const char *limit;	/* last:D */
	bool last;
	char buf[DAY_BYTES];
};

static const char *
parse_days(struct span s, struct range *r)
{
	if (span_is(s, "last")) {
		r->last = true;
		return NULL;
	}
	if (s.n > 5 && memcmp(s.p, "last:", 5) == 0) {
		r->last = true;
		r->limit = r->buf;
		return day_good(span_from(s, 5), r->buf) ? NULL : "last:D needs a day, YYYY-MM-DD";
	}
	if (s.n == 10)
		r->to = day_parse(s, &r->from) == NULL ? r->from : r->from - 1;
	else if (s.n != 22 || memcmp(s.p + 10, "..", 2) != 0 || day_parse(span_of(s.p, 10), &r->from) != NULL ||
	    day_parse(span_from(s, 12), &r->to) != NULL)
		return "days are D, D..D, last or last:D, D as YYYY-MM-DD";
	return r->to >= r->from ? NULL : s.n == 10 ? "no such day" : "the range ends before it begins";
}

/* Turn what was said into first and last day; none: the table has no day that fits. */
static int
settle(const struct table *t, const struct wh_want *w, struct range *r)
{
	const struct day *d;

	if (r->last) {
		d = live_last_day(t->live, r->limit);
		r->none = d == NULL;
		if (d != NULL)
			day_parse(span_of(d->name, 10), &r->from);
		r->to = r->from;
	}
	if (r->all && w->days > 0)
		return err_usage("%s: -n needs a day that the days end at", t->name);
	if (w->days > 1000000)
		return err_usage("%s: more than 1000000 days", t->name);
	if (w->days > 0 && !r->none)
		r->from = r->to - (int32_t)w->days + 1;
	return 0;
}

static void
print_range(const struct range *r, char from[DAY_BYTES], char to[DAY_BYTES])
{
	if (r->all) {
		memcpy(from, "0000-00-00", DAY_BYTES);
		memcpy(to, "9999-99-99", DAY_BYTES);
	} else {
		day_print(r->from, from);
		day_print(r->to, to);
	}
}

int
ref_range(const struct table *t, struct span days, char from[11], char to[11], bool *none)
{
	struct wh_want w = { 0 };
	struct range r = { .all = days.n == 0 };
	const char *why = days.n == 0 ? NULL : parse_days(days, &r);
	int rc = why == NULL ? settle(t, &w, &r) : err_usage("%s@%.*s: %s", t->name, (int)days.n, days.p, why);

	*none = r.none;
	print_range(&r, from, to);
	return rc;
}

static int
add_day(struct wh_files *f, const struct day *d)
{
	struct buf path = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		const struct file *x = &d->file[i];

		table_pool_path(f->owner, d->name, x->name, &path);
		if (!fs_exists(path.p))
			rc = err_temp("%s@%s: a file of commit %" PRIu64 " is gone: collected meanwhile?",
			    f->table, d->name, x->commit);
		f->file = mem_array(f->file, f->n + 1, sizeof *f->file);
		f->file[f->n++] = (struct wh_file){ d->name, mem_str(path.p), x->rows, x->delta, x->bytes, x->xxh64 };
		f->rows += x->rows;
		f->deltas = f->deltas || x->delta;
	}
	buf_free(&path);
	return rc;
}

static int
never(const struct wh_files *f, const char *day, bool missing_ok)
{
	if (missing_ok)
		return 0;
	err_warn("%s%s%s: never committed", f->table, day == NULL ? "" : "@", day == NULL ? "" : day);
	return EXIT_NO;
}

static int
add_days(struct wh_files *f, const struct wh_want *w, const struct range *r)
{
	const struct live *s = f->owner->live;
	int rc = 0;
	size_t n;

	if (r->all || r->none) {
		struct day **day = live_days(s, &n);

		for (size_t i = 0; rc == 0 && !r->none && i < n; i++)
			rc = add_day(f, day[i]);
		free(day);
		return rc == 0 && (n == 0 || r->none) ? never(f, NULL, w->missing_ok) : rc;
	}
	for (int32_t k = r->from; rc == 0 && k <= r->to; k++) {
		const struct day *d;
		char day[WHEN_DAY_BYTES];

		day_print(k, day);
		d = live_day(s, day);
		rc = d == NULL ? never(f, day, w->missing_ok) : add_day(f, d);
	}
	return rc;
}

static void
say_keys(struct wh_files *f)
{
	const struct meta *m = &f->owner->meta;

	if (m->kind != KIND_UPSERT)
		return;
	f->key = m->key;
	f->order = m->order;
	f->deleted = m->deleted;
}

int
wh_day(struct table *t, const char *day, struct wh_files *f)
{
	const struct day *d = live_day(t->live, day);
	int rc;

	*f = (struct wh_files){ .table = t->name, .number = t->live->head, .owner = t, .lent = true };
	say_keys(f);
	rc = d == NULL ? 0 : add_day(f, d);
	if (rc != 0)
		wh_close(f);
	return rc;
}

int
wh_open(const struct wh_want *w, struct wh_files *f)
{
	struct range r = { 0 };
	struct span table, days;
	const char *why;
	int rc;

	*f = (struct wh_files){ 0 };
	why = ref_split(w->operand, &table, &days);
	if (why == NULL && days.n > 0)
		why = parse_days(days, &r);
	if (why != NULL)
		return err_usage("'%.*s': %s", (int)(w->operand.n > 200 ? 200 : w->operand.n), w->operand.p, why);
	if ((rc = open_at(table, &f->owner)) != 0)
		return rc;
	f->table = f->owner->name;
	f->number = f->owner->live->head;
	if (days.n == 0) {
		r.last = f->owner->meta.kind == KIND_SNAPSHOT || f->owner->meta.kind == KIND_SCD2;
		r.all = !r.last;
	}
	say_keys(f);
	if ((rc = settle(f->owner, w, &r)) == 0)
		print_range(&r, f->from, f->to);
	if (rc == 0 && (rc = add_days(f, w, &r)) == 0 && run_dir() != NULL)
		rc = note_read(run_dir(), f, w, days);
	if (rc != 0)
		wh_close(f);
	return rc;
}

void
wh_close(struct wh_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free((char *)(uintptr_t)f->file[i].path);
	free(f->file);
	if (!f->lent)
		table_close(f->owner);
	*f = (struct wh_files){ 0 };
}

/* ---- for commands ---- */

/* The files [i, *end) are those of one day; true when they must be merged. */
static bool
day_of(const struct wh_files *f, size_t i, size_t *end)
{
	bool deltas = false;
	size_t k = i;

	for (; k < f->n && strcmp(f->file[k].day, f->file[i].day) == 0; k++)
		deltas = deltas || f->file[k].delta;
	*end = k;
	return deltas;
}

int
ref_files(const char *operand, int (*each)(void *arg, const char *day, const char *path), void *arg)
{
	struct wh_want w = { .operand = span_str(operand) };
	struct wh_files f;
	size_t i = 0;
	int rc;

	if ((rc = wh_open(&w, &f)) != 0)
		return rc;
	while (rc == 0 && i < f.n) {
		size_t k;

		if (day_of(&f, i, &k))
			rc = merge_file(&f, i, k, each, arg);
		else
			for (; rc == 0 && i < k; i++)
				rc = each(arg, f.file[i].day, f.file[i].path);
		i = k;
	}
	wh_close(&f);
	return rc;
}

static int
count_row(void *arg, struct span row)
{
	(void)row;
	++*(uint64_t *)arg;
	return 0;
}

int
ref_rows(const char *operand, uint64_t *rows)
{
	struct wh_want w = { .operand = span_str(operand) };
	struct wh_files f;
	size_t i = 0, k;
	int rc;

	*rows = 0;
	if ((rc = wh_open(&w, &f)) != 0)
		return rc;
	for (; rc == 0 && i < f.n; i = k) {
		bool deltas = day_of(&f, i, &k);

		if (deltas)
			rc = merge_rows(&f, i, k, count_row, rows);
		for (size_t m = i; !deltas && m < k; m++)
			*rows += f.file[m].rows;
	}
	wh_close(&f);
	return rc;
}

int
ref_heads(struct buf *out)
{
	struct fs_names l;
	int rc = table_list(&l);

	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		struct table *t;

		if ((rc = table_open(span_str(l.v[i]), PLACE_READ, LOG_HEAD, &t)) == 0) {
			buf_fmt(out, "%s %" PRIu64 "\n", l.v[i], t->live->head);
			table_close(t);
		}
	}
	fs_names_free(&l);
	return rc;
}
