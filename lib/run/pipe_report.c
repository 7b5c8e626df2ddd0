/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_report - a pipeline for people, programs and monitors (see pipe_state.h) */
#include <inttypes.h>

#include "base/clock.h"
#include "base/mark.h"
#include "base/when.h"
#include "run/pipe_state.h"
#include "store/fs.h"

static bool
is_up(const struct pipe_state *st)
{
	return st->state == PIPE_RUNNING || st->state == PIPE_STARTING || st->state == PIPE_STOPPING ||
	    st->state == PIPE_WAITING;
}

/* ---- for a person ---- */

static void
time_text(struct buf *b, int64_t ms, const struct zone *z)
{
	if (ms == 0)
		buf_str(b, "never");
	else
		(void)when_format(span_str("%Y-%m-%d %H:%M:%S %Z"), ms * 1000, z, b);
}

static void
hops_text(struct buf *b, const struct pipe_trace *last)
{
	struct mark_hop h;
	struct span rest;

	if (last == NULL || last->hops == NULL)
		return;
	buf_fmt(b, "epoch %" PRIu64 "\n", last->id);
	buf_fmt(b, "    %-16s %12s %12s %12s %12s %12s %12s\n", "stage", "in", "pass", "drop", "used", "rejected",
	    "made");
	for (rest = span_str(last->hops); mark_hop_next(&rest, &h);)
		buf_fmt(b, "    %-16.*s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
		    " %12" PRIu64 "\n", (int)h.tool.n, h.tool.p, h.in, h.pass, h.drop, h.used, h.rej, h.made);
}

void
pipe_report_text(struct buf *b, const char *name, const struct pipe_state *st, const struct pipe_view *v,
    const struct zone *z)
{
	buf_fmt(b, "%s %s", name, pipe_state_name(st->state));
	if (is_up(st))
		buf_fmt(b, ", pid %ld, since ", (long)st->pid);
	else
		buf_fmt(b, " with status %d, begun ", st->status);
	time_text(b, st->since_ms, z);
	buf_fmt(b, "\nrun %" PRIu64 ", restarts %" PRIu64 ", plan %" PRIu64 ", %" PRIu64 " epochs behind, last commit ",
	    st->run, st->restarts, v->plan, pipe_view_lag(v));
	time_text(b, pipe_view_committed_ms(v), z);
	buf_byte(b, '\n');
	for (size_t i = 0; i < v->n_sinks; i++)
		buf_fmt(b, "sink %s epoch %" PRIu64 "\n", v->sink[i].name, v->sink[i].id);
	hops_text(b, pipe_view_last(v));
	if (st->why[0] != '\0')
		buf_fmt(b, "last trouble: %s\n", st->why);
	if (st->log != NULL)
		buf_fmt(b, "log %s\n", st->log);
}

/* ---- for a program ---- */

static void
time_json(struct buf *b, const char *key, int64_t ms)
{
	buf_str(b, key);
	if (ms == 0)
		buf_str(b, "null");
	else
		buf_i64(b, ms);
}

void
pipe_report_json(struct buf *b, const char *name, const struct pipe_state *st, const struct pipe_view *v)
{
	const struct pipe_trace *last = pipe_view_last(v);

	buf_str(b, "{\"pipeline\":");
	buf_json(b, span_str(name));
	buf_fmt(b, ",\"state\":\"%s\",\"up\":%s,\"pid\":%ld,\"run\":%" PRIu64 ",\"restarts\":%" PRIu64 ",\"status\":%d",
	    pipe_state_name(st->state), is_up(st) ? "true" : "false", (long)st->pid, st->run, st->restarts, st->status);
	time_json(b, ",\"since\":", st->since_ms);
	time_json(b, ",\"run_since\":", st->run_since_ms);
	buf_fmt(b, ",\"plan\":%" PRIu64 ",\"lag\":%" PRIu64, v->plan, pipe_view_lag(v));
	time_json(b, ",\"committed\":", pipe_view_committed_ms(v));
	buf_str(b, ",\"wm\":");
	if (v->has_wm)
		buf_i64(b, v->wm_ms);
	else
		buf_str(b, "null");
	buf_str(b, ",\"sinks\":{");
	for (size_t i = 0; i < v->n_sinks; i++) {
		if (i > 0)
			buf_byte(b, ',');
		buf_json(b, span_str(v->sink[i].name));
		buf_fmt(b, ":%" PRIu64, v->sink[i].id);
	}
	buf_str(b, "},\"mark\":");
	if (last == NULL)
		buf_str(b, "null");
	else
		buf_fmt(b, "{\"id\":%" PRIu64 ",\"hops\":%s}", last->id, last->hops == NULL ? "null" : last->hops);
	buf_str(b, ",\"why\":");
	buf_json(b, span_str(st->why));
	buf_str(b, ",\"log\":");
	if (st->log == NULL)
		buf_str(b, "null");
	else
		buf_json(b, span_str(st->log));
	buf_byte(b, '}');
}

/* ---- for a monitor ---- */

static void
metric(struct buf *b, const char *what, const char *kind, const char *help)
{
	buf_fmt(b, "# HELP pipehouse_pipeline_%s %s\n# TYPE pipehouse_pipeline_%s %s\n", what, help, what, kind);
}

/* The names are those of pipelines and sinks: nothing in them needs an escape. */
static void
value(struct buf *b, const char *what, const char *name, const char *sink, uint64_t v)
{
	buf_fmt(b, "pipehouse_pipeline_%s{pipeline=\"%s\"", what, name);
	if (sink != NULL)
		buf_fmt(b, ",sink=\"%s\"", sink);
	buf_fmt(b, "} %" PRIu64 "\n", v);
}

static void
seconds(struct buf *b, const char *what, const char *name, int64_t ms)
{
	buf_fmt(b, "pipehouse_pipeline_%s{pipeline=\"%s\"} %" PRId64 ".%03" PRId64 "\n", what, name, ms / 1000,
	    ms % 1000);
}

int
pipe_metrics_write(const char *dir, const char *name, const struct pipe_state *st, const struct pipe_view *v)
{
	struct buf b = { 0 }, path = { 0 };
	int rc;

	metric(&b, "up", "gauge", "1 while all stages run and all sinks have begun");
	value(&b, "up", name, NULL, st->state == PIPE_RUNNING || st->state == PIPE_STOPPING);
	metric(&b, "run", "counter", "how many times the job was started");
	value(&b, "run", name, NULL, st->run);
	metric(&b, "restarts_total", "counter", "runs that failed and were followed by another one");
	value(&b, "restarts_total", name, NULL, st->restarts);
	metric(&b, "planned_epoch", "counter", "the newest epoch whose records are settled");
	value(&b, "planned_epoch", name, NULL, v->plan);
	metric(&b, "epoch", "counter", "the last epoch that the sink has committed");
	for (size_t i = 0; i < v->n_sinks; i++)
		value(&b, "epoch", name, v->sink[i].name, v->sink[i].id);
	metric(&b, "lag_epochs", "gauge", "epochs that are settled and not with every sink");
	value(&b, "lag_epochs", name, NULL, pipe_view_lag(v));
	metric(&b, "last_commit_seconds", "gauge", "when a sink last committed, since 1970");
	seconds(&b, "last_commit_seconds", name, pipe_view_committed_ms(v));
	metric(&b, "written_seconds", "gauge", "when this was written, since 1970: old where pipe-run itself is gone");
	seconds(&b, "written_seconds", name, clock_real_ms());
	buf_fmt(&path, "%s/metrics.prom", dir);
	rc = fs_put(buf_cstr(&path), buf_span(&b), false);
	buf_free(&b);
	buf_free(&path);
	return rc;
}
