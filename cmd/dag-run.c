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

#include "out/event.h"
#include "run/run.h"
#include "run/sched.h"
#include "run/state_path.h"

struct state {
	const char *date, *from, *to, *only;
	bool resume, keep_going, plan;
	const char *file;
	struct ctx *ctx;
	struct sched sched;
	const char **day;
	char (*day_text)[WHEN_DAY_BYTES];
	bool tty;
	size_t planned, settled, failed, blocked;
};

static const struct opt opts[] = {
	{ 0, "date", OPT_TEXT, offsetof(struct state, date), "D", "the day: YYYY-MM-DD, today or yesterday" },
	{ 0, "from", OPT_TEXT, offsetof(struct state, from), "D", "with --to: every day from D" },
	{ 0, "to", OPT_TEXT, offsetof(struct state, to), "D", "… up to and with D" },
	{ 0, "resume", OPT_FLAG, offsetof(struct state, resume), NULL, "skip what is done; read the same commits" },
	{ 0, "keep-going", OPT_FLAG, offsetof(struct state, keep_going), NULL,
	    "after a failure run what does not stand below it" },
	{ 0, "only", OPT_TEXT, offsetof(struct state, only), "NODE", "this node alone" },
	{ 'n', "dry-run", OPT_FLAG, offsetof(struct state, plan), NULL,
	    "say which nodes would run, and why; run nothing" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	if (st->file != NULL)
		return -ctx_usage(c, "one dag at a time: '%s' is one too many", w);
	st->file = w;
	return 1;
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
	st->sched.n_days = (size_t)(z - a) + 1;
	st->day_text = mem_array(NULL, st->sched.n_days, sizeof *st->day_text);
	st->day = mem_array(NULL, st->sched.n_days, sizeof *st->day);
	for (int32_t d = a; d <= z; d++) {
		day_print(d, st->day_text[d - a]);
		st->day[d - a] = st->day_text[d - a];
	}
	st->sched.day = st->day;
	return 0;
}

/* What every child sees: root, tenant and state; and no run around it. */
static int
environment(struct ctx *c)
{
	const char *root = getenv("PIPEHOUSE_ROOT"), *tenant = getenv("PIPEHOUSE_TENANT");
	struct buf b = { 0 };

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
	st->ctx = c;
	st->tty = isatty(2);
	st->sched.jobs = ctx_jobs(c);
	st->sched.resume = st->resume;
	st->sched.keep_going = st->keep_going;
	st->sched.only = SIZE_MAX;
	if (st->only != NULL && (st->sched.only = dag_find(st->sched.dag, span_str(st->only))) == SIZE_MAX)
		return ctx_usage(c, "--only: '%s' is no node of %s", st->only, st->file);
	return 0;
}

/* ---- telling ---- */

static void
say(struct state *st, const struct task *t, int status, const char *text)
{
	char value[16];
	int n = snprintf(value, sizeof value, "%d", status);
	struct event e = { .event = "dag.node", .severity = status == 0 ? EVENT_OK : EVENT_FAIL, .dt = t->day,
	    .run = *t->run == '\0' ? NULL : t->run, .name = span_str(t->node->name), .value = span_of(value, (size_t)n),
	    .expected = span_str("0"), .text = span_str(text) };

	event_json(ctx_made_begin(st->ctx, NULL, 0), &e);
	ctx_made_end(st->ctx);
}

/* One line on a terminal, written over and over; elsewhere only failures speak, for the events tell the rest. */
static void
progress(struct state *st, const struct task *t)
{
	char line[200];
	int n;

	if (!st->tty)
		return;
	n = snprintf(line, sizeof line, "\r\033[K%s  %zu of %zu  %.60s%s", t->day, st->settled, st->planned,
	    t->node->name,
	    t->is == TASK_RUNS ? " …" : "");
	if (n > 0 && write(2, line, (size_t)n) == -1)
		st->tty = false;
}

static void
begins(void *arg, const struct task *t)
{
	progress(arg, t);
}

static void
clear_line(struct state *st)
{
	if (st->tty && write(2, "\r\033[K", 4) == -1)
		st->tty = false;
}

static int
report(void *arg, const struct task *t, struct span events)
{
	struct state *st = arg;
	char text[200];

	st->settled++;
	if (t->is == TASK_BLOCKED)
		snprintf(text, sizeof text, "not run: %s", t->why);
	else if (t->status == 0)
		snprintf(text, sizeof text, "done in %.2f s", t->seconds);
	else
		snprintf(text, sizeof text, "ended with %d after %.2f s%s", t->status, t->seconds,
		    t->killed ? ", stopped" : "");
	st->failed += t->is == TASK_FAILED;
	st->blocked += t->is == TASK_BLOCKED;
	if (t->is == TASK_FAILED) {
		clear_line(st);
		err_warn("%s of %s %s%s%s", t->node->name, t->day, text, t->log.n > 0 ? "; its log: " : "",
		    t->log.n > 0 ? t->log.p : "");
	}
	progress(st, t);
	/* the events of the node's checks pass as they are */
	for (struct span rest = events; rest.n > 0;) {
		const char *lf = memchr(rest.p, '\n', rest.n);
		size_t n = lf == NULL ? rest.n : (size_t)(lf - rest.p);

		buf_add(ctx_made_begin(st->ctx, NULL, 0), rest.p, n);
		ctx_made_end(st->ctx);
		rest = span_from(rest, n + 1);
	}
	say(st, t, t->is == TASK_BLOCKED ? EXIT_NO : t->status, text);
	return sink_flush(ctx_out(st->ctx));
}

static bool
stopped(void *arg)
{
	return ctx_stopped(((struct state *)arg)->ctx);
}

static int
print_plan(struct state *st)
{
	struct sched *s = &st->sched;

	for (size_t i = 0; i < s->n_days * s->dag->n; i++) {
		const struct task *t = &s->task[i];
		struct buf *b = ctx_made_begin(st->ctx, NULL, 0);

		buf_fmt(b, "%s  %-24s %-4s  %s", t->day, t->node->name, t->is == TASK_SKIP ? "skip" : "run", t->why);
		ctx_made_end(st->ctx);
	}
	return 0;
}

static int
run(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct sched *s = &st->sched;
	int rc;

	(void)c;
	for (size_t i = 0; i < s->n_days && !st->plan; i++)
		if ((rc = dag_lock(s->dag, s->day[i])) != 0)
			return rc;
	s->report = report;
	s->begins = begins;
	s->stopped = stopped;
	s->arg = st;
	if ((rc = sched_plan(s)) != 0)
		return rc;
	for (size_t i = 0; i < s->n_days * s->dag->n; i++)
		st->planned += s->task[i].is != TASK_SKIP;
	rc = st->plan ? print_plan(st) : sched_run(s);
	clear_line(st);
	if (st->failed > 0)
		err_warn("%zu of %zu nodes done, %zu failed, %zu not run", st->settled - st->failed - st->blocked,
		    st->planned, st->failed, st->planned - st->settled + st->blocked);
	sched_free(s);
	return rc;
}

static const struct command cmd = {
	.name = "dag-run", .what = "run the nodes of a dag for a day, each a transaction",
	.synopsis = "FILE (--date D | --from D --to D) [-j N] [--resume] [--keep-going] [--only NODE] [-n]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EFFECT | CMD_NO_INPUT, .par = PAR_SERIAL,
	.word = word, .set_up = set_up, .main = run,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
