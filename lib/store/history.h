/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history - a table's commits one by one, and what changed between two of a day
 *
 *	rc = history_each(t, each, arg);	// each(arg, record), oldest first
 *	rc = history_why(t, from, to, each, arg);	// each(arg, {"dt", "commit", "before", "input", …, "why"})
 *
 * Invariants: only what the log still holds; records as commit_parse checked them.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <jansson.h>

#include "store/table.h"

/* Each record above FLOOR. 0, each's status, EXIT_INPUT, EXIT_IO. */
int history_each(const struct table *, int (*each)(void *arg, json_t *record), void *arg);
/*
 * For each day in from..to: one object for each input that its last commit read otherwise than the one before, or one
 * that says why there is none. The object is the callee's only during the call.
 */
int history_why(const struct table *, const char *from, const char *to, int (*each)(void *arg, json_t *line),
    void *arg);

#endif
