/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keytab - keys to the numbers 0, 1, 2, … in the order they came, each with a cell of 32 bits
 *
 *	keytab_near(t, hash); ... keytab_nearer(t, hash); ... i = keytab_put(t, hash, key, &fresh);
 *	*keytab_cell(t, i) = 7;
 *	struct keytab_place *order = keytab_sorted(&t, 1, &n);	// numbers in the byte order of their keys
 *
 * Invariants: slots of 8 bytes (32 bits of hash, 32 of number), filled at most 3/4; an entry of 32 bytes holds keys up
 * to 24 bytes itself, longer ones in an arena.  A cell moves with the next put.  Hashes are hash_mem's, and decide no
 * order.
 */
#ifndef CDC_KEYTAB_H
#define CDC_KEYTAB_H

#include <stdint.h>

#include "base/span.h"

struct keytab;
struct keytab *keytab_new(void);
/* The key's number; made, its cell 0, when it was not there. */
uint32_t keytab_put(struct keytab *, uint64_t hash, struct span key, bool *fresh);
/* Bring its slot near; some puts later what the slot leads to: its cell, where it likely stands, or NULL. */
void keytab_near(const struct keytab *, uint64_t hash);
const uint32_t *keytab_nearer(const struct keytab *, uint64_t hash);
uint32_t *keytab_cell(struct keytab *, uint32_t i);
/* Good until the next put. */
struct span keytab_key(const struct keytab *, uint32_t i);
/* Forget all keys, but keep the memory for as many. */
void keytab_clear(struct keytab *);
size_t keytab_count(const struct keytab *);
size_t keytab_bytes(const struct keytab *);
/* The keys of n tables, none of which is in two of them, in key order: *keys of them; free() it. */
struct keytab_place { uint32_t table, i; };
struct keytab_place *keytab_sorted(const struct keytab *const *, size_t n, size_t *keys);
void keytab_free(struct keytab *);

#endif
