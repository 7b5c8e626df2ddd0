/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run - what makes a function over batches a command: the record contract, once for all
 *
 *	static const struct command cmd = { .name = "dedup", .what = "…", .synopsis = "-k PATHS [FILE ...]",
 *	    .opts = opts, .state_bytes = sizeof(struct state), .set_up = set_up, .batch = batch, .end = end };
 *	int main(int argc, char *argv[]) { return run_main(argc, argv, &cmd); }
 *
 * Invariants: run owns arguments, inputs, blocks, scanning, rejects, counts, output, statistics, the run's flow
 * records and the exit status; a command owns what it does with a batch.  set_up makes the last allocations that do not
 * grow with the data.  Under control lines run hands in the only clock and watermark (base/mark.h).
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <signal.h>

#include "base/batch.h"
#include "base/err.h"
#include "base/mark.h"
#include "base/op.h"
#include "base/when.h"
#include "expr/expr.h"
#include "in/path.h"
#include "out/sink.h"
#include "run/opt.h"

struct block;
struct ctx;
struct flow_counts;

/*
 * How a command runs on several cores: blocks in parallel with order kept, the same with states that are joined by
 * add(), or one batch after the other behind a parallel scan.  In the first two, batch() runs in threads and may call
 * of the functions below only those of output (ctx_pass_*, ctx_made_*, ctx_side, ctx_host), those that ask for
 * options, ctx_where, ctx_expr_state, ctx_source, ctx_left and ctx_turn; batch.seq0 is then no count, but still rises
 * with the input.
 */
enum par { PAR_STATELESS, PAR_ADD, PAR_SERIAL };

enum {
	CMD_EFFECT = 1,		/* writes more than stdout: SIGPIPE ends it cleanly with nothing unwritten committed */
	CMD_NO_INPUT = 2,	/* operands are not input files: `words` takes them all, `main` does the work */
	CMD_PLACES = 16,	/* words are known by their place, not their look: they may stand behind `--` too */
	CMD_TABLES = 8,		/* operands may be wh:TABLE[@DAYS]; their source name is wh:TABLE@DAY */
	/* a line `null` is a record that is dropped, not a bad one: a message without a value */
	CMD_NULLS = 32,
	/* what stands behind `--` is a command with its arguments (ctx_command), and no operand */
	CMD_COMMAND = 64,
	/*
	 * May stand in a barrier job (run/epoch.h): stateless, or all that it knows of the stream is in its
	 * operators (op).  Others refuse with EXIT_USAGE there.
	 */
	CMD_EPOCHS = 128,
	CMD_GATHER = 256,	/* batches as large as may be: it looks up the keys of a batch at once (scan_gather) */
	CMD_LINES = 4		/* lines are not JSON: every line is a record, no columns (cat-like, trace-grep) */
};

/* A sink of a barrier job: where epochs are committed. */
struct sink_ops {
	/* Its name in the job, what --job says; NULL: not asked for. */
	const char *(*name)(const void *st);
	/* Fence every older run; *id: the last epoch committed, 0 before the first. Called behind set_up. */
	int (*begin)(struct ctx *, void *st, uint64_t *id);
	/*
	 * The rows since the last mark and the mark, atomically, if (name, id - 1, this run) still stands;
	 * EXIT_TEMP if not.  What it rejected on the way is in ctx_counts.
	 */
	int (*commit)(struct ctx *, void *st, const struct mark *);
	/* Forget the rows since the last mark: an epoch that is committed already, or an end without a mark. */
	int (*drop)(struct ctx *, void *st);
};

struct command {
	const char *name, *what;
	const char *synopsis;		/* options and operands, as in the man page, without the name */
	const struct opt *opts;
	size_t state_bytes;		/* run gives set_up a zeroed state with the options filled in */
	unsigned is;			/* CMD_* */
	enum par par;
	/*
	 * Does the next operand belong to the command? 1: taken; 0: files begin here; or minus an exit status
	 * after a message. NULL: none do.
	 */
	int (*word)(struct ctx *, void *st, const char *word);
	/* Paths, expressions, side outputs, operators. 0 or an exit status after a message (ctx_usage). */
	int (*set_up)(struct ctx *, void *st);
	/* A batch: set fates; 0 or an exit status. */
	int (*batch)(struct ctx *, void *st, const struct batch *);
	/*
	 * The lines of a block go, in whatever thread its batches were: what they kept of them, spans into lines, is
	 * used now.  Some twenty kilobytes of lines are a batch, ten batches a block. 0 or an exit status. Optional;
	 * not in a barrier job, whose control lines stand between batches.
	 */
	int (*let_go)(struct ctx *, void *st);
	/*
	 * CMD_LINES, instead of batch: the blocks of in/source as they are, for inputs whose records are no
	 * lines; a block with n and long_line 0 ends each operand.  It counts what it finds (ctx_count_in, ctx_reject).
	 */
	int (*bytes)(struct ctx *, void *st, const struct block *);
	/*
	 * Nothing came for so many milliseconds: called about every IDLE_FLUSH_MS while the main input waits, from the
	 * first block on; what it writes goes out at once. 0 or an exit status. Optional.
	 */
	int (*idle)(struct ctx *, void *st, int64_t silent_ms);
	/*
	 * Before each block of a main input that is read block by block (a pipe, and the first blocks of files, before
	 * there are threads; not in a barrier job, which has `mark`): nothing is under way, so columns may be added and
	 * scanned for (run/dest_route.h). 0 or an exit status. Optional.
	 */
	int (*between)(struct ctx *, void *st);
	/* The main input has ended well: close operators. */
	int (*end)(struct ctx *, void *st);
	/* CMD_NO_INPUT: the whole work. */
	int (*main)(struct ctx *, void *st);
	/* Is there a main input, the operands or standard input, with these options? NULL: unless CMD_NO_INPUT. */
	bool (*reads)(const void *st);
	/*
	 * PAR_STATELESS, PAR_ADD: make st, zeroed, the state of one more thread, from `first`, which set_up made and
	 * which others may read: shared what nobody writes, a copy of its own of what batch() writes (scratch,
	 * operators by op->fresh).  Its ctx is the thread's own too. 0 or an exit status. NULL: batches come in
	 * order, one at a time.
	 */
	int (*thread)(struct ctx *, void *st, const void *first);
	/* The input has ended: take a thread's state back into st (counters, op->add), free what it holds. Optional. */
	int (*join)(struct ctx *, void *st, void *thread_st);
	/*
	 * Behind the joins, while the threads are still there: in how many pieces the end may be done, before
	 * `end` does the rest; 0: none, or *rc is an exit status.  And one of them, in any thread, with that thread's
	 * own ctx and state (joined, but not freed); what they put out stands in their order.  Asked again when they
	 * are done, until it says 0. Optional.
	 */
	size_t (*pieces)(struct ctx *, void *st, int *rc);
	int (*piece)(struct ctx *, void *st, void *thread_st, size_t i);
	/*
	 * What a block left by ctx_left; called by the main thread for the blocks one after the other, before the next
	 * one has its turn. 0 or an exit status. With ctx_left only.
	 */
	int (*past)(struct ctx *, void *st, struct span left);
	/* Its i-th operator, NULL after the last: run snapshots, spills and joins them. Optional. */
	const struct op *(*op)(void *st, int i, void **op_state);
	/*
	 * In a barrier job, at the end of an epoch, behind its last record: what is over by m->wm_ms goes out (it
	 * belongs to this epoch) before the state is saved.  Also at the `open` line, behind the load of the state,
	 * with its wm_ms: nothing is to be written then.  0 or an exit status. Optional.
	 */
	int (*mark)(struct ctx *, void *st, const struct mark *m);
	/*
	 * In a barrier job, of what gives its records to other processes: at every control line, `open` too, instead
	 * of all that run does with state: hand it on, wait until they have answered, write what they wrote.  The line
	 * itself then goes on with this command's counts.
	 */
	int (*relay)(struct ctx *, void *st, const struct mark *m);
	/* In a barrier job: a pinned table is now to be read at this commit. 0 or an exit status. Optional. */
	int (*pin)(struct ctx *, void *st, const char *table, uint64_t commit);
	const struct sink_ops *sink;	/* wh-put, mysql-load: the commit points */
	/*
	 * status so far (0 or what went wrong); commit or drop outside effects, free; returns the final status.
	 * Optional.
	 */
	int (*finish)(struct ctx *, void *st, int status);
};

/* Run a command; returns its exit status. Never returns for -h and --version. */
int run_main(int argc, char *argv[], const struct command *);

/* ---- for set_up ---- */

/* A usage message with the synopsis below it; returns EXIT_USAGE. */
int ctx_usage(struct ctx *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The column of a path of the main input, or -1 after a message that names the option `what`. */
int ctx_col(struct ctx *, struct span path, const char *what);
/* The columns of a list `PATH,NAME=PATH,…`. 0 or EXIT_USAGE after a message (also for two equal names). */
struct col_list {
	size_t n;
	int *col;		/* [n] */
	struct span *name;	/* [n] */
	struct span *key;	/* [n] `"name":`, for json_member */
};
int ctx_cols(struct ctx *, const char *list, const char *what, struct col_list *out);
/* A name for what is written, which must be UTF-8. 0 or EXIT_USAGE after a message. */
int ctx_name(struct ctx *, struct span name, const char *what);
/* The asked paths of the main input so far. */
const struct pathset *ctx_paths(struct ctx *);
/* Compile an expression over the main input; 0 or EXIT_USAGE after a message. Freed with the process. */
int ctx_expr(struct ctx *, struct span text, const char *what, struct expr **out);
/* What expressions of the main input are evaluated with. One per thread. */
struct expr_state *ctx_expr_state(struct ctx *);
/* For compiling over another input's paths (NULL: the main input's): this command's zone and --arg values. */
struct expr_env ctx_env(struct ctx *, struct pathset *);
/* Time zone: the warehouse's (warehouse.conf), else --tz, PIPEHOUSE_TZ, UTC. */
const struct zone *ctx_zone(struct ctx *);
/* -t PATH[:s|ms|us]: column and unit. 0 or EXIT_USAGE after a message. */
int ctx_time(struct ctx *, const char *text, const char *what, int *col, enum unit *);
int ctx_dur(struct ctx *, const char *text, const char *what, struct dur *);
/*
 * A day as a person says it, YYYY-MM-DD, today or yesterday in the zone, as days since 1970. 0 or EXIT_USAGE
 * after a message.
 */
int ctx_day(struct ctx *, const char *text, const char *what, int32_t *out);
/*
 * --dt: *dt as given, else DT of the environment; it is `day` then, which the caller has for it, and *number is that
 * day as of ctx_day. NULL: neither says one. 0 or EXIT_USAGE after a message.
 */
int ctx_dt(struct ctx *, const char **dt, char day[WHEN_DAY_BYTES], int32_t *number);
/* A side output file (numbers from 1), whole or appended; its path may not be "-". -1 after a message. */
int side_open(struct ctx *, const char *name, const char *path);
/* Names of the cells that host->row gets for that output. */
void ctx_names(struct ctx *, int out, const struct span *name, size_t n);
/*
 * The same for standard output: groups, then n results, of which no group may have the name. 0 or EXIT_USAGE after a
 * message.
 */
int ctx_names_of(struct ctx *, const struct col_list *groups, const char *const *result, size_t n);

/* ---- for batch and end ---- */

/* What operators write with. */
const struct host *ctx_host(struct ctx *);
/*
 * Record i passes with other bytes: begin, append the new line (no LF) to the buffer, end.  Records before i
 * pass first, so output order is input order.  The record counts as passed; set F_PASS (the default). Call in
 * increasing i.
 */
struct buf *ctx_pass_begin(struct ctx *, const struct batch *, size_t i);
int ctx_pass_end(struct ctx *);
/* A made record on stdout at this place (between passes of the records before i and from i on). */
struct buf *ctx_made_begin(struct ctx *, const struct batch *, size_t i);	/* b NULL: in end or main */
int ctx_made_end(struct ctx *);
/* A line to a side output. */
int ctx_side(struct ctx *, int out, struct span line);
/*
 * For the batch() of a command of which threads work on several blocks at once, and that must know something of what
 * stands before a batch.  ctx_left: where to put what those behind this block must know of it (command.past); empty
 * when the block begins; NULL: batches come in order. ctx_turn: wait until all blocks before this one are out; those
 * behind it then wait for this one. 0, or the work is over: return at once.
 */
struct buf *ctx_left(struct ctx *);
int ctx_turn(struct ctx *);
/* For past: what to add to the line numbers that ctx_where gave in its block. */
uint64_t ctx_left_line(struct ctx *);
/* Source position of record i of the current batch, for messages and positions. */
struct where { const char *source; uint64_t line, offset; };
struct where ctx_where(struct ctx *, const struct batch *, size_t i);
/* Byte offset in the current source behind the last line of the current batch. */
uint64_t ctx_offset(struct ctx *);

/*
 * Read a second input whole (a dimension, a base): a file, `-`, or wh:TABLE[@DAYS].  Same rules as the main
 * input, but a bad record stops with EXIT_INPUT unless --reject is given.  each() returns 0 or an exit status.
 */
int ctx_read(struct ctx *, const char *operand, const struct pathset *, int (*each)(void *arg, const struct batch *),
    void *arg);

/* A look at a second input before it is read: the same, but bad lines are passed over and nothing is counted. */
int ctx_look(struct ctx *, const char *operand, const struct pathset *, int (*each)(void *arg, const struct batch *),
    void *arg);

enum key_as ctx_key_as(const struct ctx *);	/* --key-as */
size_t ctx_budget(struct ctx *);		/* -S in bytes */
size_t ctx_max_line(struct ctx *);		/* --max-line in bytes */
/* Does a person read standard output? Then control bytes are masked, unless they were asked for. */
bool ctx_to_terminal(struct ctx *);
/* For bytes: the name of the operand at hand, for messages and rejects. */
const char *ctx_source(struct ctx *);
uint64_t ctx_jobs(struct ctx *);		/* -j */
/*
 * For set_up, or a batch() before there are threads: batches must come in order, whatever the command's par says.
 */
void ctx_serial(struct ctx *);
/*
 * For set_up, where batches come in order: the fingerprints of keys of these columns hang on nothing before them and
 * are made where lines are scanned, by other threads if there are some.  batch() finds them at b->ahead (op/sift.h).
 */
void ctx_ahead(struct ctx *, const struct col_list *key);
const char *ctx_run_dir(struct ctx *);		/* PIPEHOUSE_RUN or NULL */
const char *ctx_run_id(struct ctx *);		/* its last path component, or NULL */
/* A number or a JSON text for --stats and the run's record, e.g. ctx_note(ctx, "late", 3). */
void ctx_note(struct ctx *, const char *name, uint64_t n);
/* Counts of records that did not come through batch: sources count what they put out, sinks what they took. */
void ctx_count_in(struct ctx *, uint64_t n, enum fate);
void ctx_count_made(struct ctx *, uint64_t n);
/* Blank lines that were passed over. */
void ctx_count_blank(struct ctx *, uint64_t n);
/* n records that batch called `from` turned out to be `to`: sinks that learn later what a server thinks of them. */
void ctx_recount(struct ctx *, uint64_t n, enum fate from, enum fate to);
/* --max-rejects P% over all that came in: 0, or EXIT_INPUT after a message. For sinks, before they commit. */
int ctx_rejects_ok(struct ctx *);
/* What was counted so far; whole in finish. (run/flow.h) */
const struct flow_counts *ctx_counts(const struct ctx *);
/* One bad record outside a batch: the --on-error, --reject, --max-rejects policy. 0: go on; else the exit status. */
int ctx_reject(struct ctx *, struct where, const char *why, struct span raw);
/* Standard output of this command. */
struct sink *ctx_out(struct ctx *);
/* Operands behind the words. */
size_t ctx_files(struct ctx *, const char *const **files);
/* CMD_COMMAND: the words behind `--`, NULL behind the last; none when there was no `--`. */
char *const *ctx_command(struct ctx *);
/*
 * For set_up of commands that send rows out: nothing leaves an overlay; in a run all operands must be
 * tables, as a pipe may end because its writer died, and *rows is how many must come. 0 or a status.
 */
int ctx_outward(struct ctx *, uint64_t *rows);
/* For end: did in a run as many come? 0 or EXIT_INPUT after a message. */
int ctx_outward_end(struct ctx *, uint64_t came, uint64_t rows);
/* The first half of it, for what speaks to the outside without sending rows (alerts): EXIT_USAGE in an overlay. */
int ctx_outside(const struct ctx *);
/*
 * The clock, microseconds since 1970: for what is measured against now; no answer to a question about the data.  In a
 * barrier job it is that of the control line before.
 */
int64_t ctx_now_us(struct ctx *);
/* Is this a stage of a barrier job? For set_up: --late, --idle, --state, clocks of its own are a usage error there. */
bool ctx_in_job(const struct ctx *);
/* How control lines of this job are known: MARK_NONCE digits; NULL outside. */
const char *ctx_nonce(const struct ctx *);
/*
 * The file of --reject of a sink or source in a barrier job: its bytes, all of them synced, and cut back to so many;
 * what is in it then is what --max-rejects N counts.  Without --reject 0, and nothing.  0 or a status after a message.
 */
int ctx_rejects_size(struct ctx *, uint64_t *bytes);
int ctx_rejects_cut(struct ctx *, uint64_t bytes);
/* In a barrier job: the watermark of the control line before; INT64_MIN: none yet. */
int64_t ctx_wm_ms(const struct ctx *);
/* A signal asked for a clean stop (CMD_EFFECT). */
bool ctx_stopped(struct ctx *);
/* The same to look at while waiting: not 0 once a signal came. */
volatile const sig_atomic_t *ctx_stop(struct ctx *);

#endif
