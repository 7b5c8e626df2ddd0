/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace - does a line hold an id?
 *
 *	struct trace *t = trace_new(span_str("t-1"), paths, col);	// col -1: anywhere in the line
 *	if (trace_holds(t, line)) ... trace_value(t, c) of the other paths ...
 *
 * Invariants: a line that is a record holds it where a whole string is equal to it, however it is
 * escaped, or with col where that value is, a number's digits too; any other line where it is a
 * whole word.  trace_may() is fast and has no false no.  Nothing is allocated per line.
 */
#ifndef RUN_TRACE_H
#define RUN_TRACE_H

#include "base/val.h"
#include "in/path.h"

struct trace;

/* The id is not copied; paths must outlive it. */
struct trace *trace_new(struct span id, const struct pathset *paths, int col);
void trace_free(struct trace *);
bool trace_holds(struct trace *, struct span line);
/* The value of a path in the line last asked about: absent where it was no record. */
struct val trace_value(const struct trace *, int col);

/* Where the id's bytes, or a backslash that may hide them, come next in the lines [from, end). */
struct trace_look { const char *hit, *slash; };
/* The same text, looked through from front to back, line by line. */
bool trace_may(const struct trace *, struct trace_look *, struct span line, const char *end);

#endif
