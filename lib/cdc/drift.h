/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drift - columns that come in with another type than they are known by, and new ones
 *
 *	why = drift_row(c, CDC_CANAL, ch, said, &c->data);	// its values are converted, it is not printed yet
 *	if (why != NULL) return bad(c, why);		// c->stop: the work is to end (cdc_conf.on_drift)
 *
 * A column is known by --types, else by what the stream said of it first: the type that the message declares (Canal's
 * mysqlType, Debezium's schema), or where none is declared the kind of its values.  Declared types are always held
 * against it, once for each form that a table's messages have; values only where cdc_conf.values asks for it, those of
 * --types' columns by range, digits, length and labels too.
 *
 * Invariants: a drift is announced once for each column and each type it is met with, in the order of the stream,
 * whatever the number of threads: what is new is looked at when all before it is done.  What --types know never
 * changes, and a first type stays what casts go to.  A cast is exact or refused.  Bounded: DRIFT_TABLES tables of
 * DRIFT_COLUMNS columns, DRIFT_TYPES types of each; what is beyond is not watched.
 */
#ifndef CDC_DRIFT_H
#define CDC_DRIFT_H

#include "cdc/cdc.h"

#define DRIFT_TABLES 65536
#define DRIFT_COLUMNS 4096
#define DRIFT_TYPES 8
#define DRIFT_SHAPES 8192		/* forms of tables' messages remembered */

struct change;
struct cells;
struct columns;
struct drift;

struct drift *drift_new(void);
/* NULL, or why the record is bad; said: what the message declares, or NULL. */
const char *drift_row(struct cdc *, enum cdc_from, const struct change *, const struct columns *said, struct cells *);
/* Are values looked at? Then all columns must be read. */
bool drift_values(const struct cdc *);
void drift_free(struct drift *);

/* What a value is to the column it stands in. */
enum found {
	FITS, FOUND_NUMBER, FOUND_TEXT, FOUND_BOOL, FOUND_OBJECT, FOUND_ARRAY, FOUND_DIGITS, FOUND_RANGE, FOUND_LENGTH,
	FOUND_LABEL, FOUND_FORM
};
/* Of a value in the one form (cdc/value.h); kind: that of values where the column has none, T_ABSENT: any. */
enum found drift_look(const struct column *, enum tag kind, struct val, struct buf *scratch);
/* Does a decimal that fits lack zeros of its column's digits? A cast gives them. */
bool drift_short(const struct column *, struct val);
/* Append the same value as the column has them. False, and nothing appended: there is none. */
bool drift_cast(const struct column *, enum tag kind, struct val, struct buf *scratch, struct buf *out);

#endif
