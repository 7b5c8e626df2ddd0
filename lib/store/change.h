/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * change - one writer's work on one table: files first, then one record
 *
 *	rc = change_begin(t, "wh-put", run_dir, &c);	// run_dir NULL: published at the end; else staged in the run
 *	rc = change_replace(c, "2026-11-20");
 *	rc = change_part(c, "2026-11-20", NULL, false, &p); … part_line(p, line) …
 *	rc = change_end(c, &n);				// or change_abort(c)
 *
 * Invariants: nothing is seen of a change before change_end; after change_abort, or a crash, nothing ever.
 * Its base is the head that change_begin read.  Files are durable before the record that names them is
 * written.
 */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include "store/pool.h"

struct change;

/* Begin; t is open for writing and outlives the change. 0 or EXIT_IO. */
int change_begin(struct table *t, const char *app, const char *run_dir, struct change **out);
uint64_t change_base(const struct change *);
/* Where the table's trace ids stand, for part_row; NULL: nowhere. Lives as long as the change. */
const struct pathset *change_ids(const struct change *);
/* A new file of a day. app: the source whose records it will hold, or NULL. The change owns the part. */
int change_part(struct change *, const char *day, const char *app, bool delta, struct part **out);
/* The day is replaced: its files of this change are its content, also when there are none. */
void change_replace(struct change *, const char *day);
/*
 * These live files of the day, which stand side by side, go, and this change's files of it stand in their place with
 * the same rows. chain: live_chain up to the last of them. Once for a day.
 */
void change_rewrite(struct change *, const char *day, const char *const *file, size_t n, const char *chain);
/* All of this change enters, or none: a source that is not at `from` is a conflict, not left out. */
void change_whole(struct change *);
/* The day is dropped, as if it had never been committed. */
void change_drop(struct change *, const char *day);
/*
 * The day becomes files that are in its pool already, in this order, NULL: none, and it is dropped; they were live at
 * commit `of`.
 */
void change_restore(struct change *, const struct day *, const char *day, uint64_t of);
/* This change brings source app from `from` ("": its beginning) to `to`; epoch is its fence's number, or the base. */
void change_source(struct change *, const char *app, const char *from, const char *to, uint64_t epoch);
/* A column seen in these rows, with the kinds (1 << enum tag) of its values. */
void change_column(struct change *, struct span name, uint32_t types);
/* A count for the record, e.g. "in". */
void change_count(struct change *, const char *name, uint64_t n);
/*
 * Close and fsync the files, then publish, or stage in the run.  *number (may be NULL): the commit, 0 when
 * nothing changed or it is staged.  Frees the change. 0, EXIT_TEMP, EXIT_IO, EXIT_INPUT.
 */
int change_end(struct change *, uint64_t *number);
/*
 * As change_end up to the record, which the caller gets instead of its being published: its files are durable, and
 * whoever has the record answers for them.  Not in a run.  *record NULL: nothing changed.  Frees the change.
 */
int change_prepare(struct change *, json_t **record);
/* Remove what was written; frees the change. NULL is nothing. */
void change_abort(struct change *);

#endif
