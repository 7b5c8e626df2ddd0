/* SPDX-License-Identifier: BSD-2-Clause */
/* hunt_job - a block or a frame, searched (see hunt.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "run/hunt_own.h"
#include "store/fs.h"

#define LINE_STEP (4 * KIB)		/* read behind a range at a time, for its last line's end */

static struct trace *
trace_of(struct worker *w, const struct ask *a)
{
	const struct hunt_conf *conf = w->h->conf;

	if (w->trace == NULL)
		w->trace = mem_new(mem_mul(conf->asks, sizeof *w->trace));
	if (w->trace[a->no] == NULL)
		w->trace[a->no] = trace_new(conf->id, a);
	return w->trace[a->no];
}

void
hunt_worker_free(struct worker *w)
{
	for (size_t i = 0; w->trace != NULL && i < w->h->conf->asks; i++)
		trace_free(w->trace[i]);
	free(w->trace);
	ZSTD_freeDCtx(w->zstd);
}

static void
add(struct job *j, uint64_t line, struct span text)
{
	if (j->n_hits == j->cap_hits) {
		j->cap_hits = j->cap_hits == 0 ? 16 : mem_mul(j->cap_hits, 2);
		j->hit = mem_array(j->hit, j->cap_hits, sizeof *j->hit);
	}
	j->hit[j->n_hits++] = (struct found){ line, j->text.n, text.n };
	buf_span_add(&j->text, text);
}

static void
search(struct worker *w, struct job *j)
{
	const char *end = j->p + j->n, *counted = j->p, *at;
	struct trace_look look = { .p = j->p };
	struct trace *t = trace_of(w, j->unit->ask);

	while (look.p < end && (at = trace_next(&w->h->find, &look, end)) != NULL) {
		const char *begin = memrchr(look.p, '\n', (size_t)(at - look.p));
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		struct span line;

		begin = begin == NULL ? look.p : begin + 1;
		lf = lf == NULL ? end : lf;
		line = span_of(begin, (size_t)(lf - begin));
		look.p = lf + (lf < end);
		if (!trace_holds(t, line))
			continue;
		j->lines += find_lines(counted, (size_t)(begin - counted));
		counted = begin;
		add(j, j->lines, line);
	}
	j->lines += find_lines(counted, (size_t)(end - counted)) + (j->n > 0 && end[-1] != '\n');
	/* readers of a hit may look a little behind it */
	memset(buf_room(&j->text, BLOCK_PAD_BYTES), 0, BLOCK_PAD_BYTES);
}

/* The bytes of a frame into `packed`. */
static bool
read_frame(struct job *j)
{
	int fd = open(j->unit->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t n = j->frame.bytes;
	bool all;

	if (fd == -1)
		return false;
	buf_clear(&j->packed);
	all = fs_read_at(fd, buf_room(&j->packed, n), n, j->frame.at);
	close(fd);
	return all;
}

/* Whole lines, as many as the index says, of a frame whose checksum holds. */
static bool
open_frame(struct worker *w, struct job *j)
{
	unsigned long long size;
	size_t got;

	if (!read_frame(j))
		return false;
	size = ZSTD_getFrameContentSize(j->packed.p, j->frame.bytes);
	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size == 0 ||
	    size > LINE_BYTES_MAX + 2 * FRAME_BYTES)
		return false;
	if (w->zstd == NULL && (w->zstd = ZSTD_createDCtx()) == NULL)
		err_die(EXIT_IO, "out of memory (zstd)");
	buf_clear(&j->hold);
	j->p = buf_room(&j->hold, mem_add((size_t)size, BLOCK_PAD_BYTES));
	got = ZSTD_decompressDCtx(w->zstd, j->hold.p, (size_t)size, j->packed.p, j->frame.bytes);
	if (ZSTD_isError(got) || got != (size_t)size || j->p[got - 1] != '\n')
		return false;
	memset(j->hold.p + got, 0, BLOCK_PAD_BYTES);
	j->n = got;
	return true;
}

/* Append up to n bytes of the file at `at`; false: it cannot be read. */
static bool
read_more(const struct job *j, struct buf *b, uint64_t at, size_t n)
{
	char *p = buf_room(b, mem_add(n, BLOCK_PAD_BYTES));

	while (n > 0) {
		ssize_t r = pread(j->unit->fd, p, n, (off_t)at);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return false;
		if (r == 0)
			break;
		p += r;
		b->n += (size_t)r;
		at += (size_t)r;
		n -= (size_t)r;
	}
	return true;
}

/* The lines that begin in a range, whole: from behind the first line end at the byte before it, past its own end. */
static bool
read_range(struct worker *w, struct job *j)
{
	uint64_t from = j->offset - (j->offset > 0), end = j->offset + j->n;
	size_t most = w->h->ctx->opt.max_line == 0 ? LINE_BYTES_MAX : w->h->ctx->opt.max_line, last, had;
	const char *lf;

	buf_clear(&j->hold);
	if (!read_more(j, &j->hold, from, (size_t)(end - from)))
		return false;
	j->p = j->hold.p;
	if (j->hold.n == 0) {		/* cut off meanwhile */
		j->n = 0;
		return true;
	}
	if (j->offset > 0) {
		lf = memchr(j->p, '\n', j->hold.n);
		if (lf == NULL || (size_t)(lf + 1 - j->p) >= (size_t)(end - from) || lf + 1 == j->p + j->hold.n) {
			j->n = 0;
			return true;
		}
		j->p = lf + 1;
	}
	/* the line in which the range ends */
	last = (size_t)(j->p - j->hold.p);
	lf = memrchr(j->p, '\n', j->hold.n - last - (j->hold.n > last));
	had = lf == NULL ? last : (size_t)(lf + 1 - j->hold.p);
	while (j->hold.p[j->hold.n - 1] != '\n') {
		size_t n = j->hold.n;

		if (n - had > most || !read_more(j, &j->hold, from + n, LINE_STEP))
			return false;
		if (j->hold.n == n)
			break;
		if ((lf = memchr(j->hold.p + n, '\n', j->hold.n - n)) != NULL)
			j->hold.n = (size_t)(lf + 1 - j->hold.p);
	}
	j->p = j->hold.p + last;
	j->n = j->hold.n - last;
	memset(j->hold.p + j->hold.n, 0, BLOCK_PAD_BYTES);
	return j->hold.n - had <= most;
}

void
hunt_job(struct worker *w, struct job *j)
{
	j->n_hits = 0;
	j->lines = 0;
	buf_clear(&j->text);
	j->bad = (j->kind == JOB_FRAME && !open_frame(w, j)) || (j->kind == JOB_RANGE && !read_range(w, j));
	if (j->bad || j->kind == JOB_LONG)
		return;
	search(w, j);
	j->bad = j->kind == JOB_FRAME && j->lines != j->frame.rows;
}
