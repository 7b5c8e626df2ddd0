/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dag-export - a dag as cron's table, or as a graph
 *
 * Path:   FILE -> run/dag -> run/export -> stdout
 * Memory: the file.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "run/export.h"
#include "run/operand.h"

static const char *const date[] = { "yesterday", "today", NULL };

struct state {
	int date;
	bool to_cron;
	struct opt_list at;
	const char *to, *user, *alert, *log, *file;
	struct export_cron cron;
	struct dag *dag;
};

static const struct opt opts[] = {
	{ 0, "to", OPT_TEXT, offsetof(struct state, to), "FORM", "cron or dot" },
	{ 0, "at", OPT_LIST, offsetof(struct state, at), "HH:MM",
	    "when the night begins (00:30); given again: when it goes on with --resume" },
	{ 0, "date", OPT_CHOICE, offsetof(struct state, date), "D",
	    "the day that a night is about: yesterday or today", date },
	{ 0, "user", OPT_TEXT, offsetof(struct state, user), "NAME", "the user field of a file in /etc/cron.d" },
	{ 0, "alert", OPT_TEXT, offsetof(struct state, alert), "FILE",
	    "give the events to wh-alert with this configuration" },
	{ 0, "log", OPT_TEXT, offsetof(struct state, log), "FILE", "append what is said to this file" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	return operand_only(c, &((struct state *)arg)->file, w);
}

/* cron starts in another directory: every path as it is from the root on. */
static int
whole(const char *path, const char **out)
{
	*out = realpath(path, NULL);
	return *out != NULL ? 0 : err_io("%s: %s", path, strerror(errno));
}

static int
times(struct ctx *c, struct state *st)
{
	static const char *const half_past[] = { "00:30" };
	const char *const *text = st->at.n > 0 ? st->at.v : half_past;
	size_t n = st->at.n > 0 ? st->at.n : 1;
	struct export_at *at = mem_array(NULL, n, sizeof *at);

	for (size_t i = 0; i < n; i++) {
		if (!export_at(text[i], &at[i]))
			return ctx_usage(c, "--at: '%s' is no time of day, HH:MM", text[i]);
		/* over midnight `yesterday` would be another day */
		if (i > 0 && at[i].hour * 60 + at[i].minute <= at[i - 1].hour * 60 + at[i - 1].minute)
			return ctx_usage(c, "--at: %s does not come behind %s on one day", text[i], text[i - 1]);
	}
	st->cron.at = at;
	st->cron.n_at = n;
	return 0;
}

static bool
good_user(const char *u)
{
	for (const char *p = u; *p != '\0'; p++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", *p) == NULL)
			return false;
	return *u != '\0' && *u != '-';
}

/* dag-run stands where we stand. */
static int
runner(struct export_cron *e)
{
	struct buf b = { 0 };
	const char *self;
	int rc = whole("/proc/self/exe", &self);

	if (rc != 0)
		return rc;
	buf_fmt(&b, "%.*s/dag-run", (int)(strrchr(self, '/') - self), self);
	e->runner = mem_str(buf_cstr(&b));
	buf_free(&b);
	return access(e->runner, X_OK) == 0 ? 0 : err_io("%s: %s", e->runner, strerror(errno));
}

static int
cron(struct ctx *c, struct state *st)
{
	const char *root = getenv("PIPEHOUSE_ROOT"), *tenant = getenv("PIPEHOUSE_TENANT");
	const char *state = getenv("PIPEHOUSE_STATE");
	struct export_cron *e = &st->cron;
	int rc;

	if (root == NULL || *root == '\0')
		return ctx_usage(c, "PIPEHOUSE_ROOT is not set: the warehouse is written into each line");
	if (st->user != NULL && !good_user(st->user))
		return ctx_usage(c, "--user: '%s' is no user's name", st->user);
	e->tenant = tenant == NULL || *tenant == '\0' ? "main" : tenant;
	e->state = state == NULL || *state == '\0' ? NULL : state;
	e->zone = zone_name(ctx_zone(c));
	e->date = date[st->date];
	e->user = st->user;
	e->jobs = ctx_jobs(c);
	if (st->log != NULL && *st->log != '/')
		return ctx_usage(c, "--log: '%s' does not begin at the root directory", st->log);
	e->log = st->log;
	if ((rc = times(c, st)) != 0 || (rc = runner(e)) != 0 || (rc = whole(root, &e->root)) != 0 ||
	    (rc = whole(st->file, &e->file)) != 0)
		return rc;
	if (e->state != NULL && (rc = whole(e->state, &e->state)) != 0)
		return rc;
	return st->alert == NULL ? 0 : whole(st->alert, &e->alert);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->to == NULL)
		return ctx_usage(c, "--to cron or --to dot?");
	st->to_cron = strcmp(st->to, "cron") == 0;
	if (!st->to_cron && strcmp(st->to, "dot") != 0)
		return ctx_usage(c, "--to: '%s' is neither cron nor dot", st->to);
	if (st->file == NULL)
		return ctx_usage(c, "which dag? a FILE is needed");
	if (!st->to_cron && (st->at.n > 0 || st->user != NULL || st->alert != NULL || st->log != NULL))
		return ctx_usage(c, "--at, --user, --alert and --log are for --to cron");
	if ((rc = dag_read(st->file, &st->dag)) != 0)
		return rc;
	return st->to_cron ? cron(c, st) : 0;
}

static int
run(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct buf out = { 0 };
	int rc = 0;

	if (st->to_cron)
		rc = export_cron(st->dag, &st->cron, &out);
	else
		export_dot(st->dag, &out);
	if (rc == 0)
		rc = sink_add(ctx_out(c), buf_span(&out));
	buf_free(&out);
	return rc;
}

static const struct command cmd = {
	.name = "dag-export", .what = "a dag as cron's table, or as a graph",
	.synopsis = "--to cron|dot [--at HH:MM] [--date D] [-j N] [--user NAME] [--alert FILE] [--log FILE] FILE",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT, .par = PAR_SERIAL,
	.word = word, .set_up = set_up, .main = run,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
