/* SPDX-License-Identifier: BSD-2-Clause */
/* hunt - see hunt.h */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/hunt_own.h"
#include "run/sandbox.h"
#include "store/merge.h"
#include "store/pool.h"

#define JOBS_MAX 64
#define HUNT_BLOCK_BYTES (256 * KIB)	/* what was read is still near when it is searched */

static int reread(struct hunt *h, struct prey *u, uint64_t from);

/* ---- the ring ---- */

/* Claim the next job that nobody has; the lock is held. */
static struct job *
claim(struct hunt *h)
{
	return h->claim < h->tail ? &h->ring[h->claim++ % h->ring_n] : NULL;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct hunt *h = w->h;
	struct job *j;

	pthread_mutex_lock(&h->lock);
	while (!h->over) {
		if ((j = claim(h)) == NULL) {
			pthread_cond_wait(&h->ready, &h->lock);
			continue;
		}
		pthread_mutex_unlock(&h->lock);
		hunt_job(w, j);
		pthread_mutex_lock(&h->lock);
		j->done = true;
		pthread_cond_signal(&h->finished);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* The oldest job, done: by others, or meanwhile whatever is there to do is done here. */
static struct job *
oldest(struct hunt *h)
{
	struct job *first = &h->ring[h->head % h->ring_n], *j;

	pthread_mutex_lock(&h->lock);
	while (!first->done) {
		if ((j = claim(h)) == NULL) {
			pthread_cond_wait(&h->finished, &h->lock);
			continue;
		}
		pthread_mutex_unlock(&h->lock);
		hunt_job(&h->worker[0], j);
		pthread_mutex_lock(&h->lock);
		j->done = true;
	}
	pthread_mutex_unlock(&h->lock);
	return first;
}

/* ---- what was found ---- */

/* The hits of a job whose first line is base + 1; lines up to `out` are out. */
static int
give_hits(struct hunt *h, struct job *j, uint64_t base, uint64_t out)
{
	struct prey *u = j->unit;
	uint64_t n = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < j->n_hits; i++) {
		const struct found *f = &j->hit[i];

		if (base + f->line < out)
			continue;
		n++;
		rc = h->conf->hit(h->conf->arg, &(struct hunt_hit){ u->name, u->ask, base + f->line + 1,
		    span_of(j->text.p + f->at, f->n) });
	}
	if (base + j->lines > out)
		ctx_count_in(h->ctx, j->lines - (out > base ? out - base : 0) - n, F_DROP);
	h->ctx->count.bytes_in += j->n;
	stats_progress(h->ctx, false);
	return rc;
}

static int
give_long(struct hunt *h, const struct job *j)
{
	struct prey *u = j->unit;
	struct where w = { u->name, u->line + 1, j->offset };

	u->line++;
	ctx_count_in(h->ctx, 1, F_REJECT);
	return ctx_reject(h->ctx, w, "line longer than the limit (--max-line)", span_of(j->p, j->n));
}

/* Hand out the oldest job's hits, and free its place. */
static int
deliver(struct hunt *h)
{
	struct job *j = oldest(h);
	struct prey *u = j->unit;
	int rc = 0;

	if (u->again)
		;
	else if (j->kind == JOB_LONG)
		rc = give_long(h, j);
	else if (j->kind == JOB_FRAME && j->bad)
		rc = reread(h, u, j->frame.line);
	else if (j->kind == JOB_FRAME)
		rc = give_hits(h, j, j->frame.line, 0);
	else if (j->bad)
		rc = reread(h, u, u->line);
	else {
		rc = give_hits(h, j, u->line, 0);
		u->line += j->lines;
	}
	h->head++;
	return rc;
}

static int
drain(struct hunt *h)
{
	int rc = 0;

	while (rc == 0 && h->head < h->tail)
		rc = deliver(h);
	return rc;
}

/* A place for a job, filled by the caller, then put(). */
static int
room(struct hunt *h, struct job **j)
{
	int rc = 0;

	while (rc == 0 && h->tail - h->head == h->ring_n)
		rc = deliver(h);
	*j = &h->ring[h->tail % h->ring_n];
	return rc;
}

static void
put(struct hunt *h, struct job *j)
{
	j->done = false;
	pthread_mutex_lock(&h->lock);
	h->tail++;
	pthread_cond_signal(&h->ready);
	pthread_mutex_unlock(&h->lock);
}

/* ---- reading ---- */

static int
open_unit(struct hunt *h, const struct prey *u, const char *path, struct source **src)
{
	struct source_conf conf = { .max_line = h->ctx->opt.max_line, .block = HUNT_BLOCK_BYTES,
	    .threads = h->n_workers == 1 ? 0 : (unsigned)h->n_workers };
	int fd, rc;

	if (u->files == NULL)
		return source_open(path, &conf, src);
	rc = pool_open(path, &fd);
	return rc != 0 ? rc : source_fd(fd, u->name, &conf, src);
}

/* Nothing more comes at once: what there is goes out, and where the input rests, down the pipe. */
static int
idle(struct hunt *h, struct source *src)
{
	int rc;

	if (!h->ctx->opt.line_buffered && source_ready(src, 0))
		return 0;
	rc = drain(h);
	if (rc == 0 && (h->ctx->opt.line_buffered || !source_ready(src, IDLE_FLUSH_MS)))
		rc = sink_flush(ctx_out(h->ctx));
	return rc;
}

/* What was read before goes out before it ends, as with one thread. */
static int
give_first(struct hunt *h, int status)
{
	int rc = drain(h);

	return rc == 0 ? status : rc;
}

static int
read_path(struct hunt *h, struct prey *u, const char *path)
{
	struct source *src;
	struct block b;
	struct job *j;
	int rc = open_unit(h, u, path, &src);

	if (rc != 0)
		return give_first(h, rc);
	h->ctx->main_feed.src = src;
	while (rc == 0 && (rc = source_block(src, &b)) == 0 && (b.n > 0 || b.long_line > 0)) {
		if ((rc = room(h, &j)) != 0)
			break;
		j->unit = u;
		j->kind = b.long_line > 0 ? JOB_LONG : JOB_BLOCK;
		j->p = b.p;
		j->n = b.n;
		j->offset = b.offset;
		/* lines are counted by whoever searches them */
		if (b.long_line == 0)
			source_counted(src, 0);
		source_keep(src, &j->hold);
		put(h, j);
		rc = idle(h, src);
	}
	/* whole lines that came before an error are looked at */
	if (rc == EXIT_INPUT || rc == EXIT_IO)
		rc = give_first(h, rc);
	h->ctx->main_feed.src = NULL;
	source_close(src);
	return rc;
}

/*
 * A file of plain text by several threads: each reads what it searches, for one that reads for all is not as fast as
 * the others search.  True: it was done so.
 */
static bool
read_ranges(struct hunt *h, struct prey *u, int *rc)
{
	struct stat st;
	struct job *j;
	char first;

	*rc = 0;
	if (h->n_workers == 1 || strcmp(u->path, "-") == 0 ||
	    (h->ctx->opt.max_line != 0 && h->ctx->opt.max_line < HUNT_BLOCK_BYTES) ||
	    (u->fd = open(u->path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1)
		return false;
	/* what is compressed begins with no brace */
	if (fstat(u->fd, &st) == -1 || !S_ISREG(st.st_mode) || pread(u->fd, &first, 1, 0) != 1 || first != '{') {
		close(u->fd);
		return false;
	}
	u->bytes = (uint64_t)st.st_size;
	for (uint64_t at = 0; *rc == 0 && !u->again && at < u->bytes; at += HUNT_BLOCK_BYTES) {
		if ((*rc = room(h, &j)) != 0)
			break;
		j->unit = u;
		j->kind = JOB_RANGE;
		j->offset = at;
		j->n = u->bytes - at < HUNT_BLOCK_BYTES ? (size_t)(u->bytes - at) : HUNT_BLOCK_BYTES;
		put(h, j);
	}
	if (*rc == 0)
		*rc = drain(h);
	/* after an error the others may still be at it */
	if (*rc == 0)
		close(u->fd);
	return true;
}

static int
read_merged(void *arg, const char *day, const char *path)
{
	struct hunt *h = ((void **)arg)[0];

	(void)day;
	return read_path(h, ((void **)arg)[1], path);
}

static int
read_frames(struct hunt *h, struct prey *u)
{
	struct job *j;
	int rc = 0;

	for (size_t i = 0; rc == 0 && !u->again && i < u->n_frames; i++) {
		if ((rc = room(h, &j)) != 0)
			break;
		j->unit = u;
		j->kind = JOB_FRAME;
		j->frame = u->frame[i];
		put(h, j);
	}
	return rc;
}

static int
read_unit(struct hunt *h, struct prey *u)
{
	void *both[] = { h, u };
	int rc;

	if (u->rc != 0)
		return give_first(h, u->rc);
	if (u->known)
		return read_frames(h, u);
	if (u->files != NULL && u->to - u->from > 1)
		return merge_file(u->files, u->from, u->to, read_merged, both);
	if (u->files == NULL && read_ranges(h, u, &rc))
		return rc;
	return read_path(h, u, u->path);
}

/*
 * A frame is not what the index said of it: then nothing is known.  The file is read from its beginning, here and now,
 * and what it holds up to line `from` is out already.
 */
static int
reread(struct hunt *h, struct prey *u, uint64_t from)
{
	struct job j = { .unit = u, .kind = JOB_BLOCK };
	struct source *src;
	uint64_t line = 0;
	struct block b;
	int rc;

	u->again = true;
	if ((rc = open_unit(h, u, u->path, &src)) != 0)
		return rc;
	while (rc == 0 && (rc = source_block(src, &b)) == 0 && (b.n > 0 || b.long_line > 0)) {
		j.p = b.p;
		j.n = b.n;
		j.offset = b.offset;
		u->line = line;
		if (b.long_line > 0) {
			rc = give_long(h, &j);
			line++;
			continue;
		}
		hunt_job(&h->worker[0], &j);
		rc = give_hits(h, &j, line, from);
		line += j.lines;
	}
	source_close(src);
	free(j.hit);
	buf_free(&j.text);
	return rc;
}

/* ---- all of it ---- */

/* -j, else as many as there are cores where every input is a file. */
static size_t
jobs_of(struct ctx *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct stat st;

	if (c->opt.jobs != 0)
		return c->opt.jobs < JOBS_MAX ? (size_t)c->opt.jobs : JOBS_MAX;
	if (c->n_files == 0 && (fstat(0, &st) == -1 || !S_ISREG(st.st_mode)))
		return 1;
	for (size_t i = 0; i < c->n_files; i++)
		if (strncmp(c->file[i], "wh:", 3) != 0 && (stat(c->file[i], &st) == -1 || !S_ISREG(st.st_mode)))
			return 1;
	return cores < 1 ? 1 : cores > 4 ? 4 : (size_t)cores;
}

static void
begin(struct hunt *h, size_t jobs)
{
	h->ring_n = jobs == 1 ? 1 : 2 * jobs + 2;
	h->ring = mem_new(mem_mul(h->ring_n, sizeof *h->ring));
	h->worker = mem_new(mem_mul(jobs, sizeof *h->worker));
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->ready, NULL);
	pthread_cond_init(&h->finished, NULL);
	h->worker[0].h = h;
	h->n_workers = 1;
	/* fewer threads than asked for give the same answer */
	for (; h->n_workers < jobs; h->n_workers++) {
		h->worker[h->n_workers].h = h;
		if (pthread_create(&h->worker[h->n_workers].thread, NULL, work, &h->worker[h->n_workers]) != 0)
			break;
	}
}

static void
finish(struct hunt *h)
{
	pthread_mutex_lock(&h->lock);
	h->over = true;
	pthread_cond_broadcast(&h->ready);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 1; i < h->n_workers; i++)
		pthread_join(h->worker[i].thread, NULL);
	for (size_t i = 0; i < h->n_workers; i++)
		hunt_worker_free(&h->worker[i]);
	for (size_t i = 0; i < h->ring_n; i++) {
		buf_free(&h->ring[i].hold);
		buf_free(&h->ring[i].packed);
		buf_free(&h->ring[i].text);
		free(h->ring[i].hit);
	}
	free(h->ring);
	free(h->worker);
	pthread_cond_destroy(&h->ready);
	pthread_cond_destroy(&h->finished);
	pthread_mutex_destroy(&h->lock);
}

int
hunt(struct ctx *c, const struct hunt_conf *conf)
{
	struct hunt h = { .ctx = c, .conf = conf };
	size_t jobs = jobs_of(c);
	int rc;

	trace_find_init(&h.find, conf->id);
	sandbox(SB_FILTER);
	rc = hunt_units(&h, jobs);
	begin(&h, jobs);
	for (size_t i = 0; rc == 0 && i < h.n_units; i++)
		rc = read_unit(&h, &h.unit[i]);
	if (rc == 0)
		rc = drain(&h);
	finish(&h);
	hunt_units_free(&h);
	return rc == 0 ? ctx_rejects_ok(c) : rc;
}
