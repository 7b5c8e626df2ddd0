/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * siv - deterministic authenticated encryption: AES-SIV (RFC 5297) by OpenSSL
 *
 *	struct siv *s = siv_new(key, 64);			// AES-256-SIV
 *	siv_seal(s, &header, 1, plain, &out);			// 16 bytes of tag, then the text
 *	if (!siv_open(s, &header, 1, sealed, &plain)) ... changed, or another key ...
 *
 * Invariants: the same key, headers and text give the same bytes, for ever and everywhere, so
 * sealed values join and group; nothing else about the text shows but its length and where it is
 * repeated.  Texts and headers are not empty (OpenSSL before 3.1.2 passes over those that are,
 * CVE-2023-2975).  Not thread-safe: one siv per thread.
 */
#ifndef EDGE_SIV_H
#define EDGE_SIV_H

#include "base/buf.h"

#define SIV_TAG_BYTES 16

struct siv;

/* A key of 32 or 64 bytes (twice the key of AES-128, AES-256); NULL for other lengths. Copied. */
struct siv *siv_new(const unsigned char *key, size_t n);
/* Wipes the key. */
void siv_free(struct siv *);
/* Append the sealed text. False when OpenSSL fails (out is as before). */
bool siv_seal(struct siv *, const struct span *header, size_t n, struct span text, struct buf *out);
/* Append the text; false, and nothing appended, when text, header or key is not what was sealed. */
bool siv_open(struct siv *, const struct span *header, size_t n, struct span sealed, struct buf *out);

#endif
