/* SPDX-License-Identifier: BSD-2-Clause */
/* shared - see shared.h */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "op/cut.h"
#include "run/ctx.h"
#include "run/runs.h"
#include "run/shared.h"
#include "run/spill_join.h"

#define PART_BITS 3
#define PARTS ((size_t)1 << PART_BITS)
#define TURNS 64			/* before a thread sleeps, which takes longer to end than a part is held */
#define PART_ALIGN 128			/* two lines of the cache, which come together: no part has one of another's */
#define MET_BITS 15			/* of a hash, to see how many keys there are */

_Static_assert(PARTS <= CUT_RUNS_MAX, "what parts have is put in one order");

struct part {
	_Alignas(PART_ALIGN) pthread_mutex_t lock;
	struct spill spill;		/* st NULL: nothing came for it yet */
	size_t bytes;
};

struct shared {
	struct ctx *c;
	const struct op *op;
	struct part part[PARTS];
	_Atomic bool on;
	_Atomic size_t bytes;		/* of all parts */
	size_t room;
	bool rows;			/* the end was done in pieces, and they are all of it */
	void **kept;			/* [n_kept] states of threads */
	size_t n_kept;
};

struct shared *
shared_new(struct ctx *c, const struct op *op)
{
	struct shared *sh = mem_pages(sizeof *sh);

	*sh = (struct shared){ .c = c, .op = op };
	for (size_t i = 0; i < PARTS; i++) {
		pthread_mutex_init(&sh->part[i].lock, NULL);
		sh->part[i].spill = (struct spill){ .c = c, .op = op };
	}
	sh->room = c->opt.memory / 8 * 5;	/* of all threads: shedding, and tables that grow, need the rest */
	return sh;
}

bool
shared_on(const struct shared *sh)
{
	return atomic_load(&sh->on);
}

static struct part *
part_of(struct shared *sh, uint64_t hash)
{
	return &sh->part[hash >> (64 - PART_BITS)];	/* tables use the other end */
}

/* Its state, an empty one at first. With the lock. */
static void *
state_of(struct shared *sh, struct part *p, const void *like)
{
	if (p->spill.st == NULL)
		p->spill.st = sh->op->fresh(like);
	return p->spill.st;
}

/* What it has become; past the room the larger parts go to disk. With the lock. */
static int
settle(struct shared *sh, struct part *p)
{
	size_t now = sh->op->bytes(p->spill.st), all;
	int rc;

	if (now == p->bytes)		/* as a rule: nothing that other threads look at is written */
		return 0;
	all = atomic_fetch_add(&sh->bytes, now - p->bytes) + now - p->bytes;
	p->bytes = now;
	if (all <= sh->room || now < sh->room / PARTS)
		return 0;
	if (p->spill.runs == NULL)
		p->spill.runs = runs_new(sh->c->opt.memory / 4);
	rc = sh->op->shed(p->spill.st, SIZE_MAX, runs_put, p->spill.runs);
	runs_cut(p->spill.runs);
	now = sh->op->bytes(p->spill.st);
	(void)atomic_fetch_sub(&sh->bytes, p->bytes - now);
	p->bytes = now;
	return rc;
}

/* ---- handing over ---- */

struct over {
	struct shared *sh;
	const void *like;
};

static int
over_one(void *arg, struct span key, struct span val)
{
	const struct over *o = arg;
	struct part *p = part_of(o->sh, hash_mem(key));
	int rc;

	pthread_mutex_lock(&p->lock);
	rc = o->sh->op->add(state_of(o->sh, p, o->like), key, val);
	if (rc == 0)
		rc = settle(o->sh, p);
	pthread_mutex_unlock(&p->lock);
	return rc;
}

int
shared_hand_over(struct shared *sh, struct shared_hand *h, struct spill *own)
{
	struct over o = { sh, own->st };
	void *fresh = sh->op->fresh(own->st);
	int rc = sh->op->save(own->st, true, over_one, &o);

	sh->op->free(own->st);
	own->st = fresh;
	h->over = true;
	return rc;
}

/* Note the keys of a batch: are there so many that they are better shared? */
static void
meet(struct shared *sh, struct shared_hand *h, const struct batch *b, const uint64_t *hash)
{
	h->n_records += b->n;
	if (h->n_records / SHARED_EACH >> MET_BITS > 0)
		return;			/* never again */
	if (h->met == NULL)
		h->met = mem_new(((size_t)1 << MET_BITS) / 8);
	for (size_t i = 0; i < b->n; i++) {
		uint64_t at = hash[i] >> (64 - PART_BITS - MET_BITS) & (((uint64_t)1 << MET_BITS) - 1);

		if (b->fate[i] != F_PASS || (h->met[at / 64] >> at % 64 & 1) != 0)
			continue;
		h->met[at / 64] |= UINT64_C(1) << at % 64;
		h->n_met++;
	}
	if (h->n_met >= SHARED_FROM && h->n_records / SHARED_EACH <= h->n_met)
		atomic_store(&sh->on, true);
}

/* ---- a batch ---- */

/* The numbers of its records by part: those of part i begin at from[i]. */
static void
deal(struct shared_hand *h, const struct batch *b, const uint64_t *hash, size_t from[PARTS + 1])
{
	size_t next[PARTS];

	memset(from, 0, (PARTS + 1) * sizeof *from);
	for (size_t i = 0; i < b->n; i++)
		from[(hash[i] >> (64 - PART_BITS)) + 1] += b->fate[i] == F_PASS;
	for (size_t i = 0; i < PARTS; i++) {
		from[i + 1] += from[i];
		next[i] = from[i];
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->fate[i] == F_PASS)
			h->order[next[hash[i] >> (64 - PART_BITS)]++] = (uint16_t)i;
}

static int
take_parts(struct shared *sh, struct shared_hand *h, void *by, const struct batch *b, const uint64_t *hash)
{
	size_t from[PARTS + 1], left[PARTS], n_left = 0;
	int rc = 0;

	deal(h, b, hash, from);
	for (size_t x = 0; x < PARTS; x++) {
		size_t i = (h->begin + x) % PARTS;

		if (from[i] < from[i + 1])
			left[n_left++] = i;
	}
	h->begin++;
	/* those that no other thread is at, as long as there are some: it is there for a microsecond or two */
	for (unsigned turn = 0; n_left > 0 && rc == 0; turn++) {
		size_t n = n_left;

		n_left = 0;
		for (size_t x = 0; x < n && rc == 0; x++) {
			size_t i = left[x];
			struct part *p = &sh->part[i];

			if (turn == TURNS) {
				pthread_mutex_lock(&p->lock);
			} else if (pthread_mutex_trylock(&p->lock) != 0) {
				left[n_left++] = i;
				continue;
			}
			rc = sh->op->parts->take(state_of(sh, p, by), by, b, h->order + from[i], from[i + 1] - from[i]);
			if (rc == 0)
				rc = settle(sh, p);
			pthread_mutex_unlock(&p->lock);
		}
		if (n_left == n)
			(void)sched_yield();
	}
	return rc;
}

/* All of them into the thread's own state. */
static int
take_own(struct shared *sh, struct shared_hand *h, void *own, const struct batch *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->fate[i] == F_PASS)
			h->order[n++] = (uint16_t)i;
	return sh->op->parts->take(own, own, b, h->order, n);
}

int
shared_take(struct shared *sh, struct shared_hand *h, struct spill *own, const struct batch *b)
{
	const uint64_t *hash;
	int rc;

	if (!h->over && shared_on(sh) && (rc = shared_hand_over(sh, h, own)) != 0)
		return rc;
	hash = sh->op->parts->locate(own->st, b);
	if (h->over)
		return take_parts(sh, h, own->st, b, hash);
	meet(sh, h, b, hash);
	return take_own(sh, h, own->st, b);
}

/* ---- the end ---- */

void
shared_keep(struct shared *sh, void *st)
{
	sh->kept = mem_array(sh->kept, sh->n_kept + 1, sizeof *sh->kept);
	sh->kept[sh->n_kept++] = st;
}

size_t
shared_plan(struct shared *sh, void *st)
{
	void *part[PARTS];
	size_t n;

	for (size_t i = 0; i < PARTS; i++) {
		if (sh->part[i].spill.runs != NULL)
			return 0;
		part[i] = state_of(sh, &sh->part[i], st);
	}
	n = sh->op->parts->plan(st, part, PARTS);
	sh->rows = sh->rows || (n > 0 && sh->op->parts->rows);
	return n;
}

int
shared_join(struct shared *sh, struct spill *s)
{
	int rc = 0;

	s->beside = sh->rows ? atomic_load(&sh->bytes) : 0;
	for (size_t i = 0; i < PARTS && rc == 0 && !sh->rows; i++)
		if (sh->part[i].spill.st != NULL)
			rc = spill_join(s, &sh->part[i].spill);
	return rc;
}

void
shared_hand_free(struct shared_hand *h)
{
	if (h != NULL)
		free(h->met);
	free(h);
}

void
shared_free(struct shared *sh)
{
	/* of which all went out: nothing but the end is behind it, and memory goes with the process */
	if (sh == NULL || sh->rows)
		return;
	for (size_t i = 0; i < PARTS; i++) {
		if (sh->part[i].spill.st != NULL)
			sh->op->free(sh->part[i].spill.st);
		runs_free(sh->part[i].spill.runs);
		pthread_mutex_destroy(&sh->part[i].lock);
	}
	for (size_t i = 0; i < sh->n_kept; i++)
		sh->op->free(sh->kept[i]);
	free(sh->kept);
	free(sh);
}
