/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types - what the columns of a table are: from --types, from Canal's mysqlType, from Debezium's
 * schema
 *
 *	struct types *t = types_new();
 *	why = types_add(t, db, table, column, span_str("decimal(16,2)"), 0);
 *	const struct columns *cols = types_find(t, db, table);
 *	const struct column *c = columns_find(cols, raw_key, &hint, &scratch);
 *
 * Invariants: names are unescaped bytes; all of it lives until types_free or known_free.  A shape
 * is compiled once for each different text, at most KNOWN_MAX of them are kept.
 */
#ifndef CDC_TYPES_H
#define CDC_TYPES_H

#include "base/map.h"
#include "base/mem.h"
#include "base/val.h"

/* different schemas kept compiled; one more and all are forgotten */
#define KNOWN_MAX 4096
#define LABELS_MAX 65536	/* of an enum */

enum column_kind {		/* what the database's type is */
	COL_ANY,		/* unknown: the value stays as it came */
	COL_NUMBER, COL_DECIMAL, COL_TEXT, COL_BINARY, COL_BIT, COL_DATE, COL_DATETIME,
	COL_TIMESTAMP, COL_TIME, COL_YEAR, COL_ENUM, COL_SET, COL_JSON
};

enum wire {			/* how Debezium's schema says the value is written */
	WIRE_NONE,		/* no schema */
	WIRE_PLAIN,		/* as JSON has it */
	WIRE_DECIMAL, WIRE_DECIMAL_ANY, WIRE_BITS, WIRE_BOOL, WIRE_DAYS, WIRE_MS, WIRE_US, WIRE_NS,
	WIRE_TIME_MS, WIRE_TIME_US, WIRE_TIME_NS, WIRE_ZONED, WIRE_ISO_DATE, WIRE_ISO_TIME, WIRE_ISO
};

struct column {
	struct span name;
	uint8_t kind;		/* enum column_kind */
	uint8_t wire;		/* enum wire */
	bool is_unsigned;
	int8_t digits;		/* behind the point, or of a second; -1: not known */
	uint16_t key;		/* place in the primary key from 1; 0: not in it */
	uint8_t size;		/* bytes of a whole number; 0: none */
	uint8_t precision;	/* of a decimal; 0: not known */
	uint32_t length;	/* characters of a text; 0: not known */
	struct span type;	/* what it is called, always in one way: two are equal where the types are */
	struct span *label;	/* enum and set */
	size_t n_labels;
};

struct columns {
	struct column *v;
	size_t n;
	uint64_t id;			/* among those of one struct known, from 1 */
	const struct column **key;	/* [n_key] in the key's order */
	size_t n_key;
};

/*
 * Compile a COLUMN_TYPE such as `decimal(16,2)` or `enum('a','it''s')` into c; what is not known is
 * COL_ANY.
 */
void type_parse(struct span text, struct arena *, struct column *c);

struct types;
struct types *types_new(void);
/*
 * Add a column; db may be empty (any database). key: 0, or its place in the primary key. NULL or a
 * reason.
 */
const char *types_add(struct types *, struct span db, struct span table, struct span column,
    struct span type, uint64_t key);
/* The columns of a table, or NULL. */
const struct columns *types_find(const struct types *, struct span db, struct span table);
void types_free(struct types *);

/*
 * The column of a raw key; *hint makes a walk in the same order cost nothing. NULL when there is
 * none.
 */
const struct column *columns_find(const struct columns *, struct span raw_key, size_t *hint,
    struct buf *scratch);

struct known {
	struct map *map;	/* fingerprint of a text -> struct columns */
	struct arena mem;
	uint64_t n;		/* made so far */
};
/* Canal's mysqlType object. */
const struct columns *known_canal(struct known *, struct span mysql_type);
/* The row inside an envelope's schema as Debezium writes it. */
const struct columns *known_debezium(struct known *, struct span schema);
void known_free(struct known *);

#endif
