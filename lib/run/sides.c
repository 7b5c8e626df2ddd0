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
#include "run/operand.h"
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
	bool scans;		/* -j: the thread scans what it reads, some blocks ahead */
	bool over;		/* the thread has offered END */
	struct source *src;	/* the thread's, open at the moment, and its next slot */
	size_t fill;
	struct slot slot[SLOTS_MAX];
	size_t n_slots, at;	/* at: the caller's next one */
	size_t n_free;		/* slots with NOTHING; under the lock */
	/* of the caller */
	int64_t last;		/* when it last gave something */
	bool hopeful;		/* worth waiting for: the last wait was not in vain */
	bool gone;		/* its END was taken */
};

struct hand {			/* a thread, and the sides it reads */
	struct pair_of_readers *both;
	struct reader *of[2];
	size_t n;
	pthread_t thread;
};

struct pair_of_readers {
	pthread_mutex_t lock;
	pthread_cond_t news, want;
	sem_t scans;		/* how many threads may scan at once, beside the caller's */
	struct reader side[2];
	struct hand hand[2];
	size_t n_hands;
};

/* ---- a side's thread ---- */

static int
open_next(struct reader *r)
{
	struct opened *f = &r->file[r->next++];
	int rc = f->fd == -1 ? source_open(f->name, &r->limits, &r->src) :
	    source_fd(f->fd, f->name, &r->limits, &r->src);

	f->fd = -1;
	return rc;
}

/* The next block that has something in it, or the end of a file; END: an error. */
static enum offer
next_block(struct reader *r, struct slot *to)
{
	if ((to->rc = source_block(r->src, &to->block)) != 0)
		return END;
	if (to->block.n > 0 || to->block.long_line > 0)
		return BLOCK;
	r->src = NULL;
	return CLOSED;
}

/*
 * And scanned, by as many threads at once as -j leaves them: one more would take the time of the one that joins, which
 * waits for none of them while others have blocks ready.  What may wait for its input does not keep others waiting.
 */
static enum offer
next_scanned(struct reader *r, struct slot *to)
{
	sem_t *turn = &r->both->scans;
	bool waits = source_waits(r->src);
	enum offer got;

	while (!waits && sem_wait(turn) == -1)
		;
	got = next_block(r, to);
	while (waits && sem_wait(turn) == -1)
		;
	if (got == BLOCK && to->block.long_line == 0) {
		(void)kept_scan(&to->kept, &r->ahead, r->feed.scan, r->paths->n, &to->block);
		source_counted(r->src, to->kept.n);
	}
	if (got == BLOCK)
		source_keep(r->src, &to->in->bytes);
	(void)sem_post(turn);
	return got;
}

/* The next block that has something in it, the end of a file, or of all. */
static enum offer
fetch(struct reader *r, struct slot *to)
{
	to->src = NULL;
	to->rc = 0;
	buf_clear(&to->kept.made);
	if (r->src == NULL && (r->next == r->n || (to->rc = open_next(r)) != 0)) {
		if (r->scans && to->rc == 0 && r->ahead.end != NULL)
			r->ahead.end(r->ahead.arg, true, &to->kept.made);
		return END;
	}
	to->src = r->src;
	return r->scans ? next_scanned(r, to) : next_block(r, to);
}

/* Awake again, it does not take the core from the one that joins, which has blocks ready: SCHED_BATCH. Speed only. */
static void
yield_to_others(void)
{
#ifdef SCHED_BATCH
	(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){ 0 });
#endif
}

/* Of its sides the one with the most room; NULL: they are over. Under the lock. */
static struct reader *
next_side(const struct hand *h)
{
	struct reader *most = NULL;

	for (size_t i = 0; i < h->n; i++)
		if (!h->of[i]->over && (most == NULL || h->of[i]->n_free > most->n_free))
			most = h->of[i];
	return most;
}

static void *
run(void *arg)
{
	const struct hand *h = arg;
	struct pair_of_readers *b = h->both;
	struct reader *r;

	if (h->of[0]->scans)
		yield_to_others();
	(void)pthread_mutex_lock(&b->lock);
	while ((r = next_side(h)) != NULL) {
		struct slot *to = &r->slot[r->fill];
		enum offer got;

		if (to->offer != NOTHING) {
			(void)pthread_cond_wait(&b->want, &b->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&b->lock);
		err_hold(&to->said);
		got = fetch(r, to);
		err_hold(NULL);
		(void)pthread_mutex_lock(&b->lock);
		to->offer = got;
		r->over = got == END;
		r->fill = (r->fill + 1) % r->n_slots;
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

/*
 * A thread a side, so that no writer is waited for while another one wants to be read.  Files wait for nobody: where -j
 * leaves one thread for both, one reads them by turns, and two do not go to and fro on one core.
 */
static void
share_out(struct pair_of_readers *b, const struct sides *s, unsigned jobs)
{
	bool one = jobs == 2 && operand_lasts(s->operand[0]) && operand_lasts(s->operand[1]);

	b->n_hands = one ? 1 : 2;
	for (size_t i = 0; i < 2; i++) {
		struct hand *h = &b->hand[i % b->n_hands];

		h->both = b;
		h->of[h->n++] = &b->side[i];
	}
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
	for (size_t i = 0; i < b->n_hands && rc == 0; i++)
		if ((errno = pthread_create(&b->hand[i].thread, NULL, run, &b->hand[i])) != 0)
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
static bool
offers(const struct reader *r)
{
	return !r->gone && r->slot[r->at].offer != NOTHING;
}

/* The side to take from, which has an offer; -1: neither has. Under the lock. */
static int
choose(const struct sides *s, struct pair_of_readers *b)
{
	bool can[2] = { offers(&b->side[0]), offers(&b->side[1]) };
	int behind = s->at(s->arg, 0) > s->at(s->arg, 1);
	struct reader *slow = &b->side[behind];

	if (!can[0] && !can[1])
		return -1;
	if (can[behind])
		return behind;
	/* what is read ahead must be held: give the other one a moment, but never wait for it alone */
	while (!slow->gone && slow->hopeful && !offers(slow))
		slow->hopeful = await(b, PATIENCE_MS);
	return offers(slow) ? behind : !behind;
}

/* Nothing comes of either: flush, and say how long that has been so. */
static int
tick(struct ctx *c, const struct sides *s, struct pair_of_readers *b)
{
	int rc = sink_flush(c->side[0].sink);

	for (int i = 0; i < 2 && rc == 0 && s->silent != NULL; i++)
		if (!b->side[i].gone)
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

static bool
all_gone(const struct pair_of_readers *b)
{
	return b->side[0].gone && b->side[1].gone;
}

static int
read_both(struct ctx *c, const struct sides *s, struct pair_of_readers *b)
{
	int64_t looked = clock_ms();
	int rc = 0;

	while (rc == 0 && !all_gone(b) && !run_stop) {
		struct reader *r;
		struct slot *from;
		bool news = true;
		int side;

		(void)pthread_mutex_lock(&b->lock);
		while ((side = choose(s, b)) == -1 && news)
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
			r->gone = true;
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
	unsigned jobs = crew_size_second(c, s->operand[0]);
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		b->side[i].both = b;
		if (s->ahead != NULL)
			b->side[i].ahead = s->ahead[i];
		rc = set_up(c, &b->side[i], s->operand[i]);
	}
	sandbox(SB_FILTER);
	if (rc == 0) {
		share_out(b, s, jobs);
		rc = start(b, jobs);
	}
	if (rc == 0)
		rc = read_both(c, s, b);
	if (rc != 0 || !all_gone(b))
		return rc;	/* a thread may still be reading: what it uses goes with the process */
	for (size_t i = 0; i < b->n_hands; i++)
		(void)pthread_join(b->hand[i].thread, NULL);
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
