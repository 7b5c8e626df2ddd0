/* SPDX-License-Identifier: BSD-2-Clause */
/* crew - see crew.h */
#include "run/crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "run/ctx.h"
#include "run/kept.h"
#include "run/operand.h"

/* A position in the stream that no scan before it is needed for: which source, and where in it. */
#define SOURCE_BITS 44
#define LOOKS 128		/* for a change, before a thread sleeps: some ten microseconds */

enum is { SLOT_FREE, SLOT_BUSY, SLOT_FULL, SLOT_DONE };

struct slot {
	enum is is;
	struct slot *next;
	const struct lane *by;		/* whose caches its bytes are in: who had it last; NULL: nobody */
	struct buf held;		/* the bytes of the block */
	struct block blk;
	uint64_t seq;
	int read_rc, work_rc;		/* why reading, or the work on it, ended */
	struct buf said;		/* and what was said meanwhile */
	uint64_t lines;
	struct yield yield;
	struct kept kept;
};

/* A source and its blocks, in order. */
struct queue {
	struct queue *next;
	struct source *src;
	bool waits, reading, ended;
	uint64_t line;			/* the number of the first line of the first block; 0: not known yet */
	uint64_t seq;
	struct slot *first, **last;
	size_t pieces, piece;		/* no source, but pieces of the end: how many, and the next one */
};

struct lane {
	struct crew *crew;
	struct ctx c;			/* the main one, but for what it works on */
	struct feed feed;
	struct slot *slot;
	pthread_t id;
	bool started, ended, blocked;	/* blocked: in a read that may wait for ever */
};

struct crew {
	struct ctx *c;
	struct feed *feed;
	const struct pathset *paths;
	bool serial;
	pthread_mutex_t lock;
	pthread_cond_t change;
	atomic_uint changes;		/* so far: to look for one without the lock */
	bool stop, idle;		/* idle: the first source has nothing to read */
	int rc;				/* the main thread's: why the work is over */
	struct queue *head, **tail;
	size_t unread;			/* sources with something left to read */
	uint64_t n_sources, seq0;
	struct slot *slot, *free;
	size_t n_slots, n_free;
	size_t n_lanes;
	struct lane lane[JOBS_MAX];
};

/* ---- how many ---- */

static bool
only_files(struct ctx *c)
{
	struct stat st;

	for (size_t i = 0; i < c->n_files; i++)
		if (((c->cmd->is & CMD_TABLES) == 0 || strncmp(c->file[i], "wh:", 3) != 0) &&
		    (stat(c->file[i], &st) == -1 || !S_ISREG(st.st_mode)))
			return false;
	return c->n_files > 0;
}

bool
crew_in_order(struct ctx *c)
{
	void *st;

	if (c->serial || c->cmd->par == PAR_SERIAL || c->cmd->thread == NULL)
		return true;
	if (c->cmd->par == PAR_ADD)
		return c->cmd->op == NULL || c->cmd->op(c->st, 0, &st) == NULL;
	return c->cmd->idle != NULL && !only_files(c);
}

/* The cores that there are, but no more than a few of those: nobody asked for them. */
static unsigned
cores(void)
{
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		n = CPU_COUNT(&set);
	return (unsigned)(n < 1 ? 1 : n > JOBS_DEFAULT_MAX ? JOBS_DEFAULT_MAX : n);
}

static unsigned
asked(const struct ctx *c)
{
	return c->opt.jobs > JOBS_MAX ? JOBS_MAX : (unsigned)c->opt.jobs;
}

unsigned
crew_size(struct ctx *c)
{
	/* a barrier job: states are whole at every control line, and a pipe of ten stages is no lack of processes */
	if (c->epoch != NULL || c->cmd->bytes != NULL || ((c->cmd->is & CMD_LINES) != 0 && crew_in_order(c)))
		return 1;
	if (c->opt.jobs > 0)
		return asked(c);
	return only_files(c) ? cores() : 1;
}

unsigned
crew_size_second(struct ctx *c, const char *operand)
{
	if (c->opt.jobs > 0)
		return asked(c);
	return operand_lasts(operand) ? cores() : 1;
}

/* ---- reading and working; called and left with the lock held ---- */

static void
tell(struct crew *w)
{
	atomic_fetch_add_explicit(&w->changes, 1, memory_order_relaxed);
	pthread_cond_broadcast(&w->change);
}

/*
 * Does something change in a moment?  Another thread's read of a block is over before this one would be asleep and
 * woken again.  Not where the input may be long in coming.  The lock is given up meanwhile.
 */
static bool
changes_soon(struct crew *w)
{
	unsigned was = atomic_load_explicit(&w->changes, memory_order_relaxed), now = was;

	if (w->head == NULL || w->head->waits)
		return false;
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i < LOOKS && now == was; i++) {
		(void)sched_yield();
		now = atomic_load_explicit(&w->changes, memory_order_relaxed);
	}
	pthread_mutex_lock(&w->lock);
	return atomic_load_explicit(&w->changes, memory_order_relaxed) != was;
}

static void
free_slot(struct crew *w, struct slot *s)
{
	s->is = SLOT_FREE;
	s->next = w->free;
	w->free = s;
	w->n_free++;
}

/* Wait for input that may be long in coming; false when the work is over. Without the lock. */
static bool
wait_input(struct crew *w, struct source *src)
{
	bool go_on = true;

	while (go_on && !source_ready(src, IDLE_FLUSH_MS)) {
		pthread_mutex_lock(&w->lock);
		w->idle = true;
		go_on = !w->stop;
		tell(w);
		pthread_mutex_unlock(&w->lock);
	}
	return go_on;
}

/* The next block of q into s. Without the lock. */
static void
read_block(struct crew *w, struct queue *q, struct slot *s)
{
	if (q->waits && !wait_input(w, q->src))
		return;
	err_hold(&s->said);
	source_keep(q->src, &s->held);		/* into its own memory, which is in this core's caches */
	s->read_rc = source_block(q->src, &s->blk);
	if (s->read_rc == 0 && (s->blk.n > 0 || s->blk.long_line > 0)) {
		if (s->blk.long_line == 0)
			source_counted(q->src, 0);	/* lines are counted where they are scanned */
		source_keep(q->src, &s->held);
	}
	err_hold(NULL);
}

/* The same where its range was taken before, beside others that read theirs. */
static void
read_range(struct queue *q, struct slot *s)
{
	err_hold(&s->said);
	s->read_rc = source_range_read(q->src, &s->blk, &s->held);
	err_hold(NULL);
	if (s->read_rc != 0)
		s->blk.n = 0;
}

/* A source to read from: the first that has something; those behind it not so far that it could not go on. */
static struct queue *
next_source(const struct crew *w, bool main)
{
	for (struct queue *q = w->head; q != NULL && w->free != NULL; q = q->next) {
		bool ahead = q != w->head;

		if (q->reading || q->ended)
			continue;
		if (ahead && (q->waits || w->n_free <= w->n_slots / 2))
			continue;
		/* the main thread has others' work to put out and does not wait for input */
		if (!main || !q->waits || source_ready(q->src, 0))
			return q;
	}
	return NULL;
}

static int
work_on(struct lane *l, struct slot *s)
{
	const struct pathset *ps = l->crew->paths;
	struct feed *f = &l->feed;
	struct block blk = s->blk;

	f->block = blk.p;
	f->offset = blk.offset;
	f->seq = s->seq;
	if (l->crew->serial)
		return blk.long_line > 0 ? 0 :
		    kept_scan(&s->kept, f->main ? &l->crew->c->ahead : NULL, f->scan, ps->n, &blk);
	l->c.yield = &s->yield;
	l->c.broke = 0;
	blk.line0 = 0;
	return block_lines(&l->c, f, ps, &blk, &s->lines);
}

/* A free one, and if there is one of those that it has had. */
static struct slot *
get_slot(struct lane *l)
{
	struct crew *w = l->crew;
	struct slot **at = &w->free, *s;

	for (struct slot **p = &w->free; *p != NULL; p = &(*p)->next) {
		if ((*p)->by == l) {
			at = p;
			break;
		}
		if ((*p)->by == NULL)
			at = p;
	}
	s = *at;
	*at = s->next;
	s->by = l;
	w->n_free--;
	return s;
}

static void
add_slot(struct queue *q, struct slot *s)
{
	s->next = NULL;
	*q->last = s;
	q->last = &s->next;
}

static void
work_ends(struct crew *w, struct slot *s)
{
	err_hold(NULL);
	pthread_mutex_lock(&w->lock);
	s->is = SLOT_DONE;
	tell(w);
}

/* A piece of the end. */
static void
take_piece(struct lane *l, struct queue *q)
{
	struct crew *w = l->crew;
	struct slot *s = get_slot(l);
	size_t i = q->piece++;

	if (q->piece == q->pieces) {
		q->ended = true;
		w->unread--;
	}
	s->blk = (struct block){ 0 };
	s->read_rc = 0;
	s->lines = 0;
	s->is = SLOT_BUSY;
	add_slot(q, s);
	tell(w);
	l->slot = s;
	pthread_mutex_unlock(&w->lock);
	err_hold(&s->said);
	l->c.yield = &s->yield;
	l->c.broke = 0;
	s->work_rc = w->c->cmd->piece(&l->c, w->c->st, l->c.st, i);
	work_ends(w, s);
}

/* Read a block of q and work on it. */
static void
take_block(struct lane *l, struct queue *q)
{
	struct crew *w = l->crew;
	struct slot *s;
	bool ended, ranged;

	if (q->pieces > 0) {
		take_piece(l, q);
		return;
	}
	s = get_slot(l);
	q->reading = true;
	l->blocked = q->waits;
	pthread_mutex_unlock(&w->lock);
	s->blk = (struct block){ 0 };
	s->read_rc = s->work_rc = 0;
	s->lines = 0;
	if (!(ranged = source_range(q->src, &s->blk)))
		read_block(w, q, s);
	pthread_mutex_lock(&w->lock);
	l->blocked = false;
	w->idle = false;
	q->reading = false;
	ended = s->read_rc != 0 || (s->blk.n == 0 && s->blk.long_line == 0);
	if (ended) {
		q->ended = true;
		w->unread--;
	}
	if (ended && s->read_rc == 0) {
		free_slot(w, s);
		tell(w);
		return;
	}
	if (q->line == 0)
		q->line = s->blk.line0;
	s->seq = q->seq + s->blk.offset;
	add_slot(q, s);
	s->is = ended ? SLOT_DONE : SLOT_BUSY;
	tell(w);
	if (ended)
		return;
	l->slot = s;
	l->feed.src = q->src;
	pthread_mutex_unlock(&w->lock);
	if (ranged)
		read_range(q, s);
	err_hold(&s->said);
	if (s->read_rc == 0)
		s->work_rc = work_on(l, s);
	work_ends(w, s);
}

static void *
lane_main(void *arg)
{
	struct lane *l = arg;
	struct crew *w = l->crew;
	struct queue *q;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		if ((q = next_source(w, false)) != NULL)
			take_block(l, q);
		else if (!changes_soon(w))
			pthread_cond_wait(&w->change, &w->lock);
	}
	l->ended = true;
	tell(w);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the main thread: taking the slots in order. Called and left with the lock held. ---- */

static int
commit(struct crew *w, struct queue *q, struct slot *s)
{
	struct ctx *c = w->c;
	struct feed *f = w->feed, *was = c->feed;
	struct buf *held = err_hold(NULL);	/* this thread may be at work on another block */
	bool full = s->is == SLOT_FULL;
	uint64_t line = q->line;
	int rc;

	pthread_mutex_unlock(&w->lock);
	c->feed = f;
	f->src = q->src;
	f->block = s->blk.p;
	f->offset = s->blk.offset;
	if (s->read_rc != 0)
		rc = s->read_rc;
	else if (!w->serial)
		rc = (f->main ? yield_commit : yield_take)(c, f, &s->yield, line);
	else if (s->blk.long_line > 0)
		rc = block_lines(c, f, w->paths, &(struct block){ .p = s->blk.p, .n = s->blk.n, .line0 = line,
		    .offset = s->blk.offset, .long_line = s->blk.long_line }, &s->lines);
	else
		rc = kept_deliver(&s->kept, c, f, w->paths, line, &s->lines);
	if (!full) {
		f->line_number = line;
		if (rc == 0 && s->yield.left.n > 0)
			rc = c->cmd->past(c, c->st, buf_span(&s->yield.left));
		buf_clear(&s->yield.left);
		if (rc == 0 || s->read_rc != 0)
			err_release(&s->said);
		rc = rc != 0 ? rc : s->work_rc;
		line = w->serial ? s->lines : line + s->lines;
	}
	if (!full || rc != 0)
		c->count.bytes_in += f->main ? s->blk.n : 0;
	if (rc == 0 && f->main && c->opt.line_buffered)
		rc = sink_flush(c->side[0].sink);
	stats_progress(c, false);
	c->feed = was;
	err_hold(held);
	pthread_mutex_lock(&w->lock);
	q->line = line;
	return rc;
}

/* What is due; false when the first block is still worked on, or there is none. What ends the work is in rc. */
static bool
one_due(struct crew *w)
{
	struct queue *q = w->head;
	struct slot *s = q == NULL ? NULL : q->first;

	if (s != NULL && (s->is == SLOT_DONE || s->is == SLOT_FULL)) {
		w->rc = commit(w, q, s);
		if (s->is == SLOT_FULL) {
			s->is = SLOT_BUSY;
		} else {
			q->first = s->next;
			if (q->first == NULL)
				q->last = &q->first;
			free_slot(w, s);
		}
		tell(w);
		return true;
	}
	if (q != NULL && s == NULL && q->ended) {
		w->head = q->next;
		if (w->head == NULL)
			w->tail = &w->head;
		w->feed->src = NULL;
		if (q->src != NULL)
			source_close(q->src);
		free(q);
		tell(w);
		return true;
	}
	return false;
}

/* Nothing to do: others work, or the input is silent and all of it is out. */
static void
rest(struct crew *w, int64_t since)
{
	struct ctx *c = w->c;
	struct timespec at;
	int rc = 0;

	if (w->idle && w->feed->main && w->head != NULL && w->head->first == NULL) {
		pthread_mutex_unlock(&w->lock);
		rc = sink_flush(c->side[0].sink);
		if (rc == 0 && c->cmd->idle != NULL && w->serial) {
			rc = c->cmd->idle(c, c->st, clock_ms() - since);
			if (rc == 0)
				rc = sink_flush(c->side[0].sink);
		}
		pthread_mutex_lock(&w->lock);
		w->rc = rc;
		if (rc != 0 || !w->idle)
			return;
	}
	if (changes_soon(w))
		return;
	/* a signal does not end a wait on a condition: look now and then */
	at = clock_after(CLOCK_REALTIME, IDLE_FLUSH_MS);
	(void)pthread_cond_timedwait(&w->change, &w->lock, &at);
}

/* Until so few sources are left to read, or, for 0, all is out. */
static int
turn(struct crew *w, size_t unread)
{
	int64_t since = clock_ms();
	struct queue *q;

	pthread_mutex_lock(&w->lock);
	while (w->rc == 0 && !run_stop) {
		if (one_due(w)) {
			since = clock_ms();
			continue;
		}
		if (w->head == NULL || (unread > 0 && w->unread < unread))
			break;
		if ((q = next_source(w, true)) != NULL)
			take_block(&w->lane[0], q);
		else
			rest(w, since);
	}
	pthread_mutex_unlock(&w->lock);
	return w->rc;
}

int
crew_full(struct ctx *c)
{
	struct lane *l = (struct lane *)((char *)c - offsetof(struct lane, c));
	struct crew *w = l->crew;
	struct slot *s = l->slot;
	int rc;

	pthread_mutex_lock(&w->lock);
	rc = l == &w->lane[0] ? w->rc : 0;
	s->is = SLOT_FULL;
	tell(w);
	while (s->is == SLOT_FULL && !w->stop && rc == 0) {
		if (l != &w->lane[0])
			pthread_cond_wait(&w->change, &w->lock);
		else if (!one_due(w))
			rest(w, 0);
		rc = l == &w->lane[0] ? w->rc : 0;
	}
	if (rc == 0 && w->stop)
		rc = EXIT_IO;		/* nobody will hear of it */
	pthread_mutex_unlock(&w->lock);
	return c->broke = rc;
}

/* ---- beginning and end ---- */

static int
set_up_lane(struct crew *w, struct lane *l)
{
	struct scan_conf kc = scan_limits(w->c);
	struct ctx *c = w->c;
	int rc = 0;

	l->crew = w;
	l->c = *c;
	l->c.expr_state = NULL;
	l->c.line = (struct buf){ 0 };
	l->c.feed = &l->feed;
	l->ended = true;
	l->feed = (struct feed){ .cmd = c->cmd, .main = w->feed->main, .second = w->feed->second,
	    .look = w->feed->look };
	if (!w->feed->main || (c->cmd->is & CMD_LINES) == 0)
		l->feed.scan = scan_new(w->paths, &kc);
	if (w->feed->second != NULL)
		l->feed.thread = w->feed->second->thread(w->feed->second->arg);
	if (w->serial || !w->feed->main || l == &w->lane[0])
		return 0;
	l->c.st = mem_new(c->cmd->state_bytes);
	if ((rc = c->cmd->thread(&l->c, l->c.st, c->st)) != 0)
		return rc;
	return 0;
}

static void
start_lanes(struct crew *w)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 1; i < w->n_lanes; i++) {
		struct lane *l = &w->lane[i];

		l->started = thread_start(&l->id, lane_main, l);
		l->ended = !l->started;
	}
	pthread_mutex_unlock(&w->lock);
}

int
crew_start(struct ctx *c, struct feed *f, const struct pathset *ps)
{
	struct crew *w = mem_new(sizeof *w);
	int rc = 0;

	w->c = c;
	w->feed = f;
	w->paths = ps;
	w->serial = f->main ? crew_in_order(c) : f->second == NULL;
	w->tail = &w->head;
	w->seq0 = w->feed->seq;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->change, NULL);
	w->n_slots = 2 * (size_t)f->threads + 2;
	w->slot = mem_new(mem_mul(w->n_slots, sizeof *w->slot));
	for (size_t i = 0; i < w->n_slots; i++)
		free_slot(w, &w->slot[i]);
	if (!w->serial && f->main)
		c->sharing = f->threads;
	for (; w->n_lanes < f->threads && rc == 0; w->n_lanes++)
		rc = set_up_lane(w, &w->lane[w->n_lanes]);
	f->crew = w;
	if (rc == 0)
		start_lanes(w);
	return rc;
}

static void
add_queue(struct crew *w, struct queue *q)
{
	q->last = &q->first;
	pthread_mutex_lock(&w->lock);
	q->seq = w->seq0 + (w->n_sources++ << SOURCE_BITS);
	*w->tail = q;
	w->tail = &q->next;
	w->unread++;
	tell(w);
	pthread_mutex_unlock(&w->lock);
}

int
crew_feed(struct feed *f, struct source *src)
{
	struct queue *q = mem_new(sizeof *q);

	q->src = src;
	q->waits = source_waits(src);
	add_queue(f->crew, q);
	return turn(f->crew, f->threads);
}

int
crew_drain(struct feed *f)
{
	return f->crew == NULL ? 0 : turn(f->crew, 0);
}

/* The threads end. False where one waits in a read: all that it uses must stay. */
static bool
stop_lanes(struct crew *w)
{
	bool all = true;

	pthread_mutex_lock(&w->lock);
	w->stop = true;
	tell(w);
	for (size_t i = 1; i < w->n_lanes; i++)
		while (!w->lane[i].ended && !w->lane[i].blocked)
			pthread_cond_wait(&w->change, &w->lock);
	for (size_t i = 1; i < w->n_lanes; i++)
		all = all && w->lane[i].ended;
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 1; i < w->n_lanes; i++) {
		struct lane *l = &w->lane[i];

		if (l->started && all)
			pthread_join(l->id, NULL);
		else if (l->started)
			pthread_detach(l->id);
	}
	return all;
}

static void
release(struct crew *w)
{
	for (size_t i = 0; i < w->n_slots; i++) {
		yield_free(&w->slot[i].yield);
		kept_free(&w->slot[i].kept);
		buf_free(&w->slot[i].held);
		buf_free(&w->slot[i].said);
	}
	for (size_t i = 0; i < w->n_lanes; i++) {
		struct lane *l = &w->lane[i];

		scan_free(l->feed.scan);
		expr_state_free(l->c.expr_state);
		buf_free(&l->c.line);
		if (l->c.st != w->c->st)
			free(l->c.st);
	}
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(w->slot);
	free(w);
}

/* All input is out, and the threads wait: their states become one, and what of the end they can do is done. */
static int
join_lanes(struct crew *w)
{
	struct ctx *c = w->c;
	size_t n;
	int rc = 0;

	for (size_t i = 1; i < w->n_lanes && rc == 0; i++)
		if (c->cmd->join != NULL)
			rc = c->cmd->join(c, c->st, w->lane[i].c.st);
	while (rc == 0 && !run_stop && c->cmd->pieces != NULL && (n = c->cmd->pieces(c, c->st, &rc)) > 0) {
		struct queue *q = mem_new(sizeof *q);

		q->pieces = n;
		add_queue(w, q);
		rc = turn(w, 0);
	}
	return rc;
}

int
crew_end(struct feed *f, int rc)
{
	struct crew *w = f->crew;
	struct ctx *c;

	if (w == NULL)
		return rc;
	c = w->c;
	if (rc == 0 && !run_stop)
		rc = turn(w, 0);
	c->sharing = f->main ? 0 : c->sharing;
	if (rc == 0 && !run_stop && f->main && !w->serial)
		rc = join_lanes(w);
	if (!stop_lanes(w))
		return rc;
	for (size_t i = 0; i < w->n_lanes && f->second != NULL; i++)
		f->second->thread_end(f->second->arg, w->lane[i].feed.thread);
	if (rc == 0 && w->head == NULL) {
		f->crew = NULL;
		release(w);
	}
	return rc;
}
