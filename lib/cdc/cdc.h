/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdc - messages of Maxwell, Canal and Debezium to one row change a line
 *
 *	struct cdc *c = cdc_new(&(struct cdc_conf){ .epoch = 0 });
 *	map[f] = ctx_col(ctx, span_str(cdc_field[f]), "field");		// for each of CDC_FIELDS
 *	what = cdc_take(c, b, i, map, meta);
 *	if (what == CDC_CHANGES) for (k = 0; k < cdc_lines(c); k++) write(cdc_line(c, k));
 *	else if (what == CDC_BAD) batch_reject(b, i, cdc_why(c));
 *
 * Invariants: a message is taken whole or not at all; its lines live until the next cdc_take.
 * Values are in one form whatever the producer: exact numbers, texts as the database prints them;
 * what no type is known for stays as it came. `ord` is a string whose byte order is the order of
 * changes (cdc/ord.h).  One thread each.  Nothing recurses, buffers are used again.
 */
#ifndef CDC_CDC_H
#define CDC_CDC_H

#include "base/batch.h"
#include "base/when.h"
#include "cdc/types.h"

enum cdc_from { CDC_AUTO, CDC_MAXWELL, CDC_CANAL, CDC_DEBEZIUM };

/*
 * How Debezium without a schema writes decimals: as numbers or decimal text, or as base64 bytes;
 * ASK refuses what could be both.
 */
enum cdc_decimals { DECIMALS_ASK, DECIMALS_STRING, DECIMALS_BASE64 };

/*
 * What becomes of a record of which a column is not of the type it is known by (cdc/drift.h): it flows through and is
 * told; it ends the work; its value is made one of that type where that loses nothing, else it is bad.
 */
enum on_drift { DRIFT_WARN, DRIFT_FAIL, DRIFT_CAST };

struct cdc_conf {
	enum on_drift on_drift;
	bool values;			/* types that no message declares are watched too, by the values */
	bool placed;			/* a message that names no place of its own is bad: nothing is remembered */
	/* all but this kind are bad; AUTO takes each message for what it is */
	enum cdc_from from;
	enum cdc_decimals decimals;
	bool minimal;			/* rows of updates hold the key and what changed, no more */
	uint64_t epoch;			/* stands before every ord; at most 10 digits */
	const char *table;		/* only this one: TABLE or DB.TABLE; NULL: all */
	const struct zone *zone;	/* TIMESTAMP columns are printed in it */
	const struct types *types;	/* NULL: what the messages say */
};

/* The members that a message may have at its top; values are columns of the batch in this order. */
enum cdc_member {
	M_DATABASE, M_TABLE, M_TYPE, M_TS, M_XID, M_XOFFSET, M_COMMIT, M_POSITION, M_GTID,
	M_SERVER_ID, M_DATA, M_OLD, M_KEY_COLUMNS, M_SQL, M_ES, M_PK_NAMES, M_MYSQL_TYPE, M_IS_DDL,
	M_SCHEMA, M_PAYLOAD, M_OP, M_BEFORE, M_AFTER, M_SOURCE, M_TS_MS, M_TRANSACTION, M_DDL,
	M_DATABASE_NAME, M_STATUS, M_KEY, M_VALUE, CDC_FIELDS
};
extern const char *const cdc_field[CDC_FIELDS];

enum cdc_what {
	CDC_CHANGES,	/* cdc_lines() lines, at least one */
	/* a transaction's or a bootstrap's begin or end, a statement's text: no change */
	CDC_MARK,
	CDC_HEARTBEAT,
	CDC_TOMBSTONE,	/* a null value */
	CDC_OTHER,	/* of a table that was not asked for */
	CDC_UNKNOWN,	/* a message of one of the three, of a type that it did not have when this was written */
	CDC_BAD		/* cdc_why() says why */
};

/* A column that is new (was is empty), or another type of one. */
struct cdc_drift {
	struct span db, table;		/* JSON values; db may be empty */
	struct span column;		/* raw, inside its quotes */
	struct span was, is;
};

struct cdc_counts {
	uint64_t new_columns, type_changes, cast;
};

struct cdc *cdc_new(const struct cdc_conf *);
/*
 * One more, for another thread: blocks of the stream may then be taken in any order.  cdc_block begins one of which
 * nothing before is known; cdc_left appends what it leaves, a byte at least, to be given to cdc_past of the first,
 * block by block in their order.  A message that needs what came before makes cdc_take call turn(arg): 0 when all
 * blocks in front of it have been given to cdc_past; nobody else then is at that before this block is over.
 */
struct cdc *cdc_more(const struct cdc *first);
void cdc_block(struct cdc *, int (*turn)(void *), void *arg);
void cdc_left(const struct cdc *, struct buf *);
void cdc_past(struct cdc *first, struct span left);
/* Did a message need that? Then there will be more of them, and the stream is better taken in order. */
bool cdc_bound(const struct cdc *);
/* Tell of columns that drift: called by cdc_take, in the order of the stream, in one thread at a time. */
void cdc_listen(struct cdc *, void (*announce)(void *arg, const struct cdc_drift *), void *arg);
const struct cdc_counts *cdc_counts(const struct cdc *);
/* CDC_BAD was that: the work ends (DRIFT_FAIL). */
bool cdc_stops(const struct cdc *);
/*
 * Take record i of the batch; map[f] is the column of cdc_field[f].  meta is the value that ingest
 * --meta put beside the message: {topic, partition, offset, key}; absent where there is none.
 */
enum cdc_what cdc_take(struct cdc *, const struct batch *, size_t i, const int map[CDC_FIELDS],
    struct val meta);
size_t cdc_lines(const struct cdc *);
struct span cdc_line(const struct cdc *, size_t k);
const char *cdc_why(const struct cdc *);
/* Does a table's name (inside its quotes) match `TABLE` or `DB.TABLE`? NULL matches all. */
bool cdc_table_is(const char *asked, struct span db, struct span table);
/* The option that asks so, a row of a table as in run/opt.h; `at`: where the text goes. */
#define CDC_OPT_TABLE(at) \
	{ 0, "table", OPT_TEXT, at, "TABLE", "only changes of TABLE or DB.TABLE; others are dropped" }
/*
 * Messages after which the order may not hold (another base name of binlog, another server's gtid).
 */
uint64_t cdc_order_breaks(const struct cdc *);
/* Changes that have no order but that of their arrival. */
uint64_t cdc_unordered(const struct cdc *);
void cdc_free(struct cdc *);

#endif
