/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctx - what run keeps for one command (for the files of lib/run alone)
 *
 *	struct ctx c = { .cmd = cmd };
 *	rc = input_all(&c);		// every operand through the command's batch function
 *
 * Invariants: one per process; commands see it only through run.h.  `emitted` counts the records of the current
 * batch whose output is settled: what stands before it never goes out again.
 */
#ifndef RUN_CTX_H
#define RUN_CTX_H

#include <signal.h>
#include <time.h>

#include "base/map.h"
#include "in/scan.h"
#include "in/source.h"
#include "out/json.h"
#include "out/reject.h"
#include "run/flow.h"
#include "run/opt_parse.h"
#include "run/yield.h"
#include "run/run.h"

struct common {			/* targets of the common options */
	bool help, version, print_options, progress, line_buffered;
	const char *output, *reject, *max_rejects, *stats, *tz;
	struct opt_list arg;
	int on_error;		/* 0 fail, 1 skip */
	int key_as;		/* enum key_as */
	uint64_t jobs;
	size_t memory, max_line, max_string, max_depth, max_keys;
};

struct side {
	struct sink *sink;
	struct buf names;	/* `"name":` of each cell, one after the other */
	struct span *key;
	size_t n_keys;
};

struct note {
	const char *name;
	uint64_t n;
};

/*
 * How a second input is read by several threads: what each() makes of a batch, in any of them, is given to take(), in
 * the order of the input, by the one that reads it.  With one thread it is the same, a batch at a time.
 */
struct second {
	void *arg;
	void *(*thread)(void *arg);		/* what one of them has for itself; NULL ends it: */
	void (*thread_end)(void *arg, void *thread);
	/* Appends to `made`, to at least 8 bytes each time; c: of this thread, only for its c->feed. Sets no fates. */
	int (*each)(void *thread, const struct ctx *, const struct batch *, struct buf *made);
	/* `line`: what to add to the line numbers that each() saw. 0 or an exit status. */
	int (*take)(void *arg, struct span made, uint64_t line);
};

/* What becomes of lines where they are scanned, before their turn, in any thread: batch() finds it at b->ahead. */
struct ahead {
	/* of the records whose fate is F_PASS; {0, 0} of one that is to be looked at in its turn */
	void (*make)(const void *arg, const struct batch *, struct buf *scratch, struct fp *out);
	const void *arg;
	/* what there is behind a block, or behind the last one, for struct sides (run/sides.h) alone; optional */
	void (*end)(const void *arg, bool last, struct buf *made);
};

/* What is being read: the main input or a second one. */
struct feed {
	const struct command *cmd;	/* main input; NULL: each() */
	int (*each)(void *, const struct batch *);
	void *arg;
	const struct second *second;	/* instead of each() */
	void *thread;			/* its */
	struct buf made;
	struct source *src;
	struct scan *scan;
	bool main;
	bool look;			/* nothing is counted (ctx_look) */
	/* -j (run/crew.h) */
	unsigned threads;		/* that may work on it */
	uint64_t blocks;		/* read by this thread */
	struct crew *crew;
	bool waited;			/* whoever gives the blocks waits himself, for another input too */
	uint64_t seq;
	/* messages instead of a source: whose, and what stands for line and offset of each line of the block */
	const char *name;
	const uint64_t *place;
	/* of the batch being handled */
	uint64_t line_number;		/* of record 0 of the batch */
	uint64_t offset;		/* of the block */
	const char *block;
	const struct fp *ahead;		/* of the scanned lines being handled; NULL: not made */
	uint64_t lines;			/* of the block handled last */
	const struct batch *batch;
};

struct crew;
struct epoch;
struct kept;

struct ctx {
	const struct command *cmd;
	void *st;
	struct common opt;
	char **file;		/* operands that are files, NULL-terminated */
	size_t n_files;
	char **command;		/* CMD_COMMAND: what stands behind `--` */
	const struct zone *zone;
	struct expr_arg *arg;
	struct expr_state *expr_state;
	struct pathset *paths;
	struct feed *feed;	/* the one running now */
	struct feed main_feed;
	struct sink *rejects;
	struct side *side;	/* [0] is stdout */
	size_t n_sides;
	struct buf line;	/* the record being made */
	size_t emitted;
	/* a bad record has ended the work: what stands behind it neither goes out nor counts */
	int broke;
	struct host host;
	struct epoch *epoch;	/* NULL: in no barrier job (run/epoch.h) */
	/* -j (run/crew.h) */
	unsigned sharing;	/* that share -S now; 0 is one */
	bool serial;		/* ctx_serial */
	struct ahead ahead;	/* of the main input; make is NULL: nothing (ctx_ahead) */
	const struct col_list *ahead_key;
	struct yield *yield;	/* of a thread's ctx: where what it puts out goes */
	/* accounts */
	struct flow_counts count;
	uint64_t blank, nulls, total_rejects, max_rejects, max_percent;
	uint64_t past_in;		/* records before this process, in a job: total_rejects is of them too */
	uint64_t second_in;	/* records of second inputs: counted apart, for the progress and --stats */
	struct map *reasons;
	struct note *note;
	size_t n_notes;
	struct timespec began, shown;
	bool has_max_rejects, has_max_percent;
};

/* input.c */
int input_all(struct ctx *);
int input_block(struct ctx *, struct feed *, const struct pathset *, const struct block *);
/* The same of one that was scanned (run/kept.h), and counted. */
int input_kept(struct ctx *, struct feed *, const struct pathset *, const struct block *, const struct kept *);
/* The lines of a block to whoever reads the feed; *number: of the first line behind it. */
int block_lines(struct ctx *, struct feed *, const struct pathset *, const struct block *, uint64_t *number);
int scanned_lines(struct ctx *, struct feed *, const struct pathset *, const struct scanned *, uint64_t *number);
/* ctx_read (run.h), by threads where there may be several. */
int input_second(struct ctx *, const char *operand, const struct pathset *, const struct second *);
/* For take(): a bad record, by its number in the input and where it stands in the block. 0, or what ends the work. */
int second_reject(struct ctx *, uint64_t number, struct span line, const char *why);
/* ctx_look, by threads. */
int input_look(struct ctx *, const char *operand, const struct pathset *, const struct second *);
/* Where a line of a feed stands: in its file, or as what message. */
struct where place_of(const struct feed *, uint64_t number, uint64_t offset);
struct scan_conf scan_limits(const struct ctx *);
/* PIPEHOUSE_BLOCK: bytes of a block, so that tests of what blocks are cut from need no large files; 0: not said. */
size_t block_asked(void);
/* emit.c: what is settled goes out: passing lines up to record i are copied, neighbours as one piece; fates counted */
void emit_upto(struct ctx *, const struct batch *, size_t i);
/* One bad record of the main input or a second one. 0, or what ends the work with it. */
int bad_record(struct ctx *, struct where, const char *why, struct span raw);
/* stats.c */
int stats_write(struct ctx *, int status, struct buf *json);
void stats_progress(struct ctx *, bool last);
/* zone.c: the warehouse's zone against --tz and PIPEHOUSE_TZ. 0 or EXIT_USAGE after a message. */
int zone_settle(struct ctx *);
extern volatile sig_atomic_t run_stop;

#endif
