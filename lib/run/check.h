/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check - what must hold for rows: `not_null(id)`, `warn range(amount,0,1e6)`, `change(rows,20%)`
 *
 *	struct checks cs = { .table = "dwd.order_info" };
 *	rc = check_add(ctx, &cs, span_str("fail unique(id)"), "word 1");	// in set_up
 *	checks_begin(&cs, ctx_budget(ctx));
 *	mark = checks_look(&cs, ctx, b, &found); ... rc = checks_take(&cs, ctx, buf_span(&found), 0);	// a batch
 *	rc = checks_settle(&cs); ... check_judge(&cs, &cs.v[k], &verdict);	// at the end
 *
 * Invariants: NULL breaks only not_null, as in SQL's CHECK; a value that a check cannot judge (a word where a number is
 * compared) breaks it.  unique, ref and distinct keep 128-bit fingerprints of canonical keys: two keys are taken for
 * one with a probability below n^2 / 2^129.  unique remembers the rows it was asked about, in their order: so keys are
 * made where a batch is looked at, and kept where it is taken in, unless a row's fate hangs on them (checks_in_order).
 */
#ifndef RUN_CHECK_H
#define RUN_CHECK_H

#include "op/seen.h"
#include "run/check_past.h"
#include "run/check_schema.h"
#include "run/run.h"

/* Those up to CHECK_SCHEMA are judged row by row, the others are of the whole. */
enum check_kind { CHECK_EXPR, CHECK_UNIQUE, CHECK_REF, CHECK_SCHEMA, CHECK_ROWS, CHECK_FRESH, CHECK_CHANGE };
enum check_metric { METRIC_ROWS, METRIC_NULL_RATE, METRIC_DISTINCT, METRIC_SUM };

struct check {
	struct span text;		/* as written, without its severity */
	bool warn;
	enum check_kind kind;
	struct expr *expr;		/* CHECK_EXPR: false breaks it; CHECK_CHANGE: what null_rate and sum are of */
	struct col_list cols;		/* the key of unique, ref and distinct */
	void *seen;			/* their keys: a state of op/seen.h */
	struct parts *parts;		/* keys that outgrew memory, and all since; NULL: none did */
	uint64_t distinct;		/* keys of unique and distinct: of all, behind checks_settle */
	struct buf key;
	struct schema *schema;		/* CHECK_SCHEMA; known: the table has columns */
	bool known;
	bool has_lo, has_hi;		/* CHECK_ROWS */
	struct dec lo, hi;
	int col;			/* CHECK_FRESH: where the time is, and what is old */
	enum unit unit;
	const struct zone *zone;
	int64_t clock, oldest, newest;	/* us; newest: at or before the clock, INT64_MIN: none */
	uint64_t ahead;			/* rows behind the clock */
	enum check_metric metric;	/* CHECK_CHANGE */
	struct buf name;		/* "sum(amount)" */
	bool percent;
	struct dec tolerance;
	size_t want;			/* of checks.past */
	uint64_t nulls;
	struct decsum sum;
	uint64_t bad, errors;		/* rows that broke it; those of them it could not judge */
	struct buf first;		/* SOURCE:LINE of the first of them */
	uint64_t first_at;		/* its place, if there were places then (check_spill.c) */
	struct buf why;			/* reason of the first it could not judge, or of schema's first */
	/* of the batch looked at */
	struct buf why_now;
	struct fp *id;			/* [BATCH_RECORDS_MAX] keys, and the rows they are of */
	uint16_t *row;
};

enum { CHECK_BROKEN = 1, CHECK_DROP = 2 };

struct checks {
	struct check *v;
	size_t n;
	/* set before check_add: */
	const char *table;		/* for schema(), or NULL */
	struct past *past;		/* for change(), or NULL */
	int64_t clock;			/* us, for fresh() */
	bool drop;			/* rows that break a fail check do not go on */
	bool at_once;			/* a row's fate hangs on unique(): its keys stay in memory */
	uint64_t rows, dropped;		/* judged, and of these dropped */
	size_t budget;			/* bytes for keys in memory */
	bool parted;			/* a check has parts: places of rows count on from source to source */
	struct check_source { char *name; uint64_t base; } *source;
	size_t sources;
	uint64_t place;			/* of the newest batch */
	/* of the batch looked at, [BATCH_RECORDS_MAX] */
	uint8_t *mark;
	int8_t *is;
	const char **why;
};

struct verdict {
	enum severity severity;
	struct buf value, expected;	/* JSON, empty: null */
	struct buf text;		/* for a person */
};

/* Does this operand look like a check? `name(…)`, or `warn …` or `fail …` before it. */
bool check_is(struct span text);
/*
 * Compile one and add it; ref() reads its table now, schema() what its is.  `where` begins messages ("dq.spec:3").
 * The text is copied. 0 or an exit status after a message.
 */
int check_add(struct ctx *, struct checks *, struct span text, const char *where);
/* Every line of a spec file: `[warn|fail] CHECK`. */
int check_spec(struct ctx *, struct checks *, const char *path);

static inline bool
check_by_row(const struct check *k)
{
	return k->kind <= CHECK_SCHEMA;
}

/* Behind the last check_add: keys shall fit into that many bytes. */
void checks_begin(struct checks *, size_t budget);
/* Must one thread look at all batches, in their order? */
bool checks_in_order(const struct checks *);
/*
 * Judge all records: CHECK_BROKEN of each that breaks a check, CHECK_DROP of those that do not go on, good until the
 * next call.  What is to be taken in is appended to `out`.
 */
const uint8_t *checks_look(struct checks *, struct ctx *, const struct batch *, struct buf *out);
/*
 * Take in what was found in batches of ctx's source, in their order, from one checks_look or more.  `line` is added to
 * its line numbers. 0, or EXIT_IO after a message: keys outgrew -S or the disk.
 */
int checks_take(struct checks *, struct ctx *, struct span found, uint64_t line);
/* Make it another thread's, to look with. */
void checks_fork(struct checks *, const struct checks *from);
/* Such a thread has ended: what schema() must know of its rows comes back, the rest is freed. */
void checks_join(struct checks *, struct checks *from);
/* Behind the last row: count what went to disk. 0 or EXIT_IO. */
int checks_settle(struct checks *);
/* What came of it, once settled. Empties and fills *v. */
void check_judge(const struct checks *, const struct check *, struct verdict *v);
void verdict_free(struct verdict *);
/* What it measured, as history knows it ("rows", "sum(amount)"), or NULL. */
const char *check_metric_name(const struct check *);
/* In a run: leave these lines for its runner, which passes them on. 0 or EXIT_IO. */
int checks_tell_run(struct ctx *, struct span events);

#endif
