/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stage - a run's directory: what its writers prepared, and the record that publishes all of it or nothing
 *
 *	rc = rundir_make(&place, "ods_order", pins,
    &r);	// $ROOT/TENANT/_run/ID, locked while this process lives
 *	… tools stage under r.dir …
 *	rc = rundir_publish(&r, about, &commits);	// run.json: the commit point; then each table
 *	rc = rundir_drop(&r, "its shell ended with 4");	// or: never
 *
 *	_run/ID/lock		flocked by the runner: whoever can take it knows that the runner is dead
 *	_run/ID/pins		TABLE N a line: the commits this run reads (optional, written before its shell starts)
 *	_run/ID/inputs/TABLE	N: the commit a table was read at, by the first reader where pins do not say (store/ref)
 *	_run/ID/reads		TABLE@DAYS HASH a line: what was read, by content
 *	_run/ID/stage/X.open	TABLE, then DAY FILE a line: a writer at work
 *	_run/ID/stage/X.json	its prepared commit, durable
 *	_run/ID/flow/		begin and end records of tools (run/flow)
 *	_run/ID/run.json	{…,"kind":"publish"|"drop",…,"sha256"}: linked, never replaced: it is said once
 *	_run/done/ID, failed/ID	afterwards
 *
 * Invariants: run.json `publish` is durable before any table of the run changes, and from then on every start
 * of a runner brings the rest in (nonces make that idempotent); a run without one is dropped by publishing
 * `drop` under the same name, so a runner thought dead that is not, and whoever drops its run, can never both win.
 */
#ifndef STORE_STAGE_H
#define STORE_STAGE_H

#include <jansson.h>

#include "store/layout.h"

/* ---- inside a run: one writer ---- */

struct stage;
/* Begin to stage for a table; nonce is the record's. EXIT_IO when the run is gone. */
int stage_open(const char *run_dir, const char *table, const char *nonce, struct stage **);
/* A pool file is about to be created. */
int stage_note(struct stage *, const char *day, const char *file);
/* The prepared record, durable; the writer is done. Frees the stage in any case. */
int stage_close(struct stage *, const json_t *record);
/* The writer failed: its stage stays open, so that the run cannot be published. Frees the stage. */
void stage_abort(struct stage *);

/* ---- the runner ---- */

struct rundir {
	char *dir, *id;
	int lock;
};

/* Make a run; label (a node's name, "run") becomes part of its id. pins may be empty. */
int rundir_make(const struct place *, const char *label, struct span pins, struct rundir *);
/*
 * Check that every stage is closed and would enter its table now, write run.json, then publish.  about's
 * members go into run.json.  commits (may be NULL) gets `TABLE N` lines.  EXIT_TEMP: a conflict, nothing
 * published, or the run was dropped by another; drop it then.  Other errors after the commit point:
 * rundir_redo will go on.
 */
int rundir_publish(struct rundir *, json_t *about, struct buf *commits);
/* Publish nothing, ever; remove what was staged. */
int rundir_drop(struct rundir *, const char *why);
/* Let go of the lock and the memory. */
void rundir_free(struct rundir *);
/*
 * What runs at work hold, for a collector.  Each pool file that a stage names, and each number a table is read at; a
 * run that ends meanwhile is in the tables' logs before it is missing here.  0, each's status, EXIT_IO.
 */
int rundir_files(const struct place *, int (*each)(void *arg, const char *table, const char *day, const char *file),
    void *arg);
int rundir_pins(const struct place *, int (*each)(void *arg, const char *table, uint64_t n), void *arg);
/* Go through the runs whose runners are dead: finish those that have a record, drop the others. */
int rundir_redo(const struct place *);

#endif
