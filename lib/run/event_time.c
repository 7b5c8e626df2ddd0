/* SPDX-License-Identifier: BSD-2-Clause */
/* event_time - see event_time.h */
#include "base/err.h"
#include "op/pack.h"
#include "run/event_time.h"

/* Options that only make sense beside others. */
static int
lonely(struct event_time *e, const char *else_why)
{
	const char *what = e->late_to != NULL ? "--late-to" : e->idle != NULL ? "--idle" : e->state != NULL ?
	    "--state" : NULL;

	if (e->late == NULL && what != NULL)
		return ctx_usage(e->c, "%s goes with --late", what);
	if (e->final && e->state == NULL)
		return ctx_usage(e->c, "--final goes with --state");
	return else_why == NULL ? 0 : ctx_usage(e->c, "%s", else_why);
}

static bool
negative(struct dur d)
{
	return d.us < 0 || d.days < 0 || d.months < 0;
}

static int
late_output(struct event_time *e, struct window_conf *w)
{
	if (e->late_to != NULL && (w->late_out = side_open(e->c, "--late-to", e->late_to)) == -1)
		return EXIT_USAGE;
	return 0;
}

/* In a barrier job there is one authority on time, the source. */
static int
set_up_told(struct event_time *e, struct window_conf *w)
{
	const char *what = e->late != NULL ? "--late" : e->max_future != NULL ? "--max-future" : e->idle != NULL ?
	    "--idle" : e->state != NULL ? "--state" : e->final ? "--final" : NULL;

	if (what != NULL)
		return ctx_usage(e->c, "%s: in a barrier job the source says how far time has come, and state is the"
		    " job's", what);
	if (w->kind == WINDOW_NONE)
		return ctx_usage(e->c, "in a barrier job only windows are ever over: -w or --session");
	watermark_init(&e->water, (struct dur){ 0 }, ctx_zone(e->c));
	watermark_told(&e->water);
	w->water = &e->water;
	w->late = true;
	return late_output(e, w);
}

int
event_time_set_up(struct event_time *e, struct ctx *c, struct window_conf *w)
{
	struct dur late = { 0 }, idle = { 0 };
	int rc;

	e->c = c;
	if (ctx_in_job(c))
		return set_up_told(e, w);
	if ((rc = lonely(e, e->late != NULL && w->kind == WINDOW_NONE ? "--late needs windows, -w or --session" :
	    e->max_future != NULL && w->time == -1 ? "--max-future needs the time of records, -t" : NULL)) != 0)
		return rc;
	if ((e->late != NULL && (rc = ctx_dur(c, e->late, "--late", &late)) != 0) ||
	    (e->max_future != NULL && (rc = ctx_dur(c, e->max_future, "--max-future", &e->ahead)) != 0) ||
	    (e->idle != NULL && (rc = ctx_dur(c, e->idle, "--idle", &idle)) != 0))
		return rc;
	if (negative(late) || negative(e->ahead))
		return ctx_usage(c, "%s: must not be negative", negative(late) ? "--late" : "--max-future");
	if (e->idle != NULL && idle.us <= 0)
		return ctx_usage(c, "--idle takes an exact duration, such as 30s");
	e->idle_us = idle.us;
	if (e->late == NULL && e->max_future == NULL)
		return 0;
	watermark_init(&e->water, late, ctx_zone(c));
	w->water = &e->water;
	w->late = e->late != NULL;
	return late_output(e, w);
}

int
event_time_open(struct event_time *e, const struct op *op)
{
	return e->state == NULL ? 0 : keep_open(e->c, e->state, op, &e->keep);
}

int
event_time_load(struct event_time *e)
{
	struct buf head = { 0 };
	struct unpack u;
	int64_t ms, newest;
	int rc;

	if (e->keep == NULL)
		return 0;
	if ((rc = keep_load(e->keep, &head, spill_add, e->spill)) == 0 && head.n > 0) {
		u = (struct unpack){ buf_span(&head), true };
		ms = unpack_i64(&u);
		newest = unpack_i64(&u);
		if (!unpack_done(&u))
			rc = err_input("%s: not a state of this command", e->state);
		else if (newest != WATERMARK_NONE) {
			watermark_take(&e->water, newest);
			watermark_raise(&e->water, ms);
		}
	}
	buf_free(&head);
	return rc;
}

void
event_time_clock(struct event_time *e)
{
	if (e->max_future != NULL)
		watermark_future(&e->water, e->ahead, ctx_now_us(e->c));
}

int
event_time_advance(struct event_time *e, const struct host *host)
{
	return e->late == NULL ? 0 : spill_advance(e->spill, e->water.ms, SPILL_BUSY, host);
}

int
event_time_idle(struct event_time *e, int64_t silent_ms, const struct host *host)
{
	if (e->idle_us == 0)
		return 0;
	(void)watermark_idle(&e->water, silent_ms * 1000, e->idle_us);
	return spill_advance(e->spill, e->water.ms, SPILL_IDLE, host);
}

int
event_time_end(struct event_time *e, const struct host *host)
{
	int rc;

	if (e->late != NULL)
		ctx_note(e->c, "late", e->water.n_late);
	if (e->keep != NULL && !e->final)
		rc = spill_advance(e->spill, e->water.ms, SPILL_LAST, host);
	else
		rc = spill_close(e->spill, host);
	e->ended = rc == 0;
	return rc;
}

int
event_time_finish(struct event_time *e, int status)
{
	struct buf head = { 0 };

	if (status == 0 && e->keep != NULL && e->ended) {
		pack_i64(&head, e->water.ms);
		pack_i64(&head, e->water.newest_us);
		if ((status = keep_begin(e->keep, buf_span(&head))) == 0 &&
		    (status = spill_save(e->spill, keep_put, e->keep)) == 0)
			status = keep_commit(e->keep);
		buf_free(&head);
	}
	keep_close(e->keep);
	e->keep = NULL;
	return status;
}

int
event_time_mark(struct event_time *e, const struct mark *m, const struct host *host)
{
	watermark_raise(&e->water, m->wm_ms);
	return m->kind == MARK_OPEN ? 0 : spill_advance(e->spill, e->water.ms, SPILL_LAST, host);
}
