/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_stall - who lets no control line through (see pipe_view.h) */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "run/pipe_view.h"

#define HANGS 10		/* so many times f->stalled_ms */

/* Is there a command of that name where ours are? */
static bool
is_ours(const char *name)
{
	struct buf b = { 0 };
	char *self = realpath("/proc/self/exe", NULL);
	bool ours = false;

	if (self != NULL && *name != '\0') {
		buf_fmt(&b, "%.*s/%s", (int)(strrchr(self, '/') - self), self, name);
		ours = access(buf_cstr(&b), X_OK) == 0;
	}
	free(self);
	buf_free(&b);
	return ours;
}

/* The stage that this trace is of, among those from `from` on; n_stages: of none. */
static size_t
stage_of(const struct pipe_file *f, size_t from, const struct pipe_trace *t)
{
	while (from < f->n_stages && !pipe_stage_has(&f->stage[from], t->tool))
		from++;
	return from;
}

/* The commands from stage a up to b, which is none of them. */
static void
names(const struct pipe_file *f, size_t a, size_t b, struct buf *out)
{
	for (size_t i = a; i < b; i++)
		buf_fmt(out, "%s%s", i == a ? "" : ", ", f->stage[i].name);
}

/* Is any of the stages from a up to b not ours? */
static bool
has_foreign(const struct pipe_file *f, size_t a, size_t b)
{
	while (a < b && a < f->n_stages && is_ours(f->stage[a].name))
		a++;
	return a < b && a < f->n_stages;
}

/*
 * The line came through `last` and not through `next` (NULL: whatever stands there has never seen one).
 * What stands between the two in the text and is not ours is to blame.  Where nothing does, next has not done with the
 * line: none of ours keeps one back, but a server may let it wait, and who waits is not ended for that.
 */
static enum pipe_stalled
blame(const struct pipe_file *f, const struct pipe_trace *last, const struct pipe_trace *next, struct buf *why)
{
	size_t after = stage_of(f, 0, last), until;

	after += after < f->n_stages;
	until = next == NULL ? after : stage_of(f, after, next);
	if (next == NULL)
		while (until < f->n_stages && !is_ours(f->stage[until].name))
			until++;
	if (next != NULL && !has_foreign(f, after, until)) {
		buf_fmt(why, "%.*s has not done with epoch %" PRIu64 ", which %.*s has sent", (int)next->tool.n,
		    next->tool.p, next->id + 1, (int)last->tool.n, last->tool.p);
		return PIPE_UNCOMMITTED;
	}
	if (after < until && after < f->n_stages)
		names(f, after, until, why);
	else if (next != NULL)
		buf_span_add(why, next->tool);
	else if (until < f->n_stages)
		names(f, until, until + 1, why);
	else
		buf_str(why, "the last stage");
	buf_fmt(why, " lets no control line through: %.*s is at epoch %" PRIu64 ", ", (int)last->tool.n, last->tool.p,
	    last->id);
	if (next != NULL)
		buf_fmt(why, "%.*s behind it at %" PRIu64, (int)next->tool.n, next->tool.p, next->id);
	else
		buf_str(why, "nothing came behind it");
	return PIPE_SWALLOWED;
}

/* The first stage of ours in the text that has left no trace behind the last one that did; false: all have. */
static bool
one_missing(const struct pipe_file *f, const struct pipe_view *v)
{
	size_t at = 0;

	for (size_t i = 0; i < v->n_traces; i++) {
		size_t s = stage_of(f, at, &v->trace[i]);

		at = s < f->n_stages ? s + 1 : at;	/* several traces of one stage: branches */
	}
	for (; at < f->n_stages; at++)
		if (is_ours(f->stage[at].name))
			return true;
	return false;
}

static enum pipe_stalled
who(const struct pipe_file *f, const struct pipe_view *v, struct buf *why)
{
	/* the source leaves no trace of its own: what it has planned it has sent, but for an instant */
	const struct pipe_trace source = { .tool = span_str(f->n_stages == 0 ? "the source" : f->stage[0].name),
	    .id = v->plan };
	const struct pipe_trace *last = &source;
	uint64_t newest = v->plan;

	for (size_t i = 0; i < v->n_traces; i++)
		newest = v->trace[i].id > newest ? v->trace[i].id : newest;
	for (size_t i = 0; i < v->n_traces; i++) {
		if (v->trace[i].id < newest)
			return blame(f, last, &v->trace[i], why);
		last = &v->trace[i];
	}
	/* without any trace the source itself may be to blame, but where a tool that is not ours stands behind it */
	if (v->n_traces > 0 ? one_missing(f, v) : f->n_stages > 1 && !is_ours(f->stage[1].name))
		return blame(f, last, NULL, why);
	for (size_t i = 0; i < v->n_sinks && v->n_traces > 0; i++)
		if (v->sink[i].id < newest) {
			buf_fmt(why, "sink %s has not committed epoch %" PRIu64 ", which came to all stages",
			    v->sink[i].name, newest);
			return PIPE_UNCOMMITTED;
		}
	buf_fmt(why, "%.*s sends no control line", (int)source.tool.n, source.tool.p);
	return PIPE_SILENT;
}

enum pipe_stalled
pipe_stall_look(struct pipe_stall *w, const struct pipe_file *f, const struct pipe_view *v, int64_t now_ms,
    struct buf *why)
{
	enum pipe_stalled s;
	uint64_t sum = v->run + v->begun;

	/*
	 * None of these ever falls within a run.  That all sinks are looked at as one does no harm: the source runs
	 * no more than a few epochs ahead of the slowest, so where one stands still the others soon do too.
	 */
	for (size_t i = 0; i < v->n_sinks; i++)
		sum += v->sink[i].id;
	if (sum != w->sum || w->since_ms == 0) {
		w->sum = sum;
		w->since_ms = now_ms;
	}
	if (v->begun < v->n_sinks || now_ms - w->since_ms < f->stalled_ms)
		return PIPE_MOVES;
	s = who(f, v, why);
	/* no process stands still for so long but one that hangs: to begin again costs little */
	return s == PIPE_UNCOMMITTED && (now_ms - w->since_ms) / HANGS >= f->stalled_ms ? PIPE_HANGS : s;
}
