/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_target - a table that rows are loaded into: does it fit what is asked, and how a record
 * becomes one of its rows
 *
 *	rc = target_open(&(struct target_conf){ .db = db, .table = "ads.gmv", .keys = "sku" }, &t);
 *	if (!target_there(t)) ... target_see() each record's members, then target_create(t) ...
 *	target_begin(t); ... why = target_put(t, TARGET_ROW, key, v); ... why = target_end(t, false, &row);
 *
 * Invariants: columns are those of the server's catalogue.  The keys and the day are exactly a
 * unique index of an InnoDB table, in binary collations unless collate_ok; without a day it is the
 * only one unless unique_ok.  Reasons live until the next call.
 */
#ifndef EDGE_MYSQL_TARGET_H
#define EDGE_MYSQL_TARGET_H

#include "base/hash.h"
#include "edge/mysql_load.h"

struct target_conf {
	struct db *db;
	const char *table;		/* [DB.]T */
	const char *keys;		/* A,B,... */
	const char *partition;		/* COLUMN=YYYY-MM-DD, or NULL */
	bool unique_ok, collate_ok, ignore_unknown;
	bool replace;			/* as a whole: other unique indexes do no harm */
	bool removes;			/* rows may come that are to be taken away */
	/* Only an older row is replaced, by this column: a member, or (version_apart) given by target_version. */
	const char *version;
	bool version_apart;
	const char *soft_delete;	/* rows are not taken away: this column says 1, of others 0 */
	const struct zone *zone;	/* of TIMESTAMP columns */
};

struct target;
/* 0, also where the table is not there; EXIT_USAGE and others after a message. */
int target_open(const struct target_conf *, struct target **);
bool target_there(const struct target *);
struct span target_name(const struct target *);	/* without its database */
bool target_marks(const struct target *);	/* soft_delete */
/* A member of a record, for target_create. key: as it stands between its quotes. */
void target_see(struct target *, struct span key, struct val);
/* Make the table from what was seen, if somebody else has not. 0 or a status after a message. */
int target_create(struct target *);

/*
 * What a member is put for: a row; what tells the row to be taken away, first from its key, then what that did not say
 * from the row as it was; or that row as a whole, but for what it does not know, to be marked as taken away.
 */
enum target_for { TARGET_ROW, TARGET_KEY, TARGET_REST, TARGET_MARK };

/* A record begins; each of its members; its end, when row is set but for id. NULL or a reason. */
void target_begin(struct target *);
const char *target_put(struct target *, enum target_for, struct span key, struct val);
/* Was there a member that is no column, since target_open?  The table may have that column by now. */
bool target_lacks(const struct target *);
const char *target_version(struct target *, struct val);	/* version_apart */
const char *target_end(struct target *, bool away, struct load_row *);
/* Instead of target_end: all rows that are not newer are to be taken away. */
const char *target_all(struct target *, struct load_row *);

/* Put what the loader must know into conf: db, table, keys, day. Pre: the table is there. */
void target_loader(const struct target *, struct load_conf *);
/* `T dt=D` for the ledger; "" without a partition. */
const char *target_ledger(const struct target *);
/*
 * What the ledger knows a content by: lines is a hash of the records; how they are stored counts
 * too.
 */
#define TARGET_CONTENT_BYTES 33
void target_content(const struct target *, struct fp lines, char out[TARGET_CONTENT_BYTES]);
void target_close(struct target *);

#endif
