/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-fsck - are the tables what their logs say: records, checkpoints, files, rows, views
 *
 * Path:   the tables' logs, pools and views -> store/fsck -> one JSON line each finding -> stdout
 * Memory: the names of a table's files, those of the versions that are kept too.
 */
#include <stdlib.h>

#include "run/operand.h"
#include "store/fs.h"
#include "store/fsck.h"
#include "store/table.h"

struct state {
	bool quick, repair;		/* options */
	struct opt_list tables;
	struct ctx *ctx;
};

static const struct opt opts[] = {
	{ 0, "quick", OPT_FLAG, offsetof(struct state, quick), NULL, "look at sizes only, do not read the files" },
	{ 0, "repair-views", OPT_FLAG, offsetof(struct state, repair), NULL,
	  "make the views and _table again where they are not what the log says" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	(void)c;
	return operand_add(&((struct state *)arg)->tables, w);
}

static int
set_up(struct ctx *c, void *arg)
{
	((struct state *)arg)->ctx = c;
	return 0;
}

static int
say(void *arg, const struct fsck_finding *f)
{
	static const char *const is[] = { "damage", "stale", "repaired", "orphan" };

	return answer_json(((struct state *)arg)->ctx, json_pack("{s:s,s:s,s:s?,s:s?,s:o,s:s}", "found", is[f->is],
	    "table", f->table, "dt", f->day, "file", f->file, "commit", f->commit == 0 ? json_null() :
	    json_integer((json_int_t)f->commit), "text", f->text));
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct fsck_conf conf = { .each = say, .arg = st, .quick = st->quick, .repair = st->repair };
	struct fsck_did did = { 0 };
	struct fs_names l = { 0 };
	bool failed = false;
	int rc = 0;

	if (st->tables.n == 0)
		rc = st->repair ? table_list_own(&l) : table_list(&l);
	for (size_t i = 0; rc == 0 && i < st->tables.n + l.n && !ctx_stopped(c); i++) {
		rc = fsck_table(i < st->tables.n ? st->tables.v[i] : l.v[i - st->tables.n], &conf, &did);
		/* one that cannot be read does not keep the others from being looked at */
		failed = failed || rc == EXIT_IO;
		rc = rc == EXIT_IO ? 0 : rc;
	}
	fs_names_free(&l);
	free(st->tables.v);
	ctx_note(c, "damage", did.damage);
	ctx_note(c, "stale", did.stale);
	ctx_note(c, "orphans", did.orphans);
	ctx_note(c, "commits", did.commits);
	ctx_note(c, "files", did.files);
	ctx_note(c, "rows", did.rows);
	if (rc == 0 && failed)
		rc = EXIT_IO;
	return rc == 0 && did.damage + did.stale > 0 ? EXIT_NO : rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-fsck", .what = "are the tables what their logs say",
	    .synopsis = "[--quick] [--repair-views] [TABLE ...]", .opts = opts, .state_bytes = sizeof(struct state),
	    .is = CMD_NO_INPUT, .word = word, .set_up = set_up, .main = work };

	return run_main(argc, argv, &cmd);
}
