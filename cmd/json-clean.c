/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json-clean - dates, nulls, types, required keys and fills by a table's spec
 *
 * Path:   files or stdin -> in/scan -> expr/clean -> out/json -> stdout
 * Memory: one block of input and one record of output; nothing grows with the data, but for the names of
 *         fields, of which the first 65,536 are remembered.
 * A record that no rule changes is not touched; of one that is changed, all other bytes stay.
 */
#include "expr/clean.h"
#include "out/json.h"
#include "run/run.h"

struct state {
	const char *spec;
	struct clean *clean;
	struct edit *edit;
	size_t cap;
	uint64_t changed;
};

static const struct opt opts[] = {
	{ 's', "spec", OPT_TEXT, offsetof(struct state, spec), "SPEC", "file of cleaning rules" },
	{ 0 }
};

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct expr_env env = ctx_env(c, NULL);
	struct spec *spec;
	int rc;

	if (st->spec == NULL)
		return ctx_usage(c, "-s is required");
	if ((rc = spec_read(st->spec, SPEC_WORDS, &spec)) != 0)
		return rc;
	rc = clean_compile(spec, &env, &st->clean);
	spec_free(spec);
	return rc;
}

static int
rewrite(struct ctx *c, struct state *st, const struct batch *b, size_t i, const struct clean_edit *e, size_t n)
{
	if (n > st->cap) {
		st->cap = n * 2;
		st->edit = mem_array(st->edit, st->cap, sizeof *st->edit);
	}
	for (size_t k = 0; k < n; k++)
		st->edit[k] = (struct edit){ e[k].old, e[k].key, e[k].value, EDIT_SET };
	st->changed++;
	json_edit(ctx_pass_begin(c, b, i), b->line[i], st->edit, n);
	return ctx_pass_end(c);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	struct clean_edit *e;
	size_t n;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		const char *why = clean_record(st->clean, b, i, &e, &n);

		if (why != NULL)
			batch_reject(b, i, why);
		else if (n > 0)
			rc = rewrite(c, st, b, i, e, n);
	}
	return rc;
}

static int
end(struct ctx *c, void *arg)
{
	const struct state *st = arg;

	ctx_note(c, "changed", st->changed);
	return 0;
}

static const struct command cmd = {
	.name = "json-clean", .what = "dates, nulls, types, required keys and fills by a table's spec",
	.synopsis = "-s SPEC [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_STATELESS,
	.set_up = set_up, .batch = batch, .end = end,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
