/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sign - HMAC-SHA256 (RFC 2104) of a message, and how receivers want to see it
 *
 *	sign_hmac(key, message, mac);
 *	sign_hex(mac, &header);		// or sign_base64(buf_span(&bytes), &out)
 *
 * Invariants: keys are bytes of any length; nothing of them is kept.
 */
#ifndef EDGE_SIGN_H
#define EDGE_SIGN_H

#include "base/buf.h"

#define SIGN_BYTES 32

void sign_hmac(struct span key, struct span message, unsigned char mac[SIGN_BYTES]);
/* Append in lower-case hexadecimal digits. */
void sign_hex(const unsigned char mac[SIGN_BYTES], struct buf *out);
/* Append in base64 (RFC 4648, with padding, no line ends). */
void sign_base64(struct span bytes, struct buf *out);

#endif
