/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_schema - do rows have the columns and types of a table?
 *
 *	rc = schema_open(ctx, "dwd.order_info", "dq.spec:3", &s);	// in set_up
 *	if ((why = schema_row(s, line)) != NULL) ... `no column "x"`, `"id": this string is no bigint` ...
 *	if (schema_missing(s, &names)) ... columns that are declared and stood in no row ...
 *	schema_free(s);
 *
 * Invariants: a table says its columns (`column NAME TYPE`, see wh-table(1)); where it does not, they are those its
 * rows had, each with the kinds of values seen, and none of them must be there.  Null has every type.  `dt` is never
 * looked at: tables do not hold it.  No allocation per row.
 */
#ifndef RUN_CHECK_SCHEMA_H
#define RUN_CHECK_SCHEMA_H

#include "run/run.h"

struct schema;
/*
 * Read what the table is; `where` begins messages.  0, also where there is no such table or nothing is known of its
 * columns: *known is false then, and every row fits.  EXIT_USAGE for a type that is none, or as table_open.
 */
int schema_open(struct ctx *, const char *table, const char *where, bool *known, struct schema **);
/* NULL, or why the row does not fit; good until the next call. */
const char *schema_row(struct schema *, struct span line);
/* Append the declared columns that no row so far had, `a, b`; false where there are none. */
bool schema_missing(const struct schema *, struct buf *names);
/* The same for another thread, while `from` stays; NULL of NULL. */
struct schema *schema_fork(const struct schema *from);
/* Back: the columns that its rows had are met; it is freed. */
void schema_join(struct schema *, struct schema *from);
size_t schema_columns(const struct schema *);
void schema_free(struct schema *);

#endif
