/* SPDX-License-Identifier: BSD-2-Clause */
/* sched - see sched.h */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/when.h"
#include "run/sched.h"
#include "store/ref.h"

#define KILL_GRACE_MS 5000		/* between SIGTERM and SIGKILL of a group */
#define DELAY_MS_MAX 300000
#define JOBS_MAX 64
#define EVENT_BYTES_MAX ((size_t)4 << 20)

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t
n_tasks(const struct sched *s)
{
	return s->n_days * s->dag->n;
}

static struct task *
task_at(const struct sched *s, size_t day, size_t node)
{
	return &s->task[day * s->dag->n + node];
}

/* ---- the plan ---- */

/* Why this node runs again, or NULL when --resume may skip it. The text lives in t->why. */
static bool
must_run(const struct sched *s, size_t day, size_t node, struct task *t)
{
	const struct dag_node *n = t->node;
	struct dag_record r;

	dag_record_read(s->dag, n, t->day, &r);
	if (r.known == DAG_NEVER)
		snprintf(t->why, sizeof t->why, "never run on this day");
	else if (r.known == DAG_FAILED)
		snprintf(t->why, sizeof t->why, "ended with %d (run %.80s)", r.status, r.run);
	else if (strcmp(r.hash, n->hash) != 0)
		snprintf(t->why, sizeof t->why, "its text changed since run %.80s", r.run);
	else if (!s->resume)
		snprintf(t->why, sizeof t->why, "asked for; done before (run %.80s)", r.run);
	else {
		for (size_t k = 0; k < n->n_deps; k++) {
			const struct dag_dep *d = &n->dep[k];
			const struct task *up;

			if (s->only != SIZE_MAX || (d->day_before && day == 0))
				continue;
			up = task_at(s, d->day_before ? day - 1 : day, d->node);
			if (up->is == TASK_WAITS) {
				snprintf(t->why, sizeof t->why, "%s%s runs", up->node->name,
				    d->day_before ? "@-1" : "");
				return true;
			}
		}
		snprintf(t->why, sizeof t->why, "done (run %.80s)", r.run);
		return false;
	}
	(void)node;
	return true;
}

/* Nodes may stand in any order in the file: decide for one when all that it waits for were decided. */
static void
plan_day(struct sched *s, size_t day)
{
	bool *decided = mem_new(s->dag->n);
	size_t left = s->dag->n;

	while (left > 0) {
		for (size_t i = 0; i < s->dag->n; i++) {
			struct task *t = task_at(s, day, i);
			bool ready = !decided[i];

			for (size_t k = 0; k < t->node->n_deps && ready; k++)
				ready = t->node->dep[k].day_before || decided[t->node->dep[k].node];
			if (!ready)
				continue;
			decided[i] = true;
			left--;
			if (s->only != SIZE_MAX && i != s->only) {
				t->is = TASK_SKIP;
				snprintf(t->why, sizeof t->why, "not asked for (--only)");
			} else {
				t->is = must_run(s, day, i, t) ? TASK_WAITS : TASK_SKIP;
			}
		}
	}
	free(decided);
}

int
sched_plan(struct sched *s)
{
	s->task = mem_new(mem_mul(n_tasks(s), sizeof *s->task));
	for (size_t d = 0; d < s->n_days; d++) {
		for (size_t i = 0; i < s->dag->n; i++)
			*task_at(s, d, i) = (struct task){ .node = &s->dag->node[i], .day = s->day[d], .pidfd = -1,
			    .log_fd = -1 };
		plan_day(s, d);
	}
	return 0;
}

/* ---- what a task waits for ---- */

enum gate { GATE_OPEN, GATE_WAIT, GATE_SHUT };

static enum gate
before_first_day(struct sched *s, struct task *t, const struct dag_node *up)
{
	struct dag_record r;
	char day[WHEN_DAY_BYTES];
	int32_t n;

	if (day_parse(span_str(t->day), &n) != NULL)
		return GATE_SHUT;
	day_print(n - 1, day);
	dag_record_read(s->dag, up, day, &r);
	if (r.known == DAG_DONE || (r.known == DAG_NEVER && !dag_has_past(s->dag, up, t->day)))
		return GATE_OPEN;
	snprintf(t->why, sizeof t->why, "%s of %s %s", up->name, day,
	    r.known == DAG_NEVER ? "was never run" : "failed");
	return GATE_SHUT;
}

static enum gate
gate(struct sched *s, size_t day, struct task *t)
{
	enum gate g = GATE_OPEN;

	for (size_t k = 0; k < t->node->n_deps && g != GATE_SHUT; k++) {
		const struct dag_dep *d = &t->node->dep[k];
		const struct task *up;

		if (d->day_before && day == 0) {
			enum gate b = before_first_day(s, t, &s->dag->node[d->node]);

			g = b == GATE_SHUT ? b : g;
			continue;
		}
		if (s->only != SIZE_MAX && !d->day_before)
			continue;	/* a scheduler above us knows the order */
		up = task_at(s, d->day_before ? day - 1 : day, d->node);
		if (up->is == TASK_FAILED || up->is == TASK_BLOCKED) {
			snprintf(t->why, sizeof t->why, "%s%s %s", up->node->name, d->day_before ? "@-1" : "",
			    up->is == TASK_FAILED ? "failed" : "was not run");
			g = GATE_SHUT;
		} else if (up->is == TASK_WAITS || up->is == TASK_RUNS) {
			g = GATE_WAIT;
		}
	}
	return g;
}

/* ---- one task ---- */

/* The commits a day's nodes read are fixed when the day begins; --resume goes on with them. */
static int
pins_of(struct sched *s, const char *day, struct buf *pins)
{
	buf_clear(pins);
	return dag_pins_read(s->dag, day, pins);
}

static int
begin_day(struct sched *s, const char *day)
{
	struct buf *pins = s->pins;
	int rc;

	if ((rc = pins_of(s, day, pins)) != 0 || ((s->resume || s->only != SIZE_MAX) && pins->n > 0))
		return rc;
	buf_clear(pins);
	if ((rc = ref_heads(pins)) == 0)
		rc = dag_pins_write(s->dag, day, buf_span(pins));
	return rc;
}

static int
start(struct sched *s, struct task *t)
{
	struct txn_conf conf = { .label = t->node->name, .day = t->day, .shell = t->node->body, .cwd = s->dag->dir };
	int rc;

	if ((rc = pins_of(s, t->day, s->pins)) != 0)
		return rc;
	conf.pins = buf_span(s->pins);
	if (t->log_fd == -1 && (t->log_fd = dag_log_open(s->dag, t->node, t->day, &t->log)) == -1)
		return EXIT_IO;
	conf.log_fd = t->log_fd;
	t->attempts++;
	t->killed = false;
	t->began_ms = now_ms();
	t->deadline_ms = t->node->timeout_ms == 0 ? 0 : t->began_ms + t->node->timeout_ms;
	if ((rc = txn_start(&conf, &t->txn)) != 0)
		return rc;
	snprintf(t->run, sizeof t->run, "%s", txn_id(t->txn));
	dprintf(t->log_fd, "==== %s %s, attempt %llu, run %s\n", t->day, t->node->name, (unsigned long long)t->attempts,
	    t->run);
	t->pidfd = pidfd_open(txn_pid(t->txn), 0);
	if (t->pidfd == -1)
		return err_io("pidfd_open: %s", strerror(errno));
	(void)fcntl(t->pidfd, F_SETFD, FD_CLOEXEC);
	t->is = TASK_RUNS;
	if (s->begins != NULL)
		s->begins(s->arg, t);
	return 0;
}

/* What the checks of a node had to say: dq-check appends it to RUN/events.ndjson. */
static void
read_events(const char *run_dir, struct buf *out)
{
	struct buf path = { 0 };
	FILE *f;
	size_t n;

	buf_fmt(&path, "%s/events.ndjson", run_dir);
	if ((f = fopen(buf_cstr(&path), "re")) != NULL) {
		while (out->n < EVENT_BYTES_MAX && (n = fread(buf_room(out, 65536), 1, 65536, f)) > 0)
			out->n += n;
		fclose(f);
	}
	buf_free(&path);
}

static int
settle(struct sched *s, struct task *t, struct span events, struct span commits)
{
	int rc;

	t->is = t->status == 0 ? TASK_DONE : TASK_FAILED;
	if (t->status == 0 && commits.n > 0) {
		if ((rc = pins_of(s, t->day, s->pins)) != 0)
			return rc;
		dag_pins_merge(s->pins, commits);
		if ((rc = dag_pins_write(s->dag, t->day, buf_span(s->pins))) != 0)
			return rc;
	}
	rc = dag_record_write(s->dag, t->node, t->day, t->status, t->run, t->attempts, t->seconds, commits);
	if (t->log_fd != -1)
		close(t->log_fd);
	t->log_fd = -1;
	return rc != 0 ? rc : s->report(s->arg, t, events);
}

/* The shell has ended: judge, publish or drop; retry what was temporary. */
static int
ended(struct sched *s, struct task *t)
{
	struct buf commits = { 0 }, events = { 0 };
	int ws = 0, rc = 0;

	while (waitpid(txn_pid(t->txn), &ws, 0) == -1 && errno == EINTR)
		;
	close(t->pidfd);
	t->pidfd = -1;
	read_events(txn_dir(t->txn), &events);
	t->status = txn_finish(t->txn, ws, t->killed, &commits);
	t->txn = NULL;
	t->seconds = (double)(now_ms() - t->began_ms) / 1000;
	dprintf(t->log_fd, "==== ended with %d after %.3f s\n", t->status, t->seconds);
	if (t->status == EXIT_TEMP && !t->killed && t->attempts <= t->node->retries && !s->stopped(s->arg)) {
		int64_t delay = t->node->delay_ms;

		for (uint64_t i = 1; i < t->attempts && delay < DELAY_MS_MAX; i++)
			delay *= 2;
		t->not_before_ms = now_ms() + (delay < DELAY_MS_MAX ? delay : DELAY_MS_MAX);
		t->is = TASK_WAITS;
		snprintf(t->why, sizeof t->why, "retry %llu of %llu", (unsigned long long)t->attempts,
		    (unsigned long long)t->node->retries);
	} else {
		rc = settle(s, t, buf_span(&events), buf_span(&commits));
	}
	buf_free(&commits);
	buf_free(&events);
	return rc;
}

/* SIGTERM to the group first, SIGKILL when that was not heard. */
static void
stop_task(struct task *t)
{
	pid_t group = txn_pid(t->txn);

	if (!t->killed) {
		t->killed = true;
		t->deadline_ms = now_ms() + KILL_GRACE_MS;
		kill(-group, SIGTERM);
	} else {
		t->deadline_ms = 0;
		kill(-group, SIGKILL);
	}
}

/* ---- all of them ---- */

/* Shut gates shut those behind them, wherever these stand in the file: again until nothing changes. */
static int
block_all(struct sched *s)
{
	bool changed = true;
	int rc = 0;

	while (changed && rc == 0) {
		changed = false;
		for (size_t i = 0; i < n_tasks(s) && rc == 0; i++) {
			struct task *t = &s->task[i];

			if (t->is != TASK_WAITS || gate(s, i / s->dag->n, t) != GATE_SHUT)
				continue;
			t->is = TASK_BLOCKED;
			changed = true;
			rc = s->report(s->arg, t, (struct span){ 0 });
		}
	}
	return rc;
}

/* Start what can be started; *wait_ms gets the time to the next retry. */
static int
start_ready(struct sched *s, bool failed, size_t *running, int64_t *wait_ms)
{
	bool halt = (failed && !s->keep_going) || s->stopped(s->arg);
	int rc = block_all(s);

	for (size_t i = 0; i < n_tasks(s) && rc == 0 && !halt; i++) {
		struct task *t = &s->task[i];

		if (t->is != TASK_WAITS || *running >= s->jobs || *running >= JOBS_MAX ||
		    gate(s, i / s->dag->n, t) != GATE_OPEN)
			continue;
		if (t->not_before_ms > now_ms()) {
			int64_t left = t->not_before_ms - now_ms();

			*wait_ms = *wait_ms < 0 || left < *wait_ms ? left : *wait_ms;
			continue;
		}
		if ((rc = start(s, t)) == 0) {
			++*running;
			continue;
		}
		t->status = rc;
		rc = settle(s, t, (struct span){ 0 }, (struct span){ 0 });
		break;		/* a failure may stop the rest */
	}
	return rc;
}

/* Wait until a task ends, one is over its time, or a retry is due. */
static int
wait_some(struct sched *s, size_t *running, int64_t wait_ms)
{
	struct pollfd pf[JOBS_MAX];
	struct task *of[JOBS_MAX];
	nfds_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < n_tasks(s) && n < JOBS_MAX; i++) {
		struct task *t = &s->task[i];

		if (t->is != TASK_RUNS)
			continue;
		if (t->deadline_ms > 0) {
			int64_t left = t->deadline_ms - now_ms();

			if (left <= 0) {
				if (!t->killed)
					err_warn("%s of %s: over its time of %lld s", t->node->name, t->day,
					    (long long)t->node->timeout_ms / 1000);
				stop_task(t);
				left = KILL_GRACE_MS;
			}
			wait_ms = wait_ms < 0 || left < wait_ms ? left : wait_ms;
		}
		of[n] = t;
		pf[n++] = (struct pollfd){ t->pidfd, POLLIN, 0 };
	}
	if (poll(pf, n, wait_ms < 0 ? -1 : (int)(wait_ms > 60000 ? 60000 : wait_ms) + 1) <= 0)
		return 0;
	for (nfds_t i = 0; i < n && rc == 0; i++) {
		if ((pf[i].revents & POLLIN) == 0)
			continue;
		--*running;
		rc = ended(s, of[i]);
	}
	return rc;
}

int
sched_run(struct sched *s)
{
	size_t running = 0;
	bool failed = false, hard = false, told = false;
	int rc;

	if ((rc = txn_redo()) != 0)
		return rc;
	for (size_t d = 0; d < s->n_days && rc == 0; d++)
		rc = begin_day(s, s->day[d]);
	for (;;) {
		int64_t wait_ms = -1;
		bool waits = false;

		for (size_t i = 0; i < n_tasks(s); i++) {
			failed = failed || s->task[i].is == TASK_FAILED;
			hard = hard || (s->task[i].is == TASK_FAILED && s->task[i].status != EXIT_TEMP);
		}
		if (rc == 0)
			rc = start_ready(s, failed, &running, &wait_ms);
		for (size_t i = 0; i < n_tasks(s); i++) {
			const struct task *t = &s->task[i];

			/* one that failed to start counts at once: the next round blocks what stands below it */
			waits = waits || (t->is == TASK_WAITS && t->not_before_ms > now_ms()) ||
			    (t->is == TASK_FAILED && !failed);
		}
		if ((s->stopped(s->arg) || rc != 0) && !told) {
			told = true;
			for (size_t i = 0; i < n_tasks(s); i++)
				if (s->task[i].is == TASK_RUNS && !s->task[i].killed)
					stop_task(&s->task[i]);
		}
		if (running == 0 && (rc != 0 || s->stopped(s->arg) || (failed && !s->keep_going) || !waits))
			break;
		if (rc == 0)
			rc = wait_some(s, &running, wait_ms);
		else
			(void)wait_some(s, &running, wait_ms);
	}
	if (rc == 0 && s->stopped(s->arg))
		return err_temp("stopped by a signal; --resume goes on");
	return rc != 0 ? rc : !failed ? 0 : hard ? EXIT_NO : EXIT_TEMP;
}

void
sched_free(struct sched *s)
{
	for (size_t i = 0; s->task != NULL && i < n_tasks(s); i++)
		buf_free(&s->task[i].log);
	free(s->task);
	buf_free(s->pins);
}
