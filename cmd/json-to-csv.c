/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json-to-csv - records to rows of CSV that a spreadsheet cannot run
 *
 * Path:   files or stdin -> in/scan -> in/rec -> edge/csv_out -> stdout
 * Memory: two blocks of input and one row of output, with -j a few blocks of both; nothing grows with the data.
 * Without --columns the first record's fields are the columns, and a record with another field is bad.
 */
#include "base/map.h"
#include "base/mem.h"
#include "edge/csv_out.h"
#include "in/rec.h"
#include "out/json.h"
#include "run/run.h"

struct state {
	const char *columns, *delimiter, *null;
	bool no_header, no_guard, crlf;
	char d;
	struct col_list list;		/* of --columns */
	/* without: names of the first record, and the number of each */
	struct span *name;
	size_t n;
	struct map *place;
	struct arena names;
	struct val *cell;		/* of the record at hand */
	struct buf row, text, guarded;
	bool began;			/* the header is out */
	bool looked;			/* at a block */
};

static const struct opt opts[] = {
	{ 0, "columns", OPT_TEXT, offsetof(struct state, columns), "LIST",
	  "the columns: PATH or NAME=PATH, ... (the first record's fields)" },
	{ 'd', "delimiter", OPT_TEXT, offsetof(struct state, delimiter), "C", "one character, or tab (,)" },
	{ 0, "null", OPT_TEXT, offsetof(struct state, null), "TEXT", "what null is written as (nothing)" },
	{ 0, "no-header", OPT_FLAG, offsetof(struct state, no_header), NULL, "no row of names" },
	{ 0, "no-guard", OPT_FLAG, offsetof(struct state, no_guard), NULL,
	  "strings that look like formulas as they are, without an apostrophe before them" },
	{ 0, "crlf", OPT_FLAG, offsetof(struct state, crlf), NULL, "rows end with CR LF" },
	{ 0 }
};

/* Quoted behind the guard, so that the apostrophe is part of the cell. */
static void
put_guarded(struct state *st, struct span s)
{
	if (!st->no_guard && csv_is_formula(s)) {
		buf_clear(&st->guarded);
		buf_byte(&st->guarded, '\'');
		buf_span_add(&st->guarded, s);
		s = buf_span(&st->guarded);
	}
	csv_cell(&st->row, s, st->d);
}

/* NULL, or why the value can be no cell. */
static const char *
put_cell(struct state *st, struct val v)
{
	struct span s;

	if (val_is_null(v)) {
		if (st->null != NULL && *st->null != '\0')
			csv_cell(&st->row, span_str(st->null), st->d);
		return NULL;
	}
	s = v.tag == T_STR ? val_text(v, &st->text) : v.raw;
	if (v.escaped && memchr(s.p, '\0', s.n) != NULL)
		return "a NUL, which CSV cannot hold";
	if (s.n > 0 && st->null != NULL && span_is(s, st->null))
		return "a text that stands for null (--null)";
	if (v.tag == T_STR)
		put_guarded(st, s);
	else
		csv_cell(&st->row, s, st->d);
	return NULL;
}

static int
header(struct ctx *c, struct state *st, const struct batch *b, size_t at, const struct span *name, size_t n)
{
	struct buf *out;

	st->began = true;
	if (st->no_header)
		return 0;
	buf_clear(&st->row);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_byte(&st->row, st->d);
		put_guarded(st, name[i]);
	}
	out = ctx_made_begin(c, b, at);
	buf_span_add(out, buf_span(&st->row));
	if (st->crlf)
		buf_byte(out, '\r');
	return ctx_made_end(c);
}

/* The first record's fields are the columns. */
static const char *
learn(struct state *st, struct span line)
{
	struct span key, name;
	struct rec r;
	struct val v;
	bool fresh;

	map_clear(st->place);
	st->n = 0;
	rec_begin(&r, line);
	while (rec_next(&r, &key, &v)) {
		buf_clear(&st->text);
		val_unescape(key, &st->text);
		name = buf_span(&st->text);
		if (memchr(name.p, '\0', name.n) != NULL)
			return "a name with a NUL, which CSV cannot hold";
		*(size_t *)map_put(st->place, name, &fresh) = st->n;
		if (!fresh)
			return "a field that stands twice";
		st->name = mem_array(st->name, st->n + 1, sizeof *st->name);
		st->name[st->n++] = span_of(arena_dup(&st->names, name), name.n);
	}
	st->cell = mem_array(st->cell, st->n + 1, sizeof *st->cell);
	return st->n == 0 ? "no field, so no column (--columns)" : NULL;
}

/* A record's values to their columns: mostly each stands where it stood in the first. */
static const char *
gather(struct state *st, struct span line)
{
	struct span key, name;
	struct rec r;
	struct val v;
	size_t next = 0, *at;

	memset(st->cell, 0, st->n * sizeof *st->cell);
	rec_begin(&r, line);
	while (rec_next(&r, &key, &v)) {
		if (next >= st->n || !span_eq(st->name[next], key) || memchr(key.p, '\\', key.n) != NULL) {
			buf_clear(&st->text);
			val_unescape(key, &st->text);
			name = buf_span(&st->text);
			if ((at = map_get(st->place, name)) == NULL)
				return "a field that is no column (--columns)";
			next = *at;
		}
		if (st->cell[next].tag != T_ABSENT)
			return "a field that stands twice";
		st->cell[next++] = v;
	}
	return NULL;
}

static const char *
row(struct state *st, const struct batch *b, size_t i)
{
	size_t n = st->columns != NULL ? st->list.n : st->n;
	const char *why = st->columns != NULL ? NULL : gather(st, b->line[i]);

	buf_clear(&st->row);
	for (size_t k = 0; k < n && why == NULL; k++) {
		if (k > 0)
			buf_byte(&st->row, st->d);
		why = put_cell(st, st->columns != NULL ? b->col[st->list.col[k]][i] : st->cell[k]);
	}
	if (st->crlf)
		buf_byte(&st->row, '\r');
	return why;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	const char *why;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		why = NULL;
		if (!st->began && st->columns != NULL)
			rc = header(c, st, b, i, st->list.name, st->list.n);
		else if (!st->began && (why = learn(st, b->line[i])) == NULL)
			rc = header(c, st, b, i, st->name, st->n);
		if (rc == 0 && (why != NULL || (why = row(st, b, i)) != NULL)) {
			batch_reject(b, i, why);
		} else if (rc == 0) {
			buf_span_add(ctx_pass_begin(c, b, i), buf_span(&st->row));
			rc = ctx_pass_end(c);
		}
	}
	return rc;
}

/*
 * Threads make rows, but not the header: it is out before there are any, unless all of the first block is bad.  Then
 * there are none.
 */
static int
between(struct ctx *c, void *arg)
{
	struct state *st = arg;

	if (st->looked && !st->began)
		ctx_serial(c);
	st->looked = true;
	return 0;
}

static int
thread(struct ctx *c, void *arg, const void *first)
{
	struct state *st = arg;

	(void)c;
	*st = *(const struct state *)first;
	st->cell = mem_array(NULL, st->n + 1, sizeof *st->cell);
	st->row = st->text = st->guarded = (struct buf){ 0 };
	return 0;
}

/* No record at all: the columns that were asked for are known all the same. */
static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;

	return st->began || st->columns == NULL ? 0 : header(c, st, NULL, 0, st->list.name, st->list.n);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;

	if (!csv_delimiter(st->delimiter, &st->d))
		return ctx_usage(c, "-d: one character of ASCII, or tab");
	st->place = map_new(sizeof(size_t));
	return st->columns == NULL ? 0 : ctx_cols(c, st->columns, "--columns", &st->list);
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = {
		.name = "json-to-csv", .what = "records to rows of CSV that a spreadsheet cannot run", .opts = opts,
		.synopsis = "[-d C] [--columns LIST] [--null TEXT] [--no-header] [--no-guard] [--crlf] [FILE ...]",
		.state_bytes = sizeof(struct state), .par = PAR_STATELESS,
		.set_up = set_up, .thread = thread, .between = between, .batch = batch, .end = end
	};

	return run_main(argc, argv, &cmd);
}
