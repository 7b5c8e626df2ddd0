/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sides - two inputs that should hold the same records: counts and sums of both, then the records that differ
 *
 *	struct sides_conf conf = { .keys = "id", .sums = "amount" };
 *	rc = sides_new(ctx, &conf, &s);					// in set_up
 *	rc = sides_count(s, "old.ndjson", "wh:dwd.pay@2026-11-20");	// reads both
 *	rc = sides_tell_buckets(s); ... rc = sides_tell_records(s);	// JSON lines on stdout
 *	for (i = 0; sides_judge(s, i, &v); i++) ... v ...		// the whole first, then each bucket
 *	sides_free(s);
 *
 * Invariants: the first reading keeps of each side a count and a sum of 192-bit hashes for 2^16 parts of the keys, as
 * pt-table-checksum does with chunks; the second one takes the records of the parts that differ alone, in sorted runs
 * on disk past a quarter of -S.  So what is equal costs no memory, and a million differences cost as much as one.
 * Operands that cannot be read twice (a pipe) are kept whole in the runs.  Numbers are exact decimals; keys and values
 * compare by their canonical form (base/val.h).  Records of one key and side are told apart by their values.
 * Reasons (run/check_why.h) are asked for when a key differs; what they explain is told, and no longer a stray.
 */
#ifndef RUN_CHECK_SIDES_H
#define RUN_CHECK_SIDES_H

#include "base/decimal.h"
#include "out/event.h"
#include "run/opt.h"
#include "run/run.h"

struct sides_conf {
	const char *keys, *sums, *fields, *by;	/* lists of [NAME=]PATH; by: one; all but keys may be NULL */
	struct dec tolerance;			/* rows, and of each sum; 0: none */
	bool percent;				/* of A's */
	struct opt_list lacks, extra;		/* NAME=OPERAND: records that B does not have, or has besides */
	const char *flushed;			/* NAME=VALUE of a key or field: greater is not yet in B; or NULL */
};

struct sides_verdict {
	enum severity severity;			/* warn: apart, but within the tolerance */
	struct buf by;				/* the bucket's value as JSON; empty: the whole */
	struct buf text;
	uint64_t rows[2], strays, near;		/* strays: records that differ; near: hidden by the tolerance */
	uint64_t explained;			/* differ, for a known reason, and by as much as it says */
};

struct sides;
/* Compile. 0 or EXIT_USAGE after a message. */
int sides_new(struct ctx *, const struct sides_conf *, struct sides **);
/* Read both: what differs is known. 0 or a status; EXIT_TEMP where an operand changed meanwhile. */
int sides_count(struct sides *, const char *a, const char *b);
/* `{"is":"all",…}` and with by `{"is":"bucket",…}` a bucket, in the order of its value. */
int sides_tell_buckets(struct sides *);
/*
 * `{"is":"only_a"|"only_b"|"differs","key":{…},"a":{…}|null,"b":…,"within":…}`, in the order of keys; with reasons
 * also `"why":{NAME:RECORDS,…},"explained":…`.
 */
int sides_tell_records(struct sides *);
/* Verdict i, 0 is the whole; false behind the last. Pre: records were told. Empties and fills *v. */
bool sides_judge(const struct sides *, size_t i, struct sides_verdict *v);
void sides_verdict_free(struct sides_verdict *);
void sides_free(struct sides *);

#endif
