/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout - where things stand on disk, and which names they may have
 *
 *	struct place p; if ((rc = place_get(&p)) != 0) return rc;	// PIPEHOUSE_ROOT, _TENANT, _OVERLAY
 *	char *dir = place_table(&p, "ods.order_info", PLACE_READ);	// …/ods/order_info
 *	place_free(&p);
 *
 * Invariants: every name that becomes part of a path was checked here: layers and tables are
 * [a-z0-9_]+ of at most NAME_BYTES_MAX bytes, a layer does not begin with '_' (runs and jobs stand
 * there), a day is a real YYYY-MM-DD. With PIPEHOUSE_OVERLAY=DIR its tables hide those of the
 * warehouse, and all writing goes to DIR.
 */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include "base/buf.h"

#define NAME_BYTES_MAX 64
#define DAY_BYTES 11		/* "YYYY-MM-DD" and NUL */

struct place {
	char *house;		/* ROOT/TENANT */
	char *write;		/* the overlay, else house */
};

enum place_use { PLACE_READ, PLACE_WRITE };

/*
 * From the environment; EXIT_USAGE after a message where PIPEHOUSE_ROOT is missing or a name is
 * bad.
 */
int place_get(struct place *);
void place_free(struct place *);
/* The directory of a table whose name was checked; the caller frees it. */
char *place_table(const struct place *, const char *name, enum place_use);

/* NULL, or why `LAYER.TABLE` is no table name. */
const char *table_name_bad(struct span name);
/* Is it exactly YYYY-MM-DD, a day that exists? Copies it, terminated, to out (may be NULL). */
bool day_good(struct span text, char out[DAY_BYTES]);
/* The name of commit n in _log, without the directory: 20 digits, so that names sort as numbers. */
void commit_name(uint64_t n, char out[32]);
/* The number in `<20 digits><suffix>`; 0 when the name is none. */
uint64_t commit_number(const char *name, const char *suffix);

#endif
