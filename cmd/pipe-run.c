/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe-run - run a pipeline for days: start it, watch it, start it again, stop it with an epoch
 *
 * Path:   FILE -> run/pipe_file -> run/pipe_run (job_dir, bash in a group of its own, what the stages leave in JOB)
 * Memory: the file, and a few KiB; the stages have their own.
 * Correctness is not in here: plans, snapshots and sinks see to that. This is who notices, tells, and begins again.
 */
#include <stdlib.h>

#include "run/operand.h"
#include "run/pipe_run.h"
#include "run/shell.h"

struct state {
	bool json;
	int sync;
	const char *path, *verb;
	struct pipe_file *file;
};

static const char *const sync_words[] = { "", "disk", "process", NULL };

static const struct opt opts[] = {
	{ 0, "json", OPT_FLAG, offsetof(struct state, json), NULL, "status: as one JSON object" },
	{ 0, "sync", OPT_CHOICE, offsetof(struct state, sync), "disk|process",
	    "start, run: what an epoch outlives, the machine or its processes (as FILE says; disk)", sync_words },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	if (st->path == NULL)
		return operand_only(c, &st->path, w);
	return operand_only(c, &st->verb, w);
}

static int
set_up(struct ctx *c, void *arg)
{
	static const char *const path[] = { "PIPEHOUSE_ROOT", "PIPEHOUSE_STATE", "PIPEHOUSE_OVERLAY" };
	static const char *const verb[] = { "start", "stop", "status", "run" };
	struct state *st = arg;
	bool known = false;
	int rc = 0;

	if (st->path == NULL)
		return ctx_usage(c, "which pipeline? a FILE is needed");
	for (size_t i = 0; i < sizeof verb / sizeof *verb && st->verb != NULL; i++)
		known = known || strcmp(st->verb, verb[i]) == 0;
	if (!known)
		return ctx_usage(c, "start, stop, status or run?");
	if (st->json && strcmp(st->verb, "status") != 0)
		return ctx_usage(c, "--json goes with status");
	if (st->sync != 0 && strcmp(st->verb, "start") != 0 && strcmp(st->verb, "run") != 0)
		return ctx_usage(c, "--sync goes with start and run");
	if (ctx_run_dir(c) != NULL || job_dir_is())
		return ctx_usage(c, "a job stands neither in a run nor in a job");
	/* the shell runs where the file is: paths from here on would mean others there */
	for (size_t i = 0; i < sizeof path / sizeof *path && rc == 0; i++)
		rc = shell_absolute(path[i]);
	if (rc == 0 && (rc = pipe_file_read(st->path, &st->file)) == 0 && st->sync != 0)
		st->file->lax = st->sync == 2;
	return rc;
}

static int
put_event(void *arg, struct span json)
{
	struct ctx *c = arg;
	int rc = sink_line(ctx_out(c), json);

	return rc != 0 ? rc : sink_flush(ctx_out(c));
}

static int
start(struct ctx *c, const struct pipe_file *f)
{
	char *log;
	int rc = pipe_start(f, &log);

	if (rc == 0)
		rc = sink_line(ctx_out(c), span_str(log));
	free(log);
	return rc;
}

static int
status(struct ctx *c, const struct pipe_file *f, bool json)
{
	struct pipe_state st = { 0 };
	struct pipe_view v = { 0 };
	struct buf b = { 0 };
	int rc = pipe_status(f, &st, &v), r = 0;

	if (rc == 0 || rc == EXIT_NO) {
		if (json) {
			pipe_report_json(&b, f->name, &st, &v);
			buf_byte(&b, '\n');
		} else if (st.run == 0) {
			buf_fmt(&b, "%s was never started\n", f->name);
		} else {
			pipe_report_text(&b, f->name, &st, &v, ctx_zone(c));
		}
		r = sink_add(ctx_out(c), buf_span(&b));
	}
	buf_free(&b);
	free(st.log);
	pipe_view_free(&v);
	return r != 0 ? r : rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;

	if (strcmp(st->verb, "start") == 0)
		return start(c, st->file);
	if (strcmp(st->verb, "stop") == 0)
		return pipe_stop(st->file);
	if (strcmp(st->verb, "status") == 0)
		return status(c, st->file, st->json);
	return pipe_run(&(struct pipe_run){ .file = st->file, .ready_fd = -1, .event = put_event, .arg = c });
}

static const struct command cmd = {
	.name = "pipe-run", .what = "run a pipeline for days, exactly once",
	.synopsis = "FILE start|stop|status|run [--json] [--sync disk|process]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_EFFECT, .par = PAR_SERIAL,
	.word = word, .set_up = set_up, .main = work,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
