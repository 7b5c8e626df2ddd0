/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ids_part - a large set of ids in parts, without memory of its own: what a set that does not fit is put aside as
 *
 *	uint64_t at[IDS_PARTS + 1];
 *	ids_part(&s, at);			// s holds a list now; only ids_slot and ids_free may follow
 *	for (uint64_t i = at[p]; i < at[p + 1]; i++) use(ids_slot(&s, i));
 *
 * Invariants: an id is in the same part everywhere, and parts are about equally large whatever the ids are, so the
 * parts of sets can be joined and counted one after the other.
 */
#ifndef OP_IDS_PART_H
#define OP_IDS_PART_H

#include "op/ids.h"

#define IDS_PARTS 256

unsigned ids_part_of(struct fp);
/* The id 0 is in no part: it stays as s->zero. */
void ids_part(struct ids *, uint64_t at[IDS_PARTS + 1]);

#endif
