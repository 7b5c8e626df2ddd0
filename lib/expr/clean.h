/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clean - the cleaning rules of a table, compiled once and applied to records
 *
 *	rc = clean_compile(spec, &env, &c);		// messages `spec:line: what`
 *	why = clean_record(c, b, i, &edits, &n);	// NULL: n values change, others stay
 *
 * A line of the spec is `PATTERN STEP …`; PATTERN is a path, or names of the record with * and ?.
 * For one field the last line that gives a step decides it.  Steps are done in one order, however
 * they are written: control, trim, lower or upper, null, date, type; then, over the whole record,
 * fill, default, required.
 *
 * Invariants: a value that no step changes is not among the edits.  No allocation per record once
 * buffers have grown. Not thread-safe: one clean per thread.
 */
#ifndef EXPR_CLEAN_H
#define EXPR_CLEAN_H

#include "base/batch.h"
#include "base/spec.h"
#include "expr/expr.h"

struct clean;

struct clean_edit {
	struct val old;		/* as it stands in the line; T_ABSENT: to be appended */
	struct span key;	/* `"name":`, for what is appended */
	struct span value;	/* JSON */
};

/*
 * 0 or EXIT_USAGE after a message. Asked paths are added to env->paths. The spec may be freed
 * after.
 */
int clean_compile(const struct spec *, const struct expr_env *, struct clean **);
void clean_free(struct clean *);

/*
 * What is to be changed in record i. NULL, or a reason `FIELD: what` that lives as long as the
 * clean.  Edits and their values live until the next call; no two are one value or hold each
 * other.
 */
const char *clean_record(
    struct clean *, const struct batch *, size_t i, struct clean_edit **, size_t *n);

#endif
