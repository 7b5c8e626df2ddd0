/* SPDX-License-Identifier: BSD-2-Clause */
/* commit - see commit.h */
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/layout.h"

#define SUM_HEAD ",\"sha256\":\""
#define SUM_TAIL "\"}\n"

/* ---- shape ---- */

static bool
is_count(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool
optional(const json_t *o, const char *key, json_type type)
{
	const json_t *v = json_object_get(o, key);

	return v == NULL || json_typeof(v) == type;
}

static bool
is_word(const json_t *v, const char *const *words)
{
	for (; json_is_string(v) && *words != NULL; words++)
		if (strcmp(json_string_value(v), *words) == 0)
			return true;
	return false;
}

static bool
is_file_name(const json_t *v)
{
	const char *s = json_string_value(v);

	return s != NULL && *s != '\0' && *s != '.' && strlen(s) < 200 && strchr(s, '/') == NULL;
}

static bool
is_hex(const json_t *v, size_t n)
{
	const char *s = json_string_value(v);

	return s != NULL && strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static const char *
bad_file(const json_t *f)
{
	if (!is_file_name(json_object_get(f, "file")))
		return "a file without a good name";
	if (!is_count(f, "rows") || !is_count(f, "bytes") || !is_hex(json_object_get(f, "xxh64"), 16))
		return "a file without rows, bytes or xxh64";
	if (!optional(f, "min_ts", JSON_INTEGER) || !optional(f, "max_ts", JSON_INTEGER) ||
	    (json_object_get(f, "min_ts") == NULL) != (json_object_get(f, "max_ts") == NULL))
		return "a file with bad times";
	if (!optional(f, "first_key", JSON_STRING) || !optional(f, "last_key", JSON_STRING) ||
	    !optional(f, "app", JSON_STRING) || !optional(f, "delta", JSON_TRUE) || !optional(f, "of", JSON_INTEGER) ||
	    (json_object_get(f, "chain") != NULL && !is_hex(json_object_get(f, "chain"), 16)))
		return "a file with a bad key, app, delta, of or chain";
	return NULL;
}

static const char *
bad_day(const char *name, const json_t *d)
{
	static const char *const mode[] = { "append", "replace", "rewrite", "delta", "drop", NULL };
	const json_t *add = json_object_get(d, "add"), *rm = json_object_get(d, "rm"), *v;
	const char *why;
	size_t i;

	if (!day_good(span_str(name), NULL))
		return "a day that is none";
	if (!is_word(json_object_get(d, "mode"), mode) || !json_is_array(add) || !json_is_array(rm))
		return "a day without mode, add or rm";
	json_array_foreach(add, i, v)
		if ((why = bad_file(v)) != NULL)
			return why;
	json_array_foreach(rm, i, v)
		if (!is_file_name(v))
			return "rm is no list of files";
	return NULL;
}

static const char *
bad_lists(const json_t *c)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(c, "txns"), i, v)
		if (!json_is_string(json_object_get(v, "app")) || !json_is_string(json_object_get(v, "from")) ||
		    !json_is_string(json_object_get(v, "to")) || !is_count(v, "epoch"))
			return "a txn without app, from, to or epoch";
	json_array_foreach(json_object_get(c, "schema"), i, v)
		if (!json_is_string(json_object_get(v, "name")) || !is_count(v, "types"))
			return "schema is no list of {name, types}";
	json_array_foreach(json_object_get(c, "apps"), i, v)
		if (!json_is_string(v))
			return "apps is no list of names";
	return NULL;
}

const char *
commit_bad(const json_t *c)
{
	static const char *const kind[] = { "meta", "data", "fence", NULL };
	json_t *days = json_object_get(c, "days"), *d;
	const char *name, *why;

	if (commit_u64(c, "v") != COMMIT_VERSION)
		return "not a record of version 1";
	if (!is_count(c, "n") || !is_count(c, "base") || !is_hex(json_object_get(c, "nonce"), 32) ||
	    !is_word(json_object_get(c, "kind"), kind))
		return "n, base, nonce or kind is missing";
	if (!optional(c, "app", JSON_STRING) || !optional(c, "apps", JSON_ARRAY) ||
	    !optional(c, "epoch", JSON_INTEGER) ||
	    !optional(c, "ts", JSON_INTEGER) || !optional(c, "txns", JSON_ARRAY) || !optional(c, "days",
	    JSON_OBJECT) ||
	    !optional(c, "inputs", JSON_OBJECT) || !optional(c, "reads", JSON_OBJECT) ||
	    !optional(c, "counts", JSON_OBJECT) || !optional(c, "run", JSON_STRING) ||
	    !optional(c, "schema", JSON_ARRAY) || !optional(c, "meta", JSON_STRING))
		return "a member of the wrong kind";
	if (strcmp(commit_text(c, "kind"), "meta") == 0 && json_object_get(c, "meta") == NULL)
		return "a meta record without meta";
	if ((why = bad_lists(c)) != NULL)
		return why;
	json_object_foreach(days, name, d)
		if ((why = bad_day(name, d)) != NULL)
			return why;
	return NULL;
}

/* ---- bytes ---- */

int
commit_unseal(struct span b, const char *name, json_t **out)
{
	const size_t tail = strlen(SUM_HEAD) + SHA256_HEX + strlen(SUM_TAIL);
	char want[SHA256_HEX];
	json_error_t err;
	const char *sum;

	*out = NULL;
	if (b.n < tail || memcmp(b.p + b.n - strlen(SUM_TAIL), SUM_TAIL, strlen(SUM_TAIL)) != 0 ||
	    memcmp(b.p + b.n - tail, SUM_HEAD, strlen(SUM_HEAD)) != 0)
		return err_input("%s: torn: it does not end in its sum", name);
	sum = b.p + b.n - tail + strlen(SUM_HEAD);
	hash_sha256(span_of(b.p, b.n - tail), want);
	if (memcmp(sum, want, sizeof want) != 0)
		return err_input("%s: its sum is wrong: the record was changed", name);
	*out = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, &err);
	return *out != NULL ? 0 : err_input("%s: %s", name, err.text);
}

int
commit_parse(struct span b, const char *name, json_t **out)
{
	const char *why;
	int rc = commit_unseal(b, name, out);

	if (rc != 0 || (why = commit_bad(*out)) == NULL)
		return rc;
	json_decref(*out);
	*out = NULL;
	return err_input("%s: %s", name, why);
}

void
commit_print(const json_t *c, struct buf *out)
{
	char *text = json_dumps(c, JSON_COMPACT | JSON_REAL_PRECISION(6)), sum[SHA256_HEX];
	size_t from = out->n;

	if (text == NULL)
		err_die(EXIT_IO, "out of memory (commit record)");
	buf_add(out, text, strlen(text) - 1);
	free(text);
	hash_sha256(span_of(out->p + from, out->n - from), sum);
	buf_str(out, SUM_HEAD);
	buf_add(out, sum, sizeof sum);
	buf_str(out, SUM_TAIL);
}

const char *
commit_text(const json_t *c, const char *key)
{
	const char *s = json_string_value(json_object_get(c, key));

	return s == NULL ? "" : s;
}

uint64_t
commit_u64(const json_t *c, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(c, key));

	return v < 0 ? 0 : (uint64_t)v;
}

json_t *
commit_new(const char *kind, const char *app, uint64_t base)
{
	char nonce[NONCE_BYTES];
	json_t *c;

	fs_nonce(nonce);
	c = json_pack("{s:i,s:I,s:s,s:s,s:I,s:s,s:I,s:I}", "v", COMMIT_VERSION, "n", (json_int_t)0, "nonce", nonce,
	    "kind", kind, "ts", (json_int_t)clock_real_ms(), "app", app, "epoch", (json_int_t)base, "base",
	    (json_int_t)base);
	if (c == NULL)
		err_die(EXIT_IO, "out of memory (commit record)");
	return c;
}
