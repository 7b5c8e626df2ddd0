/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unpack - see unpack.h
 *
 * One step is: carve what comes next out of the compressed input, then decompress it.  Carving is done by one thread at
 * a time, in order, and gives each piece its slot in the ring; a whole frame is then decompressed outside of that.
 */
#include "in/unpack.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"

#define START_BYTES (2 * MIB)		/* given out before a thread is worth its start */
#define HEADER_BYTES 18			/* the longest header of a frame */
#define SLOTS_MAX (UNPACK_THREADS_MAX + 2)

enum job { JOB_FRAME, JOB_STREAM, JOB_END };

/* An error and its text, to be said when all before it was handed out. */
struct trouble {
	int rc;
	char why[160];
};

struct slot {
	struct buf out;
	struct buf in;		/* a frame */
	size_t content;		/* what it will be */
	bool ready;
	struct trouble bad;	/* behind `out` */
};

struct unpack {
	struct unpack_conf conf;
	char *name;
	/* of whoever carves */
	struct buf in;
	size_t used;
	bool eof, in_frame, full;	/* full: the decompressor may hold more output */
	ZSTD_DCtx *zstd;
	z_stream gzip;
	_Atomic uint64_t raw;
	/* of the caller */
	uint64_t given;
	struct trouble bad;
	bool said, ring;
	ZSTD_DCtx *frames;
	/* the ring; under the lock */
	pthread_mutex_t lock;
	pthread_cond_t change;
	unsigned threads, refs;
	bool more;			/* another thread would have work */
	bool carving, closed, ended;
	uint64_t carved, taken;
	size_t n_slots;
	struct slot slot[SLOTS_MAX];
};

ssize_t
read_some(int fd, void *p, size_t n)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t got;

	while ((got = read(fd, p, n)) == -1) {
		if (errno == EAGAIN)
			(void)poll(&pfd, 1, -1);
		else if (errno != EINTR)
			return -1;
	}
	return got;
}

ssize_t
read_at(int fd, char *p, size_t n, off_t at)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		if ((got = pread(fd, p + done, n - done, at + (off_t)done)) == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static ZSTD_DCtx *
new_dctx(void)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();

	if (z == NULL)
		err_die(EXIT_IO, "out of memory");
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	return z;
}

struct unpack *
unpack_new(const struct unpack_conf *conf, unsigned char *first, size_t n)
{
	struct unpack *u = mem_new(sizeof *u);

	u->conf = *conf;
	u->conf.threads = conf->threads > UNPACK_THREADS_MAX ? UNPACK_THREADS_MAX : conf->threads;
	u->name = mem_str(conf->name);
	u->in = (struct buf){ (char *)first, n, UNPACK_IN_BYTES };
	u->in_frame = true;
	u->refs = 1;
	if (conf->gzip) {
		if (inflateInit2(&u->gzip, 15 + 16) != Z_OK)
			err_die(EXIT_IO, "out of memory");
	} else {
		u->in_frame = false;
		u->zstd = new_dctx();
	}
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->change, NULL);
	return u;
}

static void
bad(struct trouble *t, int rc, const char *who, const char *what)
{
	t->rc = rc;
	snprintf(t->why, sizeof t->why, "%s%s", who, what);
}

/* Read `want` more compressed bytes behind those that are there; false at the end or on an error. */
static bool
more_in(struct unpack *u, size_t want, struct trouble *t)
{
	ssize_t got;

	if (u->eof)
		return false;
	if (u->used > 0) {
		memmove(u->in.p, u->in.p + u->used, u->in.n - u->used);
		u->in.n -= u->used;
		u->used = 0;
	}
	got = read_some(u->conf.fd, buf_room(&u->in, want), want);
	if (got == -1) {
		bad(t, EXIT_IO, "", strerror(errno));
		return false;
	}
	u->eof = got == 0;
	u->in.n += (size_t)got;
	atomic_fetch_add_explicit(&u->raw, (uint64_t)got, memory_order_relaxed);
	return got > 0;
}

/* At the end of the input: is it where it may end? */
static void
end_of_input(const struct unpack *u, struct trouble *t)
{
	if (t->rc == 0 && u->in_frame && !u->conf.grows)
		bad(t, EXIT_INPUT, "", "the compressed input ends in the middle of a frame");
}

/* A frame that lies whole in `in`, says how long it will be, and is short: its length, else 0. */
static size_t
whole_frame(struct unpack *u, size_t *content, struct trouble *t)
{
	unsigned long long n;
	size_t size, most;

	while (u->in.n - u->used < HEADER_BYTES && more_in(u, UNPACK_IN_BYTES, t))
		;
	if (t->rc != 0 || u->in.n == u->used)
		return 0;
	n = ZSTD_getFrameContentSize(u->in.p + u->used, u->in.n - u->used);
	/* nothing known, an error, a skippable frame */
	if (n == 0 || n > FRAME_JOB_BYTES)
		return 0;
	most = ZSTD_compressBound((size_t)n) + HEADER_BYTES + 4;
	for (;;) {
		size = ZSTD_findFrameCompressedSize(u->in.p + u->used, u->in.n - u->used);
		if (!ZSTD_isError(size))
			break;
		if (u->in.n - u->used > most || !more_in(u, UNPACK_IN_BYTES, t))
			return 0;
	}
	*content = (size_t)n;
	return size;
}

/* What comes next; of a frame where it lies and how long it will be. Trouble ends the input. */
static enum job
carve(struct unpack *u, struct span *frame, size_t *content, struct trouble *t)
{
	size_t size;

	if (!u->conf.gzip && u->conf.file && !u->in_frame && !u->full && (size = whole_frame(u, content, t)) > 0) {
		*frame = span_of(u->in.p + u->used, size);
		u->used += size;
		return JOB_FRAME;
	}
	if (t->rc == 0 && u->in.n == u->used && !u->full && !more_in(u, UNPACK_IN_BYTES, t))
		end_of_input(u, t);
	return t->rc != 0 || (u->eof && u->in.n == u->used && !u->full) ? JOB_END : JOB_STREAM;
}

static void
decompress(ZSTD_DCtx *z, struct span frame, size_t content, struct buf *out, struct trouble *t)
{
	char *to = buf_room(out, mem_add(content, BLOCK_PAD_BYTES));
	size_t n = ZSTD_decompressDCtx(z, to, content, frame.p, frame.n);

	if (ZSTD_isError(n))
		bad(t, EXIT_INPUT, "zstd: ", ZSTD_getErrorName(n));
	else
		out->n += n;
}

/* Some bytes of a stream, at most a piece; none when a frame ended without any. */
static void
stream_zstd(struct unpack *u, struct buf *b, struct trouble *t)
{
	ZSTD_outBuffer out = { buf_room(b, u->conf.piece + BLOCK_PAD_BYTES), u->conf.piece, 0 };
	ZSTD_inBuffer in;
	size_t left;

	do {
		if (u->used == u->in.n && !u->full && !more_in(u, UNPACK_IN_BYTES, t)) {
			end_of_input(u, t);
			return;
		}
		in = (ZSTD_inBuffer){ u->in.p, u->in.n, u->used };
		left = ZSTD_decompressStream(u->zstd, &out, &in);
		u->used = in.pos;
		if (ZSTD_isError(left)) {
			bad(t, EXIT_INPUT, "zstd: ", ZSTD_getErrorName(left));
			break;
		}
		u->in_frame = left != 0;
		u->full = left != 0 && out.pos == out.size;
	} while (out.pos == 0 && left != 0);
	b->n += out.pos;
}

static void
stream_gzip(struct unpack *u, struct buf *b, struct trouble *t)
{
	z_stream *z = &u->gzip;
	char *to = buf_room(b, u->conf.piece + BLOCK_PAD_BYTES);
	int rc;

	z->next_out = (unsigned char *)to;
	z->avail_out = (unsigned)(u->conf.piece < INT32_MAX ? u->conf.piece : INT32_MAX);
	while ((char *)z->next_out == to) {
		if (u->used == u->in.n && !u->full && !more_in(u, UNPACK_IN_BYTES, t)) {
			end_of_input(u, t);
			return;
		}
		if (!u->in_frame && u->used < u->in.n) {	/* the next member */
			inflateReset(z);
			u->in_frame = true;
		}
		z->next_in = (unsigned char *)u->in.p + u->used;
		z->avail_in = (unsigned)(u->in.n - u->used);
		rc = inflate(z, Z_NO_FLUSH);
		u->used = u->in.n - z->avail_in;
		u->full = rc == Z_OK && z->avail_out == 0;
		if (rc == Z_STREAM_END)
			u->in_frame = false;
		else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			bad(t, EXIT_INPUT, "gzip: ", z->msg != NULL ? z->msg : "corrupt data");
			break;
		}
	}
	b->n += (size_t)((char *)z->next_out - to);
}

static void
stream(struct unpack *u, struct buf *b, struct trouble *t)
{
	if (u->conf.gzip)
		stream_gzip(u, b, t);
	else
		stream_zstd(u, b, t);
}

/* ---- threads ---- */

static void
let_go(struct unpack *u)
{
	unsigned left;

	pthread_mutex_lock(&u->lock);
	left = --u->refs;
	pthread_mutex_unlock(&u->lock);
	if (left > 0)
		return;
	for (size_t i = 0; i < SLOTS_MAX; i++) {
		buf_free(&u->slot[i].out);
		buf_free(&u->slot[i].in);
	}
	if (u->conf.fd != STDIN_FILENO)
		close(u->conf.fd);
	ZSTD_freeDCtx(u->zstd);
	ZSTD_freeDCtx(u->frames);
	if (u->conf.gzip)
		inflateEnd(&u->gzip);
	pthread_cond_destroy(&u->change);
	pthread_mutex_destroy(&u->lock);
	buf_free(&u->in);
	free(u->name);
	free(u);
}

bool
unpack_torn(const struct unpack *u)
{
	return u->eof && u->in_frame;
}

static void start(struct unpack *);

/* One step into the next slot. Called and left with the lock held. */
static void
step(struct unpack *u, ZSTD_DCtx **z)
{
	struct slot *s = &u->slot[u->carved % u->n_slots];
	struct span frame;
	enum job job;

	u->carving = true;
	pthread_mutex_unlock(&u->lock);
	job = carve(u, &frame, &s->content, &s->bad);
	if (job == JOB_FRAME) {
		buf_clear(&s->in);
		buf_span_add(&s->in, frame);
	} else if (job == JOB_STREAM)
		stream(u, &s->out, &s->bad);
	pthread_mutex_lock(&u->lock);
	u->carving = false;
	u->ended = job == JOB_END || s->bad.rc != 0;
	s->ready = job != JOB_FRAME;
	u->carved++;
	if (job == JOB_FRAME && u->threads < u->conf.threads && !u->closed)
		start(u);
	pthread_cond_broadcast(&u->change);
	if (job != JOB_FRAME)
		return;
	pthread_mutex_unlock(&u->lock);
	if (*z == NULL)
		*z = new_dctx();
	decompress(*z, buf_span(&s->in), s->content, &s->out, &s->bad);
	pthread_mutex_lock(&u->lock);
	s->ready = true;
	pthread_cond_broadcast(&u->change);
}

static void *
work(void *arg)
{
	struct unpack *u = arg;
	ZSTD_DCtx *z = NULL;

	pthread_mutex_lock(&u->lock);
	while (!u->closed && !u->ended) {
		if (u->carving || u->carved - u->taken == u->n_slots)
			pthread_cond_wait(&u->change, &u->lock);
		else
			step(u, &z);
	}
	pthread_mutex_unlock(&u->lock);
	ZSTD_freeDCtx(z);
	let_go(u);
	return NULL;
}

/* One more thread; where there can be none, those that run, or the caller's, do it. Under the lock. */
static void
start(struct unpack *u)
{
	u->refs++;
	if (thread_detached(work, u)) {
		u->threads++;
	} else {
		u->refs--;
		u->conf.threads = u->threads;
	}
}

void
unpack_free(struct unpack *u)
{
	if (u == NULL)
		return;
	pthread_mutex_lock(&u->lock);
	u->closed = true;
	pthread_cond_broadcast(&u->change);
	pthread_mutex_unlock(&u->lock);
	let_go(u);
}

/* ---- for the caller ---- */

/* The caller's own steps, until there is something. */
static void
by_itself(struct unpack *u, struct buf *b)
{
	size_t from = b->n, content;
	struct span frame;

	while (b->n == from && u->bad.rc == 0) {
		enum job job = carve(u, &frame, &content, &u->bad);

		if (job == JOB_END)
			break;
		if (job == JOB_STREAM) {
			stream(u, b, &u->bad);
			continue;
		}
		if (u->frames == NULL)
			u->frames = new_dctx();
		decompress(u->frames, frame, content, b, &u->bad);
	}
}

/* The next slot that holds something, or trouble. */
static void
from_ring(struct unpack *u, struct buf *b)
{
	size_t from = b->n;

	pthread_mutex_lock(&u->lock);
	while (b->n == from && u->bad.rc == 0) {
		struct slot *s = &u->slot[u->taken % u->n_slots];

		if (u->taken == u->carved && u->ended)
			break;
		if (u->taken == u->carved || !s->ready) {
			pthread_cond_wait(&u->change, &u->lock);
			continue;
		}
		pthread_mutex_unlock(&u->lock);
		if (b->n == 0) {
			struct buf was = *b;

			*b = s->out;
			s->out = was;
		} else {
			(void)buf_room(b, mem_add(s->out.n, BLOCK_PAD_BYTES));
			buf_span_add(b, buf_span(&s->out));
		}
		buf_clear(&s->out);
		u->bad = s->bad;
		pthread_mutex_lock(&u->lock);
		s->ready = false;
		u->taken++;
		pthread_cond_broadcast(&u->change);
	}
	pthread_mutex_unlock(&u->lock);
}

int
unpack_more(struct unpack *u, struct buf *b)
{
	size_t from = b->n;

	if (!u->ring && u->conf.threads > 0 && u->given >= START_BYTES && u->bad.rc == 0) {
		pthread_mutex_lock(&u->lock);
		u->n_slots = u->conf.threads + 2;
		start(u);
		u->ring = u->threads > 0;
		pthread_mutex_unlock(&u->lock);
	}
	if (u->bad.rc == 0) {
		if (u->ring)
			from_ring(u, b);
		else
			by_itself(u, b);
	}
	u->given += b->n - from;
	if (b->n > from || u->bad.rc == 0)
		return 0;
	if (!u->said) {
		u->said = true;
		err_warn("%s: %s", u->name, u->bad.why);
	}
	return u->bad.rc;
}

bool
unpack_ready(struct unpack *u, int ms)
{
	struct pollfd pfd = { .fd = u->conf.fd, .events = POLLIN };
	struct timespec at;
	bool ready;

	if (u->bad.rc != 0)
		return true;
	if (!u->ring)
		return u->eof || u->full || u->used < u->in.n || poll(&pfd, 1, ms) > 0;
	at = clock_after(CLOCK_REALTIME, ms);
	pthread_mutex_lock(&u->lock);
	do
		ready = u->taken < u->carved ? u->slot[u->taken % u->n_slots].ready : u->ended;
	while (!ready && pthread_cond_timedwait(&u->change, &u->lock, &at) == 0);
	pthread_mutex_unlock(&u->lock);
	return ready;
}

uint64_t
unpack_taken(const struct unpack *u)
{
	return atomic_load_explicit(&u->raw, memory_order_relaxed);
}
