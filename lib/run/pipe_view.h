/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe_view - how far a barrier job is, from what its processes leave in its directory
 *
 *	rc = pipe_view_read(dir, &v);			// v zeroed, or from the look before
 *	printf("%" PRIu64 " epochs behind\n", pipe_view_lag(&v));
 *	if (pipe_stall_look(&w, f, &v, now_ms, &why) == PIPE_SWALLOWED) ... why: the stage, by its name ...
 *	pipe_view_free(&v);
 *
 * Invariants: it only reads, and it may be read while all of it changes: each number is one that was so.  ack/SINK is a
 * sink's last epoch; plan/ID the epochs that are planned; seen/RUN/HOP-TOOL the last epoch that a stage of ours has let
 * through, and behind a blank the accounts up to there, a JSON array.
 */
#ifndef RUN_PIPE_VIEW_H
#define RUN_PIPE_VIEW_H

#include "base/buf.h"
#include "run/pipe_file.h"

struct pipe_sink {
	char *name;
	uint64_t id;			/* 0: nothing yet */
	int64_t at_ms;			/* when it committed it, 0: never */
};

struct pipe_trace {
	char *name;			/* HOP-TOOL, HOP.I.BRANCH-TOOL */
	uint64_t hop;
	struct span tool;		/* in name */
	uint64_t id;
	char *hops;			/* NULL: it left none */
};

struct pipe_view {
	uint64_t run, plan;		/* plan: the newest, 0: none that is kept */
	struct pipe_sink *sink;
	size_t n_sinks, begun;		/* begun: sinks of this run that have */
	struct pipe_trace *trace;	/* of this run, by hop, then by name */
	size_t n_traces;
	bool has_wm;			/* of pipe_view_watermark */
	int64_t wm_ms;
};

/* dir: the job's. 0, EXIT_IO, EXIT_INPUT. */
int pipe_view_read(const char *dir, struct pipe_view *);
/*
 * Up to which watermark every sink has all: that of the slowest sink's epoch, whose plan is kept for as long. v was
 * read. The same; without one has_wm is false.
 */
int pipe_view_watermark(const char *dir, struct pipe_view *);
/* Of the slowest sink; when any of them committed last. */
uint64_t pipe_view_least(const struct pipe_view *);
int64_t pipe_view_committed_ms(const struct pipe_view *);
/* Epochs that are planned and not yet with every sink. */
uint64_t pipe_view_lag(const struct pipe_view *);
/* The trace that knows most: of the newest line, the one with the longest account. NULL: none. */
const struct pipe_trace *pipe_view_last(const struct pipe_view *);
void pipe_view_free(struct pipe_view *);

enum pipe_stalled {
	PIPE_MOVES,
	PIPE_SWALLOWED,			/* a stage lets no control line through */
	PIPE_SILENT,			/* the source sends none */
	PIPE_UNCOMMITTED,	/* they came; a sink has not committed, or a stage of ours is not done with one */
	PIPE_HANGS		/* the same, for ten times as long */
};

/* Since when nothing came to the sinks; zeroed at the start of each run. */
struct pipe_stall {
	int64_t since_ms;
	uint64_t sum;
};
/*
 * Has a control line come to a sink since the look before, or less than f->stalled_ms ago?  If not, who is it; *why
 * gets it for a person.  now_ms: of a clock that only runs forward.  Sinks that have not begun are the source's
 * business.
 */
enum pipe_stalled pipe_stall_look(struct pipe_stall *, const struct pipe_file *, const struct pipe_view *,
    int64_t now_ms, struct buf *why);

#endif
