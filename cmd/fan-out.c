/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fan-out - the same records through several pipes, their lines merged
 *
 * Path:   files or stdin -> in/scan -> run/children: pipes to N shells and back -> whole lines -> stdout
 * Memory: at most -S / 4 for what waits for slow pipes, and what --ordered holds; the pipes have their own.
 */
#include <locale.h>
#include <stdlib.h>

#include "run/children.h"
#include "run/operand.h"
#include "run/sides.h"

struct state {
	struct opt_list pipes;
	bool ordered;
	struct children *children;
};

static const struct opt opts[] = {
	{ 0, "ordered", OPT_FLAG, offsetof(struct state, ordered), NULL,
	    "all lines of the first pipe, then of the second, ..." },
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

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct buf name = { 0 };
	int rc = 0;

	if (st->pipes.n == 0 || st->pipes.n > CHILDREN_MAX)
		return ctx_usage(c, "one PIPE is required, at most %d", CHILDREN_MAX);
	mend_locale();
	st->children = children_new(c, st->pipes.n, st->ordered);
	for (size_t i = 0; i < st->pipes.n && rc == 0; i++) {
		char bash[] = "bash", options[] = "-euo", fail[] = "pipefail", text[] = "-c";
		char *pipe = mem_str(st->pipes.v[i]), *argv[] = { bash, options, fail, text, pipe, NULL };

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
work(struct ctx *c, void *arg)
{
	uint64_t unread;

	return children_end(((struct state *)arg)->children, sides_one(c), &unread);
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "fan-out", .what = "records through several pipes, lines merged",
	    .synopsis = "[--ordered] PIPE ... [-- FILE ...]", .opts = opts, .state_bytes = sizeof(struct state),
	    .par = PAR_SERIAL, .word = word, .set_up = set_up, .batch = batch, .main = work };

	return run_main(argc, argv, &cmd);
}
