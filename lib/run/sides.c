/* SPDX-License-Identifier: BSD-2-Clause */
/* sides - see sides.h */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/ctx.h"
#include "run/sandbox.h"
#include "run/sides.h"
#include "store/pool.h"
#include "store/ref.h"

#define PATIENCE_MS 20		/* for a side that is behind, before the other one is read on */

enum offer { NOTHING, BLOCK, END };

struct opened {
	int fd;			/* open already, or -1: by its name */
	char *name;
};

struct reader {			/* one side */
	struct pair_of_readers *both;
	struct opened *file;
	size_t n, next;
	struct source_conf limits;
	struct feed feed;
	pthread_t thread;
	/* under the lock: whose turn it is.  A block is the caller's until he asks for the next one. */
	enum offer offer;
	bool wanted;		/* the thread may read */
	struct block block;
	int rc;
	/* of the caller */
	int64_t last;	/* when it last gave something */
	bool hopeful;		/* worth waiting for: the last wait was not in vain */
};

struct pair_of_readers {
	pthread_mutex_t lock;
	pthread_cond_t news, want;
	struct reader side[2];
};

/* ---- a side's thread ---- */

/* The next block that has something in it, or the end of all files. */
static enum offer
fetch(struct reader *r)
{
	for (;;) {
		struct opened *f;

		if (r->feed.src != NULL) {
			r->rc = source_block(r->feed.src, &r->block);
			if (r->rc != 0)
				return END;
			if (r->block.n > 0 || r->block.long_line > 0)
				return BLOCK;
			source_close(r->feed.src);
			r->feed.src = NULL;
		}
		if (r->next == r->n)
			return END;
		f = &r->file[r->next++];
		r->rc = f->fd == -1 ? source_open(f->name, &r->limits, &r->feed.src) :
		    source_fd(f->fd, f->name, &r->limits, &r->feed.src);
		f->fd = -1;
		if (r->rc != 0)
			return END;
	}
}

static void *
run(void *arg)
{
	struct reader *r = arg;
	struct pair_of_readers *b = r->both;
	enum offer got = NOTHING;

	(void)pthread_mutex_lock(&b->lock);
	while (got != END) {
		while (!r->wanted)
			(void)pthread_cond_wait(&b->want, &b->lock);
		r->wanted = false;
		(void)pthread_mutex_unlock(&b->lock);
		got = fetch(r);
		(void)pthread_mutex_lock(&b->lock);
		r->offer = got;
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

	r->limits = (struct source_conf){ .max_line = c->opt.max_line };
	r->feed = (struct feed){ .cmd = c->cmd, .main = true, .waited = true, .name = operand,
	    .scan = scan_new(c->paths, &kc) };
	r->wanted = r->hopeful = true;
	r->last = clock_ms();
	return strncmp(operand, "wh:", 3) == 0 ? ref_files(operand, add_file, r) : add_file(r, NULL, operand);
}

static int
start(struct pair_of_readers *b)
{
	pthread_condattr_t clock;
	int rc = 0;

	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&b->news, &clock);
	(void)pthread_cond_init(&b->want, &clock);
	(void)pthread_condattr_destroy(&clock);
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

/* The side to take from, which has an offer; -1: neither has. Under the lock. */
static int
choose(const struct sides *s, struct pair_of_readers *b)
{
	bool can[2] = { b->side[0].offer != NOTHING, b->side[1].offer != NOTHING };
	int behind = s->at(s->arg, 0) > s->at(s->arg, 1);
	struct reader *slow = &b->side[behind];

	if (!can[0] && !can[1])
		return -1;
	if (can[behind])
		return behind;
	/* what is read ahead must be held: give the other one a moment, but never wait for it alone */
	while (slow->hopeful && slow->offer == NOTHING)
		slow->hopeful = await(b, PATIENCE_MS);
	return slow->offer != NOTHING ? behind : !behind;
}

/* Nothing comes of either: flush, and say how long that has been so. */
static int
tick(struct ctx *c, const struct sides *s, struct pair_of_readers *b)
{
	int rc = sink_flush(c->side[0].sink);

	for (int i = 0; i < 2 && rc == 0 && s->silent != NULL; i++)
		if (b->side[i].offer != END)
			rc = s->silent(s->arg, i, clock_ms() - b->side[i].last);
	return rc == 0 && s->silent != NULL ? s->after(s->arg) : rc;
}

static int
take(struct ctx *c, const struct sides *s, struct reader *r, int side)
{
	struct feed *was = c->feed;
	int rc;

	r->hopeful = true;
	r->last = clock_ms();
	s->turn(s->arg, side);
	c->feed = &r->feed;
	rc = input_block(c, &r->feed, c->paths, &r->block);
	c->feed = was;
	if (rc == 0)
		rc = s->after(s->arg);
	if (rc == 0 && c->opt.line_buffered)
		rc = sink_flush(c->side[0].sink);
	return rc;
}

static int
end_of(const struct sides *s, struct reader *r, int side)
{
	(void)pthread_join(r->thread, NULL);
	if (r->feed.src != NULL)
		source_close(r->feed.src);
	scan_free(r->feed.scan);
	for (size_t i = 0; i < r->n; i++)
		free(r->file[i].name);
	free(r->file);
	if (r->rc != 0)
		return r->rc;
	if (s->ended != NULL && (r->rc = s->ended(s->arg, side)) != 0)
		return r->rc;
	return s->after(s->arg);
}

static int
read_both(struct ctx *c, const struct sides *s, struct pair_of_readers *b)
{
	int64_t looked = clock_ms();
	bool gone[2] = { false, false };
	int rc = 0;

	while (rc == 0 && !(gone[0] && gone[1]) && !run_stop) {
		struct reader *r;
		bool news = true;
		int side;

		(void)pthread_mutex_lock(&b->lock);
		while ((side = gone[0] ? b->side[1].offer == NOTHING ? -1 : 1 :
		    gone[1] ? b->side[0].offer == NOTHING ? -1 : 0 : choose(s, b)) == -1 && news)
			news = await(b, IDLE_FLUSH_MS);
		(void)pthread_mutex_unlock(&b->lock);
		if (!news || (s->silent != NULL && clock_ms() - looked >= IDLE_FLUSH_MS)) {
			looked = clock_ms();
			rc = tick(c, s, b);
		}
		if (side == -1 || rc != 0)
			continue;
		r = &b->side[side];
		if (r->offer == END) {
			gone[side] = true;
			rc = end_of(s, r, side);
			continue;
		}
		rc = take(c, s, r, side);
		(void)pthread_mutex_lock(&b->lock);
		r->offer = NOTHING;
		r->wanted = true;
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
		rc = set_up(c, &b->side[i], s->operand[i]);
	}
	sandbox(SB_FILTER);
	if (rc == 0)
		rc = start(b);
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
