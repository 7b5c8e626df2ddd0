/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdc-merge - fold changes into a snapshot or a zipper
 *
 * Path:   stdin (cdc-norm's lines) -> in/scan -> cdc/fold; then the base -> cdc/merge, cdc/zip -> stdout, in key order
 * Memory: the last change of each changed key (of each of its days with --scd2); a base in key order streams, any
 *         other is sorted.  Past -S it goes to disk.
 * The state does not depend on the order the changes came in: their ord decides, so threads share it, and without a
 * base each of them writes ranges of the keys.
 * In a barrier job the newest change of each key goes out at each mark, and the ord of each key is all that is kept.
 */
#include "cdc/cdc.h"
#include "op/newest.h"
#include "run/merging.h"
#include "run/operand.h"

struct state {
	const char *keys, *base, *deletes, *table, *date, *valid, *ord;
	bool scd2, missing_ok;
	struct merge *merge;
	struct merging stream;		/* in a barrier job, instead */
	struct ctx *ctx;
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'k', "keys", OPT_TEXT, AT(keys), "KEYS", "the key's columns; default: the change's own key" },
	{ 0, "base", OPT_TEXT, AT(base), "FILE|wh:TABLE@D", "rows as they were before the changes" },
	{ 0, "missing-ok", OPT_FLAG, AT(missing_ok), NULL, "a base of a day never committed is an empty one" },
	{ 0, "deletes", OPT_TEXT, AT(deletes), "drop|mark",
	    "deleted rows go, or stay with \"deleted\":true (with --scd2)" },
	{ 0, "scd2", OPT_FLAG, AT(scd2), NULL, "a zipper: each row holds from start_date to end_date" },
	{ 0, "date", OPT_TEXT, AT(date), "D", "the zipper's day: changes of later days are left aside" },
	CDC_OPT_TABLE(AT(table)),
	{ 0, "valid", OPT_TEXT, AT(valid), "FROM,TO", "names of the two days (start_date,end_date)" },
	{ 0, "ord", OPT_TEXT, AT(ord), "NAME",
	    "rows keep their change's ord there, and the base's is heeded" },
	{ 0 }
};

static int
put(void *arg, struct span line)
{
	const struct host *h = ctx_host(arg);

	return h->raw(h->self, 0, line);
}

static int
col(void *arg, struct span path, const char *what)
{
	return ctx_col(arg, path, what);
}

/* FROM,TO of --valid. */
static int
valid_names(struct ctx *c, const char *text, struct zip_conf *z)
{
	size_t n = strcspn(text, ",");

	if (n == 0 || text[n] == '\0' || text[n + 1] == '\0' || strchr(text + n + 1, ',') != NULL)
		return ctx_usage(c, "--valid: two names, FROM,TO");
	z->from = span_of(text, n);
	z->to = span_str(text + n + 1);
	return 0;
}

/* In a barrier job: what the first change would say for all must be said, and there is no whole to be merged. */
static int
set_up_stream(struct ctx *c, struct state *st)
{
	struct merge_conf conf = { .key_as = ctx_key_as(c), .zone = ctx_zone(c), .table = st->table };

	if (st->base != NULL || st->deletes != NULL || st->scd2 || st->date != NULL || st->valid != NULL ||
	    st->ord != NULL || st->missing_ok)
		return ctx_usage(c, "in a barrier job changes go on as they are: -k and --table alone go with it");
	if (st->keys == NULL || st->table == NULL)
		return ctx_usage(c, "in a barrier job -k and --table are required");
	return merging_stream(c, &conf, st->keys, col, &st->stream);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct merge_conf conf = { .key_as = ctx_key_as(c), .zone = ctx_zone(c),
	    .table = st->table, .budget = ctx_budget(c), .based = st->base != NULL };
	struct zip_conf *z = &conf.zip;
	struct span twice;
	int rc;

	st->ctx = c;
	if (ctx_in_job(c))
		return set_up_stream(c, st);
	if (st->scd2 != (st->date != NULL))
		return ctx_usage(c, "--scd2 and --date D go together");
	if (st->valid != NULL && !st->scd2)
		return ctx_usage(c, "--valid goes with --scd2");
	if (st->missing_ok && st->base == NULL)
		return ctx_usage(c, "--missing-ok goes with --base");
	if (st->base != NULL && strcmp(st->base, "-") == 0 && operand_stdin(c))
		return ctx_usage(c, "--base and the changes cannot both be the standard input");
	if (st->date != NULL && (rc = ctx_day(c, st->date, "--date", &conf.date)) != 0)
		return rc;
	if ((rc = valid_names(c, st->valid == NULL ? "start_date,end_date" : st->valid, z)) != 0)
		return rc;
	z->days = st->scd2;
	z->mark = st->deletes == NULL ? st->scd2 : strcmp(st->deletes, "mark") == 0;
	if (st->deletes != NULL && !z->mark && strcmp(st->deletes, "drop") != 0)
		return ctx_usage(c, "--deletes: drop or mark, not '%s'", st->deletes);
	z->deleted = span_str("deleted");
	z->ord = span_str(st->ord == NULL ? "" : st->ord);
	twice = zip_twice(z);
	if (twice.n > 0)
		return ctx_usage(c, "--valid, --ord and deleted: the name '%.*s' stands twice", (int)twice.n, twice.p);
	z->put = put;
	z->arg = c;
	st->merge = merge_new(&conf);
	return merge_columns(st->merge, st->keys, col, c) == 0 ? 0 : EXIT_USAGE;
}

static int
turn(void *arg)
{
	return ctx_turn(arg);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;

	if (st->stream.newest != NULL)
		return merging_batch(&st->stream, b);
	return merge_batch(st->merge, b, ctx_left(c) == NULL ? NULL : turn, c);
}

static int
let_go(struct ctx *c, void *arg)
{
	(void)c;
	return merge_let_go(((struct state *)arg)->merge);
}

static int
thread(struct ctx *c, void *arg, const void *first)
{
	struct state *st = arg;

	(void)c;
	*st = *(const struct state *)first;
	st->merge = merge_more(st->merge);
	return 0;
}

static int
join(struct ctx *c, void *arg, void *thread_arg)
{
	struct state *st = arg, *of = thread_arg;

	(void)c;
	merge_join(st->merge, of->merge);
	merge_free(of->merge);
	return 0;
}

static size_t
pieces(struct ctx *c, void *arg, int *rc)
{
	(void)c;
	*rc = 0;
	return merge_pieces(((struct state *)arg)->merge);
}

static int
piece(struct ctx *c, void *arg, void *thread_arg, size_t i)
{
	(void)thread_arg;
	return merge_piece(((struct state *)arg)->merge, i, put, c);
}

static int
base_rows(void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = merge_base_batch(st->merge, b);

	return rc == -1 ? EXIT_NO : rc;
}

/* A base in key order streams: one look first, where it lasts for two. */
static int
read_base(struct ctx *c, struct state *st)
{
	const struct pathset *ps = merge_base_paths(st->merge);
	enum merge_base_how how = BASE_HOLD;
	int rc = 0;

	if (ps == NULL) {
		if (merge_truncated(st->merge))
			return err_usage("a truncate, but no change says the key: give -k");
		rc = merge_base_begin(st->merge, BASE_PASS);
		return rc != 0 ? rc : ctx_read(c, st->base, pathset_new(), base_rows, st);
	}
	if (merging_lasts(st->base)) {
		(void)merge_base_begin(st->merge, BASE_CHECK);
		rc = ctx_look(c, st->base, ps, base_rows, st);
		how = merge_disorder(st->merge) ? BASE_HOLD : BASE_STREAM;
		if (rc != 0 && how == BASE_STREAM)
			return rc;
	}
	rc = merge_base_begin(st->merge, how);
	return rc != 0 ? rc : ctx_read(c, st->base, ps, base_rows, st);
}

static int
mark(struct ctx *c, void *arg, const struct mark *m)
{
	(void)c;
	return merging_mark(&((struct state *)arg)->stream, m);
}

static const struct op *
op(void *arg, int i, void **op_state)
{
	*op_state = ((struct state *)arg)->stream.newest;
	return i == 0 && *op_state != NULL ? &newest_op : NULL;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = merge_base_begin(st->merge, BASE_STREAM);

	if (rc == 0 && st->base != NULL && (rc = st->missing_ok ? merging_absent(st->base) : 0) >= 0)
		rc = rc == 1 ? 0 : read_base(c, st);
	rc = rc < 0 ? -rc : rc;
	if (rc == 0)
		rc = merge_end(st->merge);
	merging_notes(c, st->merge);
	return rc;
}

static const struct command cmd = {
	.name = "cdc-merge", .what = "fold changes into a snapshot or a zipper",
	.synopsis =
	    "[-k KEYS] [--base FILE|wh:TABLE@D] [--missing-ok] [--deletes drop|mark]\n"
	    "       [--table TABLE] [--scd2 --date D [--valid FROM,TO]] [--ord NAME] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EPOCHS, .par = PAR_STATELESS,
	.set_up = set_up, .batch = batch, .let_go = let_go, .thread = thread, .join = join, .pieces = pieces,
	.piece = piece, .mark = mark, .op = op, .end = end,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
