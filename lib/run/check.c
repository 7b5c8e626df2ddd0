/* SPDX-License-Identifier: BSD-2-Clause */
/* check - see check.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spec.h"
#include "expr/call.h"
#include "op/key.h"
#include "run/check.h"

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

static int
usage(struct ctx *ctx, const struct check *k, const char *where, const char *form)
{
	return ctx_usage(ctx, "%s: %.*s: the form is %s", where, (int)(k->text.n < 100 ? k->text.n : 100),
	    k->text.p, form);
}

/* ---- the checks, in the order of the page ---- */

static int
add_not_null(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	if (c->n == 0)
		return usage(ctx, k, where, "not_null(PATH,…)");
	for (size_t i = 0; i < c->n; i++)
		buf_fmt(&sql, "%s(%.*s) IS NOT NULL", i == 0 ? "" : " AND ", (int)c->arg[i].n, c->arg[i].p);
	return compile(ctx, k, &sql, where);
}

static int
add_in(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	if (c->n < 2)
		return usage(ctx, k, where, "in(PATH,VALUE,…)");
	buf_fmt(&sql, "(%.*s)", (int)c->arg[0].n, c->arg[0].p);
	for (size_t i = 1; i < c->n; i++) {
		buf_str(&sql, i == 1 ? " IN (" : ", ");
		buf_span_add(&sql, c->arg[i]);
	}
	buf_byte(&sql, ')');
	return compile(ctx, k, &sql, where);
}

static int
add_range(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	if (c->n != 3 || (c->arg[1].n == 0 && c->arg[2].n == 0))
		return usage(ctx, k, where, "range(PATH,LOW,HIGH), one of them may be left out");
	for (size_t i = 1; i < 3; i++) {
		if (c->arg[i].n == 0)
			continue;
		buf_fmt(&sql, "%s(%.*s) %s (%.*s)", sql.n == 0 ? "" : " AND ", (int)c->arg[0].n, c->arg[0].p,
		    i == 1 ? ">=" : "<=", (int)c->arg[i].n, c->arg[i].p);
	}
	return compile(ctx, k, &sql, where);
}

static int
add_regex(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	if (c->n != 2)
		return usage(ctx, k, where, "regex(PATH,'PATTERN')");
	buf_fmt(&sql, "(%.*s) ~ %.*s", (int)c->arg[0].n, c->arg[0].p, (int)c->arg[1].n, c->arg[1].p);
	return compile(ctx, k, &sql, where);
}

static int
add_expr(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	struct buf sql = { 0 };

	if (c->n == 0)
		return usage(ctx, k, where, "expr('CONDITION')");
	if (c->n > 1 || !arg_text(c->arg[0], &sql))	/* without quotes, perhaps with commas of its own */
		buf_add(&sql, c->arg[0].p, (size_t)(c->arg[c->n - 1].p + c->arg[c->n - 1].n - c->arg[0].p));
	return compile(ctx, k, &sql, where);
}

static int
add_unique(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	struct buf list = { 0 };
	int rc;

	if (c->n == 0)
		return usage(ctx, k, where, "unique(PATH,…)");
	k->kind = CHECK_UNIQUE;
	k->seen.wide = true;
	for (size_t i = 0; i < c->n; i++)
		buf_fmt(&list, "%s%.*s", i == 0 ? "" : ",", (int)c->arg[i].n, c->arg[i].p);
	rc = ctx_cols(ctx, buf_cstr(&list), where, &k->cols);
	buf_free(&list);
	return rc;
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
			ids_add(&a->k->seen, hash_fp(buf_span(key)));
	}
	return 0;
}

static int
add_ref(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	struct pathset *ps = pathset_new();
	struct ref_arg a = { ctx, k, 0 };
	struct buf name = { 0 };
	char err[MESSAGE_BYTES_MAX];
	int rc;

	if (c->n != 3)
		return usage(ctx, k, where, "ref(PATH,FILE or wh:TABLE,PATH)");
	k->kind = CHECK_REF;
	k->seen.wide = true;
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

/* A bound of rows(): a number, or an expression over --arg values that gives one. */
static int
bound(struct ctx *ctx, const struct check *k, struct span text, const char *where, bool *has, struct dec *out)
{
	struct pathset *none = pathset_new();
	struct expr_env env = ctx_env(ctx, none);
	const struct batch b = { .n = 1 };
	char err[MESSAGE_BYTES_MAX];
	const char *why;
	struct expr *e;
	struct xval v;

	if (!(*has = text.n > 0))
		return 0;
	if (expr_compile(text, &env, &e, err, sizeof err) != 0)
		return ctx_usage(ctx, "%s: %s", where, err);
	if (none->n > 0)
		return usage(ctx, k, where, "rows(LOW,HIGH), whole numbers or :NAME");
	why = expr_eval(ctx_expr_state(ctx), e, &b, 0, &v);
	if (why == NULL)
		why = v.tag == X_NULL ? "NULL is no number" : xval_num(&v, out);
	if (why != NULL)
		return ctx_usage(ctx, "%s: %.*s: %s", where, (int)text.n, text.p, why);
	expr_free(e);
	pathset_free(none);
	return 0;
}

static int
add_rows(struct ctx *ctx, struct check *k, const struct call *c, const char *where)
{
	int rc;

	if (c->n != 2 || (c->arg[0].n == 0 && c->arg[1].n == 0))
		return usage(ctx, k, where, "rows(LOW,HIGH), one of them may be left out");
	k->kind = CHECK_ROWS;
	if ((rc = bound(ctx, k, c->arg[0], where, &k->has_lo, &k->lo)) != 0)
		return rc;
	return bound(ctx, k, c->arg[1], where, &k->has_hi, &k->hi);
}

int
check_add(struct ctx *ctx, struct checks *cs, struct span text, const char *where)
{
	static const struct {
		const char *name;
		int (*add)(struct ctx *, struct check *, const struct call *, const char *);
	} kind[] = {
		{ "not_null", add_not_null }, { "unique", add_unique }, { "in", add_in }, { "range", add_range },
		{ "regex", add_regex }, { "ref", add_ref }, { "rows", add_rows }, { "expr", add_expr }
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
			rc = kind[i].add(ctx, &k, &c, where);
	if (rc == -1)
		rc = ctx_usage(ctx, "%s: %.*s: no such check; there are not_null, unique, in, range, regex, ref,"
		    " rows, expr", where, (int)(text.n < 100 ? text.n : 100), text.p);
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

	if ((rc = spec_read(path, SPEC_WORDS, &s)) != 0)
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

static void
cannot(struct check *k, const char *why)
{
	if (k->errors++ == 0)
		buf_str(&k->why, why);
}

bool
check_row(struct check *k, struct ctx *ctx, const struct batch *b, size_t i)
{
	const char *why = NULL;
	bool holds = true, none = false;

	if (k->kind == CHECK_EXPR) {
		int is = expr_test(ctx_expr_state(ctx), k->expr, b, i, &why);

		holds = is == 1 || is == -1;
	} else {
		buf_clear(&k->key);
		why = key_of(b, i, k->cols.col, k->cols.n, ctx_key_as(ctx), &k->key, &none);
		if (why == NULL && !none) {
			struct fp id = hash_fp(buf_span(&k->key));

			holds = k->kind == CHECK_UNIQUE ? ids_add(&k->seen, id) : ids_has(&k->seen, id);
		}
	}
	if (why != NULL) {
		holds = false;
		cannot(k, why);
	}
	if (!holds && k->bad++ == 0) {
		struct where w = ctx_where(ctx, b, i);

		buf_fmt(&k->first, "%s:%llu", w.source, (unsigned long long)w.line);
	}
	return holds;
}

bool
check_rows(const struct check *k, uint64_t n)
{
	struct dec d;

	dec_int((int64_t)n, &d);
	return (!k->has_lo || dec_cmp(&d, &k->lo) >= 0) && (!k->has_hi || dec_cmp(&d, &k->hi) <= 0);
}

size_t
checks_bytes(const struct checks *cs)
{
	size_t n = 0;

	for (size_t i = 0; i < cs->n; i++)
		n += ids_bytes(&cs->v[i].seen);
	return n;
}
