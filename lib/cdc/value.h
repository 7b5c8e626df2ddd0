/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * value - one column's value from a producer's encoding to the one form
 *
 *	why = value_canal(&env, column, v, &out);		// appends a JSON value
 *	why = value_maxwell(&env, column, v, &out);
 *	why = value_debezium(&env, by_schema, by_types, v, &out);
 *
 * Invariants: NULL or a constant reason, then nothing was appended.  Numbers are text to the end.
 * The one form: numbers exact, decimals with their column's digits; bits and years numbers; dates,
 * times, enums, sets (`a,b`) and JSON text as the database prints them; binary in base64.
 */
#ifndef CDC_VALUE_H
#define CDC_VALUE_H

#include "base/when.h"
#include "cdc/cdc.h"

struct value_env {
	const struct zone *zone;	/* NULL or UTC: instants stay as they are */
	enum cdc_decimals decimals;
	bool mysql;			/* Debezium: a boolean is a bit(1) */
	struct buf text, bytes;		/* scratch */
};

/* column may be NULL (not known) everywhere. */
const char *value_maxwell(struct value_env *, const struct column *, struct val, struct buf *out);
const char *value_canal(struct value_env *, const struct column *, struct val, struct buf *out);
const char *value_debezium(struct value_env *, const struct column *by_schema,
    const struct column *by_types, struct val,
    struct buf *out);
/* Debezium's mark for a value that was not sent. */
bool value_unavailable(struct val);

/* Digits only, no sign. False when it is none or too large. */
bool digits_u64(struct span, uint64_t *);
/*
 * The text of a JSON number with a column's number of digits behind the point, if it has that many.
 */
void number_scaled(struct span number, int digits, struct buf *out);
/*
 * Big-endian two's complement, as Java's BigInteger, with `scale` digits behind the point. NULL or
 * a reason.
 */
const char *number_unscaled(struct span bytes, uint64_t scale, struct buf *out);
/* NULL or a reason; bytes is cleared first. */
const char *base64_decode(struct span text, struct buf *bytes);
void base64_encode(struct span bytes, struct buf *out);

#endif
