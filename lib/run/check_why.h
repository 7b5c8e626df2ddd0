/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_why - why records of two sides differ: late, rejected, counted twice, not yet written
 *
 *	struct whys *w = whys_new(n_sums);
 *	rc = whys_name(w, "late=late.ndjson", true, &operand);	// true: what A has and B lacks
 *	why = whys_put(w, reason, key, num, has);		// one record of the operand
 *	found = whys_of(w, key);				// NULL: nobody says why
 *	whys_free(w);
 *
 * Invariants: records are kept by canonical key alone, those of one key added up.  What a reason lacks and another has
 * twice are one number a sum: how much B should be behind A.  A sum that a record does not tell makes that sum of its
 * key unknown.  Memory is what map_bytes() says, sums included.
 */
#ifndef RUN_CHECK_WHY_H
#define RUN_CHECK_WHY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/decimal.h"

#define REASONS_MAX 16u

struct why_sum { struct decsum behind; bool unknown; };
struct why {
	uint64_t n[REASONS_MAX];	/* records that a reason has of this key */
	struct why_sum sum[];		/* by how much B is to be behind A */
};

struct whys;
struct whys *whys_new(size_t n_sums);
/*
 * NAME=OPERAND is one more reason, its number is how many there were; *operand points into text.  B lacks such records
 * of A's, or has them besides.  NULL or what is wrong.
 */
const char *whys_name(struct whys *, const char *text, bool lacks, const char **operand);
size_t whys_count(const struct whys *);
struct span whys_named(const struct whys *, size_t reason);
/* One record of a reason: its sums, has[k] where it tells them. */
void whys_put(struct whys *, size_t reason, struct span key, const struct dec *num, const bool *has);
/* What is known of a key; NULL: nothing. Good until whys_free. */
const struct why *whys_of(const struct whys *, struct span key);
size_t whys_bytes(const struct whys *);
void whys_free(struct whys *);

#endif
