/* SPDX-License-Identifier: BSD-2-Clause */
/* children - see children.h */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/temp.h"
#include "run/children_own.h"
#include "run/shell.h"

#define READ_BYTES (256 * KIB)
#define WAITING_MIN (64 * KIB)		/* bytes that may wait for one child before the caller does */
#define WAITING_MAX (4 * MIB)
#define LOOK_MS 100			/* for who has ended, where the kernel has no pidfd; for the caller to come */

/* ---- start ---- */

static void
clocked(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

struct children *
children_new(struct ctx *c, size_t n, bool ordered)
{
	struct children *ch = mem_new(sizeof *ch);

	ch->c = c;
	ch->n = n;
	ch->nonce = ctx_nonce(c);
	ch->ordered = ordered || ch->nonce != NULL;
	ch->between = ch->nonce != NULL;
	ch->stalled_ms = CHILDREN_STALLED_MS;
	ch->v = mem_new(mem_mul(n, sizeof *ch->v));
	ch->share = ctx_budget(c) / 2 / n;
	ch->limit = ch->share / 4 > WAITING_MAX ? WAITING_MAX : ch->share / 4;
	ch->limit = ch->limit < WAITING_MIN ? WAITING_MIN : ch->limit;
	for (size_t i = 0; i < n; i++) {
		ch->v[i].fd = -1;
		ch->v[i].p = (struct spawned){ .pid = -1, .in = -1, .out = -1, .pidfd = -1 };
	}
	(void)pthread_mutex_init(&ch->lock, NULL);
	clocked(&ch->room);
	ch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return ch;
}

void
children_anew(struct children *ch)
{
	ch->anew = ch->nonce != NULL;
}

void
children_sink(struct children *ch, size_t i)
{
	ch->v[i].sink = true;
}

void
children_mute(struct children *ch, size_t i)
{
	ch->v[i].mute = true;
}

int
children_stalled(struct children *ch, const char *text)
{
	struct dur d;
	int rc;

	if (text == NULL)
		return 0;
	if ((rc = ctx_dur(ch->c, text, "--stalled", &d)) != 0)
		return rc;
	if (d.us < 1000)
		return ctx_usage(ch->c, "--stalled: %s is no exact duration of a millisecond or more", text);
	ch->stalled_ms = d.us / 1000;
	return 0;
}

static int
start(struct children *ch, struct child *x)
{
	return spawn(x->argv, x->env, x->name, ch->n <= 8, &x->p);	/* one user's larger pipes are limited */
}

/* SHARD and SHARDS, and in a barrier job where the child stands in it; what knows nothing of it is not told. */
static void
settle_env(struct children *ch, struct child *x)
{
	static const char *const nothing[] = { NULL };
	static const char *const no_job[] = { "PIPEHOUSE_JOB", "PIPEHOUSE_JOB_RUN", NULL };
	const char *outer = getenv("PIPEHOUSE_BRANCH");
	size_t n = 2, i = (size_t)(x - ch->v);
	struct buf b = { 0 };

	buf_fmt(&b, "SHARD=%zu", i);
	x->var[0] = mem_str(buf_cstr(&b));
	buf_clear(&b);
	buf_fmt(&b, "SHARDS=%zu", ch->n);
	x->var[1] = mem_str(buf_cstr(&b));
	if (ch->nonce != NULL && !ch->anew) {
		buf_clear(&b);
		buf_fmt(&b, "PIPEHOUSE_BRANCH=%s%s%zu", outer == NULL ? "" : outer, outer == NULL ? "" : ".", i);
		x->var[n++] = mem_str(buf_cstr(&b));
	}
	x->env = spawn_env(x->var, n, ch->anew ? no_job : nothing);
	buf_free(&b);
}

int
children_start(struct children *ch, size_t i, char *const argv[], const char *name)
{
	struct child *x = &ch->v[i];

	x->name = mem_str(name);
	x->argv = argv;
	settle_env(ch, x);
	return ch->wake == -1 ? err_io("%s: %s", name, strerror(errno)) : start(ch, x);
}

/* ---- the thread: what comes of a child ---- */

static void
stop(struct child *x)
{
	x->stopped = true;
	(void)kill(x->p.pid, SIGTERM);
}

void
children_failed(struct children *ch, int rc)
{
	(void)pthread_mutex_lock(&ch->lock);
	ch->rc = ch->rc == 0 ? rc : ch->rc;
	(void)pthread_cond_broadcast(&ch->room);
	(void)pthread_mutex_unlock(&ch->lock);
	for (size_t i = 0; i < ch->n; i++)
		if (ch->v[i].p.pid > 0 && !ch->v[i].reaped)
			stop(&ch->v[i]);
}

/* The reader of our output went away: that ends us, unless somebody else saw to it that it does not. */
static int
sink_failed(struct children *ch)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);		/* it is pending, of that very write */
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	children_failed(ch, EXIT_IO);
	return EXIT_IO;
}

static int
write_out(struct children *ch, struct span s)
{
	if (s.n == 0 || ch->rc != 0)
		return ch->rc;
	ch->dirty = true;
	return sink_add(ctx_out(ch->c), s) == 0 ? 0 : sink_failed(ch);
}

int
children_give(struct children *ch, struct child *x, struct span lines)
{
	int rc;

	if (!ch->ordered || x == &ch->v[ch->current])
		return write_out(ch, lines);
	buf_span_add(&x->hold, lines);
	if (x->hold.n <= ch->share)
		return 0;
	rc = temp_append(&x->fd, &x->filed, buf_span(&x->hold));
	buf_clear(&x->hold);
	if (rc != 0)
		children_failed(ch, rc);
	return rc;
}

/* All that was held of it. */
static void
release(struct children *ch, struct child *x)
{
	struct buf b = { 0 };

	for (uint64_t at = 0; at < x->filed && ch->rc == 0;) {
		size_t want = x->filed - at < READ_BYTES ? (size_t)(x->filed - at) : READ_BYTES;
		int rc = temp_read_all(x->fd, buf_room(&b, want), want, at);

		if (rc != 0)
			children_failed(ch, rc);
		else
			write_out(ch, span_of(b.p, want));
		at += want;
	}
	write_out(ch, buf_span(&x->hold));
	buf_free(&b);
	buf_free(&x->hold);
	if (x->fd != -1)
		close(x->fd);
	x->fd = -1;
	x->filed = 0;
}

static void
receive(struct children *ch, struct child *x)
{
	char *p = buf_room(&x->part, READ_BYTES), *lf;
	ssize_t n = read(x->p.out, p, READ_BYTES);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		x->ended = true;
		close(x->p.out);
		x->p.out = -1;
		if (x->mute) {
			(void)pthread_mutex_lock(&ch->lock);
			x->closed = true;
			(void)pthread_cond_broadcast(&ch->room);
			(void)pthread_mutex_unlock(&ch->lock);
		}
		return;
	}
	x->part.n += (size_t)n;
	atomic_fetch_add(&ch->moves, (unsigned long)n);
	if ((lf = memrchr(p, '\n', (size_t)n)) != NULL) {
		size_t whole = (size_t)(lf + 1 - x->part.p);

		children_take(ch, x, span_of(x->part.p, whole));
		x->part.n -= whole;
		memmove(x->part.p, x->part.p + whole, x->part.n);
	} else if (x->part.n > ctx_max_line(ch->c)) {
		children_failed(ch, err_input("%s: a line longer than the limit (--max-line)", x->name));
		buf_clear(&x->part);
	}
}

/* ---- the thread: what goes to a child ---- */

static void
shut(struct children *ch, struct child *x)
{
	if (x->p.in == -1)
		return;
	close(x->p.in);
	x->p.in = -1;
	(void)pthread_mutex_lock(&ch->lock);
	for (size_t i = x->sent; i < x->send.n; i++)
		ch->discarded += x->send.p[i] == '\n';
	buf_clear(&x->send);
	x->sent = 0;
	for (size_t i = 0; i < x->next.n; i++)
		ch->discarded += x->next.p[i] == '\n';
	buf_clear(&x->next);
	atomic_store(&x->shut, true);
	(void)pthread_cond_broadcast(&ch->room);
	(void)pthread_mutex_unlock(&ch->lock);
}

static void
feed(struct children *ch, struct child *x)
{
	static const struct timespec now;
	ssize_t w = write(x->p.in, x->send.p + x->sent, x->send.n - x->sent);
	sigset_t set;

	if (w >= 0) {
		x->sent += (size_t)w;
		atomic_fetch_add(&ch->moves, (unsigned long)w);
	} else if (errno == EPIPE) {	/* it wants no more; its end says whether that is well */
		sigemptyset(&set);
		sigaddset(&set, SIGPIPE);
		(void)sigtimedwait(&set, NULL, &now);
		shut(ch, x);
	} else if (errno != EINTR && errno != EAGAIN) {
		children_failed(ch, err_io("%s: %s", x->name, strerror(errno)));
		shut(ch, x);
	}
}

/* What the caller has put since becomes what is sent; true when there is something. */
static bool
has_more(struct children *ch, struct child *x)
{
	bool over, failed;

	if (x->p.in == -1 || x->sent < x->send.n)
		return x->p.in != -1;
	(void)pthread_mutex_lock(&ch->lock);
	buf_clear(&x->send);
	x->sent = 0;
	if (x->next.n > 0) {
		struct buf b = x->send;

		x->send = x->next;
		x->next = b;
		(void)pthread_cond_broadcast(&ch->room);
	}
	over = ch->finishing || (ch->anew && ch->asked != ch->done);
	failed = ch->rc != 0;
	(void)pthread_mutex_unlock(&ch->lock);
	if (failed || (over && x->send.n == 0))
		shut(ch, x);
	return x->p.in != -1 && x->send.n > 0;
}

/* ---- the thread ---- */

/* Of what is started anew nobody asks whether the answer is no: a script that breaks often ends with 1. */
static bool
died(const struct children *ch, int status)
{
	return !WIFEXITED(status) ||
	    (WEXITSTATUS(status) != EXIT_DONE && (WEXITSTATUS(status) != EXIT_NO || ch->anew));
}

static void
reap(struct children *ch, struct child *x)
{
	bool leave;

	if (x->reaped || waitpid(x->p.pid, &x->status, WNOHANG) != x->p.pid)
		return;
	x->reaped = true;
	if (x->p.pidfd != -1)
		close(x->p.pidfd);
	x->p.pidfd = -1;
	shut(ch, x);
	(void)pthread_mutex_lock(&ch->lock);
	leave = ch->nonce == NULL || ch->anew || ch->finishing || ch->last;
	(void)pthread_mutex_unlock(&ch->lock);
	if (x->stopped)
		return;
	if (died(ch, x->status))
		children_failed(ch, EXIT_IO);	/* its own status is told by children_end */
	else if (!leave)
		children_failed(ch, err_temp("%s: it ended before the stream did", x->name));
}

/* All of it came: what it left of a line is one, or was torn. */
static void
finish(struct children *ch, struct child *x)
{
	if (!x->reaped || !x->ended || x->over)
		return;
	x->over = true;
	if (x->part.n > 0 && WIFEXITED(x->status)) {
		buf_byte(&x->part, '\n');
		children_take(ch, x, buf_span(&x->part));
	}
	buf_clear(&x->part);
	if (ch->nonce != NULL && !x->stopped && !died(ch, x->status))
		children_over(ch, x);
}

/* Nothing left to do: no child, and in a barrier job no epoch that starts another one, or all has failed. */
static bool
all_over(struct children *ch, bool finishing)
{
	for (size_t i = 0; i < ch->n; i++)
		if (!ch->v[i].reaped || !ch->v[i].ended)
			return false;
	return ch->nonce == NULL || finishing || ch->rc != 0;
}

/* What the caller has said since: that no more comes, that it has waited for too long. */
static bool
listen_to_caller(struct children *ch)
{
	bool finishing, stalled;

	(void)pthread_mutex_lock(&ch->lock);
	finishing = ch->finishing;
	stalled = ch->stalled && ch->rc == 0;
	ch->stalled = false;
	ch->deaf = ch->between && !finishing && ch->rc == 0;
	(void)pthread_mutex_unlock(&ch->lock);
	if (stalled)
		children_tell_stalled(ch);
	return finishing;
}

/* What there is to wait for; which[k] is the child of pfd[k]. */
static nfds_t
gather(struct children *ch, struct pollfd *pfd, size_t *which, bool *blind)
{
	nfds_t n = 0;

	*blind = false;
	pfd[n++] = (struct pollfd){ ch->wake, POLLIN, 0 };
	for (size_t i = 0; i < ch->n; i++) {
		struct child *x = &ch->v[i];
		int fd[3] = { has_more(ch, x) ? x->p.in : -1, ch->deaf ? -1 : x->p.out, x->p.pidfd };

		for (int k = 0; k < 3; k++) {
			if (fd[k] == -1)
				continue;
			which[n] = i;
			pfd[n++] = (struct pollfd){ fd[k], k == 0 ? POLLOUT : POLLIN, 0 };
		}
		*blind = *blind || (!x->reaped && x->p.pidfd == -1);
	}
	return n;
}

static void
handle(struct children *ch, const struct pollfd *p, struct child *x)
{
	if (p->revents == 0)
		return;
	if (p->fd == x->p.in)
		feed(ch, x);
	else if (p->fd == x->p.out)
		receive(ch, x);
	else if (p->fd == x->p.pidfd)
		reap(ch, x);
}

/*
 * The processes of the next epoch, at once, so that they are ready when its records come.  This thread starts them: the
 * caller's, which reads the input, can start none (run/sandbox.h).
 */
static void
renew(struct children *ch)
{
	for (size_t i = 0; i < ch->n && ch->rc == 0; i++) {
		struct child *x = &ch->v[i];
		int rc = start(ch, x);

		if (x->p.pid != -1)
			x->ended = x->reaped = x->over = false;
		if (rc != 0)
			children_failed(ch, rc);
	}
}

/* The lines of the next one, once the one before it has given all; and when all have, the caller goes on. */
static void
advance(struct children *ch)
{
	while (ch->ordered && ch->current < ch->n && children_through(ch, &ch->v[ch->current]))
		if (++ch->current < ch->n)
			release(ch, &ch->v[ch->current]);
	if (ch->nonce != NULL && ch->current == ch->n && children_round_ends(ch) && ch->anew)
		renew(ch);
}

/*
 * The worse of two; in a barrier job that the input ended too soon is what comes of a command that cannot be run as it
 * stands there: another start mends the one, and not the other.
 */
static int
worse(const struct children *ch, const struct child *x, int rc, int status)
{
	if (ch->nonce == NULL || rc != EXIT_TEMP || status != EXIT_USAGE)
		return flow_worse(rc, status);
	return err_usage("%s: ended with %d, which is why", x->name, WEXITSTATUS(x->status));
}

/* What a child's end makes of the result. */
static int
verdict(const struct children *ch, const struct child *x, int rc)
{
	int status;

	if (WIFSIGNALED(x->status)) {
		if (x->stopped && WTERMSIG(x->status) == SIGTERM)
			return rc;
		return flow_worse(rc, err_io("%s: killed by signal %d (%s)", x->name, WTERMSIG(x->status),
		    strsignal(WTERMSIG(x->status))));
	}
	status = WEXITSTATUS(x->status);
	if ((status <= EXIT_REMOTE && (status != EXIT_NO || !ch->anew)) || status == EXIT_TEMP)
		return x->stopped ? rc : worse(ch, x, rc, status);
	if (status == SHELL_NOT_FOUND || status == SHELL_NOT_RUN) {
		err_warn("%s: a command of it cannot be run", x->name);
		return worse(ch, x, rc, EXIT_USAGE);
	}
	return flow_worse(rc, err_io("%s: ended with %d", x->name, status));
}

/* ... and all of theirs. */
static int
verdicts(const struct children *ch, int rc)
{
	bool told = false;

	for (size_t i = 0; i < ch->n; i++) {
		const struct child *x = &ch->v[i];

		told = told || (died(ch, x->status) && !x->stopped);
		rc = verdict(ch, x, rc);
	}
	return ch->rc != 0 && !told ? flow_worse(rc, ch->rc) : rc;
}

/*
 * The children of a barrier job are gone, and the caller does not come to hear of it: it waits for input.  That may be
 * the first line of a source that waits for a sink to begin, and that sink was one of them.  So the process ends here;
 * nothing is lost that counts, as what is behind the last control line is made again.
 */
static void
end_for_caller(struct children *ch)
{
	bool comes = false;

	for (int ms = 0; ms < LOOK_MS && !comes; ms += LOOK_MS / 10) {
		if (ms > 0)
			(void)poll(NULL, 0, LOOK_MS / 10);
		(void)pthread_mutex_lock(&ch->lock);
		comes = ch->finishing;
		(void)pthread_mutex_unlock(&ch->lock);
	}
	if (!comes)
		_exit(verdicts(ch, 0));
}

static void *
run(void *arg)
{
	struct children *ch = arg;
	struct pollfd *pfd = mem_array(NULL, 3 * ch->n + 1, sizeof *pfd);
	size_t *which = mem_array(NULL, 3 * ch->n + 1, sizeof *which);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	while (!all_over(ch, listen_to_caller(ch))) {
		bool blind;
		nfds_t n = gather(ch, pfd, which, &blind);
		int got = poll(pfd, n, ch->dirty ? 0 : blind ? LOOK_MS : -1);
		eventfd_t told;

		if (got == 0 && ch->dirty) {
			ch->dirty = false;
			if (sink_flush(ctx_out(ch->c)) != 0)
				sink_failed(ch);
			continue;
		}
		if (got > 0 && pfd[0].revents != 0)
			(void)eventfd_read(ch->wake, &told);
		for (nfds_t k = 1; got > 0 && k < n; k++)
			handle(ch, &pfd[k], &ch->v[which[k]]);
		for (size_t i = 0; i < ch->n; i++) {
			if (blind)
				reap(ch, &ch->v[i]);
			finish(ch, &ch->v[i]);
		}
		advance(ch);
	}
	if (ch->nonce != NULL && ch->rc != 0)
		end_for_caller(ch);
	else if (sink_flush(ctx_out(ch->c)) != 0)
		sink_failed(ch);
	free(pfd);
	free(which);
	return NULL;
}

int
children_run(struct children *ch)
{
	int error;

	ch->c->main_feed.waited = true;		/* the output is the thread's alone: nobody else flushes it */
	error = pthread_create(&ch->thread, NULL, run, ch);
	return error == 0 ? 0 : err_io("a thread: %s", strerror(error));
}

/* ---- the caller ---- */

bool
children_put(struct children *ch, size_t i, struct span line)
{
	struct child *x = &ch->v[i];

	if (atomic_load_explicit(&x->shut, memory_order_relaxed))
		return false;
	buf_span_add(&x->fill, line);
	buf_byte(&x->fill, '\n');
	x->given++;
	return true;
}

size_t
children_waiting(struct children *ch, size_t i)
{
	size_t n;

	(void)pthread_mutex_lock(&ch->lock);
	n = ch->v[i].next.n;
	(void)pthread_mutex_unlock(&ch->lock);
	return n + ch->v[i].fill.n;
}

static bool
crowded(const struct children *ch)
{
	for (size_t i = 0; i < ch->n && ch->rc == 0; i++)
		if (ch->v[i].next.n > ch->limit)
			return true;
	return false;
}

bool
children_hand_over(struct children *ch)
{
	bool wanted = false;

	for (size_t i = 0; i < ch->n; i++) {
		struct child *x = &ch->v[i];

		if (atomic_load(&x->shut)) {
			for (size_t k = 0; k < x->fill.n; k++)
				ch->discarded += x->fill.p[k] == '\n';
		} else if (x->next.n == 0) {
			struct buf b = x->next;

			x->next = x->fill;
			x->fill = b;
			wanted = true;
		} else {
			buf_span_add(&x->next, buf_span(&x->fill));
			wanted = true;
		}
		buf_clear(&x->fill);
	}
	ch->between = false;
	(void)eventfd_write(ch->wake, 1);
	return wanted;
}

int
children_turn(struct children *ch)
{
	bool wanted;
	int rc;

	(void)pthread_mutex_lock(&ch->lock);
	wanted = children_hand_over(ch) || ch->nonce != NULL;
	while (crowded(ch))
		(void)pthread_cond_wait(&ch->room, &ch->lock);
	rc = ch->rc;
	(void)pthread_mutex_unlock(&ch->lock);
	return rc != 0 ? rc : wanted ? 0 : -1;
}

int
children_end(struct children *ch, int rc, uint64_t *unread)
{
	(void)pthread_mutex_lock(&ch->lock);
	ch->finishing = true;
	(void)pthread_mutex_unlock(&ch->lock);
	(void)eventfd_write(ch->wake, 1);
	(void)pthread_join(ch->thread, NULL);
	ctx_count_made(ch->c, ch->lines);
	*unread = ch->discarded;
	if (rc == -1 || (rc != 0 && rc == ch->rc))
		rc = 0;			/* a child's end, which has a status of its own */
	rc = verdicts(ch, rc);
	for (size_t i = 0; i < ch->n; i++) {
		struct child *x = &ch->v[i];

		free(x->name);
		free(x->env);
		for (size_t k = 0; k < CHILD_VARS; k++)
			free(x->var[k]);
		buf_free(&x->answer);
		buf_free(&x->fill);
		buf_free(&x->next);
		buf_free(&x->send);
		buf_free(&x->part);
		buf_free(&x->hold);
	}
	close(ch->wake);
	buf_free(&ch->hops);
	(void)pthread_mutex_destroy(&ch->lock);
	(void)pthread_cond_destroy(&ch->room);
	free(ch->v);
	free(ch);
	return rc;
}
