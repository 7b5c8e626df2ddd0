/* SPDX-License-Identifier: BSD-2-Clause */
/* merge - see merge.h */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/err.h"
#include "in/scan.h"
#include "in/source.h"
#include "out/sink.h"
#include "store/merge.h"

struct in {				/* one file, at one of its rows */
	const struct wh_file *f;
	struct source *src;
	struct scan *scan;
	struct scanned got;
	size_t i;			/* of got */
	bool open, end;
	struct span line;
	struct buf key, was, order;
};

struct merge {
	struct pathset *paths;
	size_t n_keys;			/* columns 0.. ; the order is column n_keys */
	struct in *in;
	size_t n;
	struct buf row, order;		/* the best row of the key so far */
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

static int
one_path(void *arg, struct span name, struct span path)
{
	struct merge *m = arg;
	char err[200];

	(void)name;
	return pathset_add(m->paths, path, err, sizeof err) == -1 ? err_usage("key: %s", err) : 0;
}

/* Key and order of the row at hand. */
static int
take_row(struct merge *m, struct in *x)
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
	if (why == NULL && span_cmp(buf_span(&x->was), buf_span(&x->key)) > 0)
		why = "its rows are not sorted by key";
	x->i++;
	return why == NULL ? 0 : err_input("%s: %s", x->f->path, why);
}

static int
next_row(struct merge *m, struct in *x)
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

/* All rows of the least key: the best one goes to m->row. */
static int
fold_key(struct merge *m, bool *any)
{
	struct buf key = { 0 };
	int rc = 0;

	*any = false;
	for (size_t i = 0; i < m->n; i++) {
		struct in *x = &m->in[i];

		if (x->end || (*any && span_cmp(buf_span(&x->key), buf_span(&key)) >= 0))
			continue;
		buf_clear(&key);
		buf_span_add(&key, buf_span(&x->key));
		*any = true;
	}
	buf_clear(&m->order);
	for (size_t i = 0; rc == 0 && *any && i < m->n; i++) {
		struct in *x = &m->in[i];

		/* files stand in commit order, so of equal orders the later one wins */
		while (rc == 0 && !x->end && span_eq(buf_span(&x->key), buf_span(&key))) {
			if (m->order.n == 0 || merge_order_cmp(buf_span(&x->order), buf_span(&m->order)) >= 0) {
				buf_clear(&m->order);
				buf_span_add(&m->order, buf_span(&x->order));
				buf_clear(&m->row);
				buf_span_add(&m->row, x->line);
			}
			rc = next_row(m, x);
		}
	}
	buf_free(&key);
	return rc;
}

static int
begin(struct merge *m, const struct wh_files *f, size_t from, size_t to)
{
	struct scan_conf conf = { 0 };
	int rc;

	m->paths = pathset_new();
	if ((rc = pathlist_each(span_str(f->key), one_path, m)) != 0)
		return rc;
	m->n_keys = m->paths->n;
	if ((rc = one_path(m, span_of(NULL, 0), span_str(f->order))) != 0)
		return rc;
	if (m->paths->n != m->n_keys + 1)
		return err_usage("%s: the order is one of the keys", f->table);
	m->in = mem_new(mem_mul(to - from + 1, sizeof *m->in));
	for (size_t i = from; rc == 0 && i < to; i++) {
		struct in *x = &m->in[m->n];

		x->f = &f->file[i];
		if ((rc = source_open(x->f->path, NULL, &x->src)) != 0)
			break;
		m->n++;
		x->scan = scan_new(m->paths, &conf);
		rc = next_row(m, x);
	}
	return rc;
}

static void
release(struct merge *m)
{
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
	buf_free(&m->row);
	buf_free(&m->order);
}

int
merge_rows(const struct wh_files *f, size_t from, size_t to, int (*line)(void *arg, struct span row), void *arg)
{
	struct merge m = { 0 };
	bool any = true;
	int rc = begin(&m, f, from, to);

	while (rc == 0 && (rc = fold_key(&m, &any)) == 0 && any)
		rc = line(arg, buf_span(&m.row));
	release(&m);
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
	const char *dir = getenv("TMPDIR");
	char path[64];
	struct sink *o;
	int fd, copy, rc, r;

	dir = dir == NULL || *dir == '\0' ? "/tmp" : dir;
	if ((fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) == -1)
		return err_io("%s: %s", dir, strerror(errno));
	/* the sink closes its own descriptor; this one keeps the file */
	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 3)) == -1) {
		rc = err_io("%s: %s", dir, strerror(errno));
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
