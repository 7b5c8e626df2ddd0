/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-run - a shell pipe as a transaction: what it writes is published when all of it went well, else not at all
 *
 * Path:   PIPE -> run/txn (bash in a run of its own) -> flow records judged -> store/stage -> the tables' logs
 * Memory: that of the pipe's tools.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "run/run.h"
#include "run/txn.h"

struct state { const char *pipe; };

static const struct opt opts[] = { { 0 } };

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	if (st->pipe != NULL)
		return -ctx_usage(c, "one PIPE only; quote it as a whole");
	st->pipe = w;
	return 1;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;

	if (st->pipe == NULL)
		return ctx_usage(c, "a PIPE is required");
	if (ctx_run_dir(c) != NULL)
		return ctx_usage(c, "a run does not stand in a run");
	return 0;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct txn_conf conf = { .label = "run", .shell = span_str(st->pipe), .log_fd = -1 };
	bool stopped = false;
	struct txn *t;
	int rc, ws;

	if ((rc = txn_redo()) != 0 || (rc = txn_start(&conf, &t)) != 0)
		return rc;
	while (waitpid(txn_pid(t), &ws, 0) == -1 && errno == EINTR) {
		/* a signal to us is one to the pipe: it is no member of our group */
		if (ctx_stopped(c)) {
			stopped = true;
			kill(-txn_pid(t), SIGTERM);
		}
	}
	return txn_finish(t, ws, stopped, NULL);
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-run", .what = "run a shell pipe as a transaction",
	    .synopsis = "'PIPE'", .opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_EFFECT,
	    .word = word, .set_up = set_up, .main = work };

	return run_main(argc, argv, &cmd);
}
