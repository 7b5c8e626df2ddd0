/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-rollback - a day as it was before, or all that a run published taken back
 *
 * Path:   the tables' logs -> store/rollback: days replaced by their old files, in a run of its own -> the tables' logs
 * Memory: the file lists of the tables concerned, as they are and as they were.
 */
#include <jansson.h>
#include <stdlib.h>

#include "run/run.h"
#include "run/txn.h"
#include "store/rollback.h"

struct state {
	const char *run;		/* options */
	uint64_t to;
	bool force;
	const char *to_text;
	const char *table, *day;	/* words */
	char dt[DAY_BYTES];
	struct buf lines;		/* said once it is done */
};

static const struct opt opts[] = {
	{ 0, "to", OPT_TEXT, offsetof(struct state, to_text), "COMMIT",
	  "as it was at that commit; default: before the last one that changed it" },
	{ 0, "run", OPT_TEXT, offsetof(struct state, run), "RUN", "take back what this run published, in every table" },
	{ 0, "force", OPT_FLAG, offsetof(struct state, force), NULL,
	  "with --run: also where others have changed a day since; their changes of it go too" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	if (st->table == NULL)
		st->table = w;
	else if (strncmp(w, "dt=", 3) == 0 && st->day == NULL)
		st->day = w + 3;
	else
		return -ctx_usage(c, "'%s' is one too many", w);
	return 1;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	char *end;

	if (ctx_run_dir(c) != NULL)
		return ctx_usage(c, "a rollback is a run of its own: it does not stand in one");
	if ((st->run == NULL) == (st->table == NULL))
		return ctx_usage(c, "TABLE dt=DAY or --run RUN is required, not both");
	if (st->table != NULL && (st->day == NULL || !day_good(span_str(st->day), st->dt)))
		return ctx_usage(c, "dt=DAY is required, YYYY-MM-DD");
	if (st->run != NULL && (st->to_text != NULL || *st->run == '\0'))
		return ctx_usage(c, "--run RUN stands alone");
	if (st->force && st->run == NULL)
		return ctx_usage(c, "--force is for --run");
	if (st->to_text == NULL)
		return 0;
	st->to = strtoull(st->to_text, &end, 10);
	if (st->to_text[0] < '0' || st->to_text[0] > '9' || *end != '\0' || st->to == ROLLBACK_BEFORE)
		return ctx_usage(c, "--to: '%s' is no number of a commit", st->to_text);
	return 0;
}

/* A day that is taken back, as a line. */
static int
say(void *arg, const char *table, const char *day, uint64_t to, int64_t rows)
{
	struct state *st = arg;
	json_t *j = json_pack("{s:s,s:s,s:I,s:o}", "table", table, "dt", day, "to", (json_int_t)to, "rows",
	    rows < 0 ? json_null() : json_integer(rows));
	char *text = json_dumps(j, JSON_COMPACT);

	buf_fmt(&st->lines, "%s\n", text == NULL ? "" : text);
	free(text);
	json_decref(j);
	return text == NULL ? err_io("out of memory") : 0;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct rollback *r;
	int rc;

	if ((rc = txn_redo()) != 0)
		return rc;
	r = rollback_new(say, st);
	if (st->run != NULL)
		rc = rollback_run(r, st->run, st->force);
	else
		rc = rollback_day(r, span_str(st->table), st->dt, st->to_text == NULL ? ROLLBACK_BEFORE : st->to);
	if (rc == 0)
		rc = rollback_end(r, NULL);
	rollback_free(r);
	if (rc == 0)
		rc = sink_add(ctx_out(c), buf_span(&st->lines));
	buf_free(&st->lines);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-rollback",
	    .what = "a day as it was before, or what a run published taken back",
	    .synopsis = "(TABLE dt=DAY [--to COMMIT] | --run RUN [--force])", .opts = opts,
	    .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_EFFECT, .word = word, .set_up = set_up,
	    .main = work };

	return run_main(argc, argv, &cmd);
}
