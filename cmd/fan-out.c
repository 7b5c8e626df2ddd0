/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fan-out - the same records through several pipes, their lines merged
 *
 * Path:   files or stdin -> in/scan -> run/children: pipes to N shells and back -> whole lines -> stdout
 * Memory: at most -S / 4 for what waits for slow pipes, and what --ordered holds; the pipes have their own.
 * In a barrier job each pipe is a branch: its stages answer each control line, or its last one is a sink.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "run/children.h"
#include "run/operand.h"
#include "run/sides.h"

struct state {
	struct opt_list pipes, sinks;	/* set_up adds the sinks to the pipes, behind them */
	const char *stalled;
	bool ordered;
	struct children *children;
};

static const struct opt opts[] = {
	{ 0, "ordered", OPT_FLAG, offsetof(struct state, ordered), NULL,
	    "all lines of the first pipe, then of the second, ..." },
	{ 0, "sink", OPT_LIST, offsetof(struct state, sinks), "PIPE", "one more pipe, that writes no records" },
	{ 0, "stalled", OPT_TEXT, offsetof(struct state, stalled), "DUR",
	    "in a barrier job: how long a control line may be away while nothing moves (50s)" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	(void)c;
	return operand_add(&((struct state *)arg)->pipes, w);
}

/* A locale that this machine does not have is C; a shell would say so for each pipe. */
static void
mend_locale(void)
{
	locale_t l = newlocale(LC_ALL_MASK, "", (locale_t)0);

	if (l == (locale_t)0)
		(void)setenv("LC_ALL", "C", 1);
	else
		freelocale(l);
}

/* Is `--job` one of the words?  Such a pipe ends in a sink of the job, as pipe-run sees it too. */
static bool
says_job(const char *text)
{
	static const char word[] = "--job";

	for (const char *p = text; (p = strstr(p, word)) != NULL; p += sizeof word - 1)
		if ((p == text || strchr(" \t\n", p[-1]) != NULL) && strchr(" \t\n=", p[sizeof word - 1]) != NULL)
			return true;
	return false;
}

/*
 * The pipes of --sink stand behind the others.  Who writes nothing anyway gives no control lines to nobody, but below
 * another fan-out, which may wait for them.
 */
static int
settle_sinks(struct ctx *c, struct state *st, size_t *first)
{
	bool answers = getenv("PIPEHOUSE_BRANCH") != NULL && st->pipes.n == 0;
	size_t writers = 0;
	int fd;

	*first = st->pipes.n;
	for (size_t i = 0; i < st->pipes.n; i++)
		writers += !says_job(st->pipes.v[i]);
	for (size_t i = 0; i < st->sinks.n; i++) {
		answers = answers && !says_job(st->sinks.v[i]);
		(void)operand_add(&st->pipes, st->sinks.v[i]);
	}
	if (!ctx_in_job(c) || writers > 0 || answers)
		return 0;
	if ((fd = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1 || dup2(fd, 1) == -1)
		return err_io("/dev/null: %s", strerror(errno));
	close(fd);
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct buf name = { 0 };
	size_t sinks;
	int rc = 0;

	if (st->pipes.n + st->sinks.n == 0 || st->pipes.n + st->sinks.n > CHILDREN_MAX)
		return ctx_usage(c, "one PIPE is required, at most %d", CHILDREN_MAX);
	if ((rc = settle_sinks(c, st, &sinks)) != 0)
		return rc;
	mend_locale();
	st->children = children_new(c, st->pipes.n, st->ordered);
	rc = children_stalled(st->children, st->stalled);
	for (size_t i = 0; i < st->pipes.n && rc == 0; i++) {
		char bash[] = "bash", options[] = "-euo", fail[] = "pipefail", text[] = "-c";
		char *pipe = mem_str(st->pipes.v[i]), *argv[] = { bash, options, fail, text, pipe, NULL };

		if (ctx_in_job(c) && says_job(pipe))
			children_sink(st->children, i);
		else if (i >= sinks)
			children_mute(st->children, i);
		buf_clear(&name);
		buf_fmt(&name, "pipe %zu of %zu", i + 1, st->pipes.n);
		rc = children_start(st->children, i, argv, buf_cstr(&name));
		free(pipe);
	}
	buf_free(&name);
	return rc == 0 ? children_run(st->children) : rc;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;

	(void)c;
	for (size_t i = 0; i < b->n; i++) {
		bool wanted = false;

		if (b->fate[i] != F_PASS)
			continue;
		for (size_t k = 0; k < st->pipes.n; k++)
			wanted = children_put(st->children, k, b->line[i]) || wanted;
		b->fate[i] = wanted ? F_USED : F_DROP;
	}
	return children_turn(st->children);
}

static int
relay(struct ctx *c, void *arg, const struct mark *m)
{
	(void)c;
	return children_mark(((struct state *)arg)->children, m);
}

static int
work(struct ctx *c, void *arg)
{
	uint64_t unread;

	return children_end(((struct state *)arg)->children, sides_one(c), &unread);
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "fan-out", .what = "records through several pipes, lines merged",
	    .synopsis = "[--ordered] [--stalled DUR] PIPE ... [--sink PIPE ...] [-- FILE ...]", .opts = opts,
	    .state_bytes = sizeof(struct state), .is = CMD_EPOCHS, .par = PAR_SERIAL, .word = word, .set_up = set_up,
	    .batch = batch, .relay = relay, .main = work };

	return run_main(argc, argv, &cmd);
}
