/* SPDX-License-Identifier: BSD-2-Clause */
/* agg_words - see agg_words.h */
#include <stdlib.h>

#include "expr/call.h"
#include "run/agg_words.h"

#define TOPK_MAX 100000

int
agg_words_take(struct agg_words *w, const char *operand)
{
	struct span name, call;

	if (!word_named(span_str(operand), '=', &name, &call))
		return 0;
	w->quoted = mem_array(w->quoted, w->n + 1, sizeof *w->quoted);
	w->call = mem_array(w->call, w->n + 1, sizeof *w->call);
	w->quoted[w->n] = name;
	w->call[w->n++] = call;
	return 1;
}

/* A message about one word: `NAME: what`. */
static int
wrong(struct ctx *c, struct span name, const struct call *call, const char *what)
{
	return ctx_usage(c, "%.*s: %.*s %s", (int)name.n, name.p, (int)call->name.n, call->name.p, what);
}

static bool
whole(struct span text, uint64_t *n)
{
	char digits[24];

	if (text.n == 0 || text.n >= sizeof digits)
		return false;
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	return opt_count(digits, n);
}

/* The second argument of quantile and topk. */
static int
parameter(struct ctx *c, struct span name, const struct call *call, struct agg *a)
{
	struct dec one;

	dec_int(1, &one);
	if (a->kind == AGG_QUANTILE) {
		if (call->n != 2 || dec_parse(call->arg[1], &a->p) != NULL || a->p.neg || dec_cmp(&a->p, &one) > 0)
			return wrong(c, name, call, "takes a value and a number from 0 to 1: quantile(ms,0.95)");
	} else if (call->n != 2 || !whole(call->arg[1], &a->k) || a->k == 0 || a->k > TOPK_MAX)
		return wrong(c, name, call, "takes a value and how many, at most 100000: topk(sku_id,10)");
	return 0;
}

/* Which aggregate, and what it is over; arg->n 0: nothing. */
static int
kind_of(struct ctx *c, struct span name, const struct call *call, bool timed, struct agg *a, struct span *arg)
{
	int kind = agg_kind(call->name);
	bool two = kind == AGG_QUANTILE || kind == AGG_TOPK;

	*arg = call->n == 0 ? span_of("", 0) : call->arg[0];
	if (kind == AGG_COUNT && (arg->n == 0 || span_is(*arg, "*"))) {
		kind = AGG_ROWS;
		arg->n = 0;
	} else if (kind == AGG_COUNT && arg_word(arg, "distinct"))
		kind = AGG_DISTINCT;
	else if (kind == AGG_COLLECT && arg_word(arg, "distinct"))
		kind = AGG_COLLECT_SET;
	if (kind == -1)
		return ctx_usage(c, "%.*s: '%.*s' is none of count sum avg min max first last distinct quantile"
		    " stddev stddev_samp hll topk collect", (int)name.n, name.p, (int)call->name.n, call->name.p);
	a->kind = (enum agg_kind)kind;
	if (two)
		return parameter(c, name, call, a);
	if (call->n > 1 || (arg->n == 0 && kind != AGG_ROWS))
		return wrong(c, name, call, "takes one argument");
	if ((kind == AGG_FIRST || kind == AGG_LAST) && !timed)
		return wrong(c, name, call, "needs the time of records, -t");
	return 0;
}

static int
compile(struct ctx *c, struct span name, struct span text, struct columns *columns, bool timed, struct agg *a)
{
	struct expr *value = NULL, *cond = NULL;
	char err[MESSAGE_BYTES_MAX];
	struct call call;
	struct span arg;
	int rc;

	if (call_parse(text, &call, err, sizeof err) != 0)
		return ctx_usage(c, "%.*s: %s", (int)name.n, name.p, err);
	rc = kind_of(c, name, &call, timed, a, &arg);
	if (rc == 0 && arg.n > 0)
		rc = ctx_expr(c, arg, "NAME=AGG(EXPR)", &value);
	if (rc == 0 && call.where.p != NULL)
		rc = ctx_expr(c, call.where, "WHERE", &cond);
	call_free(&call);
	if (rc == 0)
		a->col = value == NULL && cond == NULL ? -1 : columns_add(columns, value, cond);
	return rc;
}

int
agg_words_compile(struct ctx *c, struct agg_words *w, struct columns *columns, bool timed)
{
	int rc = 0;

	w->agg = mem_new(mem_mul(w->n, sizeof *w->agg));
	w->name = mem_new(mem_mul(w->n, sizeof *w->name));
	for (size_t i = 0; i < w->n && rc == 0; i++) {
		struct buf text = { 0 };	/* if used, it lives as long as the names */
		const char *why = name_unquote(w->quoted[i], &text, &w->name[i]);

		if (why != NULL)
			rc = ctx_usage(c, "%.*s: %s", (int)w->quoted[i].n, w->quoted[i].p, why);
		else
			rc = compile(c, w->quoted[i], w->call[i], columns, timed, &w->agg[i]);
	}
	return rc;
}

int
agg_words_names(struct ctx *c, const struct agg_words *w, bool windows, const struct col_list *groups)
{
	size_t n = groups->n + w->n + (windows ? 2 : 0), k = 0;
	struct span *name = mem_array(NULL, n, sizeof *name);
	int rc = 0;

	if (windows) {
		name[k++] = span_str("window_start");
		name[k++] = span_str("window_end");
	}
	for (size_t i = 0; i < groups->n; i++)
		name[k++] = groups->name[i];
	for (size_t i = 0; i < w->n; i++)
		name[k++] = w->name[i];
	for (size_t i = 0; i < n && rc == 0; i++)
		for (size_t j = 0; j < i && rc == 0; j++)
			if (span_eq(name[i], name[j]))
				rc = ctx_usage(c, "the name '%.*s' stands twice", (int)name[i].n, name[i].p);
	if (rc == 0)
		ctx_names(c, 0, name, n);
	free(name);
	return rc;
}
