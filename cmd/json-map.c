/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json-map - select, rename, compute and filter the fields of records
 *
 * Path:   files or stdin -> in/scan -> expr -> out/json -> stdout
 * Memory: a block of input and its output for each thread; nothing grows with the data.
 * With -w alone a line that passes is not touched.  With NAME=EXPR the kept and then the named fields are written; with
 * --all the record stays and named fields are replaced where they stand, or appended.
 */
#include <stdio.h>
#include <stdlib.h>

#include "out/json.h"
#include "run/run.h"

struct field {			/* one NAME=EXPR */
	struct span name, text;
	struct buf key;		/* "name": */
	struct expr *expr;
	int old;		/* --all: column of the name in the record */
};

struct state {
	const char *where, *keep, *drop;
	bool all;
	struct field *field;
	size_t n_fields;
	struct expr *cond;
	struct col_list kept, dropped;
	struct edit *edit;	/* [n_fields + dropped.n] */
	struct buf values;	/* computed values of one record */
	size_t *end;		/* [n_fields] where each ends in values */
	struct json_row row;	/* without --all: what is kept, then the fields */
	struct span *value;	/* [n] of its members */
};

static const struct opt opts[] = {
	{ 'w', "where", OPT_TEXT, offsetof(struct state, where), "WHERE", "pass only records for which WHERE is true" },
	{ 0, "keep", OPT_TEXT, offsetof(struct state, keep), "PATHS",
	    "fields to keep, in this order: PATH or NAME=PATH, …" },
	{ 0, "all", OPT_FLAG, offsetof(struct state, all), NULL,
	    "keep the whole record; replace or append the named fields" },
	{ 0, "drop", OPT_TEXT, offsetof(struct state, drop), "PATHS", "with --all: fields to leave out" },
	{ 0 }
};

/* NAME=EXPR: a name has no blank, dot, slash or quote in it, so `./a=b` and `dt=1/x`-like files stay files with ./ */
static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;
	size_t n = strcspn(w, "= \t./\"'()[]");
	struct field *f;

	(void)c;
	if (n == 0 || w[n] != '=')
		return 0;
	st->field = mem_array(st->field, st->n_fields + 1, sizeof *st->field);
	f = &st->field[st->n_fields++];
	*f = (struct field){ .name = span_of(w, n), .text = span_str(w + n + 1) };
	json_key(&f->key, f->name);
	return 1;
}

/* Two edits of one record must not meet: neither may be, or hold, the other. */
static bool
overlap(const struct path *a, const struct path *b)
{
	size_t n = a->n < b->n ? a->n : b->n;

	for (size_t i = 0; i < n; i++)
		if (a->seg[i].index != b->seg[i].index || !span_eq(a->seg[i].name, b->seg[i].name))
			return false;
	return true;
}

static int
check_names(struct ctx *c, const struct state *st)
{
	for (size_t i = 0; i < st->n_fields; i++) {
		if (ctx_name(c, st->field[i].name, "NAME=EXPR") != 0)
			return EXIT_USAGE;
		for (size_t j = 0; j < i; j++)
			if (span_eq(st->field[i].name, st->field[j].name))
				return ctx_usage(c, "the name '%.*s' stands twice", (int)st->field[i].name.n,
				    st->field[i].name.p);
		for (size_t j = 0; j < st->kept.n; j++)
			if (span_eq(st->field[i].name, st->kept.name[j]))
				return ctx_usage(c, "the name '%.*s' is also kept", (int)st->field[i].name.n,
				    st->field[i].name.p);
	}
	return 0;
}

/* --all: columns of the fields that are replaced; no two edits in one place. */
static int
set_up_edits(struct ctx *c, struct state *st)
{
	const struct pathset *ps = ctx_paths(c);
	size_t n = st->n_fields + st->dropped.n;
	int *col = mem_array(NULL, n, sizeof *col), rc = 0;

	for (size_t i = 0; i < st->n_fields && rc == 0; i++) {
		struct buf quoted = { 0 };

		buf_json(&quoted, st->field[i].name);
		col[i] = st->field[i].old = ctx_col(c, buf_span(&quoted), "NAME");
		rc = col[i] == -1 ? EXIT_USAGE : 0;
		buf_free(&quoted);
	}
	for (size_t i = 0; i < st->dropped.n; i++)
		col[st->n_fields + i] = st->dropped.col[i];
	for (size_t i = 0; i < n && rc == 0; i++)
		for (size_t j = 0; j < i && rc == 0; j++)
			if (overlap(&ps->path[col[i]], &ps->path[col[j]]))
				rc = ctx_usage(c, "'%.*s' and '%.*s' are one place", (int)ps->path[col[j]].text.n,
				    ps->path[col[j]].text.p, (int)ps->path[col[i]].text.n, ps->path[col[i]].text.p);
	free(col);
	return rc;
}

/* What each thread has for itself. */
static int
scratch(struct ctx *c, void *arg, const void *first)
{
	struct state *st = arg;

	(void)c;
	*st = *(const struct state *)first;
	st->values = (struct buf){ 0 };
	st->end = mem_array(NULL, st->n_fields, sizeof *st->end);
	st->edit = mem_array(NULL, st->n_fields + st->dropped.n, sizeof *st->edit);
	st->value = mem_array(NULL, st->kept.n + st->n_fields, sizeof *st->value);
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = 0;

	if (st->where == NULL && st->keep == NULL && st->n_fields == 0 && !st->all)
		return ctx_usage(c, "nothing to do: give -w, --keep, NAME=EXPR or --all");
	if (st->all && st->keep != NULL)
		return ctx_usage(c, "--all keeps every field already: --keep does not go with it");
	if (st->drop != NULL && !st->all)
		return ctx_usage(c, "--drop goes with --all");
	if (st->where != NULL && (rc = ctx_expr(c, span_str(st->where), "-w", &st->cond)) != 0)
		return rc;
	if (st->keep != NULL && (rc = ctx_cols(c, st->keep, "--keep", &st->kept)) != 0)
		return rc;
	if (st->drop != NULL && (rc = ctx_cols(c, st->drop, "--drop", &st->dropped)) != 0)
		return rc;
	for (size_t i = 0; i < st->n_fields; i++) {
		char what[80];

		snprintf(what, sizeof what, "%.*s", (int)(st->field[i].name.n < 60 ? st->field[i].name.n : 60),
		    st->field[i].name.p);
		if ((rc = ctx_expr(c, st->field[i].text, what, &st->field[i].expr)) != 0)
			return rc;
	}
	if ((rc = check_names(c, st)) != 0 || (st->all && (rc = set_up_edits(c, st)) != 0))
		return rc;
	for (size_t i = 0; i < st->kept.n; i++)
		json_row_key(&st->row, st->kept.key[i]);
	for (size_t i = 0; i < st->n_fields; i++)
		json_row_key(&st->row, buf_span(&st->field[i].key));
	return scratch(c, st, st);
}

/* All named values of record i, one after the other in st->values. */
static const char *
compute(struct state *st, struct expr_state *xs, const struct batch *b, size_t i)
{
	if (st->n_fields == 0)
		return NULL;
	buf_clear(&st->values);
	for (size_t k = 0; k < st->n_fields; k++) {
		struct xval v;
		const char *why = expr_eval(xs, st->field[k].expr, b, i, &v);

		if (why != NULL)
			return why;
		expr_print(&v, &st->values);
		st->end[k] = st->values.n;
	}
	(void)buf_room(&st->values, JSON_AHEAD);	/* for json_row_add */
	return NULL;
}

static struct span
computed(const struct state *st, size_t k)
{
	size_t from = k == 0 ? 0 : st->end[k - 1];

	return span_of(st->values.p + from, st->end[k] - from);
}

static void
write_record(struct ctx *c, struct state *st, const struct batch *b, size_t i)
{
	struct buf *out = ctx_pass_begin(c, b, i);

	if (st->all) {
		for (size_t k = 0; k < st->n_fields; k++)
			st->edit[k] = (struct edit){ b->col[st->field[k].old][i], buf_span(&st->field[k].key),
			    computed(st, k), EDIT_SET };
		for (size_t k = 0; k < st->dropped.n; k++)
			st->edit[st->n_fields + k] = (struct edit){ .old = b->col[st->dropped.col[k]][i],
			    .kind = EDIT_DROP };
		json_edit(out, b->line[i], st->edit, st->n_fields + st->dropped.n);
		return;
	}
	for (size_t k = 0; k < st->kept.n; k++)
		st->value[k] = b->col[st->kept.col[k]][i].raw;
	for (size_t k = 0; k < st->n_fields; k++)
		st->value[st->kept.n + k] = computed(st, k);
	json_row_add(&st->row, st->value, out);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	struct expr_state *xs = ctx_expr_state(c);
	bool touched = st->n_fields > 0 || st->keep != NULL || st->dropped.n > 0;
	const char *why;
	int rc = 0;

	if (st->cond != NULL)
		expr_filter(xs, st->cond, b);
	for (size_t i = 0; i < b->n && touched && rc == 0; i++) {
		if (b->fate[i] != F_PASS)
			continue;
		if ((why = compute(st, xs, b, i)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		write_record(c, st, b, i);
		rc = ctx_pass_end(c);
	}
	return rc;
}

static const struct command cmd = {
	.name = "json-map", .what = "select, rename, compute and filter fields",
	.synopsis = "[-w WHERE] [--keep PATHS] [--all [--drop PATHS]] [NAME=EXPR ...] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EPOCHS, .par = PAR_STATELESS,
	.word = word, .set_up = set_up, .thread = scratch, .batch = batch,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
