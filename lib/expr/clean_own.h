/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clean_own - what the two halves of expr/clean share: rules as compiled
 *
 *	why = rule_apply(c, r, v, &made);		// made.raw: the new token, or v's own
 *
 * Invariants: for clean.c and clean_apply.c alone.  A rule has each step at most once; `from`
 * names, for messages, the pattern of the line that gave it.
 */
#ifndef EXPR_CLEAN_OWN_H
#define EXPR_CLEAN_OWN_H

#include "base/map.h"
#include "expr/clean.h"
#include "expr/mask.h"

enum clean_step {
	STEP_DECRYPT,
	STEP_CONTROL,
	STEP_TRIM,
	STEP_LOWER,
	STEP_UPPER,
	STEP_NULL,
	STEP_DATE,
	STEP_TYPE,
	STEP_FILL,
	STEP_DEFAULT,
	STEP_REQUIRED,
	STEP_MASK,
	STEP_ENCRYPT,
	STEP_COUNT,
	STEP_KEEP = STEP_COUNT
};

enum clean_type { TYPE_INT, TYPE_DECIMAL, TYPE_STRING, TYPE_BOOL, TYPE_JSON };

/* How a time is written: a name, or a pattern of % letters. */
enum clean_form {
	FORM_AUTO,
	FORM_SQL,
	FORM_RFC3339,
	FORM_DAY,
	FORM_S,
	FORM_MS,
	FORM_US,
	FORM_PATTERN
};
struct clean_date {
	enum clean_form form;
	struct span pattern;
};

struct rule {
	unsigned has;			/* bits 1 << enum clean_step */
	struct span from[STEP_COUNT];
	struct span *null;		/* texts that stand for null */
	size_t n_null;
	uint64_t null_lengths;		/* bit min(length, 63) of each */
	struct clean_date *in, out;
	size_t n_in;
	enum clean_type type;
	unsigned precision, scale;	/* TYPE_DECIMAL; precision 0: any */
	int *fill;			/* columns */
	size_t n_fill;
	struct span standard;		/* STEP_DEFAULT: JSON */
	enum mask mask;
	void *encrypt, *decrypt;	/* keys */
};

/* A field that the spec names, its value a column. */
struct field {
	int col;
	struct span path;		/* as written, for reasons */
	struct span name;		/* of a top-level field, unescaped; p NULL: deeper */
	struct span key;		/* `"name":` */
	struct rule rule;
};

/* One line of the spec. */
struct clean_line {
	struct span pattern;		/* as written */
	int col;			/* of a path; -1: names with * and ? */
	bool keep;			/* forget what the lines above say */
	struct rule rule;
};

struct reason {
	struct span field;
	const char *why;
	char *text;
};

/*
 * What a member's name means; `place` remembers it by position, for the next record has the same
 * names in the same order.
 */
struct meaning {
	struct span key;		/* raw, as in the line */
	const struct rule *rule;	/* NULL: no line matches, or its column does it */
};

struct clean {
	const struct zone *zone;
	struct clean_cipher cipher;
	struct clean_line *line;
	size_t n_lines;
	bool globs;
	struct field *field;
	size_t n_fields;
	struct map *names;		/* raw key to struct meaning * */
	struct rule spare;		/* for names beyond NAMES_MAX */
	const struct meaning **place;
	size_t n_places;
	struct reason *reason;
	size_t n_reasons;
	struct arena fixed;		/* what lives as long as the clean */
	struct arena mem;		/* values of one record */
	struct buf text, made, secret;
	struct clean_edit *edit;
	size_t n_edits, cap_edits;
};

/* Seen at a glance: no step changes the value, and it is not null. False: look closer. */
bool rule_idle(const struct rule *, const struct val *);
/* The value after the steps up to type; the reason and the step that gave it in *step. */
const char *rule_apply(
    struct clean *, const struct rule *, struct val, struct val *made, enum clean_step *step);
/* The value behind all other steps, masked or encrypted; it is not null. */
const char *rule_hide(
    struct clean *, const struct rule *, struct val, struct val *made, enum clean_step *step);

#endif
