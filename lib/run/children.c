/* SPDX-License-Identifier: BSD-2-Clause */
/* children - see children.h */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/temp.h"
#include "run/children.h"
#include "run/ctx.h"

#define READ_BYTES (256 * KIB)
#define WAITING_MIN (64 * KIB)		/* bytes that may wait for one child before the caller does */
#define WAITING_MAX (4 * MIB)
#define LOOK_MS 100			/* for who has ended, where the kernel has no pidfd */

struct child {
	char *name;
	pid_t pid;
	int in, out, pidfd;
	/* of the caller */
	struct buf fill;
	/* under the lock */
	struct buf next;
	/* of the thread */
	struct buf send;
	size_t sent;
	struct buf part;		/* a line that has begun */
	struct buf hold;		/* ordered: what waits for the children before it, behind what the file holds */
	int fd;
	uint64_t filed;
	bool ended, reaped;		/* its output, the process */
	bool stopped;			/* it was told to end, because of another one */
	int status;
	atomic_bool shut;		/* its input is closed */
};

struct children {
	struct ctx *c;
	struct child *v;
	size_t n;
	bool ordered;
	size_t limit, share;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t room;
	int wake;
	/* under the lock */
	bool finishing;			/* no more comes */
	int rc;				/* of what failed first */
	/* of the thread */
	size_t current;			/* ordered: whose lines go out */
	bool dirty;			/* something was written since the last flush */
	uint64_t lines, discarded;
};

/* ---- start ---- */

struct children *
children_new(struct ctx *c, size_t n, bool ordered)
{
	struct children *ch = mem_new(sizeof *ch);

	ch->c = c;
	ch->n = n;
	ch->ordered = ordered;
	ch->v = mem_new(mem_mul(n, sizeof *ch->v));
	ch->share = ctx_budget(c) / 2 / n;
	ch->limit = ch->share / 4 > WAITING_MAX ? WAITING_MAX : ch->share / 4;
	ch->limit = ch->limit < WAITING_MIN ? WAITING_MIN : ch->limit;
	for (size_t i = 0; i < n; i++)
		ch->v[i].fd = ch->v[i].pidfd = ch->v[i].in = ch->v[i].out = -1;
	(void)pthread_mutex_init(&ch->lock, NULL);
	(void)pthread_cond_init(&ch->room, NULL);
	ch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return ch;
}

static _Noreturn void
become(const struct children *ch, size_t i, char *const argv[], const int in[2], const int out[2], const int told[2],
    pid_t parent)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	char number[24];
	sigset_t none;
	ssize_t w;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_IO);
	for (int sig = 1; sig < 32; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(number, sizeof number, "%zu", i);
	setenv("SHARD", number, 1);
	snprintf(number, sizeof number, "%zu", ch->n);
	setenv("SHARDS", number, 1);
	if (dup2(in[0], 0) != -1 && dup2(out[1], 1) != -1)
		execvp(argv[0], argv);
	w = write(told[1], &errno, sizeof errno);
	(void)w;
	_exit(EXIT_IO);
}

static void
enlarge(const struct children *ch, int fd)
{
	if (ch->n <= 8)		/* what one user may have of larger pipes is limited; no harm where it is refused */
		(void)fcntl(fd, F_SETPIPE_SZ, (int)PIPE_BYTES);
}

int
children_start(struct children *ch, size_t i, char *const argv[], const char *name)
{
	struct child *x = &ch->v[i];
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, told[2] = { -1, -1 }, error = 0;
	pid_t parent = getpid();

	x->name = mem_str(name);
	if (ch->wake == -1 || pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    pipe2(told, O_CLOEXEC) == -1 || (x->pid = fork()) == -1)
		return err_io("%s: %s", name, strerror(errno));
	if (x->pid == 0)
		become(ch, i, argv, in, out, told, parent);
	close(in[0]);
	close(out[1]);
	close(told[1]);
	x->in = in[1];
	x->out = out[0];
	enlarge(ch, x->in);
	enlarge(ch, x->out);
	(void)fcntl(x->in, F_SETFL, O_NONBLOCK);
	(void)fcntl(x->out, F_SETFL, O_NONBLOCK);
	x->pidfd = (int)syscall(SYS_pidfd_open, x->pid, 0);
	while (read(told[0], &error, sizeof error) == -1 && errno == EINTR)
		;
	close(told[0]);
	return error == 0 ? 0 : err_io("%s: %s", name, strerror(error));
}

/* ---- the thread: what comes of a child ---- */

static void
fail(struct children *ch, int rc)
{
	(void)pthread_mutex_lock(&ch->lock);
	ch->rc = ch->rc == 0 ? rc : ch->rc;
	(void)pthread_cond_broadcast(&ch->room);
	(void)pthread_mutex_unlock(&ch->lock);
	for (size_t i = 0; i < ch->n; i++) {
		if (ch->v[i].pid <= 0 || ch->v[i].reaped)
			continue;
		ch->v[i].stopped = true;
		(void)kill(ch->v[i].pid, SIGTERM);
	}
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
	fail(ch, EXIT_IO);
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

static int
give(struct children *ch, struct child *x, struct span lines)
{
	int rc = 0;

	for (const char *p = lines.p, *end = lines.p + lines.n; p < end; p++, ch->lines++)
		p = memchr(p, '\n', (size_t)(end - p));
	if (!ch->ordered || x == &ch->v[ch->current])
		return write_out(ch, lines);
	buf_span_add(&x->hold, lines);
	if (x->hold.n <= ch->share)
		return 0;
	if (x->fd == -1 && (x->fd = temp_file()) == -1)
		rc = EXIT_IO;
	if (rc == 0)
		rc = temp_write(x->fd, x->hold.p, x->hold.n, x->filed);
	x->filed += x->hold.n;
	buf_clear(&x->hold);
	if (rc != 0)
		fail(ch, rc);
	return rc;
}

/* All that was held of it. */
static void
release(struct children *ch, struct child *x)
{
	struct buf b = { 0 };

	for (uint64_t at = 0; at < x->filed && ch->rc == 0;) {
		size_t want = x->filed - at < READ_BYTES ? (size_t)(x->filed - at) : READ_BYTES, got = 0;
		int rc = temp_read(x->fd, buf_room(&b, want), want, at, &got);

		if (rc != 0)
			fail(ch, rc);
		else
			write_out(ch, span_of(b.p, got));
		at += got;
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
	ssize_t n = read(x->out, p, READ_BYTES);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		x->ended = true;
		close(x->out);
		x->out = -1;
		return;
	}
	x->part.n += (size_t)n;
	if ((lf = memrchr(p, '\n', (size_t)n)) != NULL) {
		size_t whole = (size_t)(lf + 1 - x->part.p);

		give(ch, x, span_of(x->part.p, whole));
		x->part.n -= whole;
		memmove(x->part.p, x->part.p + whole, x->part.n);
	} else if (x->part.n > ctx_max_line(ch->c)) {
		fail(ch, err_input("%s: a line longer than the limit (--max-line)", x->name));
		buf_clear(&x->part);
	}
}

/* ---- the thread: what goes to a child ---- */

static void
shut(struct children *ch, struct child *x)
{
	if (x->in == -1)
		return;
	for (size_t i = x->sent; i < x->send.n; i++)
		ch->discarded += x->send.p[i] == '\n';
	buf_clear(&x->send);
	x->sent = 0;
	close(x->in);
	x->in = -1;
	(void)pthread_mutex_lock(&ch->lock);
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
	ssize_t w = write(x->in, x->send.p + x->sent, x->send.n - x->sent);
	sigset_t set;

	if (w >= 0) {
		x->sent += (size_t)w;
	} else if (errno == EPIPE) {	/* it wants no more; its end says whether that is well */
		sigemptyset(&set);
		sigaddset(&set, SIGPIPE);
		(void)sigtimedwait(&set, NULL, &now);
		shut(ch, x);
	} else if (errno != EINTR && errno != EAGAIN) {
		fail(ch, err_io("%s: %s", x->name, strerror(errno)));
		shut(ch, x);
	}
}

/* What the caller has put since becomes what is sent; true when there is something. */
static bool
has_more(struct children *ch, struct child *x)
{
	bool finishing, failed;

	if (x->in == -1 || x->sent < x->send.n)
		return x->in != -1;
	(void)pthread_mutex_lock(&ch->lock);
	buf_clear(&x->send);
	x->sent = 0;
	if (x->next.n > 0) {
		struct buf b = x->send;

		x->send = x->next;
		x->next = b;
		(void)pthread_cond_broadcast(&ch->room);
	}
	finishing = ch->finishing;
	failed = ch->rc != 0;
	(void)pthread_mutex_unlock(&ch->lock);
	if (failed || (finishing && x->send.n == 0))
		shut(ch, x);
	return x->in != -1 && x->send.n > 0;
}

/* ---- the thread ---- */

static bool
died(int status)
{
	return !WIFEXITED(status) || (WEXITSTATUS(status) != EXIT_DONE && WEXITSTATUS(status) != EXIT_NO);
}

static void
reap(struct children *ch, struct child *x)
{
	if (x->reaped || waitpid(x->pid, &x->status, WNOHANG) != x->pid)
		return;
	x->reaped = true;
	if (x->pidfd != -1)
		close(x->pidfd);
	x->pidfd = -1;
	shut(ch, x);
	if (died(x->status) && !x->stopped)
		fail(ch, EXIT_IO);	/* its own status is told by children_end */
}

/* All of it came: what it left of a line is one, or was torn. */
static void
finish(struct children *ch, struct child *x)
{
	if (!x->reaped || !x->ended || x->part.n == 0)
		return;
	if (WIFEXITED(x->status)) {
		buf_byte(&x->part, '\n');
		give(ch, x, buf_span(&x->part));
	}
	buf_clear(&x->part);
}

static bool
all_over(struct children *ch)
{
	for (size_t i = 0; i < ch->n; i++)
		if (!ch->v[i].reaped || !ch->v[i].ended)
			return false;
	return true;
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
		int fd[3] = { has_more(ch, x) ? x->in : -1, x->out, x->pidfd };

		for (int k = 0; k < 3; k++) {
			if (fd[k] == -1)
				continue;
			which[n] = i;
			pfd[n++] = (struct pollfd){ fd[k], k == 0 ? POLLOUT : POLLIN, 0 };
		}
		*blind = *blind || (!x->reaped && x->pidfd == -1);
	}
	return n;
}

static void
handle(struct children *ch, const struct pollfd *p, struct child *x)
{
	if (p->revents == 0)
		return;
	if (p->fd == x->in)
		feed(ch, x);
	else if (p->fd == x->out)
		receive(ch, x);
	else if (p->fd == x->pidfd)
		reap(ch, x);
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
	while (!all_over(ch)) {
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
		while (ch->ordered && ch->current + 1 < ch->n && ch->v[ch->current].ended && ch->v[ch->current].reaped)
			release(ch, &ch->v[++ch->current]);
	}
	if (sink_flush(ctx_out(ch->c)) != 0)
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

int
children_turn(struct children *ch)
{
	bool wanted = false;
	int rc;

	(void)pthread_mutex_lock(&ch->lock);
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
	(void)eventfd_write(ch->wake, 1);
	while (crowded(ch))
		(void)pthread_cond_wait(&ch->room, &ch->lock);
	rc = ch->rc;
	(void)pthread_mutex_unlock(&ch->lock);
	return rc != 0 ? rc : wanted ? 0 : -1;
}

/* What a child's end makes of the result. */
static int
verdict(const struct child *x, int rc)
{
	int status;

	if (WIFSIGNALED(x->status)) {
		if (x->stopped && WTERMSIG(x->status) == SIGTERM)
			return rc;
		return flow_worse(rc, err_io("%s: killed by signal %d (%s)", x->name, WTERMSIG(x->status),
		    strsignal(WTERMSIG(x->status))));
	}
	status = WEXITSTATUS(x->status);
	if (status <= EXIT_REMOTE || status == EXIT_TEMP)
		return x->stopped ? rc : flow_worse(rc, status);
	return flow_worse(rc, err_io("%s: ended with %d", x->name, status));
}

int
children_end(struct children *ch, int rc, uint64_t *unread)
{
	bool told = false;

	(void)pthread_mutex_lock(&ch->lock);
	ch->finishing = true;
	(void)pthread_mutex_unlock(&ch->lock);
	(void)eventfd_write(ch->wake, 1);
	(void)pthread_join(ch->thread, NULL);
	ctx_count_made(ch->c, ch->lines);
	*unread = ch->discarded;
	if (rc == -1 || (rc != 0 && rc == ch->rc))
		rc = 0;			/* a child's end, which has a status of its own */
	for (size_t i = 0; i < ch->n; i++) {
		struct child *x = &ch->v[i];

		told = told || (died(x->status) && !x->stopped);
		rc = verdict(x, rc);
		free(x->name);
		buf_free(&x->fill);
		buf_free(&x->next);
		buf_free(&x->send);
		buf_free(&x->part);
		buf_free(&x->hold);
	}
	if (ch->rc != 0 && !told)
		rc = flow_worse(rc, ch->rc);
	close(ch->wake);
	(void)pthread_mutex_destroy(&ch->lock);
	(void)pthread_cond_destroy(&ch->room);
	free(ch->v);
	free(ch);
	return rc;
}
