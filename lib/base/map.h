/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map - keys to fixed-size cells: the keyed state of operators
 *
 *	struct map *m = map_new(sizeof(struct cell));
 *	struct cell *c = map_put(m, key, &fresh);	// zeroed when fresh
 *	size_t n = map_sorted(m, &slots);		// entries in key byte order
 *
 * Invariants: open addressing over 64-bit seeded hashes, load at most 3/4; keys are copied into an arena;
 * a cell stays where it is until map_del or map_free, so pointers to it hold across map_put.
 * bytes() counts slots, keys and cells.  Not thread-safe.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdint.h>

#include "base/span.h"

struct map;
struct map_entry { struct span key; void *cell; };

struct map *map_new(size_t cell_bytes);
/* The key's cell or NULL. O(1). */
void *map_get(const struct map *, struct span key);
/* The key's cell, made (zeroed) when it was not there; *fresh says so (may be NULL). */
void *map_put(struct map *, struct span key, bool *fresh);
/* As map_put but the hash (hash_mem of the key) is given: for batches that hash and prefetch first. */
void *map_put_hashed(struct map *, uint64_t hash, struct span key, bool *fresh);
void map_prefetch(const struct map *, uint64_t hash);
/* The key of a cell that is in the map: as long-lived as the cell. */
struct span map_key(const struct map *, const void *cell);
/* Forget a key; its cell's memory is reused by later puts. False when it was not there. */
bool map_del(struct map *, struct span key);
size_t map_count(const struct map *);
size_t map_bytes(const struct map *);
/* All entries in no order: i from 0 until it returns false. No put or del in between. */
bool map_next(const struct map *, size_t *i, struct map_entry *);
/* All entries in key byte order: an array of map_count() entries, to be freed by the caller. */
struct map_entry *map_sorted(const struct map *);
/* The same of n maps with cells of one size, none of whose keys is in two of them; *entries: how many. */
struct map_entry *map_sorted_all(struct map *const *, size_t n, size_t *entries);
/* Those of them that want() says true of, *n: of millions that are not asked for none is sorted. The same. */
struct map_entry *map_sorted_of(const struct map *, bool (*want)(void *arg, const struct map_entry *), void *arg,
    size_t *n);
/*
 * All entries of another map with cells of the same size, where they are in memory; it is empty then.  Of keys that
 * both have both(arg, key, cell, other) lays the other map's cell into ours; nobody looks at it again.
 */
void map_take(struct map *, struct map *from,
    void (*both)(void *arg, struct span key, void *cell, void *other), void *arg);
void map_clear(struct map *);
void map_free(struct map *);

#endif
