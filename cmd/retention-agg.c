/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * retention-agg - how many users of a cohort came back after 1, 2, 3, 7, ... days
 *
 * Path:   files or stdin -> in/scan -> op/retention -> out/json -> stdout
 * Memory: about 60 bytes and the key for each group, cohort and user.
 * The answer does not depend on the order of the input.
 */
#include "op/retention.h"
#include "run/by_op.h"

struct state {
	struct by_op one;		/* first: run/by_op.h */
	const char *users, *cohort, *day, *groups, *days;
	struct col_list user, group;
	struct retention_conf conf;
	int32_t after[RETENTION_DAYS_MAX];
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'u', "user", OPT_TEXT, AT(users), "PATHS", "who is counted; a record in which one is null is dropped" },
	{ 0, "cohort", OPT_TEXT, AT(cohort), "PATH[:s|ms|us]", "the day a user began; a record without one is bad" },
	{ 0, "day", OPT_TEXT, AT(day), "PATH[:s|ms|us]", "the day of a visit; null: none, but the user counts" },
	{ 'g', "group", OPT_TEXT, AT(groups), "PATHS", "the groups: PATH or NAME=PATH, ..." },
	{ 0, "days", OPT_TEXT, AT(days), "LIST", "how many days after the cohort's (1,2,3,7,14,30)" },
	{ 0 }
};

/* N,N,... rising, none twice: what else was meant is hard to say. */
static int
set_up_days(struct ctx *c, struct state *st)
{
	struct buf one = { 0 };
	const char *p = st->days == NULL ? "1,2,3,7,14,30" : st->days;
	size_t n = 0;

	for (bool more = true; more; n++) {
		size_t len = strcspn(p, ",");
		uint64_t day;

		buf_clear(&one);
		buf_add(&one, p, len);
		if (!opt_count(buf_cstr(&one), &day) || day > 100000)
			return ctx_usage(c, "--days: a list of numbers of days, such as 1,2,3,7,14,30");
		if (n == RETENTION_DAYS_MAX)
			return ctx_usage(c, "--days: more than %d", RETENTION_DAYS_MAX);
		st->after[n] = (int32_t)day;
		if (n > 0 && st->after[n] <= st->after[n - 1])
			return ctx_usage(c, "--days: must rise");
		more = p[len] == ',';
		p += len + more;
	}
	buf_free(&one);
	st->conf.days = st->after;
	st->conf.n_days = n;
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	static const char *const results[] = { "cohort", "day", "users", "kept" };
	struct state *st = arg;
	struct retention_conf *f = &st->conf;
	int rc;

	if (st->users == NULL)
		return ctx_usage(c, "-u is required");
	if (st->cohort == NULL)
		return ctx_usage(c, "--cohort is required");
	if (st->day == NULL)
		return ctx_usage(c, "--day is required");
	if ((rc = ctx_cols(c, st->users, "-u", &st->user)) != 0 ||
	    (st->groups != NULL && (rc = ctx_cols(c, st->groups, "-g", &st->group)) != 0) ||
	    (rc = ctx_time(c, st->cohort, "--cohort", &f->cohort, &f->cohort_unit)) != 0 ||
	    (rc = ctx_time(c, st->day, "--day", &f->day, &f->day_unit)) != 0 ||
	    (rc = set_up_days(c, st)) != 0 || (rc = ctx_names_of(c, &st->group, results, 4)) != 0)
		return rc;
	f->group = st->group.col;
	f->n_groups = st->group.n;
	f->user = st->user.col;
	f->n_users = st->user.n;
	f->as = ctx_key_as(c);
	f->zone = ctx_zone(c);
	by_op_set_up(&st->one, c, &retention_op, retention_new(f));
	return 0;
}

static const struct command cmd = {
	.name = "retention-agg", .what = "how many users of a cohort came back",
	.synopsis = "-u PATHS --cohort PATH --day PATH [-g PATHS] [--days 1,2,3,7,14,30] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_ADD,
	.set_up = set_up, .thread = by_op_thread, .join = by_op_join, .batch = by_op_batch,
	.pieces = by_op_pieces, .piece = by_op_piece, .end = by_op_end, .op = by_op_op,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
