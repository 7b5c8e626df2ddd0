/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mark - a control line: where an epoch of a stream ends
 *
 *	if (mark_is(line)) { why = mark_parse(line, &m); ... }
 *
 * Invariants: known by its fixed prefix before the scanner sees it; only in a job whose nonce it
 * carries, else it is data.  The id ends epoch id; now, wm and pins hold for the epoch that follows.
 * Under marks these are the only clock and the only watermark a tool may use; what a tool makes of either is
 * base/watermark.h.
 */
#ifndef BASE_MARK_H
#define BASE_MARK_H

#include <stdint.h>

#include "base/span.h"

#define MARK_PREFIX "{\"$barrier\":\""

struct mark {
	uint64_t id, run;
	bool open, end;			/* open: first line, restore id; end: last line, nothing follows */
	uint64_t n;			/* records the previous hop wrote since its last mark */
	int64_t now_ms, wm_ms;		/* wm_ms INT64_MIN: none yet */
	struct span from, to, pins, hops;	/* raw JSON: source positions, TABLE -> commit, counts of each hop */
};

#endif
