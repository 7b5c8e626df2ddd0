/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confs - the configuration files that a barrier job goes by, as its source pins them
 *
 *	rc = confs_add(&s, span_str("file:out.route"));	// words of PIPEHOUSE_PINS and --pin; spec:tel.clean
 *	rc = confs_look(&s, job);			// before a plan: those that are followed, as they are now
 *	confs_print(&s, false, &b);			// `"file:out.route":"HASH"` for it
 *	rc = confs_settle(&s, job, &at);		// before the `open` line, which gets confs_print(&s, true, &b)
 *	confs_take(&s, plan.pins);			// an epoch was sent again: that is where it stands
 *	rc = confs_sweep(job, plans);			// versions that nothing names any more
 *
 *	JOB/conf/pins	`{"at":EPOCH,"spec:tel.clean":"HASH","keys:pii":"SUM",…}`: where the source went on, and what
 *			held there
 *
 * Invariants: a version is kept (run/conf.h) before a plan or line names it.  What is followed stands in each plan, for
 * the epoch behind it.  What is not, `spec:`, is settled when the source goes on, and stands in conf/pins: of all
 * epochs behind EPOCH that a sink has, and of those that any stage may have seen before a crash, it is the version.
 * So another one is taken where nothing behind EPOCH was ever planned; or where a person starts the job anew and no
 * sink has anything behind it, for then the file may be the reason why.  A file that cannot be read any more leaves
 * things as they are.  The files of keys that a version of cleaning rules names are pinned with it, as `keys:` and by
 * what tells them apart alone: it is for the stage to find the keys that held.
 */
#ifndef RUN_CONFS_H
#define RUN_CONFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"

struct confs {
	struct conf {
		char *word;		/* "file:NAME", "spec:NAME", "keys:NAME" */
		const char *file;	/* in it */
		const char *name;	/* for messages */
		bool follows, keys;
		char hash[SHA256_HEX + 1];	/* "": none yet */
		struct buf said;	/* why it cannot be read, last time */
	} *v;
	size_t n;
	bool fresh;			/* a version was kept since the last sweep */
};

/* Where the source goes on. */
struct confs_at {
	uint64_t from;			/* behind that epoch, */
	struct span pins;		/* whose plan says this, */
	uint64_t planned;		/* there are plans up to that one, */
	bool sure;			/* and no sink has any of these; */
	bool again;			/* by itself, after a failure */
};

/* Is it a word of that kind? */
bool confs_is(struct span word);
/* 0, or EXIT_USAGE. Named once: another time changes nothing. */
int confs_add(struct confs *, struct span word);
/* 0; EXIT_IO, EXIT_USAGE also where a file cannot be read that nothing is known of. */
int confs_look(struct confs *, const char *job);
/* As confs_look; what holds from here on is durable when it returns. */
int confs_settle(struct confs *, const char *job, const struct confs_at *);
void confs_take(struct confs *, struct span pins);
/* Append members, each with a comma before it but for the first of an object. all: `spec:` too. */
void confs_print(const struct confs *, bool all, struct buf *object);
/* Remove the versions that no plan in that directory, nor anything in JOB/conf, names. 0 or EXIT_IO, EXIT_INPUT. */
int confs_sweep(const char *job, const char *plans);
void confs_free(struct confs *);

#endif
