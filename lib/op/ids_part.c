/* SPDX-License-Identifier: BSD-2-Clause */
/* ids_part - see ids_part.h; a counting sort in place (McIlroy, Bostic, McIlroy: Engineering radix sort, 1993) */
#include "op/ids_part.h"

unsigned
ids_part_of(struct fp id)
{
	uint64_t x = (id.lo ^ id.hi >> 32 ^ id.hi << 32) * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)((x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 56);
}

void
ids_part(struct ids *s, uint64_t at[IDS_PARTS + 1])
{
	uint64_t next[IDS_PARTS], n = 0;

	memset(at, 0, (IDS_PARTS + 1) * sizeof *at);
	for (uint64_t i = 0; i < s->cap; i++) {
		struct fp id = ids_slot(s, i);

		if ((id.lo | id.hi) == 0)
			continue;
		ids_slot_put(s, n++, id);
		at[ids_part_of(id) + 1]++;
	}
	for (unsigned p = 0; p < IDS_PARTS; p++) {
		at[p + 1] += at[p];
		next[p] = at[p];
	}
	/* each id that stands in a foreign part is taken out, and put home for the one that stands there */
	for (unsigned p = 0; p < IDS_PARTS; p++) {
		while (next[p] < at[p + 1]) {
			struct fp id = ids_slot(s, next[p]);
			unsigned home = ids_part_of(id);

			while (home != p) {
				struct fp other = ids_slot(s, next[home]);

				ids_slot_put(s, next[home]++, id);
				id = other;
				home = ids_part_of(id);
			}
			ids_slot_put(s, next[p]++, id);
		}
	}
}
