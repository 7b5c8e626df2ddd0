/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call - operands that hold expressions: `NAME=…`, `NAME: …`, `NAME(ARG, … WHERE COND)`
 *
 *	if (word_named(operand, '=', &name, &rest) && call_parse(rest, &c, err, sizeof err) == 0)
 *		use(name, c.name, c.arg, c.n, c.where);
 *
 * Invariants: only quotes ('…' with '', "…" with JSON's escapes), parentheses and brackets are
 * looked at, so an argument may be an expression, a path, `wh:dim.sku`, `20%` or nothing; all
 * spans lie in the text given.
 */
#ifndef EXPR_CALL_H
#define EXPR_CALL_H

#include "base/buf.h"
#include "base/val.h"

#define CALL_ARGS_MAX 4096

struct call {
	struct span name;
	struct span *arg;	/* [n] blanks around them gone; `f()` has none, `f(a,)` has two */
	size_t n;
	struct span where;	/* behind a WHERE outside parentheses; p NULL: there is none */
};

/*
 * Split NAME(ARG, ARG … [WHERE COND]). 0, or EXIT_USAGE with "column N: what" in err. call_free
 * it.
 */
int call_parse(struct span text, struct call *, char *err, size_t err_size);
void call_free(struct call *);

/*
 * Is that operand `NAME<sep>REST`? NAME is a bare name (letters, digits, _ - $ @ # %, bytes from
 * 0x80) or a "quoted" one; quotes of NAME are kept: name_unquote.  So a file `./dt=1/x` is none,
 * and `dt=1/x` is one.
 */
bool word_named(struct span operand, char sep, struct span *name, struct span *rest);
/* Does it begin like NAME( ? */
bool word_call(struct span operand);
/*
 * A NAME without its quotes, escapes undone into out when it has some; a reason when it is not
 * UTF-8 or malformed.
 */
const char *name_unquote(struct span name, struct buf *out, struct span *bare);
/* 'text' to the text, '' undone into out; false when the argument is no quoted text. */
bool arg_text(struct span arg, struct buf *out);
/*
 * Take a leading word (in any case, a blank or the end behind it): `distinct uid`. `word` is lower
 * case.
 */
bool arg_word(struct span *arg, const char *word);

#endif
