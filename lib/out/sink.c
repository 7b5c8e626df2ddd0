/* SPDX-License-Identifier: BSD-2-Clause */
/* sink - see sink.h */
#define XXH_STATIC_LINKING_ONLY
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/temp.h"
#include "out/apart.h"
#include "out/sink.h"

#define PLAIN_BYTES (256 * KIB)		/* handed to the kernel at once */
#define LARGE_BYTES (64 * KIB)		/* of a piece that goes there by itself, without a copy */
#define ZSTD_LEVEL 1			/* faster than 3 and no larger on such data */

struct sink {
	int fd;
	enum codec codec;
	bool whole_lines;		/* append: a write ends at a line end */
	bool synced;
	bool lax;			/* no fsync */
	bool unsummed;
	bool apart;			/* frames are the thread's of out/apart, and so are the members they need */
	bool over;			/* apart: its end was given too, fsync included */
	uint64_t ticket;		/* of what was given last */
	atomic_bool failed;
	char *name;			/* for messages */
	char *tmp, *final;		/* a file that is not there yet: its two names, */
	bool nameless;			/* of which it gets the first just before the second */
	struct buf in;			/* not yet compressed or written */
	size_t searched;		/* zstd: no LF at [FRAME_BYTES - 1, searched) */
	uint64_t given, wrote;
	XXH64_state_t sum;
	ZSTD_CCtx *z;
	z_stream gz;
	char *zbuf;			/* compressed bytes of one step */
	size_t zcap;
	uint32_t *frames;		/* zstd: the size of each frame written */
	size_t n_frames, cap_frames;
};

static int
fail(struct sink *s, int error)
{
	if (!s->failed) {
		s->failed = true;
		/* a reader that went away is no news: the pipe's end tells the story */
		if (error != EPIPE)
			err_warn("%s: %s", s->name, strerror(error));
	}
	return EXIT_IO;
}

/* Until a full non-blocking pipe takes more. */
static bool
has_room(const struct sink *s)
{
	struct pollfd pf = { s->fd, POLLOUT, 0 };

	return poll(&pf, 1, -1) != -1 || errno == EINTR;
}

/* All n bytes to the kernel: short writes, EINTR and a full non-blocking pipe are waited out. */
static int
put(struct sink *s, const char *p, size_t n)
{
	if (s->failed)
		return EXIT_IO;
	if ((s->codec != CODEC_NONE || s->tmp != NULL) && !s->unsummed)
		XXH64_update(&s->sum, p, n);
	while (n > 0) {
		ssize_t w = write(s->fd, p, n > INT_MAX ? INT_MAX : n);

		if (w == -1 && errno == EAGAIN) {
			if (!has_room(s))
				return fail(s, errno);
			continue;
		}
		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return fail(s, errno);
		p += w;
		n -= (size_t)w;
		s->wrote += (uint64_t)w;
	}
	return 0;
}

static struct sink *
make(int fd, const char *name, enum codec codec)
{
	struct sink *s = mem_new(sizeof *s);

	s->fd = fd;
	s->codec = codec;
	s->name = mem_str(name);
	XXH64_reset(&s->sum, 0);
	if (codec == CODEC_ZSTD) {
		s->z = ZSTD_createCCtx();
		if (s->z == NULL)
			err_die(EXIT_IO, "out of memory (zstd)");
		ZSTD_CCtx_setParameter(s->z, ZSTD_c_compressionLevel, ZSTD_LEVEL);
		ZSTD_CCtx_setParameter(s->z, ZSTD_c_checksumFlag, 1);
	} else if (codec == CODEC_GZIP) {
		/* 31: a gzip member; zlib's header has no name and time 0 unless told otherwise */
		if (deflateInit2(&s->gz, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
			err_die(EXIT_IO, "out of memory (zlib)");
		s->zcap = 256 * KIB;
		s->zbuf = mem_array(NULL, s->zcap, 1);
	}
	return s;
}

static bool
ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

int
sink_fd(int fd, const char *name, enum codec codec, struct sink **out)
{
	*out = make(fd, name, codec);
	return 0;
}

/*
 * The descriptor that a name such as /dev/stdout or /dev/fd/3 is, or -1.  These are links to what the descriptor has
 * open: where that is a file, renaming over the name would put a file in the place of the link, for everyone to find.
 */
static int
own_descriptor(const char *path)
{
	static const char *const dirs[] = { "/dev/fd/", "/proc/self/fd/" };
	char *end;

	if (strcmp(path, "/dev/stdout") == 0)
		return 1;
	if (strcmp(path, "/dev/stderr") == 0)
		return 2;
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(dirs[i]);
		long fd = strncmp(path, dirs[i], n) == 0 && path[n] >= '0' && path[n] <= '9' ?
		    strtol(path + n, &end, 10) : -1;

		if (fd >= 0 && fd <= INT_MAX && *end == '\0')
			return (int)fd;
	}
	return -1;
}

/*
 * A file without a name in the directory of path, of which nothing is left when its process is killed; -1: there is no
 * such thing here, or no way to name it then.
 */
static int
nameless(const char *path, size_t n_dir)
{
	struct buf at = { 0 };
	int fd;

	buf_add(&at, path, n_dir);
	buf_str(&at, n_dir == 0 ? "." : "");
	fd = open(buf_cstr(&at), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	buf_clear(&at);
	buf_fmt(&at, "/proc/self/fd/%d", fd);
	if (fd != -1 && access(buf_cstr(&at), F_OK) == -1) {
		close(fd);
		fd = -1;
	}
	buf_free(&at);
	return fd;
}

int
sink_open(const char *path, struct sink **out)
{
	static unsigned serial;
	enum codec codec = ends_with(path, ".zst") ? CODEC_ZSTD : ends_with(path, ".gz") ? CODEC_GZIP : CODEC_NONE;
	const char *base, *name = path;
	char *real;
	struct buf tmp = { 0 };
	struct stat st;
	bool unnamed;
	int fd;

	*out = NULL;
	if (strcmp(path, "-") == 0)
		return sink_fd(1, "stdout", CODEC_NONE, out);
	if ((fd = own_descriptor(path)) != -1) {
		if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)) == -1)
			return err_io("%s: %s", path, strerror(errno));
		return sink_fd(fd, path, codec, out);
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {	/* a FIFO, a device: written as it is */
		if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
			return err_io("%s: %s", path, strerror(errno));
		return sink_fd(fd, path, codec, out);
	}
	/* through a link: what it leads to is replaced, not the link */
	real = realpath(path, NULL);
	path = real == NULL ? path : real;
	base = strrchr(path, '/');
	base = base == NULL ? path : base + 1;
	buf_add(&tmp, path, (size_t)(base - path));
	buf_fmt(&tmp, ".%.200s.%ld.%u.tmp", base, (long)getpid(), serial++);
	fd = nameless(path, (size_t)(base - path));
	unnamed = fd != -1;
	if (!unnamed)
		fd = open(buf_cstr(&tmp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd == -1) {
		int rc = err_io("%s: %s", name, strerror(errno));
		buf_free(&tmp);
		free(real);
		return rc;
	}
	*out = make(fd, name, codec);
	(*out)->tmp = mem_str(buf_cstr(&tmp));
	(*out)->final = mem_str(path);
	(*out)->nameless = unnamed;
	buf_free(&tmp);
	free(real);
	return 0;
}

int
sink_append(const char *path, struct sink **out)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	*out = NULL;
	if (fd == -1)
		return err_io("%s: %s", path, strerror(errno));
	*out = make(fd, path, CODEC_NONE);
	(*out)->whole_lines = true;
	return 0;
}

/* One independent zstd frame. */
static int
frame(struct sink *s, const char *p, size_t n)
{
	size_t bound = ZSTD_compressBound(n), r;

	if (bound > s->zcap) {
		s->zcap = bound;
		s->zbuf = mem_array(s->zbuf, bound, 1);
	}
	r = ZSTD_compress2(s->z, s->zbuf, s->zcap, p, n);
	if (ZSTD_isError(r)) {
		err_warn("%s: %s", s->name, ZSTD_getErrorName(r));
		s->failed = true;
		return EXIT_IO;
	}
	if (s->n_frames == s->cap_frames) {
		s->cap_frames = s->cap_frames == 0 ? 16 : mem_mul(s->cap_frames, 2);
		s->frames = mem_array(s->frames, s->cap_frames, sizeof *s->frames);
	}
	s->frames[s->n_frames++] = r > UINT32_MAX ? UINT32_MAX : (uint32_t)r;
	return put(s, s->zbuf, r);
}

static int
deflate_all(struct sink *s, int flush)
{
	int r;

	s->gz.next_in = (Bytef *)(uintptr_t)buf_span(&s->in).p;
	s->gz.avail_in = (uInt)s->in.n;
	do {
		s->gz.next_out = (Bytef *)s->zbuf;
		s->gz.avail_out = (uInt)s->zcap;
		r = deflate(&s->gz, flush);
		if (r == Z_STREAM_ERROR)
			return fail(s, EINVAL);
		if (put(s, s->zbuf, s->zcap - s->gz.avail_out) != 0)
			return EXIT_IO;
	} while (s->gz.avail_out == 0);
	s->in.n = 0;
	return 0;
}

/* ---- frames by the thread beside ---- */

struct frame_job {
	struct apart_job job;		/* first */
	struct sink *s;
	struct buf text;
	bool last;
};

static void
frame_apart(struct apart_job *job)
{
	struct frame_job *j = (struct frame_job *)job;
	struct sink *s = j->s;

	/* an empty file is one empty frame: readers know it by its first bytes */
	if (!s->failed && (j->text.n > 0 || (j->last && s->wrote == 0)))
		(void)frame(s, buf_span(&j->text).p, j->text.n);
	if (j->last && !s->failed && fsync(s->fd) == -1)
		(void)fail(s, errno);
	if (j->last) {
		ZSTD_freeCCtx(s->z);
		s->z = NULL;
		free(s->zbuf);
		s->zbuf = NULL;
		s->zcap = 0;
	}
	apart_keep(&j->text);
	free(j);
}

/* The first n bytes held are a frame, which takes them along; what is behind them stays. */
static void
give_frame(struct sink *s, size_t n, bool last)
{
	struct frame_job *j = mem_new(sizeof *j);
	struct buf rest = { 0 };

	if (!last) {
		apart_spare(&rest);
		buf_room(&rest, s->in.cap);
	}
	buf_add(&rest, s->in.p + n, s->in.n - n);
	j->job.run = frame_apart;
	j->s = s;
	j->text = s->in;
	j->text.n = n;
	j->last = last;
	s->in = rest;
	s->ticket = apart_give(&j->job);
}

void
sink_apart(struct sink *s)
{
	s->apart = s->codec == CODEC_ZSTD && s->n_frames == 0;
	if (s->apart && s->in.cap == 0)
		apart_spare(&s->in);
}

void
sink_sync_soon(struct sink *s)
{
	if (s->apart && !s->over)
		give_frame(s, s->in.n, true);
	s->over = s->apart;
}

/* Apart: until all of it is in the file. */
static int
await(struct sink *s)
{
	sink_sync_soon(s);
	apart_wait(s->ticket);
	s->synced = !s->failed;
	return s->failed ? EXIT_IO : 0;
}

/*
 * Frames end at the first line end at or behind FRAME_BYTES: a rule of the bytes alone, so that neither
 * the caller's call sizes nor time show in the file.
 */
static int
full_frames(struct sink *s)
{
	size_t from = 0;
	int rc = 0;

	while (rc == 0 && s->in.n - from >= FRAME_BYTES) {
		size_t look = s->searched > FRAME_BYTES - 1 ? s->searched : FRAME_BYTES - 1;
		const char *lf = memchr(s->in.p + from + look, '\n', s->in.n - from - look);
		size_t n;

		if (lf == NULL) {
			s->searched = s->in.n - from;
			break;
		}
		n = (size_t)(lf - (s->in.p + from)) + 1;
		s->searched = 0;
		if (s->apart) {
			give_frame(s, n, false);
			continue;
		}
		rc = frame(s, s->in.p + from, n);
		from += n;
	}
	if (from > 0) {
		memmove(s->in.p, s->in.p + from, s->in.n - from);
		s->in.n -= from;
	}
	return rc;
}

/* Move on what there is enough of. */
static int
drain(struct sink *s)
{
	size_t n = s->in.n;
	int rc;

	if (s->codec == CODEC_ZSTD)
		return s->in.n >= FRAME_BYTES ? full_frames(s) : 0;
	if (n < PLAIN_BYTES)
		return 0;
	if (s->codec == CODEC_GZIP)
		return deflate_all(s, Z_NO_FLUSH);
	if (s->whole_lines) {
		const char *lf = memrchr(s->in.p, '\n', n);

		if (lf == NULL)
			return 0;
		n = (size_t)(lf - s->in.p) + 1;
	}
	rc = put(s, s->in.p, n);
	memmove(s->in.p, s->in.p + n, s->in.n - n);
	s->in.n -= n;
	return rc;
}

int
sink_add(struct sink *s, struct span b)
{
	if (s->failed)
		return EXIT_IO;
	s->given += b.n;
	if (s->codec == CODEC_NONE && !s->whole_lines && b.n >= LARGE_BYTES) {
		int rc = s->in.n > 0 ? put(s, s->in.p, s->in.n) : 0;

		s->in.n = 0;
		return rc != 0 ? rc : put(s, b.p, b.n);
	}
	buf_span_add(&s->in, b);
	return drain(s);
}

/* To the disk, as much of it as goes there by that way. */
static size_t
put_direct(struct sink *s, const struct iovec *v, int n)
{
	int flags = fcntl(s->fd, F_GETFL);
	ssize_t w;

	if (flags == -1 || fcntl(s->fd, F_SETFL, flags | O_DIRECT) == -1)
		return 0;
	do
		w = writev(s->fd, v, n);
	while (w == -1 && errno == EINTR);
	(void)fcntl(s->fd, F_SETFL, flags);
	s->wrote += w > 0 ? (uint64_t)w : 0;
	return w > 0 ? (size_t)w : 0;
}

int
sink_add_pages(struct sink *s, struct span b)
{
	size_t held = s->in.n, n = b.n / SINK_PAGE * SINK_PAGE, done;
	struct iovec v[2];
	char *first;
	int rc = 0;

	if (s->failed || s->codec != CODEC_NONE || s->tmp == NULL || !s->unsummed || s->lax || n == 0 ||
	    s->given % SINK_PAGE != 0 || held % SINK_PAGE != 0 || (uintptr_t)b.p % SINK_PAGE != 0)
		return sink_add(s, b);
	first = mem_pages(held);
	memcpy(first, buf_span(&s->in).p, held);
	v[0] = (struct iovec){ first, held };
	v[1] = (struct iovec){ (void *)(uintptr_t)b.p, n };
	done = put_direct(s, v, 2);
	s->in.n = 0;
	/* what did not, the usual way, which says why where that cannot be done either */
	if (done < held)
		rc = put(s, first + done, held - done);
	free(first);
	done = done < held ? 0 : done - held;
	s->given += done;
	return rc == 0 ? sink_add(s, span_from(b, done)) : rc;
}

/* The pages of a file, as they are, into a pipe: as much of them as goes this way. */
static uint64_t
send_pages(struct sink *s, int fd, uint64_t at, uint64_t n)
{
	off_t from = (off_t)at;
	uint64_t sent = 0;

	while (sent < n) {
		ssize_t w = splice(fd, &from, s->fd, NULL, n - sent > INT_MAX ? INT_MAX : n - sent, 0);

		if (w > 0)
			sent += (uint64_t)w;
		else if (w == 0 || (errno != EINTR && (errno != EAGAIN || !has_room(s))))
			break;
	}
	s->given += sent;
	s->wrote += sent;
	return sent;
}

int
sink_send(struct sink *s, int fd, const char *name, uint64_t at, uint64_t n, uint64_t *sent)
{
	bool bare = s->codec == CODEC_NONE && s->tmp == NULL && !s->whole_lines;
	int rc = s->failed ? EXIT_IO : bare ? sink_flush(s) : 0;
	ssize_t got = 1;

	*sent = rc == 0 && bare ? send_pages(s, fd, at, n) : 0;
	/* to anything but a pipe; and it says what went wrong */
	while (rc == 0 && *sent < n && got > 0) {
		uint64_t left = n - *sent;

		got = pread(fd, buf_room(&s->in, PLAIN_BYTES), left < PLAIN_BYTES ? left : PLAIN_BYTES,
		    (off_t)(at + *sent));
		if (got == -1 && errno == EINTR)
			got = 1;
		else if (got == -1)
			rc = err_io("%s: %s", name, strerror(errno));
		else if ((rc = sink_advance(s, (size_t)got)) == 0)
			*sent += (uint64_t)got;
	}
	return rc;
}

int
sink_line(struct sink *s, struct span line)
{
	char *p = sink_room(s, mem_add(line.n, 1));

	if (p == NULL)
		return EXIT_IO;
	if (line.n > 0)
		memcpy(p, line.p, line.n);
	p[line.n] = '\n';
	return sink_advance(s, line.n + 1);
}

int
sink_pieces(struct sink *s, const struct span *piece, size_t n)
{
	size_t all = 1;
	char *p;

	for (size_t i = 0; i < n; i++)
		all = mem_add(all, piece[i].n);
	if ((p = sink_room(s, all)) == NULL)
		return EXIT_IO;
	for (size_t i = 0; i < n; p += piece[i++].n)
		if (piece[i].n > 0)
			memcpy(p, piece[i].p, piece[i].n);
	*p = '\n';
	return sink_advance(s, all);
}

char *
sink_room(struct sink *s, size_t n)
{
	return s->failed ? NULL : buf_room(&s->in, n);
}

int
sink_advance(struct sink *s, size_t used)
{
	s->in.n += used;
	s->given += used;
	return drain(s);
}

int
sink_flush(struct sink *s)
{
	int rc;

	if (s->failed)
		return EXIT_IO;
	/* a compressed file is never cut by time: its bytes would depend on the clock */
	if (s->codec != CODEC_NONE || s->in.n == 0)
		return 0;
	rc = put(s, s->in.p, s->in.n);
	s->in.n = 0;
	return rc;
}

void
sink_unsummed(struct sink *s)
{
	s->unsummed = true;
}

void
sink_lax(struct sink *s)
{
	s->lax = true;
}

int
sink_settle(struct sink *s, uint64_t *size)
{
	struct stat st;
	int rc = sink_flush(s);

	/* a pipe or a terminal has no disk */
	if (rc == 0 && ((!s->lax && fdatasync(s->fd) == -1 && errno != EINVAL) || fstat(s->fd, &st) == -1))
		return fail(s, errno);
	*size = rc == 0 ? (uint64_t)st.st_size : 0;
	return rc;
}

int
sink_cut(struct sink *s, uint64_t size)
{
	struct stat st;

	if (fstat(s->fd, &st) == -1)
		return fail(s, errno);
	if (!S_ISREG(st.st_mode))
		return err_usage("%s: a file is wanted", s->name);
	if (flock(s->fd, LOCK_EX | LOCK_NB) == -1)
		return err_temp("%s: another process writes it", s->name);
	if ((uint64_t)st.st_size < size)
		return err_input("%s: %llu bytes, it had %llu", s->name, (unsigned long long)st.st_size,
		    (unsigned long long)size);
	if ((uint64_t)st.st_size > size && ftruncate(s->fd, (off_t)size) == -1)
		return fail(s, errno);
	return 0;
}

uint64_t
sink_bytes(const struct sink *s)
{
	return s->given;
}

/* Everything to the kernel, frames ended. */
static int
finish(struct sink *s)
{
	int rc = 0;

	if (s->failed)
		return EXIT_IO;
	if (s->synced)
		return 0;
	if (s->apart)
		return await(s);
	if (s->codec == CODEC_ZSTD) {
		/* an empty file is one empty frame: readers know it by its first bytes */
		if (s->in.n > 0 || s->wrote == 0)
			rc = frame(s, buf_span(&s->in).p, s->in.n);
	} else if (s->codec == CODEC_GZIP) {
		rc = deflate_all(s, Z_FINISH);
	} else if (s->in.n > 0) {
		rc = put(s, s->in.p, s->in.n);
	}
	s->in.n = 0;
	s->synced = rc == 0;
	return rc;
}

int
sink_sync(struct sink *s)
{
	int rc = finish(s);

	/* a failed fsync is final: the pages may be marked clean, a second one would lie */
	if (rc == 0 && !s->apart && fsync(s->fd) == -1)
		rc = fail(s, errno);
	return rc;
}

uint64_t
sink_file_bytes(const struct sink *s)
{
	return s->wrote;
}

uint64_t
sink_file_xxh64(const struct sink *s)
{
	return XXH64_digest(&s->sum);
}

const uint32_t *
sink_frames(const struct sink *s, size_t *n)
{
	*n = s->n_frames;
	return s->frames;
}

static void
release(struct sink *s)
{
	ZSTD_freeCCtx(s->z);
	if (s->codec == CODEC_GZIP)
		deflateEnd(&s->gz);
	buf_free(&s->in);
	free(s->zbuf);
	free(s->frames);
	free(s->name);
	free(s->tmp);
	free(s->final);
	free(s);
}

int
sink_close(struct sink *s)
{
	int rc = finish(s);

	/* what failed may still have work under way */
	apart_wait(s->ticket);
	if (rc == 0 && s->tmp != NULL && !s->apart && !s->lax && fsync(s->fd) == -1)
		rc = fail(s, errno);
	/* its first name, before it is closed and would be gone */
	if (rc == 0 && s->nameless && temp_link(s->fd, s->tmp) == -1)
		rc = fail(s, errno);
	if (close(s->fd) == -1 && rc == 0)
		rc = fail(s, errno);
	if (rc == 0 && s->tmp != NULL && rename(s->tmp, s->final) == -1)
		rc = fail(s, errno);
	if (rc != 0 && s->tmp != NULL)
		unlink(s->tmp);
	release(s);
	return rc;
}

void
sink_abort(struct sink *s)
{
	if (s == NULL)
		return;
	apart_wait(s->ticket);
	if (s->fd != 1)
		close(s->fd);
	if (s->tmp != NULL)
		unlink(s->tmp);
	release(s);
}
