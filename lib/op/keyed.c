/* SPDX-License-Identifier: BSD-2-Clause */
/* keyed - see keyed.h */
#include <stdlib.h>

#include "op/keyed.h"
#include "op/pack.h"

int
keyed_save(const struct keyed *k, void *st, const struct map *map, struct buf *gone, bool all, kv_fn *put, void *arg)
{
	struct map_entry *e = map_sorted(map);
	int rc = 0;

	if (gone != NULL) {
		struct unpack u = { buf_span(gone), true };

		while (!all && rc == 0 && u.s.n > 0)
			rc = put(arg, unpack_span(&u), span_of(NULL, 0));
		buf_clear(gone);
	}
	for (size_t i = 0; i < map_count(map) && rc == 0; i++)
		if (all || k->changed(st, e[i].cell))
			rc = k->put(st, &e[i], put, arg);
	free(e);
	return rc;
}

int
keyed_shed(const struct keyed *k, void *st, struct map *map, struct pool *pool, size_t want, kv_fn *put, void *arg)
{
	struct map_entry *e = map_sorted(map);
	size_t n = map_count(map), gone = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0 && gone < want; i++) {
		rc = k->put(st, &e[i], put, arg);
		gone += e[i].key.n + (k->drop == NULL ? 64 : k->drop(st, &e[i]));
		map_del(map, e[i].key);
	}
	if (map_count(map) == 0) {
		map_clear(map);
		if (pool != NULL)
			pool_free(pool);
	}
	free(e);
	return rc;
}
