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
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/when.h"
#include "run/sched.h"
#include "store/ref.h"

#define KILL_GRACE_MS 5000		/* between SIGTERM and SIGKILL of a group */
#define DELAY_MS_MAX 300000
#define JOBS_MAX 64
#define EVENT_BYTES_MAX ((size_t)4 << 20)

static size_t
n_tasks(const struct sched *s)
{
	return s->n_days * s->dag->n;
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
	    r.known == DAG_NEVER ? "was never run" : r.known == DAG_BEGUN ? "was cut off" : "failed");
	return GATE_SHUT;
}

/* What a node waits for and this call does not run must have been done before; --only trusts who called it. */
static enum gate
not_asked(const struct sched *s, size_t day, struct task *t, const struct task *up)
{
	if (s->pick == PICK_ONLY || s->day[day].later || up->known == DAG_DONE)
		return GATE_OPEN;
	snprintf(t->why, sizeof t->why, "%s %s", up->node->name,
	    up->known == DAG_NEVER ? "was never run" : up->known == DAG_BEGUN ? "was cut off" : "failed before");
	return GATE_SHUT;
}

static enum gate
gate(struct sched *s, size_t day, struct task *t)
{
	enum gate g = day == s->now ? GATE_OPEN : GATE_WAIT, one;

	for (size_t k = 0; k < t->node->n_deps && g != GATE_SHUT; k++) {
		const struct dag_dep *d = &t->node->dep[k];
		const struct task *up;

		if (d->day_before && day == 0) {
			one = before_first_day(s, t, &s->dag->node[d->node]);
			g = one == GATE_SHUT ? one : g;
			continue;
		}
		up = sched_task(s, d->day_before ? day - 1 : day, d->node);
		if (up->is == TASK_FAILED || up->is == TASK_BLOCKED) {
			snprintf(t->why, sizeof t->why, "%s%s %s", up->node->name, d->day_before ? "@-1" : "",
			    up->is == TASK_FAILED ? "failed" : "was not run");
			g = GATE_SHUT;
		} else if (up->is == TASK_SKIP) {
			one = not_asked(s, day, t, up);
			g = one == GATE_SHUT ? one : g;
		} else if (up->is == TASK_WAITS || up->is == TASK_RUNS) {
			g = GATE_WAIT;
		}
	}
	return g;
}

/* ---- one task ---- */

/*
 * The commits that a day's nodes read are fixed when the day begins; --resume goes on with them, and with what this
 * call committed for the days before.  One node alone, and a day that follows, read the newest of all.
 */
static int
begin_day(struct sched *s)
{
	struct sched_day *d = &s->day[s->now];
	bool keep = s->pick == PICK_ONLY || d->later;
	int rc = 0;

	buf_clear(&d->pins);
	if (s->resume && !d->later && (rc = dag_pins_read(s->dag, d->name, &d->pins)) == 0 && d->pins.n > 0) {
		dag_pins_merge(&d->pins, buf_span(&s->made));
		return dag_pins_write(s->dag, d->name, buf_span(&d->pins));
	}
	if (rc == 0 && (rc = ref_heads(&d->pins)) == 0)
		rc = keep ? dag_pins_add(s->dag, d->name, buf_span(&d->pins), true) :
		    dag_pins_write(s->dag, d->name, buf_span(&d->pins));
	return rc;
}

/* Its shell runs and we cannot go on with it: nothing of it is published. */
static void
abandon(struct task *t)
{
	int ws = 0;

	kill(-txn_pid(t->txn), SIGKILL);
	while (waitpid(txn_pid(t->txn), &ws, 0) == -1 && errno == EINTR)
		;
	if (t->pidfd != -1)
		close(t->pidfd);
	t->pidfd = -1;
	(void)txn_finish(t->txn, ws, true, NULL);
	t->txn = NULL;
}

/* The head of its part of the log, before the first line of the shell's. */
static void
begin_log(void *task, const char *run)
{
	struct task *t = task;

	snprintf(t->run, sizeof t->run, "%s", run);
	if (dag_log_begin(t->log_fd, t->day, t->node->name, t->attempts, t->run) != 0)
		err_warn("%s of %s: its log cannot be written; it goes on", t->node->name, t->day);
}

static int
start(struct sched *s, struct task *t)
{
	struct txn_conf conf = { .label = t->node->name, .day = t->day, .shell = t->node->body, .cwd = s->dag->dir,
	    .pins = buf_span(&s->day[s->now].pins), .made = begin_log, .arg = t };
	int rc;

	if (t->log_fd == -1 && (t->log_fd = dag_log_open(s->dag, t->node, t->day, &t->log)) == -1)
		return EXIT_IO;
	conf.log_fd = t->log_fd;
	t->attempts++;
	t->killed = false;
	t->began_ms = clock_ms();
	t->deadline_ms = t->node->timeout_ms == 0 ? 0 : t->began_ms + t->node->timeout_ms;
	if ((rc = txn_start(&conf, &t->txn)) != 0)
		return rc;
	t->pidfd = pidfd_open(txn_pid(t->txn), 0);
	if (t->pidfd == -1 || (rc = dag_record_begin(s->dag, t->node, t->day, t->run)) != 0) {
		if (t->pidfd == -1)
			rc = err_io("pidfd_open: %s", strerror(errno));
		abandon(t);
		return rc;
	}
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
end_log(struct sched *s, struct task *t, struct span events)
{
	if (t->log_fd != -1)
		close(t->log_fd);
	t->log_fd = -1;
	return s->report(s->arg, t, events);
}

static int
settle(struct sched *s, struct task *t, struct span events, struct span commits)
{
	const struct dag_said said = { .status = t->status, .run = t->run, .attempts = t->attempts,
	    .seconds = t->seconds, .commits = commits };
	int rc = 0;

	t->is = t->status == 0 ? TASK_DONE : TASK_FAILED;
	/* said to be published and not through with it: that it is begun is all that is sure, the next start knows */
	if (t->status != 0 && reads_pending(t->run))
		return end_log(s, t, events);
	if (t->status == 0 && commits.n > 0) {
		dag_pins_merge(&s->made, commits);
		dag_pins_merge(&s->day[s->now].pins, commits);
		rc = dag_pins_add(s->dag, t->day, commits, false);
	}
	if (rc == 0)
		rc = dag_record_write(s->dag, t->node, t->day, &said);
	return rc != 0 ? rc : end_log(s, t, events);
}

/* The shell has ended: judge, publish or drop; retry what was temporary. */
static int
ended(struct sched *s, struct task *t)
{
	struct buf commits = { 0 }, events = { 0 };
	bool published;
	int ws = 0, rc = 0;

	while (waitpid(txn_pid(t->txn), &ws, 0) == -1 && errno == EINTR)
		;
	close(t->pidfd);
	t->pidfd = -1;
	read_events(txn_dir(t->txn), &events);
	t->status = txn_finish(t->txn, ws, t->killed, &commits);
	t->txn = NULL;
	/* an error behind the commit point, and then it went well after all */
	if (t->status != 0 && reads_published(t->run, &published, &commits) == 0 && published)
		t->status = 0;
	t->seconds = (double)(clock_ms() - t->began_ms) / 1000;
	dprintf(t->log_fd, "==== ended with %d after %.3f s\n", t->status, t->seconds);
	if (t->status == EXIT_TEMP && !t->killed && t->attempts <= t->node->retries && !s->stopped(s->arg)) {
		int64_t delay = t->node->delay_ms;

		for (uint64_t i = 1; i < t->attempts && delay < DELAY_MS_MAX; i++)
			delay *= 2;
		t->not_before_ms = clock_ms() + (delay < DELAY_MS_MAX ? delay : DELAY_MS_MAX);
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
		t->deadline_ms = clock_ms() + KILL_GRACE_MS;
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
		for (size_t i = s->now * s->dag->n; i < n_tasks(s) && rc == 0; i++) {
			struct task *t = &s->task[i];

			if (t->is != TASK_WAITS || t->attempts > 0 || gate(s, i / s->dag->n, t) != GATE_SHUT)
				continue;
			t->is = TASK_BLOCKED;
			changed = true;
			rc = s->report(s->arg, t, (struct span){ 0 });
		}
	}
	return rc;
}

/* A day that follows: what it reads is what it read before? Then so is what it makes. */
static int
skip_same(struct sched *s, struct task *t, bool *skipped)
{
	struct buf why = { 0 };

	*skipped = t->attempts == 0 && s->day[s->now].later && t->known == DAG_DONE &&
	    dag_reads(s->dag, t->node, t->day, buf_span(&s->day[s->now].pins), &why) == READS_SAME;
	buf_free(&why);
	if (!*skipped)
		return 0;
	t->is = TASK_SKIP;
	snprintf(t->why, sizeof t->why, "it reads what it read before");
	return s->report(s->arg, t, (struct span){ 0 });
}

/* Start what can be started of the day; *wait_ms gets the time to the next retry. */
static int
start_ready(struct sched *s, size_t *running, int64_t *wait_ms)
{
	int rc = 0;

	for (size_t i = 0; i < s->dag->n && rc == 0; i++) {
		struct task *t = sched_task(s, s->now, i);
		bool skipped;

		if (t->is != TASK_WAITS || *running >= s->jobs || *running >= JOBS_MAX ||
		    (t->attempts == 0 && gate(s, s->now, t) != GATE_OPEN))
			continue;
		if (t->not_before_ms > clock_ms()) {
			int64_t left = t->not_before_ms - clock_ms();

			*wait_ms = *wait_ms < 0 || left < *wait_ms ? left : *wait_ms;
			continue;
		}
		if ((rc = skip_same(s, t, &skipped)) != 0 || skipped)
			continue;
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

	for (size_t i = 0; i < s->dag->n && n < JOBS_MAX; i++) {
		struct task *t = sched_task(s, s->now, i);

		if (t->is != TASK_RUNS)
			continue;
		if (t->deadline_ms > 0) {
			int64_t left = t->deadline_ms - clock_ms();

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

/* ---- the loop ---- */

struct state {
	size_t running, failed, blocked;	/* failed: of the days so far */
	bool hard;				/* … one of them not by EXIT_TEMP */
};

/* Count the day's failures; true while something of it waits. */
static bool
day_open(const struct sched *s, struct state *st, size_t before)
{
	bool waits = false;

	st->failed = before;
	for (size_t i = 0; i < s->dag->n; i++) {
		const struct task *t = sched_task(s, s->now, i);

		st->failed += t->is == TASK_FAILED;
		st->blocked += t->is == TASK_BLOCKED;
		st->hard = st->hard || (t->is == TASK_FAILED && t->status != EXIT_TEMP);
		waits = waits || t->is == TASK_WAITS;
	}
	return waits;
}

static void
stop_all(struct sched *s)
{
	for (size_t i = 0; i < s->dag->n; i++)
		if (sched_task(s, s->now, i)->is == TASK_RUNS && !sched_task(s, s->now, i)->killed)
			stop_task(sched_task(s, s->now, i));
}

/* One day to its end: 0, or why the call itself must end. */
static int
run_day(struct sched *s, struct state *st)
{
	size_t before = st->failed, blocked_at = SIZE_MAX;
	bool told = false;
	int rc = begin_day(s), r;

	for (;;) {
		int64_t wait_ms = -1;
		bool more = day_open(s, st, before);

		if (rc == 0 && blocked_at != st->failed) {
			blocked_at = st->failed;
			rc = block_all(s);
		}
		if (rc == 0 && !s->stopped(s->arg) && (st->failed == 0 || s->keep_going)) {
			rc = start_ready(s, &st->running, &wait_ms);
			more = day_open(s, st, before);
			/* what failed to start ended no process: what stands below it is to be blocked now */
			if (rc == 0 && st->failed != blocked_at)
				continue;
		} else {
			more = false;
		}
		if ((s->stopped(s->arg) || rc != 0) && !told) {
			told = true;
			stop_all(s);
		}
		if (st->running == 0 && (!more || wait_ms < 0))
			break;
		r = wait_some(s, &st->running, wait_ms);
		rc = rc == 0 ? r : rc;
	}
	(void)day_open(s, st, before);
	return rc;
}

int
sched_run(struct sched *s)
{
	struct state st = { 0 };
	int rc = 0;

	for (s->now = 0; rc == 0 && s->now < s->n_days; s->now++) {
		rc = run_day(s, &st);
		if (s->stopped(s->arg) || (st.failed > 0 && !s->keep_going))
			break;
	}
	if (rc == 0 && s->stopped(s->arg))
		return err_temp("stopped by a signal; --resume goes on");
	if (rc != 0 || st.failed + st.blocked == 0)
		return rc;
	/* what is blocked by nothing that failed now waits for another day, and no retry helps it */
	return st.hard || st.failed == 0 ? EXIT_NO : EXIT_TEMP;
}

void
sched_free(struct sched *s)
{
	for (size_t i = 0; s->task != NULL && i < n_tasks(s); i++)
		buf_free(&s->task[i].log);
	for (size_t i = 0; i < s->n_days; i++)
		buf_free(&s->day[i].pins);
	free(s->task);
	free(s->day);
	buf_free(&s->made);
}
