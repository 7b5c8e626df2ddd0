/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lex - the tokens of an expression
 *
 *	struct lex l; lex_begin(&l, text);
 *	while (l.kind != TOK_END && l.kind != TOK_BAD) { … l.kind, l.text … lex_next(&l); }
 *
 * Invariants: for the files of lib/expr alone.  The current token is in `kind` and `text` (a span
 * of the source); after TOK_BAD, `why` says what is wrong at text.p and the lexer stays there.
 */
#ifndef EXPR_LEX_H
#define EXPR_LEX_H

#include "base/span.h"

enum token {
	TOK_END, TOK_BAD,
	TOK_NUMBER,
	TOK_STRING,	/* quotes included */
	TOK_WORD,	/* a keyword, a function or a path of one bare name */
	TOK_PATH,	/* a path that cannot be a keyword */
	TOK_ARG,	/* :NAME, colon included */
	TOK_SIGN	/* `text` is the operator */
};

struct lex {
	const char *start, *p, *end;
	enum token kind;
	struct span text;
	const char *why;
};

void lex_begin(struct lex *, struct span text);
void lex_next(struct lex *);
/* Is the current token this word (in any case)? `word` is lower case. */
bool lex_word(const struct lex *, const char *word);
bool lex_sign(const struct lex *, const char *sign);
/* Does an opening parenthesis follow the current token? */
bool lex_call_follows(const struct lex *);
/* The column of p: characters from the start, from 1. */
size_t lex_column(const struct lex *, const char *p);

/* Is that span this word, in any case? `word` is lower case. */
bool word_is(struct span, const char *word);
/* May c stand in a bare name; begin one? */
bool name_byte(char c);
bool name_start(char c);
/*
 * Behind the quoted text that begins at p ('…' with '' in it, or "…" with JSON's escapes), or NULL
 * if it is not closed.
 */
const char *quote_end(const char *p, const char *end);

#endif
