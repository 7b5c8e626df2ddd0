/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_run - see pipe_run.h */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "out/event.h"
#include "out/sink.h"
#include "run/ctx.h"
#include "run/pipe_group.h"
#include "run/pipe_log.h"
#include "run/pipe_run.h"
#include "run/shell.h"
#include "store/fs.h"

#define BEGIN_TICK_MS 20	/* between looks at a job that is about to begin, or to end */
#define TICK_MS 100
#define LOOK_MS 500		/* between looks at what its stages left */
#define BROKEN_MS 300		/* between the end of a stage and that of the source, if they end as they should */
#define CUT_MS 10000		/* for all behind it, when the source is killed */
#define METRICS_MS 1000
#define SOURCE_MS 5000		/* a source that is to stop has that long to say who it is */
#define SIGNALED 128
#define SAID_MAX 300		/* bytes of a stage's words in the reason */

struct run {
	const struct pipe_run *conf;
	const struct pipe_file *f;
	struct job_dir *job;		/* NULL between two runs, for an instant */
	char *dir;			/* its directory, once it has one */
	struct pipe_group g;
	struct pipe_log *log;
	struct buf said;		/* what we have to say ourselves, on its way to the log */
	struct pipe_state st;
	struct pipe_view view;
	struct pipe_stall stall;
	enum pipe_stalled stalled;
	struct buf why;			/* who stalled it */
	int signals, ready_fd;
	bool begun, stopping, told, uncommitted;
	bool cut;			/* the source was killed because a stage had ended */
	size_t left;			/* how many stages, from the source on, there were when it was */
	size_t most;			/* commands that were ever seen at once, in any run */
	size_t below;			/* of this run: those below fan-out */
	int64_t begun_ms, asked_ms, delay_ms, metrics_ms, looked_ms;
	int64_t broken_ms, cut_ms;	/* since when a stage is missing; when the source was killed; 0: not */
};

/* ---- what others are told ---- */

static void
flush_said(struct run *r)
{
	if (r->log == NULL)
		return;
	pipe_log_drain(r->log);
	pipe_log_add(r->log, buf_span(&r->said));
	buf_clear(&r->said);
}

static void
keep_event(struct run *r, struct span line)
{
	struct buf path = { 0 }, old = { 0 };
	struct stat st;
	struct sink *s;

	buf_fmt(&path, "%s/events.ndjson", r->dir);
	if (stat(buf_cstr(&path), &st) == 0 && (size_t)st.st_size > r->f->log_bytes) {
		buf_fmt(&old, "%s.1", path.p);
		(void)rename(path.p, buf_cstr(&old));
	}
	if (sink_append(path.p, &s) == 0) {
		sink_line(s, line);
		(void)sink_close(s);
	}
	buf_free(&path);
	buf_free(&old);
}

static void
say(struct run *r, const char *event, enum severity severity, int status, const char *text)
{
	struct buf line = { 0 }, value = { 0 };
	char run[32];

	snprintf(run, sizeof run, "%" PRIu64, r->st.run);
	buf_i64(&value, status);
	event_json(&line, &(struct event){ .event = event, .severity = severity, .name = span_str(r->f->name),
	    .value = buf_span(&value), .text = span_str(text), .run = run });
	if (r->dir != NULL)
		keep_event(r, buf_span(&line));
	if (r->conf->event != NULL)
		(void)r->conf->event(r->conf->arg, buf_span(&line));
	err_warn("%s: %s", r->f->name, text);
	flush_said(r);
	buf_free(&line);
	buf_free(&value);
}

static void
tell_state(struct run *r, enum pipe_is is)
{
	r->st.state = is;
	(void)pipe_state_write(r->dir, &r->st);
	(void)pipe_metrics_write(r->dir, r->f->name, &r->st, &r->view);
	r->metrics_ms = clock_ms();
}

/* Whoever started us waits for one byte: how it began. */
static void
tell_starter(struct run *r, char how)
{
	if (r->ready_fd == -1)
		return;
	if (write(r->ready_fd, &how, 1) != 1)
		err_warn("who started it is gone");
	close(r->ready_fd);
	r->ready_fd = -1;
}

/* ---- one run ---- */

/* The lock is held from here on: nobody else writes this log. */
static int
open_log(struct run *r)
{
	int rc, null;

	if (r->log != NULL)
		return 0;
	if ((rc = pipe_log_open(r->conf->log_path, r->f->log_bytes, r->f->log_keep, &r->log)) != 0 ||
	    r->conf->log_path == NULL)
		return rc;
	r->st.log = r->log->path;
	(void)err_hold(&r->said);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return err_io("/dev/null: %s", strerror(errno));
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) == -1)
			return err_io("/dev/null: %s", strerror(errno));
	close(null);
	return 0;
}

static int
start(struct run *r)
{
	struct buf seen = { 0 };
	int rc;

	/* the lock goes with the old number and comes with the next */
	job_dir_close(r->job);
	r->job = NULL;
	if ((rc = job_dir_make(r->f->name, r->f->sink, r->f->n_sinks, &r->job)) != 0 || (rc = open_log(r)) != 0)
		return rc;
	if (r->dir == NULL)
		r->dir = mem_str(r->job->path);
	pipe_sweep(r->dir);
	rc = fs_remove_tree(job_dir_path(r->job, "seen", &seen));
	buf_free(&seen);
	r->st.run = r->job->run;
	r->st.run_since_ms = clock_real_ms();
	r->begun = r->told = r->uncommitted = r->cut = false;
	r->broken_ms = r->cut_ms = r->looked_ms = 0;
	r->below = 0;
	r->stalled = PIPE_MOVES;
	r->stall = (struct pipe_stall){ 0 };
	buf_clear(&r->why);
	if (r->log != NULL)
		pipe_log_forget(r->log);
	if (rc == 0 && (rc = pipe_view_read(r->dir, &r->view)) == 0)
		rc = pipe_group_start(r->f, r->job, r->st.restarts > 0, r->log != NULL ? r->log->write_fd : 2, &r->g);
	if (rc == 0)
		tell_state(r, r->stopping ? PIPE_STOPPING : PIPE_STARTING);
	return rc;
}

static void
hear(struct run *r)
{
	struct signalfd_siginfo si;

	while (read(r->signals, &si, sizeof si) == (ssize_t)sizeof si) {
		if (si.ssi_signo == SIGHUP) {
			(void)pipe_group_signal(&r->g, r->dir, SIGHUP);
		} else if (r->stopping) {
			err_warn("%s: a second signal: it is ended at once", r->f->name);
			pipe_group_kill(&r->g, SIGKILL);
		} else {
			r->stopping = true;
			r->asked_ms = clock_ms();
			tell_state(r, PIPE_STOPPING);
		}
	}
}

/* The source ends with its epoch, and all behind it with the source. */
static void
go_on_stopping(struct run *r)
{
	int64_t waited = clock_ms() - r->asked_ms;

	/*
	 * Before it has begun the source has sent nothing, no sink has anything to lose: all are told, at each look,
	 * for who is started only now has not heard it.
	 */
	if (!r->begun)
		pipe_group_kill(&r->g, SIGTERM);
	else if (!r->told)
		r->told = pipe_group_signal(&r->g, r->dir, SIGTERM);
	if (r->begun && !r->told && waited >= SOURCE_MS) {
		err_warn("%s: no source said who it is (source.pid): all stages are told to end", r->f->name);
		pipe_group_kill(&r->g, SIGTERM);
		r->told = true;
	}
	if (waited >= r->f->stop_ms) {
		err_warn("%s: it did not end within %" PRId64 " s: it is killed", r->f->name, r->f->stop_ms / 1000);
		pipe_group_kill(&r->g, SIGKILL);
	}
}

static void
look_for_stall(struct run *r)
{
	enum pipe_stalled s;

	buf_clear(&r->why);
	s = pipe_stall_look(&r->stall, r->f, &r->view, clock_ms(), &r->why);
	if (s == PIPE_UNCOMMITTED) {
		if (!r->uncommitted)
			say(r, "pipe.slow", EVENT_WARN, 0, buf_cstr(&r->why));
		r->uncommitted = true;
	} else if (s == PIPE_MOVES) {
		r->uncommitted = false;		/* the next time is told of again */
	} else if (r->stalled == PIPE_MOVES) {
		r->stalled = s;
		pipe_group_kill(&r->g, SIGKILL);
	}
}

/*
 * A stage that ends does so behind the source.  If it ends before, nobody upstream of it need ever notice: all wait
 * for input, and the source for the sinks.  Without a source all of them come to their end, and the shell says how
 * each did.
 */
static void
look_for_breach(struct run *r)
{
	bool lost;
	size_t below, n = pipe_group_commands(&r->g, &below, &lost), want;
	bool source = n != SIZE_MAX && pipe_group_has_source(&r->g, r->dir);

	if (n == SIZE_MAX)
		return;
	r->most = n > r->most ? n : r->most;
	/* what came before the source is no stage */
	r->below = source && below > r->below ? below : r->below;
	want = r->f->plain || r->most > r->f->n_stages ? r->f->n_stages : r->most;
	if (r->cut) {
		if (clock_ms() - r->cut_ms >= CUT_MS)
			pipe_group_kill(&r->g, SIGKILL);
	} else if (!source || (n >= want && below >= r->below && !lost)) {
		r->broken_ms = 0;
	} else if (r->broken_ms == 0) {
		r->broken_ms = clock_ms();
	} else if (clock_ms() - r->broken_ms >= BROKEN_MS) {
		r->cut = pipe_group_signal(&r->g, r->dir, SIGKILL);
		r->cut_ms = clock_ms();
		r->left = n;
	}
}

static void
look(struct run *r)
{
	r->looked_ms = clock_ms();
	(void)pipe_view_read(r->dir, &r->view);
	if (!r->begun && r->view.begun == r->view.n_sinks) {
		r->begun = true;
		r->begun_ms = clock_ms();
		tell_state(r, r->stopping ? PIPE_STOPPING : PIPE_RUNNING);
		tell_starter(r, 'b');
	}
	if (r->stopping)
		go_on_stopping(r);
	else if (r->begun)
		look_for_stall(r);
	/* it ran well: what comes next is another trouble */
	if (r->begun && clock_ms() - r->begun_ms >= r->f->restart_max_ms)
		r->delay_ms = r->f->restart_ms;
	if (clock_ms() - r->metrics_ms >= METRICS_MS) {
		(void)pipe_metrics_write(r->dir, r->f->name, &r->st, &r->view);
		r->metrics_ms = clock_ms();
	}
}

static void
watch(struct run *r)
{
	struct pollfd p[3] = { { r->g.pidfd, POLLIN, 0 }, { r->signals, POLLIN, 0 },
		{ r->log == NULL ? -1 : r->log->read_fd, POLLIN, 0 } };

	do {
		bool quick = !r->begun || r->stopping;
		int n;

		look_for_breach(r);
		if (quick || clock_ms() - r->looked_ms >= LOOK_MS)
			look(r);
		n = poll(p, 3, quick ? BEGIN_TICK_MS : TICK_MS);
		if (n > 0 && p[1].revents != 0)
			hear(r);
		flush_said(r);
	} while (p[0].revents == 0);
}

/* ---- how it ended ---- */

/* Can another run help?  What a command printed last says it better than we could; here only who it was. */
enum kind { WELL, UNREAD, KILLED, AGAIN, FAULT, BAD };

static enum kind
kind_of(int status)
{
	if (status == 0)
		return WELL;
	if (status == SIGNALED + SIGPIPE)
		return UNREAD;		/* somebody behind it had ended */
	if (status == EXIT_TEMP)
		return AGAIN;		/* said too by all to whom the end was not announced */
	if (status == EXIT_IO)
		return FAULT;
	return status > SIGNALED ? KILLED : BAD;
}

/*
 * We killed the source, because a stage had ended: that is no reason of its own, nor is what those say of a torn line
 * who read on then.  They are the first ones: behind a stage that ended others come to their ends.
 */
static void
forget_cut(struct pipe_end *e, size_t left)
{
	bool well = true;

	if (e->n == 0 || e->status[0] != SIGNALED + SIGKILL)
		return;
	for (size_t i = 1; i < e->n; i++) {
		if (i < left && e->status[i] == EXIT_INPUT)
			e->status[i] = EXIT_TEMP;
		well = well && e->status[i] == 0;
	}
	e->status[0] = well ? 0 : SIGNALED + SIGPIPE;
	if (e->worst == SIGNALED + SIGKILL)
		e->worst = e->status[0];
}

/*
 * The first of the worst kind there is; but of those that could not write the last, for what stands before it only
 * found it gone.  Where one was killed, what its neighbours say is his doing: a line was torn, a stage never answered.
 */
static enum kind
verdict(const struct pipe_end *e, size_t *at)
{
	enum kind worst = kind_of(e->worst);
	bool killed = worst == KILLED;

	*at = SIZE_MAX;
	for (size_t i = 0; i < e->n; i++)
		killed = killed || kind_of(e->status[i]) == KILLED;
	for (size_t i = 0; i < e->n; i++) {
		enum kind k = kind_of(e->status[i]);

		if (k == WELL || (killed && k != KILLED))
			continue;
		if (*at != SIZE_MAX && (k < worst || (k == worst && k != FAULT)))
			continue;
		*at = i;
		worst = k;
	}
	return killed ? KILLED : worst;
}

/* The reason in the words of that stage, where it left any. */
static void
quote(const struct run *r, size_t at, struct buf *b)
{
	struct span said = { NULL, 0 };
	char text[SAID_MAX];

	if (r->log != NULL)
		said = pipe_log_said(r->log, r->f->stage[at].name);
	if (said.n > 0)		/* a stage that is not ours may print anything, and an event is read */
		buf_fmt(b, ", saying \"%s\"", err_mask(text, sizeof text, said.p, said.n));
}

static void
explain(struct run *r, const struct pipe_end *e, size_t at, struct buf *b)
{
	int status = at == SIZE_MAX ? e->worst : e->status[at];

	if (at == SIZE_MAX)
		buf_str(b, e->n > 0 ? "a command beside the pipe" : "the shell");
	else if (e->n == r->f->n_stages)
		buf_str(b, r->f->stage[at].name);
	else
		buf_fmt(b, "command %zu of %zu", at + 1, e->n);
	if (status > SIGNALED)
		buf_fmt(b, " was killed by signal %d (%s)", status - SIGNALED, strsignal(status - SIGNALED));
	else
		buf_fmt(b, " ended with %d", status);
	if (status <= SIGNALED && at != SIZE_MAX && e->n == r->f->n_stages)
		quote(r, at, b);
}

static int
exit_status(int status)
{
	if (status == SHELL_NOT_FOUND || status == SHELL_NOT_RUN)
		return EXIT_USAGE;
	return status == EXIT_NO || status == EXIT_USAGE || status == EXIT_INPUT || status == EXIT_REMOTE ? status :
	    EXIT_IO;
}

/* For good: 0, or why. */
static int
settle(struct run *r, enum pipe_is is, int status, const char *event, const char *text)
{
	snprintf(r->st.why, sizeof r->st.why, "%s", status == 0 ? "" : text);
	r->st.status = status;
	(void)pipe_view_read(r->dir, &r->view);
	tell_state(r, is);
	say(r, event, status == 0 ? EVENT_OK : EVENT_FAIL, status, text);
	return status;
}

/* What a run's end means. *again: there is to be another one. */
static int
judge(struct run *r, struct pipe_end *e, bool *again)
{
	struct buf why = { 0 };
	enum kind k;
	size_t at;
	int status;

	*again = false;
	if (r->cut)
		forget_cut(e, r->left);
	k = verdict(e, &at);
	status = at == SIZE_MAX ? e->worst : e->status[at];
	if (r->stalled == PIPE_SWALLOWED)
		return settle(r, PIPE_FAILED, EXIT_INPUT, "pipe.stalled", buf_cstr(&r->why));
	if (k == WELL)
		return settle(r, r->stopping ? PIPE_STOPPED : PIPE_ENDED, 0, "pipe.ended",
		    r->stopping ? "stopped with an epoch" : "its source came to its end");
	if (r->stopping && !r->begun)
		return settle(r, PIPE_STOPPED, 0, "pipe.ended", "stopped before it had begun");
	if (r->stalled == PIPE_SILENT || r->stalled == PIPE_HANGS)
		buf_span_add(&why, buf_span(&r->why));
	else
		explain(r, e, at, &why);
	if (r->stopping) {
		buf_str(&why, " while it was stopped: the next start goes back to the last epoch of its sinks");
		status = settle(r, PIPE_STOPPED, EXIT_TEMP, "pipe.ended", buf_cstr(&why));
	} else if (k == BAD && r->stalled == PIPE_MOVES) {
		buf_str(&why, ", which another start does not mend");
		status = settle(r, PIPE_FAILED, exit_status(status), "pipe.failed", buf_cstr(&why));
	} else {
		*again = true;
		snprintf(r->st.why, sizeof r->st.why, "%s", buf_cstr(&why));
		buf_fmt(&why, "; it is started again in %" PRId64 ".%03d s", r->delay_ms / 1000,
		    (int)(r->delay_ms % 1000));
		say(r, "pipe.restart", EVENT_WARN, status, buf_cstr(&why));
	}
	buf_free(&why);
	return *again ? 0 : status;
}

/* Wait until it is time for the next run; false: it is to stop instead. */
static bool
wait_for_next(struct run *r)
{
	int64_t until = clock_ms() + r->delay_ms, left;
	struct pollfd p = { r->signals, POLLIN, 0 };

	r->delay_ms = r->delay_ms > r->f->restart_max_ms / 2 ? r->f->restart_max_ms : 2 * r->delay_ms;
	tell_state(r, PIPE_WAITING);
	tell_starter(r, 'w');
	while (!r->stopping && (left = until - clock_ms()) > 0)
		if (poll(&p, 1, left < 60000 ? (int)left : 60000) > 0)
			hear(r);
	if (r->stopping)
		(void)settle(r, PIPE_STOPPED, 0, "pipe.ended", "stopped between two runs");
	return !r->stopping;
}

/* What start() said was said. A full disk may have room again; the job's own mistakes stay. */
static bool
try_start_again(struct run *r, int rc)
{
	if (rc == EXIT_IO && r->st.restarts > 0) {
		say(r, "pipe.restart", EVENT_WARN, rc, "it could not be started");
		return true;
	}
	/* without the job's lock it is another one's */
	if (r->job != NULL)
		(void)settle(r, PIPE_FAILED, rc, "pipe.failed", "it could not be started");
	return false;
}

static int
runs(struct run *r)
{
	struct pipe_end end;
	bool again = true;
	int rc;

	for (;;) {
		if ((rc = start(r)) == 0) {
			watch(r);
			pipe_group_end(&r->g, r->dir, &end);
			pipe_sweep(r->dir);
			flush_said(r);
			rc = judge(r, &end, &again);
		} else {
			again = try_start_again(r, rc);
		}
		if (!again || !wait_for_next(r))
			return rc;
		r->st.restarts++;
	}
}

int
pipe_run(const struct pipe_run *conf)
{
	struct run r = { .conf = conf, .f = conf->file, .g = { .pidfd = -1, .life = -1 }, .ready_fd = conf->ready_fd,
	    .delay_ms = conf->file->restart_ms };
	sigset_t set, before;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &before);
	if (run_stop != 0)
		raise(run_stop);	/* it came before: heard like those that come */
	r.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	rc = r.signals == -1 ? err_io("signalfd: %s", strerror(errno)) : pipe_state_me(&r.st);
	if (rc == 0)
		rc = runs(&r);
	if (r.log != NULL) {
		flush_said(&r);
		(void)err_hold(NULL);
	}
	pipe_log_close(r.log);
	job_dir_close(r.job);
	free(r.dir);
	pipe_view_free(&r.view);
	buf_free(&r.said);
	buf_free(&r.why);
	if (r.ready_fd != -1)
		close(r.ready_fd);
	if (r.signals != -1)
		close(r.signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}
