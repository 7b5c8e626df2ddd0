/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heads - the newest commits of the tables that a barrier job looks up, as its source pins them
 *
 *	rc = heads_open(&h, "dim.sku,dim.user");	// --pin, besides PIPEHOUSE_PINS
 *	rc = heads_look(&h, false, now);		// at most every HEADS_MS, or at once after SIGHUP
 *	heads_print(&h, &b);				// {"dim.sku":317,"dim.user":12}
 *	heads_close(&h);
 *
 * Invariants: a table that is not there has commit 0.  Numbers never fall.  Tables are named once and in the order of
 * their names.  One process has one of these: SIGHUP is the process's.
 */
#ifndef RUN_HEADS_H
#define RUN_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

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
	int64_t looked;		/* when, by a clock that only runs forward; INT64_MIN: never */
};

/* list: TABLE,... or NULL. From here SIGHUP is caught. 0; EXIT_USAGE for what names no table, EXIT_IO, EXIT_INPUT. */
int heads_open(struct heads *, const char *list);
/* Read them on, where it is time. `now` runs forward (ms). 0, EXIT_IO, EXIT_INPUT. */
int heads_look(struct heads *, bool at_once, int64_t now);
/* Append the JSON object. */
void heads_print(const struct heads *, struct buf *);
void heads_close(struct heads *);

#endif
