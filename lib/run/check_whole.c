/* SPDX-License-Identifier: BSD-2-Clause */
/* check_whole - checks of all rows together: rows, fresh, change (see check.h) */
#include <stdio.h>
#include <string.h>

#include "run/check_own.h"

/* ---- set-up ---- */

/* A bound: a number, or an expression over --arg values that gives one. */
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
		return check_form(ctx, k, where, k->kind == CHECK_ROWS ? "rows(LOW,HIGH), whole numbers or :NAME" :
		    "change(METRIC,N% or N), a number or :NAME");
	why = expr_eval(ctx_expr_state(ctx), e, &b, 0, &v);
	if (why == NULL)
		why = v.tag == X_NULL ? "NULL is no number" : xval_num(&v, out);
	if (why != NULL)
		return ctx_usage(ctx, "%s: %.*s: %s", where, (int)text.n, text.p, why);
	expr_free(e);
	pathset_free(none);
	return 0;
}

int
check_add_rows(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	int rc;

	(void)cs;
	if (c->n != 2 || (c->arg[0].n == 0 && c->arg[1].n == 0))
		return check_form(ctx, k, where, "rows(LOW,HIGH), one of them may be left out");
	k->kind = CHECK_ROWS;
	if ((rc = bound(ctx, k, c->arg[0], where, &k->has_lo, &k->lo)) != 0)
		return rc;
	return bound(ctx, k, c->arg[1], where, &k->has_hi, &k->hi);
}

int
check_add_fresh(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	struct buf text = { 0 };
	struct dur d;
	int rc;

	if (c->n != 2)
		return check_form(ctx, k, where, "fresh(PATH[:s|ms|us],DUR)");
	k->kind = CHECK_FRESH;
	k->zone = ctx_zone(ctx);
	k->newest = INT64_MIN;
	k->clock = cs->clock;
	buf_span_add(&text, c->arg[0]);
	if ((rc = ctx_time(ctx, buf_cstr(&text), where, &k->col, &k->unit)) == 0) {
		buf_clear(&text);
		buf_span_add(&text, c->arg[1]);
		rc = ctx_dur(ctx, buf_cstr(&text), where, &d);
	}
	if (rc == 0 && d.us <= 0 && d.days <= 0 && d.months <= 0)
		rc = check_form(ctx, k, where, "fresh(PATH,DUR), with a duration as 26h or 1d");
	if (rc == 0)
		k->oldest = dur_add(d, -1, k->clock, k->zone);
	buf_free(&text);
	return rc;
}

/* `rows`, `null_rate(EXPR)`, `distinct(PATH,…)`, `sum(EXPR)`: what is measured, and its one name in history. */
static int
metric_of(struct ctx *ctx, struct check *k, struct span text, const char *where)
{
	static const char form[] = "change(METRIC,TOLERANCE) of rows, null_rate(VALUE), distinct(PATH,…) or sum(VALUE)";
	char err[MESSAGE_BYTES_MAX];
	struct call c;
	int rc = 0;

	if (span_is(text, "rows")) {
		k->metric = METRIC_ROWS;
		buf_str(&k->name, "rows");
		return 0;
	}
	if (!word_call(text))
		return check_form(ctx, k, where, form);
	if (call_parse(text, &c, err, sizeof err) != 0)
		return ctx_usage(ctx, "%s: %.*s: %s", where, (int)text.n, text.p, err);
	buf_span_add(&k->name, c.name);
	for (size_t i = 0; i < c.n; i++) {
		buf_byte(&k->name, i == 0 ? '(' : ',');
		buf_span_add(&k->name, c.arg[i]);
	}
	buf_byte(&k->name, ')');
	if (span_is(c.name, "distinct") && c.n > 0 && c.where.p == NULL) {
		k->metric = METRIC_DISTINCT;
		rc = check_key(ctx, k, &c, where);
	} else if ((span_is(c.name, "null_rate") || span_is(c.name, "sum")) && c.n == 1 && c.where.p == NULL) {
		k->metric = *c.name.p == 's' ? METRIC_SUM : METRIC_NULL_RATE;
		rc = ctx_expr(ctx, c.arg[0], where, &k->expr);
	} else {
		rc = check_form(ctx, k, where, form);
	}
	call_free(&c);
	return rc;
}

/* A rate lies between 0 and 1: a tolerance of 10, where 10% was meant, would let everything pass. */
static bool
is_no_limit(const struct check *k)
{
	struct dec all;

	dec_int(k->percent ? 100 : 1, &all);
	return k->metric == METRIC_NULL_RATE && dec_cmp(&k->tolerance, &all) > 0;
}

int
check_add_change(struct ctx *ctx, const struct checks *cs, struct check *k, const struct call *c, const char *where)
{
	struct span tolerance;
	bool has;
	int rc;

	if (cs->past == NULL)
		return ctx_usage(ctx, "%s: change() compares with --history, of the --table on the --dt", where);
	k->kind = CHECK_CHANGE;
	if (c->n != 2 || c->arg[1].n == 0)
		return check_form(ctx, k, where, "change(METRIC,N% or N)");
	tolerance = c->arg[1];
	k->percent = tolerance.p[tolerance.n - 1] == '%';
	tolerance.n -= k->percent;
	if ((rc = metric_of(ctx, k, c->arg[0], where)) != 0 ||
	    (rc = bound(ctx, k, tolerance, where, &has, &k->tolerance)) != 0)
		return rc;
	if (!has || k->tolerance.neg)
		return check_form(ctx, k, where, "change(METRIC,N% or N), not below 0");
	if (is_no_limit(k))
		return check_form(ctx, k, where, "change(null_rate(VALUE),10% or 0.1), at most 100%");
	(void)buf_cstr(&k->name);
	k->want = past_want(cs->past, buf_span(&k->name));
	return 0;
}

const char *
check_metric_name(const struct check *k)
{
	return k->kind == CHECK_CHANGE ? k->name.p : NULL;
}

/* ---- judging ---- */

/* "1000..", "..5", "7". */
static void
print_bounds(const struct dec *lo, const struct dec *hi, struct buf *b)
{
	if (lo != NULL)
		dec_print_canonical(lo, b);
	if (lo == NULL || hi == NULL || dec_cmp(lo, hi) != 0) {
		buf_str(b, "..");
		if (hi != NULL)
			dec_print_canonical(hi, b);
	}
}

static void
quote_bounds(const struct dec *lo, const struct dec *hi, struct buf *b)
{
	buf_byte(b, '"');
	print_bounds(lo, hi, b);
	buf_byte(b, '"');
}

static void
judge_count(const struct check *k, uint64_t n, struct verdict *v)
{
	const struct dec *lo = k->has_lo ? &k->lo : NULL, *hi = k->has_hi ? &k->hi : NULL;
	struct dec d;

	dec_int((int64_t)n, &d);
	buf_u64(&v->value, n);
	quote_bounds(lo, hi, &v->expected);
	buf_fmt(&v->text, "%llu rows, expected ", (unsigned long long)n);
	print_bounds(lo, hi, &v->text);
	if ((lo != NULL && dec_cmp(&d, lo) < 0) || (hi != NULL && dec_cmp(&d, hi) > 0))
		v->severity = k->warn ? EVENT_WARN : EVENT_FAIL;
}

static void
say_time(struct buf *b, int64_t us, const struct zone *z)
{
	struct buf quoted = { 0 };

	when_print(us, WHEN_SQL, z, &quoted);
	buf_add(b, quoted.p + 1, quoted.n - 2);
	buf_free(&quoted);
}

static void
judge_fresh(const struct check *k, struct verdict *v)
{
	bool any = k->newest != INT64_MIN;

	if (any)
		when_print(k->newest, WHEN_SQL, k->zone, &v->value);
	when_print(k->oldest, WHEN_SQL, k->zone, &v->expected);
	buf_str(&v->text, any ? "newest " : "no row has a time");
	if (any)
		say_time(&v->text, k->newest, k->zone);
	buf_str(&v->text, ", expected ");
	say_time(&v->text, k->oldest, k->zone);
	buf_str(&v->text, " or later");
	if (k->ahead > 0) {
		buf_fmt(&v->text, "; %llu rows lie behind ", (unsigned long long)k->ahead);
		say_time(&v->text, k->clock, k->zone);
	}
	if (!any || k->newest < k->oldest)
		v->severity = k->warn ? EVENT_WARN : EVENT_FAIL;
}

/* What was measured; NULL, or why there is no value: "" where that is no fault. */
static const char *
measured(const struct check *k, uint64_t rows, struct dec *out)
{
	const char *why;
	struct dec n, all, fine;

	switch (k->metric) {
	case METRIC_ROWS:
		dec_int((int64_t)rows, out);
		return NULL;
	case METRIC_DISTINCT:
		dec_int((int64_t)k->distinct, out);
		return NULL;
	case METRIC_SUM:
		return decsum_get(&k->sum, out);
	case METRIC_NULL_RATE:
		break;
	}
	if (rows == 0)
		return "";
	/* two digits of the dividend's and four more of the division: six */
	dec_int((int64_t)k->nulls, &n);
	dec_int((int64_t)rows, &all);
	if ((why = dec_round(&n, 2, &fine)) != NULL)
		return why;
	return dec_div(&fine, &all, out);
}

struct span_of_change { struct dec lo, hi; bool there; };

/* What may lie around the value of one day, and intersect it with what was. NULL or a reason. */
static const char *
narrow(const struct check *k, const struct dec *base, struct span_of_change *s)
{
	struct dec limit = k->tolerance, size = *base, percent, lo, hi;
	const char *why;

	(void)dec_parse(span_str("0.01"), &percent);
	if (k->percent && (why = dec_mul(&k->tolerance, &percent, &limit)) != NULL)
		return why;
	size.neg = false;
	/* a rate's percent are points: twice as much as next to nothing is no news */
	if (k->percent && k->metric != METRIC_NULL_RATE && (why = dec_mul(&limit, &size, &limit)) != NULL)
		return why;
	if ((why = dec_sub(base, &limit, &lo)) != NULL || (why = dec_add(base, &limit, &hi)) != NULL)
		return why;
	if (!s->there || dec_cmp(&lo, &s->lo) > 0)
		s->lo = lo;
	if (!s->there || dec_cmp(&hi, &s->hi) < 0)
		s->hi = hi;
	s->there = true;
	return NULL;
}

/* ` 1000 on 2026-11-19 (+20.0%)`, or ` nothing of 2026-11-19`. */
static void
say_base(const struct check *k, const struct past *p, const struct past_value *past, int place, const struct dec *value,
    struct buf *b)
{
	char day[WHEN_DAY_BYTES];
	struct dec diff, hundred, r;
	const struct dec *base = &past->value[place];

	past_day(p, place, day);
	if (!past->there[place]) {
		buf_fmt(b, " nothing of %s", day);
		return;
	}
	buf_byte(b, ' ');
	dec_print(base, b);
	buf_fmt(b, " on %s", day);
	dec_int(100, &hundred);
	if (k->metric == METRIC_NULL_RATE || dec_is_zero(base) || dec_sub(value, base, &diff) != NULL ||
	    dec_mul(&diff, &hundred, &diff) != NULL || dec_div(&diff, base, &r) != NULL ||
	    dec_round(&r, 1, &r) != NULL)
		return;
	r.neg = diff.neg && !dec_is_zero(&r);	/* up or down, whatever the sign of what it is a part of */
	buf_str(b, r.neg ? " (" : " (+");
	dec_print(&r, b);
	buf_str(b, "%)");
}

static void
judge_change(const struct checks *cs, const struct check *k, uint64_t rows, struct verdict *v)
{
	const struct past_value *past = past_value(cs->past, k->want);
	struct span_of_change s = { .there = false };
	struct dec value;
	const char *why = measured(k, rows, &value);
	enum severity broken = k->warn ? EVENT_WARN : EVENT_FAIL;

	if (why != NULL) {
		buf_fmt(&v->text, "no value: %s", *why == '\0' ? "no rows" : why);
		v->severity = *why == '\0' ? EVENT_OK : broken;
		return;
	}
	dec_print(&value, &v->value);
	buf_span_add(&v->text, buf_span(&v->value));
	for (int i = 0; i < PAST_DAYS && why == NULL; i++) {
		buf_str(&v->text, i == 0 ? ";" : ",");
		say_base(k, cs->past, past, i, &value, &v->text);
		if (past->there[i])
			why = narrow(k, &past->value[i], &s);
	}
	if (why != NULL) {
		buf_fmt(&v->text, "; cannot be compared: %s", why);
		v->severity = broken;
	} else if (s.there) {
		quote_bounds(&s.lo, &s.hi, &v->expected);
		buf_str(&v->text, "; expected ");
		print_bounds(&s.lo, &s.hi, &v->text);
		if (dec_cmp(&value, &s.lo) < 0 || dec_cmp(&value, &s.hi) > 0)
			v->severity = broken;
	} else if (past->ever) {
		v->severity = EVENT_WARN;	/* other days are there: whoever relies on this check must know */
	}
}

void
check_judge_whole(const struct checks *cs, const struct check *k, struct verdict *v)
{
	uint64_t rows = cs->rows - cs->dropped;

	if (k->kind == CHECK_ROWS)
		judge_count(k, rows, v);
	else if (k->kind == CHECK_FRESH)
		judge_fresh(k, v);
	else
		judge_change(cs, k, rows, v);
	if (k->errors == 0)
		return;
	buf_fmt(&v->text, "; %llu rows could not be judged, first at %.*s: %.*s", (unsigned long long)k->errors,
	    (int)(k->first.n < 200 ? k->first.n : 200), k->first.p, (int)(k->why.n < 100 ? k->why.n : 100), k->why.p);
	v->severity = k->warn ? EVENT_WARN : EVENT_FAIL;
}
