/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * partial - the state of an operator as records, and back: --partial on one side of a shuffle, --merge on the other
 *
 *	struct partial p = { .c = c, .op = op, .st = st, .group = &list, .head = 8, .at = true };
 *	partial_sign(&p, "-w"); partial_sign(&p, width); ...	// what both sides must agree on
 *	rc = partial_set_up(&p);
 *	rc = partial_relieve(&p, b); ... rc = partial_write(&p);	// --partial: over budget; at the end
 *	rc = partial_batch(&p, b);					// --merge: instead of the operator's batch
 *
 * Invariants: a record is {GROUPS…,"$at":US,"$partial":"BASE64"}: the groups and a window's start are there to sort,
 * shard and shuffle by, $partial alone is read back.  It holds a sign of the arguments, a check of its bytes,
 * the key and the value of one piece of state.  Records of any split, in any order, make the same state (base/op.h).
 */
#ifndef RUN_PARTIAL_H
#define RUN_PARTIAL_H

#include "run/run.h"

struct partial {
	struct ctx *c;
	const struct op *op;
	void *st;
	const struct col_list *group;
	size_t head;			/* bytes before the groups in a key */
	bool at;			/* these are a window's start (op/pack.h) */
	int col;			/* of $partial */
	uint64_t sign;
	struct buf args, bytes, text;
	struct span *part;
};

/* Both sides must be given the same; NULL is something too. */
void partial_sign(struct partial *, const char *text);
/* 0 or EXIT_USAGE after a message. */
int partial_set_up(struct partial *);
/* Write and forget the state when it is larger than -S. */
int partial_relieve(struct partial *, const struct batch *);
int partial_write(struct partial *);
int partial_batch(struct partial *, const struct batch *);

#endif
