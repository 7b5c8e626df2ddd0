/* SPDX-License-Identifier: BSD-2-Clause */
/* csv_in - see csv_in.h */
#include <csv.h>
#include <limits.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/limits.h"
#include "edge/csv_in.h"

#define GROW_BYTES (64 * KIB)	/* what libcsv asks for when a cell does not fit */

/* libcsv keeps a cell only while it is read: its place in text. */
struct piece {
	size_t at, n;
	bool none;
};

struct csv_in {
	struct csv_parser csv;
	struct csv_to to;
	char delimiter;
	size_t row_max, cells_max;
	struct buf text;		/* the row's cells */
	struct piece *piece;
	struct span *cell;
	size_t cap;
	struct buf before;		/* the row's earlier lines: only a row over several has some */
	struct csv_row row;
	unsigned rows;			/* ended in this line */
	bool open;			/* a quoted cell goes on in the next line */
	bool began;			/* not the first line of the input */
};

static int
no_space(unsigned char c)
{
	(void)c;
	return 0;
}

/* Unclosed quotes are found here, at the end of the input, not by CSV_STRICT_FINI. */
static void
restart(struct csv_in *r)
{
	csv_free(&r->csv);
	if (csv_init(&r->csv, CSV_STRICT | CSV_EMPTY_IS_NULL) != 0)
		err_die(EXIT_IO, "libcsv does not start");
	csv_set_delim(&r->csv, (unsigned char)r->delimiter);
	csv_set_space_func(&r->csv, no_space);
	csv_set_blk_size(&r->csv, GROW_BYTES);
	r->open = false;
}

struct csv_in *
csv_in_new(char delimiter, size_t row_max, const struct csv_to *to)
{
	struct csv_in *r = mem_new(sizeof *r);

	r->to = *to;
	r->delimiter = delimiter;
	r->row_max = row_max;
	r->cells_max = KEYS_MAX;
	restart(r);
	return r;
}

void
csv_in_free(struct csv_in *r)
{
	if (r == NULL)
		return;
	csv_free(&r->csv);
	buf_free(&r->text);
	buf_free(&r->before);
	free(r->piece);
	free(r->cell);
	free(r);
}

void
csv_in_cells(struct csv_in *r, size_t max)
{
	r->cells_max = max;
}

static void
on_cell(void *p, size_t n, void *arg)
{
	struct csv_in *r = arg;

	if (r->row.n >= r->cells_max) {
		r->row.n++;
		return;
	}
	if (r->row.n == r->cap) {
		r->cap = mem_add(mem_mul(r->cap, 2), 16);
		r->piece = mem_array(r->piece, r->cap, sizeof *r->piece);
		r->cell = mem_array(r->cell, r->cap, sizeof *r->cell);
	}
	r->piece[r->row.n++] = (struct piece){ r->text.n, n, p == NULL };
	buf_add(&r->text, p, n);
}

static void
on_row(int end, void *arg)
{
	struct csv_in *r = arg;

	(void)end;
	r->rows++;
}

static int
bad(struct csv_in *r, const char *why)
{
	r->row.cell = NULL;
	restart(r);
	return r->to.bad(r->to.arg, &r->row, why);
}

static int
good(struct csv_in *r)
{
	size_t n = r->row.n < r->cells_max ? r->row.n : r->cells_max;

	for (size_t i = 0; i < n; i++)
		r->cell[i] = r->piece[i].none ? (struct span){ 0 } :
		    span_of(buf_span(&r->text).p + r->piece[i].at, r->piece[i].n);
	r->row.cell = r->cell;
	return r->to.row(r->to.arg, &r->row);
}

/* The line without its end. */
static struct span
body_of(struct span line)
{
	line.n -= line.n > 0 && line.p[line.n - 1] == '\n';
	line.n -= line.n > 0 && line.p[line.n - 1] == '\r';
	return line;
}

/* All of the row so far, this line the last of it; without a line end. */
static void
see_raw(struct csv_in *r, struct span line)
{
	if (r->before.n == 0) {
		r->row.raw = body_of(line);
		return;
	}
	buf_span_add(&r->before, line);
	r->row.raw = body_of(buf_span(&r->before));
}

/* False: libcsv stopped within. */
static bool
parse(struct csv_in *r, const char *p, size_t n)
{
	if (csv_parse(&r->csv, p, n, on_cell, on_row, r) == n)
		return true;
	if (csv_error(&r->csv) != CSV_EPARSE)
		err_die(EXIT_IO, "libcsv: %s", csv_strerror(csv_error(&r->csv)));
	return false;
}

/*
 * libcsv takes CR for a line end, and passes over line ends before a row: so a line goes to it
 * without its own end first, and must not end a row.  The end is LF too where the last line has
 * none.
 */
static const char *
parse_line(struct csv_in *r, struct span line, struct span body)
{
	r->rows = 0;
	if (!r->open && *body.p == '\r')
		return "a CR outside quotes that no LF follows";
	if (!parse(r, body.p, body.n))
		return "a quote inside a cell without quotes, or text behind a closing quote";
	if (r->rows > 0)
		return "a CR outside quotes that no LF follows";
	if (!parse(r, body.p + body.n, line.n - body.n) ||
	    (r->rows == 0 && line.p[line.n - 1] != '\n' && !parse(r, "\n", 1)))
		return "a quote inside a cell without quotes, or text behind a closing quote";
	return NULL;
}

static int
one_line(struct csv_in *r, struct span line, uint64_t number, uint64_t offset)
{
	struct span body = body_of(line);
	const char *why;

	if (!r->open) {
		r->row = (struct csv_row){ .line = number, .offset = offset, .raw = body };
		buf_clear(&r->text);
		buf_clear(&r->before);
		if (body.n == 0)
			return r->to.blank(r->to.arg, &r->row);
	}
	if (body.n > r->row_max || r->before.n > r->row_max - body.n) {
		see_raw(r, line);
		return bad(r, "a row longer than the limit (--max-line): is a quote not closed?");
	}
	if ((why = parse_line(r, line, body)) != NULL) {
		see_raw(r, line);
		return bad(r, why);
	}
	if (r->rows == 0) {
		buf_span_add(&r->before, line);
		r->open = true;
		return 0;
	}
	see_raw(r, line);
	r->open = false;
	return good(r);
}

int
csv_in_lines(struct csv_in *r, struct span s, uint64_t line0, uint64_t offset)
{
	int rc = 0;

	if (!r->began && s.n >= 3 && memcmp(s.p, "\xEF\xBB\xBF", 3) == 0) {
		s = span_from(s, 3);
		offset += 3;
	}
	r->began = r->began || s.n > 0;
	while (s.n > 0 && rc == 0) {
		const char *lf = memchr(s.p, '\n', s.n);
		size_t n = lf == NULL ? s.n : (size_t)(lf + 1 - s.p);

		rc = one_line(r, span_of(s.p, n), line0++, offset);
		offset += n;
		s = span_from(s, n);
	}
	return rc;
}

int
csv_in_long(struct csv_in *r, struct span first, uint64_t line, uint64_t offset)
{
	r->began = true;
	if (!r->open) {
		r->row = (struct csv_row){ .line = line, .offset = offset };
		buf_clear(&r->before);
	}
	see_raw(r, first);
	return bad(r, "a row longer than the limit (--max-line): is a quote not closed?");
}

int
csv_in_end(struct csv_in *r)
{
	r->began = false;
	if (!r->open)
		return 0;
	r->row.raw = body_of(buf_span(&r->before));
	return bad(r, "a quote that is never closed");
}
