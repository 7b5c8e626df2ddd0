/* SPDX-License-Identifier: BSD-2-Clause */
/* sides - see sides.h */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lent.h"
#include "run/crew.h"
#include "run/ctx.h"
#include "run/kept.h"
#include "run/sandbox.h"
#include "run/sides.h"
#include "store/pool.h"
#include "store/ref.h"

#define PATIENCE_MS 20		/* for a side that is behind, before the other one is read on */
#define SLOTS_MAX 8		/* a block that is joined and those that are ready */

enum offer { NOTHING, BLOCK, CLOSED, END };	/* CLOSED: that was all of a file */

struct opened {
	int fd;			/* open already, or -1: by its name */
	char *name;
};

struct slot {
	enum offer offer;	/* under the lock.  What is offered is the caller's until it is NOTHING again */
	struct source *src;
	struct block block;
	struct lent *in;	/* its bytes, */
	struct kept kept;	/* and its lines, where the thread scans */
	int rc;
	struct buf said;
};

struct reader {			/* one side */
	struct pair_of_readers *both;
	struct opened *file;
	size_t n, next;
	struct source_conf limits;
	const struct pathset *paths;
	struct ahead ahead;
	struct feed feed;
	pthread_t thread;
	bool scans;		/* -j: the thread scans what it reads, and is a block ahead */
	struct slot slot[SLOTS_MAX];
	size_t n_slots, at;	/* at: the caller's next one */
	size_t n_free;		/* slots with NOTHING; under the lock */
	/* of the caller */
	int64_t last;		/* when it last gave something */
	bool hopeful;		/* worth waiting for: the last wait was not in vain */
};

struct pair_of_readers {
	pthread_mutex_t lock;
	pthread_cond_t news, want;
	sem_t scans;		/* how many threads may scan at once, beside the caller's */
	struct reader side[2];
};

/* ---- a side's thread ---- */

static int
open_next(struct reader *r, struct source **src)
{
	struct opened *f = &r->file[r->next++];
	int rc = f->fd == -1 ? source_open(f->name, &r->limits, src) : source_fd(f->fd, f->name, &r->limits, src);

	f->fd = -1;
	return rc;
}

/* The next block that has something in it, or the end of a file; END: an error. */
static enum offer
next_block(struct source **src, struct slot *to)
{
	if ((to->rc = source_block(*src, &to->block)) != 0)
		return END;
	if (to->block.n > 0 || to->block.long_line > 0)
		return BLOCK;
	*src = NULL;
	return CLOSED;
}

/*
 * And scanned, by as many threads at once as -j leaves them: one more would take the time of the one that joins, which
 * waits for none of them while others have blocks ready.  What may wait for its input does not keep others waiting.
 */
static enum offer
next_scanned(struct reader *r, struct source **src, struct slot *to)
{
	sem_t *turn = &r->both->scans;
	bool waits = source_waits(*src);
	enum offer got;

	while (!waits && sem_wait(turn) == -1)
		;
	got = next_block(src, to);
	while (waits && sem_wait(turn) == -1)
		;
	if (got == BLOCK && to->block.long_line == 0) {
		(void)kept_scan(&to->kept, &r->ahead, r->feed.scan, r->paths->n, &to->block);
		source_counted(*src, to->kept.n);
	}
	if (got == BLOCK)
		source_keep(*src, &to->in->bytes);
	(void)sem_post(turn);
	return got;
}

/* The next block that has something in it, the end of a file, or of all. */
static enum offer
fetch(struct reader *r, struct source **src, struct slot *to)
{
	to->src = NULL;
	to->rc = 0;
	buf_clear(&to->kept.made);
	if (*src == NULL && (r->next == r->n || (to->rc = open_next(r, src)) != 0)) {
		if (r->scans && to->rc == 0 && r->ahead.end != NULL)
			r->ahead.end(r->ahead.arg, true, &to->kept.made);
		return END;
	}
	to->src = *src;
	return r->scans ? next_scanned(r, src, to) : next_block(src, to);
}

/* Awake again, it does not take the core from the one that joins, which has blocks ready: SCHED_BATCH. Speed only. */
static void
yield_to_others(void)
{
#ifdef SCHED_BATCH
	(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){ 0 });
#endif
}

static void *
run(void *arg)
{
	struct reader *r = arg;
	struct pair_of_readers *b = r->both;
	struct source *src = NULL;
	enum offer got = NOTHING;

	if (r->scans)
		yield_to_others();
	(void)pthread_mutex_lock(&b->lock);
	for (size_t i = 0; got != END; i = (i + 1) % r->n_slots) {
		struct slot *to = &r->slot[i];

		while (to->offer != NOTHING)
			(void)pthread_cond_wait(&b->want, &b->lock);
		(void)pthread_mutex_unlock(&b->lock);
		err_hold(&to->said);
		got = fetch(r, &src, to);
		err_hold(NULL);
		(void)pthread_mutex_lock(&b->lock);
		to->offer = got;
		r->n_free--;
		(void)pthread_cond_signal(&b->news);
	}
	(void)pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* ---- set-up ---- */

static int
add_file(void *arg, const char *day, const char *path)
{
	struct reader *r = arg;
	struct buf name = { 0 };
	int fd = -1;

	if (day != NULL) {	/* opened now: no collector can take it away, no merged day is gone */
		int rc = pool_open(path, &fd);

		if (rc != 0)
			return rc;
		buf_fmt(&name, "%.*s@%s", (int)strcspn(r->feed.name, "@"), r->feed.name, day);
	} else
		buf_str(&name, path);
	r->file = mem_array(r->file, r->n + 1, sizeof *r->file);
	r->file[r->n++] = (struct opened){ fd, mem_dup(buf_span(&name)) };
	buf_free(&name);
	return 0;
}

static int
set_up(struct ctx *c, struct reader *r, const char *operand)
{
	struct scan_conf kc = { .max_string = c->opt.max_string, .max_depth = c->opt.max_depth,
	    .max_keys = c->opt.max_keys };

	r->limits = (struct source_conf){ .max_line = c->opt.max_line, .block = block_asked() };
	r->paths = c->paths;
	r->scans = crew_size_second(c, operand) > 1;
	r->n_slots = r->scans ? SLOTS_MAX : 1;
	r->n_free = r->n_slots;
	for (size_t i = 0; i < r->n_slots; i++)
		r->slot[i].in = lent_new();
	r->feed = (struct feed){ .cmd = c->cmd, .main = true, .waited = true, .name = operand,
	    .scan = scan_new(c->paths, &kc) };
	r->hopeful = true;
	r->last = clock_ms();
	return strncmp(operand, "wh:", 3) == 0 ? ref_files(operand, add_file, r) : add_file(r, NULL, operand);
}

static int
start(struct pair_of_readers *b, unsigned jobs)
{
	pthread_condattr_t clock;
	int rc = 0;

	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&b->news, &clock);
	(void)pthread_cond_init(&b->want, &clock);
	(void)pthread_condattr_destroy(&clock);
	(void)sem_init(&b->scans, 0, jobs > 2 ? 2 : 1);
	for (int i = 0; i < 2 && rc == 0; i++)
		if ((errno = pthread_create(&b->side[i].thread, NULL, run, &b->side[i])) != 0)
			rc = err_io("a thread for an input: %s", strerror(errno));
	return rc;
}

/* ---- whose turn it is ---- */

/* Wait for news for at most so long; false when there were none. Under the lock. */
static bool
await(struct pair_of_readers *b, int64_t ms)
{
	struct timespec until = clock_after(CLOCK_MONOTONIC, ms);

	return pthread_cond_timedwait(&b->news, &b->lock, &until) != ETIMEDOUT;
}

/* Under the lock. */
static enum offer
offer_of(const struct reader *r)
{
	return r->slot[r->at].offer;
}

/* The side to take from, which has an offer; -1: neither has. Under the lock. */
static int
choose(const struct sides *s, struct pair_of_readers *b)
{
	bool can[2] = { offer_of(&b->side[0]) != NOTHING, offer_of(&b->side[1]) != NOTHING };
	int behind = s->at(s->arg, 0) > s->at(s->arg, 1);
	struct reader *slow = &b->side[behind];

	if (!can[0] && !can[1])
		return -1;
	if (can[behind])
		return behind;
	/* what is read ahead must be held: give the other one a moment, but never wait for it alone */
	while (slow->hopeful && offer_of(slow) == NOTHING)
		slow->hopeful = await(b, PATIENCE_MS);
	return offer_of(slow) != NOTHING ? behind : !behind;
}

/* Nothing comes of either: flush, and say how long that has been so. */
static int
tick(struct ctx *c, const struct sides *s, struct pair_of_readers *b)
{
	int rc = sink_flush(c->side[0].sink);

	for (int i = 0; i < 2 && rc == 0 && s->silent != NULL; i++)
		if (offer_of(&b->side[i]) != END)
			rc = s->silent(s->arg, i, clock_ms() - b->side[i].last);
	return rc == 0 && s->silent != NULL ? s->after(s->arg) : rc;
}

static void
give_made(const struct sides *s, const struct reader *r, const struct slot *from, int side)
{
	if (r->scans && s->made != NULL)
		s->made(s->arg, side, buf_span(&from->kept.made));
}

/* A block is lent whose lines fill it: of one that is mostly room, as a slow pipe gives them, they are copied. */
static bool
lends(const struct sides *s, const struct reader *r, const struct slot *from)
{
	size_t full = r->limits.block == 0 ? BLOCK_BYTES : r->limits.block;

	return s->lend != NULL && from->block.long_line == 0 && from->block.n >= full / 2;
}

static int
take(struct ctx *c, const struct sides *s, struct reader *r, int side)
{
	struct slot *from = &r->slot[r->at];
	struct feed *was = c->feed;
	bool lent = lends(s, r, from);
	int rc;

	r->hopeful = true;
	r->last = clock_ms();
	s->turn(s->arg, side);
	if (lent) {
		from->in->used = from->block.n;
		s->lend(s->arg, from->in);
	}
	c->feed = &r->feed;
	r->feed.src = from->src;
	rc = r->scans && from->block.long_line == 0 ?
	    input_kept(c, &r->feed, c->paths, &from->block, &from->kept) :
	    input_block(c, &r->feed, c->paths, &from->block);
	c->feed = was;
	if (lent) {
		if (!r->scans && from->in->refs > 1)
			source_keep(from->src, &from->in->bytes);
		s->lend(s->arg, NULL);
		from->in = s->idle(s->arg);
	}
	give_made(s, r, from, side);
	if (rc == 0)
		rc = s->after(s->arg);
	if (rc == 0 && c->opt.line_buffered)
		rc = sink_flush(c->side[0].sink);
	return rc;
}

static int
end_of(const struct sides *s, struct reader *r, int side)
{
	struct slot *last = &r->slot[r->at];
	int rc = last->rc;

	(void)pthread_join(r->thread, NULL);
	give_made(s, r, last, side);
	source_close(last->src);
	scan_free(r->feed.scan);
	for (size_t i = 0; i < SLOTS_MAX; i++) {
		kept_free(&r->slot[i].kept);
		lent_free(r->slot[i].in);
		buf_free(&r->slot[i].said);
	}
	for (size_t i = 0; i < r->n; i++)
		free(r->file[i].name);
	free(r->file);
	if (rc == 0 && s->ended != NULL)
		rc = s->ended(s->arg, side);
	return rc != 0 ? rc : s->after(s->arg);
}

static int
read_both(struct ctx *c, const struct sides *s, struct pair_of_readers *b)
{
	int64_t looked = clock_ms();
	bool gone[2] = { false, false };
	int rc = 0;

	while (rc == 0 && !(gone[0] && gone[1]) && !run_stop) {
		struct reader *r;
		struct slot *from;
		bool news = true;
		int side;

		(void)pthread_mutex_lock(&b->lock);
		while ((side = gone[0] ? offer_of(&b->side[1]) == NOTHING ? -1 : 1 :
		    gone[1] ? offer_of(&b->side[0]) == NOTHING ? -1 : 0 : choose(s, b)) == -1 && news)
			news = await(b, IDLE_FLUSH_MS);
		(void)pthread_mutex_unlock(&b->lock);
		if (!news || (s->silent != NULL && clock_ms() - looked >= IDLE_FLUSH_MS)) {
			looked = clock_ms();
			rc = tick(c, s, b);
		}
		if (side == -1 || rc != 0)
			continue;
		r = &b->side[side];
		from = &r->slot[r->at];
		err_release(&from->said);
		if (from->offer == END) {
			gone[side] = true;
			rc = end_of(s, r, side);
			continue;
		}
		if (from->offer == CLOSED)
			source_close(from->src);
		else
			rc = take(c, s, r, side);
		(void)pthread_mutex_lock(&b->lock);
		from->offer = NOTHING;
		r->at = (r->at + 1) % r->n_slots;
		/* its thread then goes on for some blocks: what wakes it at each one takes the time of another core */
		if (++r->n_free == (r->n_slots + 1) / 2)
			(void)pthread_cond_broadcast(&b->want);
		(void)pthread_mutex_unlock(&b->lock);
	}
	return rc;
}

int
sides_read(struct ctx *c, const struct sides *s)
{
	struct pair_of_readers *b = mem_new(sizeof *b);
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		b->side[i].both = b;
		if (s->ahead != NULL)
			b->side[i].ahead = s->ahead[i];
		rc = set_up(c, &b->side[i], s->operand[i]);
	}
	sandbox(SB_FILTER);
	if (rc == 0)
		rc = start(b, crew_size_second(c, s->operand[0]));
	if (rc == 0)
		rc = read_both(c, s, b);
	if (rc != 0)
		return rc;	/* a thread may still be reading: what it uses goes with the process */
	(void)pthread_mutex_destroy(&b->lock);
	(void)pthread_cond_destroy(&b->news);
	(void)pthread_cond_destroy(&b->want);
	free(b);
	return ctx_rejects_ok(c);
}

int
sides_one(struct ctx *c)
{
	sandbox(SB_FILTER);
	return input_all(c);
}
