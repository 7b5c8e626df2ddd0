/* SPDX-License-Identifier: BSD-2-Clause */
/* siv - see siv.h */
#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "edge/siv.h"

/* A context of SIV serves one message; a copy of one that has its key costs a third of giving it anew. */
struct siv {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *keyed[2];	/* to open, to seal */
	EVP_CIPHER_CTX *ctx;
};

struct siv *
siv_new(const unsigned char *key, size_t n)
{
	struct siv *s;

	if (n != 32 && n != 64)
		return NULL;
	s = mem_new(sizeof *s);
	s->cipher = EVP_CIPHER_fetch(NULL, n == 32 ? "AES-128-SIV" : "AES-256-SIV", NULL);
	s->ctx = EVP_CIPHER_CTX_new();
	for (int seal = 0; seal < 2; seal++) {
		s->keyed[seal] = EVP_CIPHER_CTX_new();
		if (s->cipher == NULL || s->ctx == NULL || s->keyed[seal] == NULL ||
		    EVP_CipherInit_ex2(s->keyed[seal], s->cipher, key, NULL, seal, NULL) != 1) {
			siv_free(s);
			return NULL;
		}
	}
	return s;
}

void
siv_free(struct siv *s)
{
	if (s == NULL)
		return;
	/* each wipes its keys */
	EVP_CIPHER_CTX_free(s->ctx);
	EVP_CIPHER_CTX_free(s->keyed[0]);
	EVP_CIPHER_CTX_free(s->keyed[1]);
	EVP_CIPHER_free(s->cipher);
	free(s);
}

/* One message: tag, headers, text. */
static bool
run(struct siv *s, bool seal, const struct span *header, size_t n, struct span text, unsigned char *tag, char *out)
{
	int got = 0;

	assert(text.n > 0);
	if (text.n > INT_MAX || EVP_CIPHER_CTX_copy(s->ctx, s->keyed[seal]) != 1)
		return false;
	if (!seal && EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_TAG, SIV_TAG_BYTES, tag) != 1)
		return false;
	for (size_t i = 0; i < n; i++) {
		assert(header[i].n > 0);
		if (header[i].n > INT_MAX ||
		    EVP_CipherUpdate(s->ctx, NULL, &got, (const unsigned char *)header[i].p, (int)header[i].n) != 1)
			return false;
	}
	if (EVP_CipherUpdate(s->ctx, (unsigned char *)out, &got, (const unsigned char *)text.p, (int)text.n) != 1 ||
	    (size_t)got != text.n || EVP_CipherFinal_ex(s->ctx, (unsigned char *)out + got, &got) != 1)
		return false;
	return !seal || EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_GET_TAG, SIV_TAG_BYTES, tag) == 1;
}

bool
siv_seal(struct siv *s, const struct span *header, size_t n, struct span text, struct buf *out)
{
	unsigned char tag[SIV_TAG_BYTES];
	char *to = buf_room(out, mem_add(text.n, SIV_TAG_BYTES));

	if (!run(s, true, header, n, text, tag, to + SIV_TAG_BYTES))
		return false;
	memcpy(to, tag, SIV_TAG_BYTES);
	out->n += text.n + SIV_TAG_BYTES;
	return true;
}

bool
siv_open(struct siv *s, const struct span *header, size_t n, struct span sealed, struct buf *out)
{
	unsigned char tag[SIV_TAG_BYTES];
	struct span text = span_from(sealed, SIV_TAG_BYTES);

	if (text.n == 0)
		return false;
	memcpy(tag, sealed.p, SIV_TAG_BYTES);
	if (!run(s, false, header, n, text, tag, buf_room(out, text.n)))
		return false;
	out->n += text.n;
	return true;
}
