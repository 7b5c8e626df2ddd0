/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json-clean - dates, nulls, types, required keys, fills, masks and ciphers by a table's spec
 *
 * Path:   files or stdin -> in/scan -> expr/clean -> out/json -> stdout
 * Memory: a block of input and its output for each thread; nothing grows with the data, but for the names of
 *         fields, of which the first 65,536 are remembered.
 * A record that no rule changes is not touched; of one that is changed, all other bytes stay.
 */
#include <stdlib.h>

#include "edge/keyring.h"
#include "expr/clean.h"
#include "out/json.h"
#include "run/conf.h"
#include "run/run.h"

#define KEYRINGS_MAX 16

struct keys {
	struct span name;		/* the spec's bytes: for set_up alone */
	struct keyring *ring;
};

struct state {
	struct ctx *ctx;
	const char *spec;
	struct keys keys[KEYRINGS_MAX];
	size_t n_keys;
	struct spec *rules;
	struct clean *clean;
	struct edit *edit;
	size_t cap;
	uint64_t changed;
};

static const struct opt opts[] = {
	{ 's', "spec", OPT_TEXT, offsetof(struct state, spec), "SPEC", "file of cleaning rules" },
	{ 0 }
};

/* key=NAME is the file of that name among the tenant's keys, opened once. */
static int
keys_open(void *arg, struct span name, void **keys)
{
	struct state *st = arg;
	size_t i = 0;
	int rc;

	while (i < st->n_keys && !span_eq(st->keys[i].name, name))
		i++;
	if (i == st->n_keys) {
		if (i == KEYRINGS_MAX)
			return err_usage("a spec names at most %d files of keys", KEYRINGS_MAX);
		if ((rc = conf_keys(st->ctx, name, &st->keys[i].ring)) != 0)
			return rc;
		st->keys[i].name = name;
		st->n_keys++;
	}
	*keys = st->keys[i].ring;
	return 0;
}

static const char *
seal(void *keys, struct span text, struct buf *out)
{
	return keyring_seal(keys, text, out) ? NULL : "it cannot be encrypted";
}

static const char *
unseal(void *keys, struct span sealed, struct buf *out, bool *newest)
{
	return keyring_unseal(keys, sealed, out, newest);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct expr_env env = ctx_env(c, NULL);
	const struct clean_cipher cipher = { keys_open, seal, unseal, keyring_is_sealed, st };
	int rc;

	st->ctx = c;
	if (st->spec == NULL)
		return ctx_usage(c, "-s is required");
	if ((rc = conf_spec(c, st->spec, SPEC_WORDS, &st->rules)) != 0 ||
	    (rc = clean_compile(st->rules, &env, &cipher, &st->clean)) != 0)
		return rc;
	if (st->n_keys > 0)
		ctx_serial(c);		/* keys are in one place, to be wiped there */
	return 0;
}

static int
thread(struct ctx *c, void *arg, const void *first)
{
	struct state *st = arg;
	struct expr_env env = ctx_env(c, NULL);

	*st = *(const struct state *)first;
	st->ctx = c;
	st->edit = NULL;
	st->cap = 0;
	st->changed = 0;
	return clean_compile(st->rules, &env, NULL, &st->clean);
}

static int
join(struct ctx *c, void *arg, void *thread_st)
{
	struct state *st = arg, *other = thread_st;

	(void)c;
	st->changed += other->changed;
	clean_free(other->clean);
	free(other->edit);
	return 0;
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

/* Keys are wiped however it ends. */
static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	for (size_t i = 0; i < st->n_keys; i++)
		keyring_free(st->keys[i].ring);
	st->n_keys = 0;
	return status;
}

static const struct command cmd = {
	.name = "json-clean", .what = "dates, nulls, types, required keys, fills and masks by a table's spec",
	.synopsis = "-s SPEC [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EPOCHS, .par = PAR_STATELESS,
	.set_up = set_up, .thread = thread, .join = join, .batch = batch, .end = end, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
