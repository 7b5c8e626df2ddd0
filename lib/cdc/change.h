/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * change - one row change while it is made (for the producers' files of this room)
 *
 *	struct change ch = { .op = 'u', .db = db, .table = table, .ts_ms = ts };
 *	ord_binlog(…, ch.at); cells_read(&c->data, row); cells_read(&c->old, old); … convert …
 *	why = change_row(c, &ch);			// one line, or the two of a key change
 *
 * Invariants: spans point into the message or into buffers of struct cdc and live until the next
 * row.  A producer reads its members with member(), converts cells with cell_begin/cell_end, and
 * leaves key, old key and printing to change_row.
 */
#ifndef CDC_CHANGE_H
#define CDC_CHANGE_H

#include "cdc/cdc.h"
#include "cdc/drift.h"
#include "cdc/ord.h"
#include "cdc/value.h"
#include "in/rec.h"

struct cell {
	struct span key;	/* raw, inside its quotes */
	struct val v;
	size_t from, to;	/* its converted value in cells.text; equal: it stays as it came */
	bool skip;		/* not sent, or not changed: left out */
};

struct cells {
	struct cell *v;
	struct rec_hint *hint;	/* [cap] the key that stood there in the object before */
	size_t n, cap;
	struct span raw;	/* the object */
	struct buf text;
	bool touched;		/* some cell is not as it came, or left out */
	bool part;		/* more columns stand in raw than were read; none is touched */
};

struct change {
	char op;		/* c u d r t, 'D' for ddl */
	char k;			/* the ord's last place of a plain change; 0: '1' */
	bool has_ts, partial;
	int64_t ts_ms;
	struct span db, table;	/* JSON values */
	struct span tx;		/* JSON value, or empty */
	char at[ORD_BYTES_MAX];
	/* filled by change_row */
	struct span key, old_key, row, old;
};

/* Values of one message: columns of the batch, or those found in an inner object. */
struct message {
	const struct batch *b;
	size_t i;
	const int *map;
	bool inner;
	struct val v[CDC_FIELDS];
};

struct names {			/* the key's columns */
	struct span *v;
	size_t n, cap;
	struct buf text;
};

#define PRODUCERS (CDC_DEBEZIUM + 1)

struct cdc {
	struct cdc_conf conf;
	struct message msg;
	struct val topic, partition, offset, meta_key;	/* what came beside the message */
	const struct columns *types;		/* of this message's table, from --types */
	struct known canal, debezium;
	struct ord *ord;		/* [PRODUCERS] own or past */
	struct ord own[PRODUCERS];	/* of this block, while others may be at work on those before it */
	struct ord *past;		/* [PRODUCERS] of all: one for all threads, of the first of them */
	const struct cdc *first;	/* NULL: this is it */
	struct drift *drift, *all_drift;	/* what columns are: as this thread knows it, as the first does */
	bool stop;
	struct cdc_counts counts;
	void (*announce)(void *arg, const struct cdc_drift *);
	void *announce_arg;
	bool bound;			/* some message needed what came before */
	int (*turn)(void *);
	void *turn_arg;
	struct buf part;
	struct names names;
	struct cells data, old;
	struct value_env env;
	struct buf key, old_key, row, old_row, changed, src;
	struct buf out, scratch, inner_key;
	size_t *end, lines, end_cap;
	const char *why;
};

/* A member of the message; absent when it is not there. */
static inline struct val
member(const struct cdc *c, enum cdc_member m)
{
	const struct message *s = &c->msg;

	return s->inner ? s->v[m] : s->b->col[s->map[m]][s->i];
}

/* Take the members of an inner object (payload, value) instead. NULL or a reason. */
const char *message_inner(struct cdc *, struct span object);
/* Bad: remember why. */
enum cdc_what bad(struct cdc *, const char *why);

/* The columns of an object; what is left of the last one is forgotten. */
void cells_read(struct cells *, struct span object);
/* No more of them than it takes to have all columns of the key. */
void cells_key(struct cdc *, struct cells *, struct span object);
/* The object as it stands, where no column of it is asked for. */
static inline void
cells_whole(struct cells *cs, struct span object)
{
	cs->n = 0;
	cs->raw = object;
	cs->touched = cs->part = false;
}
/*
 * Convert one cell: append its value to cells.text between these; _end keeps the raw bytes where
 * nothing changed.
 */
void cell_end(struct cells *, struct cell *, size_t from);
/* Leave it out. */
static inline void
cell_skip(struct cells *cs, struct cell *x)
{
	x->skip = cs->touched = true;
}

/*
 * The key's columns: from an array of strings, the names of an object's members, or --types; none
 * found: no key.
 */
void names_clear(struct cdc *);
void names_array(struct cdc *, struct val array);
void names_object(struct cdc *, struct span object);
void names_types(struct cdc *);

/* Does --table ask for this one? Sets c->types. */
bool table_wanted(struct cdc *, struct val db, struct val table);
/* A text member's inside; empty when it is no string. Good until the next call. */
struct span inside(struct cdc *, struct val);
/* An integer as it stands. False when it is none. */
bool member_u64(const struct cdc *, enum cdc_member, uint64_t *);
/*
 * Before one of the functions of cdc/ord.h that need what came before: what is at hand then is the ord of all. False:
 * the work is over, and what becomes of the message does not matter.
 */
bool ord_known(struct cdc *, enum cdc_from, struct ord **);
extern const char cdc_over[];		/* the reason then */
/* All before this message is done, and nobody else is at what is common to all until this block is over. The same. */
bool cdc_turned(struct cdc *);
/* The ord by what came beside the message: true when there is an offset. */
bool ord_beside(struct cdc *, struct ord *, uint64_t row, char *at, const char **why);

/* src: members so far are in c->src without braces. */
void src_begin(struct cdc *, const char *from);
void src_add(struct cdc *, const char *name, struct val);

/*
 * Print a change of rows: c->data holds the row, c->old the old values (or nothing). NULL or a
 * reason.
 */
const char *change_row(struct cdc *, struct change *);
/* Print a change without rows: truncate, ddl. */
void change_bare(struct cdc *, struct change *);

enum cdc_what maxwell_take(struct cdc *);
enum cdc_what canal_take(struct cdc *);
enum cdc_what debezium_take(struct cdc *, struct val schema, struct val key);

#endif
