/* SPDX-License-Identifier: BSD-2-Clause */
/* base_test - masks, memory, buffers, values, maps, specs, files and threads */
#include <signal.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/digits.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/spec.h"
#include "base/temp.h"
#include "base/thread.h"
#include "base/val.h"
#include "t.h"

static void
test_mask(void)
{
	char out[64];

	is_str(err_mask(out, sizeof out, "a\033]0;x\007b\n", 9), "a\\x1b]0;x\\x07b\\x0a", "control bytes are shown");
	is_str(err_mask(out, sizeof out, "\xe4\xb8\xad\xff", 4), "\xe4\xb8\xad\\xff", "UTF-8 stays, a stray byte does not");
	is_str(err_mask(out, sizeof out, "\xc2\x9b" "A", 3), "\\xc2\\x9bA", "a C1 control is a control");
	is_str(err_mask(out, sizeof out, "\xe2\x80\xae", 3), "\\xe2\\x80\\xae", "an override of direction is shown");
	is_str(err_mask(out, sizeof out, "\xc0\xaf\xed\xa0\x80", 5), "\\xc0\\xaf\\xed\\xa0\\x80", "overlong forms and surrogates");
	is_str(err_mask(out, 12, "0123456789abcdef", 16), "01234567...", "a cut says that it is one");
}

static void
test_buf(void)
{
	struct buf b = { 0 };
	char ref[4096];
	size_t n = 0;

	for (unsigned i = 0; i < 300; i++) {
		n += (size_t)snprintf(ref + n, sizeof ref - n, "%u,", i * 7);
		buf_u64(&b, i * 7);
		buf_byte(&b, ',');
	}
	is_spans(buf_span(&b), span_of(ref, n), "a buffer grows and keeps its bytes");
	buf_clear(&b);
	buf_i64(&b, INT64_MIN);
	buf_byte(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	is_span(buf_span(&b), "-9223372036854775808 18446744073709551615", "the ends of 64 bits");
	buf_clear(&b);
	buf_json(&b, span_of("a\"\\\b\f\n\r\t\0\x1f\x7f\xe4\xb8\xad/", 15));
	is_span(buf_span(&b), "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xe4\xb8\xad/\"", "the fewest escapes");
	buf_free(&b);
	is_int((int64_t)buf_span(&b).n, 0, "an empty buffer is an empty span");
}

static const char *
key_of(const char *json, enum key_as as, struct buf *b)
{
	const char *why;

	buf_clear(b);
	why = val_key(val_of(span_str(json)), as, b);
	return why != NULL ? why : buf_cstr(b);
}

static void
test_val(void)
{
	struct buf b = { 0 }, scratch = { 0 };
	struct val v = val_of(span_str("\"a\\u0041\\ud83d\\ude00\\n\\\"\\/\\u00e9\\u4e2d\\u0000z\""));

	is_spans(val_text(v, &scratch), span_of("aA\xf0\x9f\x98\x80\n\"/\xc3\xa9\xe4\xb8\xad\0z", 16), "escapes undone");
	v = val_of(span_str("\"plain\""));
	ok(val_text(v, &scratch).p == v.raw.p + 1, "a string without escapes is not copied");
	is_str(key_of("1.0", KEY_EXACT, &b), "1", "1.0 is 1");
	is_str(key_of("1e0", KEY_EXACT, &b), "1", "1e0 is 1");
	is_str(key_of("-0", KEY_EXACT, &b), "0", "-0 is 0");
	is_str(key_of("-0.0e5", KEY_EXACT, &b), "0", "-0.0e5 is 0");
	is_str(key_of("1.2300", KEY_EXACT, &b), "1.23", "trailing zeros go");
	is_str(key_of("18446744073709551615", KEY_EXACT, &b), "18446744073709551615", "2^64 - 1 is whole");
	is_str(key_of("\"1\"", KEY_EXACT, &b), "\"1\"", "the string 1 is another key");
	is_str(key_of("1.0", KEY_TEXT, &b), "\"1\"", "unless keys are compared as text");
	is_str(key_of("\"\\u0041\\/\"", KEY_EXACT, &b), "\"A/\"", "escapes make no new key");
	is_str(key_of("null", KEY_EXACT, &b), "null", "null");
	is_str(key_of("", KEY_EXACT, &b), "null", "absent is null");
	is_str(key_of("[1]", KEY_EXACT, &b), "an array cannot be a key", "an array");
	ok(strcmp(key_of("1e400", KEY_EXACT, &b), "1e400") != 0 && b.n == 0, "a number outside the range is an error");
	ok(strcmp(key_of("1e400", KEY_TEXT, &b), "1e400") != 0 && b.n == 0, "also as text, and leaves nothing behind");
	buf_free(&b);
	buf_free(&scratch);
}

/* Digits against one after the other, at the very end of what may be read. */
static void
test_digits(void)
{
	uint64_t x = 88172645463325252u;

	for (int r = 0; r < 200000; r++) {
		size_t n = (size_t)r % 21;
		char *p = mem_array(NULL, n, 1);
		uint64_t want = 0, got;
		bool digits = n > 0 && n <= DIGITS_MAX;

		for (size_t i = 0; i < n; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			p[i] = (char)('0' + x % 10);
		}
		if (n > 0 && x >> 62 == 0)
			p[x % n] = (char)(x >> 40);
		for (size_t i = 0; i < n; i++) {
			digits = digits && p[i] >= '0' && p[i] <= '9';
			want = want * 10 + (uint64_t)(p[i] - '0');
		}
		okf(digits_u64(p, n, &got) == digits && (!digits || got == want), "%.*s", (int)n, p);
		free(p);
	}
	ok_all("runs of digits");
}

static void
add_cells(void *arg, struct span key, void *cell, void *other)
{
	uint64_t *c = cell, *o = other;

	okf(key.n > 0 && *c != 0 && *o != 0, "a key of both");
	*c += *o;
	++*(size_t *)arg;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzabcdefghijklmn"

/* Two maps into one, the smaller into the larger and the other way. */
static void
test_map_take(void)
{
	enum { KEYS = 4000 };

	for (unsigned r = 0; r < 40; r++) {
		struct map *m[2] = { map_new(sizeof(uint64_t)), map_new(sizeof(uint64_t)) };
		static uint64_t want[KEYS];
		size_t n = 0, met = 0, both = 0;
		uint64_t x = 88172645463325252u + r;

		memset(want, 0, sizeof want);
		for (size_t k = 0; k < KEYS; k++)
			for (int i = 0; i < 2; i++) {
				char key[64];
				int len = snprintf(key, sizeof key, "%zu%.*s", k, (int)(k % 40), LETTERS);

				x ^= x << 13, x ^= x >> 7, x ^= x << 17;
				if (x >> 32 & ((UINT64_C(1) << (i == 0 ? r % 7 : r / 7)) - 1))
					continue;
				if ((x >> 50) % 9 == 0) {	/* and gone again: holes */
					*(uint64_t *)map_put(m[i], span_of("gone", 4), NULL) = 1;
					(void)map_del(m[i], span_of("gone", 4));
				}
				*(uint64_t *)map_put(m[i], span_of(key, (size_t)len), NULL) = k + 1;
				both += want[k] != 0;
				n += want[k] == 0;
				want[k] += k + 1;
			}
		map_take(m[0], m[1], add_cells, &met);
		okf(map_count(m[0]) == n && map_count(m[1]) == 0 && met == both, "%zu keys of %zu, %zu of both",
		    map_count(m[0]), n, met);
		for (size_t k = 0; k < KEYS; k++) {
			char key[64];
			int len = snprintf(key, sizeof key, "%zu%.*s", k, (int)(k % 40), LETTERS);
			uint64_t *c = map_get(m[0], span_of(key, (size_t)len));

			okf(c == NULL ? want[k] == 0 : *c == want[k], "cell of %s", key);
		}
		*(uint64_t *)map_put(m[1], span_str("new"), NULL) = 1;
		okf(map_count(m[1]) == 1, "the other one can be used again");
		map_free(m[1]);
		map_free(m[0]);
	}
	ok_all("a map into another");
}

/* Random puts and dels against a plain array. */
static void
test_map(void)
{
	enum { KEYS = 5000, STEPS = 200000 };
	struct map *m = map_new(sizeof(uint64_t));
	static uint64_t ref[KEYS];
	static bool there[KEYS];
	uint64_t x = 88172645463325252u;
	struct map_entry *e;
	size_t n = 0, k;
	bool fresh;

	for (unsigned s = 0; s < STEPS; s++) {
		char key[32];
		size_t len;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		k = x % KEYS;
		len = (size_t)snprintf(key, sizeof key, "%zu%.*s", k, (int)(k % 13), "abcdefghijklm");
		if (x >> 60 < 11) {
			uint64_t *c = map_put(m, span_of(key, len), &fresh);

			okf(fresh == !there[k], "fresh of %s", key);
			okf(fresh ? *c == 0 : *c == ref[k], "cell of %s", key);
			ref[k] = *c = x;
			n += fresh;
			there[k] = true;
		} else {
			okf(map_del(m, span_of(key, len)) == there[k], "del of %s", key);
			n -= there[k];
			there[k] = false;
		}
	}
	okf(map_count(m) == n, "count");
	e = map_sorted(m);
	for (size_t i = 1; i < n; i++)
		okf(span_cmp(e[i - 1].key, e[i].key) < 0, "order at %zu", i);
	for (k = 0; k < KEYS; k++) {
		char key[32];
		size_t len = (size_t)snprintf(key, sizeof key, "%zu%.*s", k, (int)(k % 13), "abcdefghijklm");
		uint64_t *c = map_get(m, span_of(key, len));

		okf((c != NULL) == there[k] && (c == NULL || *c == ref[k]), "at the end: %s", key);
	}
	ok_all("a map of 5,000 keys through 200,000 random steps");
	free(e);
	map_clear(m);
	ok(map_count(m) == 0 && map_get(m, span_str("1")) == NULL, "cleared");
	*(uint64_t *)map_put(m, span_of("", 0), &fresh) = 7;
	ok(fresh && *(uint64_t *)map_get(m, span_of(NULL, 0)) == 7, "the empty key is a key");
	map_free(m);
}

/* Keys of few different bytes, NUL among them, alike for 0 to 40 bytes, many twice: each not behind the next by memcmp. */
static void
test_inorder(void)
{
	static const char bytes[] = { 0, 1, 'a', 'b', (char)0x80, (char)0xff };
	char text[2000][48];
	uint32_t x = 7;

	for (size_t alike = 0; alike <= 40; alike += 5) {
		size_t n = 2000, bytes_of_all[2] = { 0 };
		struct map *m = map_new(8);
		struct map_entry *e;

		for (size_t i = 0; i < n; i++) {
			size_t len = alike + (x = x * 1664525 + 1013904223) % 7;

			memset(text[i], 'p', alike);
			for (size_t b = alike; b < len; b++)
				text[i][b] = bytes[(x = x * 1664525 + 1013904223) >> 16 & 3 ? (x >> 20) % 6 : 0];
			memcpy(map_put(m, span_of(text[i], len), NULL), &i, sizeof i);
		}
		e = map_sorted(m);
		n = map_count(m);
		for (size_t i = 0; i < n; i++) {
			bytes_of_all[0] += e[i].key.n;
			okf(map_get(m, e[i].key) == e[i].cell, "%zu bytes alike: the cell of key %zu", alike, i);
			okf(i == 0 || span_cmp(e[i - 1].key, e[i].key) < 0, "%zu bytes alike: key %zu", alike, i);
		}
		for (size_t i = 0, at = 0; map_next(m, &at, e); i++)
			bytes_of_all[1] += e->key.n;
		okf(bytes_of_all[0] == bytes_of_all[1], "%zu bytes alike: all of them", alike);
		free(e);
		map_free(m);
	}
	ok_all("keys in byte order, whatever tells them apart");
}

static void
test_spec(void)
{
	struct spec *s;
	struct span v;

	ok(spec_parse(span_str("# head\ntel mask phone\n* null '' null 'N U' '\\N' # why\n  more \"a \\\"b\\\"\" c\\ d\n\n"
	    "x k=v\n"), "t", SPEC_WORDS, &s) == 0, "a spec is read");
	is_int((int64_t)s->n, 3, "lines");
	is_int((int64_t)s->line[1].n, 9, "the indented line belongs to the one above");
	is_span(s->line[1].word[2], "", "an empty word");
	ok(s->line[1].quoted[2] && !s->line[1].quoted[3], "quoted words are marked");
	is_span(s->line[1].word[5], "\\N", "a single-quoted backslash is itself");
	is_span(s->line[1].word[7], "a \"b\"", "escapes in double quotes");
	is_span(s->line[1].word[8], "c d", "an escaped blank");
	is_int((int64_t)s->line[2].number, 6, "line numbers");
	ok(spec_get(&s->line[2], 1, "k", &v) && span_is(v, "v"), "NAME=VALUE");
	spec_free(s);
	ok(spec_parse(span_str("a: b@-1 retries=3\n\tset -e\n\t  x | y # kept\n\n\techo 'q\nb: a\n  one\n"), "t", SPEC_BODY, &s) == 0,
	    "a dag is read");
	is_span(s->line[0].body, "set -e\n  x | y # kept\n\necho 'q\n", "a body stays as it is, without the common indent");
	is_span(s->line[1].body, "one\n", "the next body");
	is_int((int64_t)s->line[1].number, 6, "and its line number");
	spec_free(s);
	ok(spec_parse(span_str("a 'b\n"), "t", SPEC_WORDS, &s) == EXIT_USAGE && s == NULL, "an open quote is an error");
	ok(spec_parse(span_str("  a\n"), "t", SPEC_WORDS, &s) == EXIT_USAGE, "an indented first line is an error");
	ok(spec_parse(span_of("a\0b\n", 4), "t", SPEC_WORDS, &s) == EXIT_USAGE, "a NUL byte is an error");
	ok(spec_parse(span_of("", 0), "t", SPEC_WORDS, &s) == 0 && s->n == 0, "nothing is an empty spec");
	spec_free(s);
}

/* Records of n + 1 bytes, the first of which is n: however little is read at once, all come, each in one piece. */
static void
test_temp(void)
{
	enum { RECORDS = 500, FRONT = 7 };
	static const size_t most[] = { 1, 3, 64, 300, 1 << 20 };
	uint64_t end = 0;
	int fd = -1;
	struct buf all = { 0 };
	char *back;

	buf_str(&all, "*******");
	for (unsigned i = 0; i < RECORDS; i++) {
		buf_byte(&all, (char)(i * 37 % 200));
		for (unsigned k = i * 37 % 200; k > 0; k--)
			buf_byte(&all, (char)(i + k));
	}
	okf(temp_append(&fd, &end, span_of(all.p, 5)) == 0 && fd != -1 && end == 5, "made with its first bytes");
	okf(temp_append(&fd, &end, span_from(buf_span(&all), 5)) == 0 && end == all.n, "written");
	for (size_t m = 0; m < sizeof most / sizeof *most; m++) {
		struct temp_window w = { .fd = fd, .at = FRONT, .end = all.n };
		size_t at = FRONT, n;

		for (; !temp_over(&w); at += n) {
			okf(temp_have(&w, 1, most[m]) == 0, "its head");
			n = 1 + (size_t)(unsigned char)w.b.p[w.used];
			if (!okf(temp_have(&w, n, most[m]) == 0 && memcmp(w.b.p + w.used, all.p + at, n) == 0, "at %zu",
			    at))
				break;
			w.used += n;
		}
		okf(at == all.n, "read up to %zu", at);
		w = (struct temp_window){ .fd = fd, .at = all.n - 9, .end = all.n - 1, .b = w.b };
		w.b.n = 0;
		okf(temp_have(&w, 9, most[m]) == EXIT_IO, "more than there is of the piece");
		buf_free(&w.b);
	}
	back = mem_array(NULL, all.n, 1);
	okf(temp_read_all(fd, back, all.n, 0) == 0 && memcmp(back, all.p, all.n) == 0, "all of it");
	okf(temp_read_all(fd, back, 9, all.n - 8) == EXIT_IO, "more than there is of the file");
	free(back);
	close(fd);
	buf_free(&all);
	ok_all("temp: records through a window, whole files, ends");
}

/* Posted by the thread of test_thread. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int deaf;		/* to so many of the signals that it was asked about */
	bool done;
} post = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false };

static void *
look_around(void *arg)
{
	static const int sig[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGALRM };
	sigset_t now;
	int n = 0;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	for (size_t i = 0; i < sizeof sig / sizeof *sig; i++)
		n += sigismember(&now, sig[i]) == 1;
	pthread_mutex_lock(&post.lock);
	post.deaf = n;
	post.done = true;
	pthread_cond_signal(&post.changed);
	pthread_mutex_unlock(&post.lock);
	return arg;
}

static void
test_thread(void)
{
	sigset_t mine;
	pthread_t id;
	void *back = NULL;
	int x;

	ok(thread_start(&id, look_around, &x) && pthread_join(id, &back) == 0 && back == &x, "a thread, joined");
	is_int(post.deaf, 5, "it is deaf to signals");
	post.done = false;
	post.deaf = 0;
	ok(thread_detached(look_around, NULL), "one that nobody joins");
	pthread_mutex_lock(&post.lock);
	while (!post.done)
		pthread_cond_wait(&post.changed, &post.lock);
	is_int(post.deaf, 5, "is deaf, too");
	pthread_mutex_unlock(&post.lock);
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	ok(sigismember(&mine, SIGTERM) == 0 && sigismember(&mine, SIGPIPE) == 0, "who starts them is not");
}

int
main(void)
{
	struct arena a = { 0 }, large = { .large = true };

	err_name("base_test");
	test_mask();
	test_buf();
	test_val();
	test_digits();
	test_map();
	test_map_take();
	test_inorder();
	test_spec();
	test_temp();
	test_thread();
	for (size_t i = 0; i < 10000; i++)
		okf((uintptr_t)arena_get(&a, i % 700) % 16 == 0, "alignment %zu", i);
	ok_all("arena memory is aligned");
	ok(a.bytes >= 10000 * 349, "an arena knows its size");
	arena_reset(&a);
	arena_free(&a);
	for (size_t i = 0; i < 10000; i++) {
		arena_ready();
		memset(arena_get(&large, 700), 1, 700);
	}
	ok(large.bytes >= 7000000 && large.bytes < 12000000, "so does one of large pages, of which one is ready");
	arena_free(&large);
	ok(hash_fixed(span_str("a")) == hash_fixed(span_of("ab", 1)), "a fixed hash depends on the bytes alone");
	is_int((int64_t)hash_fixed(span_of("", 0)), (int64_t)0x2d06800538d394c2, "XXH3-64 of nothing is the published value");
	return done();
}
