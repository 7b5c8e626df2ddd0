/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dag-run - run the nodes of a dag for a day, each a transaction
 *
 * Path:   FILE -> run/dag -> run/sched -> run/txn (bash in a run) -> store; events -> stdout
 * Memory: the file, and a few hundred bytes a node and day.
 * What is known of each node is durable under PIPEHOUSE_STATE before the next starts, so kill -9 and --resume go on
 * where the night stood.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "run/operand.h"
#include "run/sched.h"
#include "run/shell.h"
#include "run/state_path.h"
#include "run/tell.h"

struct state {
	const char *date, *from, *to, *only, *from_node, *downstream, *log;
	bool resume, keep_going, plan;
	const char *file;
	struct sched sched;
	struct tell tell;
};

static const struct opt opts[] = {
	{ 0, "date", OPT_TEXT, offsetof(struct state, date), "D", "the day: YYYY-MM-DD, today or yesterday" },
	{ 0, "from", OPT_TEXT, offsetof(struct state, from), "D", "with --to: every day from D" },
	{ 0, "to", OPT_TEXT, offsetof(struct state, to), "D", "… up to and with D" },
	{ 0, "resume", OPT_FLAG, offsetof(struct state, resume), NULL,
	    "skip what is done and reads the same; read the same commits" },
	{ 0, "keep-going", OPT_FLAG, offsetof(struct state, keep_going), NULL,
	    "after a failure run what does not stand below it" },
	{ 0, "only", OPT_TEXT, offsetof(struct state, only), "NODE", "this node alone" },
	{ 0, "from-node", OPT_TEXT, offsetof(struct state, from_node), "NODE",
	    "this node and all that stands below it" },
	{ 0, "downstream", OPT_TEXT, offsetof(struct state, downstream), "NODE",
	    "all that stands below this node; itself only if it is not done" },
	{ 0, "log", OPT_TEXT, offsetof(struct state, log), "NODE",
	    "print what the node's last call printed; run nothing" },
	{ 'n', "dry-run", OPT_FLAG, offsetof(struct state, plan), NULL,
	    "say which nodes would run, and why; run nothing" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	return operand_only(c, &((struct state *)arg)->file, w);
}

static int
days(struct ctx *c, struct state *st)
{
	int32_t a, z;
	int rc;

	if ((st->date != NULL) == (st->from != NULL) || (st->from != NULL) != (st->to != NULL))
		return ctx_usage(c, "give --date D, or --from D and --to D");
	rc = ctx_day(c, st->date != NULL ? st->date : st->from, st->date != NULL ? "--date" : "--from", &a);
	if (rc != 0 ||
	    (rc = ctx_day(c, st->date != NULL ? st->date : st->to, st->date != NULL ? "--date" : "--to", &z)) != 0)
		return rc;
	if (z < a || z - a > 3660)
		return ctx_usage(c, "--from %s --to %s: no such range of at most ten years", st->from, st->to);
	sched_days(&st->sched, a, z);
	return 0;
}

/* Which nodes are asked for: one of four options at most. */
static int
pick(struct ctx *c, struct state *st)
{
	const struct { const char *option, *node; enum sched_pick pick; } way[] = {
		{ "--only", st->only, PICK_ONLY }, { "--from-node", st->from_node, PICK_FROM },
		{ "--downstream", st->downstream, PICK_BELOW }, { "--log", st->log, PICK_ONLY } };
	const char *given = NULL;

	for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
		if (way[i].node == NULL)
			continue;
		if (given != NULL)
			return ctx_usage(c, "%s and %s exclude each other", given, way[i].option);
		given = way[i].option;
		st->sched.pick = way[i].pick;
		if ((st->sched.node = dag_find(st->sched.dag, span_str(way[i].node))) == SIZE_MAX)
			return ctx_usage(c, "%s: '%s' is no node of %s", given, way[i].node, st->file);
	}
	return 0;
}

/* What every child sees: root, tenant and state; and no run around it. */
static int
environment(struct ctx *c)
{
	static const char *const path[] = { "PIPEHOUSE_ROOT", "PIPEHOUSE_STATE", "PIPEHOUSE_OVERLAY" };
	const char *root = getenv("PIPEHOUSE_ROOT"), *tenant = getenv("PIPEHOUSE_TENANT");
	struct buf b = { 0 };
	int rc;

	if (root == NULL || *root == '\0')
		return ctx_usage(c, "PIPEHOUSE_ROOT is not set");
	if (tenant == NULL || *tenant == '\0')
		setenv("PIPEHOUSE_TENANT", "main", 1);
	/* in an overlay it is the overlay's: what is tried there says nothing of the warehouse's nodes */
	if (state_path("", &b)) {
		b.n--;
		setenv("PIPEHOUSE_STATE", buf_cstr(&b), 1);
	}
	unsetenv("PIPEHOUSE_RUN");
	buf_free(&b);
	/* nodes run in the directory of the dag: paths from ours on would mean others there */
	for (size_t i = 0; i < sizeof path / sizeof *path; i++)
		if ((rc = shell_absolute(path[i])) != 0)
			return rc;
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->file == NULL)
		return ctx_usage(c, "which dag? a FILE is needed");
	if ((rc = environment(c)) != 0 || (rc = days(c, st)) != 0 || (rc = dag_read(st->file, &st->sched.dag)) != 0)
		return rc;
	st->tell = (struct tell){ .c = c, .tty = isatty(2) };
	st->sched.jobs = ctx_jobs(c);
	st->sched.resume = st->resume;
	st->sched.keep_going = st->keep_going;
	st->sched.dry = st->plan;
	st->sched.report = tell_report;
	st->sched.begins = tell_begins;
	st->sched.stopped = tell_stopped;
	st->sched.arg = &st->tell;
	return pick(c, st);
}

static int
print_logs(struct ctx *c, const struct sched *s)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n_days; i++)
		rc = dag_log_copy(s->dag, &s->dag->node[s->node], s->day[i].name, ctx_out(c));
	return rc;
}

static int
run(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct sched *s = &st->sched;
	int rc;

	if (st->log != NULL)
		return print_logs(c, s);
	if ((rc = sched_plan(s)) != 0)
		return rc;
	tell_count(&st->tell, s);
	rc = st->plan ? tell_plan(&st->tell, s) : sched_run(s);
	tell_end(&st->tell);
	sched_free(s);
	return rc == 0 && st->tell.unheard ? EXIT_IO : rc;
}

static const struct command cmd = {
	.name = "dag-run", .what = "run the nodes of a dag for a day, each a transaction",
	.synopsis = "FILE (--date D | --from D --to D) [-j N] [--resume] [--keep-going] "
	    "[--only | --from-node | --downstream NODE] [--log NODE] [-n]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EFFECT | CMD_NO_INPUT, .par = PAR_SERIAL,
	.word = word, .set_up = set_up, .main = run,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
