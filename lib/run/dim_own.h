/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dim_own - what the files of run/dim share: reading rows, tables through a file (see dim.h)
 *
 *	if (dim_csv(operand, &delimiter)) rc = dim_csv_read(d, delimiter, each, d);
 *	if (!share_map(path, conf, n_keys, t)) ... read it ... share_write(path, conf, n_keys, t);
 *
 * Invariants: a shared table's file has a version, this machine's byte order, checksums of its head and of the rest,
 * the configuration it was made by as text, the seed of its hashes, then slots and rows as op/join has them.  It
 * appears under its name whole (O_TMPFILE, linkat) and is never written again; readers trust nothing in it before
 * sums and structure were checked, and take only a file of their own that nobody else can write.  The seed is random
 * and stays in that file: who feeds records cannot know it, and looking up makes no chain longer.
 */
#ifndef RUN_DIM_OWN_H
#define RUN_DIM_OWN_H

#include "run/dim.h"

#define DIM_NAME_PAD 16		/* readable bytes behind the name of a field */

/* Is it CSV by its name? */
bool dim_csv(const char *operand, char *delimiter);
/* As ctx_read, each row of CSV made a record of strings, numbers and nulls. */
int dim_csv_read(struct dim *, char delimiter, int (*each)(void *arg, const struct batch *), void *arg);

/* An empty one, for the dimension to be read into; whole: all of it in memory, whatever the budget. */
struct dim_table *dim_table_new(const struct dim *, bool whole);
/* NULL is fine. */
void dim_table_free(struct dim_table *);

/* Have t, which is empty, use the file of that name. False: there is none, or none that may be trusted. */
bool share_map(const char *path, struct span conf, size_t n_keys, struct dim_table *t);
/*
 * Write t under that name, over a damaged file too, and have t use the mapping from now on.  What does not work is
 * said and leaves t as it is.
 */
void share_write(const char *path, struct span conf, size_t n_keys, struct dim_table *t);
/*
 * Hold the lock of that name until the descriptor is closed, waiting for whoever reads the dimension under it while
 * that process gets on (its processor time), and ten minutes at most: one that is stopped or hangs must not hold up
 * all the others.  -1 after a warning, which names it: then the caller reads the dimension for itself.
 */
int share_lock(const char *path, const char *dim);
/* Remove those of the directory's files that no process took for SHARE_DAYS. */
void share_sweep(const char *dir);

#endif
