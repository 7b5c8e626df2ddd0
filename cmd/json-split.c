/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json-split - an array into one record per element
 *
 * Path:   files or stdin -> in/scan -> in/rec -> out/json -> stdout
 * Memory: two blocks of input and one record of output; nothing grows with the data.
 * Elements and kept fields are copied as they stand.
 */
#include "in/rec.h"
#include "out/json.h"
#include "run/run.h"

struct state {
	const char *path, *as, *index, *keep;
	int col;
	struct col_list kept;
	struct buf key, index_key, number;
};

static const struct opt opts[] = {
	{ 'e', "element", OPT_TEXT, offsetof(struct state, path), "PATH", "the array" },
	{ 0, "as", OPT_TEXT, offsetof(struct state, as), "NAME",
	  "what an element is called (the path's last segment)" },
	{ 0, "index", OPT_TEXT, offsetof(struct state, index), "NAME",
	  "add the element's number, from 0, under NAME" },
	{ 0, "keep", OPT_TEXT, offsetof(struct state, keep), "PATHS",
	  "fields of the record that go before each element: PATH or NAME=PATH, ..." },
	{ 0 }
};

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct span name, index = { NULL, 0 };
	int rc;

	if (st->path == NULL)
		return ctx_usage(c, "-e is required");
	if ((st->col = ctx_col(c, span_str(st->path), "-e")) == -1)
		return EXIT_USAGE;
	if (st->keep != NULL && (rc = ctx_cols(c, st->keep, "--keep", &st->kept)) != 0)
		return rc;
	name = st->as != NULL ? span_str(st->as) : path_last(&ctx_paths(c)->path[st->col]);
	if ((rc = ctx_name(c, name, "--as")) != 0)
		return rc;
	json_key(&st->key, name);
	if (st->index != NULL) {
		index = span_str(st->index);
		if ((rc = ctx_name(c, index, "--index")) != 0)
			return rc;
		json_key(&st->index_key, index);
	}
	for (size_t i = 0; i < st->kept.n; i++)
		if (span_eq(st->kept.name[i], name) || (index.p != NULL && span_eq(st->kept.name[i], index)))
			return ctx_usage(c, "the name '%.*s' stands twice", (int)st->kept.name[i].n,
			    st->kept.name[i].p);
	if (index.p != NULL && span_eq(name, index))
		return ctx_usage(c, "the name '%.*s' stands twice", (int)name.n, name.p);
	return 0;
}

static int
split(struct ctx *c, struct state *st, const struct batch *b, size_t i)
{
	struct rec r;
	struct span none;
	struct val v;
	uint64_t n = 0;
	int rc = 0;

	rec_begin(&r, b->col[st->col][i].raw);
	for (; rc == 0 && rec_next(&r, &none, &v); n++) {
		struct buf *out = ctx_made_begin(c, b, i);

		json_open(out);
		for (size_t k = 0; k < st->kept.n; k++)
			json_member(out, st->kept.key[k], b->col[st->kept.col[k]][i].raw);
		json_member(out, buf_span(&st->key), v.raw);
		if (st->index != NULL) {
			buf_clear(&st->number);
			buf_u64(&st->number, n);
			json_member(out, buf_span(&st->index_key), buf_span(&st->number));
		}
		json_shut(out);
		rc = ctx_made_end(c);
	}
	return rc;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct val v = b->col[st->col][i];

		b->fate[i] = F_USED;
		if (v.tag == T_ARR)
			rc = split(c, st, b, i);
		else if (!val_is_null(v))
			batch_reject(b, i, "the value to split is not an array");
	}
	return rc;
}

static int
thread(struct ctx *c, void *st, const void *first)
{
	(void)c;
	*(struct state *)st = *(const struct state *)first;
	((struct state *)st)->number = (struct buf){ 0 };
	return 0;
}

static const struct command cmd = {
	.name = "json-split", .what = "an array into one record per element",
	.synopsis = "-e PATH [--as NAME] [--index NAME] [--keep PATHS] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EPOCHS, .par = PAR_STATELESS,
	.set_up = set_up, .thread = thread, .batch = batch,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
