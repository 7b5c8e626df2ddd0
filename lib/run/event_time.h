/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event_time - windows of a command that close while its input goes on: --late, --max-future, --idle, --state
 *
 *	rc = event_time_set_up(&e, c, &conf);			// options to conf.water, conf.late, conf.late_out
 *	e.spill = &spill; rc = event_time_load(&e);		// --state; sign with keep_sign(e.keep, ...) before
 *	event_time_clock(&e); ... a batch ...; rc = event_time_advance(&e, host);
 *	rc = event_time_idle(&e, silent_ms, host);		// the command's idle()
 *	rc = event_time_end(&e, host);				// instead of spill_close
 *	return event_time_finish(&e, status);			// the command's finish()
 *	rc = event_time_mark(&e, m, host);			// the command's mark()
 *
 * Invariants: without --late nothing closes before the end and nothing is late.  With --state and without --final what
 * is open at the end is kept for the next call, with the watermark; without it, or with --final, it closes.
 * In a barrier job none of the options is taken but --late-to: windows close at control lines, by their watermark, and
 * a record is late by the line before it.
 */
#ifndef RUN_EVENT_TIME_H
#define RUN_EVENT_TIME_H

#include "op/window.h"
#include "run/keep.h"
#include "run/spill.h"

struct event_time {
	const char *late, *late_to, *max_future, *idle, *state;		/* as given; NULL: not */
	bool final;
	struct ctx *c;
	struct watermark water;
	struct dur ahead;
	int64_t idle_us;
	struct keep *keep;
	struct spill *spill;
	bool ended;			/* the input ended well: the state may be saved */
};

/* 0 or EXIT_USAGE after a message. */
int event_time_set_up(struct event_time *, struct ctx *, struct window_conf *);
/* Open the state directory; 0, or what keep_open says.  Nothing without --state. */
int event_time_open(struct event_time *, const struct op *);
int event_time_load(struct event_time *);
/* Before a batch: what is too far ahead from now on. */
void event_time_clock(struct event_time *);
int event_time_advance(struct event_time *, const struct host *);
int event_time_idle(struct event_time *, int64_t silent_ms, const struct host *);
int event_time_end(struct event_time *, const struct host *);
/* Save what is kept, when all went well; the final status. */
int event_time_finish(struct event_time *, int status);
/* A control line: time has come as far as it says; what is over goes out, but at `open`. 0 or an exit status. */
int event_time_mark(struct event_time *, const struct mark *, const struct host *);

#endif
