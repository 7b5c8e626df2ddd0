/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsck - is a table what its log says: records, checkpoints, files, rows, views
 *
 *	rc = fsck_table("ods.pay", &(struct fsck_conf){ .each = say, .arg = x }, &did);	// did.damage findings
 *
 * Invariants: changes nothing, but with repair the views, `_table` and indexes, which are copies.  Damage is what makes
 * a reader fail or read other rows; the rest (stale copies, files of nobody) is told and does no harm.  A finding does
 * not end the search; what cannot be read at all does (EXIT_IO).
 */
#ifndef STORE_FSCK_H
#define STORE_FSCK_H

#include <stdbool.h>
#include <stdint.h>

enum fsck_is { FSCK_DAMAGE, FSCK_STALE, FSCK_REPAIRED, FSCK_ORPHAN };

struct fsck_finding {
	enum fsck_is is;
	const char *table, *day, *file, *text;	/* day, file: or NULL */
	uint64_t commit;			/* or 0 */
};

struct fsck_conf {
	int (*each)(void *arg, const struct fsck_finding *);	/* 0 or a status that ends it */
	void *arg;
	bool quick;		/* sizes only: files are not read */
	bool repair;		/* views, `_table` and indexes are made again */
};

struct fsck_did { uint64_t damage, stale, orphans, commits, files, rows, bytes; };

/* Adds to *did. 0 (also with findings), EXIT_NO: there is no such table, EXIT_USAGE, EXIT_IO, each's status. */
int fsck_table(const char *table, const struct fsck_conf *, struct fsck_did *did);

#endif
