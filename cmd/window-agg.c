/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window-agg - aggregates by group and time window; without windows a plain GROUP BY
 *
 * Path:   files or stdin -> in/scan -> expr/columns -> op/window -> out/json -> stdout
 * Memory: a cell for each window and group that met a record, 12 to 24 bytes for each distinct value, at most -S;
 *         sessions keep their events, all of them.  It is written at the end of the input, in order; with --partial
 *         whenever it is full.
 */
#include <stdlib.h>

#include "op/window.h"
#include "run/agg_words.h"
#include "run/partial.h"
#include "run/spill.h"

struct state {
	const char *time, *width, *slide, *gap, *brk, *groups, *offset;
	int style;
	bool partial, merge;
	struct agg_words words;
	struct col_list group;
	struct columns columns;
	struct window_conf conf;
	const struct op *op;
	void *window;
	struct partial parts;
	struct spill spill;
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
	{ 0, "partial", OPT_FLAG, offsetof(struct state, partial), NULL,
	  "write partial states, for window-agg --merge with the same arguments" },
	{ 0, "merge", OPT_FLAG, offsetof(struct state, merge), NULL, "read partial states, not records" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	(void)c;
	return agg_words_take(&((struct state *)arg)->words, w);
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
	for (size_t i = 0; i < st->words.n; i++)
		name[k++] = st->words.name[i];
	for (size_t i = 0; i < k && rc == 0; i++)
		for (size_t j = 0; j < i && rc == 0; j++)
			if (span_eq(name[i], name[j]))
				rc = ctx_usage(c, "the name '%.*s' stands twice", (int)name[i].n, name[i].p);
	if (rc == 0)
		ctx_names(c, 0, name, n);
	free(name);
	return rc;
}

/* Two that are to be joined must mean the same by everything but how the answer is written. */
static int
set_up_parts(struct ctx *c, struct state *st)
{
	struct partial *p = &st->parts;
	const char *const same[] = { st->time, st->width, st->slide, st->gap, st->brk, st->groups, st->offset,
	    zone_name(ctx_zone(c)), ctx_key_as(c) == KEY_TEXT ? "text" : "exact" };

	*p = (struct partial){ .c = c, .op = st->op, .st = st->window, .group = &st->group,
	    .head = st->gap == NULL ? sizeof(int64_t) : 0, .at = st->width != NULL };
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		partial_sign(p, same[i]);
	for (size_t i = 0; i < st->words.n; i++)	/* the operand's end is the call's */
		partial_sign(p, st->words.call[i].p);
	return partial_set_up(p);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->words.n == 0)
		return ctx_usage(c, "no NAME=AGG(EXPR) given");
	if ((rc = set_up_windows(c, st)) != 0)
		return rc;
	if (st->groups != NULL && (rc = ctx_cols(c, st->groups, "-g", &st->group)) != 0)
		return rc;
	if ((rc = agg_words_compile(c, &st->words, &st->columns, st->time != NULL)) != 0)
		return rc;
	st->conf.group = st->group.col;
	st->conf.n_groups = st->group.n;
	st->conf.as = ctx_key_as(c);
	st->conf.zone = ctx_zone(c);
	st->conf.style = (enum when_style)st->style;
	st->conf.agg = st->words.agg;
	st->conf.n_aggs = st->words.n;
	if ((rc = set_up_names(c, st)) != 0)
		return rc;
	st->op = window_op(&st->conf);
	st->window = window_new(&st->conf);
	st->spill = (struct spill){ .c = c, .op = st->op, .st = st->window };
	return st->partial || st->merge ? set_up_parts(c, st) : 0;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = st->partial ? partial_relieve(&st->parts, b) : spill_relieve(&st->spill);

	if (rc != 0)
		return rc;
	if (st->merge)
		return partial_batch(&st->parts, b);
	b = columns_batch(&st->columns, ctx_expr_state(c), b, ctx_paths(c)->n);
	return st->op->batch(st->window, b, ctx_host(c));
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;

	return st->partial ? partial_write(&st->parts) : spill_close(&st->spill, ctx_host(c));
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
	    " [--time-format ms|s|sql|rfc3339] [--partial] [--merge] NAME=AGG(EXPR [WHERE COND]) ... [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_ADD,
	.word = word, .set_up = set_up, .batch = batch, .end = end, .op = op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
