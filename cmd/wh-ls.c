/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-ls - tables, their days, their commits, and why a day's last commit differs from the one before
 *
 * Path:   the tables' logs -> one JSON line each -> stdout
 * Memory: a table's file list; with --why the days' last commits.
 */
#include <stdlib.h>

#include "run/operand.h"
#include "store/fs.h"
#include "store/history.h"
#include "store/ref.h"
#include "store/table.h"

struct state {
	bool verbose, why;
	const char *operand;
	struct ctx *ctx;
	char from[DAY_BYTES], to[DAY_BYTES];
	size_t seen;
};

static const struct opt opts[] = {
	{ 'v', "verbose", OPT_FLAG, offsetof(struct state, verbose), NULL, "commits instead of days" },
	{ 0, "why", OPT_FLAG, offsetof(struct state, why), NULL,
	  "for each day: which input its last commit read otherwise than the one before" },
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

	st->ctx = c;
	if (st->operand == NULL && (st->verbose || st->why))
		return ctx_usage(c, "-v and --why need a table");
	if (st->verbose && st->why)
		return ctx_usage(c, "-v and --why exclude each other");
	return 0;
}

static bool
wanted(const struct state *st, const char *day)
{
	return strcmp(day, st->from) >= 0 && strcmp(day, st->to) <= 0;
}

/* ---- tables and days ---- */

struct sums { uint64_t files, rows, bytes; };

static void
add(struct sums *n, const struct day *d)
{
	for (size_t i = 0; i < d->n; i++) {
		n->files++;
		n->rows += d->file[i].rows;
		n->bytes += d->file[i].bytes;
	}
}

static int
one_table(struct state *st, const char *name)
{
	struct sums n = { 0 };
	struct table *t;
	struct day **day;
	size_t days;
	json_t *j;
	int rc;

	if ((rc = table_open(span_str(name), PLACE_READ, LOG_HEAD, &t)) != 0)
		return rc;
	day = live_days(t->live, &days);
	for (size_t i = 0; i < days; i++)
		add(&n, day[i]);
	j = json_pack("{s:s,s:s,s:I,s:I,s:s?,s:s?,s:I,s:I,s:I}", "table", name, "kind",
	    kind_name(t->meta.kind), "commit",
	    (json_int_t)t->live->head, "days", (json_int_t)days, "first", days == 0 ? NULL : day[0]->name, "last",
	    days == 0 ? NULL : day[days - 1]->name, "files", (json_int_t)n.files, "rows", (json_int_t)n.rows, "bytes",
	    (json_int_t)n.bytes);
	free(day);
	table_close(t);
	return answer_json(st->ctx, j);
}

static int
all_tables(struct state *st)
{
	struct fs_names l;
	int rc = table_list(&l);

	for (size_t i = 0; rc == 0 && i < l.n; i++)
		rc = one_table(st, l.v[i]);
	fs_names_free(&l);
	return rc;
}

static int
all_days(struct state *st, const struct table *t)
{
	struct day **day;
	size_t n;
	int rc = 0;

	day = live_days(t->live, &n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct sums s = { 0 };

		if (!wanted(st, day[i]->name))
			continue;
		add(&s, day[i]);
		st->seen++;
		rc = answer_json(st->ctx, json_pack("{s:s,s:I,s:I,s:I,s:I}", "dt", day[i]->name, "rows",
		    (json_int_t)s.rows, "files",
		    (json_int_t)s.files, "bytes", (json_int_t)s.bytes, "commit", (json_int_t)day[i]->touched));
	}
	free(day);
	return rc;
}

/* ---- commits ---- */

static int
one_commit(void *arg, json_t *c)
{
	json_t *days = json_object_get(c, "days"), *d;
	struct state *st = arg;
	bool show = strcmp(st->from, "0000-00-00") == 0;
	const char *day;

	json_object_foreach(days, day, d)
		show = show || wanted(st, day);
	if (!show)
		return 0;
	st->seen++;
	json_object_del(c, "sha256");
	return answer_json(st->ctx, json_incref(c));
}

static int
one_reason(void *arg, json_t *line)
{
	struct state *st = arg;

	st->seen++;
	return answer_json(st->ctx, json_incref(line));
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct span name, days;
	struct table *t;
	const char *why;
	bool none;
	int rc;

	if (st->operand == NULL)
		return all_tables(st);
	if ((why = ref_split(span_str(st->operand), &name, &days)) != NULL)
		return ctx_usage(c, "'%s': %s", st->operand, why);
	if ((rc = table_open(name, PLACE_READ, LOG_HEAD, &t)) != 0)
		return rc;
	if ((rc = ref_range(t, days, st->from, st->to, &none)) == 0 && !none)
		rc = st->why ? history_why(t, st->from, st->to, one_reason, st) :
		    st->verbose ? history_each(t, one_commit, st) : all_days(st, t);
	if (rc == 0 && st->seen == 0) {
		err_warn("%s: nothing committed", st->operand);
		rc = EXIT_NO;
	}
	table_close(t);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-ls", .what = "tables, their days and their commits",
	    .synopsis = "[-v] [--why] [TABLE[@DAYS]]", .opts = opts, .state_bytes = sizeof(struct state),
	    .is = CMD_NO_INPUT, .word = word, .set_up = set_up, .main = work };

	return run_main(argc, argv, &cmd);
}
