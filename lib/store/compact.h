/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compact - a day's rows in fewer files: the deltas of a keyed table folded, small files put together
 *
 *	struct compact_conf conf = { .target = 128 * MIB };
 *	do rc = compact_day(t, "2026-11-20", run_dir, &conf, &did); while (rc == 0 && did.files > 0);
 *
 * Invariants: rows read the same before and after, byte for byte and in the same order; so does live_chain.  A
 * rewrite takes away files that stand side by side and enters only while all of them are live; who replaces, appends
 * or changes meanwhile does not mind it.  A folded day of a keyed table is base files in key order, then at most one
 * delta, of tombstones.
 */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include "store/table.h"

#define FOLD_FILES_MAX 64	/* read at once; a day of more is folded in several steps */

struct compact_conf {
	uint64_t target;	/* bytes: files of an unkeyed table that together hold no more become one */
	bool dry;		/* only say what would be done */
};

struct compact_did {
	size_t files, made;	/* taken away, put in their place; 0 files: there is nothing to do */
	uint64_t rows, bytes;	/* rows of what was made; bytes of what is taken away */
	uint64_t commit;	/* 0: dry, or staged in a run */
};

/*
 * One step of one day, as t stands; t is followed.  run_dir NULL: published, and begun again when another writer was
 * faster, a few times.  0, EXIT_TEMP, EXIT_IO, EXIT_INPUT.
 */
int compact_day(struct table *t, const char *day, const char *run_dir, const struct compact_conf *,
    struct compact_did *);

#endif
