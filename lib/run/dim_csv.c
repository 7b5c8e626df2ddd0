/* SPDX-License-Identifier: BSD-2-Clause */
/* dim_csv - rows of CSV as the records of a dimension (see dim_own.h); cells are what json-from-csv makes of them */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "edge/csv_in.h"
#include "out/json.h"
#include "out/reject.h"
#include "run/ctx.h"
#include "run/dim_own.h"

#define ROWS_MAX 4096		/* handed on at once */

struct column {
	struct span key;	/* `"name":` */
	bool number;
};

struct reader {
	struct ctx *c;
	const struct pathset *paths;
	const char *operand, *number;
	struct csv_in *csv;
	struct column *column;
	size_t n;
	bool headed;
	struct arena names;
	struct buf lines, cell;		/* lines: rows as NDJSON */
	uint64_t place[ROWS_MAX];	/* where each stands in the file */
	size_t rows;
	struct feed feed;
};

bool
dim_csv(const char *operand, char *delimiter)
{
	static const char *const pack[] = { "", ".gz", ".zst" };
	size_t n = strlen(operand);

	for (size_t i = 0; i < sizeof pack / sizeof *pack; i++) {
		size_t m = strlen(pack[i]);

		if (n < m + 5 || strcmp(operand + n - m, pack[i]) != 0)
			continue;
		*delimiter = memcmp(operand + n - m - 4, ".tsv", 4) == 0 ? '\t' : ',';
		if (*delimiter == '\t' || memcmp(operand + n - m - 4, ".csv", 4) == 0)
			return strncmp(operand, "wh:", 3) != 0;
	}
	return false;
}

/* What was made of rows so far goes through the scanner. */
static int
hand_on(struct reader *r)
{
	struct feed *was = r->c->feed;
	struct block blk = { .p = r->lines.p, .n = r->lines.n, .line0 = 1 };
	int rc;

	if (r->rows == 0)
		return 0;
	memset(buf_room(&r->lines, BLOCK_PAD_BYTES), 0, BLOCK_PAD_BYTES);
	blk.p = r->lines.p;
	r->c->feed = &r->feed;
	rc = input_block(r->c, &r->feed, r->paths, &blk);
	r->c->feed = was;
	buf_clear(&r->lines);
	r->rows = 0;
	return rc;
}

/* Is a name one of those by commas? */
static bool
listed(const char *list, struct span name)
{
	for (const char *p = list, *end; p != NULL; p = *end == ',' ? end + 1 : NULL) {
		end = p + strcspn(p, ",");
		if (span_eq(span_of(p, (size_t)(end - p)), name))
			return true;
	}
	return false;
}

static int
header(struct reader *r, const struct csv_row *row)
{
	struct map *seen = map_new(1);
	const char *why = row->n > KEYS_MAX ? "too many columns" : NULL;
	struct buf key = { 0 };

	for (size_t i = 0; i < row->n && why == NULL; i++) {
		struct span name = row->cell[i];
		bool fresh;

		buf_clear(&key);
		if (name.n == 0)
			why = "a column without a name";
		else if (!reject_text(&key, name))
			why = "a column whose name is not UTF-8, or holds a NUL";
		(void)map_put(seen, name.p == NULL ? span_of("", 0) : name, &fresh);
		if (why == NULL && !fresh)
			why = "two columns of one name";
		buf_byte(&key, ':');
		r->column = mem_array(r->column, r->n + 1, sizeof *r->column);
		r->column[r->n++] = (struct column){ span_of(arena_dup(&r->names, buf_span(&key)), key.n),
		    r->number != NULL && listed(r->number, name) };
	}
	for (const char *p = r->number, *end; p != NULL && why == NULL; p = *end == ',' ? end + 1 : NULL) {
		end = p + strcspn(p, ",");
		if (map_get(seen, span_of(p, (size_t)(end - p))) == NULL)
			why = "no column has a name that --number gives";
	}
	map_free(seen);
	buf_free(&key);
	r->headed = true;
	csv_in_cells(r->csv, r->n);
	return why == NULL ? 0 : err_input("%s:%llu: header: %s", r->operand, (unsigned long long)row->line, why);
}

/* A cell as JSON. NULL, or why the row is bad. */
static const char *
value(struct reader *r, const struct column *col, struct span s)
{
	size_t at;

	buf_clear(&r->cell);
	if (s.p == NULL) {
		buf_str(&r->cell, "null");
		return NULL;
	}
	if (!col->number)
		return reject_text(&r->cell, s) ? NULL : "a cell that is not UTF-8, or holds a NUL";
	if (s.n == 0 || (*s.p != '-' && (*s.p < '0' || *s.p > '9')) || s.p[s.n - 1] < '0' || s.p[s.n - 1] > '9' ||
	    scan_value(s, NULL, &at) != NULL)
		return "a cell of a number column that is no number";
	buf_span_add(&r->cell, s);
	return NULL;
}

static int
on_bad(void *arg, const struct csv_row *row, const char *why)
{
	struct reader *r = arg;
	int rc = hand_on(r);

	if (rc == 0 && !r->headed)
		rc = err_input("%s:%llu: header: %s", r->operand, (unsigned long long)row->line, why);
	return rc != 0 ? rc : ctx_reject(r->c, (struct where){ r->operand, row->line, row->offset }, why, row->raw);
}

static int
on_row(void *arg, const struct csv_row *row)
{
	struct reader *r = arg;
	const char *why = NULL;
	size_t from = r->lines.n;

	if (!r->headed)
		return header(r, row);
	if (row->n != r->n)
		return on_bad(r, row, row->n < r->n ? "fewer cells than columns" : "more cells than columns");
	buf_byte(&r->lines, '{');
	for (size_t i = 0; i < row->n && why == NULL; i++) {
		if ((why = value(r, &r->column[i], row->cell[i])) != NULL)
			break;
		if (i > 0)
			buf_byte(&r->lines, ',');
		buf_span_add(&r->lines, r->column[i].key);
		buf_span_add(&r->lines, buf_span(&r->cell));
	}
	if (why != NULL) {
		r->lines.n = from;
		return on_bad(r, row, why);
	}
	buf_str(&r->lines, "}\n");
	r->place[r->rows++] = row->line;
	return r->rows == ROWS_MAX || r->lines.n >= BLOCK_BYTES ? hand_on(r) : 0;
}

static int
on_blank(void *arg, const struct csv_row *row)
{
	(void)arg;
	(void)row;
	return 0;
}

static int
blocks(struct reader *r, struct source *src)
{
	struct block b;
	int rc;

	while ((rc = source_block(src, &b)) == 0 && (b.n > 0 || b.long_line > 0)) {
		rc = b.long_line > 0 ? csv_in_long(r->csv, span_of(b.p, b.n), b.line0, b.offset) :
		    csv_in_lines(r->csv, span_of(b.p, b.n), b.line0, b.offset);
		if (rc != 0)
			return rc;
	}
	if (rc == 0)
		rc = csv_in_end(r->csv);
	return rc != 0 ? rc : hand_on(r);
}

int
dim_csv_read(struct dim *d, char delimiter, int (*each)(void *arg, const struct batch *), void *arg)
{
	const struct common *o = &d->c->opt;
	struct reader *r = mem_new(sizeof *r);
	struct source_conf sc = { .max_line = o->max_line };
	struct scan_conf kc = { .max_string = o->max_string, .max_depth = o->max_depth, .max_keys = o->max_keys };
	struct source *src;
	int rc;

	r->c = d->c;
	r->paths = d->paths;
	r->operand = d->conf.operand;
	r->number = d->conf.number;
	r->csv = csv_in_new(delimiter, ctx_max_line(d->c), &(struct csv_to){ on_row, on_bad, on_blank, r });
	csv_in_cells(r->csv, KEYS_MAX);
	r->feed = (struct feed){ .each = each, .arg = arg, .name = r->operand, .place = r->place,
	    .scan = scan_new(d->paths, &kc) };
	if ((rc = source_open(r->operand, &sc, &src)) == 0) {
		rc = blocks(r, src);
		source_close(src);
	}
	csv_in_free(r->csv);
	scan_free(r->feed.scan);
	arena_free(&r->names);
	buf_free(&r->lines);
	buf_free(&r->cell);
	free(r->column);
	free(r);
	return rc;
}
