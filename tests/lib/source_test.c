/* SPDX-License-Identifier: BSD-2-Clause */
/* source - blocks of whole lines from files, pipes, zstd and gzip; limits; torn and corrupt input. */
#include "t.h"

#include <sys/resource.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/err.h"
#include "in/source.h"

static char name[] = "/tmp/source_test.XXXXXX";

static void
put(struct span s)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, s.p, s.n) != (ssize_t)s.n || close(fd) == -1)
		abort();
}

/* Everything a source gives: lines with their numbers checked, `<N>` for an over-long line, `!RC` at an error. */
static void
take(struct source *s, struct buf *out)
{
	uint64_t line = 1, offset = 0, slack = 0;
	volatile char pad = 0;
	struct block b;
	int rc;

	while ((rc = source_block(s, &b)) == 0 && b.n > 0) {
		okf(b.line0 == line, "line0 %llu, not %llu", (unsigned long long)b.line0, (unsigned long long)line);
		okf(b.offset >= offset && b.offset <= offset + slack, "offset %llu, not %llu", (unsigned long long)b.offset,
		    (unsigned long long)offset);
		if (b.long_line > 0) {
			buf_fmt(out, "<%zu>", b.long_line);
			line++;
			offset = b.offset + b.long_line + 1;
			slack = 1;		/* the CR before the LF, if there was one */
			continue;
		}
		buf_add(out, b.p, b.n);
		for (size_t i = 0; i < b.n; i++)
			line += b.p[i] == '\n';
		offset = b.offset + b.n;
		slack = 0;
		for (size_t i = 0; i < BLOCK_PAD_BYTES; i++)	/* readable */
			pad = b.p[b.n + i];
	}
	(void)pad;
	if (rc != 0) {
		buf_fmt(out, "!%d", rc);
		okf(source_block(s, &b) == rc, "the error stays");
	} else
		okf(source_block(s, &b) == 0 && b.n == 0, "the end stays");
	source_close(s);
}

static void
gives(struct source_conf conf, const char *want, size_t want_n, const char *title)
{
	struct source *s;
	struct buf out = { 0 };

	okf(source_open(name, &conf, &s) == 0, "%s: opens", title);
	take(s, &out);
	okf(span_eq(buf_span(&out), span_of(want, want_n)), "%s (blocks of %zu): got %zu bytes %.200s", title, conf.block, out.n,
	    buf_cstr(&out));
	buf_free(&out);
}

static void
zstd_add(struct buf *b, struct span s, bool checksum)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(s.n), n;

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
	n = ZSTD_compress2(c, buf_room(b, room), room, s.p, s.n);
	if (ZSTD_isError(n))
		abort();
	b->n += n;
	ZSTD_freeCCtx(c);
}

static void
gzip_add(struct buf *b, struct span s)
{
	z_stream z = { 0 };
	size_t room = s.n + 1000;

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (unsigned char *)(uintptr_t)s.p;
	z.avail_in = (unsigned)s.n;
	z.next_out = (unsigned char *)buf_room(b, room);
	z.avail_out = (unsigned)room;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	b->n += room - z.avail_out;
	deflateEnd(&z);
}

static void
plain(void)
{
	const char *text = "one\ntwo\r\n\n\nlast";

	for (size_t block = 1; block < 20; block++) {
		put(span_str(text));
		gives((struct source_conf){ .block = block }, text, strlen(text), "lines");
		put(span_str(""));
		gives((struct source_conf){ .block = block }, "", 0, "an empty file");
		put(span_str("\n"));
		gives((struct source_conf){ .block = block }, "\n", 1, "one LF");
	}
	ok_all("plain files");
}

static void
long_lines(void)
{
	static const struct { const char *in, *out; } t[] = {
		{ "12345\n123456\n12345\n", "12345\n<6>12345\n" },
		{ "12345\r\n123456\r\n1\n", "12345\r\n<6>1\n" },
		{ "12345\r\n1234567\r\n1\n", "12345\r\n<7>1\n" },
		{ "12345678901234567890\n1\n", "<20>1\n" },
		{ "1\n12345678901234567890", "1\n<20>" },
		{ "1\n12345678901234567890\r", "1\n<20>" },
		{ "1\n123456", "1\n<6>" },
		{ "1\n12345", "1\n12345" },
		{ "1\n12345\r", "1\n12345\r" },
		{ "123456\n123456\n1", "<6><6>1" },
		{ "\n\n123456\n\n", "\n\n<6>\n" },
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		for (size_t block = 1; block < 30; block++) {
			put(span_str(t[i].in));
			gives((struct source_conf){ .block = block, .max_line = 5 }, t[i].out, strlen(t[i].out), t[i].in);
		}
	ok_all("lines at, and over, the limit");
}

/* 300 MB without an LF through a pipe, in at most 40 MB more memory. */
static void
endless_line(void)
{
	struct source *s;
	struct block b;
	struct rusage before, after;
	int fd[2], rc;
	size_t n = 0;

	if (pipe(fd) == -1)
		abort();
	if (fork() == 0) {
		static char x[1 << 16];

		close(fd[0]);
		memset(x, 'x', sizeof x);
		for (int i = 0; i < 4800; i++)
			if (write(fd[1], x, sizeof x) == -1)
				_exit(1);
		_exit(write(fd[1], "\nnext\n", 6) == 6 ? 0 : 1);
	}
	close(fd[1]);
	getrusage(RUSAGE_SELF, &before);
	rc = source_fd(fd[0], "pipe", &(struct source_conf){ .max_line = 4 << 20 }, &s);
	ok(rc == 0 && source_block(s, &b) == 0 && b.long_line == 4800u << 16, "a line of 300 MB is skipped");
	n = b.n;
	ok(n > 0 && n <= 1 << 16 && b.p[0] == 'x', "its first bytes are shown");
	ok(source_block(s, &b) == 0 && b.n == 5 && memcmp(b.p, "next\n", 5) == 0 && b.line0 == 2 &&
	    b.offset == (4800ull << 16) + 1, "the next line is whole");
	getrusage(RUSAGE_SELF, &after);
	ok(after.ru_maxrss - before.ru_maxrss < 40 * 1024, "in constant memory");
	source_close(s);
}

static void
packed(void)
{
	struct buf text = { 0 }, z = { 0 }, twice = { 0 };
	size_t one;

	for (int i = 0; i < 5000; i++)
		buf_fmt(&text, "{\"n\":%d,\"x\":\"%x\"}\n", i, (unsigned)i * 2654435761u);
	for (int kind = 0; kind < 3; kind++) {
		buf_clear(&z);
		buf_clear(&twice);
		if (kind == 2)
			gzip_add(&z, buf_span(&text));
		else
			zstd_add(&z, buf_span(&text), kind == 0);
		one = z.n;
		for (size_t block = 1000; block < 4000000; block *= 9) {
			put(buf_span(&z));
			gives((struct source_conf){ .block = block }, text.p, text.n, "one frame");
		}
		buf_span_add(&twice, buf_span(&text));
		buf_span_add(&twice, buf_span(&text));
		if (kind == 2)
			gzip_add(&z, buf_span(&text));
		else
			zstd_add(&z, buf_span(&text), true);
		put(buf_span(&z));
		gives((struct source_conf){ 0 }, twice.p, twice.n, "two frames");
		gives((struct source_conf){ .block = 777 }, twice.p, twice.n, "two frames");
		gives((struct source_conf){ .raw = true }, z.p, z.n, "as it is");
		for (size_t i = 1; i < 16; i++) {	/* cut anywhere: whole lines, then the error; never a part of a line */
			struct source *s;
			struct buf out = { 0 };

			put(span_of(z.p, one * i / 16));
			okf(source_open(name, NULL, &s) == 0, "opens");
			take(s, &out);
			okf(out.n >= 2 && memcmp(out.p + out.n - 2, "!3", 2) == 0, "cut at %zu/16: an error", i);
			out.n -= 2;
			okf(out.n <= text.n && (out.n == 0 || memcmp(out.p, text.p, out.n) == 0), "cut: what was there");
			okf(out.n == 0 || out.p[out.n - 1] == '\n', "cut: whole lines");
			buf_free(&out);
		}
		for (size_t i = 0; kind != 1 && i < 64; i++) {	/* a bit flipped: an error, or what it was (no-effect bits) */
			struct source *s;
			struct buf out = { 0 };
			size_t at = 4 + (one - 4) * i / 64;

			z.p[at] = (char)(z.p[at] ^ 1 << i % 8);
			put(span_of(z.p, one));
			okf(source_open(name, NULL, &s) == 0, "opens");
			take(s, &out);
			okf(span_eq(buf_span(&out), buf_span(&text)) || (out.n >= 2 && memcmp(out.p + out.n - 2, "!3", 2) == 0),
			    "kind %d, byte %zu flipped: %zu bytes and no error", kind, at, out.n);
			z.p[at] = (char)(z.p[at] ^ 1 << i % 8);
			buf_free(&out);
		}
		z.n = one;
		buf_str(&z, "garbage behind the frame");
		put(buf_span(&z));
		buf_clear(&twice);
		buf_span_add(&twice, buf_span(&text));
		buf_str(&twice, "!3");
		gives((struct source_conf){ 0 }, twice.p, twice.n, "garbage behind a frame");
	}
	buf_clear(&z);
	buf_add(&z, "\x50\x2A\x4D\x18\x03\0\0\0abc", 11);	/* a skippable frame first */
	zstd_add(&z, buf_span(&text), true);
	put(buf_span(&z));
	gives((struct source_conf){ 0 }, text.p, text.n, "a skippable frame");
	put(span_str("\x28"));
	gives((struct source_conf){ 0 }, "\x28", 1, "one byte that could begin zstd");
	put(span_of("\x1F\x8B", 2));
	gives((struct source_conf){ 0 }, "!3", 2, "a gzip magic and no more");
	ok_all("zstd and gzip: frames, cuts, flipped bits");
	buf_free(&text);
	buf_free(&z);
	buf_free(&twice);
}

/* Threads that decompress ahead give what none of them give: lines, errors and where these come. */
static void
ahead(void)
{
	struct buf text = { 0 }, z[3] = { 0 }, all = { 0 };
	size_t cut = 0;

	for (int i = 0; text.n < 7 * MIB; i++)
		buf_fmt(&text, "{\"n\":%d,\"x\":\"%x\"}\n", i, (unsigned)i * 2654435761u);
	gzip_add(&z[0], buf_span(&text));
	zstd_add(&z[1], buf_span(&text), true);
	/* frames that end inside lines, one of no bytes, a skippable one */
	for (size_t at = 0, n = 700001; at < text.n; at += n) {
		n = n < text.n - at ? n : text.n - at;
		zstd_add(&z[2], span_of(text.p + at, n), true);
		if (at == 0) {
			zstd_add(&z[2], span_of("", 0), true);
			buf_add(&z[2], "\x50\x2A\x4D\x18\x03\0\0\0abc", 11);
		}
		cut = at < 5 * MIB ? z[2].n + 100 : cut;	/* in the body of the frame behind */
	}
	for (size_t kind = 0; kind < 3; kind++) {
		put(buf_span(&z[kind]));
		for (unsigned t = 0; t <= 4; t++)
			gives((struct source_conf){ .threads = t }, text.p, text.n, "decompressed ahead");
		gives((struct source_conf){ .threads = 2, .block = 5000 }, text.p, text.n, "in small pieces");
		for (size_t flip = 0; flip < 2; flip++) {
			size_t at = kind == 2 ? cut : z[kind].n / 4 * 3;
			struct source *s;
			struct buf want = { 0 };

			if (flip == 1)
				z[kind].p[at] = (char)(z[kind].p[at] ^ 8);
			put(flip == 1 ? buf_span(&z[kind]) : span_of(z[kind].p, at));
			okf(source_open(name, NULL, &s) == 0, "opens");
			take(s, &want);
			okf(want.n > 2 * MIB && memcmp(want.p + want.n - 2, "!3", 2) == 0, "kind %zu: an error late", kind);
			for (unsigned t = 1; t <= 3; t++)
				gives((struct source_conf){ .threads = t }, want.p, want.n, "cut or damaged");
			buf_free(&want);
		}
	}
	for (unsigned t = 0; t <= 3; t++) {		/* closed in the middle; blocks that are kept */
		struct buf held[3] = { 0 };
		struct source *s;
		struct block b;

		put(buf_span(&z[2]));
		buf_clear(&all);
		okf(source_open(name, &(struct source_conf){ .threads = t }, &s) == 0, "opens");
		for (size_t i = 0; i < 4 + t && source_block(s, &b) == 0; i++) {
			source_keep(s, &held[i % 3]);
			okf(held[i % 3].p == b.p, "the block itself is kept");
			buf_add(&all, held[i % 3].p, b.n);
		}
		okf(all.n > 2 * MIB && memcmp(all.p, text.p, all.n) == 0, "kept blocks are what was handed out");
		source_close(s);
		for (size_t i = 0; i < 3; i++)
			buf_free(&held[i]);
	}
	ok_all("decompressed by threads of their own");
	for (size_t kind = 0; kind < 3; kind++)
		buf_free(&z[kind]);
	buf_free(&text);
	buf_free(&all);
}

/* A frame that wants a window above the limit is refused. */
static void
window(void)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	struct buf z = { 0 }, text = { 0 };
	ZSTD_inBuffer in;
	ZSTD_outBuffer out;

	for (int i = 0; i < 100000; i++)
		buf_fmt(&text, "%d\n", i);
	for (int log = ZSTD_WINDOW_LOG_MAX; log <= ZSTD_WINDOW_LOG_MAX + 1; log++) {
		ZSTD_CCtx_reset(c, ZSTD_reset_session_and_parameters);
		ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 1);
		ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, log);
		buf_clear(&z);
		in = (ZSTD_inBuffer){ text.p, text.n, 0 };
		out = (ZSTD_outBuffer){ buf_room(&z, 1 << 20), 1 << 20, 0 };
		(void)ZSTD_compressStream2(c, &out, &in, ZSTD_e_flush);
		if (ZSTD_compressStream2(c, &out, &in, ZSTD_e_end) != 0)
			abort();
		z.n = out.pos;
		put(buf_span(&z));
		if (log == ZSTD_WINDOW_LOG_MAX)
			gives((struct source_conf){ 0 }, text.p, text.n, "the largest window");
		else
			gives((struct source_conf){ 0 }, "!3", 2, "a larger window");
	}
	ok_all("the zstd window's limit");
	ZSTD_freeCCtx(c);
	buf_free(&z);
	buf_free(&text);
}

static void
pipes(void)
{
	struct source *s;
	struct block b;
	int fd[2];

	if (pipe(fd) == -1 || write(fd[1], "a\nb", 3) != 3)
		abort();
	ok(source_fd(fd[0], "pipe", NULL, &s) == 0 && source_ready(s, 0), "a pipe with bytes is ready");
	ok(source_block(s, &b) == 0 && b.n == 2 && b.p[0] == 'a', "what is whole comes at once");
	ok(!source_ready(s, 10), "half a line is not ready");
	if (write(fd[1], "c\nd", 3) != 3)
		abort();
	ok(source_ready(s, 0) && source_block(s, &b) == 0 && b.n == 3 && memcmp(b.p, "bc\n", 3) == 0, "the halves meet");
	source_counted(s, 1);
	close(fd[1]);
	ok(source_block(s, &b) == 0 && b.n == 1 && b.p[0] == 'd' && b.line0 == 3, "the last line may lack its LF");
	ok(source_ready(s, 0) && source_block(s, &b) == 0 && b.n == 0, "the end");
	ok(source_bytes(s) == 6 && source_size(s) == 0, "bytes counted, size unknown");
	source_close(s);

	ok(source_open("/nonexistent/x", NULL, &s) == EXIT_IO, "no such file");
	ok(source_open("/tmp", NULL, &s) == EXIT_IO, "a directory");
	if (pipe(fd) == -1)
		abort();
	(void)fcntl(fd[0], F_SETFL, O_NONBLOCK);
	if (fork() == 0) {
		usleep(30000);
		_exit(write(fd[1], "x\n", 2) == 2 ? 0 : 1);
	}
	close(fd[1]);
	ok(source_fd(fd[0], "pipe", NULL, &s) == 0 && source_block(s, &b) == 0 && b.n == 2, "a non-blocking descriptor is waited for");
	source_close(s);
}

/* All of a source, by ranges where there are any; up to 7 are taken before the first of them is read. */
static void
by_ranges(struct source *s, struct buf *out, size_t *ranges)
{
	struct block b[7], rest;
	struct buf held = { 0 };
	uint64_t offset = 0;
	int rc = 0;

	for (;;) {
		size_t n = 0;

		while (n < 7 && source_range(s, &b[n]))
			n++;
		*ranges += n;
		for (size_t i = n; i-- > 0; ) {		/* backwards: each stands for itself */
			okf(source_range_read(s, &b[i], &held) == 0 && b[i].p[b[i].n - 1] == '\n', "a range of whole lines");
			memcpy(buf_room(out, b[i].offset - offset + b[i].n) + (b[i].offset - offset), b[i].p, b[i].n);
		}
		for (size_t i = 0; i < n; i++) {
			okf(b[i].offset == offset, "a range behind the one before");
			offset += b[i].n;
			out->n += b[i].n;
		}
		if ((rc = source_block(s, &rest)) != 0 || rest.n == 0)
			break;
		okf(rest.offset == offset, "a block at %llu, not %llu", (unsigned long long)rest.offset, (unsigned long long)offset);
		buf_add(out, rest.p, rest.n);
		offset += rest.n;
	}
	okf(rc == 0, "no error");
	buf_free(&held);
	source_close(s);
}

/* Ranges and blocks in turn give the file, whatever its lines and however far its descriptor has been read. */
static void
ranges(void)
{
	struct buf text = { 0 }, out = { 0 }, held = { 0 };
	size_t taken = 0, all = 0;
	struct source *s;
	struct block b;

	srand(7);
	for (int turn = 0; turn < 300; turn++) {
		size_t block = turn % 3 == 0 ? 1 + (size_t)rand() % 30 : 4000 + (size_t)rand() % 300, skip = 0;
		size_t longest = 1 + (size_t)rand() % (turn % 2 == 0 ? 20 : 9000);
		struct source_conf conf = { .block = block, .file_block = turn % 4 == 0 ? 2 * block : 0 };
		int fd;

		buf_clear(&text);
		while (text.n < 20 * block) {
			for (size_t n = (size_t)rand() % longest; n > 0; n--)
				buf_byte(&text, (char)('a' + rand() % 26));
			buf_byte(&text, '\n');
		}
		if (turn % 5 == 0)
			buf_str(&text, "no end");
		put(buf_span(&text));
		if ((fd = open(name, O_RDONLY)) == -1)
			abort();
		if (turn % 7 == 0 && (skip = (size_t)rand() % text.n) > 0 && lseek(fd, (off_t)skip, SEEK_SET) == -1)
			abort();
		buf_clear(&out);
		taken = 0;
		okf(source_fd(fd, name, &conf, &s) == 0, "opens");
		by_ranges(s, &out, &taken);
		all += taken;
		okf(span_eq(buf_span(&out), span_of(text.p + skip, text.n - skip)), "turn %d, blocks of %zu, %zu ranges", turn, block,
		    taken);
	}
	okf(all > 1000, "%zu ranges were taken", all);
	for (int turn = 0; turn < 3; turn++) {
		put(buf_span(&text));
		okf(source_open(name, &(struct source_conf){ .block = 4096 }, &s) == 0 && source_block(s, &b) == 0, "opens");
		while (!source_range(s, &b) && source_block(s, &b) == 0 && b.n > 0)
			;
		okf(b.p == NULL && b.n > 0, "a range is taken");
		if (turn == 1 && truncate(name, (off_t)(b.offset + b.n - 1)) == -1)
			abort();
		if (turn == 2) {
			int fd = open(name, O_WRONLY);

			if (pwrite(fd, "x", 1, (off_t)(b.offset + b.n - 1)) != 1)
				abort();
			close(fd);
		}
		okf(source_range_read(s, &b, &held) == (turn == 0 ? 0 : EXIT_IO), "what was cut or written over is told");
		source_close(s);
	}
	put(span_str("1\n3\n5\n7\n9\n1\n3\n"));
	okf(source_open(name, &(struct source_conf){ .block = 4, .file_block = 10 }, &s) == 0 && source_block(s, &b) == 0 &&
	    b.n == 10, "a file longer than a block has larger ones: %zu", b.n);
	source_close(s);
	put(span_str("1\n123456\n1\n"));
	okf(source_open(name, &(struct source_conf){ .block = 4, .max_line = 7 }, &s) == 0 && !source_range(s, &b),
	    "no range where a line may be over the limit");
	source_close(s);
	buf_free(&text);
	buf_free(&out);
	buf_free(&held);
	ok_all("ranges");
}

int
main(void)
{
	int fd = mkstemp(name);

	if (fd == -1)
		return 1;
	close(fd);
	err_name("source_test");
	if (freopen("/dev/null", "w", stderr) == NULL)	/* the errors we provoke are checked by their status */
		return 1;
	plain();
	long_lines();
	packed();
	ahead();
	window();
	pipes();
	endless_line();
	ranges();
	unlink(name);
	return done();
}
