/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dimjoin - look a dimension up: add its fields, or pass the records that have (semi) or lack (anti) one
 *
 * Path:   DIM -> in/scan -> op/join; files or stdin -> in/scan -> op/key, op/join -> out/json -> stdout
 * Memory: the whole DIM: key and rendered fields of a row, and about 25 bytes.
 * Lines are copied around what is added; semi, anti, a --fill with nothing to fill: byte for byte.
 */
#include "op/key.h"
#include "out/json.h"
#include "run/dim.h"

enum { JOIN_LEFT, JOIN_INNER, JOIN_SEMI, JOIN_ANTI };

struct state {
	const char *keys, *dim_keys, *as, *fields, *fill, *as_of, *valid, *miss, *dim_name;
	int type;
	bool miss_reject;
	struct col_list key;
	int day;			/* column of --as-of, or -1 */
	enum unit unit;
	struct dim dim;
	int *old;			/* [dim.fields] column of the name in the record */
	struct edit *edit;
	struct keys hashed;
	struct buf scratch;
	unsigned char *types;		/* [key.n] bits of tags met, 1 << enum tag */
	uint64_t matched, unmatched;
};

static const char *const type_words[] = { "left", "inner", "semi", "anti", NULL };

static const struct opt opts[] = {
	{ 'k', "key", OPT_TEXT, offsetof(struct state, keys), "PATHS", "the key in the records" },
	{ 'K', "dim-key", OPT_TEXT, offsetof(struct state, dim_keys), "PATHS",
	  "the key in DIM (that of -k)" },
	{ 0, "type", OPT_CHOICE, offsetof(struct state, type), "left|inner|semi|anti",
	  "pass all, only matched ones, or only tell matched from unmatched (left)", type_words },
	{ 0, "as", OPT_TEXT, offsetof(struct state, as), "NAME", "add the row of DIM as one object" },
	{ 0, "fields", OPT_TEXT, offsetof(struct state, fields), "LIST",
	  "add these fields of DIM: PATH or NEW=PATH, ..." },
	{ 0, "fill", OPT_TEXT, offsetof(struct state, fill), "LIST",
	  "the same, but only where null or absent" },
	{ 0, "as-of", OPT_TEXT, offsetof(struct state, as_of), "PATH[:s|ms|us]",
	  "take the row that was valid on this day" },
	{ 0, "valid", OPT_TEXT, offsetof(struct state, valid), "FROM,TO",
	  "first and last day of a row of DIM (start_date,end_date)" },
	{ 0, "miss", OPT_TEXT, offsetof(struct state, miss), "null|reject",
	  "a record without a row: add null (default), or it is bad" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	(void)c;
	if (st->dim_name != NULL)
		return 0;
	st->dim_name = w;
	return 1;
}

static int
check(struct ctx *c, const struct state *st)
{
	const char *const *files;
	int lists = (st->as != NULL) + (st->fields != NULL) + (st->fill != NULL);

	if (st->keys == NULL)
		return ctx_usage(c, "-k is required");
	if (st->dim_name == NULL)
		return ctx_usage(c, "DIM is required");
	if (st->type >= JOIN_SEMI && lists > 0)
		return ctx_usage(c, "--type %s adds nothing: no --as, --fields, --fill with it", type_words[st->type]);
	if (st->type < JOIN_SEMI && lists != 1)
		return ctx_usage(c, "--type %s takes one of --as, --fields and --fill", type_words[st->type]);
	if (st->valid != NULL && st->as_of == NULL)
		return ctx_usage(c, "--valid goes with --as-of");
	if (st->miss != NULL && strncmp(st->miss, "park=", 5) == 0)
		return ctx_usage(c, "--miss park=DUR: this version cannot let records wait for their row");
	if (st->miss != NULL && strcmp(st->miss, "null") != 0 && strcmp(st->miss, "reject") != 0)
		return ctx_usage(c, "--miss: null or reject, not '%s'", st->miss);
	if (st->miss != NULL && st->type != JOIN_LEFT)
		return ctx_usage(c, "--miss goes with --type left: the others say what a record without a row is");
	if (strcmp(st->dim_name, "-") == 0 && ctx_files(c, &files) == 0)
		return ctx_usage(c, "DIM and the records cannot both be the standard input");
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct dim *d = &st->dim;
	int rc;

	st->day = -1;
	st->miss_reject = st->miss != NULL && strcmp(st->miss, "reject") == 0;
	if ((rc = check(c, st)) != 0 || (rc = ctx_cols(c, st->keys, "-k", &st->key)) != 0)
		return rc;
	if (st->as_of != NULL && (rc = ctx_time(c, st->as_of, "--as-of", &st->day, &st->unit)) != 0)
		return rc;
	if ((rc = dim_set_up(c, d, &(struct dim_conf){
	    .keys = st->dim_keys != NULL ? st->dim_keys : st->keys, .n_keys = st->key.n,
	    .valid = st->as_of == NULL ? NULL : st->valid != NULL ? st->valid : "start_date,end_date",
	    .as = st->as, .fields = st->fill != NULL ? st->fill : st->fields })) != 0)
		return rc;
	st->types = mem_new(st->key.n);
	st->edit = mem_array(NULL, d->n_fields, sizeof *st->edit);
	st->old = mem_array(NULL, d->n_fields, sizeof *st->old);
	for (size_t k = 0; k < d->n_fields; k++) {
		struct buf quoted = { 0 };

		buf_json(&quoted, d->field[k].name);
		if ((st->old[k] = ctx_col(c, buf_span(&quoted), "NEW")) == -1)
			return EXIT_USAGE;
		buf_free(&quoted);
	}
	return dim_read(c, d, st->dim_name);
}

/* Does any of the names stand in record i already? */
static bool
stands(const struct state *st, const struct batch *b, size_t i)
{
	for (size_t k = 0; k < st->dim.n_fields; k++)
		if (b->col[st->old[k]][i].tag != T_ABSENT)
			return true;
	return false;
}

/* Add a row's fields (all null where there is no row) to record i. */
static int
add_fields(struct ctx *c, struct state *st, const struct batch *b, size_t i, const struct span *row)
{
	struct dim *d = &st->dim;
	size_t n = 0;

	if (st->fill == NULL && !stands(st, b, i)) {
		dim_append(d, row, b->line[i], ctx_pass_begin(c, b, i));
		return ctx_pass_end(c);
	}
	for (size_t k = 0; k < d->n_fields; k++) {
		struct val old = b->col[st->old[k]][i];
		struct span v = dim_value(d, row, k);

		if (st->fill != NULL && (!val_is_null(old) || v.n == 0 || span_is(v, "null")))
			continue;
		st->edit[n++] = (struct edit){ old, buf_span(&d->field[k].key), v, EDIT_SET };
	}
	if (n == 0)
		return 0;
	json_edit(ctx_pass_begin(c, b, i), b->line[i], st->edit, n);
	return ctx_pass_end(c);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = 0;

	keys_batch(&st->hashed, b, st->key.col, st->key.n, ctx_key_as(c), KEYS_NULL_NONE);
	for (size_t i = 0; i < b->n; i++)
		if (!st->hashed.none[i])
			join_prefetch(st->dim.join, st->hashed.hash[i]);
	for (size_t i = 0; i < b->n; i++)
		if (!st->hashed.none[i])
			join_prefetch_row(st->dim.join, st->hashed.hash[i]);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		bool found = false, none = st->hashed.none[i];
		const char *why = NULL;
		struct span row;
		int32_t day = 0;

		if (b->fate[i] != F_PASS)
			continue;
		if (st->day != -1) {
			struct val at = b->col[st->day][i];

			none = none || val_is_null(at);
			if (!val_is_null(at))
				why = dim_day(c, at, st->unit, &st->scratch, &day);
		}
		if (why != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		for (size_t k = 0; k < st->key.n && st->matched == 0; k++)
			st->types[k] |= (unsigned char)(1u << b->col[st->key.col[k]][i].tag);
		if (!none)
			found = join_get(st->dim.join, st->hashed.hash[i], keys_at(&st->hashed, i), day, &row);
		st->matched += found;
		st->unmatched += !found;
		if (st->type == JOIN_ANTI ? found : !found && st->type != JOIN_LEFT)
			b->fate[i] = F_DROP;
		else if (!found && st->miss_reject)
			batch_reject(b, i, none ? "a null key, which has no row in the dimension" :
			    "no row of the dimension has this key");
		else if (st->type < JOIN_SEMI)
			rc = add_fields(c, st, b, i, found ? &row : NULL);
	}
	return rc;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;

	ctx_note(c, "matched", st->matched);
	ctx_note(c, "unmatched", st->unmatched);
	ctx_note(c, "dim_rows", join_count(st->dim.join));
	ctx_note(c, "state_bytes", join_bytes(st->dim.join));
	if (st->matched == 0)
		dim_warn_types(&st->dim, st->key.name, st->types);
	return 0;
}

static const struct command cmd = {
	.name = "dimjoin", .what = "look a dimension up",
	.synopsis = "-k PATHS [-K PATHS] [--type left|inner|semi|anti] [--as NAME | --fields LIST | --fill LIST]"
	    " [--as-of PATH [--valid FROM,TO]] [--miss null|reject] DIM [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_PLACES, .par = PAR_STATELESS,
	.word = word, .set_up = set_up, .batch = batch, .end = end,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
