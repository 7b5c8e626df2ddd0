/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heads - the newest commits of the tables that a barrier job looks up, and the files it goes by, as its source pins
 * them
 *
 *	rc = heads_open(&h, j->path, "dim.sku,file:out.route");	// --pin, besides PIPEHOUSE_PINS
 *	rc = heads_settle(&h, &at);			// where the source goes on
 *	heads_open_pins(&h, plan.pins, &b);		// for the `open` line: what the plan says, and the files
 *	rc = heads_look(&h, false, now);		// at most every HEADS_MS, or at once after SIGHUP
 *	heads_print(&h, &b);				// {"dim.sku":317,"dim.user":12,"file:out.route":"HASH"}
 *	heads_take(&h, plan.pins);			// an epoch was sent again
 *	rc = heads_forget(&h, plans, id);		// nobody goes back behind epoch id
 *	heads_close(&h);
 *
 * Invariants: a table that is not there has commit 0.  Numbers never fall.  Tables are named once and in the order of
 * their names, files behind them (run/confs.h).  One process has one of these: SIGHUP is the process's.
 */
#ifndef RUN_HEADS_H
#define RUN_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "run/confs.h"

#define HEADS_MS 10000

struct table;
struct head {
	char *name;
	struct table *table;
	uint64_t commit;
};

struct heads {
	struct head *v;
	size_t n;
	struct confs confs;
	const char *job;	/* its directory */
	uint64_t sweep;		/* versions of files are looked through when that epoch is settled; 0: no need */
	int64_t looked;		/* when, by a clock that only runs forward; INT64_MIN: never */
};

/*
 * list: TABLE,file:NAME,keys:NAME,... or NULL; job, its directory, must outlive it.  From here SIGHUP is caught.  0;
 * EXIT_USAGE for what names no table, EXIT_IO, EXIT_INPUT.
 */
int heads_open(struct heads *, const char *job, const char *list);
/* As confs_settle. */
int heads_settle(struct heads *, const struct confs_at *);
void heads_take(struct heads *, struct span pins);
void heads_open_pins(const struct heads *, struct span pins, struct buf *);
/* Read them on, where it is time. `now` runs forward (ms). 0, EXIT_IO, EXIT_INPUT. */
int heads_look(struct heads *, bool at_once, int64_t now);
/* Append the JSON object. */
void heads_print(const struct heads *, struct buf *);
/* Versions of files that nothing names go, some epochs behind the last that was new. 0 or as confs_sweep. */
int heads_forget(struct heads *, const char *plans, uint64_t settled);
void heads_close(struct heads *);

#endif
