/* SPDX-License-Identifier: BSD-2-Clause */
/* spec - see spec.h */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/spec.h"

struct parser {
	struct spec *spec;
	const char *p, *end;
	size_t number;			/* of the line p is in */
	struct buf word;
	size_t cap_line;
};

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
add_word(struct parser *ps, struct spec_line *l, bool quoted, struct span raw)
{
	struct span s = buf_span(&ps->word);
	char *copy = arena_get(&ps->spec->mem, s.n + 1), *as_written = arena_get(&ps->spec->mem, raw.n + 1);

	memcpy(as_written, raw.p, raw.n);
	as_written[raw.n] = '\0';
	l->raw = mem_array(l->raw, l->n + 1, sizeof *l->raw);
	l->raw[l->n] = span_of(as_written, raw.n);
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	l->word = mem_array(l->word, l->n + 1, sizeof *l->word);
	l->quoted = mem_array(l->quoted, l->n + 1, sizeof *l->quoted);
	l->word[l->n] = span_of(copy, s.n);
	l->quoted[l->n++] = quoted;
}

/* A quoted part of a word: '…' is literal, "…" knows four escapes. It may run over line ends. */
static int
quoted_part(struct parser *ps)
{
	char q = *ps->p++;
	size_t began = ps->number;

	for (; ps->p < ps->end && *ps->p != q; ps->p++) {
		if (*ps->p == '\n')
			ps->number++;
		if (q == '"' && *ps->p == '\\' && ps->end - ps->p > 1 &&
		    memchr("\"\\$`", ps->p[1], 4) != NULL)
			ps->p++;
		buf_byte(&ps->word, *ps->p);
	}
	if (ps->p == ps->end)
		return err_usage("%s:%zu: a quote is not closed", ps->spec->name, began);
	ps->p++;
	return 0;
}

/* The words up to the end of the line, appended to l. */
static int
words(struct parser *ps, struct spec_line *l)
{
	int rc;

	for (;;) {
		bool quoted = false;
		const char *from;

		while (ps->p < ps->end && blank(*ps->p))
			ps->p++;
		if (ps->p < ps->end && *ps->p == '#')
			while (ps->p < ps->end && *ps->p != '\n')
				ps->p++;
		if (ps->p == ps->end || *ps->p == '\n')
			return 0;
		buf_clear(&ps->word);
		from = ps->p;
		while (ps->p < ps->end && !blank(*ps->p) && *ps->p != '\n') {
			if (*ps->p == '\'' || *ps->p == '"') {
				quoted = true;
				if ((rc = quoted_part(ps)) != 0)
					return rc;
				continue;
			}
			if (*ps->p == '\\' && ps->end - ps->p > 1) {
				ps->p++;
				if (*ps->p == '\n')
					return err_usage("%s:%zu: a backslash at the end of a line; "
					    "indent the next line instead", ps->spec->name, ps->number);
			}
			buf_byte(&ps->word, *ps->p++);
		}
		add_word(ps, l, quoted, span_of(from, (size_t)(ps->p - from)));
	}
}

static struct spec_line *
new_line(struct parser *ps)
{
	struct spec *s = ps->spec;

	if (s->n == ps->cap_line) {
		ps->cap_line = ps->cap_line == 0 ? 16 : ps->cap_line * 2;
		s->line = mem_array(s->line, ps->cap_line, sizeof *s->line);
	}
	s->line[s->n] = (struct spec_line){ .number = ps->number };
	return &s->line[s->n++];
}

/* The indented lines of a body: their common indent goes, all else stays. */
static void
body(struct parser *ps, struct spec_line *l)
{
	const char *begin = ps->p, *q = begin;
	size_t indent = SIZE_MAX, at = 0;
	char *out;

	while (q < ps->end && (blank(*q) || *q == '\n')) {
		const char *nl = memchr(q, '\n', (size_t)(ps->end - q)), *t = q;

		nl = nl == NULL ? ps->end : nl;
		while (t < nl && blank(*t))
			t++;
		if (t < nl && (size_t)(t - q) < indent)
			indent = (size_t)(t - q);
		ps->number++;
		q = nl < ps->end ? nl + 1 : nl;
	}
	ps->p = q;
	out = arena_get(&ps->spec->mem, (size_t)(q - begin) + 2);
	for (const char *t = begin; t < q;) {
		const char *nl = memchr(t, '\n', (size_t)(q - t));
		size_t n = (size_t)((nl == NULL ? q : nl) - t), skip = n < indent ? n : indent;

		memcpy(out + at, t + skip, n - skip);
		at += n - skip;
		out[at++] = '\n';
		t += n + (nl != NULL);
	}
	while (at > 1 && out[at - 1] == '\n' && out[at - 2] == '\n')
		at--;
	l->body = indent == SIZE_MAX ? (struct span){ 0 } : span_of(out, at);
}

static int
parse(struct parser *ps, enum spec_mode mode)
{
	struct spec_line *last = NULL;
	int rc;

	while (ps->p < ps->end) {
		bool indented = blank(*ps->p);
		const char *t = ps->p;

		while (t < ps->end && blank(*t))
			t++;
		if (t == ps->end || *t == '\n' || (*t == '#' && !(indented && mode == SPEC_BODY))) {
			while (t < ps->end && *t != '\n')
				t++;
			ps->p = t < ps->end ? t + 1 : t;
			ps->number++;
			continue;
		}
		if (indented && last == NULL)
			return err_usage("%s:%zu: an indented line without a line above it",
			    ps->spec->name, ps->number);
		if (indented && mode == SPEC_BODY) {
			body(ps, last);
			continue;
		}
		if (!indented)
			last = new_line(ps);
		if ((rc = words(ps, last)) != 0)
			return rc;
		if (ps->p < ps->end) {
			ps->p++;
			ps->number++;
		}
	}
	return 0;
}

static int
run(struct span text, const char *name, enum spec_mode mode, bool one, struct spec **out)
{
	struct parser ps = { .p = text.p, .end = text.p + text.n, .number = 1 };
	int rc;

	*out = NULL;
	ps.spec = mem_new(sizeof *ps.spec);
	ps.spec->name = arena_get(&ps.spec->mem, strlen(name) + 1);
	memcpy((char *)(uintptr_t)ps.spec->name, name, strlen(name) + 1);
	if (text.n > CONF_BYTES_MAX)
		rc = err_usage("%s: longer than %zu MiB", name, CONF_BYTES_MAX / MIB);
	else if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		rc = err_usage("%s: a NUL byte in it", name);
	else if (one)
		rc = words(&ps, new_line(&ps));
	else
		rc = parse(&ps, mode);
	buf_free(&ps.word);
	if (rc != 0) {
		spec_free(ps.spec);
		return rc;
	}
	*out = ps.spec;
	return 0;
}

int
spec_parse(struct span text, const char *name, enum spec_mode mode, struct spec **out)
{
	return run(text, name, mode, false, out);
}

int
spec_words(struct span text, const char *name, struct spec **out)
{
	return run(text, name, SPEC_WORDS, true, out);
}

int
spec_read(const char *path, enum spec_mode mode, struct spec **out)
{
	struct buf b = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	ssize_t n = 0;

	*out = NULL;
	if (fd == -1)
		return err_io("%s: %s", path, strerror(errno));
	do {
		b.n += (size_t)n;
		n = read(fd, buf_room(&b, 65536), 65536);
	} while ((n > 0 && b.n <= CONF_BYTES_MAX) || (n == -1 && errno == EINTR && (n = 0, true)));
	rc = n < 0 ? err_io("%s: %s", path, strerror(errno)) : spec_parse(buf_span(&b), path, mode, out);
	close(fd);
	buf_free(&b);
	return rc;
}

void
spec_free(struct spec *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->line[i].word);
		free(s->line[i].quoted);
		free(s->line[i].raw);
	}
	free(s->line);
	arena_free(&s->mem);
	free(s);
}

bool
spec_get(const struct spec_line *l, size_t from, const char *name, struct span *value)
{
	size_t n = strlen(name);

	for (size_t i = from; i < l->n; i++) {
		struct span w = l->word[i];

		if (w.n > n && w.p[n] == '=' && memcmp(w.p, name, n) == 0) {
			*value = span_from(w, n + 1);
			return true;
		}
	}
	return false;
}
