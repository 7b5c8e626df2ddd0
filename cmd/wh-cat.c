/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-cat - the rows of a table at one commit, in commit, file, line order; --follow: those of the commits that come
 *
 * Path:   store/ref -> pool files -> run/rows_out, or store/merge for a keyed table's deltas -> stdout;
 *         --follow: run/commits -> store/follow -> run/rows_out -> stdout
 * Memory: one block of each file read at once: one, or at most 64 of a day where deltas are merged.
 */
#include "run/commits.h"
#include "run/operand.h"
#include "store/follow.h"
#include "store/merge.h"

struct state {
	const char *n;			/* options */
	bool follow;
	uint64_t days;
	const char *operand;
	struct rows_out out;
	struct commits_conf commits;
};

static const char *const replaced_words[] = { "fail", "skip", "rows", NULL };

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'n', "days", OPT_TEXT, AT(n), "N", "the N days that end at the operand's day" },
	{ 0, "dt", OPT_FLAG, AT(out.dt), NULL, "append the day to each row, as \"dt\"" },
	{ 0, "missing-ok", OPT_FLAG, AT(commits.missing_ok), NULL,
	  "a day never committed has no rows, instead of ending with 1; --follow waits for the table" },
	{ 0, "follow", OPT_FLAG, AT(follow), NULL, "what each commit brought, and go on with those that come" },
	{ 0, "from", OPT_TEXT, AT(commits.from), "POINT", "--follow: beginning (default), now, or behind commit N" },
	{ 0, "until", OPT_TEXT, AT(commits.until), "POINT", "--follow: stop behind commit N, or at the end of now" },
	{ 0, "commit", OPT_TEXT, AT(out.commit), "NAME", "--follow: append its commit's number to each row, as NAME" },
	{ 0, "replaced", OPT_CHOICE, AT(commits.replaced), "fail|skip|rows",
	  "--follow: a day that had rows is replaced: stop (default), go on without, or give its new rows",
	  replaced_words },
	{ 0, "barriers", OPT_TEXT, AT(commits.every), "DUR", "--follow: source of a barrier job, an epoch each DUR" },
	{ 0, "event-time", OPT_TEXT, AT(commits.event_time), "PATH[:s|ms|us]",
	  "--barriers: what the watermark is made of" },
	{ 0, "late", OPT_TEXT, AT(commits.water.late), "DUR", "--event-time: the watermark is that far behind (0s)" },
	{ 0, "idle", OPT_TEXT, AT(commits.water.idle), "DUR", "--event-time: after that long without rows it is held" },
	{ 0, "max-future", OPT_TEXT, AT(commits.water.max_future), "DUR",
	  "--event-time: times that far ahead of the clock are rejected" },
	{ 0, "pin", OPT_TEXT, AT(commits.pins), "TABLE,...", "--barriers: tables whose commits the epochs say" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	return operand_only(c, &((struct state *)arg)->operand, w);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct commits_conf *f = &st->commits;

	if (st->operand == NULL)
		return ctx_usage(c, "a table is required");
	st->out.ctx = c;
	st->out.what = f->table = st->operand;
	f->out = &st->out;
	if (st->n != NULL && (!opt_count(st->n, &st->days) || st->days == 0))
		return ctx_usage(c, "-n: a number of days, 1 or more");
	if (st->follow)
		return st->n != NULL ? ctx_usage(c, "-n and --follow exclude each other") : commits_set_up(f, c);
	if (f->from != NULL || f->until != NULL || st->out.commit != NULL || f->replaced != 0 || f->every != NULL)
		return ctx_usage(c, "--from, --until, --commit, --replaced and --barriers go with --follow");
	if (f->event_time != NULL || f->water.late != NULL || f->water.idle != NULL || f->water.max_future != NULL ||
	    f->pins != NULL)
		return ctx_usage(c, "--event-time, --late, --idle, --max-future and --pin go with --barriers");
	return 0;
}

/* The table as it is. */
static int
read_once(struct ctx *c, struct state *st)
{
	struct wh_want want = { .operand = span_str(st->operand), .days = st->days,
	    .missing_ok = st->commits.missing_ok };
	struct wh_files f;
	size_t i = 0, k;
	int rc;

	if ((rc = wh_open(&want, &f)) != 0)
		return rc;
	while (rc == 0 && i < f.n) {
		bool deltas = false;

		for (k = i; k < f.n && strcmp(f.file[k].day, f.file[i].day) == 0; k++)
			deltas = deltas || f.file[k].delta;
		rows_out_at(&st->out, f.file[i].day, f.number);
		if (deltas)
			rc = merge_rows(&f, i, k, rows_out_row, &st->out);
		for (; rc == 0 && !deltas && i < k; i++)
			rc = rows_out_file(&st->out, &f.file[i], false);
		i = k;
	}
	ctx_count_made(c, st->out.rows);
	ctx_note(c, "commit", f.number);
	wh_close(&f);
	return rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = st->follow ? commits_work(&st->commits, c) : read_once(c, st);

	rows_out_free(&st->out);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-cat", .what = "the rows of a table",
	    .synopsis = "[-n N] [--dt] [--missing-ok] TABLE[@DAYS]\n"
	    "       wh-cat --follow [--from POINT] [--until POINT] [--dt] [--commit NAME]\n"
	    "       [--replaced fail|skip|rows] [--missing-ok] [--barriers DUR] [--event-time PATH]\n"
	    "       [--late DUR] [--idle DUR] [--max-future DUR] [--pin TABLE,...] TABLE",
	    .opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_EPOCHS, .word = word,
	    .set_up = set_up, .main = work };

	return run_main(argc, argv, &cmd);
}
