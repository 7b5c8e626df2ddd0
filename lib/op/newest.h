/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newest - of each key the newest change since it was last asked for, whatever order changes come in
 *
 *	void *st = newest_new();
 *	newest_put(st, key, ord, line);			// a change; key "": one of all keys there are
 *	newest_op.close(st, 0, host);			// host->raw: of each key that changed its newest, in key order
 *
 * Invariants: ord is text, and its byte order is the order of changes.  What a close has given out, or something older,
 * never comes again: of each key the newest ord stays known, and a hash of its line, so that the same change once more
 * is known; another one of the same ord counts as newer.  A change of all keys hides what is older, and what was known
 * of keys goes with it.  Memory: about 80 bytes a key and its ord; the lines of keys that changed since the last close.
 * State: key -> ord, hash, line.  Lines are forgotten by a close, so a save behind it holds none.  Saving what changed
 * takes time by that, not by how many keys there are.
 */
#ifndef OP_NEWEST_H
#define OP_NEWEST_H

#include "base/op.h"

void *newest_new(void);
/* False: it is older than what is known, or the same. Copies what it keeps. */
bool newest_put(void *st, struct span key, struct span ord, struct span line);
extern const struct op newest_op;	/* add, save, close, bytes, free alone; the time of a close does not matter */

#endif
