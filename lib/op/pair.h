/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair - two streams joined in event time: by the distance of their times, by windows, by sessions
 *
 *	void *st = pair_new(&conf);
 *	rc = pair_feed(st, 0, b, host);			// records of the left (0) or right (1) stream
 *	rc = pair_advance(st, host);			// what both watermarks have passed: lines by host->raw
 *	pair_ended(st, 0); ... pair_op.close(st, INT64_MAX, host);
 *
 * Invariants: the lines and their order depend on the records alone, not on how the streams were interleaved or cut.
 * Each line has a time: of a pair the later of its two, of a record alone the last at which a partner could have come,
 * of a window its start, of a session its end.  Lines come by that time; those of one time, without windows, pairs
 * first, then left ones alone, then right ones alone; then by key, left time and bytes, right time and bytes.  A record
 * is late when its time is below its own stream's watermark at that moment: that too depends on its stream alone.
 * A record is forgotten when no record that is not late can meet it any more.  State: key -> records.
 */
#ifndef OP_PAIR_H
#define OP_PAIR_H

#include "base/lent.h"
#include "base/op.h"
#include "base/watermark.h"

#define PAIR_WINDOWS_MAX 10000		/* sliding windows that one record may be in */

enum pair_kind { PAIR_BETWEEN, PAIR_WINDOW, PAIR_SESSION };
enum pair_type { PAIR_INNER, PAIR_LEFT, PAIR_RIGHT, PAIR_FULL, PAIR_SEMI, PAIR_ANTI };

struct pair_side {
	const int *key;			/* columns */
	int time;			/* column */
	enum unit unit;
	bool bounded;			/* its watermark holds: what is below it is late; else nothing of it is late */
	struct dur late;
};

struct pair_conf {			/* what it points to must live as long as the state */
	enum pair_kind kind;
	enum pair_type type;
	struct pair_side side[2];	/* left, right */
	size_t n_keys;
	enum key_as as;
	const struct zone *zone;
	int which;			/* one stream: column that is true or "left", false or "right"; else -1 */
	int64_t lo_us, hi_us;		/* PAIR_BETWEEN: lo <= right - left <= hi */
	struct dur width, slide;	/* PAIR_WINDOW; equal: tumbling */
	int64_t offset_us;
	int64_t gap_us;			/* PAIR_SESSION */
	enum when_style style;		/* of window_start and window_end */
	int late_out;			/* side output for late records, or -1 */
	bool ordered;			/* what is scanned ahead is put in order there: records alone move time */
	bool never_late;		/* the bounds were measured: a late record means that an input has changed */
};

/* Why such a join cannot be meant; NULL: it can. */
const char *pair_why(const struct pair_conf *);
void *pair_new(const struct pair_conf *);
/*
 * For b->ahead: times and hashes of the keys of records of that side, before their turn, by the one thread that scans
 * that side.  Not of one stream.
 */
void pair_ahead(void *st, int side, const struct batch *, struct buf *scratch, struct fp *out);
/* conf.ordered: behind each block, and after the last one; appends to `made` what pair_take_order takes. */
void pair_ordered(void *st, int side, bool last, struct buf *made);
/* After the block was fed. */
void pair_take_order(void *st, int side, struct span made);
/* side is ignored where the stream is one. 0, or an exit status (EXIT_TEMP: never_late was not true). */
int pair_feed(void *st, int side, const struct batch *, const struct host *);
/*
 * The lines of the batches that follow stand in this block (NULL: they go with their batch): what is held of them stays
 * there, until so much of the blocks is of records that are gone that the others' lines are copied (pair_settle).  The
 * block is the state's from then on; it can be had again from pair_idle when nothing is held of it, but not before
 * pair_lend is said the next time.
 */
void pair_lend(void *st, struct lent *);
/* These go with the state. */
struct lent_list *pair_idle(void *st);
/* Copy lines out of blocks where that gives back at least an eighth of the state's memory. */
void pair_settle(void *st);
/* Write and forget what is over by the lower of both watermarks. Not after the state was shed. */
int pair_advance(void *st, const struct host *);
/* No record of that side comes any more. */
void pair_ended(void *st, int side);
struct watermark *pair_watermark(void *st, int side);
/* Bits of the tags (1 << enum tag) that key column k had on that side, until the first pair. */
unsigned pair_tags(const void *st, int side, size_t k);

struct pair_told {
	bool met;			/* some record met another one */
	uint64_t late, no_key;
	uint64_t records, peak_records;	/* held, and at most at once */
	size_t peak_bytes;
};
void pair_tell(const void *st, struct pair_told *);

extern const struct op pair_op;

#endif
