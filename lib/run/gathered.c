/* SPDX-License-Identifier: BSD-2-Clause */
/* gathered - see gathered.h */
#include "run/gathered.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digits.h"
#include "base/limits.h"
#include "in/source.h"
#include "out/sink.h"
#include "run/ctx.h"
#include "store/fs.h"

#define SLAB_BYTES_MIN MIB
#define NS INT64_C(1000000000)
#define FRESH_NS (NS / 10)		/* a file's times move on in steps, of up to 10 ms */

int
gathered_set_up(struct gathered *h, struct ctx *c)
{
	int rc;

	h->ctx = c;
	h->col = -1;
	h->sum = sum_new();
	gathered_forget(h);
	if (h->event_time == NULL)
		return h->water.late == NULL && h->water.idle == NULL && h->water.max_future == NULL ? 0 :
		    ctx_usage(c, "--late, --idle and --max-future need --event-time");
	if ((rc = ctx_time(c, h->event_time, "--event-time", &h->col, &h->unit)) != 0)
		return rc;
	return waters_set_up(&h->water, c);
}

struct waters *
gathered_water(struct gathered *h)
{
	return h->event_time == NULL ? NULL : &h->water;
}

/* NULL, or why the record is none of the epoch. */
static const char *
judge(struct gathered *h, struct val v)
{
	const char *why;
	int64_t us;

	if (val_is_null(v))
		return "no time: the value is null or absent";
	if ((why = when_val(v, h->unit, h->water.zone, &h->scratch, &us)) != NULL)
		return why;
	if (waters_ahead(&h->water, us))
		return WATERMARK_AHEAD;
	waters_take(&h->water, h->part, us);
	return NULL;
}

/* Digits as a number that is larger where what they say is: as many of them. */
static inline uint64_t
in_order(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return be64toh(x);
}

/*
 * Nearly all: every time is a number of as many digits, and none is ahead.  Then only the newest of them counts, and of
 * as many digits that is the one which is the last in the order of their bytes.
 * False: they are to be judged one by one, and none was taken.
 */
static bool
judge_alike(struct gathered *h, const struct val *v, size_t n)
{
	size_t digits = v[0].raw.n;
	uint64_t head = 0, tail = 0, wrong = 0, number;
	const char *newest = NULL;
	int64_t us;

	if (digits < 9 || digits > 16)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *p = v[i].raw.p;
		uint64_t x, y;

		if (v[i].tag != T_NUM || v[i].raw.n != digits)
			return false;
		x = in_order(p);
		y = in_order(p + digits - 8);
		wrong |= !digits_are(x);
		wrong |= !digits_are(y);
		/* the first eight are those of the one before nearly always */
		if (x < head || (x == head && y <= tail))
			continue;
		head = x;
		tail = y;
		newest = p;
	}
	if (wrong != 0 || newest == NULL || !digits_u64(newest, digits, &number) ||
	    when_count((int64_t)number, h->unit, h->water.zone, &us) != NULL || waters_ahead(&h->water, us))
		return false;
	waters_take(&h->water, h->part, us);
	return true;
}

/* ---- what is kept ---- */

/*
 * Where there is room for that many bytes, behind all that is kept.  What one place has none for goes to the next one,
 * which is as long as all before it.
 */
static struct buf *
place(struct gathered_slabs *s, size_t room)
{
	size_t all = SLAB_BYTES_MIN;

	for (size_t i = 0; i < s->n; i++) {
		struct buf *b = &s->v[i];

		if (i >= s->at && b->cap - b->n >= room) {
			s->at = i;
			return b;
		}
		all = mem_add(all, b->cap);
	}
	all = all < room ? room : all;
	s->v = mem_array(s->v, s->n + 1, sizeof *s->v);
	s->v[s->n] = (struct buf){ .p = mem_slab(all), .cap = all };
	s->at = s->n++;
	return &s->v[s->at];
}

static void
empty(struct gathered_slabs *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->v[i].n = 0;
	s->at = 0;
}

static void
slabs_free(struct gathered_slabs *s)
{
	for (size_t i = 0; i < s->n; i++)
		mem_table_free(s->v[i].p, s->v[i].cap);
	free(s->v);
	*s = (struct gathered_slabs){ 0 };
}

/* Behind the others; what goes on where the last one ends is one with it. */
static void
note(struct gathered *h, struct gathered_piece p)
{
	struct gathered_piece *last = h->n_piece > 0 ? &h->piece[h->n_piece - 1] : NULL;

	if (last != NULL && last->file == p.file &&
	    (p.file == -1 ? last->s.p + last->s.n == p.s.p : last->at + last->s.n == p.at)) {
		last->s.n += p.s.n;
		return;
	}
	if (h->n_piece == h->cap_piece) {
		h->cap_piece = h->cap_piece == 0 ? 64 : mem_mul(h->cap_piece, 2);
		h->piece = mem_array(h->piece, h->cap_piece, sizeof *h->piece);
	}
	h->piece[h->n_piece++] = p;
}

/* To where it stays, with an LF behind it. */
static struct span
copy(struct gathered *h, struct span line)
{
	struct buf *b = place(&h->copied, mem_add(line.n, 1));
	char *to = b->p + b->n;

	memcpy(to, line.p, line.n);
	to[line.n] = '\n';
	b->n += line.n + 1;
	return span_of(to, line.n + 1);
}

/* The file that is being read, where its bytes are those that come; or -1. */
static int
file_now(const struct gathered *h)
{
	return h->n_file > 0 && h->file[h->n_file - 1].name == NULL && !source_packed(h->ctx->main_feed.src) ?
	    (int)h->n_file - 1 : -1;
}

static void
add_sum(struct gathered *h, struct span s)
{
	if (h->xxh64 != NULL)
		(void)XXH64_update(h->xxh64, s.p, s.n);
	else
		sum_add(h->sum, s);
}

/* Lines that stand one behind the other, as one piece; what is behind them in their block may be read. */
static void
add(struct gathered *h, struct span lines)
{
	const struct feed *f = &h->ctx->main_feed;
	struct gathered_piece p = { .file = -1 };

	if (lines.p == NULL)
		return;
	p.file = file_now(h);
	/* a CR, or the end of the file: not as they stand */
	if (p.file != -1 && lines.p[lines.n] == '\n') {
		h->file[p.file].used = true;
		p.s = span_of(lines.p, lines.n + 1);
		p.at = f->offset + (uint64_t)(lines.p - f->block);
	} else {
		p = (struct gathered_piece){ copy(h, lines), -1, 0 };
	}
	add_sum(h, p.s);
	note(h, p);
}

static int64_t
ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

/* Since when the file is what it is: -1 where that is not known, or is so short ago that it may change unseen. */
static int64_t
still_since(int fd)
{
	struct timespec now;
	struct stat st;

	if (fstat(fd, &st) == -1 || clock_gettime(CLOCK_REALTIME, &now) == -1 ||
	    ns_of(now) - ns_of(st.st_ctim) < FRESH_NS)
		return -1;
	return ns_of(st.st_ctim);
}

void
gathered_file(struct gathered *h, int fd)
{
	struct rlimit most;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	/* descriptors are for all that is opened besides: lines are copied then */
	if (own == -1 || getrlimit(RLIMIT_NOFILE, &most) == -1 || (rlim_t)own + SPARE_FILES > most.rlim_cur) {
		if (own != -1)
			close(own);
		return;
	}
	h->file = mem_array(h->file, h->n_file + 1, sizeof *h->file);
	h->file[h->n_file++] = (struct gathered_file){ .fd = own, .still = still_since(own) };
}

static void
let_go(struct gathered_file *f)
{
	close(f->fd);
	free(f->name);
}

void
gathered_file_end(struct gathered *h, const char *name, const char *stands)
{
	struct gathered_file *f = h->n_file > 0 ? &h->file[h->n_file - 1] : NULL;

	if (f == NULL || f->name != NULL)
		return;
	if (!f->used) {
		let_go(f);
		h->n_file--;
		return;
	}
	f->name = mem_str(name);
	snprintf(f->stood, sizeof f->stood, "%s", stands);
}

/* Do they stand one behind the other, with nothing but an LF between two, as in the block they came in? */
static bool
in_a_row(const struct span *line, size_t n)
{
	size_t bytes = n - 1;

	for (size_t i = 0; i < n; i++)
		bytes += line[i].n;
	return line[0].p + bytes == line[n - 1].p + line[n - 1].n;
}

int
gathered_put(struct gathered *h, const struct batch *b, const struct span *line)
{
	bool alike = h->col == -1 || judge_alike(h, b->col[h->col], b->n), apart = line != NULL;
	const struct span *last = &b->line[b->n - 1];
	struct span piece = { NULL, 0 };

	memset(b->fate, F_DROP, b->n);
	line = apart ? line : b->line;
	if (alike && !apart && in_a_row(line, b->n)) {
		h->n += b->n;
		add(h, span_of(line->p, (size_t)(last->p - line->p) + last->n));
		return 0;
	}
	for (size_t i = 0; i < b->n; i++) {
		const char *why = alike ? NULL : judge(h, b->col[h->col][i]);

		if (why != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		h->n++;
		if (piece.p != NULL && !apart && line[i].p == piece.p + piece.n + 1) {
			piece.n += 1 + line[i].n;
			continue;
		}
		add(h, piece);
		piece = line[i];
	}
	add(h, piece);
	return 0;
}

void
gathered_again(struct gathered *h, const struct planned_epoch *e)
{
	if (e->xxh64 && (h->xxh64 = XXH64_createState()) == NULL)
		err_die(EXIT_IO, "out of memory (a checksum)");
	if (e->xxh64)
		(void)XXH64_reset(h->xxh64, 0);
}

void
gathered_sum(const struct gathered *h, struct planned_epoch *e)
{
	e->n = h->n;
	e->sum = h->xxh64 != NULL ? XXH64_digest(h->xxh64) : sum_now(h->sum);
}

static int
is_another(const struct gathered_file *f, bool alone)
{
	return err_temp("%s%s: it was cut, or written over, while its lines were sent: none of them count yet", f->name,
	    alone ? "" : ", or another file of these lines");
}

/* The bytes that this piece is now, into the sum; false: there are not so many. */
static bool
sum_again(struct gathered *h, const struct gathered_piece *p)
{
	size_t step;

	if (p->file == -1)
		add_sum(h, p->s);
	for (size_t at = 0; p->file != -1 && at < p->s.n; at += step) {
		step = p->s.n - at < BLOCK_BYTES ? p->s.n - at : BLOCK_BYTES;
		buf_clear(&h->scratch);
		if (!fs_read_at(h->file[p->file].fd, buf_room(&h->scratch, step), step, p->at + at))
			return false;
		add_sum(h, span_of(h->scratch.p, step));
	}
	return true;
}

/*
 * Is what was sent what the plan says?  Of a file that was cut the bytes at both ends say so; one that something was
 * done to, which mostly is that it grew, is read once more.
 */
static int
look_again(struct gathered *h)
{
	struct planned_epoch was = { 0 }, now = { 0 };
	const struct gathered_file *first = NULL;
	bool same = true, alone = true;

	for (size_t i = 0; i < h->n_file; i++) {
		const struct gathered_file *f = &h->file[i];

		if (!spot_stands(f->stood, f->fd))
			return is_another(f, true);
		if (f->still != -1 && still_since(f->fd) == f->still)
			continue;
		alone = first == NULL;
		first = first == NULL ? f : first;
	}
	if (first == NULL)
		return 0;
	gathered_sum(h, &was);
	if (h->xxh64 != NULL)
		(void)XXH64_reset(h->xxh64, 0);
	else
		sum_reset(h->sum);
	for (size_t i = 0; same && i < h->n_piece; i++)
		same = sum_again(h, &h->piece[i]);
	gathered_sum(h, &now);
	return same && now.sum == was.sum ? 0 : is_another(first, alone);
}

static int
send(struct gathered *h, const struct gathered_piece *p)
{
	struct sink *out = ctx_out(h->ctx);
	uint64_t sent;
	int rc;

	if (p->file == -1)
		return sink_add(out, p->s);
	rc = sink_send(out, h->file[p->file].fd, h->file[p->file].name, p->at, p->s.n, &sent);
	return rc == 0 && sent < p->s.n ? is_another(&h->file[p->file], true) : rc;
}

int
gathered_emit(struct gathered *h)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < h->n_piece; i++)
		rc = send(h, &h->piece[i]);
	if (rc == 0)
		rc = look_again(h);
	ctx_recount(h->ctx, h->n, F_DROP, F_PASS);
	gathered_forget(h);
	return rc;
}

void
gathered_forget(struct gathered *h)
{
	empty(&h->copied);
	for (size_t i = 0; i < h->n_file; i++)
		let_go(&h->file[i]);
	h->n_piece = h->n_file = 0;
	h->n = 0;
	sum_reset(h->sum);
	(void)XXH64_freeState(h->xxh64);
	h->xxh64 = NULL;
}

void
gathered_free(struct gathered *h)
{
	for (size_t i = 0; i < h->n_file; i++)
		let_go(&h->file[i]);
	free(h->file);
	h->file = NULL;
	h->n_file = 0;
	slabs_free(&h->copied);
	free(h->piece);
	h->piece = NULL;
	h->n_piece = h->cap_piece = 0;
	sum_free(h->sum);
	h->sum = NULL;
	(void)XXH64_freeState(h->xxh64);
	h->xxh64 = NULL;
	buf_free(&h->scratch);
	waters_free(&h->water);
}
