/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window-agg - aggregates by group and time window; without windows a plain GROUP BY
 *
 * Path:   files or stdin -> in/scan -> expr/columns -> op/window -> out/json -> stdout
 * Memory: a cell for each window and group that met a record, 12 to 24 bytes for each distinct value; sessions keep
 *         their events.  All of it is written at the end of the input, in order.
 */
#include <stdlib.h>

#include "expr/call.h"
#include "expr/columns.h"
#include "op/window.h"
#include "run/run.h"

struct word {			/* one NAME=AGG(…) */
	struct span name, call;
};

struct state {
	const char *time, *width, *slide, *gap, *brk, *groups, *offset;
	int style;
	struct word *word;
	size_t n_words;
	struct agg *agg;		/* [n_words] */
	struct col_list group;
	struct columns columns;
	struct window_conf conf;
	const struct op *op;
	void *window;
};

static const char *const style_words[] = { "ms", "s", "sql", "rfc3339", NULL };

static const struct opt opts[] = {
	{ 't', "time", OPT_TEXT, offsetof(struct state, time), "PATH[:s|ms|us]", "the time of a record" },
	{ 'w', "window", OPT_TEXT, offsetof(struct state, width), "DUR", "the length of a window" },
	{ 's', "slide", OPT_TEXT, offsetof(struct state, slide), "DUR",
	  "how far apart windows begin (their length)" },
	{ 0, "session", OPT_TEXT, offsetof(struct state, gap), "GAP",
	  "a window ends where nothing comes for longer than this" },
	{ 0, "break", OPT_TEXT, offsetof(struct state, brk), "COND",
	  "with --session: and before a record for which this holds" },
	{ 'g', "group", OPT_TEXT, offsetof(struct state, groups), "PATHS",
	  "the groups: PATH or NAME=PATH, ..." },
	{ 0, "offset", OPT_TEXT, offsetof(struct state, offset), "DUR", "shift where windows begin" },
	{ 0, "time-format", OPT_CHOICE, offsetof(struct state, style), "ms|s|sql|rfc3339",
	  "how window_start and window_end are written (ms)", style_words },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;
	struct word x;

	(void)c;
	if (!word_named(span_str(w), '=', &x.name, &x.call))
		return 0;
	st->word = mem_array(st->word, st->n_words + 1, sizeof *st->word);
	st->word[st->n_words++] = x;
	return 1;
}

/* AGG(EXPR WHERE COND) to a kind and a column. */
static int
add_agg(struct ctx *c, struct state *st, const struct word *w, struct agg *a)
{
	struct expr *value = NULL, *cond = NULL;
	char err[MESSAGE_BYTES_MAX];
	struct call call;
	struct span arg;
	int kind, rc;

	if (call_parse(w->call, &call, err, sizeof err) != 0)
		return ctx_usage(c, "%.*s: %s", (int)w->name.n, w->name.p, err);
	kind = agg_kind(call.name);
	arg = call.n == 0 ? span_of("", 0) : call.arg[0];
	if (kind == AGG_COUNT && (arg.n == 0 || span_is(arg, "*"))) {
		kind = AGG_ROWS;
		arg.n = 0;
	} else if (kind == AGG_COUNT && arg_word(&arg, "distinct"))
		kind = AGG_DISTINCT;
	if (kind == -1)
		rc = ctx_usage(c, "%.*s: '%.*s' is none of count sum avg min max first last distinct", (int)w->name.n,
		    w->name.p, (int)call.name.n, call.name.p);
	else if (call.n > 1 || (arg.n == 0 && kind != AGG_ROWS))
		rc = ctx_usage(c, "%.*s: %.*s takes one argument", (int)w->name.n, w->name.p, (int)call.name.n,
		    call.name.p);
	else if ((kind == AGG_FIRST || kind == AGG_LAST) && st->time == NULL)
		rc = ctx_usage(c, "%.*s: %.*s needs the time of records, -t", (int)w->name.n, w->name.p,
		    (int)call.name.n, call.name.p);
	else
		rc = arg.n == 0 ? 0 : ctx_expr(c, arg, "NAME=AGG(EXPR)", &value);
	if (rc == 0 && call.where.p != NULL)
		rc = ctx_expr(c, call.where, "WHERE", &cond);
	call_free(&call);
	if (rc != 0)
		return rc;
	a->kind = (enum agg_kind)kind;
	a->col = value == NULL && cond == NULL ? -1 : columns_add(&st->columns, value, cond);
	return 0;
}

static int
set_up_windows(struct ctx *c, struct state *st)
{
	struct window_conf *w = &st->conf;
	struct dur d = { 0 };
	const char *why;
	int rc = 0;

	w->kind = st->gap != NULL ? WINDOW_SESSION : st->width != NULL ? WINDOW_FIXED : WINDOW_NONE;
	if (st->gap != NULL && st->width != NULL)
		return ctx_usage(c, "--session and -w exclude each other");
	if (w->kind != WINDOW_NONE && st->time == NULL)
		return ctx_usage(c, "windows need the time of records, -t");
	if (st->slide != NULL && st->width == NULL)
		return ctx_usage(c, "-s goes with -w");
	if (st->brk != NULL && st->gap == NULL)
		return ctx_usage(c, "--break goes with --session");
	if (st->offset != NULL && st->width == NULL)
		return ctx_usage(c, "--offset goes with -w");
	w->time = w->brk = -1;
	if ((st->time != NULL && (rc = ctx_time(c, st->time, "-t", &w->time, &w->unit)) != 0) ||
	    (st->width != NULL && (rc = ctx_dur(c, st->width, "-w", &w->width)) != 0) ||
	    (st->gap != NULL && (rc = ctx_dur(c, st->gap, "--session", &w->gap)) != 0) ||
	    (st->offset != NULL && (rc = ctx_dur(c, st->offset, "--offset", &d)) != 0))
		return rc;
	w->slide = w->width;
	if (st->slide != NULL && (rc = ctx_dur(c, st->slide, "-s", &w->slide)) != 0)
		return rc;
	if (d.days != 0 || d.months != 0)
		return ctx_usage(c, "--offset takes an exact duration, such as 8h");
	w->offset_us = d.us;
	if ((why = window_why(w)) != NULL)
		return ctx_usage(c, "%s", why);
	if (st->brk != NULL) {
		struct expr *e;

		if ((rc = ctx_expr(c, span_str(st->brk), "--break", &e)) != 0)
			return rc;
		w->brk = columns_add(&st->columns, NULL, e);
	}
	return 0;
}

/* The names of a row, no two alike. */
static int
set_up_names(struct ctx *c, struct state *st)
{
	size_t n = window_cells(&st->conf), k = 0;
	struct span *name = mem_array(NULL, n, sizeof *name);
	int rc = 0;

	if (st->conf.kind != WINDOW_NONE) {
		name[k++] = span_str("window_start");
		name[k++] = span_str("window_end");
	}
	for (size_t i = 0; i < st->group.n; i++)
		name[k++] = st->group.name[i];
	for (size_t i = 0; i < st->n_words && rc == 0; i++) {
		struct buf text = { 0 };
		const char *why = name_unquote(st->word[i].name, &text, &name[k]);

		if (why != NULL)
			rc = ctx_usage(c, "%.*s: %s", (int)st->word[i].name.n, st->word[i].name.p, why);
		k++;	/* text, if used, lives as long as the names */
	}
	for (size_t i = 0; i < k && rc == 0; i++)
		for (size_t j = 0; j < i && rc == 0; j++)
			if (span_eq(name[i], name[j]))
				rc = ctx_usage(c, "the name '%.*s' stands twice", (int)name[i].n, name[i].p);
	if (rc == 0)
		ctx_names(c, 0, name, n);
	free(name);
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->n_words == 0)
		return ctx_usage(c, "no NAME=AGG(EXPR) given");
	if ((rc = set_up_windows(c, st)) != 0)
		return rc;
	if (st->groups != NULL && (rc = ctx_cols(c, st->groups, "-g", &st->group)) != 0)
		return rc;
	st->agg = mem_new(mem_mul(st->n_words, sizeof *st->agg));
	for (size_t i = 0; i < st->n_words; i++)
		if ((rc = add_agg(c, st, &st->word[i], &st->agg[i])) != 0)
			return rc;
	st->conf.group = st->group.col;
	st->conf.n_groups = st->group.n;
	st->conf.as = ctx_key_as(c);
	st->conf.zone = ctx_zone(c);
	st->conf.style = (enum when_style)st->style;
	st->conf.agg = st->agg;
	st->conf.n_aggs = st->n_words;
	if ((rc = set_up_names(c, st)) != 0)
		return rc;
	st->op = window_op(&st->conf);
	st->window = window_new(&st->conf);
	return 0;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;

	b = columns_batch(&st->columns, ctx_expr_state(c), b, ctx_paths(c)->n);
	return st->op->batch(st->window, b, ctx_host(c));
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;

	ctx_note(c, "state_bytes", st->op->bytes(st->window));
	return st->op->close(st->window, INT64_MAX, ctx_host(c));
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	struct state *st = arg;

	*op_state = st->window;
	return i == 0 ? st->op : NULL;
}

static const struct command cmd = {
	.name = "window-agg", .what = "aggregates by group and time window",
	.synopsis = "[-t PATH] [-w DUR [-s DUR] [--offset DUR] | --session GAP [--break COND]] [-g PATHS]"
	    " [--time-format ms|s|sql|rfc3339] NAME=AGG(EXPR [WHERE COND]) ... [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_ADD,
	.word = word, .set_up = set_up, .batch = batch, .end = end, .op = op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
