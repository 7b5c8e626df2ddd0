/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel - the vector kernels see the same tokens, words and lines in error; and the pairs of bytes they call wrong are
 * those of the grammar's tables.
 */
#include "t.h"

#include "in/scan_kernel.h"
#include "random.h"

#ifdef __x86_64__

#define TEXT_BYTES (WINDOW_BYTES - 64)

static struct tables tables;
static const struct kernel_ops *kernels[3];
static size_t n_kernels;

/* A window of lines, with what a kernel may read behind it; nothing before it is readable without ASan telling. */
struct text {
	char *p;
	size_t n;
};

static struct text
text_new(void)
{
	struct text t = { malloc(WINDOW_BYTES + 64), 0 };

	if (t.p == NULL)
		abort();
	memset(t.p, ' ', WINDOW_BYTES + 64);
	return t;
}

static bool
text_add(struct text *t, const char *p, size_t n)
{
	if (t->n + n + 1 > TEXT_BYTES)
		return false;
	memcpy(t->p + t->n, p, n);
	t->p[t->n + n] = '\n';
	t->n += n + 1;
	return true;
}

static bool
line_bad(const struct marks *m, size_t from, size_t lf)
{
	return m->any_error != 0 && bits_in(m->error, from, lf + 1);
}

/* The marks of k, those behind the text taken off. */
static struct marks *
marks_of(const struct kernel_ops *k, const struct text *t)
{
	struct marks *m = calloc(1, sizeof *m);

	if (m == NULL)
		abort();
	k->mark(&tables, m, t->p, t->n);
	while (m->n > 0 && m->pos[m->n - 1] >= t->n)
		m->n--;
	while (m->n_words > 0 && m->word[m->n_words - 1] >= t->n)
		m->n_words--;
	return m;
}

/* Entries of list[n] in [from, to); *at: the first of them, from where the last call stopped. */
static size_t
count_in(const uint16_t *list, size_t n, size_t *at, size_t from, size_t to)
{
	size_t k;

	while (*at < n && list[*at] < from)
		++*at;
	for (k = *at; k < n && list[k] < to; k++)
		;
	return k - *at;
}

/*
 * Do two kernels say the same of each line?  Of lines in error only that they are; and nothing of those that begin with
 * a byte which the end of the line before may have asked for: that is a word, and the driver finds it wrong.
 */
static void
compare(const struct text *t, const struct marks *a, const struct marks *b, const char *who)
{
	size_t ta = 0, tb = 0, wa = 0, wb = 0;

	for (size_t from = 0, lf; from < t->n; from = lf + 1) {
		const char *line = t->p + from;
		size_t tokens, words;
		bool bad;

		lf = (size_t)((char *)memchr(line, '\n', t->n - from) - t->p);
		if (((unsigned char)*line & 0xC0) == 0x80)
			continue;
		bad = line_bad(a, from, lf);
		okf(bad == line_bad(b, from, lf), "%s calls this %s: %.*s", who, bad ? "good" : "bad", (int)(lf - from),
		    line);
		if (bad || line_bad(b, from, lf))
			continue;
		tokens = count_in(a->pos, a->n, &ta, from, lf + 1);
		okf(tokens == count_in(b->pos, b->n, &tb, from, lf + 1) &&
		    memcmp(a->pos + ta, b->pos + tb, tokens * sizeof *a->pos) == 0 &&
		    memcmp(a->token + ta, b->token + tb, tokens) == 0, "%s, tokens of %.*s", who, (int)(lf - from),
		    line);
		words = count_in(a->word, a->n_words, &wa, from, lf + 1);
		okf(words == count_in(b->word, b->n_words, &wb, from, lf + 1) &&
		    memcmp(a->word + wa, b->word + wb, words * sizeof *a->word) == 0, "%s, words of %.*s", who,
		    (int)(lf - from), line);
	}
}

static void
run(struct text *t)
{
	struct marks *first = marks_of(kernels[0], t), *m;

	for (size_t k = 1; k < n_kernels; k++) {
		m = marks_of(kernels[k], t);
		compare(t, first, m, kernels[k]->name);
		free(m);
	}
	free(first);
	t->n = 0;
}

/* Each pair of bytes as a line of its own; a kernel must call wrong what the tables do, and no other. */
static void
all_pairs(void)
{
	struct text t = text_new();
	char pair[2];

	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			pair[0] = (char)a;
			pair[1] = (char)b;
			if (a != '\n' && b != '\n' && a != '"' && b != '"')
				text_add(&t, pair, 2);
		}
		for (size_t k = 0; k < n_kernels; k++) {
			struct marks *m = marks_of(kernels[k], &t);

			for (size_t from = 0; from < t.n; from += 3) {
				const uint8_t *p = (const uint8_t *)t.p + from;
				bool good = true, high = (p[0] | p[1]) >= 0x80;
				uint8_t before = '\n';

				for (size_t i = 0; i < 3; before = p[i++])
					good &= (tables.allows[tables.class_of[before]] &
					    tables.column[tables.class_of[p[i]]]) != 0;
				/* what the tables do not know: UTF-8, a zero before a digit, a colon alone */
				if (!high && !(p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
					okf(line_bad(m, from, from + 2) == !good, "%s: %02x %02x", kernels[k]->name,
					    p[0], p[1]);
			}
			free(m);
		}
		run(&t);
	}
	free(t.p);
	ok_all("every pair of bytes is wrong where the grammar's tables say so");
}

/* Lines of pieces: mostly broken JSON, also with escapes, UTF-8 and numbers across blocks. */
static void
random_lines(void)
{
	static const char *const piece[] = {
		"{", "}", "[", "]", ",", ":", "\"", "\"a\":", "\"", "\\", "\\\"", "\\u", "\\ud83d\\ude00", "\\uD8",
		"\\udc00", "dead", "00e9", "\\n", "\\x", "0", "1", "-", "-0", "1.5", ".", "1e5", "E-05", "+", "true",
		"null", "falsy", " ", "\t", "\r", "\x01", "\x7F", "\xC3\xA9", "\xE4\xBD\xA0", "\xF0\x9F\x98\x80", "\xED\x95\x9C",
		"\xED\xA0\x80", "\xE0\x80\x80", "\xF4\x90\x80\x80", "\xC0\xAF", "\x80", "\xF5", "\"\xE4",
		"12345678901234567890",
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
		"{\"k\":[1,2,{\"x\":\"y\"}],\"z\":-0.5e3}",
	};
	struct text t = text_new();
	char line[4096];

	for (unsigned round = 0; round < 300; round++) {
		size_t n;

		do {
			size_t pieces = rnd(round % 3 == 0 ? 60 : 12);

			n = 0;
			if (round % 2 == 0)
				n = (size_t)snprintf(line, sizeof line, "{\"a\":");
			for (size_t i = 0; i < pieces; i++) {
				const char *s = piece[rnd(sizeof piece / sizeof piece[0])];

				memcpy(line + n, s, strlen(s));
				n += strlen(s);
			}
		} while (text_add(&t, line, n));
		run(&t);
	}
	free(t.p);
	ok_all("kernels agree on lines of random pieces");
}

int
main(void)
{
	tables_init(&tables);
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
		kernels[n_kernels++] = &kernel_avx2;
	if (__builtin_cpu_supports("avx512bw"))
		kernels[n_kernels++] = &kernel_avx512;
	if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("gfni") &&
	    __builtin_cpu_supports("vpclmulqdq"))
		kernels[n_kernels++] = &kernel_gfni;
	printf("# %zu vector kernels here\n", n_kernels);
	all_pairs();
	random_lines();
	return done();
}

#else

int
main(void)
{
	ok(true, "no vector kernels on this machine");
	return done();
}

#endif
