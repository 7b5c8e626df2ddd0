/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snaps - see snaps.h.  A file of run/pieces: its head is a magic word, the sign, the epoch of the snapshot that it
 * continues (0: it is whole) and the stage's own head; of a piece the first byte of the key says what it is, the second
 * one of which part.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "op/pack.h"
#include "run/job_dir.h"
#include "run/pieces.h"
#include "run/snaps.h"
#include "store/fs.h"

#define MAGIC "pipehouse epoch 1\n"
#define SUFFIX ".snap"
#define CHAIN_BYTES (64 * KIB)		/* below that a whole state is as cheap as what changed */
#define CHAIN_FILES 1024		/* of bulk: opening them is what loading takes */

enum { GONE, THERE, BULK, TAG_BYTES = 2 };

struct link {
	uint64_t id, on;	/* on: the epoch it continues; 0: whole */
	uint64_t bytes;
};

struct snaps {
	char *dir;
	int lock;
	uint64_t sign;
	struct link *link;	/* what is there, by id */
	size_t n;
	bool begun;			/* a whole one was written by this process: it knows what changed since */
	uint64_t whole, changes;	/* bytes of the last whole one, and of all behind it */
	struct link next;
	struct pieces_writer to;
};

static char *
path_of(const struct snaps *s, uint64_t id)
{
	struct buf b = { 0 };

	buf_fmt(&b, "%s/%llu" SUFFIX, s->dir, (unsigned long long)id);
	(void)buf_cstr(&b);
	return b.p;
}

int
snaps_open(const char *dir, struct span sign, struct snaps **out)
{
	struct snaps *s = mem_new(sizeof *s);
	int rc;

	*out = s;
	s->dir = mem_str(dir);
	s->lock = -1;
	s->sign = hash_fixed(sign);
	if ((rc = fs_dirs(dir)) == 0 && (rc = pieces_lock(dir, &s->lock)) == 0)
		rc = pieces_sweep(dir, SUFFIX);
	return rc;
}

/* ---- loading ---- */

struct chain {
	struct snaps *s;
	struct map *newest;	/* keys of the changes: struct change */
	uint64_t at;		/* the epoch whose file is being read */
	struct buf values;
	const struct snaps_to *to;
};

struct change {
	size_t at, n;		/* in values */
	uint64_t from;		/* the epoch that said so */
	bool gone;
};

static int
open_one(struct snaps *s, const char *path, struct pieces_reader *r, uint64_t *on, struct buf *head)
{
	struct buf b = { 0 };
	struct unpack u;
	struct span own;
	uint64_t sign;
	int rc = pieces_open(r, path, &b);

	if (rc == 0 && (rc = pieces_magic(&b, path, MAGIC, &sign, &u)) == 0) {
		*on = unpack_u64(&u);
		own = unpack_span(&u);
		if (!unpack_done(&u))
			rc = pieces_damaged(path);
		else if (sign != s->sign)
			rc = err_input("%s: the state was saved by a stage with other arguments", path);
		else if (head != NULL)
			buf_span_add(head, own);
	}
	buf_free(&b);
	return rc;
}

/* A piece of a snapshot that continues another one: the newest word on a key counts, the last one of a file. */
static int
take_change(void *arg, struct span key, struct span val)
{
	struct chain *c = arg;
	struct change *g;
	bool fresh;

	if (key.n < TAG_BYTES)
		return pieces_damaged(c->s->dir);
	if (key.p[0] == BULK)
		return c->to->bulk(c->to->arg, key.p[1], val);
	g = map_put(c->newest, span_from(key, 1), &fresh);
	if (!fresh && g->from != c->at)
		return 0;
	*g = (struct change){ .at = c->values.n, .n = val.n, .from = c->at, .gone = key.p[0] == GONE };
	buf_span_add(&c->values, val);
	return 0;
}

/* A piece of the whole one: what changed since is not given from here. */
static int
take_whole(void *arg, struct span key, struct span val)
{
	struct chain *c = arg;

	if (key.n < TAG_BYTES || key.p[0] == GONE)
		return pieces_damaged(c->s->dir);
	if (key.p[0] == BULK)
		return c->to->bulk(c->to->arg, key.p[1], val);
	key = span_from(key, 1);
	return map_get(c->newest, key) != NULL ? 0 : c->to->pair(c->to->arg, key.p[0], span_from(key, 1), val);
}

static int
give_changes(struct chain *c)
{
	struct map_entry e;
	int rc = 0;

	for (size_t i = 0; rc == 0 && map_next(c->newest, &i, &e);) {
		struct change *g = e.cell;

		if (!g->gone)
			rc = c->to->pair(c->to->arg, e.key.p[0], span_from(e.key, 1),
			    span_of(buf_span(&c->values).p + g->at, g->n));
	}
	return rc;
}

static void
know(struct snaps *s, struct link l)
{
	s->link = mem_array(s->link, s->n + 1, sizeof *s->link);
	s->link[s->n++] = l;
}

static int
load_one(struct chain *c, uint64_t id, uint64_t *on, struct buf *head)
{
	char *path = path_of(c->s, id);
	struct pieces_reader r;
	struct stat st;
	int rc;

	if (stat(path, &st) == -1 && errno == ENOENT) {
		rc = err_input("%s: there is no state of epoch %llu", c->s->dir, (unsigned long long)id);
		free(path);
		return rc;
	}
	c->at = id;
	if ((rc = open_one(c->s, path, &r, on, head)) == 0)
		rc = pieces_each(&r, *on == 0 ? take_whole : take_change, c);
	if (rc == 0 && *on >= id)
		rc = pieces_damaged(path);
	if (rc == 0) {
		know(c->s, (struct link){ id, *on, (uint64_t)st.st_size });
		if (*on == 0)
			c->s->whole = (uint64_t)st.st_size;
		else
			c->s->changes += (uint64_t)st.st_size;
	}
	pieces_close(&r);
	free(path);
	return rc;
}

static int
by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct link *)a)->id, y = ((const struct link *)b)->id;

	return (x > y) - (x < y);
}

static bool
known(const void *arg, uint64_t id)
{
	const struct snaps *s = arg;

	for (size_t i = 0; i < s->n; i++)
		if (s->link[i].id == id)
			return true;
	return false;
}

int
snaps_load(struct snaps *s, uint64_t id, struct buf *head, const struct snaps_to *to)
{
	struct chain c = { .s = s, .newest = map_new(sizeof(struct change)), .to = to };
	uint64_t on = id;
	int rc = 0;

	buf_clear(head);
	for (uint64_t at = id; rc == 0 && at != 0; at = on)
		rc = load_one(&c, at, &on, at == id ? head : NULL);
	if (rc == 0)
		rc = give_changes(&c);
	map_free(c.newest);
	buf_free(&c.values);
	if (s->n > 1)
		qsort(s->link, s->n, sizeof *s->link, by_id);
	return rc != 0 ? rc : pieces_forget(s->dir, SUFFIX, known, s);
}

/* ---- saving ---- */

/* What is written whole is written again; what is not makes a chain longer, which is loaded. */
static bool
must_be_whole(const struct snaps *s, uint64_t size)
{
	size_t chain = 0;

	if (!s->begun || s->whole < CHAIN_BYTES)
		return true;
	if (size == 0)
		return s->changes >= s->whole / 2;
	for (size_t i = s->n; i > 0 && s->link[i - 1].on != 0; i--)
		chain++;
	return s->whole + s->changes >= 3 * size || (chain >= CHAIN_FILES && s->changes >= s->whole / 2);
}

bool
snaps_whole(const struct snaps *s)
{
	return s->next.on == 0;
}

int
snaps_begin(struct snaps *s, uint64_t id, struct span head, uint64_t size)
{
	char *path = path_of(s, id);
	struct buf b = { 0 };
	int rc;

	s->next = (struct link){ .id = id, .on = must_be_whole(s, size) ? 0 : s->link[s->n - 1].id };
	pieces_put_magic(&b, MAGIC, s->sign);
	pack_u64(&b, s->next.on);
	pack_span(&b, head);
	s->to.lax = job_dir_lax();
	rc = pieces_begin(&s->to, path, buf_span(&b));
	buf_free(&b);
	free(path);
	return rc;
}

int
snaps_put(struct snaps *s, char part, struct span key, struct span val)
{
	char tag[TAG_BYTES] = { val.p == NULL ? GONE : THERE, part };

	return pieces_put_under(&s->to, span_of(tag, sizeof tag), key, val.p == NULL ? span_of("", 0) : val);
}

int
snaps_bulk(struct snaps *s, char part, struct span bytes)
{
	char tag[TAG_BYTES] = { BULK, part };

	return pieces_put_bulk(&s->to, span_of(tag, sizeof tag), bytes);
}

int
snaps_commit(struct snaps *s)
{
	int rc = pieces_end(&s->to, s->dir);

	if (rc != 0)
		return rc;
	s->next.bytes = s->to.bytes;
	if (s->next.on == 0) {
		s->whole = s->next.bytes;
		s->changes = 0;
	} else {
		s->changes += s->next.bytes;
	}
	know(s, s->next);
	s->begun = true;
	return 0;
}

int
snaps_forget(struct snaps *s, uint64_t acked)
{
	size_t keep = 0, gone;
	int rc = 0;

	/* the newest whole one not behind `acked`: the chain of acked, and of all after it, ends there or later */
	for (size_t i = 0; i < s->n && s->link[i].id <= acked; i++)
		if (s->link[i].on == 0)
			keep = i;
	for (gone = 0; gone < keep && rc == 0; gone++) {
		char *path = path_of(s, s->link[gone].id);

		rc = fs_remove(path);
		free(path);
	}
	memmove(s->link, s->link + gone, (s->n - gone) * sizeof *s->link);
	s->n -= gone;
	return rc;
}

void
snaps_close(struct snaps *s)
{
	if (s == NULL)
		return;
	pieces_drop(&s->to);
	if (s->lock != -1)
		close(s->lock);
	free(s->link);
	free(s->dir);
	free(s);
}
