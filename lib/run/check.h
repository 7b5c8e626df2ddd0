/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check - what must hold for rows: `not_null(id)`, `warn range(amount,0,1e6)`, `ref(sku_id,wh:dim.sku,id)`
 *
 *	struct checks cs = { 0 };
 *	rc = check_add(ctx, &cs, span_str("fail unique(id)"), "word 1");	// in set_up
 *	if (!check_row(&cs.v[k], ctx, b, i)) ... record i breaks it ...
 *	check_rows(&cs.v[k], n);			// a check of the whole: does it hold for n rows?
 *
 * Invariants: NULL breaks only not_null, as in SQL's CHECK; a value that a check cannot judge (a word where a number is
 * compared) breaks it.  unique and ref keep 128-bit fingerprints of canonical keys: two keys are taken for one with a
 * probability below n^2 / 2^129.  unique remembers the rows it was asked about, in their order.
 */
#ifndef RUN_CHECK_H
#define RUN_CHECK_H

#include "op/ids.h"
#include "run/run.h"

enum check_kind { CHECK_EXPR, CHECK_UNIQUE, CHECK_REF, CHECK_ROWS };

struct check {
	struct span text;		/* as written, without its severity */
	bool warn;
	enum check_kind kind;
	struct expr *expr;		/* CHECK_EXPR: false breaks it */
	struct col_list cols;		/* CHECK_UNIQUE, CHECK_REF: the key */
	struct ids seen;
	struct buf key;
	bool has_lo, has_hi;		/* CHECK_ROWS */
	struct dec lo, hi;
	uint64_t bad, errors;		/* rows that broke it; those of them it could not judge */
	struct buf first;		/* SOURCE:LINE of the first of them */
	struct buf why;			/* reason of the first it could not judge */
};

struct checks {
	struct check *v;
	size_t n;
};

/* Does this operand look like a check? `name(…)`, or `warn …` or `fail …` before it. */
bool check_is(struct span text);
/*
 * Compile one and add it; ref() reads its table now.  `where` begins messages ("dq.spec:3").  The text is copied.
 * 0 or an exit status after a message.
 */
int check_add(struct ctx *, struct checks *, struct span text, const char *where);
/* Every line of a spec file: `[warn|fail] CHECK`. */
int check_spec(struct ctx *, struct checks *, const char *path);
/* Judge record i, counting; true when it holds. Not for CHECK_ROWS. */
bool check_row(struct check *, struct ctx *, const struct batch *, size_t i);
/* CHECK_ROWS: are n rows within the bounds? */
bool check_rows(const struct check *, uint64_t n);
/* Bytes held by all of them. */
size_t checks_bytes(const struct checks *);

#endif
