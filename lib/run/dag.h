/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dag - a file of nodes: shell texts, what each waits for, and what is known of its last run
 *
 *	struct dag *d; if ((rc = dag_read("nightly.dag", &d)) != 0) return rc;
 *	for (size_t i = 0; i < d->n; i++) use(d->node[i].name, d->node[i].body, d->node[i].dep, …);
 *	struct dag_record r; dag_record_read(d, &d->node[i], "2026-11-20", &r);
 *
 * Invariants: `NAME: DEP DEP@-1 … retries=N timeout=DUR` over indented shell lines.  Every DEP names a node of
 * the file; without the @-1 edges there is no circle.  Records are small JSON files, written whole, one a node
 * and day, under $PIPEHOUSE_STATE/dag/DAG/DAY/: they say what happened last; the tables say what is true.
 */
#ifndef RUN_DAG_H
#define RUN_DAG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/spec.h"
#include "out/sink.h"
#include "store/reads.h"

struct dag_dep {
	size_t node;
	bool day_before;	/* NODE@-1 */
};

struct dag_node {
	const char *name;
	size_t line;
	struct span body;
	struct dag_dep *dep;
	size_t n_deps;
	uint64_t retries;
	int64_t timeout_ms;	/* 0: none */
	int64_t delay_ms;	/* before the first retry; doubles, at most 5 minutes */
	char hash[33];		/* of the body and of the files beside the dag that it names */
};

struct dag {
	struct spec *spec;
	char *name;		/* file name without directory and .dag */
	char *dir;		/* where the file stands: nodes run there */
	char *state;		/* …/_state/dag/NAME, see state_path.h */
	struct dag_node *node;
	size_t n;
	bool *depends;		/* [n * n]: row a, column b: dag_depends(a, b) */
};

/* Read and check a file. 0; EXIT_USAGE after `file:line: what`; EXIT_IO. */
int dag_read(const char *path, struct dag **);
/* Index of a node by its name, or SIZE_MAX. */
size_t dag_find(const struct dag *, struct span name);

enum dag_known { DAG_NEVER, DAG_BEGUN, DAG_DONE, DAG_FAILED };	/* begun: and its end was never said */
struct dag_record {
	enum dag_known known;
	int status;
	char hash[33];
	char run[128];
};

/*
 * STATE/DAY/NAMESUFFIX into out, terminated; the directory is made when asked for. 0 or EXIT_IO. For files of lib/run
 * alone.
 */
int dag_file(const struct dag *, const char *day, const char *name, const char *suffix, bool make, struct buf *out);

/* What is known of a node on a day; an unreadable record is said and counts as DAG_NEVER. */
void dag_record_read(const struct dag *, const struct dag_node *, const char *day, struct dag_record *);
/* Durable, before a node's run can publish anything: so that its end is known whatever becomes of us. */
int dag_record_begin(const struct dag *, const struct dag_node *, const char *day, const char *run);
/* A node that begun and whose run was published is done: say so, and move the pins on. 0 or EXIT_IO, EXIT_INPUT. */
int dag_record_end(const struct dag *, const struct dag_node *, const char *day);
/*
 * Durable. commits: `TABLE N` lines. 0 or EXIT_IO.
 */
struct dag_said {
	int status;
	const char *run;		/* its id; what it read is in the record of the run */
	const char *hash;		/* NULL: the node's, as it is now */
	uint64_t attempts;
	double seconds;
	struct span commits;
};
int dag_record_write(const struct dag *, const struct dag_node *, const char *day, const struct dag_said *);
/*
 * Would the node read the same rows as its last run did, at the commits pins (`TABLE N` lines, other tables at their
 * heads)?  Tables that the node itself wrote do not count.  *why gets what differs.
 */
enum reads_now dag_reads(const struct dag *, const struct dag_node *, const char *day, struct span pins,
    struct buf *why);
/* Was what the node wrote for the day rolled back since, so that there is no such day? *why gets it. */
bool dag_dropped(const struct dag *, const struct dag_node *, const char *day, struct buf *why);
/* Has any day before this one a record of the node? If not, its @-1 edge waits for nothing: this is the first day. */
bool dag_has_past(const struct dag *, const struct dag_node *, const char *day);
/*
 * Does a depend on b, over whatever edges, @-1 or not?  A node that depends on itself is cumulative: what it makes of
 * a day goes into what it makes of the next.
 */
bool dag_depends(const struct dag *, size_t a, size_t b);
/* The log of a node on a day, opened for appending; -1 after a message. */
int dag_log_open(const struct dag *, const struct dag_node *, const char *day, struct buf *path);
/* Where a call begins in a log; dag_log_copy finds the last one. */
int dag_log_begin(int fd, const char *day, const char *node, uint64_t attempt, const char *run);
/* What the last call wrote to a node's log, all attempts of it. 0; EXIT_NO: there is none; EXIT_IO. */
int dag_log_copy(const struct dag *, const struct dag_node *, const char *day, struct sink *);
/* The last message of the last attempt in that log, masked (err_mask); empty: none is near its end. */
void dag_log_said(const char *path, char *said, size_t size);
/*
 * Take the lock of (dag, day), or, with a node, of that node alone, which others may hold for other nodes: 0, or
 * EXIT_TEMP after a message that names the holder's pid; held until the process ends.
 */
int dag_lock(const struct dag *, const char *day, const struct dag_node *);
/*
 * The commits that a day's nodes read: `TABLE N` lines.  Taken at the start of a run, kept for --resume, and moved on
 * by what the nodes themselves commit.
 */
int dag_pins_read(const struct dag *, const char *day, struct buf *pins);
int dag_pins_write(const struct dag *, const char *day, struct span pins);
/* Lay news over what is kept, or, first, only where nothing is; several processes may do so at once. */
int dag_pins_add(const struct dag *, const char *day, struct span news, bool first);
/* Lay the `TABLE N` lines of news over pins. */
void dag_pins_merge(struct buf *pins, struct span news);

#endif
