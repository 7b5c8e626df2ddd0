/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * funnel-agg - how many users took the first step, the second, ... in this order and within a while
 *
 * Path:   files or stdin -> in/scan -> expr/columns -> op/funnel -> out/json -> stdout
 * Memory: a cell for each group and user that took a step, and 9 bytes and more for each time one did.
 * The answer does not depend on the order of the input.
 */
#include "expr/call.h"
#include "op/funnel.h"
#include "run/by_op.h"

struct state {
	struct by_op one;		/* first: run/by_op.h */
	const char *users, *time, *within, *groups;
	bool unordered;
	struct span *quoted, *cond;	/* [n_steps] both sides of the : */
	size_t n_steps;
	struct col_list user, group;
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'u', "user", OPT_TEXT, AT(users), "PATHS", "who is counted; a record in which one is null is dropped" },
	{ 't', "time", OPT_TEXT, AT(time), "PATH[:s|ms|us]", "the time of a record" },
	{ 0, "within", OPT_TEXT, AT(within), "DUR|day",
	  "how long after the first step, or on its day, others may be" },
	{ 'g', "group", OPT_TEXT, AT(groups), "PATHS", "a funnel for each: PATH or NAME=PATH, ..." },
	{ 0, "unordered", OPT_FLAG, AT(unordered), NULL, "count the users of each step by itself" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;
	struct span name, cond;

	if (!word_named(span_str(w), ':', &name, &cond))
		return 0;
	if (st->n_steps == FUNNEL_STEPS_MAX)
		return -ctx_usage(c, "more than %d steps", FUNNEL_STEPS_MAX);
	st->quoted = mem_array(st->quoted, st->n_steps + 1, sizeof *st->quoted);
	st->cond = mem_array(st->cond, st->n_steps + 1, sizeof *st->cond);
	st->quoted[st->n_steps] = name;
	st->cond[st->n_steps++] = cond;
	return 1;
}

/* Conditions to columns, names to JSON, no two alike. */
static int
set_up_steps(struct ctx *c, struct state *st, struct funnel_conf *conf)
{
	int *step = mem_array(NULL, st->n_steps, sizeof *step);
	struct span *name = mem_array(NULL, st->n_steps, sizeof *name);
	int rc = 0;

	for (size_t i = 0; i < st->n_steps && rc == 0; i++) {
		struct buf text = { 0 }, json = { 0 };		/* they live as long as the process */
		struct expr *cond;
		struct span bare;
		const char *why = name_unquote(st->quoted[i], &text, &bare);

		if (why != NULL)
			return ctx_usage(c, "%.*s: %s", (int)st->quoted[i].n, st->quoted[i].p, why);
		buf_json(&json, bare);
		name[i] = buf_span(&json);
		for (size_t j = 0; j < i; j++)
			if (span_eq(name[i], name[j]))
				return ctx_usage(c, "the step '%.*s' stands twice", (int)bare.n, bare.p);
		if ((rc = ctx_expr(c, st->cond[i], "NAME: COND", &cond)) == 0)
			step[i] = columns_add(&st->one.columns, NULL, cond);
	}
	conf->step = step;
	conf->name = name;
	conf->n_steps = st->n_steps;
	return rc;
}

static int
set_up_time(struct ctx *c, struct state *st, struct funnel_conf *conf)
{
	int rc;

	if (st->unordered)
		return 0;
	if (st->time == NULL)
		return ctx_usage(c, "-t is required, but with --unordered");
	if (st->within == NULL)
		return ctx_usage(c, "--within is required, but with --unordered");
	conf->day = strcmp(st->within, "day") == 0;
	if ((rc = ctx_time(c, st->time, "-t", &conf->time, &conf->unit)) != 0 ||
	    (!conf->day && (rc = ctx_dur(c, st->within, "--within", &conf->within)) != 0))
		return rc;
	if (!conf->day && conf->within.us <= 0 && conf->within.days <= 0 && conf->within.months <= 0)
		return ctx_usage(c, "--within: must be longer than nothing");
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	static const char *const results[] = { "step", "n", "users", "rate" };
	struct state *st = arg;
	struct funnel_conf conf = { .as = ctx_key_as(c), .zone = ctx_zone(c), .unordered = st->unordered, .time = -1 };
	int *key, rc;

	if (st->users == NULL)
		return ctx_usage(c, "-u is required");
	if (st->n_steps == 0)
		return ctx_usage(c, "no step given, 'NAME: COND'");
	if ((rc = ctx_cols(c, st->users, "-u", &st->user)) != 0 ||
	    (st->groups != NULL && (rc = ctx_cols(c, st->groups, "-g", &st->group)) != 0) ||
	    (rc = set_up_time(c, st, &conf)) != 0 || (rc = set_up_steps(c, st, &conf)) != 0 ||
	    (rc = ctx_names_of(c, &st->group, results, 4)) != 0)
		return rc;
	conf.n_groups = st->group.n;
	conf.n_users = st->user.n;
	key = mem_array(NULL, conf.n_groups + conf.n_users, sizeof *key);
	for (size_t i = 0; i < conf.n_groups + conf.n_users; i++)
		key[i] = i < conf.n_groups ? st->group.col[i] : st->user.col[i - conf.n_groups];
	conf.key = key;
	by_op_set_up(&st->one, c, &funnel_op, funnel_new(&conf));
	return 0;
}

static const struct command cmd = {
	.name = "funnel-agg", .what = "how many users took each step",
	.synopsis = "-u PATHS -t PATH --within DUR|day [-g PATHS] [--unordered] 'NAME: COND' ... [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_ADD,
	.word = word, .set_up = set_up, .thread = by_op_thread, .join = by_op_join, .batch = by_op_batch,
	.pieces = by_op_pieces, .piece = by_op_piece, .end = by_op_end, .op = by_op_op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
