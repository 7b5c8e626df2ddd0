/* SPDX-License-Identifier: BSD-2-Clause */
/* out_test - sinks to files, record edits, rejects */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "out/json.h"
#include "out/reject.h"
#include "t.h"

static struct buf
slurp(const char *path)
{
	struct buf b = { 0 };
	FILE *f = fopen(path, "r");
	size_t n;

	while (f != NULL && (n = fread(buf_room(&b, 65536), 1, 65536, f)) > 0)
		b.n += n;
	if (f != NULL)
		fclose(f);
	return b;
}

/* The same lines by small and large calls. */
static void
write_lines(const char *path, size_t step)
{
	struct buf all = { 0 };
	struct sink *s;

	for (unsigned i = 0; i < 200000; i++)
		buf_fmt(&all, "{\"n\":%u,\"t\":\"%.*s\"}\n", i * 2654435761u, (int)(i % 40), "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop");
	okf(sink_open(path, &s) == 0, "open %s", path);
	for (size_t at = 0; at < all.n; at += step)
		okf(sink_add(s, span_of(all.p + at, all.n - at < step ? all.n - at : step)) == 0, "add");
	okf(access(path, F_OK) == -1, "%s is not there before it is whole", path);
	okf(sink_close(s) == 0, "close");
	buf_free(&all);
}

static void
test_files(void)
{
	static const char *const name[] = { "o.ndjson", "o.ndjson.zst", "o.ndjson.gz" };
	struct buf a, b;
	struct sink *s;

	for (int i = 0; i < 3; i++) {
		write_lines(name[i], 7919);
		a = slurp(name[i]);
		unlink(name[i]);
		write_lines(name[i], 3 * MIB);
		b = slurp(name[i]);
		okf(a.n > 1000 && span_eq(buf_span(&a), buf_span(&b)), "%s: bytes depend on the size of the calls", name[i]);
		buf_free(&a);
		buf_free(&b);
	}
	ok_all("files are whole, and equal input gives equal bytes, plain, zstd and gzip");
	ok(sink_open("gone", &s) == 0 && sink_line(s, span_str("x")) == 0, "a file is begun");
	sink_abort(s);
	ok(access("gone", F_OK) == -1, "and given up: nothing is left");
	ok(sink_open("no/such/dir", &s) == EXIT_IO, "a place that is not there");
	ok(sink_fd(open("/dev/full", O_WRONLY), "full", CODEC_NONE, &s) == 0 && sink_line(s, span_str("x")) == 0, "/dev/full takes it");
	ok(sink_close(s) == EXIT_IO, "and closing tells");
	for (int i = 0; i < 2; i++) {
		ok(sink_append("app", &s) == 0 && sink_line(s, span_str(i == 0 ? "one" : "two")) == 0 && sink_close(s) == 0,
		    "append");
	}
	a = slurp("app");
	is_span(buf_span(&a), "one\ntwo\n", "appended");
	buf_free(&a);
}

static void
edit(const char *line, size_t n, struct edit *e, const char *want)
{
	struct buf out = { 0 };

	json_edit(&out, span_str(line), e, n);
	is_span(buf_span(&out), want, line);
	buf_free(&out);
}

/* The value whose text is `raw` in line. */
static struct val
at(const char *line, const char *raw)
{
	return val_of(span_of(strstr(line, raw), strlen(raw)));
}

/* Members of all lengths, against the same written one byte after the other. */
static void
test_row(void)
{
	char *text = calloc(1, 300 + JSON_AHEAD);
	struct buf out = { 0 }, want = { 0 };

	for (size_t n = 0; n < 5; n++) {
		for (size_t len = 0; len < 260; len += len < 70 ? 1 : 37) {
			struct json_row r = { 0 };
			struct span v[5];

			buf_clear(&want);
			buf_byte(&want, '{');
			for (size_t k = 0; k < n; k++) {
				struct buf key = { 0 };

				memset(text, 'k', 300);
				json_key(&key, span_of(text, len * (k + 1) % 101));
				json_row_key(&r, buf_span(&key));
				buf_fmt(&want, "%s%s", k > 0 ? "," : "", buf_cstr(&key));
				for (size_t i = 0; i < (len + 7 * k) % 200; i++)
					buf_byte(&want, '1');
				buf_str(&want, (len + 7 * k) % 200 == 0 ? "null" : "");
				v[k] = span_of(text, (len + 7 * k) % 200);
				buf_free(&key);
			}
			buf_byte(&want, '}');
			memset(text, '1', 300);
			buf_free(&out);
			buf_str(&out, "x");
			json_row_add(&r, v, &out);
			okf(out.n == want.n + 1 && memcmp(out.p + 1, want.p, want.n) == 0, "%zu members, %zu: %.*s", n, len, (int)out.n,
			    out.p);
			json_row_free(&r);
		}
	}
	ok_all("rows");
	buf_free(&out);
	buf_free(&want);
	free(text);
}

static void
test_edit(void)
{
	const char *l = "{\"a\": 1 , \"b\":\"x\",\"c\":[1,2]}";
	struct span k = span_str("\"n\":"), v = span_str("9");

	edit(l, 1, (struct edit[]){ { at(l, "1"), k, v, EDIT_SET } }, "{\"a\": 9 , \"b\":\"x\",\"c\":[1,2]}");
	edit(l, 2, (struct edit[]){ { at(l, "[1,2]"), k, v, EDIT_SET }, { at(l, "1"), k, v, EDIT_SET } },
	    "{\"a\": 9 , \"b\":\"x\",\"c\":9}");
	edit(l, 1, (struct edit[]){ { { .tag = T_ABSENT }, k, v, EDIT_SET } }, "{\"a\": 1 , \"b\":\"x\",\"c\":[1,2],\"n\":9}");
	edit(l, 1, (struct edit[]){ { at(l, "1"), k, v, EDIT_DROP } }, "{\"b\":\"x\",\"c\":[1,2]}");
	edit(l, 1, (struct edit[]){ { at(l, "[1,2]"), k, v, EDIT_DROP } }, "{\"a\": 1 , \"b\":\"x\"}");
	edit(l, 3, (struct edit[]){ { at(l, "1"), k, v, EDIT_DROP }, { at(l, "[1,2]"), k, v, EDIT_DROP },
	    { at(l, "\"x\""), k, v, EDIT_DROP } }, "{}");
	edit(l, 2, (struct edit[]){ { at(l, "[1,2]"), k, v, EDIT_DROP }, { { .tag = T_ABSENT }, k, v, EDIT_SET } },
	    "{\"a\": 1 , \"b\":\"x\",\"n\":9}");
	edit(l, 2, (struct edit[]){ { { .tag = T_ABSENT }, k, v, EDIT_DROP }, { at(l, "\"x\""), k, { 0 }, EDIT_SET } },
	    "{\"a\": 1 , \"b\":null,\"c\":[1,2]}");
	edit("{ }", 1, (struct edit[]){ { { .tag = T_ABSENT }, k, v, EDIT_SET } }, "{ \"n\":9}");
	l = "{\"x\\\\\\\"\":1,\"y\":\"}\"}";
	edit(l, 1, (struct edit[]){ { at(l, "1"), k, v, EDIT_DROP } }, "{\"y\":\"}\"}");
	edit(l, 1, (struct edit[]){ { at(l, "\"}\""), k, v, EDIT_DROP } }, "{\"x\\\\\\\"\":1}");
	l = "{\"a\":[1,2,3]}";
	edit(l, 1, (struct edit[]){ { at(l, "2"), k, v, EDIT_DROP } }, "{\"a\":[1,3]}");
}

static void
test_reject(void)
{
	struct buf b = { 0 };
	struct sink *s;

	err_name("out_test");
	ok(sink_append("rej", &s) == 0, "a reject file");
	reject_put(s, &(struct reject){ .source = "f", .line = 7, .offset = 9, .reason = "why", .raw = span_str("{\"a\":\x01") });
	reject_put(s, &(struct reject){ .source = "f", .run = "r1", .line = 8, .offset = 18, .reason = "why",
	    .raw = span_of("\xff\x00z", 3) });
	reject_put(s, &(struct reject){ .source = "f", .line = 9, .offset = 19, .reason = "why", .raw = span_of("\0\0", 2) });
	ok(sink_close(s) == 0, "closed");
	b = slurp("rej");
	is_span(buf_span(&b),
	    "{\"tool\":\"out_test\",\"run\":null,\"source\":\"f\",\"line\":7,\"offset\":9,\"reason\":\"why\",\"raw\":\"{\\\"a\\\":\\u0001\"}\n"
	    "{\"tool\":\"out_test\",\"run\":\"r1\",\"source\":\"f\",\"line\":8,\"offset\":18,\"reason\":\"why\",\"raw_base64\":\"/wB6\"}\n"
	    "{\"tool\":\"out_test\",\"run\":null,\"source\":\"f\",\"line\":9,\"offset\":19,\"reason\":\"why\",\"raw_base64\":\"AAA=\"}\n",
	    "text where it is text, base64 where not");
	buf_free(&b);
}

/* Bytes of a file behind others: to a file, to one that is compressed, and to a pipe that is read slowly. */
static void
test_send(void)
{
	static const char *const name[] = { "o.ndjson", "o.ndjson.zst" };
	struct buf text = { 0 }, got = { 0 };
	uint64_t sent;
	struct sink *s;
	int fd, to[2];
	pid_t pid;
	ssize_t n;

	for (unsigned i = 0; i < 100000; i++)
		buf_fmt(&text, "{\"n\":%u}\n", i);
	okf((fd = open("app", O_RDWR | O_CREAT | O_TRUNC, 0666)) != -1 &&
	    write(fd, text.p, text.n) == (ssize_t)text.n, "a file");
	for (int i = 0; i < 2; i++) {
		okf(sink_open(name[i], &s) == 0 && sink_add(s, span_str("a\n")) == 0, "begins");
		okf(sink_send(s, fd, "app", 10, text.n - 10, &sent) == 0 && sent == text.n - 10, "%s: sent", name[i]);
		okf(sink_add(s, span_str("z\n")) == 0 && sink_bytes(s) == text.n - 6, "goes on");
		okf(sink_send(s, fd, "app", text.n - 3, 9, &sent) == 0 && sent == 3, "no more than there is");
		okf(sink_close(s) == 0, "close");
		got = slurp(name[i]);
		okf(i == 1 || (got.n == text.n - 3 && memcmp(got.p, "a\n", 2) == 0 &&
		    memcmp(got.p + 2, text.p + 10, text.n - 10) == 0), "%s: as it is there", name[i]);
		buf_free(&got);
	}
	for (int flags = 0; flags < 2; flags++) {
		if (pipe(to) == -1 || (pid = fork()) == -1)
			abort();
		if (pid == 0) {
			close(to[0]);
			if (flags == 1)
				(void)fcntl(to[1], F_SETFL, O_NONBLOCK);
			if (sink_fd(to[1], "pipe", CODEC_NONE, &s) != 0 || sink_add(s, span_str("a\n")) != 0 ||
			    sink_send(s, fd, "app", 10, text.n, &sent) != 0 || sent != text.n - 10 ||
			    sink_add(s, span_str("z\n")) != 0 || sink_close(s) != 0)
				_exit(1);
			_exit(0);
		}
		close(to[1]);
		while ((n = read(to[0], buf_room(&got, 5000), 5000)) > 0)
			got.n += (size_t)n;
		close(to[0]);
		okf(waitpid(pid, &to[0], 0) == pid && to[0] == 0, "sent to a pipe");
		okf(got.n == text.n - 6 && memcmp(got.p + 2, text.p + 10, text.n - 10) == 0 &&
		    memcmp(got.p + got.n - 2, "z\n", 2) == 0, "as it is there");
		buf_free(&got);
	}
	if (pipe(to) == -1)
		abort();
	close(to[0]);
	(void)sink_fd(to[1], "pipe", CODEC_NONE, &s);
	okf(sink_send(s, fd, "app", 0, text.n, &sent) == EXIT_IO, "nobody reads");
	okf(sink_close(s) == EXIT_IO, "and that stays");
	ok_all("bytes of a file");
	close(fd);
	buf_free(&text);
}

int
main(void)
{
	char dir[] = "/tmp/out_test.XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	test_files();
	test_row();
	test_edit();
	test_reject();
	test_send();
	for (const char *const *p = (const char *const[]){ "o.ndjson", "o.ndjson.zst", "o.ndjson.gz", "app", "rej", NULL }; *p != NULL; p++)
		unlink(*p);
	ok(rmdir(dir) == 0, "no temporary file is left");
	return done();
}
