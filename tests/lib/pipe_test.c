/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_test - what a pipeline's text says of it, and who is to blame when its control lines stop */
#include <unistd.h>

#include "base/buf.h"
#include "run/pipe_view.h"
#include "t.h"

static struct pipe_file *
file_of(const char *head, const char *shell)
{
	char path[] = "/tmp/pipe_test.XXXXXX";
	struct pipe_file *f = NULL;
	struct buf b = { 0 };
	int fd = mkstemp(path);

	buf_fmt(&b, "t: %s\n\t%s\n", head, shell);
	if (fd == -1 || write(fd, b.p, b.n) != (ssize_t)b.n || close(fd) != 0 || pipe_file_read(path, &f) != 0) {
		pipe_file_free(f);
		f = NULL;
	}
	unlink(path);
	buf_free(&b);
	return f;
}

/* The names of stages, sinks and pins, as one text. */
static void
reads(const char *shell, const char *want, bool plain)
{
	struct pipe_file *f = file_of("", shell);
	struct buf b = { 0 };

	for (size_t i = 0; f != NULL && i < f->n_stages; i++)
		buf_fmt(&b, "%s%s", i > 0 ? " | " : "", f->stage[i].name);
	for (size_t i = 0; f != NULL && i < f->n_sinks; i++)
		buf_fmt(&b, " >%s", f->sink[i]);
	if (f != NULL && f->pins[0] != '\0')
		buf_fmt(&b, " @%s", f->pins);
	okf(f != NULL && span_is(buf_span(&b), want), "%s: %.*s, not %s", shell, (int)b.n, b.n == 0 ? "" : b.p, want);
	okf(f != NULL && f->plain == plain, "%s: plain is %d", shell, plain);
	buf_free(&b);
	pipe_file_free(f);
}

static void
texts(void)
{
	reads("a --x | b -k 'i | d' |\n\tc --job j", "a | b | c >j", true);
	reads("a \\\n\t--x | b \"q | \\\" | r\" | c --job=j", "a | b | c >j", true);
	reads("a |\n\n\t# not | a | stage, that's clear\n\tb --job 'j'", "a | b >j", true);
	reads("export X=1\n\tcd /tmp; Y=2 Z=3 /usr/bin/a -k x=y | ./b --job \"j-1.x\" && echo | done", "a | b >j-1.x", true);
	reads("a | tee >(b | c --job x) | d --job y", "a | tee | d >x >y", true);
	reads("a | fan-out 'b | c --job x' \"d --job y\" --sink 'e --jobs 3'", "a | fan-out >x >y", true);
	reads("a 2>&1 | b |& c --job j", "a | b | c >j", true);
	reads("a & b | c --job j", "a | c >j", false);
	reads("if true; then a | b --job j; fi", "then | b >j", false);
	reads("{ a; b; } | c --job j", "} | c >j", false);
	reads("(a; b) | c --job j", "(a; | c >j", false);
	reads("f() { a | b; }; f | c | d --job j", "f | c | d >j", false);
	reads("a <<X | b --job j\n\tc | d | e\n\tX", "c | d | e >j", false);
	reads("a `b | c` | d --job j", "a | c` | d >j", false);
	reads("a wh:b.c@last | d -d=wh:e.f | g 'ref(x,wh:b.c,y)' wh:b.cd --job j", "a | d | g >j @b.c e.f b.cd", true);
	ok_all("stages, sinks and pins of shell texts");
}

static void
times(void)
{
	struct pipe_file *f = file_of("", "a --barriers 1s | b --job j");

	is_int(f->stalled_ms, 60000, "a minute");
	pipe_file_free(f);
	f = file_of("", "a --barriers=5m | b --job j");
	is_int(f->stalled_ms, 1200000, "or four barriers");
	pipe_file_free(f);
	f = file_of("stalled=10s restart=5s restart-max=1s", "a --barriers 5m | b --job j");
	is_int(f->stalled_ms, 10000, "but what is said counts");
	is_int(f->restart_max_ms, 5000, "the longest wait is not shorter than the first");
	pipe_file_free(f);
}

/* ---- who is to blame ---- */

struct seen { const char *name; uint64_t id; };

static void
stalls(const char *shell, uint64_t plan, uint64_t ack, const struct seen *seen, enum pipe_stalled want, const char *text)
{
	struct pipe_file *f = file_of("stalled=10s", shell);
	struct pipe_trace trace[8] = { { 0 } };
	char name[] = "j";
	struct pipe_sink sink = { name, ack, 1 };
	struct pipe_view v = { .run = 1, .plan = plan, .sink = &sink, .n_sinks = 1, .begun = 1, .trace = trace };
	struct pipe_stall w = { 0 };
	struct buf why = { 0 };
	enum pipe_stalled got;

	for (; seen->name != NULL; seen++)
		trace[v.n_traces++] = (struct pipe_trace){ .name = (char *)(uintptr_t)seen->name,
			.hop = strtoull(seen->name, NULL, 10), .tool = span_str(strchr(seen->name, '-') + 1), .id = seen->id };
	okf(pipe_stall_look(&w, f, &v, 1000, &why) == PIPE_MOVES, "%s: the first look", shell);
	okf(pipe_stall_look(&w, f, &v, 10999, &why) == PIPE_MOVES, "%s: not yet", shell);
	got = pipe_stall_look(&w, f, &v, 11000, &why);
	okf(got == want && strstr(buf_cstr(&why), text) == why.p, "%s: %d, %s, not %d, %s", shell, (int)got, why.p, (int)want, text);
	buf_clear(&why);
	got = pipe_stall_look(&w, f, &v, 100999, &why);
	okf(got == want, "%s: the same as long as that is less than ten times", shell);
	buf_clear(&why);
	got = pipe_stall_look(&w, f, &v, 101000, &why);
	okf(got == (want == PIPE_UNCOMMITTED ? PIPE_HANGS : want), "%s: and then it hangs", shell);
	sink.id++;
	buf_clear(&why);
	okf(pipe_stall_look(&w, f, &v, 101001, &why) == PIPE_MOVES, "%s: an epoch was committed", shell);
	v.begun = 0;
	okf(pipe_stall_look(&w, f, &v, 999999, &why) == PIPE_MOVES, "%s: no sink", shell);
	buf_free(&why);
	pipe_file_free(f);
}

/* Tools that are not beside this test are not ours: only what has left a trace is known to be. */
static void
blame(void)
{
	static const struct seen none[] = { { NULL, 0 } };
	static const struct seen first[] = { { "1-x", 4 }, { NULL, 0 } };
	static const struct seen second[] = { { "1-x", 4 }, { "2-y", 1 }, { NULL, 0 } };
	static const struct seen all[] = { { "1-x", 4 }, { "2-y", 4 }, { NULL, 0 } };
	static const struct seen same[] = { { "1-x", 4 }, { "2-x", 2 }, { "3-y", 2 }, { NULL, 0 } };
	static const struct seen branch[] = { { "1-x", 7 }, { "2.0-y", 7 }, { "2.1-y", 6 }, { NULL, 0 } };

	stalls("src | grep v | x | y --job j", 4, 0, none, PIPE_SWALLOWED, "grep, x, y lets no control line through: src is at epoch 4, nothing");
	stalls("src | x | sort | awk 1 | y --job j", 4, 0, second, PIPE_SWALLOWED, "sort, awk lets no control line through: x is at epoch 4, y behind it at 1");
	stalls("src | x | y --job j", 4, 0, second, PIPE_UNCOMMITTED, "y has not done with epoch 2, which x has sent");
	stalls("src | x | sed p | x | y --job j", 4, 0, same, PIPE_SWALLOWED, "sed lets no control line through: x is at epoch 4, x behind it at 2");
	stalls("src | x | y --job j", 8, 4, all, PIPE_UNCOMMITTED, "x has not done with epoch 5, which src has sent");
	stalls("src | x | y --job j", 4, 3, all, PIPE_UNCOMMITTED, "sink j has not committed epoch 4");
	stalls("src | x | y --job j", 4, 4, all, PIPE_SILENT, "src sends no control line");
	stalls("src | x --job j", 4, 4, first, PIPE_SILENT, "src sends no control line");
	stalls("src | x | fan-out 'y --job j' 'y --job k'", 7, 6, branch, PIPE_UNCOMMITTED, "y has not done with epoch 7, which y has sent");
	ok_all("who lets no control line through");
}

int
main(void)
{
	texts();
	times();
	blame();
	return done();
}
