/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace - does a line hold an id?
 *
 *	struct ask a = { .paths = ps, .ids = 1 };	// at the set's first path; ids 0: anywhere in the line
 *	struct trace *t = trace_new(span_str("t-1"), &a);
 *	if (trace_holds(t, line)) ... trace_value(t, c) of the other paths ...
 *
 * Invariants: a line that is a record holds it where a whole string is equal to it, however it is
 * escaped, or with ids where one of those values is, a number's digits too; any other line where it is a
 * whole word, and with ids never.  trace_may() is fast and has no false no.  Nothing is allocated per line.  A trace
 * belongs to one thread.
 */
#ifndef RUN_TRACE_H
#define RUN_TRACE_H

#include "base/find.h"
#include "base/val.h"
#include "in/path.h"

/* What is asked of the lines of an input. */
struct ask {
	struct pathset *paths;		/* the first `ids` of them: where an id may stand, 0: anywhere; then others */
	size_t ids;
	struct pathset *index;		/* what its files' indexes are of, where they may be used, or NULL */
	size_t no;			/* its number among the asks of a command */
};

struct trace;
/* Neither is copied. */
struct trace *trace_new(struct span id, const struct ask *);
void trace_free(struct trace *);
bool trace_holds(struct trace *, struct span line);
/* The value of a path in the line last asked about: absent where it was no record. */
struct val trace_value(const struct trace *, int col);

/* What finds the lines that may hold an id: its bytes, or escapes that may hide them. Any number of threads use it. */
struct trace_find {
	struct find id, hidden;
	bool any;			/* any backslash may */
	bool part[256];			/* else: \u00XX of these bytes */
};
void trace_find_init(struct trace_find *, struct span id);
/* The same text, looked through from front to back: begin with { .p = text }. */
struct trace_look { const char *p, *id, *hidden; };
/* A place in the next line that may hold it, at or behind l->p, or NULL; move l->p on behind that line. */
const char *trace_next(const struct trace_find *, struct trace_look *, const char *end);

#endif
