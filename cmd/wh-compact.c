/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-compact - fold the deltas of keyed tables into their days, and put small files together
 *
 * Path:   the table's log -> store/compact, a day at a time: pool files -> merged or joined -> a commit that rewrites
 * Memory: the table's file list; a block of each file read at once, at most 64, and one file that is written.
 */
#include <stdlib.h>

#include "run/operand.h"
#include "run/txn.h"
#include "store/compact.h"
#include "store/fs.h"
#include "store/ref.h"

struct state {
	struct compact_conf conf;
	size_t target;			/* options */
	bool dry;
	struct opt_list operands;
	struct ctx *ctx;
};

static const struct opt opts[] = {
	{ 0, "target", OPT_SIZE, offsetof(struct state, target), "SIZE",
	  "files of a day that together hold no more become one (128M)" },
	{ 'n', "dry-run", OPT_FLAG, offsetof(struct state, dry), NULL, "only say what would be done" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	(void)c;
	return operand_add(&((struct state *)arg)->operands, w);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;

	st->ctx = c;
	st->conf = (struct compact_conf){ st->target == 0 ? 128 * (uint64_t)MIB : st->target, st->dry };
	return 0;
}

static int
say(struct state *st, const char *table, const char *day, const struct compact_did *d)
{
	return answer_json(st->ctx, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I}", "table", table, "dt", day, "commit",
	    (json_int_t)d->commit, "files", (json_int_t)d->files, "made", (json_int_t)d->made, "rows",
	    (json_int_t)d->rows));
}

/* A day until there is nothing more to do: a run stages, so there it is one step. */
static int
one_day(struct state *st, struct table *t, const char *day)
{
	const char *run = ctx_run_dir(st->ctx);
	struct compact_did did;
	int rc;

	do {
		rc = compact_day(t, day, run, &st->conf, &did);
		if (rc == 0 && did.files > 0)
			rc = say(st, t->name, day, &did);
	} while (rc == 0 && did.files > 0 && did.commit > 0 && !ctx_stopped(st->ctx));
	return rc;
}

static int
one_table(struct state *st, struct span name, struct span days)
{
	char from[DAY_BYTES], to[DAY_BYTES];
	struct fs_names l = { 0 };
	struct day **day;
	struct table *t;
	bool none;
	size_t n;
	int rc;

	if ((rc = table_open(name, PLACE_WRITE, LOG_HEAD, &t)) != 0)
		return rc;
	if (t->live->head == 0) {
		err_warn("%s: no such table", t->name);
		rc = EXIT_NO;
	}
	if (rc == 0)
		rc = ref_range(t, days, from, to, &none);
	/* the names are copied: the state moves on with each commit */
	day = rc == 0 ? live_days(t->live, &n) : NULL;
	for (size_t i = 0; rc == 0 && !none && i < n; i++)
		if (strcmp(day[i]->name, from) >= 0 && strcmp(day[i]->name, to) <= 0) {
			l.v = mem_array(l.v, l.n + 1, sizeof *l.v);
			l.v[l.n++] = mem_str(day[i]->name);
		}
	free(day);
	for (size_t i = 0; rc == 0 && i < l.n && !ctx_stopped(st->ctx); i++)
		rc = one_day(st, t, l.v[i]);
	fs_names_free(&l);
	table_close(t);
	return rc;
}

static int
all_tables(struct state *st)
{
	struct fs_names l;
	int rc = table_list_own(&l);

	for (size_t i = 0; rc == 0 && i < l.n; i++)
		rc = one_table(st, span_str(l.v[i]), span_of(NULL, 0));
	fs_names_free(&l);
	return rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = 0;

	if (ctx_run_dir(c) == NULL && (rc = txn_redo()) != 0)
		return rc;
	if (st->operands.n == 0)
		return all_tables(st);
	for (size_t i = 0; rc == 0 && i < st->operands.n; i++) {
		struct span name, days;
		const char *why = ref_split(span_str(st->operands.v[i]), &name, &days);

		rc = why != NULL ? ctx_usage(c, "'%s': %s", st->operands.v[i], why) : one_table(st, name, days);
	}
	free(st->operands.v);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-compact", .what = "fold deltas and put small files together",
	    .synopsis = "[-n] [--target SIZE] [TABLE[@DAYS] ...]", .opts = opts, .state_bytes = sizeof(struct state),
	    .is = CMD_NO_INPUT | CMD_EFFECT, .word = word, .set_up = set_up, .main = work };

	return run_main(argc, argv, &cmd);
}
