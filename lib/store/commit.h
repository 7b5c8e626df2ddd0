/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commit - one commit record: an immutable JSON line that ends in the hash of itself
 *
 *	rc = commit_parse(bytes, path, &c);		// whole, sum right, every member of the right kind
 *	json_object_set_new(c, "n", json_integer(n)); commit_print(c, &line);
 *
 * Invariants: the line is `{…,"sha256":"HEX"}` and LF, HEX the SHA-256 of all bytes before
 * `,"sha256"`.  What commit_parse accepted can be read without further checks: the members below
 * have their types, names of files hold no '/', days are real days.  A torn or changed record is
 * EXIT_INPUT, never skipped.
 *
 *	v, n, nonce, kind (meta|data|fence), ts, app | apps, epoch, txns[{app, from, to, epoch}], base,
 *	days{D: {mode append|replace|rewrite|delta|drop, add[{file, rows, bytes, xxh64, min_ts, max_ts, first_key,
 *	last_key, app, delta, of, chain}], rm[]}}, inputs{TABLE: N}, reads{TABLE@DAYS: hash}, counts{}, run,
 *	schema[{name, types}], meta, implicit
 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include <jansson.h>

#include "base/buf.h"

#define COMMIT_BYTES_MAX (256u << 20)
#define COMMIT_VERSION 1

/*
 * Parse and check a record; name is for messages. 0 with a new reference, or EXIT_INPUT after a
 * message.
 */
int commit_parse(struct span bytes, const char *name, json_t **out);
/* Any sealed line (a run's record too): only the sum is checked. 0 with a new reference, or EXIT_INPUT. */
int commit_unseal(struct span bytes, const char *name, json_t **out);
/*
 * The same without the sum: what a caller found trustworthy, or made itself. NULL or a constant
 * reason.
 */
const char *commit_bad(const json_t *);
/* Append the line of a record (which has no "sha256") to out. */
void commit_print(const json_t *, struct buf *out);

/* Members that are there by now: "" and 0 where an optional one is missing. */
const char *commit_text(const json_t *, const char *key);
uint64_t commit_u64(const json_t *, const char *key);
/* A new record of that kind with v, nonce and ts. */
json_t *commit_new(const char *kind, const char *app, uint64_t base);

#endif
