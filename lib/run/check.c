/* SPDX-License-Identifier: BSD-2-Clause */
/* check - see check.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spec.h"
#include "op/key.h"
#include "run/check_own.h"
#include "run/conf.h"

static struct span
trim(struct span s)
{
	while (s.n > 0 && strchr(" \t\n", *s.p) != NULL)
		s = span_from(s, 1);
	while (s.n > 0 && strchr(" \t\n", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

bool
check_is(struct span s)
{
	s = trim(s);
	return arg_word(&s, "warn") || arg_word(&s, "fail") || (word_call(s) && s.p[s.n - 1] == ')');
}

static int
compile(struct ctx *ctx, struct check *k, struct buf *sql, const char *where)
{
	struct buf what = { 0 };
	int rc;

	buf_fmt(&what, "%s: %.*s: as %s", where, (int)(k->text.n < 100 ? k->text.n : 100), k->text.p, buf_cstr(sql));
	rc = ctx_expr(ctx, buf_span(sql), buf_cstr(&what), &k->expr);
	buf_free(&what);
	buf_free(sql);
	return rc;
}

int
check_form(struct ctx *ctx, const struct check *k, const char *where, const char *form)
{
	return ctx_usage(ctx, "%s: %.*s: the form is %s", where, (int)(k->text.n < 100 ? k->text.n : 100),
	    k->text.p, form);
}

/* ---- the checks, in the order of the page ---- */

static int
add_not_null(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };
	bool quoted = false;

	(void)cs;
	if (c->n == 0)
		return check_form(ctx, k, where, "not_null(PATH,…)");
	/* a name in quotes is a text, which never is null: such a check would look as if it held */
	for (size_t i = 0; i < c->n; i++)
		quoted = quoted || arg_text(c->arg[i], &sql);
	buf_clear(&sql);
	for (size_t i = 0; i < c->n && !quoted; i++)
		buf_fmt(&sql, "%s(%.*s) IS NOT NULL", i == 0 ? "" : " AND ", (int)c->arg[i].n, c->arg[i].p);
	if (quoted) {
		buf_free(&sql);
		return check_form(ctx, k, where, "not_null(PATH,…), the PATH without quotes");
	}
	return compile(ctx, k, &sql, where);
}

static int
add_in(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	(void)cs;
	if (c->n < 2)
		return check_form(ctx, k, where, "in(PATH,VALUE,…)");
	buf_fmt(&sql, "(%.*s)", (int)c->arg[0].n, c->arg[0].p);
	for (size_t i = 1; i < c->n; i++) {
		buf_str(&sql, i == 1 ? " IN (" : ", ");
		buf_span_add(&sql, c->arg[i]);
	}
	buf_byte(&sql, ')');
	return compile(ctx, k, &sql, where);
}

static int
add_range(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	(void)cs;
	if (c->n != 3 || (c->arg[1].n == 0 && c->arg[2].n == 0))
		return check_form(ctx, k, where, "range(PATH,LOW,HIGH), one of them may be left out");
	if (c->arg[1].n > 0 && c->arg[2].n > 0)
		buf_fmt(&sql, "(%.*s) BETWEEN (%.*s) AND (%.*s)", (int)c->arg[0].n, c->arg[0].p, (int)c->arg[1].n,
		    c->arg[1].p, (int)c->arg[2].n, c->arg[2].p);
	for (size_t i = 1; i < 3 && (c->arg[1].n == 0 || c->arg[2].n == 0); i++) {
		if (c->arg[i].n == 0)
			continue;
		buf_fmt(&sql, "%s(%.*s) %s (%.*s)", sql.n == 0 ? "" : " AND ", (int)c->arg[0].n, c->arg[0].p,
		    i == 1 ? ">=" : "<=", (int)c->arg[i].n, c->arg[i].p);
	}
	return compile(ctx, k, &sql, where);
}

static int
add_regex(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	(void)cs;
	if (c->n != 2)
		return check_form(ctx, k, where, "regex(PATH,'PATTERN')");
	buf_fmt(&sql, "(%.*s) ~ %.*s", (int)c->arg[0].n, c->arg[0].p, (int)c->arg[1].n, c->arg[1].p);
	return compile(ctx, k, &sql, where);
}

static int
add_expr(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	(void)cs;
	if (c->n == 0)
		return check_form(ctx, k, where, "expr('CONDITION')");
	if (c->n > 1 || !arg_text(c->arg[0], &sql))	/* without quotes, perhaps with commas of its own */
		buf_add(&sql, c->arg[0].p, (size_t)(c->arg[c->n - 1].p + c->arg[c->n - 1].n - c->arg[0].p));
	return compile(ctx, k, &sql, where);
}

int
check_key(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	struct buf list = { 0 };
	int rc;

	k->seen = seen_new(&(struct seen_conf){ 0 });
	for (size_t i = 0; i < c->n; i++)
		buf_fmt(&list, "%s%.*s", i == 0 ? "" : ",", (int)c->arg[i].n, c->arg[i].p);
	rc = ctx_cols(ctx, buf_cstr(&list), where, &k->cols);
	buf_free(&list);
	return rc;
}

static int
add_unique(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	(void)cs;
	if (c->n == 0)
		return check_form(ctx, k, where, "unique(PATH,…)");
	k->kind = CHECK_UNIQUE;
	return check_key(ctx, k, c, where);
}

struct ref_arg {
	struct ctx *ctx;
	struct check *k;
	int col;
};

static int
ref_batch(void *arg, const struct batch *b)
{
	struct ref_arg *a = arg;
	struct buf *key = &a->k->key;

	for (size_t i = 0; i < b->n; i++) {
		bool none = false;
		const char *why;

		buf_clear(key);
		why = key_of(b, i, &a->col, 1, ctx_key_as(a->ctx), key, &none);
		if (why != NULL)
			batch_reject(b, i, why);
		else if (!none)
			seen_sift.note(a->k->seen, &(struct token){ .id = hash_fp(buf_span(key)) });
	}
	return check_fits(a->k, ctx_budget(a->ctx));
}

static int
add_ref(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	struct pathset *ps = pathset_new();
	struct ref_arg a = { ctx, k, 0 };
	struct buf name = { 0 };
	char err[MESSAGE_BYTES_MAX];
	int rc;

	(void)cs;
	if (c->n != 3)
		return check_form(ctx, k, where, "ref(PATH,FILE or wh:TABLE,PATH)");
	k->kind = CHECK_REF;
	k->seen = seen_new(&(struct seen_conf){ 0 });
	buf_span_add(&name, c->arg[0]);
	if ((rc = ctx_cols(ctx, buf_cstr(&name), where, &k->cols)) != 0)
		return rc;
	if ((a.col = pathset_add(ps, c->arg[2], err, sizeof err)) == -1)
		return ctx_usage(ctx, "%s: %s", where, err);
	buf_clear(&name);
	if (!arg_text(c->arg[1], &name))
		buf_span_add(&name, c->arg[1]);
	rc = ctx_read(ctx, buf_cstr(&name), ps, ref_batch, &a);
	pathset_free(ps);
	buf_free(&name);
	return rc;
}

static int
add_schema(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	if (c->n != 0)
		return check_form(ctx, k, where, "schema()");
	if (cs->table == NULL)
		return ctx_usage(ctx, "%s: schema() needs --table", where);
	k->kind = CHECK_SCHEMA;
	return schema_open(ctx, cs->table, where, &k->known, &k->schema);
}

int
check_add(struct ctx *ctx, struct checks *cs, struct span text, const char *where)
{
	static const struct {
		const char *name;
		check_adder *add;
	} kind[] = {
		{ "not_null", add_not_null }, { "unique", add_unique }, { "in", add_in }, { "range", add_range },
		{ "regex", add_regex }, { "ref", add_ref }, { "expr", add_expr }, { "schema", add_schema },
		{ "rows", check_add_rows }, { "fresh", check_add_fresh }, { "change", check_add_change }
	};
	char err[MESSAGE_BYTES_MAX];
	struct check k = { 0 };
	struct call c;
	int rc = -1;

	text = trim(text);
	k.warn = arg_word(&text, "warn");
	if (!k.warn)
		(void)arg_word(&text, "fail");
	text = trim(text);
	k.text = span_of(mem_dup(text), text.n);
	if (call_parse(k.text, &c, err, sizeof err) != 0)
		return ctx_usage(ctx, "%s: %.*s: %s", where, (int)(text.n < 100 ? text.n : 100), text.p, err);
	for (size_t i = 0; rc == -1 && i < sizeof kind / sizeof *kind; i++)
		if (span_is(c.name, kind[i].name) && c.where.p == NULL)
			rc = kind[i].add(ctx, cs, &k, &c, where);
	if (rc == -1)
		rc = ctx_usage(ctx, "%s: %.*s: no such check; there are not_null, unique, in, range, regex, ref,"
		    " expr, schema, rows, fresh, change", where, (int)(text.n < 100 ? text.n : 100), text.p);
	call_free(&c);
	cs->v = mem_array(cs->v, cs->n + 1, sizeof *cs->v);
	cs->v[cs->n++] = k;
	return rc;
}

int
check_spec(struct ctx *ctx, struct checks *cs, const char *path)
{
	struct buf where = { 0 }, text = { 0 };
	struct spec *s;
	int rc;

	if ((rc = conf_spec(ctx, path, SPEC_WORDS, &s)) != 0)
		return rc;
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		const struct spec_line *l = &s->line[i];

		buf_clear(&where);
		buf_clear(&text);
		buf_fmt(&where, "%s:%zu", path, l->number);
		for (size_t w = 0; w < l->n; w++) {
			/* a check quoted as a whole is one word; else its own quotes are SQL's and stay */
			bool whole = l->raw[w].p[0] == '\'' || l->raw[w].p[0] == '"';

			if (w > 0)
				buf_byte(&text, ' ');
			buf_span_add(&text, whole && w <= 1 ? l->word[w] : l->raw[w]);
		}
		rc = check_add(ctx, cs, buf_span(&text), buf_cstr(&where));
	}
	spec_free(s);
	buf_free(&where);
	buf_free(&text);
	return rc;
}

/* ---- judging ---- */

/* The verdict of a check that rows break. */
static void
judge_rows(const struct checks *cs, const struct check *k, struct verdict *v)
{
	struct buf missing = { 0 };
	bool whole = k->kind == CHECK_SCHEMA && cs->rows > 0 && schema_missing(k->schema, &missing);

	buf_u64(&v->value, k->bad);
	buf_str(&v->expected, "0");
	buf_fmt(&v->text, "%llu of %llu rows", (unsigned long long)k->bad, (unsigned long long)cs->rows);
	if (k->first.n > 0) {
		buf_str(&v->text, ", first at ");
		buf_span_add(&v->text, buf_span(&k->first));
	}
	if (k->errors > 0)
		buf_fmt(&v->text, "; %llu could not be judged", (unsigned long long)k->errors);
	if (k->why.n > 0)
		buf_fmt(&v->text, ": %.*s", (int)(k->why.n < 100 ? k->why.n : 100), k->why.p);
	if (whole)
		buf_fmt(&v->text, "; no row has %.*s", (int)(missing.n < 200 ? missing.n : 200), missing.p);
	if (k->bad > 0 || whole)
		v->severity = k->warn ? EVENT_WARN : EVENT_FAIL;
	if (k->kind == CHECK_SCHEMA && !k->known) {
		v->severity = EVENT_WARN;
		buf_fmt(&v->text, "; nothing is known of the columns of %s", cs->table);
	}
	if (v->severity == EVENT_FAIL && cs->drop && !whole) {
		/* what broke it is not among what goes on: known, counted, but no reason to stop the night */
		v->severity = EVENT_WARN;
		buf_str(&v->text, "; dropped");
	}
	buf_free(&missing);
}

void
check_judge(const struct checks *cs, const struct check *k, struct verdict *v)
{
	v->severity = EVENT_OK;
	buf_clear(&v->value);
	buf_clear(&v->expected);
	buf_clear(&v->text);
	if (check_by_row(k))
		judge_rows(cs, k, v);
	else
		check_judge_whole(cs, k, v);
}

void
verdict_free(struct verdict *v)
{
	buf_free(&v->value);
	buf_free(&v->expected);
	buf_free(&v->text);
}

int
checks_tell_run(struct ctx *c, struct span events)
{
	struct buf path = { 0 };
	struct sink *s;
	int rc;

	if (ctx_run_dir(c) == NULL)
		return 0;
	buf_fmt(&path, "%s/events.ndjson", ctx_run_dir(c));
	if ((rc = sink_append(buf_cstr(&path), &s)) == 0) {
		sink_add(s, events);
		rc = sink_close(s);
	}
	buf_free(&path);
	return rc;
}
