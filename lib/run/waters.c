/* SPDX-License-Identifier: BSD-2-Clause */
/* waters - see waters.h */
#include <stdlib.h>

#include "in/rec.h"
#include "run/run.h"
#include "run/waters.h"

static bool
negative(struct dur d)
{
	return d.us < 0 || d.days < 0 || d.months < 0;
}

int
waters_set_up(struct waters *w, struct ctx *c)
{
	struct dur idle = { 0 };
	int rc;

	w->zone = ctx_zone(c);
	w->wm_ms = WATERMARK_NONE;
	w->limit_us = INT64_MAX;
	if ((w->late != NULL && (rc = ctx_dur(c, w->late, "--late", &w->late_by)) != 0) ||
	    (w->max_future != NULL && (rc = ctx_dur(c, w->max_future, "--max-future", &w->ahead_by)) != 0) ||
	    (w->idle != NULL && (rc = ctx_dur(c, w->idle, "--idle", &idle)) != 0))
		return rc;
	if (negative(w->late_by) || negative(w->ahead_by))
		return ctx_usage(c, "%s: must not be negative", negative(w->late_by) ? "--late" : "--max-future");
	if (w->idle != NULL && idle.us < 1000)
		return ctx_usage(c, "--idle takes an exact duration of 1ms or more, such as 30s");
	w->idle_ms = idle.us / 1000;
	return 0;
}

size_t
waters_part(struct waters *w, struct span name)
{
	for (size_t i = 0; i < w->n; i++)
		if (span_is(name, w->part[i].name))
			return i;
	w->part = mem_array(w->part, w->n + 1, sizeof *w->part);
	w->part[w->n] = (struct waters_part){ .name = mem_dup(name), .newest_us = WATERMARK_NONE,
	    .seen_ms = INT64_MIN };
	return w->n++;
}

void
waters_forget(struct waters *w, struct span name)
{
	for (size_t i = 0; i < w->n; i++) {
		if (!span_is(name, w->part[i].name))
			continue;
		free(w->part[i].name);
		w->n--;
		memmove(w->part + i, w->part + i + 1, (w->n - i) * sizeof *w->part);
		return;
	}
}

void
waters_now(struct waters *w, int64_t now_ms)
{
	int64_t us;

	w->now_ms = now_ms;
	if (w->max_future != NULL)
		w->limit_us = dur_add(w->ahead_by, 1, __builtin_mul_overflow(now_ms, 1000, &us) ? WHEN_US_MAX : us,
		    w->zone);
}

/* Down to a whole millisecond. */
static int64_t
whole_ms(int64_t us)
{
	return us / 1000 - (us % 1000 < 0);
}

int64_t
waters_settle(struct waters *w)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < w->n; i++) {
		struct waters_part *p = &w->part[i];
		int64_t ms = WATERMARK_NONE;
		bool idle;

		if (p->fresh || p->seen_ms == INT64_MIN)
			p->seen_ms = w->now_ms;
		idle = w->idle_ms > 0 && w->now_ms - p->seen_ms >= w->idle_ms;
		if (p->fresh && p->wrote_ms != 0 && p->wrote_ms < p->seen_ms)
			p->seen_ms = p->wrote_ms;
		p->fresh = false;
		p->wrote_ms = 0;
		if (idle)
			continue;
		if (p->newest_us != WATERMARK_NONE)
			ms = whole_ms(dur_add(w->late_by, -1, p->newest_us, w->zone));
		least = ms < least ? ms : least;
	}
	if (least != INT64_MAX && least > w->wm_ms)
		w->wm_ms = least;
	return w->wm_ms;
}

/* ---- what is known, in a plan: {"orders/0":[NEWEST_US|null,SEEN_MS],...} ---- */

void
waters_save(const struct waters *w, struct buf *b)
{
	buf_byte(b, '{');
	for (size_t i = 0; i < w->n; i++) {
		const struct waters_part *p = &w->part[i];

		if (i > 0)
			buf_byte(b, ',');
		buf_json(b, span_str(p->name));
		buf_str(b, ":[");
		if (p->newest_us == WATERMARK_NONE)
			buf_str(b, "null");
		else
			buf_i64(b, p->newest_us);
		buf_byte(b, ',');
		buf_i64(b, p->seen_ms);
		buf_byte(b, ']');
	}
	buf_byte(b, '}');
}

static bool
to_i64(struct span s, int64_t *out)
{
	char digits[24], *end;

	if (s.n == 0 || s.n >= sizeof digits)
		return false;
	memcpy(digits, s.p, s.n);
	digits[s.n] = '\0';
	*out = strtoll(digits, &end, 10);
	return *end == '\0';
}

/* `[NEWEST|null,SEEN]` */
static bool
load_part(struct waters_part *p, struct val v)
{
	struct val newest, seen;
	struct span key;
	struct rec r;

	if (v.tag != T_ARR)
		return false;
	rec_begin(&r, v.raw);
	p->newest_us = WATERMARK_NONE;
	return rec_next(&r, &key, &newest) && (newest.tag == T_NULL || to_i64(newest.raw, &p->newest_us)) &&
	    rec_next(&r, &key, &seen) && to_i64(seen.raw, &p->seen_ms) && !rec_next(&r, &key, &seen);
}

bool
waters_load(struct waters *w, struct span saved, int64_t wm_ms)
{
	struct buf scratch = { 0 };
	bool good = true;
	struct span key;
	struct val v;
	struct rec r;
	size_t part;

	for (size_t i = 0; i < w->n; i++) {
		w->part[i].newest_us = WATERMARK_NONE;
		w->part[i].seen_ms = INT64_MIN;
		w->part[i].fresh = false;
	}
	w->wm_ms = wm_ms;
	for (rec_begin(&r, saved); good && rec_next(&r, &key, &v);) {
		buf_clear(&scratch);
		val_unescape(key, &scratch);
		part = waters_part(w, buf_span(&scratch));
		good = load_part(&w->part[part], v);
	}
	buf_free(&scratch);
	return good;
}

void
waters_free(struct waters *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->part[i].name);
	free(w->part);
	*w = (struct waters){ 0 };
}
