/* SPDX-License-Identifier: BSD-2-Clause */
/* sched_plan - which nodes run on which days, and why (see sched.h) */
#include <stdio.h>
#include <stdlib.h>

#include "run/sched.h"

void
sched_days(struct sched *s, int32_t from, int32_t to)
{
	s->n_days = (size_t)(to - from) + 1;
	s->day = mem_new(mem_mul(s->n_days, sizeof *s->day));
	for (int32_t d = from; d <= to; d++)
		day_print(d, s->day[d - from].name);
}

/* ---- days that follow ---- */

/* Is b a part of the circle over days that a stands in? */
static bool
one_circle(const struct dag *d, size_t a, size_t b)
{
	return dag_depends(d, a, b) && dag_depends(d, b, a);
}

static bool
asked(const struct sched *s, size_t node)
{
	return s->pick == PICK_ALL || (node == s->node && s->pick != PICK_BELOW) ||
	    (s->pick != PICK_ONLY && node != s->node && dag_depends(s->dag, node, s->node));
}

/* Was a cumulative node that is asked for ever run on this day? */
static bool
goes_on(const struct sched *s, const char *day)
{
	struct dag_record r = { .known = DAG_NEVER };

	for (size_t i = 0; i < s->dag->n && r.known == DAG_NEVER; i++)
		if (dag_depends(s->dag, i, i) && asked(s, i))
			dag_record_read(s->dag, &s->dag->node[i], day, &r);
	return r.known != DAG_NEVER;
}

static void
add_later_days(struct sched *s)
{
	char name[WHEN_DAY_BYTES];
	int32_t d;

	if (day_parse(span_str(s->day[s->n_days - 1].name), &d) != NULL)
		return;
	for (day_print(++d, name); goes_on(s, name); day_print(++d, name)) {
		s->day = mem_array(s->day, s->n_days + 1, sizeof *s->day);
		s->day[s->n_days] = (struct sched_day){ .later = true };
		memcpy(s->day[s->n_days++].name, name, sizeof name);
	}
}

/* ---- one task ---- */

/* The first thing it waits for that runs in this call, or NULL. */
static const struct task *
runs_above(const struct sched *s, size_t day, size_t node, bool circle, bool *before)
{
	const struct dag_node *n = &s->dag->node[node];

	for (size_t k = 0; k < n->n_deps; k++) {
		const struct dag_dep *d = &n->dep[k];
		const struct task *up;

		if ((d->day_before && day == 0) || (circle && !one_circle(s->dag, node, d->node)))
			continue;
		up = sched_task(s, d->day_before ? day - 1 : day, d->node);
		*before = d->day_before;
		if (up->is == TASK_WAITS)
			return up;
	}
	return NULL;
}

/* What is said of a node that is done: what it made was taken back, or which input became another. */
static bool
differs(const struct sched *s, size_t day, struct task *t, const char *run)
{
	struct buf pins = { 0 }, why = { 0 };
	bool yes;

	if (dag_dropped(s->dag, t->node, t->day, &why)) {
		snprintf(t->why, sizeof t->why, "%s after run %.80s", buf_cstr(&why), run);
		buf_free(&why);
		return true;
	}
	/* --resume goes on with the commits of its day; else the day would begin anew, with the newest */
	if (s->resume)
		(void)dag_pins_read(s->dag, s->day[day].name, &pins);
	yes = dag_reads(s->dag, t->node, t->day, buf_span(&pins), &why) == READS_DIFFER;
	if (yes)
		snprintf(t->why, sizeof t->why, "%s of run %.80s", buf_cstr(&why), run);
	buf_free(&pins);
	buf_free(&why);
	return yes;
}

/* Does a node that is asked for run? t->why gets the reason for either. */
static bool
must_run(const struct sched *s, size_t day, size_t node, struct task *t)
{
	const struct task *up;
	struct dag_record r;
	bool before;

	dag_record_read(s->dag, t->node, t->day, &r);
	if (r.known == DAG_NEVER)
		snprintf(t->why, sizeof t->why, "never run on this day");
	else if (r.known == DAG_BEGUN)
		snprintf(t->why, sizeof t->why, "was cut off (run %.80s)", r.run);
	else if (r.known == DAG_FAILED)
		snprintf(t->why, sizeof t->why, "ended with %d (run %.80s)", r.status, r.run);
	else if (strcmp(r.hash, t->node->hash) != 0)
		snprintf(t->why, sizeof t->why, "its text changed since run %.80s", r.run);
	else if ((s->resume || s->dry) && differs(s, day, t, r.run))
		return true;
	else if (!s->resume)
		snprintf(t->why, sizeof t->why, "asked for; done before (run %.80s)", r.run);
	else if (s->pick != PICK_ONLY && (up = runs_above(s, day, node, false, &before)) != NULL)
		snprintf(t->why, sizeof t->why, "%s%s runs", up->node->name, before ? "@-1" : "");
	else {
		snprintf(t->why, sizeof t->why, "done (run %.80s)", r.run);
		return false;
	}
	return true;
}

/* A night that was killed between two days may have left a later one behind: what it reads tells. */
static bool
plan_later(const struct sched *s, size_t day, size_t node, struct task *t)
{
	struct buf why = { 0 };
	const struct task *up;
	struct dag_record r;
	bool before, yes = false;

	dag_record_read(s->dag, t->node, t->day, &r);
	if (r.known == DAG_NEVER || !dag_depends(s->dag, node, node)) {
		snprintf(t->why, sizeof t->why, "stands alone: no other day goes into it");
	} else if (r.known == DAG_BEGUN) {
		yes = true;
		snprintf(t->why, sizeof t->why, "was cut off (run %.80s)", r.run);
	} else if (r.known == DAG_FAILED) {
		yes = true;
		snprintf(t->why, sizeof t->why, "ended with %d (run %.80s)", r.status, r.run);
	} else if ((up = runs_above(s, day, node, true, &before)) != NULL) {
		yes = true;
		snprintf(t->why, sizeof t->why, "%s%s runs; only if what it reads becomes another", up->node->name,
		    before ? "@-1" : "");
	} else {
		yes = dag_reads(s->dag, t->node, t->day, (struct span){ 0 }, &why) == READS_DIFFER;
		snprintf(t->why, sizeof t->why, "%s", yes ? buf_cstr(&why) : "it reads what it read before");
	}
	buf_free(&why);
	return yes;
}

/* --downstream NODE: what stands below it cannot be made without it, so it runs when it is not done. */
static bool
plan_itself(const struct sched *s, struct task *t, const struct dag_record *r)
{
	struct buf why = { 0 };
	bool yes = true;

	if (r->known == DAG_NEVER)
		snprintf(t->why, sizeof t->why, "never run on this day, and what stands below it waits for it");
	else if (r->known == DAG_BEGUN)
		snprintf(t->why, sizeof t->why, "was cut off (run %.80s), and what stands below it waits for it",
		    r->run);
	else if (r->known == DAG_FAILED)
		snprintf(t->why, sizeof t->why, "ended with %d (run %.80s), and what stands below it waits for it",
		    r->status, r->run);
	else if ((yes = dag_dropped(s->dag, t->node, t->day, &why)))
		snprintf(t->why, sizeof t->why, "%s, and what stands below it waits for it", buf_cstr(&why));
	else
		snprintf(t->why, sizeof t->why, "done, and only what stands below it is asked for");
	buf_free(&why);
	return yes;
}

static bool
plan_task(const struct sched *s, size_t day, size_t node, struct task *t)
{
	static const char *const option[] = { "", "--only", "--from-node", "--downstream" };
	struct dag_record r;

	dag_record_read(s->dag, t->node, t->day, &r);
	t->known = r.known;
	if (s->day[day].later)
		return plan_later(s, day, node, t);
	if (asked(s, node))
		return must_run(s, day, node, t);
	if (s->pick == PICK_BELOW && node == s->node)
		return plan_itself(s, t, &r);
	snprintf(t->why, sizeof t->why, "not asked for (%s %s)", option[s->pick], s->dag->node[s->node].name);
	return false;
}

/* Nodes may stand in any order in the file: decide for one when all that it waits for were decided. */
static void
plan_day(struct sched *s, size_t day)
{
	bool *decided = mem_new(s->dag->n);
	size_t left = s->dag->n;

	while (left > 0) {
		for (size_t i = 0; i < s->dag->n; i++) {
			struct task *t = sched_task(s, day, i);
			bool ready = !decided[i];

			for (size_t k = 0; k < t->node->n_deps && ready; k++)
				ready = t->node->dep[k].day_before || decided[t->node->dep[k].node];
			if (!ready)
				continue;
			decided[i] = true;
			left--;
			t->is = plan_task(s, day, i, t) ? TASK_WAITS : TASK_SKIP;
		}
	}
	free(decided);
}

int
sched_plan(struct sched *s)
{
	const struct dag_node *only = s->pick == PICK_ONLY ? &s->dag->node[s->node] : NULL;
	int rc = 0;

	add_later_days(s);
	for (size_t d = 0; d < s->n_days && rc == 0 && !s->dry; d++)
		rc = dag_lock(s->dag, s->day[d].name, only);
	/* first what a crash left: runs to be published to their end, and nodes whose end nobody wrote down */
	if (rc == 0 && !s->dry)
		rc = txn_redo();
	for (size_t d = 0; d < s->n_days && !s->dry; d++)
		for (size_t i = 0; i < s->dag->n && rc == 0; i++)
			rc = dag_record_end(s->dag, &s->dag->node[i], s->day[d].name);
	if (rc != 0)
		return rc;
	s->task = mem_new(mem_mul(mem_mul(s->n_days, s->dag->n), sizeof *s->task));
	for (size_t d = 0; d < s->n_days; d++) {
		for (size_t i = 0; i < s->dag->n; i++)
			*sched_task(s, d, i) = (struct task){ .node = &s->dag->node[i], .day = s->day[d].name,
			    .pidfd = -1, .log_fd = -1 };
		plan_day(s, d);
	}
	return 0;
}
