/* SPDX-License-Identifier: BSD-2-Clause */
/* tell - see tell.h */
#include <stdio.h>
#include <unistd.h>

#include "in/scan.h"
#include "out/event.h"
#include "run/tell.h"

#define TEXT_BYTES 260
#define SAID_BYTES 300		/* of a node's words in the reason */

static void
say(struct tell *st, const struct task *t, int status, const char *text)
{
	char value[16];
	int n = snprintf(value, sizeof value, "%d", status);
	struct event e = { .event = "dag.node", .severity = status == 0 ? EVENT_OK : EVENT_FAIL, .dt = t->day,
	    .run = *t->run == '\0' ? NULL : t->run, .name = span_str(t->node->name), .value = span_of(value, (size_t)n),
	    .expected = span_str("0"), .text = span_str(text) };

	event_json(ctx_made_begin(st->c, NULL, 0), &e);
	ctx_made_end(st->c);
}

/* One line on a terminal, written over and over; elsewhere only failures speak, for the events tell the rest. */
static void
progress(struct tell *st, const struct task *t)
{
	char line[200];
	int n;

	if (!st->tty)
		return;
	n = snprintf(line, sizeof line, "\r\033[K%s  %zu of %zu  %.60s%s", t->day, st->settled, st->planned,
	    t->node->name, t->is == TASK_RUNS ? " …" : "");
	if (n > 0 && write(2, line, (size_t)n) == -1)
		st->tty = false;
}

static void
clear_line(struct tell *st)
{
	if (st->tty && write(2, "\r\033[K", 4) == -1)
		st->tty = false;
}

static bool
is_event(struct span line)
{
	size_t at;

	return line.n > 0 && line.p[0] == '{' && scan_value(line, NULL, &at) == NULL;
}

void
tell_count(struct tell *st, const struct sched *s)
{
	for (size_t i = 0; i < s->n_days * s->dag->n; i++)
		st->planned += s->task[i].is != TASK_SKIP;
}

void
tell_begins(void *arg, const struct task *t)
{
	progress(arg, t);
}

bool
tell_stopped(void *arg)
{
	return ctx_stopped(((struct tell *)arg)->c);
}

int
tell_report(void *arg, const struct task *t, struct span events)
{
	char text[TEXT_BYTES + SAID_BYTES], said[SAID_BYTES] = "";
	struct tell *st = arg;

	st->settled++;
	if (t->is == TASK_FAILED && t->log.n > 0)
		dag_log_said(t->log.p, said, sizeof said);
	if (t->is == TASK_BLOCKED)
		snprintf(text, sizeof text, "not run: %s", t->why);
	else if (t->is == TASK_SKIP)
		snprintf(text, sizeof text, "not needed: %s", t->why);
	else if (t->status == 0)
		snprintf(text, sizeof text, "done in %.2f s", t->seconds);
	else
		snprintf(text, sizeof text, "ended with %d after %.2f s%s%s%s%s", t->status, t->seconds,
		    t->killed ? ", stopped" : "", *said == '\0' ? "" : ", saying \"", said, *said == '\0' ? "" : "\"");
	st->failed += t->is == TASK_FAILED;
	st->blocked += t->is == TASK_BLOCKED;
	if (t->is == TASK_FAILED) {
		clear_line(st);
		err_warn("%s of %s %s%s%s", t->node->name, t->day, text, t->log.n > 0 ? "; its log: " : "",
		    t->log.n > 0 ? t->log.p : "");
	}
	progress(st, t);
	if (st->unheard)
		return 0;
	/* the events of the node's checks pass as they are; who was killed may have left half of one */
	for (struct span rest = events; rest.n > 0;) {
		const char *lf = memchr(rest.p, '\n', rest.n);
		size_t n = lf == NULL ? rest.n : (size_t)(lf - rest.p);

		if (is_event(span_of(rest.p, n))) {
			buf_add(ctx_made_begin(st->c, NULL, 0), rest.p, n);
			ctx_made_end(st->c);
		} else {
			err_warn("%s of %s: an event of a check is no record: it is left out", t->node->name, t->day);
		}
		rest = span_from(rest, n + 1);
	}
	say(st, t, t->is == TASK_BLOCKED ? EXIT_NO : t->status, text);
	if (sink_flush(ctx_out(st->c)) != 0) {
		st->unheard = true;
		err_warn("nobody reads its events any more: the nodes go on");
	}
	return 0;
}

int
tell_plan(struct tell *st, const struct sched *s)
{
	for (size_t i = 0; i < s->n_days * s->dag->n; i++) {
		const struct task *t = &s->task[i];
		struct buf *b;
		int rc;

		if (t->is == TASK_SKIP && s->day[i / s->dag->n].later)
			continue;
		b = ctx_made_begin(st->c, NULL, 0);
		buf_fmt(b, "%s  %-24s %-4s  %s", t->day, t->node->name, t->is == TASK_SKIP ? "skip" : "run", t->why);
		if ((rc = ctx_made_end(st->c)) != 0)
			return rc;
	}
	return 0;
}

void
tell_end(struct tell *st)
{
	clear_line(st);
	if (st->failed > 0)
		err_warn("%zu of %zu nodes done, %zu failed, %zu not run", st->settled - st->failed - st->blocked,
		    st->planned, st->failed, st->planned - st->settled + st->blocked);
}
