/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json-from-csv - rows of CSV to records
 *
 * Path:   files or stdin -> in/source -> edge/csv_in -> out/json -> stdout
 * Memory: two blocks of input, one row and one record of output; nothing grows with the data.
 * Cells become strings, but for those of --number, whose digits are kept as they are, and those of nothing: null.
 */
#include <stdlib.h>

#include "base/map.h"
#include "edge/csv_in.h"
#include "edge/csv_out.h"
#include "in/scan.h"
#include "in/source.h"
#include "out/json.h"
#include "out/reject.h"
#include "run/run.h"

struct column {
	struct span key;		/* `"name":` */
	bool number;
};

/* headed: the header of this input is read, or it has none; numbers: the names of --number, true once seen there */
struct state {
	const char *columns, *number, *delimiter, *null;
	bool skip_header, unguard;
	struct csv_in *csv;
	struct ctx *c;
	struct column *column;
	size_t n;
	struct map *numbers, *seen;
	struct arena names;
	struct buf value;
	bool headed;
};

static const struct opt opts[] = {
	{ 0, "columns", OPT_TEXT, offsetof(struct state, columns), "NAMES",
	  "names of the columns, by commas, of files without a header" },
	{ 0, "skip-header", OPT_FLAG, offsetof(struct state, skip_header), NULL,
	  "with --columns: the first row of each file is a header all the same" },
	{ 'd', "delimiter", OPT_TEXT, offsetof(struct state, delimiter), "C", "one character, or tab (,)" },
	{ 0, "number", OPT_TEXT, offsetof(struct state, number), "NAMES",
	  "columns whose cells are numbers, by commas" },
	{ 0, "null", OPT_TEXT, offsetof(struct state, null), "TEXT", "a cell of this text is null too" },
	{ 0, "unguard", OPT_FLAG, offsetof(struct state, unguard), NULL,
	  "take off the apostrophe that json-to-csv puts before what looks like a formula" },
	{ 0 }
};

/* One name more. NULL, or why it cannot be one. */
static const char *
add_column(struct state *st, struct span name)
{
	struct buf key = { 0 };
	bool fresh, *asked = map_get(st->numbers, name);

	if (name.n == 0)
		return "a column without a name";
	if (!reject_text(&key, name)) {
		buf_free(&key);
		return "a column whose name is not UTF-8, or holds a NUL";
	}
	buf_byte(&key, ':');
	map_put(st->seen, name, &fresh);
	st->column = mem_array(st->column, st->n + 1, sizeof *st->column);
	st->column[st->n++] = (struct column){ span_of(arena_dup(&st->names, buf_span(&key)), key.n), asked != NULL };
	if (asked != NULL)
		*asked = true;
	buf_free(&key);
	return fresh ? NULL : "two columns of one name";
}

/* All of --number must be there: a column that is not would be no number in silence. */
static const char *
numbers_found(struct state *st)
{
	struct map_entry e;

	for (size_t i = 0; map_next(st->numbers, &i, &e); *(bool *)e.cell = false)
		if (!*(bool *)e.cell)
			return "no column has a name that --number gives";
	csv_in_cells(st->csv, st->n);
	st->headed = true;
	return NULL;
}

static int
take_header(struct state *st, const struct csv_row *row)
{
	const char *why = row->n > KEYS_MAX ? "too many columns" : NULL;

	st->n = 0;
	arena_reset(&st->names);
	map_clear(st->seen);
	for (size_t i = 0; i < row->n && why == NULL; i++)
		why = add_column(st, st->unguard ? csv_unguard(row->cell[i]) : row->cell[i]);
	if (why == NULL)
		why = numbers_found(st);
	ctx_count_in(st->c, 1, why == NULL ? F_USED : F_REJECT);
	return why == NULL ? 0 : err_input("%s:%llu: header: %s (--columns gives names)", ctx_source(st->c),
	    (unsigned long long)row->line, why);
}

/* A cell as JSON into value. NULL, or why the row is bad. */
static const char *
cell_value(struct state *st, const struct column *col, struct span s)
{
	size_t at;

	buf_clear(&st->value);
	if (s.p == NULL || (st->null != NULL && span_is(s, st->null))) {
		buf_str(&st->value, "null");
		return NULL;
	}
	if (col->number) {
		/* of JSON values only numbers begin so, and no number ends in a blank */
		if (s.n == 0 || strchr("-0123456789", *s.p) == NULL || *s.p == '\0' || s.p[s.n - 1] < '0' ||
		    scan_value(s, NULL, &at) != NULL)
			return "a cell of a number column that is no number";
		buf_span_add(&st->value, s);
		return NULL;
	}
	return reject_text(&st->value, st->unguard ? csv_unguard(s) : s) ? NULL :
	    "a cell that is not UTF-8, or holds a NUL";
}

static int
on_bad(void *arg, const struct csv_row *row, const char *why)
{
	struct state *st = arg;

	ctx_count_in(st->c, 1, F_REJECT);
	/* without its header nothing in the file can be read */
	if (!st->headed)
		return err_input("%s:%llu: header: %s", ctx_source(st->c), (unsigned long long)row->line, why);
	return ctx_reject(st->c, (struct where){ ctx_source(st->c), row->line, row->offset }, why, row->raw);
}

static int
on_row(void *arg, const struct csv_row *row)
{
	struct state *st = arg;
	const char *why = NULL;
	struct buf *out;

	if (!st->headed && (st->columns == NULL || st->skip_header)) {
		st->headed = true;
		if (st->columns == NULL)
			return take_header(st, row);
		ctx_count_in(st->c, 1, F_DROP);
		return 0;
	}
	st->headed = true;
	if (row->n != st->n)
		return on_bad(st, row, row->n < st->n ? "fewer cells than columns" : "more cells than columns");
	out = ctx_made_begin(st->c, NULL, 0);
	json_open(out);
	for (size_t i = 0; i < row->n && why == NULL; i++)
		if ((why = cell_value(st, &st->column[i], row->cell[i])) == NULL)
			json_member(out, st->column[i].key, buf_span(&st->value));
	if (why != NULL)
		return on_bad(st, row, why);
	json_shut(out);
	ctx_count_in(st->c, 1, F_USED);
	return ctx_made_end(st->c);
}

/* With one column an empty line is a row of one cell with nothing in it. */
static int
on_blank(void *arg, const struct csv_row *row)
{
	static const struct span nothing = { 0 };
	struct state *st = arg;
	struct csv_row one = *row;

	if (st->headed && st->n == 1) {
		one.n = 1;
		one.cell = &nothing;
		return on_row(st, &one);
	}
	ctx_count_blank(st->c, 1);
	return 0;
}

static int
bytes(struct ctx *c, void *arg, const struct block *b)
{
	struct state *st = arg;
	int rc;

	(void)c;
	if (b->long_line > 0)
		return csv_in_long(st->csv, span_of(b->p, b->n), b->line0, b->offset);
	if (b->n > 0)
		return csv_in_lines(st->csv, span_of(b->p, b->n), b->line0, b->offset);
	rc = csv_in_end(st->csv);
	st->headed = st->columns != NULL && !st->skip_header;
	if (st->columns == NULL)
		csv_in_cells(st->csv, KEYS_MAX);
	return rc;
}

/* The names of a list. */
static const char *
names(struct state *st, const char *list, bool number)
{
	const char *why = NULL;

	for (const char *p = list, *end; why == NULL && p != NULL; p = *end == ',' ? end + 1 : NULL) {
		end = p + strcspn(p, ",");
		if (number)
			(void)map_put(st->numbers, span_of(p, (size_t)(end - p)), NULL);
		else
			why = add_column(st, span_of(p, (size_t)(end - p)));
	}
	return why;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	const struct csv_to to = { on_row, on_bad, on_blank, st };
	const char *why = NULL;
	char d;

	if (!csv_delimiter(st->delimiter, &d))
		return ctx_usage(c, "-d: one character of ASCII, or tab");
	if (st->skip_header && st->columns == NULL)
		return ctx_usage(c, "--skip-header goes with --columns");
	st->c = c;
	st->csv = csv_in_new(d, ctx_max_line(c), &to);
	st->seen = map_new(1);
	st->numbers = map_new(sizeof(bool));
	if (st->number != NULL)
		why = names(st, st->number, true);
	if (st->columns != NULL && why == NULL && (why = names(st, st->columns, false)) == NULL)
		why = numbers_found(st);
	st->headed = st->columns != NULL && !st->skip_header;
	return why == NULL ? 0 : ctx_usage(c, "--columns: %s", why);
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = {
		.name = "json-from-csv", .what = "rows of CSV to records", .opts = opts,
		.synopsis = "[-d C] [--columns NAMES [--skip-header]] [--number NAMES] [--null TEXT] [--unguard] "
		    "[FILE ...]",
		.state_bytes = sizeof(struct state), .is = CMD_LINES, .par = PAR_SERIAL,
		.set_up = set_up, .bytes = bytes
	};

	return run_main(argc, argv, &cmd);
}
