/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * err - exit statuses, and the one way a message reaches a person
 *
 *	err_name("dedup");
 *	if (fd == -1) return err_io("%s: %s", path, strerror(errno));	// prints, returns EXIT_IO
 *	err_die(EXIT_USAGE, "-k is required");
 *
 * Invariants: a message is one line `tool: what`, at most MESSAGE_BYTES_MAX bytes before
 * masking; control bytes, DEL and bytes that are no UTF-8 are shown as \xNN, so that data
 * can never drive a terminal or forge a log line.  Functions of lib return 0 or one of these.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

enum exit_status {
	EXIT_DONE = 0,		/* all done, flushed, closed */
	EXIT_NO = 1,		/* the answer is no: nothing found, a check failed, sides differ */
	EXIT_USAGE = 2,
	EXIT_INPUT = 3,		/* bad input, or more rejects than allowed */
	EXIT_IO = 4,		/* output or local I/O failed; an input that cannot be opened or read */
	EXIT_REMOTE = 5,	/* a remote refused for good */
	EXIT_TEMP = 75		/* try again; the only one a scheduler retries */
};

/* Set the name that messages begin with; s must live as long as the process. */
void err_name(const char *s);
const char *err_tool(void);

/* Print `tool: message`. Never fails, never changes errno. */
void err_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print and return that status, so that a caller can `return err_io(…)`. */
int err_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int err_input(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int err_io(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int err_remote(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int err_temp(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print and exit; for main's control plane only, never in lib below run. */
_Noreturn void err_die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Copy at most src_n bytes into dst (size bytes, always terminated) with everything that is
 * not printable UTF-8 shown as \xNN; a copy that does not fit ends in "...".  Returns dst.
 */
char *err_mask(char *dst, size_t size, const char *src, size_t src_n);

/* A copy of every message goes to this fd too (a run's log); -1 ends it. */
void err_tee(int fd);

/*
 * From now on what this thread says is kept in b, whole lines, for whoever knows when its turn is (err_release, by any
 * thread); NULL: it is said at once again.  err_die says what is kept, then its own.  Returns what it was before.
 */
struct buf;
struct buf *err_hold(struct buf *b);
/* Say what was kept, and empty b. */
void err_release(struct buf *b);

#endif
