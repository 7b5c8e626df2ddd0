/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan - see scan.h
 *
 * The block is cut into windows that stay in the first caches.  A kernel marks a window's tokens and errors; then each
 * line without an error is like one seen before (scan_shape), or is walked (scan_walk), or goes where every line with
 * an error goes: to the plain parser, which alone calls a line bad.
 */
#include "in/scan.h"

#include <stdlib.h>

#include "in/scan_bits.h"
#include "in/scan_kernel.h"
#include "in/scan_plain.h"
#include "in/scan_shape.h"
#include "in/scan_walk.h"

#define RELAXED_WINDOWS 256	/* how long the portable kernel, which takes any blanks, stands in */
#define OPENING (TOKEN_BRACKET | TOKEN_OPEN)
#define GATHER_RECORDS (BATCH_RECORDS_MAX / 4 * 3)	/* one window more is seldom more than a batch */
#define TOKENS_UNKNOWN UINT16_MAX	/* of a line that the plain parser judged */

struct scan {
	struct trie trie;
	struct limits limits;
	struct plain plain;
	const char *p, *end;		/* what is left of the block, the window included */
	/* A kernel's work; NULL: the plain parser alone. */
	const struct kernel_ops *kernel;
	struct tables tables;
	struct marks *marks;
	struct shapes shapes;
	struct walk walk;
	const char *window;
	size_t token;			/* first token of the next line */
	size_t lines, odd;		/* of this window: all, and those that only the plain parser could pass */
	unsigned relaxed;
	/* The batch handed out. */
	struct span line[BATCH_RECORDS_MAX];
	uint8_t kind[BATCH_RECORDS_MAX];
	const char *why[BATCH_RECORDS_MAX];
	uint32_t at[BATCH_RECORDS_MAX];
	uint16_t first[BATCH_RECORDS_MAX];	/* of its tokens in this window, or TOKENS_UNKNOWN */
	size_t n;
	size_t enough;			/* lines, at the end of a window */
	size_t n_cols;
	struct val **col;
};

static struct limits
limits_of(const struct scan_conf *conf)
{
	static const struct scan_conf none;

	if (conf == NULL)
		conf = &none;
	return (struct limits){
		.string = conf->max_string != 0 ? conf->max_string : STRING_BYTES_MAX,
		.depth = (uint32_t)(conf->max_depth != 0 ? conf->max_depth : DEPTH_MAX),
		.keys = (uint32_t)(conf->max_keys != 0 ? conf->max_keys : KEYS_MAX),
		.any = conf->any,
	};
}

static const char *
kernel_name(enum kernel k)
{
	static const char *const name[] = {
		[KERNEL_PLAIN] = "plain", [KERNEL_PORTABLE] = "portable", [KERNEL_AVX2] = "avx2",
		[KERNEL_AVX512] = "avx512", [KERNEL_GFNI] = "gfni"
	};
	const char *env = k == KERNEL_BEST ? getenv("PIPEHOUSE_KERNEL") : NULL;

	return env != NULL ? env : k == KERNEL_BEST ? "" : name[k];
}

/*
 * The kernel of that name; where the machine cannot, or the name says nothing, the best it can. NULL is the
 * plain one.
 */
static const struct kernel_ops *
kernel_of(enum kernel k)
{
	const char *name = kernel_name(k);

	if (strcmp(name, "plain") == 0)
		return NULL;
#ifdef __x86_64__
	if (strcmp(name, "portable") == 0 || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
	    !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("popcnt"))
		return &kernel_portable;
	if (strcmp(name, "avx2") == 0 || !__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw"))
		return &kernel_avx2;
	if (strcmp(name, "avx512") == 0 || !__builtin_cpu_supports("avx512vbmi") ||
	    !__builtin_cpu_supports("avx512vbmi2") || !__builtin_cpu_supports("avx512dq") ||
	    !__builtin_cpu_supports("gfni") || !__builtin_cpu_supports("vpclmulqdq"))
		return &kernel_avx512;
	return &kernel_gfni;
#else
	return &kernel_portable;
#endif
}

struct scan *
scan_new(const struct pathset *ps, const struct scan_conf *conf)
{
	struct scan *s = mem_new(sizeof *s);

	s->limits = limits_of(conf);
	s->enough = 1;
	if (conf != NULL && conf->gather)
		scan_gather(s);
	trie_init(&s->trie, ps);
	s->n_cols = ps != NULL ? ps->n : 0;
	s->col = mem_array(NULL, mem_add(s->n_cols, 1), sizeof *s->col);
	for (size_t c = 0; c < s->n_cols; c++)
		s->col[c] = mem_new(BATCH_RECORDS_MAX * sizeof **s->col);
	plain_init(&s->plain, &s->trie, &s->limits, s->col);
	/* Strings are in a window, so one over the limit is only looked for where the limit is below that. */
	if (s->limits.string >= WINDOW_BYTES)
		s->kernel = kernel_of(conf != NULL ? conf->kernel : KERNEL_BEST);
	if (s->kernel != NULL) {
		tables_init(&s->tables);
		s->marks = mem_new(sizeof *s->marks);
		walk_init(&s->walk, &s->plain, s->n_cols);
	}
	return s;
}

void
scan_gather(struct scan *s)
{
	s->enough = GATHER_RECORDS;
}

void
scan_free(struct scan *s)
{
	if (s == NULL)
		return;
	for (size_t c = 0; c < s->n_cols; c++)
		free(s->col[c]);
	free(s->col);
	free(s->marks);
	walk_free(&s->walk);
	shapes_free(&s->shapes);
	plain_free(&s->plain);
	trie_free(&s->trie);
	free(s);
}

const char *
scan_kernel(const struct scan *s)
{
	return s->kernel == NULL ? "plain" : s->kernel->name;
}

void
scan_block(struct scan *s, const char *p, size_t n)
{
	s->p = p;
	s->end = p + n;
	if (s->marks != NULL)
		s->token = s->marks->n = 0;
}

static bool
all_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
			return false;
	return true;
}

/* Put [p, end) as the next line of the batch, judged by the plain parser. */
static void
take_plain(struct scan *s, const char *p, const char *end)
{
	size_t i = s->n++;

	if (end > p && end[-1] == '\r')
		end--;
	s->line[i] = span_of(p, (size_t)(end - p));
	s->first[i] = TOKENS_UNKNOWN;
	s->why[i] = plain_line(&s->plain, s->line[i], i);
	s->kind[i] = s->why[i] == NULL ? LINE_RECORD : LINE_BAD;
	if (s->kind[i] == LINE_BAD && all_blank(s->line[i])) {
		s->kind[i] = LINE_BLANK;
		s->why[i] = NULL;
	}
	s->at[i] = s->kind[i] == LINE_BAD ? (uint32_t)s->plain.at : 0;
}

/* Lines by the plain parser alone, up to `most`. */
static void
next_plain(struct scan *s, size_t most)
{
	const char *lf;

	while (s->p < s->end && s->n < most) {
		if ((lf = memchr(s->p, '\n', (size_t)(s->end - s->p))) == NULL)
			lf = s->end;
		take_plain(s, s->p, lf);
		s->p = lf + (lf < s->end);
	}
}

/* Does a value end at p: is the next byte that is no blank one that may follow it?  What the pairs do not see. */
static bool
value_ends(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p >= end || *p == ',' || *p == '}' || *p == ']' || *p == '\n' || *p == '\r';
}

/* A word outside strings is true, false, null or a part of a number; from where it began, is the whole scalar one? */
static bool __attribute__((noinline))
scalar_holds(const char *p, size_t n, size_t at)
{
	const char *from = p + at, *to = NULL;

	while (from > p && !scan_delim[(unsigned char)from[-1]])
		from--;
	if (from == p + at && (memcmp(from, "true", 4) == 0 || memcmp(from, "null", 4) == 0))
		to = from + 4;
	else if (from == p + at && memcmp(from, "false", 5) == 0)
		to = from + 5;
	else
		to = plain_number(from, p + n);
	return to != NULL && value_ends(to, p + n);
}

/* The same; what is mostly there, true, false or null between two bytes that end it, without a branch. */
static bool __attribute__((noinline))
word_holds(const char *p, size_t n, size_t at)
{
	/* by bits 1 to 3 of the first letter */
	static const struct { char text[8], mask[8]; size_t n; } word[8] = {
		{ "", "\xFF", 0 }, { "", "\xFF", 0 }, { "true", "\xFF\xFF\xFF\xFF", 4 },
		{ "false", "\xFF\xFF\xFF\xFF\xFF", 5 }, { "", "\xFF", 0 }, { "", "\xFF", 0 }, { "", "\xFF", 0 },
		{ "null", "\xFF\xFF\xFF\xFF", 4 },
	};
	const char *w = p + at;
	unsigned i = (unsigned char)*w >> 1 & 7;
	uint64_t text, mask, here;
	char behind = w[word[i].n];

	memcpy(&text, word[i].text, sizeof text);
	memcpy(&mask, word[i].mask, sizeof mask);
	memcpy(&here, w, sizeof here);
	if (__builtin_expect((((here ^ text) & mask) == 0) & (behind == ',' || behind == '}' || behind == ']') &
	    (at > 0 && scan_delim[(unsigned char)w[-1]]), 1))
		return true;
	return scalar_holds(p, n, at);
}

/* Is the word there the value of a member that others follow, and null?  Of most words no more must be asked. */
static inline bool
is_null(const char *p, size_t at)
{
	static const char want[8] = ":null,", mask[8] = "\xFF\xFF\xFF\xFF\xFF\xFF";
	uint64_t here, text, bits;

	if (at == 0)
		return false;
	memcpy(&here, p + at - 1, sizeof here);
	memcpy(&text, want, sizeof text);
	memcpy(&bits, mask, sizeof bits);
	return (here & bits) == text;
}

/* The first LF among the tokens from t on; m->n when there is none. */
static inline size_t
next_lf(const struct marks *m, size_t t)
{
	for (; t < m->n; t += 16) {
		bytes16 v = bytes_load(m->token + t);
		uint64_t hit = bits_of((bytes16)(v == bytes_all('\n')) | (bytes16)(v == bytes_all((uint8_t)~'\n')));

		if (hit != 0) {
			t += (size_t)__builtin_ctzll(hit);
			break;
		}
	}
	return t < m->n ? t : m->n;
}

/* Mark the next window; leave no token or word in it that lies behind n bytes. */
static void
mark_window(struct scan *s, size_t n)
{
	const struct kernel_ops *k = s->kernel;
	struct marks *m = s->marks;

	if (s->relaxed > 0) {
		s->relaxed--;
		k = &kernel_portable;
	}
	for (size_t i = 0; i < s->n; i++)
		s->first[i] = TOKENS_UNKNOWN;
	marks_clear(m);
	k->mark(&s->tables, m, s->p, n);
	while (m->n > 0 && m->pos[m->n - 1] >= n)
		m->n--;
	while (m->n_words > 0 && m->word[m->n_words - 1] >= n)
		m->n_words--;
	for (size_t i = 0; i < m->n_words; i++)
		if (!is_null(s->p, m->word[i]) && !word_holds(s->p, n, m->word[i])) {
			m->error[m->word[i] / 64] |= UINT64_C(1) << m->word[i] % 64;
			m->any_error = 1;
		}
	walk_window(&s->walk, m);
	s->window = s->p;
	s->token = 0;
	s->lines = s->odd = 0;
}

/* The line from s->p to its LF, which is token `lf`. */
static void
take_line(struct scan *s, size_t lf)
{
	struct marks *m = s->marks;
	const char *end = s->window + m->pos[lf];
	size_t from = (size_t)(s->p - s->window), n = lf - s->token, i = s->n;
	bool learn;

	s->lines++;
	if (n == 0 || (m->any_error != 0 && bits_in(m->error, from, m->pos[lf] + 1u)))
		goto plain;
	learn = shapes_useful(&s->shapes);
	if (!learn || !shape_match(&s->shapes, m, s->window, s->token, n, s->col, i)) {
		if (!walk_line(&s->walk, m, s->window, s->token, n, i, learn))
			goto plain;
		if (learn)
			shape_add(&s->shapes, &s->walk.draft, m->token + s->token, n);
	}
	s->line[i] = span_of(s->p, (size_t)(end - s->p) - (end > s->p && end[-1] == '\r'));
	s->kind[i] = LINE_RECORD;
	s->why[i] = NULL;
	s->at[i] = 0;
	s->first[i] = (uint16_t)s->token;
	s->n++;
	s->p = end + 1;
	return;
plain:
	take_plain(s, s->p, end);
	s->odd += s->kind[i] == LINE_RECORD;
	s->p = end + 1;
}

/* Lines of the window, or of the next one when it is done; what no window can hold goes to the plain parser. */
static void
next_window(struct scan *s)
{
	struct marks *m = s->marks;
	size_t lf;

	while (s->p < s->end && s->n < BATCH_RECORDS_MAX) {
		if ((lf = next_lf(m, s->token)) < m->n) {
			take_line(s, lf);
			s->token = lf + 1;
			continue;
		}
		if (s->n >= s->enough)
			return;
		if (s->lines > 0 && s->odd > s->lines / 2)
			s->relaxed = RELAXED_WINDOWS;
		mark_window(s, (size_t)(s->end - s->p) < WINDOW_BYTES ? (size_t)(s->end - s->p) : WINDOW_BYTES);
		if (next_lf(m, 0) == m->n) {
			m->n = 0;
			next_plain(s, s->n + 1);
		}
	}
}

bool
scan_next(struct scan *s, struct scanned *got)
{
	s->n = 0;
	if (s->kernel == NULL)
		next_plain(s, BATCH_RECORDS_MAX);
	else
		next_window(s);
	*got = (struct scanned){ .n = s->n, .line = s->line, .kind = s->kind, .why = s->why, .at = s->at,
	    .col = (const struct val *const *)s->col };
	return s->n > 0;
}

/* The quote that ends the key at p: 16 bytes at once, since a loop's end would be guessed wrong for each key. */
static inline const char *
key_end(const char *p)
{
	bytes16 v = bytes_load(p);
	uint64_t quote = bits_of((bytes16)(v == bytes_all('"'))), slash = bits_of((bytes16)(v == bytes_all('\\')));

	if (__builtin_expect(quote != 0 && (slash & (quote ^ (quote - 1))) == 0, 1))
		return p + __builtin_ctzll(quote);
	for (; *p != '"'; p++)
		p += *p == '\\';
	return p;
}

/* Token t opens an object or array: the one that closes it. */
static inline size_t
closing(const struct marks *m, size_t t)
{
	size_t depth = 1;

	while (depth > 0) {
		uint8_t c = token_byte(m->token[++t]);

		/* 1 for a bracket that opens, -1 for one that closes; no branch that data decides */
		depth += ((size_t)(c & TOKEN_OPEN) - 1) & -(size_t)((c & TOKEN_BRACKET) != 0);
	}
	return t;
}

size_t
scan_members(const struct scan *s, const struct span *line, struct member *out, size_t most)
{
	size_t i = ((uintptr_t)line - (uintptr_t)s->line) / sizeof *line, n = 0, t;
	const struct marks *m = s->marks;
	const char *p = s->window, *q, *end;
	struct span v;

	if (i >= s->n || s->first[i] == TOKENS_UNKNOWN || m->token[t = s->first[i]] != '{')
		return SIZE_MAX;
	if (!token_member(m->token[t + 1]))
		return 0;
	do {
		struct member *x = &out[n];

		if (n++ == most)
			return SIZE_MAX;
		for (q = p + m->pos[t] + 1; (unsigned char)*q <= ' '; q++)
			;
		end = key_end(++q);
		x->key = span_of(q, (size_t)(end - q));
		t++;
		if ((token_byte(m->token[t]) & OPENING) == OPENING) {
			q = p + m->pos[t];
			t = closing(m, t);
			val_set(&x->v, q, (size_t)(p + m->pos[t] + 1 - q), scan_tag[(unsigned char)*q], 0);
			t++;
		} else {
			for (q = end + 1; *q != ':'; q++)
				;
			v = value_between(p, (size_t)(q + 1 - p), m->pos[t]);
			val_set(&x->v, v.p, v.n, scan_tag[(unsigned char)*v.p], value_escaped(m, p, v));
		}
	} while (token_byte(m->token[t]) == ',');
	return n;
}

const char *
scan_value(struct span text, const struct scan_conf *conf, size_t *at)
{
	struct limits limits = limits_of(conf);
	struct trie trie;
	struct plain a;
	const char *why;

	limits.any = true;
	trie_init(&trie, NULL);
	plain_init(&a, &trie, &limits, NULL);
	why = plain_line(&a, text, 0);
	*at = a.at;
	plain_free(&a);
	trie_free(&trie);
	return why;
}
