/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_create - a CREATE TABLE from the values seen
 *
 *	struct guess *g = guess_new();
 *	guess_see(g, name, v);				// each member of each record
 *	why = guess_sql(g, table, keys, n_keys, day, &sql);
 *	guess_free(g);
 *
 * Invariants: columns in the order of first sight, the day before all.  A column holds every value
 * seen without changing it: whole numbers BIGINT (from 19 digits on DECIMAL), others DECIMAL with
 * the digits seen, YYYY-MM-DD DATE, YYYY-MM-DD HH:MM:SS[.f] DATETIME where all have as many digits,
 * truth TINYINT(1), all else text of utf8mb4_bin.
 */
#ifndef EDGE_MYSQL_CREATE_H
#define EDGE_MYSQL_CREATE_H

#include "edge/mysql.h"

struct guess;
struct guess *guess_new(void);
void guess_see(struct guess *, struct span name, struct val);
/*
 * Names of keys, without the day's; day may be empty. NULL, or a reason that lives as long as the
 * guess.
 */
const char *guess_sql(struct guess *, const struct db_tab *, const struct span *key, size_t n_keys,
    struct span day, struct buf *sql);
void guess_free(struct guess *);

#endif
