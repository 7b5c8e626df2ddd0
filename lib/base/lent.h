/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lent - a block of bytes that others point into: it lives until the last of them has let go of it
 *
 *	struct lent *l = lent_new();		// l->bytes is filled by whoever reads
 *	l->refs++; ... if (--l->refs == 0) lent_add(&idle, l);
 *	l = lent_get(&idle);			// one of those, or a new one
 *
 * Invariants: of one thread, but for its bytes while refs is 0.  Its bytes never move while something points there.
 */
#ifndef BASE_LENT_H
#define BASE_LENT_H

#include "base/buf.h"

#define LENT_IDLE_MAX 8		/* what more there is goes back to the system */

struct lent {
	struct buf bytes;
	size_t used;		/* how many of them were filled */
	size_t refs;
	struct lent *next;	/* among those that are idle */
};

struct lent_list {
	struct lent *first;
	size_t n;
};

struct lent *lent_new(void);
/* To be used again; or freed, where there are enough. */
void lent_add(struct lent_list *, struct lent *);
/* One of the list, or a new one. */
struct lent *lent_get(struct lent_list *);
void lent_free(struct lent *);
void lent_free_all(struct lent_list *);

#endif
