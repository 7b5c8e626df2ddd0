/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source - see source.h
 *
 * One buffer: [0, done) was handed out, [done, n) is the begun line behind it.  Each call moves that to the front,
 * fills behind it and hands out up to the last LF; the buffer grows only for a line longer than it.  Behind a range the
 * begun line is in the file alone: `lag` bytes before the descriptor's offset.
 */
#include "in/source.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "in/unpack.h"

#define EXCERPT_MAX (64 * KIB)		/* of an over-long line, for the reject file */
#define MAGIC_BYTES 4			/* looked at to know zstd and gzip */
#define RANGE_TAIL_BYTES (4 * KIB)	/* where the last LF of a range is looked for */

enum packing { NOT_LOOKED, PLAIN, ZSTD, GZIP };

struct source {
	int fd;
	char *name;
	size_t max_line, block;
	enum packing packing;
	char *buf;
	size_t cap, done, n;		/* cap: without what stands behind each block */
	size_t most;			/* bytes of the largest fill so far */
	uint64_t line, offset;		/* of buf[0] */
	bool counted;			/* source_counted told the lines of the block handed out */
	bool eof;
	int rc;				/* an error to report once the lines before it are out */
	_Atomic uint64_t raw_bytes;
	uint64_t size;
	unsigned threads;
	bool file, grows;
	size_t lag;			/* bytes of the begun line that are still to be read: it is behind a range */
	bool based;			/* a range was taken: base is the file's offset less ours */
	off_t base;
	struct unpack *unpack;		/* owns the descriptor; NULL: nothing is compressed */
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
	s->threads = conf->threads;
	s->grows = conf->grows;
	s->file = S_ISREG(st.st_mode);
	if (s->file && conf->file_block > 0 && (uint64_t)st.st_size > s->block)
		s->block = conf->file_block;
	s->line = 1;
	s->cap = mem_add(s->block + MAGIC_BYTES, conf->first.n);
	s->buf = mem_array(NULL, mem_add(s->cap, BLOCK_PAD_BYTES), 1);
	if (conf->first.n > 0) {
		memcpy(s->buf, conf->first.p, conf->first.n);
		s->n = s->most = conf->first.n;
		s->raw_bytes = conf->first.n;
		s->packing = PLAIN;
	}
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
	if (s->unpack != NULL)
		unpack_free(s->unpack);
	else if (s->fd != STDIN_FILENO)
		close(s->fd);
	free(s->buf);
	free(s->name);
	free(s);
}

bool
source_waits(const struct source *s)
{
	return !s->file;
}

bool
source_packed(const struct source *s)
{
	return s->unpack != NULL;
}

bool
source_torn(const struct source *s)
{
	return s->eof && s->unpack != NULL && unpack_torn(s->unpack);
}

const char *
source_name(const struct source *s)
{
	return s->name;
}

uint64_t
source_bytes(const struct source *s)
{
	uint64_t n = atomic_load_explicit(&s->raw_bytes, memory_order_relaxed);

	return s->unpack == NULL ? n : n + unpack_taken(s->unpack);
}

uint64_t
source_size(const struct source *s)
{
	return s->size;
}

/* -1 was said and is in s->rc. */
static ssize_t
take_in(struct source *s, void *p, size_t n)
{
	ssize_t got = read_some(s->fd, p, n);

	if (got == -1)
		s->rc = err_io("%s: %s", s->name, strerror(errno));
	else
		atomic_fetch_add_explicit(&s->raw_bytes, (uint64_t)got, memory_order_relaxed);
	return got;
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
 * Look at the first bytes, waiting for more of them only while they may be a magic number.  They then go to the
 * decompressor or, when nothing is compressed, to the buffer.
 */
static ssize_t
look(struct source *s)
{
	size_t most = s->block < MAGIC_BYTES ? MAGIC_BYTES : s->block < UNPACK_IN_BYTES ? s->block : UNPACK_IN_BYTES;
	unsigned char *in = mem_array(NULL, UNPACK_IN_BYTES, 1);
	ssize_t got = 1;
	size_t n = 0;

	while (n < MAGIC_BYTES && got > 0 && (n == 0 || packing_of(in, n) != PLAIN)) {
		if ((got = take_in(s, in + n, most - n)) == -1) {
			free(in);
			return -1;
		}
		n += (size_t)got;
	}
	s->packing = packing_of(in, n);
	if (n < (s->packing == ZSTD ? MAGIC_BYTES : 2))
		s->packing = PLAIN;		/* the input ended too early to be any */
	if (s->packing != PLAIN) {
		s->unpack = unpack_new(&(struct unpack_conf){ .fd = s->fd, .name = s->name, .file = s->file,
		    .grows = s->grows, .gzip = s->packing == GZIP, .piece = s->block, .threads = s->threads }, in, n);
		return 0;
	}
	if (n > 0)
		memcpy(s->buf + s->n, in, n);
	free(in);
	return (ssize_t)n;
}

/* The same from the decompressor, which may bring a buffer of its own. */
static ssize_t
fill_unpacked(struct source *s)
{
	struct buf b = { s->buf, s->n, s->cap + BLOCK_PAD_BYTES };

	s->rc = unpack_more(s->unpack, &b);
	s->buf = b.p;
	s->cap = b.cap - BLOCK_PAD_BYTES;
	s->eof = s->rc == 0 && b.n == s->n;
	return (ssize_t)(b.n - s->n);
}

/* Put more bytes behind n, growing the buffer; false when there are none (eof or rc is set). */
static bool
fill(struct source *s)
{
	ssize_t got = 0;

	if (s->eof || s->rc != 0)
		return false;
	if (s->unpack == NULL && s->cap - s->n < s->block + MAGIC_BYTES) {
		s->cap = mem_add(mem_add(s->n, s->n / 2), s->block + MAGIC_BYTES);
		s->buf = mem_array(s->buf, mem_add(s->cap, BLOCK_PAD_BYTES), 1);
	}
	if (s->packing == NOT_LOOKED && (got = look(s)) == -1)
		return false;
	if (got == 0) {
		if (s->unpack != NULL) {
			got = fill_unpacked(s);
		} else {
			got = take_in(s, s->buf + s->n, s->block);
			s->eof = got == 0;
		}
	}
	if (got <= 0)
		return false;
	s->n += (size_t)got;
	s->most = s->most > (size_t)got ? s->most : (size_t)got;
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
		/* only a line begun in an earlier fill can be longer than the longest of them */
		if (s->most <= s->max_line)
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

static int
changed(const struct source *s)
{
	return err_io("%s: it was cut or written over while it was read", s->name);
}

/* The begun line behind the last range, as source_block would have it. */
static int
begun_line(struct source *s)
{
	off_t at = s->base + (off_t)s->offset;
	ssize_t got = read_at(s->fd, s->buf, s->lag, at);

	if (got != (ssize_t)s->lag)
		return s->rc = got == -1 ? err_io("%s: %s", s->name, strerror(errno)) : changed(s);
	s->n = s->lag;
	s->lag = 0;
	return 0;
}

int
source_block(struct source *s, struct block *b)
{
	size_t end = 0, seen = 0;
	const char *lf;

	settle(s);
	if (s->lag > 0 && begun_line(s) != 0)
		return s->rc;
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

void
source_keep(struct source *s, struct buf *held)
{
	size_t rest = s->n - s->done;
	struct buf b = *held;

	if (!s->counted)
		s->line += count_lf(s->buf, s->done);
	s->counted = false;
	s->offset += s->done;
	b.n = 0;
	(void)buf_room(&b, mem_add(rest > s->block ? rest : s->block, MAGIC_BYTES + BLOCK_PAD_BYTES));
	if (rest > 0)
		memcpy(b.p, s->buf + s->done, rest);
	*held = (struct buf){ s->buf, held->n, s->cap + BLOCK_PAD_BYTES };
	s->buf = b.p;
	s->cap = b.cap - BLOCK_PAD_BYTES;
	s->n = rest;
	s->done = 0;
}

/* It ends where a block would, so that what is told of blocks does not depend on who reads them. */
bool
source_range(struct source *s, struct block *b)
{
	char tail[RANGE_TAIL_BYTES] MEM_UNFILLED;
	size_t n = sizeof tail < s->block ? sizeof tail : s->block, len;
	const char *lf;
	off_t at;

	/* no line of a range can be over the limit where two blocks are not */
	if (!s->file || s->packing != PLAIN || s->eof || s->rc != 0 || s->max_line / 2 < s->block)
		return false;
	settle(s);
	if ((at = lseek(s->fd, 0, SEEK_CUR)) == -1 ||
	    (s->based && at - s->base != (off_t)(s->offset + s->n + s->lag)) ||
	    read_at(s->fd, tail, n, at + (off_t)(s->block - n)) != (ssize_t)n ||
	    (lf = memrchr(tail, '\n', n)) == NULL || lseek(s->fd, at + (off_t)s->block, SEEK_SET) == -1)
		return false;
	if (!s->based) {
		s->based = true;
		s->base = at - (off_t)(s->offset + s->n);
	}
	len = s->n + s->lag + s->block - n + (size_t)(lf + 1 - tail);
	*b = (struct block){ .n = len, .offset = s->offset, .line0 = s->line };
	atomic_fetch_add_explicit(&s->raw_bytes, s->block, memory_order_relaxed);
	s->offset += len;
	s->lag = n - (size_t)(lf + 1 - tail);
	s->n = 0;
	return true;
}

int
source_range_read(struct source *s, struct block *b, struct buf *held)
{
	ssize_t got;

	buf_clear(held);
	b->p = buf_room(held, mem_add(b->n, BLOCK_PAD_BYTES));
	got = read_at(s->fd, held->p, b->n, s->base + (off_t)b->offset);
	if (got == -1)
		return err_io("%s: %s", s->name, strerror(errno));
	if ((size_t)got != b->n || held->p[b->n - 1] != '\n')
		return changed(s);
	memset(held->p + b->n, 0, BLOCK_PAD_BYTES);
	return 0;
}

bool
source_ready(struct source *s, int ms)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };

	if (s->eof || s->rc != 0)
		return true;
	if (s->n > s->done && memchr(s->buf + s->done, '\n', s->n - s->done) != NULL)
		return true;
	return s->unpack != NULL ? unpack_ready(s->unpack, ms) : poll(&pfd, 1, ms) > 0;
}
