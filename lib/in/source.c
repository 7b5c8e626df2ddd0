/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source - see source.h
 *
 * One buffer: [0, done) was handed out, [done, n) is the begun line behind it.  Each call moves that to the front,
 * fills behind it and hands out up to the last LF; the buffer grows only for a line longer than it.
 */
#include "in/source.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/err.h"
#include "base/mem.h"

#define PACKED_BYTES (128 * KIB)	/* compressed input is read in pieces of this size */
#define EXCERPT_MAX (64 * KIB)		/* of an over-long line, for the reject file */
#define MAGIC_BYTES 4			/* looked at to know zstd and gzip */

enum packing { NOT_LOOKED, PLAIN, ZSTD, GZIP };

struct source {
	int fd;
	char *name;
	size_t max_line, block;
	enum packing packing;
	char *buf;
	size_t cap, done, n;
	uint64_t line, offset;		/* of buf[0] */
	bool counted;			/* source_counted told the lines of the block handed out */
	bool eof;
	int rc;				/* an error to report once the lines before it are out */
	uint64_t raw_bytes, size;
	/* Decompression. */
	unsigned char *in;
	size_t in_p, in_n;
	bool in_frame;			/* the input may not end here */
	bool full;			/* the decompressor may hold more output */
	ZSTD_DCtx *zstd;
	z_stream gzip;
};

int
source_open(const char *name, const struct source_conf *conf, struct source **out)
{
	int fd;

	if (strcmp(name, "-") == 0)
		return source_fd(STDIN_FILENO, "<stdin>", conf, out);
	if ((fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1)
		return err_io("%s: %s", name, strerror(errno));
	return source_fd(fd, name, conf, out);
}

int
source_fd(int fd, const char *name, const struct source_conf *conf, struct source **out)
{
	static const struct source_conf none;
	struct source *s;
	struct stat st;
	int rc;

	if (fstat(fd, &st) == -1 || S_ISDIR(st.st_mode)) {
		rc = err_io("%s: %s", name, strerror(S_ISDIR(st.st_mode) ? EISDIR : errno));
		if (fd > STDIN_FILENO)
			close(fd);
		return rc;
	}
	if (conf == NULL)
		conf = &none;
	s = mem_new(sizeof *s);
	s->fd = fd;
	s->name = mem_str(name);
	s->max_line = conf->max_line != 0 ? conf->max_line : LINE_BYTES_MAX;
	s->block = conf->block != 0 ? conf->block : BLOCK_BYTES;
	s->packing = conf->raw ? PLAIN : NOT_LOOKED;
	s->line = 1;
	s->cap = s->block + MAGIC_BYTES;
	s->buf = mem_array(NULL, mem_add(s->cap, BLOCK_PAD_BYTES), 1);
	if (S_ISREG(st.st_mode)) {
		s->size = (uint64_t)st.st_size;
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	} else if (S_ISFIFO(st.st_mode))
		(void)fcntl(fd, F_SETPIPE_SZ, (int)PIPE_BYTES);	/* speed only: a refusal changes nothing */
	*out = s;
	return 0;
}

void
source_close(struct source *s)
{
	if (s == NULL)
		return;
	if (s->fd != STDIN_FILENO)
		close(s->fd);
	ZSTD_freeDCtx(s->zstd);
	if (s->packing == GZIP)
		inflateEnd(&s->gzip);
	free(s->in);
	free(s->buf);
	free(s->name);
	free(s);
}

const char *
source_name(const struct source *s)
{
	return s->name;
}

uint64_t
source_bytes(const struct source *s)
{
	return s->raw_bytes;
}

uint64_t
source_size(const struct source *s)
{
	return s->size;
}

/* read(2) that outlives signals and descriptors that another process made non-blocking; -1 was said and is in s->rc. */
static ssize_t
read_some(struct source *s, void *p, size_t n)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	ssize_t got;

	while ((got = read(s->fd, p, n)) == -1) {
		if (errno == EAGAIN)
			(void)poll(&pfd, 1, -1);
		else if (errno != EINTR) {
			s->rc = err_io("%s: %s", s->name, strerror(errno));
			return -1;
		}
	}
	s->raw_bytes += (uint64_t)got;
	return got;
}

/* More compressed bytes; false at the end or on an error. */
static bool
more_in(struct source *s)
{
	ssize_t got = read_some(s, s->in, PACKED_BYTES);

	s->in_p = 0;
	s->in_n = got > 0 ? (size_t)got : 0;
	if (got == 0) {
		s->eof = true;
		if (s->in_frame)
			s->rc = err_input("%s: the compressed input ends in the middle of a frame", s->name);
	}
	return got > 0;
}

static ssize_t
fill_zstd(struct source *s, char *dst, size_t room)
{
	ZSTD_outBuffer out = { dst, room, 0 };
	ZSTD_inBuffer in;
	size_t left;

	while (out.pos == 0) {
		if (s->in_p == s->in_n && !s->full && !more_in(s))
			return s->rc != 0 ? -1 : 0;
		in = (ZSTD_inBuffer){ s->in, s->in_n, s->in_p };
		left = ZSTD_decompressStream(s->zstd, &out, &in);
		s->in_p = in.pos;
		if (ZSTD_isError(left)) {
			s->rc = err_input("%s: zstd: %s", s->name, ZSTD_getErrorName(left));
			return out.pos > 0 ? (ssize_t)out.pos : -1;
		}
		s->in_frame = left != 0;
		s->full = left != 0 && out.pos == out.size;
	}
	return (ssize_t)out.pos;
}

static ssize_t
fill_gzip(struct source *s, char *dst, size_t room)
{
	z_stream *z = &s->gzip;
	int rc;

	z->next_out = (unsigned char *)dst;
	z->avail_out = (unsigned)(room < INT32_MAX ? room : INT32_MAX);
	while ((char *)z->next_out == dst) {
		if (s->in_p == s->in_n && !s->full && !more_in(s))
			return s->rc != 0 ? -1 : 0;
		if (!s->in_frame && s->in_p < s->in_n) {	/* the next member */
			inflateReset(z);
			s->in_frame = true;
		}
		z->next_in = s->in + s->in_p;
		z->avail_in = (unsigned)(s->in_n - s->in_p);
		rc = inflate(z, Z_NO_FLUSH);
		s->in_p = s->in_n - z->avail_in;
		s->full = rc == Z_OK && z->avail_out == 0;
		if (rc == Z_STREAM_END)
			s->in_frame = false;
		else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			s->rc = err_input("%s: gzip: %s", s->name, z->msg != NULL ? z->msg : "corrupt data");
			return (char *)z->next_out > dst ? (char *)z->next_out - dst : -1;
		}
	}
	return (char *)z->next_out - dst;
}

/* Could these first bytes begin a zstd frame (or a skippable one) or a gzip member? */
static enum packing
packing_of(const unsigned char *p, size_t n)
{
	static const unsigned char zstd[] = { 0x28, 0xB5, 0x2F, 0xFD }, skip[] = { 0x50, 0x2A, 0x4D, 0x18 },
	    gzip[] = { 0x1F, 0x8B };
	unsigned char first[4] = { 0 };

	if (n == 0)
		return PLAIN;
	memcpy(first, p, n < 4 ? n : 4);
	if (memcmp(first, zstd, n < 4 ? n : 4) == 0)
		return ZSTD;
	first[0] &= 0xF0;
	if (memcmp(first, skip, n < 4 ? n : 4) == 0)
		return ZSTD;
	return memcmp(p, gzip, n < 2 ? n : 2) == 0 ? GZIP : PLAIN;
}

/*
 * Look at the first bytes, waiting for more of them only while they may be a magic number.  They are then in `in`
 * and, when nothing is compressed, copied to the buffer.
 */
static ssize_t
look(struct source *s)
{
	size_t most = s->block < MAGIC_BYTES ? MAGIC_BYTES : s->block < PACKED_BYTES ? s->block : PACKED_BYTES;
	ssize_t got = 1;

	s->in = mem_array(NULL, PACKED_BYTES, 1);
	while (s->in_n < MAGIC_BYTES && got > 0 && (s->in_n == 0 || packing_of(s->in, s->in_n) != PLAIN)) {
		if ((got = read_some(s, s->in + s->in_n, most - s->in_n)) == -1)
			return -1;
		s->in_n += (size_t)got;
	}
	s->packing = packing_of(s->in, s->in_n);
	if (s->in_n < (s->packing == ZSTD ? MAGIC_BYTES : 2))
		s->packing = PLAIN;		/* the input ended too early to be any */
	s->in_frame = s->packing != PLAIN;
	if (s->packing == ZSTD) {
		if ((s->zstd = ZSTD_createDCtx()) == NULL)
			err_die(EXIT_IO, "out of memory");
		ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	} else if (s->packing == GZIP && inflateInit2(&s->gzip, 15 + 16) != Z_OK)
		err_die(EXIT_IO, "out of memory");
	if (s->packing != PLAIN)
		return 0;
	memcpy(s->buf + s->n, s->in, s->in_n);
	got = (ssize_t)s->in_n;
	s->in_p = s->in_n = 0;
	free(s->in);
	s->in = NULL;
	return got;
}

/* Put up to `block` more bytes behind n, growing the buffer; false when there are none (eof or rc is set). */
static bool
fill(struct source *s)
{
	ssize_t got = 0;

	if (s->eof || s->rc != 0)
		return false;
	if (s->cap - s->n < s->block + MAGIC_BYTES) {
		s->cap = mem_add(mem_add(s->n, s->n / 2), s->block + MAGIC_BYTES);
		s->buf = mem_array(s->buf, mem_add(s->cap, BLOCK_PAD_BYTES), 1);
	}
	if (s->packing == NOT_LOOKED && (got = look(s)) > 0) {
		s->n += (size_t)got;
		return true;
	}
	if (got == -1)
		return false;
	switch (s->packing) {
	case ZSTD:
		got = fill_zstd(s, s->buf + s->n, s->block);
		break;
	case GZIP:
		got = fill_gzip(s, s->buf + s->n, s->block);
		break;
	default:
		got = read_some(s, s->buf + s->n, s->block);
		s->eof = got == 0;
		break;
	}
	if (got <= 0)
		return false;
	s->n += (size_t)got;
	return true;
}

/* LFs, 16 bytes at a time: it is done over every byte of the input. */
static uint64_t
count_lf(const char *p, size_t n)
{
	typedef unsigned char bytes16 __attribute__((vector_size(16)));
	const bytes16 lf = { 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10 };
	uint64_t sum = 0;

	while (n >= 16) {
		size_t turns = n / 16 < 255 ? n / 16 : 255;	/* a byte counts no further */
		bytes16 acc = { 0 }, v;

		for (size_t i = 0; i < turns; i++, p += 16) {
			memcpy(&v, p, 16);
			acc -= (bytes16)(v == lf);
		}
		n -= turns * 16;
		for (int i = 0; i < 16; i++)
			sum += acc[i];
	}
	for (; n > 0; n--)
		sum += *p++ == '\n';
	return sum;
}

/* Forget what was handed out; the begun line moves to the front. */
static void
settle(struct source *s)
{
	if (!s->counted)
		s->line += count_lf(s->buf, s->done);
	s->counted = false;
	s->offset += s->done;
	s->n -= s->done;
	if (s->done > 0)
		memmove(s->buf, s->buf + s->done, s->n);
	s->done = 0;
}

/* Bytes of a line without its LF and a CR before that. */
static size_t
bare(const char *p, size_t n)
{
	n -= n > 0 && p[n - 1] == '\n';
	return n - (n > 0 && p[n - 1] == '\r');
}

/* The whole lines in [0, n) end at `end`; how many bytes of them come before the first that is too long. */
static size_t
before_long(const struct source *s, size_t end)
{
	const char *p = s->buf, *lf;
	size_t n;

	while (p < s->buf + end) {
		n = end - (size_t)(p - s->buf);
		lf = memchr(p, '\n', n);
		n = lf != NULL ? (size_t)(lf + 1 - p) : n;
		if (bare(p, n) > s->max_line)
			return (size_t)(p - s->buf);
		/* only a line begun in an earlier read can be longer than a read, or than the first look */
		if (s->block <= s->max_line && s->max_line >= MAGIC_BYTES)
			return end;
		p += n;
	}
	return end;
}

/* The buffer begins with a line over the limit: hand out its first bytes, read on to its end, keep no more of it. */
static void
skip_long(struct source *s, struct block *b)
{
	size_t keep = s->n < EXCERPT_MAX ? s->n : EXCERPT_MAX, from = 0, total = 0;
	char *lf = memchr(s->buf, '\n', s->n), last = '\0';

	while (lf == NULL) {
		if (s->n > from) {
			total += s->n - from;
			last = s->buf[s->n - 1];
		}
		s->n = from = keep;
		if (!fill(s))
			break;
		lf = memchr(s->buf + from, '\n', s->n - from);
	}
	s->done = s->n;
	if (lf != NULL) {
		if (lf > s->buf + from) {
			total += (size_t)(lf - (s->buf + from));
			last = lf[-1];
		}
		s->done = (size_t)(lf + 1 - s->buf);
	}
	/* settle() will add `done` to the offset, which left out what was read over. */
	s->offset += total + (lf != NULL) - s->done;
	b->p = s->buf;
	b->n = keep < total ? keep : total;
	b->long_line = total - (last == '\r');
}

int
source_block(struct source *s, struct block *b)
{
	size_t end = 0, seen = 0;
	const char *lf;

	settle(s);
	*b = (struct block){ .p = s->buf, .line0 = s->line, .offset = s->offset };
	for (;;) {
		lf = s->n > seen ? memrchr(s->buf + seen, '\n', s->n - seen) : NULL;
		if (lf != NULL) {
			end = (size_t)(lf + 1 - s->buf);
			break;
		}
		seen = s->n;
		if (s->n > 0 && s->n - 1 > s->max_line)		/* one more: a CR may be its end */
			break;
		if (!fill(s)) {
			if (s->rc != 0)
				return s->rc;	/* the begun line is torn: never handed out */
			end = s->n;
			break;
		}
	}
	b->p = s->buf;
	if (s->n == 0)
		return 0;
	if (end == 0 || (end = before_long(s, end)) == 0) {
		skip_long(s, b);
		return 0;
	}
	s->done = b->n = end;
	memset(s->buf + s->n, 0, BLOCK_PAD_BYTES);
	return 0;
}

void
source_counted(struct source *s, uint64_t lines)
{
	s->line += lines;
	s->counted = true;
}

bool
source_ready(struct source *s, int ms)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };

	if (s->eof || s->rc != 0 || s->full || s->in_p < s->in_n)
		return true;
	if (s->n > s->done && memchr(s->buf + s->done, '\n', s->n - s->done) != NULL)
		return true;
	return poll(&pfd, 1, ms) > 0;
}
