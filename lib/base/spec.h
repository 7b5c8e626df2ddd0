/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spec - the one format of all configuration: lines of words quoted as in sh
 *
 *	struct spec *s; why = spec_parse(text, "orders.clean", &s);	// or spec_read(path, &s)
 *	for (size_t i = 0; i < s->n; i++) use(s->line[i].word, s->line[i].n_words, s->line[i].body);
 *	spec_free(s);
 *
 * Invariants: '#' at the start of a word begins a comment; '…' is literal, "…" knows \" \\ \$ \`, a backslash
 * outside quotes takes the next byte; no expansion of any kind.  Indented lines belong to the line above: by
 * default their words are appended to it; with SPEC_BODY (dag files) they are kept as they are in `body`.
 * Every line knows its number, so that messages can say `file:line: what`.
 */
#ifndef BASE_SPEC_H
#define BASE_SPEC_H

#include "base/mem.h"
#include "base/span.h"

enum spec_mode { SPEC_WORDS, SPEC_BODY };

struct spec_line {
	size_t number;			/* from 1 */
	size_t n;
	struct span *word;		/* unquoted; NUL-terminated behind each */
	bool *quoted;			/* [n] a word that had quotes ('' null differs from nothing) */
	struct span *raw;		/* [n] the word as it was written, quotes and all: for words that are SQL */
	struct span body;		/* SPEC_BODY: the indented lines, common indent removed, LF ends each */
};

struct spec {
	const char *name;		/* for messages */
	size_t n;
	struct spec_line *line;
	struct arena mem;
};

/* Parse text. 0, or EXIT_USAGE after a message `name:line: what`. The spec owns copies of everything. */
int spec_parse(struct span text, const char *name, enum spec_mode, struct spec **);
/* Read a file (at most CONF_BYTES_MAX) and parse it. EXIT_IO when it cannot be read. */
int spec_read(const char *path, enum spec_mode, struct spec **);
void spec_free(struct spec *);
/* Value of a word NAME=VALUE with that name among words[from..]; false if absent. */
bool spec_get(const struct spec_line *, size_t from, const char *name, struct span *value);
/* Split one string into words by the same rules (a check, a hook's argv). */
int spec_words(struct span text, const char *name, struct spec **);

#endif
