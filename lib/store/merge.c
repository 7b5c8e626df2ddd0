/* SPDX-License-Identifier: BSD-2-Clause */
/* merge - see merge.h */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/err.h"
#include "base/temp.h"
#include "in/scan.h"
#include "in/source.h"
#include "out/sink.h"
#include "store/merge.h"
#include "store/pool.h"

/*
 * Files read at once: descriptors and blocks.  More of them are first merged by so many into temporary files, their
 * tombstones too (Knuth, TAOCP 3, 5.4.1: a balanced merge, here of neighbours in commit order).
 */
#define FAN_IN 64

struct in {				/* one file, at one of its rows */
	const struct wh_file *f;
	struct source *src;
	struct scan *scan;
	struct scanned got;
	size_t i;			/* of got */
	bool open, end;
	struct span line;
	struct buf key, was, order;
	bool dead;
};

struct cursor {
	struct pathset *paths;
	size_t n_keys;			/* columns 0.. ; the order is column n_keys */
	int deleted;			/* column, or -1 */
	struct in *in;
	size_t n;
	struct buf key, row, order;	/* the best row of the key so far */
	bool dead;
	struct folded *folded;		/* what stands for the files when they are many */
};

struct folded {
	struct wh_file *file;
	int *fd;			/* each file's: it has no other name */
	size_t n;
};

const char *
merge_order(struct val v, struct buf *b)
{
	buf_clear(b);
	if (val_is_null(v))
		return "the order is null";
	if (v.tag != T_NUM && v.tag != T_STR)
		return "the order is neither number nor string";
	return val_key(v, KEY_EXACT, b);
}

int
merge_order_cmp(struct span a, struct span b)
{
	bool sa = a.n > 0 && a.p[0] == '"', sb = b.n > 0 && b.p[0] == '"';
	struct dec x, y;

	if (sa != sb)
		return sa ? 1 : -1;
	if (sa || dec_parse(a, &x) != NULL || dec_parse(b, &y) != NULL)
		return span_cmp(a, b);
	return dec_cmp(&x, &y);
}

int
merge_rank(struct span order_a, bool dead_a, struct span order_b, bool dead_b)
{
	int c = merge_order_cmp(order_b, order_a);

	/* a row that moves within its day brings a tombstone of the same order for the place it left */
	return c != 0 ? c : (int)dead_a - (int)dead_b;
}

const char *
merge_dead(struct val v, bool *dead)
{
	*dead = v.tag == T_TRUE;
	return *dead || v.tag == T_FALSE || val_is_null(v) ? NULL : "deleted is neither true nor false";
}

static int
one_path(void *arg, struct span name, struct span path)
{
	struct cursor *m = arg;
	char err[200];

	(void)name;
	return pathset_add(m->paths, path, err, sizeof err) == -1 ? err_usage("key: %s", err) : 0;
}

/* Key and order of the row at hand. */
static int
take_row(struct cursor *m, struct in *x)
{
	const char *why = NULL;
	struct buf spare = x->was;

	x->was = x->key;
	x->key = spare;
	buf_clear(&x->key);
	x->line = x->got.line[x->i];
	for (size_t k = 0; why == NULL && k < m->n_keys; k++) {
		if (k > 0)
			buf_byte(&x->key, ',');
		why = val_key(x->got.col[k][x->i], KEY_EXACT, &x->key);
	}
	if (why == NULL)
		why = merge_order(x->got.col[m->n_keys][x->i], &x->order);
	x->dead = false;
	if (why == NULL && m->deleted != -1)
		why = merge_dead(x->got.col[m->deleted][x->i], &x->dead);
	if (why == NULL && span_cmp(buf_span(&x->was), buf_span(&x->key)) > 0)
		why = "its rows are not sorted by key";
	x->i++;
	return why == NULL ? 0 : err_input("%s: %s", x->f->path, why);
}

static int
next_row(struct cursor *m, struct in *x)
{
	struct block blk;
	int rc;

	for (;;) {
		while (x->i < x->got.n) {
			if (x->got.kind[x->i] == LINE_RECORD)
				return take_row(m, x);
			if (x->got.kind[x->i] == LINE_BAD)
				return err_input("%s: %s", x->f->path, x->got.why[x->i]);
			x->i++;
		}
		x->i = x->got.n = 0;
		if (x->open && scan_next(x->scan, &x->got))
			continue;
		x->got.n = 0;
		if ((rc = source_block(x->src, &blk)) != 0)
			return rc;
		x->end = blk.n == 0;
		if (x->end)
			return 0;
		scan_block(x->scan, blk.p, blk.n);
		x->open = true;
	}
}

/* The row at hand of an input, if it beats what was found. */
static void
keep_better(struct cursor *m, const struct in *x)
{
	if (m->order.n > 0 && merge_rank(buf_span(&m->order), m->dead, buf_span(&x->order), x->dead) < 0)
		return;
	buf_clear(&m->order);
	buf_span_add(&m->order, buf_span(&x->order));
	buf_clear(&m->row);
	buf_span_add(&m->row, x->line);
	m->dead = x->dead;
}

int
cursor_next(struct cursor *m, struct best *best, bool *any)
{
	int rc = 0;

	*any = false;
	for (size_t i = 0; i < m->n; i++) {
		struct in *x = &m->in[i];

		if (x->end || (*any && span_cmp(buf_span(&x->key), buf_span(&m->key)) >= 0))
			continue;
		buf_clear(&m->key);
		buf_span_add(&m->key, buf_span(&x->key));
		*any = true;
	}
	buf_clear(&m->order);
	for (size_t i = 0; rc == 0 && *any && i < m->n; i++) {
		struct in *x = &m->in[i];

		/* files stand in commit order, so of equal orders the later one wins */
		while (rc == 0 && !x->end && span_eq(buf_span(&x->key), buf_span(&m->key))) {
			keep_better(m, x);
			rc = next_row(m, x);
		}
	}
	*best = (struct best){ buf_span(&m->key), buf_span(&m->order), buf_span(&m->row), m->dead };
	return rc;
}

/* Columns of the keys, the order and, if the table has it, the mark of the deleted. */
static int
add_paths(struct cursor *m, const struct wh_files *f)
{
	char err[200];
	int rc;

	m->paths = pathset_new();
	m->deleted = -1;
	if ((rc = pathlist_each(span_str(f->key), one_path, m)) != 0)
		return rc;
	m->n_keys = m->paths->n;
	if ((rc = one_path(m, span_of(NULL, 0), span_str(f->order))) != 0)
		return rc;
	if (m->paths->n != m->n_keys + 1)
		return err_usage("%s: the order is one of the keys", f->table);
	if (f->deleted != NULL && (m->deleted = pathset_add(m->paths, span_str(f->deleted), err, sizeof err)) == -1)
		return err_usage("deleted: %s", err);
	return 0;
}

static int
open_files(const struct wh_files *f, const struct wh_file *v, size_t n, struct cursor **out)
{
	struct cursor *m = *out = mem_new(sizeof *m);
	struct scan_conf conf = { 0 };
	int rc = add_paths(m, f);

	m->in = mem_new(mem_mul(n + 1, sizeof *m->in));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct in *x = &m->in[m->n];

		x->f = &v[i];
		if ((rc = pool_source(x->f->path, NULL, &x->src)) != 0)
			break;
		m->n++;
		x->scan = scan_new(m->paths, &conf);
		rc = next_row(m, x);
	}
	return rc;
}

static void
folded_free(struct folded *d)
{
	for (size_t i = 0; d != NULL && i < d->n; i++) {
		free((char *)d->file[i].path);
		close(d->fd[i]);
	}
	if (d != NULL) {
		free(d->file);
		free(d->fd);
	}
	free(d);
}

/* The best row of each key of these files, dead or not, into one temporary file more. */
static int
fold_some(const struct wh_files *f, const struct wh_file *v, size_t n, struct folded *d)
{
	struct buf name = { 0 };
	struct cursor *m = NULL;
	struct sink *o;
	struct best best;
	bool any = true;
	int fd = temp_file(), copy, rc, r;

	if (fd == -1)
		return EXIT_IO;
	buf_fmt(&name, "/proc/self/fd/%d", fd);
	(void)buf_cstr(&name);
	d->file[d->n] = v[0];
	d->file[d->n].path = name.p;
	d->fd[d->n++] = fd;
	/* the sink closes its own descriptor; this one keeps the file */
	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 3)) == -1)
		return err_io("temporary file: %s", strerror(errno));
	sink_fd(copy, "merged rows", CODEC_NONE, &o);
	rc = open_files(f, v, n, &m);
	while (rc == 0 && (rc = cursor_next(m, &best, &any)) == 0 && any)
		rc = sink_line(o, best.row);
	cursor_close(m);
	r = sink_close(o);
	return rc == 0 ? r : rc;
}

static int
fold(const struct wh_files *f, const struct wh_file *v, size_t n, struct folded **out)
{
	struct folded *d = *out = mem_new(sizeof *d);
	int rc = 0;

	d->file = mem_array(NULL, n / FAN_IN + 1, sizeof *d->file);
	d->fd = mem_array(NULL, n / FAN_IN + 1, sizeof *d->fd);
	for (size_t i = 0; rc == 0 && i < n; i += FAN_IN)
		rc = fold_some(f, v + i, n - i < FAN_IN ? n - i : FAN_IN, d);
	return rc;
}

int
cursor_open(const struct wh_files *f, size_t from, size_t to, struct cursor **out)
{
	const struct wh_file *v = &f->file[from];
	struct folded *d = NULL, *next;
	size_t n = to - from;
	int rc = 0;

	*out = NULL;
	while (rc == 0 && n > FAN_IN) {
		rc = fold(f, v, n, &next);
		folded_free(d);
		d = next;
		v = d->file;
		n = d->n;
	}
	if (rc == 0)
		rc = open_files(f, v, n, out);
	if (*out != NULL)
		(*out)->folded = d;
	else
		folded_free(d);
	return rc;
}

void
cursor_close(struct cursor *m)
{
	if (m == NULL)
		return;
	folded_free(m->folded);
	for (size_t i = 0; i < m->n; i++) {
		struct in *x = &m->in[i];

		scan_free(x->scan);
		source_close(x->src);
		buf_free(&x->key);
		buf_free(&x->was);
		buf_free(&x->order);
	}
	free(m->in);
	pathset_free(m->paths);
	buf_free(&m->key);
	buf_free(&m->row);
	buf_free(&m->order);
	free(m);
}

int
merge_rows(const struct wh_files *f, size_t from, size_t to, int (*line)(void *arg, struct span row), void *arg)
{
	struct cursor *m;
	struct best best;
	bool any = true;
	int rc = cursor_open(f, from, to, &m);

	while (rc == 0 && (rc = cursor_next(m, &best, &any)) == 0 && any)
		if (!best.dead)
			rc = line(arg, best.row);
	cursor_close(m);
	return rc;
}

static int
to_sink(void *arg, struct span row)
{
	return sink_line(arg, row);
}

int
merge_file(const struct wh_files *f, size_t from, size_t to,
    int (*each)(void *arg, const char *day, const char *path), void *arg)
{
	char path[64];
	struct sink *o;
	int fd = temp_file(), copy, rc, r;

	if (fd == -1)
		return EXIT_IO;
	/* the sink closes its own descriptor; this one keeps the file */
	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 3)) == -1) {
		rc = err_io("temporary file: %s", strerror(errno));
		close(fd);
		return rc;
	}
	sink_fd(copy, "merged rows", CODEC_NONE, &o);
	rc = merge_rows(f, from, to, to_sink, o);
	r = sink_close(o);
	rc = rc == 0 ? r : rc;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (rc == 0)
		rc = each(arg, f->file[from].day, path);
	close(fd);
	return rc;
}
