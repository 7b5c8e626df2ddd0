/* SPDX-License-Identifier: BSD-2-Clause */
/* partition - see partition.h */
#include <stdlib.h>

#include "base/digits.h"
#include "run/ctx.h"
#include "run/partition.h"

/* Is it a path, perhaps with a unit? Everything else is an expression. */
static bool
is_path(const char *text)
{
	static const char *const unit[] = { ":s", ":ms", ":us" };
	struct pathset *scratch = pathset_new();
	struct span s = span_str(text);
	char err[200];
	bool is;

	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(unit[i]);

		if (s.n > n && memcmp(s.p + s.n - n, unit[i], n) == 0) {
			s.n -= n;
			break;
		}
	}
	is = pathset_add(scratch, s, err, sizeof err) != -1;
	pathset_free(scratch);
	return is;
}

/* The zone is that of the table the command names; nothing given may contradict it, for cron has no environment. */
static int
settle_zone(struct ctx *c, const struct zone *table)
{
	const char *given = c->opt.tz != NULL ? c->opt.tz : getenv("PIPEHOUSE_TZ");

	if (table == NULL)
		return 0;
	if (given != NULL && *given != '\0' && strcmp(given, zone_name(table)) != 0)
		return err_usage("%s says %s, but the table's zone is %s", c->opt.tz != NULL ? "--tz" : "PIPEHOUSE_TZ",
		    given, zone_name(table));
	c->zone = table;
	return 0;
}

int
partition_set_up(struct ctx *c, const char *text, const struct zone *table, struct partition *p)
{
	int rc = settle_zone(c, table);

	*p = (struct partition){ .ctx = c, .zone = ctx_zone(c), .col = -1 };
	if (rc != 0)
		return rc;
	if (is_path(text))
		return ctx_time(c, text, "--partition-by", &p->col, &p->unit);
	return ctx_expr(c, span_str(text), "--partition-by", &p->expr);
}

/* Of times before 1970 it is rounded down too. */
static inline int64_t
ms_of(int64_t us)
{
	return us / 1000 - (us % 1000 < 0);
}

/*
 * when_day, which most rows ask for the day of the row before: from one local midnight to the next, where the clock is
 * not changed on that day.
 */
static void
day_at(struct partition *p, int64_t us, char day[WHEN_DAY_BYTES])
{
	const int64_t whole = 86400 * US_PER_SEC;
	int64_t shift, from;

	if (us < p->from || us >= p->to) {
		shift = zone_offset(p->zone, us) * US_PER_SEC;
		from = us - ((us + shift) % whole + whole) % whole;
		when_day(us, p->zone, p->day);
		p->from = p->to = us;
		if (zone_offset(p->zone, from) * US_PER_SEC == shift &&
		    zone_offset(p->zone, from + whole - 1) * US_PER_SEC == shift) {
			p->from = from;
			p->to = from + whole;
		}
	}
	memcpy(day, p->day, WHEN_DAY_BYTES);
}

/* Digits of a time on the day of the row before, as nearly all are. False: of_text says what it is. */
static inline bool
same_day(const struct partition *p, struct span s, int64_t *us)
{
	uint64_t n;

	return digits_u64(s.p, s.n, &n) && *s.p != '0' && when_count((int64_t)n, p->unit, p->zone, us) == NULL &&
	    *us >= p->from && *us < p->to;
}

static const char *
of_text(struct partition *p, struct span s, char day[WHEN_DAY_BYTES], int64_t *ms, bool *timed)
{
	const char *why;
	int32_t days;
	int64_t us;

	if (s.n == WHEN_DAY_BYTES - 1 && day_parse(s, &days) == NULL) {
		memcpy(day, s.p, s.n);
		day[s.n] = '\0';
		return NULL;
	}
	if ((why = when_parse(s, p->unit, p->zone, &us)) != NULL)
		return why;
	day_at(p, us, day);
	*ms = ms_of(us);
	*timed = true;
	return NULL;
}

static const char *
of_value(struct partition *p, struct val v, char day[WHEN_DAY_BYTES], int64_t *ms, bool *timed)
{
	if (val_is_null(v))
		return "no day: the value is null or absent";
	if (v.tag == T_STR)
		return of_text(p, val_text(v, &p->text), day, ms, timed);
	return v.tag == T_NUM ? of_text(p, v.raw, day, ms, timed) : "no day: neither a number nor a string";
}

static const char *
of_expr(struct partition *p, const struct batch *b, size_t i, char day[WHEN_DAY_BYTES], int64_t *ms, bool *timed)
{
	struct xval x;
	struct dec d;
	const char *why;

	if ((why = expr_eval(ctx_expr_state(p->ctx), p->expr, b, i, &x)) != NULL)
		return why;
	if (x.tag == X_STR)
		return of_text(p, x.str, day, ms, timed);
	if (x.tag != X_NUM)
		return x.tag == X_NULL ? "no day: the expression is null" : "no day: neither a number nor a string";
	if ((why = xval_num(&x, &d)) != NULL)
		return why;
	buf_clear(&p->text);
	dec_print_canonical(&d, &p->text);
	return of_text(p, buf_span(&p->text), day, ms, timed);
}

const char *
partition_day(struct partition *p, const struct batch *b, size_t i, char day[WHEN_DAY_BYTES], int64_t *ms,
    bool *timed)
{
	int64_t us;

	*timed = false;
	if (p->expr != NULL)
		return of_expr(p, b, i, day, ms, timed);
	if (b->col[p->col][i].tag != T_NUM || !same_day(p, b->col[p->col][i].raw, &us))
		return of_value(p, b->col[p->col][i], day, ms, timed);
	memcpy(day, p->day, WHEN_DAY_BYTES);
	*ms = ms_of(us);
	*timed = true;
	return NULL;
}

void
partition_free(struct partition *p)
{
	buf_free(&p->text);
	*p = (struct partition){ .col = -1 };
}
