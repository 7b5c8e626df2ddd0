/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge - changes and a base, in key order out: what stands between cdc-merge's columns and fold
 * and zip
 *
 *	struct merge *m = merge_new(&conf); rc = merge_columns(m, "id", col, ctx);
 *	merge_batch(m, b, NULL, NULL);			// each batch of changes: sets fates
 *	merge_let_go(m);				// now and then: their lines may go
 *	merge_base_begin(m, BASE_STREAM);
 *	ctx_read(ctx, base, merge_base_paths(m), each, m);	// each: merge_base_batch
 *	rc = merge_end(m);
 *
 * Invariants: keys are canonical forms joined by ',', and rows come out in their byte order.  A
 * base in that order streams through; any other is sorted.  All changes are of one table.
 */
#ifndef CDC_MERGE_H
#define CDC_MERGE_H

#include "base/batch.h"
#include "base/when.h"
#include "cdc/zip.h"
#include "in/path.h"

struct merge_conf {
	struct zip_conf zip;
	enum key_as key_as;
	const struct zone *zone;	/* a change's day is the day of ts there */
	int32_t date;			/* days: changes of later ones are left aside */
	const char *table;		/* only this: TABLE or DB.TABLE; NULL: all must be of one */
	size_t budget;			/* bytes; past it state goes to disk */
	bool based;			/* a base follows: half of the budget is its */
	/*
	 * Instead of all that follows merge_batch: each change goes there behind its batch, its row being the whole
	 * line that said it; one of a moved key is two, the first a line that is made for it, `d` of the old key; a
	 * truncate has the key "".  What holds only some columns is bad then, but a delete.  NULL: changes are folded.
	 */
	void (*each)(void *arg, struct span key, const struct fold_change *);
	void *arg;
};

struct merge_notes {
	uint64_t later_days, ddl, other_tables, late, same_day, incomplete, mixed;
};

enum merge_base_how {
	BASE_CHECK,	/* see only whether rows come in key order */
	BASE_STREAM,	/* they do: write as they come */
	BASE_HOLD,	/* they do not: sort, then write */
	BASE_PASS	/* no key is known, nothing changed: write them as they are */
};

struct merge *merge_new(const struct merge_conf *);
/* Gives the column of a path, or -1 after a message that names `what`. */
typedef int merge_col(void *arg, struct span path, const char *what);
/*
 * Ask for the columns of cdc-norm's lines and of the key's paths (keys NULL: the change's own key).
 * 0, or -1 after a message.
 */
int merge_columns(struct merge *, const char *keys, merge_col *, void *arg);
/*
 * Take changes: sets their fates. 0 or EXIT_IO after a message.  Their lines must stay until merge_let_go (not with
 * `each`), so that what is looked up for one change comes while others are waited for.  turn NULL: batches come in
 * order.  Else: until a change has said what table and key all are of, turn(arg) waits for the batches before this
 * one; what it returns if not 0 is returned.
 */
int merge_batch(struct merge *, const struct batch *, int (*turn)(void *), void *arg);
/* What was kept of the lines is used; NULL: nothing. 0 or EXIT_IO after a message. */
int merge_let_go(struct merge *);
/* One more, to take changes in another thread into the state of the first; joined to it when that ends. */
struct merge *merge_more(struct merge *first);
void merge_join(struct merge *first, const struct merge *);
/*
 * The columns of the base; fixed once asked for, so after all changes. NULL: no key is known, for
 * no change had one.
 */
const struct pathset *merge_base_paths(struct merge *);
bool merge_truncated(const struct merge *);
/*
 * To be called before rows of the base, and without a base (BASE_STREAM) too. 0 or EXIT_IO after a
 * message.
 */
int merge_base_begin(struct merge *, enum merge_base_how);
/*
 * Rows of the base; bad ones get F_REJECT. 0; a status as merge_end's; -1: BASE_CHECK has seen
 * enough (merge_disorder).
 */
int merge_base_batch(struct merge *, const struct batch *);
/* Has BASE_CHECK seen rows out of order, or bad ones? */
bool merge_disorder(const struct merge *);
/*
 * All rows that are still to come. 0, a status of put, or EXIT_INPUT after a message: the base's
 * rows of a key do not fit.
 */
int merge_end(struct merge *);
/*
 * Instead of all from merge_base_begin to merge_end, where there is no base: behind the joins, in how many pieces the
 * rows may be made by several threads; 0: in none.  And one of them, in any thread: its rows go to put, in order, and
 * the pieces' in theirs. 0, a status of put, or EXIT_IO after a message.
 */
size_t merge_pieces(struct merge *);
int merge_piece(struct merge *, size_t i, int (*put)(void *arg, struct span line), void *arg);
void merge_notes(const struct merge *, struct merge_notes *);
void merge_free(struct merge *);

#endif
