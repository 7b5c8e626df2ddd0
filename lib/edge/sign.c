/* SPDX-License-Identifier: BSD-2-Clause */
/* sign - see sign.h */
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/err.h"
#include "edge/sign.h"

void
sign_hmac(struct span key, struct span message, unsigned char mac[SIGN_BYTES])
{
	unsigned n = SIGN_BYTES;

	if (key.n > INT_MAX || HMAC(EVP_sha256(), key.n == 0 ? "" : key.p, (int)key.n,
	    (const unsigned char *)message.p, message.n, mac, &n) == NULL || n != SIGN_BYTES)
		err_die(EXIT_IO, "HMAC-SHA256: OpenSSL cannot");
}

void
sign_hex(const unsigned char mac[SIGN_BYTES], struct buf *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < SIGN_BYTES; i++) {
		buf_byte(out, digit[mac[i] >> 4]);
		buf_byte(out, digit[mac[i] & 15]);
	}
}

void
sign_base64(struct span s, struct buf *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < s.n; i += 3) {
		unsigned long v = 0;
		size_t n = s.n - i < 3 ? s.n - i : 3;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? (unsigned char)s.p[i + k] : 0u);
		for (size_t k = 0; k < 4; k++)
			buf_byte(out, k <= n ? digit[v >> (18 - 6 * k) & 63] : '=');
	}
}
