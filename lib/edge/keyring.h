/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyring - a file of keys, and texts sealed under them: enc:v1:KEYID:BASE64URL
 *
 *	if ((rc = keyring_open("keys/pii", &k)) != 0) return rc;
 *	if (!keyring_seal(k, text, &out)) ...			// under the file's first key
 *	why = keyring_unseal(k, sealed, &out, &newest);		// under any of them
 *	rc = keyring_sum("keys/pii", sum);		// in one process; in another, which opened it later,
 *	if (!keyring_back_to(k, sum)) ...		// to seal and open as by the file of then
 *
 * Invariants: a line of the file is `KEYID HEX`: an identifier of at most 32 of [A-Za-z0-9_-] and
 * 64 or 128 hexadecimal digits (AES-128-SIV, AES-256-SIV); `#` begins a comment.  Nobody but its
 * owner may read the file.  No key ever reaches a message or stays in memory that was given back.
 * What stands before BASE64URL is authenticated with the text.
 */
#ifndef EDGE_KEYRING_H
#define EDGE_KEYRING_H

#include "base/buf.h"
#include "base/hash.h"

struct keyring;

/* 0, EXIT_USAGE (mode, contents) or EXIT_IO (not there) after a message. */
int keyring_open(const char *path, struct keyring **);
void keyring_free(struct keyring *);
/* Append the sealed form of a text that is not empty. False when the library fails. */
bool keyring_seal(struct keyring *, struct span text, struct buf *out);
/*
 * Append the text. NULL, or a constant reason; *newest: it was sealed under the first key, so
 * sealing it again would give the same.
 */
const char *keyring_unseal(struct keyring *, struct span sealed, struct buf *out, bool *newest);
/*
 * What tells these keys and their order from others: sum[SHA256_HEX + 1].  It is made of texts sealed under them, so it
 * leads to no key.  As keyring_open; nothing of the keys stays in the process.
 */
int keyring_sum(const char *path, char *sum);
/*
 * Forget the keys at the top that were put there since the file had that sum: what is sealed and opened is the same as
 * then.  False, and nothing forgotten: it is not that file with new keys at the top, if any.
 */
bool keyring_back_to(struct keyring *, const char *sum);
/* Is it at most 32 of [A-Za-z0-9_-]? So are KEYIDs, and names of files of keys should be. */
bool keyring_name_good(struct span);
/* Does it look sealed, whatever the key? */
bool keyring_is_sealed(struct span text);

#endif
