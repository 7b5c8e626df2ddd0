/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clean - the cleaning rules of a table, compiled once and applied to records
 *
 *	rc = clean_compile(spec, &env, &c);		// messages `spec:line: what`
 *	why = clean_record(c, b, i, &edits, &n);	// NULL: n values change, others stay
 *
 * A line of the spec is `PATTERN STEP …`; PATTERN is a path, or names of the record with * and ?.
 * For one field the last line that gives a step decides it.  Steps are done in one order, however
 * they are written: decrypt, control, trim, lower or upper, null, date, type; then, over the whole
 * record, fill, default, required; last mask or encrypt.
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
 * What encrypt and decrypt work with: keys come from outside, as this room knows no files.  The
 * text that is sealed is never empty; reasons are constants.
 */
struct clean_cipher {
	/* The keys of `key=NAME`. 0, or an exit status after a message. They outlive the clean. */
	int (*keys)(void *arg, struct span name, void **keys);
	/* Append the sealed form, which is UTF-8. */
	const char *(*seal)(void *keys, struct span text, struct buf *out);
	/* Append the text; *newest: sealing it again would give the same. */
	const char *(*open)(void *keys, struct span sealed, struct buf *out, bool *newest);
	/* Does it look sealed? */
	bool (*is_sealed)(struct span);
	void *arg;
};

/*
 * 0, or an exit status after a message. Asked paths are added to env->paths. The spec may be freed
 * after.  Without a cipher (NULL) encrypt and decrypt are mistakes.
 */
int clean_compile(
    const struct spec *, const struct expr_env *, const struct clean_cipher *, struct clean **);
void clean_free(struct clean *);

/*
 * What is to be changed in record i. NULL, or a reason `FIELD: what` that lives as long as the
 * clean.  Edits and their values live until the next call; no two are one value or hold each
 * other.
 */
const char *clean_record(
    struct clean *, const struct batch *, size_t i, struct clean_edit **, size_t *n);

#endif
