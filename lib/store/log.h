/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log - the commit log of one table: read its head, publish the next number
 *
 *	struct log g = { .dir = "…/order_info/_log" };
 *	if ((rc = log_read(&g, LOG_HEAD, &s)) != 0) return rc;	// s->head == 0: there is none yet
 *	do { n = s->head + 1; … rc = log_link(&g, n, record, &taken); … log_follow(&g, s) … } while (taken);
 *
 * Invariants: <n>.json never changes and numbers have no gaps above FLOOR; a record under its final
 * name is whole and durable (written and fsynced under another name, then linked without replacing,
 * then the directory is fsynced). HEAD is a hint: without it only more records are read.  FLOOR is
 * read again wherever a missing number is taken for the end, and after each link: a number at or
 * below it is void.
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "store/live.h"

#define LOG_HEAD UINT64_MAX
#define CHECKPOINT_EVERY 256	/* commits */

struct log { const char *dir; };

/*
 * The state at commit `at` (LOG_HEAD: all there is). 0, EXIT_INPUT (torn, a gap, no such
 * commit), EXIT_IO.
 */
int log_read(const struct log *, uint64_t at, struct live **out);
/* Read on from s->head to the head. */
int log_follow(const struct log *, struct live *);
/* Record n, checked; *out NULL and 0 when it is not there. */
int log_record(const struct log *, uint64_t n, json_t **out);
enum link {
	LINK_DONE,	/* it stands there, durable: the commit point; or a lost answer was found to be ours */
	LINK_TAKEN,	/* another record stands there; nothing was done */
	LINK_VOID	/* FLOOR had reached the number: whether a collector folded it first, its checkpoint says */
};

/*
 * Publish a record as number n (written into it).  After EXIT_IO *how is LINK_TAKEN: it is not there; or
 * LINK_DONE: it is, but whether it lasts is not known, for the last fsync failed.
 */
int log_link(const struct log *, uint64_t n, json_t *record, enum link *how);
/* Is a record with this nonce among (base, head]? Its number, or 0. */
int log_find(const struct log *, uint64_t base, uint64_t head, const char *nonce, uint64_t *n);
/* The highest number collected; 0: none. */
int log_floor(const struct log *, uint64_t *floor);

/*
 * HEAD: the last number seen, the newest checkpoint, and up to where all views were made. All 0
 * when it is not there.
 */
struct log_hint { uint64_t head, checkpoint, viewed; };
int log_hint(const struct log *, struct log_hint *);
int log_hint_put(const struct log *, struct log_hint);

/*
 * Write the state as <head>.ckpt.zst, durable; that it is there already is no error.
 * (checkpoint.c)
 */
int log_checkpoint(const struct log *, const struct live *);
/*
 * The state of checkpoint n. EXIT_INPUT when it is torn; *out NULL when it is not there.
 * (checkpoint.c)
 */
int log_checkpoint_read(const struct log *, uint64_t n, struct live **out);

#endif
